"""Arguments looked at before they are used, so that a wrong one is named in a sentence. Standard library only."""
from __future__ import annotations

import math
import operator
import reprlib


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
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least}, not {shown(number)}")
    if most is not None and number > most:
        raise ValueError(f"{name} must be at most {most}, not {shown(number)}")
    return number


def number(name: str, value: object) -> float:
    """A finite number as a float.

    Raises:
        ValueError: it is none; the message names it.
    """
    try:
        found = math.nan if isinstance(value, (bool, str, bytes)) else float(value)
    except Exception:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{name} must be a number, not {shown(value)}")
    return found


def shown(value: object) -> str:
    """A short line of any value."""
    try:
        return " ".join(reprlib.repr(value).split())[:80]
    except Exception:
        return f"a value of type {type(value).__name__}"
