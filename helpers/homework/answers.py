"""Reads what a learner typed and says for every entry: right, wrong (with a hint), or not answered.

Nothing that is typed makes it raise, and nothing is passed over: what cannot be read is named with the reason.
"""
from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from helpers import runtime  # noqa: F401  before paddle

import numpy as np
import paddle

COLUMNS = ("w shape", "w count", "b shape", "b count", "output")
WITH, WITHOUT = "the bias included", "without the bias"
RIGHT, WRONG, BLANK = "right", "wrong", "not answered"
Shape = tuple[int, ...]


class Rejected(ValueError):
    """An answer that is no whole number or no shape; the text says why."""


def shown(value: object, write: Callable[[object], str] = reprlib.repr, most: int = 40) -> str:
    """A short line of any value; Python refuses to write integers of more than 4,300 digits, and classes may lie."""
    try:
        text = "".join(c for c in " ".join(write(value)[:200].split()) if c.isprintable())
    except Exception:
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= most else text[: most - 3] + "..."


def _whole(value: object) -> int:
    if isinstance(value, (np.ndarray, paddle.Tensor)):
        if math.prod(value.shape) != 1:
            raise Rejected(f"expected one whole number, got an array of shape {list(value.shape)}")
        value = value.item()
    if isinstance(value, (str, bytes)):
        commas = " and the commas" if {*",，"} & {*value} else ""
        raise Rejected(f"expected a whole number, got text: leave out the quotes{commas}")
    if isinstance(value, tuple):  # 86,704,128 without quotes
        raise Rejected("expected a whole number, got several: leave out the commas")
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise Rejected(f"expected a whole number, got {type(value).__name__}")
    number = int(value) if isinstance(value, numbers.Integral) or math.isfinite(value) else None
    if number != value:
        raise Rejected(f"expected a whole number, got {shown(value)}")
    return number


def _shape(value: object) -> Shape:
    if isinstance(value, (np.ndarray, paddle.Tensor)):
        if len(value.shape) != 1 or value.shape[0] > 8:
            raise Rejected(f"expected a list such as [2, 3], got an array of shape {list(value.shape)}")
        value = list(value)
    if isinstance(value, (numbers.Number, np.generic)):
        way = "write it in square brackets" if value else "a layer without parameters has the shape []"
        raise Rejected(f"expected a list such as [2, 3], got one number: {way}")
    if not isinstance(value, (list, tuple)):
        raise Rejected(f"expected a list such as [2, 3], got {type(value).__name__}")
    if len(value) > 8:
        raise Rejected(f"expected a list such as [2, 3], got {len(value)} entries")
    try:
        return tuple(map(_whole, value))
    except Rejected as reason:
        raise Rejected(f"inside the list: {reason}") from reason


def _places(value: object, number: int) -> Sequence[object]:
    """What was typed for each of so many entries; where it cannot be taken apart, why, as a `Rejected`."""
    if number == 1 or value is None or isinstance(value, Rejected):
        return [value] * number
    try:
        row = [*value] if isinstance(value, (list, tuple)) else None
    except Exception:  # a list that raises when it is looked at
        row = None
    if row is not None and len(row) == number:
        return row
    got = type(value).__name__ if row is None else f"{len(row)} entries"
    return [Rejected(f"expected a list of {number} entries ({', '.join(COLUMNS)}), got {got}")] * number


class Entry(NamedTuple):
    """One thing to answer: its accepted values (-> the name of a convention, or ""), the first one being the truth,
    and hints for wrong ones, the first that fits being given; a hint's value None fits anything."""

    column: str
    accepted: dict[int | Shape, str]
    hints: Sequence[tuple[int | Shape | None, str]] = ()

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
            raise Rejected(f"it cannot be read ({type(error).__name__})") from error

    def feedback(self, value: object) -> tuple[str, str]:
        """The state, RIGHT, WRONG or BLANK, and the text for the learner, which never holds the solution."""
        if value is None:
            return BLANK, "not answered yet"
        try:
            read = self.read(value)
        except Rejected as reason:
            return WRONG, f"wrong - {reason}"
        if read in self.accepted:
            note = self.accepted[read]
            return RIGHT, f"right ({note})" if note else "right"
        for mistake, hint in self.hints:
            if mistake is None or mistake == read:
                return WRONG, f"wrong - {hint}"
        if isinstance(read, tuple) and len(read) != len(self.truth):
            plural = "" if len(read) == 1 else "s"
            return WRONG, f"wrong - it has {len(read)} number{plural}, expected {len(self.truth)}"
        if isinstance(read, tuple) and sorted(read) == sorted(self.truth):
            return WRONG, "wrong - these are the numbers, in another order"
        return WRONG, "wrong"


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
        return f"{group}: {states.count(RIGHT)} of {len(states)} right"

    def __str__(self) -> str:
        lines = []
        for group, results in self.groups.items():
            if len({result.text for result in results}) == 1:
                lines.append(f"{group}: {results[0].text}" + (f" (all {len(results)})" if len(results) > 1 else ""))
            else:
                lines += [f"{group} {result.column}: {result.text}" for result in results]
        states = [result.state for results in self.groups.values() for result in results]
        total = ", ".join(f"{states.count(state)} {state}" for state in (RIGHT, WRONG, BLANK))
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes), f"together: {total}"])


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
            name: right if name in self.given else [None] * len(right) if isinstance(right, list) else None
            for name, right in self.reveal().items()
        }

    def reveal(self) -> dict[str, object]:
        """All right answers. For practice: compute first, look afterwards."""
        plain = {
            name: [list(entry.truth) if isinstance(entry.truth, tuple) else entry.truth for entry in entries]
            for name, entries in self.groups.items()
        }
        return {name: values if len(values) > 1 else values[0] for name, values in plain.items()}

    def split(self, answers: object) -> dict[str, Sequence[object]]:
        """The answers by group and entry: what was typed or is given, None, or why a group cannot be taken apart."""
        if not isinstance(answers, dict):
            reason = Rejected(f"expected a dictionary with the rows as keys, got {type(answers).__name__}")
            answers = dict.fromkeys(self.groups, reason)
        known = {name: dict.get(answers, name) for name in self.groups}
        known |= {name: [entry.truth for entry in self.groups[name]] for name in self.given}
        return {name: _places(value, len(self.groups[name])) for name, value in known.items()}

    def grade(self, answers: object) -> Report:
        """Feedback for every entry that is asked for. Nothing is raised, whatever `answers` holds."""
        values = self.split(answers)
        results = {
            name: [Result(e.column, *e.feedback(value)) for e, value in zip(entries, values[name], strict=True)]
            for name, entries in self.groups.items() if name not in self.given
        }  # fmt: skip
        strange = [key for key in dict.keys(answers) if key not in self.groups] if isinstance(answers, dict) else []
        notes = [f"{shown(key)} is no entry of this task, it is not looked at" for key in strange]
        texts = {result.text for row in results.values() for result in row}
        if {f"right ({WITH})", f"right ({WITHOUT})"} <= texts:
            notes.append("some counts include the bias and some do not; choose one way for all of them")
        return Report(results, notes)

    def __str__(self) -> str:
        fields = [f'    "{name}": {value},' for name, value in self.blank().items()]
        return "\n".join([self.about, "answers = {", *fields, "}"])
