"""Training of the eye-disease classifier: the recipe with its validation curve, prediction, saved weights."""
from __future__ import annotations

import sys
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from helpers import runtime

import numpy as np
import paddle
from paddle import nn
from paddle.io import BatchSampler, DataLoader, Dataset
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

# What NumPy raises over a damaged .npz file; it reads headers with Python's tokenizer.
DAMAGED = (
    ValueError, EOFError, OSError, AttributeError, zipfile.BadZipFile, zlib.error, tokenize.TokenError,
)  # fmt: skip


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed everything from (seed, epoch), so that an epoch can be repeated without those before it."""
    runtime.seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))


@contextmanager
def mode(model: nn.Layer, training: bool) -> Iterator[None]:
    """Put the model into training or evaluation mode, and back into the mode it was in."""
    before = model.training
    model.train() if training else model.eval()
    try:
        yield
    finally:
        model.train() if before else model.eval()


def batches(dataset: Dataset, batch_size: int) -> DataLoader:
    """Shuffled batches of equal size for training; a small last batch, bad for BatchNorm, is left out."""
    sampler = BatchSampler(dataset, shuffle=True, batch_size=min(batch_size, len(dataset)), drop_last=True)
    return DataLoader(dataset, batch_sampler=sampler, return_list=True)


def probabilities(model: nn.Layer, x: paddle.Tensor, flips: bool = False) -> np.ndarray:
    """The probability of class 1 for each image of a batch [n, 3, S, S], float32 [n]; the model's mode is not changed.

    With `flips` it is the mean over the image and its mirror images (left-right, up-down, both): four times the cost.
    """
    mirrors = ([], [3], [2], [2, 3]) if flips else ([],)
    with paddle.no_grad():
        logits = [model(paddle.flip(x, axes) if axes else x) for axes in mirrors]
    return np.mean([nn.functional.softmax(each, axis=1)[:, 1].numpy() for each in logits], axis=0)


def predict(model: nn.Layer, dataset: Dataset, batch_size: int = 64, flips: bool = False) -> np.ndarray:
    """`probabilities` of a whole data set, float32 [n], in evaluation mode; the model's mode is put back."""
    loader = DataLoader(dataset, batch_size=batch_size, return_list=True)
    with mode(model, training=False):
        return np.concatenate([probabilities(model, x, flips) for x, _ in loader])


def recompute_statistics(model: nn.Layer, dataset: Dataset, batch_size: int = 64) -> None:
    """Set the moving mean and variance of each BatchNorm to their average over `dataset`, with the weights as they are.

    Wu and Johnson: Rethinking "Batch" in BatchNorm, 2021, section 3 ("precise BN"), https://arxiv.org/abs/2105.07576.
    """
    layers = [layer for layer in model.sublayers() if isinstance(layer, nn.layer.norm._BatchNormBase)]
    momenta = [layer._momentum for layer in layers]
    try:
        with mode(model, training=True), paddle.no_grad():
            for index, (x, _) in enumerate(batches(dataset, batch_size)):
                for layer in layers:
                    layer._momentum = index / (index + 1)  # moving = average of all batches so far
                model(x)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer._momentum = momentum


@dataclass
class History:
    """What was measured after each epoch; each list has one number an epoch.

    `one_image` is the most that a single validation image can change the AUC: 1 / (images of the smaller class).
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
        weights and moving statistics are the most settled.
        """
        enough = max(self.validation_auc) - self.one_image
        return max(epoch for epoch, auc in enumerate(self.validation_auc) if auc >= enough)


def fit(
    model: nn.Layer,
    train: Dataset,
    validation: Dataset,
    epochs: int = 20,
    batch_size: int = 16,
    learning_rate: float = 3e-3,
    weight_decay: float = 0.05,
    label_smoothing: float = 0.1,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    after_epoch: Callable[[int], None] | None = None,
    progress: bool = True,
) -> History:
    """Train with AdamW and a one-cycle schedule; after each epoch measure the validation part.

    Smith and Topin: Super-Convergence, 2018, https://arxiv.org/abs/1708.07120; AdamW: https://arxiv.org/abs/1711.05101.

    Args:
        model: gives logits [N, 2]; trained in place.
        train: items (float32 [3, S, S], int64 label); `set_epoch(epoch)` is called where the data set has it.
        validation: the same kind, not augmented.
        epochs, batch_size, learning_rate (the highest one), weight_decay, label_smoothing: the recipe.
        seed: of the order of the images, the augmentation and Dropout, together with the number of the epoch.
        checkpoint: a file for the weights of the epoch with the best validation AUC.
        after_epoch: called with the epoch's number, for an experiment's own measurements.
        progress: a bar on stdout.

    Raises:
        ValueError: the validation part has images of one class only.
        FloatingPointError: the loss is not a number any more; names the epoch and the batch.
    """
    loader = batches(train, batch_size)
    labels = np.array([int(label) for label in validation.labels])
    smaller_class = np.bincount(labels, minlength=2).min()
    if not smaller_class:
        raise ValueError("all validation images are of one class; an AUC needs images of both")
    history = History(one_image=1 / smaller_class)
    schedule = paddle.optimizer.lr.OneCycleLR(learning_rate, total_steps=epochs * len(loader) + 1, phase_pct=0.3)
    optimizer = paddle.optimizer.AdamW(schedule, parameters=model.parameters(), weight_decay=weight_decay)
    with tqdm(total=epochs * len(loader), unit="batch", file=sys.stdout, leave=False, disable=not progress) as bar:
        for epoch in range(epochs):
            seed_epoch(seed, epoch)
            if hasattr(train, "set_epoch"):
                train.set_epoch(epoch)
            model.train()
            losses = []
            for x, y in loader:
                loss = nn.functional.cross_entropy(model(x), y, label_smoothing=label_smoothing)
                loss.backward()
                optimizer.step()
                optimizer.clear_grad()
                schedule.step()
                losses.append(loss.item())
                if not np.isfinite(losses[-1]):
                    raise FloatingPointError(
                        f"the loss is {losses[-1]} in epoch {epoch + 1}, batch {len(losses)}: "
                        f"lower the learning rate, now {learning_rate}"
                    )
                bar.update()
            scores = predict(model, validation)
            history.loss.append(float(np.mean(losses)))
            of_the_truth = np.where(labels == 1, scores, 1 - scores)
            history.validation_loss.append(float(-np.log(np.clip(of_the_truth, 1e-7, 1)).mean()))
            history.validation_accuracy.append(float(((scores >= 0.5) == labels).mean()))
            history.validation_auc.append(float(roc_auc_score(labels, scores)))
            history.learning_rate.append(float(schedule.last_lr))
            bar.set_postfix(epoch=epoch + 1, loss=f"{history.loss[-1]:.3f}", AUC=f"{history.validation_auc[-1]:.3f}")
            if checkpoint is not None and history.best_epoch == epoch:
                save_weights(model, checkpoint)
            if after_epoch is not None:
                after_epoch(epoch)
    return history


def save_weights(model: nn.Layer, path: str | Path) -> None:
    """Write all weights and moving statistics to one .npz file; an existing file is replaced only by a whole one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        try:
            np.savez(part, **{name: value.numpy() for name, value in model.state_dict().items()})
            part.close()
            Path(part.name).replace(path)
        except BaseException:
            part.close()
            Path(part.name).unlink()
            raise


def load_weights(model: nn.Layer, path: str | Path) -> None:
    """Set a model to the weights of a file of `save_weights`; no code in the file can run, it holds numbers only.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or of another network; the model is left as it was.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise
    except DAMAGED as error:
        raise ValueError(f"{path} is no file of weights, or is damaged ({error}): train or copy it again") from error
    state = model.state_dict()
    wrong = sorted(set(state) ^ set(weights)) or [n for n in state if tuple(state[n].shape) != weights[n].shape]
    if wrong:
        raise ValueError(
            f"{path} holds the weights of another network ({wrong[0]} and {len(wrong) - 1} more differ); "
            "build the model with the arguments that it was trained with"
        )
    for name, value in state.items():
        value.set_value(weights[name])
