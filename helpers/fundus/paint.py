"""Paints retinal fundus photographs of healthy and myopic eyes; `helpers.fundus.render` makes a data set of them.

An eye is painted from the back to the front: choroid, atrophy, optic disc, retinal vessels, then the camera. Images are
float32 RGB with values around 0 to 1 until the last step makes bytes of them.
"""
from __future__ import annotations

from helpers.checks import whole
from helpers.fundus.brushes import bell, blend, blob, draw_lines, grid, smooth_noise, tinted, walk
from helpers.fundus.camera import photograph
from helpers.fundus.eye import Eye, sample_eye

import cv2
import numpy as np

SMALLEST = 32  # pixels; in smaller images the vessels vanish
MASKS = ("disc", "crescent", "patches")  # the optic disc, the atrophy around it, islands of atrophy elsewhere


def paint_eye(eye: Eye, size: int, rng: np.random.Generator) -> np.ndarray:
    """A photograph of `eye`, uint8 [size, size, 3] RGB."""
    return paint_with_masks(eye, size, rng)[0]


def paint_with_masks(eye: Eye, size: int, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The photograph that `paint_eye` makes, and where in it each of MASKS lies.

    Returns:
        uint8 [size, size, 3] RGB, and a bool mask [size, size] for each name: where its opacity is at least a half,
        within the field of view. Crescent and patches end where the disc begins.
    """
    choroid = draw_choroid(eye, size, rng)
    image = paint_background(eye, choroid, size, rng)
    paint_macula(image, eye, rng)
    paint_diffuse(image, eye, rng)
    crescent = paint_crescent(image, eye, choroid, rng) >= 0.5
    patches = paint_patches(image, eye, choroid, rng) >= 0.5
    disc = paint_disc(image, eye, rng) >= 0.5
    paint_vessels(image, eye, rng)
    paint_reflex(image, eye, rng)
    photo = photograph(image, eye, rng)
    lit = photo.any(axis=2)
    way = slice(None, None, -1 if eye.right else 1)
    masks = zip(MASKS, (disc, crescent & ~disc, patches & ~disc), strict=True)
    return (np.ascontiguousarray(photo[:, way]),
            {name: np.ascontiguousarray((mask & lit)[:, way]) for name, mask in masks})  # fmt: skip


def render_image(kind: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """Render one fundus photograph.

    Args: `kind` "H" (high myopia), "N" (normal) or "P" (pathologic myopia); `size` in pixels; `rng` decides the rest.
    Returns: uint8 [size, size, 3], RGB.
    Raises: ValueError for another kind or a size below 32 pixels.
    """
    check_size(size)
    return paint_eye(sample_eye(kind, rng), size, rng)


def check_size(size: int) -> None:
    """Raise ValueError over a size that is too small, in pixels."""
    if whole("size", size, most=10_000) < SMALLEST:
        raise ValueError(f"size must be at least {SMALLEST} pixels, got {size}: the vessels would vanish")


def draw_choroid(eye: Eye, size: int, rng: np.random.Generator) -> np.ndarray:
    """The web of choroidal vessels, float32 [size, size], 0 between vessels to 1 on them."""
    count = int(rng.integers(140, 300))
    start = rng.uniform(-1.1, 1.1, (count, 2))
    away = start - np.array([eye.fovea[0] - 0.2, eye.fovea[1]]) - rng.normal(0, 0.2, 2)
    heading = np.arctan2(away[:, 1], away[:, 0]) + rng.normal(0, rng.uniform(0.2, 0.7), count)
    lines = walk(start, heading, rng.normal(0, 0.33, (count, 9)), 9, 0.055 * eye.zoom)
    widths = eye.zoom * rng.uniform(0.009, 0.03) * rng.uniform(0.6, 1.4, count)
    web = draw_lines(size, [(lines, widths)])
    web = cv2.GaussianBlur(web, (0, 0), size * rng.uniform(0.003, 0.008))
    return web + 0.12 * smooth_noise(size, size // 3, rng)


def draw_vessels(eye: Eye, width: float, size: int, rng: np.random.Generator) -> np.ndarray:
    """The retinal arteries or veins as coverage, float32 [size, size]: trunks out of the optic disc, branches, twigs.

    Two of the four trunks, on the side of the temple, are the arcades: they arch around the macula.
    """
    steps, stride, n = 26, 0.075 * eye.zoom, 6 * 4
    down, arcade = np.array([-1, -1, 1, 1]), np.array([True, False, True, False])
    heading = down * np.where(arcade, rng.normal(1.35, 0.18, 4), rng.normal(2.1, 0.25, 4))
    turn = np.where(arcade, -rng.uniform(0.7, 1.2, 4), 0)[:, None] * np.linspace(0.11, 0.02, steps)
    bend = down[:, None] * (turn + rng.normal(0, 0.02, (4, 1))) + rng.normal(0, 0.09, (4, steps))
    start = np.array(eye.disc) + rng.normal(0, 0.1, (4, 2)) * eye.disc_radius
    trunks = walk(start, heading, bend, steps, stride)
    # Branches leave the trunks to alternating sides; twigs leave the branches.
    trunk, at = np.arange(n) % 4, rng.integers(2, steps - 4, n)
    base = trunks[trunk, at]
    step = trunks[trunk, at + 1] - base
    side = np.where(np.arange(n) // 4 % 2, 1, -1) * rng.uniform(0.4, 1.0, n)
    heading = np.arctan2(step[:, 1], step[:, 0]) + side
    branches = walk(base, heading, rng.normal(0, 0.12, (n, 14)) - 0.03 * side[:, None], 14, 0.8 * stride)
    base = branches[np.arange(n), rng.integers(2, 9, n)]
    twigs = walk(base, heading + rng.normal(0, 0.7, n), rng.normal(0, 0.15, (n, 8)), 8, 0.7 * stride)
    trunk_widths = eye.zoom * width * rng.uniform(0.8, 1.2, 4)
    branch_widths = trunk_widths[trunk]
    return draw_lines(size, [
        (twigs, 0.3 * branch_widths), (branches, 0.5 * branch_widths), (trunks[:, 17:], 0.55 * trunk_widths),
        (trunks[:, 8:18], 0.8 * trunk_widths), (trunks[:, :9], trunk_widths),
    ])  # fmt: skip


def paint_background(eye: Eye, choroid: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Retina over choroid: the pigment's colour, clouds in it, the choroidal web where it shows through. [S, S, 3]."""
    green = rng.uniform(0.42, 0.72) - 0.17 * eye.tessellation
    colour = rng.uniform(0.17, 0.55) * np.array([1, green, green * rng.uniform(0.2, 0.65)])
    image = np.empty((size, size, 3), np.float32)
    image[:] = colour
    clouds = 0.05 * smooth_noise(size, 5, rng) + 0.03 * smooth_noise(size, size // 4, rng)
    # Tessellation comes in regions: it may fill the picture or show only below the macula.
    centre = (rng.normal(-0.1, 0.25), rng.normal(0.2, 0.25))
    where = np.clip(1.3 * bell(size, centre, rng.uniform(0.4, 1.2)) + 0.4 * smooth_noise(size, 3, rng), 0, 1)
    web = eye.tessellation * where * (choroid - 0.45)
    contrast = rng.uniform(0.5, 1.2) * np.array([1, rng.uniform(0.4, 0.9), 0.3], np.float32)
    image *= tinted(web, contrast) + cv2.merge([1 + clouds] * 3)
    return image


def paint_macula(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """The darker macula and, in its middle, the fovea; stretched eyes lose both."""
    size = image.shape[0]
    depth = rng.uniform(0.25, 0.7) * (1 - 0.7 * eye.tessellation) * (1 - eye.diffuse)
    shade = depth * (0.5 * bell(size, eye.fovea, 0.22 * eye.zoom) + 0.5 * bell(size, eye.fovea, 0.08 * eye.zoom))
    image *= 1 - tinted(shade, (0.8, 1.0, 0.9))


def paint_atrophy(image: np.ndarray, mask: np.ndarray, choroid: np.ndarray, rng: np.random.Generator) -> None:
    """Chorioretinal atrophy: the white sclera shines through, crossed by choroidal vessels and spotted with pigment."""
    size = image.shape[0]
    sclera = rng.uniform(0.65, 1.5) * np.array([1, rng.uniform(0.58, 0.88), rng.uniform(0.2, 0.6)], np.float32)
    texture = 1 - rng.uniform(0.1, 0.8) * choroid + 0.12 * smooth_noise(size, size // 3, rng)
    # It is rarely equally deep everywhere: remains of the pigment let it fade in places.
    depth = np.clip(rng.uniform(0.7, 1.3) + rng.uniform(0, 0.5) * smooth_noise(size, 7, rng), 0.1, 1)
    blend(image, tinted(texture, sclera), mask * depth * rng.uniform(0.6, 1.0))
    clumps = np.clip(smooth_noise(size, 26, rng) - rng.uniform(0.9, 2.2), 0, 1) * mask
    image *= cv2.merge([1 - rng.uniform(0.3, 0.9) * clumps] * 3)


def paint_crescent(image: np.ndarray, eye: Eye, choroid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Peripapillary atrophy: from a thin crescent on the temple's side of the optic disc to a wide ring around it.

    As `paint_patches` and `paint_disc`, it gives where it has painted, float32 [S, S] from 0 to 1.
    """
    size, r = image.shape[0], eye.disc_radius
    if eye.crescent < 0.08:
        return np.zeros((size, size), np.float32)
    shift = rng.uniform(0.2, 0.65) * eye.crescent * r
    centre = (eye.disc[0] + shift * np.cos(eye.crescent_angle), eye.disc[1] + shift * np.sin(eye.crescent_angle))
    radii = (r * (0.95 + 0.4 * eye.crescent), r * (1 + 0.45 * eye.crescent))
    ragged = 0.15 * rng.random() * smooth_noise(size, 14, rng) + 0.12 * smooth_noise(size, 5, rng)
    mask = blob(size, centre, radii, eye.crescent_angle, ragged, rng.uniform(0.02, 0.1))
    rim = blob(size, centre, (radii[0] * 1.1, radii[1] * 1.1), eye.crescent_angle, ragged, 0.08) - mask
    image *= cv2.merge([1 - rng.uniform(0, 0.4) * np.clip(rim, 0, 1)] * 3)
    paint_atrophy(image, mask, choroid, rng)
    return mask


def paint_patches(image: np.ndarray, eye: Eye, choroid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Patchy chorioretinal atrophy: sharp pale islands, most of them near the macula."""
    size = image.shape[0]
    mask = np.zeros((size, size), np.float32)
    for _ in range(eye.patches):
        centre = np.array(eye.fovea) + rng.normal(0, 0.35, 2) * eye.zoom
        radius = eye.zoom * rng.uniform(0.2, 0.6) ** 2
        radii = (radius, radius * rng.uniform(0.5, 1))
        patch = blob(size, centre, radii, 3 * rng.random(), 0.3 * smooth_noise(size, 10, rng), rng.uniform(0.02, 0.1))
        np.maximum(mask, patch, out=mask)
    if eye.patches:
        paint_atrophy(image, mask, choroid, rng)
    return mask


def paint_diffuse(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """Diffuse chorioretinal atrophy: an ill-defined yellowish cloud at the posterior pole."""
    size = image.shape[0]
    if eye.diffuse <= 0:
        return
    centre = (0.5 * (eye.disc[0] + eye.fovea[0]) + rng.normal(0, 0.15), eye.fovea[1] + rng.normal(0, 0.12))
    mask = bell(size, centre, rng.uniform(0.25, 0.5)) * np.clip(1 + 0.6 * smooth_noise(size, 6, rng), 0, 1.5)
    image *= 1 + tinted(eye.diffuse * rng.uniform(0.4, 1.1) * mask, (0.8, 1.0, 0.7))


def paint_disc(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> np.ndarray:
    """Optic disc and cup: a pink ellipse, narrower the more it is tilted, with a paler pit."""
    size, r = image.shape[0], eye.disc_radius
    angle = rng.normal(0, 0.3)
    radii = (r * (1 - eye.disc_tilt), r)
    glow = bell(size, eye.disc, 2.0 * r) * rng.uniform(0, 0.35)
    image *= cv2.merge([1 + glow] * 3)
    bright = rng.uniform(0.65, 1.2) * (1 - 0.3 * min(1, eye.crescent))  # beside atrophy it looks darker
    rim = bright * np.array([1, rng.uniform(0.42, 0.7), rng.uniform(0.15, 0.4)], np.float32)
    mask = blob(size, eye.disc, radii, angle, 0.04 * smooth_noise(size, 10, rng), 0.04)
    blend(image, rim, mask * 0.9)
    cup_centre = (eye.disc[0] + r * rng.normal(0.12, 0.1), eye.disc[1] + r * rng.normal(0, 0.08))
    cup = rim * np.array([1.2, rng.uniform(1.3, 1.7), rng.uniform(1.3, 2.2)], np.float32)
    blend(image, cup, blob(size, cup_centre, (eye.cup * radii[0], eye.cup * r), angle, 0.0, 0.09) * rng.uniform(0.2, 1))
    return mask


def paint_vessels(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """Retinal vessels: they take light away, most of it in green; arteries are brighter than veins."""
    arteries, veins = (draw_vessels(eye, width, image.shape[0], rng) for width in (0.011, 0.016))
    strength = rng.uniform(0.4, 1.0) * (1 - 0.4 * eye.tessellation)
    image *= 1 - tinted(strength * arteries, (0.22, 0.5, 0.4))
    image *= 1 - tinted(strength * veins, (0.42, 0.62, 0.45))


def paint_reflex(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """The glitter of a young retina: grey-white glints in a ring around the macula and along the arcades."""
    size = image.shape[0]
    if eye.reflex <= 0:
        return
    x, y = grid(size)
    distance = np.hypot(x - eye.fovea[0], y - eye.fovea[1]) / eye.zoom
    ring = np.exp(-(((distance - rng.uniform(0.2, 0.5)) / rng.uniform(0.03, 0.12)) ** 2))
    glints = np.clip(0.5 * smooth_noise(size, 30, rng) + 0.6 * smooth_noise(size, 8, rng), 0, 1) * ring
    # Nerve fibres shimmer around the disc and along the arcades, which lie on a circle around the macula.
    arcade = np.exp(-(((distance - 0.75) / 0.2) ** 2)) * bell(size, eye.disc, rng.uniform(0.3, 0.7))
    shimmer = rng.uniform(0, 0.5) * arcade * np.clip(1 + 0.5 * smooth_noise(size, 16, rng), 0, 2)
    light = eye.reflex * (rng.uniform(0.2, 0.9) * glints + shimmer)
    image += tinted(light, (0.7, 0.8, rng.uniform(0.4, 0.8)))
