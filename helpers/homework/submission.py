"""The one thing that a learner hands in: the answers as data, in a file or as an output of the notebook.

Reading it runs nothing from it: it is plain JSON of known keys, types and sizes. Standard library only.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from helpers.homework.variants import COURSE, Numbers, read_numbers
from helpers.language import LANGUAGES, Text

FORMAT = 1
MIME = "application/vnd.batchnorm-dropout.answers+json"
FILE = "answers.json"
LONGEST = 100  # characters of an id, a name, a date, or an answer that is text
MOST = 50  # groups of a task
Plain = None | bool | int | float | str | list  # a list is a shape, of at most 8 plain values
Answers = dict[str, Plain]  # of a table: for each row a list of at most 8 of them, or a text if it was no row

_NOT_ONE = Text("这不是本课程作业的答案", "these are not answers to this course's homework")
_OF_LATER = Text("它的格式是 {}，这里只认得 {}", "its format is {}, and only {} is known here")
_DAMAGED = Text(
    "它的校验和不对：交上去以后，内容被改过或损坏了",
    "its checksum does not fit: it was changed or damaged after it was made",
)
_NO_VALUE = Text("其中的 {} 不是作业写出来的样子", "its {} is not as the homework writes it")


class BadSubmission(ValueError):
    """Something that cannot be taken for a hand-in; the text says why, in the language that is spoken."""


@dataclass(frozen=True)
class Variant:
    """Numbers that a teacher has drawn for one student, and the teacher's signature."""

    numbers: Numbers
    signature: str


@dataclass(frozen=True)
class Submission:
    """A hand-in that was read: who, when, and what was answered. An answer that was no number or shape is text."""

    student_id: str
    name: str
    edition: str
    date: str
    variant: Variant | None
    counts: Answers
    table: Answers


def make(
    counts: Answers, table: Answers, *, edition: str, student_id: str = "", name: str = "", date: str = "",
    variant: Variant | None = None,
) -> dict:  # fmt: skip
    """What is handed in, as a dictionary for JSON; see `parse` for what it may hold."""
    data = {
        "course": COURSE,
        "format": FORMAT,
        "edition": edition,
        "student": {"id": student_id, "name": name},
        "date": date,
        "variant": None if variant is None else asdict(variant),
        "answers": {"counts": counts, "table": table},
    }
    return {**data, "checksum": checksum(data)}


def checksum(data: Mapping[str, object]) -> str:
    """Of all but the checksum itself. It finds damage, not cheating: anybody can compute it."""
    rest = {name: value for name, value in data.items() if name != "checksum"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parse(data: object) -> Submission:
    """A hand-in out of what JSON gave.

    Raises:
        BadSubmission: it is no hand-in of this course, of a later format, or damaged. Nothing else is raised.
    """
    if not isinstance(data, dict) or data.get("course") != COURSE:
        raise BadSubmission(str(_NOT_ONE))
    found = data.get("format")
    if type(found) is not int or found != FORMAT:
        raise BadSubmission(_OF_LATER.format(str(found)[:20] if isinstance(found, (int, str)) else "?", FORMAT))
    _expect(data.keys() == make({}, {}, edition="en").keys(), "keys")
    student, answers, variant = data["student"], data["answers"], data["variant"]
    _expect(_short(data["edition"]) and data["edition"] in LANGUAGES, "edition")
    _expect(isinstance(student, dict) and student.keys() == {"id", "name"}, "student")
    _expect(all(map(_short, student.values())), "student")
    _expect(_short(data["date"]), "date")
    _expect(isinstance(answers, dict) and answers.keys() == {"counts", "table"}, "answers")
    _expect(_groups(answers["counts"], 1) and _groups(answers["table"], 2), "answers")
    own = _variant(variant)
    try:
        fits = isinstance(data["checksum"], str) and data["checksum"] == checksum(data)
    except ValueError:  # an integer of more than 4,300 digits
        fits = False
    if not fits:
        raise BadSubmission(str(_DAMAGED))
    return Submission(
        student["id"], student["name"], data["edition"], data["date"], own, answers["counts"], answers["table"]
    )


def _expect(right: bool, part: str) -> None:
    if not right:
        raise BadSubmission(_NO_VALUE.format(part))


def _short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST


def _groups(values: object, depth: int) -> bool:
    """Whether these are answers by group, lists in them being no deeper than in a number's or a row's entry."""
    if not isinstance(values, dict) or len(values) > MOST:
        return False
    return all(_short(name) and _plain(value, depth) for name, value in values.items())


def _plain(value: object, depth: int) -> bool:
    if isinstance(value, list):
        return depth > 0 and len(value) <= 8 and all(_plain(inner, depth - 1) for inner in value)
    return value is None or _short(value) or isinstance(value, (bool, int, float))


def _variant(data: object) -> Variant | None:
    if data is None:
        return None
    _expect(isinstance(data, dict) and data.keys() == {"numbers", "signature"} and _short(data["signature"]), "variant")
    try:
        return Variant(read_numbers(data["numbers"]), data["signature"])
    except ValueError as error:
        raise BadSubmission(_NO_VALUE.format("variant")) from error
