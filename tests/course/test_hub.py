"""The homework on a real JupyterHub, from release to grades: everybody's hand-in is graded under his own name.

`make hub` installs what it needs. All servers run as one Unix user here, as with JupyterHub's simple spawner: whose
hand-in it is must not depend on that.
"""
import csv
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

from helpers import ROOT
from helpers.homework.submission import COURSE
from tests.tools import make_homework
from tests.tools.processes import python

import nbformat
import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (make hub)")

from tests.tools import hub

if hub.proxy() is None:
    pytest.skip("configurable-http-proxy is not installed (make hub)", allow_module_level=True)

NOTEBOOK = "04_homework.ipynb"
FETCHED = f"homework/{NOTEBOOK}"
ANSWERED = {"li": ("hw-answers1", "hw-answers2"), "王小明": ("hw-answers1",)}  # one has both tasks, one the first
LAST = "hw-hand-in-run"
PAGE = (ROOT / "docs/jupyterhub.md").read_text(encoding="utf-8")
RELEASE, COLLECT = (command.split() for command in re.findall(r"^nbgrader (\w+ homework)$", PAGE, re.MULTILINE))


@pytest.fixture
def teacher(tmp_path, monkeypatch):
    """nbgrader in the teacher's folder, the homework being released; the teacher is a user of the hub as well."""
    (exchange := tmp_path / "exchange").mkdir()
    folder = tmp_path / "grading"
    (source := folder / "source/homework").mkdir(parents=True)
    shutil.copy(ROOT / "docs/nbgrader_config.py", folder)
    shutil.copy(make_homework.SOLUTIONS["zh"], source)
    own = {"JUPYTERHUB_USER": "teacher", "JUPYTER_CONFIG_PATH": ROOT / "docs", "NBGRADER_EXCHANGE": exchange}
    for name, value in own.items():
        monkeypatch.setenv(name, str(value))

    def nbgrader(*arguments):
        make_homework.nbgrader(folder, "zh", *arguments)

    nbgrader("generate_assignment", "homework")
    nbgrader(*RELEASE)
    nbgrader.folder = folder
    return nbgrader


def answer(notebook, cells):
    """Type the solutions into these cells, as a learner would."""
    solutions = {cell.id: cell.source for cell in nbformat.read(make_homework.SOLUTIONS["zh"], as_version=4).cells}
    for cell in notebook.cells:
        if cell.id in cells:
            cell.source = re.sub(r"### (?:BEGIN|END) SOLUTION\n?", "", solutions[cell.id])


def do_homework(address, name, home):
    """A student's way through the homework, in a clone of the course of his own; gives what went wrong in his cells."""
    (home / "course/data").mkdir(parents=True)
    shutil.copytree(ROOT / "helpers", home / "course/helpers", ignore=shutil.ignore_patterns("__pycache__"))
    student = hub.Student(address, name)
    assert [(one["assignment_id"], one["status"]) for one in student.assignments(COURSE)] == [("homework", "released")]
    student.assignments(COURSE, "fetch", "homework")
    notebook = student.read(FETCHED)
    answer(notebook, ANSWERED[name])
    student.run(notebook, FETCHED, LAST)
    student.save(notebook, FETCHED)
    told = student.assignments(COURSE, "submit", "homework")
    assert [(one["student_id"], one["status"]) for one in told if "submissions" in one] == [(name, "submitted")]
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.evalue for output in outputs if output.output_type == "error"]


def test_from_release_to_grades(teacher, tmp_path):
    homes = tmp_path / "home"
    with (
        hub.hub(ROOT / "docs/jupyterhub_config.py", tmp_path) as address,
        ThreadPoolExecutor(len(ANSWERED)) as at_once,
    ):
        failed = at_once.map(lambda name: do_homework(address, name, homes / name), ANSWERED)
        assert dict(zip(ANSWERED, failed, strict=True)) == {name: [] for name in ANSWERED}
    teacher(*COLLECT)
    submitted = teacher.folder / "submitted"
    assert {folder.name for folder in submitted.iterdir()} == ANSWERED.keys()
    assert {path.owner() for path in submitted.iterdir()} == {homes.owner()}  # nothing but the name tells them apart
    roster = tmp_path / "roster.csv"
    roster.write_text("学号,姓名\nli,李华\n王小明,王小明\nzhao,赵云\n", encoding="utf-8")
    done = python("-m", "helpers.commands.grade", submitted, "--roster", roster, "--output", tmp_path / "grades")
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "grades/grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    grades = {name: tuple(row[key] for key in ("status", "task 1", "task 2", "total")) for name, row in rows.items()}
    assert grades == {
        "li": ("graded", "10", "20", "30"),
        "王小明": ("partly", "10", "0", "10"),
        "zhao": ("missing", "0", "0", "0"),
    }
