"""helpers.homework.practice: a new network for every seed, with questions that know its settings."""
from helpers.homework.practice import network, practice
from helpers.homework.trace import trace

import numpy as np
import paddle
import pytest


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_practice(seed, hard):
    task = practice(seed, hard)
    assert practice(seed, hard).reveal() == task.reveal() != practice(seed + 100, hard).reveal()
    assert str(task.grade(task.reveal())).endswith(" right, 0 wrong, 0 not answered")
    printed = {}
    exec(str(task)[str(task).index("answers") :], printed)  # the text to be copied into a cell
    assert printed["answers"] == task.blank()
    assert ("dilation" in str(task)) is hard
    # The formulas from which hints are made know all that a layer of these networks may have.
    rows = [row for row in trace(*network(seed, hard)) if len(row.y) == 4]
    assert len(rows) == (7 if hard else 4)
    assert all(row.sizes() == row.y[2:] for row in rows)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True])
def test_practice_wants_a_seed(seed):
    with pytest.raises(ValueError, match="whole number from 0 on"):
        practice(seed)


def test_practice_draws_none_of_the_random_numbers_of_the_cells_below():
    paddle.seed(1)
    expected = paddle.rand([3]).numpy()
    paddle.seed(1)
    practice(1)
    np.testing.assert_array_equal(paddle.rand([3]).numpy(), expected)
