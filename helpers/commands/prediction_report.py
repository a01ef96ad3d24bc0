"""What `helpers.commands.predict` writes: one row for each photograph, on a terminal, as CSV and as a page.

The CSV file is English, for programs; the rest is in the language that is spoken.
"""
from __future__ import annotations

import base64
import csv
import html
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import language
from helpers.commands.prediction_words import class_name, said
from helpers.console import printable
from helpers.files import is_formula, write_atomically
from helpers.language import Text

UNREADABLE = "cannot be read"
NOT_A_DEVICE = (
    "This is an exercise of a course and not a medical device: nothing may be diagnosed, ruled out or treated by it. "
    "Whoever is worried about an eye sees an ophthalmologist."
)
FILES = Text("共 {} 个文件：{}", "{} files: {}")
MAPS = Text(
    "有判断的照片旁边是一张热图：网络在照片的哪些地方找到了支持“{}”的东西。右边越亮，支持越多，每张图以自己的最大值为准（{}）；"
    "左边照片上的线圈出超过最大值一半的地方。它是积分梯度（integrated gradients），比较的是这张照片和它模糊以后的样子。"
    "它说的是这个网络，不是这只眼睛：它不是病灶的轮廓，不说为什么，也可能落在没有病变的地方。"
    "它值多少，见课程的 docs/measured/explanations.txt。",
    "Beside each photograph with a decision is a map of where in it the network finds what speaks for “{}”. On "
    "the right, brighter is more, each map by its own highest value ({}); on the photograph, a line surrounds what is "
    "above half of it. These are integrated gradients, which compare the photograph with itself blurred. The map is "
    "about the network and not about the eye: it outlines no lesion, does not say why, and may lie where nothing is "
    "wrong. What it is worth is measured in the course's docs/measured/explanations.txt.",
)
DECIDED = Text("所判断的类别", "the class decided for")
BLANK = Text(
    "热图处处为 0：与模糊后的照片相比，没有什么支持“{}”。",
    "The map is 0 everywhere: compared with the photograph blurred, nothing speaks for “{}”.",
)
ALT = Text("支持“{}”的东西在哪里", "where what speaks for “{}” lies")
SCALE = Text("0 {} 最大值", "0 {} highest")
TITLE = Text("眼底照片：由网络判断的 {} 张", "Fundus photographs: {} judged by a network")
OF = "probability of "
PROBABILITY_OF = Text("{}的概率", OF + "{}")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")  # the name of a class may be one, and nothing is calculated of it
_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; color: #222;
       background: #fff }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .4rem .6rem; vertical-align: top;
  border-bottom: 1px solid #ccc } td.name { overflow-wrap: anywhere; min-width: 8rem }
td.number { font-variant-numeric: tabular-nums }
td.number, td.decision { white-space: nowrap }
img { display: block; height: auto } img.photograph { width: 96px } img.map { width: 250px }
img.scale { display: inline; width: 120px; height: .8em } .note { border: 2px solid; padding: .6rem 1rem }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } th, td { border-color: #555 } }
@media (max-width: 58rem) { .photographs thead { display: none } .photographs tr { display: block; padding: .6rem 0;
  border-bottom: 1px solid #888 } .photographs td { display: block; border: 0; padding: .1rem 0 }
  td.decision { white-space: normal } .photographs td[title]:not(:empty)::before { content: attr(title) ": " } }
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
        map: another, of where the network found what speaks for a class; nothing if the map is 0 everywhere, None if
            none was asked for.
    """

    name: str
    decision: str
    judged: bool = False
    probabilities: tuple[float, ...] = ()
    reason: str = ""
    thumbnail: bytes = b""
    map: bytes | None = None


def columns(classes: Sequence[str]) -> list[str]:
    """The names of the columns: one probability, of class 1, if there are two classes, else one of each class."""
    several = [OF + name for name in classes]
    return ["photograph", "decision", *(several if len(classes) > 2 else ["probability"]), "reason"]


def table(rows: Sequence[Row], classes: Sequence[str]) -> str:
    """For a terminal; names come last, so that wide characters shift nothing, and cannot move its cursor.

    Of more than two classes the largest probability is shown.
    """
    decisions = [printable(_decision(row, classes)) for row in rows]
    width = max(map(_width, [said("decision"), *decisions]))
    lines = [f"{_padded(said('probability'), 11, left=True)}  {_padded(said('decision'), width)}  {said('photograph')}"]
    for row, decision in zip(rows, decisions, strict=True):
        reason = f" ({printable(said(row.reason))})" if row.reason else ""
        numbers = [f"{max(row.probabilities):.3f}"] if len(row.probabilities) > 2 else _numbers(row, classes, 3)
        lines.append(f"{numbers[0] or '-':>11}  {_padded(decision, width)}  {printable(row.name)}{reason}")
    return "\n".join(lines)


def _width(text: str) -> int:
    """How many columns of a terminal it takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _padded(text: str, width: int, left: bool = False) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if left else text + blanks


def counts(rows: Sequence[Row], classes: Sequence[str]) -> str:
    """How many there are of each decision, in one line."""
    found = Counter(_decision(row, classes) for row in rows).most_common()
    return Text("，", ", ").format().join(f"{count} {printable(decision)}" for decision, count in found)


def _decision(row: Row, classes: Sequence[str]) -> str:
    """In the language that is spoken."""
    return class_name(row.decision, classes) if row.judged else said(row.decision)


def write_csv(path: Path, rows: Sequence[Row], classes: Sequence[str]) -> None:
    """As Excel opens it without a question: UTF-8 with a mark.

    What it would take for a formula is text from outside, and gets "./" if it is the name of a file, or else "'".
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(_cell, columns(classes)))
    for row in rows:
        name = f"./{row.name}" if is_formula(row.name) else row.name
        writer.writerow([name, _cell(row.decision), *_numbers(row, classes, 6), _cell(row.reason)])
    data = b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "backslashreplace")
    write_atomically(path, lambda file: file.write(data))


def _cell(text: str) -> str:
    return f"'{text}" if is_formula(text) and not _NUMBER.fullmatch(text) else text


def write_page(
    path: Path, rows: Sequence[Row], classes: Sequence[str], model: dict[str, Any], scale: bytes = b""
) -> None:
    """One file that a browser shows without a network.

    Args:
        classes: the names of the model's classes.
        model: what is to be said of the model, line by line.
        scale: the colours of the maps as a JPEG, where rows have maps.
    """
    mapped = any(row.map is not None for row in rows)
    body = "\n".join(_page_row(row, classes, mapped) for row in rows)
    card = ((_safe(said(name)), _safe(said(_spoken(value)))) for name, value in model.items())
    about = "\n".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in card)
    names = ["", *(["map"] if mapped else []), *columns(classes)]
    head = "".join(f"<th>{_safe(_title(name))}</th>" for name in names)
    explained = class_name(classes[1], classes) if len(classes) == 2 else str(DECIDED)
    bar = SCALE.format(_picture(scale, "scale", ""))
    maps = f"<p>{MAPS.format(_safe(explained), bar)}</p>\n" if mapped else ""
    page = f"""<!DOCTYPE html>
<html lang="{language.spoken()}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE.format(len(rows))}</title><style>{_STYLE}</style></head><body>
<h1>{said("Fundus photographs")}</h1>
<p class="note">{said(NOT_A_DEVICE)}</p>
<p>{_safe(FILES.format(len(rows), counts(rows, classes)))}</p>
{maps}<table class="photographs"><thead><tr>{head}</tr></thead><tbody>
{body}
</tbody></table>
<h2>{said("The model")}</h2>
<table><tbody>
{about}
</tbody></table>
</body></html>
"""
    data = page.encode("utf-8", "backslashreplace")
    write_atomically(path, lambda file: file.write(data))


def _page_row(row: Row, classes: Sequence[str], mapped: bool) -> str:
    explained = _safe(class_name(classes[1], classes) if len(classes) == 2 else _decision(row, classes))
    evidence = BLANK.format(explained) if row.map == b"" else _picture(row.map, "map", ALT.format(explained))
    *probabilities, reason = columns(classes)[2:]
    numbers = zip(probabilities, _numbers(row, classes, 3), strict=True)
    cells = [
        f"<td>{_picture(row.thumbnail, 'photograph', '')}</td>", f"<td>{evidence}</td>" if mapped else "",
        f'<td class="name">{_safe(row.name)}</td>', f'<td class="decision">{_safe(_decision(row, classes))}</td>',
        *(f'<td class="number" title="{_safe(_title(name))}">{number or "-"}</td>' for name, number in numbers),
        f'<td title="{_safe(said(reason))}">{_safe(said(row.reason))}</td>',
    ]  # fmt: skip
    return f"<tr>{''.join(cells)}</tr>"


def _title(column: str) -> str:
    """What a column is called, in the language that is spoken."""
    return PROBABILITY_OF.format(column.removeprefix(OF)) if column.startswith(OF) else said(column)


def _picture(jpeg: bytes | None, kind: str, alt: str) -> str:
    if not jpeg:
        return ""
    return f'<img class="{kind}" alt="{alt}" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'


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
