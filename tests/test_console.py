"""A console that is not UTF-8 ends no command, no feedback and no hand-in, and files are UTF-8 all the same."""
import ast
import contextlib
import csv
import io
import json
import os
import subprocess
import sys

from helpers import ROOT, console, language
from helpers.exercises import check, hint, solution
from helpers.fundus.render import render
from helpers.homework import assignment
from tests.tools import hand_ins
from tests.tools.processes import environment

import pytest

STRANGE = "眼底 Zoë א"  # no console but a UTF-8 one has all of it
ALL_COMMANDS = """
import runpy, sys
from pathlib import Path
folder, given = Path(sys.argv[1]), {}
given["upload"] = [folder / "upload.zip"]  # the first one: what the others set would help it
given["train"] = ["--data", folder / "set", "--output", folder / "run", "--epochs", 1, "--extra", 0]
given["predict"] = [folder / "set", "--model", folder / "run", "--output", folder / "said"]
given["variants"] = ["--roster", folder / "roster.csv", "--secret-file", folder / "secret.txt",
                     "--output", folder / "variants.json"]
given["grade"] = [folder / "hand-ins", "--roster", folder / "roster.csv", "--output", folder / "grades",
                  "--language", "zh"]
for name in ("cross_validation", "sim_to_real"):
    given[name] = ["--data", folder / "nowhere"]
given["benchmark"] = ["--only", folder]
given["render"] = [folder / "set", "--count", 12, "--size", 32]  # the last one: it does not know helpers.runtime
for name, arguments in given.items():
    sys.argv = [name, *map(str, arguments)]
    sys.modules.pop(f"helpers.commands.{name}", None)
    try:
        runpy.run_module(f"helpers.commands.{name}", run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code
    print(f"== {name}: {status}", flush=True)
"""


def test_characters_that_control_a_terminal_are_shown_as_numbers():
    assert console.printable("a\x1b[31m\x9b\u202e眼\n") == r"a\x1b[31m\x9b\u202e眼\n"
    assert console.printable("王\u3000五\u00a0b") == "王\u3000五\u00a0b"


@pytest.mark.parametrize("settings", [
    {"PYTHONIOENCODING": "cp1252:strict"}, {"PYTHONIOENCODING": "cp936:strict"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
], ids=["cp1252", "cp936", "LANG=C"])  # fmt: skip
def test_no_command_ends_over_a_character(tmp_path, settings):
    folder = tmp_path / STRANGE
    (folder / "hand-ins").mkdir(parents=True)
    render(folder / "set", 12, 32, progress=False)
    (folder / "roster.csv").write_text(f"id,name\n2026001,{STRANGE}\n", encoding="utf-8")
    data = json.dumps(hand_ins.data("2026001", STRANGE))
    for name, text in ((f"{STRANGE}.json", data), (f"{STRANGE} 2.json", "{")):
        (folder / "hand-ins" / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", ALL_COMMANDS, folder], cwd=ROOT, capture_output=True, encoding="ascii", errors="replace",
        env=environment(PYTHONUTF8="0", PALM_DIR="rendered", **settings),
    )  # fmt: skip
    assert "Unicode" not in done.stdout + done.stderr and "Traceback" not in done.stderr, done.stdout + done.stderr
    ends = dict(line[3:].split(": ", 1) for line in done.stdout.splitlines() if line.startswith("== "))
    assert done.returncode == 0 and len(ends) == 9, done.stdout + done.stderr
    assert {name: ends[name] for name in ("render", "train", "variants", "grade", "benchmark")} == {
        "render": "0", "train": "0", "variants": "0", "grade": "1", "benchmark": "2",
    }  # fmt: skip
    assert ends["predict"] in ("0", "1")
    assert all(ends[name].startswith("DataNotFound") for name in ("cross_validation", "sim_to_real"))
    with (folder / "said" / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        names = [row["photograph"] for row in csv.DictReader(file)]
        assert len(names) == 12 and all(f"/{STRANGE}/set/" in name.replace(os.sep, "/") for name in names)
    grades = (folder / "grades" / "grades.csv").read_text(encoding="utf-8-sig")
    assert f"2026001,{STRANGE},graded" in grades
    assert len(list((folder / "grades" / "feedback").glob(f"2026001-{STRANGE.replace(' ', '_')}.html"))) == 1


@pytest.mark.parametrize("speak", [
    lambda: check("01.1", "眼"), lambda: check("眼", 1), lambda: hint("01.1"), lambda: solution("01.1"),
    lambda: assignment(STRANGE),
], ids=["check", "no exercise", "hint", "solution", "assignment"])  # fmt: skip
def test_feedback_comes_out_as_far_as_a_console_can_show_it_that_came_later(speak, monkeypatch):
    monkeypatch.setattr(language, "_spoken", "zh")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    with contextlib.redirect_stdout(stream):
        speak()
    stream.flush()
    assert "?" in stream.buffer.getvalue().decode("cp1252")


def test_what_cannot_be_written_is_written_as_its_number():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with contextlib.redirect_stdout(stream):
        console.never_fail()
        print("眼")
    stream.flush()
    assert stream.buffer.getvalue() == rb"\u773c" + os.linesep.encode()
    with contextlib.redirect_stdout(None):  # as of a program without a console
        console.never_fail()


# --- files ------------------------------------------------------------------------------------------------------------


def without_encoding(source):
    """The lines that open a file as text, and leave it to the system in which encoding."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(each.arg in ("encoding", None) for each in node.keywords):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        modes = [each for each in (*node.args, *(k.value for k in node.keywords)) if isinstance(each, ast.Constant)]
        binary = any(isinstance(mode.value, str) and "b" in mode.value and len(mode.value) < 4 for mode in modes)
        other = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("Image", "os", "bundle")
        text = any(each.arg in ("text", "universal_newlines") for each in node.keywords)
        opens = name in ("open", "fdopen", "TextIOWrapper", "NamedTemporaryFile") and not binary and not other
        if (opens or name in ("read_text", "write_text") or (name in ("run", "Popen", "check_output") and text)):
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize(("source", "found"), [
    ("open('a')", [1]), ("path.open('w')", [1]), ("path.read_text()", [1]), ("path.write_text('b')", [1]),
    ("subprocess.run(a, text=True)", [1]), ("open('a', encoding='utf-8')", []), ("path.open('rb')", []),
    ("part.open('xb')", []), ("Image.open(data)", []),
])  # fmt: skip
def test_the_rule_itself(source, found):
    assert without_encoding(source) == found


@pytest.mark.parametrize("folder", ["helpers", "docs"])
def test_files_are_opened_as_utf_8_and_not_as_the_system_likes(folder):
    sources = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / folder).rglob("*.py")}
    assert sources
    assert {name: lines for name, text in sources.items() if (lines := without_encoding(text))} == {}
