"""A data set of fundus photographs in memory: read from the disk, looked through for copies, divided for training.

Rendered images (`helpers.fundus.render`) lie in the same folders as real ones and are read in the same way. Photographs
of one's own, with any classes, come from `helpers.fundus.labelled`.
"""
from __future__ import annotations

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from helpers import ROOT
from helpers.checks import array, number, shown, whole
from helpers.fundus import labelled
from helpers.fundus.copies import same_photographs
from helpers.fundus.errors import DataError, DataNotFound
from helpers.fundus.folders import some
from helpers.fundus.grouping import hold_back, together
from helpers.fundus.images import image_size, read_images
from helpers.fundus.own_sheets import counted
from helpers.fundus.sources import PARTS, RENDERED, find, is_palm, samples

import numpy as np
from sklearn.model_selection import train_test_split

CLASSES = ("not pathologic", "pathologic")  # of the data set


@dataclass(frozen=True, eq=False, repr=False)
class FundusSet:
    """Images with their labels.

    Attributes:
        images: uint8 [n, S, S, 3], RGB.
        labels: int64 [n], positions in `classes`; in the data set 1 is pathologic myopia.
        names: n names ("P0056").
        parts: str [n]: "training", "validation" or "testing", as the data set was published, or as `read` or the user
            have divided photographs of one's own.
        real: False for rendered images.
        sizes: int64 [n, 2], height and width of the image files in pixels, or None if they are not known.
        classes: their names.
        groups: int64 [n], of photographs of one's own: those with the same number are of one patient, or copies, and
            stay together. None for the data set.
        origin: how photographs of one's own were found, in words.

    Raises:
        ValueError: these are not equally many, or a label is none of the classes.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    parts: np.ndarray
    real: bool = True
    sizes: np.ndarray | None = None
    classes: tuple[str, ...] = CLASSES
    groups: np.ndarray | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        try:
            counts = {len(self.images), len(self.labels), len(self.names), len(self.parts)}
        except TypeError as error:
            raise ValueError(f"images, labels, names and parts must be arrays or tuples ({error})") from error
        if len(counts) > 1:
            raise ValueError(f"images, labels, names and parts must be equally many, not {sorted(counts)}")
        for name in ("sizes", "groups"):
            if (each := getattr(self, name)) is not None and len(each) != len(self.names):
                raise ValueError(f"there are {len(each)} {name}, and {len(self.names)} images")
        labels = array("labels", self.labels, "n", "iu")
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise ValueError(f"labels must be positions among the {len(self.classes)} classes, not {shown(labels)}")
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "parts", np.asarray(self.parts))

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        side, counts = self.images.shape[1], np.bincount(self.labels, minlength=len(self.classes))
        each = [f"{count} {name}" for name, count in zip(self.classes, counts, strict=True)]
        if self.classes == CLASSES:
            del each[0]
        return f"FundusSet({len(self)} {self.kind} images of {side} px, {', '.join(each)})"

    @property
    def own(self) -> bool:
        """Whether these are photographs of one's own."""
        return self.groups is not None

    @property
    def kind(self) -> str:
        """What the images are, in a word: "real", "rendered" or "own"."""
        return "own" if self.own else "real" if self.real else "rendered"

    def subset(self, indices: np.ndarray) -> FundusSet:
        """The images at these positions (integers, or n booleans), as a copy."""
        names = tuple(np.array(self.names)[indices].tolist())
        sizes, groups = (None if each is None else each[indices] for each in (self.sizes, self.groups))
        return replace(
            self, images=self.images[indices], labels=self.labels[indices], names=names, parts=self.parts[indices],
            sizes=sizes, groups=groups,
        )  # fmt: skip

    def duplicates(self) -> list[tuple[str, ...]]:
        """The names of images that show the same photograph, group by group."""
        return [tuple(self.names[i] for i in group) for group in same_photographs(self.images)]

    def summary(self) -> str:
        """How many images there are of each part and class, of which sizes, and which show the same photograph."""
        lines = [f"{len(self)} {self.kind} fundus images of {self.images.shape[1]} x {self.images.shape[1]} pixels"]
        lines += [self.origin] * self.own
        if self.sizes is not None:
            sizes = Counter(map(tuple, self.sizes.tolist())).most_common()
            others = sum(count for _, count in sizes[3:])
            common = [f"{count} of {width} x {height}" for (height, width), count in sizes[:3]]
            lines.append(f"files: {', '.join(common)}" + (f", {others} of other sizes" if others else ""))
        digits = len(str(len(self)))
        cells, every = [max(len(name), digits) + 2 for name in self.classes], max(6, digits + 2)
        lines.append(f"{'':<12}" + "".join(map(str.rjust, self.classes, cells)) + f"{'all':>{every}}")
        for part in PARTS:
            if total := int((self.parts == part).sum()):
                counts = np.bincount(self.labels[self.parts == part], minlength=len(cells))
                row = "".join(f"{count:>{cell}}" for count, cell in zip(counts, cells, strict=True))
                lines.append(f"{part:<12}{row}{total:>{every}}")
        repeated: dict[str, list[str]] = {}
        for group in same_photographs(self.images):
            where = sorted({str(self.parts[i]) for i in group}, key=PARTS.index)
            title = f"within {where[0]}" if len(where) == 1 else f"between {' and '.join(where)}"
            repeated.setdefault(title, []).append(" = ".join(self.names[i] for i in group))
        lines += [f"duplicates {title}: {', '.join(groups)}" for title, groups in repeated.items()]
        return "\n".join(lines if repeated else [*lines, "no duplicates"])


class Parts(NamedTuple):
    """The data set as it is used: `test` stays untouched until the end."""

    train: FundusSet
    validation: FundusSet
    test: FundusSet


def read(
    folder: str | Path | None = None, size: int = 128, cache: bool | str | Path = True, progress: bool = True
) -> FundusSet:
    """Read the whole data set: unpack it if it is packed, and decode its images if they are not in the cache.

    Any other folder is looked through for labelled photographs of one's own (`helpers.fundus.labelled`). Of these, a
    fifth of each class is put into the part "testing", the same ones each time, unless the folder itself says which.

    Args:
        folder: where it lies; None: what `find` finds.
        size: the side of the images in pixels.
        cache: keep the decoded images in data/cache (True), in this .npz file, or not at all (False).
        progress: show bars while unpacking and decoding.

    Raises:
        DataNotFound: there is no data set.
        DataError, ArchiveError, ImageError: something in it is missing or broken; see `samples`, `labelled.samples` and
            `read_images`.
    """
    folder = find() if folder is None else Path(folder)
    if folder is None:
        raise DataNotFound(
            "There is no data set in PALM_DIR, data/palm or AI Studio's mounts. Put it into data/palm "
            "(data/README.md says where to get it), or render images: helpers.fundus.render.render(folder)."
        )
    if cache is True:
        cache = _cache_file(folder, size)
    if folder.is_dir() and not is_palm(folder) and (own := labelled.samples(folder)) is not None:
        return _read_own(own, size, cache or None, progress)
    listed = samples(folder, progress)
    paths = [sample.path for sample in listed]
    images, sizes = read_images(paths, size, cache or None, progress), [image_size(path) for path in paths]
    names, labels, parts = zip(*((sample.name, sample.label, sample.part) for sample in listed), strict=True)
    rendered = any((folder / RENDERED).is_file() for folder in {path.parent.parent for path in paths})
    return FundusSet(images, np.array(labels, np.int64), names, np.array(parts), not rendered, np.array(sizes))


def _read_own(own: labelled.Labelled, size: int, cache: str | Path | None, progress: bool) -> FundusSet:
    images = read_images(own.paths, size, cache, progress, labelled.read_photograph)
    copies = same_photographs(images)
    _say_if_contradicted(own, copies)
    groups, parts = together(own.patients, copies), np.array(own.parts)
    if not (parts != "").any():  # NumPy 1 has no any of texts
        tested = hold_back(own.labels, groups, labelled.TEST, 0, own.classes, "testing")
        parts = np.where(tested, "testing", "training")
    sizes = np.array([image_size(path) for path in own.paths])
    return FundusSet(images, own.labels, own.names, parts, True, sizes, own.classes, groups, own.origin)


def _say_if_contradicted(own: labelled.Labelled, copies: Sequence[Sequence[int]]) -> None:
    """Warn of photographs that are in two classes: no network can learn both, and its errors are theirs."""
    said = [f"{name} ({own.classes[label]})" for name, label in zip(own.names, own.labels, strict=True)]
    pairs = []
    for first, *others in copies:
        pairs += [f"{said[first]} = {said[i]}" for i in others if own.labels[i] != own.labels[first]][:1]
    if pairs:
        warnings.warn(
            f"{counted(pairs, 'photograph')} with a copy in another class: {some(pairs)}. Remove those that are wrong.",
            stacklevel=4,
        )


def _cache_file(folder: Path, size: int) -> Path:
    place = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:8]
    return ROOT / "data" / "cache" / f"{folder.resolve().name}-{place}-{size}px.npz"


def split(data: FundusSet, validation: float = 0.2, seed: int = 0, drop_duplicates: bool = True) -> Parts:
    """Divide the data set for training.

    The official training images are divided into `train` and `validation`, in the same proportions of N, H and P;
    duplicates of one another stay on one side. The official validation images, whose results everyone reports, become
    `test`. The re-release's testing images are in none of the three.

    Of photographs of one's own, `test` is the part "testing". A part "validation" of the user's own becomes
    `validation`; without it a share of the training images does, with all photographs of a patient on one side.

    Args:
        data: what `read` returned.
        validation: the share of the training images for validation; with 0 all are for training.
        seed: which images these are.
        drop_duplicates: leave out training images that stand in `test`, or in a `validation` of one's own, as well.

    Raises:
        ValueError: `validation` is below 0, or not below 1; the seed is not from 0 to 2**32 - 1.
        DataError: there are too few images of one class, or all of a class in one part are copies of others' images.
    """
    seed = whole("seed", seed, 0, 2**32 - 1)
    if not 0 <= number("validation", validation) < 1:
        raise ValueError(f"validation must be at least 0 and below 1, not {validation}")
    usable, in_test = data.parts == "training", data.parts == ("testing" if data.own else "validation")
    if data.own:
        return _split_own(data, usable, in_test, validation, seed, drop_duplicates)
    leader = np.arange(len(data))  # the first image of each group of duplicates stands for all of them
    for group in map(list, same_photographs(data.images)):
        leader[group] = group[0]
        if drop_duplicates and in_test[group].any():
            usable[group] = False
    _none_lost(data, data.parts == "training", usable, "training")
    held_out = np.zeros(len(data), bool)
    if validation:
        leaders, first = np.unique(leader[usable], return_index=True)
        strata = _strata(data, np.flatnonzero(usable)[first], validation)
        _, chosen = train_test_split(leaders, test_size=validation, random_state=seed, stratify=strata)
        held_out = usable & np.isin(leader, chosen)
    return Parts(data.subset(usable & ~held_out), data.subset(held_out), data.subset(in_test))


def _split_own(
    data: FundusSet, usable: np.ndarray, in_test: np.ndarray, validation: float, seed: int, drop_duplicates: bool
) -> Parts:  # fmt: skip
    held_out = data.parts == "validation"
    if drop_duplicates:
        usable = usable & ~np.isin(data.groups, data.groups[in_test | held_out])
        held_out = held_out & ~np.isin(data.groups, data.groups[in_test])
        for part, left in (("training", usable), ("validation", held_out)):
            _none_lost(data, data.parts == part, left, part)
    if validation and not held_out.any():
        chosen = hold_back(data.labels[usable], data.groups[usable], validation, seed, data.classes, "validation")
        held_out[np.flatnonzero(usable)[chosen]] = True
    return Parts(data.subset(usable & ~held_out), data.subset(held_out), data.subset(in_test))


def _none_lost(data: FundusSet, before: np.ndarray, left: np.ndarray, part: str) -> None:
    """Raise DataError for a class that had photographs in a part, bool [n], before those in others were left out."""
    lost = sorted(set(data.labels[before].tolist()) - set(data.labels[left].tolist()))
    if lost:
        names = [data.names[i] for i in np.flatnonzero(before & (data.labels == lost[0]))]
        raise DataError(
            f"no photograph of the class {data.classes[lost[0]]} is left for {part}: {some(names)} show what another "
            "part has, too. Give each photograph to one part alone, or leave the parts out."
        )


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
