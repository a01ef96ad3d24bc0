"""The iChallenge-PM (PALM) data set: from whatever lies on the disk to parts that a network can be trained on.

`find` says what there is, `read` makes a `FundusSet` of it, `split` divides that into training, validation and test
images, and `FundusDataset` hands them to Paddle. Rendered images (`helpers.fundus`) lie in the same folders and are
read in the same way.
"""
from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from helpers import duplicates, runtime, sources  # noqa: F401  the runtime before Paddle
from helpers.augment import Augment
from helpers.images import Selection, image_size, normalise, read_images
from helpers.sheets import DataError
from helpers.sources import PARTS, DataNotFound, Sample, Source, find, samples

import numpy as np
from paddle.io import Dataset
from sklearn.model_selection import train_test_split

__all__ = [
    "DataError",
    "DataNotFound",
    "FundusDataset",
    "FundusSet",
    "Parts",
    "Sample",
    "Source",
    "Summary",
    "find",
    "read",
    "samples",
    "split",
]


@dataclass(frozen=True, eq=False, repr=False)
class FundusSet:
    """Images with their labels, in memory or mapped from the cache.

    Attributes:
        images: uint8 [n, S, S, 3], RGB; read-only where it comes from the cache; of a subset a `Selection`.
        labels: int64 [n], 1 is pathologic myopia.
        names: n names ("P0056").
        parts: str [n]: "training", "validation" or "testing", as the data set was published.
        real: False for rendered images.
        sizes: int64 [n, 2], height and width of the image files in pixels, or None if they are not known.
    """

    images: np.ndarray | Selection
    labels: np.ndarray
    names: tuple[str, ...]
    parts: np.ndarray
    real: bool = True
    sizes: np.ndarray | None = None

    def __post_init__(self) -> None:
        counts = {len(self.images), len(self.labels), len(self.names), len(self.parts)}
        if len(counts) > 1:
            raise ValueError(f"images, labels, names and parts must be equally many, not {sorted(counts)}")

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        kind = "real" if self.real else "rendered"
        return f"FundusSet({len(self)} {kind} images of {self.images.shape[1]} px, {self.labels.sum()} pathologic)"

    def subset(self, indices: np.ndarray) -> FundusSet:
        """The images at these positions (integers, or n booleans); no image is copied."""
        positions = np.arange(len(self))[indices]
        return replace(
            self,
            images=Selection(self.images, positions),
            labels=self.labels[positions],
            names=tuple(self.names[position] for position in positions),
            parts=self.parts[positions],
            sizes=None if self.sizes is None else self.sizes[positions],
        )

    def duplicates(self) -> list[tuple[str, ...]]:
        """The names of images that show the same photograph, group by group."""
        return [tuple(self.names[i] for i in group) for group in duplicates.groups(self.images)]

    def summary(self) -> Summary:
        """Counts, sizes and duplicates; print it."""
        counts = {
            part: tuple(int(((self.parts == part) & (self.labels == label)).sum()) for label in (0, 1))
            for part in PARTS
            if (self.parts == part).any()
        }
        repeated: dict[str, list[tuple[str, ...]]] = {}
        for group in duplicates.groups(self.images):
            where = sorted({str(self.parts[i]) for i in group}, key=PARTS.index)
            title = f"within {where[0]}" if len(where) == 1 else f"between {' and '.join(where)}"
            repeated.setdefault(title, []).append(tuple(self.names[i] for i in group))
        sizes = Counter() if self.sizes is None else Counter(map(tuple, self.sizes.tolist()))
        return Summary(self.real, self.images.shape[1], counts, dict(sizes.most_common()), repeated)


@dataclass(frozen=True, repr=False)
class Summary:
    """What a `FundusSet` holds.

    Attributes:
        real: False for rendered images.
        side: width and height of the images as they were read.
        counts: for each part, the number of images of class 0 and of class 1.
        sizes: for each (height, width) of the files, their number; the most common first.
        duplicates: groups of names that show the same photograph, by "within training" or "between training and ...".
    """

    real: bool
    side: int
    counts: dict[str, tuple[int, int]]
    sizes: dict[tuple[int, int], int]
    duplicates: dict[str, list[tuple[str, ...]]]

    def __str__(self) -> str:
        total = sum(map(sum, self.counts.values()))
        lines = [f"{total} {'real' if self.real else 'rendered'} fundus images of {self.side} x {self.side} pixels"]
        if self.sizes:
            common = [f"{count} of {width} x {height}" for (height, width), count in list(self.sizes.items())[:3]]
            others = sum(list(self.sizes.values())[3:])
            lines.append(f"files: {', '.join(common)}" + (f", {others} of other sizes" if others else ""))
        lines.append(f"{'':<12}{'not pathologic':>16}{'pathologic':>12}{'all':>6}")
        lines += [f"{part:<12}{zero:>16}{one:>12}{zero + one:>6}" for part, (zero, one) in self.counts.items()]
        for title, groups in self.duplicates.items():
            lines.append(f"duplicates {title}: {', '.join(' = '.join(group) for group in groups)}")
        return "\n".join(lines if self.duplicates else [*lines, "no duplicates"])

    __repr__ = __str__  # the last line of a cell shows it


class Parts(NamedTuple):
    """The data set as it is used: `test` stays untouched until the end."""

    train: FundusSet
    validation: FundusSet
    test: FundusSet


def read(
    source: Source | str | Path | None = None, size: int = 128, cache: bool | str | Path = True, progress: bool = True
) -> FundusSet:
    """Read the whole data set: unpack it if it is packed, and decode its images if they are not in the cache.

    Args:
        source: a folder, or what `find` returned; None: what `find` finds.
        size: the side of the images in pixels.
        cache: keep the decoded images in data/cache (True), in this .npy file, or not at all (False).
        progress: show bars while unpacking and decoding.

    Raises:
        DataNotFound: there is no data set.
        DataError, ArchiveError, ImageError: something in it is missing or broken; see `samples` and `read_image`.
    """
    source = find() if source is None else source
    if source is None:
        raise DataNotFound(
            "There is no data set in PALM_DIR, data/palm or AI Studio's mounts. Put it into data/palm (README.md says "
            "where to get it), or render images: read(helpers.fundus.render(folder))."
        )
    listed = samples(source, progress)
    paths = [sample.path for sample in listed]
    if cache is True:
        cache = _cache_file(source.path if isinstance(source, Source) else Path(source), size)
    return FundusSet(
        images=read_images(paths, size, cache or None, progress),
        labels=np.array([sample.label for sample in listed], np.int64),
        names=tuple(sample.name for sample in listed),
        parts=np.array([sample.part for sample in listed]),
        real=not any((folder / sources.RENDERED).is_file() for folder in {path.parent.parent for path in paths}),
        sizes=np.array([image_size(path) for path in paths], np.int64),
    )


def _cache_file(folder: Path, size: int) -> Path:
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    return sources.ROOT / "data" / "cache" / f"{folder.resolve().name}-{place}-{size}px.npy"


def split(data: FundusSet, validation: float = 0.2, seed: int = 0, drop_duplicates: bool = True) -> Parts:
    """Divide the data set for training.

    The official training images are divided into `train` and `validation`, in the same proportions of N, H and P;
    duplicates of one another stay on one side. The official validation images, whose results everyone reports, become
    `test`. The re-release's testing images are in none of the three.

    Args:
        data: what `read` returned.
        validation: the share of the training images for validation; with 0 all are for training.
        seed: which images these are.
        drop_duplicates: leave out training images that stand in `test` as well.

    Raises:
        ValueError: `validation` is below 0, or not below 1.
        DataError: there are too few images of one class.
    """
    if not 0 <= validation < 1:
        raise ValueError(f"validation must be at least 0 and below 1, not {validation}")
    usable, in_test = data.parts == "training", data.parts == "validation"
    leader = np.arange(len(data))  # the first image of each group of duplicates stands for all of them
    for group in map(list, duplicates.groups(data.images)):
        leader[group] = group[0]
        if drop_duplicates and in_test[group].any():
            usable[group] = False
    held_out = np.zeros(len(data), bool)
    if validation:
        leaders, first = np.unique(leader[usable], return_index=True)
        strata = _strata(data, np.flatnonzero(usable)[first], validation)
        _, chosen = train_test_split(leaders, test_size=validation, random_state=seed, stratify=strata)
        held_out = usable & np.isin(leader, chosen)
    return Parts(data.subset(usable & ~held_out), data.subset(held_out), data.subset(in_test))


def _strata(data: FundusSet, indices: np.ndarray, validation: float) -> list[str]:
    """H, N or P for each image, so that each side gets its share of them; its label where they are too few for that."""
    letters, labels = [data.names[i][0] for i in indices], [str(data.labels[i]) for i in indices]
    smaller_side = len(indices) * min(validation, 1 - validation)
    for strata in (letters, labels):
        counts = Counter(strata)
        if len(set(labels)) == 2 and min(counts.values()) >= 2 and smaller_side >= len(counts):
            return strata
    raise DataError(
        f"{len(indices)} training images, {labels.count('1')} of them pathologic, are too few to hold {validation:.0%} "
        "of each class back for validation. Add more images."
    )


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
        image = self.data.images[index]
        if self.augment is not None:
            image = self.augment(image, np.random.default_rng([self.seed, self.epoch, int(index)]))
        x = self.transform(image).transpose(2, 0, 1)
        return np.ascontiguousarray(x, np.float32), self.data.labels[index]
