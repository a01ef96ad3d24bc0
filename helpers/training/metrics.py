"""How good a two-class classifier is, with intervals: accuracy, AUC, sensitivity, specificity, and a threshold."""
from __future__ import annotations

import copy
import math
from dataclasses import dataclass

from helpers.checks import array, number, whole
from helpers.intervals import Interval

import numpy as np
from scipy.stats import beta, binomtest, rankdata
from sklearn.metrics import confusion_matrix, roc_auc_score

_AT_ONCE = 2_000_000  # numbers of a bootstrap that are in memory together


def proportion(successes: int, total: int) -> Interval:
    """A proportion with Wilson's 95 % interval (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).

    Raises:
        ValueError: total is 0, or successes is not from 0 to total.
    """
    successes, total = whole("successes", successes), whole("total", total, most=10**12)
    if total < 1 or not 0 <= successes <= total:
        raise ValueError(f"a proportion needs 0 <= successes <= total and total >= 1, not {successes} of {total}")
    ends = binomtest(successes, total).proportion_ci(0.95, method="wilson")
    return Interval(successes / total, ends.low, ends.high)


def auc(labels: np.ndarray, scores: np.ndarray, draws: int = 1000, seed: int = 0) -> Interval:
    """Area under the ROC curve with a 95 % bootstrap interval (percentiles), drawn within each class.

    Args:
        labels: [n], 0 or 1, both present.
        scores: [n], any numbers; larger means class 1.
        draws, seed: of the bootstrap.

    Raises:
        ValueError: the lengths differ, one class is missing, a score is not finite, or there is no draw.
    """
    labels, scores = checked(labels, scores)
    draws, seed = whole("draws", draws, 1), whole("seed", seed, 0)
    healthy, sick = (scores[labels == k] for k in (0, 1))
    rng = np.random.default_rng(seed)
    later = copy.deepcopy(rng)
    for rows in blocks(draws, len(labels)):  # those of class 1 are drawn after all others, but needed with them
        later.choice(healthy, (rows, len(healthy)))
    values: list[float] = []
    for rows in blocks(draws, len(labels)):
        drawn = rng.choice(healthy, (rows, len(healthy))), later.choice(sick, (rows, len(sick)))
        values += areas(np.concatenate(drawn, axis=1), np.sort(labels) == 1).tolist()
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(roc_auc_score(labels, scores)), float(low), float(high))


def blocks(draws: int, count: int) -> list[int]:
    """So many draws of `count` numbers each in blocks of which memory holds one at a time: how many draws in each."""
    rows = max(1, _AT_ONCE // count)
    return [min(rows, draws - start) for start in range(0, draws, rows)]


def areas(scores: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The AUC of each row of scores [draws, n], with `inside` [n] for class 1: Mann and Whitney's statistic."""
    n1 = inside.sum()
    ranks = rankdata(scores, axis=1)[:, inside].sum(axis=1)
    return (ranks - n1 * (n1 + 1) / 2) / (n1 * (len(inside) - n1))


def choose_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """The threshold with the largest sensitivity + specificity (Youden 1950); `scores >= threshold` means class 1.

    Thresholds that differ by no more than one image of the smaller class count as equal, since one image is chance;
    of those, the one nearest to 0.5 is taken.

    Raises:
        ValueError: what `report` refuses.
    """
    labels, scores = checked(labels, scores, probabilities=True)
    ordered = np.unique(scores)
    candidates = np.array([0.5, ordered[0], *(ordered[:-1] + ordered[1:]) / 2])
    false_alarms, found = (_share_from(scores[labels == k], candidates) for k in (0, 1))
    quality = found - false_alarms
    one_image = 1 / min((labels == 0).sum(), (labels == 1).sum())
    good = candidates[quality >= quality.max() - one_image - 1e-9]
    return float(good[np.abs(good - 0.5).argmin()])


def threshold_for(labels: np.ndarray, scores: np.ndarray, sensitivity: float = 0.98) -> float:
    """The highest threshold at which at least this share of class 1 is found, as a screening asks for.

    All thresholds between two neighbouring scores say the same; of those it is the one in the middle. Images of equal
    scores are found together. On other images the sensitivity differs: `sensitivity_on_new` says by how much.

    Args:
        labels, scores: [n] of images that were not trained on, both classes present.
        sensitivity: above 0, at most 1.

    Raises:
        ValueError: what `report` refuses, or another sensitivity.
    """
    labels, scores = checked(labels, scores, probabilities=True)
    sensitivity = number("the sensitivity", sensitivity, above=0, most=1)
    sick = np.sort(scores[labels == 1])[::-1]
    lowest = sick[_at_least(sensitivity * len(sick)) - 1]  # the last one that has to be found
    below = scores[scores < lowest]
    middle = (lowest + below.max()) / 2 if len(below) else lowest
    return float(middle if middle > below.max(initial=-1) else lowest)  # between neighbouring floats there is none


def sensitivity_on_new(patients: int, sensitivity: float = 0.98) -> Interval:
    """What `threshold_for`, given so many images of class 1, leads to expect on new images of the same kind.

    The share of all images that lies above the k-th largest of n independent ones is Beta(k, n + 1 - k) distributed,
    whatever the scores are (Wilks 1941, https://doi.org/10.1214/aoms/1177731788). Equal scores only raise it.

    Returns:
        its mean and the ends of its 95 % interval.

    Raises:
        ValueError: there is no patient, or the sensitivity is not above 0 and at most 1.
    """
    patients, sensitivity = whole("patients", patients, 1), number("the sensitivity", sensitivity, above=0, most=1)
    k = _at_least(sensitivity * patients)
    low, high = beta.ppf([0.025, 0.975], k, patients + 1 - k)
    return Interval(k / (patients + 1), float(low), float(high))


@dataclass(frozen=True)
class Report:
    """All test figures of one classifier; `print` shows them as a table."""

    accuracy: Interval
    auc: Interval
    sensitivity: Interval
    specificity: Interval
    confusion: np.ndarray  # [2, 2], rows: truth, columns: said
    threshold: float

    def figures(self) -> dict[str, str]:
        """Each figure with its interval, as text, by its name."""
        return {name: str(getattr(self, name)) for name in ("accuracy", "auc", "sensitivity", "specificity")}

    def __str__(self) -> str:
        lines = [f"{'AUC' if name == 'auc' else name:12s} {figure}" for name, figure in self.figures().items()]
        return "\n".join([f"{'':12s} value [95 % interval]", *lines, f"threshold    {self.threshold:.3f}"])


def report(labels: np.ndarray, scores: np.ndarray, threshold: float = 0.5) -> Report:
    """Measure probabilities of class 1 against labels at one threshold.

    Args:
        labels: [n], 0 or 1, both present.
        scores: [n], from 0 to 1; `scores >= threshold` means class 1.
        threshold: from 0 to 1.

    Raises:
        ValueError: the lengths differ, one class is missing, or a score or the threshold is no probability.
    """
    labels, scores = checked(labels, scores, probabilities=True)
    threshold = number("the threshold", threshold, least=0, most=1)
    confusion = confusion_matrix(labels, scores >= threshold, labels=[0, 1])
    (true_negative, _), (_, true_positive) = confusion
    return Report(
        accuracy=proportion(true_negative + true_positive, len(labels)),
        auc=auc(labels, scores),
        sensitivity=proportion(true_positive, confusion[1].sum()),
        specificity=proportion(true_negative, confusion[0].sum()),
        confusion=confusion,
        threshold=threshold,
    )


def checked(labels: np.ndarray, scores: np.ndarray, probabilities: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Labels [n] of 0 and 1 and scores [n] as int64 and float64.

    Raises:
        ValueError: they are none, differ in length, or a class is missing; or the scores are no `probabilities`.
    """
    labels, scores = array("labels", labels, "n"), array("scores", scores, "n", finite=False).astype(float)
    if labels.shape != scores.shape:
        raise ValueError(f"labels and scores must be two lists of one length, not {labels.shape} and {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("the scores hold NaN or infinity: the network has diverged; lower the learning rate")
    found = np.unique(labels)
    if set(found.tolist()) != {0, 1}:
        more = ", ..." if len(found) > 5 else ""
        shown = ", ".join(f"{value:g}" for value in found[:5]) + more
        raise ValueError(f"the labels must hold both 0 and 1 and nothing else, not [{shown}]")
    if probabilities and (scores.min() < 0 or scores.max() > 1):
        raise ValueError(
            f"the scores must be probabilities from 0 to 1, not from {scores.min():.3g} to {scores.max():.3g}: "
            "of logits take the softmax first"
        )
    return labels.astype(np.int64), scores


def _share_from(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The share of the scores that are at least each threshold; memory and time grow with n, not with its square."""
    return 1 - np.searchsorted(np.sort(scores), thresholds, side="left") / len(scores)


def _at_least(count: float) -> int:
    """The smallest whole number that is at least `count`, in spite of rounding (0.98 * 50 is 49), and at least 1."""
    return max(1, math.ceil(count - 1e-9))
