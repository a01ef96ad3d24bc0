"""Rules for the committed notebooks, and the eye-disease notebook on real images; nbval runs them besides."""
import json
import shutil

from helpers import ROOT
from tests.tools import editions, execute, notebook_rules
from tests.tools.notebook_rules import problems
from tests.tools.processes import python

import nbformat
import pytest

NOTEBOOKS = editions.committed()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_committed_notebooks_keep_the_rules(path):
    assert notebook_rules.file_problems(path) == []


def one_cell(source="assert True", outputs=(), count=1, cell_metadata=None, **metadata):
    cell = nbformat.v4.new_code_cell(
        source, execution_count=count, outputs=list(outputs), metadata=cell_metadata or {}
    )
    return nbformat.v4.new_notebook(cells=[cell], metadata={**editions.METADATA, **metadata})


def stream(text, name="stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


@pytest.mark.parametrize(
    ("notebook", "size", "said"),
    [
        (one_cell(count=2), 1, "not run once"),
        (one_cell(count=None), 1, "not run once"),
        (one_cell(outputs=[nbformat.v4.new_output("error", ename="NameError")]), 1, "failed: NameError"),
        (one_cell(outputs=[stream("oh", "stderr")]), 1, "writes to stderr"),
        (one_cell(outputs=[stream("/root/secret")]), 1, "path of a machine"),
        (one_cell("x = 1\n" * 31), 1, "has 31 lines"),
        (one_cell("x = 1  # NBVAL_IGNORE_OUTPUT"), 1, "not alone on a line"),
        (one_cell("# NBVAL_IGNORE_OUTPUT\nx = 1"), 1, "asserts nothing"),
        (one_cell("# NBVAL_IGNORE_OUTPUT\nassert True"), 1, "more than a quarter"),
        (one_cell("# NBVAL_SKIP\nx = 1"), 1, "skipped by nbval"),
        (one_cell("%no_such_magic"), 1, "not plain Python"),
        (one_cell(""), 1, "is empty"),
        (one_cell(), 1_500_001, "MB large"),
        (one_cell(widgets={}), 1, "its metadata is not clean"),
        (one_cell(kernelspec={"name": "conda", "display_name": "conda"}), 1, "its kernel is not python3"),
        (one_cell(cell_metadata={"tags": ["raises-exception"]}), 1, "is not clean: tags"),
    ],
)
def test_the_rules_notice(notebook, size, said):
    assert any(said in problem for problem in problems(notebook, size))


def test_the_command_names_the_file_and_the_rule(tmp_path, capsys):
    good, bad, broken = (tmp_path / name for name in ("good.ipynb", "bad.ipynb", "broken.ipynb"))
    nbformat.write(one_cell(), good)
    nbformat.write(one_cell(count=2), bad)
    broken.write_text("<<<<<<< HEAD\n{}", encoding="utf-8")
    assert notebook_rules.main([str(good)]) == 0
    assert capsys.readouterr().out == "1 notebooks keep the rules\n"
    assert notebook_rules.main([str(good), str(bad), str(broken)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{bad}: it was not run once from top to bottom"
    assert said[1].startswith(f"{broken}: it is no valid notebook: ") and len(said) == 2


# Equal ones are tried once.
FIRST_CELLS = {notebook_rules.code_cells(nbformat.read(path, as_version=4))[0].source: path.stem for path in NOTEBOOKS}


@pytest.fixture
def clone(tmp_path):
    """As much of a clone of the course as the first cell needs, and Paddle is not imported."""
    helpers = tmp_path / "work/clone/helpers"
    helpers.mkdir(parents=True)
    (helpers / "runtime.py").touch()
    for name in ("__init__.py", "language.py"):
        shutil.copy(ROOT / "helpers" / name, helpers)
    return helpers.parent


def course_of(first, folder, course_dir="", **environment):
    """Where helpers came from after a first cell has run in a folder, or else what it said."""
    folder.mkdir(parents=True, exist_ok=True)
    show = f"{first}\nimport helpers; print(helpers.ROOT)"
    done = python("-c", show, cwd=folder, COURSE_DIR=str(course_dir), **environment)
    return done.stdout.strip() or done.stderr.strip()


@pytest.mark.parametrize("first", FIRST_CELLS, ids=FIRST_CELLS.values())
def test_the_first_cell_finds_the_course(first, clone, tmp_path):
    """From the folders of the course, from the two above it, and from anywhere else by COURSE_DIR."""
    assert len(first.splitlines()) <= 10
    deep = clone / "grading/autograded/student/homework"
    for folder in (clone, clone / "notebooks/zh", clone / "notebooks/zh/solutions", deep, clone.parent, tmp_path):
        assert course_of(first, folder) == str(clone), folder
    fetched = tmp_path / "home/homework"
    assert course_of(first, fetched, clone) == str(clone)
    assert course_of(first, fetched, "~/work/clone", HOME=str(tmp_path), USERPROFILE=str(tmp_path)) == str(clone)
    for course_dir in ("", tmp_path / "elsewhere"):
        said = course_of(first, fetched, course_dir)
        assert said.startswith("Open this inside the course's folder, or run %env COURSE_DIR=") and "\n" not in said
        assert said.endswith(f"{course_dir or fetched} is neither in it nor above it")


@pytest.mark.parametrize("first", FIRST_CELLS, ids=FIRST_CELLS.values())
def test_the_first_cell_names_several_copies_of_the_course(first, clone, tmp_path):
    """It takes none of them by chance; one that is there twice, under two names, is one."""
    (tmp_path / "link").symlink_to(clone, target_is_directory=True)
    assert course_of(first, tmp_path) == str(clone)
    old = shutil.copytree(clone, tmp_path / "backup/old")
    said = course_of(first, tmp_path)
    assert said.startswith("Open this inside the course's folder") and f"several: {old}, {clone}" in said
    assert course_of(first, old / "notebooks") == str(old)
    assert course_of(first, tmp_path, clone) == str(clone)


@pytest.mark.all
def test_the_eye_notebook_on_real_images(palm_dir, tmp_path):
    """The same cells, on photographs: every assertion of the notebook holds, and the classifier is good.

    Its weights go elsewhere, since nbval may be running the same notebook in another process.
    """
    show = """import json
other_side = dataclasses.replace(parts.test, images=parts.test.images[:, :, ::-1])
cleared = inference.predict(model, FundusDataset(other_side))[parts.test.labels == 0] < threshold  # at a single look
print(json.dumps([KIND, len(parts.test), report.accuracy.value, report.auc.value, float(cleared.mean())]))"""
    notebook = nbformat.read(editions.folder("zh") / "05_eye_disease_resnet.ipynb", as_version=4)
    sources = [cell for cell in notebook.cells if 'OUT = ROOT / "data" / "eye_disease"' in cell.source]
    assert len(sources) == 1
    sources[0].source += f"\nOUT = pathlib.Path({str(tmp_path)!r})"
    notebook.cells.append(nbformat.v4.new_code_cell(show))
    notebook = execute.run_notebook(notebook, editions.folder("zh"), data=str(palm_dir))
    kind, count, accuracy, auc, other_side = json.loads(notebook.cells[-1].outputs[0].text)
    assert kind == "real"
    # Cross-validation on the training images gives 0.959; of 200 images' accuracies 95 % are at most 0.028 from it.
    assert accuracy >= 0.93, f"accuracy {accuracy:.4f} on {count} images, AUC {auc:.4f}"
    assert auc >= 0.98
    assert other_side >= 0.85, f"specificity {other_side:.4f} on mirrored photographs; 0.23 to 0.83 without mirroring"
