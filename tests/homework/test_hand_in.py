"""helpers.homework.hand_in and assignment: one file and one output, whatever was typed, about the right numbers."""
import importlib
import io
import json
import sys
from pathlib import Path
from unittest.mock import Mock

from helpers.homework import assignment, hand_in, variants
from helpers.homework.submission import MIME, Variant, parse
from helpers.homework.variants import COURSE_NUMBERS, draw, sheet, signature
from tests.tools.right_answers import right_answers
from tests.tools.rubbish import RUBBISH

import pytest
from IPython.core.interactiveshell import InteractiveShell

MODULE = importlib.import_module("helpers.homework.hand_in")  # the package has the function under this name
RIGHT = object()  # in the place of answers: all that are right
REPLY = "乘法867041280,加法834928640"


@pytest.fixture
def handed_in(table, counting, tmp_path, capsys):
    """A function that hands in, by default all that is right, and gives what is said."""

    def call(counts=RIGHT, answers=RIGHT, name=None, date=None, folder=tmp_path, own=None):
        counts = right_answers(counting) if counts is RIGHT else counts
        answers = right_answers(table) if answers is RIGHT else answers
        hand_in(counting, counts, table, answers, name, date, folder, own)
        return capsys.readouterr().out

    return call


def read(folder, number="001"):
    """The hand-in in a numbered folder, which holds nothing else."""
    [path] = (folder / number).iterdir()
    assert path.name == "answers.json"
    return parse(json.loads(path.read_text(encoding="utf-8")))


def test_the_file_and_what_is_said(table, counting, handed_in, tmp_path):
    said = handed_in(name="张三|$x_1", date="2026-11-23").splitlines()
    where = f"written to {tmp_path.resolve()}/001/answers.json: "
    assert said[-2:] == [REPLY, where + "hand in this file, or save this notebook and hand in that"]
    assert said[0] == "张三|$x_1  2026-11-23" and "fc1  [50176, 64]  3,211,264  [64]  64  [10, 64]" in said
    made = read(tmp_path)
    assert made.counts == right_answers(counting)
    assert made.table == {name: row for name, row in right_answers(table).items() if name != "conv1"}  # it is given
    assert (made.name, made.date, made.edition) == ("张三|$x_1", "2026-11-23", "en")
    assert not made.student_id and made.variant is None


def test_a_chinese_notebook_is_answered_in_chinese(chinese, handed_in, tmp_path):
    said = handed_in({"batch additions": 5}, {"fc2": [None, "64", None, 1, 3]})
    assert "没有作答：pixel multiplications、" in said and "fc2（5 项中 2 项）" in said
    assert "读不成数或形状，照原样交上去：fc2（5 项中 2 项）" in said
    assert said.endswith("/001/answers.json：提交这个文件，或者保存并提交这本笔记本\n") and "乘法?,加法5\n" in said
    assert read(tmp_path).edition == "zh"


def test_what_is_blank_and_what_cannot_be_read_is_said_and_kept(table, handed_in, tmp_path):
    answers = table.blank() | {"pool1": [[2, 2], None, "text", 10**5000, None], "conv2": "[3，4]", "fc1": [1, 2]}
    said = handed_in({"batch multiplications": 5, "pixel additions": "２７"}, answers)
    assert "not answered: pixel multiplications, image multiplications, image additions, batch additions, " in said
    assert "batch additions, pool1 (2 of 5), pool2, fc2\n" in said
    assert "handed in as it is: pixel additions, pool1 (2 of 5), conv2, fc1\n" in said
    assert "乘法5,加法?\n" in said
    made = read(tmp_path)
    assert made.counts["pixel additions"] == "２７"
    assert made.table["conv2"] == "[3，4]" and made.table["fc1"] == "[1, 2]"
    assert made.table["pool1"] == [[2, 2], None, "text", "a value of type int", None]


@pytest.mark.parametrize("number", range(len(RUBBISH)))
def test_rubbish_is_handed_in_and_raises_nothing(table, counting, handed_in, number, tmp_path):
    value = RUBBISH[number]
    cells = {name: [value] * 5 for name in table.groups}
    handed_in(dict.fromkeys(counting.groups, value), cells, value, value)
    made = read(tmp_path)
    assert None not in made.counts.values() and not any(None in row for row in made.table.values())
    handed_in(value, value)


def test_a_second_hand_in_has_a_folder_of_its_own(handed_in, tmp_path):
    (tmp_path / "007").mkdir()
    (tmp_path / "notes").mkdir()
    for number in ("008", "009"):
        handed_in({"pixel additions": 26})
        assert read(tmp_path, number).counts["pixel additions"] == 26
    assert not list((tmp_path / "007").iterdir())


def test_nothing_answered_hands_in_nothing(table, counting, handed_in, tmp_path):
    said = handed_in(counting.blank(), table.blank(), "me", folder=tmp_path / "new")
    assert said == "nothing is answered yet, so nothing is handed in\n" and not list(tmp_path.iterdir())


def test_grading_a_notebook_hands_in_nothing(handed_in, tmp_path, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert handed_in() == "the notebook is being graded, so nothing is handed in\n" and not list(tmp_path.iterdir())


def test_no_place_to_write(handed_in, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = handed_in(folder=tmp_path / "file")
    assert said.endswith("the file cannot be written (FileExistsError): save this notebook and hand in that\n")
    assert REPLY in said and "fc2  [64, 1]  64  [1]  1  [10, 1]" in said


def test_no_permission(handed_in, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "open", Mock(side_effect=PermissionError("read-only")))
    assert "cannot be written (PermissionError)" in handed_in()
    assert not list(tmp_path.glob("*/*"))


def test_the_file_is_named_below_the_course(handed_in, monkeypatch, tmp_path):
    monkeypatch.setattr(MODULE, "ROOT", tmp_path.resolve())
    assert "\nwritten to data/homework/001/answers.json: " in handed_in(folder=tmp_path / "data/homework")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "gbk"])
def test_a_console_that_is_not_utf_8(handed_in, table, counting, monkeypatch, tmp_path, encoding):
    console = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", console)
    hand_in(counting, right_answers(counting), table, right_answers(table), "Zoë 王", None, tmp_path)
    console.flush()
    said = console.buffer.getvalue().decode(encoding)
    assert (REPLY if encoding == "gbk" else "??867041280,??834928640") in said and "written to" in said
    assert read(tmp_path).name == "Zoë 王"


@pytest.fixture
def shell(monkeypatch):
    """A notebook's shell, without its kernel: what it publishes is kept."""
    shell = InteractiveShell()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)
    monkeypatch.setattr(shell.display_pub, "publish", Mock())
    return shell


def test_the_notebook_shows_what_is_handed_in(shell, handed_in, table, tmp_path):
    said = handed_in(answers=right_answers(table) | {"fc1": "<script>alert(1)</script>"}, name="<b>&")
    [[data], _] = shell.display_pub.publish.call_args
    assert set(data) == {MIME, "text/html", "text/plain"}
    assert parse(json.loads(json.dumps(data[MIME]))) == read(tmp_path)
    page = data["text/html"]
    assert "<script" not in page and "&lt;script&gt;" in page and "&lt;b&gt;&amp;" in page
    assert "<td>867,041,280</td>" in page and "<th>output shape</th>" in page
    assert "batch additions  834,928,640\n" in data["text/plain"] and "834,928,640" not in said


def test_a_front_end_that_is_gone(shell, handed_in, tmp_path):
    shell.display_pub.publish.side_effect = RuntimeError("gone")
    assert "batch additions  834,928,640\n" in handed_in() and read(tmp_path)


# --- whose numbers


@pytest.fixture
def looked_up(tmp_path, monkeypatch, capsys):
    """A function that gives the assignment of a student in a folder, and what is said."""
    monkeypatch.setattr(variants, "ROOT", tmp_path / "course")

    def call(student):
        return assignment(student, tmp_path), capsys.readouterr().out

    return call


def test_without_a_class_the_numbers_are_the_courses(looked_up):
    own, said = looked_up(None)
    assert said == "these are the course's own numbers\n" and own.numbers == COURSE_NUMBERS and own.variant is None
    assert right_answers(own.counting)["batch multiplications"] == 867_041_280
    own, said = looked_up("2026001")
    assert own.student_id == "2026001" and own.variant is None
    assert said == "student 2026001; there is no variants.json here\nthese are the course's own numbers\n"


@pytest.mark.parametrize("student", ["2026001", 2026001, " ２０２６００１\n"])
def test_a_student_of_a_class_has_numbers_of_his_own_and_hands_in_both(looked_up, handed_in, tmp_path, student):
    (tmp_path / "variants.json").write_text(json.dumps(sheet(["2026001"], b"secret")))
    own, said = looked_up(student)
    numbers = draw("2026001", b"secret")
    assert own.numbers == numbers and f"input {numbers.shape}: what is printed below takes the place" in said
    assert own.variant == Variant(numbers, signature("2026001", numbers, b"secret"))
    assert str(numbers.shape) in own.table.about and str(numbers.filters) in own.counting.about
    handed_in(own=own, folder=tmp_path / "made")
    made = read(tmp_path / "made")
    assert variants.canonical(made.student_id) == "2026001" and made.variant == own.variant


@pytest.mark.parametrize(("own", "student"), [("20230001", "20230001"), (7, ""), ([], ""), ({1: 2}, "")])
def test_what_is_no_assignment_is_said_and_the_answers_are_handed_in(handed_in, tmp_path, own, student):
    said = handed_in(own=own).splitlines()
    assert said[0].startswith(f"own should be what assignment(student id) gives, not {own!r}: handed in without")
    assert (read(tmp_path).student_id, read(tmp_path).variant) == (student, None)


@pytest.mark.parametrize(
    ("student", "said"),
    [(None, "everybody in your class has numbers of his own (variants.json): write your student id"),
     ("", "write your student id"), ("2026002", "student 2026002 is not in variants.json: see whether the id is right"),
     (2.5, "written in quotes, not 2.5"), (True, "in quotes, not True"), ("x" * 101, "in quotes, not"),
     ([1], "in quotes, not [1]"), pytest.param(10**5000, "in quotes, not ValueError", id="huge")],
)  # fmt: skip
def test_who_is_not_on_the_list_is_told_and_gets_the_courses_numbers(looked_up, tmp_path, student, said):
    (tmp_path / "variants.json").write_text(json.dumps(sheet(["2026001"], b"secret")))
    own, printed = looked_up(student)
    assert said in printed and printed.endswith("these are the course's own numbers\n")
    assert own.numbers == COURSE_NUMBERS and own.variant is None


@pytest.mark.parametrize("number", range(len(RUBBISH)))
def test_rubbish_for_an_id_raises_nothing(looked_up, number):
    own, said = looked_up(RUBBISH[number])
    assert own.numbers == COURSE_NUMBERS and said.endswith("these are the course's own numbers\n")


def test_a_damaged_list_is_named(looked_up, tmp_path):
    (tmp_path / "variants.json").write_text("{")
    own, said = looked_up("2026001")
    assert "variants.json cannot be read (JSONDecodeError" in said and own.numbers == COURSE_NUMBERS
