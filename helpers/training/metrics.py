"""How good a two-class classifier is, with intervals: accuracy, AUC, sensitivity, specificity, and a threshold."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, rankdata
from sklearn.metrics import confusion_matrix, roc_auc_score


@dataclass(frozen=True)
class Interval:
    """A measured value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def proportion(successes: int, total: int) -> Interval:
    """A proportion with Wilson's 95 % interval (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).

    Raises:
        ValueError: total is 0, or successes is not from 0 to total.
    """
    if total < 1 or not 0 <= successes <= total:
        raise ValueError(f"a proportion needs 0 <= successes <= total and total >= 1, not {successes} of {total}")
    ends = binomtest(int(successes), int(total)).proportion_ci(0.95, method="wilson")
    return Interval(successes / total, ends.low, ends.high)


def auc(labels: np.ndarray, scores: np.ndarray, draws: int = 1000, seed: int = 0) -> Interval:
    """Area under the ROC curve with a 95 % bootstrap interval (percentiles), drawn within each class.

    Args:
        labels, scores: [n], 0 or 1, both present; larger means class 1.
        draws, seed: of the bootstrap.

    Raises:
        ValueError: the lengths differ, or one class is missing.
    """
    labels, scores = _checked(labels, scores)
    rng = np.random.default_rng(seed)
    healthy, sick = (rng.choice(scores[labels == k], (draws, (labels == k).sum())) for k in (0, 1))
    ranks = rankdata(np.concatenate([healthy, sick], axis=1), axis=1)[:, healthy.shape[1] :]
    n0, n1 = healthy.shape[1], sick.shape[1]
    values = (ranks.sum(axis=1) - n1 * (n1 + 1) / 2) / (n0 * n1)  # Mann and Whitney's statistic is the AUC
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(roc_auc_score(labels, scores)), float(low), float(high))


def choose_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """The threshold with the largest sensitivity + specificity (Youden 1950); `scores >= threshold` means class 1.

    Thresholds that differ by no more than one image of the smaller class count as equal, since one image is chance;
    of those, the one nearest to 0.5 is taken.

    Raises:
        ValueError: the lengths differ, or one class is missing.
    """
    labels, scores = _checked(labels, scores)
    ordered = np.unique(scores)
    candidates = np.array([0.5, ordered[0], *(ordered[:-1] + ordered[1:]) / 2])
    said = scores >= candidates[:, None]
    quality = said[:, labels == 1].mean(axis=1) - said[:, labels == 0].mean(axis=1)
    one_image = 1 / min((labels == 0).sum(), (labels == 1).sum())
    good = candidates[quality >= quality.max() - one_image - 1e-9]
    return float(good[np.abs(good - 0.5).argmin()])


@dataclass(frozen=True)
class Report:
    """All test figures of one classifier; `print` shows them as a table."""

    accuracy: Interval
    auc: Interval
    sensitivity: Interval
    specificity: Interval
    confusion: np.ndarray  # [2, 2], rows: truth, columns: said
    threshold: float

    def __str__(self) -> str:
        rows = [(name, getattr(self, name)) for name in ("accuracy", "auc", "sensitivity", "specificity")]
        lines = [f"{'AUC' if name == 'auc' else name:12s} {interval}" for name, interval in rows]
        return "\n".join([f"{'':12s} value [95 % interval]", *lines, f"threshold    {self.threshold:.3f}"])


def report(labels: np.ndarray, scores: np.ndarray, threshold: float = 0.5) -> Report:
    """Measure scores in [0, 1] against labels at one threshold; raises what `auc` raises."""
    labels, scores = _checked(labels, scores)
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


def _checked(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = np.asarray(labels), np.asarray(scores)
    if labels.shape != scores.shape or labels.ndim != 1:
        raise ValueError(f"labels and scores must be two lists of one length, not {labels.shape} and {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("the scores hold NaN or infinity: the network has diverged; lower the learning rate")
    if set(np.unique(labels)) != {0, 1}:
        raise ValueError(f"the labels must hold both 0 and 1 and nothing else, not {np.unique(labels).tolist()}")
    return labels, scores
