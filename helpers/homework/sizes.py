"""Sizes by formula: what a convolution, a pooling layer or a transposed convolution makes of a height or a width.

One axis at a time; the formulas are those of notebook 04.
"""
from __future__ import annotations


def conv_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Height or width in pixels that a convolution gives; `padding` is added on both sides.

    Raises:
        ValueError: a setting is too small, or the kernel does not fit. Paddle itself may not notice that: it rounds
            towards zero where the formula rounds down, so that an overhang of less than the stride passes, and then
            reads outside of the image.
    """
    _check(size=size, kernel=kernel, stride=stride, dilation=dilation, padding=padding)
    reach = dilation * (kernel - 1) + 1
    return _stops(size + 2 * padding - reach, stride, f"a kernel of {reach} pixels")


def pool_size(size: int, kernel: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False) -> int:
    """Height or width in pixels after pooling; the stride is the kernel's size by default. Errors as in `conv_size`."""
    stride = kernel if stride is None else stride
    _check(size=size, kernel=kernel, stride=stride, padding=padding)
    return _stops(size + 2 * padding - kernel, stride, f"a window of {kernel} pixels", ceil_mode)


def transposed_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, output_padding: int = 0
) -> int:
    """Height or width in pixels that a transposed convolution gives, the inverse of `conv_size`.

    Raises:
        ValueError: a setting is too small, the padding takes away everything, or `output_padding` is not smaller than
            the stride.
    """
    _check(size=size, kernel=kernel, stride=stride, dilation=dilation, padding=padding, output_padding=output_padding)
    if output_padding >= stride:
        raise ValueError(f"output_padding {output_padding} must be smaller than the stride {stride}")
    grown = (size - 1) * stride + dilation * (kernel - 1) + 1 - 2 * padding + output_padding
    if grown < 1:
        raise ValueError(f"the padding {padding} takes away the whole output")
    return grown


def _check(**settings: int) -> None:
    for name, value in settings.items():
        least = 0 if "padding" in name else 1
        if value < least:
            raise ValueError(f"{name} must be at least {least}, not {value}")


def _stops(room: int, stride: int, what: str, ceil_mode: bool = False) -> int:
    if room < 0:
        raise ValueError(f"{what} reaches {-room} beyond the padded image: it does not fit")
    return (room + (stride - 1 if ceil_mode else 0)) // stride + 1
