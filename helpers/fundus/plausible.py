"""Whether a picture is a colour photograph of a fundus at all, before a network is asked about it.

A network gives any picture a confident answer, black ones too. Here a round field of view, its colours and its vessels
are measured; each figure has two ranges. All within the narrow ones: a fundus photograph. One beyond a wide one:
something else. Otherwise it cannot be told, and that is said. The ranges were set from the 400 training images of
iChallenge-PM, from rendered eyes and from 25 kinds of other pictures (tests/tools/other_pictures.py, seeds 0 to 23).
Measured on what nothing was set from, with 95 % intervals: of the 200 validation images in hand 0.985 [0.957, 0.995]
pass for fundus photographs and none for something else; of 600 rendered eyes 0.837 [0.805, 0.864] and 0.007
[0.003, 0.017] (the others are hazy); of 1000 other pictures, 40 of each kind, 0.006 [0.003, 0.013] pass for fundus
photographs and 0.804 [0.778, 0.827] for something else. tests/fundus/test_plausible.py measures it again.
"""
from __future__ import annotations

from dataclasses import dataclass

from helpers.checks import picture
from helpers.fundus.field import Field, crop, find
from helpers.fundus.images import squeeze

import cv2
import numpy as np

FUNDUS, UNSURE, OTHER = "fundus photograph", "cannot tell", "not a fundus photograph"
SIDE = 160  # pixels: the picture is looked at in this size
INNER = 0.85  # of the radius: colours and lines are measured within
_EVER = np.inf


@dataclass(frozen=True)
class Range:
    """What a figure may be: from `low` to `high` in a fundus photograph, beyond `least` or `most` in none."""

    least: float
    low: float
    high: float
    most: float
    otherwise: str  # what to say of a picture outside of it


_NOT_ROUND = "it has no round field of view"
_COLOURS = "its colours are not those of a fundus"
_LINES = "no blood vessels are seen in it"
# Of all pixels within INNER, shares of the sum of the three channels where nothing else is said. In brackets: least and
# greatest of the 400 training images of iChallenge-PM.
RANGES = {
    "roundness": Range(0.5, 0.7, 1, 1, _NOT_ROUND),  # share of the rim's points on the circle (0.73, 1)
    "arc": Range(0.35, 0.55, 1, 1, _NOT_ROUND),  # share of the angles at which there is a rim (0.61, 1)
    "filled": Range(0.8, 0.9, 1, 1, _NOT_ROUND),  # share of the circle that is lit (0.92, 1)
    "red": Range(0.345, 0.38, 0.79, 0.9, _COLOURS),  # (0.40, 0.77)
    "blue": Range(-1, -1, 0.265, 0.32, _COLOURS),  # (0.02, 0.25)
    "red - green": Range(-0.05, 0.01, 1, 1, _COLOURS),  # (0.04, 0.56)
    "green - blue": Range(0, 0.05, 1, 1, _COLOURS),  # (0.09, 0.24)
    "in order": Range(0.6, 0.8, 1, 1, _COLOURS),  # share of pixels with red >= green >= blue, about (0.89, 1)
    "hues": Range(0.003, 0.01, _EVER, _EVER, "it has one colour only"),  # scatter of red's share (0.02, 0.10)
    # Green, divided by its own blur of SIDE / 16, so that 0.1 is a tenth darker than around.
    "contrast": Range(0.02, 0.04, 0.45, 0.6, _LINES),  # its standard deviation (0.045, 0.36)
    "dark lines": Range(0.0015, 0.004, _EVER, _EVER, _LINES),  # mean strength, lines of some 5 pixels (0.004, 0.039)
    "longest line": Range(0.08, 0.17, _EVER, _EVER, _LINES),  # extent in shares of SIDE (0.14, 0.85)
    "dark / bright, fine": Range(0.85, 1.06, 3.5, 8, _LINES),  # strength of lines of some 3 pixels (1.07, 1.44)
    "dark / bright": Range(0.75, 1.09, 5, 12, _LINES),  # strength of lines of some 5 pixels (1.10, 2.05)
    "spots": Range(-1, -1, 0.95, 1.1, _LINES),  # curvature upwards over curvature downwards (0.67, 0.94)
    "grain": Range(0.4, 0.55, 4, 7, "it is too coarse or too noisy"),  # single pixels over dark lines (1.2, 4.7)
    "red like green": Range(-1, -1, 0.985, 0.995, "it is in shades of one colour"),  # correlation (0.45, 0.95)
}  # fmt: skip
_GEOMETRY = ("roundness", "arc", "filled")


@dataclass(frozen=True)
class Judgement:
    """FUNDUS, UNSURE or OTHER, and `why` it is not the first: clauses such as "it has one colour only"."""

    verdict: str
    why: tuple[str, ...]


def prepare(image: np.ndarray) -> tuple[np.ndarray, Field | None]:
    """Cut a photograph to its field of view, also out of a page or a screen that it lies on.

    Args:
        image: uint8 [H, W, 3]. Those of iChallenge-PM and rendered ones are their field of view and stay as they are.

    Returns:
        the photograph, uint8 [H, W, 3], and its field of view in the picture that it was cut from, or None.

    Raises:
        ValueError: the image is not uint8 [H, W, 3].
    """
    image = picture("image", image)
    field = find(image)
    if field is not None and field.roundness < RANGES["roundness"].low:
        left, top, right, bottom = field.box
        rim = 1 + max(right - left, bottom - top) // 75  # the box was found in a small copy: its edge is not exact
        inner = np.ascontiguousarray(image[top + rim : bottom - rim, left + rim : right - rim])
        if min(inner.shape) and (found := find(inner)) is not None and found.roundness > field.roundness:
            image, field = inner, found
    if field is not None and field.roundness < RANGES["roundness"].least:
        return image, field
    return crop(image, field), field


def judge(photograph: np.ndarray, field: Field | None) -> Judgement:
    """Judge what `prepare` gives; a ValueError for a photograph that is not uint8 [H, W, 3]."""
    figures = measure(photograph, field)
    outside = [name for name, value in figures.items() if not RANGES[name].low <= value <= RANGES[name].high]
    beyond = [name for name in outside if not RANGES[name].least <= figures[name] <= RANGES[name].most]
    why = tuple(dict.fromkeys(RANGES[name].otherwise for name in outside))
    if not outside:
        return Judgement(FUNDUS, why)
    if any(name in _GEOMETRY for name in outside):
        # What was cut to a rectangle within its field of view is not round, and may be right in all else.
        other = any(RANGES[name].otherwise not in (_NOT_ROUND, _LINES) for name in outside)
        other = other or any(name not in _GEOMETRY for name in beyond)
    else:
        other = bool(beyond)
    return Judgement(OTHER if other else UNSURE, why)


def measure(photograph: np.ndarray, field: Field | None) -> dict[str, float]:
    """The figures that RANGES names, of what `prepare` gives; a ValueError for one that is not uint8 [H, W, 3]."""
    image = squeeze(picture("photograph", photograph), SIDE)
    y, x = (np.indices((SIDE, SIDE)) - (SIDE - 1) / 2) / (SIDE / 2)
    inner = np.hypot(x, y) < INNER
    pixels = image[inner].astype(np.float32)
    mean = pixels.mean(0)
    red, green, blue = (mean / max(mean.sum(), 1)).tolist()
    r, g, b = pixels.T
    flat = _flat(image[..., 1])
    fine, coarse = (_curvatures(flat, width) for width in (1.5, 2.5))
    grain = np.abs(image[..., 1] - cv2.GaussianBlur(image[..., 1].astype(np.float32), (0, 0), 1.0))[inner].mean()
    lines = float(coarse.dark[inner].mean())
    return {
        "roundness": field.roundness if field else 0.0,
        "arc": field.arc if field else 0.0,
        "filled": field.filled if field else 0.0,
        "red": red, "blue": blue, "red - green": red - green, "green - blue": green - blue,
        "in order": float(((r >= g - 5) & (g >= b - 15)).mean()),
        "hues": float((r / (pixels.sum(1) + 1)).std()),
        "contrast": float(flat[inner].std()),
        "dark lines": lines,
        "longest line": _longest((coarse.dark > 0.02) & inner) / SIDE,
        "dark / bright, fine": fine.dark_over_bright(inner),
        "dark / bright": coarse.dark_over_bright(inner),
        "spots": float(np.abs(coarse.smaller[inner]).mean() / (np.abs(coarse.larger[inner]).mean() + 1e-5)),
        "grain": float(grain / (pixels[:, 1].mean() + 1) / (lines + 1e-5)),
        "red like green": _correlation(flat[inner], _flat(image[..., 0])[inner]),
    }  # fmt: skip


@dataclass(frozen=True)
class _Curvatures:
    """The larger and the smaller curvature at each pixel: a dark line is curved upwards across it and flat along it."""

    larger: np.ndarray
    smaller: np.ndarray

    @property
    def dark(self) -> np.ndarray:
        return np.maximum(self.larger - np.abs(self.smaller), 0)

    @property
    def bright(self) -> np.ndarray:
        return np.maximum(-self.smaller - np.abs(self.larger), 0)

    def dark_over_bright(self, inner: np.ndarray) -> float:
        return float(self.dark[inner].mean() / (self.bright[inner].mean() + 1e-4))


def _curvatures(flat: np.ndarray, width: float) -> _Curvatures:
    """Eigenvalues of the second derivatives at a width in pixels, times its square (Lindeberg 1998)."""
    soft = cv2.GaussianBlur(flat, (0, 0), width)
    xx, yy, xy = (cv2.Sobel(soft, cv2.CV_32F, *order, ksize=3) * (width**2 / 4) for order in ((2, 0), (0, 2), (1, 1)))
    middle, spread = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return _Curvatures(middle + spread, middle - spread)


def _flat(channel: np.ndarray) -> np.ndarray:
    """A channel without its illumination: about 1 everywhere."""
    bright = channel.astype(np.float32) + 1
    return bright / cv2.GaussianBlur(bright, (0, 0), SIDE / 16)


def _longest(mask: np.ndarray) -> int:
    """The larger side, in pixels, of the box around the most extended connected part."""
    _, _, figures, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return int(figures[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(initial=0))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if min(one.std(), other.std()) > 1e-6 else 1.0
