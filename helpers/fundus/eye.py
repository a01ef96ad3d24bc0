"""The anatomy of an eye that is to be painted, drawn at random for a healthy, a highly myopic or a pathologic one.

What tells the kinds apart follows the META-PM classification of myopic maculopathy (tessellation, diffuse and patchy
atrophy): K. Ohno-Matsui et al., American Journal of Ophthalmology 159 (2015),
https://doi.org/10.1016/j.ajo.2015.01.022. Lengths are in radii of the disc of light: x runs from the nose to the temple
(-1 to 1), y downwards.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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


def sample_eye(kind: str, rng: np.random.Generator) -> Eye:
    """Draw the anatomy of a random eye of `kind` "H", "N" or "P"; the kinds differ in degree and overlap."""
    if not isinstance(kind, str) or kind not in ("H", "N", "P"):
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
        right=bool(rng.random() < 0.5), zoom=zoom, disc=disc, fovea=fovea,
        disc_radius=zoom * rng.uniform(0.13, 0.175),
        disc_tilt=float(np.clip(0.08 + 0.35 * myopia * rng.random(), 0, 0.4)),
        cup=rng.uniform(0.25, 0.65),
        tessellation=float(np.clip(2.2 * myopia - 0.25 + rng.normal(0, 0.12), 0, 1)),
        crescent=crescent, crescent_angle=rng.normal(0.2, 0.5), diffuse=diffuse, patches=patches,
        reflex=rng.random() if rng.random() < 0.6 * (1 - 2 * myopia) else 0.0,
        haze=rng.random() ** 2 if rng.random() < 0.2 else 0.0,
    )  # fmt: skip
