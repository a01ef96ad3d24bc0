"""What an eye is painted with: noise, hills, blobs, lines and colours on float32 pictures.

Lengths are in radii of the disc of light, from -1 to 1 in both directions.
"""
from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np


@lru_cache(maxsize=4)
def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel, two float32 [size, size], in radii of the disc of light."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    return tuple(np.meshgrid(axis, axis))


def smooth_noise(size: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Cloudy noise float32 [size, size] of standard deviation about 0.9, with `cells` bumps across the picture."""
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def bell(size: int, centre: tuple[float, float], width: float) -> np.ndarray:
    """A Gaussian hill of height 1, float32 [size, size]."""
    x, y = grid(size)
    # A hill is the product of two curves, which saves most of the exponentials.
    across = np.exp((x[:1] - float(centre[0])) ** 2 * (-0.5 / width**2))
    return across * np.exp((y[:, :1] - float(centre[1])) ** 2 * (-0.5 / width**2))


def blob(size: int, centre, radii, angle: float = 0.0, ragged: np.ndarray | float = 0.0, edge: float = 0.03):
    """A filled ellipse, float32 [size, size] in 0 to 1; `ragged` moves its outline, `edge` is the width of its rim."""
    x, y = grid(size)
    dx, dy = x - float(centre[0]), y - float(centre[1])
    cos, sin = math.cos(angle), math.sin(angle)
    along, across = dx * (cos / radii[0]) + dy * (sin / radii[0]), dy * (cos / radii[1]) - dx * (sin / radii[1])
    rim = max(edge, 2 / size) / min(radii)
    return np.clip((1 + ragged - cv2.magnitude(along, across)) * (1 / rim) + 0.5, 0, 1)


def tinted(mask: np.ndarray, colour) -> np.ndarray:
    """The mask [S, S] in a colour [3]: float32 [S, S, 3], the same as their product and much faster."""
    return cv2.merge([mask * float(part) for part in colour])


def blend(image: np.ndarray, colour: np.ndarray, alpha: np.ndarray) -> None:
    """Paint `colour` ([3] or [S, S, 3]) over `image` [S, S, 3] in place, with the opacity `alpha` [S, S]."""
    image += (colour - image) * cv2.merge([alpha] * 3)


def draw_lines(size: int, bundles: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Curves as coverage from 0 to 1, float32 [size, size]; each bundle has n curves [n, k, 2] and their n widths."""
    scale = 2  # twice the resolution: a line of one pixel is then half a pixel wide
    canvas = np.zeros((scale * size, scale * size), np.uint8)
    for curves, widths in bundles:
        points = np.round((curves + 1) * (scale * size / 2 * 16)).astype(np.int32)  # 4 bits of sub-pixel
        pixels = widths * (scale * size / 2)
        # Tenths of a pixel below one (drawn fainter), whole pixels above: all curves of one pen are drawn in one call.
        pens = np.where(pixels < 1, np.ceil(pixels * 10), np.round(pixels) * 10).astype(int)
        for pen in np.unique(pens).tolist():
            colour, thickness = min(pen, 10) * 25, max(pen // 10, 1)
            cv2.polylines(canvas, list(points[pens == pen]), False, colour, thickness, cv2.LINE_AA, 4)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA) * np.float32(1 / 250)


def walk(start: np.ndarray, heading: np.ndarray, bend: np.ndarray, steps: int, stride: float) -> np.ndarray:
    """Curves that turn by `bend` ([n, steps] radians per step) from n points [n, 2]: their points [n, steps + 1, 2]."""
    angles = heading[:, None] + np.cumsum(bend, axis=1)
    moves = stride * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return np.concatenate([start[:, None], start[:, None] + np.cumsum(moves, axis=1)], axis=1)
