"""Make the learner's copy of the homework from the solutions with nbgrader, and run it.

    python -m tests.make_homework
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import execute

import nbformat

SOLUTIONS = execute.ROOT / "notebooks/zh/solutions/04_homework.ipynb"
LEARNERS = execute.ROOT / "notebooks/zh/04_homework.ipynb"
CONFIG = execute.ROOT / "docs/nbgrader_config.py"
ASSIGNMENT = "homework"


def nbgrader(folder: Path, *arguments: str) -> None:
    """Run one nbgrader command in a course folder.

    Raises:
        RuntimeError: it failed; the text is what it said.
    """
    # nbgrader starts alembic by its name, so the environment's programs must be on the path.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"nbgrader {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")


def learners_copy() -> nbformat.NotebookNode:
    """What nbgrader makes of the solutions for the learner, not run, with the metadata that the course allows."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / "source" / ASSIGNMENT / SOLUTIONS.name
        source.parent.mkdir(parents=True)
        shutil.copy(SOLUTIONS, source)
        shutil.copy(CONFIG, folder)
        nbgrader(folder, "generate_assignment", ASSIGNMENT)
        made = nbformat.read(folder / "release" / ASSIGNMENT / SOLUTIONS.name, as_version=4)
    made.metadata = nbformat.read(SOLUTIONS, as_version=4).metadata
    return made


def main() -> None:
    made = learners_copy()
    part = LEARNERS.with_suffix(".part")
    nbformat.write(made, part)
    part.replace(LEARNERS)
    execute.main([str(LEARNERS)])


if __name__ == "__main__":
    main()
