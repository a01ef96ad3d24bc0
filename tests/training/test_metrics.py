"""helpers.training.metrics against values that are known or counted by hand."""
from helpers.training import metrics

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score


def test_proportion_is_wilsons_interval():
    interval = metrics.proportion(8, 10)
    z = 1.959964
    centre, half = (8 + z**2 / 2) / (10 + z**2), z / (10 + z**2) * np.sqrt(8 * 2 / 10 + z**2 / 4)
    assert (interval.value, interval.low, interval.high) == pytest.approx((0.8, centre - half, centre + half), abs=1e-5)
    assert str(interval) == "0.800 [0.490, 0.943]"


def test_the_95_percent_interval_covers_95_percent():
    rng = np.random.default_rng(0)
    covered = [(i := metrics.proportion(k, 400)).low <= 0.95 <= i.high for k in rng.binomial(400, 0.95, 2000)]
    assert 0.93 < np.mean(covered) < 0.97


@pytest.mark.parametrize("numbers", [(1, 0), (-1, 5), (6, 5)])
def test_an_impossible_proportion_is_refused(numbers):
    with pytest.raises(ValueError, match="a proportion needs"):
        metrics.proportion(*numbers)


def test_auc_and_its_interval():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 100)
    scores = rng.normal(labels, 1)
    interval = metrics.auc(labels, scores)
    assert interval.value == pytest.approx(roc_auc_score(labels, scores))
    assert interval.low < interval.value < interval.high
    # Hanley and McNeil (1982): standard error of an AUC near 0.76 with 100 and 100 samples is about 0.034
    assert 3 < (interval.high - interval.low) / 0.034 < 5
    assert metrics.auc(labels, scores) == interval
    assert metrics.auc(labels, labels.astype(float)) == metrics.Interval(1.0, 1.0, 1.0)


def youden(labels, scores, threshold):
    return (scores[labels == 1] >= threshold).mean() + (scores[labels == 0] < threshold).mean()


@pytest.mark.parametrize("seed", range(5))
def test_the_chosen_threshold_is_at_most_one_image_worse_than_the_best(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 60)
    scores = rng.random(60) * 0.3 + labels * 0.2 + 0.5 * (seed % 2)  # the best threshold is far from 0.5
    best = max(youden(labels, scores, threshold) for threshold in scores)
    chosen = metrics.choose_threshold(labels, scores)
    assert youden(labels, scores, chosen) >= best - 1 / min(labels.sum(), 60 - labels.sum()) - 1e-9
    assert abs(chosen - 0.5) > 0.05


def test_a_single_image_does_not_move_the_threshold():
    labels, scores = np.repeat([0, 1], 20), np.repeat([0.1, 0.9], 20)
    assert metrics.choose_threshold(labels, scores) == 0.5
    scores[0] = 0.7  # one image of 20: chance
    assert metrics.choose_threshold(labels, scores) == 0.5
    scores[:5] = 0.7
    assert metrics.choose_threshold(labels, scores) == pytest.approx(0.8)


def test_report_counts():
    labels, scores = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.7, 0.5, 0.9])
    report = metrics.report(labels, scores, threshold=0.6)
    np.testing.assert_array_equal(report.confusion, [[2, 1], [1, 1]])
    values = (report.accuracy.value, report.sensitivity.value, report.specificity.value, report.auc.value)
    assert values == pytest.approx((0.6, 0.5, 2 / 3, 5 / 6))
    assert "sensitivity  0.500" in str(report)


@pytest.mark.parametrize(
    ("labels", "scores", "said"),
    [
        ([0, 1], [0.1], "one length"),
        ([0, 0], [0.1, 0.2], "both 0 and 1"),
        ([0, 2], [0.1, 0.2], "both 0 and 1"),
        ([0, 1], [0.1, np.nan], "NaN"),
    ],
)
def test_bad_input_is_named(labels, scores, said):
    for function in (metrics.auc, metrics.choose_threshold, metrics.report):
        with pytest.raises(ValueError, match=said):
            function(np.array(labels), np.array(scores))
