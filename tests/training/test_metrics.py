"""helpers.training.metrics against values that are known or counted by hand."""
import tracemalloc

from helpers import digits, intervals
from helpers.training import calibration, metrics

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st
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


@st.composite
def some_scores(draw):
    """Labels of both classes and scores with ties, so few that every threshold can be tried."""
    labels = [0, 1, *draw(st.lists(st.sampled_from([0, 1]), max_size=30))]
    scores = draw(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1), min_size=len(labels),
                           max_size=len(labels)))  # fmt: skip
    return np.array(labels), np.array(scores)


@given(some_scores())
def test_the_chosen_threshold_is_the_one_that_trying_all_finds(data):
    labels, scores = data
    ordered = np.unique(scores)
    candidates = np.array([0.5, ordered[0], *(ordered[:-1] + ordered[1:]) / 2])
    quality = np.array([youden(labels, scores, threshold) for threshold in candidates])
    one_image = 1 / min(labels.sum(), (1 - labels).sum())
    good = candidates[quality >= quality.max() - one_image - 1e-9]
    assert abs(metrics.choose_threshold(labels, scores) - 0.5) == np.abs(good - 0.5).min()


@given(some_scores(), st.floats(0.01, 1))
def test_a_threshold_for_a_sensitivity_reaches_it_and_the_next_one_does_not(data, wanted):
    labels, scores = data
    threshold = metrics.threshold_for(labels, scores, wanted)
    sick = scores[labels == 1]
    assert (sick >= threshold).mean() >= wanted - 1e-9
    higher = scores[scores >= threshold].min()  # the next threshold lies above it
    assert (sick > higher).mean() < wanted


def test_a_threshold_for_a_sensitivity_lies_in_the_middle_of_a_gap():
    labels, scores = np.repeat([0, 1], [50, 50]), np.concatenate([np.linspace(0, 0.5, 50), np.linspace(0.4, 0.99, 50)])
    threshold = metrics.threshold_for(labels, scores, 0.98)  # 49 of 50: not the lowest one, 0.4
    found = scores[50 + 1]
    assert scores[scores < found].max() < threshold < found
    assert metrics.threshold_for(labels, scores, 1) < 0.4
    assert metrics.threshold_for(np.array([1, 0]), np.array([0.2, 0.7])) == 0.2  # nothing lies below


def test_the_sensitivity_on_new_images_is_as_often_in_its_interval_as_it_says():
    rng, patients = np.random.default_rng(0), 50
    expected = metrics.sensitivity_on_new(patients, 0.96)
    labels = np.repeat([0, 1], [1, patients])
    # The scores of the sick are even from 0 to 1, so that the true sensitivity of a threshold t is 1 - t.
    reached = [1 - metrics.threshold_for(labels, np.r_[0, rng.random(patients)], 0.96) for _ in range(4000)]
    assert np.mean(reached) == pytest.approx(expected.value, abs=0.012)  # the middle of a gap lies a little lower
    assert np.mean([expected.low <= each for each in reached]) > 0.94 and expected.low < 0.96 < expected.high
    assert metrics.sensitivity_on_new(1, 1).value == 0.5
    for wrong in ((0, 0.98), (5, 0), (5, 1.1), (5, np.nan)):
        with pytest.raises(ValueError, match=r"patients must be at least 1|sensitivity must be a number above 0"):
            metrics.sensitivity_on_new(*wrong)


@pytest.mark.parametrize("choose", [metrics.choose_threshold, metrics.threshold_for])
def test_the_memory_for_a_threshold_does_not_grow_with_the_square_of_the_images(choose):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 20_000)
    scores = np.clip(labels * 0.3 + rng.random(20_000) * 0.7, 0, 1)
    tracemalloc.start()
    choose(labels, scores)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100 * 20_000  # bytes: a dozen numbers an image


BAD = [
    ([0, 1], [0.1], "one length"),
    ([[0, 1]], [[0.1, 0.2]], r"labels must be numbers \[n\]"),
    ([0, 0], [0.1, 0.2], "both 0 and 1"),
    ([0, 2], [0.1, 0.2], r"nothing else, not \[0, 2\]"),
    ([0, 1, np.nan], [0.1, 0.2, 0.3], "labels must be finite"),
    (list(range(9)), [0.1] * 9, r"not \[0, 1, 2, 3, 4, ...\]"),
    (["N", "P"], [0.1, 0.2], "labels must be numbers"),
    ([0, 1], ["a", "b"], "scores must be numbers"),
    ([], [], "both 0 and 1"),
    ([0, 1], [0.1, np.nan], "NaN"),
]
OUTSIDE = [([0, 1], [-3.0, 0.2], "from -3 to 0.2: of logits"), ([0, 1], [0.1, 1.1], "from 0.1 to 1.1")]


@pytest.mark.parametrize(("labels", "scores", "said"), BAD + OUTSIDE)
def test_bad_input_is_named(labels, scores, said):
    for function in (metrics.choose_threshold, metrics.threshold_for, metrics.report):
        with pytest.raises(ValueError, match=said):
            function(np.array(labels), np.array(scores))


@pytest.mark.parametrize(("labels", "scores", "said"), BAD)
def test_an_auc_needs_no_probabilities_but_refuses_all_else(labels, scores, said):
    with pytest.raises(ValueError, match=said):
        metrics.auc(np.array(labels), np.array(scores))
    assert metrics.auc(*map(np.array, OUTSIDE[0][:2])).value == 1


def test_a_threshold_or_a_sensitivity_that_is_no_share_is_refused():
    labels, scores = np.array([0, 1]), np.array([0.1, 0.9])
    for wrong in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="threshold must be"):
            metrics.report(labels, scores, wrong)
        with pytest.raises(ValueError, match="sensitivity must be a number above 0"):
            metrics.threshold_for(labels, scores, wrong)


def test_many_draws_are_made_in_blocks_that_give_the_same(monkeypatch):
    """16,000 scores took 900 MB: all draws at once."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 97)
    scores = np.clip(0.3 * labels + 0.7 * rng.random(97), 0, 1)

    def measured():
        return metrics.auc(labels, scores, 50), calibration.expected_error(scores, labels, draws=50)

    whole = measured()
    monkeypatch.setattr(metrics, "_AT_ONCE", 1000)
    assert metrics.blocks(50, 97) == [10] * 5 and metrics.blocks(3, 10_000) == [1, 1, 1]
    in_blocks = measured()
    assert in_blocks[0] == whole[0]
    assert in_blocks[1] == pytest.approx(whole[1])


def test_the_memory_of_an_interval_does_not_grow_with_the_draws_times_the_scores():
    labels = np.arange(20_000) % 2
    scores = np.random.default_rng(0).random(20_000)
    tracemalloc.start()
    metrics.auc(labels, scores, draws=200)
    calibration.expected_error(scores, labels, draws=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6


def test_bfloat16_is_read_as_its_numbers_and_not_as_their_bits():
    labels, scores = [0, 0, 1, 1], [0.125, 0.25, 0.5, 0.75]
    for form in (paddle.to_tensor(scores).astype("bfloat16"), [paddle.to_tensor(s).astype("bfloat16") for s in scores]):
        assert metrics.auc(labels, form, draws=5).value == 1
        assert np.asarray(calibration.temper(form, 1.0)).tolist() == scores
        assert intervals.mean(form).value == np.mean(scores)
    runs = digits.sweep(lambda seed: paddle.to_tensor(1.5).astype("bfloat16"), {"a": {}})
    assert runs["a"].tolist() == [1.5] * 3
