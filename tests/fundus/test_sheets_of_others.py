"""fundus.sheets and own_sheets: what other programs and people do to a sheet changes no label and hides no patient."""
import io
import tracemalloc
import zipfile

from helpers.fundus import labelled, photographs
from helpers.fundus.errors import DataError
from helpers.fundus.sheets import read_sheet
from tests.tools.palm_builder import encode, packed, picture, write

import openpyxl
import pytest
from openpyxl.styles import Font

pytestmark = pytest.mark.usefixtures("machine")
FLAT = [f"{i:02d}.jpg" for i in range(20)]
LABELS = [("healthy", "glaucoma")[i % 2] for i in range(20)]
IMAGES = {name: encode(picture(seed, 48)) for seed, name in enumerate(FLAT)}


def csv(header, rows):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def labels_of(listed):
    return [listed.classes[k] for k in listed.labels]


# --- .csv: rows that are wider than their titles ----------------------------------------------------------------------


WIDE = [
    ("imgName,Fovea_X,Label", "V0001.jpg,1256,0,1", "row 2 has 4 cells and there are 3 titles: a comma within"),
    ("imgName,Fovea_X,Label,", "V0001.jpg,1256,0,1,", "row 2 has 4 cells and there are 3 titles"),
    ("imgName,Fovea_X,Label,Fovea_Y", "V0001.jpg,1256,0,1,7,5", "row 2 has 6 cells and there are 4 titles"),
    ("imgName,Fovea_X,Label", "V0001.jpg,1256,1\nV0002.jpg,1256,0,1\nV0003.jpg,1256,0,1", r"row 3 .*\(as in row 4\)"),
    ("imgName,Fovea_X,Label", "\n".join(f"V{i}.jpg,1,0,1" for i in range(20)), r".*as in row 3, .*, 12 and 9 more\)"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "rows", "said"), WIDE)
def test_a_row_that_commas_within_a_cell_have_moved_is_refused(tmp_path, header, rows, said):
    with pytest.raises(DataError, match=rf"labels\.csv: {said}"):
        read_sheet(write(tmp_path, {"labels.csv": f"{header}\n{rows}\n"}) / "labels.csv")


@pytest.mark.parametrize(("header", "row"), [
    ("imgName,Label,Fovea_X,Fovea_Y", "V0001.jpg,1,1157,74,1019,87"),
    ("imgName,Label,remark", "V0001.jpg,1,dark, and blurred"),
    (",imgName,Label", "0,V0001.jpg,1"), ("imgName,Label,", "V0001.jpg,1,dark"), ("imgName,Label", "V0001.jpg,1,,"),
    ("imgName,Fovea_X,Label", '"V0001.jpg","1256,0",1'),
])  # fmt: skip
def test_commas_that_move_nothing_that_is_read(tmp_path, header, row):
    assert read_sheet(write(tmp_path, {"labels.csv": f"{header}\n{row}\n"}) / "labels.csv") == {"V0001": 1}


def test_a_patient_with_an_unquoted_comma_is_refused(machine):
    rows = [(name, label, f"Li, {i}") for i, (name, label) in enumerate(zip(FLAT, LABELS, strict=True))]
    with pytest.raises(DataError, match=r"a\.csv: row 2 has 4 cells and there are 3 titles"):
        labelled.samples(write(machine / "p", {**IMAGES, "a.csv": csv("name,label,patient", rows)}))
    remarks = csv("name,label,comment", rows)
    assert labels_of(labelled.samples(write(machine / "p", {"a.csv": remarks}))) == LABELS


@pytest.mark.parametrize("separator", [";", "\t"])
def test_commas_in_a_line_above_the_table_part_no_cells(machine, separator):
    above = "Photographs, read by two people, May 2024\n"
    table = csv("imgName,Label", [("V0001.jpg", 1), ("V0002.jpg", 0)]).replace(",", separator)
    assert read_sheet(write(machine, {"labels.csv": above + table}) / "labels.csv") == {"V0001": 1, "V0002": 0}
    own = csv("name,label", zip(FLAT, LABELS, strict=True)).replace(",", separator)
    assert labels_of(labelled.samples(write(machine / "p", {**IMAGES, "a.csv": above + own}))) == LABELS


# --- .xlsx: merged cells, formats, formulas ---------------------------------------------------------------------------


def book(rows, merged=(), change=lambda sheet: None):
    """A workbook of these rows, some of its cells merged."""
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    for cells in merged:
        made.active.merge_cells(cells)
    change(made.active)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def full(*titles, column=None):
    """Titles and a row for each photograph: name, label, and what `column` gives for its number."""
    rows = [[name, label] for name, label in zip(FLAT, LABELS, strict=True)]
    return [titles, *([*row, *([column(i)] if column else [])] for i, row in enumerate(rows))]


def test_each_row_of_a_merged_cell_has_its_value(machine):
    rows = full("name", "label", "patient", column=lambda i: f"p{i // 2}" if i % 2 == 0 else None)
    rows = [[row[0], ("healthy", "glaucoma")[i // 10], row[2]] for i, row in enumerate(rows[1:])]
    merged = [*(f"C{row}:C{row + 1}" for row in range(2, 22, 2)), "B2:B11", "B12:B900"]
    data = book([("name", "label", "patient"), *rows], merged)
    listed = labelled.samples(write(machine / "p", {**IMAGES, "a.xlsx": data}))
    assert list(listed.patients) == [f"p{i // 2}" for i in range(20)]
    assert labels_of(listed) == ["healthy"] * 10 + ["glaucoma"] * 10


def test_of_two_sheets_in_a_workbook_each_is_named_and_that_one_may_be_hidden(machine):
    def older(sheet):
        sheet.parent.copy_worksheet(sheet).title = "older"
        sheet.parent["older"].sheet_state = "hidden"

    folder = write(machine / "p", {**IMAGES, "a.xlsx": book(full("name", "label"), change=older)})
    said = r"a\.xlsx, sheet Sheet, and .*a\.xlsx, sheet older, both say something of .* may be hidden: .* Unhide"
    with pytest.raises(DataError, match=said):
        labelled.samples(folder)


def test_merged_titles_are_one_title(machine):
    rows = full("name", "label")
    rows = [("Study of 2019",), ("name", "label"), (), *rows[1:]]
    data = book(rows, ["A1:F1", "A2:A3", "B2:B3"])
    assert labels_of(labelled.samples(write(machine / "p", {**IMAGES, "a.xlsx": data}))) == LABELS
    data = book([("name", "label", None), *full()[1:]], ["B1:C1"])
    assert labels_of(labelled.samples(write(machine / "p", {"a.xlsx": data}))) == LABELS


@pytest.mark.parametrize("cell", ["XFD401", "C1048576", "XFD1048576"])
def test_a_formatted_cell_far_away_makes_no_rows(machine, cell):
    data = book(full("name", "label"), change=lambda sheet: setattr(sheet[cell], "font", Font(bold=True)))
    folder = write(machine / "p", {**IMAGES, "a.xlsx": data})
    tracemalloc.start()
    try:
        assert labels_of(labelled.samples(folder)) == LABELS
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()


def test_formulas_without_values_are_named_and_empty_results_are_none(machine):
    formulas = book(full("name", "label", "patient", column=lambda i: f"=LEFT(A{i + 2},1)"))
    with pytest.raises(DataError, match=r"a\.xlsx: the column patient holds formulas without a value\. Open the"):
        labelled.samples(write(machine / "p", {**IMAGES, "a.xlsx": formulas}))
    half = book(full("name", "label", "patient", column=lambda i: "ann" if i == 3 else f"=A{i + 2}"))
    assert set(labelled.samples(write(machine / "p", {"a.xlsx": half})).patients) == {"", "ann"}
    labels = book([("imgName", "Label"), ("V0001.jpg", "=1+0")])
    with pytest.raises(DataError, match=r"labels\.xlsx: the column Label holds formulas without"):
        read_sheet(write(machine, {"labels.xlsx": labels}) / "labels.xlsx")


def strict():
    """A workbook in the words of Strict Open XML."""
    with zipfile.ZipFile(io.BytesIO(book(full("name", "label")))) as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    for word in (b"spreadsheetml/2006/main", b"officeDocument/2006/relationships"):
        usual, named = b"schemas.openxmlformats.org/" + word, b"purl.oclc.org/ooxml/" + word.replace(b"/2006", b"")
        files = {name: data.replace(usual, named) for name, data in files.items()}
    return packed(files)


@pytest.mark.parametrize(("data", "said"), [
    (bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600), "is a workbook of an older Excel .* as .xlsx without a password"),
    (strict(), r"has no sheet that can be read: it may be a Strict Open XML Spreadsheet\. Open it in Excel and save"),
])  # fmt: skip
def test_a_workbook_of_another_kind_is_named(tmp_path, data, said):
    with pytest.raises(DataError, match=rf"labels\.xlsx {said}"):
        read_sheet(write(tmp_path, {"labels.xlsx": data}) / "labels.xlsx")


# --- what is unknown --------------------------------------------------------------------------------------------------

UNKNOWN = ["#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "nan", "NaN", "null", "NULL", "n/a"]


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_what_is_unknown_is_no_class_no_patient_and_no_part(machine, unknown):
    rows = [[name, label, unknown, ""] for name, label in zip(FLAT, LABELS, strict=True)]
    folder = write(machine / "p", {**IMAGES, "a.csv": csv("name,label,patient,part", rows)})
    assert set(labelled.samples(folder).patients) == set(labelled.samples(folder).parts) == {""}
    rows[4][1] = unknown
    with pytest.raises(DataError, match=r"1 photograph without a label: 04\.jpg \(row 6\)"):
        labelled.samples(write(folder, {"a.csv": csv("name,label,patient,part", rows)}))
    parts = [[*row[:3], unknown if i == 3 else ("train", "test")[i // 10]] for i, row in enumerate(rows)]
    with pytest.raises(DataError, match="column part says nothing, and must"):
        parts[4][1] = "healthy"
        labelled.samples(write(folder, {"a.csv": csv("name,label,patient,part", parts)}))


def test_none_may_be_a_class(machine):
    rows = [(name, ("None", "DR")[i % 2]) for i, name in enumerate(FLAT)]
    assert "None" in labelled.samples(write(machine / "p", {**IMAGES, "a.csv": csv("name,label", rows)})).classes


# --- several sheets, and those that are not understood ----------------------------------------------------------------

CLASSES = {f"{label}/{name}": IMAGES[name] for name, label in zip(FLAT, LABELS, strict=True)}
NAMED = full("name", "label")


@pytest.mark.parametrize(("name", "data", "said"), [
    ("a.csv", "file name,label (0/1),patient no.\n00.jpg,1,2\n", r"a.csv (no columns name and label in it)"),
    ("a.csv", "photo no,MRN\n1,2\n", "a.csv (no columns name and label in it)"),
    ("a.xls", b"old", "a.xls (save it as .xlsx)"),
])  # fmt: skip
def test_a_sheet_that_is_not_understood_is_named(machine, name, data, said):
    lock = {f"~${name}": "x", f".{name}": "x"}
    listed = labelled.samples(write(machine / "p", {**CLASSES, **lock, name: data, "notes.txt": ""}))
    assert listed.origin == f"a folder for each class; left out: {said}, 1 file of other kinds"
    with pytest.raises(DataError, match=rf"holds nothing of the data set\. {name}: no sheet of photographs, which has"):
        photographs.read(write(machine / "q", {**IMAGES, name: data}), 24, progress=False)


def test_a_labels_sheet_that_nothing_here_can_read_is_named(machine):
    for name, said in (("labels.xls", r"Save an \.xls or \.ods as \.xlsx"), ("labels.csv", "which has columns name")):
        folder = write(machine / name, {**IMAGES, name: "photo no,grade"})
        with pytest.raises(DataError, match=rf"{name}: no sheet of photographs.*{said}") as caught:
            photographs.read(folder, 24, progress=False)
        assert len(str(caught.value)) < 750


def test_one_folder_of_photographs_beside_a_sheet_that_is_not_understood(machine):
    files = {f"images/{name}": data for name, data in IMAGES.items()}
    folder = write(machine / "p", {**files, "a.csv": "photo no,MRN"})
    with pytest.raises(DataError, match=r"one class, images \(.*p; a\.csv is not read: no columns name and label in"):
        labelled.samples(folder)


def test_titles_alone_are_no_second_sheet(machine):
    template = book(NAMED, change=lambda sheet: sheet.parent.create_sheet("template").append(NAMED[0]))
    listed = labelled.samples(write(machine / "p", {**IMAGES, "a.xlsx": template}))
    assert labels_of(listed) == LABELS and listed.origin == "classes from a.xlsx"
    listed = labelled.samples(write(machine / "p", {"empty.csv": "name,label\n"}))
    assert listed.origin == "classes from a.xlsx; left out: empty.csv (no row below its titles)"


@pytest.mark.parametrize(("name", "data"), [("z.xlsx", b"no workbook"), ("a.csv", b"\xff\x00\xff\xff\x81")])
def test_a_damaged_sheet_of_something_else_stops_nothing(machine, name, data):
    folder = write(machine / "p", {**IMAGES, name: data, "good.xlsx": book(NAMED)})
    assert labelled.samples(folder).origin == f"classes from good.xlsx; left out: {name} (cannot be read)"
    (folder / "good.xlsx").unlink()
    with pytest.raises(DataError, match=name):
        labelled.samples(folder)


# --- names with the folders of another machine ------------------------------------------------------------------------


@pytest.mark.parametrize("above", [
    ["D:\\study\\photos\\"], ["images/"], ["/home/ann/x/"], ["D:\\one\\", "E:\\two\\more\\"], ["https://x.org/a/b/"],
])  # fmt: skip
@pytest.mark.parametrize("suffix", ["", ".tif"])
def test_folders_of_another_machine_are_left_out(machine, above, suffix):
    rows = [(above[i % len(above)] + (name[:2] + suffix if suffix else name), label)
            for i, (name, label) in enumerate(zip(FLAT, LABELS, strict=True))]  # fmt: skip
    listed = labelled.samples(write(machine / "photos", {**IMAGES, "a.csv": csv("name,label", rows)}))
    assert labels_of(listed) == LABELS


def test_folders_that_all_rows_share_tell_nothing_and_others_tell_photographs_apart(machine):
    rows = [(f"D:\\all\\{name}", f"p{name[:2]}") for name in FLAT]
    listed = labelled.samples(write(machine / "p", {**CLASSES, "a.csv": csv("name,patient", rows)}))
    assert list(listed.patients) == [f"p{name.split('/')[1][:2]}" for name in listed.names]
    rows = [(f"D:\\x\\{label}\\{name}", f"p{name[:2]}") for name, label in zip(FLAT, LABELS, strict=True)]
    assert labelled.samples(write(machine / "p", {"a.csv": csv("name,patient", rows)})).patients == listed.patients
    rows[3] = (r"D:\x\healthy\03.jpg", "p3")
    with pytest.raises(DataError, match=r"1 row without a photograph .*: D:/x/healthy/03\.jpg \(row 5\)"):
        labelled.samples(write(machine / "p", {"a.csv": csv("name,patient", rows)}))


def test_one_name_in_two_folders_stays_ambiguous(machine):
    files = {f"{part}/{name}": IMAGES[name] for part in ("a", "b") for name in FLAT}
    rows = [(f"D:/x/{name}", label) for name, label in zip(FLAT, LABELS, strict=True)]
    with pytest.raises(DataError, match=r"row 2: D:/x/00\.jpg could be a/00\.jpg, b/00\.jpg"):
        labelled.samples(write(machine / "p", {**files, "a.csv": csv("name,label", rows)}))
