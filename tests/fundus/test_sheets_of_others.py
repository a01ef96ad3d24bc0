"""fundus.sheets and own_sheets: what other programs and people do to a sheet changes no label and hides no patient."""

from helpers.fundus import labelled
from helpers.fundus.errors import DataError
from helpers.fundus.sheets import read_sheet
from tests.tools.palm_builder import encode, picture, write

import pytest

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
