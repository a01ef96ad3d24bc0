"""fundus.plausible: eyes pass, other pictures do not, and what cannot be told is said to be so."""
from collections import Counter

from helpers.fundus.eye import sample_eye
from helpers.fundus.images import read_image
from helpers.fundus.paint import paint_eye
from helpers.fundus.plausible import FUNDUS, OTHER, RANGES, UNSURE, judge, measure, prepare
from tests.tools.other_pictures import PICTURES, draw

import cv2
import numpy as np
import pytest


def verdict(image):
    return judge(*prepare(image)).verdict


def eye(seed, size=224):
    rng = np.random.default_rng([3, seed])
    return paint_eye(sample_eye("HNP"[seed % 3], rng), size, rng)


def plain_eye():
    """One that passes."""
    return next(image for image in map(eye, range(20)) if verdict(image) == FUNDUS)


def test_rendered_eyes_pass():
    """Measured on 600 others: 0.837 pass, 0.007 are taken for something else."""
    for size in (96, 224):
        counts = Counter(verdict(eye(seed, size)) for seed in range(60))
        assert counts[FUNDUS] >= 42
        assert counts[OTHER] <= 3


@pytest.mark.parametrize("kind", PICTURES)
def test_other_pictures_do_not(kind):
    """Measured on 40 others of each kind: at most 4 of a kind pass (planets), 6 of 1000 together."""
    counts = Counter(verdict(draw(kind, seed)) for seed in range(2000, 2012))
    assert counts[FUNDUS] <= 3


def test_other_pictures_together():
    counts = Counter(verdict(draw(kind, seed)) for kind in PICTURES for seed in range(3000, 3004))
    assert counts[FUNDUS] <= 3
    assert counts[OTHER] >= 65


@pytest.mark.parametrize("kind", ["black", "white", "one colour", "noise", "chessboard", "text", "orange disc"])
def test_the_plainest_are_certainly_something_else(kind):
    judgements = [judge(*prepare(draw(kind, seed))) for seed in range(2000, 2012)]
    assert {each.verdict for each in judgements} == {OTHER}
    assert all(each.why for each in judgements)


def test_real_training_images(palm_dir):
    """Measured: 399 of 400 pass, of which the ranges were set; none is taken for something else."""
    counts = Counter(verdict(read_image(path)) for path in sorted(palm_dir.glob("*Training*/*.jpg"))[::4])
    assert counts[FUNDUS] >= 0.97 * counts.total()
    assert not counts[OTHER]


def test_real_validation_images(palm_dir):
    """Measured: 197 of 200 pass; none is taken for something else."""
    counts = Counter(verdict(read_image(path)) for path in sorted(palm_dir.glob("*Validation*/*.jpg")))
    assert counts[FUNDUS] >= 0.95 * counts.total()
    assert not counts[OTHER]


# --- where it lies ---------------------------------------------------------------------------------------------------

def test_on_a_page_and_on_borders():
    image = plain_eye()
    for border in (0, 255):
        page = np.full((500, 700, 3), border, np.uint8)
        page[100:324, 300:524] = image
        photograph, field = prepare(page)
        assert judge(photograph, field).verdict == FUNDUS
        small = [cv2.resize(each, (96, 96), interpolation=cv2.INTER_AREA).astype(int) for each in (photograph, image)]
        assert np.abs(small[0] - small[1]).mean() < 8


def test_cut_to_a_rectangle_it_cannot_be_told():
    judgement = judge(*prepare(np.ascontiguousarray(plain_eye()[40:184, 40:184])))
    assert judgement.verdict == UNSURE
    assert "it has no round field of view" in judgement.why


def test_in_grey_it_is_none_and_the_reason_is_named():
    grey = cv2.cvtColor(cv2.cvtColor(plain_eye(), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    judgement = judge(*prepare(grey))
    assert judgement.verdict == OTHER
    assert "its colours are not those of a fundus" in judgement.why


def test_photographs_that_fill_their_picture_stay_as_they_are():
    image = eye(0)
    photograph, field = prepare(image)
    assert photograph is image
    assert field.roundness > 0.95


# --- the ranges ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", RANGES)
def test_each_range_counts(name, monkeypatch):
    """One figure at a time is moved out of the narrow range of an eye that passes, then out of the wide one."""
    photograph, field = prepare(plain_eye())
    figures, limits = measure(photograph, field), RANGES[name]
    ends = [(limits.low, limits.least, -1e-6)] if limits.least > -1 else []
    ends += [(limits.high, limits.most, 1e-6)] if np.isfinite(limits.most) and limits.most != 1 else []
    assert ends
    for near, far, step in ends:
        for end, expected in ((near, {UNSURE}), (far, {OTHER, UNSURE} if "round" in limits.otherwise else {OTHER})):
            monkeypatch.setattr("helpers.fundus.plausible.measure", lambda *_, v=end + step: {**figures, name: v})
            assert judge(photograph, field).verdict in expected
            assert judge(photograph, field).why == (limits.otherwise,)
