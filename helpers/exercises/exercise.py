"""What an exercise is: a question with one right answer, a number or a function, and what helps a learner to it."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from helpers.language import Text

import numpy as np


class Mistake(NamedTuple):
    """A usual mistake: what is said about it, and the value, or the function, that one gets by it."""

    hint: Text
    value: Any


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """What both kinds have in common.

    Attributes:
        title: two or three words that name what is asked for.
        hints: one after the other, from a nudge to nearly all.
        solution: Python code that sets `answer`, or defines the function; it sees np, paddle and what `given` gives.
        why: the worked way in words, shown with the code.
        mistakes: the first that fits is told. Those of a `Number` are values, or functions of the truth; those of a
            `Function` are functions with its arguments.
        given: makes the data that the question speaks of, by name; the notebook asks for it with `given(number)`.
        rtol: relative tolerance.
    """

    title: Text
    hints: tuple[Text, ...]
    solution: str
    why: Text
    mistakes: tuple[Mistake, ...] = ()
    given: Callable[[], dict[str, Any]] = dict
    rtol: float = 1e-3


@dataclass(frozen=True, kw_only=True)
class Number(Exercise):
    """Asks for a number or an array; `truth` makes it, of what `given` gives.

    Whole numbers have to be met exactly, unless `rtol` is above 0.001.
    """

    truth: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Function(Exercise):
    """Asks for a function, which is called on inputs that are drawn with a fixed seed.

    Attributes:
        truth: the same function, written with Paddle wherever Paddle has it.
        draw: gives the arguments for one call, by name: float64 arrays, whole numbers and the like.
        outputs: names of what is returned; more than one for a function that returns a tuple.
        gradients: the arguments are handed over as tensors, and the gradients of the first output with respect to
            these arguments are compared as well.
        cases: how many calls.
        seconds: for each of them.
    """

    truth: Callable[..., Any]
    draw: Callable[[np.random.Generator], dict[str, Any]]
    outputs: tuple[str, ...] = ("the result",)
    gradients: tuple[str, ...] = ()
    cases: int = 5
    seconds: float = 3.0
    rtol: float = field(default=1e-5)
