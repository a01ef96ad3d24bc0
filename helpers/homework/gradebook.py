"""Writes marks down: a sheet for Excel, a page of feedback for each student, and nbgrader's gradebook if it is wanted.

Whatever a student has typed arrives there as text: nothing of it runs in a browser or is calculated by Excel.
"""
from __future__ import annotations

import csv
import io
import itertools
import os
import re
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from html import escape
from pathlib import Path
from typing import Any

from helpers.checks import Unusable
from helpers.files import file_name, is_formula, write_atomically
from helpers.homework.answers import RIGHT
from helpers.homework.grading import FULL, UNKNOWN, UNREADABLE, Mark, Part
from helpers.homework.roster import ASSIGNMENT
from helpers.homework.tasks import POINTS
from helpers.language import Text, spoken

HEAD = ("id", "name", "status", "task 1", "task 2", "total", "of", "reason", "file")
# A page of feedback says by this that it may be removed by the next run.
MADE_HERE = '<meta name="generator" content="helpers.homework.gradebook">'
# Bytes of the name of a page, of 255 that a file system takes; a number, .html and a mark while it is written follow.
LONGEST = 150
PATIENCE = 5.0  # seconds that a gradebook is waited for while another program writes it
NOT_NBGRADERS = Text(
    "成绩簿 {} 不是 nbgrader 的：请给 --gradebook 另一个文件",
    "the gradebook {} is none of nbgrader's: give --gradebook another file",
)
UNWRITTEN = Text(
    "成绩簿 {} 写不进去（{}）：若别的程序正在用它，先关掉；若它坏了，换回备份",
    "the gradebook {} cannot be written ({}): close what is using it, or, if it is damaged, put a copy in its place",
)
RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(10))}
STYLE = """body { font: 16px/1.5 sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { border: 1px solid #999; padding: .2rem .5rem; text-align: left }
td.wrong { background: #fbe3d6 } td.right { background: #e2f0d9 }"""


def write_sheet(marks: Sequence[Mark], path: str | Path) -> None:
    """Write grades.csv, in UTF-8 with the mark by which Excel knows it: a line for every mark."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEAD)
    for mark in marks:
        got = (mark.points(1), mark.points(2), mark.points())
        points = (*(("",) * 3 if mark.status == UNREADABLE else got), FULL)  # what nobody has read is not worth 0
        writer.writerow([
            _cell(mark.student.id), _cell(mark.student.name), mark.status, *points, _cell("; ".join(mark.reasons)),
            _cell(mark.path),
        ])  # fmt: skip
    write_atomically(path, lambda file: file.write(text.getvalue().encode("utf-8-sig")))


def write_feedback(marks: Sequence[Mark], folder: str | Path) -> None:
    """Write a page for every mark into a folder, and remove the pages of an earlier run."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.html"):
        if old.is_file() and not old.is_symlink() and MADE_HERE in old.read_text(encoding="utf-8", errors="replace"):
            old.unlink()
    taken: set[str] = set()
    for mark in marks:
        base = _file_name(mark)
        names = (f"{base}-{number}" if number else base for number in itertools.count())
        name = next(name for name in names if name.lower() not in taken)
        taken.add(name.lower())
        write_atomically(folder / file_name(f"{name}.html"), lambda file, mark=mark: file.write(_page(mark).encode()))


def write_gradebook(marks: Sequence[Mark], path: str | Path, notebook: str = "04_homework") -> None:
    """Write the marks of the roster's students into nbgrader's gradebook, as those that a teacher has given.

    Raises:
        ModuleNotFoundError: nbgrader is not installed.
        Unusable: the file is none of nbgrader's, is damaged, or is in use for longer than `PATIENCE`.
    """
    from nbgrader.api import Gradebook  # needed for nothing else
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import SQLAlchemyError

    path = Path(path).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not a URL put together here: a ? or a %41 in the path has a meaning there.
    url = URL.create("sqlite", database=str(path), query={"timeout": str(PATIENCE)})
    try:
        if path.exists() and not _is_nbgraders(path):
            raise Unusable(NOT_NBGRADERS.format(path))
        with _own_programs(), Gradebook(url) as book:
            _write_marks(book, marks, notebook)
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise Unusable(UNWRITTEN.format(path, getattr(error, "orig", None) or error)) from error


def _is_nbgraders(path: Path) -> bool:
    """Whether a database is a gradebook, or has nothing in it; nbgrader would put its tables into any other."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", PATIENCE, uri=True)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return not tables or {"assignment", "student"} <= tables


def _write_marks(book: Any, marks: Sequence[Mark], notebook: str) -> None:
    from nbgrader.api import MissingEntry

    book.update_or_create_assignment(ASSIGNMENT)
    book.update_or_create_notebook(notebook, ASSIGNMENT)
    for groups, points in POINTS.items():
        cell = ", ".join(groups)
        book.update_or_create_grade_cell(cell, notebook, ASSIGNMENT, max_score=points, cell_type="code")
    for mark in (mark for mark in marks if mark.parts and mark.status != UNKNOWN):
        student = mark.student.id
        book.update_or_create_student(student, last_name=mark.student.name)
        book.update_or_create_submission(ASSIGNMENT, student)
        for part in mark.parts:
            cell = ", ".join(part.results)
            try:
                grade = book.find_grade(cell, notebook, ASSIGNMENT, student)
            except MissingEntry:  # a hand-in that was written there before the cells were
                book.remove_submission(ASSIGNMENT, student)
                book.add_submission(ASSIGNMENT, student)
                grade = book.find_grade(cell, notebook, ASSIGNMENT, student)
            grade.manual_score, grade.needs_manual_grade = part.points, False
    book.db.commit()


@contextmanager
def _own_programs() -> Iterator[None]:
    """nbgrader starts alembic by its name, which is found only if this environment's programs are on the path."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _cell(text: str) -> str:
    """Text for a sheet. Excel calculates what begins like a formula, whatever the quotes around it."""
    text = "".join(c if c.isprintable() else " " for c in text[:1000])
    return f"'{text}" if is_formula(text) else text


def _file_name(mark: Mark) -> str:
    text = "-".join(filter(None, (mark.student.id, mark.student.name))) or f"unknown-{mark.path}"
    whole = re.sub(r"[^\w-]+", "_", text)[:60].encode("utf-8", "ignore")
    name = whole[:LONGEST].decode("utf-8", "ignore").strip("_-.") or "unknown"
    return f"_{name}" if name.lower() in RESERVED else name


def _page(mark: Mark) -> str:
    who = escape(" ".join(filter(None, (mark.student.id, mark.student.name))) or mark.path)
    title = Text("作业反馈", "Feedback on the homework")
    lines = [
        "<!DOCTYPE html>", f'<html lang="{spoken()}"><head><meta charset="utf-8">', MADE_HERE,
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
        f"<title>{title}: {who}</title><style>{STYLE}</style></head><body>", f"<h1>{title}: {who}</h1>",
        f"<p><b>{Text('{} 分，满分 {} 分', '{} of {} points').format(mark.points(), FULL)}</b> ({mark.status})</p>",
    ]  # fmt: skip
    if mark.reasons:
        lines.append("<ul>" + "".join(f"<li>{escape(reason)}</li>" for reason in mark.reasons) + "</ul>")
    heads = (Text("问的是", "asked"), Text("你的答案", "your answer"), Text("反馈", "feedback"), Text("得分", "points"))
    for task in (1, 2) if mark.parts else ():
        lines += [f"<h2>{Text('第 {} 题', 'Task {}').format(task)}</h2>", "<table>"]
        lines.append("<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>")
        lines += [row for part in mark.parts if part.task == task for row in _rows(part)]
        lines.append("</table>")
    lines += [f"<p>{escape(note)}</p>" for note in mark.notes]
    return "\n".join([*lines, "</body></html>", ""])


def _rows(part: Part) -> list[str]:
    entries = [(group, result, typed) for group, row in part.results.items() for result, typed in row]
    points = f'<td rowspan="{len(entries)}">{part.points} / {part.of}</td>'
    rows = []
    for group, result, typed in entries:
        asked, state = f"{group} {result.column}".strip(), "right" if result.state == RIGHT else "wrong"
        said = f'<td class="{state}">{escape(result.text)}</td>'
        rows.append(f"<tr><td>{escape(asked)}</td><td>{escape(typed)}</td>{said}{points}</tr>")
        points = ""  # one for all entries of the part
    return rows
