"""Notebook 04: the learner's copy is what nbgrader makes of the solutions, and these have every answer right."""
from tests.tools import editions, make_homework

import nbformat
import pytest


@pytest.mark.parametrize(("language", "stub"), [("zh", "# 在这里写你的答案"), ("en", "# write your answer here")])
def test_the_learners_copy_is_what_nbgrader_makes_of_the_solutions(language, stub):
    shipped = nbformat.read(make_homework.LEARNERS[language], as_version=4)
    bare = make_homework.without_outputs
    assert bare(shipped) == bare(make_homework.learners_copy(language))
    text = make_homework.LEARNERS[language].read_text(encoding="utf-8")
    solutions = make_homework.SOLUTIONS[language].read_text(encoding="utf-8")
    assert text.count(stub) == solutions.count("BEGIN SOLUTION") > 0
    assert "BEGIN SOLUTION" not in text and "HIDDEN TESTS" not in text and "867041280" not in text


@pytest.mark.parametrize("language", editions.LANGUAGES)
def test_the_solutions_have_every_entry_right(language):
    notebook = nbformat.read(make_homework.SOLUTIONS[language], as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = {cell.id: "".join(output.get("text", "") for output in cell.outputs) for cell in code}
    assert "6 right, 0 wrong, 0 not answered" in outputs["hw-feedback1"]
    assert "25 right, 0 wrong, 0 not answered" in outputs["hw-feedback2"]
    everything = "".join(outputs.values())
    assert everything.count("not answered") == everything.count("0 wrong, 0 not answered") == 4
    assert "not yet" not in everything and "wrong -" not in everything
