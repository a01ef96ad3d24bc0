"""fundus.field: the disc of light is found on any plain border, and what fills its picture is left alone."""
from helpers.fundus.eye import sample_eye
from helpers.fundus.field import crop, find
from helpers.fundus.images import read_image
from helpers.fundus.paint import paint_eye
from tests.tools.palm_builder import picture

import cv2
import numpy as np
import pytest


def eye(seed=0, size=224):
    rng = np.random.default_rng(seed)
    return paint_eye(sample_eye("N", rng), size, rng)


def disc(height, width, centre, radius, border, colour=(150, 80, 40)):
    image = np.full((height, width, 3), border, np.uint8)
    return cv2.circle(image, centre, radius, colour, -1)


@pytest.mark.parametrize("border", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (12, 10, 14), (20, 60, 160)])
@pytest.mark.parametrize(("height", "width", "centre", "radius"), [
    (224, 224, (112, 112), 110), (400, 600, (300, 200), 190), (1000, 500, (200, 700), 150),
    (900, 1600, (800, 450), 600),
])  # fmt: skip
def test_a_circle_is_found_to_a_pixel_of_the_small_copy(border, height, width, centre, radius):
    field = find(disc(height, width, centre, radius, border))
    step = max(height, width) / 256
    assert np.abs([field.x - 0.5 - centre[0], field.y - 0.5 - centre[1], field.radius - radius]).max() <= 1.2 * step
    assert field.roundness > 0.95
    assert field.filled > 0.99
    np.testing.assert_allclose(field.border, border, atol=1)


@pytest.mark.parametrize("border", [0, 255, 120])
def test_borders_are_cut_off(border):
    plain = eye()
    wide = np.full((400, 560, 3), border, np.uint8)
    inside = cv2.circle(np.zeros((224, 224), np.uint8), (112, 112), 111, 255, -1) > 0
    wide[60:284, 170:394][inside] = plain[inside]
    result = crop(wide, find(wide))
    assert result.shape[0] == result.shape[1]
    assert abs(result.shape[0] - 224) <= 6
    small = [cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA).astype(int) for image in (plain, result)]
    assert np.abs(small[0] - small[1]).mean() < 6
    assert result[:3, :3].max() <= 8


def test_a_field_that_is_cut_at_the_top_and_the_bottom_stays_round():
    image = disc(500, 800, (400, 250), 300, (0, 0, 0))
    image[:20] = image[-20:] = 0
    field = find(image)
    assert field.roundness > 0.95
    result = crop(image, field)
    height, width = result.shape[:2]
    assert height == width
    assert abs(width - 601) <= 8
    assert not result[:40].any()


def test_what_fills_its_picture_is_left_alone():
    for seed in range(20):
        image = eye(seed, 96)
        assert crop(image, find(image)) is image
    image = picture(0, 96)
    assert crop(image, find(image)) is image
    assert crop(image, None) is image


@pytest.mark.parametrize("image", [
    np.zeros((50, 50, 3), np.uint8), np.full((50, 50, 3), 255, np.uint8), np.zeros((4, 4, 3), np.uint8),
    np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8),
])  # fmt: skip
def test_nothing_to_find(image):
    assert find(image) is None


def test_a_rectangle_is_not_round():
    image = np.zeros((300, 300, 3), np.uint8)
    image[50:250, 80:220] = 200
    field = find(image)
    assert field.roundness < 0.5
    assert np.abs(np.array(field.box) - (80, 50, 220, 250)).max() <= 2


def test_real_images_are_left_alone(palm_dir):
    for path in sorted(palm_dir.rglob("*.jpg")):
        image = read_image(path)
        assert crop(image, find(image)) is image, path.name
