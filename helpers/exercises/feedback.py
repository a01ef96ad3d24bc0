"""Checks for the exercises inside the notebooks: a blank answer breaks nothing, a wrong one gets a hint."""
from __future__ import annotations

from collections.abc import Callable

from helpers import runtime  # noqa: F401  before paddle

import numpy as np
import paddle


def check(
    name: str,
    answer: object,
    expected: float | np.ndarray,
    hints: dict[str, Callable[[np.ndarray], object]] | None = None,
    rtol: float = 1e-4,
) -> None:
    """Hold an answer against the expected value and print one line of feedback. Nothing is raised.

    Args:
        name: of the exercise, printed first.
        answer: the reader's; None means that it is not answered yet.
        expected: a number or an array.
        hints: text of a usual mistake -> function that makes that mistake's value from the expected one.
        rtol: relative tolerance.
    """
    truth = np.asarray(expected, dtype=float)
    print(f"{name}: {_said(answer, truth, hints or {}, rtol)}")


def _said(answer: object, truth: np.ndarray, hints: dict[str, Callable[[np.ndarray], object]], rtol: float) -> str:
    if answer is None:
        return "not answered yet"
    try:
        given = np.asarray(_readable(answer))
        if np.iscomplexobj(given):
            raise TypeError("NumPy would drop the imaginary part")
        given = given.astype(float)
    except Exception:  # whatever an object does when NumPy asks for its numbers
        return f"expected a number{' or an array' if truth.ndim else ''}, got {type(answer).__name__}"
    if given.shape != truth.shape:
        return f"the shape is {list(given.shape)}, expected {list(truth.shape)}"
    atol = 1e-6 * (np.abs(truth).max() or 1)  # for zeros among larger numbers, and for a truth of zeros
    if np.allclose(given, truth, rtol=rtol, atol=atol):
        return "right"
    for text, mistake in (hints | {"the sign is wrong": np.negative}).items():
        if np.allclose(given, mistake(truth), rtol=rtol, atol=atol):
            return f"not yet - {text}"
    return "not yet"


def _readable(answer: object) -> object:
    """The same, with bfloat16 tensors, of which NumPy reads the bits as whole numbers, as float32."""
    if isinstance(answer, (list, tuple)):
        return [_readable(value) for value in answer]
    return answer.astype("float32") if isinstance(answer, paddle.Tensor) and answer.dtype == paddle.bfloat16 else answer
