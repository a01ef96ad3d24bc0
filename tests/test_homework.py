"""helpers.homework: formulas against Paddle, feedback for anything that can be typed, the hand-in, and nbgrader."""
import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from helpers import homework, homework_export
from helpers.homework_answers import Entry, Rejected, shown
from tests import make_homework

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from paddle import nn

SIZES, KERNELS, STRIDES = st.integers(1, 20), st.integers(1, 6), st.integers(1, 5)
PADDINGS, DILATIONS = st.integers(0, 4), st.integers(1, 4)
MANY = settings(
    max_examples=200, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip


class SimpleNet(nn.Layer):
    def __init__(self):
        super().__init__()
        self.conv1, self.pool1 = nn.Conv2D(3, 6, 5, padding=2), nn.MaxPool2D(2, 2)
        self.conv2, self.pool2 = nn.Conv2D(6, 16, 5, padding=2), nn.MaxPool2D(2, 2)
        self.fc1, self.fc2 = nn.Linear(50176, 64), nn.Linear(64, 1)

    def forward(self, x):
        x = self.pool2(F.relu(self.conv2(self.pool1(F.relu(self.conv1(x))))))
        return self.fc2(F.sigmoid(self.fc1(paddle.flatten(x, 1))))


@pytest.fixture(scope="module")
def table():
    return homework.table_task(SimpleNet(), [10, 3, 224, 224], given=["conv1"])


@pytest.fixture(scope="module")
def counting():
    return homework.counting_task(homework.trace(nn.Conv2D(3, 64, 3, padding=1), [10, 3, 224, 224])[0])


# --- formulas ---------------------------------------------------------------------------------------------------------


@MANY
@given(SIZES, KERNELS, STRIDES, PADDINGS, DILATIONS)
def test_the_size_after_a_convolution(size, kernel, stride, padding, dilation):
    if size + 2 * padding < dilation * (kernel - 1) + 1:
        with pytest.raises(ValueError, match="does not fit"):
            homework.conv_size(size, kernel, stride, padding, dilation)
        return
    x, w = paddle.ones([1, 1, size, size]), paddle.ones([1, 1, kernel, kernel])
    y = F.conv2d(x, w, stride=stride, padding=padding, dilation=dilation)
    assert y.shape[2] == homework.conv_size(size, kernel, stride, padding, dilation)


@MANY
@given(SIZES, KERNELS, st.none() | STRIDES, PADDINGS, st.booleans(), st.sampled_from([F.max_pool2d, F.avg_pool2d]))
def test_the_size_after_pooling(size, kernel, stride, padding, ceil_mode, pool):
    if size + 2 * padding < kernel:
        with pytest.raises(ValueError, match="does not fit"):
            homework.pool_size(size, kernel, stride, padding, ceil_mode)
        return
    y = pool(paddle.ones([1, 1, size, size]), kernel, stride, padding, ceil_mode=ceil_mode)
    assert y.shape[2] == homework.pool_size(size, kernel, stride, padding, ceil_mode)


@MANY
@given(SIZES, KERNELS, STRIDES, PADDINGS, DILATIONS, st.integers(0, 3))
def test_the_size_after_a_transposed_convolution(size, kernel, stride, padding, dilation, extra):
    arguments = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": extra}
    if extra and extra >= stride:
        with pytest.raises(ValueError, match="smaller than the stride"):
            homework.transposed_size(size, kernel, **arguments)
        return
    if (size - 1) * stride + dilation * (kernel - 1) + 1 + extra <= 2 * padding:
        with pytest.raises(ValueError, match="whole output"):
            homework.transposed_size(size, kernel, **arguments)
        return
    y = F.conv2d_transpose(paddle.ones([1, 1, size, size]), paddle.ones([1, 1, kernel, kernel]), **arguments)
    assert y.shape[2] == homework.transposed_size(size, kernel, **arguments)


def test_paddle_lets_a_kernel_pass_that_does_not_fit():
    """What the docstring warns of; the shapes are inferred and nothing is computed, since it reads foreign memory."""
    paddle.enable_static()
    try:
        with paddle.static.program_guard(paddle.static.Program(), paddle.static.Program()):
            x, w = paddle.static.data("x", [1, 1, 4, 4]), paddle.static.data("w", [1, 1, 5, 5])
            assert list(F.conv2d(x, w, stride=3).shape) == [1, 1, 1, 1]
    finally:
        paddle.disable_static()
    with pytest.raises(ValueError, match="reaches 1 beyond"):
        homework.conv_size(4, 5, 3)


@pytest.mark.parametrize(
    ("size", "arguments", "said"),
    [
        (homework.conv_size, (8, 0), "kernel must be at least 1, not 0"),
        (homework.conv_size, (8, 3, 0), "stride must be at least 1, not 0"),
        (homework.conv_size, (8, 3, -2), "stride must be at least 1, not -2"),
        (homework.conv_size, (8, 3, 1, -1), "padding must be at least 0, not -1"),
        (homework.conv_size, (8, 3, 1, 0, 0), "dilation must be at least 1, not 0"),
        (homework.conv_size, (0, 1, 1, 1), "size must be at least 1, not 0"),
        (homework.pool_size, (8, 0), "kernel must be at least 1, not 0"),
        (homework.pool_size, (8, 2, 0), "stride must be at least 1, not 0"),
        (homework.pool_size, (8, 2, 2, -1), "padding must be at least 0, not -1"),
        (homework.transposed_size, (8, 3, 0), "stride must be at least 1, not 0"),
        (homework.transposed_size, (8, 3, 2, 0, 0), "dilation must be at least 1, not 0"),
        (homework.transposed_size, (8, 3, 2, 0, 1, -1), "output_padding must be at least 0, not -1"),
    ],
)
def test_settings_that_no_layer_has(size, arguments, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        size(*arguments)


@settings(MANY, max_examples=40)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), STRIDES, st.booleans())
def test_multiplications_counted_one_by_one(groups, c_in, c_out, kernel, stride, transposed):
    """Ones times ones: what comes out adds up to the number of products."""
    kind = nn.Conv2DTranspose if transposed else nn.Conv2D
    layer = kind(groups * c_in, groups * c_out, kernel, stride=stride, groups=groups, bias_attr=False)
    layer.weight.set_value(paddle.ones(layer.weight.shape))
    shape = [2, groups * c_in, 7, 6]
    assert homework.macs(homework.trace(layer, shape)[0]) == round(layer(paddle.ones(shape)).sum().item())


def test_macs_of_other_layers():
    model = nn.Sequential(nn.Conv2D(3, 4, 3), nn.MaxPool2D(2), nn.Flatten(), nn.Linear(36, 5))
    rows = homework.trace(model, [2, 3, 8, 8])
    assert [homework.macs(row) for row in rows] == [2 * 4 * 36 * 27, 0, 2 * 36 * 5]
    assert [row.name for row in rows] == ["0", "1", "3"]


@pytest.mark.parametrize("training", [True, False])
def test_tracing_leaves_the_network_as_it_was(training):
    model = nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4))
    model.train() if training else model.eval()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    homework.trace(model, [2, 3, 8, 8])
    assert model.training is training
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    assert not model[0]._forward_post_hooks


# --- the two tasks ----------------------------------------------------------------------------------------------------


def test_the_truth_of_both_tasks(table, counting):
    assert table.reveal() == {
        "conv1": [[6, 3, 5, 5], 450, [6], 6, [10, 6, 224, 224]],
        "pool1": [[], 0, [], 0, [10, 6, 112, 112]],
        "conv2": [[16, 6, 5, 5], 2400, [16], 16, [10, 16, 112, 112]],
        "pool2": [[], 0, [], 0, [10, 16, 56, 56]],
        "fc1": [[50176, 64], 3211264, [64], 64, [10, 64]],
        "fc2": [[64, 1], 64, [1], 1, [10, 1]],
    }
    assert counting.reveal()["batch multiplications"] == 867_041_280
    assert counting.reveal()["batch additions"] == 834_928_640


def test_blank_and_complete_answers(table, counting):
    for task in (table, counting):
        asked = sum(len(entries) for name, entries in task.groups.items() if name not in task.given)
        assert str(task.grade(task.blank())).endswith(f"0 right, 0 wrong, {asked} not answered")
        assert str(task.grade({})).endswith(f"0 right, 0 wrong, {asked} not answered")
        assert str(task.grade(task.reveal())).endswith(f"{asked} right, 0 wrong, 0 not answered")
    assert table.grade(table.reveal()).score("fc1") == "fc1: 5 of 5 right"
    with pytest.raises(KeyError):
        table.grade({}).right("conv1")  # it is given


def test_a_layer_that_is_called_twice_has_two_rows(counting, tmp_path):
    pool = nn.MaxPool2D(2, 2)
    model = nn.Sequential(("conv", nn.Conv2D(3, 4, 3, padding=1)), ("pool", pool))
    model.forward = lambda x: pool(pool(model.conv(x)))
    task = homework.table_task(model, [1, 3, 8, 8])
    outputs = {name: values[4] for name, values in task.reveal().items()}
    assert outputs == {"conv": [1, 4, 8, 8], "pool": [1, 4, 4, 4], "pool (2)": [1, 4, 2, 2]}
    assert "pool (2)" in task.about
    homework.hand_in(counting, counting.reveal(), task, task.reveal(), folder=tmp_path)
    assert "| pool (2) | - | 0 | - | 0 | [1, 4, 2, 2] |" in (tmp_path / "001/table.md").read_text(encoding="utf-8")


def test_both_ways_to_count_are_right_and_named(counting):
    report = counting.grade({"pixel additions": 26, "batch additions": 867_041_280})
    assert "pixel additions: right (without the bias)" in str(report)
    assert "batch additions: right (the bias included)" in str(report)
    assert "note: some counts include the bias and some do not" in str(report)
    assert "note" not in str(counting.grade(counting.reveal()))


@pytest.mark.parametrize(
    ("entry", "answer", "hint"),
    [
        ("pixel multiplications", 9, "kernel's area only"),
        ("pixel multiplications", 27 * 64, "one number of one channel"),
        ("pixel multiplications", 28, "added, not multiplied"),
        ("pixel additions", 24, "channels' sums"),
        ("pixel additions", 28, "n - 1 additions"),
        ("pixel multiplications", 53, "asked for apart"),
        ("image multiplications", 9 * 64 * 224**2, "kernel's area only"),
        ("image multiplications", 27 * 224**2, "output channels are missing"),
        ("image additions", 26, "one output number only"),
        ("image multiplications", 867_041_280, "one image is asked for"),
        ("batch multiplications", 86_704_128, "batch is missing"),
        ("batch additions", 83_492_864, "batch is missing"),
        ("batch additions", 86_704_128, "batch is missing"),
        ("batch multiplications", 10 * 64 * 222**2 * 27, "padding is missing"),
        ("batch multiplications", 101 * 867_041_280, "misprint"),
        ("batch multiplications", 834_928_640, "number of additions"),
        ("batch multiplications", 2 * 867_041_280, "asked for apart"),
        ("batch multiplications", 5, ""),
    ],
)
def test_hints_for_task_1(counting, entry, answer, hint):
    (line,) = [line for line in str(counting.grade({entry: answer})).splitlines() if line.startswith(entry)]
    assert line.startswith(f"{entry}: wrong") and hint in line


@pytest.mark.parametrize(
    ("row", "column", "answer", "hint"),
    [
        ("conv2", 0, [6, 16, 5, 5], "channels are swapped"),
        ("conv2", 0, [5, 5], "kernel's area only"),
        ("conv2", 0, [6, 5, 5], "one filter only"),
        ("conv2", 0, [16, 5, 5], "sees all input channels"),
        ("conv2", 0, [], "has a weight"),
        ("conv2", 0, [16, 6, 5], "3 numbers, expected 4"),
        ("conv2", 0, [16], "1 number, expected 4"),
        ("conv2", 0, [5, 5, 6, 16], "another order"),
        ("conv2", 1, 25, "kernel's area only"),
        ("conv2", 1, 400, "sees all input channels"),
        ("conv2", 1, 2416, "bias has a column of its own"),
        ("conv2", 2, [6], "OUTPUT channel"),
        ("conv2", 2, [], "has a bias"),
        ("conv2", 3, 0, "has a bias"),
        ("conv2", 4, [16, 112, 112], "batch is missing"),
        ("conv2", 4, [1, 16, 112, 112], "batch is missing"),
        ("conv2", 4, [10, 16, 108, 108], "padding is missing"),
        ("conv2", 4, [10, 6, 112, 112], "channels are those of the input"),
        ("conv2", 4, [10, 112, 112, 16], "channels before height"),
        ("pool1", 0, [2, 2], "no parameters"),
        ("pool1", 1, 4, "no parameters"),
        ("pool1", 2, [6], "no parameters"),
        ("pool1", 4, [10, 6, 56, 56], "stride is applied twice"),
        ("pool1", 4, [10, 6, 223, 223], "stride is missing"),
        ("pool1", 4, [10, 6, 224, 224], "those of the input"),
        ("fc1", 0, [64, 50176], "in and out are swapped"),
        ("fc1", 0, [16 * 112 * 112, 64], "flattened size"),
        ("fc1", 0, [56 * 56, 64], "flattened size"),
        ("fc1", 0, [16, 64], "flattened size"),
        ("fc1", 0, [501760, 64], "batch is not flattened"),
        ("fc1", 1, 56 * 56 * 64, "flattened size"),
        ("fc1", 1, 3211264 + 64, "bias has a column"),
        ("fc1", 4, [64], "batch is missing"),
        ("fc1", 4, [10, 50176], "flattened input"),
        ("fc2", 2, [64], "OUTPUT"),
        ("fc2", 4, [10, 64], "flattened input"),
    ],
)
def test_hints_for_task_2(table, row, column, answer, hint):
    answers = table.blank()
    answers[row][column] = answer
    (line,) = [line for line in str(table.grade(answers)).splitlines() if "wrong -" in line]
    assert hint in line


def test_hints_never_hold_the_solution(table, counting):
    tasks = [table, counting, *(homework.practice(seed, hard) for seed in range(15) for hard in (False, True))]
    for task in tasks:
        for entries in task.groups.values():
            for entry in entries:
                assert all(mistake is None or not isinstance(mistake, bool) for mistake, _ in entry.hints)
                values = entry.truth if isinstance(entry.truth, tuple) else [entry.truth]
                for _, hint in entry.hints:
                    hint = hint.replace("64 channels", "")  # the task itself says so
                    assert not [value for value in values if value > 9 and str(value) in hint]


# --- anything that can be typed ---------------------------------------------------------------------------------------


class Hostile:
    def __repr__(self):
        raise RuntimeError("no")

    __eq__ = __hash__ = __int__ = __float__ = __len__ = __iter__ = __str__ = __repr__


class HostileList(list):
    def __iter__(self):
        raise RuntimeError("no")

    __len__ = __getitem__ = __iter__


class HostileInt(int):
    def __int__(self):
        raise RuntimeError("no")


class HostileDict(dict):
    def items(self):
        raise RuntimeError("no")

    keys = values = __iter__ = get = __getitem__ = items


def endless():
    inside = []
    inside.append(inside)
    return inside


def deep():
    inside = []
    for _ in range(100_000):
        inside = [inside]
    return inside


RUBBISH = [
    "27", "", b"27", "二十七", "\ud800", 10**5000, -(10**5000), -1, 2.5, math.nan, math.inf, 1e308, True, False, 1j,
    Decimal("1e999999"), Decimal("sNaN"), Fraction(1, 3), np.float64("nan"), np.array("x"), np.zeros((2, 0)),
    np.zeros((3, 3)), np.array([None]), paddle.zeros([2, 2]), paddle.to_tensor(math.nan), {}, {1: 2}, {27}, [], [[]],
    [None], [1, "2"], (1, None), [10**5000], range(3), object, print, Hostile(), [Hostile()], HostileList([1]),
    HostileInt(27), HostileDict(a=1), endless(), deep(), list(range(10**6)), np.datetime64("2026-11-23"), ...,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(RUBBISH)))
def test_rubbish_is_named_and_raises_nothing(table, counting, number, tmp_path, capsys):
    value = RUBBISH[number]
    rows = {name: value for name in table.groups}
    cells = {name: [value] * 5 for name in table.groups}
    for task, answers in [(table, value), (table, rows), (table, cells), (counting, value)]:
        report = task.grade(answers)
        assert all(result.text and len(result.text) < 200 for result in report.results)
        assert str(report)
    report = counting.grade(dict.fromkeys(counting.groups, value))
    assert {result.state for result in report.results} == {"wrong"}
    homework.hand_in(counting, dict.fromkeys(counting.groups, value), table, cells, value, value, tmp_path)
    homework.hand_in(counting, value, table, value, folder=tmp_path)
    assert "Traceback" not in capsys.readouterr().out
    (made,) = tmp_path.iterdir()
    assert {path.name for path in made.iterdir()} == {"reply.txt", "table.md", "answers.json", "table.png"}
    json.loads((made / "answers.json").read_text(encoding="utf-8"))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary()
    | st.decimals() | st.fractions() | st.integers(-(10**9), 10**9).map(np.int64) | st.floats().map(np.float64),
    lambda inner: st.lists(inner, max_size=6) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
ROWS = ANYTHING | st.lists(ANYTHING, min_size=5, max_size=5)


@settings(MANY, max_examples=100)
@given(ANYTHING | st.dictionaries(st.sampled_from(["conv1", "pool1", "conv2", "fc1", "conv3"]), ROWS))
def test_anything_gets_feedback(table, answers):
    report = table.grade(answers)
    assert len(report.results) == 25
    for result in report.results:
        assert result.state in ("right", "wrong", "blank") and result.text.startswith(
            {"right": "right", "wrong": "wrong", "blank": "not answered yet"}[result.state]
        )


@MANY
@given(st.integers() | st.integers(24, 30), st.sampled_from([int, float, np.float64, np.int64, np.array, Fraction]))
def test_a_number_is_right_if_and_only_if_it_is_the_truth(number, kind):
    assume(abs(number) < 2**53)
    state, _ = Entry("", {27: ""}).feedback(kind(number))
    assert state == ("right" if number == 27 else "wrong")


@pytest.mark.parametrize(
    "value",
    [[16, 6], (16, 6), [16.0, np.int32(6)], np.array([16, 6]), np.array([16.0, 6.0]), paddle.to_tensor([16, 6]),
     paddle.zeros([16, 6]).shape, [paddle.to_tensor(16), np.array(6)]],
)  # fmt: skip
def test_the_same_shape_typed_differently(value):
    assert Entry("", {(16, 6): ""}).feedback(value) == ("right", "right")


@pytest.mark.parametrize("value", [27, 27.0, np.int8(27), np.float32(27), np.array(27), paddle.to_tensor(27),
                                   paddle.to_tensor([27.0]), Fraction(27), np.prod([3, 9])])  # fmt: skip
def test_the_same_number_typed_differently(value):
    assert Entry("", {27: ""}).feedback(value) == ("right", "right")


@pytest.mark.parametrize(
    ("truth", "value", "said"),
    [
        (27, "27", "leave out the quotes"),
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
    assert state == "wrong" and said in text
    with pytest.raises(Rejected):
        Entry("", {truth: ""}).read(value)


def test_rows_that_are_no_rows_and_names_that_are_not_asked_for(table):
    said = str(table.grade({"conv2": [1, 2], "pool1": 3, "convv2": [None] * 5, 7: 8}))
    assert "conv2: wrong - expected a list of 5 entries (w shape, w count, b shape, b count, output), got 2" in said
    assert "pool1: wrong - expected a list of 5 entries" in said and "got int (all 5)" in said
    assert "note: 'convv2' is no entry of this task" in said and "note: 7 is no entry" in said
    assert "expected a dictionary with the rows as keys, got list" in str(table.grade([1]))


def test_short_texts():
    assert shown("a" * 100).endswith("'") and len(shown("a" * 100)) <= 40
    assert shown("two\nlines\x1b") == "'two\\nlines\\x1b'"
    assert "Hostile" in shown(Hostile())


# --- practice ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_practice(seed, hard):
    task = homework.practice(seed, hard)
    assert homework.practice(seed, hard).reveal() == task.reveal()
    assert homework.practice(seed + 100, hard).reveal() != task.reveal()
    assert str(task.grade(task.reveal())).endswith(" right, 0 wrong, 0 not answered")
    assert " 0 wrong" in str(task.grade(task.blank()))
    printed = {}
    exec(str(task)[str(task).index("answers") :], printed)  # the text to be copied into a cell
    assert printed["answers"] == task.blank()
    assert ("dilation" in str(task)) is hard


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_hints_know_each_layers_settings(monkeypatch, seed, hard):
    """The sizes from which hints are made agree with Paddle's when nothing is changed."""
    seen = []
    monkeypatch.setattr(homework, "_row_entries", lambda row, real=homework._row_entries: seen.append(row) or real(row))
    homework.practice(seed, hard)
    sized = [row for row in seen if len(row.y) == 4]
    assert len(sized) == (7 if hard else 4)
    assert all(homework._sizes(row) == row.y[2:] for row in sized)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True])
def test_practice_wants_a_seed(seed):
    with pytest.raises(ValueError, match="whole number from 0 on"):
        homework.practice(seed)


def test_only_convolutions_are_counted():
    with pytest.raises(ValueError, match="only a Conv2D"):
        homework.counting_task(homework.trace(nn.Linear(3, 2), [1, 3])[0])


def test_a_convolution_without_a_bias_has_one_way_to_count():
    task = homework.counting_task(homework.trace(nn.Conv2D(3, 4, 3, bias_attr=False), [1, 3, 5, 5])[0])
    said = str(task.grade({"pixel additions": 27}))
    assert "this layer has no bias" in said
    assert "pixel additions: right\n" in str(task.grade({"pixel additions": 26}))


# --- handing in -------------------------------------------------------------------------------------------------------


def test_the_four_files(table, counting, tmp_path, capsys):
    homework.hand_in(counting, counting.reveal(), table, table.reveal(), "张三|$x_1", "2026-11-23", tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert said[-3:-1] == ["乘法867041280,加法834928640", "handed in: reply.txt, table.md, answers.json, table.png"]
    assert said[-1] == f"in the folder {tmp_path.resolve() / '001'}"
    here = tmp_path / "001"
    assert (here / "reply.txt").read_text(encoding="utf-8") == "乘法867041280,加法834928640\n"
    markdown = (here / "table.md").read_text(encoding="utf-8")
    assert markdown.startswith("张三\\|$x_1  2026-11-23\n\n乘法867041280,加法834928640\n")
    assert "| fc1 | [50176, 64] | 3,211,264 | [64] | 64 | [10, 64] |" in markdown
    assert "| pool1 | - | 0 | - | 0 | [10, 6, 112, 112] |" in markdown
    data = json.loads((here / "answers.json").read_text(encoding="utf-8"))
    assert data["table"] == table.reveal() and data["name"] == "张三|$x_1" and data["date"] == "2026-11-23"
    height, width, _ = plt.imread(here / "table.png").shape
    assert 800 < width < 1600 and 300 < height < 900


def test_a_second_hand_in_has_a_folder_of_its_own(table, counting, tmp_path):
    (tmp_path / "007").mkdir()
    (tmp_path / "notes").mkdir()
    for number in ("008", "009"):
        homework.hand_in(counting, counting.reveal(), table, {}, folder=tmp_path)
        assert {path.name for path in (tmp_path / number).iterdir()} == {
            "reply.txt", "table.md", "answers.json", "table.png",
        }  # fmt: skip
    assert not list((tmp_path / "007").iterdir())


def test_nothing_answered_hands_in_nothing(table, counting, tmp_path, capsys):
    homework.hand_in(counting, counting.blank(), table, table.blank(), "me", folder=tmp_path / "new")
    assert capsys.readouterr().out == "nothing is answered yet, so nothing is handed in\n"
    assert not (tmp_path / "new").exists()


def test_grading_a_notebook_hands_in_nothing(table, counting, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    homework.hand_in(counting, counting.reveal(), table, table.reveal(), folder=tmp_path)
    assert capsys.readouterr().out == "the notebook is being graded, so nothing is handed in\n"
    assert not list(tmp_path.iterdir())


def test_half_answered(table, counting, tmp_path, capsys):
    answers = table.blank() | {"pool1": [[2, 2], None, "text", 10**5000, None]}
    homework.hand_in(counting, {"batch multiplications": 5}, table, answers, folder=tmp_path)
    assert "not answered, and handed in as ?: 27" in capsys.readouterr().out
    assert (tmp_path / "001/reply.txt").read_text(encoding="utf-8") == "乘法5,加法?\n"
    assert "| pool1 | [2, 2] | ? | 'text' | a value of type int | ? |" in (tmp_path / "001/table.md").read_text("utf-8")


def test_no_place_to_write(table, counting, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    homework.hand_in(counting, counting.reveal(), table, table.reveal(), folder=tmp_path / "file")
    said = capsys.readouterr().out
    assert said.startswith("nothing can be written there (FileExistsError); copy this instead:")
    assert "乘法867041280,加法834928640" in said and "| fc2 | [64, 1] | 64 | [1] | 1 | [10, 1] |" in said


def test_no_permission(table, counting, tmp_path, capsys, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "open", refuse)
    homework.hand_in(counting, counting.reveal(), table, table.reveal(), folder=tmp_path)
    assert "nothing can be written there (PermissionError)" in capsys.readouterr().out
    assert not list(tmp_path.glob("*/*"))


def test_no_picture(table, counting, tmp_path, capsys, monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("no\ndisplay")

    monkeypatch.setattr(homework_export.Figure, "savefig", refuse)
    homework.hand_in(counting, counting.reveal(), table, table.reveal(), folder=tmp_path)
    assert "the picture cannot be drawn (RuntimeError: no display); take table.md" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "001").iterdir()} == {"reply.txt", "table.md", "answers.json"}


def test_no_font_for_the_name(table, counting, tmp_path, capsys, monkeypatch, recwarn):
    monkeypatch.setattr(homework_export, "CHINESE_FONTS", ())
    homework.hand_in(counting, counting.reveal(), table, table.reveal(), "张三", folder=tmp_path)
    assert "no font here shows your name or date: the picture is without them" in capsys.readouterr().out
    assert (tmp_path / "001/table.png").exists() and not [w for w in recwarn if "lyph" in str(w.message)]
    homework.hand_in(counting, counting.reveal(), table, table.reveal(), "Anna", folder=tmp_path)
    assert "no font" not in capsys.readouterr().out


def test_the_folder_is_named_below_the_course(table, counting, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(homework_export, "ROOT", tmp_path.resolve())
    homework.hand_in(counting, counting.reveal(), table, table.reveal(), folder=tmp_path / "data/homework")
    assert capsys.readouterr().out.endswith("in the folder data/homework/001\n")


# --- the notebooks and nbgrader ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "stub"), [("zh", "# 在这里写你的答案"), ("en", "# write your answer here")])
def test_the_learners_copy_is_what_nbgrader_makes_of_the_solutions(language, stub):
    shipped = nbformat.read(make_homework.LEARNERS[language], as_version=4)
    bare = make_homework.without_outputs
    assert bare(shipped) == bare(make_homework.learners_copy(language))
    text = make_homework.LEARNERS[language].read_text(encoding="utf-8")
    solutions = make_homework.SOLUTIONS[language].read_text(encoding="utf-8")
    assert text.count(stub) == solutions.count("BEGIN SOLUTION") > 0
    assert "BEGIN SOLUTION" not in text and "HIDDEN TESTS" not in text and "867041280" not in text


@pytest.mark.parametrize("language", make_homework.LANGUAGES)
def test_the_solutions_have_every_entry_right(language):
    notebook = nbformat.read(make_homework.SOLUTIONS[language], as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = {cell.id: "".join(output.get("text", "") for output in cell.outputs) for cell in code}
    assert "6 right, 0 wrong, 0 not answered" in outputs["hw-feedback1"]
    assert "25 right, 0 wrong, 0 not answered" in outputs["hw-feedback2"]
    everything = "".join(outputs.values())
    assert everything.count("not answered") == everything.count("0 wrong, 0 not answered") == 4
    assert "not yet" not in everything and "wrong -" not in everything
