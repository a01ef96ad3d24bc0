"""helpers.exercises says what is off, and never raises at the reader."""
from helpers.exercises import check
from tests.tools.rubbish import RUBBISH

import numpy as np
import paddle
import pytest

HINTS = {"that is twice too much": lambda value: 2 * value}


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (None, 3, "not answered yet"),
        (3, 3, "right"),
        (3.00001, 3, "right"),
        (np.float32(3), 3, "right"),
        ([1, 2], np.array([1, 2]), "right"),
        (paddle.to_tensor([1.5, 2.0]).astype("bfloat16"), [1.5, 2], "right"),
        ([paddle.to_tensor([1.5, 2.0]).astype("bfloat16")], [[1.5, 2]], "right"),
        ([1e-9, 2], [0, 2], "right"),
        ([1e-3, 2], [0, 2], "not yet"),
        (1.1e-5, 1e-5, "not yet"),
        (6, 3, "not yet - that is twice too much"),
        (-3, 3, "not yet - the sign is wrong"),
        (4, 3, "not yet"),
        (float("nan"), 3, "not yet"),
        ([3], 3, "the shape is [1], expected []"),
        ([1], [1, 2], "the shape is [1], expected [2]"),
        ("three", 3, "expected a number, got str"),
        ([[1], [2, 3]], [1, 2], "expected a number or an array, got list"),
        ({}, 3, "expected a number, got dict"),
        (10**400, 3, "expected a number, got int"),
        (3 + 4j, 3, "expected a number, got complex"),
        (np.array(3 + 4j), 3, "expected a number, got ndarray"),
    ],
)
def test_one_line_of_feedback(capsys, answer, expected, said):
    assert check("exercise", answer, expected, HINTS) is None  # as a cell's last line it shows nothing more
    assert capsys.readouterr().out == f"exercise: {said}\n"


@pytest.mark.parametrize("expected", [3, [1, 2]])
def test_nothing_that_can_be_given_raises(capsys, expected):
    for answer in RUBBISH:
        check("exercise", answer, expected, HINTS)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(RUBBISH) and all(line.startswith("exercise: ") for line in said)
