"""Training of the eye-disease classifier: a plain loop, which checkpoints let go on from its last finished epoch.

A training that was stopped, by whatever it was, ends with the very same weights as one that was not.
"""
from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from helpers import runtime
from helpers.checks import Unusable, number, shown, whole
from helpers.training import checkpoint, inference, parallel
from helpers.training.history import History

import numpy as np
import paddle
from paddle import nn
from paddle.io import Dataset
from tqdm import tqdm


def fit(
    model: nn.Layer,
    train: Dataset,
    validation: Dataset | None = None,
    epochs: int = 12,
    batch_size: int = 32,
    learning_rate: float = 4e-3,
    weight_decay: float = 0.05,
    label_smoothing: float = 0.1,
    loss_of: Callable[[paddle.Tensor, paddle.Tensor], paddle.Tensor] | None = None,
    seed: int = 0,
    amp: bool = False,
    best: str | Path | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    also: Mapping[str, Any] = MappingProxyType({}),
    progress: Literal["bar", "lines"] | None = "bar",
    after_batch: Callable[[int, int], None] = lambda epoch, batch: None,
) -> History:
    """Train with AdamW and a one-cycle schedule; after each epoch measure the validation part.

    Smith and Topin: Super-Convergence, 2018, https://arxiv.org/abs/1708.07120; AdamW: https://arxiv.org/abs/1711.05101;
    mixed precision: https://arxiv.org/abs/1710.03740. Started by paddle.distributed.launch, all processes train
    together (`helpers.training.parallel`).

    Args:
        model: gives logits [N, classes]; trained in place, and left in training mode. A layer that is in evaluation
            mode while the model itself is in training mode stays so, such as a BatchNorm layer frozen by
            `layer.eval()`. A model that is in evaluation mode itself is put into training mode with all its layers.
        train: items (float32 [3, S, S], int64 label); `set_epoch(epoch)` is called where the data set has it.
        validation: the same kind, not augmented, with all labels as an attribute `labels`; or None.
        epochs, batch_size, learning_rate (the highest one), weight_decay, label_smoothing: the recipe.
        loss_of: the loss of the model's outputs and the labels, for a task that is more than telling classes apart.
        seed: of the order of the images and Dropout, together with the number of the epoch; the augmentation has the
            data set's own seed.
        amp: automatic mixed precision, float16 where it is safe. On a CPU it does nothing.
        best: a file for the weights of the epoch with the best validation AUC; without a validation part, of the last.
        folder: for checkpoints, metrics.jsonl and VisualDL's log.
        resume: go on from the newest good checkpoint in `folder`, if there is one.
        also: what else has to be the same when the training goes on, such as the kind of network or a fingerprint of
            the images, as JSON gives it back: of these images, their number alone is compared.
        progress: a bar on stdout, or a line after each epoch, or nothing.
        after_batch: called with the numbers of the epoch and of the batch in it, both from 0; what it raises ends the
            training.

    Raises:
        Unusable: the validation part has images of one class only; a batch cannot be shared by all processes.
        ValueError: no epoch, a learning rate that is not above 0, or another argument that is none.
        FloatingPointError: the loss, or a weight after an epoch, is not a number any more; names the epoch.
        FileExistsError: there are checkpoints in `folder`, and `resume` is not set.
        CheckpointError: no checkpoint in `folder` is good, or they are of a training with other settings.
    """
    epochs, batch_size, seed = whole("epochs", epochs, 1), whole("batch_size", batch_size, 1), whole("seed", seed, 0)
    learning_rate = number("learning_rate", learning_rate, above=0)
    weight_decay = number("weight_decay", weight_decay, least=0)
    label_smoothing = number("label_smoothing", label_smoothing, least=0, most=1)
    if progress not in ("bar", "lines", None):
        raise ValueError(f"progress must be 'bar', 'lines' or None, not {shown(progress)}")
    if validation is not None and len(set(map(int, validation.labels))) < 2:
        raise Unusable("all validation images are of one class; an AUC needs images of both")
    steps = len(parallel.batches(train, batch_size))
    schedule = paddle.optimizer.lr.OneCycleLR(
        learning_rate, epochs * steps + 1, end_learning_rate=learning_rate / 40, phase_pct=0.3
    )
    optimizer = paddle.optimizer.AdamW(schedule, parameters=model.parameters(), weight_decay=weight_decay)
    amp = amp and paddle.get_device() != "cpu"
    scaler = paddle.amp.GradScaler(enable=amp)
    settings = {
        "images": len(train), "epochs": epochs, "batch size": batch_size, "learning rate": learning_rate,
        "weight decay": weight_decay, "label smoothing": label_smoothing, "seed": seed, "amp": amp, **also,
    }  # fmt: skip
    if loss_of is None:
        loss_of = functools.partial(nn.functional.cross_entropy, label_smoothing=label_smoothing)
    keep = _Keeper(model, optimizer, scaler, settings, None if folder is None else Path(folder), best)
    history = keep.start(resume)
    parallel.wait_for_all()  # one of them writes the first checkpoint
    network = paddle.DataParallel(model) if parallel.world_size() > 1 else model
    runtime.begin_training(model)
    a_bar = progress == "bar" and parallel.rank() == 0
    start = len(history.loss)
    with tqdm(total=epochs * steps, initial=start * steps, unit="batch", file=sys.stdout, leave=False,
              disable=not a_bar) as bar:  # fmt: skip
        for epoch in range(start, epochs):
            parallel.seed_epoch(seed, epoch)
            if hasattr(train, "set_epoch"):
                train.set_epoch(epoch)
            losses = []
            for batch, (x, labels) in enumerate(parallel.batches(train, batch_size, seed, epoch)):
                with paddle.amp.auto_cast(enable=amp):
                    loss = loss_of(network(x), labels)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
                optimizer.clear_grad()
                losses.append(loss.item())
                if not np.isfinite(losses[-1]):
                    raise FloatingPointError(
                        f"the loss is {losses[-1]} in epoch {epoch + 1}, batch {batch + 1}: lower the learning rate, "
                        f"now {optimizer.get_lr():.2g}{keep.last_good()}"
                    )
                schedule.step()
                bar.update()
                after_batch(epoch, batch)
            parallel.average_statistics(model)
            if not all(np.isfinite(value.numpy()).all() for value in model.state_dict().values()):
                raise FloatingPointError(  # before they are kept as the last good ones
                    f"weights after epoch {epoch + 1} are no numbers: lower the learning rate{keep.last_good()}"
                )
            history.loss.append(parallel.mean(float(np.mean(losses))))
            history.learning_rate.append(float(schedule.last_lr))
            if validation is not None:
                history.validated(np.array(validation.labels, np.int64), inference.predict(model, validation))
            if parallel.rank() == 0:
                keep.epoch(history)
                bar.set_postfix_str(history.line())
                if progress == "lines":
                    print(f"epoch {epoch + 1}/{epochs}: {history.line()}", flush=True)
            parallel.wait_for_all()  # one of them writes down what the epoch has reached
    return history


@dataclasses.dataclass
class _Keeper:
    """Writes down, in process 0, what a training has reached, and finds it again."""

    model: nn.Layer
    optimizer: paddle.optimizer.Optimizer
    scaler: paddle.amp.GradScaler
    settings: dict[str, Any]
    folder: Path | None
    best: str | Path | None

    def start(self, resume: bool) -> History:
        """Set everything to the newest good checkpoint, or else write one of the beginning; give the history."""
        if self.folder is None:
            return History()
        if not resume:
            checkpoint.refuse(self.folder)
        notes = checkpoint.resume(self.folder, self.model, self.optimizer, self.settings)
        history = History(**notes.get("history", {}))
        if notes.get("scaler"):
            self.scaler.load_state_dict(notes["scaler"])
        if parallel.mean(len(history.loss)) != len(history.loss):
            raise checkpoint.CheckpointError(
                f"the processes found different checkpoints in {self.folder}: all machines need one shared folder"
            )
        if parallel.rank() == 0:
            for half in self.folder.glob("*.part"):  # of a process that was killed while it wrote
                half.unlink()
            if not history.loss:
                self.save(history)
        return history

    def epoch(self, history: History) -> None:
        """Keep what an epoch has reached; the checkpoint comes last, so that all else is there where it is."""
        if self.best is not None and history.best_epoch == len(history.loss) - 1:
            checkpoint.save_weights(self.model, self.best)
        if self.folder is not None:
            history.write(self.folder)
            self.save(history)

    def save(self, history: History) -> None:
        """Write a checkpoint."""
        scaler = self.scaler.state_dict()  # empty without mixed precision
        notes = {"settings": self.settings, "history": dataclasses.asdict(history), "scaler": scaler}
        checkpoint.save(self.folder, self.model, self.optimizer, len(history.loss), notes)

    def last_good(self) -> str:
        """For an error message: which checkpoint the training can go on from."""
        newest = [] if self.folder is None else checkpoint.files(self.folder)[:1]
        return "".join(f"; the last good checkpoint is {path}" for path in newest)
