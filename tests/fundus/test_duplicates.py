"""copies.same_photographs: copies of a photograph are found whatever their size and quality, and nothing else is.

What is measured on real images is how far they are from the limit, SAME, on either side.
"""
from helpers.fundus import copies, photographs
from helpers.fundus.copies import SAME, same_photographs
from helpers.fundus.images import read_image
from tests.tools import palm_builder as build
from tests.tools.processes import python

import cv2
import numpy as np
import pytest
from sklearn.cluster import DBSCAN


@pytest.fixture
def limit(monkeypatch):
    """Sets the limit to some times what it is."""
    return lambda factor: monkeypatch.setattr(copies, "SAME", factor * SAME)


def scaled(picture, size):
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


def test_duplicates(data):
    assert data.duplicates() == [("H0004", "H0005", "H0007"), ("P0010", "V0010", "V0011"), ("V0018", "V0019")]
    assert data.subset(np.arange(4)).duplicates() == []
    assert data.subset(np.array([], int)).duplicates() == []


def test_brightness_does_not_hide_a_duplicate(data):
    pictures = np.stack([data.images[0], (data.images[0] * 0.6).astype(np.uint8), data.images[1]])
    assert same_photographs(pictures) == [(0, 1)]


def test_flat_images_are_copies_of_nothing(data):
    """They have no picture by which to tell: neither that they are the same photograph nor that they are not."""
    flat = [np.full_like(data.images[0], grey) for grey in (0, 0, 128, 255, 255)]
    assert same_photographs(np.stack(flat)) == []
    assert same_photographs(np.stack([flat[0], data.images[4], *flat[1:], data.images[5]])) == [(1, 6)]


def test_many_copies_are_one_group(data):
    many = np.stack([scaled(data.images[position], 16) for position in (0, 1, 2)])[[0] * 1000 + [1] + [2] * 500]
    assert same_photographs(many) == [tuple(range(1000)), tuple(range(1001, 1501))]


MEASURE = """
import resource, sys
import numpy as np
from helpers.fundus.copies import same_photographs
picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
same_photographs(np.stack([picture] * 2))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert same_photographs(np.stack([picture] * 6000)) == [tuple(range(6000))]
more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(more / (1e6 if sys.platform == "darwin" else 1e3))
"""


def test_many_copies_are_not_kept_as_pairs():
    """All pairs of 6,000 copies are 36 million, and 0.7 GB; of 16,000 they would be 5 GB."""
    pytest.importorskip("resource", reason="Windows does not tell the memory of a process")
    done = python("-c", MEASURE)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 300, "MB"


def test_groups_are_those_of_dbscan_whatever_the_blocks(data, monkeypatch):
    rng = np.random.default_rng(0)
    shares = rng.choice([0, 0.03, 0.06, 0.08, 0.12, 1], 300)[:, None, None, None]
    pictures = (data.images[rng.integers(0, 60, 300)] * (1 - shares) + data.images[rng.integers(0, 60, 300)] * shares)
    pictures = pictures.astype(np.uint8)
    said = DBSCAN(eps=SAME, min_samples=2).fit_predict(np.stack([copies._thumbnail(each) for each in pictures]))
    expected = [tuple(np.flatnonzero(said == number).tolist()) for number in range(said.max() + 1)]
    assert len(expected) > 20
    for block in (1, 7, 64, 1000):
        monkeypatch.setattr(copies, "BLOCK", block)
        assert same_photographs(pictures) == expected


def test_a_chain_is_one_group():
    base, other = (build.picture(seed, 64).astype(float) for seed in (1, 2))
    chain = np.stack([base * (1 - share) + other * share for share in (0.12, 0.06, 0.0)]).astype(np.uint8)
    assert same_photographs(chain[[0, 2]]) == [], "the ends are too far apart"
    assert same_photographs(chain) == [(0, 1, 2)]


@pytest.mark.parametrize("size", [64, 128])
def test_real_duplicates(palm_dir, limit, size):
    """The pairs that are known, and nothing near the limit on either side."""
    data = photographs.read(palm_dir, size, cache=False, progress=False)
    known = [("P0014", "P0072"), ("P0056", "V0163"), ("P0057", "V0252"), ("V0107", "V0160"), ("V0268", "V0320")]
    known = [pair for pair in known if set(pair) <= set(data.names)]  # a copy may hold half of them
    for factor in (0.1, 1, 1.9):
        limit(factor)
        assert data.duplicates() == known


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("scale, quality", [(0.5, 60), (0.8, 30), (1.5, 50)])
def test_real_duplicates_survive_scaling_and_compression(palm_dir, limit, size, scale, quality):
    files = [read_image(path) for path in sorted(palm_dir.rglob("*.jpg"))[::20]]
    copies = [build.saved_again(file, scale, quality) for file in files]
    pictures = np.stack([scaled(picture, size) for picture in files + copies])
    for factor in (0.6, 1):
        limit(factor)
        assert same_photographs(pictures) == [(i, i + len(files)) for i in range(len(files))]
