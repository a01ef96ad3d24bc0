"""Renders a data set of fundus photographs, so that the course runs where the real one is missing.

The images are painted by `helpers.fundus.paint`. They lie in the same folders, under the same names and in the same
proportions as the real ones, so that one reader serves both. How real they are is measured, not claimed:
`python -m helpers.commands.sim_to_real` trains on rendered images alone and tests on real photographs.
"""
from __future__ import annotations

import csv
import json
import sys
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

from helpers.checks import whole
from helpers.files import made_whole, may_not_write
from helpers.fundus.eye import sample_eye
from helpers.fundus.paint import check_size, paint_eye
from helpers.fundus.sources import RENDERED

import cv2
import numpy as np
from tqdm import tqdm

VERSION = 3  # raise it whenever the same seed would give other images: rendered folders are then made anew
MOST = 1_000_000  # images; they would take hours
_LEFT_BY_WINDOWS = {"thumbs.db", "desktop.ini"}
FOLDERS = {"training": "PALM-Training400", "validation": "PALM-Validation400"}
# Images of each kind in 400 of the real data set; for its validation part only pathologic or not is known.
SHARES = {"training": {"H": 26, "N": 161, "P": 213}, "validation": {"H": 26, "N": 163, "P": 211}}


def kinds(count: int, shares: dict[str, int]) -> list[str]:
    """A list of `count` kinds, of which every beginning keeps to the `shares`: a longer list only adds to it."""
    given, order, total = Counter(), [], sum(shares.values())
    for i in range(1, count + 1):
        order.append(max(shares, key=lambda kind: shares[kind] * i - given[kind] * total))
        given[order[-1]] += 1
    return order


def render(
    folder: str | Path, count: int | tuple[int, int] = 600, size: int = 128, seed: int = 0, progress: bool = True,
    both_sides: bool = True,
) -> Path:  # fmt: skip
    """Render a whole data set in the layout of the real one: two folders of JPEG files, labels.csv, RENDERED.json.

    Image i of a part depends on `seed`, `size`, the part, the kind and i alone: a larger `count` only adds images. The
    folder appears complete or not at all. A complete folder of the same settings is used again. One of other settings
    is replaced, unless it holds anything that was not rendered or was changed since. Processes that render to the same
    folder wait for each other; the file .<folder's name>.lock beside it stands for that.

    Args:
        count: number of training and of validation images; one number is divided 2 : 1.
        size: width and height of the images in pixels.
        seed: the same seed gives the same bytes, as long as the versions of NumPy and OpenCV are the same.
        both_sides: left and right eyes. Without it the right ones are mirrored, so that every optic disc lies on the
            left, as in iChallenge-PM, or in the middle.

    Returns: the folder.

    Raises:
        ValueError: a size below 32 pixels or above 10,000, more than MOST images, a negative seed, or no image in one
            of the parts.
        FileExistsError: the folder holds something that this function has not rendered; nothing is touched.
        PermissionError: the folder cannot be written.
    """
    folder = Path(folder)
    if not isinstance(count, tuple):
        count = whole("count", count, most=MOST)
        training, validation = count - count // 3, count // 3
    elif len(count) == 2:
        training, validation = count
    else:
        raise ValueError(f"count must be one number or two, got {count}")
    check_size(size)
    training, validation = (whole("count", number, most=MOST) for number in (training, validation))
    seed = whole("seed", seed)
    if min(training, validation) < 1:
        raise ValueError(f"count must give at least one training and one validation image, got {count}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    settings = {
        "version": VERSION, "training": training, "validation": validation, "size": size, "seed": seed,
        "both sides": both_sides,
    }  # fmt: skip
    try:
        made_whole(folder, lambda: is_rendered(folder, settings), lambda new: write_images(new, settings, progress))
    except OSError as error:
        if not may_not_write(error):
            raise
        raise PermissionError(f"cannot write {folder} ({error}); choose another folder") from error
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
    rows, size = [], settings["size"]
    bar = tqdm(plan(settings), "rendering", unit="image", file=sys.stdout, leave=False, disable=not progress)
    for part, kind, number, path in bar:
        rng = np.random.default_rng([settings["seed"], list(FOLDERS).index(part), ord(kind), number])
        eye = sample_eye(kind, rng)
        eye = replace(eye, right=eye.right and settings["both sides"])
        image = paint_eye(eye, size, rng)
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 96))]
        data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)[1]
        (folder / path).write_bytes(data.tobytes())  # cv2.imwrite knows no Chinese characters on Windows
        if part == "validation":
            x, y = eye.fovea
            fovea = [f"{(c + 1) * size / 2:.2f}" for c in (-x if eye.right else x, y)]
            rows.append([len(rows) + 1, Path(path).name, int(kind == "P"), *fovea])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["ID", "imgName", "Label", "Fovea_X", "Fovea_Y"], *rows])
    marker = {"by": "helpers.fundus.render", "settings": settings, "files": checksums(folder)}
    (folder / RENDERED).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")


def checksums(folder: Path) -> dict[str, int]:
    """The CRC-32 of each file below the folder, by its path, but for the marker and what file managers leave there."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / RENDERED
                   and not path.name.startswith(".") and path.name.lower() not in _LEFT_BY_WINDOWS)  # fmt: skip
    return {path.relative_to(folder).as_posix(): zlib.crc32(path.read_bytes()) for path in found}


def is_rendered(folder: Path, settings: dict[str, int]) -> bool:
    """Whether the folder is there, complete and of these settings.

    Raises: FileExistsError where anything in it has not been written by `render`, so that it must not be replaced.
    """
    if not folder.exists():
        return False
    try:
        marker = json.loads((folder / RENDERED).read_text(encoding="utf-8"))
        written, same = dict(marker["files"]), marker["settings"] == settings
    except (OSError, ValueError, TypeError, KeyError):
        written, same = {}, False
    found = checksums(folder) if folder.is_dir() else {folder.name: -1}
    foreign = [path for path, checksum in found.items() if written.get(path) != checksum]
    if foreign or ((folder / RENDERED).exists() and not written):
        raise FileExistsError(
            f"{folder} holds what was not rendered, or was changed since ({(foreign or [RENDERED])[0]}); nothing was "
            "touched. Choose another folder, or delete this one yourself."
        )
    return same and found.keys() == written.keys()
