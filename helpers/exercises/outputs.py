"""What a function of an exercise gives for some arguments: its results by name, and their gradients."""
from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from helpers.exercises.calling import Failed, call
from helpers.exercises.exercise import Function
from helpers.exercises.reading import Unreadable, as_array
from helpers.language import Text

import numpy as np
import paddle

CHANGES = Text("它改动了自己的输入 {}；请先复制", "it changes its own input {}; copy it first")
RETURNS = Text("应返回 {}（共 {} 项）", "expected to return {} ({} things)")
GRADIENT = Text("{} 的梯度", "the gradient of {}")
NO_GRADIENT = Text("{} 得不到梯度：不要离开 Paddle 的运算", "no gradient reaches {}: stay with Paddle's operations")
NO_BACKWARD = Text("梯度算不出来：{}", "the gradient cannot be computed: {}")
IN_PLACE = Text(
    "不要就地改动张量（`y.add_(b)`、`y[0] = 1` 之类），请另算一个新的",
    "do not change tensors in place (as `y.add_(b)` or `y[0] = 1` do), make new ones",
)
BACKWARD_BEFORE = Text("函数里不要调用 `backward`", "do not call `backward` within the function")
# How Paddle says that a tensor was changed after its use, and that a graph is gone since it was gone through before.
_SAID = {"modified by an inplace operation": IN_PLACE, "backward twice": BACKWARD_BEFORE}


def outputs_of(
    exercise: Function, function: Callable, arguments: Mapping[str, Any], seconds: float | None = None
) -> dict[str, np.ndarray] | None:
    """What a function gives for some arguments, by name; None if it returns None, as an empty one does.

    Args:
        exercise: names the results, and the arguments whose gradients count.
        function: the learner's, or one of the course's.
        arguments: as the exercise draws them; the function gets a copy.
        seconds: that the function may take, and again its backward pass; any time if left out.

    Raises:
        Failed, Unreadable: as `call` and `as_array`.
    """
    handed = copy.deepcopy(dict(arguments))
    for name in exercise.gradients:
        handed[name] = paddle.to_tensor(handed[name], stop_gradient=False)
    returned = _call(function, handed, seconds)
    if returned is None:
        return None
    for name, value in arguments.items():
        if isinstance(value, np.ndarray) and not np.array_equal(as_array(handed[name], single=False), value):
            raise Unreadable(CHANGES.format(name))
    names = exercise.outputs
    parts = returned if len(names) > 1 else (returned,)
    if len(names) > 1 and (not isinstance(parts, tuple | list) or len(parts) != len(names)):
        raise Unreadable(RETURNS.format(", ".join(names), len(names)))
    results = {name: as_array(part, single=False) for name, part in zip(names, parts, strict=True)}
    if exercise.gradients:
        results |= _gradients(exercise, parts[0], handed, seconds)
    return results


def described(error: BaseException) -> str:
    """Type and message of an error in one short line; neither may raise."""
    message = " ".join(_text(error).split())[:120]
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _call(function: Callable, arguments: dict[str, Any], seconds: float | None) -> Any:
    """`call`, with gradients: a cell may have switched them off, for this thread or, in old versions, for all."""

    def with_gradients(*values: Any) -> Any:
        with paddle.enable_grad():
            return function(*values)

    with paddle.enable_grad():
        return call(with_gradients, arguments, seconds)


def _gradients(
    exercise: Function, output: object, handed: dict[str, Any], seconds: float | None
) -> dict[str, np.ndarray]:
    """The gradients of a weighted sum of the output, so that no two of its numbers count alike."""
    tensors = [handed[name] for name in exercise.gradients]
    for name, tensor in zip(exercise.gradients, tensors, strict=True):
        if not isinstance(output, paddle.Tensor) or output.stop_gradient or tensor.stop_gradient:
            raise Unreadable(NO_GRADIENT.format(name))

    def backward() -> list[np.ndarray | None]:
        weights = paddle.to_tensor(np.random.default_rng(1).normal(size=output.shape))
        found = paddle.grad((output.astype("float64") * weights).sum(), tensors, allow_unused=True)
        return [None if gradient is None else gradient.numpy() for gradient in found]

    try:
        found = _call(backward, {}, seconds)
    except Failed as failed:  # it can fail after a forward pass with the right values
        if failed.error is None:
            raise
        raise Unreadable(NO_BACKWARD.format(_reason(failed.error))) from failed
    for name, gradient in zip(exercise.gradients, found, strict=True):
        if gradient is None:
            raise Unreadable(NO_GRADIENT.format(name))
    return {GRADIENT.format(name): each for name, each in zip(exercise.gradients, found, strict=True)}


def _reason(error: BaseException) -> object:
    """Why a backward pass fails, in words where it is known."""
    text = _text(error)
    known = next((said for sign, said in _SAID.items() if sign in text), None)
    if known is None and (inner := re.search(r"^\s*(\w+(?:Error|Exception)\b.*)$", text, re.MULTILINE)):
        return inner[1][:120]  # what a PyLayer raises comes with Paddle's traceback around it
    return known or described(error)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception of a learner's own class
        return ""
