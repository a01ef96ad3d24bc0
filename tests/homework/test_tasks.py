"""helpers.homework.tasks: the homework by formula is the homework of the network, for the course and for anybody."""
from helpers import runtime
from helpers.homework.questions import counting_task, table_task
from helpers.homework.tasks import GIVEN, POINTS, tasks
from helpers.homework.trace import trace
from helpers.homework.variants import COURSE_NUMBERS, draw
from tests.tools.right_answers import right_answers

import numpy as np
import paddle
import pytest
from paddle import nn

NUMBERS = [COURSE_NUMBERS, *(draw(str(number), b"secret") for number in range(5))]


@pytest.mark.parametrize("n", NUMBERS)
def test_both_tasks_are_those_of_the_real_network(n):
    keeps = n.window // 2
    model = nn.Sequential(
        ("conv1", nn.Conv2D(n.channels, n.first, n.window, padding=keeps)), ("pool1", nn.MaxPool2D(2, 2)),
        ("conv2", nn.Conv2D(n.first, n.second, n.window, padding=keeps)), ("pool2", nn.MaxPool2D(2, 2)),
        ("flatten", nn.Flatten()),
        ("fc1", nn.Linear(n.second * (n.side // 4) ** 2, n.hidden)), ("fc2", nn.Linear(n.hidden, n.classes)),
    )  # fmt: skip
    made, network = tasks(n), table_task(model, n.shape, GIVEN)
    assert made.table.groups == network.groups and made.table.about == network.about
    convolution = nn.Conv2D(n.channels, n.filters, n.kernel, padding=n.padding)
    counted = counting_task(trace(convolution, n.shape)[0])
    assert made.counting.groups == counted.groups and made.counting.about == counted.about


def test_the_courses_numbers():
    counting, table = map(right_answers, tasks())
    assert list(counting.values()) == [27, 26, 86_704_128, 83_492_864, 867_041_280, 834_928_640]
    assert table["fc1"] == [[50176, 64], 3_211_264, [64], 64, [10, 64]]
    assert table["conv2"] == [[16, 6, 5, 5], 2_400, [16], 16, [10, 16, 112, 112]]


@pytest.mark.parametrize("n", NUMBERS[1:])
def test_the_courses_answers_are_wrong_for_somebody_else(n):
    theirs, own = tasks(n), tasks()
    for mine, task in zip(own, theirs, strict=True):
        report = task.grade(right_answers(mine))
        wholly = [name for name in report.groups if report.right(name) and len(report.groups[name]) > 1]
        assert not wholly and not any(report.right(f"batch {kind}") for kind in ("multiplications", "additions")
                                      if f"batch {kind}" in report.groups)  # fmt: skip


def test_the_points_are_thirty_for_all_that_is_asked_for():
    made = tasks()
    asked = [name for task in made for name in task.groups if name not in task.given]
    assert [name for part in POINTS for name in part] == asked and sum(POINTS.values()) == 30
    assert [sum(points for part, points in POINTS.items() if part[0] in task.groups) for task in made] == [10, 20]


def test_the_homework_gives_its_answers_to_nobody():
    for task in tasks():
        assert not hasattr(task, "reveal")
    assert tasks().table.blank()["fc1"] == [None] * 5


def test_no_weight_is_drawn_for_them():
    """A class's tasks would take seconds otherwise."""
    runtime.seed(0)
    expected = paddle.rand([4]).numpy()
    runtime.seed(0)
    tasks(draw("1", b"secret"))
    np.testing.assert_array_equal(paddle.rand([4]).numpy(), expected)
