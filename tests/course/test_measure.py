"""The program that runs the experiments with more seeds, and what it has kept in docs/measured."""
from tests.tools import editions, measure

import nbformat
import pytest


def notebook(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def test_the_seeds_are_replaced_in_one_place():
    done = measure.with_seeds(notebook("SEEDS = range(5)  # of all", "print(SEEDS)"), 100, 120)
    assert [cell.source for cell in done.cells] == ["SEEDS = range(100, 120)  # of all", "print(SEEDS)"]
    for sources in (["print(SEEDS)"], ["SEEDS = range(5)"] * 2):
        with pytest.raises(ValueError, match="in one cell, not in"):
            measure.with_seeds(notebook(*sources), 0, 20)


def test_what_is_kept_can_be_read_back():
    book = notebook("SEEDS = range(5)", "run(SEEDS)", "print(1)", "draw(SEEDS)")
    for cell, text in zip(book.cells, ("", "gain 0.1 [0.0, 0.2]\n[a list]\n", "1\n", ""), strict=True):
        cell.outputs = [nbformat.v4.new_output("stream", text=text)] if text else []
    book.cells[1].id = "an-experiment"
    texts = measure.printed(book)
    assert texts == {"an-experiment": "gain 0.1 [0.0, 0.2]\n[a list]"}
    kept = measure.document("01_name", range(20), texts)
    assert kept.startswith("01_name: what its cells print when they are run with 20 seeds (0 to 19)\n")
    assert measure.sections(kept) == texts


@pytest.mark.parametrize("path", measure.having_seeds(), ids=lambda path: path.stem)
def test_every_experiment_is_kept_with_twenty_seeds(path):
    """The file has a section for each cell that uses the seeds and prints, and none of a cell that is gone.

    A cell may print with many seeds only: which learning rates were tried.
    """
    kept = (measure.MEASURED / f"{path.stem}.txt").read_text(encoding="utf-8")
    assert kept.splitlines()[0].endswith("with 20 seeds (0 to 19)")
    notebook = nbformat.read(path, as_version=4)
    uses = {cell.id for cell in notebook.cells if cell.cell_type == "code" and measure.NAME.search(cell.source)}
    assert measure.printed(notebook).keys() <= measure.sections(kept).keys() <= uses


def test_kept_files_belong_to_notebooks():
    names = {path.stem for path in editions.committed(editions.folder("en"))}
    assert {path.stem for path in measure.MEASURED.glob("0*.txt")} <= names


def test_the_command_knows_its_notebooks(capsys):
    with pytest.raises(SystemExit):
        measure.main(["99"])
    assert "no notebook with seeds is named 99" in capsys.readouterr().err
