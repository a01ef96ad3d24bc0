"""Rules for the committed notebooks, and the eye-disease notebook on real images; nbval runs them besides."""
import ast
import json
import re
import shutil
import subprocess
import sys

from helpers.runtime import ROOT
from tests import execute

import nbformat
import pytest

NOTEBOOKS = execute.committed()
IGNORED = "# NBVAL_IGNORE_OUTPUT"
MACHINE_PATH = re.compile(r"/home/(?!aistudio)|/root/|/tmp/|/work/|/Users/|[A-Z]:\\\\|site-packages")


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def asserts(source):
    """Whether code holds an assertion: the statement, or one of NumPy's functions."""
    return any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.Attribute) and node.attr.startswith("assert_"))
        for node in ast.walk(ast.parse(source))
    )


def problems(notebook, size):
    """All that is wrong with a committed notebook, as sentences."""
    cells, found = code_cells(notebook), []
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("it was not run once from top to bottom")
    for number, cell in enumerate(cells, start=1):
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"cell {number} failed: {output.ename}")
            if output.get("name") == "stderr":
                found.append(f"cell {number} writes to stderr: {output.text[:80]!r}")
        lines = cell.source.splitlines()
        if len(lines) > 30:
            found.append(f"cell {number} has {len(lines)} lines")
        if "NBVAL_IGNORE_OUTPUT" in cell.source and IGNORED not in lines:
            found.append(f"cell {number}: the marker must stand alone on its line")
        if IGNORED in lines and not asserts(cell.source):
            found.append(f"cell {number} ignores its output and asserts nothing")
        if "NBVAL_SKIP" in cell.source or "NBVAL_RAISES_EXCEPTION" in cell.source:
            found.append(f"cell {number} is skipped by nbval")
    ignored = sum(IGNORED in cell.source for cell in cells)
    if ignored * 4 > len(cells):
        found.append(f"{ignored} of {len(cells)} code cells ignore their output, more than a quarter")
    if path := MACHINE_PATH.search(json.dumps(notebook, ensure_ascii=False)):
        found.append(f"it holds a path of a machine: {path[0]}")
    if size > 1_500_000:
        found.append(f"it is {size / 1e6:.1f} MB large")
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("its kernel is not python3")
    if set(notebook.metadata) - {"kernelspec", "language_info"}:
        found.append("its metadata is not clean")
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_committed_notebooks_keep_the_rules(path):
    assert problems(read(path), path.stat().st_size) == []


def one_cell(source="assert True", outputs=(), count=1, **metadata):
    cell = nbformat.v4.new_code_cell(source, execution_count=count, outputs=list(outputs))
    kernel = {"name": "python3", "display_name": "Python 3"}
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel, **metadata})


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
        (one_cell("x = 1  # NBVAL_IGNORE_OUTPUT"), 1, "alone on its line"),
        (one_cell("# NBVAL_IGNORE_OUTPUT\nx = 1"), 1, "asserts nothing"),
        (one_cell("# NBVAL_IGNORE_OUTPUT\nassert True"), 1, "more than a quarter"),
        (one_cell("# NBVAL_SKIP\nx = 1"), 1, "skipped by nbval"),
        (one_cell(), 1_500_001, "MB large"),
        (one_cell(widgets={}), 1, "metadata is not clean"),
    ],
)
def test_the_rules_notice(notebook, size, said):
    assert any(said in problem for problem in problems(notebook, size))


def test_the_rules_let_a_good_notebook_pass():
    assert problems(one_cell(), 1) == []


@pytest.mark.parametrize("outcome", ["passes", "fails", "prints something else"])
def test_a_failed_or_changed_cell_fails_the_suite(tmp_path, outcome):
    source = {"passes": "print(1)", "fails": "print(1)\nassert False", "prints something else": "print(2)"}[outcome]
    nbformat.write(one_cell(source, [stream("1\n")]), tmp_path / "notebook.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", tmp_path / "notebook.ipynb"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == (0 if outcome == "passes" else 1), done.stdout


FIRST_CELLS = {code_cells(read(path))[0].source: path.stem for path in NOTEBOOKS}  # equal ones are tried once


@pytest.mark.parametrize("first", FIRST_CELLS, ids=FIRST_CELLS.values())
def test_the_first_cell_finds_the_repository(first, tmp_path):
    assert len(first.splitlines()) <= 5
    copy = tmp_path / "clone"
    for name in ("helpers/__init__.py", "helpers/runtime.py"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    show = f"{first}\nimport helpers; print(helpers.__file__)"
    graded = copy / "grading/autograded/student/homework"
    for folder in (copy, copy / "notebooks/zh", copy / "notebooks/zh/solutions", graded, tmp_path):
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([sys.executable, "-c", show], cwd=folder, capture_output=True, text=True)
        assert done.stdout.strip() == str(copy / "helpers/__init__.py"), (folder, done.stderr)
    nowhere = tmp_path / "a/b/c/d/e/f"
    nowhere.mkdir(parents=True)
    done = subprocess.run([sys.executable, "-c", first], cwd=nowhere, capture_output=True, text=True)
    assert "Open this inside the course's folder" in done.stderr


def test_the_eye_notebook_on_real_images(palm_dir):
    """The same cells, on photographs: every assertion of the notebook holds, and the classifier is good."""
    show = "import json; print(json.dumps([KIND, len(parts.test), report.accuracy.value, report.auc.value]))"
    notebook = execute.run(ROOT / "notebooks/zh/05_eye_disease_resnet.ipynb", data=str(palm_dir), extra=show)
    kind, count, accuracy, auc = json.loads(notebook.cells[-1].outputs[0].text)
    assert kind == "real"
    assert accuracy >= 0.95, f"accuracy {accuracy:.4f} on {count} images, AUC {auc:.4f}"
    assert auc >= 0.98
