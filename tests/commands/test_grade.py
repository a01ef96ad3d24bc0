"""The two commands of a teacher: numbers for each student before the homework, marks after it."""
import csv
import json
import os
import subprocess
import sys

from helpers import ROOT
from helpers.commands import grade, variants
from helpers.language import spoken
from tests.tools import hand_ins as make

import pytest


@pytest.fixture(autouse=True)
def english():
    yield
    grade.speak("en")


def run(command, *arguments):
    """Run a command here and give its exit status, or what it said instead."""
    try:
        command.main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        return stopped.code
    return 0


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def roster(folder, ids):
    return make.write(folder / "roster.csv", "id,name\n" + "".join(f"{i},Student {i}\n" for i in ids))


def test_sixty_hand_ins_are_graded_by_a_process_that_runs_nothing_of_them(tmp_path):
    ids = [f"2026{number:03d}" for number in range(60)]
    for number, student_id in enumerate(ids):
        data = make.data(student_id, counts={"batch additions": 9} if number % 2 else {})
        folder = tmp_path / "submitted" / student_id / "homework"
        make.write(folder / make.NOTEBOOK, make.notebook(data, answers1=make.WRITES))
        for name in ("helpers/__init__.py", "csv.py", "json.py", "sitecustomize.py"):
            make.write(folder / name, make.WRITES)
    command = [sys.executable, "-m", "helpers.commands.grade", tmp_path / "submitted", "--output", tmp_path / "out",
               "--roster", roster(tmp_path, ids)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "240 files could not be read" in done.stdout  # the modules, named
    graded = rows(tmp_path / "out/grades.csv")
    assert [int(row["total"]) for row in graded.values()] == [30, 27] * 30
    assert len(list((tmp_path / "out/feedback").iterdir())) == 60
    assert not list(tmp_path.rglob(make.MARKER)) and {path.name for path in tmp_path.iterdir()} == {
        "submitted", "roster.csv", "out"
    }  # fmt: skip


def test_from_a_roster_to_numbers_and_from_hand_ins_to_marks(tmp_path, capsys):
    secret, sheet = tmp_path / "teacher/secret.txt", tmp_path / "variants.json"
    ids = ["2026001", "2026002"]
    for _ in range(2):  # the second time with the same secret
        assert run(variants, "--roster", roster(tmp_path, ids), "--secret-file", secret, "--output", sheet) == 0
        key = secret.read_text().strip()
    assert capsys.readouterr().out.count("a new secret") == 1
    assert os.name == "nt" or secret.stat().st_mode & 0o077 == 0
    text = sheet.read_text()
    assert key not in text and "2026001" not in text and len(json.loads(text)["students"]) == 2
    numbers = variants.sheet(ids, key.encode())["students"]
    assert json.loads(text)["students"] == numbers
    own = make.Variant(make.draw("2026001", key.encode()), "")
    hand_in = make.make(**make.right(own.numbers), edition="zh", student_id="2026001", variant=own)
    make.write(tmp_path / "in/a.json", hand_in)
    make.write(tmp_path / "in/b.json", hand_in | {"student": {"id": "2026002", "name": ""}})
    make.write(tmp_path / "in/c.json", "{")
    options = (tmp_path / "in", "--roster", tmp_path / "roster.csv", "--output", tmp_path / "out")
    assert run(grade, *options, "--secret-file", secret, "--language", "zh") == 1 and spoken() == "zh"
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith("1 graded, 0 partly, 0 blank, 2 unreadable, 1 missing, 0 unknown；2 个文件读不了")
    (tmp_path / "in/c.json").unlink()
    data = hand_in | {"student": {"id": "2026002", "name": ""}}
    make.write(tmp_path / "in/b.json", data | {"checksum": make.checksum(data)})
    assert run(grade, *options, "--secret-file", secret) == 0
    graded = rows(tmp_path / "out/grades.csv")
    assert [row["total"] for row in graded.values()] == ["30", "0"]
    assert "another student (2026001 Student 2026001)" in graded["2026002"]["reason"]


def test_marks_go_into_a_gradebook_if_one_is_named(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(grade, "write_gradebook", lambda marks, path: written.append((len(marks), path)))
    make.write(tmp_path / "in/1234.json", make.data("1234"))
    options = ("--roster", roster(tmp_path, ["1234"]), "--output", tmp_path / "out")
    assert run(grade, tmp_path / "in", *options, "--gradebook", tmp_path / "gradebook.db") == 0
    assert written == [(1, tmp_path / "gradebook.db")]


@pytest.mark.parametrize(("text", "said"), [
    ("no columns\n", "BadRoster: the roster"), (None, "BadRoster: the roster roster.csv cannot be read"),
])  # fmt: skip
def test_a_bad_roster_stops_both_commands_in_words(tmp_path, text, said):
    if text:
        make.write(tmp_path / "roster.csv", text)
    (tmp_path / "in").mkdir()
    options = ("--roster", tmp_path / "roster.csv", "--output", tmp_path / "out")
    assert run(grade, tmp_path / "in", *options).startswith(said)
    assert run(variants, *options, "--secret-file", tmp_path / "secret").startswith(said)
    assert not (tmp_path / "out").exists() and not (tmp_path / "secret").exists()


def test_a_bad_secret_and_a_missing_folder_stop_the_grading_in_words(tmp_path):
    options = ("--roster", roster(tmp_path, ["1"]), "--output", tmp_path / "out")
    assert run(grade, tmp_path / "in", *options).startswith("FileNotFoundError")
    (tmp_path / "in").mkdir()
    secret = ("--secret-file", tmp_path / "secret")
    assert "cannot be read" in run(grade, tmp_path / "in", *options, *secret)
    make.write(tmp_path / "secret", "short\n")
    assert "fewer than 16 characters" in run(grade, tmp_path / "in", *options, *secret)
    assert not (tmp_path / "out").exists()


def test_the_marks_are_not_written_among_the_hand_ins(tmp_path, capsys):
    options = ("--roster", roster(tmp_path, ["1"]), "--output", tmp_path / "in/out")
    assert run(grade, tmp_path / "in", *options) == 2
    assert "lies in HANDINS" in capsys.readouterr().err
