"""helpers.homework.hand_in: the four files, and what is said where one of them cannot be made."""
import importlib
import json
from pathlib import Path
from unittest.mock import Mock

from helpers.homework import hand_in
from tests.tools.right_answers import right_answers
from tests.tools.rubbish import RUBBISH

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

MODULE = importlib.import_module("helpers.homework.hand_in")  # the package has the function under this name
FILES = {"reply.txt", "table.md", "answers.json", "table.png"}


@pytest.fixture
def handed_in(table, counting, tmp_path, capsys):
    """A function that hands in, by default all that is right, and gives what is said."""

    def call(counts=right_answers(counting), answers=right_answers(table), name=None, date=None, folder=tmp_path):  # noqa: B008
        hand_in(counting, counts, table, answers, name, date, folder)
        return capsys.readouterr().out

    return call


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_the_four_files(table, handed_in, tmp_path):
    said = handed_in(name="张三|$x_1", date="2026-11-23").splitlines()
    assert said[-3:-1] == ["乘法867041280,加法834928640", "handed in: reply.txt, table.md, answers.json, table.png"]
    here = tmp_path / "001"
    assert said[-1] == f"in the folder {here.resolve()}"
    assert (here / "reply.txt").read_text(encoding="utf-8") == "乘法867041280,加法834928640\n"
    markdown = (here / "table.md").read_text(encoding="utf-8")
    assert markdown.startswith("张三\\|$x_1  2026-11-23\n\n乘法867041280,加法834928640\n")
    assert "| fc1 | [50176, 64] | 3,211,264 | [64] | 64 | [10, 64] |" in markdown
    assert "| pool1 | - | 0 | - | 0 | [10, 6, 112, 112] |" in markdown
    data = json.loads((here / "answers.json").read_text(encoding="utf-8"))
    assert data["table"] == right_answers(table) and data["name"] == "张三|$x_1" and data["date"] == "2026-11-23"
    height, width, _ = plt.imread(here / "table.png").shape
    assert 800 < width < 1600 and 300 < height < 900


@pytest.mark.parametrize("number", range(len(RUBBISH)))
def test_rubbish_is_handed_in_and_raises_nothing(table, counting, handed_in, number, tmp_path):
    value = RUBBISH[number]
    cells = {name: [value] * 5 for name in table.groups}
    handed_in(dict.fromkeys(counting.groups, value), cells, value, value)
    handed_in(value, value)
    [made] = tmp_path.iterdir()
    assert names(made) == FILES
    json.loads((made / "answers.json").read_text(encoding="utf-8"))


def test_a_second_hand_in_has_a_folder_of_its_own(handed_in, tmp_path):
    (tmp_path / "007").mkdir()
    (tmp_path / "notes").mkdir()
    for number in ("008", "009"):
        handed_in(answers={})
        assert names(tmp_path / number) == FILES
    assert not names(tmp_path / "007")


def test_nothing_answered_hands_in_nothing(table, counting, handed_in, tmp_path):
    said = handed_in(counting.blank(), table.blank(), "me", folder=tmp_path / "new")
    assert said == "nothing is answered yet, so nothing is handed in\n" and not names(tmp_path)


def test_grading_a_notebook_hands_in_nothing(handed_in, tmp_path, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert handed_in() == "the notebook is being graded, so nothing is handed in\n" and not names(tmp_path)


def test_half_answered(table, handed_in, tmp_path):
    answers = table.blank() | {"pool1": [[2, 2], None, "text", 10**5000, None]}
    assert "not answered, and handed in as ?: 27" in handed_in({"batch multiplications": 5}, answers)
    assert (tmp_path / "001/reply.txt").read_text(encoding="utf-8") == "乘法5,加法?\n"
    assert "| pool1 | [2, 2] | ? | 'text' | a value of type int | ? |" in (tmp_path / "001/table.md").read_text("utf-8")


def test_no_place_to_write(handed_in, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = handed_in(folder=tmp_path / "file")
    assert said.startswith("nothing can be written there (FileExistsError); copy this instead:")
    assert "乘法867041280,加法834928640" in said and "| fc2 | [64, 1] | 64 | [1] | 1 | [10, 1] |" in said


def test_no_permission(handed_in, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "open", Mock(side_effect=PermissionError("read-only")))
    assert "nothing can be written there (PermissionError)" in handed_in()
    assert not list(tmp_path.glob("*/*"))


def test_no_picture(handed_in, tmp_path, monkeypatch):
    monkeypatch.setattr(Figure, "savefig", Mock(side_effect=RuntimeError("no\ndisplay")))
    assert "the picture cannot be drawn (RuntimeError: no display); take table.md" in handed_in()
    assert names(tmp_path / "001") == FILES - {"table.png"}


@pytest.mark.filterwarnings("error:.*Glyph")
def test_no_font_for_the_name(handed_in, monkeypatch):
    monkeypatch.setattr(MODULE, "CHINESE_FONTS", ())
    assert "no font here shows all of your name or date" in handed_in(name="张三")
    assert "no font" not in handed_in(name="Anna")


def test_the_folder_is_named_below_the_course(handed_in, monkeypatch, tmp_path):
    monkeypatch.setattr(MODULE, "ROOT", tmp_path.resolve())
    assert handed_in(folder=tmp_path / "data/homework").endswith("in the folder data/homework/001\n")
