"""Which homework a learner gets: the course's, or one with numbers of his own, where a teacher has drawn them."""
from __future__ import annotations

import numbers
from pathlib import Path
from typing import NamedTuple

from helpers.homework.answers import Task, shown
from helpers.homework.submission import LONGEST, Variant
from helpers.homework.tasks import tasks
from helpers.homework.variants import COURSE_NUMBERS, SHEET, BadSheet, Numbers, find, find_sheet
from helpers.language import Text, say

_OURS = Text("用的是课程自带的一套数", "these are the course's own numbers")
_NO_ID = Text(
    "你们班每人有自己的一套数（{}）：在上面的引号里写学号，再运行这一格",
    "everybody in your class has numbers of his own ({}): write your student id above, in quotes, and run this again",
)
_STRANGE_ID = Text("学号要写在引号里，这里是 {}", "a student id is written in quotes, not {}")
_NO_SHEET = Text("学号 {}；这里没有 {}", "student {}; there is no {} here")
_NOT_ON_SHEET = Text(
    "学号 {} 不在 {} 里：看看有没有写错，没有写错就问老师",
    "student {} is not in {}: see whether the id is right, and ask your teacher if it is",
)
_YOURS = Text(
    "学号 {} 的一套数，输入 {}：题面里的数都换成下面打印出来的",
    "numbers of student {}, input {}: what is printed below takes the place of the numbers in the text",
)


class Assignment(NamedTuple):
    """The homework of one learner: both tasks, the numbers in them, whose they are; without a variant the course's."""

    student_id: str
    numbers: Numbers
    variant: Variant | None
    counting: Task
    table: Task


def assignment(student: object = None, folder: str | Path = ".") -> Assignment:
    """The homework of a student, by the sheet of the class in this folder or in the course's data folder.

    It prints one line: whose numbers they are, and where they are the course's although there may be others, why.
    Nothing is raised.
    """
    student_id, variant, said = _looked_up(student, folder)
    own = variant.numbers if variant else COURSE_NUMBERS
    say(said)
    return Assignment(student_id, own, variant, *tasks(own))


def _looked_up(student: object, folder: str | Path) -> tuple[str, Variant | None, object]:
    """The id as text, the numbers that are drawn for it, and what is to be said."""
    try:
        sheet = find_sheet(folder)
        if isinstance(student, numbers.Integral) and not isinstance(student, bool):
            student = str(student)
        if student is not None and (not isinstance(student, str) or len(student) > LONGEST):
            return "", None, f"{_STRANGE_ID.format(shown(student))}\n{_OURS}"
        student_id = shown(student or "", str, LONGEST)
        if not student_id:
            return "", None, _OURS if sheet is None else f"{_NO_ID.format(SHEET)}\n{_OURS}"
        if sheet is None:
            return student_id, None, f"{_NO_SHEET.format(student_id, SHEET)}\n{_OURS}"
        found = find(student_id, folder)
    except BadSheet as error:
        return student_id, None, f"{error}\n{_OURS}"
    except Exception as error:  # an object that raises when it is looked at, a folder that cannot be
        return "", None, f"{_STRANGE_ID.format(type(error).__name__)}\n{_OURS}"
    if found is None:
        return student_id, None, f"{_NOT_ON_SHEET.format(student_id, SHEET)}\n{_OURS}"
    return student_id, Variant(*found), _YOURS.format(student_id, found[0].shape)
