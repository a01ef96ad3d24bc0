"""fundus.grouping: whatever the patients and the classes are, nobody is on two sides, and each side has all classes."""
import warnings

from helpers.fundus.errors import DataError
from helpers.fundus.grouping import folds, hold_back, together

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st


def test_patients_and_copies_are_joined_also_by_way_of_one_another():
    #   a and b have a copy in common, b has a third photograph; two are of nobody known
    patients = ["a", "b", "b", "", "c", ""]
    groups = together(patients, [(0, 1)])
    assert groups[0] == groups[1] == groups[2]
    assert len(set(groups[3:])) == 3
    assert groups[0] not in groups[3:]
    assert groups.dtype == np.int64
    assert len(set(together([""] * 4, []))) == 4, "no name is not a patient of that name"
    assert together([], []).shape == (0,)


def eyes(per_class, classes, seed=0):
    """Labels and groups of so many patients a class, with one to three photographs each."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), per_class)
    counts = rng.integers(1, 4, len(labels))
    return np.repeat(labels, counts), np.repeat(np.arange(len(labels)), counts)


@given(seed=st.integers(0, 1000), classes=st.integers(2, 6), share=st.sampled_from([0.1, 0.2, 0.25, 0.5, 0.7]))
def test_a_share_of_each_class_is_held_back_and_no_group_is_torn(seed, classes, share):
    labels, groups = eyes(20, classes, seed)
    chosen = hold_back(labels, groups, share, seed, "abcdef"[:classes], "testing")
    assert not set(groups[chosen]) & set(groups[~chosen])
    for k in range(classes):
        assert abs(chosen[labels == k].mean() - share) < 0.12


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3, 0.35, 0.4, 0.45, 0.6, 0.7])
def test_a_share_that_is_no_whole_number_of_folds(share):
    labels, groups = np.repeat([0, 1], [100, 60]), np.arange(160)
    chosen = hold_back(labels, groups, share, 0, "ab", "validation")
    assert [chosen[labels == k].sum() for k in (0, 1)] == [round(100 * share), round(60 * share)]


@pytest.mark.parametrize("seed", range(5))
def test_a_share_of_few_is_as_near_as_photographs_allow(seed):
    labels = np.repeat([0, 1, 2], [5, 8, 30])
    chosen = hold_back(labels, np.arange(43), 0.3, seed, "abc", "validation")
    assert chosen[:5].sum() in {1, 2}
    assert chosen[5:13].sum() in {2, 3}
    assert 8 <= chosen[13:].sum() <= 10


def test_what_large_groups_make_of_a_share_is_said():
    labels = np.repeat([0, 1], 40)
    groups = np.concatenate([np.arange(40), np.repeat([50, 51, 52], [24, 10, 6])])
    said = r"^50% of each class were .* for validation, and it is 24 of 40 sick \(60%\): photographs of one patient"
    with pytest.warns(UserWarning, match=said) as caught:
        chosen = hold_back(labels, groups, 0.5, 0, ("healthy", "sick"), "validation")
    assert len(caught) == 1
    assert [chosen[:40].sum(), chosen[40:].sum()] == [20, 24]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hold_back(labels, groups, 0.2, 0, ("healthy", "sick"), "validation")  # 10 of 40 is near enough
        hold_back(labels, np.arange(80), 0.3, 0, ("healthy", "sick"), "validation")


@pytest.mark.parametrize("seed", range(5))
def test_finer_folds_where_those_of_the_share_are_too_coarse(seed):
    """Eight patients of each class make five folds of one or two, and seldom one with two of each class."""
    groups = np.arange(48) // 2
    chosen = hold_back(groups // 8, groups, 0.2, seed, "abc", "validation")
    assert [chosen[groups // 8 == k].sum() for k in range(3)] == [4, 4, 4]


def test_the_seed_decides_and_nothing_else():
    labels, groups = eyes(20, 3)
    sides = [hold_back(labels, groups, 0.2, seed, "abc", "testing").tolist() for seed in (0, 0, 1, 2)]
    assert sides[0] == sides[1]
    assert len(set(map(tuple, sides))) == 3


def test_patients_with_eyes_of_two_classes():
    groups = np.arange(60) // 2
    labels = np.arange(60) % 2  # everybody has one of each
    chosen = hold_back(labels, groups, 0.2, 0, "ab", "testing")
    assert chosen.sum() == 12
    assert chosen[labels == 0].sum() == 6


@pytest.mark.parametrize("sizes", [(50, 1), (50, 5), (1, 1)])
def test_a_class_that_cannot_be_on_both_sides_is_named(sizes):
    labels = np.repeat([0, 1], sizes)
    groups = np.concatenate([np.arange(sizes[0]), np.full(sizes[1], 999)])  # all of b are of one patient
    with pytest.raises(DataError, match=r"the class [ab] has \d+ photographs, 1 .*too few to hold 20% .* for testing"):
        hold_back(labels, groups, 0.2, 0, "ab", "testing")


def test_folds_hold_everything_once_and_tear_no_group():
    labels, groups = eyes(25, 3)
    fold_of = folds(labels, groups, 5)
    assert set(fold_of) == set(range(5))
    for fold in range(5):
        inside = fold_of == fold
        assert not set(groups[inside]) & set(groups[~inside])
        assert (np.bincount(labels[inside], minlength=3) >= 3).all()
    assert folds(np.zeros(3, int), np.zeros(3, int), 5).tolist() == [0, 0, 0]
