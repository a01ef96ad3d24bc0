"""Run notebooks from top to bottom in a fresh kernel and store what they show, ready to be committed.

    python -m tests.tools.execute [NOTEBOOK ...]     all notebooks by default; rendered images, whatever data is at hand
"""
from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from helpers.files import write_atomically
from tests.tools import editions

import nbformat
from nbclient import NotebookClient


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Store a notebook; the file is there either whole or as it was."""
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def run(path: Path) -> nbformat.NotebookNode:
    """Run one notebook in its own folder and give it with its outputs; the file is not changed.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    return run_notebook(nbformat.read(path, as_version=4), path.parent)


def run_notebook(notebook: nbformat.NotebookNode, folder: Path, data: str = "rendered") -> nbformat.NotebookNode:
    """Run a notebook in a folder and give it with its outputs and no other metadata than every notebook's.

    `data` is the value of PALM_DIR for its kernel.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    client = NotebookClient(
        notebook,
        timeout=1800,
        kernel_name=editions.METADATA["kernelspec"]["name"],
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,  # times would make every run another file
        coalesce_streams=True,  # one text for what a cell printed; a progress bar leaves its last state
    )
    done = client.execute(env={**os.environ, "PALM_DIR": data})
    done.metadata = nbformat.from_dict(editions.METADATA)
    return done


def main(names: list[str]) -> None:
    for path in [Path(name) for name in names] or editions.committed():
        start = time.perf_counter()
        write(run(path), path)
        print(f"{path}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
