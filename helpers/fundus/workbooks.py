"""Reading .xlsx workbooks: what stands in the cells of each sheet, however it was merged, formatted or calculated."""
from __future__ import annotations

import lzma
import warnings
import zipfile
import zlib
from bisect import bisect_right
from pathlib import Path
from xml.etree import ElementTree

from helpers.fundus.errors import DataError

import openpyxl
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

# What openpyxl raises over a damaged .xlsx file; RuntimeError if a flipped bit says that it is encrypted.
_DAMAGED = (
    LookupError, ValueError, TypeError, AttributeError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error,
    lzma.LZMAError, ElementTree.ParseError,
)  # fmt: skip
_OLD = bytes.fromhex("D0CF11E0")  # how an .xls begins, and what Office encrypts with a password


def workbook_tables(path: Path) -> dict[str, list[tuple[int, list]]]:
    """The rows of each sheet by its name, with their numbers from 1; those without any value are left out.

    Each row that a merged cell covers has its value, in the leftmost of its columns; a formula has the value that was
    stored with it, or None.

    Raises:
        DataError: it is no such file, is damaged or has a password, or there is no sheet in it that can be read.
    """
    book = _load(path)
    if not book.worksheets:
        raise DataError(
            f"{path} has no sheet that can be read: it may be a Strict Open XML Spreadsheet. Open it in Excel and save "
            "it as Excel Workbook (.xlsx)."
        )
    return {sheet.title: _rows(sheet) for sheet in book.worksheets}


def has_formulas(path: Path, title: str, place: int) -> bool:
    """Whether there is a formula in a column, from 0, of the sheet with this title.

    Raises:
        DataError: the file cannot be read.
    """
    cells = _load(path, values=False)[title]._cells.items()
    return any(column == place + 1 and cell.data_type == "f" for (_, column), cell in cells)


def _load(path: Path, values: bool = True) -> Workbook:
    try:
        # Given the path, openpyxl would leave a damaged file open.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl's, of what is no cell's value
            old = file.read(len(_OLD)) == _OLD
            # Not in read-only mode, which believes the sheet's own word for how many rows it has.
            book = None if old else openpyxl.load_workbook(file, data_only=values)
    except _DAMAGED as error:
        raise DataError(f"{path} cannot be read as an .xlsx sheet ({error}). Copy or unpack it again.") from error
    if book is None:
        raise DataError(
            f"{path} is a workbook of an older Excel (.xls), or has a password. Open it in Excel and save it as .xlsx "
            "without a password."
        )
    return book


def _rows(sheet: Worksheet) -> list[tuple[int, list]]:
    """The rows that have values, as far as the last of them: one formatted cell at the far end makes no million rows.

    Only openpyxl's own store of cells tells which there are: to ask for rows makes all that could be.
    """
    filled: dict[int, dict[int, object]] = {}
    for (row, column), cell in sheet._cells.items():
        if cell.value is not None:
            filled.setdefault(row, {})[column] = cell.value
    numbers = sorted(filled)
    for merged in sheet.merged_cells.ranges:
        value = filled.get(merged.min_row, {}).get(merged.min_col)
        # Not to the right, where titles of several columns would become one title several times.
        for row in numbers[bisect_right(numbers, merged.min_row) : bisect_right(numbers, merged.max_row)]:
            if value is not None:
                filled[row].setdefault(merged.min_col, value)
    return [(row, [filled[row].get(column) for column in range(1, max(filled[row]) + 1)]) for row in numbers]
