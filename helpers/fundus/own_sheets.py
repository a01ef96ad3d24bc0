"""The sheet that may lie beside photographs of one's own: which row belongs to which photograph, and what it says."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePath

from helpers.fundus.errors import DataError
from helpers.fundus.folders import OLD_SHEETS, SHEETS, some
from helpers.fundus.images import SUFFIXES
from helpers.fundus.sheets import Rows, check_rows, read_tables

# Headers, as `plain` makes them.
COLUMNS = {
    "name": {"name", "image", "images", "img", "file", "filename", "filepath", "path", "photograph", "photo",
             "imagename", "imgname", "imageid", "imagefile", "idcode", "图像", "图片", "照片", "文件", "文件名"},
    "label": {"label", "labels", "class", "classname", "category", "diagnosis", "grade", "level",
              "标签", "类别", "诊断"},
    "patient": {"patient", "patientid", "patientname", "subject", "subjectid", "病人", "患者", "病人编号", "患者编号"},
    "part": {"part", "split", "subset", "划分", "部分"},
}  # fmt: skip
PARTS = {
    **dict.fromkeys(("training", "train", "trainingset", "trainset", "训练", "训练集"), "training"),
    **dict.fromkeys(("validation", "val", "valid", "dev", "validationset", "验证", "验证集"), "validation"),
    **dict.fromkeys(("testing", "test", "testingset", "testset", "测试", "测试集"), "testing"),
}
# What programs write where they know nothing; "None" is a class in some sheets.
_UNKNOWN = {"#n/a", "#ref!", "#name?", "#value!", "#div/0!", "#null!", "#num!", "nan", "null", "n/a"}


@dataclass(frozen=True)
class Sheet:
    """A sheet: `columns` has its own words for those of COLUMNS that are there, `rows` their cells with its number.

    `title` is its name in a workbook, "" of a .csv file.
    """

    path: Path
    title: str
    columns: dict[str, str]
    rows: list[tuple[int, dict[str, str]]]


def sheets_in(folder: Path, suffixes: Set[str] = SHEETS) -> list[Path]:
    """The files in a folder, not below it, that are sheets by their names; or those with other suffixes."""
    files = (path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in suffixes)
    return sorted(path for path in files if not path.name.startswith((".", "~$")))


def find_sheet(folder: Path) -> tuple[Sheet | None, dict[str, str]]:
    """The sheet in a folder that says something of photographs, if there is one; of the others, why they are not read.

    Raises:
        DataError: there are two of them, two columns could be the same thing, a row has more cells than there are
            titles, or a sheet cannot be read and there is no other.
    """
    found: list[Sheet] = []
    errors: list[DataError] = []
    others = {path.name: "save it as .xlsx" for path in sheets_in(folder, OLD_SHEETS)}
    for path in sheets_in(folder):
        try:
            tables = read_tables(path)
        except DataError as error:
            errors.append(error)
            others[path.name] = "cannot be read"
            continue
        sheets = [sheet for title, rows in tables.items() if (sheet := _read(path, title, rows))]
        found += sheets
        if not any(sheet.rows for sheet in sheets):
            others[path.name] = "no row below its titles" if sheets else "no columns name and label in it"
    full = [sheet for sheet in found if sheet.rows]
    if errors and not full:
        raise errors[0]
    full = full or found
    if len(full) > 1:
        both = [f"{sheet.path}, sheet {sheet.title}," if sheet.title else str(sheet.path) for sheet in full]
        in_workbooks = any(sheet.title for sheet in full)
        hidden = " A sheet may be hidden: right-click on the name of another one, Unhide." if in_workbooks else ""
        raise DataError(
            f"{' and '.join(both)} both say something of photographs. Keep one of them, with one table.{hidden}"
        )
    for sheet in full:
        others.pop(sheet.path.name, None)
    return (full[0] if full else None), others


def names_photographs(rows: Rows) -> bool:
    """Whether there are titles of a name and of another one of COLUMNS in a row."""
    return any("name" in titles and len(titles) > 1 for titles in (_titles(row) for _, row in rows))


def _read(path: Path, table: str, rows: Rows) -> Sheet | None:
    """What stands below the first row that has titles of COLUMNS, the name and another one."""
    titled = ((place, _titles(row)) for place, (_, row) in enumerate(rows))
    top, titles = next(((place, found) for place, found in titled if "name" in found and len(found) > 1), (0, {}))
    for role, places in titles.items():
        if len(places) > 1:
            both = " and ".join(places.values())
            raise DataError(f"{path}: the columns {both} could both be the {role}. Remove or rename one of them.")
    columns = {role: next(iter(places.items())) for role, places in titles.items()}
    if columns:
        check_rows(path, table, rows, rows[top][0], [place for place, _ in columns.values()])
    cells = [
        (number, {role: _said(role, row[place] if place < len(row) else None) for role, (place, _) in columns.items()})
        for number, row in rows[top + 1 :]
    ]
    return Sheet(path, table, {role: title for role, (_, title) in columns.items()}, cells) if columns else None


def _titles(row: Sequence) -> dict[str, dict[int, str]]:
    """For those of COLUMNS that a row names, where and how it does."""
    titles = {place: _text(cell) for place, cell in enumerate(row)}
    found = {role: {place: title for place, title in titles.items() if plain(title) in words}
             for role, words in COLUMNS.items()}  # fmt: skip
    return {role: places for role, places in found.items() if places}


def match(sheet: Sheet, names: Sequence[str], home: Path) -> dict[str, dict[str, str]]:
    """The row of each photograph.

    Args:
        sheet: its names may have more or fewer folders before them, those of another machine as well, and leave out
            the suffix or have another one.
        names: of all photographs, as paths below `home`.
        home: where they lie.

    Raises:
        DataError: a row without a photograph, a photograph without a row or without a label, a name that several
            photographs have, or two rows of one photograph that differ.
    """
    by_ending: dict[str, list[str]] = {}
    above = home.resolve().as_posix()
    for name in names:
        for ending in _endings(f"{above}/{name}"):
            by_ending.setdefault(ending, []).append(name)
    rows: dict[str, dict[str, str]] = {}
    numbers: dict[str, int] = {}
    missing: list[str] = []
    shared = _shared([_plain_path(row["name"]) for _, row in sheet.rows], by_ending)
    for number, row in sheet.rows:
        wanted = _plain_path(row["name"])
        fitting = _fitting(wanted, by_ending, shared)
        if not wanted or not fitting:
            missing.append(f"{wanted or 'no name'} (row {number})")
            continue
        name = wanted if wanted in fitting else fitting[0]
        if name != wanted and len(fitting) > 1:
            raise DataError(
                f"{sheet.path}, row {number}: {wanted} could be {some(fitting)}. Write the folder before the name and "
                "the suffix after it, or rename one of the files."
            )
        if {**rows.setdefault(name, row), "name": ""} != {**row, "name": ""}:
            raise DataError(
                f"{sheet.path}: rows {numbers[name]} and {number} say different things of {name}. Remove the wrong one."
            )
        numbers.setdefault(name, number)
    if missing:
        raise DataError(
            f"{sheet.path}: {counted(missing, 'row')} without a photograph in {home}: {some(missing)}. Put the "
            "photographs there, or remove the rows."
        )
    without = sorted(set(names) - set(rows))
    if without:
        raise DataError(
            f"{counted(without, 'photograph')} in {home} without a row in {sheet.path.name}: {some(without)}. Add the "
            "rows, or move the photographs away."
        )
    unsaid = [f"{name} (row {numbers[name]})" for name, row in rows.items() if not row.get("label", "none asked for")]
    if unsaid:
        raise DataError(
            f"{sheet.path}: {counted(unsaid, 'photograph')} without a label: {some(unsaid)}. Fill the column "
            f"{sheet.columns['label']}, or move the photographs away and remove their rows."
        )
    return rows


def _plain_path(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./").strip("/")


def _shared(names: Sequence[str], by_ending: dict[str, list[str]]) -> int:
    """How many folders are the same at the beginning of all these paths; 0 where one is that of a photograph as is."""
    if any(_key(each) in by_ending for name in names for each in (name, _stem(name))):
        return 0
    levels = zip(*(name.split("/")[:-1] for name in names if name), strict=False)
    return sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))


def _fitting(wanted: str, by_ending: dict[str, list[str]], shared: int) -> list[str]:
    """The photographs that a sheet's name may mean: with all of its folders, or else without the first ones.

    Folders that tell rows apart tell photographs apart: p1/left.jpg is not p2/left.jpg. They can be left out only where
    they lie above all photographs, as those of another machine do; those that are `shared` by all rows tell nothing.
    """
    parts = wanted.split("/")
    for start in range(len(parts)):
        ending = "/".join(parts[start:])
        fitting = by_ending.get(_key(ending)) or by_ending.get(_key(_stem(ending)), [])
        if start > shared:
            fitting = [name for name in fitting if len(_plain_path(name).split("/")) <= len(parts) - start]
        if fitting:
            return fitting
    return []


def parts_of(sheet: Sheet, rows: dict[str, dict[str, str]]) -> dict[str, str]:
    """The part of each photograph by the sheet's own column; nothing where that is empty.

    Raises:
        DataError: a word of the column is none of PARTS.
    """
    said = {name: row["part"] for name, row in rows.items()}
    if not any(said.values()):
        return {}
    wrong = sorted({word or "nothing" for word in said.values() if plain(word) not in PARTS})
    if wrong:
        raise DataError(
            f"{sheet.path}: the column {sheet.columns['part']} says {some(wrong)}, and must say train, val or test in "
            "each row. Correct it, or remove the column."
        )
    return {name: PARTS[plain(word)] for name, word in said.items()}


def plain(text: str) -> str:
    """Small letters and digits alone: "Image_Name" is "imagename"."""
    return re.sub(r"[\W_]+", "", text.casefold())


def counted(things: Sequence, word: str) -> str:
    """How many things there are: "1 row", "2 rows"."""
    return f"{len(things)} {word}{'s' if len(things) > 1 else ''}"


def _endings(path: str) -> set[str]:
    """All that a sheet may call a photograph; a backslash in a name is what a program of Windows had for a slash."""
    parts = path.replace("\\", "/").split("/")
    whole = ["/".join(parts[start:]) for start in range(len(parts))]
    return {_key(each) for ending in whole for each in (ending, _stem(ending))}


def _text(cell: object) -> str:
    """A cell as text; a whole number without the decimals that a program may have given it."""
    text = "" if cell is None else unicodedata.normalize("NFC", str(cell)).strip()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", text)


def _said(role: str, cell: object) -> str:
    """A cell of one of COLUMNS. Names stand as those of files do; "１" is 1, and P01 and p01 are one patient.

    What says that something is unknown is as nothing: it is no class, and its photographs are not of one patient.
    """
    text = _text(cell)
    if role == "name":
        return text
    text = _text(unicodedata.normalize("NFKC", text))
    if text.casefold() in _UNKNOWN:
        return ""
    return text.casefold() if role == "patient" else text


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    suffix = PurePath(name).suffix
    return name[: -len(suffix)] if suffix.lower() in SUFFIXES else name
