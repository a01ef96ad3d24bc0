"""A class of twenty hand-ins, made from the learner's notebook and graded by nbgrader as docs/teaching.md says."""
import copy
import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

from helpers.runtime import ROOT

import nbformat
import pytest

NAME = "04_homework.ipynb"
SOLUTIONS = ROOT / "notebooks/zh/solutions" / NAME
LEARNERS = ROOT / "notebooks/zh" / NAME
BINARIES = Path(sys.executable).parent
pytestmark = pytest.mark.skipif(
    os.name == "nt" or not (BINARIES / "nbgrader").exists(), reason="nbgrader is not installed, or this is Windows"
)


def nbgrader(folder, *arguments):
    """Run one command of nbgrader in a course folder; it starts alembic by name, so the path must hold it."""
    environment = {**os.environ, "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}"}
    command = [BINARIES / "nbgrader", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def cells(notebook):
    return {cell.id: cell for cell in notebook.cells}


def is_check(cell):
    return cell.metadata.get("nbgrader", {}).get("grade", False)


def points(notebook):
    return {cell.id: cell.metadata.nbgrader.points for cell in notebook.cells if is_check(cell)}


def solved(learners, solutions):
    """The learner's notebook with every answer taken from the solutions."""
    notebook, right = copy.deepcopy(learners), cells(solutions)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = right[cell.id].source
    return notebook


def added(notebook, cell_id, line):
    """A copy with one more line at the end of a cell: what a learner typed."""
    notebook = copy.deepcopy(notebook)
    cells(notebook)[cell_id].source += f"\n{line}"
    return notebook


def changed(notebook, cell_id, source):
    notebook = copy.deepcopy(notebook)
    cells(notebook)[cell_id].source = source
    return notebook


def without(notebook, cell_id):
    notebook = copy.deepcopy(notebook)
    notebook.cells = [cell for cell in notebook.cells if cell.id != cell_id]
    return notebook


MISTAKES = {  # what a learner types instead of the right answer -> the check cell that it costs
    'answers1["pixel additions"] = 9': "hw-score-pixel",
    'answers1["image multiplications"] = 27': "hw-score-image",
    'answers1["batch multiplications"] = 86704128': "hw-score-times",
    'answers1["batch additions"] = "many"': "hw-score-plus",
    'answers2["pool1"] = [[6, 6, 2, 2], 144, [6], 6, [10, 6, 112, 112]]': "hw-score-pool1",
    'answers2["conv2"][0] = [6, 16, 5, 5]': "hw-score-conv2",
    'answers2["pool2"][4] = [10, 16, 112, 112]': "hw-score-pool2",
    'answers2["fc1"] = None': "hw-score-fc1",
    'answers2["fc2"][0] = [1, 64]': "hw-score-fc2",
}


def class_of_twenty(learners, solutions):
    """Name -> (hand-in, points that it deserves); None for what cannot be graded."""
    worth = points(learners)
    full, blank = sum(worth.values()), learners
    right = solved(learners, solutions)
    hand_ins = {"correct": (right, full), "blank": (blank, 0)}
    lines = list(MISTAKES.items())
    for number in range(len(lines)):  # nine learners with three mistakes each
        three = [lines[(number + step) % len(lines)] for step in (0, 2, 5)]
        notebook = right
        for line, _ in three:
            notebook = added(notebook, "hw-answers1" if "answers1" in line else "hw-answers2", line)
        lost = sum(worth[cell_id] for cell_id in {cell_id for _, cell_id in three})
        hand_ins[f"three-mistakes-{number}"] = (notebook, full - lost)
    first_task = sum(worth[f"hw-score-{part}"] for part in ("pixel", "image", "times", "plus"))
    hand_ins |= {
        "loops": (added(right, "hw-answers2", "while True:\n    pass"), full),  # the answers stand before the loop
        "loops-first": (changed(right, "hw-answers2", "while True:\n    pass"), first_task),
        "raises": (changed(right, "hw-answers2", "answers2 = 1 / 0"), first_task),
        "syntax-error": (changed(right, "hw-answers1", "answers1 = {"), full - first_task),
        "tampers": (changed(blank, "hw-score-pool1", "assert True"), 0),
        "tampers-with-metadata": (copy.deepcopy(blank), 0),
        "deletes-a-check": (without(right, "hw-score-fc1"), full - worth["hw-score-fc1"]),
        "no-notebook": (None, None),
        "not-json": ("this is no notebook", None),
    }
    for cell in hand_ins["tampers-with-metadata"][0].cells:
        if is_check(cell):
            cell.metadata.nbgrader.points = 1000
            cell.metadata.nbgrader.locked = False
            cell.source = "assert True"
    return hand_ins


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class, the points that nbgrader gave, and its log."""
    root = tmp_path_factory.mktemp("clone")
    (root / "helpers").symlink_to(ROOT / "helpers", target_is_directory=True)  # the first cell looks for it
    folder = root / "grading"
    (folder / "source/homework").mkdir(parents=True)
    shutil.copy(ROOT / "docs/nbgrader_config.py", folder)
    shutil.copy(SOLUTIONS, folder / "source/homework")
    made = nbgrader(folder, "generate_assignment", "homework")
    assert made.returncode == 0, made.stderr
    learners, solutions = (nbformat.read(path, as_version=4) for path in (LEARNERS, SOLUTIONS))
    hand_ins = class_of_twenty(learners, solutions)
    for name, (hand_in, _) in hand_ins.items():
        place = folder / "submitted" / name / "homework"
        place.mkdir(parents=True)
        if isinstance(hand_in, str):
            (place / NAME).write_text(hand_in)
        elif hand_in is not None:
            nbformat.write(hand_in, place / NAME)
    done = nbgrader(folder, "autograde", "homework", "--Execute.timeout=20")
    exported = nbgrader(folder, "export")
    assert exported.returncode == 0, exported.stderr
    with (folder / "grades.csv").open() as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    return hand_ins, scores, done.stderr


def test_the_class_is_graded(graded):
    hand_ins, scores, log = graded
    assert len(hand_ins) == 20
    deserved = {name: worth for name, (_, worth) in hand_ins.items() if worth is not None}
    assert {name: scores[name] for name in deserved} == deserved, log[-3000:]


def test_what_cannot_be_graded_gets_nothing_and_is_named(graded):
    hand_ins, scores, log = graded
    for name in (name for name, (_, worth) in hand_ins.items() if worth is None):
        assert scores.get(name, 0) == 0 and f"submitted/{name}/" in log


def test_there_are_three_mistakes_worth_points(graded):
    hand_ins, scores, _ = graded
    wrong = [scores[name] for name in hand_ins if name.startswith("three")]
    assert all(0 < score < scores["correct"] for score in wrong) and len(set(wrong)) > 1
