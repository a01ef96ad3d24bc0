"""helpers.homework.answers: feedback for anything that can be typed."""
import math
from decimal import Decimal
from fractions import Fraction

from helpers.homework.answers import BLANK, RIGHT, WRONG, Entry, Rejected, shown
from tests.tools.rubbish import RUBBISH, Hostile, HostileInt

import numpy as np
import paddle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary()
    | st.decimals() | st.fractions() | st.integers(-(10**9), 10**9).map(np.int64) | st.floats().map(np.float64),
    lambda inner: st.lists(inner, max_size=6) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
ROWS = ANYTHING | st.lists(ANYTHING, min_size=5, max_size=5)
KINDS = [int, float, np.float64, np.int64, np.array, Fraction]


@pytest.mark.parametrize("number", range(len(RUBBISH)))
def test_rubbish_is_named_and_raises_nothing(table, counting, number):
    value = RUBBISH[number]
    rows = {name: value for name in table.groups}
    cells = {name: [value] * 5 for name in table.groups}
    for task, answers in [(table, value), (table, rows), (table, cells), (counting, value)]:
        report = task.grade(answers)
        assert all(result.text and len(result.text) < 200 for row in report.groups.values() for result in row)
        assert str(report)
    report = counting.grade(dict.fromkeys(counting.groups, value))
    assert {result.state for [result] in report.groups.values()} == {WRONG}


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(ANYTHING | st.dictionaries(st.sampled_from(["conv1", "pool1", "conv2", "fc1", "conv3"]), ROWS))
def test_anything_gets_feedback(table, answers):
    results = [result for row in table.grade(answers).groups.values() for result in row]
    assert len(results) == 25
    assert all(result.state in (RIGHT, WRONG, BLANK) and result.text.startswith(result.state) for result in results)


@settings(max_examples=200)
@given(st.integers(1 - 2**53, 2**53 - 1) | st.integers(24, 30), st.sampled_from(KINDS))
def test_a_number_is_right_if_and_only_if_it_is_the_truth(number, kind):
    state, _ = Entry("", {27: ""}).feedback(kind(number))
    assert state == (RIGHT if number == 27 else WRONG)


SHAPES = [
    [16, 6], (16, 6), [16.0, np.int32(6)], np.array([16, 6]), np.array([16.0, 6.0]), paddle.to_tensor([16, 6]),
    paddle.to_tensor([16.0, 6.0]).astype("bfloat16"), paddle.zeros([16, 6]).shape, [paddle.to_tensor(16), np.array(6)],
]  # fmt: skip
NUMBERS = [
    27, 27.0, np.int8(27), np.float32(27), np.array(27), paddle.to_tensor(27), paddle.to_tensor([27.0]), Fraction(27),
    np.prod([3, 9]),
]  # fmt: skip


@pytest.mark.parametrize(("truth", "typed"), [((16, 6), SHAPES), (27, NUMBERS)])
def test_the_same_typed_differently(truth, typed):
    for value in typed:
        assert Entry("", {truth: ""}).feedback(value) == (RIGHT, "right"), value


@pytest.mark.parametrize(
    ("truth", "value", "said"),
    [
        (27, "27", "leave out the quotes"),
        (867041280, "867,041,280", "leave out the quotes and the commas"),
        (867041280, "867，041，280", "leave out the quotes and the commas"),
        (86704128, (86, 704, 128), "leave out the commas"),
        (27, 27.5, "got 27.5"),
        (27, math.nan, "got nan"),
        (27, True, "got bool"),
        (27, [27], "got list"),
        (27, np.zeros((2, 2)), "array of shape [2, 2]"),
        ((6,), 6, "square brackets"),
        ((), 0, "a layer without parameters has the shape []"),
        ((), np.float32(0), "a layer without parameters has the shape []"),
        ((6,), "[6]", "got str"),
        ((6,), {6}, "got set"),
        ((6,), ["6"], "inside the list: expected a whole number, got text"),
        ((6,), Hostile(), "got Hostile"),
        (27, HostileInt(27), "cannot be read (RuntimeError)"),
    ],
)
def test_what_is_said_of_the_wrong_type(truth, value, said):
    state, text = Entry("", {truth: ""}).feedback(value)
    assert state == WRONG and said in text
    with pytest.raises(Rejected):
        Entry("", {truth: ""}).read(value)


def test_rows_that_are_no_rows_and_names_that_are_not_asked_for(table):
    said = str(table.grade({"conv2": [1, 2], "pool1": 3, "convv2": [None] * 5, 7: 8}))
    assert "conv2: wrong - expected a list of 5 entries (w shape, w count, b shape, b count, output shape), got" in said
    assert "pool1: wrong - expected a list of 5 entries" in said and "got int (all 5)" in said
    assert "note: 'convv2' is no entry of this task" in said and "note: 7 is no entry" in said
    assert "expected a dictionary with the rows as keys, got list" in str(table.grade([1]))


def test_short_texts():
    assert shown("a" * 100).endswith("'") and len(shown("a" * 100)) <= 40
    assert shown("two\nlines\x1b") == "'two\\nlines\\x1b'"
    assert "Hostile" in shown(Hostile())


def test_feedback_in_chinese(chinese, counting, table):
    said = str(counting.grade({"pixel additions": 26, "batch additions": 867_041_280, "image additions": "27,000"}))
    assert said.splitlines()[:3] == [
        "pixel multiplications：还没有作答", "pixel additions：对（不算偏置）", "image multiplications：还没有作答",
    ]  # fmt: skip
    assert "image additions：错：要填一个整数，这里是一段文字：去掉引号和逗号\n" in said
    assert "注意：有的数连偏置一起算，有的没有" in said
    assert said.endswith("合计：对 2 个，错 1 个，未作答 3 个")
    report = table.grade({"fc1": [[64, 50176], 0.5, [64], 64, None], "fc2": 3})
    assert report.score("fc1") == "fc1：5 个答案里对了 2 个"
    assert "fc1 w 的形状：错：in 和 out 颠倒了：Paddle 的 Linear 恰好是 PyTorch 的转置\n" in str(report)
    assert "fc1 w 的个数：错：要填一个整数，这里是 0.5\n" in str(report)
    assert "fc2：错：要填 5 项的列表（w 的形状、w 的个数、" in str(report)
    assert "），这里是 int（5 项都是）" in str(report)


@pytest.mark.parametrize(("value", "said"), [
    (Decimal(27), "right"), (Decimal("27.0"), "right"), (Decimal("2.7E1"), "right"), (Decimal(28), "wrong"),
    (Decimal("27.5"), "got Decimal"), (Decimal("NaN"), "got Decimal"), (Decimal("sNaN"), "got Decimal"),
    (Decimal("1E+999999999"), "got Decimal"), (Decimal("-1E-999999999"), "got Decimal"),
])  # fmt: skip
def test_decimals_are_numbers_here_as_in_the_exercises(value, said):
    assert said in Entry("", {27: ""}).feedback(value)[1]
