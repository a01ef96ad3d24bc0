"""What a temperature and the threshold of a screening are worth, on the real training images alone.

Each image is judged by networks that were not trained on it (`helpers.commands.cross_validation`). Temperature and
threshold come from images that they were not trained on either: from the other four folds, or from a single one, which
is about what `helpers.commands.train --validation 0.2` holds back. The test images take no part.
"""
from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import intervals
from helpers.commands import cross_validation, ending, recipe
from helpers.commands.limits import SEEDS, at_least, at_most, parsed
from helpers.training import calibration, metrics

import numpy as np

SENSITIVITY = 0.98
FROM = {"four folds": lambda fold_of, fold: fold_of != fold, "one fold": lambda fold_of, fold: fold_of == fold}
THRESHOLDS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "0.5": lambda labels, scores: 0.5,
    "largest sum": metrics.choose_threshold,
    f"sensitivity {SENSITIVITY}": lambda labels, scores: metrics.threshold_for(labels, scores, SENSITIVITY),
}


def temperatures(labels: np.ndarray, scores: np.ndarray, fold_of: np.ndarray, name: str, spread: float) -> np.ndarray:
    """Fit and judge in each fold.

    Args:
        labels, scores: [n], of one cross-validation.
        fold_of: int [n].
        name: which of FROM the temperature comes from; the other images are judged.
        spread: of `calibration.fit_temperature`.

    Returns:
        float [7]: the mean temperature; the negative log-likelihood of all judged images before and after; the mean
        over the folds of the calibration error before and of what chance alone gives, and of both after.
    """
    found, errors, before, after = [], [], [], []
    for fold in range(cross_validation.FOLDS):
        fitted = FROM[name](fold_of, fold)
        temperature = calibration.fit_temperature(labels[fitted], scores[fitted], spread)
        y, both = labels[~fitted], [scores[~fitted], calibration.temper(scores[~fitted], temperature)]
        found.append(temperature)
        before.append(calibration.losses(y, both[0]))
        after.append(calibration.losses(y, both[1]))
        measured = [calibration.expected_error(q, y, draws=200) for q in both]
        errors.append([value for each in measured for value in (each.value, each.by_chance)])
    likelihoods = [np.concatenate(each).mean() for each in (before, after)]
    return np.array([np.mean(found), *likelihoods, *np.mean(errors, axis=0)])


def found_and_cleared(
    labels: np.ndarray, scores: np.ndarray, fold_of: np.ndarray, name: str, choose: Callable
) -> np.ndarray:
    """Sensitivity and specificity of all judged images, float [2], with each fold's own threshold; as above."""
    said, truth = [], []
    for fold in range(cross_validation.FOLDS):
        fitted = FROM[name](fold_of, fold)
        said.append(scores[~fitted] >= choose(labels[fitted], scores[fitted]))
        truth.append(labels[~fitted])
    right = np.concatenate(said) == np.concatenate(truth)
    return np.array([right[np.concatenate(truth) == k].mean() for k in (1, 0)])


def tables(labels: np.ndarray, scores: np.ndarray, fold_of: np.ndarray) -> str:
    """What was measured, as text.

    Args:
        labels: [n].
        scores, fold_of: [seeds, n], of at least two cross-validations.
    """
    runs = list(zip(scores, fold_of, strict=True))
    lines = [
        "Temperature: mean over the seeds, before and after, with 95 % intervals over the seeds for differences",
        f"{'fitted on':11}{'spread':8}{'T':7}{'likelihood':16}{'difference':28}error",
    ]
    for name in FROM:
        for spread in (calibration.SPREAD, math.inf):
            rows = np.array([temperatures(labels, each, folds, name, spread) for each, folds in runs])
            mean, change = rows.mean(axis=0), intervals.difference(rows[:, 2], rows[:, 1])
            likelihood, errors = "{1:.4f}, {2:.4f}".format(*mean), "{3:.3f} ({4:.3f}), {5:.3f} ({6:.3f})".format(*mean)
            lines.append(f"{name:11}{spread:<8}{mean[0]:<7.3f}{likelihood:16}{format(change, '+.4f'):28}{errors}")
    whole = [str(calibration.expected_error(each, labels)) for each, _ in runs]
    lines += [
        "spread: of ln T before any image is seen, inf: the likelihood alone; likelihood: its negative logarithm",
        "error: expected calibration error of the parts judged (and what chance alone gives)",
        f"error before, all {len(labels)} images, seed by seed:", *whole, "",
    ]  # fmt: skip
    healthy, sick = np.bincount(labels)
    lines += [
        "Threshold: mean over the seeds, with 95 % intervals for that many images",
        f"{'from':11}{'chosen for':18}{'sensitivity':22}specificity",
    ]
    for name in FROM:
        for what, choose in THRESHOLDS.items():
            shares = np.mean([found_and_cleared(labels, each, folds, name, choose) for each, folds in runs], axis=0)
            each = [metrics.proportion(round(share * n), n) for share, n in zip(shares, (sick, healthy), strict=True)]
            lines.append(f"{name:11}{what:18}{each[0]!s:22}{each[1]}")
    for name, share in {"four folds": 0.8, "one fold": 0.2}.items():
        patients = round(share * sick)
        expected = metrics.sensitivity_on_new(patients, SENSITIVITY)
        lines.append(f"a threshold for {SENSITIVITY} from {patients} patients ({name}) is to be expected at {expected}")
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.reliability", description=__doc__.split("\n")[0])
    parser.add_argument("--data", metavar="FOLDER", help="the real data set (default: where the notebook looks for it)")
    parser.add_argument("--repeats", metavar="N", type=int, default=5, help="times five folds, at least 2, default 5")
    parser.add_argument("--epochs", metavar="N", type=int, default=recipe.EPOCHS, help=f"default {recipe.EPOCHS}")
    options = parsed(parser, given)
    at_least(parser, options, repeats=2, epochs=1)
    at_most(parser, options, repeats=SEEDS)
    progress, seeds = sys.stdout.isatty(), range(options.repeats)
    with ending.in_a_sentence():
        data = cross_validation.training_images(options.data, progress)
        scores = [cross_validation.scores(data, cross_validation.Arm(), seed, None, options.epochs, progress)[0]
                  for seed in seeds]  # fmt: skip
        print(f"{data!r}, five folds, {len(seeds)} times (seeds 0 to {seeds[-1]}), average of four ways round")
        print(tables(data.labels, np.array(scores), np.array([cross_validation.folds(data, seed) for seed in seeds])))


if __name__ == "__main__":
    main()
