import os
import re
import shutil
import sys
import tracemalloc
import warnings
import zipfile
from pathlib import Path

from helpers import duplicates, images, palm, sheets, sources
from helpers.archives import ArchiveError
from helpers.augment import Augment
from helpers.images import ImageError
from helpers.palm import DataError, DataNotFound, FundusDataset, FundusSet
from tests import palm_builder as build
from tests.palm_builder import TRAINING, VALIDATION, write

import cv2
import numpy as np
import openpyxl
import pytest
from paddle.io import DataLoader, Dataset
from scipy.sparse.csgraph import connected_components

EXPECTED = {name: ("training", int(name[0] == "P")) for name in TRAINING}
EXPECTED |= {name: ("validation", label) for name, label in VALIDATION.items()}


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine with nothing on it: an empty home folder, an empty project, no PALM_DIR."""
    home, project = tmp_path / "home", tmp_path / "project"
    for folder in (home, project / "data"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setattr(sources, "ROOT", project)
    monkeypatch.delenv("PALM_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(machine):
    """An unpacked data set."""
    return write(machine / "set", build.unpacked())


def found(listed):
    return {sample.name: (sample.part, sample.label) for sample in listed}


def below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# --- finding -------------------------------------------------------------------------------------------------------

def test_no_data_anywhere(machine):
    assert palm.find() is None
    (machine / "project" / "data" / "palm").mkdir()
    (machine / "home" / "data" / "data19065").mkdir(parents=True)
    (machine / "home" / "data" / "data19065" / "README.md").touch()
    assert palm.find() is None
    with pytest.raises(DataNotFound, match=r"no data set in PALM_DIR, data/palm or .*README.*fundus\.render"):
        palm.read()


def test_the_order_of_places(machine, monkeypatch):
    places = [machine / "given", machine / "project" / "data" / "palm"]
    places += [machine / "home" / "data" / name for name in ("data19065", "data23828", "data19469")]
    origins = ["PALM_DIR", "data/palm", "AI Studio", "AI Studio", "AI Studio"]
    for place in places:
        write(place, build.unpacked())
    monkeypatch.setenv("PALM_DIR", str(places[0]))
    for place, origin in zip(places, origins, strict=True):
        source = palm.find()
        assert (source.path, source.origin) == (place, origin)
        shutil.rmtree(place)
        monkeypatch.delenv("PALM_DIR", raising=False)
    assert palm.find() is None


def test_an_incomplete_place_does_not_hide_a_complete_one(machine):
    write(machine / "project" / "data" / "palm", build.training())
    assert palm.find().origin == "data/palm", "better than nothing: its error says what is missing"
    with pytest.raises(DataError, match="lacks validation images"):
        palm.read()
    write(machine / "home" / "data" / "data19065", build.unpacked())
    assert palm.find().origin == "AI Studio"


def test_another_root(machine):
    write(machine / "other" / "data" / "palm", build.unpacked())
    assert palm.find() is None
    assert palm.find(machine / "other").path == machine / "other" / "data" / "palm"


@pytest.mark.parametrize("value", ["given", "./given", "~/given", "{absolute}/given"])
def test_ways_to_write_palm_dir(machine, monkeypatch, value):
    monkeypatch.setenv("HOME", str(machine))
    monkeypatch.setenv("USERPROFILE", str(machine))
    write(machine / "given", build.unpacked())
    monkeypatch.setenv("PALM_DIR", value.format(absolute=machine))
    assert palm.find().path.samefile(machine / "given")


def test_palm_dir_relative_to_the_project(machine, monkeypatch):
    """`PALM_DIR=../shared/palm make test` in the project; a notebook's kernel has another working directory."""
    write(machine / "shared", build.unpacked())
    (machine / "project" / "notebooks").mkdir()
    monkeypatch.chdir(machine / "project" / "notebooks")
    monkeypatch.setenv("PALM_DIR", "../shared")
    assert palm.find().path.samefile(machine / "shared")


def test_palm_dir_rendered_and_empty(machine, monkeypatch):
    write(machine / "project" / "data" / "palm", build.unpacked())
    monkeypatch.setenv("PALM_DIR", "rendered")
    assert palm.find() is None
    monkeypatch.setenv("PALM_DIR", "")
    assert palm.find().origin == "data/palm"


def test_palm_dir_wrong(machine, monkeypatch):
    write(machine / "project" / "data" / "palm", build.unpacked())  # not taken instead
    write(machine, {"file.zip": b"", "full/notes.txt": "notes", "full/picture.jpg": build.jpeg("P0001")})
    (machine / "empty").mkdir()
    for value in ("nowhere", "file.zip"):
        monkeypatch.setenv("PALM_DIR", value)
        with pytest.raises(DataNotFound, match=f"PALM_DIR is {value}, which is no folder. Correct it"):
            palm.find()
    for value in ("empty", "full"):
        monkeypatch.setenv("PALM_DIR", value)
        with pytest.raises(DataNotFound, match=rf"{value} \(PALM_DIR\) holds nothing of the data set. It needs"):
            palm.find()


def test_an_empty_folder(machine):
    (machine / "empty").mkdir()
    for function in (palm.samples, palm.read):
        with pytest.raises(DataNotFound, match=r"empty .*holds nothing of the data set"):
            function(machine / "empty")
        with pytest.raises(DataNotFound, match="nowhere is no folder"):
            function(machine / "nowhere")
    assert issubclass(DataNotFound, FileNotFoundError)


def test_a_folder_that_is_too_large(machine, monkeypatch):
    monkeypatch.setattr(sources, "_MAX_FOLDERS", 5)
    write(machine / "disk", {f"{number}/a.txt": "" for number in range(10)})
    with pytest.raises(DataError, match=r"disk holds more than 5 folders. Name the folder of the data set"):
        palm.samples(machine / "disk")


# --- layouts -------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "two folders and labels.csv": build.unpacked(),
    "as the official archives unpack": {
        **build.training("PALM-Training400/PALM-Training400/"),
        **build.validation(),
        "PALM-Validation-GT/PM_Label_and_Fovea_Location.xlsx": build.xlsx(VALIDATION),
    },
    "each archive in its own folder": {
        **build.training("training/PALM-Training400/PALM-Training400/PALM-Training400/"),
        **build.validation("validation/PALM-Validation400/"),
        "valid_gt/PALM-Validation-GT/PM_Label_and_Fovea_Location.csv": build.csv(VALIDATION),
    },
    "one folder for all": {**build.training(""), **build.validation(""), "labels.csv": build.csv(VALIDATION)},
    "everything in a folder called training": {f"a/b/training/{name}": data for name, data in build.unpacked().items()},
    "with what systems add": {
        **build.unpacked(),
        ".DS_Store": b"x",
        "__MACOSX/PALM-Training400/._H0001.jpg": b"no image",
        "PALM-Training400/._H0001.jpg": b"no image",
        "PALM-Training400/Thumbs.db": b"x",
        "~$PM_Label_and_Fovea_Location.xlsx": b"an open sheet's lock",
        "notes/figure.png": b"no image",
    },
    "with the masks": {
        **build.unpacked(),
        "PALM-Training400-Annotation-Lession/Lesion_Masks/Atrophy/P0001.bmp": b"no image",
        "PALM-Training400-Annotation-D&F/Disc_Masks/P0001.bmp": b"no image",
        "PALM-Training400-Annotation-D&F/Fovea_Location.xlsx": b"no labels",
    },
    "the same image twice": {**build.unpacked(), **build.training("PALM-Training400/PALM-Training400/")},
    "the same labels twice": {**build.unpacked(), "gt/PM_Label_and_Fovea_Location.xlsx": build.xlsx(VALIDATION)},
    "other upper and lower case": {
        **{name.lower().replace(".jpg", ".JPG"): data for name, data in build.training().items()},
        **build.validation(),
        "Labels.CSV": build.csv(VALIDATION).lower(),
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_unpacked_folders_are_read_in_place(machine, layout):
    folder = write(machine / "set", LAYOUTS[layout])
    before = below(machine)
    listed = palm.samples(folder)
    assert found(listed) == EXPECTED
    assert [sample.name for sample in listed] == [*sorted(TRAINING), *sorted(VALIDATION)]
    assert all(sample.path.is_file() and sample.path.is_relative_to(folder) for sample in listed)
    assert below(machine) == before


def test_links_are_followed_and_circles_end(machine, folder):
    linked = machine / "linked"
    linked.mkdir()
    try:
        (linked / "set").symlink_to(folder, target_is_directory=True)
        (folder / "circle").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert found(palm.samples(linked)) == EXPECTED


@pytest.mark.parametrize("where", ["data/palm", "PALM_DIR", "AI Studio"])
def test_official_archives(machine, monkeypatch, where):
    palm_folder = machine / "project" / "data" / "palm"
    folder = {"data/palm": palm_folder, "PALM_DIR": machine / "x", "AI Studio": machine / "home/data/data19065"}[where]
    write(folder, build.official())
    if where == "PALM_DIR":
        monkeypatch.setenv("PALM_DIR", str(folder))
    source = palm.find()
    assert (source.path, source.origin) == (folder, where)
    listed = palm.samples(source)
    assert found(listed) == EXPECTED
    assert all(sample.path.is_relative_to(palm_folder / "unpacked") for sample in listed)
    assert sorted(path.name for path in folder.glob("*.zip")) == sorted(build.official())
    assert not list(palm_folder.rglob("PALM*.zip"))

    monkeypatch.setattr("helpers.archives._extract", None)  # from now on nothing may be unpacked
    assert palm.samples(palm.find()) == listed
    if where == "data/palm":  # and the archives are not needed any more
        for path in folder.glob("*.zip"):
            path.unlink()
            assert palm.samples(palm.find()) == listed


@pytest.mark.parametrize("where", ["data/palm", "PALM_DIR", "PALM_DIR below the project"])
def test_an_archive_that_is_replaced_is_unpacked_again(machine, monkeypatch, where):
    folder = machine / "x" if where == "PALM_DIR" else machine / "project" / "data" / "palm"
    write(folder, build.official())
    if where != "data/palm":
        monkeypatch.setenv("PALM_DIR", str(folder) if where == "PALM_DIR" else "data/palm")
    assert found(palm.samples(palm.find())) == EXPECTED
    labels = {name: 1 - label for name, label in VALIDATION.items()}
    write(folder, {"valid_gt.zip": build.packed({"labels.csv": build.csv(labels)})})
    other = {name: data for name, data in build.training("").items() if name != "P0001.jpg"}
    write(folder, {"training.zip": build.packed({**other, "N0001.jpg": build.jpeg("N0099")})})
    for remove in (None, "training.zip", "valid_gt.zip"):
        if remove:
            (folder / remove).unlink()
            if folder == machine / "x":
                break  # what is unpacked elsewhere counts only as long as its archive is there
        listed = palm.samples(palm.find())
        expected = EXPECTED | {name: ("validation", label) for name, label in labels.items()}
        expected.pop("P0001")
        assert found(listed) == expected
        (image,) = [sample.path for sample in listed if sample.name == "N0001"]
        assert image.read_bytes() == build.jpeg("N0099")


def test_a_data_set_in_the_folder_of_what_was_unpacked(machine, monkeypatch):
    folder = write(machine / "project" / "data" / "palm" / "unpacked", build.unpacked())
    for value in ("", "data/palm/unpacked", str(folder)):
        monkeypatch.setenv("PALM_DIR", value)
        assert found(palm.samples(palm.find())) == EXPECTED


def test_partly_unpacked(machine, monkeypatch):
    official = build.official()
    mixtures = [
        {**build.training("PALM-Training400/PALM-Training400/"), "validation.zip": official["validation.zip"],
         "valid_gt.zip": official["valid_gt.zip"]},
        {"training.zip": official["training.zip"], **build.validation(), "labels.csv": build.csv(VALIDATION)},
        {"PALM-Training400/PALM-Training400.zip": build.packed(build.training()), **build.validation(),
         "labels.csv": build.csv(VALIDATION)},
        {**official, **build.training()},
        {"everything (1).zip": build.packed(build.unpacked()), "homework.zip": build.packed({"answer.py": "1"})},
        {"a/data.zip": official["training.zip"], "b/data.zip": build.packed({**build.validation(),
         "labels.csv": build.csv(VALIDATION)})},
        {"training.zip": official["training.zip"], "training/validation.zip": official["validation.zip"],
         "labels.csv": build.csv(VALIDATION)},
    ]  # fmt: skip
    for number, files in enumerate(mixtures):
        monkeypatch.setattr(sources, "ROOT", machine / f"project{number}")
        folder = write(machine / f"project{number}" / "data" / "palm", files)
        for _ in range(2):
            assert found(palm.samples(folder)) == EXPECTED, number
        assert not (folder / "unpacked" / "homework").exists()


def test_archives_beside_a_complete_set_are_not_opened(folder, machine):
    write(folder, {"training.zip": b"not even a zip archive"})
    assert found(palm.samples(folder)) == EXPECTED
    assert not (machine / "project" / "data" / "palm").exists()


def test_an_archive_added_later(machine):
    folder = write(machine / "project" / "data" / "palm", {"training.zip": build.official()["training.zip"]})
    with pytest.raises(DataError, match=r"palm lacks validation images and the sheet .*validation\.zip"):
        palm.samples(folder)
    write(folder, build.official())
    assert found(palm.samples(folder)) == EXPECTED


@pytest.mark.parametrize("name, data, message", [
    ("training.zip", build.official()["training.zip"][:-200], r"training\.zip is truncated"),
    ("validation.zip", b"<html>not found</html>", r"validation\.zip is truncated or no zip archive"),
    ("training.zip", build.packed({"../P0001.jpg": b"x"}), r"training\.zip has a member that points outside"),
])  # fmt: skip
def test_a_broken_archive(machine, name, data, message):
    folder = write(machine / "project" / "data" / "palm", {**build.official(), name: data})
    with pytest.raises(ArchiveError, match=message):
        palm.samples(folder)
    assert not list(folder.rglob(".unpacking-*"))
    (folder / name).write_bytes(build.official()[name])
    assert found(palm.samples(folder)) == EXPECTED


def test_the_open_re_release(machine):
    folder = write(machine / "set", build.release())
    testing = {name.replace("V", "T"): ("testing", label) for name, label in VALIDATION.items()}
    assert found(palm.samples(folder)) == EXPECTED | testing
    parts = palm.split(palm.read(folder, 16, progress=False))
    assert parts.test.names == tuple(sorted(VALIDATION))


def test_the_re_release_packed(machine):
    folder = write(machine / "project" / "data" / "palm", {"PALM.zip": build.packed(build.release())})
    assert len(palm.samples(folder)) == len(EXPECTED) + len(VALIDATION)


def test_the_re_releases_folders_say_the_part_of_any_name(machine):
    files = {name.replace("V0", "N9").replace("T0", "P9"): data for name, data in build.release(False).items()}
    labels = {name.replace("V0", "N9"): label for name, label in VALIDATION.items()}
    for part, letter in (("Validation", "N"), ("Testing", "P")):
        rows = {name.replace("N", letter): label for name, label in labels.items()}
        files[f"PALM/{part}/Classification Labels.xlsx"] = build.xlsx(rows, ("ID", "imgName", "Label"))
    listed = found(palm.samples(write(machine / "set", files)))
    assert {name: listed[name] for name in labels} == {name: ("validation", label) for name, label in labels.items()}
    assert listed["P9001"] == ("testing", 1)
    assert listed["P9002"] == ("testing", 0), "by the sheet, not by its name"


def test_testing_images_without_labels_are_left_out_with_a_word(machine):
    folder = write(machine / "set", build.release(testing_labels=False))
    with pytest.warns(UserWarning, match="set: the 8 testing images have no labels and are left out"):
        assert found(palm.samples(folder)) == EXPECTED


# --- labels --------------------------------------------------------------------------------------------------------

def utf16(text):
    return text.replace(",", "\t").encode("utf-16")


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
    "utf-16 with tabs": utf16(build.csv(VALIDATION, "\r\n")),
    "gbk": build.csv(VALIDATION).replace("Fovea_X", "黄斑").encode("gbk"),
    "saved by pandas": build.csv({name: f"{label}.0" for name, label in VALIDATION.items()}).encode(),
    "quoted, spaced": build.csv({f" {name}": f'" {label} "' for name, label in VALIDATION.items()}).encode(),
    "empty rows": build.csv(VALIDATION).replace("\n", "\n\n,,,,\n").encode(),
    "without suffixes": build.csv(VALIDATION).replace(".jpg", "").encode(),
    "with folders": build.csv(VALIDATION).replace("V0", "PALM-Validation400\\V0").encode(),
    "two columns, the other way round": "".join(
        f"{label},{name}\n" for name, label in {"imgName": "Label", **VALIDATION}.items()
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", CSVS)
def test_kinds_of_csv(folder, kind):
    (folder / "labels.csv").write_bytes(CSVS[kind])
    assert sheets.read_sheet(folder / "labels.csv") == VALIDATION
    assert found(palm.samples(folder)) == EXPECTED


@pytest.fixture(params=["openpyxl", "without openpyxl"])
def reader(request, monkeypatch):
    if request.param == "without openpyxl":
        monkeypatch.setattr(sheets, "openpyxl", None)


def test_readers_agree_on_gaps(tmp_path, monkeypatch):
    book = openpyxl.Workbook()
    for cell, value in {"B2": "imgName", "AB2": " Label ", "B5": "V0001.jpg", "AB5": 1, "AA6": 0.5, "B7": "x"}.items():
        book.active[cell] = value
    book.save(tmp_path / "labels.xlsx")
    rows = []
    for module in (openpyxl, None):
        monkeypatch.setattr(sheets, "openpyxl", module)
        text = [[str(value or "") for value in row] for row in sheets._xlsx_rows(tmp_path / "labels.xlsx")]
        rows.append([row + [""] * (28 - len(row)) for row in text])
    assert rows[0] == rows[1]
    assert rows[1][4][1] == "V0001.jpg" and rows[1][4][27] == "1"


def test_text_inside_the_cell(tmp_path, reader):
    """As openpyxl writes it; here with a part of it in bold."""
    path = tmp_path / "labels.xlsx"
    path.write_bytes(build.xlsx({"V0001": 1}))
    with zipfile.ZipFile(path) as book:
        files = {name: book.read(name) for name in book.namelist()}
    sheet = files["xl/worksheets/sheet1.xml"].decode()
    inline = '<c r="B2" t="inlineStr"><is><r><t>V0007</t></r><r><rPr><b/></rPr><t>.jpg</t></r></is></c>'
    files["xl/worksheets/sheet1.xml"] = re.sub(r'<c r="B2".*?</c>', inline, sheet)
    path.write_bytes(build.packed(files))
    assert sheets.read_sheet(path) == {"V0007": 1}


def test_texts_in_a_list_of_their_own(tmp_path, reader):
    """As Excel writes it: the cells hold the numbers of shared texts."""
    path = tmp_path / "labels.xlsx"
    path.write_bytes(build.with_shared_texts(build.xlsx(VALIDATION)))
    assert sheets.read_sheet(path) == VALIDATION


@pytest.mark.parametrize("labels", [VALIDATION, {name: float(label) for name, label in VALIDATION.items()},
                                    {name: str(label) for name, label in VALIDATION.items()}])  # fmt: skip
def test_xlsx(tmp_path, labels, reader):
    path = tmp_path / "PM_Label_and_Fovea_Location.xlsx"
    path.write_bytes(build.xlsx(labels))
    assert sheets.read_sheet(path) == VALIDATION
    path.unlink()  # nothing holds it open


def replaced(name, label):
    return build.csv({**VALIDATION, name: label})


BAD_SHEETS = {
    "label 2": (replaced("V0003", 2), r"labels\.csv, row 4 \(V0003\): the label is '2' and must be 0 or 1.*Correct"),
    "label -1": (replaced("V0003", -1), r"row 4 \(V0003\): the label is '-1'"),
    "label 0.5": (replaced("V0003", 0.5), r"row 4 \(V0003\): the label is '0\.5'"),
    "label nan": (replaced("V0003", "nan"), r"row 4 \(V0003\): the label is 'nan'"),
    "label empty": (replaced("V0003", ""), r"row 4 \(V0003\): the label is ''"),
    "label is text": (replaced("V0003", "PM"), r"row 4 \(V0003\): the label is 'PM'"),
    "no name": (build.csv(VALIDATION).replace("V0003.jpg", ""), r"labels\.csv, row 4: no image name"),
    "short row": (build.csv(VALIDATION) + "9\n", r"labels\.csv, row 10: no image name"),
    "two labels": (build.csv(VALIDATION) + "9,V0003.jpg,0,1,2\n", r"labels\.csv, row 10: V0003 has the labels 0 and 1"),
    "no label column": (build.csv(VALIDATION).replace("Label", "PM"), r"labels\.csv has no column Label; its first"),
    "no name column": (build.csv(VALIDATION).replace("imgName", "file"), r"labels\.csv has no column imgName"),
    "no header": (build.csv(VALIDATION).split("\n", 1)[1], r"labels\.csv has no column imgName and no column Label"),
    "empty": ("", r"labels\.csv is empty"),
    "binary": (b"\x89PNG\xff\xff\x80", r"labels\.csv is no text"),
    "label without image": (replaced("V0099", 1), r"V0099: in labels\.csv, but there is no such image in .*set. Put"),
    "many without image": (build.csv({**VALIDATION, **{f"V010{i}": 1 for i in range(5)}}),
                           r"V0100, V0101, V0102 and 2 more: in labels\.csv"),
    "image without label": (build.csv({name: label for name, label in VALIDATION.items() if name != "V0003"}),
                            r"V0003\.jpg: no label in labels\.csv. Add the row"),
    "another name": (build.csv({**VALIDATION, "eye": 1}), r"EYE: in labels\.csv, but there is no such image"),
    "against the name": (replaced("P0001", 0), r"labels\.csv: P0001 is 0, but 1 by the image's name. Correct"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_SHEETS)
def test_bad_sheets(folder, kind):
    content, message = BAD_SHEETS[kind]
    write(folder, {"labels.csv": content})
    with pytest.raises(DataError, match=message):
        palm.samples(folder)


@pytest.mark.parametrize("data", [b"", b"no sheet", build.packed({"a.txt": "a"}), build.xlsx(VALIDATION)[:-100],
                                  build.with_shared_texts(build.xlsx(VALIDATION), "<sst>")])
def test_a_broken_xlsx(folder, data, reader):
    (folder / "labels.csv").unlink()
    write(folder, {"PM_Label_and_Fovea_Location.xlsx": data})
    with pytest.raises(DataError, match=r"PM_Label_and_Fovea_Location\.xlsx cannot be read .*Copy or unpack it again"):
        palm.samples(folder)


def flipped(data, place, mask):
    """The archive with some bits of its sheet's header turned over: in the list at its end, or before the sheet."""
    name, signature, offset = b"xl/worksheets/sheet1.xml", *place
    position = data.rindex(signature, 0, data.rindex(name) if signature == b"PK\x01\x02" else data.index(name)) + offset
    return data[:position] + bytes([data[position] ^ mask]) + data[position + 1 :]


DAMAGE = {
    "stream": ((b"PK\x03\x04", 30 + len("xl/worksheets/sheet1.xml")), 0xFF),  # zlib.error
    "length": ((b"PK\x03\x04", 29), 0x80),  # EOFError
    "version": ((b"PK\x01\x02", 6), 0xF0),  # NotImplementedError
    "encrypted": ((b"PK\x01\x02", 8), 0x01),  # RuntimeError
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_an_xlsx_with_a_flipped_bit(tmp_path, kind, reader):
    path = tmp_path / "labels.xlsx"
    path.write_bytes(flipped(build.xlsx(VALIDATION), *DAMAGE[kind]))
    with pytest.raises(DataError, match=r"labels\.xlsx cannot be read as an \.xlsx sheet .*Copy or unpack it again"):
        sheets.read_sheet(path)


@pytest.mark.parametrize("content", [build.csv(VALIDATION) + '9,"' + "V0009.jpg,1\n" * 15_000,
                                     build.csv(VALIDATION) + "V" * 140_000])
def test_a_csv_with_a_field_without_end(tmp_path, content):
    write(tmp_path, {"labels.csv": content})
    with pytest.raises(DataError, match=r"labels\.csv cannot be read as a \.csv sheet: field .* in line \d+\. Look"):
        sheets.read_sheet(tmp_path / "labels.csv")


def test_an_xlsx_without_the_columns(folder, reader):
    write(folder, {"PM_Label_and_Fovea_Location.xlsx": build.xlsx(VALIDATION, ("ID", "imgName"))})
    with pytest.raises(DataError, match=r"PM_Label_and_Fovea_Location\.xlsx has no column Label"):
        palm.samples(folder)


def test_two_sheets_that_differ(folder):
    write(folder, {"gt/PM_Label_and_Fovea_Location.xlsx": build.xlsx({**VALIDATION, "V0002": 1})})
    with pytest.raises(DataError, match=r"V0002 is \d, but \d by .*Correct one of them"):
        palm.samples(folder)


@pytest.mark.parametrize("missing, message", [
    ("labels.csv", r"set lacks the sheet with the labels .*PM_Label_and_Fovea_Location\.xlsx \(or labels\.csv\)"),
    ("PALM-Training400", "set lacks training images. It needs"),
    ("PALM-Validation400", "set lacks validation images. It needs"),
])  # fmt: skip
def test_a_missing_part(folder, missing, message):
    path = folder / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(DataError, match=message):
        palm.samples(folder)


@pytest.mark.parametrize("name", ["X0001.jpg", "P0001 (1).jpg", "P0001 - 副本.png"])
def test_a_training_image_without_a_class_in_its_name(folder, name):
    write(folder, {f"PALM-Training400/{name}": build.jpeg("P0001")})
    with pytest.raises(DataError, match=r"PALM-Training400.*: no label. Names of the data set .*Rename or remove"):
        palm.samples(folder)


def test_two_different_images_of_one_name(folder):
    write(folder, {"copy/P0001.jpg": build.jpeg("P0002")})
    with pytest.raises(DataError, match=r"P0001\.jpg and .*P0001\.jpg have the same name but are not the same image"):
        palm.samples(folder)


def test_some_testing_images_without_labels(machine):
    files = build.release()
    files["PALM/Testing/Images/T0099.jpg"] = build.jpeg("T0099")
    with pytest.raises(DataError, match=r"T0099\.jpg: no label in"):
        palm.samples(write(machine / "set", files))


# --- reading -------------------------------------------------------------------------------------------------------

def test_read(folder, machine):
    data = palm.read(folder, 24, progress=False)
    assert (data.images.shape, data.images.dtype) == ((len(EXPECTED), 24, 24, 3), np.uint8)
    assert data.labels.dtype == np.int64
    assert {n: (str(p), int(y)) for n, p, y in zip(data.names, data.parts, data.labels, strict=True)} == EXPECTED
    assert (data.sizes == 48).all()
    assert data.real
    for index in (0, 20, -1):
        path = next(folder.rglob(f"{data.names[index]}.jpg"))
        np.testing.assert_array_equal(data.images[index], images.read_image(path, 24))
    assert repr(data) == "FundusSet(29 real images of 24 px, 14 pathologic)"


def test_read_decodes_once(folder, machine, monkeypatch):
    first = palm.read(folder, 24, progress=False)
    assert [path.suffix for path in sorted((machine / "project/data/cache").iterdir())] == [".json", ".npy"]
    monkeypatch.setattr(images, "_decode_all", None)
    np.testing.assert_array_equal(palm.read(folder, 24, progress=False).images, first.images)


def test_caches_of_several_folders_and_sizes_live_side_by_side(folder, machine, monkeypatch):
    other = write(machine / "other" / "set", build.unpacked())
    for size in (16, 24):
        for place in (folder, other):
            palm.read(place, size, progress=False)
    monkeypatch.setattr(images, "_decode_all", None)
    for size in (16, 24):
        for place in (folder, other):
            assert palm.read(place, size, progress=False).images.shape[1] == size


def test_read_with_and_without_another_cache(folder, machine):
    palm.read(folder, 24, cache=False, progress=False)
    assert not (machine / "project/data/cache").exists()
    palm.read(folder, 24, cache=machine / "mine.npy", progress=False)
    assert (machine / "mine.npy").is_file()
    assert not (machine / "project/data/cache").exists()


def test_read_what_find_found(folder, monkeypatch):
    monkeypatch.setenv("PALM_DIR", str(folder))
    assert palm.read(size=16, progress=False).names == palm.read(palm.find(), 16, progress=False).names


def test_read_names_a_bad_image(folder):
    path = folder / "PALM-Validation400" / "V0003.jpg"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ImageError, match=r"V0003\.jpg is truncated"):
        palm.read(folder, 24, progress=False)


def test_rendered_images_say_so(folder):
    write(folder, {"RENDERED.json": "{}"})
    data = palm.read(folder, 24, progress=False)
    assert not data.real
    assert str(data.summary()).startswith("29 rendered fundus images")


def test_helpers_fundus_writes_the_layout_that_is_read(machine):
    fundus = pytest.importorskip("helpers.fundus")
    folder = fundus.render(machine / "rendered", count=(40, 10), size=32, progress=False)
    data = palm.read(folder, 32, progress=False)
    assert not data.real
    assert [(data.parts == part).sum() for part in ("training", "validation")] == [40, 10]
    assert {name[0] for name in data.names} == set("HNPV")


def test_nothing_on_stderr_and_no_warning(folder, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        palm.read(folder, 24)
    sys.stdout.flush()
    assert capfd.readouterr().err == ""


def test_the_arrays_must_agree():
    with pytest.raises(ValueError, match=r"equally many, not \[1, 2\]"):
        FundusSet(np.zeros((2, 8, 8, 3), np.uint8), np.zeros(2, np.int64), ("a",), np.array(["training"] * 2))


# --- duplicates, summary, parts ------------------------------------------------------------------------------------

def saved_again(image, scale=0.8, quality=30):
    """The same photograph (RGB) at another size and in a worse quality."""
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
    data = np.frombuffer(build.encode(image, quality=quality), np.uint8)
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@pytest.fixture
def data():
    """60 training and 20 validation images with three groups of duplicates."""
    names = [f"H{i:04d}" for i in range(10)] + [f"N{i:04d}" for i in range(20)] + [f"P{i:04d}" for i in range(30)]
    names += [f"V{i:04d}" for i in range(20)]
    files = [build.picture(seed, 224) for seed in range(80)]
    files[5], files[7] = saved_again(files[4]), saved_again(files[4], 1.5)  # within training
    files[70], files[71] = files[40], saved_again(files[40], 0.5, 60)  # P0010 is in validation, twice
    files[79] = saved_again(files[78])  # within validation
    pictures = np.stack([cv2.resize(file, (64, 64), interpolation=cv2.INTER_AREA) for file in files])
    labels = np.array([int(name[0] == "P") for name in names[:60]] + [0, 1] * 10)
    return FundusSet(pictures, labels, tuple(names), np.array(["training"] * 60 + ["validation"] * 20))


def test_duplicates(data):
    assert data.duplicates() == [("H0004", "H0005", "H0007"), ("P0010", "V0010", "V0011"), ("V0018", "V0019")]
    assert data.subset(np.arange(4)).duplicates() == []
    assert data.subset(np.array([], int)).duplicates() == []


def test_brightness_does_not_hide_a_duplicate(data):
    pictures = np.stack([data.images[0], (data.images[0] * 0.6).astype(np.uint8), data.images[1]])
    assert duplicates.groups(pictures) == [(0, 1)]


def distances(pictures):
    """Between each two images."""
    thumbnails = duplicates._thumbnails(pictures)
    return duplicates._distances(thumbnails, thumbnails)


def test_flat_images_are_harmless():
    assert np.isfinite(distances(np.zeros((3, 32, 32, 3), np.uint8))).all()


@pytest.mark.parametrize("pairs", [1, 80, 500, 80 * 80])
def test_groups_do_not_depend_on_how_many_pairs_are_in_memory(data, monkeypatch, pairs):
    monkeypatch.setattr(duplicates, "_AT_ONCE", pairs)
    for limit in (duplicates.LIMIT, 0.4, 0.5, 0.6, 0.7):  # from three groups over chains to one
        number = connected_components(distances(data.images) < limit, directed=False)[1]
        whole = [tuple(np.flatnonzero(number == each).tolist()) for each in range(number.max() + 1)]
        assert duplicates.groups(data.images, limit) == [group for group in whole if len(group) > 1]


@pytest.mark.parametrize("share", [0, 1])
def test_the_memory_for_groups_grows_with_the_number_of_images(share):
    """Not with its square, neither for different images nor for copies of one."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (2, 1, 16, 16, 3), dtype=np.uint8)
    pictures = np.where(random.random((3000, 1, 1, 1)) < share, pictures[0], random.integers(0, 256, (3000, 16, 16, 3)))
    tracemalloc.start()
    found = duplicates.groups(pictures.astype(np.uint8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == share
    assert peak < 3000 * 3000 * 5


def test_a_chain_is_one_group():
    base, other = (build.picture(seed, 64).astype(float) for seed in (1, 2))
    chain = np.stack([base * (1 - share) + other * share for share in (0.12, 0.06, 0.0)]).astype(np.uint8)
    near = distances(chain)
    limit = float(near[0, 1] + near[0, 2]) / 2
    assert near[0, 1] < limit > near[1, 2]
    assert near[0, 2] > limit
    assert duplicates.groups(chain, limit) == [(0, 1, 2)]


def test_real_duplicates(palm_dir):
    """The pairs that are known, and nothing near the limit on either side."""
    for size in (64, 128):
        data = palm.read(palm_dir, size, cache=False, progress=False)
        known = [("P0014", "P0072"), ("P0056", "V0163"), ("P0057", "V0252"), ("V0107", "V0160"), ("V0268", "V0320")]
        known = [pair for pair in known if set(pair) <= set(data.names)]  # a copy may hold half of them
        assert data.duplicates() == known
        near = distances(data.images)[np.triu_indices(len(data), 1)]
        near.sort()
        assert near[len(known) - 1] < duplicates.LIMIT / 10
        assert near[len(known)] > 1.9 * duplicates.LIMIT


def test_real_duplicates_survive_scaling_and_compression(palm_dir):
    files = [images.read_image(path) for path in sorted(palm_dir.rglob("*.jpg"))[::20]]
    for size in (64, 128):
        for scale, quality in ((0.5, 60), (0.8, 30), (1.5, 50)):
            pictures = [cv2.resize(file, (size, size), interpolation=cv2.INTER_AREA) for file in files]
            for file in files:
                again = saved_again(file, scale, quality)
                pictures.append(cv2.resize(again, (size, size), interpolation=cv2.INTER_AREA))
            pairs = [(i, i + len(files)) for i in range(len(files))]
            assert duplicates.groups(np.stack(pictures)) == pairs
            near = distances(np.stack(pictures))
            assert max(near[pair] for pair in pairs) < 0.6 * duplicates.LIMIT


def test_summary(data):
    text = str(data.summary())
    assert text.splitlines() == [
        "80 real fundus images of 64 x 64 pixels",
        "              not pathologic  pathologic   all",
        "training                  30          30    60",
        "validation                10          10    20",
        "duplicates within training: H0004 = H0005 = H0007",
        "duplicates between training and validation: P0010 = V0010 = V0011",
        "duplicates within validation: V0018 = V0019",
    ]
    assert repr(data.summary()) == text
    assert not hasattr(data.summary(), "_repr_html_")


def test_summary_of_sizes(data):
    sizes = np.array([[2056, 2124]] * 50 + [[1444, 1444]] * 20 + [[10, 20]] * 5 + [[30, 30]] * 4 + [[40, 40]])
    data = FundusSet(data.images, data.labels, data.names, data.parts, sizes=sizes)
    line = "files: 50 of 2124 x 2056, 20 of 1444 x 1444, 5 of 20 x 10, 5 of other sizes"
    assert line in str(data.summary()).splitlines()
    few = data.subset(np.arange(3))
    assert str(few.summary()).splitlines()[1:] == [
        "files: 3 of 2124 x 2056",
        "              not pathologic  pathologic   all",
        "training                   3           0     3",
        "no duplicates",
    ]


def test_subsets_and_parts_copy_no_image(data):
    tracemalloc.start()
    parts = palm.split(data.subset(np.arange(80)))
    left = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert left < data.images.nbytes / 4
    for part in parts:
        for index, name in enumerate(part.names):
            assert np.shares_memory(part.images[index], data.images[data.names.index(name)])


def test_parts_of_cached_images_stay_on_disk(folder):
    parts = palm.split(palm.read(folder, 24, progress=False))
    for part in parts:
        assert isinstance(part.images[0], np.memmap)
        assert FundusDataset(part, Augment())[0][0].shape == (3, 24, 24)


def kinds(part):
    return {letter: sum(name[0] == letter for name in part.names) for letter in "HNP"}


def test_split_is_stratified_and_complete(data):
    parts = palm.split(data)
    assert parts.test.names == tuple(f"V{i:04d}" for i in range(20))
    names = set(parts.train.names) | set(parts.validation.names)
    assert len(parts.train) + len(parts.validation) == len(names) == 59
    assert names == set(data.names[:60]) - {"P0010"}
    for seed in range(10):
        counts = kinds(palm.split(data, seed=seed).validation)
        assert abs(counts["N"] - 4) <= 1
        assert abs(counts["P"] - 5.8) <= 1
        assert 1 <= counts["H"] <= 4  # one of them may stand for three
    for part in parts:
        for index in range(0, len(part), 7):
            position = data.names.index(part.names[index])
            np.testing.assert_array_equal(part.images[index], data.images[position])
            assert part.labels[index] == data.labels[position]


def test_duplicates_are_never_on_both_sides(data):
    group = {"H0004", "H0005", "H0007"}
    sides = [bool(group & set(palm.split(data, 0.5, seed).train.names)) for seed in range(20)]
    assert len(set(sides)) == 2, "on either side by chance"
    for seed in range(20):
        parts = palm.split(data, 0.5, seed)
        assert group <= set(parts.train.names) or group <= set(parts.validation.names)


def test_duplicates_of_the_test_part_may_be_kept(data):
    parts = palm.split(data, drop_duplicates=False)
    assert "P0010" in parts.train.names + parts.validation.names
    assert len(parts.train) + len(parts.validation) == 60


def test_split_repeats_and_depends_on_the_seed(data):
    assert palm.split(data, seed=3).validation.names == palm.split(data, seed=3).validation.names
    assert palm.split(data, seed=3).validation.names != palm.split(data, seed=4).validation.names


@pytest.mark.parametrize("share", [1, -0.1, 2])
def test_split_of_a_wrong_share(data, share):
    with pytest.raises(ValueError, match=f"validation must be at least 0 and below 1, not {share}"):
        palm.split(data, share)


def test_split_without_a_validation_part(data):
    parts, divided = palm.split(data, 0), palm.split(data, 0.5)
    assert len(parts.validation) == 0
    assert set(parts.train.names) == set(divided.train.names) | set(divided.validation.names)
    assert parts.test.names == divided.test.names


def test_split_of_few_images(data):
    """With one H among ten images the labels are what can be stratified."""
    few = data.subset(np.array([0, 10, 11, 12, 13, 30, 31, 32, 33, 34, 60, 61]))
    parts = palm.split(few)
    assert [len(part) for part in parts] == [8, 2, 2]
    assert sorted(parts.validation.labels) == [0, 1]
    for indices in ([0, 10, 11, 12, 13, 14], [0, 10, 11, 12, 13, 30], [0, 10, 30, 31], []):
        with pytest.raises(DataError, match=r"training images, . of them pathologic, are too few .*Add more"):
            palm.split(data.subset(np.array(indices, int)))


def test_real_split(palm_dir):
    parts = palm.split(palm.read(palm_dir, 64, cache=False, progress=False))
    assert "P0056" not in parts.train.names + parts.validation.names
    assert ("P0014" in parts.train.names) == ("P0072" in parts.train.names)
    assert abs(len(parts.validation) - 80) <= 2
    assert kinds(parts.validation)["H"] == 5


# --- the data set for Paddle ---------------------------------------------------------------------------------------

def test_items(data):
    dataset = FundusDataset(data)
    assert isinstance(dataset, Dataset)
    assert len(dataset) == 80
    x, y = dataset[31]
    assert (x.shape, x.dtype, x.flags.c_contiguous) == ((3, 64, 64), np.float32, True)
    assert (y, y.dtype) == (1, np.int64)
    np.testing.assert_array_equal(x, images.normalise(data.images[31]).transpose(2, 0, 1))
    np.testing.assert_array_equal(dataset.labels, data.labels)
    with pytest.raises(IndexError):
        dataset[80]


def test_another_transform(data):
    x, _ = FundusDataset(data, transform=lambda image: image.astype(np.float32) / 255)[0]
    np.testing.assert_allclose(x, data.images[0].transpose(2, 0, 1) / 255, atol=1e-6)


def test_augmentation_depends_on_seed_epoch_and_index_alone(data):
    def item(seed, epoch, index):
        dataset = FundusDataset(data, Augment(), seed)
        dataset.set_epoch(epoch)
        return dataset[index][0]

    dataset = FundusDataset(data, Augment(), 1)
    forwards = [dataset[i][0] for i in range(10)]
    backwards = [dataset[i][0] for i in range(9, -1, -1)][::-1]
    np.testing.assert_array_equal(forwards, backwards)
    np.testing.assert_array_equal(forwards[3], item(1, 0, 3))
    different = [item(1, 0, 3), item(2, 0, 3), item(1, 1, 3), item(1, 0, 4), FundusDataset(data)[3][0]]
    assert len({x.tobytes() for x in different}) == len(different)
    same = FundusSet(np.stack([data.images[0]] * 2), data.labels[:2], data.names[:2], data.parts[:2])
    pair = FundusDataset(same, Augment())
    assert not np.array_equal(pair[0][0], pair[1][0]), "each image gets a change of its own"


@pytest.mark.skipif(os.name == "nt", reason="Paddle has no worker processes on Windows")
def test_workers_give_the_same_images(data):
    def epoch(workers, number):
        dataset = FundusDataset(data.subset(np.arange(20)), Augment(), 5)
        dataset.set_epoch(number)
        loader = DataLoader(dataset, batch_size=8, num_workers=workers)
        return [(x.numpy(), y.numpy()) for x, y in loader]

    for number in range(2):
        for (x0, y0), (x2, y2) in zip(epoch(0, number), epoch(2, number), strict=True):
            assert x0.dtype == np.float32
            assert y0.dtype == np.int64
            np.testing.assert_array_equal(x0, x2)
            np.testing.assert_array_equal(y0, y2)


def test_items_from_the_cache(folder):
    data = palm.read(folder, 24, progress=False)
    assert not data.images.flags.writeable
    x, _ = FundusDataset(data, Augment())[3]
    assert x.shape == (3, 24, 24)
    assert type(x) is np.ndarray
