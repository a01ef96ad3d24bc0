"""The two tasks of the homework, made from a network: the table of its layers, and the operations of a convolution.

The truth is read off the network (`helpers.homework.trace`); the hints are the values that the usual mistakes would
give. `helpers.homework.answers` holds answers against them.
"""
from __future__ import annotations

import math
import re
from collections.abc import Sequence

from helpers.checks import shown
from helpers.homework import mistakes
from helpers.homework.answers import COLUMNS, WITH, WITHOUT, Entry, Practice, Shape
from helpers.homework.trace import TRANSPOSED, Row, trace
from helpers.language import Text

from paddle import nn

_INPUT = Text("输入", "input")


def table_task(model: nn.Layer, input_shape: Sequence[int], given: Sequence[str] = ()) -> Practice:
    """The table of a network: weight and bias with shape and count, and output shape, for every layer with a row.

    Args:
        model: a network of convolutions, pooling and Linear layers; normalisation and layers without parameters are
            passed through and have no row.
        input_shape: [N, C, H, W], or with another number of axes.
        given: rows that are filled in for the learner.

    Raises:
        ValueError: no layer of the network has a row, one has its channels last, or one cannot be traced (see `trace`).
    """
    rows = trace(model, input_shape)
    if not rows:
        raise ValueError("the network has no convolution, pooling or Linear layer: there is nothing to ask for")
    return table_of(rows, input_shape, given)


def table_of(rows: Sequence[Row], input_shape: Sequence[int], given: Sequence[str] = ()) -> Practice:
    """The same for layers that were traced already."""
    groups: dict[str, tuple[Entry, ...]] = {}
    maps: list[Shape] = []  # those that may be flattened for the next Linear layer
    for row in rows:
        linear = isinstance(row.layer, nn.Linear)
        groups[row.name] = _row_entries(row, maps if linear and len(row.x) == 2 else [])
        maps = [] if linear else [*maps, row.x, row.y]
    lines = [f"{_INPUT} {list(input_shape)}", *(f"{row.name:15s}{_described(row)}" for row in rows)]
    return Practice(groups, tuple(given), "\n".join(lines))


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
    weight = _weight_hints(row, maps) if w else [(None, mistakes.NO_PARAMETERS)]
    if b:
        inputs = row.x[-1] if isinstance(row.layer, nn.Linear) else row.x[1]
        bias = [
            ((), mistakes.HAS_BIAS),
            (w, mistakes.THE_WEIGHT),
            ((inputs,), mistakes.BIAS_OF_OUTPUTS),
            ((1,), mistakes.ONE_BIAS_EACH),
            ((row.y[0], *b), mistakes.BATCH_IN_PARAMETERS),
        ]
    else:
        bias = [(None, mistakes.MADE_WITHOUT_BIAS)] if w else weight
    asked = []
    for shape, hints in ((w, weight), (b, bias)):
        counts = [(None if wrong is None else _count(wrong), hint) for wrong, hint in hints]
        asked += [({shape: ""}, hints), ({_count(shape): ""}, counts)]
    asked.append(({row.y: ""}, _output_hints(row)))
    return tuple(Entry(column, *entry) for column, entry in zip(COLUMNS, asked, strict=True))


def _count(shape: Shape) -> int:
    return math.prod(shape) if shape else 0  # () stands for no parameter


def _weight_hints(row: Row, maps: Sequence[Shape]) -> list[tuple[Shape, Text]]:
    w, b, batch = row.parameter("weight"), row.parameter("bias"), row.x[0]
    hints = [((), mistakes.HAS_WEIGHT)]
    if isinstance(row.layer, nn.Linear):
        hints += [
            (w[::-1], mistakes.TRANSPOSED_LINEAR),
            ((batch * w[0], w[1]), mistakes.BATCH_FLATTENED),
        ]
    else:
        hints += [
            ((w[1], w[0], *w[2:]), mistakes.SWAPPED_CHANNELS),
            ((row.y[1], row.x[1], *w[2:]), mistakes.GROUPS_OR_ORDER),
            (w[2:], mistakes.AREA_ONLY),
            (w[1:], mistakes.ONE_FILTER),
            ((w[0], *w[2:]), mistakes.NO_INPUT_CHANNELS),
            ((batch, *w), mistakes.BATCH_IN_PARAMETERS),
        ]
    if b:
        hints.append(((math.prod(w) + math.prod(b),), mistakes.BIAS_COLUMN))
    if maps:
        last = maps[-1]
        wrong = [*(math.prod(shape[1:]) for shape in maps), last[1], math.prod(last[2:]), last[1] * last[2]]
        flattened = mistakes.FLATTENED_SIZE
        hints += [((n, w[1]), flattened) for n in wrong if n != w[0]]
    return hints


def _output_hints(row: Row) -> list[tuple[Shape | None, Text]]:
    x, y = row.x, row.y
    hints: list[tuple[Shape | None, Text]] = [(y[1:], mistakes.NO_BATCH), ((1, *y[1:]), mistakes.NO_BATCH)]
    if isinstance(row.layer, nn.Linear):
        flattened = mistakes.FLATTENED_INPUT if len(x) == 2 else mistakes.THE_INPUT
        return [*hints, (x, flattened), (row.parameter("weight"), mistakes.THE_WEIGHT)]
    known = row.sizes() == y[2:]  # otherwise no formula knows this layer, and what others would give says nothing
    sizes = row.sizes if known else lambda **_: None
    steps = row.setting("stride") if known and not isinstance(row.layer, TRANSPOSED) else ()
    changed = [
        ([size // step for size, step in zip(y[2:], steps, strict=True)] if steps else None, mistakes.STRIDE_TWICE),
        (sizes(stride=1), mistakes.NO_STRIDE),
        (x[2:], mistakes.SIZE_OF_INPUT),
        (sizes(padding=0), mistakes.NO_PADDING),
        (sizes(dilation=1), mistakes.NO_DILATION),
        (sizes(output_padding=0), mistakes.NO_OUTPUT_PADDING),
        (sizes(ceil_mode=not getattr(row.layer, "ceil_mode", False)), mistakes.OTHER_ROUNDING),
    ]
    return [
        *hints,
        *(((*y[:2], *size), hint) for size, hint in changed if size),
        ((y[0], x[1], *y[2:]), mistakes.CHANNELS_OF_INPUT),
        ((y[0], *y[2:], y[1]), mistakes.CHANNELS_LAST),
        (y[2:], mistakes.SIZE_ONLY),
    ]


def counting_task(row: Row, steps: bool = True) -> Practice:
    """Multiplications and additions of a convolution; counts with and without its bias are right, and named.

    Args:
        row: of a `Conv2D`, from `trace`.
        steps: also ask for one output number and for one image.

    Raises:
        ValueError: the row is of another layer, or of one with its channels last.
    """
    if not isinstance(row, Row):
        raise ValueError(f"a row of `trace` is counted, not {shown(row)}")
    if not isinstance(row.layer, nn.Conv2D) or not row.channels_first:
        kind = type(row.layer).__name__
        raise ValueError(f"{row.name} is a {kind}; only a Conv2D with its channels first is counted this way")
    image = math.prod(row.y[1:])
    numbers = ({"pixel": (1, 1), "image": (image, 1)} if steps else {}) | {"batch": (image * row.y[0], row.y[0])}
    groups: dict[str, tuple[Entry, ...]] = {}
    for name, (outputs, images) in numbers.items():
        times, plus = _count_entries(row, outputs, images)
        groups |= {f"{name} multiplications": (times,), f"{name} additions": (plus,)}
    return Practice(groups, about=f"{_described(row)}, {_INPUT} {list(row.x)}")


def _count_entries(row: Row, outputs: int, images: int) -> tuple[Entry, Entry]:
    """Multiplications and additions for `outputs` numbers of a convolution's output, from `images` images."""
    w, n = row.parameter("weight"), row.y
    per, area = math.prod(w[1:]), math.prod(w[2:])
    ways = [(outputs, area, mistakes.AREA_WITHOUT_CHANNELS)]
    if outputs == 1:
        ways.append((n[1], per, mistakes.WHOLE_PIXEL))
    else:
        a_pixel = outputs // math.prod(n[2:])
        ways = [
            (outputs // images, per, mistakes.NO_BATCH),
            (outputs * n[0] // images, per, mistakes.WHOLE_BATCH),
            (outputs // n[1], per, mistakes.NO_OUTPUT_CHANNELS),
            (outputs * 101 if n[1] == 64 else 0, per, mistakes.MISPRINT),
            (a_pixel * math.prod(row.sizes(padding=0) or n[2:]), per, mistakes.NO_PADDING),
            (a_pixel * math.prod(row.x[2:]), per, mistakes.SIZE_OF_INPUT),
            (1, per, mistakes.ONE_NUMBER),
            *ways,
        ]
    ways.append((outputs, 2 * per, mistakes.TOGETHER))
    wrong = [way for way in ways if way[0] and way[:2] != (outputs, per)]  # not every layer can be got wrong each way
    shared = [(number * (each - k), hint) for number, each, hint in wrong for k in (0, 1)]
    times, less, more = outputs * per, outputs * (per - 1), outputs * (per + 1)
    return (
        Entry("", {times: ""}, [
            *shared, (less, mistakes.THE_ADDITIONS), (more, mistakes.BIAS_MULTIPLIED),
        ]),
        Entry("", {less: WITHOUT, times: WITH} if row.parameter("bias") else {less: ""}, [
            *shared,
            (outputs * w[1] * (area - 1), mistakes.NO_SUM_OF_CHANNELS),
            (times, mistakes.NO_BIAS_TO_ADD),
            (more, mistakes.ONE_TOO_MANY),
        ]),
    )  # fmt: skip
