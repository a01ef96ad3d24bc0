"""What the exercises of notebook 01 are made of: their data, Paddle's right functions, and the usual wrong ones."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

Arrays = tuple[np.ndarray, ...]
LAYOUTS = {2: "NC", 3: "NCL", 4: "NCHW", 5: "NCDHW"}


# --- forward ----------------------------------------------------------------------------------------------------------


def _tensor(values: np.ndarray, **how: Any) -> paddle.Tensor:
    """On the CPU, where the moving variance takes the biased one that the exercises ask for; a GPU's cuDNN does not."""
    return paddle.to_tensor(values, place=paddle.CPUPlace(), **how)


def _paddles(x: Any, mean: Any, var: Any, gamma: Any, beta: Any, **how: Any) -> paddle.Tensor:
    """`nn.functional.batch_norm` of arrays; in training, `mean` and `var` have to be tensors to be updated."""
    tensors = [_tensor(each) if isinstance(each, np.ndarray) else each for each in (x, mean, var, gamma, beta)]
    return paddle.nn.functional.batch_norm(*tensors, data_format=LAYOUTS[x.ndim], **how)


def hand_samples() -> dict[str, Any]:
    x = np.array([[1.0, 2], [3, 6], [5, 10]])
    return {"x_hat": (x - x.mean(axis=0)) / x.std(axis=0)}


def images(rng: np.random.Generator) -> dict[str, Any]:
    shape = (int(rng.integers(4, 7)), int(rng.integers(2, 5)), 5, 2, 4)[: int(rng.integers(2, 6))]
    x = rng.normal(rng.normal(), rng.uniform(0.2, 2), shape)
    gamma, beta = rng.normal(size=(2, shape[1]))
    return {"x": x, "gamma": gamma, "beta": beta, "eps": round(rng.uniform(0.01, 0.2), 3)}


def forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float) -> tuple[paddle.Tensor, ...]:
    mean, var = _tensor(np.zeros(x.shape[1])), _tensor(np.ones(x.shape[1]))
    y = _paddles(x, mean, var, gamma, beta, training=True, momentum=0.0, epsilon=eps)
    return y, mean, var  # momentum 0: they are those of this batch


def _statistics(x: np.ndarray, axes: tuple[int, ...] | None = None, ddof: int = 0) -> Arrays:
    axes = axes or (0, *range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True, ddof=ddof)
    return mean, var, mean.squeeze(axes), var.squeeze(axes)


def wrong_forward(divisor: Any, axes: tuple[int, ...] | None = None, ddof: int = 0) -> Callable:
    def forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float) -> Arrays:
        mean, var, *flat = _statistics(x, axes, ddof)
        gamma, beta = (each.reshape(-1, *(1,) * (x.ndim - 2)) for each in (gamma, beta))
        return gamma * (x - mean) / divisor(var, eps) + beta, *flat

    return forward


def root(var: np.ndarray, eps: float) -> np.ndarray:
    return np.sqrt(var + eps)


# --- moving averages --------------------------------------------------------------------------------------------------


def batch(rng: np.random.Generator) -> dict[str, Any]:
    x = images(rng)["x"]
    channels = x.shape[1]
    moving = {"moving_mean": rng.normal(size=channels), "moving_var": rng.uniform(0.5, 2, channels)}
    return {**moving, "x": x, "momentum": round(rng.uniform(0.6, 0.95), 2)}


def update(moving_mean: np.ndarray, moving_var: np.ndarray, x: np.ndarray, momentum: float) -> tuple[Any, Any]:
    mean, var = _tensor(moving_mean), _tensor(moving_var)
    _paddles(x, mean, var, np.ones_like(moving_var), np.zeros_like(moving_mean), training=True, momentum=momentum)
    return mean, var


def wrong_update(old: Any, new: Any, axes: tuple[int, ...] | None = None, ddof: int = 0) -> Callable:
    def update(moving_mean: np.ndarray, moving_var: np.ndarray, x: np.ndarray, momentum: float) -> Arrays:
        _, _, mean, var = _statistics(x, axes, ddof)
        line = (-1, *(1,) * (mean.ndim - 1))
        pairs = (moving_mean.reshape(line), mean), (moving_var.reshape(line), var)
        return tuple(old(momentum) * moving + new(momentum) * batch for moving, batch in pairs)

    return update


def itself(momentum: float) -> float:
    return momentum


def rest(momentum: float) -> float:
    return 1 - momentum


# --- backward ---------------------------------------------------------------------------------------------------------


def upstream(rng: np.random.Generator) -> dict[str, Any]:
    shape = int(rng.integers(3, 8)), int(rng.integers(2, 6))
    x, dy, gamma = rng.normal(2, 1.5, shape), rng.normal(size=shape), rng.normal(size=shape[1])
    return {"dy": dy, "x": x, "gamma": gamma, "eps": round(rng.uniform(0.01, 0.2), 3)}


def backward(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> tuple[paddle.Tensor, ...]:
    tensors = [_tensor(each, stop_gradient=False) for each in (x, gamma, np.zeros_like(gamma))]
    mean, var = _tensor(np.zeros_like(gamma)), _tensor(np.ones_like(gamma))
    y = _paddles(tensors[0], mean, var, *tensors[1:], training=True, epsilon=eps)
    return tuple(paddle.grad((y * _tensor(dy)).sum(), tensors))


def wrong_backward(dx: Any, dgamma: Any = lambda dy, x, x_hat: (dy * x_hat).sum(axis=0)) -> Callable:
    def backward(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Arrays:
        inverse = 1 / np.sqrt(x.var(axis=0) + eps)
        x_hat = (x - x.mean(axis=0)) * inverse
        return dx(dy, x_hat, gamma, inverse), dgamma(dy, x, x_hat), dy.sum(axis=0)

    return backward


def dx(dy: np.ndarray, x_hat: np.ndarray, gamma: Any, inverse: np.ndarray, mean: float = 1, var: float = 1) -> Any:
    """dx with these shares of the paths through the mean and the variance."""
    return gamma * inverse * (dy - mean * dy.mean(axis=0) - var * x_hat * (dy * x_hat).mean(axis=0))


def wrong_line(dx: Callable) -> Callable:
    return lambda *arguments: wrong_backward(dx)(*arguments)[0]


def two_directions() -> dict[str, Any]:
    drawn = upstream(np.random.default_rng(24))
    return {f"{name}_few": drawn[name].round(1) for name in ("dy", "x", "gamma")}


def along(dy_few: np.ndarray, x_few: np.ndarray, gamma_few: np.ndarray) -> np.ndarray:
    """What is left in the direction of a shift and of a scaling: nothing, and epsilon's share."""
    var, eps = x_few.var(axis=0), 1.0
    dgamma = (dy_few * (x_few - x_few.mean(axis=0))).sum(axis=0) / np.sqrt(var + eps)
    return np.stack([np.zeros_like(gamma_few), gamma_few * dgamma * eps / (var + eps)])


# --- folding ----------------------------------------------------------------------------------------------------------


def pair(rng: np.random.Generator) -> dict[str, Any]:
    shape = int(rng.integers(2, 5)), int(rng.integers(5, 7)), 3, 3
    bias, gamma, beta, mean = rng.normal(size=(4, shape[0]))
    var = rng.uniform(0.3, 3, shape[0])
    line = {"bias": bias, "gamma": gamma, "beta": beta, "mean": mean, "var": var}
    return {"weight": rng.normal(size=shape), **line, "eps": round(rng.uniform(0.01, 0.2), 3)}


def fold(weight: np.ndarray, bias: np.ndarray, gamma: Any, beta: Any, mean: Any, var: Any, eps: float) -> Any:
    """A linear map shows its bias where 0 goes in, and its weights in the difference to that."""
    columns = np.concatenate([np.zeros((1, len(bias))), weight.reshape(len(weight), -1).T]) + bias
    y = _paddles(columns, mean, var, gamma, beta, training=False, epsilon=eps)
    return (y[1:] - y[0]).t().reshape(weight.shape), y[0]


def wrong_fold(divisor: Any = root, inner: Any = lambda bias, mean: bias - mean, shift: float = 1) -> Callable:
    def fold(weight: np.ndarray, bias: Any, gamma: Any, beta: Any, mean: Any, var: Any, eps: float) -> Arrays:
        scale = gamma / divisor(var, eps)
        return weight * scale.reshape(-1, 1, 1, 1), shift * beta + scale * inner(bias, mean)

    return fold
