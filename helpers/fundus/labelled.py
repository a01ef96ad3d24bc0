"""Labelled photographs of one's own: a folder for each class, or a sheet of names and labels beside them.

A sheet may also name patients, who are then kept together, and the part that a photograph is for.
"""
from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from helpers.fundus.class_names import in_order
from helpers.fundus.errors import DataError
from helpers.fundus.folders import beside, passed_over, some, walk
from helpers.fundus.images import SUFFIXES, read_image, squeeze
from helpers.fundus.own_sheets import PARTS, counted, find_sheet, match, parts_of, plain, sheets_in
from helpers.fundus.plausible import prepare
from helpers.fundus.sheets import is_sheet

import numpy as np

TEST = 0.2  # of the photographs are for testing where nothing says which ones
LEAST = 5  # patients, or photographs where no patients are named, of each class: a fifth is then one of them


@dataclass(frozen=True)
class Labelled:
    """Photographs with what is known of them, one entry each, in the order of their names.

    Attributes:
        paths: the files.
        names: their paths below the folder, with forward slashes.
        labels: int64 [n], positions in `classes`.
        classes: the names of the classes.
        patients: "" where none is named.
        parts: "training", "validation" or "testing"; "" in all of them where nothing says which.
        origin: how all this was found, in words.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    patients: tuple[str, ...]
    parts: tuple[str, ...]
    origin: str


def read_photograph(path: Path, size: int) -> np.ndarray:
    """One file as `helpers.commands.predict` shows it to a network: cut to its field of view, uint8 [size, size, 3]."""
    return squeeze(prepare(read_image(path))[0], size)


def samples(folder: Path) -> Labelled | None:
    """List labelled photographs, or give None if nothing in the folder says what their classes are.

    Numbers are ordered as such, other names of classes by the alphabet, but for healthy ones, which come first.

    Raises:
        DataError: something is missing, said twice, or contradicts itself; the message names it and the way out.
    """
    home = _home(folder)
    files = {path.relative_to(home).as_posix(): path for path in walk(home)}
    found = {name: path for name, path in files.items() if path.suffix.lower() in SUFFIXES}
    sheet, unread = find_sheet(home)
    labels, parts = _by_folder(list(found))
    by_part = bool(parts)
    told = sheet is not None and not is_sheet(sheet.path)
    if (sheet is None and not labels) or (not told and any(name.lower().startswith("palm") for name in found)):
        return None  # the last: parts of the data set, of which others are missing
    patients, origin, source = {}, "a folder for each class", str(home)
    if sheet is not None:
        rows = match(sheet, list(found), home)
        if "part" in sheet.columns:
            parts = parts_of(sheet, rows) or parts
        if "patient" in sheet.columns:
            patients = {name: row["patient"] for name, row in rows.items()}
    _check_parts(home, list(found), parts)
    if sheet is not None and "label" in sheet.columns:
        labels, origin = {name: row["label"] for name, row in rows.items()}, f"classes from {sheet.path.name}"
        source = f"{sheet.path}, column {sheet.columns['label']}"
    else:
        source += "".join(f"; {name} is not read: {why}" for name, why in list(unread.items())[:3])
        _check_folders(home, list(found), labels, by_part)
    order = sorted(found)
    classes, values = _classes([labels[name] for name in order])
    if any(patients.values()):
        origin += f", patients from {sheet.path.name}"
    listed = Labelled(
        tuple(found[name] for name in order), tuple(order), values, classes,
        tuple(patients.get(name, "") for name in order), tuple(parts.get(name, "") for name in order), origin,
    )  # fmt: skip
    _check_classes(listed, source)
    listed = _with_own_parts(listed) if parts else _enough(listed, source)
    return replace(listed, origin=listed.origin + _left_out(home, files.values(), unread))


def _home(folder: Path) -> Path:
    """The folder itself, or the one inside it where it holds nothing else of these, as archives unpack."""
    while True:
        inside = _entries(folder)
        if len(inside) != 1 or not inside[0].is_dir():
            return folder
        if not sheets_in(inside[0]) and not any(path.is_dir() for path in _entries(inside[0])):
            return folder
        folder = inside[0]


def _entries(folder: Path) -> list[Path]:
    """What counts in a folder: folders but those of masks, photographs and sheets; no README, no Thumbs.db."""
    paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    folders = [path for path in paths if path.is_dir() and not passed_over(path.name)]
    return [*folders, *(path for path in paths if path.suffix.lower() in SUFFIXES), *sheets_in(folder)]


def _left_out(home: Path, files: Iterable[Path], unread: dict[str, str]) -> str:
    """What is not read, in words: sheets and why, files of other kinds, and folders that are called masks."""
    sheets = {*sheets_in(home), *(home / name for name in unread)}
    others = [path for path in files if path.suffix.lower() not in SUFFIXES and path not in sheets]
    masks = {path.name for depth in ("*", "*/*") for path in home.glob(depth) if beside(path.name) and path.is_dir()}
    masks.discard("__MACOSX")  # what macOS adds to an archive, and no photographs
    said = [some([f"{name} ({why})" for name, why in unread.items()])] if unread else []
    said += [f"{counted(others, 'file')} of other kinds"] if others else []
    said += [f"{some(sorted(masks))} (masks, by the name)"] if masks else []
    return f"; left out: {', '.join(said)}" if said else ""


def _by_folder(names: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The classes and the parts of photographs by their folders: healthy/a.jpg, or train/healthy/a.jpg."""
    folders = {name: PurePath(name).parts[:-1] for name in names}
    below: dict[str, set[str]] = {}
    for above in folders.values():
        if above:
            below.setdefault(plain(above[0]), set()).update(map(plain, above[1:2]))
    parts = below.keys() & PARTS.keys()
    # One class may be called test, beside control; but not another one train, nor has it the other classes in it.
    several = len({PARTS[part] for part in parts}) > 1 or any(below[part] & below.keys() for part in parts)
    by_part = bool(parts) and (several or parts == below.keys())
    labels = {name: above[by_part] for name, above in folders.items() if len(above) > by_part}
    # Parts of all of them: where a sheet gives the labels, no folders of classes need be below.
    known = {name: PARTS.get(plain(above[0]), "") for name, above in folders.items() if above} if by_part else {}
    return labels, {name: part for name, part in known.items() if part}


def _check_parts(home: Path, names: Sequence[str], parts: dict[str, str]) -> None:
    """Raise DataError where folders say the parts of some photographs, and nothing those of others."""
    strange = sorted({PurePath(name).parts[0] for name in names if name not in parts})
    if parts and strange:
        known = " and ".join(sorted({PurePath(name).parts[0] for name in parts}))
        raise DataError(
            f"{some(strange)} in {home}: beside the parts ({known}), and in none of them. Move it into one of them, or "
            "away, or name the part of each photograph in a sheet, in a column part."
        )


def _check_folders(home: Path, names: Sequence[str], labels: dict[str, str], by_part: bool) -> None:
    """Raise DataError for photographs outside the folders of classes, and for such folders without photographs."""
    loose = [name for name in names if name not in labels]
    if loose:
        raise DataError(
            f"{counted(loose, 'photograph')} in {home} in no folder of a class: {some(loose)}. Move each into the "
            "folder of its class, or put a sheet with the columns name and label beside them."
        )
    depth = 2 if by_part else 1
    full = {PurePath(name).parts[:depth] for name in labels}
    tops = [path for path in home.iterdir() if path.is_dir() and plain(path.name) in PARTS] if by_part else [home]
    folders = (path for top in tops for path in top.iterdir() if path.is_dir() and path.name[0] != "_")
    empty = [path for path in folders if path.relative_to(home).parts not in full and not passed_over(path.name)]
    if empty:
        raise DataError(
            f"no photograph in {some(sorted(empty))}, and each folder beside it is a class. Remove the folder, or put "
            "the photographs of the class into it."
        )


def _classes(labels: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The names of the classes, and each label as a position in them; capitals tell none apart."""
    shown = [_shown(label) for label in labels]
    keys = [label.casefold() for label in shown]
    spelled: dict[str, str] = {}
    for key, label in zip(keys, shown, strict=True):
        spelled.setdefault(key, label)
    classes = in_order(list(spelled.values()))
    place = {key: classes.index(label) for key, label in spelled.items()}
    return tuple(classes), np.array([place[key] for key in keys], np.int64)


def _shown(label: str) -> str:
    """A label as it is seen: blanks, wide letters and what no eye sees tell no classes apart."""
    seen = "".join(each if each.isprintable() else " " for each in unicodedata.normalize("NFKC", label))
    return " ".join(seen.split())


def _check_classes(listed: Labelled, source: str) -> None:
    """Raise DataError for one class alone, and for so many that they are none."""
    count, total = len(listed.classes), len(listed.names)
    if count < 2:
        raise DataError(
            f"all {total} photographs are of one class, {listed.classes[0]} ({source}): there must be two at least. "
            "Add photographs of another one."
        )
    if count > 20 and total < 10 * count:
        raise DataError(
            f"{count} classes for {total} photographs: {some(listed.classes)} ({source}). This seems to be something "
            "else than classes. Call the column with the classes label, and the others otherwise."
        )


def _enough(listed: Labelled, source: str) -> Labelled:
    """The same, or DataError where a class has too few photographs for a part to test."""
    who = [patient or name for patient, name in zip(listed.patients, listed.names, strict=True)]
    different = [len({who[i] for i in np.flatnonzero(listed.labels == k)}) for k in range(len(listed.classes))]
    few = [f"{name} has {count}" for name, count in zip(listed.classes, different, strict=True) if count < LEAST]
    if few:
        what = "patients" if any(listed.patients) else "photographs"
        raise DataError(
            f"each class needs {what} to train and others to test, {LEAST} at least: {some(few)} ({source}). Add some, "
            "or leave the class out."
        )
    return listed


def _with_own_parts(listed: Labelled) -> Labelled:
    """The same, with the user's own parts: there is one to train and one to test, each with all classes.

    The one to test is validation, where there is no other.
    """
    parts = np.array(listed.parts)
    origin = f"{listed.origin}, parts as given"
    if "testing" not in listed.parts and "validation" in listed.parts:
        parts[parts == "validation"] = "testing"
        origin += " (validation is for testing)"
    there = sorted(set(parts.tolist()))
    if not {"training", "testing"} <= set(there):
        raise DataError(
            f"all photographs are for {' and '.join(there)}: there must be some to train and others to test. Complete "
            "the parts, or leave them out."
        )
    for part in there:
        absent = set(range(len(listed.classes))) - set(listed.labels[parts == part].tolist())
        if absent:
            raise DataError(
                f"no photograph of the class {listed.classes[min(absent)]} is for {part}. Give that part some, or "
                "leave the parts out."
            )
    where: dict[str, set[str]] = {}
    for patient, part in zip(listed.patients, parts.tolist(), strict=True):
        where.setdefault(patient, set()).add(part)
    torn = [patient for patient, found in where.items() if patient and len(found) > 1]
    if torn:
        raise DataError(
            f"{counted(torn, 'patient')} in more than one part: {some(torn)}. A network would be tested on eyes that "
            "it was trained on. Keep each patient in one part, or leave the parts out."
        )
    return replace(listed, parts=tuple(parts.tolist()), origin=origin)
