"""helpers.intervals: against SciPy's own interval, its coverage, and what it refuses."""
from helpers import intervals

import numpy as np
import pytest
from scipy import stats


def test_against_scipy():
    values = np.random.default_rng(0).normal(3, 2, size=7)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(intervals.mean(values), [values.mean(), *theirs])
    others = values - np.arange(7)
    np.testing.assert_allclose(intervals.difference(values, others), intervals.mean(np.arange(7)))
    assert intervals.difference(others, values).high < 0  # the sign: the first minus the second


def test_it_covers_the_truth_in_95_of_100():
    samples = np.random.default_rng(1).normal(1, 3, size=(2000, 5))
    covered = np.mean([low <= 1 <= high for _, low, high in map(intervals.mean, samples)])
    assert 0.935 < covered < 0.965


def test_as_text():
    interval = intervals.Interval(0.01234, -0.001, 0.02)
    assert f"{interval}" == "0.012 [-0.001, 0.020]" and f"{interval:+.2f}" == "+0.01 [-0.00, +0.02]"


@pytest.mark.parametrize(("values", "said"), [
    ([1.0], "at least two values"), ([[1.0, 2], [3, 4]], r"numbers \[n\]"), ([1, np.nan], "must be finite"),
])  # fmt: skip
def test_refused(values, said):
    with pytest.raises(ValueError, match=said):
        intervals.mean(values)


def test_unequal_pairs_are_refused():
    with pytest.raises(ValueError, match=r"equally many, not \[2\] and \[3\]"):
        intervals.difference([1, 2], [1, 2, 3])
