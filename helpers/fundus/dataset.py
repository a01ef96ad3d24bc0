"""Fundus photographs as Paddle wants them, changed at random in training, and two data sets as one."""
from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from helpers import runtime  # noqa: F401  before paddle
from helpers.checks import number, picture, whole
from helpers.fundus.images import normalise
from helpers.fundus.photographs import FundusSet

import cv2
import numpy as np
from paddle.io import Dataset


@dataclass(frozen=True)
class Augment:
    """Turn, mirror, scale and brighten an image at random.

    A left eye is the mirror image of a right one. In iChallenge-PM the optic disc lies on the left in every photograph,
    or in the middle: a network that saw them this way round alone would misjudge the other eye. Upper and lower half of
    the eye are alike; heads are held at a small angle; cameras differ in brightness and in how much of the image the
    eye fills.

    Attributes:
        flip: mirror every other image, top to bottom.
        mirror: mirror every other image, left to right, as if it were the other eye.
        rotate: turn by up to that many degrees, either way.
        scale: grow or shrink by up to that factor: 0.1 is 0.9 to 1.1 times.
        brightness: multiply the pixels by 1 - brightness to 1 + brightness.

    Raises:
        ValueError: a value is out of range.
    """

    flip: bool = True
    mirror: bool = True
    rotate: float = 20.0
    scale: float = 0.1
    brightness: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= number("rotate", self.rotate) <= 180:
            raise ValueError(f"rotate must be 0 to 180 degrees, not {self.rotate}")
        for name in ("scale", "brightness"):
            if not 0 <= number(name, getattr(self, name)) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {getattr(self, name)}")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change one image; the same state of `rng` gives the same change.

        Args:
            image: uint8 [S, S, 3]; not changed itself.
            rng: where the random numbers come from.

        Returns:
            uint8 [S, S, 3]; what lies outside the old image is black, as around the photograph.

        Raises:
            ValueError: it is no such image.
        """
        image = picture("image", image)
        flipped, mirrored, angle, zoom, gain = self._draw(rng)
        if flipped:
            image = image[::-1]
        if mirrored:
            image = image[:, ::-1]
        image = np.ascontiguousarray(image)
        if angle or zoom:
            height, width = image.shape[:2]
            matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1 + zoom)
            image = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)
        return cv2.convertScaleAbs(image, alpha=1 + gain) if gain else image.copy()

    def points(self, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Where the change that the same state of `rng` makes to an image takes its points.

        Args:
            points: float [k, 2], x and y from the middle of the image in halves of its side: -1 to 1, y downwards.
            rng: in the state in which `__call__` is given it.

        Returns:
            float [k, 2]; what lies outside -1 to 1 has left the image.
        """
        flipped, mirrored, angle, zoom, _ = self._draw(rng)
        turn = cv2.getRotationMatrix2D((0, 0), angle, 1 + zoom)[:, :2]
        return points * (-1 if mirrored else 1, -1 if flipped else 1) @ turn.T

    def _draw(self, rng: np.random.Generator) -> tuple[bool, bool, float, float, float]:
        """Whether to flip, whether to mirror, the angle in degrees, and what is added to a zoom and a gain of 1."""
        flipped = rng.random() < 0.5  # all numbers are drawn in any case: switching one change off keeps the others
        angle, zoom, gain = rng.uniform(-1, 1, size=3) * (self.rotate, self.scale, self.brightness)
        mirrored = rng.random() < 0.5
        return self.flip and flipped, self.mirror and mirrored, angle, zoom, gain


class FundusDataset(Dataset):
    """Hands a `FundusSet` to Paddle: items are (float32 [3, S, S], int64 label).

    Args:
        data: the images and labels.
        augment: changes each image at random, or None.
        seed: of these changes. They depend on it, on `set_epoch` and on the image's index alone, so they repeat
            whatever the order of the images and the number of worker processes.
        transform: makes float32 [S, S, 3] of the uint8 image.
    """

    def __init__(
        self,
        data: FundusSet,
        augment: Augment | None = None,
        seed: int = 0,
        transform: Callable[[np.ndarray], np.ndarray] = normalise,
    ) -> None:
        super().__init__()
        self.data, self.augment, self.seed, self.transform = data, augment, seed, transform
        self.epoch = 0

    @property
    def labels(self) -> np.ndarray:
        """int64 [n], in the order of the items."""
        return self.data.labels

    def set_epoch(self, epoch: int) -> None:
        """Choose the changes of this epoch; call it before iterating, so that worker processes start with it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.int64]:
        index = item_at(index, len(self))
        image = self.data.images[index]
        if self.augment is not None:
            image = self.augment(image, np.random.default_rng([self.seed, self.epoch, index]))
        x = self.transform(image).transpose(2, 0, 1)
        return np.ascontiguousarray(x, np.float32), self.data.labels[index]


class JointDataset(Dataset):
    """All items of `main`, followed by `count` items of `extra` that are drawn anew in each epoch.

    Args:
        main: the data set in question; `set_epoch(epoch)` is passed on to both, where they have it.
        extra: where the others come from, such as rendered images.
        count: how many of them in each epoch.
        seed: of the draw, together with the number of the epoch.

    Raises:
        ValueError: there are fewer than `count` items in `extra`, or the seed is no whole number from 0 on.
    """

    def __init__(self, main: Dataset, extra: Dataset, count: int, seed: int = 0) -> None:
        super().__init__()
        count, seed = whole("count", count), whole("seed", seed, 0)
        if not 0 <= count <= len(extra):
            raise ValueError(f"cannot draw {count} items of {len(extra)}")
        self.main, self.extra, self.count, self.seed = main, extra, count, seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the items of this epoch; call it before iterating."""
        self.drawn = np.random.default_rng([self.seed, epoch]).choice(len(self.extra), self.count, replace=False)
        for dataset in (self.main, self.extra):
            if hasattr(dataset, "set_epoch"):
                dataset.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.main) + self.count

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.int64]:
        index = item_at(index, len(self))
        if index < len(self.main):
            return self.main[index]
        return self.extra[int(self.drawn[index - len(self.main)])]


def item_at(index: int, count: int) -> int:
    """An index as of a list, -1 being the last item; an IndexError beyond, by which a `for` loop ends."""
    place = operator.index(index)
    if not -count <= place < count:
        raise IndexError(f"there is no item {place}: there are {count}")
    return place % count
