"""Dividing photographs so that those of one patient, and copies of one photograph, stay on one side."""
from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations

from helpers.checks import array, number, shown, whole
from helpers.fundus.copies import joined
from helpers.fundus.errors import DataError

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 20  # at most, of a share that is not one of them: three twentieths are three folds of 20


def together(patients: Sequence[str], copies: Iterable[Sequence[int]]) -> np.ndarray:
    """The group of each photograph, int64 [n]: the same number for what has to stay together.

    Args:
        patients: n names; "" where none is known, which says nothing.
        copies: the positions of photographs that are the same, group by group.

    Raises:
        ValueError: copies are no groups of positions, or a position is none of the n.
    """
    try:
        copies = [list(group) for group in copies]
    except Exception as error:  # whatever an object does that is looked at
        raise ValueError(f"copies must be groups of positions, not {shown(copies)}") from error
    copies = [[whole("a position of a copy", place, 0, len(patients) - 1) for place in group] for group in copies]
    first: dict[str, int] = {}
    pairs = [(place, first.setdefault(name, place)) for place, name in enumerate(patients) if name != ""]
    pairs += [(place, group[0]) for group in copies for place in group]
    rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
    return joined(np.arange(len(patients)), rows, columns).astype(np.int64)


def folds(labels: np.ndarray, groups: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """The fold of each photograph, int64 [n] from 0 to count - 1: groups whole, classes as evenly as that allows.

    Raises:
        ValueError: labels and groups are no whole numbers from 0 on, equally many, or `count` is not at least 1.
    """
    labels, groups, count = *_checked(labels, groups), whole("count", count, 1)
    result = np.zeros(len(labels), np.int64)
    count = min(count, len(np.unique(groups)), np.bincount(labels).max(initial=0))
    if count < 2:
        return result
    splitter = StratifiedGroupKFold(int(count), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fold, (_, held_out) in enumerate(splitter.split(labels, labels, groups)):
            result[held_out] = fold
    return result


def hold_back(
    labels: np.ndarray, groups: np.ndarray, share: float, seed: int, classes: Sequence[str], purpose: str
) -> np.ndarray:  # fmt: skip
    """Which photographs to hold back, bool [n]: as near to `share` of each class as folds of whole groups come.

    Of a fifth one fold of five is taken, of three tenths three folds of ten: those that hold nearest to that share of
    each class. Where a class is a photograph or more, and a twentieth, away from it, finer folds are tried; if that
    does not help, since groups are large, a warning says how many it is.

    Args:
        labels, groups: int64 [n].
        share: above 0 and below 1.
        seed: which ones these are.
        classes, purpose: for the messages, such as "testing".

    Raises:
        DataError: a class has too few photographs, or of too few patients, for both sides.
        ValueError: what `folds` refuses; a share that is not above 0 and below 1; a label of no class.
    """
    labels, groups = _checked(labels, groups)
    if not 0 < number("share", share) < 1:
        raise ValueError(f"share must be above 0 and below 1, not {shown(share)}")
    if labels.max(initial=-1) >= len(classes):
        raise ValueError(f"the label {labels.max()} is of none of the {len(classes)} classes")
    smaller, total = min(share, 1 - share), np.bincount(labels, minlength=len(classes))
    # A finer share than a twentieth is one fold of so many as it takes.
    wanted = Fraction(smaller).limit_denominator(FOLDS) if smaller > 1 / FOLDS else Fraction(1, round(1 / smaller))
    best, held = None, None
    for count in range(wanted.denominator, max(FOLDS, wanted.denominator) + 1, wanted.denominator):
        inside = _nearest(labels, folds(labels, groups, count, seed), smaller, total)
        inside_held = np.bincount(labels[inside], minlength=len(classes))
        if best is None or _badness(inside_held, total, smaller) < _badness(held, total, smaller):
            best, held = inside, inside_held
        if not (far := _far(held, total, smaller)).any():
            break
    one_side = (held == 0) | (held == total)
    if one_side.any():
        few = int(one_side.argmax())
        different = len(np.unique(groups[labels == few]))
        raise DataError(
            f"the class {classes[few]} has {total[few]} photographs, {different} without copies and others of the same "
            f"patients: too few to hold {share:.0%} of each class back for {purpose}. Add some, or leave the class out."
        )
    if share > 0.5:
        best, held = ~best, total - held
    if far.any():
        places = np.flatnonzero(far)
        real = ", ".join(f"{held[k]} of {total[k]} {classes[k]} ({held[k] / total[k]:.0%})" for k in places)
        warnings.warn(
            f"{share:.0%} of each class were to be held back for {purpose}, and it is {real}: photographs of one "
            "patient, and copies, stay together.",
            stacklevel=2,
        )
    return best


def _nearest(labels: np.ndarray, fold_of: np.ndarray, share: float, total: np.ndarray) -> np.ndarray:
    """The photographs, bool [n], of that choice of folds which holds nearest to a share of each class."""
    counts = np.zeros((fold_of.max(initial=0) + 1, len(total)), np.int64)
    np.add.at(counts, (fold_of, labels), 1)
    # There are fewer folds than wanted where there are few groups.
    choices = np.array(list(combinations(range(len(counts)), max(1, round(share * len(counts))))))
    held = sum(counts[column] for column in choices.T)
    return np.isin(fold_of, choices[np.lexsort(_badness(held, total, share)[::-1])[0]])


def _badness(held: np.ndarray, total: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """What is worse of int64 [..., k] held back: first the classes that are on one side alone, then how far it is."""
    one_side = ((held == 0) | (held == total)).sum(axis=-1)
    return one_side, np.abs(held / np.maximum(total, 1) - share).max(axis=-1)


def _far(held: np.ndarray, total: np.ndarray, share: float) -> np.ndarray:
    """Of which classes, bool [k], much more or less than a share is held back."""
    away = np.abs(held - share * total)
    return (away >= 1) & (away > total / FOLDS)


def _checked(labels: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays [n] of whole numbers, or an error that names what is wrong with them."""
    labels, groups = array("labels", labels, "n", "iu"), array("groups", groups, "n", "iu")
    if len(labels) != len(groups):
        raise ValueError(f"labels and groups must be equally many, not {len(labels)} and {len(groups)}")
    if labels.min(initial=0) < 0:
        raise ValueError(f"labels must be classes from 0 on, not {labels.min()}")
    return labels.astype(np.int64), groups.astype(np.int64)
