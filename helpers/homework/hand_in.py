"""Hands in the homework of notebook 04: one file, and the same as an output of the notebook, so that either will do.

Every hand-in has a new numbered folder. Whatever was answered, nothing is raised and nothing is lost.
"""
from __future__ import annotations

import html
import json
import os
import sys
from pathlib import Path

from helpers import ROOT
from helpers.files import write_atomically
from helpers.homework.answers import COLUMNS, Entry, Rejected, Task, seen, shown
from helpers.homework.assignment import Assignment
from helpers.homework.submission import FILE, LONGEST, MIME, Answers, Plain, Variant, make
from helpers.language import Text, say, spoken

FOLDER = ROOT / "data" / "homework"
BLANK = "?"

NOTHING = Text("还没有作答，所以没有提交", "nothing is answered yet, so nothing is handed in")
_GRADING = Text("正在批改这本笔记本，所以没有提交", "the notebook is being graded, so nothing is handed in")
_BLANK = Text("没有作答：{}", "not answered: {}")
_UNREAD = Text("读不成数或形状，照原样交上去：{}", "no number and no shape, handed in as it is: {}")
_SOME = Text("{0}（{2} 项中 {1} 项）", "{0} ({1} of {2})")
_WRITTEN = Text(
    "已写入 {}：提交这个文件，或者保存并提交这本笔记本",
    "written to {}: hand in this file, or save this notebook and hand in that",
)
_UNWRITTEN = Text(
    "文件写不进去（{}）：保存并提交这本笔记本",
    "the file cannot be written ({}): save this notebook and hand in that",
)
_NOT_OWN = Text(
    "own 应是 assignment(学号) 给出的，不是 {}：交上去的没有自己的一套数",
    "own should be what assignment(student id) gives, not {}: handed in without numbers of your own",
)
_LAYER, _NUMBER, _ANSWER = Text("层", "layer"), Text("问的是", "asked for"), Text("答案", "answer")


def hand_in(
    counting: Task, counts: object, table: Task, answers: object,
    name: object = None, date: object = None, folder: str | Path = FOLDER, own: Assignment | None = None,
) -> None:  # fmt: skip
    """Write the answers to one file, show them, and say where; without a single answer, say that. Nothing is raised.

    While nbgrader runs the notebook nothing is written: a class's hand-ins would end up in the teacher's folder.

    Args:
        counting, counts: task 1 and its answers, with "batch multiplications" and "batch additions".
        table, answers: task 2 and its answers.
        name, date: written on it if given.
        folder: a new numbered folder is made in it for every hand-in.
        own: whose homework it is, if a teacher gives everybody numbers of his own, as `assignment` gives it.
    """
    if os.environ.get("NBGRADER_EXECUTION"):  # a teacher's machine, running the notebooks of a class
        return say(_GRADING)
    kept = [_kept(task, seen(typed)) for task, typed in ((counting, counts), (table, answers))]
    blank, unread = _missing(counting, kept[0]), _missing(table, kept[1])
    lacking = [*blank[0], *unread[0]]
    if not any(value is not None for part in kept for row in part.values() for value in _row(row)):
        return say(NOTHING)
    between = "、" if spoken() == "zh" else ", "
    if lacking:
        say(_BLANK.format(between.join(lacking)))
    if strange := [*blank[1], *unread[1]]:
        say(_UNREAD.format(between.join(strange)))
    student_id, variant = _whose(own)
    data = make(
        *kept, edition=spoken(), student_id=student_id, variant=variant,
        name=_signed(name), date=_signed(date),
    )  # fmt: skip
    try:
        written = _WRITTEN.format(_write(data, folder))
    except Exception as error:  # a full disk, or a folder that is none
        written = _UNWRITTEN.format(type(error).__name__)
    _show(data)
    say(reply(kept[0]))
    say(written)


def _whose(own: object) -> tuple[str, Variant | None]:
    """The id that is written on a hand-in, and the numbers; of an id alone, which is no assignment, that."""
    if isinstance(own, Assignment):
        return own.student_id, own.variant
    if own is None:
        return "", None
    say(_NOT_OWN.format(shown(own)))
    return (shown(own, str, LONGEST) if isinstance(own, str) else ""), None


def reply(counts: Answers) -> str:
    """The line that the article asks for, in Chinese from everybody: multiplications, then additions."""
    times, plus = (counts.get(f"batch {kind}") for kind in ("multiplications", "additions"))
    return f"乘法{BLANK if times is None else times},加法{BLANK if plus is None else plus}"


def _signed(text: object) -> str:
    return "" if text is None else shown(text, str, 60)


def _row(value: Plain) -> list:
    """The entries of a row of the table; a number, or what was no row, is one entry."""
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str:
    """What cannot be read, as it was typed as far as that goes."""
    return shown(value, str, 60) if isinstance(value, str) else shown(value, most=60)


def _plain(entry: Entry, value: object) -> Plain:
    """An answer as a plain value; None where there is none, a text where it cannot be read."""
    try:
        read = None if value is None else entry.read(value)
        json.dumps(read)  # an integer of more than 4,300 digits cannot be written
    except ValueError:
        return _text(value)
    return list(read) if isinstance(read, tuple) else read


def _kept(task: Task, typed: object) -> Answers:
    """All answers of a task as plain values; a row that is no row of five is kept as text."""
    kept: Answers = {}
    for name, values in task.split(typed).items():
        if name in task.given:
            continue
        if any(isinstance(value, Rejected) for value in values):
            kept[name] = _text(dict.get(typed, name) if isinstance(typed, dict) else typed)
        else:
            row = [*map(_plain, task.groups[name], values)]
            kept[name] = row if len(row) > 1 else row[0]
    return kept


def _missing(task: Task, kept: Answers) -> tuple[list[str], list[str]]:
    """Where answers are blank, and where they could not be read; of a row, how many of its entries."""
    found: tuple[list[str], list[str]] = ([], [])
    for name, value in kept.items():
        entries = len(task.groups[name])
        row = value if entries > 1 and isinstance(value, list) else [value]
        for names, number in zip(found, (row.count(None), sum(isinstance(v, str) for v in row)), strict=True):
            if number:
                names.append(name if number == len(row) else _SOME.format(name, number, entries))
    return found


def _write(data: dict, folder: str | Path) -> str:
    """Write the file into a new numbered folder, and give its path as it is to be read."""
    parent = Path(folder)
    parent.mkdir(parents=True, exist_ok=True)
    taken = [int(p.name) for p in parent.iterdir() if p.name.isascii() and p.name.isdigit() and len(p.name) < 9]
    here = parent / f"{max(taken, default=0) + 1:03d}"  # a folder that is there is never used again
    here.mkdir()
    text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    write_atomically(here / FILE, lambda part: part.write(text.encode()))
    path = (here / FILE).resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def _cell(value: Plain) -> str:
    if value is None:
        return BLANK
    return f"{value:,}" if isinstance(value, int) else "-" if value == [] else str(value)


def _tables(data: dict) -> list[list[list[str]]]:
    """Both tasks as tables of text, heads first."""
    answers = data["answers"]
    counts = [[name, _cell(value)] for name, value in answers["counts"].items()]
    rows = [[name, *map(_cell, _row(value))] for name, value in answers["table"].items()]
    return [[[str(_NUMBER), str(_ANSWER)], *counts], [[str(_LAYER), *map(str, COLUMNS)], *rows]]


def _show(data: dict) -> None:
    """The hand-in as an output: for programs, for eyes in a notebook, and for eyes anywhere else."""
    student = data["student"]
    signed = "  ".join(filter(None, (student["id"], student["name"], data["date"])))
    plain = "\n\n".join("\n".join("  ".join(line) for line in table) for table in _tables(data))
    plain = "\n".join([*([signed] if signed else []), plain])
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return say(plain)
    rich = f"<p>{html.escape(signed)}</p>" if signed else ""
    for head, *body in _tables(data):
        lines = ["".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in line) for tag, line in
                 [("th", head), *(("td", line) for line in body)]]  # fmt: skip
        rich += f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
    try:
        shell.display_pub.publish({MIME: data, "text/html": rich, "text/plain": plain})
    except Exception:  # a front end that is gone: the file is there
        say(plain)
