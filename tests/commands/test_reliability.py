"""`python -m helpers.commands.reliability`: nothing is judged by what was fitted to it, and known faults are found."""
import math

from helpers.commands import cross_validation, reliability
from helpers.training import calibration

import numpy as np
import pytest


def unsure(seed, count=1000):
    """Labels, probabilities whose log-odds are halved, and folds."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 3, count)
    labels = (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(int)
    return labels, 1 / (1 + np.exp(-odds / 2)), np.arange(count) % cross_validation.FOLDS


def test_the_temperature_of_unsure_networks_is_found_and_helps():
    labels, scores, folds = unsure(0, 5000)
    for name in reliability.FROM:
        temperature, before, after, *errors = reliability.temperatures(labels, scores, folds, name, math.inf)
        assert temperature == pytest.approx(0.5, abs=0.07)
        assert after < before and errors[2] < errors[0] and errors[0] > 2 * errors[1]
    same = reliability.temperatures(labels, calibration.temper(scores, 0.5), folds, "four folds", math.inf)
    assert same[1] == pytest.approx(same[2], abs=0.002)


@pytest.mark.parametrize("name", reliability.FROM)
def test_what_is_judged_was_not_fitted_to(name):
    labels, scores, folds = unsure(1, 200)
    seen = []

    def choose(some_labels, some_scores):
        seen.append(set(some_scores.tolist()))
        return 0.5

    found, cleared = reliability.found_and_cleared(labels, scores, folds, name, choose)
    assert [len(each) for each in seen] == [160 if name == "four folds" else 40] * 5
    assert found == ((scores >= 0.5) & (labels == 1)).sum() / labels.sum()
    assert cleared == ((scores < 0.5) & (labels == 0)).sum() / (1 - labels).sum()
    # A threshold that knows its own fold's scores would find all of them there.
    own = reliability.found_and_cleared(labels, scores, folds, name, lambda y, s: s.max() + 1e-9)
    assert own[0] < 0.1


def test_the_tables():
    labels, first, folds = unsure(2)
    text = reliability.tables(labels, np.array([first, first * 0.999]), np.array([folds, folds[::-1]]))
    assert "four folds 0.5" in text and "one fold   inf" in text and "sensitivity 0.98" in text
    assert f"from {round(0.8 * labels.sum())} patients (four folds)" in text
    assert max(map(len, text.splitlines())) <= 120


def test_wrong_options_and_missing_data_are_said(capsys, tmp_path):
    with pytest.raises(SystemExit):
        reliability.main(["--repeats", "1"])
    assert "--repeats must be at least 2, not 1" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=str(tmp_path)):
        reliability.main(["--data", str(tmp_path)])
