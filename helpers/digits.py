"""Small real data for experiments of seconds: scikit-learn's 8 x 8 handwritten digits, and a plain training loop.

The eye-disease classifier has its own recipe, `helpers.training.fit`; here nothing but the thing under study may help.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from helpers import runtime
from helpers.checks import array, as_numpy, number, shown, whole

import numpy as np
import paddle
from paddle import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm


class Digits(NamedTuple):
    """Training and validation part: images float32 [n, 1, 8, 8] from 0 to 1, labels int64 [n]."""

    x: paddle.Tensor
    y: paddle.Tensor
    x_validation: paddle.Tensor
    y_validation: paddle.Tensor


class Curves(NamedTuple):
    """What `fit` measured: one number an epoch, float64 [epochs]; the loss is the mean over the epoch's batches."""

    loss: np.ndarray
    accuracy: np.ndarray
    validation_accuracy: np.ndarray


def load(count: int = 1000, seed: int = 0) -> Digits:
    """`count` of the 1,797 digits for training and the same 500 for validation whatever `count` is.

    Raises:
        ValueError: `count` is not between 10 and 1297, or the seed is no whole number from 0 on.
    """
    count, seed = whole("count", count), whole("seed", seed, 0)
    if not 10 <= count <= 1297:
        raise ValueError(f"count must be 10 to 1297, not {count}: 500 of the 1797 digits are for validation")
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32").reshape(-1, 1, 8, 8)
    rest, validation = train_test_split(np.arange(len(labels)), test_size=500, random_state=0, stratify=labels)
    chosen = np.random.default_rng(seed).permutation(rest)[:count]
    return Digits(*(paddle.to_tensor(a[part]) for part in (chosen, validation) for a in (images, labels)))


def accuracy(model: nn.Layer, x: paddle.Tensor, y: paddle.Tensor) -> float:
    """The share of images [n, 1, 8, 8] that the model classifies rightly in evaluation mode; its mode is put back.

    Raises:
        ValueError: the labels are no whole numbers [n], one for each image, or there is none.
    """
    y = array("the labels", y, "n", "iu")  # [n, 1] would be compared with every answer
    if len(y) != len(x) or not len(x):
        raise ValueError(f"there must be a label for each of one image or more, not {len(y)} for {len(x)}")
    with runtime.mode(model, training=False), paddle.no_grad():
        return float((model(x).argmax(axis=1).numpy() == y).mean())


def fit(
    model: nn.Layer, data: Digits, epochs: int = 10, batch_size: int = 50, learning_rate: float = 0.1, seed: int = 0,
    optimizer: paddle.optimizer.Optimizer | None = None, watch: Callable[[int], None] | None = None,
) -> Curves:  # fmt: skip
    """Train with plain stochastic gradient descent and a constant learning rate; measure after each epoch.

    Args:
        model: gives logits [n, 10]; trained in place. Seed before you build it. Layers that are in evaluation mode
            while the model itself is in training mode stay so.
        data: what `load` returned.
        epochs, batch_size, learning_rate: the recipe. A last batch that is not full is left out.
        seed: of the order of the images and of Dropout.
        optimizer: another one, of the model's parameters; `learning_rate` is then not used. A schedule of it is
            stepped after every batch.
        watch: called with the number of the step, from 0 on, when the gradients are there and before they are used.

    A loss that explodes is an outcome here, not an error: the curves say so (huge or NaN).

    Raises:
        ValueError: no epoch, a batch of no image or of more than there are, or a learning rate that is no number.
    """
    learning_rate = number("learning_rate", learning_rate)
    epochs, batch_size, seed = whole("epochs", epochs), whole("batch_size", batch_size), whole("seed", seed, 0)
    count = len(data.y)
    if not 1 <= batch_size <= count:
        raise ValueError(f"batch_size must be 1 to {count}, the number of images, not {batch_size}")
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, not {epochs}")
    runtime.seed(seed)
    rng = np.random.default_rng(seed)
    optimizer = optimizer or paddle.optimizer.SGD(learning_rate, parameters=model.parameters())
    schedule = optimizer._learning_rate
    rows, step = [], 0
    runtime.begin_training(model)
    for _ in range(epochs):
        order, losses = rng.permutation(count), []
        for start in range(0, count - batch_size + 1, batch_size):
            chosen = paddle.to_tensor(order[start : start + batch_size])
            loss = nn.functional.cross_entropy(model(data.x[chosen]), data.y[chosen])
            loss.backward()
            if watch is not None:
                watch(step)
            optimizer.step()
            optimizer.clear_grad()
            if isinstance(schedule, paddle.optimizer.lr.LRScheduler):
                schedule.step()
            losses.append(loss.item())
            step += 1
        rows.append(
            [np.mean(losses), accuracy(model, data.x, data.y), accuracy(model, data.x_validation, data.y_validation)]
        )
    return Curves(*np.array(rows).T)


def sweep(run: Callable[..., Any], settings: dict[Hashable, dict], seeds: Sequence[int] = range(3)) -> dict:
    """Run an experiment for each setting and seed, with a progress bar.

    Args:
        run: called as run(seed=..., **setting); gives `Curves`, or a number or an array.
        settings: name -> arguments.
        seeds: the same ones for every setting, so that results can be compared pair by pair.

    Returns: name -> what `run` gave, with an axis for the seeds in front: `Curves` of [seeds, epochs], or an array.

    Raises:
        ValueError: there is no setting, or no seed.
    """
    named = isinstance(settings, dict) and all(isinstance(setting, dict) for setting in settings.values())
    if not named or not settings or not len(seeds):
        raise ValueError(f"a sweep needs settings, name -> arguments, and seeds, not {shown(settings)}, {shown(seeds)}")
    results = {}
    with tqdm(total=len(settings) * len(seeds), unit="run", file=sys.stdout, leave=False) as bar:
        for name, setting in settings.items():
            runs = []
            for seed in seeds:
                runs.append(run(seed=seed, **setting))
                bar.update()
            stacked = np.array(runs) if isinstance(runs[0], Curves) else as_numpy(runs)  # of curves: [seeds, 3, epochs]
            results[name] = Curves(*stacked.swapaxes(0, 1)) if isinstance(runs[0], Curves) else stacked
    return results
