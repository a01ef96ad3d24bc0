"""Whether maps show what a network's answers hang on: deletion and insertion, and the pointing game.

Both compare a map with others that know less: a random place, the middle of the image, the map of another image.
"""
from __future__ import annotations

from typing import NamedTuple

from helpers.checks import array, whole
from helpers.runtime import mode
from helpers.training.explain import blurred, is_blank
from helpers.training.inference import logits_of

import cv2
import numpy as np
import paddle
from paddle import nn

STEPS = 10
WIDTH = 0.5  # Gaussian's sigma of a place that no map has chosen, in halves of the side


class Curves(NamedTuple):
    """Probability of the class, float32 [N, steps + 1], while more and more of the field of view is changed."""

    deletion: np.ndarray  # from the image to the blurred one: falls early where the map shows what matters
    insertion: np.ndarray  # from the blurred one to the image: rises early


def deletion_and_insertion(
    model: nn.Layer, x: np.ndarray, maps: np.ndarray, field: np.ndarray, k: int = 1, steps: int = STEPS, seed: int = 0
) -> Curves:
    """Blur the pixels of each image in the order of its map, highest first; and bring them back in that order.

    Petsiuk, Das, Saenko: RISE, BMVC 2018, https://arxiv.org/abs/1806.07421. Black in place of the blur would be an
    image as no network has seen any. A map's mean over its curve is the area under it: less is better for deletion,
    more for insertion.

    Args:
        x: float32 [N, C, S, S].
        maps: [N, S, S]. Where a map has equal values, as a Grad-CAM has zeros, cloudy noise decides.
        field: bool [N, S, S], the field of view: only what lies in it is changed.
        k: the class.
        steps: into which the field of view is divided.
        seed: of the noise.

    Raises:
        ValueError: x, maps and field are none, or not equally many or large; there is no class k, or no step.
    """
    x, (maps, field) = array("x", x, "N C S S", "f").astype(np.float32, copy=False), _alike(maps=maps, field=field)
    steps, seed, k = whole("steps", steps, 1), whole("seed", seed, 0), whole("k", k, 0)
    if not maps.shape == field.shape == (len(x), *x.shape[2:]):
        raise ValueError(f"maps {maps.shape} and field {field.shape} must be [N, S, S] of x {x.shape}")
    soft, order = blurred(x, field), _order(maps, field, seed)[:, None]
    curves = Curves(*np.empty((2, len(x), steps + 1), np.float32))
    with mode(model, training=False), paddle.no_grad():
        for step in range(steps + 1):
            changed = order < step / steps
            for curve, one, other in ((curves.deletion, soft, x), (curves.insertion, x, soft)):
                logits = logits_of(model, paddle.to_tensor(np.where(changed, one, other)))
                whole("k, one of the classes,", k, 0, logits.shape[1] - 1)
                curve[:, step] = nn.functional.softmax(logits, axis=1)[:, k].numpy()
    return curves


def _order(maps: np.ndarray, field: np.ndarray, seed: int) -> np.ndarray:
    """The share of the field of view that comes before each pixel, float32 [N, S, S]; 1 outside of it."""
    rng, side = np.random.default_rng(seed), maps.shape[-1]
    result = np.ones(maps.shape, np.float32)
    for place, values, inside in zip(result, maps, field, strict=True):
        noise = cv2.resize(rng.random((12, 12)), (side, side), interpolation=cv2.INTER_CUBIC)
        order = np.lexsort((noise[inside], -values[inside]))
        ranks = np.empty(len(order), np.float32)
        ranks[order] = np.arange(len(order)) / len(order)
        place[inside] = ranks
    return result


def random_places(field: np.ndarray, seed: int = 0) -> np.ndarray:
    """Maps [N, S, S] that know nothing: a Gaussian hill around a random pixel of each field of view, bool [N, S, S].

    Raises:
        ValueError: field is none, or one of them is empty; the seed is no whole number from 0 on.
    """
    (field,), rng = _alike(field=field), np.random.default_rng(whole("seed", seed, 0))
    if not len(field) or not field.any(axis=(1, 2)).all():
        raise ValueError("each field of view must hold a pixel at least, and there must be one")
    return np.stack([_hill(field.shape[-1], rng.choice(np.argwhere(inside))) for inside in field])


def middle(field: np.ndarray) -> np.ndarray:
    """Maps [N, S, S] that know only that what matters lies in the middle of an image: the same hill there.

    Raises:
        ValueError: field is not bool [N, S, S].
    """
    (field,) = _alike(field=field)
    side = field.shape[-1]
    return np.repeat(_hill(side, np.array([side - 1, side - 1]) / 2)[None], len(field), axis=0)


def _hill(side: int, centre: np.ndarray) -> np.ndarray:
    y, x = np.exp(-0.5 * ((np.arange(side) - centre[:, None]) / (WIDTH * side / 2)) ** 2).astype(np.float32)
    return np.outer(y, x)


def hits(maps: np.ndarray, masks: np.ndarray, field: np.ndarray) -> np.ndarray:
    """The pointing game: whether each map's highest place in the field of view lies in its mask; bool [N].

    A blank map points at nothing. Zhang et al.: Top-down Neural Attention by Excitation Backprop, ECCV 2016,
    https://arxiv.org/abs/1608.00507. All three are [N, S, S].

    Raises:
        ValueError: they are not, differ in shape, or masks and field are not bool.
    """
    maps, masks, field = _alike(maps=maps, masks=masks, field=field)
    highest = np.where(field, maps, -np.inf).reshape(len(maps), -1).argmax(axis=1)
    return masks.reshape(len(masks), -1)[np.arange(len(masks)), highest] & ~is_blank(maps)


def mass_inside(maps: np.ndarray, masks: np.ndarray, field: np.ndarray) -> np.ndarray:
    """The share of each map's sum over the field of view that lies in its mask, [N]; nan for a blank map.

    Against the mask's share of the area it says how much the map prefers it. All three are [N, S, S].

    Raises:
        ValueError: as in `hits`.
    """
    maps, masks, field = _alike(maps=maps, masks=masks, field=field)
    inside = (maps * field).sum(axis=(1, 2), dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return (maps * (masks & field)).sum(axis=(1, 2), dtype=np.float64) / inside


def _alike(**named: np.ndarray) -> list[np.ndarray]:
    """Maps of numbers, and masks and fields of bool, all [N, S, S]: of 0 and 1, a mask would name places."""
    arrays = [array(name, each, "N S S", "biuf" if name == "maps" else "b") for name, each in named.items()]
    if len({each.shape for each in arrays}) > 1:
        said = ", ".join(f"{name} {each.shape}" for name, each in zip(named, arrays, strict=True))
        raise ValueError(f"all must be [N, S, S] of one shape, not {said}")
    return arrays
