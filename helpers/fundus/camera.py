"""What happens to a painted retina on its way to a photograph: light, lens and sensor."""
from __future__ import annotations

import math

from helpers.fundus.brushes import bell, grid, smooth_noise, tinted
from helpers.fundus.eye import Eye

import cv2
import numpy as np


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
