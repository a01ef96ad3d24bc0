"""How good a classifier of two or more classes is, with intervals; `helpers.training.metrics` says more of two.

Its answer is the class with the largest probability.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from helpers.checks import array, shown, whole
from helpers.intervals import Interval
from helpers.training.metrics import areas, blocks, proportion

import numpy as np
from sklearn.metrics import confusion_matrix, roc_auc_score


@dataclass(frozen=True)
class Report:
    """All test figures of one classifier; `print` shows them as a table.

    Attributes:
        accuracy: the share of right answers.
        auc: the mean over the classes of the area under the ROC curve of one class against all others.
        sensitivities: for each class, how many of its images are answered with it.
        confusion: int [K, K], rows: truth, columns: said.
        classes: the names of the K classes.
    """

    accuracy: Interval
    auc: Interval
    sensitivities: tuple[Interval, ...]
    confusion: np.ndarray
    classes: tuple[str, ...]

    def figures(self) -> dict[str, str]:
        """Each figure with its interval, as text, by its name."""
        each = zip(self.classes, self.sensitivities, strict=True)
        return {
            "accuracy": str(self.accuracy), "auc": str(self.auc),
            **{f"sensitivity, {name}": str(interval) for name, interval in each},
        }  # fmt: skip

    def __str__(self) -> str:
        figures = self.figures()
        width = max(map(len, figures))
        lines = [f"{'AUC' if name == 'auc' else name:{width}}  {figure}" for name, figure in figures.items()]
        cell = max(5, len(str(self.confusion.max())), *map(len, self.classes))
        head = max(5, *map(len, self.classes))
        table = [f"{name:>{head}}  " + "  ".join(f"{count:>{cell}}" for count in row)
                 for name, row in zip(self.classes, self.confusion, strict=True)]  # fmt: skip
        return "\n".join([
            f"{'':{width}}  value [95 % interval]", *lines, "AUC: mean of each class against all others",
            "", "rows: truth, columns: said", f"{'':{head}}  " + "  ".join(f"{name:>{cell}}" for name in self.classes),
            *table,
        ])  # fmt: skip


def report(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> Report:
    """Measure the probabilities of all classes against labels.

    Args:
        labels: int [n], from 0 to K - 1; each class is there.
        probabilities: [n, K]; each row adds up to 1.
        classes: the K names.

    Raises:
        ValueError: the shapes do not fit, a label is of no class, a class has no image, or the probabilities are none.
    """
    labels, probabilities = _of_two_at_least(labels, probabilities)
    count = probabilities.shape[1]
    classes = classes.tolist() if isinstance(classes, np.ndarray) else classes
    if not isinstance(classes, Sequence) or isinstance(classes, str) or not all(isinstance(c, str) for c in classes):
        raise ValueError(f"the classes must be a list of names, not {shown(classes)}")
    if len(classes) != count:
        raise ValueError(f"there are {count} probabilities for each image and {len(classes)} names of classes")
    confusion = confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(count))
    totals = confusion.sum(axis=1)
    if not totals.all():
        raise ValueError(f"there is no image of the class {classes[int(totals.argmin())]}: nothing to measure it with")
    right = np.diag(confusion)
    return Report(
        accuracy=proportion(right.sum(), len(labels)),
        auc=auc(labels, probabilities),
        sensitivities=tuple(proportion(*pair) for pair in zip(right, totals, strict=True)),
        confusion=confusion,
        classes=tuple(classes),
    )


def macro_auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean of the areas under the ROC curves of one class against all others, over the classes that are there.

    Fawcett: An introduction to ROC analysis, 2006, section 10.2, with equal weights,
    https://doi.org/10.1016/j.patrec.2005.10.010.

    Args:
        labels: int [n], at least two classes.
        probabilities: [n, K].

    Raises:
        ValueError: as in `report`, but for classes without images, of which all but two may be.
    """
    labels, probabilities = _of_two_at_least(labels, probabilities)
    return float(np.mean([roc_auc_score(labels == k, probabilities[:, k]) for k in np.unique(labels)]))


def auc(labels: np.ndarray, probabilities: np.ndarray, draws: int = 1000, seed: int = 0) -> Interval:
    """`macro_auc` with a 95 % bootstrap interval (percentiles), drawn within each class.

    Raises:
        ValueError: what `macro_auc` refuses, or there is no draw.
    """
    labels, probabilities = _of_two_at_least(labels, probabilities)
    draws, seed = whole("draws", draws, 1), whole("seed", seed, 0)
    there = np.unique(labels)
    rng, places = np.random.default_rng(seed), [np.flatnonzero(labels == k) for k in there]
    ordered = np.sort(labels)  # those of a draw: all of the first class, then all of the second one, ...
    values: list[float] = []
    for some in blocks(draws, len(labels)):
        drawn = np.concatenate([rng.choice(place, (some, len(place))) for place in places], axis=1)
        values += np.mean([areas(probabilities[drawn, k], ordered == k) for k in there], axis=0).tolist()
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(macro_auc(labels, probabilities), float(low), float(high))


def one_image(labels: np.ndarray) -> float:
    """The most that a single image can change `macro_auc`: of two classes 1 / (images of the smaller one).

    Raises:
        ValueError: the labels are no whole numbers [n] from 0 on, of two classes at least.
    """
    labels = array("labels", labels, "n", "iu")
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2 or labels.min() < 0:
        raise ValueError(f"labels must be from 0 on, of two classes at least, not {np.unique(labels)[:9].tolist()}")
    as_another = 1 / (len(labels) - counts)
    changes = [1 / counts[k] + np.delete(as_another, k).sum() for k in range(len(counts))]
    return float(max(changes)) / len(counts)


def checked(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels [n] of classes from 0 to K - 1 and probabilities [n, K] as int64 and float64.

    Raises:
        ValueError: they are none, there is no image, or no second class to be told apart.
    """
    labels = array("labels", labels, "n")
    probabilities = array("probabilities", probabilities, "n K", finite=False).astype(float)
    count = probabilities.shape[1]
    if len(labels) != len(probabilities) or not len(labels) or count < 2:
        raise ValueError(
            f"labels must be [n] and probabilities [n, K], K >= 2, not {labels.shape} and {probabilities.shape}"
        )
    if not np.isfinite(probabilities).all():
        raise ValueError("the probabilities hold NaN or infinity: the network has diverged; lower the learning rate")
    if probabilities.min() < 0 or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise ValueError("the probabilities of an image must be at least 0 and add up to 1: of logits take the softmax")
    if not np.isin(labels, np.arange(count)).all():
        raise ValueError(f"labels must be classes from 0 to {count - 1}, not {np.unique(labels)[:9].tolist()}")
    return labels.astype(np.int64), probabilities


def _of_two_at_least(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels, probabilities = checked(labels, probabilities)
    if labels.min() == labels.max():
        raise ValueError(f"the images must be of two classes at least, and all are of class {labels[0]}")
    return labels, probabilities
