"""Reads whatever a learner's answer is as numbers, or says in a sentence why that cannot be done."""
from __future__ import annotations

import numbers
import re
from decimal import Decimal

from helpers.checks import shown
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
WITHIN = Text("其中的 {} 不是数", "{} in it is no number")
WITHIN_TEXT = Text("其中的 {} 是文字，不是数：去掉引号", "{} in it is text, not a number: leave out the quotes")
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
            if answer.is_complex():  # as a float it would be its real part
                raise Unreadable(EXPECTED.format(wanted, "complex"))
            answer = answer.astype("float64").numpy()  # NumPy does not know bfloat16
        elif isinstance(answer, list | tuple):
            answer = _read_within(answer)
        elif callable(answer) and not hasattr(answer, "__array__"):
            raise Unreadable(str(CALL_IT))
        array = np.asarray(answer)
        if array.dtype.kind not in "biuf":
            strange = [each for each in array.flat if not isinstance(each, numbers.Real | Decimal)]
            if array.ndim and strange:
                raise Unreadable(_within(strange[0]))
            if strange or array.dtype != object:
                raise Unreadable(EXPECTED.format(wanted, _name(answer)))
        return array.astype(np.float64)
    except Unreadable:
        raise
    except Exception as error:  # whatever an object does that is looked at
        raise Unreadable(FAILED.format(_name(error))) from error


def _read_within(values: list | tuple) -> list:
    """A list with its tensors, at any depth, as NumPy's arrays; Unreadable names the first that is no number."""
    read: list = []
    for each in values:
        if each is None or isinstance(each, str | bytes | complex):
            raise Unreadable(_within(each))
        if isinstance(each, list | tuple):
            each = _read_within(each)
        read.append(as_array(each, single=True) if isinstance(each, paddle.Tensor) else each)
    return read


def _within(value: object) -> str:
    plain = value.item() if isinstance(value, np.generic) else value  # NumPy 2 writes np.str_('1')
    return (WITHIN_TEXT if isinstance(plain, str | bytes) else WITHIN).format(shown(plain))


def _grouped(answer: tuple) -> bool:
    """Whether these may be the groups of a number that was typed with commas: 3,211,264."""
    whole = len(answer) > 1 and all(type(part) is int for part in answer)
    return whole and 0 < answer[0] < 1000 and all(0 <= part < 1000 for part in answer[1:])


def _name(value: object) -> str:
    """The name of a value's type, as far as it can be shown."""
    return re.sub(r"\W", "", str(type(value).__name__))[:40]
