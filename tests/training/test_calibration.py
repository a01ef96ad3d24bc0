"""helpers.training.calibration against values counted by hand, and networks whose fault is known."""
from helpers.training import calibration, metrics

import numpy as np
import pytest
from sklearn.metrics import log_loss


def outcomes(count, seed, power=1.0):
    """Labels of two classes, and the chances that they were drawn with, their log-odds times a power."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, count)
    labels = (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(int)
    return labels, 1 / (1 + np.exp(-power * odds))


def test_an_expected_error_counted_by_hand():
    said, happened = np.array([0.1, 0.14, 0.82, 0.88, 1.0]), np.array([0, 1, 1, 0, 1])
    # groups of two, two and one: (0.24 - 1), (1.70 - 1), (1 - 1), over five images
    assert calibration.expected_error(said, happened).value == pytest.approx((0.76 + 0.70 + 0) / 5)


def test_probabilities_without_fault_err_as_much_as_chance_lets_them():
    found = [calibration.expected_error(*outcomes(100, seed)[::-1], draws=200) for seed in range(200)]
    values = np.array([each.value for each in found])
    assert values.mean() == pytest.approx(np.mean([each.by_chance for each in found]), rel=0.05) and values.min() > 0.02
    assert 0.9 < np.mean([each.value <= each.most_by_chance for each in found]) < 0.99
    more = calibration.expected_error(*outcomes(10_000, 0)[::-1], draws=100)
    assert more.by_chance < found[0].by_chance / 5
    sure = calibration.expected_error(*outcomes(500, 0, power=3)[::-1])
    assert sure.value > 2 * sure.most_by_chance
    assert str(sure) == f"{sure.value:.3f} (without any fault {sure.by_chance:.3f}, up to {sure.most_by_chance:.3f})"


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_the_temperature_is_found_with_which_the_log_odds_were_multiplied(power):
    labels, scores = outcomes(20_000, 1, power)
    found = calibration.fit_temperature(labels, scores)
    assert found == pytest.approx(power, rel=0.05)
    again = calibration.fit_temperature(labels, np.stack([1 - scores, scores], axis=1))
    assert again == pytest.approx(found, rel=1e-6)
    np.testing.assert_allclose(calibration.temper(scores, found), outcomes(20_000, 1)[1], atol=0.02)
    assert calibration.losses(labels, scores).mean() == pytest.approx(log_loss(labels, scores))


def test_three_classes():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 3))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((20_000, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    said = calibration.temper(chances, 0.5)
    np.testing.assert_allclose(said, np.exp(2 * logits) / np.exp(2 * logits).sum(axis=1, keepdims=True), rtol=1e-5)
    assert calibration.fit_temperature(labels, said) == pytest.approx(2, rel=0.05)
    assert calibration.losses(labels, said).mean() == pytest.approx(log_loss(labels, said))


def test_tempering_keeps_the_order_the_shape_and_the_kind():
    scores = np.linspace(0, 1, 101, dtype=np.float32)
    for temperature in (0.05, 0.5, 1, 7, 20):
        tempered = calibration.temper(scores, temperature)
        assert tempered.dtype == np.float32 and tempered.shape == (101,) and np.isfinite(tempered).all()
        assert (np.diff(tempered) >= 0).all() and tempered[50] == pytest.approx(0.5)
        both = calibration.temper(np.stack([1 - scores, scores], axis=1), temperature)
        np.testing.assert_allclose(both[:, 1], tempered, atol=1e-6)


def test_of_images_that_are_all_right_it_does_not_become_quite_sure():
    found = []
    for count in (20, 200):
        labels = np.arange(count) % 2
        found.append(calibration.fit_temperature(labels, np.where(labels, 0.9, 0.1)))
    assert 0.3 < found[1] < found[0] < 0.8  # the more of them, the surer; the likelihood alone says LOWEST
    labels = np.arange(2000) % 2
    wrong = calibration.fit_temperature(labels, np.where(labels, 0.01, 0.99))
    assert wrong > 0.9 * calibration.HIGHEST


@pytest.mark.parametrize(("labels", "said", "message"), [
    ([0, 1], [0.5], "not .2,. and .1, 2."), ([], [], "not .0,. and"), ([0, 1], [-1.0, 3.0], "of logits take"),
    ([0, 1], [[0.5, 0.1], [0.5, 0.5]], "add up to 1"), ([0, 1], [0.5, np.nan], "finite"),
    ([0, 2], [0.5, 0.5], "classes from 0 to 1"), ([0, 0.5], [0.5, 0.5], "classes"),
    (["a", "b"], [0.5, 0.5], "labels must be numbers"),
])  # fmt: skip
def test_bad_input_is_named(labels, said, message):
    for function in (calibration.fit_temperature, calibration.losses):
        with pytest.raises(ValueError, match=message):
            function(np.array(labels), np.array(said))


def test_what_else_is_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        calibration.fit_temperature([1, 1], [0.9, 0.8])
    for wrong in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="a number above 0"):
            calibration.temper(np.array([0.5]), wrong)
    for said, happened, message in (([0.5], [0, 1], "one length"), ([2.0], [1], "from 0 to 1"), ([0.5], [2], "0 or 1"),
                                    ([], [], "one length"), ([[0.5]], [[1]], "numbers .n.")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            calibration.expected_error(said, happened)


def test_what_held_back_images_settle():
    labels, scores = outcomes(400, 3, power=0.5)
    temperature, threshold, notes = calibration.settle(labels, scores, 0.98)
    tempered = calibration.temper(scores, temperature)
    assert temperature == calibration.fit_temperature(labels, scores) < 0.8
    assert threshold == metrics.threshold_for(labels, tempered, 0.98)
    patients = labels.sum()
    assert f"a sensitivity of 0.98 on the {patients} of them" in notes["threshold chosen for"]
    assert str(metrics.sensitivity_on_new(patients, 0.98)) in notes["threshold chosen for"]
    assert notes["calibration"].startswith(f"temperature {temperature:.3f}, fitted on 400 images held back")
    assert calibration.settle(labels, scores).threshold == metrics.choose_threshold(labels, tempered)
    assert calibration.settle(labels, None)[:2] == (1.0, 0.5)
    three = np.stack([scores / 2, scores / 2, 1 - scores], axis=1)
    assert calibration.settle(labels, three).threshold == 0.5
    with pytest.raises(ValueError, match="for two classes"):
        calibration.settle(labels, three, 0.98)


def test_before_and_after():
    labels, scores = outcomes(2000, 4, power=0.5)
    said = calibration.compared(labels, scores, 0.5)
    before, after = (calibration.losses(labels, q).mean() for q in (scores, calibration.temper(scores, 0.5)))
    assert said["negative log-likelihood before"].startswith(f"{before:.3f}, after {after:.3f}, difference -0.0")
    errors = [calibration.expected_error(q, labels) for q in (scores, calibration.temper(scores, 0.5))]
    assert said["calibration error before"] == f"{errors[0]}, after {errors[1]}"
    assert errors[1].value < errors[0].value / 2
    three = np.stack([scores, (1 - scores) / 2, (1 - scores) / 2], axis=1)
    assert "after" in calibration.compared(labels, three, 0.5)["calibration error before"]
