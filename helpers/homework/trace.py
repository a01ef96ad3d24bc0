"""The layers of a network as they were called: shapes, sizes with other settings, multiplications.

The shapes are noted while the network runs once. What is seen are calls of layers: products that a `forward` makes of
tensors itself (`F.conv2d`, `paddle.matmul`, the attention of queries and keys), interpolation, normalisation and
activations are in no count.
"""
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from helpers.checks import shown, whole
from helpers.homework.answers import Shape
from helpers.homework.sizes import DoesNotFit, Padding, conv_size, pool_size, transposed_size
from helpers.runtime import mode

import paddle
from paddle import nn
from paddle.jit.dy2static.program_translator import ProgramTranslator

CONVOLUTIONS = (nn.Conv1D, nn.Conv2D, nn.Conv3D)
TRANSPOSED = (nn.Conv1DTranspose, nn.Conv2DTranspose, nn.Conv3DTranspose)
POOLING = (nn.MaxPool1D, nn.MaxPool2D, nn.MaxPool3D, nn.AvgPool1D, nn.AvgPool2D, nn.AvgPool3D)
ADAPTIVE = (
    nn.AdaptiveMaxPool1D, nn.AdaptiveMaxPool2D, nn.AdaptiveMaxPool3D,
    nn.AdaptiveAvgPool1D, nn.AdaptiveAvgPool2D, nn.AdaptiveAvgPool3D,
)  # fmt: skip
FORMULAS = (
    (CONVOLUTIONS, conv_size, ("stride", "padding", "dilation")),
    (TRANSPOSED, transposed_size, ("stride", "padding", "dilation", "output_padding")),
    (POOLING, pool_size, ("stride", "padding", "ceil_mode")),
)
COUNTED = (*CONVOLUTIONS, *TRANSPOSED, *POOLING, *ADAPTIVE, nn.Linear)
# They have parameters, and do the same to each number or channel: what a count of products leaves out.
ELEMENTWISE = (
    nn.BatchNorm, nn.BatchNorm1D, nn.BatchNorm2D, nn.BatchNorm3D, nn.SyncBatchNorm, nn.LayerNorm, nn.GroupNorm,
    nn.InstanceNorm1D, nn.InstanceNorm2D, nn.InstanceNorm3D, nn.PReLU,
)  # fmt: skip


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

    def setting(self, name: str) -> tuple[Padding, ...]:
        """A stride, padding or the like for each axis; a ValueError where it is nothing of the kind.

        A padding is for each axis what `helpers.homework.sizes` takes: a number, a pair, "SAME" or "VALID".
        """
        value = getattr(self.layer, f"_{name}", getattr(self.layer, name, None))  # Paddle's layers differ in the names
        if value is None:  # a pooling window moves by its own size unless it is told otherwise
            value = self.kernel if name == "stride" else 0
        axes = len(self.x) - 2
        each = (value,) * axes if isinstance(value, (int, str)) else tuple(value)
        if name == "padding" and len(each) == axes + 2 and isinstance(each[0], Sequence):  # with batch and channels
            each = tuple(map(tuple, each[2:] if self.channels_first else each[1:-1]))
        elif name == "padding" and len(each) == 2 * axes:
            each = tuple(zip(each[::2], each[1::2], strict=True))
        if len(each) != axes:
            raise ValueError(f"{self.name}: the {name} {value!r} is not one number for each of {axes} axes")
        return each

    def sizes(self, **changes: int) -> Shape | None:
        """The output's size along each axis by formula, as if some settings were other ones.

        None where that does not fit, the layer has no such setting, or no formula is known for the layer's own.
        """
        try:
            return self._sizes(changes)
        except (ValueError, TypeError):  # does not fit, or no such setting
            return None

    def check(self) -> None:
        """Raise a ValueError for a kernel or a window that the padded input has no room for.

        Paddle does not always: see `conv_size`. Only layers of Paddle's own classes are checked, since others may pad.
        """
        if type(self.layer) in (*CONVOLUTIONS, *POOLING):
            try:
                self._sizes({})
            except DoesNotFit as error:
                raise ValueError(f"{self.name}: {error}") from error
            except (ValueError, TypeError):
                return  # Paddle says what is wrong

    def _sizes(self, changes: dict[str, int]) -> Shape | None:
        known = [formula for formula in FORMULAS if isinstance(self.layer, formula[0])]
        if not known:
            return None
        _, size, names = known[0]
        axes = self.x[2:] if self.channels_first else self.x[1:-1]
        each = zip(axes, self.kernel, *map(self.setting, names), strict=True)
        return tuple(size(n, k, **dict(zip(names, own, strict=True)) | changes) for n, k, *own in each)


def trace(model: nn.Layer, input_shape: Sequence[int], kinds: tuple[type, ...] | None = None) -> list[Row]:
    """Run the network once on zeros and list its layers of these kinds in the order in which they are called.

    A layer that is called again has another row, with a number behind its name: pool, pool (2). Of several tensors
    that a layer is given, by keyword or not, or gives, the first counts, in lists and dictionaries too. The network
    stays as it was, each layer in its own mode, and its BatchNorm statistics do not change.

    Args:
        model: any network; one layer alone is called "layer".
        input_shape: batch first.
        kinds: those to list; `COUNTED` if left out.

    Raises:
        ValueError: the model is no layer, or the shape no list of whole numbers; a layer was given no tensor, or gave
            none; a kernel or a window does not fit its input; or, where `kinds` is left out, a layer was called that
            multiplies in a way that is not known here: one with parameters of its own that is neither `COUNTED` nor
            `ELEMENTWISE`, as an LSTM, or attention, or one of these kinds with more parameters than they have; or the
            weights are of 16 bits, on a CPU. What the network itself raises is passed on.
    """
    if not isinstance(model, nn.Layer):
        raise ValueError(f"the model must be a paddle.nn.Layer, not {shown(model)}")
    if not isinstance(input_shape, (list, tuple)):
        raise ValueError(f"the input's shape must be a list such as [1, 3, 32, 32], not {shown(input_shape)}")
    shape = [whole("each number of the input's shape", size, 1) for size in input_shape]
    rows: list[Row] = []
    calls_of: Counter[int] = Counter()

    def noting(name: str, layer: nn.Layer, forward: Callable) -> Callable:
        def noted(*args: object, **kwargs: object) -> object:
            calls_of[id(layer)] += 1
            calls = calls_of[id(layer)]
            called = f"{name} ({calls})" if calls > 1 else name
            x = next(_shapes([*args, kwargs]), None)
            if x is not None:
                Row(called, layer, x, x).check()
            y = forward(*args, **kwargs)
            shape = next(_shapes(y), None)
            if x is None or shape is None:
                raise ValueError(f"{name} cannot be traced: no tensor is seen that it was given, or that it gave")
            rows.append(Row(called, layer, x, shape))
            return y

        return noted

    def refusing(name: str, layer: nn.Layer, forward: Callable) -> Callable:
        def refused(*args: object, **kwargs: object) -> object:
            kind = type(layer).__name__
            raise ValueError(f"{name} ({kind}): it is not known how this layer multiplies, so it cannot be counted")

        return refused

    with _unchanged(model), mode(model, training=False), paddle.no_grad(), _as_written(), _forwards() as replace:
        for name, layer in model.named_sublayers(include_self=True):
            if _is_counted(layer) if kinds is None else isinstance(layer, kinds):
                replace(name or "layer", layer, noting)
            elif kinds is None and _multiplies(layer):
                replace(name or "layer", layer, refusing)
        model(_zeros(model, shape))
    return rows


def _shapes(value: object) -> Iterator[Shape]:
    """Those of all tensors in a value, in lists and dictionaries too, in their order."""
    if hasattr(value, "shape"):
        yield tuple(value.shape)
    elif isinstance(value, (tuple, list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _shapes(each)


def _multiplies(layer: nn.Layer) -> bool:
    """Whether a layer that is not counted may multiply: it has parameters of its own, or is known for it."""
    own = layer.parameters(include_sublayers=False)
    return isinstance(layer, nn.MultiHeadAttention) or (bool(own) and not isinstance(layer, ELEMENTWISE))


def _is_counted(layer: nn.Layer) -> bool:
    """Whether it is one of COUNTED, or of a class made of one without more parameters: those multiply, too."""
    own = {name for name, _ in layer.named_parameters(include_sublayers=False)}
    return isinstance(layer, COUNTED) and (type(layer) in COUNTED or own <= {"weight", "bias"})


def _zeros(model: nn.Layer, shape: Sequence[int]) -> paddle.Tensor:
    """An input of the type of the model's weights; a ValueError where this machine cannot compute in it."""
    kinds = [parameter.dtype for parameter in model.parameters() if "float" in str(parameter.dtype)]
    kind = kinds[0] if kinds else paddle.float32
    if paddle.get_device() == "cpu" and kind in (paddle.float16, paddle.bfloat16):
        raise ValueError(f"the weights are {kind}, in which a CPU does not compute: model.to(dtype='float32')")
    return paddle.zeros(shape, kind)


@contextmanager
def _forwards() -> Iterator[Callable]:
    """Gives a function that puts something before a layer's `forward`; all are as before in the end.

    Not forward hooks: in Paddle 2.6 they see nothing that is given by keyword.
    """
    before: list[tuple[nn.Layer, dict]] = []

    def replace(name: str, layer: nn.Layer, put: Callable) -> None:
        before.append((layer, {key: value for key, value in layer.__dict__.items() if key == "forward"}))
        layer.forward = put(name, layer, layer.forward)

    try:
        yield replace
    finally:
        for layer, own in before:
            layer.__dict__.pop("forward", None)
            layer.__dict__.update(own)


@contextmanager
def _as_written() -> Iterator[None]:
    """Run what `paddle.jit.to_static` has made as it was written: a program that is made already calls no layer."""
    translator = ProgramTranslator()
    before = translator.enable_to_static
    paddle.jit.enable_to_static(False)
    try:
        yield
    finally:
        paddle.jit.enable_to_static(before)


@contextmanager
def _unchanged(model: nn.Layer) -> Iterator[None]:
    """Put back what is not trained: BatchNorm(use_global_stats=False) changes its statistics in evaluation mode too."""
    state = [*model.parameters(), *model.buffers()]
    fixed = [tensor for tensor in state if tensor.stop_gradient and tensor._is_initialized()]  # an LSTM's buffer is not
    before = [tensor.clone() for tensor in fixed]
    try:
        yield
    finally:
        for tensor, value in zip(fixed, before, strict=True):
            tensor.set_value(value)


def macs(row: Row) -> int:
    """Multiplications of a layer: its multiply-accumulates, the bias left out.

    Pooling has none: it compares, or adds (the division of a mean is left out). The zeros of the padding count, as in
    every published number. A transposed convolution multiplies every input number with its share of the kernel,
    whatever is cut off afterwards. A ValueError names a layer of which nothing is known here.
    """
    if not isinstance(row, Row):
        raise ValueError(f"a row of `trace` is counted, not {shown(row)}")
    if isinstance(row.layer, (*POOLING, *ADAPTIVE)):
        return 0
    if not _is_counted(row.layer):
        kind = type(row.layer).__name__
        raise ValueError(f"{row.name} is a {kind}; only convolutions, pooling and Linear layers are counted")
    w = row.parameter("weight")
    each = w[:1] if isinstance(row.layer, nn.Linear) else w[1:]
    return math.prod(row.x if isinstance(row.layer, TRANSPOSED) else row.y) * math.prod(each)
