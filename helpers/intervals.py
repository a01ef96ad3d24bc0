"""A value with its 95 % interval; of a mean over seeds, or of the difference of two arms run with the same seeds."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from helpers.checks import array

import numpy as np
from scipy import stats


class Interval(NamedTuple):
    """An estimate with the ends of its 95 % interval; as text `0.912 [0.905, 0.919]`, with any format of floats."""

    value: float
    low: float
    high: float

    @property
    def mean(self) -> float:
        """The value, by what it is where it comes from `mean` or `difference`."""
        return self.value

    def __format__(self, spec: str) -> str:
        spec = spec or ".3f"
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def __str__(self) -> str:
        return format(self)


def mean(values: Sequence[float]) -> Interval:
    """The mean of values [n], one for each seed, with Student's t interval for it.

    Student: The Probable Error of a Mean, Biometrika 6, 1908. It takes the values for independent and about normal.

    Raises:
        ValueError: fewer than two values, more than one axis, or a value that is no finite number.
    """
    values = array("the values", values, "n").astype(float)
    if len(values) < 2:
        raise ValueError(f"an interval needs at least two values [n], one for each seed, not {list(values.shape)}")
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Interval(float(values.mean()), float(values.mean() - half), float(values.mean() + half))


def difference(values: Sequence[float], others: Sequence[float]) -> Interval:
    """The mean of values - others, both [n] and from the same seeds in the same order, with its interval.

    Raises:
        ValueError: they are not equally many, or what `mean` refuses.
    """
    values, others = (array("the values", each, "n").astype(float) for each in (values, others))
    if values.shape != others.shape:
        raise ValueError(f"paired values must be equally many, not {list(values.shape)} and {list(others.shape)}")
    return mean(values - others)
