"""Finding the iChallenge-PM (PALM) data set: where it lies, in which form, and which label belongs to which image."""
from __future__ import annotations

import filecmp
import os
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from helpers import ROOT
from helpers.fundus import archives
from helpers.fundus.errors import ArchiveError, DataError, DataNotFound
from helpers.fundus.folders import OLD_SHEETS, SHEETS, beside, some, walk
from helpers.fundus.images import SUFFIXES
from helpers.fundus.own_sheets import names_photographs
from helpers.fundus.sheets import COLUMNS, header, is_sheet, read_sheet, read_tables

RENDERED = "RENDERED.json"  # helpers.fundus.render writes it into a folder of rendered images
PARTS = ("training", "validation", "testing")
MAX_FOLDERS = 2_000  # more than this is no data set: a search need not look through a disk

_MOUNTS = ("data19065", "data23828", "data19469")  # iChallenge-PM on AI Studio, and two copies of it
_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}
_IMAGE_NAME = re.compile(r"[HNPVT]\d+", re.IGNORECASE)
_PART_OF_LETTER = {"H": "training", "N": "training", "P": "training", "V": "validation", "T": "testing"}
_NEEDED = (
    "It needs training.zip, validation.zip and valid_gt.zip, or what they unpack to: PALM-Training400, "
    "PALM-Validation400 and PM_Label_and_Fovea_Location.xlsx (or labels.csv). data/README.md says where to get them."
)
_HELP = (
    f"{_NEEDED} Photographs of your own need a folder for each class, or a sheet, .csv or .xlsx, with the columns name "
    "and label: see there."
)
_NOT_OWN = (
    "PALM_DIR is for that data set alone. Photographs of your own are named where they are used: python -m "
    "helpers.commands.train --data FOLDER, or photographs.read(FOLDER). Correct PALM_DIR, or unset it."
)


@dataclass(frozen=True)
class Sample:
    """One image: its name ("P0056"), its file, its label (1: pathologic myopia), and one of `PARTS`."""

    name: str
    path: Path
    label: int
    part: str


def find() -> Path | None:
    """Look for the data set: the variable PALM_DIR, then data/palm below the project, then AI Studio's mounts.

    PALM_DIR names a folder, absolute, or relative to the working directory or the project. PALM_DIR=rendered stands
    for "there is no data set": the course then shows rendered images. Without PALM_DIR the first place with all parts
    of the data set counts, or else the first with any of them.

    Returns:
        the folder, or None if there is no data set.

    Raises:
        DataNotFound: PALM_DIR names a folder that does not exist or holds nothing of the data set.
        DataError: a place cannot be looked through, or holds two different images of one name.
    """
    wanted = os.environ.get("PALM_DIR", "").strip()
    if wanted == "rendered":
        return None
    if wanted:
        given = Path(wanted).expanduser()
        folder = given if given.is_dir() else ROOT / given
        if not folder.is_dir():
            raise DataNotFound(f"PALM_DIR is {wanted}, which is no folder. Correct it, or unset it.")
        files = _look(folder)
        if not (files.images or files.zips):  # a labels.csv alone may be that of other photographs
            raise DataNotFound(f"{folder} (PALM_DIR) holds nothing of the data set. {_NEEDED} {_NOT_OWN}")
        return folder
    places = [ROOT / "data" / "palm", *(Path.home() / "data" / mount for mount in _MOUNTS)]
    found = {folder: _look(folder) for folder in places if folder.is_dir()}
    some = [folder for folder, files in found.items() if files.anything]
    complete = [folder for folder in some if found[folder].zips or not found[folder].missing]
    return next(iter(complete + some), None)


def samples(folder: str | Path, progress: bool = False) -> list[Sample]:
    """List the images with their labels, by part and name; unpack archives first where parts are missing.

    Archives stand before what was unpacked from them earlier: one that was replaced is unpacked again.

    Training labels come from the names (H and N are 0, P is 1), the others from the label sheets. Testing images
    without any labels are left out, and a warning says so.

    Args:
        folder: where the data set lies, such as what `find` returned; archives are unpacked to data/palm/unpacked.
        progress: show a bar while unpacking.

    Raises:
        DataNotFound: the folder does not exist or holds nothing of the data set.
        DataError: a part or the sheet is missing or wrong, an image has no label, a label has no image.
        ArchiveError: an archive cannot be unpacked.
    """
    folder, unpacked = _checked(Path(folder)), ROOT / "data" / "palm" / "unpacked"
    # What was unpacked earlier may lie below the folder, and be of archives that were replaced.
    files, folders = _look(folder, leave_out=unpacked), [folder]
    if files.missing and files.zips:
        for archive in filter(_holds_data, files.zips):
            name = "-".join(archive.relative_to(folder).with_suffix("").parts)
            folders.append(archives.unpack(archive, unpacked / name, progress))
        files = _look(*folders, leave_out=unpacked)
    if files.missing:  # archives may have been deleted after they were unpacked
        files = _look(*folders)
    if files.missing:
        said = "" if files.images and files.sheets else files.not_read
        raise DataError(f"{folder} lacks {' and '.join(files.missing)}.{said} {_HELP}")
    if files.strangers:
        raise DataError(
            f"{some(files.strangers)}: no label. Names of the data set are H, N, P, V or T and a number (P0056.jpg). "
            "Rename or remove the file."
        )
    labels = _labels(files)
    _compare(files, labels, folder)
    return [
        Sample(name, path, labels[part, name], part)
        for (part, name), path in sorted(files.images.items(), key=lambda item: (PARTS.index(item[0][0]), item[0][1]))
        if (part, name) in labels
    ]


def is_palm(folder: Path) -> bool:
    """Whether a folder holds the data set, unpacked and with its three parts or packed, by the names of the files.

    Beside photographs with other names, or a sheet of such, an archive counts only where it surely is the data set's.

    Raises:
        DataError: a folder cannot be listed, or there are far too many.
        ArchiveError: an archive cannot be read, and there are no photographs with other names, nor a sheet of such.
    """
    paths = list(walk(folder))
    images = [path for path in paths if path.suffix.lower() in SUFFIXES | _IMAGES]
    parts = {_key(path)[0] for path in images if path.suffix.lower() in _IMAGES and _IMAGE_NAME.fullmatch(path.stem)}
    sheets = [path for path in paths if is_sheet(path)]
    if {"training", "validation"} <= parts and sheets and not all(map(_is_own, sheets)):
        return True
    zips = [path for path in paths if path.suffix.lower() == ".zip"]
    tables = [path for path in paths if path.suffix.lower() in SHEETS]
    others = zips and (not all(_IMAGE_NAME.fullmatch(path.stem) for path in images) or any(map(_is_own, tables)))
    for path in zips:
        try:
            if _holds_data(path, surely=others):
                return True
        except ArchiveError:
            if not others:
                raise
    return False


def _is_own(sheet: Path) -> bool:
    """Whether a sheet lacks the columns of the data set, and has those of photographs of one's own."""
    try:
        tables = read_tables(sheet).values()
    except DataError:
        return False
    return not any(header(rows, COLUMNS) for rows in tables) and any(map(names_photographs, tables))


@dataclass
class _Files:
    """The files of the data set below some folders, by what they are for."""

    images: dict[tuple[str, str], Path] = field(default_factory=dict)  # (part, name) -> file
    strangers: list[Path] = field(default_factory=list)  # among them, but with a name that says nothing
    sheets: list[tuple[Path, Path]] = field(default_factory=list)  # (sheet, its path below the folder)
    zips: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)  # all sheets, whatever they are called

    @property
    def anything(self) -> bool:
        return bool(self.images or self.sheets or self.zips)

    @property
    def not_read(self) -> str:
        """A sentence on the sheets that lie there, with a space before it; "" if there are none."""
        old = " Save an .xls or .ods as .xlsx." if {path.suffix.lower() for path in self.tables} & OLD_SHEETS else ""
        names = sorted(path.name for path in self.tables)
        said = f" {some(names)}: no sheet of photographs, which has columns name and label and lies beside them.{old}"
        return said if names else ""

    @property
    def missing(self) -> list[str]:
        parts = {part for part, _ in self.images}
        missing = [f"{part} images" for part in ("training", "validation") if part not in parts]
        return missing if self.sheets else [*missing, "the sheet with the labels of the validation images"]


def _checked(folder: Path) -> Path:
    if not folder.is_dir():
        raise DataNotFound(f"{folder} is no folder. {_HELP}")
    files = _look(folder)
    if not files.anything:
        raise DataNotFound(f"{folder} holds nothing of the data set.{files.not_read} {_HELP}")
    return folder


def _look(*folders: Path, leave_out: Path | None = None) -> _Files:
    """Sort all files below the folders; how deep they lie and what the folders are called hardly matters."""
    files = _Files()
    for folder in folders:
        for path in walk(folder, leave_out, MAX_FOLDERS):
            below, suffix = path.relative_to(folder), path.suffix.lower()
            if suffix in _IMAGES:
                _add_image(files, path, below)
            elif suffix == ".zip":
                files.zips.append(path)
            elif is_sheet(path):
                files.sheets.append((path, below))
            if suffix in SHEETS | OLD_SHEETS:
                files.tables.append(path)
    folders_with_images = {path.parent for path in files.images.values()}
    files.strangers = [path for path in files.strangers if path.parent in folders_with_images]
    return files


def _add_image(files: _Files, path: Path, below: Path) -> None:
    if not _IMAGE_NAME.fullmatch(path.stem):
        files.strangers.append(path)
        return
    known = files.images.setdefault(_key(below), path)
    if known != path and not known.samefile(path) and not filecmp.cmp(known, path, shallow=False):
        raise DataError(f"{known} and {path} have the same name but are not the same image. Remove one of them.")


def _key(below: PurePath) -> tuple[str, str]:
    """The part and the name of an image. V and T say the part; for others the re-release's folders may."""
    name = below.stem.upper()
    by_letter = _PART_OF_LETTER.get(name[0], "training")
    by_folder = (folder.lower() for folder in reversed(below.parts[:-1]) if folder.lower() in PARTS)
    return (by_letter if by_letter != "training" else next(by_folder, by_letter)), name


def _holds_data(archive: Path, surely: bool = False) -> bool:
    """Whether it is one of the data set's archives, and not of its lesion and disc masks.

    A sheet of labels, an archive, or P001.jpg may be of other photographs. What is `surely` of the data set is
    V0001.jpg, T0001.jpg and what PALM is written on.
    """
    members = [PurePath(name) for name in archives.members(archive) if not any(map(beside, PurePath(name).parts))]
    images = [each for each in members if each.suffix.lower() in _IMAGES and _IMAGE_NAME.fullmatch(each.stem)]
    found = [*images, *(each for each in members if is_sheet(each) or each.suffix.lower() == ".zip")]
    if surely:
        found = [each for each in found if "palm" in str(each).lower() or (each in images and each.name[0] in "VTvt")]
    return bool(found)


def _labels(files: _Files) -> dict[tuple[str, str], int]:
    """The label of each (part, name): of the training images from their names, of the others from all the sheets."""
    labels = {key: int(key[1][0] == "P") for key in files.images if key[0] == "training"}
    origin = dict.fromkeys(labels, "the image's name")
    for sheet, below in files.sheets:
        for name, label in read_sheet(sheet).items():
            key = _key(below.with_name(name))
            if labels.setdefault(key, label) != label:
                raise DataError(f"{sheet}: {name} is {label}, but {labels[key]} by {origin[key]}. Correct one of them.")
            origin.setdefault(key, str(sheet))
    return labels


def _compare(files: _Files, labels: dict[tuple[str, str], int], folder: Path) -> None:
    """Every image must have its label, and every label its image."""
    sheets = ", ".join(sheet.name for sheet, _ in files.sheets)
    without_image = [name for part, name in labels if (part, name) not in files.images]
    if without_image:
        raise DataError(
            f"{some(without_image)}: in {sheets}, but there is no such image in {folder}. "
            "Put the images there, or remove the rows from the sheet."
        )
    for part in ("validation", "testing"):
        images = [key for key in files.images if key[0] == part]
        without_label = [files.images[key] for key in images if key not in labels]
        if part == "testing" and images and len(without_label) == len(images):
            warnings.warn(f"{folder}: the {len(images)} testing images have no labels and are left out.", stacklevel=3)
        elif without_label:
            raise DataError(f"{some(without_label)}: no label in {sheets}. Add the row, or remove the image.")
