"""fundus.eye and fundus.paint: round images of eyes that differ as eyes do, hard enough to be worth learning."""
from dataclasses import replace

from helpers.fundus import paint
from helpers.fundus.eye import sample_eye
from helpers.fundus.paint import MASKS, paint_eye, paint_with_masks, render_image

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score


def images(kind, count, size=48):
    return np.stack([render_image(kind, size, np.random.default_rng([1, ord(kind), i])) for i in range(count)])


@pytest.mark.parametrize("kind", ["H", "N", "P"])
@pytest.mark.parametrize("size", [32, 97, 224])
def test_an_image_is_round_light_on_black(kind, size):
    image = render_image(kind, size, np.random.default_rng(5))
    assert image.shape == (size, size, 3) and image.dtype == np.uint8
    y, x = np.mgrid[:size, :size] * 2 / (size - 1) - 1
    distance = np.hypot(x, y)
    assert image[distance > 1.02 + 2 / size].max() == 0
    assert (image[distance < 0.8].max(axis=-1) > 10).mean() > 0.9


def test_a_fundus_is_more_red_than_green_than_blue():
    colour = np.concatenate([images(kind, 8) for kind in "HNP"]).mean(axis=(1, 2))
    assert (colour[:, 0] > colour[:, 1]).mean() > 0.9 and (colour[:, 1] > colour[:, 2]).mean() > 0.8


@pytest.mark.parametrize("kind", ["H", "N", "P"])
def test_the_same_generator_gives_the_same_bytes_and_another_does_not(kind):
    first, again, other = (render_image(kind, 64, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert first.tobytes() == again.tobytes()
    assert np.abs(first.astype(int) - other).mean() > 3


def test_the_number_of_opencv_threads_changes_nothing():
    before, found = cv2.getNumThreads(), []
    try:
        for threads in (1, 2):
            cv2.setNumThreads(threads)
            found.append(images("P", 4).tobytes())
    finally:
        cv2.setNumThreads(before)
    assert found[0] == found[1]


def test_both_eyes_occur_and_mirror_the_place_of_the_disc():
    eyes = [sample_eye("N", np.random.default_rng(i)) for i in range(200)]
    assert 60 < sum(eye.right for eye in eyes) < 140
    assert all(eye.disc[0] < eye.fovea[0] for eye in eyes)  # before the mirroring the nose is on the left


def test_the_signs_grow_from_normal_to_pathologic_and_overlap():
    eyes = {kind: [sample_eye(kind, np.random.default_rng([ord(kind), i])) for i in range(300)] for kind in "NHP"}
    for sign in ("crescent", "tessellation"):
        values = {kind: np.array([getattr(eye, sign) for eye in eyes[kind]]) for kind in "NHP"}
        assert values["N"].mean() < values["H"].mean() < values["P"].mean()
        assert values["H"].max() > np.quantile(values["P"], 0.2), f"{sign} alone tells the classes apart"
    for sign in ("patches", "diffuse"):  # atrophy away from the disc is what makes an eye pathologic
        assert not any(getattr(eye, sign) for kind in "NH" for eye in eyes[kind])
        assert 0.1 < np.mean([getattr(eye, sign) > 0 for eye in eyes["P"]]) < 0.95


@pytest.mark.parametrize(("sign", "none"), [("patches", 0), ("crescent", 0.0), ("diffuse", 0.0)])
def test_atrophy_makes_the_same_eyes_paler(sign, none, monkeypatch):
    monkeypatch.setattr(paint, "photograph", lambda image, eye, rng: image)  # the light of each photograph differs
    eyes = [sample_eye("P", np.random.default_rng(i)) for i in range(200)]
    eyes = [eye for eye in eyes if getattr(eye, sign) > 0.5 and not eye.haze][:25]

    def pale(eye):
        return paint_eye(eye, 48, np.random.default_rng(0))[..., 1].mean()

    gain = [pale(eye) / pale(replace(eye, **{sign: none})) for eye in eyes]
    assert len(eyes) == 25 and np.mean(gain) > 1.02


def test_simple_statistics_do_not_separate_the_classes():
    """Mean and spread of each colour say something, as with real images, and far from everything."""
    healthy, pathologic = images("N", 100), images("P", 100)
    x = np.concatenate([healthy, pathologic]).reshape(200, -1, 3) / 255.0
    x = np.concatenate([x.mean(axis=1), x.std(axis=1)], axis=1)
    y = np.repeat([0, 1], 100)
    model = LogisticRegression(C=100, max_iter=2000).fit(x[::2], y[::2])
    assert 0.6 < roc_auc_score(y[1::2], model.decision_function(x[1::2])) < 0.95


@pytest.mark.parametrize("kind, size, message", [
    *(("N", size, "at least 32") for size in (31, 0, -5)), ("X", 64, "H, N, P")
])  # fmt: skip
def test_a_size_that_is_too_small_and_an_unknown_kind(kind, size, message):
    with pytest.raises(ValueError, match=message):
        render_image(kind, size, np.random.default_rng(0))


# --- where the painter has painted what -------------------------------------------------------------------------------

def test_the_pixels_are_those_of_this_version():
    """As `render.VERSION` promises. In the mean: bytes may differ by a level where a processor rounds otherwise."""
    for kind, mean in {"H": 36.84, "N": 33.61, "P": 43.49}.items():
        pixels = [render_image(kind, 48, np.random.default_rng([7, i])) for i in range(4)]
        assert np.mean(pixels) == pytest.approx(mean, abs=0.05), "raise VERSION in fundus/render.py"


def masked(kind, number, **changes):
    rng = np.random.default_rng([2, ord(kind), number])
    eye = replace(sample_eye(kind, rng), **changes)
    return eye, *paint_with_masks(eye, 96, rng)


def test_masks_lie_where_the_signs_are():
    for number in range(30):
        eye, image, masks = masked("P", number, right=False, haze=0.0)
        assert list(masks) == list(MASKS)
        assert all(mask.shape == image.shape[:2] and mask.dtype == bool for mask in masks.values())
        assert not any((mask & ~image.any(axis=2)).any() for mask in masks.values()), "outside the field of view"
        y, x = np.nonzero(masks["disc"])
        if np.hypot(*eye.disc) < 0.7:  # not cut by the rim
            np.testing.assert_allclose([x.mean(), y.mean()], (np.array(eye.disc) + 1) * 48, atol=1.5)
            assert len(x) == pytest.approx(np.pi * (48 * eye.disc_radius) ** 2 * (1 - eye.disc_tilt), rel=0.15)
        assert not (masks["disc"] & (masks["crescent"] | masks["patches"])).any()
        assert masks["patches"].any() <= (eye.patches > 0) and masks["crescent"].any() <= (eye.crescent >= 0.08)


def test_a_right_eye_has_its_masks_mirrored_and_a_healthy_one_has_few():
    (_, left, at_left), (_, right, at_right) = (masked("P", 3, right=right) for right in (False, True))
    np.testing.assert_array_equal(left, right[:, ::-1])
    for name in MASKS:
        np.testing.assert_array_equal(at_left[name], at_right[name][:, ::-1])
    for number in range(10):
        _, _, masks = masked("N", number)
        assert masks["disc"].any() and not masks["patches"].any()


@pytest.mark.parametrize("sign", ["crescent", "patches"])
def test_a_mask_is_paler_than_the_rest(sign, monkeypatch):
    monkeypatch.setattr(paint, "photograph", lambda image, eye, rng: image)
    more = []
    for number in range(40):
        rng = np.random.default_rng([4, number])
        eye = replace(sample_eye("P", rng), haze=0.0, reflex=0.0, diffuse=0.0)
        image, masks = paint_with_masks(eye, 96, rng)
        if masks[sign].sum() > 20:
            green, rest = image[..., 1], ~(masks["disc"] | masks["crescent"] | masks["patches"])
            more.append(green[masks[sign]].mean() > green[rest].mean())
    assert len(more) > 20 and np.mean(more) > 0.9
