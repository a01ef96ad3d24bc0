"""What `helpers.commands.predict` writes: one row for each photograph, on a terminal, as CSV and as a page."""
from __future__ import annotations

import base64
import csv
import html
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.files import write_atomically

UNREADABLE = "cannot be read"
NOT_A_DEVICE = (
    "This is an exercise of a course and not a medical device: nothing may be diagnosed, ruled out or treated by it. "
    "Whoever is worried about an eye sees an ophthalmologist."
)
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222;
       background: #fff }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .4rem .6rem; vertical-align: top;
  border-bottom: 1px solid #ccc } td.name { overflow-wrap: anywhere; min-width: 12rem }
td.number { font-variant-numeric: tabular-nums }
img { width: 96px; height: auto; display: block } .note { border: 2px solid #222; padding: .6rem 1rem }
"""


@dataclass(frozen=True)
class Row:
    """One photograph.

    Attributes:
        name: its path, as it was named or found.
        decision: one of the model's classes, or why there is none: "cannot tell", "not a fundus photograph" or
            "cannot be read".
        judged: whether it is one of the classes.
        probabilities: of each class, or nothing where the network was not asked.
        reason: why there is no decision, or nothing.
        thumbnail: a small JPEG, or nothing.
    """

    name: str
    decision: str
    judged: bool = False
    probabilities: tuple[float, ...] = ()
    reason: str = ""
    thumbnail: bytes = b""


def columns(classes: Sequence[str]) -> list[str]:
    """The names of the columns: one probability, of class 1, if there are two classes, else one of each class."""
    several = [f"probability of {name}" for name in classes]
    return ["photograph", "decision", *(several if len(classes) > 2 else ["probability"]), "reason"]


def table(rows: Sequence[Row], classes: Sequence[str]) -> str:
    """For a terminal; names come last, so that wide characters shift nothing, and cannot move its cursor.

    Of more than two classes the largest probability is shown.
    """
    decisions = [printable(row.decision) for row in rows]
    width = max([len("decision"), *map(len, decisions)])
    lines = [f"{'probability':>11}  {'decision':<{width}}  photograph"]
    for row, decision in zip(rows, decisions, strict=True):
        reason = f" ({printable(row.reason)})" if row.reason else ""
        said = [f"{max(row.probabilities):.3f}"] if len(row.probabilities) > 2 else _numbers(row, classes, 3)
        lines.append(f"{said[0] or '-':>11}  {decision:<{width}}  {printable(row.name)}{reason}")
    return "\n".join(lines)


def counts(rows: Sequence[Row]) -> str:
    """How many there are of each decision, in one line."""
    return ", ".join(f"{count} {decision}" for decision, count in Counter(row.decision for row in rows).most_common())


def write_csv(path: Path, rows: Sequence[Row], classes: Sequence[str]) -> None:
    """As Excel opens it without a question: UTF-8 with a mark. A name that it would take for a formula gets "./"."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns(classes))
    for row in rows:
        name = f"./{row.name}" if row.name.startswith(("=", "+", "-", "@", "\t", "\r")) else row.name
        writer.writerow([name, row.decision, *_numbers(row, classes, 6), row.reason])
    data = b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "backslashreplace")
    write_atomically(path, lambda file: file.write(data))


def write_page(path: Path, rows: Sequence[Row], classes: Sequence[str], model: dict[str, Any]) -> None:
    """One file that a browser shows without a network.

    Args:
        classes: the names of the model's classes.
        model: what is to be said of the model, line by line.
    """
    body = "\n".join(_page_row(row, classes) for row in rows)
    said = ((_safe(name), _safe(_spoken(value))) for name, value in model.items())
    about = "\n".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in said)
    head = "".join(f"<th>{_safe(name)}</th>" for name in ("", *columns(classes)))
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fundus photographs: {len(rows)} judged by a network</title><style>{_STYLE}</style></head><body>
<h1>Fundus photographs</h1>
<p class="note">{NOT_A_DEVICE}</p>
<p>{len(rows)} files: {_safe(counts(rows))}.</p>
<table><thead><tr>{head}</tr></thead><tbody>
{body}
</tbody></table>
<h2>The model</h2>
<table><tbody>
{about}
</tbody></table>
</body></html>
"""
    data = page.encode("utf-8", "backslashreplace")
    write_atomically(path, lambda file: file.write(data))


def printable(text: str) -> str:
    """Text without characters that control a terminal."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _page_row(row: Row, classes: Sequence[str]) -> str:
    picture = ""
    if row.thumbnail:
        picture = f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(row.thumbnail).decode()}">'
    numbers = "".join(f'<td class="number">{number or "-"}</td>' for number in _numbers(row, classes, 3))
    return (
        f'<tr><td>{picture}</td><td class="name">{_safe(row.name)}</td><td>{_safe(row.decision)}</td>'
        f"{numbers}<td>{_safe(row.reason)}</td></tr>"
    )


def _numbers(row: Row, classes: Sequence[str], digits: int) -> list[str]:
    """What stands in the columns of probabilities; nothing in each where the network was not asked."""
    asked = row.probabilities if len(classes) > 2 else row.probabilities[1:]
    return [f"{each:.{digits}f}" for each in asked] or [""] * (len(columns(classes)) - 3)


def _safe(text: str) -> str:
    return html.escape(printable(text))


def _spoken(value: object) -> str:
    """What a model card holds, as words."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_spoken(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_spoken, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
