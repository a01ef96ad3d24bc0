"""What the exercises of notebook 03 are made of: drawn inputs, right functions by Paddle, and the usual wrong ones."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle
from scipy import stats

functional = paddle.nn.functional
MODES = ("upscale_in_train", "downscale_in_infer")


# --- forward and backward with a given mask ---------------------------------------------------------------------------


def masked(rng: np.random.Generator, name: str = "x") -> dict[str, Any]:
    """Numbers, a mask of 0 and 1, and one of the four ways to use it, each as likely as the others."""
    shape = (int(rng.integers(2, 5)), int(rng.integers(3, 6)), 2, 3)[: int(rng.choice([2, 4]))]
    p = round(rng.uniform(0.1, 0.45), 2)
    mask = (rng.random(shape) >= p).astype(float)
    mask.flat[:2] = 0, 1
    way = int(rng.integers(4))
    return {name: rng.normal(size=shape), "p": p, "mask": mask, "mode": MODES[way % 2], "training": way < 2}


def masked_gradient(rng: np.random.Generator) -> dict[str, Any]:
    return masked(rng, "dy")


def forward(x: Any, p: float, mask: np.ndarray, mode: str, training: bool) -> paddle.Tensor:
    """Paddle draws its own mask in training; in prediction it needs none."""
    x = paddle.to_tensor(x) if isinstance(x, np.ndarray) else x
    if not training:
        return functional.dropout(x, p, training=False, mode=mode)
    kept = paddle.where(paddle.to_tensor(mask) > 0, x, paddle.zeros_like(x))
    return kept / (1 - p) if mode == MODES[0] else kept


def backward(dy: np.ndarray, p: float, mask: np.ndarray, mode: str, training: bool) -> paddle.Tensor:
    x = paddle.zeros(dy.shape, "float64")
    x.stop_gradient = False
    return paddle.grad((forward(x, p, mask, mode, training) * paddle.to_tensor(dy)).sum(), x)[0]


def wrong(scale: Callable) -> Callable:
    """Times another scale; the same mistake can be made forward and backward."""
    return lambda x, p, mask, mode, training: x * scale(p, mask, mode == MODES[0], training)


def right_scale(p: float, mask: np.ndarray, upscale: bool, training: bool) -> Any:
    if training:
        return mask / (1 - p) if upscale else mask
    return 1.0 if upscale else 1 - p


def other_mode(p: float, mask: np.ndarray, upscale: bool, training: bool) -> Any:
    return right_scale(p, mask, not upscale, training)


def other_numbers(p: float, mask: np.ndarray, upscale: bool, training: bool) -> Any:
    return right_scale(p, 1 - mask, upscale, training)


def divided_by_p(p: float, mask: np.ndarray, upscale: bool, training: bool) -> Any:
    return right_scale(1 - p, mask, upscale, training)


def always_training(p: float, mask: np.ndarray, upscale: bool, training: bool) -> Any:
    return right_scale(p, mask, upscale, True)


def without_mask(p: float, mask: np.ndarray, upscale: bool, training: bool) -> Any:
    return right_scale(p, np.ones_like(mask), upscale, training)


# --- variants ---------------------------------------------------------------------------------------------------------


def connections(rng: np.random.Generator) -> dict[str, Any]:
    n, k, m = (int(size) for size in rng.integers(2, [5, 6, 5]))
    mask, bias_mask = ((rng.random(shape) >= 0.4).astype(float) for shape in ((n, k, m), (n, m)))
    mask[0, 0], mask[1, 0], bias_mask.flat[:2] = 0, 1, (0, 1)
    weight, bias = rng.normal(size=(k, m)), rng.normal(size=m)
    return {"x": rng.normal(size=(n, k)), "weight": weight, "bias": bias, "mask": mask, "bias_mask": bias_mask}


def drop_connect(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, mask: np.ndarray, bias_mask: np.ndarray) -> Any:
    rows = zip(x, weight * mask, bias * bias_mask, strict=True)  # one fully connected layer for each sample
    return paddle.concat([functional.linear(*map(paddle.to_tensor, (row[None], w, b))) for row, w, b in rows])


def wrong_drop_connect(weight_mask: Callable, bias_mask: Callable) -> Callable:
    """DropConnect with other masks."""
    return lambda x, weight, bias, m, b: np.einsum("nk,nkm->nm", x, weight * weight_mask(m)) + bias * bias_mask(b)


def positions(rng: np.random.Generator) -> dict[str, Any]:
    """[N, C, H, W], and a coin for each position, True where its largest value goes."""
    n, c, h, w = (int(size) for size in rng.integers(2, 5, 4))
    coin = rng.random((n, 1, h, w)) < 0.5
    coin.flat[:2] = True, False
    return {"x": rng.normal(size=(n, c + 1, h, w)), "coin": coin}


def channel_max_drop(x: np.ndarray, coin: np.ndarray) -> paddle.Tensor:
    tensor = paddle.to_tensor(x)
    top = functional.one_hot(tensor.argmax(axis=1), x.shape[1]).transpose([0, 3, 1, 2]) > 0
    return paddle.where(paddle.logical_and(top, paddle.to_tensor(coin)), paddle.zeros_like(tensor), tensor)


def wrong_max_drop(axis: Any = 1, lost: Callable = lambda top, coin: top & coin) -> Callable:
    """Max-drop along other axes, or that drops something else."""
    return lambda x, coin: np.where(lost(x == x.max(axis=axis, keepdims=True), coin), 0, x)


def branches(rng: np.random.Generator) -> dict[str, Any]:
    """A residual block's input and branch, [N, ..., N]: coins laid along the last axis fit as well, and are wrong."""
    n, c = (int(size) for size in rng.integers([3, 2], [6, 4]))
    shape = ((n, n), (n, c, n), (n, c, 2, n))[int(rng.integers(3))]
    coins = (rng.random(n) >= 0.4).astype(float)
    coins[:2] = 0, 1
    p, x, branch = round(rng.uniform(0.1, 0.45), 2), rng.normal(size=shape), rng.normal(size=shape)
    training = bool(rng.random() < 0.6)
    return {"x": x, "branch": branch, "p": p, "coins": paddle.to_tensor(coins), "training": training}


def of_samples(coins: paddle.Tensor, like: paddle.Tensor) -> paddle.Tensor:
    return coins.reshape([-1] + [1] * (like.ndim - 1))


def drop_path(x: Any, branch: Any, p: float, coins: Any, training: bool) -> paddle.Tensor:
    """Paddle's own Dropout of one number a sample has no coins to be given, so `where` does it."""
    kept = paddle.where(of_samples(coins, branch) > 0, branch, paddle.zeros_like(branch))
    return x + kept / (1 - p) if training else x + branch


def wrong_drop_path(training: Callable, prediction: Callable = lambda x, b, p, m: x + b) -> Callable:
    """Functions of x, branch, p and the coins for each sample, one for training and one for prediction."""
    return lambda x, branch, p, coins, train: (training if train else prediction)(x, branch, p, of_samples(coins, x))


def right_path(x: Any, b: Any, p: float, m: Any) -> Any:
    return x + b * m / (1 - p)


def along_the_last_axis(x: Any, branch: Any, p: float, coins: Any, training: bool) -> Any:
    return x + branch * coins / (1 - p) if training else x + branch


# --- uncertainty ------------------------------------------------------------------------------------------------------


def passes(rng: np.random.Generator) -> dict[str, Any]:
    """Probabilities [T, N, K]; class 0 of the first sample has none at all."""
    q = rng.dirichlet(np.ones(int(rng.integers(3, 6))), size=[*rng.integers([2, 2], [6, 5])])
    q[:, 0, 0] = 0
    return {"q": q / q.sum(axis=-1, keepdims=True)}


def entropy(q: np.ndarray) -> np.ndarray:
    return -(q * np.log(np.maximum(q, 1e-300))).sum(axis=-1)


def predictive_entropy(q: np.ndarray) -> np.ndarray:
    return stats.entropy(q.mean(axis=0), axis=-1)
