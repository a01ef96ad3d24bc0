"""What is given looked at before it is used, so that what is wrong is named in a sentence."""
from __future__ import annotations

import math
import operator
import reprlib

import numpy as np

_KINDS = {"biuf": "numbers", "iu": "whole numbers", "f": "floats", "b": "bool"}  # NumPy's letters, in words


class Unusable(ValueError):
    """Data or a file that cannot be used, which whoever gave it can mend; the message is a sentence that says how.

    A command ends with that sentence. Any other ValueError is a fault of the program, and is shown with its traceback.
    """


def whole(name: str, value: object, least: int | None = None, most: int | None = None) -> int:
    """A whole number, of whatever type, as an int.

    Raises:
        ValueError: it is none (True and 2.0 are none), is below `least`, or above `most`; the message names it.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except Exception:  # whatever an object does that is looked at
        number = None
    if number is None:
        raise ValueError(f"{name} must be a whole number, not {shown(value)}")
    if least is not None and most is not None and not least <= number <= most:
        raise ValueError(f"{name} must be {least} to {most}, not {shown(number)}")
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least}, not {shown(number)}")
    if most is not None and number > most:
        raise ValueError(f"{name} must be at most {most}, not {shown(number)}")
    return number


def number(
    name: str, value: object, above: float = -math.inf, least: float = -math.inf, most: float = math.inf
) -> float:
    """A finite number as a float.

    Raises:
        ValueError: it is none, is not above `above`, is below `least`, or is above `most`; the message names it.
    """
    try:
        found = math.nan if isinstance(value, (bool, str, bytes)) else float(value)
    except Exception:
        found = math.nan
    if not math.isfinite(found) or not above < found or not least <= found <= most:
        limits = [f" above {above:g}"] * (above > -math.inf) + [f" at least {least:g}"] * (least > -math.inf)
        limits += [f" at most {most:g}"] * (most < math.inf)
        raise ValueError(f"{name} must be a number{' and'.join(limits)}, not {shown(value)}")
    return found


def as_numpy(value: object) -> np.ndarray:
    """`np.asarray`, but tensors of bfloat16, in lists as well, are the numbers that they stand for, as float32.

    NumPy has no bfloat16, and Paddle gives it the bits of such numbers as whole ones.
    """
    return np.asarray(_without_bfloat16(value))


def _without_bfloat16(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [each if isinstance(each, (int, float)) else _without_bfloat16(each) for each in value]
    return value.astype("float32") if "bfloat16" in str(getattr(value, "dtype", "")) else value


def array(name: str, value: object, axes: str, kinds: str = "biuf", finite: bool = True) -> np.ndarray:
    """An array out of an array, a list or a tensor.

    Args:
        name: for the message.
        value: anything.
        axes: their names, "N S S" of three: a letter that stands there twice is the same size twice, a number a size;
            "N | N K" of one or two.
        kinds: what it may be of: "biuf", any numbers; "iu", whole ones; "f", floats; "b", bool.
        finite: whether NaN and infinity are refused.

    Raises:
        ValueError: it is of another type, has other axes, or is not finite; the message names it.
    """
    choices = [each.split() for each in axes.split("|")]
    wanted = f"{name} must be {_KINDS[kinds]} " + " or ".join(f"[{', '.join(each)}]" for each in choices)
    try:
        found = as_numpy(value)
    except Exception:  # lists of several lengths, and whatever an object does that is looked at
        found = None
    if found is None or found.dtype.kind not in kinds:
        kind = f"{found.dtype} " if isinstance(value, np.ndarray) else ""
        raise ValueError(f"{wanted}, not {kind}{shown(value)}")
    if not any(_fits(found.shape, each) for each in choices):
        raise ValueError(f"{wanted}, not of the shape {list(found.shape)}")
    if finite and found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite, but there is NaN or infinity")
    return found


def _fits(shape: tuple[int, ...], axes: list[str]) -> bool:
    sizes: dict[str, int] = {}
    return len(shape) == len(axes) and all(
        size == (int(axis) if axis.isdigit() else sizes.setdefault(axis, size))
        for axis, size in zip(axes, shape, strict=True)
    )


def picture(name: str, value: object) -> np.ndarray:
    """An image, uint8 [H, W, 3], of one pixel at least.

    Raises:
        ValueError: it is none; the message names it.
    """
    found = array(name, value, "H W 3", "biuf")
    if found.dtype != np.uint8 or not found.size:
        raise ValueError(f"{name} must be uint8 [H, W, 3], not {found.dtype} {list(found.shape)}")
    return found


def shown(value: object) -> str:
    """A short line of any value."""
    try:
        return " ".join(reprlib.repr(value).split())[:80]
    except Exception:
        return f"a value of type {type(value).__name__}"
