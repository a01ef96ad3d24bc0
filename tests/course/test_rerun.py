"""`make notebooks`: what it notices, what it stores, and that it judges as nbval does in the suite."""
import copy
import shutil

from helpers import ROOT
from tests.tools import editions, execute, make_homework, rerun
from tests.tools.processes import python

import nbformat
import pytest

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
MARK = "# NBVAL_IGNORE_OUTPUT\n"
PICTURE = "from IPython.display import Image\nImage(bytes([137, 80, {}]), format='png')"


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(sources, start=1)]
    return nbformat.v4.new_notebook(cells=cells, metadata=editions.METADATA)


def picture(text):
    return nbformat.v4.new_output("execute_result", {"image/png": "AAAA", "text/plain": text})


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    path = tmp_path_factory.mktemp("executed") / "notebook.ipynb"
    sources = ["print(1)\nprint(2)", f"import os\n{MARK}print(os.getpid())", PICTURE.format(1), "{'b': 1}"]
    nbformat.write(notebook(*sources), path)
    return execute.run(path)


@pytest.fixture
def path(executed, tmp_path):
    """A notebook with the outputs of a run, in git."""
    rerun.git(tmp_path, "init", "--quiet")
    execute.write(executed, tmp_path / "notebook.ipynb")
    rerun.git(tmp_path, "add", "notebook.ipynb")
    return tmp_path / "notebook.ipynb"


def edit(path, number, **values):
    changed = nbformat.read(path, as_version=4)
    changed.cells[number - 1].update(values)
    nbformat.write(changed, path)


def test_a_notebook_that_shows_the_same_is_left_as_it_is(path, capsys):
    before = path.read_bytes()
    assert rerun.main([str(path)]) == 0
    assert path.read_bytes() == before, "the process's number is in an ignored output"
    assert "[1/1]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "source", "said"),
    [
        (1, "print(1)\nprint(3)", "cell [1] (cell-1) shows '3' where git has '2'"),
        (1, "print(1)", "cell [1] (cell-1) shows '(nothing)' where git has '2'"),
        (1, "import sys\nprint('1\\n2', file=sys.stderr)", "cell [1] (cell-1) shows '1' where git has '(nothing)'"),
        (4, "{'b': 2}", "cell [4] (cell-4) shows \"{'b': 2}\" where git has \"{'b': 1}\""),
        (4, "print({'b': 1})", "cell [4] (cell-4) shows \"{'b': 1}\" where git has '(nothing)'"),
    ],
)
def test_another_output_is_named_and_fails(path, number, source, said, capsys):
    edit(path, number, source=source)
    assert rerun.main([str(path)]) == 1
    out = capsys.readouterr().out
    assert said in out and "git add" in out


def test_it_is_stored_and_running_once_more_does_not_make_it_meant(path):
    edit(path, 1, source="print(3)")
    assert [rerun.main([str(path)]), rerun.main([str(path)])] == [1, 1]
    rerun.git(path.parent, "add", path.name)
    assert rerun.main([str(path)]) == 0


COMMITTED = {  # what another run left in a cell: (cell, output, whether it counts as a difference, and fails the suite)
    "same": (4, nbformat.v4.new_output("execute_result", {"text/plain": "{'b': 1}"}), False),
    "stdout": (1, nbformat.v4.new_output("stream", text="1\n3\n"), True),
    "stderr": (1, nbformat.v4.new_output("stream", name="stderr", text="1\n2\n"), True),
    "ignored": (2, nbformat.v4.new_output("stream", text="no process\n"), False),
    "picture": (3, picture("<IPython.core.display.Image object>"), False),
    "caption": (3, picture("<Figure>"), True),
    "result": (4, nbformat.v4.new_output("execute_result", {"text/plain": "{'b': 2}"}), True),
}


def test_it_judges_as_nbval_does(executed, tmp_path):
    for name, (number, output, _) in COMMITTED.items():
        old = copy.deepcopy(executed)
        old.cells[number - 1].outputs = [output]
        nbformat.write(old, tmp_path / f"{name}.ipynb")
    nbformat.write(notebook("assert False"), tmp_path / "failed.ipynb")
    done = python("-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", tmp_path)
    assert "failed.ipynb::Cell 0 - " in done.stdout and done.returncode == 1
    for name, (number, _, differs) in COMMITTED.items():
        said = f"{name}.ipynb::Cell {number - 1} - "
        assert (said in done.stdout) == differs, (name, done.stdout)
        old = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
        assert bool(rerun.differences(executed, old)[0]) == differs, name


def test_another_picture_is_named_and_stored_and_does_not_fail(path, capsys):
    edit(path, 3, source=PICTURE.format(2))
    assert rerun.main([str(path)]) == 0
    assert "cell [3] (cell-3) draws another picture" in capsys.readouterr().out
    stored = nbformat.read(path, as_version=4).cells[2].outputs[0].data["image/png"]
    assert stored != rerun.in_git(path).cells[2].outputs[0].data["image/png"]


def test_changed_code_is_stored_with_its_ignored_output(path):
    edit(path, 2, source=f"{MARK}print('other')")
    assert rerun.main([str(path)]) == 0
    assert nbformat.read(path, as_version=4).cells[1].outputs[0].text == "other\n"


def test_new_and_dropped_cells_are_named(path, capsys):
    edit(path, 1, id="renamed")
    assert rerun.main([str(path)]) == 1
    out = capsys.readouterr().out
    assert "cell [1] (renamed) is new" in out and "cell (cell-1) is gone" in out


def test_a_cell_that_fails_is_named_nothing_is_stored_and_the_next_notebook_is_run(path, capsys):
    edit(path, 1, source="1 / 0")
    before, other = path.read_bytes(), path.with_name("other.ipynb")
    nbformat.write(notebook("print('here')"), other)
    assert rerun.main([str(path), str(other)]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out and "ZeroDivisionError" in out and path.read_bytes() == before
    assert "other.ipynb: stored" in out and "git does not know it" in out
    assert nbformat.read(other, as_version=4).cells[0].outputs[0].text == "here\n"


def test_outside_git_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    nbformat.write(notebook("1"), tmp_path / "notebook.ipynb")
    with pytest.raises(RuntimeError, match="not a git repository"):
        rerun.main([str(tmp_path / "notebook.ipynb")])


def test_a_learners_copy_that_the_solutions_left_behind_is_made_again(tmp_path, monkeypatch):
    solutions, learners = tmp_path / "solutions.ipynb", tmp_path / "learners.ipynb"
    monkeypatch.setattr(make_homework, "LEARNERS", {"zh": learners})
    monkeypatch.setattr(make_homework, "learners_copy", lambda language: nbformat.read(solutions, as_version=4))
    nbformat.write(notebook("print(1)"), solutions)
    nbformat.write(notebook("print(1)"), learners)
    execute.main([str(learners)])
    before = learners.read_bytes()
    make_homework.refresh([learners])
    assert learners.read_bytes() == before, "only the outputs differ"
    nbformat.write(notebook("print(2)"), solutions)
    make_homework.refresh([])
    assert learners.read_bytes() == before, "it was not asked for"
    make_homework.refresh([learners])
    assert nbformat.read(learners, as_version=4).cells[0].source == "print(2)"
