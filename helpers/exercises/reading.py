"""Reads whatever a learner's answer is as numbers, or says in a sentence why that cannot be done."""
from __future__ import annotations

import numbers
import re
from decimal import Decimal

from helpers.language import Text

import numpy as np
import paddle


class Unreadable(Exception):
    """An answer that is no number and no array; `reason` says why, in both languages' words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


NUMBER = Text("一个数", "a number")
ARRAY = Text("一个数组", "an array")
EXPECTED = Text("应为{}，得到的是 {}", "expected {}, got {}")
QUOTES = Text("这是文字，不是数：去掉引号", "this is text, not a number: leave out the quotes")
PLAIN = Text("去掉引号和逗号，写成 {}", "without quotes and commas, write {}")
COMMAS = Text(
    "数里不要写逗号：Python 会把它读成几个数。请写 {}", "no commas within a number: Python reads several. Write {}"
)
CALL_IT = Text("这是一个函数；题目要的是它的结果", "this is a function; its result is asked for")
FAILED = Text("读不出这个答案（{}）", "it cannot be read ({})")


def as_array(answer: object, single: bool) -> np.ndarray:
    """An answer as float64 numbers.

    Args:
        answer: anything: a number, a list, an array, a tensor of any type, or something else.
        single: whether one number is asked for.

    Raises:
        Unreadable: and nothing else, whatever the answer does when it is looked at.
    """
    wanted = NUMBER if single else ARRAY
    try:
        if isinstance(answer, str | bytes):
            plain = re.sub(r"[,，\s]", "", answer) if isinstance(answer, str) else ""
            number = single and re.fullmatch(r"-?\d+(\.\d+)?", plain, re.ASCII)
            raise Unreadable(PLAIN.format(plain) if number else str(QUOTES))
        if isinstance(answer, bool | np.bool_ | complex):
            raise Unreadable(EXPECTED.format(wanted, type(answer).__name__))
        if single and isinstance(answer, tuple) and _grouped(answer):
            raise Unreadable(COMMAS.format(int("".join([str(answer[0]), *(f"{part:03d}" for part in answer[1:])]))))
        if isinstance(answer, paddle.Tensor):
            answer = answer.astype("float64").numpy()  # NumPy does not know bfloat16
        elif isinstance(answer, list | tuple):
            answer = [as_array(each, single=True) if isinstance(each, paddle.Tensor) else each for each in answer]
        elif callable(answer) and not hasattr(answer, "__array__"):
            raise Unreadable(str(CALL_IT))
        array = np.asarray(answer)
        if array.dtype == object and not all(isinstance(each, numbers.Real | Decimal) for each in array.flat):
            raise Unreadable(EXPECTED.format(wanted, _name(answer)))
        if array.dtype.kind not in "biufO":
            raise Unreadable(EXPECTED.format(wanted, _name(answer)))
        return array.astype(np.float64)
    except Unreadable:
        raise
    except Exception as error:  # whatever an object does that is looked at
        raise Unreadable(FAILED.format(_name(error))) from error


def _grouped(answer: tuple) -> bool:
    """Whether these may be the groups of a number that was typed with commas: 3,211,264."""
    whole = len(answer) > 1 and all(type(part) is int for part in answer)
    return whole and 0 < answer[0] < 1000 and all(0 <= part < 1000 for part in answer[1:])


def _name(value: object) -> str:
    """The name of a value's type, as far as it can be shown."""
    return re.sub(r"\W", "", str(type(value).__name__))[:40]
