"""Reading label sheets: image names and labels from an .xlsx file or from the .csv files that people save of it."""
from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from xml.etree import ElementTree

from helpers.files import decode
from helpers.fundus.errors import DataError

import openpyxl

# What openpyxl raises over a damaged .xlsx file; RuntimeError if a flipped bit says that it is encrypted.
_DAMAGED = (
    LookupError, ValueError, TypeError, AttributeError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error,
    ElementTree.ParseError,
)  # fmt: skip
NAME, LABEL = "imgname", "label"  # the columns, compared in lower case
_SHEET_NAMES = {"labels", "pmlabelandfovealocation", "classificationlabels"}


def is_sheet(path: PurePath) -> bool:
    """Whether this is the name of a label sheet: labels, PM_Label_and_Fovea_Location or Classification Labels."""
    return path.suffix.lower() in {".csv", ".xlsx"} and re.sub("[^a-z]", "", path.stem.lower()) in _SHEET_NAMES


def read_sheet(path: str | Path) -> dict[str, int]:
    """Read the columns imgName and Label; other columns do not matter.

    A .csv file may have a byte-order mark, any line ending, commas, semicolons or tabs, and be UTF-8, UTF-16 or GBK.

    Returns:
        the label, 0 or 1, for each image name without its suffix ("V0001").

    Raises:
        DataError: it is no such file, a column is missing, a label is neither 0 nor 1, or one image has two labels.
    """
    path = Path(path)
    rows = _xlsx_rows(path) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    rows = [(number, row) for number, row in enumerate(rows, start=1) if any(cell not in (None, "") for cell in row)]
    if not rows:
        raise DataError(f"{path} is empty. Save the sheet again, with the columns imgName and Label.")
    header = [str(cell).strip().lower() for cell in rows[0][1]]
    missing = [title for key, title in ((NAME, "imgName"), (LABEL, "Label")) if key not in header]
    if missing:
        raise DataError(
            f"{path} has no column {' and no column '.join(missing)}; its first row is {', '.join(header)[:80]!r}. "
            "Save the sheet again with its first row."
        )
    labels: dict[str, int] = {}
    for number, row in rows[1:]:
        name, label = (row[header.index(key)] if header.index(key) < len(row) else None for key in (NAME, LABEL))
        stem = PurePath(str(name or "").strip().replace("\\", "/")).stem
        if not stem:
            raise DataError(f"{path}, row {number}: no image name. Complete or remove the row.")
        value = _label(label, f"{path}, row {number} ({stem})")
        if labels.setdefault(stem, value) != value:
            raise DataError(f"{path}, row {number}: {stem} has the labels 0 and 1. Remove the wrong row.")
    return labels


def _label(cell: object, where: str) -> int:
    try:
        number = float(str(cell))
    except ValueError:
        number = float("nan")
    if number not in (0, 1):
        raise DataError(f"{where}: the label is {cell!r} and must be 0 or 1 (1 is pathologic myopia). Correct the row.")
    return int(number)


def _xlsx_rows(path: Path) -> Iterable[Sequence]:
    try:
        with path.open("rb") as file:  # given the path, openpyxl would leave a damaged file open
            # Not in read-only mode, which believes the sheet's own word for how many rows it has.
            book = openpyxl.load_workbook(file, data_only=True)
        return list(book.worksheets[0].iter_rows(values_only=True))
    except _DAMAGED as error:
        raise DataError(f"{path} cannot be read as an .xlsx sheet ({error}). Copy or unpack it again.") from error


def _csv_rows(path: Path) -> Iterable[list[str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}).") from error
    lines = _decode(path, data).splitlines()
    first = lines[0] if lines else ""
    reader = csv.reader(lines, delimiter=max(",;\t", key=first.count))
    try:
        return list(reader)
    except csv.Error as error:
        raise DataError(
            f"{path} cannot be read as a .csv sheet: {error}, at the latest in line {reader.line_num}. Look for a "
            "quotation mark that is not closed, or save the sheet again."
        ) from error


def _decode(path: Path, data: bytes) -> str:
    try:
        return decode(data)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8, UTF-16 or GBK. Save the sheet again as CSV UTF-8.") from error
