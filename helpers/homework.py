"""The homework of notebook 04: sizes and counts by formula, and questions made from a network.

The truth is read off the network by forward hooks; the hints are the values that the usual mistakes would give.
`helpers.homework_answers` holds answers against it, `helpers.homework_export` makes the files to hand in.
"""
from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from helpers.homework_answers import COLUMNS, WITH, WITHOUT, Entry, Report, Shape, Task, shown
from helpers.homework_export import FOLDER, hand_in
from helpers.inference import mode

import numpy as np
import paddle
from paddle import nn

__all__ = [
    "FOLDER", "Report", "Row", "Task", "conv_size", "counting_task", "hand_in", "macs", "pool_size", "practice",
    "table_task", "trace", "transposed_size",
]  # fmt: skip

# --- formulas ---------------------------------------------------------------------------------------------------------


def _check(least: int, **settings: int) -> None:
    for name, value in settings.items():
        if value < least:
            raise ValueError(f"{name} must be at least {least}, not {value}")


def _steps(room: int, stride: int, what: str) -> int:
    if room < 0:
        raise ValueError(f"{what} reaches {-room} beyond the padded image: it does not fit")
    return room // stride + 1


def conv_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Height or width in pixels that a convolution gives; `padding` is added on both sides.

    Raises:
        ValueError: a setting is too small, or the kernel does not fit. Paddle itself may not notice that: it rounds
            towards zero where the formula rounds down, so that an overhang of less than the stride passes, and then
            reads outside of the image.
    """
    _check(1, size=size, kernel=kernel, stride=stride, dilation=dilation)
    _check(0, padding=padding)
    reach = dilation * (kernel - 1) + 1
    return _steps(size + 2 * padding - reach, stride, f"a kernel of {reach} pixels")


def pool_size(
    size: int, kernel: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False
) -> int:
    """Height or width in pixels after pooling; the stride is the kernel's size by default.

    Raises:
        ValueError: a setting is too small, or the window does not fit.
    """
    stride = kernel if stride is None else stride
    _check(1, size=size, kernel=kernel, stride=stride)
    _check(0, padding=padding)
    room = size + 2 * padding - kernel
    return _steps(room if room < 0 or not ceil_mode else room + stride - 1, stride, f"a window of {kernel} pixels")


def transposed_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, output_padding: int = 0
) -> int:
    """Height or width in pixels that a transposed convolution gives, the inverse of `conv_size`.

    Raises:
        ValueError: a setting is too small, the padding takes away everything, or `output_padding` is not smaller than
            the stride.
    """
    _check(1, size=size, kernel=kernel, stride=stride, dilation=dilation)
    _check(0, padding=padding, output_padding=output_padding)
    if output_padding >= stride and output_padding:
        raise ValueError(f"output_padding {output_padding} must be smaller than the stride {stride}")
    grown = (size - 1) * stride + dilation * (kernel - 1) + 1 - 2 * padding + output_padding
    if grown < 1:
        raise ValueError(f"the padding {padding} takes away the whole output")
    return grown


# --- the network, read by hooks ---------------------------------------------------------------------------------------


class Row(NamedTuple):
    """One layer as it was called: shapes of its input and output, batch first."""

    name: str
    layer: nn.Layer
    x: Shape
    y: Shape

    def parameter(self, name: str) -> Shape:
        """The shape of `weight` or `bias`; () if the layer has none."""
        value = getattr(self.layer, name, None)
        return () if value is None else tuple(value.shape)

    def setting(self, name: str, default: int = 0) -> tuple[int, int]:
        """A layer's stride, padding or dilation for height and width; Paddle names them differently by layer."""
        value = getattr(self.layer, f"_{name}", getattr(self.layer, name, default))
        value = default if value is None else value
        return (value, value) if isinstance(value, int) else tuple(value)


COUNTED = (nn.Conv2D, nn.Conv2DTranspose, nn.MaxPool2D, nn.AvgPool2D, nn.Linear)


def trace(model: nn.Layer, input_shape: Sequence[int], kinds: tuple[type, ...] = COUNTED) -> list[Row]:
    """Run the network once on zeros and list its layers of these kinds in the order in which they are called.

    A layer that is called again has another row, with a number behind its name: pool, pool (2). The network's mode is
    put back; its BatchNorm statistics do not change.
    """
    rows: list[Row] = []

    def hook(name: str):
        def note(layer: nn.Layer, x: tuple[paddle.Tensor, ...], y: paddle.Tensor) -> None:
            calls = 1 + sum(row.layer is layer for row in rows)
            rows.append(Row(f"{name} ({calls})" if calls > 1 else name, layer, tuple(x[0].shape), tuple(y.shape)))

        return note

    layers = [(name, layer) for name, layer in model.named_sublayers(include_self=True) if isinstance(layer, kinds)]
    hooks = [layer.register_forward_post_hook(hook(name or "layer")) for name, layer in layers]
    try:
        with mode(model, training=False), paddle.no_grad():
            model(paddle.zeros(list(input_shape)))
    finally:
        for handle in hooks:
            handle.remove()
    return rows


def macs(row: Row) -> int:
    """Multiplications of a layer (its multiply-accumulates, the bias left out); 0 for layers without a product.

    Padding zeros count, as in every published number. A transposed convolution multiplies every input number with
    its share of the kernel, whatever is cut off afterwards.
    """
    w = row.parameter("weight")
    if isinstance(row.layer, nn.Conv2DTranspose):
        return math.prod(row.x) * math.prod(w[1:])
    if isinstance(row.layer, nn.Conv2D):
        return math.prod(row.y) * math.prod(w[1:])
    return math.prod(row.y) * w[0] if isinstance(row.layer, nn.Linear) else 0


# --- making questions -------------------------------------------------------------------------------------------------


def _sizes(row: Row, **changes: object) -> Shape | None:
    """Height and width that a layer would give with changed settings; None if that does not fit."""
    layer, sizes = row.layer, []
    for axis in (0, 1):
        names = {"stride": 1, "padding": 0, "dilation": 1}
        settings = {name: row.setting(name, default)[axis] for name, default in names.items()}
        if isinstance(layer, nn.Conv2DTranspose):
            size, kernel = transposed_size, row.parameter("weight")[2 + axis]
            settings["output_padding"] = row.setting("output_padding")[axis]
        elif isinstance(layer, nn.Conv2D):
            size, kernel = conv_size, row.parameter("weight")[2 + axis]
        else:
            size, kernel = pool_size, row.setting("ksize")[axis]
            settings = {"stride": settings["stride"], "padding": settings["padding"], "ceil_mode": layer.ceil_mode}
            settings["stride"] = row.setting("stride", kernel)[axis]
        try:
            sizes.append(size(row.x[2 + axis], kernel, **{**settings, **changes}))
        except (ValueError, TypeError):  # does not fit, or no such setting
            return None
    return tuple(sizes)


def _weight_hints(row: Row) -> list[tuple[Shape, str]]:
    w, batch = row.parameter("weight"), row.x[0]
    if isinstance(row.layer, nn.Linear):
        return [
            (w[::-1], "in and out are swapped: Paddle's Linear is the transpose of PyTorch's"),
            ((batch * w[0], w[1]), "the batch is not flattened into the input"),
        ]
    swapped = (w[1], w[0], *w[2:])
    return [
        (swapped, "input and output channels are swapped"),
        ((row.y[1], row.x[1], *w[2:]), "the groups, or the order of a transposed convolution's channels"),
        (w[2:], "that is the kernel's area only"),
        (w[1:], "that is one filter only: how many are there?"),
        ((w[0], *w[2:]), "each filter sees all input channels of its group"),
        ((batch, *w), "parameters know nothing of the batch"),
    ]


def _output_hints(row: Row) -> list[tuple[Shape | None, str]]:
    x, y = row.x, row.y
    hints: list[tuple[Shape | None, str]] = [(y[1:], "the batch is missing"), ((1, *y[1:]), "the batch is missing")]
    if len(y) == 2:
        return [*hints, (x, "that is the flattened input"), (row.parameter("weight"), "that is the weight")]
    stride = row.setting("stride", 1)
    twice = tuple(size // step for size, step in zip(y[2:], stride, strict=True))
    changed = [
        (twice, "the stride is applied twice"),
        (_sizes(row, stride=1), "the stride is missing"),
        (x[2:], "height and width are those of the input"),
        (_sizes(row, padding=0), "the padding is missing"),
        (_sizes(row, dilation=1), "the dilation is missing"),
        (_sizes(row, output_padding=0), "output_padding is missing"),
        (_sizes(row, ceil_mode=not getattr(row.layer, "ceil_mode", False)), "rounded the other way: see ceil_mode"),
    ]
    hints += [((*y[:2], *sizes), hint) for sizes, hint in changed if sizes]
    return [
        *hints,
        ((y[0], x[1], *y[2:]), "the channels are those of the input"),
        ((y[0], *y[2:], y[1]), "Paddle puts the channels before height and width"),
        (y[2:], "that is height and width only"),
    ]


def _described(row: Row) -> str:
    """A layer as one would write it, with what Paddle's own text leaves out, and without what is asked for."""
    if isinstance(row.layer, nn.Linear):
        text = f"in_features=?, out_features={row.y[1]}"
    else:
        text = row.layer.extra_repr().replace(", data_format=NCHW", "")
        text += ", ceil_mode=True" if getattr(row.layer, "ceil_mode", False) else ""
    text += "" if row.parameter("bias") or not row.parameter("weight") else ", bias_attr=False"
    return f"{type(row.layer).__name__}({text})"


def _row_entries(row: Row) -> tuple[Entry, ...]:
    w, b = row.parameter("weight"), row.parameter("bias")
    size, biases = (math.prod(shape) if shape else 0 for shape in (w, b))
    if not w:
        none = [(None, "this layer has no parameters")]
        columns = [Entry(name, {() if "shape" in name else 0: ""}, none) for name in COLUMNS[:4]]
        return (*columns, Entry("output", {row.y: ""}, _output_hints(row)))
    weight = [((), "this layer has a weight"), *_weight_hints(row)]
    count = [(math.prod(shape) if shape else 0, hint) for shape, hint in weight]
    count.append((size + biases, "the bias has a column of its own"))
    bias = [(None, "this layer was made without a bias")] if not b else [
        ((), "this layer has a bias: it is on by default"),
        (w, "that is the weight"),
        ((row.x[1],), "one bias for each OUTPUT channel, not for each input"),
        ((1,), "one bias for each output channel"),
        ((row.y[0], *b), "parameters know nothing of the batch"),
    ]  # fmt: skip
    number = [(None if shape is None else math.prod(shape) if shape else 0, hint) for shape, hint in bias]
    return (
        Entry("w shape", {w: ""}, weight), Entry("w count", {size: ""}, count),
        Entry("b shape", {b: ""}, bias), Entry("b count", {biases: ""}, number),
        Entry("output", {row.y: ""}, _output_hints(row)),
    )  # fmt: skip


def _with_flattened_hint(entries: tuple[Entry, ...], row: Row, guesses: Iterable[int]) -> tuple[Entry, ...]:
    """Hints for a Linear layer whose input size is one of the usual wrong guesses."""
    out = row.parameter("weight")[1]
    hint = "the flattened size: channels x height x width of what comes before"
    shape, count, *rest = entries
    wrong = [n for n in dict.fromkeys(guesses) if n != row.x[1]]
    return (
        shape._replace(hints=[*shape.hints, *(((n, out), hint) for n in wrong)]),
        count._replace(hints=[*count.hints, *((n * out, hint) for n in wrong)]),
        *rest,
    )


def table_task(model: nn.Layer, input_shape: Sequence[int], given: Sequence[str] = ()) -> Task:
    """The table of a network: weight and bias with shape and count, and output shape, for every layer with a row.

    Args:
        model: a network of convolutions, pooling and Linear layers; others are passed through and have no row.
        input_shape: [N, C, H, W].
        given: rows that are filled in for the learner.
    """
    return _table(trace(model, input_shape), input_shape, given)


def _table(rows: Sequence[Row], input_shape: Sequence[int], given: Sequence[str] = ()) -> Task:
    groups, before = {}, []
    for row in rows:
        entries = _row_entries(row)
        if len(row.x) == 4:
            before.append(row)
        elif before:  # shapes of the feature maps on the way, flattened the wrong way
            guesses = [math.prod(shape[1:]) for earlier in before for shape in (earlier.x, earlier.y)]
            last = before[-1].y
            guesses += [last[1], last[2] * last[3], last[1] * last[2]]
            entries = _with_flattened_hint(entries, row, guesses)
            before = []
        groups[row.name] = entries
    lines = [f"input {list(input_shape)}", *(f"{row.name:15s}{_described(row)}" for row in rows)]
    return Task(groups, tuple(given), "\n".join(lines))


def _count_entries(row: Row, outputs: int, images: int) -> tuple[Entry, Entry]:
    """Multiplications and additions for `outputs` numbers of a convolution's output, from `images` images."""
    w, n = row.parameter("weight"), row.y
    per, area = math.prod(w[1:]), math.prod(w[2:])
    plain = _sizes(row, padding=0) or n[2:]
    ways = [
        (outputs, area, "that is the kernel's area only: each output number sees all input channels of its group"),
        (outputs * n[1], per, "that is a whole pixel: one number of one channel is asked for"),
    ]
    if outputs > 1:
        ways = [
            (outputs // images, per, "the batch is missing"),
            (outputs * n[0] // images, per, "that is the whole batch: one image is asked for"),
            (outputs // n[1], per, "the output channels are missing"),
            (outputs * 101 if n[1] == 64 else 0, per, "64 channels: the 6464 in the article is a misprint"),
            (outputs // math.prod(n[2:]) * math.prod(plain), per, "the padding is missing"),
            (outputs // math.prod(n[2:]) * math.prod(row.x[2:]), per, "height and width are those of the input"),
            (1, per, "that is one output number only"),
            ways[0],
        ]
    both = [(outputs * (2 * per - k), "multiplications and additions are asked for apart") for k in (0, 1)]
    times = [(number * each, hint) for number, each, hint in ways if number]
    plus = [(number * (each - k), hint) for number, each, hint in ways if number for k in (0, 1)]
    less = [(outputs * (per - 1), "that is the number of additions"),
            (outputs * (per + 1), "the bias is added, not multiplied")]
    channels = [(outputs * w[1] * (area - 1), "the channels' sums have to be added up as well")]
    additions = {outputs * (per - 1): WITHOUT, outputs * per: WITH}
    if not row.parameter("bias"):
        additions = {outputs * (per - 1): ""}
        channels.append((outputs * per, "this layer has no bias; the first product needs no addition"))
    channels.append((outputs * (per + 1), "n numbers need n - 1 additions; the bias adds one"))
    return Entry("", {outputs * per: ""}, times + both + less), Entry("", additions, plus + both + channels)


def counting_task(row: Row, steps: bool = True) -> Task:
    """Multiplications and additions of a convolution; counts with and without its bias are right, and named.

    Args:
        row: of a `Conv2D`, from `trace`.
        steps: also ask for one output number and for one image.

    Raises:
        ValueError: the row is of another layer.
    """
    if not isinstance(row.layer, nn.Conv2D):
        raise ValueError(f"{row.name} is a {type(row.layer).__name__}; only a Conv2D is counted this way")
    numbers_of = {"pixel": (1, 1), "image": (math.prod(row.y[1:]), 1)} if steps else {}
    numbers_of["batch"] = (math.prod(row.y), row.y[0])
    groups: dict[str, tuple[Entry, ...]] = {}
    for name, (outputs, images) in numbers_of.items():
        times, plus = _count_entries(row, outputs, images)
        groups |= {f"{name} multiplications": (times,), f"{name} additions": (plus,)}
    return Task(groups, (), f"{_described(row)}, input {list(row.x)}")


# --- practice ---------------------------------------------------------------------------------------------------------


class _Residual(nn.Layer):
    """Two convolutions beside a shortcut, without normalisation."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(in_channels, channels, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2D(channels, channels, 3, padding=1, bias_attr=False)
        self.shortcut = nn.Conv2D(in_channels, channels, 1, stride=2)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.conv2(nn.functional.relu(self.conv1(x)))
        return nn.functional.relu(y + self.shortcut(x))


def practice(seed: int, hard: bool = False) -> Task:
    """A new network for every seed, with its table and the operations of its first convolution to fill in.

    Args:
        seed: a whole number, 0 or more.
        hard: dilation, a depthwise and a pointwise convolution, a residual block and a transposed convolution.

    Raises:
        ValueError: the seed is not a whole number from 0 on.
    """
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
        raise ValueError(f"the seed must be a whole number from 0 on, not {shown(seed)}")
    rng = np.random.default_rng(int(seed))

    def draw(*choices: int) -> int:
        return int(rng.choice(choices))

    shape = [draw(2, 4, 5), draw(1, 3), draw(33, 36, 40, 45), draw(30, 34, 38, 41)]
    first, second = draw(4, 6, 8), draw(10, 12, 16)
    if hard:
        layers = [
            ("dilated", nn.Conv2D(shape[1], first, 3, padding=draw(0, 1, 2), dilation=draw(2, 3))),
            ("depthwise", nn.Conv2D(first, first, draw(3, 5), stride=draw(1, 2), padding=1, groups=first)),
            ("pointwise", nn.Conv2D(first, second, 1, bias_attr=False)),
            ("block", _Residual(second, 2 * second)),
            ("up", nn.Conv2DTranspose(2 * second, first, draw(2, 3, 4), stride=2, padding=draw(0, 1))),
        ]
    else:
        layers = [
            ("conv1", nn.Conv2D(shape[1], first, draw(3, 5, 7), stride=draw(1, 2), padding=draw(0, 1, 2))),
            ("pool1", nn.MaxPool2D(draw(2, 3), stride=2, ceil_mode=bool(draw(0, 1)))),
            ("conv2", nn.Conv2D(first, second, draw(1, 3), padding=draw(0, 1))),
            ("pool2", nn.AvgPool2D(2, stride=2, ceil_mode=bool(draw(0, 1)))),
            ("flatten", nn.Flatten()),
        ]
        flat = nn.Sequential(*layers)(paddle.zeros(shape)).shape[1]
        hidden = draw(20, 32, 50)
        layers += [("fc1", nn.Linear(flat, hidden)), ("fc2", nn.Linear(hidden, draw(2, 3, 7)))]
    rows = trace(nn.Sequential(*layers), shape)
    table, counts = _table(rows, shape), counting_task(rows[0], steps=False)
    named = {f"{rows[0].name} {name.split()[1]}": entries for name, entries in counts.groups.items()}
    return Task(table.groups | named, (), table.about)
