"""fundus.photographs: a data set is read once, described, and divided so that no photograph is on two sides."""
import sys
import warnings

from helpers.fundus import images, photographs, sources
from helpers.fundus.errors import DataError, DataNotFound
from helpers.fundus.photographs import FundusSet
from tests.tools import palm_builder as build
from tests.tools.palm_builder import EXPECTED, VALIDATION, write

import numpy as np
import pytest

# --- reading -------------------------------------------------------------------------------------------------------

def test_read(folder, machine):
    data = photographs.read(folder, 24, progress=False)
    assert (data.images.shape, data.images.dtype) == ((len(EXPECTED), 24, 24, 3), np.uint8)
    assert data.labels.dtype == np.int64
    assert {n: (str(p), int(y)) for n, p, y in zip(data.names, data.parts, data.labels, strict=True)} == EXPECTED
    assert (data.sizes == 48).all()
    assert data.real
    for index in (0, 20, -1):
        path = next(folder.rglob(f"{data.names[index]}.jpg"))
        np.testing.assert_array_equal(data.images[index], images.read_image(path, 24))
    assert repr(data) == "FundusSet(29 real images of 24 px, 14 pathologic)"


def test_caches_of_several_folders_and_sizes_live_side_by_side(folder, machine, monkeypatch):
    other = write(machine / "other" / "set", build.unpacked())
    read = [(place, size) for place in (folder, other) for size in (16, 24)]
    for place, size in read:
        photographs.read(place, size, progress=False)
    assert {path.suffix for path in (machine / "project" / "data" / "cache").iterdir()} == {".npz"}
    monkeypatch.setattr(images, "read_image", None)  # from now on nothing may be decoded
    for place, size in read:
        assert photographs.read(place, size, progress=False).images.shape[1] == size


def test_read_with_and_without_another_cache(folder, machine):
    photographs.read(folder, 24, cache=False, progress=False)
    photographs.read(folder, 24, cache=machine / "mine.npz", progress=False)
    assert (machine / "mine.npz").is_file()
    assert not (machine / "project/data/cache").exists()


def test_read_what_find_found(folder, monkeypatch):
    monkeypatch.setenv("PALM_DIR", str(folder))
    assert photographs.read(size=16, progress=False).names == tuple(EXPECTED)
    assert photographs.read(sources.find(), 16, progress=False).names == tuple(EXPECTED)


def test_read_where_there_is_nothing(machine):
    with pytest.raises(DataNotFound, match=r"no data set in PALM_DIR, data/palm or .*README.*fundus\.render"):
        photographs.read()


def test_rendered_images_say_so(folder):
    write(folder, {"RENDERED.json": "{}"})
    data = photographs.read(folder, 24, progress=False)
    assert not data.real
    assert data.summary().startswith("29 rendered fundus images")


def test_nothing_on_stderr_and_no_warning(folder, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):  # decodes, and takes what it decoded
            photographs.read(folder, 24)
    sys.stdout.flush()
    assert capfd.readouterr().err == ""


def test_the_arrays_must_agree():
    with pytest.raises(ValueError, match=r"equally many, not \[1, 2\]"):
        FundusSet(np.zeros((2, 8, 8, 3), np.uint8), np.zeros(2, np.int64), ("a",), np.array(["training"] * 2))


def test_a_subset_is_a_copy_in_an_order_of_its_own(data):
    chosen = np.isin(np.arange(80), [3, 61])
    for indices, names in ((np.array([61, 3, 3]), ("V0001", "H0003", "H0003")), (chosen, ("H0003", "V0001"))):
        some = data.subset(indices)
        assert some.names == names
        for image, name, label, part in zip(some.images, names, some.labels, some.parts, strict=True):
            position = data.names.index(name)
            np.testing.assert_array_equal(image, data.images[position])
            assert (label, part) == (data.labels[position], data.parts[position])
        assert not np.shares_memory(some.images, data.images)
    assert len(data.subset(np.array([], int))) == 0


# --- summary -------------------------------------------------------------------------------------------------------

def test_summary(data):
    text = data.summary()
    assert text.splitlines() == [
        "80 real fundus images of 64 x 64 pixels",
        "              not pathologic  pathologic   all",
        "training                  30          30    60",
        "validation                10          10    20",
        "duplicates within training: H0004 = H0005 = H0007",
        "duplicates between training and validation: P0010 = V0010 = V0011",
        "duplicates within validation: V0018 = V0019",
    ]


def test_summary_of_sizes(data):
    sizes = np.array([[2056, 2124]] * 50 + [[1444, 1444]] * 20 + [[10, 20]] * 5 + [[30, 30]] * 4 + [[40, 40]])
    data = FundusSet(data.images, data.labels, data.names, data.parts, sizes=sizes)
    line = "files: 50 of 2124 x 2056, 20 of 1444 x 1444, 5 of 20 x 10, 5 of other sizes"
    assert line in data.summary().splitlines()
    few = data.subset(np.arange(3))
    assert few.summary().splitlines()[1:] == [
        "files: 3 of 2124 x 2056",
        "              not pathologic  pathologic   all",
        "training                   3           0     3",
        "no duplicates",
    ]


# --- parts ---------------------------------------------------------------------------------------------------------

def kinds(part):
    return {letter: sum(name[0] == letter for name in part.names) for letter in "HNP"}


def test_split_is_stratified_and_complete(data):
    parts = photographs.split(data)
    assert parts.test.names == tuple(f"V{i:04d}" for i in range(20))
    names = set(parts.train.names) | set(parts.validation.names)
    assert len(parts.train) + len(parts.validation) == len(names) == 59
    assert names == set(data.names[:60]) - {"P0010"}
    for seed in range(10):
        counts = kinds(photographs.split(data, seed=seed).validation)
        assert abs(counts["N"] - 4) <= 1
        assert abs(counts["P"] - 5.8) <= 1
        assert 1 <= counts["H"] <= 4  # one of them may stand for three
    for part in parts:
        for index in range(0, len(part), 7):
            position = data.names.index(part.names[index])
            np.testing.assert_array_equal(part.images[index], data.images[position])
            assert part.labels[index] == data.labels[position]


def test_duplicates_are_never_on_both_sides(data):
    group = {"H0004", "H0005", "H0007"}
    sides = [bool(group & set(photographs.split(data, 0.5, seed).train.names)) for seed in range(20)]
    assert len(set(sides)) == 2, "on either side by chance"
    for seed in range(20):
        parts = photographs.split(data, 0.5, seed)
        assert group <= set(parts.train.names) or group <= set(parts.validation.names)


def test_duplicates_of_the_test_part_may_be_kept(data):
    parts = photographs.split(data, drop_duplicates=False)
    assert "P0010" in parts.train.names + parts.validation.names
    assert len(parts.train) + len(parts.validation) == 60


@pytest.mark.parametrize("share", [0, 0.2])
def test_a_class_of_copies_of_test_images_is_named(data, share):
    """P0010 stands in the test part as well, and is the only pathologic one here."""
    few = data.subset(np.array([*range(3), *range(10, 20), 40, *range(60, 75)]))
    with pytest.raises(DataError, match=r"no photograph of the class pathologic is left for training: P0010 show"):
        photographs.split(few, share)


def test_split_repeats_and_depends_on_the_seed(data):
    assert photographs.split(data, seed=3).validation.names == photographs.split(data, seed=3).validation.names
    assert photographs.split(data, seed=3).validation.names != photographs.split(data, seed=4).validation.names


@pytest.mark.parametrize("share", [1, -0.1, 2])
def test_split_of_a_wrong_share(data, share):
    with pytest.raises(ValueError, match=f"validation must be at least 0 and below 1, not {share}"):
        photographs.split(data, share)


def test_split_without_a_validation_part(data):
    parts, divided = photographs.split(data, 0), photographs.split(data, 0.5)
    assert len(parts.validation) == 0
    assert set(parts.train.names) == set(divided.train.names) | set(divided.validation.names)
    assert parts.test.names == divided.test.names


def test_split_of_few_images(data):
    """With one H among ten images the labels are what can be stratified."""
    few = data.subset(np.array([0, 10, 11, 12, 13, 30, 31, 32, 33, 34, 60, 61]))
    parts = photographs.split(few)
    assert [len(part) for part in parts] == [8, 2, 2]
    assert sorted(parts.validation.labels) == [0, 1]
    for indices in ([0, 10, 11, 12, 13, 14], [0, 10, 11, 12, 13, 30], [0, 10, 30, 31], []):
        with pytest.raises(DataError, match=r"training images, . of them pathologic, are too few .*Add more"):
            photographs.split(data.subset(np.array(indices, int)))


def test_testing_images_are_in_no_part(machine):
    parts = photographs.split(photographs.read(write(machine / "set", build.release()), 16, progress=False))
    assert parts.test.names == tuple(VALIDATION)
    assert not any(name.startswith("T") for part in parts for name in part.names)


def test_real_split(palm_dir):
    parts = photographs.split(photographs.read(palm_dir, 64, cache=False, progress=False))
    assert "P0056" not in parts.train.names + parts.validation.names
    assert ("P0014" in parts.train.names) == ("P0072" in parts.train.names)
    assert abs(len(parts.validation) - 80) <= 2
    assert kinds(parts.validation)["H"] == 5


def test_short_names_of_classes_leave_room_for_the_counts():
    labels = np.arange(800) % 2
    data = FundusSet(np.zeros((800, 1, 1, 3), np.uint8), labels, ("a",) * 800, ["training"] * 800, classes=("0", "1"))
    assert data.summary().splitlines()[2].split() == ["training", "400", "400", "800"]


@pytest.mark.parametrize(("wrong", "said"), [
    ({"labels": [0, 2]}, "positions among the 2 classes"), ({"labels": [0, -1]}, "positions among the 2 classes"),
    ({"labels": [0.5, 1]}, "labels must be whole numbers"), ({"groups": np.zeros(3, int)}, "3 groups, and 2 images"),
])  # fmt: skip
def test_what_does_not_fit_the_classes_or_the_images(wrong, said):
    images = np.zeros((2, 4, 4, 3), np.uint8)
    given = {"images": images, "labels": [0, 1], "names": ("a", "b"), "parts": ["training"] * 2}
    assert "1 pathologic" in repr(FundusSet(**given).subset(np.array([1])))
    with pytest.raises(ValueError, match=said):
        FundusSet(**{**given, **wrong})
