"""Paints retinal fundus photographs of healthy and myopic eyes; `helpers.fundus` makes a data set of them.

An eye is painted from the back to the front: choroid, atrophy, optic disc, retinal vessels, then the camera. What tells
the kinds apart follows the META-PM classification of myopic maculopathy (tessellation, diffuse and patchy atrophy):
K. Ohno-Matsui et al., American Journal of Ophthalmology 159 (2015), https://doi.org/10.1016/j.ajo.2015.01.022.

Lengths are in radii of the disc of light: x runs from the nose to the temple (-1 to 1), y downwards. Images are float32
RGB with values around 0 to 1 until the last step makes bytes of them.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

SMALLEST = 32  # pixels; in smaller images the vessels vanish


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
    low, high = {"N": (0.0, 0.35), "H": (0.1, 0.42), "P": (0.36, 1.0)}[kind]
    myopia = low + (high - low) * (rng.beta(1.0, 2.5) if kind == "N" else rng.beta(1.3, 1.5))
    pathologic = kind == "P"

    zoom = rng.uniform(0.85, 1.25)
    centred = rng.random() < (0.08 if kind == "N" else 0.25)
    disc_x = rng.normal(-0.05, 0.12) if centred else rng.normal(-0.66, 0.1)
    disc = (disc_x, rng.normal(-0.05, 0.07))
    fovea = (disc[0] + zoom * rng.uniform(0.72, 0.88), disc[1] + zoom * rng.uniform(-0.02, 0.14))
    crescent = max(0.0, 3.5 * (myopia - 0.15)) * rng.lognormal(0, 0.4)
    diffuse = min(1.0, myopia * rng.uniform(0.3, 1.4)) if pathologic and rng.random() < 0.7 else 0.0
    patches = int(rng.poisson(5 * max(0.0, myopia - 0.25))) if pathologic else 0
    return Eye(
        right=bool(rng.random() < 0.5),
        zoom=zoom,
        disc=disc,
        fovea=fovea,
        disc_radius=zoom * rng.uniform(0.13, 0.175),
        disc_tilt=float(np.clip(0.08 + 0.35 * myopia * rng.random(), 0, 0.4)),
        cup=rng.uniform(0.25, 0.65),
        tessellation=float(np.clip(2.2 * myopia - 0.25 + rng.normal(0, 0.12), 0, 1)),
        crescent=crescent,
        crescent_angle=rng.normal(0.2, 0.5),
        diffuse=diffuse,
        patches=patches,
        reflex=rng.random() if rng.random() < 0.6 * (1 - 2 * myopia) else 0.0,
        haze=rng.random() ** 2 if rng.random() < 0.2 else 0.0,
    )


# ------------------------------------------------------------------------------------------------- small tools


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


# ---------------------------------------------------------------------------------------------- layers of the eye


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
    return draw_lines(
        size,
        [
            (twigs, 0.3 * branch_widths),
            (branches, 0.5 * branch_widths),
            (trunks[:, 17:], 0.55 * trunk_widths),
            (trunks[:, 8:18], 0.8 * trunk_widths),
            (trunks[:, :9], trunk_widths),
        ],
    )


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


def paint_crescent(image: np.ndarray, eye: Eye, choroid: np.ndarray, rng: np.random.Generator) -> None:
    """Peripapillary atrophy: from a thin crescent on the temple's side of the optic disc to a wide ring around it."""
    size, r = image.shape[0], eye.disc_radius
    if eye.crescent < 0.08:
        return
    shift = rng.uniform(0.2, 0.65) * eye.crescent * r
    centre = (eye.disc[0] + shift * np.cos(eye.crescent_angle), eye.disc[1] + shift * np.sin(eye.crescent_angle))
    radii = (r * (0.95 + 0.4 * eye.crescent), r * (1 + 0.45 * eye.crescent))
    ragged = 0.15 * rng.random() * smooth_noise(size, 14, rng) + 0.12 * smooth_noise(size, 5, rng)
    mask = blob(size, centre, radii, eye.crescent_angle, ragged, rng.uniform(0.02, 0.1))
    rim = blob(size, centre, (radii[0] * 1.1, radii[1] * 1.1), eye.crescent_angle, ragged, 0.08) - mask
    image *= cv2.merge([1 - rng.uniform(0, 0.4) * np.clip(rim, 0, 1)] * 3)
    paint_atrophy(image, mask, choroid, rng)


def paint_patches(image: np.ndarray, eye: Eye, choroid: np.ndarray, rng: np.random.Generator) -> None:
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


def paint_diffuse(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """Diffuse chorioretinal atrophy: an ill-defined yellowish cloud at the posterior pole."""
    size = image.shape[0]
    if eye.diffuse <= 0:
        return
    centre = (0.5 * (eye.disc[0] + eye.fovea[0]) + rng.normal(0, 0.15), eye.fovea[1] + rng.normal(0, 0.12))
    mask = bell(size, centre, rng.uniform(0.25, 0.5)) * np.clip(1 + 0.6 * smooth_noise(size, 6, rng), 0, 1.5)
    image *= 1 + tinted(eye.diffuse * rng.uniform(0.4, 1.1) * mask, (0.8, 1.0, 0.7))


def paint_disc(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> None:
    """Optic disc and cup: a pink ellipse, narrower the more it is tilted, with a paler pit."""
    size, r = image.shape[0], eye.disc_radius
    angle = rng.normal(0, 0.3)
    radii = (r * (1 - eye.disc_tilt), r)
    glow = bell(size, eye.disc, 2.0 * r) * rng.uniform(0, 0.35)
    image *= cv2.merge([1 + glow] * 3)
    bright = rng.uniform(0.65, 1.2) * (1 - 0.3 * min(1, eye.crescent))  # beside atrophy it looks darker
    rim = bright * np.array([1, rng.uniform(0.42, 0.7), rng.uniform(0.15, 0.4)], np.float32)
    blend(image, rim, blob(size, eye.disc, radii, angle, 0.04 * smooth_noise(size, 10, rng), 0.04) * 0.9)
    cup_centre = (eye.disc[0] + r * rng.normal(0.12, 0.1), eye.disc[1] + r * rng.normal(0, 0.08))
    cup = rim * np.array([1.2, rng.uniform(1.3, 1.7), rng.uniform(1.3, 2.2)], np.float32)
    blend(image, cup, blob(size, cup_centre, (eye.cup * radii[0], eye.cup * r), angle, 0.0, 0.09) * rng.uniform(0.2, 1))


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


# ------------------------------------------------------------------------------------------------------- the camera


def photograph(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> np.ndarray:
    """Light, lens and sensor: the painted retina [S, S, 3] as bytes, uint8 [S, S, 3]."""
    size = image.shape[0]
    image = scatter(illuminate(image, eye, rng), rng)
    if eye.haze:
        soft = cv2.GaussianBlur(image, (0, 0), 0.035 * size * eye.haze + 0.1)
        glow = image.mean((0, 1)) * rng.uniform(0.9, 1.3)
        image = soft * (1 - 0.6 * eye.haze) + glow * (0.6 * eye.haze)
    image = cv2.GaussianBlur(image, (0, 0), size * rng.uniform(0.001, 0.005))
    image += 0.008 * rng.random() * rng.standard_normal(image.shape, dtype=np.float32)
    bright = image > 0.7
    image[bright] = 1 - 0.3 * np.exp((0.7 - image[bright]) / 0.3)  # highlights saturate softly
    image *= cv2.merge([disc_of_light(size, rng)] * 3)
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)


def illuminate(image: np.ndarray, eye: Eye, rng: np.random.Generator) -> np.ndarray:
    """Uneven illumination: brightest somewhere near the middle; what is dark looks redder. [S, S, 3]."""
    bright = bell(image.shape[0], rng.normal(-0.1, 0.25, 2), rng.uniform(0.5, 1.1))
    falloff = rng.uniform(0, 0.7) + 0.2 * eye.tessellation
    light = (1 - falloff + falloff * bright) * rng.uniform(0.7, 1.3)
    root = np.sqrt(light)
    return image * cv2.merge([light, light * np.sqrt(root), light * root])


def scatter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stray light: a veil that thickens towards the rim, and sometimes a leak at one place of it. [S, S, 3]."""
    size = image.shape[0]
    inner = rng.uniform(0.2, 0.8)
    rim = np.clip(cv2.magnitude(*grid(size)) - inner, 0, 1) * (1 / (1 - inner))
    veil = rng.uniform(0, 0.5) ** 2 * rim * np.sqrt(rim) * np.clip(1 + 0.6 * smooth_noise(size, 3, rng), 0, 2)
    image += tinted(veil, (rng.uniform(0.3, 0.9), 1, rng.uniform(0.4, 1.1)))
    if rng.random() < 0.06:
        angle = rng.uniform(0, 2 * np.pi)
        leak = bell(size, (math.cos(angle), math.sin(angle)), rng.uniform(0.1, 0.3))
        image += tinted(leak, rng.uniform(0.1, 0.6, 3))
    return image


def disc_of_light(size: int, rng: np.random.Generator) -> np.ndarray:
    """The round mask of the camera, float32 [size, size]; some cameras cut its top and bottom."""
    x, y = grid(size)
    dx, dy = rng.normal(0, 0.006, 2).tolist()
    radius = rng.uniform(0.985, 1.0)
    mask = np.clip((radius - cv2.magnitude(x - dx, y - dy)) * (size / 2) + 0.5, 0, 1)
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
