"""Reads what a learner typed and says for every entry: right, wrong (with a hint), or not answered.

Nothing that is typed makes it raise, and nothing is passed over: what cannot be read is named with the reason.
"""
from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from helpers import runtime  # noqa: F401  before paddle
from helpers.language import Text, spoken

import numpy as np
import paddle

COLUMNS = (
    Text("w 的形状", "w shape"), Text("w 的个数", "w count"), Text("b 的形状", "b shape"), Text("b 的个数", "b count"),
    Text("输出的形状", "output shape"),
)  # fmt: skip
WITH, WITHOUT = Text("连偏置一起算", "the bias included"), Text("不算偏置", "without the bias")
RIGHT, WRONG, BLANK = "right", "wrong", "not answered"  # states; what a learner reads of them are these:
STATES = {RIGHT: Text("对", "right"), WRONG: Text("错", "wrong"), BLANK: Text("未作答", "not answered")}
Shape = tuple[int, ...]


WANTED = Text("要填一个整数，", "expected a whole number, ")
WANTED_SHAPE = Text("要填 [2, 3] 这样的列表，", "expected a list such as [2, 3], ")
GOT = Text("这里是 {}", "got {}")


class Rejected(ValueError):
    """An answer that is no whole number or no shape; the text says why, in the language that is spoken."""


def shown(value: object, write: Callable[[object], str] = reprlib.repr, most: int = 40) -> str:
    """A short line of any value; Python refuses to write integers of more than 4,300 digits, and classes may lie."""
    try:
        text = "".join(c for c in " ".join(write(value)[:200].split()) if c.isprintable())
    except Exception:
        text = Text("一个 {} 类型的值", "a value of type {}").format(type(value).__name__)
    return text if len(text) <= most else text[: most - 3] + "..."


def _whole(value: object) -> int:
    if isinstance(value, (np.ndarray, paddle.Tensor)):
        if math.prod(value.shape) != 1:
            raise _array(WANTED, value)
        value = value.item()
    if isinstance(value, (str, bytes)):
        if {*",，"} & {*value}:
            way = Text("这里是一段文字：去掉引号和逗号", "got text: leave out the quotes and the commas")
        else:
            way = Text("这里是一段文字：去掉引号", "got text: leave out the quotes")
        raise Rejected(f"{WANTED}{way}")
    if isinstance(value, tuple):  # 86,704,128 without quotes
        raise Rejected(f"{WANTED}{Text('这里是好几个数：去掉逗号', 'got several: leave out the commas')}")
    plain = isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < 50  # none of 10**9 digits
    exact = Fraction(value) if plain else value
    if isinstance(value, (bool, np.bool_)) or not isinstance(exact, numbers.Real):
        raise Rejected(f"{WANTED}{GOT.format(type(value).__name__)}")
    number = int(exact) if isinstance(exact, numbers.Integral) or math.isfinite(exact) else None
    if number != exact:
        raise Rejected(f"{WANTED}{GOT.format(shown(value))}")
    return number


def _shape(value: object) -> Shape:
    if isinstance(value, (np.ndarray, paddle.Tensor)):
        if len(value.shape) != 1 or value.shape[0] > 8:
            raise _array(WANTED_SHAPE, value)
        value = list(value)
    if isinstance(value, (numbers.Number, np.generic)):
        if value:
            way = Text("这里是一个数：写在方括号里", "got one number: write it in square brackets")
        else:
            way = Text(
                "这里是一个数：没有参数的层，形状是 []",
                "got one number: a layer without parameters has the shape []",
            )
        raise Rejected(f"{WANTED_SHAPE}{way}")
    if not isinstance(value, (list, tuple)):
        raise Rejected(f"{WANTED_SHAPE}{GOT.format(type(value).__name__)}")
    if len(value) > 8:
        raise Rejected(f"{WANTED_SHAPE}{Text('这里有 {} 项', 'got {} entries').format(len(value))}")
    try:
        return tuple(map(_whole, value))
    except Rejected as reason:
        raise Rejected(Text("列表里面：{}", "inside the list: {}").format(reason)) from reason


def _array(wanted: Text, value: np.ndarray | paddle.Tensor) -> Rejected:
    got = Text("这里是形状为 {} 的数组", "got an array of shape {}").format(list(value.shape))
    return Rejected(f"{wanted}{got}")


def seen(value: object) -> object:
    """The value, or a `Rejected` for an object that raises even when its class is looked at."""
    try:
        isinstance(value, Rejected)
        return value
    except Exception as error:
        return _unreadable(error)


def _unreadable(error: Exception) -> Rejected:
    return Rejected(Text("它读不出来（{}）", "it cannot be read ({})").format(type(error).__name__))


def _places(value: object, number: int) -> Sequence[object]:
    """What was typed for each of so many entries; where it cannot be taken apart, why, as a `Rejected`."""
    value = seen(value)
    if number == 1 or value is None or isinstance(value, Rejected):
        return [value] * number
    try:
        row = [*value] if isinstance(value, (list, tuple)) else None
    except Exception:  # a list that raises when it is looked at
        row = None
    if row is not None and len(row) == number:
        return [*map(seen, row)]
    wanted = Text("要填 {} 项的列表（{}），", "expected a list of {} entries ({}), ")
    got = GOT.format(type(value).__name__) if row is None else Text("这里有 {} 项", "got {} entries").format(len(row))
    between = "、" if spoken() == "zh" else ", "
    return [Rejected(wanted.format(number, between.join(map(str, COLUMNS))) + got)] * number


class Entry(NamedTuple):
    """One thing to answer: its accepted values (-> the name of a convention, or ""), the first one being the truth,
    and hints for wrong ones, the first that fits being given; a hint's value None fits anything."""

    column: Text | str  # of its row; "" where it is a number
    accepted: dict[int | Shape, Text | str]
    hints: Sequence[tuple[int | Shape | None, Text]] = ()

    @property
    def truth(self) -> int | Shape:
        return next(iter(self.accepted))

    def read(self, value: object) -> int | Shape:
        """What was typed, as an int or a tuple of ints; raises Rejected where it is not what this entry asks for."""
        if isinstance(value, Rejected):
            raise value
        try:
            return (_shape if isinstance(self.truth, tuple) else _whole)(value)
        except Rejected:
            raise
        except Exception as error:  # an object that raises when it is looked at
            raise _unreadable(error) from error

    def feedback(self, value: object) -> tuple[str, str]:
        """The state, RIGHT, WRONG or BLANK, and the text for the learner, which never holds the solution."""
        if value is None:
            return BLANK, str(Text("还没有作答", "not answered yet"))
        try:
            read = self.read(value)
        except Rejected as reason:
            return WRONG, _because(reason)
        if read in self.accepted:
            note = self.accepted[read]
            return RIGHT, str(Text("对（{}）", "right ({})").format(note) if note else STATES[RIGHT])
        for mistake, hint in self.hints:
            if mistake is None or mistake == read:
                return WRONG, _because(hint)
        if isinstance(read, tuple) and len(read) != len(self.truth):
            one = Text("里面有 {} 个数，应当有 {} 个", "it has {} number, expected {}")
            more = Text("里面有 {} 个数，应当有 {} 个", "it has {} numbers, expected {}")
            return WRONG, _because((one if len(read) == 1 else more).format(len(read), len(self.truth)))
        if isinstance(read, tuple) and sorted(read) == sorted(self.truth):
            return WRONG, _because(Text("数都对，次序不对", "these are the numbers, in another order"))
        return WRONG, str(STATES[WRONG])


def _because(reason: object) -> str:
    return Text("错：{}", "wrong - {}").format(reason)


class Result(NamedTuple):
    """The feedback for one entry."""

    column: str
    state: str
    text: str


@dataclass(frozen=True)
class Report:
    """The feedback for a whole task, by group: a row of the table, or a number. As text, what the learner reads.

    `right` and `score` raise a KeyError for a group that is not asked for.
    """

    groups: dict[str, list[Result]]
    notes: Sequence[str] = ()

    def right(self, group: str) -> bool:
        """Whether every entry of a group is right."""
        return all(result.state == RIGHT for result in self.groups[group])

    def score(self, group: str) -> str:
        """One line: how many entries of a group are right."""
        states = [result.state for result in self.groups[group]]
        return Text("{0}：{2} 个答案里对了 {1} 个", "{0}: {1} of {2} right").format(
            group, states.count(RIGHT), len(states)
        )

    def __str__(self) -> str:
        lines, line = [], Text("{}：{}", "{}: {}")
        for group, results in self.groups.items():
            if len({result.text for result in results}) == 1:
                every = Text("（{} 项都是）", " (all {})").format(len(results)) if len(results) > 1 else ""
                lines.append(line.format(group, results[0].text) + every)
            else:
                lines += [line.format(f"{group} {result.column}", result.text) for result in results]
        states = [result.state for results in self.groups.values() for result in results]
        count = Text("{0} {1} 个", "{1} {0}")
        total = [count.format(said, states.count(state)) for state, said in STATES.items()]
        notes = [line.format(Text("注意", "note"), note) for note in self.notes]
        between = "，" if spoken() == "zh" else ", "
        return "\n".join([*lines, *notes, line.format(Text("合计", "together"), between.join(total))])


@dataclass(frozen=True)
class Task:
    """Questions in groups: a row of the table has five entries and is answered by a list, a number has one.

    `given` are the groups that are filled in for the learner and not asked for, `about` says what it is about.
    """

    groups: dict[str, tuple[Entry, ...]]
    given: Sequence[str] = ()
    about: str = ""

    def blank(self) -> dict[str, object]:
        """The answers with nothing answered; what is given is filled in."""
        return {
            name: _truth(entries) if name in self.given else [None] * len(entries) if len(entries) > 1 else None
            for name, entries in self.groups.items()
        }

    def split(self, answers: object) -> dict[str, Sequence[object]]:
        """The answers by group and entry: what was typed or is given, None, or why a group cannot be taken apart."""
        answers = seen(answers)
        if isinstance(answers, Rejected):
            answers = dict.fromkeys(self.groups, answers)
        elif not isinstance(answers, dict):
            wanted = Text("要填以各行为键的字典，", "expected a dictionary with the rows as keys, ")
            answers = dict.fromkeys(self.groups, Rejected(f"{wanted}{GOT.format(type(answers).__name__)}"))
        known = {name: dict.get(answers, name) for name in self.groups}
        known |= {name: [entry.truth for entry in self.groups[name]] for name in self.given}
        return {name: _places(value, len(self.groups[name])) for name, value in known.items()}

    def grade(self, answers: object) -> Report:
        """Feedback for every entry that is asked for. Nothing is raised, whatever `answers` holds."""
        answers = seen(answers)
        values = self.split(answers)
        results = {
            name: [Result(str(e.column), *e.feedback(value)) for e, value in zip(entries, values[name], strict=True)]
            for name, entries in self.groups.items() if name not in self.given
        }  # fmt: skip
        strange = [key for key in dict.keys(answers) if key not in self.groups] if isinstance(answers, dict) else []
        unknown = Text("这道题里没有 {}，不去看它", "{} is no entry of this task, it is not looked at")
        notes = [unknown.format(shown(key)) for key in strange]
        texts = {result.text for row in results.values() for result in row}
        if {Text("对（{}）", "right ({})").format(way) for way in (WITH, WITHOUT)} <= texts:
            notes.append(str(Text(
                "有的数连偏置一起算，有的没有：选一种算法，全都照它算",
                "some counts include the bias and some do not: choose one way for all of them",
            )))  # fmt: skip
        return Report(results, notes)

    def __str__(self) -> str:
        fields = [f'    "{name}": {value},' for name, value in self.blank().items()]
        return "\n".join([self.about, "answers = {", *fields, "}"])


class Practice(Task):
    """A task to practise on, which gives its answers away; one of the homework does not."""

    def reveal(self) -> dict[str, object]:
        """All right answers: compute first, look afterwards."""
        return {name: _truth(entries) for name, entries in self.groups.items()}


def _truth(entries: Sequence[Entry]) -> object:
    values = [list(entry.truth) if isinstance(entry.truth, tuple) else entry.truth for entry in entries]
    return values if len(values) > 1 else values[0]
