"""training.faithfulness: what deletion, insertion and the pointing game say of right, wrong and blank maps."""
from helpers.training import explain, faithfulness
from tests.training.test_explain import SIDE, Window, images, network

import numpy as np
import paddle
import pytest
from paddle import nn


def looked_at(count=6):
    """Images whose class hangs on a window alone, their field of view, and maps of that window."""
    x, field = images(count)
    x[:, :, 4:12, 10:18] = 3 * np.where(np.indices((8, 8)).sum(axis=0) % 2, 1, -0.5)
    maps = np.zeros(field.shape, np.float32)
    maps[:, 4:12, 10:18] = x[:, :, 4:12, 10:18].mean(axis=1) + 10
    return x, field, maps


def test_curves_begin_and_end_at_the_image_and_its_blur():
    model, (x, field) = network(), images(4)
    maps = np.random.default_rng(0).random(field.shape)
    deletion, insertion = faithfulness.deletion_and_insertion(model, x, maps, field)
    whole, soft = (nn.functional.softmax(model(paddle.to_tensor(each)), axis=1)[:, 1].numpy()
                   for each in (x, explain.blurred(x, field)))  # fmt: skip
    for curve, ends in ((deletion, (whole, soft)), (insertion, (soft, whole))):
        assert curve.shape == (4, faithfulness.STEPS + 1) and curve.dtype == np.float32
        np.testing.assert_allclose(curve[:, [0, -1]].T, ends, rtol=1e-5)


def test_insertion_is_the_deletion_of_the_reversed_map_backwards():
    model, (x, field) = network(num_classes=3), images(4)
    maps = np.random.default_rng(0).random(field.shape)
    one = faithfulness.deletion_and_insertion(model, x, maps, field, k=2, steps=4)
    other = faithfulness.deletion_and_insertion(model, x, -maps, field, k=2, steps=4)
    assert field[0].sum() % 4 == 0  # so that the steps are equal parts
    np.testing.assert_allclose(one.insertion, other.deletion[:, ::-1], rtol=1e-4)


def test_a_right_map_beats_a_random_place_and_the_reversed_map_loses():
    x, field, maps = looked_at()
    areas = {}
    others = {"right": maps, "random": faithfulness.random_places(field), "reversed": -maps}
    for name, each in others.items():
        curves = faithfulness.deletion_and_insertion(Window(), x, each, field)
        areas[name] = [curve.mean() for curve in curves]
    deletion, insertion = np.transpose(list(areas.values()))
    assert deletion[0] < deletion[1] - 0.02 and deletion[1] < deletion[2] - 0.02, areas
    assert insertion[0] > insertion[1] + 0.02 and insertion[1] > insertion[2] + 0.02, areas


def test_a_blank_map_is_an_order_drawn_by_lot():
    x, field, _ = looked_at(3)
    blank = np.zeros(field.shape, np.float32)
    one, again, other = (faithfulness.deletion_and_insertion(network(), x, blank, field, seed=seed).deletion
                         for seed in (0, 0, 1))  # fmt: skip
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-4


def test_the_shapes_must_fit():
    x, field = images(3)
    with pytest.raises(ValueError, match=r"must be \[N, S, S\]"):
        faithfulness.deletion_and_insertion(network(), x, field[:2], field)


def test_controls():
    _, field = images(50)
    places = faithfulness.random_places(field, seed=1)
    at = [np.unravel_index(each.argmax(), each.shape) for each in places]
    assert all(field[i][place] for i, place in enumerate(at)) and len(set(at)) > 30
    np.testing.assert_array_equal(places, faithfulness.random_places(field, seed=1))
    middle = faithfulness.middle(field)
    assert middle.shape == field.shape and middle.dtype == places.dtype == np.float32
    np.testing.assert_allclose(middle, middle[:, ::-1, ::-1])
    assert middle[0].max() == middle[0, SIDE // 2, SIDE // 2]


def test_the_pointing_game_and_the_mass():
    field = np.ones((3, 4, 4), bool)
    field[:, 0] = False
    masks = np.zeros((3, 4, 4), bool)
    masks[:, 2:, 2:] = True
    maps = np.zeros((3, 4, 4), np.float32)
    maps[0, 3, 3], maps[0, 1, 1] = 3, 1
    maps[1, 0, 0], maps[1, 2, 0], maps[1, 2, 2] = 9, 2, 1  # the highest place lies outside of the field
    assert faithfulness.hits(maps, masks, field).tolist() == [True, False, False]
    masks[2] = True
    assert not faithfulness.hits(maps, masks, field)[2], "a blank map points at nothing"
    np.testing.assert_allclose(faithfulness.mass_inside(maps, masks, field), [0.75, 1 / 3, np.nan])


def test_a_network_of_one_output_is_refused():
    """Softmax of it would be 1 throughout."""
    x, field = images(1)
    one = nn.Sequential(nn.Flatten(), nn.Linear(x[0].size, 1))
    with pytest.raises(ValueError, match="K >= 2"):
        faithfulness.deletion_and_insertion(one, x, np.ones(field.shape), field, k=0)
