"""fundus.dataset: Paddle gets every image, changed at random but repeatably, alone or beside another data set's."""
import dataclasses
import os

from helpers.fundus.dataset import Augment, FundusDataset, JointDataset
from helpers.fundus.images import normalise
from helpers.fundus.photographs import FundusSet
from tests.tools.palm_builder import picture

import cv2
import numpy as np
import pytest
from paddle.io import DataLoader, Dataset

# --- the items -----------------------------------------------------------------------------------------------------

def test_items(data):
    dataset = FundusDataset(data)
    assert isinstance(dataset, Dataset)
    assert len(dataset) == 80
    x, y = dataset[31]
    assert (x.shape, x.dtype, x.flags.c_contiguous) == ((3, 64, 64), np.float32, True)
    assert (y, y.dtype) == (1, np.int64)
    np.testing.assert_array_equal(x, normalise(data.images[31]).transpose(2, 0, 1))
    np.testing.assert_array_equal(dataset.labels, data.labels)
    with pytest.raises(IndexError):
        dataset[80]


def test_indices_count_from_the_end_as_those_of_a_list_do_and_a_loop_ends(data):
    few = data.subset(np.arange(5))
    for dataset in (FundusDataset(few, Augment(), 3), JointDataset(FundusDataset(few), FundusDataset(data), 4)):
        count = len(dataset)
        for index in range(count):
            for one, other in zip(dataset[index], dataset[index - count], strict=True):
                np.testing.assert_array_equal(one, other)
        assert len([label for _, label in dataset]) == count  # through __getitem__ alone
        for beyond in (count, -count - 1):
            with pytest.raises(IndexError, match=rf"no item {beyond}: there are {count}"):
                dataset[beyond]
        with pytest.raises(TypeError):
            dataset[1.0]


def test_another_transform(data):
    x, _ = FundusDataset(data, transform=lambda image: image.astype(np.float32) / 255)[0]
    np.testing.assert_allclose(x, data.images[0].transpose(2, 0, 1) / 255, atol=1e-6)


def test_augmentation_depends_on_seed_epoch_and_index_alone(data):
    def item(seed, epoch, index):
        dataset = FundusDataset(data, Augment(), seed)
        dataset.set_epoch(epoch)
        return dataset[index][0]

    dataset = FundusDataset(data, Augment(), 1)
    forwards = [dataset[i][0] for i in range(10)]
    backwards = [dataset[i][0] for i in range(9, -1, -1)][::-1]
    np.testing.assert_array_equal(forwards, backwards)
    np.testing.assert_array_equal(forwards[3], item(1, 0, 3))
    different = [item(1, 0, 3), item(2, 0, 3), item(1, 1, 3), item(1, 0, 4), FundusDataset(data)[3][0]]
    assert len({x.tobytes() for x in different}) == len(different)
    same = FundusSet(np.stack([data.images[0]] * 2), data.labels[:2], data.names[:2], data.parts[:2])
    pair = FundusDataset(same, Augment())
    assert not np.array_equal(pair[0][0], pair[1][0]), "each image gets a change of its own"


@pytest.mark.skipif(os.name == "nt", reason="Paddle has no worker processes on Windows")
def test_workers_give_the_same_images(data):
    def epoch(workers, number):
        dataset = FundusDataset(data.subset(np.arange(20)), Augment(), 5)
        dataset.set_epoch(number)
        # Not through shared memory: Paddle's workers hang there now and then, whatever the data set.
        loader = DataLoader(dataset, batch_size=8, num_workers=workers, use_shared_memory=False)
        return [(x.numpy(), y.numpy()) for x, y in loader]

    for number in range(2):
        for (x0, y0), (x2, y2) in zip(epoch(0, number), epoch(2, number), strict=True):
            assert x0.dtype == np.float32
            assert y0.dtype == np.int64
            np.testing.assert_array_equal(x0, x2)
            np.testing.assert_array_equal(y0, y2)


# --- changes at random ---------------------------------------------------------------------------------------------

OFF = Augment(flip=False, mirror=False, rotate=0, scale=0, brightness=0)
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


def test_flip_mirrors_top_and_bottom_half_of_the_time():
    results = many(dataclasses.replace(OFF, flip=True), 200)
    mirrored = [np.array_equal(result, IMAGE[::-1]) for result in results]
    assert all(flag or np.array_equal(result, IMAGE) for flag, result in zip(mirrored, results, strict=True))
    assert 70 < sum(mirrored) < 130


def test_mirror_swaps_left_and_right_half_of_the_time_whether_or_not_it_flips():
    results = many(dataclasses.replace(OFF, mirror=True), 200)
    mirrored = [np.array_equal(result, IMAGE[:, ::-1]) for result in results]
    assert all(flag or np.array_equal(result, IMAGE) for flag, result in zip(mirrored, results, strict=True))
    assert 70 < sum(mirrored) < 130
    ways = [IMAGE, IMAGE[::-1], IMAGE[:, ::-1], IMAGE[::-1, ::-1]]
    results = many(dataclasses.replace(OFF, flip=True, mirror=True), 400)
    which = np.array([[np.array_equal(result, way) for way in ways] for result in results])
    assert (which.sum(axis=1) == 1).all() and which.sum(axis=0).min() > 70


def test_without_being_told_it_shows_eyes_of_both_sides(data):
    """As often with the brighter half on the left as on the right, although each image has it on the left."""
    images = data.images[:10].copy()
    images[:, :, 32:] //= 2
    data = dataclasses.replace(data.subset(np.arange(10)), images=images)
    dataset = FundusDataset(data, Augment(), transform=np.float32)
    left = []
    for epoch in range(20):
        dataset.set_epoch(epoch)
        left += [x[..., :32].sum() > x[..., 32:].sum() for x, _ in map(dataset.__getitem__, range(10))]
    assert 70 < sum(left) < 130


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


def test_points_go_where_the_image_goes():
    moved = 0
    for seed in range(30):
        place = np.random.default_rng(seed).uniform(-0.5, 0.5, (1, 2))
        image = np.zeros((101, 101, 3), np.uint8)
        column, row = np.round(place[0] * 50.5 + 50).astype(int)
        image[row - 2 : row + 3, column - 2 : column + 3] = 100
        rows, columns, _ = np.nonzero(Augment()(image, rng(seed)) > 40)
        seen = (np.array([columns.mean(), rows.mean()]) - 50) / 50.5
        expected = Augment().points(np.array([[column - 50, row - 50]]) / 50.5, rng(seed))[0]
        np.testing.assert_allclose(seen, expected, atol=0.02)
        moved += np.abs(expected - place[0]).max() > 0.1
    assert moved > 10


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
        one_side = dataclasses.replace(without, mirror=False, rotate=0)(IMAGE, rng(seed))
        either = dataclasses.replace(without, rotate=0)(IMAGE, rng(seed))
        assert any(np.array_equal(either, way) for way in (one_side, one_side[:, ::-1]))


@pytest.mark.parametrize(
    "name, value",
    [("rotate", -1), ("rotate", 181), ("rotate", float("nan")), ("scale", 1), ("scale", -0.1), ("brightness", 1.5)],
)
def test_values_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"{name} must be .*, not {value}"):
        Augment(**{name: value})


# --- two data sets as one ------------------------------------------------------------------------------------------

class Numbers(Dataset):
    """The numbers from `start`, and the epoch that they were asked in."""

    def __init__(self, start, count):
        super().__init__()
        self.start, self.count, self.epoch = start, count, None

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.start + index, self.epoch


def items_of(joint, epoch):
    joint.set_epoch(epoch)
    return [joint[index] for index in range(len(joint))]


def test_all_of_the_one_and_others_of_the_other_in_each_epoch():
    joint = JointDataset(Numbers(0, 5), Numbers(100, 40), 8, seed=1)
    assert len(joint) == 13
    first, second = items_of(joint, 0), items_of(joint, 1)
    assert first[:5] == [(n, 0) for n in range(5)] and second[:5] == [(n, 1) for n in range(5)]
    drawn = [number for number, _ in first[5:]]
    assert len(set(drawn)) == 8 and set(drawn) <= set(range(100, 140))
    assert {number for number, _ in second[5:]} != set(drawn)
    assert items_of(joint, 0) == first
    assert items_of(JointDataset(Numbers(0, 5), Numbers(100, 40), 8, seed=2), 0) != first


def test_it_does_not_draw_more_than_there_is():
    with pytest.raises(ValueError, match="cannot draw 9 items of 8"):
        JointDataset(Numbers(0, 5), Numbers(0, 8), 9)


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)])
def test_what_is_no_image_is_named_and_does_not_become_black(image):
    with pytest.raises(ValueError, match=r"must be uint8|must be numbers \[H, W, 3\]"):
        Augment()(image, np.random.default_rng(0))
    with pytest.raises(ValueError, match="must be uint8"):
        normalise(image)
