"""The rules that every committed notebook keeps, as far as they can be seen without running it.

    python -m tests.tools.notebook_rules [NOTEBOOK ...]     all notebooks by default
"""
from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from tests.tools import editions

import nbformat
from nbformat import NotebookNode

IGNORED = "# NBVAL_IGNORE_OUTPUT"
MACHINE_PATH = re.compile(r"/home/(?!aistudio)|/root/|/tmp/|/work/|/Users/|[A-Z]:\\\\|site-packages")
LARGEST = 1_500_000  # bytes
CELL_METADATA = {"nbgrader", "deletable", "editable"}  # what the homework needs; editors leave other things


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def first_difference(one: str, other: str) -> tuple[str, str]:
    """The first pair of lines that differ between two texts."""
    pairs = zip_longest(one.splitlines(), other.splitlines(), fillvalue="(nothing)")
    return next((pair for pair in pairs if pair[0] != pair[1]), ("(the same in other pieces)",) * 2)


def asserts(tree: ast.AST) -> bool:
    """Whether code holds an assertion: the statement, or one of NumPy's functions."""
    return any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.Attribute) and node.attr.startswith("assert_"))
        for node in ast.walk(tree)
    )


def output_problems(cell: NotebookNode) -> list[str]:
    """What a cell shows and should not."""
    found = [f"failed: {output.ename}" for output in cell.outputs if output.output_type == "error"]
    errors = [output.text for output in cell.outputs if output.get("name") == "stderr"]
    return found + [f"writes to stderr: {text[:80]!r}" for text in errors]


def source_problems(cell: NotebookNode) -> list[str]:
    """Where a reader would have too much or nothing to read, and where nbval would look away without saying so."""
    found, lines = [], cell.source.splitlines()
    if not cell.source.strip():
        found.append("is empty")
    if len(lines) > 30:
        found.append(f"has {len(lines)} lines")
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        return [*found, f"is not plain Python (nbval skips what it cannot run): {error.msg}, line {error.lineno}"]
    if "NBVAL_IGNORE_OUTPUT" in cell.source and IGNORED not in lines:
        found.append("has its marker not alone on a line")
    if IGNORED in lines and not asserts(tree):
        found.append("ignores its output and asserts nothing")
    if "NBVAL_SKIP" in cell.source or "NBVAL_RAISES_EXCEPTION" in cell.source:
        found.append("is skipped by nbval")
    return found


def problems(notebook: NotebookNode, size: int) -> list[str]:
    """All that is wrong with a notebook of so many bytes; code cells are numbered from 1, as Jupyter does."""
    cells, found = code_cells(notebook), []
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("it was not run once from top to bottom")
    for number, cell in enumerate(cells, start=1):
        found += [f"cell {number} ({cell.id}) {what}" for what in source_problems(cell) + output_problems(cell)]
    for cell in notebook.cells:
        if unknown := sorted(set(cell.metadata) - CELL_METADATA):
            found.append(f"the metadata of cell ({cell.id}) is not clean: {', '.join(unknown)}")
    ignored = sum(IGNORED in cell.source for cell in cells)
    if ignored * 4 > len(cells):
        found.append(f"{ignored} of {len(cells)} code cells ignore their output, more than a quarter")
    if path := MACHINE_PATH.search(json.dumps(notebook, ensure_ascii=False)):
        found.append(f"it holds a path of a machine: {path[0]}")
    if size > LARGEST:
        found.append(f"it is {size / 1e6:.1f} MB large")
    kernel = editions.METADATA["kernelspec"]["name"]
    if notebook.metadata.get("kernelspec", {}).get("name") != kernel:
        found.append(f"its kernel is not {kernel}")
    if set(notebook.metadata) - set(editions.METADATA):
        found.append("its metadata is not clean")
    return found


def file_problems(path: Path) -> list[str]:
    """All that is wrong with the notebook in a file, as sentences."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        return [f"it is no valid notebook: {str(error).splitlines()[0]}"]
    return problems(notebook, path.stat().st_size)


def main(names: Sequence[str]) -> int:
    """The command line; the exit code is 1 if a rule is broken."""
    paths = [Path(name) for name in names] or editions.committed()
    found = [f"{path}: {what}" for path in paths for what in file_problems(path)]
    print("\n".join(found) if found else f"{len(paths)} notebooks keep the rules")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
