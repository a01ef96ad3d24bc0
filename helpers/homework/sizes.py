"""Sizes by formula: what a convolution, a pooling layer or a transposed convolution makes of a height or a width.

One axis at a time; the formulas are those of notebook 04. `padding` is a number for both ends, a pair (before, after),
"VALID" for none, or "SAME" as Paddle takes it: see `same_padding`.
"""
from __future__ import annotations

from collections.abc import Sequence

from helpers.checks import whole

Padding = int | str | Sequence[int]


class DoesNotFit(ValueError):
    """A kernel or a window that the padded image has no room for."""


def conv_size(size: int, kernel: int, stride: int = 1, padding: Padding = 0, dilation: int = 1) -> int:
    """Height or width in pixels that a convolution gives. With "SAME" Paddle takes the dilation as 1, and so does this.

    Raises:
        ValueError: a setting is too small, or the kernel does not fit. Paddle itself may not notice that: it rounds
            towards zero where the formula rounds down. So an overhang of less than the stride passes, as if there were
            more zeros behind the image; a larger one may give a size of 0 or below, and a crash when it is read.
    """
    ends, dilation = _ends(padding, size, kernel, stride, dilation)
    reach = dilation * (kernel - 1) + 1
    return _stops(size + sum(ends) - reach, stride, f"a kernel of {reach} pixels")


def pool_size(
    size: int, kernel: int, stride: int | None = None, padding: Padding = 0, ceil_mode: bool = False
) -> int:
    """Height or width in pixels after pooling, as Paddle has it; the stride is the kernel's size by default.

    Errors as in `conv_size`. A window counts even if it lies wholly in the padding: the first one where the padding
    before is as large as the window, the last one where it starts behind the last pixel, as it may with `ceil_mode`
    (PyTorch leaves that one out). It has no pixel to take: a maximum is -3.4e38 there, and a mean nan or 0. There is
    none where the stride and the padding of an end are together at most the window's size.
    """
    stride = kernel if stride is None else stride
    ends, _ = _ends(padding, size, kernel, stride)
    if ceil_mode and isinstance(padding, str) and padding.upper() == "VALID":
        raise ValueError('padding "VALID" does not go with ceil_mode=True, in Paddle either')
    return _stops(size + sum(ends) - kernel, stride, f"a window of {kernel} pixels", ceil_mode)


def transposed_size(
    size: int, kernel: int, stride: int = 1, padding: Padding = 0, dilation: int = 1, output_padding: int = 0
) -> int:
    """Height or width in pixels that a transposed convolution gives, the inverse of `conv_size`.

    "SAME" takes away what it would add to a convolution's input of this size, and the dilation is taken as 1.

    Raises:
        ValueError: a setting is too small, the padding takes away everything, or `output_padding` is not smaller than
            the stride.
    """
    ends, dilation = _ends(padding, size, kernel, stride, dilation)
    _check(output_padding=output_padding)
    if output_padding >= stride:
        raise ValueError(f"output_padding {output_padding} must be smaller than the stride {stride}")
    grown = (size - 1) * stride + dilation * (kernel - 1) + 1 - sum(ends) + output_padding
    if grown < 1:
        raise ValueError(f"the padding {padding} takes away the whole output")
    return grown


def same_padding(size: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    """What "SAME" adds before and after: as little as gives ceil(size / stride) stops; an odd pixel goes to the end."""
    _check(size=size, kernel=kernel, stride=stride)
    added = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return added // 2, added - added // 2


def _ends(padding: Padding, size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[tuple[int, int], int]:
    """The padding before and after, and the dilation that Paddle uses with it; checks all settings."""
    _check(size=size, kernel=kernel, stride=stride, dilation=dilation)
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise ValueError(f'padding must be a number, a pair, "SAME" or "VALID", not {padding!r}')
        return (same_padding(size, kernel, stride), 1) if padding.upper() == "SAME" else ((0, 0), dilation)
    ends = tuple(padding) if isinstance(padding, (list, tuple)) else (padding, padding)
    if len(ends) != 2:
        raise ValueError(f"padding must be one number or a pair (before, after), not {padding!r}")
    for end in ends:
        _check(padding=end)
    return ends, dilation


def _check(**settings: int) -> None:
    for name, value in settings.items():
        whole(name, value, 0 if "padding" in name else 1)


def _stops(room: int, stride: int, what: str, ceil_mode: bool = False) -> int:
    if room < 0:
        raise DoesNotFit(f"{what} reaches {-room} beyond the padded image: it does not fit")
    return (room + (stride - 1 if ceil_mode else 0)) // stride + 1
