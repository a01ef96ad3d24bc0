"""Run the training experiments of notebooks with more seeds, and keep what they print in docs/measured.

    python -m tests.tools.measure [--seeds 0:20] [--check] [NAME ...]     NAME: 01, 02 ...; all that have seeds

A notebook names its seeds once, `SEEDS = range(5)`. This runs the same cells with more of them, so their asserts are
tried on all, and the text may quote what docs/measured/NAME.txt says of a cell. With --check nothing is kept: whether
the asserts hold for seeds that nobody has looked at is all that is asked (--check --seeds 100:120).
"""
from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

from helpers import ROOT
from helpers.files import write_atomically
from tests.tools import editions, execute

import nbformat

SEEDS = re.compile(r"^SEEDS = range\(\d+\)", re.MULTILINE)
MEASURED = ROOT / "docs" / "measured"
NAME = re.compile(r"\bSEEDS\b")


def with_seeds(notebook: nbformat.NotebookNode, first: int, stop: int) -> nbformat.NotebookNode:
    """The notebook with other seeds.

    Raises:
        ValueError: it does not name its seeds exactly once.
    """
    sources = [cell for cell in notebook.cells if cell.cell_type == "code" and SEEDS.search(cell.source)]
    if len(sources) != 1:
        raise ValueError(f"SEEDS = range(...) has to stand in one cell, not in {len(sources)}")
    sources[0].source = SEEDS.sub(f"SEEDS = range({first}, {stop})", sources[0].source)
    return notebook


def printed(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """What the cells that use SEEDS have printed, by their ids."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and NAME.search(cell.source)]
    texts = {cell.id: "".join(output.get("text", "") for output in cell.outputs) for cell in cells}
    return {name: text.strip() for name, text in texts.items() if text.strip()}


def document(name: str, seeds: range, texts: dict[str, str]) -> str:
    """The text of a file in docs/measured; `sections` reads it."""
    head = f"{name}: what its cells print when they are run with {len(seeds)} seeds ({seeds[0]} to {seeds[-1]})\n"
    head += "Made by `make measure` on one thread; another machine's last digits may differ.\n"
    return head + "".join(f"\n[{cell}]\n{text}\n" for cell, text in texts.items())


def sections(text: str) -> dict[str, str]:
    """What a file in docs/measured says, by the ids of the cells."""
    parts = re.split(r"^\[([\w-]+)\]\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def having_seeds() -> list[Path]:
    """The English notebooks that name their seeds; those of the Chinese edition have the same code."""
    return [path for path in editions.committed(editions.folder("en")) if SEEDS.search(_code(path))]


def _code(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="01, 02 ...; by default all that have seeds")
    parser.add_argument("--seeds", default="0:20", metavar="FIRST:STOP")
    parser.add_argument("--check", action="store_true", help="keep nothing")
    options = parser.parse_args(arguments)
    first, stop = map(int, options.seeds.split(":"))
    chosen = [p for p in having_seeds() if not options.names or any(p.stem.startswith(n) for n in options.names)]
    if not chosen:
        parser.error(f"no notebook with seeds is named {' or '.join(options.names)}")
    for path in chosen:
        start = time.perf_counter()
        done = execute.run_notebook(with_seeds(nbformat.read(path, as_version=4), first, stop), path.parent)
        if not options.check:
            text = document(path.stem, range(first, stop), printed(done))
            write_atomically(MEASURED / f"{path.stem}.txt", lambda file, text=text: file.write(text.encode()))
        print(f"{path.stem}: {stop - first} seeds, every assert holds, {time.perf_counter() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
