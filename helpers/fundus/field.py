"""The field of view of a fundus photograph: the disc of light, found on black, white or any other plain border.

Lengths are in pixels of the image that was given; `Field.radius` and the others that are shares of something say so.
"""
from __future__ import annotations

from dataclasses import dataclass

from helpers.checks import picture

import cv2
import numpy as np

SIDE = 256  # the field is looked for in a copy of at most that many pixels a side
# Levels, of 255: what differs by more from the border, in any channel, belongs to the field. A rim may be dark: with 16
# the field of 3 of the 400 training images of iChallenge-PM comes out too small, with 8 of none.
LIT = 8
SAME = 40  # levels: corners that differ by more show no plain border
FILLS = 0.93  # of its width; a photograph whose field fills so much is left as it is, as all of iChallenge-PM are
ROUND = 0.7  # roundness from which on the circle is believed, and not the outline of what is lit


@dataclass(frozen=True)
class Field:
    """A disc of light.

    Attributes:
        x, y, radius: the circle's centre and radius, in pixels.
        box: left, top, right, bottom, in pixels (right and bottom not included): of the circle as far as it lies in
            the image, or of what is lit where that is not round.
        roundness: the share of the rim's points that lie on the circle, within 3 % of its radius. Points on the image's
            edge, and on straight cuts at the top and the bottom, are left out.
        arc: the share of the circle's angles at which there are such points.
        filled: the share of the circle's area, where it is not cut, that is lit.
        border: the colour around it, uint8 [3].
    """

    x: float
    y: float
    radius: float
    box: tuple[int, int, int, int]
    roundness: float
    arc: float
    filled: float
    border: np.ndarray


def find(image: np.ndarray) -> Field | None:
    """The field of view, or None if there is no plain border or nothing on it; uint8 [H, W, 3].

    Raises:
        ValueError: the image is none of these; numbers from 0 to 1 would all look black.
    """
    image = picture("image", image)
    scale = min(1.0, SIDE / max(image.shape[:2]))
    sides = [max(1, round(scale * side)) for side in image.shape[1::-1]]
    small = cv2.resize(image, sides, interpolation=cv2.INTER_AREA) if scale < 1 else image
    height, width = small.shape[:2]
    if min(height, width) < 16:
        return None
    border = _border(small)
    if border is None:
        return None
    lit = _largest((np.abs(small.astype(np.int16) - border).max(axis=2) > LIT).astype(np.uint8))
    if lit.sum() < 0.02 * lit.size:
        return None
    left, top, box_width, box_height = cv2.boundingRect(lit)
    rim = _rim(lit, (left, top, left + box_width, top + box_height))
    (x, y, radius), near = _circle(rim) if len(rim) >= 12 else ((0.0, 0.0, 0.0), np.zeros(1, bool))
    if not 0.1 * min(height, width) < radius < 2 * max(height, width):  # a rectangle, say: the circle around it
        x, y, radius = left + (box_width - 1) / 2, top + (box_height - 1) / 2, max(box_width, box_height) / 2
        rim, near = np.zeros((1, 2)), np.zeros(1, bool)
    angles = np.arctan2(rim[near, 1] - y, rim[near, 0] - x)
    arc = len(np.unique(((angles + np.pi) / (2 * np.pi) * 36).astype(int) % 36)) / 36
    rows, columns = np.mgrid[top : top + box_height, left : left + box_width]
    inside = np.hypot(columns - x, rows - y) < 0.97 * radius
    filled = float(lit[top : top + box_height, left : left + box_width][inside].mean()) if inside.any() else 0.0
    roundness = float(near.mean())
    box = left, top, left + box_width, top + box_height
    if roundness >= ROUND:
        box = (max(0.0, x - radius), max(0.0, y - radius), min(width, x + radius + 1), min(height, y + radius + 1))
    across, down = image.shape[1] / width, image.shape[0] / height
    return Field(
        (x + 0.5) * across, (y + 0.5) * down, radius * float(np.sqrt(across * down)),
        (round(box[0] * across), round(box[1] * down), round(box[2] * across), round(box[3] * down)),
        roundness, arc, filled, border,
    )  # fmt: skip


def crop(image: np.ndarray, field: Field | None) -> np.ndarray:
    """The square around a field of view, with black around the circle; or the image itself, where it fills it already.

    Args:
        image: uint8 [H, W, 3].
        field: of this image. With None the image is left as it is.

    Returns:
        uint8 [S, S, 3], S about the circle's diameter, or `image` itself.

    Raises:
        ValueError: the image is not uint8 [H, W, 3].
    """
    image = picture("image", image)
    height, width = image.shape[:2]
    dark = field is not None and field.border.max() <= LIT
    if field is None or (dark and _fills(field.box, height, width)):
        return image
    side = max(field.box[2] - field.box[0], field.box[3] - field.box[1])
    left, top = ((field.box[i] + field.box[i + 2] - side) // 2 for i in (0, 1))
    result = np.zeros((side, side, 3), np.uint8)
    part = image[max(0, top) : top + side, max(0, left) : left + side]
    y, x = max(0, -top), max(0, -left)
    result[y : y + part.shape[0], x : x + part.shape[1]] = part
    if not dark:
        mask = np.zeros((side, side), np.uint8)
        centre = (round(field.x - left), round(field.y - top))
        cv2.circle(mask, centre, round(0.99 * field.radius), 255, -1)
        result = cv2.bitwise_and(result, result, mask=mask)
    return result


def _fills(box: tuple[int, int, int, int], height: int, width: int) -> bool:
    """Whether the box is nearly the whole of an image that is nearly a square."""
    return box[2] - box[0] >= FILLS * width and height >= FILLS * width and width >= FILLS * height


def _border(image: np.ndarray) -> np.ndarray | None:
    """The colour that most of the four corners have, uint8 [3], or None if no three of them agree."""
    height, width = image.shape[:2]
    depth = max(2, min(height, width) // 50)
    corners = np.stack([np.median(image[rows, columns].reshape(-1, 3), axis=0)
                        for rows in (slice(depth), slice(height - depth, None))
                        for columns in (slice(depth), slice(width - depth, None))])  # fmt: skip
    middle = np.median(corners, axis=0)
    agree = np.abs(corners - middle).max(axis=1) <= SAME
    return corners[agree].mean(axis=0).round().astype(np.uint8) if agree.sum() >= 3 else None


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected part of a mask, with its holes filled, uint8 of 0 and 1."""
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, figures, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return np.zeros_like(mask)
    part = (labels == 1 + figures[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    outlines, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(part), outlines, -1, 1, -1)


def _rim(lit: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The first and last lit pixel of each row and column, float [n, 2] as x, y, but for those on cuts and on edges."""
    (left, top, right, bottom), (height, width), margin = box, lit.shape, 2
    rows, columns = np.arange(top, bottom), np.arange(left, right)
    sides = lit[rows].argmax(1), width - 1 - lit[rows, ::-1].argmax(1)
    ends = lit[:, columns].argmax(0), height - 1 - lit[::-1, columns].argmax(0)
    x = np.concatenate([*sides, columns, columns])
    y = np.concatenate([rows, rows, *ends])
    inside = (x >= margin) & (x < width - margin) & (y >= max(margin, top + margin)) & (y < bottom - margin)
    return np.column_stack([x, y])[inside].astype(float)


def _circle(points: np.ndarray) -> tuple[tuple[float, float, float], np.ndarray]:
    """The circle through most of the points (least squares, repeated on those nearby), and which of them lie on it."""
    near = np.ones(len(points), bool)
    x = y = radius = 0.0
    for tolerance in (None, 0.15, 0.07, 0.03, 0.03):
        if tolerance is not None:
            chosen = np.abs(np.hypot(points[:, 0] - x, points[:, 1] - y) / max(radius, 1e-6) - 1) < tolerance
            if chosen.sum() < 8:
                return (x, y, radius), chosen
            near = chosen
        matrix = np.column_stack([2 * points[near], np.ones(near.sum())])
        solution = np.linalg.lstsq(matrix, (points[near] ** 2).sum(1), rcond=None)[0]
        x, y = solution[:2].tolist()
        radius = float(np.sqrt(max(0.0, solution[2] + x**2 + y**2)))
    return (x, y, radius), near
