"""Numbers of the homework: the course's, or for each student of a class numbers of his own.

They are drawn from the student's id and a secret that stays with the teacher. What the teacher hands out is a sheet
with everybody's numbers, signed; it holds neither the secret nor an id in clear. Standard library only.
"""
from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from helpers import ROOT
from helpers.language import Text

COURSE = "batchnorm-dropout"
SHEET = "variants.json"
LARGEST_SHEET = 20_000_000  # bytes; a student takes some 300
# What each number is drawn from: never the course's own filters and side, so that its answers are never right as well.
CHOICES = {
    "batch": range(4, 25), "channels": (1, 3, 4), "side": range(96, 217, 8),
    "filters": range(20, 61, 4), "kernel": (3, 5, 7), "padding": (1, 2, 3),
    "first": range(4, 13), "second": range(14, 31), "window": (3, 5), "hidden": range(30, 81), "classes": range(1, 6),
}  # fmt: skip


class BadSheet(ValueError):
    """A sheet of variants that cannot be used; the text says why."""


@dataclass(frozen=True)
class Numbers:
    """What the two tasks are about. A ValueError names a number of which no network can be made.

    Attributes:
        batch, channels, side: of the input, [batch, channels, side, side], in both tasks.
        filters, kernel, padding: of the convolution of task 1; its stride is 1.
        first, second, window: channels and kernel of the convolutions of task 2, which keep the size.
        hidden, classes: outputs of its two Linear layers.
    """

    batch: int
    channels: int
    side: int
    filters: int
    kernel: int
    padding: int
    first: int
    second: int
    window: int
    hidden: int
    classes: int

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int or not 1 <= value <= 1024:
                raise ValueError(f"{name} must be a whole number from 1 to 1024")
        if not self.window % 2 or not max(self.kernel, self.window, 4) <= self.side:
            raise ValueError("the kernels do not fit the input")

    @property
    def shape(self) -> list[int]:
        """Of the input."""
        return [self.batch, self.channels, self.side, self.side]


COURSE_NUMBERS = Numbers(10, 3, 224, 64, 3, 1, 6, 16, 5, 64, 1)


def read_numbers(data: object) -> Numbers:
    """The numbers out of a dictionary as JSON gives it; a ValueError for anything else."""
    if not isinstance(data, dict) or data.keys() != {field.name for field in fields(Numbers)}:
        raise ValueError("these are not the numbers of the homework")
    return Numbers(**data)


def canonical(student_id: str) -> str:
    """An id as it is compared: full-width digits, spaces around it and capitals make no difference."""
    return unicodedata.normalize("NFKC", student_id).strip().casefold()


def draw(student_id: str, secret: bytes) -> Numbers:
    """A student's numbers: the same for ever, on every machine; two of fifty are alike once in six million classes."""
    drawn = {}
    for name, choices in CHOICES.items():
        number = int.from_bytes(_digest(secret, "numbers", name, canonical(student_id)), "big")
        drawn[name] = choices[number % len(choices)]
    return Numbers(**drawn)


def signature(student_id: str, numbers: Numbers, secret: bytes) -> str:
    """The teacher's mark, 64 hexadecimal digits, that these numbers are those of this student."""
    return _digest(secret, "signature", json.dumps(asdict(numbers), sort_keys=True), canonical(student_id)).hex()


def sheet(student_ids: Iterable[str], secret: bytes) -> dict:
    """What a class is given beside the notebook: everybody's numbers, signed, under a digest of the id."""
    students = {}
    for student_id in student_ids:
        numbers = draw(student_id, secret)
        students[_key(student_id)] = {
            "numbers": asdict(numbers), "signature": signature(student_id, numbers, secret),
        }  # fmt: skip
    return {"course": COURSE, "format": 1, "students": students}


def find_sheet(folder: str | Path = ".") -> Path | None:
    """The sheet of the class: beside the notebook, or in the course's data folder."""
    return next((path for path in (Path(folder) / SHEET, ROOT / "data" / SHEET) if path.is_file()), None)


def find(student_id: str, folder: str | Path = ".") -> tuple[Numbers, str] | None:
    """A student's numbers and their signature; None where there is no sheet, or the student is not on it.

    Raises:
        BadSheet: there is a sheet that cannot be read.
    """
    path = find_sheet(folder)
    if path is None:
        return None
    try:
        if path.stat().st_size > LARGEST_SHEET:
            raise ValueError(f"it has more than {LARGEST_SHEET:,} bytes")
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        if data["course"] != COURSE or data["format"] != 1:
            raise ValueError("it is of another course")
        own = data["students"].get(_key(student_id))
        return None if own is None else (read_numbers(own["numbers"]), str(own["signature"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = Text("{} 读不出来（{}）：请向老师再要一份", "{} cannot be read ({}): ask your teacher for it again")
        raise BadSheet(said.format(path.name, f"{type(error).__name__}: {error}"[:100])) from error


def _digest(secret: bytes, *parts: str) -> bytes:
    message = json.dumps([COURSE, 1, *parts]).encode()
    return hmac.new(secret, message, hashlib.sha256).digest()


def _key(student_id: str) -> str:
    return hashlib.sha256(canonical(student_id).encode("utf-8", "surrogatepass")).hexdigest()[:16]
