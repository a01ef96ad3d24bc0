import dataclasses

from helpers.augment import Augment
from tests.palm_builder import picture

import cv2
import numpy as np
import pytest

OFF = Augment(flip=False, rotate=0, scale=0, brightness=0)
IMAGE = picture(0, 64)


def rng(seed=0):
    return np.random.default_rng(seed)


def many(augment, count=40, image=IMAGE):
    return [augment(image, rng(seed)) for seed in range(count)]


def radius(image):
    """Of the disc of light, in pixels."""
    return np.sqrt((image.max(axis=-1) > 15).sum() / np.pi)


def test_shape_type_and_the_image_itself_stays():
    before = IMAGE.copy()
    for result in many(Augment()):
        assert (result.shape, result.dtype) == (IMAGE.shape, np.uint8)
    np.testing.assert_array_equal(IMAGE, before)


def test_the_same_generator_gives_the_same_image():
    np.testing.assert_array_equal(Augment()(IMAGE, rng(3)), Augment()(IMAGE, rng(3)))
    assert len({result.tobytes() for result in many(Augment())}) == 40


def test_all_switched_off_changes_nothing_and_copies():
    result = OFF(IMAGE, rng())
    np.testing.assert_array_equal(result, IMAGE)
    assert not np.shares_memory(result, IMAGE)


def test_reads_a_read_only_map(tmp_path):
    np.save(tmp_path / "images.npy", IMAGE[None])
    stored = np.load(tmp_path / "images.npy", mmap_mode="r")
    for augment in (Augment(), OFF, dataclasses.replace(OFF, flip=True)):
        np.testing.assert_array_equal(augment(stored[0], rng(1)), augment(IMAGE, rng(1)))


def test_flip_mirrors_top_and_bottom_half_of_the_time():
    results = many(dataclasses.replace(OFF, flip=True), 200)
    mirrored = [np.array_equal(result, IMAGE[::-1]) for result in results]
    assert all(flag or np.array_equal(result, IMAGE) for flag, result in zip(mirrored, results, strict=True))
    assert 70 < sum(mirrored) < 130


def test_rotation_keeps_the_disc_in_its_place():
    for result in many(dataclasses.replace(OFF, rotate=180)):
        assert abs(radius(result) - radius(IMAGE)) < 0.7
        rows, columns = np.nonzero(result.max(axis=-1) > 15)
        old_rows, old_columns = np.nonzero(IMAGE.max(axis=-1) > 15)
        np.testing.assert_allclose((rows.mean(), columns.mean()), (old_rows.mean(), old_columns.mean()), atol=2)
        assert not np.array_equal(result, IMAGE)


def test_rotation_stays_within_its_limit():
    image = np.zeros((101, 101, 3), np.uint8)
    cv2.circle(image, (90, 50), 4, (255, 255, 255), -1)  # to the right of the centre
    angles = []
    for result in many(dataclasses.replace(OFF, rotate=30), 200, image):
        rows, columns = np.nonzero(result[..., 0] > 127)
        angles.append(np.degrees(np.arctan2(50 - rows.mean(), columns.mean() - 50)))
    assert -31 < min(angles) < -25
    assert 25 < max(angles) < 31


def test_scale_is_about_the_centre_and_within_its_limit():
    disc = cv2.copyMakeBorder(IMAGE, 16, 16, 16, 16, cv2.BORDER_CONSTANT)  # with room to grow
    ratios = [radius(result) / radius(IMAGE) for result in many(dataclasses.replace(OFF, scale=0.2), 100, disc)]
    assert 0.78 < min(ratios) < 0.85
    assert 1.15 < max(ratios) < 1.22


def test_brightness_multiplies_and_keeps_black():
    gains = []
    for result in many(dataclasses.replace(OFF, brightness=0.3), 200):
        middle = (IMAGE > 60) & (IMAGE < 180)
        gains.append((result[middle] / IMAGE[middle]).mean())
        assert not result[IMAGE == 0].any()
    assert 0.69 < min(gains) < 0.75
    assert 1.25 < max(gains) < 1.31


def test_bright_pixels_do_not_wrap_around():
    white = np.full((16, 16, 3), 250, np.uint8)
    assert min(result.min() for result in many(dataclasses.replace(OFF, brightness=0.5), 50, white)) >= 124


def test_one_change_switched_off_leaves_the_others_as_they_were():
    with_brightness = Augment(flip=True, rotate=90, scale=0, brightness=0.2)
    without = dataclasses.replace(with_brightness, brightness=0)
    for seed in range(10):
        a, b = with_brightness(IMAGE, rng(seed)).astype(float), without(IMAGE, rng(seed)).astype(float)
        used = (b > 30) & (b < 200)
        assert np.std(a[used] / b[used]) < 0.02, "the same picture, but for one factor"


@pytest.mark.parametrize(
    "name, value",
    [("rotate", -1), ("rotate", 181), ("rotate", float("nan")), ("scale", 1), ("scale", -0.1), ("brightness", 1.5)],
)
def test_values_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"{name} must be .*, not {value}"):
        Augment(**{name: value})
