"""The students of a class, from a sheet, and whose hand-in is whose.

Where a file lies says more than what stands in it: a platform or a hub puts it there, and in a file anybody can write
any name.
"""
from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from helpers.files import csv_rows
from helpers.homework.answers import shown
from helpers.homework.reading import ZIP, HandIn
from helpers.homework.variants import canonical
from helpers.homework.writing import NO_TEXT
from helpers.language import Text

# A sheet may have several: the running numbers of a list are called 编号, and a platform has its own user names.
IDS = (
    {"学号", "学生学号", "student id", "student_id", "studentid"}, {"id"}, {"学生编号"}, {"编号", "username", "用户名"},
)  # fmt: skip
NAMES = {"name", "student name", "student_name", "full name", "姓名", "学生姓名", "名字"}
ASSIGNMENT = "homework"  # nbgrader collects into NAME/homework
# Words beside a name in the name of a file; a student who calls himself by one is not looked for there.
WORDS = (
    "作业", "提交", "答案", "实验", "学号", "姓名", "的", "homework", "answers", "answer", "assignsubmission", "file",
)  # fmt: skip
FILL = re.compile("|".join(WORDS))
# A name ends where a letter does not follow, or such a word does. It may have one in it: Filer, 阿的江.
_BEFORE = "(?:(?<![^\\W\\d_])|" + "|".join(f"(?<={word})" for word in WORDS) + ")"
_AFTER = f"(?=[\\W\\d_]|$|{FILL.pattern})"
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx and .xls files begin
LISTED = 10  # of the lines that are wrong
BY_USER, BY_PLACE, BY_ID, BY_NAME, BY_NOTHING = 4, 3, 2, 1, 0


class BadRoster(ValueError):
    """A sheet that cannot be used as a roster; the text says why."""


class Student(NamedTuple):
    """A student of the roster, or who a hand-in says it is of."""

    id: str
    name: str = ""


class Owner(NamedTuple):
    """Whose a hand-in is, by what, and whether that is a student of the roster."""

    student: Student
    by: int
    known: bool


def read_roster(path: str | Path) -> list[Student]:
    """The students of a sheet with the columns id and name, or 学号 and 姓名, in any order and encoding.

    Raises:
        BadRoster: it cannot be read, was cut short, has other columns or two of ids of one rank, or has an id twice or
            an incomplete one; all lines that are wrong are named at once.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if data.startswith(_WORKBOOKS):
            raise BadRoster(Text(
                "名单 {} 读不了：它是 Excel 工作簿，请另存为 CSV",
                "the roster {} cannot be read: it is a workbook of Excel, save it as CSV",
            ).format(path.name))  # fmt: skip
        rows = csv_rows(data)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        said = Text("名单 {} 读不了（{}）", "the roster {} cannot be read ({})")
        raise BadRoster(said.format(path.name, _reason(error))) from error
    top, columns = next(
        ((number, places) for number, row in enumerate(rows) if all(places := _columns(row))), (0, None)
    )
    if columns is None:
        raise BadRoster(Text(
            "名单 {} 要有一行标题，其中有“学号”和“姓名”两列（或 id、name），并另存为 CSV",
            "the roster {} must have a line of titles with the columns id and name, and it must be saved as CSV",
        ).format(path.name))  # fmt: skip
    ids, names = columns
    if len(ids) > 1:
        raise BadRoster(Text(
            "名单 {} 有几列像是学号：{}；请只留一列", "the roster {} has several columns of ids: {}; leave one of them",
        ).format(path.name, ", ".join(shown(rows[top][i].strip(), str, 100) for i in ids)))  # fmt: skip
    students: dict[str, Student] = {}
    wrong: list[str] = []
    for number, row in enumerate(rows[top + 1 :], top + 2):
        own_id, name = (shown(row[i].strip(), str, 100) if i < len(row) else "" for i in (ids[0], names[0]))
        own_id = _as_typed(own_id)
        if not own_id and not name:
            continue
        key = canonical(own_id)
        if not key or re.fullmatch(r"[0-9.]+e\+[0-9]+", key):
            said = Text("第 {} 行没有完整的学号：{!r}", "line {} has no whole id: {!r}")
            wrong.append(said.format(number, own_id))
        elif key in students:
            wrong.append(Text("学号 {} 出现了两次", "it has the id {} twice").format(own_id))
        else:
            students[key] = Student(own_id, name)
    if wrong:
        between = Text("；", "; ")
        more = [Text("还有 {} 处", "{} more").format(len(wrong) - LISTED)] if len(wrong) > LISTED else []
        said = Text("名单 {}：{}", "the roster {}: {}")
        raise BadRoster(said.format(path.name, str(between).join([*wrong[:LISTED], *more])))
    if not students:
        raise BadRoster(Text("名单 {} 里没有学生", "the roster {} has no student").format(path.name))
    return list(students.values())


def _columns(row: list[str]) -> list[list[int]]:
    """Where ids of the first rank that is there, and where names are; neither is empty in the line of titles."""
    cells = [unicodedata.normalize("NFKC", cell).strip().lower() for cell in row]
    ranks = [[i for i, cell in enumerate(cells) if cell in wanted] for wanted in IDS]
    return [next(filter(None, ranks), []), [i for i, cell in enumerate(cells) if cell in NAMES]]


def _as_typed(own_id: str) -> str:
    """An id without what spreadsheets put around a number that is to stay a text, or behind one that does not."""
    own_id = re.sub(r'^="(.*)"$', r"\1", own_id).removeprefix("'").strip()
    return re.sub(r"^([0-9]+)\.0+$", r"\1", own_id)


def _reason(error: Exception) -> object:
    if isinstance(error, UnicodeDecodeError):
        return NO_TEXT
    return getattr(error, "strerror", None) or error


class Register:
    """Finds the student to whom a hand-in belongs."""

    def __init__(self, roster: Iterable[Student]) -> None:
        self._by_id = {canonical(student.id): student for student in roster}
        self._named: dict[str, list[Student]] = {}
        self._without_zeros: dict[str, list[Student]] = {}
        for key, student in self._by_id.items():
            self._named.setdefault(_plain(student.name), []).append(student)
            self._without_zeros.setdefault(key.lstrip("0"), []).append(student)
        self._by_name = {name: same[0] for name, same in self._named.items() if name and len(same) == 1}
        # An id of up to three digits is in too many names of files: data/homework/001/answers.json.
        ids = [key for key in self._by_id if FILL.sub("", key) and (len(key) > 3 or not key.isdecimal())]
        self._id = _any_of((key for key in ids if len(key) > 1), r"(?<![0-9a-z]){}(?![0-9a-z])")
        names = [name for name in self._by_name if len(name) > 1 and FILL.sub("", name).strip()]
        self._name = _any_of(names, f"{_BEFORE}{{}}{_AFTER}")

    def owner(self, hand_in: HandIn) -> Owner:
        """Whose it is: by where it lies, else by the id in it, else by the name in it."""
        folders = hand_in.parts if hand_in.empty else hand_in.parts[:-1]
        if folders[1:2] == (ASSIGNMENT,) and not ZIP.search(folders[0].lower()):
            # nbgrader's folder of a user is that user's, whatever is written in it.
            student = self._by_id.get(canonical(folders[0]))
            if student is not None:
                return Owner(student, BY_USER, True)
            student = self._by_name.get(_plain(folders[0]))
            return Owner(student or Student(shown(folders[0], str, 100)), BY_PLACE, student is not None)
        for part in hand_in.parts:
            found = {*self._found(part)}
            if len(found) == 1:
                return Owner(found.pop(), BY_PLACE, True)
        content = hand_in.content
        if content is None:
            return Owner(Student(""), BY_NOTHING, False)
        claimed = Student(shown(content.student_id, str, 100), shown(content.name, str, 100))
        if canonical(content.student_id):
            student = self._by_id.get(canonical(content.student_id))
            return Owner(student or claimed, BY_ID, student is not None)
        student = self._by_name.get(_plain(content.name))
        return Owner(student or claimed, BY_NAME, student is not None)

    def unknown(self, student: Student) -> str:
        """Why somebody is no student of the roster, in words."""
        same = [] if canonical(student.id) else self._named.get(_plain(student.name), [])
        if len(same) > 1 and student.name:
            said = Text("名单里有 {} 个学生叫这个名字（学号 {}）", "{} students of the roster have this name (ids {})")
            return said.format(len(same), ", ".join(one.id for one in same[:LISTED]))
        key = canonical(student.id).lstrip("0")
        alike = self._without_zeros.get(key, []) if key else []
        if len(alike) == 1:
            return Text(
                "名单里没有这个学生；名单里的学号 {} 只差开头的零：可能是表格软件去掉的",
                "no student of the roster; only zeros at the beginning set its id {} apart: a spreadsheet drops them",
            ).format(alike[0].id)
        return str(Text("名单里没有这个学生", "no student of the roster"))

    def _found(self, part: str) -> Iterator[Student]:
        """The students whose ids stand in the name of a file or folder, or else those whose names do."""
        ids = [self._by_id[match] for match in self._id.findall(canonical(part))]
        yield from ids or [self._by_name[match] for match in self._name.findall(_plain(part))]


def _plain(name: str) -> str:
    """A name as it is compared: Zhang_San, zhang san and Ｚｈａｎｇ  San are one."""
    return " ".join(re.split(r"[\s_.+-]+", canonical(name))).strip()


def _any_of(words: Iterable[str], pattern: str) -> re.Pattern[str]:
    """A pattern that finds any of the words, the longest that fits."""
    ordered = sorted(words, key=len, reverse=True)
    return re.compile(pattern.format("(" + "|".join(map(re.escape, ordered)) + ")") if ordered else "(?!)")
