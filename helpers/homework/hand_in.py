"""Hands in the homework of notebook 04: the reply line, and the table as a picture, as Markdown and as JSON.

Every hand-in has a new numbered folder; where nothing can be written, the text is printed instead.
"""
from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import BinaryIO

from helpers import ROOT
from helpers.files import write_atomically
from helpers.homework.answers import Entry, Rejected, Task, shown

from matplotlib import font_manager
from matplotlib.figure import Figure

FOLDER = ROOT / "data" / "homework"
HEAD = ("layer", "w shape", "w count", "b shape", "b count", "output shape")
BLANK = "?"
Plain = int | list[int] | str | None
# Parts of the names of fonts with Chinese characters on Linux, Windows and macOS.
CHINESE_FONTS = ("cjk", "hei", "yahei", "song", "simsun", "kai", "pingfang", "wenquanyi", "unicode", "fallback")


def _plain(entry: Entry, value: object) -> Plain:
    """An answer as a plain value; None where there is none, a text where it cannot be read."""
    try:
        read = None if value is None or isinstance(value, Rejected) else entry.read(value)
        json.dumps(read)  # an integer of more than 4,300 digits cannot be written
    except ValueError:
        return shown(value)
    return list(read) if isinstance(read, tuple) else read


def _cell(value: Plain) -> str:
    if value is None:
        return BLANK
    return f"{value:,}" if isinstance(value, int) else "-" if value == [] else str(value)


def _picture(file: BinaryIO, table: list[list[str]], reply: str, signed: str) -> str:
    """Draw the table, its head first, and the reply's two numbers as a PNG, and give what is to be said about it."""
    figure = Figure(figsize=(9, 0.42 * len(table) + 1.1), dpi=110)
    ax = figure.add_axes((0.02, 0.14, 0.96, 0.72))
    ax.axis("off")
    # Text instead of a number may have been typed, in any script; the table's font knows only Latin.
    table = [[text.encode("ascii", "replace").decode() for text in line] for line in table]
    drawn = ax.table(table, loc="center", cellLoc="left", bbox=(0, 0, 1, 1), colWidths=[1, 1.7, 1.4, 0.9, 0.9, 2.1])
    drawn.auto_set_font_size(False)
    for (row, column), cell in drawn.get_celld().items():
        cell.set_edgecolor("0.6")
        cell.set_text_props(fontsize=11, fontweight="bold" if row == 0 or column == 0 else "normal", parse_math=False)
        cell.set_facecolor("0.9" if row == 0 else "white")
    figure.text(0.02, 0.92, "Homework: shapes and parameters of SimpleNet", fontsize=13, fontweight="bold")
    fonts = [f.name for f in font_manager.fontManager.ttflist if any(part in f.name.lower() for part in CHINESE_FONTS)]
    family = ["DejaVu Sans", *dict.fromkeys(fonts)]
    figure.text(0.98, 0.92, signed, ha="right", fontsize=12, parse_math=False, family=family)
    figure.text(0.02, 0.045, reply.encode("ascii", "replace").decode(), fontsize=11, parse_math=False)
    with warnings.catch_warnings(record=True) as missing:
        warnings.filterwarnings("always", "Glyph .* missing")
        figure.savefig(file, format="png")
    return "no font here shows all of your name or date: the picture has boxes instead" if missing else ""


def hand_in(
    counting: Task, counts: object, table: Task, answers: object,
    name: str | None = None, date: str | None = None, folder: str | Path = FOLDER,
) -> None:  # fmt: skip
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
    counted, rows = (
        {name: [*map(_plain, task.groups[name], values)] for name, values in task.split(typed).items()}
        for task, typed in ((counting, counts), (table, answers))
    )
    asked = [value for name, row in (counted | rows).items() if name not in table.given for value in row]
    blank = asked.count(None)
    if blank == len(asked):
        print("nothing is answered yet, so nothing is handed in")
        return
    times, plus = (counted.get(f"batch {kind}", [None])[0] for kind in ("multiplications", "additions"))
    reply = f"乘法{BLANK if times is None else times},加法{BLANK if plus is None else plus}"
    lines = [HEAD, *([layer, *map(_cell, row)] for layer, row in rows.items() if len(row) > 1)]
    name, date = ("" if text is None else shown(text, str, 60) for text in (name, date))
    signed = "  ".join(filter(None, (name, date)))
    bars = ["".join(f"| {text} " for text in (cell.replace("|", "\\|") for cell in line)) + "|" for line in lines]
    bars.insert(1, "| --- " * len(HEAD) + "|")
    markdown = "\n".join([*([signed.replace("|", "\\|"), ""] if signed else []), reply, "", *bars, ""])
    data = {"name": name, "date": date, "reply": reply, "counts": counted, "table": rows}
    texts = {"reply.txt": reply + "\n", "table.md": markdown}
    texts["answers.json"] = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    if blank:
        print(f"not answered, and handed in as {BLANK}: {blank}")
    try:
        parent = Path(folder)
        parent.mkdir(parents=True, exist_ok=True)
        taken = [int(p.name) for p in parent.iterdir() if p.name.isascii() and p.name.isdigit() and len(p.name) < 9]
        here = parent / f"{max(taken, default=0) + 1:03d}"  # a folder that is there is never used again
        here.mkdir()
        for file, text in texts.items():
            write_atomically(here / file, lambda part, text=text: part.write(text.encode()))
    except (OSError, TypeError, ValueError) as error:
        print(f"nothing can be written there ({type(error).__name__}); copy this instead:\n\n{markdown}")
        return
    made = [*texts, "table.png"]
    try:
        caption = f"multiplications {_cell(times)}    additions {_cell(plus)}"
        said = write_atomically(here / "table.png", lambda part: _picture(part, lines, caption, signed))
    except Exception as error:  # whatever drawing fails on, the three files above are handed in
        said = f"the picture cannot be drawn ({type(error).__name__}: {shown(error, str, 60)}); take table.md"
        made.pop()
    where = here.resolve()
    where = where.relative_to(ROOT).as_posix() if where.is_relative_to(ROOT) else where
    print(*([said] if said else []), reply, f"handed in: {', '.join(made)}", f"in the folder {where}", sep="\n")
