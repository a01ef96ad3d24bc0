"""Checks for the exercises inside the notebooks: a blank answer breaks nothing, a wrong one gets a hint."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np


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
    if answer is None:
        print(f"{name}: not answered yet")
        return
    truth = np.asarray(expected, dtype=float)
    try:
        given = np.asarray(answer, dtype=float)
    except (TypeError, ValueError, OverflowError):
        print(f"{name}: expected a number{' or an array' if truth.ndim else ''}, got {type(answer).__name__}")
        return
    if given.shape != truth.shape:
        print(f"{name}: the shape is {list(given.shape)}, expected {list(truth.shape)}")
        return
    atol = 1e-6 * (np.abs(truth).max() or 1)  # for zeros among larger numbers, and for a truth of zeros
    if np.allclose(given, truth, rtol=rtol, atol=atol):
        print(f"{name}: right")
        return
    for text, mistake in (hints or {}).items():
        if np.allclose(given, mistake(truth), rtol=rtol, atol=atol):
            print(f"{name}: not yet - {text}")
            return
    print(f"{name}: not yet" + (" - the sign is wrong" if np.allclose(given, -truth, rtol=rtol, atol=atol) else ""))
