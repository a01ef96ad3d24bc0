"""The two tasks of notebook 04 for given numbers, and what each part is worth.

Shapes come from the formulas of `helpers.homework.sizes`; no network is run and no weight is drawn, so that the tasks
of a whole class are there at once.
"""
from __future__ import annotations

from typing import NamedTuple

from helpers.homework.answers import Task
from helpers.homework.questions import counting_task, table_of
from helpers.homework.trace import Row
from helpers.homework.variants import COURSE_NUMBERS, Numbers

import paddle
from paddle import nn

GIVEN = ("conv1",)  # the row of the table that is filled in for the learner
# The groups of a part, all of which have to be right, and the points for it.
POINTS: dict[tuple[str, ...], int] = {
    ("pixel multiplications", "pixel additions"): 2,
    ("image multiplications", "image additions"): 2,
    ("batch multiplications",): 3,
    ("batch additions",): 3,
    ("pool1",): 4,
    ("conv2",): 4,
    ("pool2",): 4,
    ("fc1",): 4,
    ("fc2",): 4,
}


class Tasks(NamedTuple):
    """The homework: task 1, the operations of a convolution, and task 2, the table of a network."""

    counting: Task
    table: Task


def tasks(numbers: Numbers = COURSE_NUMBERS) -> Tasks:
    """The homework with these numbers."""
    n = numbers
    with paddle.LazyGuard():  # layers without weights: only their shapes are asked for
        convolution = nn.Conv2D(n.channels, n.filters, n.kernel, padding=n.padding)
        keeps = n.window // 2
        layers = {
            "conv1": nn.Conv2D(n.channels, n.first, n.window, padding=keeps),
            "pool1": nn.MaxPool2D(2, 2),
            "conv2": nn.Conv2D(n.first, n.second, n.window, padding=keeps),
            "pool2": nn.MaxPool2D(2, 2),
            "fc1": nn.Linear(n.second * (n.side // 4) ** 2, n.hidden),
            "fc2": nn.Linear(n.hidden, n.classes),
        }
    rows, x = [], tuple(n.shape)
    for name, layer in layers.items():
        if isinstance(layer, nn.Linear):
            x = (n.batch, layer.weight.shape[0])
        rows.append(_called(name, layer, x))
        x = rows[-1].y
    made = counting_task(_called("conv", convolution, tuple(n.shape))), table_of(rows, n.shape, GIVEN)
    return Tasks(*(Task(task.groups, task.given, task.about) for task in made))  # none to practise on: see `Practice`


def _called(name: str, layer: nn.Layer, x: tuple[int, ...]) -> Row:
    """A layer as if it had been called on an input of this shape."""
    row = Row(name, layer, x, x)
    if isinstance(layer, nn.Linear):
        return row._replace(y=(*x[:-1], layer.weight.shape[1]))
    w = row.parameter("weight")
    return row._replace(y=(x[0], w[0] if w else x[1], *row.sizes()))
