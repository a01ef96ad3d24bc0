"""The commands of docs/teaching.md, in their order: from a clone to a released homework, from hand-ins to marks."""
import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from helpers import ROOT
from tests.tools import hand_ins as make

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="no make here")
IDS = ["2026001", "2026002"]


def commands(language=""):
    """The lines of the document that start with make."""
    text = (ROOT / f"docs/teaching{language}.md").read_text(encoding="utf-8")
    return re.findall(r"^make .+$", "\n".join(re.findall(r"```\n(.*?)```", text, re.DOTALL)), re.MULTILINE)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """What a clone holds of what is needed, and a roster."""
    folder = tmp_path_factory.mktemp("teacher") / "a course"
    folder.mkdir()
    for name in ("helpers", "docs", "notebooks"):
        (folder / name).symlink_to(ROOT / name, target_is_directory=True)
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)  # stands for the one that make would make
    shutil.copy(ROOT / "Makefile", folder)
    rows = "".join(f"{student_id},王{number}\n" for number, student_id in enumerate(IDS))
    make.write(folder / "roster.csv", f"学号,姓名\n{rows}", "utf-8-sig")
    return folder


def shell(folder, command):
    """Run a line of the document; nothing is to be installed."""
    command = command.replace("make ", "make -o .venv/.installed -o .venv/.installed-dev ", 1)
    alone = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    return subprocess.run(command, shell=True, cwd=folder, env=alone, capture_output=True, text=True)


def totals(folder):
    with (folder / "grading/grades/grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["id"]: row["total"] for row in csv.DictReader(file)}


def test_both_languages_have_the_same_commands():
    assert commands() == commands(".zh-CN") and len(commands()) == 4


def test_the_commands_release_the_homework_and_mark_it(course):
    pytest.importorskip("nbgrader")
    release, mark = commands()[:2], commands()[2:]
    assert [line.split()[1] for line in (*release, *mark)] == ["grading", "grading", "grades", "grades"]
    for command in release:
        done = shell(course, command)
        assert done.returncode == 0, done.stderr[-2000:]
    released = course / "grading/release/homework"
    assert sorted(path.name for path in released.iterdir()) == ["04_homework.ipynb", "variants.json"]
    assert "BEGIN SOLUTION" not in (released / "04_homework.ipynb").read_text(encoding="utf-8")
    secret = (course / "grading/secret.txt").read_bytes().strip()
    assert secret.decode() not in (released / "variants.json").read_text(encoding="utf-8")

    own = make.draw(IDS[0], secret)
    variant = make.Variant(own, make.signature(IDS[0], own, secret))
    hand_in = make.make(**make.right(own), edition="zh", student_id=IDS[0], variant=variant)
    make.write(course / "hand-ins/作业.ipynb", make.notebook(hand_in))
    for command in mark:
        done = shell(course, command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert totals(course) == {IDS[0]: "30", IDS[1]: "0"}
    assert (course / "grading/gradebook.db").exists()
    assert {path.name for path in (course / "grading/grades/feedback").iterdir()} == {
        "2026001-王0.html", "2026002-王1.html"
    }  # fmt: skip
    for name in IDS:  # without HANDINS: what nbgrader has collected
        make.write(course / "grading/submitted" / name / "homework" / make.NOTEBOOK, make.notebook(hand_in))
    done = shell(course, "make grades ROSTER=roster.csv")
    assert done.returncode == 0 and totals(course) == {IDS[0]: "30", IDS[1]: "0"}, done.stdout + done.stderr
    assert "2 graded, 0 partly, 0 blank, 0 unreadable, 0 missing, 0 unknown；0 " in done.stdout.splitlines()[-1]


def test_a_file_that_cannot_be_read_makes_it_fail_and_costs_nobody_anything(course):
    make.write(course / "other/2026001.json", make.data("2026001"))
    make.write(course / "other/2026002.json", "{")
    (course / "grading/secret.txt").unlink(missing_ok=True)
    done = shell(course, "make grades HANDINS=other ROSTER=roster.csv EDITION=en")
    assert done.returncode and "2026002.json: it is no complete JSON" in done.stdout
    assert totals(course) == {IDS[0]: "30", IDS[1]: ""}
    assert Path(course / "grading/grades/feedback").is_dir()
