"""Make the learner's copy of the homework from the solutions with nbgrader, in both languages, and run it.

    python -m tests.tools.make_homework
"""
from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from helpers import ROOT
from tests.tools import editions, execute

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor

LEARNERS = {language: editions.folder(language) / "04_homework.ipynb" for language in editions.LANGUAGES}
SOLUTIONS = {language: path.parent / "solutions" / path.name for language, path in LEARNERS.items()}
CONFIG = ROOT / "docs/nbgrader_config.py"
ASSIGNMENT = "homework"


def nbgrader(folder: Path, language: str, *arguments: str) -> None:
    """Run one nbgrader command in a course folder; a RuntimeError with what it said if it failed.

    The configuration asks for the language.
    """
    # nbgrader starts alembic by its name, so the environment's programs must be on the path.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "nbgrader", *arguments]
    environment = {**os.environ, "PATH": path, "EDITION": language}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"nbgrader {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")


def learners_copy(language: str) -> nbformat.NotebookNode:
    """What nbgrader makes of the solutions for the learner, not run, with the metadata that the course allows."""
    solutions = SOLUTIONS[language]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / "source" / ASSIGNMENT / solutions.name
        source.parent.mkdir(parents=True)
        shutil.copy(solutions, source)
        shutil.copy(CONFIG, folder)
        nbgrader(folder, language, "generate_assignment", ASSIGNMENT)
        made = nbformat.read(folder / "release" / ASSIGNMENT / solutions.name, as_version=4)
    made.metadata = nbformat.read(solutions, as_version=4).metadata
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](../", "](")  # links: the copy lies one folder above the solutions
    return made


def without_outputs(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook as it is before it is run."""
    return ClearOutputPreprocessor().preprocess(copy.deepcopy(notebook), {})[0]


def refresh(paths: Collection[Path]) -> None:
    """Write those learner's copies among the paths, without outputs, that the solutions have left behind."""
    for language, path in LEARNERS.items():
        if path in paths:
            made = learners_copy(language)
            if not path.exists() or without_outputs(made) != without_outputs(nbformat.read(path, as_version=4)):
                execute.write(made, path)


def main() -> None:
    for language, path in LEARNERS.items():
        execute.write(learners_copy(language), path)
    execute.main([str(path) for path in LEARNERS.values()])


if __name__ == "__main__":
    main()
