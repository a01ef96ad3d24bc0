"""Notebook 04: the learner's copy is what nbgrader makes of the solutions, and these have every answer right."""
import json

from helpers.homework.submission import MIME, parse
from tests.tools import editions, make_homework
from tests.tools.right_answers import right_answers

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


SAID = {
    "en": ("6 right, 0 wrong, 0 not answered", "25 right, 0 wrong, 0 not answered", "not answered", "wrong"),
    "zh": ("对 6 个，错 0 个，未作答 0 个", "对 25 个，错 0 个，未作答 0 个", "未作答", "错"),
}


@pytest.mark.parametrize("language", editions.LANGUAGES)
def test_the_solutions_have_every_entry_right_and_hand_it_in(language, counting, table):
    notebook = nbformat.read(make_homework.SOLUTIONS[language], as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = {cell.id: "".join(output.get("text", "") for output in cell.outputs) for cell in code}
    counted, filled, blank, wrong = SAID[language]
    assert counted in outputs["hw-feedback1"] and filled in outputs["hw-feedback2"]
    everything = "".join(outputs.values())
    assert everything.count(blank) == everything.count(wrong) == 4  # in four totals, each time with a 0
    assert "not yet" not in everything and "wrong -" not in everything and "错：" not in everything
    [data] = [output.data[MIME] for cell in code for output in cell.outputs if MIME in output.get("data", {})]
    made = parse(json.loads(json.dumps(data)))
    assert made.edition == language and not made.student_id and not made.name
    assert made.counts == right_answers(counting)
    assert made.table | {"conv1": right_answers(table)["conv1"]} == right_answers(table)


@pytest.mark.parametrize("language", editions.LANGUAGES)
def test_nothing_is_graded_by_running_the_notebook(language):
    for path in (make_homework.SOLUTIONS[language], make_homework.LEARNERS[language]):
        cells = nbformat.read(path, as_version=4).cells
        assert not [cell.id for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
