"""fundus.sheets: every label of any form of the sheet is read, and a sentence says what is wrong with it."""
import io
import zipfile

from helpers.fundus.errors import DataError
from helpers.fundus.sheets import read_sheet
from tests.tools import palm_builder as build
from tests.tools.palm_builder import VALIDATION

import openpyxl
import pytest

# --- .csv ----------------------------------------------------------------------------------------------------------

CSVS = {
    "plain": build.csv(VALIDATION).encode(),
    "byte-order mark": b"\xef\xbb\xbf" + build.csv(VALIDATION).encode(),
    "byte-order mark before a column that counts": "\ufeffimgName,Label\n".encode()
    + "".join(f"{name}.jpg,{label}\n" for name, label in VALIDATION.items()).encode(),
    "windows line ends": build.csv(VALIDATION, "\r\n").encode(),
    "both": b"\xef\xbb\xbf" + build.csv(VALIDATION, "\r\n").encode(),
    "old mac line ends": build.csv(VALIDATION, "\r").encode(),
    "no line end at the end": build.csv(VALIDATION).rstrip().encode(),
    "semicolons": build.csv(VALIDATION).replace(",", ";").encode(),
    "utf-16 with tabs": build.csv(VALIDATION, "\r\n").replace(",", "\t").encode("utf-16"),
    "gbk": build.csv(VALIDATION).replace("Fovea_X", "黄斑").encode("gbk"),
    "saved by pandas": build.csv({name: f"{label}.0" for name, label in VALIDATION.items()}).encode(),
    "quoted, spaced": build.csv({f" {name}": f'" {label} "' for name, label in VALIDATION.items()}).encode(),
    "empty rows": build.csv(VALIDATION).replace("\n", "\n\n,,,,\n").encode(),
    "without suffixes": build.csv(VALIDATION).replace(".jpg", "").encode(),
    "titles above": ("Labels\n\nsep=,\n" + build.csv(VALIDATION)).encode(),
    "full-width commas and titles": build.csv(VALIDATION).replace(",", "，").replace("Label", "Ｌabel").encode("gbk"),
    "a quotation mark within a cell": build.csv(VALIDATION).replace("1.0,", '1"x,').encode(),
    "with folders": build.csv(VALIDATION).replace("V0", "PALM-Validation400\\V0").encode(),
    "two columns, the other way round": "".join(
        f"{label},{name}\n" for name, label in {"imgName": "Label", **VALIDATION}.items()
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", CSVS)
def test_kinds_of_csv(tmp_path, kind):
    (tmp_path / "labels.csv").write_bytes(CSVS[kind])
    assert read_sheet(tmp_path / "labels.csv") == VALIDATION


def replaced(name, label):
    return build.csv({**VALIDATION, name: label})


BAD_SHEETS = {
    "label 2": (replaced("V0003", 2), r"row 4 \(V0003\): the label is '2' and must be 0 or 1.*Correct"),
    "label -1": (replaced("V0003", -1), r"row 4 \(V0003\): the label is '-1'"),
    "label 0.5": (replaced("V0003", 0.5), r"row 4 \(V0003\): the label is '0\.5'"),
    "label nan": (replaced("V0003", "nan"), r"row 4 \(V0003\): the label is 'nan'"),
    "label empty": (replaced("V0003", ""), r"row 4 \(V0003\): the label is ''"),
    "label is text": (replaced("V0003", "PM"), r"row 4 \(V0003\): the label is 'PM'"),
    "no name": (build.csv(VALIDATION).replace("V0003.jpg", ""), r"row 4: no image name"),
    "short row": (build.csv(VALIDATION) + "9\n", r"row 10: no image name"),
    "two labels": (build.csv(VALIDATION) + "9,V0003.jpg,0,1,2\n", r"row 10: V0003 has the labels 0 and 1"),
    "no label column": (build.csv(VALIDATION).replace("Label", "PM"), r"has no column Label; its first"),
    "no name column": (build.csv(VALIDATION).replace("imgName", "file"), r"has no column imgName"),
    "no header": (build.csv(VALIDATION).split("\n", 1)[1], r"has no column imgName and no column Label"),
    "empty": ("", r"is empty"),
    "no text": (b"\x89PNG\xff\xff\x80", r"is no text"),
    "field without end": (build.csv(VALIDATION) + '9,"' + "V0009.jpg,1\n" * 15_000,
                          r"cannot be read as a \.csv sheet: field .* in line \d+\. Look"),
    "two wrong rows": (build.csv({**VALIDATION, "V0002": 3, "V0005": "x"}),
                       r"row 3 \(V0002\): the label is '3' and must be 0 or 1; row 6 \(V0005\): .* these rows"),
    "many wrong rows": (build.csv({f"V{i}": 2 for i in range(25)}), r".*row 11 \(V9\): [^;]*; and 15 more\. Correct"),
    "cut within a row": (build.csv(VALIDATION)[:-9], r"cannot be read .*it ends in the middle of line 9, after"),
    "cut within a name": ("Label,imgName\n1,V0001.jpg\n1", r"cannot be read .*it ends in the middle of line 3, after"),
    "cut within a quotation": (build.csv(VALIDATION) + '9,"V0009', r"cannot be read .* in line \d+\. Look"),
    "endless field": (build.csv(VALIDATION) + "V" * 140_000,
                      r"cannot be read as a \.csv sheet: field .* in line \d+\. Look"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_SHEETS)
def test_a_wrong_csv(tmp_path, kind):
    content, message = BAD_SHEETS[kind]
    with pytest.raises(DataError, match=rf"labels\.csv,? {message}"):
        read_sheet(build.write(tmp_path, {"labels.csv": content}) / "labels.csv")


def test_a_missing_csv(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv cannot be read"):
        read_sheet(tmp_path / "none.csv")


# --- .xlsx ---------------------------------------------------------------------------------------------------------

SHEET = "xl/worksheets/sheet1.xml"


def edited(old, new, member=SHEET):
    """A workbook with one text in one of its XML files replaced."""
    with zipfile.ZipFile(io.BytesIO(build.xlsx(VALIDATION))) as book:
        files = {name: book.read(name).decode() for name in book.namelist()}
    assert old in files[member]
    return build.packed({**files, member: files[member].replace(old, new)})


@pytest.mark.parametrize("kind", [int, float, str])
def test_labels_of_any_kind_of_cell(tmp_path, kind):
    path = tmp_path / "PM_Label_and_Fovea_Location.xlsx"
    path.write_bytes(build.xlsx({name: kind(label) for name, label in VALIDATION.items()}))
    assert read_sheet(path) == VALIDATION
    path.unlink()  # nothing holds it open


def test_a_wrong_number_of_rows_in_the_sheet_loses_no_label(tmp_path):
    """Some programs write it. openpyxl's read-only mode believes it: it would give two of the labels, and no error."""
    path = tmp_path / "labels.xlsx"
    path.write_bytes(edited(f'<dimension ref="A1:E{1 + len(VALIDATION)}" />', '<dimension ref="A1:E3" />'))
    assert read_sheet(path) == VALIDATION


def test_the_columns_may_lie_anywhere(tmp_path):
    book = openpyxl.Workbook()
    for cell, value in {"B2": "imgName", "AB2": " Label ", "B5": "V0001.jpg", "AB5": 1, "AA6": 0.5}.items():
        book.active[cell] = value
    book.save(tmp_path / "labels.xlsx")
    with pytest.raises(DataError, match="row 6: no image name"):
        read_sheet(tmp_path / "labels.xlsx")
    book.active.delete_rows(6)
    book.save(tmp_path / "labels.xlsx")
    assert read_sheet(tmp_path / "labels.xlsx") == {"V0001": 1}


def book(**sheets):
    """A workbook with these sheets of rows."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


TITLES = ("ID", "imgName", "Label")


def test_all_sheets_with_the_columns_are_read_wherever_they_begin(tmp_path):
    rows = [("Labels of 2019",), (), TITLES, (1, "V0001.jpg", 1)]
    sheets = {"Sheet1": [], "notes": [("by", "hand")], "a": rows, "b": [TITLES, (1, "V0002.jpg", 0)]}
    (tmp_path / "labels.xlsx").write_bytes(book(**sheets))
    assert read_sheet(tmp_path / "labels.xlsx") == {"V0001": 1, "V0002": 0}


@pytest.mark.parametrize(("sheets", "said"), [
    ({"Sheet1": [], "b": [("name", "Label")]}, "sheet Sheet1 is empty; sheet b has no column imgName; its first row"),
    ({"a": [TITLES, (1, "V1.jpg", 2)], "b": [TITLES, (1, "V1.jpg", 0)], "c": [TITLES, (1, "V1.jpg", 1)]},
     r"sheet a, row 2 \(V1\): the label is 2 and must be 0 or 1; sheet c, row 2: V1 has the labels 0 and 1"),
    ({"a": [("imgName",), ("Label",)]}, "has its columns in different rows"),
])  # fmt: skip
def test_what_is_wrong_with_several_sheets_is_said_of_each(tmp_path, sheets, said):
    (tmp_path / "labels.xlsx").write_bytes(book(**sheets))
    with pytest.raises(DataError, match=said):
        read_sheet(tmp_path / "labels.xlsx")


def test_an_xlsx_without_the_columns(tmp_path):
    (tmp_path / "labels.xlsx").write_bytes(build.xlsx(VALIDATION, ("ID", "imgName")))
    with pytest.raises(DataError, match=r"labels\.xlsx has no column Label"):
        read_sheet(tmp_path / "labels.xlsx")


XLSX, NAME = build.xlsx(VALIDATION), SHEET.encode()
ENTRY = XLSX.rindex(NAME) - 46  # the sheet's entry in the list at the end
DAMAGE = {
    "empty": b"",
    "text": b"no sheet",
    "another archive": build.packed({"a.txt": "a"}),
    "truncated": XLSX[:-100],
    "stream": build.with_byte(XLSX, XLSX.index(NAME) + len(NAME), 0xFF),  # zlib.error
    "length": build.with_byte(XLSX, XLSX.index(NAME) - 1, 0x80),  # EOFError
    "version": build.with_byte(XLSX, ENTRY + 6, 0xF0),  # NotImplementedError
    "encrypted": build.with_byte(XLSX, ENTRY + 8, 0x01),  # RuntimeError
    "half an element": edited("</sheetData>", "<sheetData>"),  # ParseError
    "row": edited('<row r="1">', '<row r="x">'),  # ValueError
    "no such text": edited('t="n"', 't="s"'),  # IndexError
    "attribute": edited('workbookViewId="0"', 'workbookViewId="x"'),  # TypeError
    "no workbook": edited("sheet.main+xml", "x", "[Content_Types].xml"),  # OSError
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_xlsx(tmp_path, kind):
    (tmp_path / "labels.xlsx").write_bytes(DAMAGE[kind])
    with pytest.raises(DataError, match=r"(?s)labels\.xlsx cannot be read as an \.xlsx sheet .*Copy or unpack it"):
        read_sheet(tmp_path / "labels.xlsx")


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize(("rows", "said"), [
    ([("imgName", "Label", "Label"), ("V1.jpg", 1, 0)], "two columns Label"),
    ([("imgName", "Ｌabel", " label"), ("V1.jpg", 1, 1)], "two columns Label"),
    ([("imgName", "Label")], "no row below"), ([("imgName", "Label"), (" ", " ")], "no row below"),
    ([("imgName", "Label"), (" ", "\u3000"), ("V1.jpg", 1), ("", " ")], {"V1": 1}),
])  # fmt: skip
def test_a_column_that_is_there_twice_titles_alone_and_rows_of_blanks(tmp_path, suffix, rows, said):
    path = tmp_path / f"labels{suffix}"
    if suffix == ".csv":
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    else:
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    if isinstance(said, dict):
        assert read_sheet(path) == said
        return
    with pytest.raises(DataError, match=said):
        read_sheet(path)
