"""The register of claims: each sentence of a notebook that gives a number or compares names the cells that show it.

    python -m tests.tools.claims [NOTEBOOK ...]     the open lines; all notebooks of both editions by default
    python -m tests.tools.claims --reasons          what no cell shows, and why
    python -m tests.tools.claims --find "words"     the cells that show the sentences with these words

A mark is a comment in the Markdown. It covers the text before it, back to the previous mark or to the beginning of the
paragraph, list item, table row or heading:

    <!-- shown: bn-lr 01:bn-init measured:bn-lr -->     a cell here, one of notebook 01, a section of docs/measured
    <!-- not shown: found by Xiong et al., 2020 -->

Questions, exercises, code, formulas with letters and the references need none; see also `claim_patterns`.
"""
from __future__ import annotations

import argparse
import ast
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from helpers import ROOT
from tests.tools import editions, measure
from tests.tools.claim_patterns import COMPARATIVE, clean, in_code, in_output, numbers
from tests.tools.notebook_rules import asserts
from tests.tools.pairing import FENCE

import nbformat
from nbformat import NotebookNode

COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
MARK = re.compile(r"\s*(shown|not shown):\s+(\S.*?)\s*", re.DOTALL)
SWALLOWS = re.compile(r"^[ \t]*<!--.*?-->[ \t]*[^\s|].*", re.MULTILINE)
REFERENCES = re.compile(r"^#+ (?:References|参考文献)\s*$.*?(?=^#|\Z)", re.MULTILINE | re.DOTALL)
DISPLAY = re.compile(r"\$\$.+?\$\$", re.DOTALL)
TAG = re.compile(r"<summary>.*?</summary>|</?[a-z][^<>]*>", re.DOTALL)
TASK = re.compile(r"(?:\*\*(?:Exercise|练习)\s*\d|\*\*(?:Go on trying|再试试)\*\*).*", re.DOTALL)
STARTS = re.compile(r"\s*(?:[-*+]\s|\d+[.)]\s|#|\||$)")  # a line that begins a block
QUOTE = re.compile(r"^> ?", re.MULTILINE)
LEAD = re.compile(r"^\s*(?:#+\s+(?:\d+(?:\.\d+)*\.?\s)?|[-*+]\s+|\d+[.)]\s+)+")
END = re.compile(r"(?:(?<![;；]\d)(?<![;；]\s\d)[.!?][\"”’)]*(?=\s+(?:[^a-z\d(]|\([A-Z])))|[。！？][”’」）]*")
QUESTION = re.compile(r"[?？][_”’\"」)）]*$|^先猜一猜[^：]*$")


@dataclass(frozen=True)
class Part:
    """Part of a block of text and the comment behind it: a mark (`kind`: shown or not shown), another one, or None."""

    cell: str
    text: str
    comment: str | None
    kind: str = ""
    said: str = ""

    @property
    def sentences(self) -> list[str]:
        """The sentences that claim something; questions do not."""
        ends = [0, *(found.end() for found in END.finditer(self.text)), len(self.text)]
        pieces = [self.text[start:end].strip() for start, end in pairwise(ends)]
        return [piece for piece in pieces if piece and not QUESTION.search(piece)]


@dataclass(frozen=True)
class Shown:
    """What the reader of a mark finds: where, the text of the output, and the code."""

    where: str
    text: str
    source: str = ""

    @property
    def numbers(self) -> set[tuple[float, bool]]:
        return in_output(self.text) | in_code(self.source)


# --- the text of a notebook


def blocks(text: str) -> Iterator[str]:
    """The paragraphs, list items, table rows and headings of Markdown, without what needs no mark."""
    text = DISPLAY.sub("\n\n", FENCE.sub("\n\n", REFERENCES.sub("", text)))
    found = [""]
    for line in QUOTE.sub("", TAG.sub("", text)).splitlines():
        if STARTS.match(line) or found[-1].startswith(("#", "|")):
            found.append("")
        found[-1] += f"\n{line}" if found[-1] else line
    for block in found:
        claimed = TASK.sub("", block).replace("**", "").strip("| \n")
        if claimed.strip("|:- \n"):
            yield LEAD.sub("", claimed)


def parts(cell: NotebookNode) -> Iterator[Part]:
    """All text of a Markdown cell, part by part."""
    for block in blocks(cell.source):
        pieces = COMMENT.split(block)
        for text, comment in zip(pieces[::2], [*pieces[1::2], None], strict=True):
            mark = MARK.fullmatch(comment or "")
            kind, said = (mark[1], " ".join(mark[2].split())) if mark else ("", "")
            if text.strip("| \n") or comment is not None:
                yield Part(cell.id, text.strip("| \n"), comment, kind, said)


@cache
def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def texts(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "markdown"]


# --- what a mark names


def output_text(cell: NotebookNode) -> str:
    """What a cell shows but for pictures; tables of HTML and formulas in LaTeX are text, too."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        found += [output.get("text", ""), data.get("text/plain", ""), data.get("text/latex", "")]
        found.append(re.sub(r"<[^>]*>", " ", data.get("text/html", "")))
    return "\n".join(filter(None, found))


def notebook_of(prefix: str, path: Path) -> Path:
    """The notebook of the same edition whose name begins with 01, 02 ...; a LookupError if there is none."""
    folder = path.parent.parent if path.parent.name == "solutions" else path.parent
    found = sorted(folder.glob(f"{prefix}_*.ipynb"))
    if not found:
        raise LookupError(f"there is no notebook {prefix}")
    return found[0]


def shown_by(name: str, path: Path) -> Shown:
    """What a mark of a notebook means by a name; a LookupError says why it means nothing."""
    *where, cell_id = name.split(":")
    prefix = next((part for part in where if part != "measured"), None)
    home = notebook_of(prefix, path) if prefix else path
    if "measured" in where:
        kept = measure.MEASURED / f"{home.stem}.txt"
        text = kept.read_text(encoding="utf-8") if kept.exists() else ""
        if cell_id not in measure.sections(text):
            raise LookupError(f"docs/measured/{kept.name} has no section [{cell_id}]")
        return Shown(f"docs/measured/{kept.name} [{cell_id}]", text.split("\n[")[0] + measure.sections(text)[cell_id])
    # a learner's blank answers show nothing: what the same cell of the solutions shows counts, too
    books = [home, *filter(Path.exists, [home.parent / "solutions" / home.name])]
    cells = [cell for book in books for cell in read(book).cells if cell.id == cell_id]
    if not cells:
        raise LookupError(f"there is no cell ({cell_id})")
    if cells[0].cell_type != "code":
        raise LookupError(f"({cell_id}) is no code cell")
    sources, outputs = [cell.source for cell in cells], [output_text(cell) for cell in cells]
    if not any(cell.outputs for cell in cells) and not any(asserts(ast.parse(source)) for source in sources):
        raise LookupError(f"({cell_id}) has neither output nor assertion")
    return Shown(f"{short(home)} ({cell_id}) [{cells[0].execution_count}]", "\n".join(outputs), "\n".join(sources))


# --- open lines


def problems(path: Path) -> list[str]:
    """The open lines of a notebook, each with its sentence."""
    found = []
    for cell in texts(path):
        lines = [(line, "a mark begins a line: its text is no Markdown") for line in SWALLOWS.findall(cell.source)]
        lines += [line for part in parts(cell) for line in part_problems(part, path)]
        found += [describe(path, cell.id, what, sentence) for sentence, what in lines]
    return found


def part_problems(part: Part, path: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with a part of a text and its mark, each with the sentence."""
    if part.comment is not None and not part.kind:
        yield part.text, f"a comment that is no mark: <!--{part.comment}-->"
    elif part.kind and not part.text:
        yield part.text, f"a mark that covers no text: {part.kind}: {part.said}"
    elif part.kind == "not shown" and len(part.said.split()) < 2:
        yield part.text, f"no reason is given: not shown: {part.said}"
    elif part.kind == "shown":
        yield from number_problems(part, path)
    elif part.comment is None:
        for sentence in part.sentences:
            plain = clean(sentence)
            claimed = [number.words for number in numbers(plain)] + [found[0] for found in COMPARATIVE.finditer(plain)]
            if claimed:
                yield sentence, f"no mark: {', '.join(claimed)}"


def number_problems(part: Part, path: Path) -> Iterator[tuple[str, str]]:
    """The names of a mark that mean nothing, and the numbers of its text that are in none of the others."""
    shown: set[tuple[float, bool]] = set()
    for name in part.said.split():
        try:
            shown |= shown_by(name, path).numbers
        except LookupError as error:
            yield part.text, str(error.args[0])
    for sentence in part.sentences:
        if missing := [number.words for number in numbers(clean(sentence)) if not number.is_among(shown)]:
            yield sentence, f"not in {part.said}: {', '.join(missing)}"


def twin(path: Path) -> Path:
    """The same notebook in the other edition; a notebook that is of none is its own."""
    folders = list(path.parts)
    for at in [index for index, folder in enumerate(folders) if folder in editions.LANGUAGES][-1:]:
        folders[at] = editions.OTHER[folders[at]]
    return Path(*folders)


def out_of_step(path: Path) -> list[str]:
    """The cells of a notebook whose marks are not those of its twin; whether there is one, `pairing` says."""
    if not twin(path).exists():
        return []
    here, there = ({cell.id: COMMENT.findall(cell.source) for cell in texts(book)} for book in (path, twin(path)))
    differ = [cell for cell in here if cell in there and here[cell] != there[cell]]
    return [describe(path, cell, f"marks, here {here[cell]}, in the twin {there[cell]}") for cell in differ]


# --- the command


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def describe(path: Path, cell: str, what: str, sentence: str = "") -> str:
    lines = [f"{short(path)} ({cell}): {what}", *([textwrap.shorten(sentence, 160)] if sentence else [])]
    return "\n    ".join(lines)


def reasons(path: Path) -> list[str]:
    """What a notebook says that nothing shows, and why."""
    every = [part for cell in texts(path) for part in parts(cell) if part.kind == "not shown"]
    return [describe(path, part.cell, part.said, part.text) for part in every]


def find(path: Path, words: str) -> list[str]:
    """The sentences of a notebook with these words, and what shows them."""
    return [
        describe(path, part.cell, part.said if part.kind == "not shown" else part.kind or "no mark", sentence)
        + "".join(f"\n  {quote(name, path)}" for name in part.said.split() if part.kind == "shown")
        for cell in texts(path) for part in parts(cell) for sentence in part.sentences
        if words.lower() in " ".join(sentence.split()).lower()
    ]  # fmt: skip


def quote(name: str, path: Path) -> str:
    """Where a name of a mark leads, with what is printed and asserted there."""
    try:
        shown = shown_by(name, path)
    except LookupError as error:
        return str(error.args[0])
    checks = [line.strip() for line in shown.source.splitlines() if line.strip().startswith("assert")]
    lines = [*shown.text.splitlines()[:12], *checks]
    return "\n      ".join([shown.where, *lines])


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit code is 1 if a line is open, or nothing is found."""
    parser = argparse.ArgumentParser("python -m tests.tools.claims", description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--reasons", action="store_true", help="list what no cell shows, and why")
    parser.add_argument("--find", metavar="WORDS", help="name the cells that show the sentences with these words")
    options = parser.parse_args(arguments)
    paths = [path.resolve() for path in options.notebooks] or editions.committed()
    if options.find or options.reasons:
        found = [line for path in paths for line in (find(path, options.find) if options.find else reasons(path))]
        print("\n".join(found) or "nothing is found")
        return int(not found)
    found = [line for path in paths for line in problems(path) + out_of_step(path)]
    print("\n".join(found) or f"{len(paths)} notebooks have no open line")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
