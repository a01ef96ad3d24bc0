"""Random changes to fundus photographs that leave their diagnosis as it is."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Augment:
    """Turn, mirror, scale and brighten an image at random.

    In iChallenge-PM the optic disc lies on the left in every photograph, or in the middle, so images are not mirrored
    left to right: that would throw away what the network can rely on. (Photographs of other eyes are to be mirrored
    before they are shown to it.) Upper and lower half of the eye are alike; heads are held at a small angle; cameras
    differ in brightness and in how much of the image the eye fills.

    Attributes:
        flip: mirror every other image, top to bottom.
        rotate: turn by up to that many degrees, either way.
        scale: grow or shrink by up to that factor: 0.1 is 0.9 to 1.1 times.
        brightness: multiply the pixels by 1 - brightness to 1 + brightness.

    Raises:
        ValueError: a value is out of range.
    """

    flip: bool = True
    rotate: float = 20.0
    scale: float = 0.1
    brightness: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.rotate <= 180:
            raise ValueError(f"rotate must be 0 to 180 degrees, not {self.rotate}")
        for name in ("scale", "brightness"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {getattr(self, name)}")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change one image; the same state of `rng` gives the same change.

        Args:
            image: uint8 [S, S, 3]; not changed itself.
            rng: where the random numbers come from.

        Returns:
            uint8 [S, S, 3]; what lies outside the old image is black, as around the photograph.
        """
        mirrored = rng.random() < 0.5  # all numbers are drawn in any case: switching one change off keeps the others
        angle, zoom, gain = rng.uniform(-1, 1, size=3) * (self.rotate, self.scale, self.brightness)
        if self.flip and mirrored:
            image = image[::-1]
        image = np.ascontiguousarray(image)
        if angle or zoom:
            height, width = image.shape[:2]
            matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1 + zoom)
            image = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)
        return cv2.convertScaleAbs(image, alpha=1 + gain) if gain else image.copy()
