"""Reading label sheets: image names and labels from an .xlsx file or from the .csv files that people save of it."""
from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePath

from helpers.files import csv_rows
from helpers.fundus.errors import DataError
from helpers.fundus.workbooks import has_formulas, workbook_tables

COLUMNS = {"imgname": "imgName", "label": "Label"}  # as they are compared, and as they are written
LISTED = 10  # of the rows that are wrong
Rows = list[tuple[int, Sequence]]  # the cells of each row that is not empty, and its number from 1
_SHEET_NAMES = {"labels", "pmlabelandfovealocation", "classificationlabels"}


def is_sheet(path: PurePath) -> bool:
    """Whether this is the name of a label sheet: labels, PM_Label_and_Fovea_Location or Classification Labels."""
    return path.suffix.lower() in {".csv", ".xlsx"} and re.sub("[^a-z]", "", path.stem.lower()) in _SHEET_NAMES


def read_sheet(path: str | Path) -> dict[str, int]:
    """Read the columns imgName and Label; other columns, and what stands above these two, do not matter.

    Of a workbook all sheets that have the two columns are read. A .csv file may have a byte-order mark, any line
    ending, commas, semicolons or tabs, and be UTF-8, UTF-16 or GBK.

    Returns:
        the label, 0 or 1, for each image name without its suffix ("V0001").

    Raises:
        DataError: it is no such file, it was cut short, a column is missing or is there twice, there is no row below
            the titles, a row has more cells than there are titles, a label is neither 0 nor 1, or one image has two
            labels; all rows that are wrong are named at once.
    """
    path = Path(path)
    tables = read_tables(path)
    found = {name: places for name, rows in tables.items() if (places := header(rows, COLUMNS)) is not None}
    if not found:
        raise DataError(f"{path} {_without_columns(tables)}")
    for sheet, (first, _) in found.items():
        titles = next(_titles(row) for number, row in tables[sheet] if number == first)
        if twice := [title for key, title in COLUMNS.items() if titles.count(key) > 1]:
            where = f"{path}, sheet {sheet}," if len(tables) > 1 else path
            raise DataError(f"{where} has two columns {' and '.join(twice)}. Remove or rename one of them.")
        check_rows(path, sheet, tables[sheet], *found[sheet])
    labels: dict[str, int] = {}
    wrong: list[str] = []
    for sheet, (first, places) in found.items():
        for number, row in tables[sheet]:
            if number <= first:
                continue
            name, cell = (row[place] if place < len(row) else None for place in places)
            stem = PurePath(str("" if name is None else name).strip().replace("\\", "/")).stem
            label = _label(cell)
            where = f"row {number}" if len(found) == 1 else f"sheet {sheet}, row {number}"
            if not stem:
                wrong.append(f"{where}: no image name")
            elif label is None:
                wrong.append(f"{where} ({stem}): the label is {cell!r} and must be 0 or 1")
            elif labels.setdefault(stem, label) != label:
                wrong.append(f"{where}: {stem} has the labels 0 and 1")
    if wrong:
        more = f"; and {len(wrong) - LISTED} more" if len(wrong) > LISTED else ""
        rows = "this row" if len(wrong) == 1 else "these rows"
        raise DataError(
            f"{path}, {'; '.join(wrong[:LISTED])}{more}. Correct or remove {rows} (1 is pathologic myopia)."
        )
    if not labels:
        raise DataError(f"{path} has titles and no row below them. Save it again with its rows, or copy it again.")
    return labels


def read_tables(path: Path) -> dict[str, Rows]:
    """The rows of each sheet of an .xlsx workbook by its name, or of a .csv file under "".

    Raises:
        DataError: it cannot be read, or was cut short.
    """
    tables = workbook_tables(path) if path.suffix.lower() == ".xlsx" else {"": enumerate(_csv_rows(path), start=1)}
    return {name: [(n, row) for n, row in rows if any(_text(cell) for cell in row)] for name, rows in tables.items()}


def header(rows: Rows, wanted: Sequence[str]) -> tuple[int, list[int]] | None:
    """The number of the first row that has all these columns, in lower case, and where; None if there is none."""
    for number, row in rows:
        cells = _titles(row)
        if all(title in cells for title in wanted):
            return number, [cells.index(title) for title in wanted]
    return None


def check_rows(path: Path, sheet: str, rows: Rows, first: int, places: Sequence[int]) -> None:
    """Look for what a program that wrote the file can do to the columns at `places`.

    Args:
        path: the file.
        sheet: the name of the sheet, "" in a .csv file.
        rows: what stands in it.
        first: the number of the row of titles.
        places: of the columns that are read, from 0, the names' own first.

    Raises:
        DataError: a row of a .csv file has more cells than there are titles, and cells of these columns may have moved;
            a column of a workbook has formulas and no value.
    """
    if path.suffix.lower() != ".xlsx":
        _check_width(path, rows, first, places)
        return
    below = [row for number, row in rows if number > first]
    titles = next(row for number, row in rows if number == first)
    for place in places:
        empty = below and not any(_text(row[place]) for row in below if place < len(row))
        if empty and has_formulas(path, sheet, place):
            raise DataError(
                f"{path}: the column {_text(titles[place])} holds formulas without a value. Open the file in Excel or "
                "LibreOffice and save it there, or remove the column."
            )


def _check_width(path: Path, rows: Rows, first: int, places: Sequence[int]) -> None:
    """Raise DataError for rows with more cells than there are titles, if what is read may have moved."""
    titles = next(row for number, row in rows if number == first)
    width, right = _filled(titles), max(places)
    # Behind all that is read, a comma moves nothing: as in a last column of remarks. Before the names, one moves them,
    # and there is no such photograph.
    if right < width - 1 and set(range(places[0], right + 1)) <= set(places):
        return
    # A program may end each row with a comma, that of the titles too; and remarks may have no title above them.
    wide = [(number, _filled(row)) for number, row in rows
            if number > first and len(row) > len(titles) and _filled(row) > width]  # fmt: skip
    if not wide:
        return
    others = [str(number) for number, _ in wide[1:]]
    more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
    also = f" (as in row {', '.join(others[:LISTED])}{more})" if others else ""
    raise DataError(
        f"{path}: row {wide[0][0]} has {wide[0][1]} cells and there are {width} titles: a comma within a cell needs "
        f"quotation marks around the cell{also}. Add them, or save the sheet as .xlsx."
    )


def _filled(row: Sequence) -> int:
    """How many cells there are as far as the last one that is not empty."""
    return max((place for place, cell in enumerate(row, start=1) if _text(cell)), default=0)


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _titles(row: Sequence) -> list[str]:
    return [unicodedata.normalize("NFKC", _text(cell)).strip().lower() for cell in row]


def _without_columns(tables: dict[str, Rows]) -> str:
    """What there is instead of a sheet with the columns."""
    said = []
    for name, rows in tables.items():
        where = f"sheet {name} " if len(tables) > 1 else ""
        if not rows:
            said.append(f"{where}is empty")
            continue
        _, row = rows[0]
        missing = [title for key, title in COLUMNS.items() if header(rows, [key]) is None]
        lacks = f"has no column {' and no column '.join(missing)}" if missing else "has its columns in different rows"
        cells = ", ".join("" if cell is None else str(cell) for cell in row)
        said.append(f"{where}{lacks}; its first row is {cells[:80]!r}")
    return "; ".join(said) + ". Save it again with a row of titles, imgName and Label among them."


def _label(cell: object) -> int | None:
    try:
        number = float(str(cell))
    except ValueError:
        return None
    return int(number) if number in (0, 1) else None


def _csv_rows(path: Path) -> list[list[str]]:
    try:
        return csv_rows(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8, UTF-16 or GBK. Save the sheet again as CSV UTF-8.") from error
    except csv.Error as error:
        raise DataError(
            f"{path} cannot be read as a .csv sheet: {error}. Look for a quotation mark that is not closed, or save "
            "the sheet, or copy it, again."
        ) from error
