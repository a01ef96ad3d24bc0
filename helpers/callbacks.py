"""What happens around the batches of `helpers.train.fit`, as callbacks of paddle.Model, and the history they write.

The number of finished epochs is `len(history.loss)`; paddle.Model counts from 0 again when a training is resumed.
"""
from __future__ import annotations

import dataclasses
import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path

from helpers import checkpoint, inference, parallel, runtime
from helpers.files import write_atomically
from helpers.progress import tqdm

import numpy as np
import paddle
from paddle.io import Dataset
from sklearn.metrics import roc_auc_score


@dataclass
class History:
    """What was measured after each epoch; each list has one number an epoch.

    Without a validation part its lists stay empty. `one_image` is the most that a single validation image can change
    the AUC: 1 / (images of the smaller class).
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    validation_auc: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    one_image: float = 0.0

    @property
    def best_epoch(self) -> int:
        """Index of the epoch with the best validation AUC; among equals, of the latest one.

        AUCs that one image could make equal count as equal. The latest epoch has the smallest learning rate, so its
        weights and moving statistics are the most settled. Without a validation part it is the last one.
        """
        if not self.validation_auc:
            return len(self.loss) - 1
        enough = max(self.validation_auc) - self.one_image
        return max(epoch for epoch, auc in enumerate(self.validation_auc) if auc >= enough)

    def rows(self) -> list[dict[str, float]]:
        """One dictionary an epoch, the epochs counted from 1."""
        lists = {name: values for name, values in vars(self).items() if isinstance(values, list) and values}
        return [
            {"epoch": epoch, **dict(zip(lists, values, strict=True))}
            for epoch, values in enumerate(zip(*lists.values(), strict=True), start=1)
        ]


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed everything from (seed, epoch), so that an epoch can be repeated without those before it."""
    # Processes that train together must not drop the same features with Dropout.
    place = [parallel.rank()] if parallel.rank() else []
    runtime.seed(int(np.random.SeedSequence([seed, epoch, *place]).generate_state(1)[0]))


class Reseed(paddle.callbacks.Callback):
    """Before each epoch: seed the order of the images, their augmentation and Dropout from (seed, epoch)."""

    def __init__(self, history: History, seed: int, sampler: parallel.ShuffledBatches, dataset: Dataset) -> None:
        super().__init__()
        self.history, self.seed, self.sampler, self.dataset = history, seed, sampler, dataset

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        epoch = len(self.history.loss)
        seed_epoch(self.seed, epoch)
        self.sampler.set_epoch(epoch)
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(epoch)


class Measure(paddle.callbacks.Callback):
    """After each epoch: put the training loss and the figures of the validation part into the history.

    Raises FloatingPointError as soon as the loss is not a number any more.
    """

    def __init__(self, history: History, validation: Dataset | None, folder: Path | None) -> None:
        super().__init__()
        self.history, self.validation, self.folder = history, validation, folder
        if validation is not None:
            self.labels = np.array([int(label) for label in validation.labels])
            smaller_class = np.bincount(self.labels, minlength=2).min()
            if not smaller_class:
                raise ValueError("all validation images are of one class; an AUC needs images of both")
            history.one_image = float(1 / smaller_class)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(self, step: int, logs: dict | None = None) -> None:
        self.losses.append(logs["loss"][0])
        if not np.isfinite(self.losses[-1]):
            good = checkpoint.files(self.folder)[:1] if self.folder else []
            raise FloatingPointError(
                f"the loss is {self.losses[-1]} in epoch {len(self.history.loss) + 1}, batch {step + 1}: lower the "
                f"learning rate, now {self.model._optimizer.get_lr():.2g}"
                + "".join(f"; the last good checkpoint is {path}" for path in good)
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        parallel.average_statistics(self.model.network)
        history = self.history
        history.loss.append(float(parallel.mean(np.mean(self.losses))))
        history.learning_rate.append(float(self.model._optimizer._learning_rate.last_lr))
        if self.validation is None:
            return
        scores = inference.predict(self.model.network, self.validation)
        of_the_truth = np.where(self.labels == 1, scores, 1 - scores)
        history.validation_loss.append(float(-np.log(np.clip(of_the_truth, 1e-7, 1)).mean()))
        history.validation_accuracy.append(float(((scores >= 0.5) == self.labels).mean()))
        history.validation_auc.append(float(roc_auc_score(self.labels, scores)))


class KeepBest(paddle.callbacks.Callback):
    """After each epoch that is the best so far: write the weights to a file."""

    def __init__(self, history: History, path: Path) -> None:
        super().__init__()
        self.history, self.path = history, path

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if parallel.rank() == 0 and self.history.best_epoch == len(self.history.loss) - 1:
            checkpoint.save_weights(self.model.network, self.path)


class Log(paddle.callbacks.Callback):
    """After each epoch: folder/metrics.jsonl, a JSON line an epoch, and a VisualDL log where that is installed."""

    def __init__(self, history: History, folder: Path) -> None:
        super().__init__()
        self.history, self.folder = history, folder

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.visualdl = None
        if parallel.rank() == 0 and importlib.util.find_spec("visualdl"):
            from visualdl import LogWriter

            self.visualdl = LogWriter(str(self.folder / "visualdl"))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if parallel.rank() == 0:
            rows = self.history.rows()
            # The whole file each time: after a resume it holds every epoch once.
            lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
            write_atomically(self.folder / "metrics.jsonl", lambda file: file.write(lines))
            if self.visualdl is not None:
                for name, value in rows[-1].items():
                    self.visualdl.add_scalar(name, value, len(rows))

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.visualdl is not None:
            self.visualdl.close()


class SaveCheckpoint(paddle.callbacks.Callback):
    """Before the first epoch and after each one: write a checkpoint. It comes after all that write into the history."""

    def __init__(self, history: History, folder: Path, settings: dict) -> None:
        super().__init__()
        self.history, self.folder, self.settings = history, folder, settings

    def on_train_begin(self, logs: dict | None = None) -> None:
        if parallel.rank() == 0:
            for half in self.folder.glob("*.part"):  # of a process that was killed while it wrote
                half.unlink()
        if not self.history.loss:
            self.save()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.save()

    def save(self) -> None:
        if parallel.rank() == 0:
            notes = {"settings": self.settings, "history": dataclasses.asdict(self.history)}
            network, optimizer = self.model.network, self.model._optimizer
            checkpoint.save(self.folder, network, optimizer, len(self.history.loss), notes)


class Bar(paddle.callbacks.Callback):
    """A progress bar on stdout over all epochs of a training."""

    def __init__(self, history: History, bar: tqdm) -> None:
        super().__init__()
        self.history, self.bar = history, bar

    def on_train_batch_end(self, step: int, logs: dict | None = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        row = self.history.rows()[-1]
        shown = {"loss": f"{row['loss']:.3f}"}
        if "validation_auc" in row:
            shown["AUC"] = f"{row['validation_auc']:.3f}"
        self.bar.set_postfix(epoch=row["epoch"], **shown)


class Lines(paddle.callbacks.Callback):
    """A line on stdout after each epoch, where there is no terminal for a bar."""

    def __init__(self, history: History, epochs: int) -> None:
        super().__init__()
        self.history, self.epochs = history, epochs

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if parallel.rank() == 0:
            row = self.history.rows()[-1]
            figures = ", ".join(f"{name.replace('_', ' ')} {row[name]:.4g}" for name in row if name != "epoch")
            print(f"epoch {row['epoch']}/{self.epochs}: {figures}", flush=True)


class Count(paddle.callbacks.Callback):
    """How many images the training has seen, of all processes together."""

    def __init__(self) -> None:
        super().__init__()
        self.images = 0

    def on_train_batch_end(self, step: int, logs: dict | None = None) -> None:
        self.images += logs["batch_size"]
