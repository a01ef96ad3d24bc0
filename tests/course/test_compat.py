"""`make compat` makes what it says and notices a cell that fails; its documents say that every notebook passed."""
import functools
import shutil
import sys

from helpers import ROOT
from helpers.fundus import sources
from tests.tools import compat, editions
from tests.tools.compat import ENVIRONMENTS, Environment, Here

import nbformat
import pytest

OLD, NEW = ENVIRONMENTS


def test_the_ends_are_those_of_the_course():
    wanted = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert f"Python {OLD.python} to {NEW.python}." in wanted
    assert "paddlepaddle>=2.6.2" in wanted and "paddlepaddle==2.6.2" in OLD.packages
    assert NEW.packages == ("-r", str(ROOT / "requirements.txt"))


@pytest.mark.parametrize(("path", "it_is"), [("no/python", "no such Python"), (sys.executable, r"Python 3\.1\d")])
def test_a_missing_interpreter_is_named_with_the_way_out(monkeypatch, tmp_path, path, it_is):
    monkeypatch.setattr(compat, "BUILD", tmp_path)
    monkeypatch.setattr(compat, "ENVIRONMENTS", [Environment("old", "3.5", (), False)])
    monkeypatch.setenv("COMPAT_OLD", path)
    said = rf"needs Python 3\.5 with the venv module, and {path} is {it_is}\. .*uv python install 3\.5.* COMPAT_OLD="
    with pytest.raises(SystemExit, match=said):
        compat.main(["old"])


def test_an_environment_is_made_once_and_again_for_other_packages(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(compat, "BUILD", tmp_path)
    monkeypatch.setattr(compat, "find_python", lambda environment: "python")
    monkeypatch.setattr(compat.subprocess, "run", lambda command, check: calls.append(command[1:3]))
    (tmp_path / "old").mkdir()
    for packages in (("a",), ("a",), ("a", "b")):
        compat.make(Environment("old", "3.10", packages, True))
    assert calls == [["-m", "venv"], ["-m", "pip"]] * 2


def test_the_mounted_data_set_is_read(monkeypatch, tmp_path):
    render = functools.partial(compat.render.render, count=(12, 6), size=32, progress=False)
    monkeypatch.setattr(compat.render, "render", lambda folder, **_: render(folder))
    compat.mount(tmp_path / "data19065")
    assert sorted(path.name for path in (tmp_path / "data19065").iterdir()) == [
        "training.zip", "valid_gt.zip", "validation.zip",
    ]  # fmt: skip
    monkeypatch.setattr(sources, "ROOT", tmp_path)  # where it is unpacked
    assert len(sources.samples(tmp_path / "data19065")) == 18


PLACE = """
import os, sys
from pathlib import Path
home = Path.home()
assert Path.cwd() == (home if {as_on_ai_studio} else home / "work" / "course" / "notebooks")
assert sys.executable == {interpreter!r}
assert "PALM_DIR" not in os.environ and len(list(home.glob("*/*/helpers/runtime.py"))) == 1
"""


@pytest.mark.all
@pytest.mark.parametrize("as_on_ai_studio", [True, False])
def test_where_a_notebook_runs_and_how_it_fails(as_on_ai_studio, tmp_path):
    place = PLACE.format(as_on_ai_studio=as_on_ai_studio, interpreter=sys.executable)
    (tmp_path / compat.COURSE / "notebooks").mkdir(parents=True)
    helpers = tmp_path / compat.COURSE / "helpers"
    shutil.copytree(ROOT / "helpers", helpers, ignore=shutil.ignore_patterns("__pycache__"))
    outcomes = []
    for name, last in (("good", "print(1)"), ("bad", "assert False, 'to be seen'")):
        cells = [nbformat.v4.new_code_cell(source) for source in (place, last)]
        path = tmp_path / compat.COURSE / "notebooks" / f"{name}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        outcomes.append(compat.run(Here("here", "", (), as_on_ai_studio), path, tmp_path))
    (passed, said), (passed_too, reason) = outcomes
    assert passed and "2 passed" in said
    assert not passed_too and "to be seen" in reason and "1 failed, 1 passed" in reason


def test_a_cell_that_fails_fails_the_command(monkeypatch, capsys):
    monkeypatch.setattr(compat, "make", lambda environment: None)
    monkeypatch.setattr(compat, "versions", lambda environment: {"Python": "3"})
    monkeypatch.setattr(compat, "home", lambda folder, like: shutil.copytree(
        ROOT / "notebooks", folder / compat.COURSE / "notebooks"))  # fmt: skip
    monkeypatch.setattr(compat, "run", lambda environment, notebook, folder: ("03" not in notebook.name, "it broke"))
    assert compat.main(["new", "--only", "zh/0"]) == 1
    said = capsys.readouterr().out
    assert "new  notebooks/zh/03_dropout.ipynb" in said
    assert said.count("passed") == 5 and said.count("FAILED") == 1 and said.count("it broke") == 1
    assert "4 of 5 passed" in said


def test_the_tables():
    text = "a\n<!-- versions -->\nold table\n<!-- end -->\nb\n<!-- results -->\n<!-- end -->\nc\n"
    found = {"old": {"Python": "3.10.1", "tqdm": "-"}, "new": {"Python": "3.13.0", "tqdm": "4"}}
    results = {"old": {"zh/01.ipynb": "passed"}, "new": {"zh/01.ipynb": "FAILED"}}
    new = compat.document(text, found, results, {"passed": "yes", "FAILED": "no"})
    assert "old table" not in new
    assert "| Python | 3.10.1 | 3.13.0 |\n| tqdm | - | 4 |\n" in new
    assert "| `zh/01.ipynb` | yes | no |\n" in new
    assert compat.document(new, found, results, {"passed": "yes", "FAILED": "no"}) == new


def test_the_documents_say_of_every_notebook_that_it_passed_everywhere():
    assert compat.DOCUMENT in editions.PAGES
    for language, words in compat.WORDS.items():
        text = (ROOT / editions.page(compat.DOCUMENT, language)).read_text(encoding="utf-8")
        rows = [row for row in text.splitlines() if row.startswith("| `notebooks/")]
        assert [row.split("`")[1] for row in rows] == compat.notebooks()
        for row in rows:
            assert [cell.strip() for cell in row.split("|")[2:-1]] == [words["passed"]] * len(ENVIRONMENTS), row
