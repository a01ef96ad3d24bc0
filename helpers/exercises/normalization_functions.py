"""What the exercises of notebook 02 are made of: drawn inputs, right functions by Paddle, and the usual wrong ones."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

functional = paddle.nn.functional


def root(var: Any, eps: float) -> Any:
    return (var + eps) ** 0.5


# --- GroupNorm --------------------------------------------------------------------------------------------------------


def grouped(rng: np.random.Generator) -> dict[str, Any]:
    """[N, C, ...] with one to three more axes, and so small that epsilon counts."""
    groups, size = rng.permutation([2, 3, 4])[:2]
    shape = (int(rng.integers(2, 5)), int(groups * size), 3, 2, 4)[: int(rng.integers(3, 6))]
    gamma, beta = rng.normal(size=(2, shape[1]))
    x = rng.normal(0.2, 0.3, shape)
    return {"x": x, "groups": int(groups), "gamma": gamma, "beta": beta, "eps": round(rng.uniform(0.01, 0.1), 3)}


def group_norm(x: np.ndarray, groups: int, gamma: np.ndarray, beta: np.ndarray, eps: float) -> paddle.Tensor:
    layer = paddle.nn.GroupNorm(groups, x.shape[1], eps).to(dtype="float64")  # Paddle 2.6 has no functional.group_norm
    layer.weight.set_value(gamma)
    layer.bias.set_value(beta)
    return layer(paddle.to_tensor(x))


def wrong_group_norm(
    divisor: Callable = root,
    split: Callable = lambda x, groups: x.reshape(len(x), groups, -1),
    axis: Any = -1,
    affine: bool = True,
) -> Callable:
    """GroupNorm that divides by something else, makes its groups otherwise, or leaves something out."""

    def wrong(x: np.ndarray, groups: int, gamma: np.ndarray, beta: np.ndarray, eps: float) -> np.ndarray:
        z = split(x, groups)
        y = (z - z.mean(axis=axis, keepdims=True)) / divisor(z.var(axis=axis, keepdims=True), eps)
        line = (-1, *(1,) * (x.ndim - 2))
        y = y.reshape(x.shape)
        return y * gamma.reshape(line) + beta.reshape(line) if affine else y

    return wrong


def interleaved(x: np.ndarray, groups: int, gamma: np.ndarray, beta: np.ndarray, eps: float) -> np.ndarray:
    """GroupNorm whose groups are the channels with the same remainder."""
    line = (-1, *(1,) * (x.ndim - 2))
    y = np.empty_like(x)
    for group in range(groups):
        z = x[:, group::groups]
        axes = tuple(range(1, x.ndim))
        y[:, group::groups] = (z - z.mean(axes, keepdims=True)) / root(z.var(axes, keepdims=True), eps)
    return y * gamma.reshape(line) + beta.reshape(line)


# --- over the last axis -----------------------------------------------------------------------------------------------


def tokens(rng: np.random.Generator) -> dict[str, Any]:
    """[N, C] or [N, L, C], with a mean that is not 0, and so small that epsilon counts."""
    shape = (int(rng.integers(2, 4)), int(rng.integers(2, 5)), int(rng.integers(3, 7)))[-int(rng.integers(2, 4)) :]
    gamma, beta = rng.normal(size=(2, shape[-1]))
    x = rng.normal(0.04, 0.03, shape)
    eps = round(rng.uniform(0.0002, 0.001), 5)  # Paddle's LayerNorm takes no more than 0.001
    return {"x": x, "gamma": gamma, "beta": beta, "eps": eps}


def tokens_without_beta(rng: np.random.Generator) -> dict[str, Any]:
    return {name: value for name, value in tokens(rng).items() if name != "beta"}


def layer_norm(x: paddle.Tensor, gamma: paddle.Tensor, beta: paddle.Tensor, eps: float) -> paddle.Tensor:
    return functional.layer_norm(x, x.shape[-1:], gamma, beta, eps)


def wrong_layer_norm(divisor: Callable = root, axis: Any = -1, ddof: int = 0, fixed: bool = False) -> Callable:
    """LayerNorm with another divisor, other axes, the other variance, or statistics that count as constants."""

    def wrong(x: paddle.Tensor, gamma: paddle.Tensor, beta: paddle.Tensor, eps: float) -> paddle.Tensor:
        mean = x.mean(axis=axis, keepdim=True)
        var = ((x - mean) ** 2).mean(axis=axis, keepdim=True)  # the method `var` writes a warning of Paddle's own
        var = var * (x.shape[-1] / (x.shape[-1] - ddof))
        mean, var = (mean.detach(), var.detach()) if fixed else (mean, var)
        return gamma * (x - mean) / divisor(var, eps) + beta

    return wrong


def rms_norm(x: paddle.Tensor, gamma: paddle.Tensor, eps: float) -> paddle.Tensor:
    """On a CPU Paddle's has no gradient; x beside -x has mean 0: LayerNorm divides it by the root mean square of x."""
    both = paddle.concat([x, -x], axis=-1)
    return functional.layer_norm(both, both.shape[-1:], epsilon=eps)[..., : x.shape[-1]] * gamma


def wrong_rms_norm(divisor: Callable = root, centre: bool = False, fixed: bool = False) -> Callable:
    """RMSNorm with another divisor, of centred values, or with a root mean square that counts as a constant."""

    def wrong(x: paddle.Tensor, gamma: paddle.Tensor, eps: float) -> paddle.Tensor:
        z = x - x.mean(axis=-1, keepdim=True) if centre else x
        square = (z * z).mean(axis=-1, keepdim=True)
        return gamma * z / divisor(square.detach() if fixed else square, eps)

    return wrong


# --- weights ---------------------------------------------------------------------------------------------------------


def filters(rng: np.random.Generator) -> dict[str, Any]:
    """[O, I, k, k] with a mean that is not 0, and so small that epsilon counts."""
    outputs, inputs, size = (int(rng.integers(low, 5)) for low in (2, 2, 2))
    return {"weight": rng.normal(0.02, 0.03, (outputs, inputs, size, size)), "eps": round(rng.uniform(0.001, 0.01), 4)}


def standardise(weight: paddle.Tensor, eps: float) -> paddle.Tensor:
    """LayerNorm over a filter divides by sqrt(var + eps/count), which is sqrt(var * count + eps) / sqrt(count)."""
    flat = weight.flatten(1)
    count = flat.shape[1]
    return (functional.layer_norm(flat, [count], epsilon=eps / count) / count**0.5).reshape(weight.shape)


def wrong_standardise(
    divisor: Callable = root, axis: Any = (1, 2, 3), centre: bool = True, scaled: bool = True
) -> Callable:
    """Weight standardisation with another divisor, other sets, or something left out."""

    def wrong(weight: paddle.Tensor, eps: float) -> paddle.Tensor:
        z = weight - weight.mean(axis=list(axis), keepdim=True) if centre else weight
        var = (z * z).mean(axis=list(axis), keepdim=True)
        return z / divisor(var * int(np.prod([weight.shape[a] for a in axis])) if scaled else var, eps)

    return wrong


# --- images -----------------------------------------------------------------------------------------------------------


def normalise(x: np.ndarray, sets: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """As in the notebook: positions with the same number share mean and variance."""
    ids, count = sets.ravel(), np.maximum(np.bincount(sets.ravel()), 1)
    mean = (np.bincount(ids, x.ravel()) / count)[sets]
    var = (np.bincount(ids, ((x - mean) ** 2).ravel()) / count)[sets]
    return (x - mean) / np.sqrt(var + eps)


def feature_map(rng: np.random.Generator) -> dict[str, Any]:
    return {"x": rng.normal(rng.normal(), 1, size=rng.integers([2, 3, 2, 2], 5))}


def pixel_norm(x: np.ndarray) -> paddle.Tensor:
    channels_last = paddle.to_tensor(x).transpose([0, 2, 3, 1])
    return functional.layer_norm(channels_last, channels_last.shape[-1:], epsilon=1e-5).transpose([0, 3, 1, 2])


def by_sets(sets: Callable, eps: float = 1e-5) -> Callable:
    """Normalises by set numbers, given as a function of the indices and the shape."""
    return lambda x: normalise(x, sets(*np.indices(x.shape), x.shape), eps)


def two_pictures(rng: np.random.Generator) -> dict[str, Any]:
    """Two images of different sizes, [H, W, 3] each, and of different colours."""
    sizes = [(*map(int, rng.integers(3, 9, 2)), 3) for _ in range(2)]
    content, style = (rng.uniform(0.1, 0.9, 3) + 0.2 * rng.normal(size=size) * rng.uniform(0.3, 1, 3) for size in sizes)
    return {"content": content, "style": style}


def adain(content: np.ndarray, style: np.ndarray) -> paddle.Tensor:
    """Paddle's InstanceNorm, with gamma and beta from the other image."""
    gamma, beta = (paddle.to_tensor(each(style, axis=(0, 1))) for each in (np.std, np.mean))
    image = paddle.to_tensor(content.transpose(2, 0, 1)[None])
    return functional.instance_norm(image, weight=gamma, bias=beta, eps=0.0)[0].transpose([1, 2, 0])


def wrong_adain(scale: Callable = np.std, shift: Callable = np.mean, axis: Any = (0, 1), eps: float = 0.0) -> Callable:
    """AdaIN that scales or shifts by something else, or takes its statistics over other axes."""

    def wrong(content: np.ndarray, style: np.ndarray) -> np.ndarray:
        z = (content - content.mean(axis=axis)) / root(content.var(axis=axis), eps)
        return z * scale(style, axis=axis) + shift(style, axis=axis)

    return wrong
