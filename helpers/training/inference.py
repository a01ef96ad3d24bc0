"""A trained network at work: its answers, and the statistics that it normalises with."""
from __future__ import annotations

import itertools
from collections.abc import Callable

from helpers.checks import number, shown, whole
from helpers.runtime import mode
from helpers.training import parallel
from helpers.training.calibration import temper

import numpy as np
import paddle
from paddle import nn
from paddle.io import Dataset


def probabilities(model: nn.Layer, x: paddle.Tensor, flip: bool = False, temperature: float = 1.0) -> np.ndarray:
    """The probability of class 1 for each image of a batch [n, 3, S, S], float32 [n]; the model's mode is not changed.

    Of a network of more than two classes it is that of each class, float32 [n, K].

    With `flip` it is the mean over the image and its mirror images, top to bottom, left to right and both, at four
    times the cost: it then does not matter which way round an eye lies. The temperature (`calibration.temper`) comes
    last, so it changes the mean and not which of two images has the larger one.

    Raises:
        ValueError: the network does not give logits [n, K] of two or more classes, or the temperature is not above 0.
    """
    views = [x, *(paddle.flip(x, axes) for axes in ([2], [3], [2, 3]))] if flip else [x]
    with paddle.no_grad():
        logits = [logits_of(model, each) for each in views]
    averaged = np.mean([nn.functional.softmax(each.astype("float32"), axis=1).numpy() for each in logits], axis=0)
    return temper(averaged[:, 1] if averaged.shape[1] == 2 else averaged, temperature)


def logits_of(model: nn.Layer, x: paddle.Tensor) -> paddle.Tensor:
    """What a network gives for a batch: logits [n, K] of two or more classes; a ValueError says what else it is."""
    logits = model(x)
    if not isinstance(logits, paddle.Tensor) or logits.ndim != 2 or logits.shape[1] < 2:  # of one, softmax is always 1
        given = logits.shape if isinstance(logits, paddle.Tensor) else shown(type(logits).__name__)
        raise ValueError(f"the network must give logits [n, K], K >= 2, not {given}")
    return logits


def predict(
    model: nn.Layer, dataset: Dataset, batch_size: int = 64, flip: bool = False, temperature: float = 1.0
) -> np.ndarray:
    """`probabilities` of a whole data set, [n] or [n, K], in evaluation mode; the model's mode is put back.

    Raises:
        ValueError: the batch size is not at least 1, or what `probabilities` refuses.
        whatever the model or the data set raises.
    """
    batch_size, temperature = whole("batch_size", batch_size, 1), number("a temperature", temperature, above=0)
    loader = parallel.Loader(dataset, batch_size=batch_size)
    with mode(model, training=False):
        scores = [probabilities(model, x, flip, temperature) for x, _ in loader]
    return np.concatenate(scores) if scores else np.zeros(0, np.float32)


def recompute_statistics(model: nn.Layer, dataset: Dataset, batch_size: int = 64) -> None:
    """Set the moving mean and variance of each BatchNorm to their average over `dataset`, with the weights as they are.

    Wu and Johnson: Rethinking "Batch" in BatchNorm, 2021, section 3 ("precise BN"), https://arxiv.org/abs/2105.07576.

    Args:
        model: passed through in training mode, whatever mode it is in. A frozen BatchNorm layer (`parallel.batch_norms`
            says which is one) normalises with its statistics as ever and keeps them. The mode and the momentum of each
            layer are put back.
        dataset: items (image, label); the labels are not used.
        batch_size: of all processes together, as in training.

    Raises:
        ValueError: there is no image, or a batch cannot be shared by all processes.
        whatever the model or the data set raises; the statistics are then as they were.
    """
    gathering, frozen = parallel.batch_norms(model)
    momenta = [layer._momentum for layer in gathering]
    # Paddle itself moves those of a layer in evaluation mode with use_global_stats=False or trainable_statistics=True.
    kept, old = ([(value, value.numpy()) for layer in layers for value in (layer._mean, layer._variance)]
                 for layers in (frozen, gathering))  # fmt: skip
    hooks = [layer.register_forward_pre_hook(_averaging()) for layer in gathering]
    try:
        with mode(model, training=True), paddle.no_grad():
            for layer in frozen:
                layer.eval()
            for x, _ in parallel.batches(dataset, batch_size):
                model(x)
    except BaseException:
        kept += old
        raise
    finally:
        for layer, momentum, hook in zip(gathering, momenta, hooks, strict=True):
            hook.remove()
            layer._momentum = momentum
        for value, before in kept:
            value.set_value(before)
    parallel.average_statistics(model)


def _averaging() -> Callable[[nn.Layer, object], None]:
    """Before each call of a BatchNorm: moving = average of all calls so far, of which a batch may bring several."""
    calls = itertools.count()

    def before(layer: nn.Layer, _: object) -> None:
        so_far = next(calls)
        layer._momentum = so_far / (so_far + 1)

    return before
