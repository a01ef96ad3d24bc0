"""Reads what a learner typed and says for every entry: right, wrong (with a hint), or not answered.

Nothing that is typed makes it raise, and nothing is passed over: what cannot be read is named with the reason.
"""
from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from helpers import runtime  # noqa: F401  before paddle

import numpy as np
import paddle

COLUMNS = ("w shape", "w count", "b shape", "b count", "output")
WITH, WITHOUT = "the bias included", "without the bias"
Shape = tuple[int, ...]

# --- reading what was typed -------------------------------------------------------------------------------------------


class Rejected(ValueError):
    """An answer that is no whole number or no shape; the text says why."""


def shown(value: object) -> str:
    """A short text of any value; Python refuses to write integers of more than 4,300 digits, and classes may lie."""
    try:
        text = "".join(c for c in " ".join(reprlib.repr(value).split()) if c.isprintable())
    except Exception:
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 40 else text[:37] + "..."


def _items(value: list | tuple) -> list:
    """The elements as a plain list; a subclass cannot do anything on the way."""
    return [*(list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value))]


def _whole(value: object) -> int:
    if isinstance(value, (np.ndarray, paddle.Tensor)):
        if math.prod(value.shape) != 1:
            raise Rejected(f"expected one whole number, got an array of shape {list(value.shape)}")
        value = value.item()
    if isinstance(value, (str, bytes)):
        raise Rejected("expected a whole number, got text: leave out the quotes")
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise Rejected(f"expected a whole number, got {type(value).__name__}")
    if not isinstance(value, numbers.Integral) and not math.isfinite(value):
        raise Rejected(f"expected a whole number, got {shown(value)}")
    number = int(value)
    if number != value:
        raise Rejected(f"expected a whole number, got {shown(value)}")
    return number


def _shape(value: object) -> Shape:
    if isinstance(value, (np.ndarray, paddle.Tensor)):
        if len(value.shape) != 1 or value.shape[0] > 8:
            raise Rejected(f"expected a list such as [2, 3], got an array of shape {list(value.shape)}")
        value = value.tolist()
    if isinstance(value, (numbers.Number, np.generic)):
        way = "write it in square brackets" if value else "a layer without parameters has the shape []"
        raise Rejected(f"expected a list such as [2, 3], got one number: {way}")
    if not isinstance(value, (list, tuple)):
        raise Rejected(f"expected a list such as [2, 3], got {type(value).__name__}")
    value = _items(value)
    if len(value) > 8:
        raise Rejected(f"expected a list such as [2, 3], got {len(value)} entries")
    try:
        return tuple(map(_whole, value))
    except Rejected as reason:
        raise Rejected(f"inside the list: {reason}") from reason


# --- questions and feedback -------------------------------------------------------------------------------------------


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
        """What was typed, as an int or a tuple of ints.

        Raises:
            Rejected: it is neither, or not what this entry asks for.
        """
        try:
            return (_shape if isinstance(self.truth, tuple) else _whole)(value)
        except Rejected:
            raise
        except Exception as error:  # an object that raises when it is looked at
            raise Rejected(f"it cannot be read ({type(error).__name__})") from error

    def feedback(self, value: object) -> tuple[str, str]:
        """The state, "right", "wrong" or "blank", and the text for the learner, which never holds the solution."""
        if value is None:
            return "blank", "not answered yet"
        try:
            read = self.read(value)
        except Rejected as reason:
            return "wrong", f"wrong - {reason}"
        if read in self.accepted:
            note = self.accepted[read]
            return "right", f"right ({note})" if note else "right"
        for mistake, hint in self.hints:
            if mistake is None or mistake == read:
                return "wrong", f"wrong - {hint}"
        if isinstance(read, tuple) and len(read) != len(self.truth):
            numbers_read = f"{len(read)} number" + ("" if len(read) == 1 else "s")
            return "wrong", f"wrong - it has {numbers_read}, expected {len(self.truth)}"
        if isinstance(read, tuple) and sorted(read) == sorted(self.truth):
            return "wrong", "wrong - these are the numbers, in another order"
        return "wrong", "wrong"


class Result(NamedTuple):
    """The feedback for one entry."""

    group: str
    column: str
    state: str
    text: str


@dataclass(frozen=True)
class Report:
    """The feedback for a whole task; as text, what the learner reads."""

    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()

    def right(self, group: str) -> bool:
        """Whether every entry of a group, a row of the table or a number, is right.

        Raises:
            KeyError: nothing of that name is asked for.
        """
        if group not in {result.group for result in self.results}:
            raise KeyError(f"{group!r} is not asked for")
        return all(result.state == "right" for result in self.results if result.group == group)

    def score(self, group: str | None = None) -> str:
        """One line: how many of the entries, of a group or of all, are right."""
        states = [result.state for result in self.results if group in (None, result.group)]
        return f"{group or 'all'}: {states.count('right')} of {len(states)} right"

    def __str__(self) -> str:
        lines = []
        for group in dict.fromkeys(result.group for result in self.results):
            results = [result for result in self.results if result.group == group]
            texts = {result.text for result in results}
            if len(texts) == 1:
                lines.append(f"{group}: {texts.pop()}" + (f" (all {len(results)})" if len(results) > 1 else ""))
            else:
                lines += [f"{result.group} {result.column}: {result.text}" for result in results]
        states = [result.state for result in self.results]
        total = ", ".join(f"{states.count(s)} {t}" for s, t in
                          (("right", "right"), ("wrong", "wrong"), ("blank", "not answered")))
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes), f"together: {total}"])


@dataclass(frozen=True)
class Task:
    """Questions in groups: a row of the table has five entries and is answered by a list, a number has one.

    `given` are the groups that are filled in for the learner and not asked for, `about` says what it is about.
    """

    groups: dict[str, tuple[Entry, ...]]
    given: tuple[str, ...] = ()
    about: str = field(default="", repr=False)

    def blank(self) -> dict[str, object]:
        """The answers with nothing answered; what is given is filled in."""
        filled = self.reveal()
        return {
            name: filled[name] if name in self.given else [None] * 5 if len(entries) > 1 else None
            for name, entries in self.groups.items()
        }

    def reveal(self) -> dict[str, object]:
        """All right answers. For practice: compute first, look afterwards."""
        plain = {
            name: [list(entry.truth) if isinstance(entry.truth, tuple) else entry.truth for entry in entries]
            for name, entries in self.groups.items()
        }
        return {name: values if len(values) > 1 else values[0] for name, values in plain.items()}

    def split(self, answers: object) -> tuple[dict[str, Sequence[object] | Rejected], list[str]]:
        """The answers by group, or why a group cannot be taken apart, and notes about what is not looked at."""
        notes: list[str] = []
        if not isinstance(answers, dict):
            reason = Rejected(f"expected a dictionary with the rows as keys, got {type(answers).__name__}")
            return dict.fromkeys(self.groups, reason), notes
        known = {key: value for key, value in dict.items(answers) if type(key) is str}
        notes += [f"{shown(key)} is no entry of this task, it is not looked at"
                  for key in dict.keys(answers) if type(key) is not str or key not in self.groups]
        values: dict[str, Sequence[object] | Rejected] = {}
        for name, entries in self.groups.items():
            value = known.get(name)
            if len(entries) == 1:
                values[name] = [value]
            elif value is None:
                values[name] = [None] * len(entries)
            else:
                row = _items(value) if isinstance(value, (list, tuple)) else None
                got = type(value).__name__ if row is None else f"{len(row)} entries"
                wanted = f"expected a list of {len(entries)} entries ({', '.join(COLUMNS)})"
                values[name] = row if row is not None and len(row) == len(entries) else Rejected(f"{wanted}, got {got}")
        return values, notes

    def grade(self, answers: object) -> Report:
        """Feedback for every entry that is asked for. Nothing is raised, whatever `answers` holds."""
        values, notes = self.split(answers)
        results = []
        for name, entries in self.groups.items():
            if name in self.given:
                continue
            row = values[name]
            for number, entry in enumerate(entries):
                said = ("wrong", f"wrong - {row}") if isinstance(row, Rejected) else entry.feedback(row[number])
                results.append(Result(name, entry.column, *said))
        texts = {result.text for result in results}
        if {f"right ({WITH})", f"right ({WITHOUT})"} <= texts:
            notes.append("some counts include the bias and some do not; choose one way for all of them")
        return Report(tuple(results), tuple(notes))

    def __str__(self) -> str:
        fields = [f'    "{name}": {value},' for name, value in self.blank().items()]
        return "\n".join([self.about, "answers = {", *fields, "}"])
