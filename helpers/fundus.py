"""Renders synthetic retinal fundus photographs, so that the course runs where the real data set is missing.

Normal (N), highly myopic (H) and pathologic (P) eyes are drawn from their anatomy outwards: choroid, atrophy, optic disc,
retinal vessels, then the camera. The signs of each class follow the META-PM classification: K. Ohno-Matsui et al.,
"International photographic classification and grading system for myopic maculopathy", Am. J. Ophthalmol. 159 (2015).

Lengths are in radii of the disc of light: x runs from the nose to the temple (-1 to 1), y downwards. Images are float32
RGB with values around 0 to 1 until the last step makes bytes of them.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

VERSION = 1  # part of the settings in RENDERED.json: raise it whenever the same seed would give other images
MARKER = "RENDERED.json"
FOLDERS = {"training": "PALM-Training400", "validation": "PALM-Validation400"}
# Images of each kind in 400 of the real data set. Its validation part has 189 that are not pathologic, H or N is not told.
SHARES = {"training": {"H": 26, "N": 161, "P": 213}, "validation": {"H": 26, "N": 163, "P": 211}}
SMALLEST = 32


@dataclass(frozen=True)
class Eye:
    """What is drawn: the anatomy of one eye and its place in the picture. Angles in radians, strengths from 0 to 1."""

    right: bool  # a right eye: the picture is mirrored at the end
    zoom: float  # 1 is a field of about 45 degrees
    disc: tuple[float, float]
    fovea: tuple[float, float]
    disc_radius: float
    disc_tilt: float  # how much narrower than high the optic disc looks
    cup: float  # cup-to-disc ratio
    tessellation: float  # how clearly the choroidal vessels show
    crescent: float  # peripapillary atrophy: its width in disc radii
    crescent_angle: float  # 0 is on the side of the temple
    diffuse: float  # diffuse chorioretinal atrophy
    patches: int  # patchy chorioretinal atrophy: number of patches
    reflex: float  # glittering inner limiting membrane of young eyes
    haze: float  # clouded media (cataract)


# ---------------------------------------------------------------------------------------------------- anatomy


def sample_eye(kind: str, rng: np.random.Generator) -> Eye:
    """Draw the anatomy of a random eye of `kind` "H", "N" or "P"; the kinds differ in degree and overlap."""
    if kind not in ("H", "N", "P"):
        raise ValueError(f"kind must be one of H, N, P, got {kind!r}")
    # One number for how far the eye has stretched; every sign follows it with its own scatter.
    low, high = {"N": (0.0, 0.35), "H": (0.15, 0.5), "P": (0.3, 1.0)}[kind]
    myopia = low + (high - low) * rng.beta(1.2, 1.8)
    pathologic = kind == "P"

    def sign(scale: float, scatter: float) -> float:
        return float(np.clip(scale * myopia + scatter * rng.standard_normal(), 0, 1))

    zoom = rng.uniform(0.85, 1.25)
    centred = rng.random() < (0.15 if kind == "N" else 0.3)
    disc_x = rng.normal(-0.05, 0.12) if centred else rng.normal(-0.66, 0.1)
    disc = (disc_x, rng.normal(-0.05, 0.07))
    fovea = (disc[0] + zoom * rng.uniform(0.72, 0.88), disc[1] + zoom * rng.uniform(-0.02, 0.14))
    crescent = sign(1.6, 0.15)
    if pathologic:
        crescent = max(crescent, 0.1) * rng.uniform(0.8, 2.2)
    diffuse = sign(1.1, 0.2) * (rng.random() < 0.7) if pathologic else 0.0
    patches = int(rng.poisson(2.5 * myopia)) if pathologic and rng.random() < 0.6 else 0
    return Eye(
        right=bool(rng.random() < 0.5),
        zoom=zoom,
        disc=disc,
        fovea=fovea,
        disc_radius=zoom * rng.uniform(0.13, 0.175),
        disc_tilt=float(np.clip(0.08 + 0.35 * myopia * rng.random(), 0, 0.4)),
        cup=rng.uniform(0.25, 0.65),
        tessellation=sign(1.1, 0.2),
        crescent=crescent,
        crescent_angle=rng.normal(0.2, 0.5),
        diffuse=diffuse,
        patches=patches,
        reflex=rng.random() if rng.random() < 0.5 * (1 - 2 * myopia) else 0.0,
        haze=rng.random() ** 2 if rng.random() < 0.3 else 0.0,
    )


# ------------------------------------------------------------------------------------------------- small tools


@lru_cache(maxsize=4)
def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel, two float32 [size, size], in radii of the disc of light."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    return tuple(np.meshgrid(axis, axis))


def smooth_noise(size: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Cloudy noise float32 [size, size] of standard deviation about 0.7, with `cells` bumps across the picture."""
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def bell(size: int, centre: tuple[float, float], width: float) -> np.ndarray:
    """A Gaussian hill of height 1, float32 [size, size]."""
    x, y = grid(size)
    return np.exp(((x - centre[0]) ** 2 + (y - centre[1]) ** 2) * (-0.5 / width**2))


def blob(size: int, centre, radii, angle: float = 0.0, ragged: np.ndarray | float = 0.0, edge: float = 0.03):
    """A filled ellipse, float32 [size, size] in 0 to 1; `ragged` moves its outline, `edge` is the width of its rim."""
    x, y = grid(size)
    dx, dy = x - centre[0], y - centre[1]
    cos, sin = np.cos(angle), np.sin(angle)
    distance = np.sqrt(((dx * cos + dy * sin) / radii[0]) ** 2 + ((dy * cos - dx * sin) / radii[1]) ** 2)
    rim = max(edge, 2 / size) / min(radii)
    return np.clip((1 + ragged - distance) / rim + 0.5, 0, 1).astype(np.float32)


def blend(image: np.ndarray, colour, alpha: np.ndarray) -> None:
    """Paint `colour` ([3] or [S, S, 3]) over `image` [S, S, 3] in place, with the opacity `alpha` [S, S]."""
    image += (np.asarray(colour, np.float32) - image) * alpha[..., None]


def draw_lines(size: int, lines: list[np.ndarray], widths: list[float]) -> np.ndarray:
    """Curves ([k, 2] each) of the given widths (radii of the disc of light) as coverage, float32 [size, size], 0 to 1."""
    scale = 2  # twice the resolution: a line of one pixel is then half a pixel wide
    canvas = np.zeros((scale * size, scale * size), np.uint8)
    for line, width in zip(lines, widths, strict=True):
        points = np.round((line + 1) * (scale * size / 2 * 16)).astype(np.int32)  # 4 bits of sub-pixel
        pixels = width * scale * size / 2
        value = int(255 * min(1.0, pixels))
        cv2.polylines(canvas, [points], False, value, max(1, round(pixels)), cv2.LINE_AA, 4)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def walk(start: np.ndarray, heading: np.ndarray, bend: np.ndarray, steps: int, stride: float) -> np.ndarray:
    """Curves that turn by `bend` ([n, steps] radians per step) from n points [n, 2]: their points [n, steps + 1, 2]."""
    angles = heading[:, None] + np.cumsum(bend, axis=1)
    moves = stride * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return np.concatenate([start[:, None], start[:, None] + np.cumsum(moves, axis=1)], axis=1)


# ---------------------------------------------------------------------------------------------- layers of the eye


def draw_choroid(eye: Eye, size: int, rng: np.random.Generator) -> np.ndarray:
    """The web of choroidal vessels, float32 [size, size], 0 between vessels to 1 on them."""
    count = int(rng.integers(60, 130))
    start = rng.uniform(-1.1, 1.1, (count, 2))
    away = start - np.array([eye.fovea[0] - 0.2, eye.fovea[1]]) - rng.normal(0, 0.2, 2)
    heading = np.arctan2(away[:, 1], away[:, 0]) + rng.normal(0, 0.5, count)
    lines = walk(start, heading, rng.normal(0, 0.28, (count, 12)), 12, 0.06 * eye.zoom)
    widths = eye.zoom * rng.uniform(0.02, 0.06, count)
    web = draw_lines(size, list(lines), list(widths))
    return cv2.GaussianBlur(web, (0, 0), 0.008 * size * rng.uniform(0.6, 1.5))


def draw_vessels(eye: Eye, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Retinal arteries and veins as coverage, two float32 [size, size]: arcades around the macula and their branches."""
    masks = []
    for thickness in (0.017, 0.024):  # arteries, then the wider veins
        lines, widths = [], []
        for up in (-1, 1):
            for temporal in (True, False):
                lines_, widths_ = grow_arcade(eye, up, temporal, thickness * rng.uniform(0.8, 1.2), rng)
                lines += lines_
                widths += widths_
        masks.append(draw_lines(size, lines, [eye.zoom * width for width in widths]))
    return masks[0], masks[1]


def grow_arcade(eye: Eye, up: int, temporal: bool, width: float, rng: np.random.Generator):
    """One vessel out of the optic disc with its branches: a list of curves [k, 2] and a list of their widths."""
    steps, stride = 26, 0.075 * eye.zoom
    tilt = rng.normal(1.35, 0.18) if temporal else rng.normal(2.1, 0.25)
    heading = up * tilt  # up = 1 goes down in the picture
    turn = -up * np.linspace(0.11, 0.02, steps) * rng.uniform(0.7, 1.2) if temporal else up * rng.normal(0.01, 0.03)
    bend = turn + rng.normal(0, 0.09, steps)
    start = np.array(eye.disc) + rng.normal(0, 0.1, 2) * eye.disc_radius
    trunk = walk(start[None], np.array([heading]), bend[None], steps, stride)[0]
    lines, widths = [trunk[:9], trunk[8:18], trunk[17:]], [width, 0.8 * width, 0.55 * width]
    # Branches leave the trunk to alternating sides; twigs leave the branches.
    count = int(rng.integers(4, 8))
    at = np.sort(rng.integers(2, steps - 4, count))
    along = np.arctan2(*(trunk[at + 1] - trunk[at]).T[::-1])
    side = np.where(np.arange(count) % 2, 1, -1) * rng.uniform(0.4, 1.0, count)
    branches = walk(trunk[at], along + side, -0.03 * side[:, None] + rng.normal(0, 0.12, (count, 14)), 14, 0.8 * stride)
    twig_at = rng.integers(2, 9, count)
    base = branches[np.arange(count), twig_at]
    twigs = walk(base, along + side + rng.normal(0, 0.7, count), rng.normal(0, 0.15, (count, 8)), 8, 0.7 * stride)
    lines += list(branches) + list(twigs)
    widths += [0.5 * width] * count + [0.3 * width] * count
    return lines, widths


def paint_background(eye: Eye, choroid: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Retina over choroid: the pigment's colour, clouds in it, the choroidal web where it shows through. [S, S, 3]."""
    red = rng.uniform(0.3, 0.5)
    colour = red * np.array([1, rng.uniform(0.4, 0.72) - 0.1 * eye.tessellation, rng.uniform(0.08, 0.42)])
    image = np.empty((size, size, 3), np.float32)
    image[:] = colour
    clouds = 0.05 * smooth_noise(size, 5, rng) + 0.04 * smooth_noise(size, 24, rng)
    # Tessellation comes in regions: it may fill the picture or show only below the macula.
    where = np.clip(eye.tessellation * (1 + 0.8 * smooth_noise(size, 3, rng)), 0, 1)
    web = where * (choroid - 0.45)
    image *= (1 + clouds)[..., None] + web[..., None] * np.array([0.75, 0.6, 0.3], np.float32)
    return image


def paint_macula(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """The darker macula and, in its middle, the fovea; stretched eyes lose both."""
    size = image.shape[0]
    depth = rng.uniform(0.25, 0.6) * (1 - 0.6 * eye.tessellation) * (1 - eye.diffuse)
    shade = depth * (0.5 * bell(size, eye.fovea, 0.22 * eye.zoom) + 0.5 * bell(size, eye.fovea, 0.08 * eye.zoom))
    image *= 1 - shade[..., None] * np.array([0.8, 1.0, 0.9], np.float32)


def paint_atrophy(image: np.ndarray, mask: np.ndarray, choroid: np.ndarray, rng: np.random.Generator) -> None:
    """Chorioretinal atrophy: the white sclera shines through, crossed by choroidal vessels and spotted with pigment."""
    size = image.shape[0]
    sclera = rng.uniform(0.55, 1.1) * np.array([1, rng.uniform(0.7, 0.9), rng.uniform(0.3, 0.65)], np.float32)
    texture = 1 - rng.uniform(0, 0.5) * choroid + 0.1 * smooth_noise(size, 20, rng)
    blend(image, texture[..., None] * sclera, mask * rng.uniform(0.6, 1.0))
    clumps = np.clip(smooth_noise(size, 22, rng) - rng.uniform(0.7, 1.8), 0, 1) * mask
    image *= 1 - rng.uniform(0.3, 0.9) * clumps[..., None]


def paint_crescent(image: np.ndarray, eye: Eye, choroid: np.ndarray, rng: np.random.Generator) -> None:
    """Peripapillary atrophy: from a thin crescent on the temple's side of the optic disc to a wide ring around it."""
    size, r = image.shape[0], eye.disc_radius
    if eye.crescent < 0.08:
        return
    shift = 0.6 * eye.crescent * r
    centre = (eye.disc[0] + shift * np.cos(eye.crescent_angle), eye.disc[1] + shift * np.sin(eye.crescent_angle))
    radii = (r * (0.95 + 0.45 * eye.crescent), r * (1 + 0.5 * eye.crescent))
    ragged = 0.06 * rng.random() * smooth_noise(size, 12, rng) + 0.08 * smooth_noise(size, 5, rng)
    mask = blob(size, centre, radii, eye.crescent_angle, ragged, 0.03)
    rim = blob(size, centre, (radii[0] * 1.1, radii[1] * 1.1), eye.crescent_angle, ragged, 0.08) - mask
    image *= 1 - rng.uniform(0, 0.4) * np.clip(rim, 0, 1)[..., None]
    paint_atrophy(image, mask, choroid, rng)


def paint_patches(image: np.ndarray, eye: Eye, choroid: np.ndarray, rng: np.random.Generator) -> None:
    """Patchy chorioretinal atrophy: sharp pale islands, most of them near the macula."""
    size = image.shape[0]
    mask = np.zeros((size, size), np.float32)
    for _ in range(eye.patches):
        centre = np.array(eye.fovea) + rng.normal(0, 0.3, 2) * eye.zoom
        radius = eye.zoom * rng.uniform(0.05, 0.28)
        ragged = 0.25 * smooth_noise(size, 10, rng)
        np.maximum(mask, blob(size, centre, (radius, radius * rng.uniform(0.6, 1)), 3 * rng.random(), ragged), out=mask)
    if eye.patches:
        paint_atrophy(image, mask, choroid, rng)


def paint_diffuse(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """Diffuse chorioretinal atrophy: an ill-defined yellowish cloud at the posterior pole."""
    size = image.shape[0]
    if eye.diffuse <= 0:
        return
    centre = (0.5 * (eye.disc[0] + eye.fovea[0]) + rng.normal(0, 0.15), eye.fovea[1] + rng.normal(0, 0.12))
    mask = bell(size, centre, rng.uniform(0.25, 0.5)) * np.clip(1 + 0.6 * smooth_noise(size, 6, rng), 0, 1.5)
    gain = 1 + eye.diffuse * rng.uniform(0.4, 1.1) * mask[..., None] * np.array([0.8, 1.0, 0.7], np.float32)
    image *= gain


def paint_disc(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """Optic disc and cup: a pink ellipse, narrower the more it is tilted, with a paler pit."""
    size, r = image.shape[0], eye.disc_radius
    angle = rng.normal(0, 0.3)
    radii = (r * (1 - eye.disc_tilt), r)
    glow = bell(size, eye.disc, 2.0 * r) * rng.uniform(0, 0.35)
    image *= 1 + glow[..., None]
    rim = rng.uniform(0.6, 0.95) * np.array([1, rng.uniform(0.42, 0.75), rng.uniform(0.15, 0.5)], np.float32)
    blend(image, rim, blob(size, eye.disc, radii, angle, 0.04 * smooth_noise(size, 10, rng), 0.04) * 0.9)
    cup_centre = (eye.disc[0] + r * rng.normal(0.12, 0.1), eye.disc[1] + r * rng.normal(0, 0.08))
    cup = rim * np.array([1.25, rng.uniform(1.3, 1.6), rng.uniform(1.3, 2.2)], np.float32)
    blend(image, cup, blob(size, cup_centre, (eye.cup * radii[0], eye.cup * r), angle, 0.0, 0.09) * rng.uniform(0.5, 1))


def paint_vessels(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """Retinal vessels: they take light away, most of it in green; arteries are brighter than veins."""
    arteries, veins = draw_vessels(eye, image.shape[0], rng)
    strength = rng.uniform(0.5, 1.0)
    image *= 1 - strength * arteries[..., None] * np.array([0.22, 0.5, 0.4], np.float32)
    image *= 1 - strength * veins[..., None] * np.array([0.42, 0.62, 0.45], np.float32)


def paint_reflex(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """The glitter of a young retina: grey-white glints in a ring around the macula and along the arcades."""
    size = image.shape[0]
    if eye.reflex <= 0:
        return
    x, y = grid(size)
    distance = np.hypot(x - eye.fovea[0], y - eye.fovea[1]) / eye.zoom
    ring = np.exp(-(((distance - rng.uniform(0.2, 0.5)) / rng.uniform(0.03, 0.12)) ** 2))
    glints = np.clip(0.5 * smooth_noise(size, 24, rng) + 0.6 * smooth_noise(size, 8, rng), 0, 1) * ring
    image += (eye.reflex * rng.uniform(0.2, 0.9) * glints)[..., None] * np.array([0.8, 0.8, 0.6], np.float32)


# ------------------------------------------------------------------------------------------------------- the camera


def photograph(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> np.ndarray:
    """Light, lens and sensor: the painted retina [S, S, 3] as bytes, uint8 [S, S, 3]."""
    size = image.shape[0]
    x, y = grid(size)
    # Uneven illumination: a bright place somewhere, a slope, and a rim where scattered light lies over the dark.
    bright = bell(size, tuple(rng.normal(-0.1, 0.35, 2)), rng.uniform(0.6, 1.6))
    falloff = rng.uniform(0, 0.7)
    image *= (1 - falloff + falloff * bright)[..., None] * rng.uniform(0.9, 1.15)
    distance = np.hypot(x, y)
    veil = rng.uniform(0, 0.22) * np.clip(distance - 0.45, 0, 1) ** 1.5 * (1 + 0.5 * smooth_noise(size, 3, rng))
    image += veil[..., None] * np.array([rng.uniform(0.4, 1), 1, rng.uniform(0.4, 1.1)], np.float32)
    if eye.haze:
        soft = cv2.GaussianBlur(image, (0, 0), 0.035 * size * eye.haze + 0.1)
        glow = image.mean((0, 1)) * rng.uniform(0.9, 1.3)
        image = soft * (1 - 0.6 * eye.haze) + glow * 0.6 * eye.haze
    image = cv2.GaussianBlur(image, (0, 0), size * rng.uniform(0.002, 0.007))
    if rng.random() < 0.06:  # light that leaks in at the rim
        angle = rng.uniform(0, 2 * np.pi)
        leak = bell(size, (np.cos(angle), np.sin(angle)), rng.uniform(0.1, 0.3))
        image += leak[..., None] * rng.uniform(0.1, 0.6, 3).astype(np.float32)
    image = image.astype(np.float32) + 0.008 * rng.random() * rng.standard_normal(image.shape, dtype=np.float32)
    image = np.where(image > 0.7, 1 - 0.3 * np.exp((0.7 - image) / 0.3), image)  # highlights saturate softly
    image *= disc_of_light(size, rng)[..., None]
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)


def disc_of_light(size: int, rng: np.random.Generator) -> np.ndarray:
    """The round mask of the camera, float32 [size, size]; some cameras cut its top and bottom."""
    x, y = grid(size)
    centre = rng.normal(0, 0.006, 2)
    radius = rng.uniform(0.985, 1.0)
    mask = np.clip((radius - np.hypot(x - centre[0], y - centre[1])) * size / 2 + 0.5, 0, 1)
    cut = rng.uniform(0.86, 0.98) if rng.random() < 0.12 else 1.0
    return mask * (np.abs(y) <= cut)


# ------------------------------------------------------------------------------------------------------- public


def paint_eye(eye: Eye, size: int, rng: np.random.Generator) -> np.ndarray:
    """A photograph of `eye`, uint8 [size, size, 3] RGB."""
    choroid = draw_choroid(eye, size, rng)
    image = paint_background(eye, choroid, size, rng)
    paint_macula(image, eye, rng)
    paint_diffuse(image, eye, rng)
    paint_crescent(image, eye, choroid, rng)
    paint_patches(image, eye, choroid, rng)
    paint_disc(image, eye, rng)
    paint_vessels(image, eye, rng)
    paint_reflex(image, eye, rng)
    photo = photograph(image, eye, rng)
    return np.ascontiguousarray(photo[:, ::-1]) if eye.right else photo


def render_image(kind: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """Render one fundus photograph.

    Args: `kind` "H" (high myopia), "N" (normal) or "P" (pathologic myopia); `size` in pixels; `rng` decides the rest.
    Returns: uint8 [size, size, 3], RGB.
    Raises: ValueError for another kind or a size below 32 pixels.
    """
    check_size(size)
    return paint_eye(sample_eye(kind, rng), size, rng)


def check_size(size: int) -> None:
    if size < SMALLEST:
        raise ValueError(f"size must be at least {SMALLEST} pixels, got {size}: the vessels would vanish")


def kinds(count: int, shares: dict[str, int]) -> list[str]:
    """A list of `count` kinds, of which every beginning keeps to the `shares`: a longer list only adds to it."""
    given, order, total = Counter(), [], sum(shares.values())
    for i in range(1, count + 1):
        order.append(max(shares, key=lambda kind: shares[kind] * i - given[kind] * total))
        given[order[-1]] += 1
    return order


def render(
    folder: str | Path,
    count: int | tuple[int, int] = 600,
    size: int = 128,
    seed: int = 0,
    progress: bool = True,
) -> Path:
    """Render a whole data set in the layout of the real one: two folders of JPEG files, labels.csv, RENDERED.json.

    Image i of a part depends on `seed`, `size`, the part, the kind and i alone: a larger `count` only adds images. The
    folder appears complete or not at all. A complete folder of the same settings is used again; one of other settings is
    replaced, unless it holds anything that was not rendered.

    Args:
        folder: where to; its parent folders are made.
        count: number of training and of validation images; one number is divided 2 : 1.
        size: width and height of the images in pixels.
        seed: the same seed gives the same bytes, as long as the versions of NumPy and OpenCV are the same.
        progress: a bar on stdout.

    Returns: the folder.

    Raises:
        ValueError: a size below 32 pixels, a negative seed, or no image in one of the parts.
        FileExistsError: the folder holds something that this function has not rendered; nothing is touched.
        PermissionError: the folder cannot be written.
    """
    folder = Path(folder)
    training, validation = count if isinstance(count, tuple) else (count - count // 3, count // 3)
    check_size(size)
    if min(training, validation) < 1:
        raise ValueError(f"count must give at least one training and one validation image, got {count}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    settings = {"version": VERSION, "training": training, "validation": validation, "size": size, "seed": seed}
    if is_rendered(folder, settings):
        return folder
    check_replaceable(folder)
    scratch = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        write_images(scratch / "new", settings, progress)
        if folder.exists():
            folder.rename(scratch / "old")
        (scratch / "new").rename(folder)
    except PermissionError as error:
        raise PermissionError(f"cannot write {folder} ({error}); choose another folder") from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


def plan(settings: dict[str, int]) -> list[tuple[str, str, int, str]]:
    """Every image of a data set as (part, kind, number, path below the folder)."""
    images = []
    for part, shares in SHARES.items():
        numbers = Counter()
        for i, kind in enumerate(kinds(settings[part], shares), start=1):
            numbers[kind] += 1
            name = f"{kind}{numbers[kind]:04d}.jpg" if part == "training" else f"V{i:04d}.jpg"
            images.append((part, kind, numbers[kind], f"{FOLDERS[part]}/{name}"))
    return images


def write_images(folder: Path, settings: dict[str, int], progress: bool) -> None:
    """Render the images that `settings` ask for into `folder`, then its labels, then its marker."""
    for name in FOLDERS.values():
        (folder / name).mkdir(parents=True)
    rows, written, size = [], 0, settings["size"]
    for part, kind, number, path in tqdm(
        plan(settings), "rendering", unit="image", file=sys.stdout, leave=False, disable=not progress
    ):
        rng = np.random.default_rng([settings["seed"], list(FOLDERS).index(part), ord(kind), number])
        eye = sample_eye(kind, rng)
        image = paint_eye(eye, size, rng)
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 96))]
        data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)[1].tobytes()
        (folder / path).write_bytes(data)  # not cv2.imwrite: on Windows it knows no path with Chinese characters
        written += len(data)
        if part == "validation":
            x, y = (-eye.fovea[0] if eye.right else eye.fovea[0]), eye.fovea[1]
            fovea = [f"{(c + 1) * size / 2:.2f}" for c in (x, y)]
            rows.append([len(rows) + 1, Path(path).name, int(kind == "P"), *fovea])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["ID", "imgName", "Label", "Fovea_X", "Fovea_Y"], *rows])
    marker = {"by": "helpers.fundus", **settings, "bytes": written}
    (folder / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")


def read_marker(folder: Path) -> dict[str, int] | None:
    """What RENDERED.json says of the folder; None where there is no readable one of ours."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(marker, dict) and all(isinstance(marker.get(key), int) for key in (*FOLDERS, "size", "bytes"))
    return marker if known else None


def is_rendered(folder: Path, settings: dict[str, int]) -> bool:
    """Whether the folder holds exactly what `settings` ask for: every file is there, and together they have the right size."""
    marker = read_marker(folder)
    if marker is None or any(marker.get(key) != value for key, value in settings.items()):
        return False
    paths = [folder / path for *_, path in plan(settings)]
    if not (folder / "labels.csv").is_file() or not all(path.is_file() for path in paths):
        return False
    return sum(path.stat().st_size for path in paths) == marker["bytes"]


def check_replaceable(folder: Path) -> None:
    """Raise FileExistsError where there is anything in the folder that `render` has not written."""
    if not folder.exists():
        return
    marker = read_marker(folder)
    ours = {folder / name for name in ("labels.csv", MARKER, *FOLDERS.values())} if marker else set()
    ours |= {folder / path for *_, path in plan(marker)} if marker else set()
    foreign = [folder] if not folder.is_dir() else sorted(path for path in folder.rglob("*") if path not in ours)
    if foreign:
        raise FileExistsError(f"{folder} holds something that was not rendered ({foreign[0].name}); choose another folder")
