"""The layers of a network as they were called: shapes, sizes with other settings, multiplications.

The shapes are noted by forward hooks while the network runs once.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from helpers.homework.answers import Shape
from helpers.homework.sizes import conv_size, pool_size, transposed_size
from helpers.runtime import mode

import paddle
from paddle import nn

CONVOLUTIONS = (nn.Conv1D, nn.Conv2D, nn.Conv3D)
TRANSPOSED = (nn.Conv1DTranspose, nn.Conv2DTranspose, nn.Conv3DTranspose)
POOLING = (nn.MaxPool1D, nn.MaxPool2D, nn.MaxPool3D, nn.AvgPool1D, nn.AvgPool2D, nn.AvgPool3D)
FORMULAS = (
    (CONVOLUTIONS, conv_size, ("stride", "padding", "dilation")),
    (TRANSPOSED, transposed_size, ("stride", "padding", "dilation", "output_padding")),
    (POOLING, pool_size, ("stride", "padding", "ceil_mode")),
)
COUNTED = (*CONVOLUTIONS, *TRANSPOSED, *POOLING, nn.Linear)


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

    @property
    def channels_first(self) -> bool:
        """Whether the layer takes [N, C, ...], as layers do unless they are told otherwise."""
        return getattr(self.layer, "_data_format", getattr(self.layer, "data_format", "NC")).startswith("NC")

    @property
    def kernel(self) -> Shape:
        """Size of the kernel, or of the pooling window, along each axis; () for other layers."""
        if isinstance(self.layer, POOLING):
            return self.setting("ksize" if hasattr(self.layer, "ksize") else "kernel_size")
        return self.parameter("weight")[2:]

    def setting(self, name: str) -> Shape:
        """A stride, padding or the like for each axis; a ValueError where it is not one number an axis, as "SAME"."""
        value = getattr(self.layer, f"_{name}", getattr(self.layer, name, None))  # Paddle's layers differ in the names
        if value is None:  # a pooling window moves by its own size unless it is told otherwise
            value = self.kernel if name == "stride" else 0
        axes = len(self.x) - 2
        each = (value,) * axes if isinstance(value, int) else tuple(value)
        if len(each) != axes:
            raise ValueError(f"{self.name}: the {name} {value!r} is not one number for each of {axes} axes")
        return each

    def sizes(self, **changes: int) -> Shape | None:
        """The output's size along each axis by formula, as if some settings were other ones.

        None where that does not fit, the layer has no such setting, or no formula is known for the layer's own.
        """
        known = [formula for formula in FORMULAS if isinstance(self.layer, formula[0])]
        if not known or not self.channels_first:
            return None
        _, size, names = known[0]
        try:
            each = zip(self.x[2:], self.kernel, *map(self.setting, names), strict=True)
            return tuple(size(n, k, **dict(zip(names, own, strict=True)) | changes) for n, k, *own in each)
        except (ValueError, TypeError):  # does not fit, or no such setting
            return None


def trace(model: nn.Layer, input_shape: Sequence[int], kinds: tuple[type, ...] = COUNTED) -> list[Row]:
    """Run the network once on zeros and list its layers of these kinds in the order in which they are called.

    A layer that is called again has another row, with a number behind its name: pool, pool (2). Of several tensors
    that a layer is given, or gives, the first counts. The network stays as it was, each layer in its own mode, and its
    BatchNorm statistics do not change. A ValueError names a layer that was given no tensor, or gave none.
    """
    rows: list[Row] = []

    def note(name: str, layer: nn.Layer, x: tuple, y: object) -> None:
        calls = 1 + sum(row.layer is layer for row in rows)
        outputs = y if isinstance(y, (tuple, list)) else [y]
        shapes = [[tuple(value.shape) for value in values if hasattr(value, "shape")] for values in (x, outputs)]
        if not all(shapes):
            raise ValueError(
                f"{name} cannot be traced: no tensor is seen that it was given, or that it gave (one that is given by "
                "keyword is not seen: call it without the keyword)"
            )
        rows.append(Row(f"{name} ({calls})" if calls > 1 else name, layer, shapes[0][0], shapes[1][0]))

    layers = [(name, layer) for name, layer in model.named_sublayers(include_self=True) if isinstance(layer, kinds)]
    hooks = [layer.register_forward_post_hook(partial(note, name or "layer")) for name, layer in layers]
    try:
        with mode(model, training=False), paddle.no_grad():
            model(paddle.zeros(list(input_shape)))
    finally:
        for handle in hooks:
            handle.remove()
    return rows


def macs(row: Row) -> int:
    """Multiplications of a layer (its multiply-accumulates, the bias left out); 0 for pooling, which has no product.

    Padding zeros count, as in every published number. A transposed convolution multiplies every input number with
    its share of the kernel, whatever is cut off afterwards. A ValueError names a layer of which nothing is known here.
    """
    if isinstance(row.layer, POOLING):
        return 0
    if not isinstance(row.layer, COUNTED):
        kind = type(row.layer).__name__
        raise ValueError(f"{row.name} is a {kind}; only convolutions, pooling and Linear layers are counted")
    w = row.parameter("weight")
    each = w[:1] if isinstance(row.layer, nn.Linear) else w[1:]
    return math.prod(row.x if isinstance(row.layer, TRANSPOSED) else row.y) * math.prod(each)
