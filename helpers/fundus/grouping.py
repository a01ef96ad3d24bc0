"""Dividing photographs so that those of one patient, and copies of one photograph, stay on one side."""
from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

from helpers.fundus.errors import DataError

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold


def together(patients: Sequence[str], copies: Iterable[Sequence[int]]) -> np.ndarray:
    """The group of each photograph, int64 [n]: the same number for what has to stay together.

    Args:
        patients: n names; "" where none is known, which says nothing.
        copies: the positions of photographs that are the same, group by group.
    """
    first: dict[str, int] = {}
    pairs = [(place, first.setdefault(name, place)) for place, name in enumerate(patients) if name]
    pairs += [(place, group[0]) for group in copies for place in group]
    rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(patients), len(patients)))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def folds(labels: np.ndarray, groups: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """The fold of each photograph, int64 [n] from 0 to count - 1: groups whole, classes as evenly as that allows."""
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
    """Which photographs to hold back, bool [n]: about `share` of each class, with groups whole.

    Of a few folds the one is taken that holds nearest to that share of each class.

    Args:
        labels, groups: int64 [n].
        share: above 0 and below 1.
        seed: which ones these are.
        classes, purpose: for the message, such as "testing".

    Raises:
        DataError: a class has too few photographs, or of too few patients, for both sides.
    """
    smaller = min(share, 1 - share)
    fold_of = folds(labels, groups, max(2, round(1 / smaller)), seed)
    counts = np.zeros((fold_of.max(initial=0) + 1, len(classes)), np.int64)
    np.add.at(counts, (fold_of, labels), 1)
    total = counts.sum(axis=0)
    both_sides = (counts > 0) & (counts < total)
    away = np.abs(counts / np.maximum(total, 1) - smaller).max(axis=1)
    fold = np.lexsort((away, -both_sides.sum(axis=1)))[0]
    if not both_sides[fold].all():
        few = int(both_sides[fold].argmin())
        different = len(np.unique(groups[labels == few]))
        raise DataError(
            f"the class {classes[few]} has {total[few]} photographs, {different} without copies and others of the same "
            f"patients: too few to hold {share:.0%} of each class back for {purpose}. Add some, or leave the class out."
        )
    return (fold_of == fold) == (share <= 0.5)
