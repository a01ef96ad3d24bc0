"""Hold the Chinese and the English edition together: the notebooks pair by pair, and the pages.

    python -m tests.tools.pairing                   says what has drifted apart
    python -m tests.tools.pairing --sync zh en      carries changed code and outputs from zh over to en

Text is free; what must be equal is all that a translation has no reason to change (`outline` and `code_problems`).
Code differs in one line, the first cell's `LANGUAGE = "zh"` or `"en"`, which feedback follows (`helpers.language`).
"""
from __future__ import annotations

import argparse
import ast
import copy
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from helpers import ROOT
from tests.tools import editions, execute
from tests.tools.notebook_rules import IGNORED, first_difference

import nbformat
from nbformat import NotebookNode

HAN = re.compile(r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")
REPLY = re.compile(r"^乘法[\d?]+,加法[\d?]+$", re.MULTILINE)  # the course wants this line in Chinese from everybody
TWIN_LINK = re.compile(r"\[中文版\]\((?:\.\./)+zh/[\w/.]+\.ipynb\)")
FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
BACKTICKS = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
FORMULA = re.compile(r"\$\$.+?\$\$|\$.+?\$", re.DOTALL)
WORDS_IN_FORMULA = re.compile(r"\\text\{[^{}]*\}")
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)[^)]*\)|<(https?://[^>\s]+)>|<img[^>]*src=\"([^\"]+)\"")
SPANS = "code in backticks"
WORDS = "(Chinese words)"
LANGUAGE = re.compile(r"""^LANGUAGE = (["'])(zh|en)\1""", re.MULTILINE)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
LATIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHELL_COMMENT = re.compile(r"(?:^|[ \t]+)#[^\n]*", re.MULTILINE)


# --- what two texts of a pair have in common


def neutral(target: str, language: str) -> str:
    """A link target or a path in code, without the language it leads to."""
    target = target.replace(".zh-CN.md", ".md").replace(f"../{editions.OTHER[language]}/", "../TWIN/")
    return re.sub(rf"notebooks([/\\])(?:{'|'.join(editions.LANGUAGES)})\b", r"notebooks\1LANGUAGE", target)


def outline(text: str, language: str) -> dict[str, list[str]]:
    """What a translation of this Markdown keeps, by kind.

    Formulas, links and code are sorted, since languages put them in another order within a sentence.
    """
    blocks = [neutral(SHELL_COMMENT.sub("", code), language).strip() for _, code in FENCE.findall(text)]
    text = FENCE.sub("", text)
    spans = {WORDS if HAN.search(code) else neutral(code, language) for _, code in BACKTICKS.findall(text)}
    text = BACKTICKS.sub("CODE", text)
    formulas = ["".join(WORDS_IN_FORMULA.sub("", found).split()) for found in FORMULA.findall(text)]
    text = FORMULA.sub("FORMULA", text)
    links = [(mark or image, target or url or image) for mark, target, url, image in LINK.findall(text)]
    return {
        "headings": re.findall(r"^(#{1,6}) ", text, re.MULTILINE),
        "formulas": sorted(formulas),
        "links": sorted(neutral(target, language) for mark, target in links if not mark),
        "images": sorted(neutral(target, language) for mark, target in links if mark),
        "table rows": [f"{row.count('|') - 1} columns" for row in re.findall(r"^\|.*\|[ \t]*$", text, re.MULTILINE)],
        "details tags": re.findall(r"</?(?:details|summary)>", text),
        "code blocks": blocks,
        SPANS: sorted(spans),
    }


def unequal(zh: Sequence[str], en: Sequence[str]) -> str:
    """How the lists of a pair differ, in words; they do differ."""
    parts = []
    for language, here, there in (("zh", zh, en), ("en", en, zh)):
        if only := list((Counter(here) - Counter(there)).elements()):
            parts.append(f"only in {language}: {only}")
    return ", ".join(parts) or f"in another order: {list(zh)} and {list(en)}"


def text_problems(zh: str, en: str) -> list[str]:
    """How the outlines of a Chinese text and its translation differ."""
    first, second = outline(zh, "zh"), outline(en, "en")
    if WORDS in first[SPANS]:  # their translation is in backticks too, and nothing tells it from code
        first[SPANS].remove(WORDS)
        second[SPANS] = [span for span in second[SPANS] if span in first[SPANS]]
    kinds = [kind for kind in first if first[kind] != second[kind]]
    return [f"{kind}, {unequal(first[kind], second[kind])}" for kind in kinds]


# --- notebooks


def bare(source: str) -> str:
    """Code without comments and layout; what is no Python stands for itself."""
    try:
        return ast.unparse(ast.parse(source))
    except SyntaxError:
        return source


def printed(cell: NotebookNode) -> list[str]:
    """What the outputs of a cell say as text, one string for each output."""
    return [output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.get("outputs", [])]


def own_language(source: str, language: str) -> str:
    """Code of a first cell, with what its edition has to say there for `LANGUAGE`, and only that, made neutral."""
    return LANGUAGE.sub(lambda found: "LANGUAGE = OWN" if found[2] == language else found[0], source, count=1)


def say_the_same(zh: str, en: str) -> bool:
    """Whether two outputs are equal but for feedback, which is translated: line by line a Chinese one has the numbers
    of the English one, and no Latin word that is not there too."""
    lines = zh.split("\n"), en.split("\n")
    return len(lines[0]) == len(lines[1]) and all(map(_same_line, *lines))


def _same_line(zh: str, en: str) -> bool:
    if zh == en or not HAN.search(zh):
        return zh == en
    words = [{word.lower() for word in LATIN.findall(line)} for line in (zh, en)]
    return sorted(NUMBER.findall(zh)) == sorted(NUMBER.findall(en)) and words[0] <= words[1]


def outputs_agree(zh: NotebookNode, en: NotebookNode) -> bool:
    """Whether what two cells printed is a pair."""
    first, second = printed(zh), printed(en)
    return len(first) == len(second) and all(map(say_the_same, first, second))


def code_problems(zh: NotebookNode, en: NotebookNode, opening: bool = False) -> list[str]:
    """How two code cells differ in more than their comments; the opening one of a notebook also says its language."""
    sources = zh.source, en.source
    if opening:
        sources = own_language(zh.source, "zh"), own_language(en.source, "en")
    found = []
    if bare(sources[0]) != bare(sources[1]):
        first, second = first_difference(*map(bare, sources))
        found.append(f"code, zh has {first.strip()!r} where en has {second.strip()!r}")
    if IGNORED not in zh.source.splitlines() and not outputs_agree(zh, en):
        found.append(f"output, {unequal(printed(zh), printed(en))}")
    return found


def without_checksum(metadata: NotebookNode) -> dict:
    """A cell's metadata without nbgrader's checksum, which comments change as well."""
    plain = copy.deepcopy(dict(metadata))
    plain.get("nbgrader", {}).pop("checksum", None)
    return plain


def cell_problems(zh: NotebookNode, en: NotebookNode, opening: bool = False) -> list[str]:
    """How two cells of the same id differ; the opening one is the first with code."""
    if zh.cell_type != en.cell_type:
        return [f"type, zh {zh.cell_type}, en {en.cell_type}"]
    found = code_problems(zh, en, opening) if zh.cell_type == "code" else text_problems(zh.source, en.source)
    if without_checksum(zh.metadata) != without_checksum(en.metadata):
        found.append(f"metadata, zh {dict(zh.metadata)}, en {dict(en.metadata)}")
    shown = "\n".join([TWIN_LINK.sub("", en.source), *(REPLY.sub("", text) for text in printed(en))])
    if chinese := HAN.search(shown):
        found.append(f"Chinese in en: {shown[max(chinese.start() - 20, 0) : chinese.end() + 20]!r}")
    return found


def notebook_problems(zh: NotebookNode, en: NotebookNode) -> list[str]:
    """All that keeps two notebooks from being a pair; each sentence names the cell by its number and id."""
    found = []
    ids = [[cell.id for cell in notebook.cells] for notebook in (zh, en)]
    if ids[0] != ids[1]:
        found.append(f"cells ({len(ids[0])} in zh, {len(ids[1])} in en), {unequal(*ids)}")
    twins = {cell.id: cell for cell in en.cells}
    opening = next((cell for cell in zh.cells if cell.cell_type == "code"), None)
    for number, cell in enumerate(zh.cells, start=1):
        if cell.id in twins:
            drifted = cell_problems(cell, twins[cell.id], cell is opening)
            found += [f"cell {number} ({cell.id}): {what}" for what in drifted]
    if zh.metadata != en.metadata:
        found.append(f"metadata of the notebook, zh {dict(zh.metadata)}, en {dict(en.metadata)}")
    return found


def common(root: Path = ROOT) -> list[str]:
    """The notebooks that exist in both languages."""
    return sorted(set(editions.notebooks("zh", root)) & set(editions.notebooks("en", root)))


def read(name: str, language: str, root: Path = ROOT) -> NotebookNode:
    return nbformat.read(editions.folder(language, root) / name, as_version=4)


# --- README and the other pages


def sections(text: str) -> list[str]:
    """A text cut in front of each of its headings; `#` in a code block is none."""
    hidden = FENCE.sub(lambda block: re.sub(r"[^\n]", ".", block[0]), text)
    starts = [0, *(found.start() for found in re.finditer(r"^#{1,6} ", hidden, re.MULTILINE) if found.start())]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def page_problems(zh: str, en: str) -> list[str]:
    """How the two editions of a page differ; each sentence names the section by its number and heading."""
    parts = sections(zh), sections(en)
    if len(parts[0]) != len(parts[1]):
        return [f"{len(parts[0])} sections in zh, {len(parts[1])} in en"]
    found = []
    for number, (first, second) in enumerate(zip(*parts, strict=True), start=1):
        heading = second.split("\n", 1)[0].lstrip("# ")
        found += [f"section {number} ({heading}): {what}" for what in text_problems(first, second)]
    return found


# --- carrying changes over


def synced_cell(source: NotebookNode, target: NotebookNode | None) -> tuple[NotebookNode, str]:
    """The cell as the target language should have it, and what a human has to do; "" for nothing."""
    cell = copy.deepcopy(source)
    if target is None or target.cell_type != source.cell_type:
        return cell, f"a new {source.cell_type} cell, copied; translate it"
    if own := LANGUAGE.search(target.source):
        cell.source = LANGUAGE.sub(own[0], cell.source, count=1)
    chinese = max(source, target, key=lambda each: len(HAN.findall("".join(printed(each)))))
    if source.cell_type == "code" and outputs_agree(chinese, target if chinese is source else source):
        cell.outputs = target.outputs  # feedback in its own language
    if source.cell_type == "markdown" or bare(cell.source) == bare(target.source):
        cell.source = target.source
        if checksum := target.metadata.get("nbgrader", {}).get("checksum"):
            cell.metadata.setdefault("nbgrader", NotebookNode())["checksum"] = checksum  # it is that of the source
    elif "#" in source.source:
        return cell, "the code has changed, copied; translate its comments"
    return cell, ""


def sync(source: NotebookNode, target: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """The target with the cells, code, outputs and metadata of the source, and with its own words where it can.

    Markdown cells that exist in both are never touched, and neither are comments while the syntax tree is the same.
    The sentences beside the notebook say which cells a human has to translate or to look at.
    """
    result, say, own = copy.deepcopy(source), [], {cell.id: cell for cell in target.cells}
    for number, cell in enumerate(source.cells):
        result.cells[number], remark = synced_cell(cell, own.get(cell.id))
        say += [f"cell {number + 1} ({cell.id}): {remark}"] if remark else []
    gone = set(own) - {cell.id for cell in source.cells}
    return result, say + [f"cell ({cell.id}): dropped" for cell in target.cells if cell.id in gone]


def sync_all(source: str, target: str, root: Path = ROOT) -> Iterator[str]:
    """Carry all notebooks over from one language to the other; gives a line for each that has changed."""
    for name in common(root):
        old = read(name, target, root)
        new, say = sync(read(name, source, root), old)
        if new != old:
            execute.write(new, editions.folder(target, root) / name)
            yield "\n  ".join([f"{target}/{name}: carried over from {source}", *say])


def problems(root: Path = ROOT) -> list[str]:
    """All that has drifted apart in the course."""
    zh, en = (set(editions.notebooks(language, root)) for language in ("zh", "en"))
    found = [f"{name} has no {'English' if name in zh else 'Chinese'} twin" for name in sorted(zh ^ en)]
    for name in common(root):
        pair = (read(name, language, root) for language in ("zh", "en"))
        found += [f"{name}, {what}" for what in notebook_problems(*pair)]
    for page in editions.PAGES:
        names = editions.page(page, "zh"), page
        if missing := [f"{name} is missing" for name in names if not (root / name).exists()]:
            found += missing
            continue
        pair = ((root / name).read_text(encoding="utf-8") for name in names)
        found += [f"{page}, {what}" for what in page_problems(*pair)]
    return found


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """The command line; the exit code is 1 if anything has drifted apart."""
    parser = argparse.ArgumentParser("python -m tests.tools.pairing", description="Compares the two editions.")
    parser.add_argument("--sync", nargs=2, choices=editions.LANGUAGES, metavar=("FROM", "TO"),
                        help="first carry code and outputs over, as in: --sync zh en")
    options = parser.parse_args(arguments)
    if options.sync:
        if len(set(options.sync)) == 1:
            parser.error("the two languages must differ")
        for line in sync_all(*options.sync, root):
            print(line)
    found = problems(root)
    print("\n".join(found) if found else "the two editions are in step")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
