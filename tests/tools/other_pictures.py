"""Pictures that are no fundus photographs, of many kinds, drawn at random: what a program for eyes may be handed."""
from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from sklearn.datasets import load_sample_images

SIDE = 224  # pixels
Rng = np.random.Generator


def flat(*colour: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


def smooth(rng: Rng, cells: int, channels: int = 3) -> np.ndarray:
    """Soft noise of 0 to 1, [SIDE, SIDE, channels]; `cells` of it side by side."""
    noise = cv2.resize(rng.random((cells + 1, cells + 1, channels)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.clip(noise.reshape(SIDE, SIDE, channels), 0, 1)


def disc(image: np.ndarray, rng: Rng) -> np.ndarray:
    """A picture cut to a circle on black."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(mask, (SIDE // 2, SIDE // 2), int(SIDE * rng.uniform(0.45, 0.5)), 255, -1)
    return cv2.bitwise_and(image, image, mask=mask)


def orange(rng: Rng) -> np.ndarray:
    return np.array([rng.uniform(170, 255), rng.uniform(70, 140), rng.uniform(10, 60)])


def gradient(rng: Rng) -> np.ndarray:
    first, last = rng.integers(0, 256, (2, 3))
    ramp = np.linspace(0, 1, SIDE)[:, None, None]
    return np.broadcast_to(first + (last - first) * ramp, (SIDE, SIDE, 3)).astype(np.uint8)


def chessboard(rng: Rng) -> np.ndarray:
    cells = int(rng.integers(4, 16))
    board = (np.indices((cells, cells)).sum(0) % 2 * 255).astype(np.uint8)
    board = cv2.resize(board, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(board, cv2.COLOR_GRAY2RGB)


def page(rng: Rng) -> np.ndarray:
    image = flat(250, 250, 245)
    for y in range(20, SIDE - 10, int(rng.integers(12, 20))):
        words = " ".join("".join(rng.choice(list("abcdefghilmnorstu"), rng.integers(2, 9))) for _ in range(8))
        cv2.putText(image, words, (8, y), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (20, 20, 20), 1, cv2.LINE_AA)
    return image


def cat(rng: Rng) -> np.ndarray:
    """A drawn cat's face, of any colour on any other."""
    fur, back = rng.integers(0, 256, (2, 3)).tolist()
    image = flat(*back)
    centre, r = (SIDE // 2, SIDE // 2 + 15), int(rng.integers(55, 80))
    for side in (-1, 1):
        ear = np.array([[centre[0] + side * r, centre[1] - 2 * r // 3], [centre[0] + side * r // 4, centre[1] - r],
                        [centre[0] + side * r * 4 // 5, centre[1] - 3 * r // 2]])  # fmt: skip
        cv2.fillPoly(image, [ear], fur)
    cv2.circle(image, centre, r, fur, -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.circle(image, (centre[0] + side * r // 3, centre[1] - r // 4), r // 7, (40, 160, 60), -1, cv2.LINE_AA)
        for lift in (-10, 0, 10):
            start, end = (centre[0] + side * 8, centre[1] + 15), (centre[0] + side * r, centre[1] + 15 + lift)
            cv2.line(image, start, end, (0, 0, 0))
    return image


def landscape(rng: Rng) -> np.ndarray:
    sky = np.linspace([90, 140, 230], [200, 220, 250], SIDE)[:, None]
    image = np.broadcast_to(sky, (SIDE, SIDE, 3)).copy()
    for depth in range(3):
        ridge = 90 + 35 * depth + 25 * cv2.resize(rng.normal(size=(1, 6)), (SIDE, 1), interpolation=cv2.INTER_CUBIC)[0]
        image[np.arange(SIDE)[:, None] > ridge] = np.array([50, 110, 60]) * (1 - 0.25 * depth)
    return np.clip(image + 12 * rng.normal(size=image.shape), 0, 255).astype(np.uint8)


def sunset(rng: Rng) -> np.ndarray:
    image = np.linspace([60, 20, 60], [255, 140, 40], SIDE)[:, None] * np.ones((1, SIDE, 1))
    place = int(rng.integers(60, 160)), int(rng.integers(90, 170))
    cv2.circle(image, place, int(rng.integers(15, 50)), (255, 230, 150), -1)
    return image.clip(0, 255).astype(np.uint8)


def ball(rng: Rng) -> np.ndarray:
    """An orange ball in the light, on black: round, of the right colour, and smooth."""
    y, x = (np.indices((SIDE, SIDE)) - SIDE / 2) / (SIDE * rng.uniform(0.4, 0.49))
    depth = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    light = np.clip(depth * rng.uniform(0.6, 1) - 0.4 * x * rng.uniform(-1, 1) - 0.4 * y * rng.uniform(-1, 1), 0.05, 1)
    light += np.exp(-((x + 0.3) ** 2 + (y + 0.3) ** 2) / 0.01) * rng.random()
    image = light[..., None] * orange(rng) * (x**2 + y**2 < 1)[..., None]
    return np.clip(image + 2 * rng.normal(size=image.shape) * (image > 0), 0, 255).astype(np.uint8)


def fruit(rng: Rng) -> np.ndarray:
    """The same with an orange's peel."""
    image = ball(rng).astype(float)
    pores = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), rng.uniform(1, 3))
    return np.clip(image * (1 + 0.12 * pores / pores.std())[..., None], 0, 255).astype(np.uint8)


def planet(rng: Rng) -> np.ndarray:
    """A reddish planet with clouds, on black."""
    texture = sum(smooth(rng, 2**k, 1) / 2**k for k in range(2, 6))
    image = ball(rng) * (0.5 + 1.2 * texture / texture.max())
    return np.clip(image, 0, 255).astype(np.uint8)


def pizza(rng: Rng) -> np.ndarray:
    image = disc(flat(*orange(rng).astype(int).tolist()), rng)
    for _ in range(int(rng.integers(8, 20))):
        angle, distance = rng.uniform(0, 2 * np.pi), SIDE * 0.4 * np.sqrt(rng.random())
        place = (int(SIDE / 2 + distance * np.cos(angle)), int(SIDE / 2 + distance * np.sin(angle)))
        cv2.circle(image, place, int(rng.integers(6, 18)), (150, 30, 25), -1, cv2.LINE_AA)
    return image


def wood(rng: Rng) -> np.ndarray:
    """The rings of a tree."""
    y, x = (np.indices((SIDE, SIDE)) - SIDE / 2) / (SIDE / 2)
    rings = np.sin(np.hypot(x, y) * rng.uniform(30, 80) + 3 * smooth(rng, 4, 1)[..., 0])
    return disc(np.clip((0.75 + 0.25 * rings)[..., None] * np.array([190, 130, 80]), 0, 255).astype(np.uint8), rng)


def cells(rng: Rng) -> np.ndarray:
    """A smear of blood through a microscope: a pale disc with many pink ones."""
    image = flat(235, 215, 205)
    for x, y in rng.integers(0, SIDE, (150, 2)).tolist():
        cv2.circle(image, (x, y), 8, (215, 140, 140), -1, cv2.LINE_AA)
        cv2.circle(image, (x, y), 3, (230, 180, 175), -1, cv2.LINE_AA)
    return disc(image, rng)


def face(rng: Rng) -> np.ndarray:
    skin = rng.uniform([150, 100, 80], [240, 190, 160]).astype(int).tolist()
    image = flat(*rng.integers(0, 256, 3).tolist())
    cv2.ellipse(image, (SIDE // 2, SIDE // 2), (70, 95), 0, 0, 360, skin, -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.circle(image, (SIDE // 2 + side * 28, 95), 8, (30, 30, 30), -1)
    cv2.ellipse(image, (SIDE // 2, 155), (25, 10), 0, 0, 180, (150, 50, 50), 3)
    return image


@cache
def samples() -> list[np.ndarray]:
    """The photographs that come with scikit-learn."""
    return load_sample_images().images


def photo(rng: Rng) -> np.ndarray:
    image = samples()[int(rng.integers(len(samples())))]
    side = int(rng.integers(200, 420))
    y, x = (int(rng.integers(0, length - side)) for length in image.shape[:2])
    return cv2.resize(image[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def tinted_photo(rng: Rng) -> np.ndarray:
    """A round photograph in a fundus's colours: nothing but what is on it tells it apart."""
    grey = cv2.cvtColor(photo(rng), cv2.COLOR_RGB2GRAY)[..., None] / 255
    return disc(np.clip(grey * 1.5 * orange(rng), 0, 255).astype(np.uint8), rng)


PICTURES: dict[str, Callable[[Rng], np.ndarray]] = {
    "black": lambda rng: flat(0, 0, 0),
    "white": lambda rng: flat(255, 255, 255),
    "one colour": lambda rng: flat(*rng.integers(0, 256, 3).tolist()),
    "noise": lambda rng: rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8),
    "soft noise": lambda rng: (255 * smooth(rng, int(rng.integers(3, 40)))).astype(np.uint8),
    "gradient": gradient,
    "chessboard": chessboard,
    "text": page,
    "cat": cat,
    "face": face,
    "landscape": landscape,
    "sunset": sunset,
    "photograph": photo,
    "round photograph": lambda rng: disc(photo(rng), rng),
    "round photograph in orange": tinted_photo,
    "disc of one colour": lambda rng: disc(flat(*rng.integers(0, 256, 3).tolist()), rng),
    "orange disc": lambda rng: disc(flat(*orange(rng).astype(int).tolist()), rng),
    "orange disc with noise": lambda rng: disc(
        np.clip(orange(rng) + 30 * rng.normal(size=(SIDE, SIDE, 3)), 0, 255).astype(np.uint8), rng),
    "orange disc with soft noise": lambda rng: disc(
        np.clip(orange(rng) * (0.6 + 0.7 * smooth(rng, int(rng.integers(3, 30)), 1)), 0, 255).astype(np.uint8), rng),
    "orange ball": ball,
    "orange fruit": fruit,
    "planet": planet,
    "pizza": pizza,
    "wood": wood,
    "blood cells": cells,
}  # fmt: skip


def draw(kind: str, seed: int) -> np.ndarray:
    """One picture of a kind, uint8 [SIDE, SIDE, 3]; the same for the same seed."""
    return PICTURES[kind](np.random.default_rng([seed, *kind.encode()]))
