"""fundus.sources: the data set is found in any place and any layout, unpacked where it is packed, and labelled."""
import shutil

from helpers.fundus import sources
from helpers.fundus.errors import ArchiveError, DataError, DataNotFound, ImageError
from tests.tools import palm_builder as build
from tests.tools.palm_builder import EXPECTED, TRAINING, VALIDATION, files, write

import pytest

pytestmark = pytest.mark.usefixtures("machine")
OFFICIAL = build.official()
LABELS = {"labels.csv": build.csv(VALIDATION)}


def found(listed):
    return {sample.name: (sample.part, sample.label) for sample in listed}


# --- finding -------------------------------------------------------------------------------------------------------

def test_no_data_anywhere(machine):
    assert sources.find() is None
    (machine / "project" / "data" / "palm").mkdir()
    write(machine / "home" / "data" / "data19065", {"README.md": ""})
    assert sources.find() is None


def test_the_order_of_places(machine, monkeypatch):
    places = [machine / "given", machine / "project" / "data" / "palm"]
    places += [machine / "home" / "data" / name for name in ("data19065", "data23828", "data19469")]
    for place in places:
        write(place, build.unpacked())
    monkeypatch.setenv("PALM_DIR", str(places[0]))
    for place in places:
        assert sources.find() == place
        shutil.rmtree(place)
        monkeypatch.delenv("PALM_DIR", raising=False)
    assert sources.find() is None


def test_an_incomplete_place_does_not_hide_a_complete_one(machine):
    palm = write(machine / "project" / "data" / "palm", build.training())
    assert sources.find() == palm, "better than nothing: its error says what is missing"
    with pytest.raises(DataError, match="lacks validation images"):
        sources.samples(sources.find())
    mount = write(machine / "home" / "data" / "data19065", build.unpacked())
    assert sources.find() == mount


@pytest.mark.parametrize("value", ["given", "./given", "~/given", "{absolute}/given"])
def test_ways_to_write_palm_dir(machine, monkeypatch, value):
    monkeypatch.setenv("HOME", str(machine))
    monkeypatch.setenv("USERPROFILE", str(machine))
    write(machine / "given", build.unpacked())
    monkeypatch.setenv("PALM_DIR", value.format(absolute=machine))
    assert sources.find().samefile(machine / "given")


def test_palm_dir_relative_to_the_project(machine, monkeypatch):
    """`PALM_DIR=../shared/palm make test` in the project; a notebook's kernel has another working directory."""
    write(machine / "shared", build.unpacked())
    (machine / "project" / "notebooks").mkdir()
    monkeypatch.chdir(machine / "project" / "notebooks")
    monkeypatch.setenv("PALM_DIR", "../shared")
    assert sources.find().samefile(machine / "shared")


def test_palm_dir_rendered_and_empty(machine, monkeypatch):
    palm = write(machine / "project" / "data" / "palm", build.unpacked())
    monkeypatch.setenv("PALM_DIR", "rendered")
    assert sources.find() is None
    monkeypatch.setenv("PALM_DIR", "")
    assert sources.find() == palm


def test_palm_dir_wrong(machine, monkeypatch):
    write(machine / "project" / "data" / "palm", build.unpacked())  # not taken instead
    write(machine, {"file.zip": b"", "full/notes.txt": "notes", "full/picture.jpg": build.jpeg("P0001")})
    (machine / "empty").mkdir()
    no_folder = "PALM_DIR is {}, which is no folder. Correct it"
    nothing = r"{} \(PALM_DIR\) holds nothing of the data set. It needs"
    for value, message in {"nowhere": no_folder, "file.zip": no_folder, "empty": nothing, "full": nothing}.items():
        monkeypatch.setenv("PALM_DIR", value)
        with pytest.raises(DataNotFound, match=message.format(value)):
            sources.find()


@pytest.mark.parametrize("sheet", ["labels.csv", "mine.csv", "readme.txt"])
def test_palm_dir_is_not_for_photographs_of_ones_own(machine, monkeypatch, sheet):
    """Whoever has a folder for each class is not told to make one, and no command takes them for the data set."""
    files = {f"{name}/{i}.jpg": build.jpeg(f"P{i}") for name in ("healthy", "sick") for i in range(6)}
    write(machine / "own", {**files, sheet: "\n".join(["name,label", *(f"{name},{name[0]}" for name in files)])})
    monkeypatch.setenv("PALM_DIR", "own")
    message = r"own \(PALM_DIR\) holds nothing of the data set.*for that data set alone.*train --data FOLDER"
    with pytest.raises(DataNotFound, match=message) as caught:
        sources.find()
    assert "need a folder for each class" not in str(caught.value)


def test_an_empty_folder(machine):
    (machine / "empty").mkdir()
    with pytest.raises(DataNotFound, match=r"empty .*holds nothing of the data set"):
        sources.samples(machine / "empty")
    with pytest.raises(FileNotFoundError, match="nowhere is no folder"):
        sources.samples(machine / "nowhere")


def test_whatever_is_wrong_with_a_data_set_is_one_kind_of_error():
    assert all(issubclass(error, DataError) for error in (DataNotFound, ArchiveError, ImageError))


def test_a_folder_that_is_too_large(machine, monkeypatch):
    monkeypatch.setattr(sources, "MAX_FOLDERS", 5)
    write(machine / "disk", {f"{number}/a.txt": "" for number in range(10)})
    with pytest.raises(DataError, match=r"disk holds more than 5 folders. Name the folder of the data set"):
        sources.samples(machine / "disk")


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
    "one folder for all": {**build.training(""), **build.validation(""), **LABELS},
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
    before = files(machine)
    listed = sources.samples(folder)
    assert found(listed) == EXPECTED
    assert [sample.name for sample in listed] == [*sorted(TRAINING), *sorted(VALIDATION)]
    assert all(sample.path.is_file() and sample.path.is_relative_to(folder) for sample in listed)
    assert files(machine) == before


def test_links_are_followed_and_circles_end(machine, folder):
    linked = machine / "linked"
    linked.mkdir()
    try:
        (linked / "set").symlink_to(folder, target_is_directory=True)
        (folder / "circle").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert found(sources.samples(linked)) == EXPECTED


@pytest.mark.parametrize("where", ["data/palm", "PALM_DIR", "AI Studio"])
def test_official_archives(machine, monkeypatch, where):
    palm_folder = machine / "project" / "data" / "palm"
    unpacked = palm_folder / "unpacked"
    folder = {"data/palm": palm_folder, "PALM_DIR": machine / "x", "AI Studio": machine / "home/data/data19065"}[where]
    write(folder, OFFICIAL)
    if where == "PALM_DIR":
        monkeypatch.setenv("PALM_DIR", str(folder))
    assert sources.find() == folder
    listed = sources.samples(folder)
    assert found(listed) == EXPECTED
    assert all(sample.path.is_relative_to(unpacked) for sample in listed)
    assert sorted(path.name for path in folder.glob("*.zip")) == sorted(OFFICIAL)
    assert not list(palm_folder.rglob("PALM*.zip"))

    times = {path: path.stat().st_mtime_ns for path in unpacked.rglob("*")}
    assert sources.samples(sources.find()) == listed
    assert {path: path.stat().st_mtime_ns for path in unpacked.rglob("*")} == times, "unpacked again"
    if where == "data/palm":  # and the archives are not needed any more
        for path in folder.glob("*.zip"):
            path.unlink()
            assert sources.samples(sources.find()) == listed


@pytest.mark.parametrize("where", ["data/palm", "PALM_DIR", "PALM_DIR below the project"])
def test_an_archive_that_is_replaced_is_unpacked_again(machine, monkeypatch, where):
    folder = machine / "x" if where == "PALM_DIR" else machine / "project" / "data" / "palm"
    write(folder, OFFICIAL)
    if where != "data/palm":
        monkeypatch.setenv("PALM_DIR", str(folder) if where == "PALM_DIR" else "data/palm")
    assert found(sources.samples(sources.find())) == EXPECTED
    labels = {name: 1 - label for name, label in VALIDATION.items()}
    write(folder, {"valid_gt.zip": build.packed({"labels.csv": build.csv(labels)})})
    other = {name: data for name, data in build.training("").items() if name != "P0001.jpg"}
    write(folder, {"training.zip": build.packed({**other, "N0001.jpg": build.jpeg("N0099")})})
    for remove in (None, "training.zip", "valid_gt.zip"):
        if remove:
            (folder / remove).unlink()
            if folder == machine / "x":
                break  # what is unpacked elsewhere counts only as long as its archive is there
        listed = sources.samples(sources.find())
        expected = EXPECTED | {name: ("validation", label) for name, label in labels.items()}
        expected.pop("P0001")
        assert found(listed) == expected
        (image,) = [sample.path for sample in listed if sample.name == "N0001"]
        assert image.read_bytes() == build.jpeg("N0099")


def test_a_data_set_in_the_folder_of_what_was_unpacked(machine, monkeypatch):
    folder = write(machine / "project" / "data" / "palm" / "unpacked", build.unpacked())
    for value in ("", "data/palm/unpacked", str(folder)):
        monkeypatch.setenv("PALM_DIR", value)
        assert found(sources.samples(sources.find())) == EXPECTED


MIXTURES = {
    "training unpacked": {**build.training("PALM-Training400/PALM-Training400/"),
                          "validation.zip": OFFICIAL["validation.zip"], "valid_gt.zip": OFFICIAL["valid_gt.zip"]},
    "training packed": {"training.zip": OFFICIAL["training.zip"], **build.validation(), **LABELS},
    "the inner archive": {"PALM-Training400/PALM-Training400.zip": build.packed(build.training()),
                          **build.validation(), **LABELS},
    "training both": {**OFFICIAL, **build.training()},
    "one archive": {"everything (1).zip": build.packed(build.unpacked()),
                    "homework.zip": build.packed({"answer.py": "1"})},
    "one name in two folders": {"a/data.zip": OFFICIAL["training.zip"],
                                "b/data.zip": build.packed({**build.validation(), **LABELS})},
    "an archive in the folder that another is called after": {
        "training.zip": OFFICIAL["training.zip"], "training/validation.zip": OFFICIAL["validation.zip"], **LABELS},
}  # fmt: skip


@pytest.mark.parametrize("mixture", MIXTURES)
def test_partly_unpacked(machine, mixture):
    folder = write(machine / "project" / "data" / "palm", MIXTURES[mixture])
    for _ in range(2):
        assert found(sources.samples(folder)) == EXPECTED
    assert not (folder / "unpacked" / "homework").exists()


def test_archives_beside_a_complete_set_are_not_opened(folder, machine):
    write(folder, {"training.zip": b"not even a zip archive"})
    assert found(sources.samples(folder)) == EXPECTED
    assert not (machine / "project" / "data" / "palm").exists()


@pytest.mark.parametrize("first, error, message", [
    ({"training.zip": OFFICIAL["training.zip"]}, DataError,
     r"palm lacks validation images and the sheet .*validation\.zip"),
    ({**OFFICIAL, "training.zip": OFFICIAL["training.zip"][:-200]}, ArchiveError, r"training\.zip is truncated"),
])  # fmt: skip
def test_an_archive_that_is_added_or_mended_later(machine, first, error, message):
    folder = write(machine / "project" / "data" / "palm", first)
    with pytest.raises(error, match=message):
        sources.samples(folder)
    write(folder, OFFICIAL)
    assert found(sources.samples(folder)) == EXPECTED


@pytest.mark.parametrize("form", [build.release(), {"PALM.zip": build.packed(build.release())}], ids=["files", "zip"])
def test_the_open_re_release(machine, form):
    folder = write(machine / "project" / "data" / "palm", form)
    testing = {name.replace("V", "T"): ("testing", label) for name, label in VALIDATION.items()}
    assert found(sources.samples(folder)) == EXPECTED | testing


def test_the_re_releases_folders_say_the_part_of_any_name(machine):
    release = {name.replace("V0", "N9").replace("T0", "P9"): data for name, data in build.release(False).items()}
    labels = {name.replace("V0", "N9"): label for name, label in VALIDATION.items()}
    for part, letter in (("Validation", "N"), ("Testing", "P")):
        rows = {name.replace("N", letter): label for name, label in labels.items()}
        release[f"PALM/{part}/Classification Labels.xlsx"] = build.xlsx(rows, ("ID", "imgName", "Label"))
    listed = found(sources.samples(write(machine / "set", release)))
    assert {name: listed[name] for name in labels} == {name: ("validation", label) for name, label in labels.items()}
    assert listed["P9001"] == ("testing", 1)
    assert listed["P9002"] == ("testing", 0), "by the sheet, not by its name"


def test_testing_images_without_labels_are_left_out_with_a_word(machine):
    folder = write(machine / "set", build.release(testing_labels=False))
    with pytest.warns(UserWarning, match="set: the 8 testing images have no labels and are left out"):
        assert found(sources.samples(folder)) == EXPECTED


# --- labels and images -----------------------------------------------------------------------------------------------

MISFITS = {  # what is added to a data set, or replaced in it
    "label without image": ({"labels.csv": build.csv({**VALIDATION, "V0099": 1})},
                            r"V0099: in labels\.csv, but there is no such image in .*set. Put"),
    "many without image": ({"labels.csv": build.csv({**VALIDATION, **{f"V010{i}": 1 for i in range(5)}})},
                           r"V0100, V0101, V0102 and 2 more: in labels\.csv"),
    "image without label": ({"labels.csv": build.csv({name: 1 for name in VALIDATION if name != "V0003"})},
                            r"V0003\.jpg: no label in labels\.csv. Add the row"),
    "another name": ({"labels.csv": build.csv({**VALIDATION, "eye": 1})},
                     r"EYE: in labels\.csv, but there is no such image"),
    "against the name": ({"labels.csv": build.csv({**VALIDATION, "P0001": 0})},
                         r"labels\.csv: P0001 is 0, but 1 by the image's name. Correct"),
    "two sheets that differ": ({"gt/PM_Label_and_Fovea_Location.xlsx": build.xlsx({**VALIDATION, "V0002": 1})},
                               r"V0002 is \d, but \d by .*Correct one of them"),
    "two images of one name": ({"copy/P0001.jpg": build.jpeg("P0002")},
                               r"P0001\.jpg and .*P0001\.jpg have the same name but are not the same image"),
    **{f"no class in {name}": ({f"PALM-Training400/{name}": build.jpeg("P0001")},
                               r"PALM-Training400.*: no label. Names of the data set .*Rename or remove")
       for name in ("X0001.jpg", "P0001 (1).jpg", "P0001 - 副本.png")},
}  # fmt: skip


@pytest.mark.parametrize("kind", MISFITS)
def test_labels_and_images_that_do_not_fit(folder, kind):
    added, message = MISFITS[kind]
    write(folder, added)
    with pytest.raises(DataError, match=message):
        sources.samples(folder)


@pytest.mark.parametrize("missing, message", [
    ("labels.csv", r"set lacks the sheet with the labels .*PM_Label_and_Fovea_Location\.xlsx \(or labels\.csv\)"),
    ("PALM-Training400", "set lacks training images. It needs"),
    ("PALM-Validation400", "set lacks validation images. It needs"),
])  # fmt: skip
def test_a_missing_part(folder, missing, message):
    path = folder / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(DataError, match=message):
        sources.samples(folder)


def test_some_testing_images_without_labels(machine):
    write(machine / "set", {**build.release(), "PALM/Testing/Images/T0099.jpg": build.jpeg("T0099")})
    with pytest.raises(DataError, match=r"T0099\.jpg: no label in"):
        sources.samples(machine / "set")
