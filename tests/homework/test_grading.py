"""A class of twenty hand-ins, made from the learner's notebook and graded by nbgrader as docs/teaching.md says."""
import copy
import csv
import importlib.util
import os
import shutil

from helpers import ROOT
from tests.tools import make_homework

import nbformat
import pytest

LEARNERS, SOLUTIONS = make_homework.LEARNERS["zh"], make_homework.SOLUTIONS["zh"]
pytestmark = pytest.mark.skipif(
    os.name == "nt" or importlib.util.find_spec("nbgrader") is None,
    reason="nbgrader is not installed, or this is Windows",
)


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


def edited(notebook, sources):
    """A copy with other sources in some cells, by their id; a cell whose source is None is left out."""
    notebook = copy.deepcopy(notebook)
    notebook.cells = [cell for cell in notebook.cells if sources.get(cell.id, "") is not None]
    for cell in notebook.cells:
        cell.source = sources.get(cell.id, cell.source)
    return notebook


def class_of_twenty(learners, solutions):
    """Name -> (hand-in, points that it deserves); None for what cannot be graded."""
    right = {cell.id: cell.source for cell in solutions.cells}
    of_nbgrader = {cell.id: cell.metadata.nbgrader for cell in learners.cells if "nbgrader" in cell.metadata}
    worth = {cell_id: its.points for cell_id, its in of_nbgrader.items() if its.grade}
    full = sum(worth.values())
    first_task = sum(worth[f"hw-score-{part}"] for part in ("pixel", "image", "times", "plus"))
    solved = edited(learners, {cell_id: right[cell_id] for cell_id, its in of_nbgrader.items() if its.solution})
    tampered = edited(learners, dict.fromkeys(worth, "assert True"))
    for cell in tampered.cells:
        if cell.id in worth:
            cell.metadata.nbgrader |= {"points": 1000, "locked": False}
    loop = "while True:\n    pass"
    hand_ins = {
        "correct": (solved, full),
        "blank": (learners, 0),
        "loops": (edited(solved, {"hw-answers2": f"{right['hw-answers2']}\n{loop}"}), full),  # after the answers
        "loops-first": (edited(solved, {"hw-answers2": loop}), first_task),
        "raises": (edited(solved, {"hw-answers2": "answers2 = 1 / 0"}), first_task),
        "syntax-error": (edited(solved, {"hw-answers1": "answers1 = {"}), full - first_task),
        "tampers": (edited(learners, {"hw-score-pool1": "assert True"}), 0),
        "tampers-with-metadata": (tampered, 0),
        "deletes-a-check": (edited(solved, {"hw-score-fc1": None}), full - worth["hw-score-fc1"]),
        "no-notebook": (None, None),
        "not-json": ("this is no notebook", None),
    }
    lines = list(MISTAKES.items())
    for number in range(len(lines)):  # nine learners with three mistakes each
        three = dict(lines[(number + step) % len(lines)] for step in (0, 2, 5))
        typed = {f"hw-{name}": "\n".join([right[f"hw-{name}"], *(line for line in three if line.startswith(name))])
                 for name in ("answers1", "answers2")}  # fmt: skip
        lost = sum(worth[cell_id] for cell_id in three.values())
        hand_ins[f"three-mistakes-{number}"] = (edited(solved, typed), full - lost)
    return hand_ins


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class, the points that nbgrader gave, and its log."""
    root = tmp_path_factory.mktemp("clone")
    (root / "helpers").symlink_to(ROOT / "helpers", target_is_directory=True)  # the first cell looks for it
    folder = root / "grading"
    (folder / "source/homework").mkdir(parents=True)
    shutil.copy(make_homework.CONFIG, folder)
    shutil.copy(SOLUTIONS, folder / "source/homework")
    make_homework.nbgrader(folder, "zh", "generate_assignment", "homework")
    learners, solutions = (nbformat.read(path, as_version=4) for path in (LEARNERS, SOLUTIONS))
    hand_ins = class_of_twenty(learners, solutions)
    for name, (hand_in, _) in hand_ins.items():
        place = folder / "submitted" / name / "homework"
        place.mkdir(parents=True)
        if isinstance(hand_in, str):
            (place / SOLUTIONS.name).write_text(hand_in)
        elif hand_in is not None:
            nbformat.write(hand_in, place / SOLUTIONS.name)
    options = ("--Execute.timeout=20", "--NbGrader.logfile=autograde.log")
    with pytest.raises(RuntimeError, match="not-json"):  # it grades all the others, and says that it failed
        make_homework.nbgrader(folder, "zh", "autograde", "homework", *options)
    make_homework.nbgrader(folder, "zh", "export")
    with (folder / "grades.csv").open() as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    return hand_ins, scores, (folder / "autograde.log").read_text(encoding="utf-8")


def test_the_class_is_graded(graded):
    hand_ins, scores, log = graded
    assert len(hand_ins) == 20
    deserved = {name: worth for name, (_, worth) in hand_ins.items() if worth is not None}
    assert {name: scores[name] for name in deserved} == deserved, log[-3000:]


def test_what_cannot_be_graded_gets_nothing_and_is_named(graded):
    hand_ins, scores, log = graded
    for name in (name for name, (_, worth) in hand_ins.items() if worth is None):
        assert scores.get(name, 0) == 0 and f"submitted/{name}/" in log
