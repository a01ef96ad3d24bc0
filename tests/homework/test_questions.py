"""helpers.homework.questions: the truth of both tasks, and what is said of the usual mistakes."""
from helpers.homework.answers import WRONG
from helpers.homework.practice import practice
from helpers.homework.questions import counting_task, table_task
from helpers.homework.tasks import tasks
from helpers.homework.trace import trace
from helpers.homework.variants import draw
from tests.tools.right_answers import right_answers

import pytest
from paddle import nn

AS_BEFORE = "height and width are those of the input"


class Enlarged(nn.Conv2DTranspose):
    """It is told its output's size when it is called, and gives one pixel more than its settings alone."""

    def forward(self, x):
        return super().forward(x, output_size=[10, 10])


def test_the_truth_of_both_tasks(table, counting):
    assert right_answers(table) == {
        "conv1": [[6, 3, 5, 5], 450, [6], 6, [10, 6, 224, 224]],
        "pool1": [[], 0, [], 0, [10, 6, 112, 112]],
        "conv2": [[16, 6, 5, 5], 2400, [16], 16, [10, 16, 112, 112]],
        "pool2": [[], 0, [], 0, [10, 16, 56, 56]],
        "fc1": [[50176, 64], 3211264, [64], 64, [10, 64]],
        "fc2": [[64, 1], 64, [1], 1, [10, 1]],
    }
    assert right_answers(counting)["batch multiplications"] == 867_041_280
    assert right_answers(counting)["batch additions"] == 834_928_640


@pytest.mark.parametrize(("name", "asked"), [("table", 25), ("counting", 6)])
def test_blank_and_complete_answers(name, asked, request):
    task = request.getfixturevalue(name)
    for nothing in (task.blank(), {}):
        assert str(task.grade(nothing)).endswith(f"together: 0 right, 0 wrong, {asked} not answered")
    assert str(task.grade(right_answers(task))).endswith(f"together: {asked} right, 0 wrong, 0 not answered")


def test_what_is_said_of_one_group(table):
    report = table.grade(table.blank() | {"fc1": right_answers(table)["fc1"]})
    assert report.score("fc1") == "fc1: 5 of 5 right" and report.right("fc1") and not report.right("fc2")
    with pytest.raises(KeyError):
        report.right("conv1")  # it is given


def test_a_layer_that_is_called_twice_has_two_rows():
    pool = nn.MaxPool2D(2, 2)
    model = nn.Sequential(("conv", nn.Conv2D(3, 4, 3, padding=1)), ("pool", pool))
    model.forward = lambda x: pool(pool(model.conv(x)))
    task = table_task(model, [1, 3, 8, 8])
    outputs = {name: values[4] for name, values in right_answers(task).items()}
    assert outputs == {"conv": [1, 4, 8, 8], "pool": [1, 4, 4, 4], "pool (2)": [1, 4, 2, 2]}
    assert "pool (2)" in task.about


def test_both_ways_to_count_are_right_and_named(counting):
    report = counting.grade({"pixel additions": 26, "batch additions": 867_041_280})
    assert "pixel additions: right (without the bias)" in str(report)
    assert "batch additions: right (the bias included)" in str(report)
    assert "note: some counts include the bias and some do not" in str(report)
    assert "note" not in str(counting.grade(right_answers(counting)))


def said(task, group, answer, column=None):
    """The text for one answer alone: to a number, or in a column of a row."""
    answers = task.blank()
    if column is None:
        answers[group] = answer
    else:
        answers[group][column] = answer
    [text] = [result.text for result in task.grade(answers).groups[group] if result.state == WRONG]
    return text


@pytest.mark.parametrize(
    ("group", "column", "hints"),
    [
        ("pixel multiplications", None, {9: "kernel's area only", 27 * 64: "one number of one channel",
                                         28: "added, not multiplied", 53: "asked for apart"}),
        ("pixel additions", None, {24: "channels' sums", 28: "n - 1 additions"}),
        ("image multiplications", None, {27 * 224**2: "output channels are missing",
                                         867_041_280: "one image is asked"}),
        ("image additions", None, {26: "one output number only"}),
        ("batch multiplications", None, {86_704_128: "batch is missing", 10 * 64 * 222**2 * 27: "padding is missing",
                                         101 * 867_041_280: "misprint", 834_928_640: "number of additions",
                                         2 * 867_041_280: "asked for apart"}),
        ("batch additions", None, {83_492_864: "batch is missing", 86_704_128: "batch is missing"}),
        ("conv2", 0, {(6, 16, 5, 5): "channels are swapped", (5, 5): "kernel's area only", (6, 5, 5): "one filter only",
                      (16, 5, 5): "sees all input channels", (): "has a weight", (16, 6, 5): "3 numbers, expected 4",
                      (16,): "1 number, expected 4", (5, 5, 6, 16): "another order"}),
        ("conv2", 1, {25: "kernel's area only", 2416: "bias has a column of its own"}),
        ("conv2", 2, {(6,): "OUTPUT channel", (): "has a bias"}),
        ("conv2", 3, {0: "has a bias"}),
        ("conv2", 4, {(16, 112, 112): "batch is missing", (1, 16, 112, 112): "batch is missing",
                      (10, 16, 108, 108): "padding is missing", (10, 6, 112, 112): "channels are those of the input",
                      (10, 112, 112, 16): "channels before height"}),
        ("pool1", 0, {(2, 2): "no parameters"}),
        ("pool1", 1, {4: "no parameters"}),
        ("pool1", 2, {(6,): "no parameters"}),
        ("pool1", 4, {(10, 6, 56, 56): "stride is applied twice", (10, 6, 223, 223): "stride is missing",
                      (10, 6, 224, 224): "those of the input"}),
        ("fc1", 0, {(64, 50176): "in and out are swapped", (16 * 112 * 112, 64): "flattened size",
                    (56 * 56, 64): "flattened size", (16, 64): "flattened size",
                    (501760, 64): "batch is not flattened"}),
        ("fc1", 1, {56 * 56 * 64: "flattened size", 3211264 + 64: "bias has a column"}),
        ("fc1", 4, {(64,): "batch is missing", (10, 50176): "flattened input"}),
    ],
)  # fmt: skip
def test_hints_for_both_tasks(table, counting, group, column, hints):
    for answer, hint in hints.items():
        assert hint in said(counting if column is None else table, group, answer, column)


@pytest.mark.parametrize(
    ("layer", "shape", "column", "answer", "hint"),
    [
        (nn.MaxPool2D(2), [1, 3, 8, 8], 4, [1, 3, 2, 2], "the stride is applied twice"),
        (nn.Conv2DTranspose(3, 4, 2, stride=2), [1, 3, 8, 8], 4, [1, 4, 8, 8], AS_BEFORE),
        (nn.Conv2D(3, 4, 3, stride=2, padding=[0, 1, 0, 1]), [1, 3, 8, 8], 4, [1, 4, 8, 8], AS_BEFORE),
        # Read as a padding of 0 and 1, this one would have 6 x 8 pixels without its stride; it has 7 x 7.
        (nn.Conv2D(3, 4, 3, stride=2, padding=[0, 1, 0, 1]), [1, 3, 8, 8], 4, [1, 4, 6, 8], ""),
        # Its padding is 0, and its settings alone give these 9 x 9 pixels.
        (Enlarged(3, 4, 3, stride=2), [1, 3, 4, 4], 4, [1, 4, 9, 9], ""),
        (nn.Conv1D(3, 4, 3, padding=1), [2, 3, 9], 4, [2, 4, 7], "the padding is missing"),
        (nn.Conv1D(3, 4, 3, padding=1), [2, 3, 9], 1, 3, "that is the kernel's area only"),
        (nn.Linear(3, 4), [2, 5, 3], 2, [3], "one bias for each OUTPUT channel, not for each input"),
        (nn.Linear(3, 4), [2, 5, 3], 4, [2, 5, 3], "that is the input"),
    ],
)  # fmt: skip
def test_hints_for_other_layers(layer, shape, column, answer, hint):
    assert said(table_task(layer, shape), "layer", answer, column) == (f"wrong - {hint}" if hint else "wrong")


def test_a_layer_on_a_feature_map_that_is_not_flattened_is_not_told_to_flatten_it():
    task = table_task(nn.Sequential(nn.Conv1D(3, 4, 3), nn.Linear(6, 2)), [1, 3, 8])
    assert "flattened size" not in said(task, "1", [24, 2], 0)


def test_hints_never_hold_the_solution(table, counting):
    variants = [task for number in range(30) for task in tasks(draw(str(number), b"secret"))]
    networks = [practice(seed, hard) for seed in range(15) for hard in (False, True)]
    for task in [table, counting, *variants, *networks]:
        for entries in task.groups.values():
            for entry in entries:
                values = entry.truth if isinstance(entry.truth, tuple) else [entry.truth]
                for _, hint in entry.hints:
                    said = " ".join(hint).replace("64 ", "")  # "64 channels": the task itself says so
                    assert not [value for value in values if value > 9 and str(value) in said]


def test_networks_that_nothing_can_be_asked_about():
    with pytest.raises(ValueError, match="only a Conv2D"):
        counting_task(trace(nn.Linear(3, 2), [1, 3])[0])
    with pytest.raises(ValueError, match="nothing to ask for"):
        table_task(nn.Flatten(), [1, 3, 8, 8])
    last = nn.Conv2D(3, 4, 3, data_format="NHWC")
    with pytest.raises(ValueError, match="layer has its channels last"):
        table_task(last, [1, 8, 8, 3])
    with pytest.raises(ValueError, match="only a Conv2D with its channels first"):
        counting_task(trace(last, [1, 8, 8, 3])[0])


@pytest.mark.parametrize("number", ["pixel", "image", "batch"])
def test_a_convolution_without_a_bias_has_one_way_to_count(number):
    task = counting_task(trace(nn.Conv2D(3, 4, 3, bias_attr=False), [1, 3, 5, 5])[0])
    right = right_answers(task)[f"{number} additions"]
    assert task.grade({f"{number} additions": right}).right(f"{number} additions")
    assert "this layer has no bias" in said(task, f"{number} additions", right // 26 * 27)
