"""Hands in the homework of notebook 04: the reply line, and the table as a picture, as Markdown and as JSON.

Every hand-in has a new numbered folder; where nothing can be written, the text is printed instead.
"""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO

from helpers.files import write_atomically
from helpers.homework_answers import Rejected, Task, shown
from helpers.runtime import ROOT

from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

FOLDER = ROOT / "data" / "homework"
HEAD = ("layer", "w shape", "w count", "b shape", "b count", "output shape")
BLANK = "?"
# Parts of the names of fonts with Chinese characters on Linux, Windows and macOS.
CHINESE_FONTS = ("cjk", "hei", "yahei", "song", "simsun", "kai", "pingfang", "wenquanyi", "unicode", "fallback")


def _readings(task: Task, answers: object) -> dict[str, list[int | list[int] | str | None]]:
    """What was answered, by group, as plain values; None where nothing was, a text where it cannot be read."""
    values, _ = task.split(answers)
    truth = {name: [entry.truth for entry in task.groups[name]] for name in task.given}
    plain: dict[str, list[int | list[int] | str | None]] = {}
    for name, entries in task.groups.items():
        given = truth.get(name, values[name])
        if isinstance(given, Rejected):
            given = [None] * len(entries)
        plain[name] = []
        for entry, value in zip(entries, given, strict=True):
            try:
                read = None if value is None else entry.read(value)
                json.dumps(read)  # an integer of more than 4,300 digits cannot be written
            except ValueError:
                read = shown(value)
            plain[name].append(list(read) if isinstance(read, tuple) else read)
    return plain


def _cell(value: int | list[int] | str | None) -> str:
    if value is None:
        return BLANK
    if isinstance(value, int):
        return f"{value:,}"
    return (str(value) if value else "-") if isinstance(value, list) else value


def _one_line(text: object) -> str:
    """A name or a date as one short line of printable characters."""
    try:
        words = "" if text is None else str(text)
    except Exception:
        words = f"({type(text).__name__})"
    return "".join(c for c in " ".join(words[:200].split()) if c.isprintable())[:60]


def _font_for(text: str) -> Path | None:
    """A font file with all the characters of `text`; None if no installed font has them."""
    default = font_manager.findfont("DejaVu Sans")
    names = [f.fname for f in font_manager.fontManager.ttflist if any(n in f.name.lower() for n in CHINESE_FONTS)]
    for path in [default, *names]:
        try:
            font = font_manager.get_font(path)
        except (OSError, RuntimeError):  # removed since Matplotlib listed it, or broken
            continue
        if all(font.get_char_index(ord(character)) for character in text):
            return Path(path)
    return None


def picture(file: Path | BinaryIO, table: list[list[str]], reply: str, signed: str) -> str:
    """Draw the table and the reply's two numbers as a PNG, without a display; give what is to be said about it.

    Args:
        file: to write to, or its path.
        table: rows of texts, the head first.
        reply: a line under the table.
        signed: name and date, left out if no font has their characters.

    Raises:
        OSError: the file cannot be written.
    """
    figure = Figure(figsize=(9, 0.42 * len(table) + 1.1), dpi=110)
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0.02, 0.14, 0.96, 0.72))
    ax.axis("off")
    # Text instead of a number may have been typed, in any script; the table's font knows only Latin.
    table = [[text.encode("ascii", "replace").decode() for text in line] for line in table]
    reply = reply.encode("ascii", "replace").decode()
    drawn = ax.table(table, loc="center", cellLoc="left", bbox=(0, 0, 1, 1), colWidths=[1, 1.7, 1.4, 0.9, 0.9, 2.1])
    drawn.auto_set_font_size(False)
    for (row, column), cell in drawn.get_celld().items():
        cell.set_edgecolor("0.6")
        cell.set_text_props(fontsize=11, fontweight="bold" if row == 0 or column == 0 else "normal", parse_math=False)
        cell.set_facecolor("0.9" if row == 0 else "white")
    font = _font_for(signed)
    figure.text(0.02, 0.92, "Homework: shapes and parameters of SimpleNet", fontsize=13, fontweight="bold")
    if font:
        figure.text(0.98, 0.92, signed, ha="right", fontsize=12, parse_math=False, font=font)
    figure.text(0.02, 0.045, reply, fontsize=11, parse_math=False)
    figure.savefig(file, format="png")
    return "" if font else "no font here shows your name or date: the picture is without them"


def _new_folder(parent: Path) -> Path:
    """Make and give the next numbered folder; one that is there is never used again."""
    parent.mkdir(parents=True, exist_ok=True)
    taken = [int(p.name) for p in parent.iterdir() if p.name.isascii() and p.name.isdigit() and len(p.name) < 9]
    number = max(taken, default=0) + 1
    while True:
        folder = parent / f"{number:03d}"
        try:
            folder.mkdir()
            return folder
        except FileExistsError:  # another kernel was faster
            number += 1


def hand_in(
    counting: Task,
    counts: object,
    table: Task,
    answers: object,
    name: str | None = None,
    date: str | None = None,
    folder: str | Path = FOLDER,
) -> None:
    """Write the answers as files to hand in, and say where; without a single answer, say that. Nothing is raised.

    While nbgrader runs the notebook nothing is written: a class's hand-ins would end up in the teacher's folder.

    Args:
        counting, counts: task 1 and its answers, with "batch multiplications" and "batch additions".
        table, answers: task 2 and its answers.
        name, date: written on it if given.
        folder: a new numbered folder is made in it for every hand-in.
    """
    if os.environ.get("NBGRADER_EXECUTION"):  # a teacher's machine, running the notebooks of a class
        print("the notebook is being graded, so nothing is handed in")
        return
    numbers, rows = _readings(counting, counts), _readings(table, answers)
    asked = [*numbers.values(), *(row for layer, row in rows.items() if layer not in table.given)]
    blank = sum(value is None for row in asked for value in row)
    if blank == sum(map(len, asked)):
        print("nothing is answered yet, so nothing is handed in")
        return
    times, plus = (numbers.get(f"batch {kind}", [None])[0] for kind in ("multiplications", "additions"))
    reply = f"乘法{BLANK if times is None else times},加法{BLANK if plus is None else plus}"
    lines = [list(HEAD), *([layer, *map(_cell, row)] for layer, row in rows.items() if len(row) > 1)]
    signed = "  ".join(filter(None, map(_one_line, (name, date))))
    escaped = [[text.replace("|", "\\|") for text in line] for line in lines]
    bars = ["| " + " | ".join(line) + " |" for line in [escaped[0], ["---"] * len(HEAD), *escaped[1:]]]
    markdown = "\n".join([*([signed.replace("|", "\\|"), ""] if signed else []), reply, "", *bars, ""])
    data = {"name": _one_line(name), "date": _one_line(date), "reply": reply, "counts": numbers, "table": rows}
    caption = f"multiplications {_cell(times)}    additions {_cell(plus)}"
    text = {"reply.txt": reply + "\n", "table.md": markdown}
    text["answers.json"] = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    if blank:
        print(f"not answered, and handed in as {BLANK}: {blank}")
    try:
        here = _new_folder(Path(folder))
        for file, content in text.items():
            write_atomically(here / file, lambda part, content=content: part.write(content.encode()))
    except (OSError, TypeError, ValueError) as error:
        print(f"nothing can be written there ({type(error).__name__}); copy this instead:\n\n{markdown}")
        return
    try:
        said = write_atomically(here / "table.png", lambda part: picture(part, lines, caption, signed))
        made = [*text, "table.png"]
    except Exception as error:  # whatever drawing fails on, the three files above are handed in
        why = f"{type(error).__name__}: {_one_line(error)}"
        said, made = f"the picture cannot be drawn ({why}); take table.md", list(text)
    if said:
        print(said)
    print(reply)
    where = here.resolve()
    print(f"handed in: {', '.join(made)}")
    print(f"in the folder {where.relative_to(ROOT).as_posix() if where.is_relative_to(ROOT) else where}")
