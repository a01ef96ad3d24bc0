"""Run notebooks again and hold what they show against what git has; `make notebooks` does that for all of them.

    python -m tests.tools.rerun [NOTEBOOK ...]     all notebooks by default; rendered images, whatever data is at hand

Compared is what nbval compares: not the cells that are marked NBVAL_IGNORE_OUTPUT, and no pictures (a picture that has
changed is mentioned). What has changed is stored; `git add` says that it is meant. A notebook that shows the same as
before is left as it is, so that times and random numbers make no difference to be committed.
"""
from __future__ import annotations

import copy
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.tools import editions, execute, make_homework
from tests.tools.notebook_rules import IGNORED, code_cells, first_difference

import nbformat
from nbclient.exceptions import CellControlSignal
from nbformat import NotebookNode
from nbval.plugin import coalesce_streams


def git(folder: Path, *arguments: str) -> str:
    """What a git command says; a RuntimeError with what it said if it failed."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def in_git(path: Path) -> NotebookNode | None:
    """A notebook as it is staged, or else committed; None for one that git does not know."""
    if not git(path.parent, "ls-files", "--", path.name):
        return None
    return nbformat.reads(git(path.parent, "show", f":./{path.name}"), as_version=4)


def shown(cell: NotebookNode) -> dict[str, list[str]]:
    """The outputs of a cell by kind (stdout, text/plain, image/png ...), as nbval sorts them."""
    found = defaultdict(list)
    for output in coalesce_streams(copy.deepcopy(cell.outputs)):
        kinds = {output.name: output.text} if output.output_type == "stream" else output.get("data", {})
        for kind, value in kinds.items():
            found[kind].append(value)
    return found


def differences(new: NotebookNode, old: NotebookNode) -> tuple[list[str], list[str]]:
    """What a notebook shows otherwise than before: sentences about what nbval compares, and others about pictures.

    Cells are named by the number in their brackets, and their id.
    """
    texts, pictures = [], []
    twins = {cell.id: cell for cell in code_cells(old)}
    for number, cell in enumerate(code_cells(new), start=1):
        name, twin = f"cell [{number}] ({cell.id})", twins.pop(cell.id, None)
        if twin is None:
            texts.append(f"{name} is new")
            continue
        if IGNORED in cell.source.splitlines():
            continue
        here, there = shown(cell), shown(twin)
        for kind in sorted(kind for kind in here.keys() | there.keys() if here[kind] != there[kind]):
            if kind in editions.PICTURES:
                pictures.append(f"{name} draws another picture")
            else:
                now, before = first_difference(*("\n".join(map(str, one[kind])) for one in (here, there)))
                texts.append(f"{name} shows {now!r} where git has {before!r}")
    return texts + [f"cell ({name}) is gone" for name in twins], pictures


def rerun(path: Path) -> tuple[str, list[str], bool]:
    """Run one notebook, and store it if it has changed or shows something else than in git.

    Gives what was done, sentences about what to look at, and whether nothing of it fails the command.
    """
    try:
        new = execute.run(path)
    except CellControlSignal as error:
        return "FAILED, not stored", str(error).strip().splitlines(), False
    old = in_git(path)
    if old is None:
        execute.write(new, path)
        return "stored", ["git does not know it"], False
    texts, pictures = differences(new, old)
    if not texts + pictures and nbformat.read(path, as_version=4) == old:
        return "as in git", [], True
    execute.write(new, path)
    return "stored", texts + pictures, not texts


def main(names: Sequence[str]) -> int:
    """The command line; the exit code is 1 if a cell failed, or shows something else than in git."""
    paths = [Path(name).resolve() for name in names] or editions.committed()
    make_homework.refresh(paths)
    passed = []
    for number, path in enumerate(paths, start=1):
        start = time.perf_counter()
        done, say, good = rerun(path)
        passed.append(good)
        line = f"[{number}/{len(paths)}] {os.path.relpath(path)}: {done}, {time.perf_counter() - start:.0f} s"
        print("\n    ".join([line, *say]), flush=True)
    if all(passed):
        return 0
    print("Look at what is named above. What is meant: git add NOTEBOOK. What is not: git restore NOTEBOOK.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
