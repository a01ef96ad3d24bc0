"""The archive for AI Studio: what is in it, and that the notebooks run where it is unpacked as it would be there."""
import functools
import os
import re
import sys
import zipfile
from pathlib import Path, PurePosixPath

from helpers import ROOT
from helpers.commands import upload
from tests.tools import compat, editions
from tests.tools.processes import python

import nbformat
import pytest

THERE = compat.Here("here", "", (), as_on_ai_studio=True)  # the kernel starts in the home folder
PAGES = {editions.page(name, language) for name in ("README.md", "CONTRIBUTING.md") for language in editions.LANGUAGES}
PROBE = """
import helpers
from helpers.fundus import sources
home = pathlib.Path.home()
assert helpers.ROOT == home / "work" / "course", helpers.ROOT
assert pathlib.Path.cwd() == home, pathlib.Path.cwd()
assert not [up for up in (helpers.ROOT, *helpers.ROOT.parents) if (up / ".git").exists()]
assert sources.find() == home / "data" / "data19065", sources.find()
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    target = tmp_path_factory.mktemp("upload") / "course.zip"
    upload.pack(target)
    return target


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder as on AI Studio: the archive unpacked in ~/work, the data set mounted in ~/data, no git."""
    folder = tmp_path_factory.mktemp("aistudio").resolve()
    small = functools.partial(compat.render.render, count=(12, 6), size=32, progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compat.render, "render", lambda folder, **_: small(folder))
        compat.home(folder, as_on_ai_studio=True)
    return folder


def test_it_holds_what_a_learner_needs_and_nothing_else(archive):
    names = zipfile.ZipFile(archive).namelist()
    assert {PurePosixPath(name).parts[0] for name in names} == {"course"}
    inside = {name.removeprefix("course/") for name in names}
    assert {path.relative_to(ROOT).as_posix() for path in editions.committed()} <= inside
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "helpers").rglob("*.py")} <= inside
    tops = {name.split("/")[0] for name in inside}
    assert tops == {"helpers", "notebooks", "docs", "data", "LICENSE", *PAGES}
    assert {name for name in inside if name.startswith("data/")} == {"data/README.md", "data/README.zh-CN.md"}
    suffixes = {PurePosixPath(name).suffix for name in inside}
    assert suffixes <= {".py", ".npz", ".ipynb", ".md", ".txt", ".svg", ".png", ""}


def test_what_a_notebook_links_to_or_reads_is_there(archive):
    inside = set(zipfile.ZipFile(archive).namelist())
    read = re.compile(r'ROOT / "(docs|data)"((?: / "[\w.-]+")+)\)')
    for path in editions.committed():
        cells = nbformat.read(path, as_version=4).cells
        kinds = ("markdown", "code")
        text, code = ("\n".join(cell.source for cell in cells if cell.cell_type == kind) for kind in kinds)
        files = [Path(os.path.relpath(path.parent / target, ROOT)) for target in re.findall(r"\]\(([^)\s:#]+)\)", text)]
        files += [Path(top, *re.findall(r"[\w.-]+", rest)) for top, rest in read.findall(code)]
        for name in files:
            assert f"course/{name.as_posix()}" in inside, f"{path.name} needs {name}"


def test_it_is_packed_without_any_library(tmp_path):
    """Who goes to AI Studio need not have installed anything here."""
    hide = "import sys; sys.modules.update(dict.fromkeys(['numpy', 'paddle', 'cv2']));"
    done = python("-c", f"{hide} from helpers.commands import upload; upload.main([{str(tmp_path / 'a.zip')!r}])")
    assert done.returncode == 0 and (tmp_path / "a.zip").exists(), done.stderr


def test_the_same_files_make_the_same_bytes(archive, tmp_path):
    course = tmp_path / "course"
    for name in upload.needed():
        copy = course / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
        os.utime(copy, (1e9, 1e9))
        copy.chmod(0o755)
    for rubbish in ("tests/a.py", "data/palm/P0001.jpg", "helpers/__pycache__/a.pyc", "notebooks/zh/photo.jpg",
                    "notebooks/zh/.ipynb_checkpoints/a.ipynb", ".git/config"):  # fmt: skip
        (course / rubbish).parent.mkdir(parents=True, exist_ok=True)
        (course / rubbish).write_bytes(b"x")
    count, size = upload.pack(tmp_path / "again.zip", course)
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    assert size == archive.stat().st_size and count == len(zipfile.ZipFile(archive).namelist())


def test_the_command_says_where_and_how_large(tmp_path):
    done = python("-m", "helpers.commands.upload", tmp_path / "new" / "course.zip")
    size = (tmp_path / "new" / "course.zip").stat().st_size
    assert re.fullmatch(rf".*course\.zip: \d+ files, {size / 1e6:.1f} MB\n", done.stdout), done.stdout + done.stderr
    done = python("-m", "helpers.commands.upload", Path(sys.executable) / "course.zip")
    assert done.returncode == 1 and "cannot be written" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", [name for name in editions.notebooks("zh") if "homework" not in name])  # make test-all
def test_a_notebook_begins_there(home, name):
    notebook = nbformat.read(home / compat.COURSE / "notebooks" / "zh" / name, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = [*code[:3], nbformat.v4.new_code_cell(PROBE)]
    begin = home / compat.COURSE / "notebooks" / "zh" / "begin.ipynb"
    nbformat.write(notebook, begin)
    passed, said = compat.run(THERE, begin, home)
    begin.unlink()
    assert passed and "4 passed" in said, said


@pytest.mark.all
def test_the_homework_runs_there_from_top_to_bottom(home):
    passed, said = compat.run(THERE, home / compat.COURSE / "notebooks" / "zh" / "04_homework.ipynb", home)
    assert passed, said
