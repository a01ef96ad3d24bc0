"""The two tasks of the homework, made from a network: the table of its layers, and the operations of a convolution.

The truth is read off the network (`helpers.homework.trace`); the hints are the values that the usual mistakes would
give. `helpers.homework.answers` holds answers against them.
"""
from __future__ import annotations

import math
import re
from collections.abc import Sequence

from helpers.homework.answers import WITH, WITHOUT, Entry, Shape, Task
from helpers.homework.trace import TRANSPOSED, Row, trace

from paddle import nn


def table_task(model: nn.Layer, input_shape: Sequence[int], given: Sequence[str] = ()) -> Task:
    """The table of a network: weight and bias with shape and count, and output shape, for every layer with a row.

    Args:
        model: a network of convolutions, pooling and Linear layers; others are passed through and have no row.
        input_shape: [N, C, H, W], or with another number of axes.
        given: rows that are filled in for the learner.

    Raises:
        ValueError: no layer of the network has a row, or one has its channels last.
    """
    rows = trace(model, input_shape)
    if not rows:
        raise ValueError("the network has no convolution, pooling or Linear layer: there is nothing to ask for")
    return table_of(rows, input_shape, given)


def table_of(rows: Sequence[Row], input_shape: Sequence[int], given: Sequence[str] = ()) -> Task:
    """The same for layers that were traced already."""
    groups: dict[str, tuple[Entry, ...]] = {}
    maps: list[Shape] = []  # those that may be flattened for the next Linear layer
    for row in rows:
        linear = isinstance(row.layer, nn.Linear)
        groups[row.name] = _row_entries(row, maps if linear and len(row.x) == 2 else [])
        maps = [] if linear else [*maps, row.x, row.y]
    lines = [f"input {list(input_shape)}", *(f"{row.name:15s}{_described(row)}" for row in rows)]
    return Task(groups, tuple(given), "\n".join(lines))


def _described(row: Row) -> str:
    """A layer as one would write it, with what Paddle's own text leaves out, and without what is asked for."""
    if isinstance(row.layer, nn.Linear):
        text = f"in_features=?, out_features={row.y[-1]}"
    else:
        text = re.sub(", data_format=NC[A-Z]+", "", row.layer.extra_repr())
        text += ", ceil_mode=True" if getattr(row.layer, "ceil_mode", False) else ""
    text += "" if row.parameter("bias") or not row.parameter("weight") else ", bias_attr=False"
    return f"{type(row.layer).__name__}({text})"


def _row_entries(row: Row, maps: Sequence[Shape]) -> tuple[Entry, ...]:
    """A row's five entries; `maps` are the feature maps from which a Linear layer's input may have been flattened."""
    if not row.channels_first:
        raise ValueError(f"{row.name} has its channels last; the questions and hints are made for [N, C, H, W]")
    w, b = row.parameter("weight"), row.parameter("bias")
    weight = _weight_hints(row, maps) if w else [(None, "this layer has no parameters")]
    if b:
        inputs = row.x[-1] if isinstance(row.layer, nn.Linear) else row.x[1]
        bias = [
            ((), "this layer has a bias: it is on by default"),
            (w, "that is the weight"),
            ((inputs,), "one bias for each OUTPUT channel, not for each input"),
            ((1,), "one bias for each output channel"),
            ((row.y[0], *b), "parameters know nothing of the batch"),
        ]
    else:
        bias = [(None, "this layer was made without a bias")] if w else weight
    entries = []
    for name, shape, hints in (("w", w, weight), ("b", b, bias)):
        counts = [(None if wrong is None else _count(wrong), hint) for wrong, hint in hints]
        entries += [Entry(f"{name} shape", {shape: ""}, hints), Entry(f"{name} count", {_count(shape): ""}, counts)]
    return (*entries, Entry("output", {row.y: ""}, _output_hints(row)))


def _count(shape: Shape) -> int:
    return math.prod(shape) if shape else 0  # () stands for no parameter


def _weight_hints(row: Row, maps: Sequence[Shape]) -> list[tuple[Shape, str]]:
    w, b, batch = row.parameter("weight"), row.parameter("bias"), row.x[0]
    hints = [((), "this layer has a weight")]
    if isinstance(row.layer, nn.Linear):
        hints += [
            (w[::-1], "in and out are swapped: Paddle's Linear is the transpose of PyTorch's"),
            ((batch * w[0], w[1]), "the batch is not flattened into the input"),
        ]
    else:
        hints += [
            ((w[1], w[0], *w[2:]), "input and output channels are swapped"),
            ((row.y[1], row.x[1], *w[2:]), "the groups, or the order of a transposed convolution's channels"),
            (w[2:], "that is the kernel's area only"),
            (w[1:], "that is one filter only: how many are there?"),
            ((w[0], *w[2:]), "each filter sees all input channels of its group"),
            ((batch, *w), "parameters know nothing of the batch"),
        ]
    if b:
        hints.append(((math.prod(w) + math.prod(b),), "the bias has a column of its own"))
    if maps:
        last = maps[-1]
        wrong = [*(math.prod(shape[1:]) for shape in maps), last[1], math.prod(last[2:]), last[1] * last[2]]
        flattened = "the flattened size: channels x height x width of what comes before"
        hints += [((n, w[1]), flattened) for n in wrong if n != w[0]]
    return hints


def _output_hints(row: Row) -> list[tuple[Shape | None, str]]:
    x, y = row.x, row.y
    hints: list[tuple[Shape | None, str]] = [(y[1:], "the batch is missing"), ((1, *y[1:]), "the batch is missing")]
    if isinstance(row.layer, nn.Linear):
        flattened = "that is the flattened input" if len(x) == 2 else "that is the input"
        return [*hints, (x, flattened), (row.parameter("weight"), "that is the weight")]
    known = row.sizes() == y[2:]  # otherwise no formula knows this layer, and what others would give says nothing
    sizes = row.sizes if known else lambda **_: None
    twice = [size // step for size, step in zip(y[2:], row.setting("stride"), strict=True)]
    changed = [
        (twice if known and not isinstance(row.layer, TRANSPOSED) else None, "the stride is applied twice"),
        (sizes(stride=1), "the stride is missing"),
        (x[2:], "height and width are those of the input"),
        (sizes(padding=0), "the padding is missing"),
        (sizes(dilation=1), "the dilation is missing"),
        (sizes(output_padding=0), "output_padding is missing"),
        (sizes(ceil_mode=not getattr(row.layer, "ceil_mode", False)), "rounded the other way: see ceil_mode"),
    ]
    return [
        *hints,
        *(((*y[:2], *size), hint) for size, hint in changed if size),
        ((y[0], x[1], *y[2:]), "the channels are those of the input"),
        ((y[0], *y[2:], y[1]), "Paddle puts the channels before height and width"),
        (y[2:], "that is height and width only"),
    ]


def counting_task(row: Row, steps: bool = True) -> Task:
    """Multiplications and additions of a convolution; counts with and without its bias are right, and named.

    Args:
        row: of a `Conv2D`, from `trace`.
        steps: also ask for one output number and for one image.

    Raises:
        ValueError: the row is of another layer, or of one with its channels last.
    """
    if not isinstance(row.layer, nn.Conv2D) or not row.channels_first:
        kind = type(row.layer).__name__
        raise ValueError(f"{row.name} is a {kind}; only a Conv2D with its channels first is counted this way")
    image = math.prod(row.y[1:])
    numbers = ({"pixel": (1, 1), "image": (image, 1)} if steps else {}) | {"batch": (image * row.y[0], row.y[0])}
    groups: dict[str, tuple[Entry, ...]] = {}
    for name, (outputs, images) in numbers.items():
        times, plus = _count_entries(row, outputs, images)
        groups |= {f"{name} multiplications": (times,), f"{name} additions": (plus,)}
    return Task(groups, about=f"{_described(row)}, input {list(row.x)}")


def _count_entries(row: Row, outputs: int, images: int) -> tuple[Entry, Entry]:
    """Multiplications and additions for `outputs` numbers of a convolution's output, from `images` images."""
    w, n = row.parameter("weight"), row.y
    per, area = math.prod(w[1:]), math.prod(w[2:])
    ways = [(outputs, area, "that is the kernel's area only: each output number sees all input channels of its group")]
    if outputs == 1:
        ways.append((n[1], per, "that is a whole pixel: one number of one channel is asked for"))
    else:
        a_pixel = outputs // math.prod(n[2:])
        ways = [
            (outputs // images, per, "the batch is missing"),
            (outputs * n[0] // images, per, "that is the whole batch: one image is asked for"),
            (outputs // n[1], per, "the output channels are missing"),
            (outputs * 101 if n[1] == 64 else 0, per, "64 channels: the 6464 in the article is a misprint"),
            (a_pixel * math.prod(row.sizes(padding=0) or n[2:]), per, "the padding is missing"),
            (a_pixel * math.prod(row.x[2:]), per, "height and width are those of the input"),
            (1, per, "that is one output number only"),
            *ways,
        ]
    ways.append((outputs, 2 * per, "multiplications and additions are asked for apart"))
    wrong = [way for way in ways if way[0] and way[:2] != (outputs, per)]  # not every layer can be got wrong each way
    shared = [(number * (each - k), hint) for number, each, hint in wrong for k in (0, 1)]
    times, less, more = outputs * per, outputs * (per - 1), outputs * (per + 1)
    return (
        Entry("", {times: ""}, [
            *shared, (less, "that is the number of additions"), (more, "the bias is added, not multiplied"),
        ]),
        Entry("", {less: WITHOUT, times: WITH} if row.parameter("bias") else {less: ""}, [
            *shared,
            (outputs * w[1] * (area - 1), "the channels' sums have to be added up as well"),
            (times, "this layer has no bias; the first product needs no addition"),
            (more, "n numbers need n - 1 additions; the bias adds one"),
        ]),
    )  # fmt: skip
