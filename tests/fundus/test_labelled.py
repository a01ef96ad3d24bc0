"""fundus.labelled: photographs of one's own in any layout; what is wrong with them is said in a sentence."""
import dataclasses
import unicodedata
import warnings

from helpers.commands import predict
from helpers.fundus import labelled, photographs, sources
from helpers.fundus.errors import DataError, ImageError
from helpers.fundus.eye import sample_eye
from helpers.fundus.paint import paint_eye
from tests.tools import palm_builder as build
from tests.tools.palm_builder import encode, picture, saved_again, write

import cv2
import numpy as np
import pytest

IMAGE = encode(picture(0))
CLASSES = ("healthy", "glaucoma", "myopia")
HEADER = "file,label,patient,part"


def named(count=6, classes=CLASSES):
    """Names in a folder for each class, the same names in each of them."""
    return [f"{name}/{i}.jpg" for name in classes for i in range(count)]


def photos(names, more=()):
    """Files of photographs, each another one, and others."""
    return {**{name: encode(picture(seed, 48)) for seed, name in enumerate(names)}, **dict(more)}


def sheet(rows, header=HEADER):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


FLAT = [f"{i:02d}.jpg" for i in range(18)]
LABELS = [CLASSES[i % 3] for i in range(18)]


# --- layouts ----------------------------------------------------------------------------------------------------------


def test_a_folder_for_each_class(machine):
    folder = write(machine / "photos", photos(named(), {"healthy/deep/er/x.png": encode(picture(99), ".png")}))
    listed = labelled.samples(folder)
    assert listed.classes == ("healthy", "glaucoma", "myopia"), "healthy first, then by the alphabet"
    assert listed.origin == "a folder for each class"
    assert list(listed.names) == sorted([*named(), "healthy/deep/er/x.png"])
    assert [listed.classes[k] for k in listed.labels] == [name.split("/")[0] for name in listed.names]
    assert set(listed.patients) == set(listed.parts) == {""}
    assert all(path.is_file() for path in listed.paths)


@pytest.mark.parametrize("above", ["", "unpacked/", "a/b c/数据/"])
def test_how_deep_all_of_it_lies_does_not_matter(machine, above):
    folder = write(machine / "photos", photos([above + name for name in named()]))
    assert labelled.samples(folder).names == tuple(sorted(named()))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("file,label", "{name},{label}"), ("imgName;Label", "{stem};{label}"),
        ("\ufeffImage ID\tClass", "{stem}\t{label}"),
        ("图像,标签", "{name},{label}"), ("note,FILE_NAME,diagnosis", "x,photos\\{name},{label}"),
        ("image,label", "./{stem}.PNG,{label} "), ("path,category", "{folder}/{name},{label}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_a_sheet_as_people_save_it(machine, header, row, encoding):
    folder = machine / "photos"
    rows = [row.format(name=name, stem=name[:2], label=label, folder=folder)
            for name, label in zip(FLAT, LABELS, strict=True)]  # fmt: skip
    text = "\r\n".join([header, *rows])
    write(folder, photos(FLAT, {"anything.csv": text.removeprefix("\ufeff" * (encoding != "utf-8")).encode(encoding)}))
    listed = labelled.samples(folder)
    assert [listed.classes[k] for k in listed.labels] == LABELS
    assert listed.origin == "classes from anything.csv"


def test_a_workbook_and_numbers_that_excel_made_decimals_of(machine):
    grades = {name[:2]: float(i % 3) for i, name in enumerate(FLAT)}
    write(machine / "photos", photos(FLAT, {"Grades.xlsx": build.xlsx(grades, ("ID", "imgName", "Grade"))}))
    listed = labelled.samples(machine / "photos")
    assert listed.classes == ("0", "1", "2")
    assert listed.labels.tolist() == [i % 3 for i in range(18)]


def test_numbers_are_ordered_as_numbers_and_capitals_tell_nothing_apart(machine):
    rows = [(name, ["10", "9", "2"][i % 3]) for i, name in enumerate(FLAT)]
    write(machine / "photos", photos(FLAT, {"a.csv": sheet(rows, "name,grade")}))
    assert labelled.samples(machine / "photos").classes == ("2", "9", "10")
    rows = [(name, ["Sick", "SICK", "Normal"][i % 3]) for i, name in enumerate(FLAT)]
    write(machine / "photos", {"a.csv": sheet(rows, "name,grade")})
    assert labelled.samples(machine / "photos").classes == ("Normal", "Sick")


def test_full_width_labels_and_capitals_of_a_patient_tell_nothing_apart(machine):
    ones = ("1", "１", "1.0")
    rows = [(name, "0" if i < 9 else ones[i % 3], f"{'pP'[i % 2]}{i // 2}") for i, name in enumerate(FLAT)]
    write(machine / "photos", photos(FLAT, {"a.csv": sheet(rows, "name,label,patient")}))
    listed = labelled.samples(machine / "photos")
    assert listed.classes == ("0", "1") and len(set(listed.patients)) == 9


def test_patients_from_a_sheet_beside_folders_of_classes(machine):
    rows = [(name, name.split("/")[0][0] + str(i % 6 // 2 * 2)) for i, name in enumerate(named(12))]
    write(machine / "photos", photos(named(12), {"who.csv": sheet([(n, f"{p}{i}") for i, (n, p) in enumerate(rows)],
                                                                  "file,patient")}))  # fmt: skip
    listed = labelled.samples(machine / "photos")
    assert listed.origin == "a folder for each class, patients from who.csv"
    assert dict(zip(listed.names, listed.patients, strict=True))["glaucoma/3.jpg"] == f"{rows[15][1]}15"


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "validation", "Testing"), ("train", "test")])
def test_parts_from_folders(machine, names):
    listed = labelled.samples(write(machine / "p", photos([f"{part}/{name}" for part in names for name in named(2)])))
    assert listed.classes == CLASSES
    assert [sources.PARTS[["tr", "va", "te"].index(name[:2].lower())] for name in listed.names] == list(listed.parts)
    assert listed.origin == "a folder for each class, parts as given"


def test_parts_from_folders_where_a_sheet_gives_the_labels(machine):
    names = [f"{part}/{i}{part[1]}.jpg" for part in ("train", "test") for i in range(9)]
    rows = [(name, CLASSES[i % 3]) for i, name in enumerate(names)]
    listed = labelled.samples(write(machine / "p", photos(names, {"labels.csv": sheet(rows, "file,label")})))
    assert dict(zip(listed.names, listed.parts, strict=True)) == {
        name: "training" if name.startswith("train") else "testing" for name in names
    }  # fmt: skip


def test_parts_from_a_sheet_and_validation_where_it_is_all_there_is(machine):
    rows = [(*both, "", ["train", "val"][i // 9]) for i, both in enumerate(zip(FLAT, LABELS, strict=True))]
    listed = labelled.samples(write(machine / "p", photos(FLAT, {"a.csv": sheet(rows)})))
    assert list(listed.parts) == ["training"] * 9 + ["testing"] * 9
    assert listed.origin == "classes from a.csv, parts as given (validation is for testing)"


def test_part_folders_count_where_the_sheets_own_column_is_empty(machine):
    names = [f"{part}/{name}" for part in ("train", "test") for name in named(2)]
    more = {"a.csv": sheet([(name, "") for name in names], "file,part")}
    assert set(labelled.samples(write(machine / "p", photos(names, more))).parts) == {"training", "testing"}


def test_folders_called_as_a_part_may_be_classes(machine):
    names = [f"{name}/{i}.jpg" for name in ("test", "control") for i in range(6)]
    assert labelled.samples(write(machine / "p", photos(names))).classes == ("control", "test")


def test_parts_of_a_sheet_win_over_folders_and_need_none(machine):
    names = [*(f"{part}/{name}" for part in ("train", "test") for name in named(2)), "extra/healthy/x.jpg"]
    more = {"a.csv": sheet([(name, ["test", "train"][i % 2]) for i, name in enumerate(names)], "file,part")}
    assert len(labelled.samples(write(machine / "p", photos(names, more))).names) == 13
    more["b/empty/x.txt"] = ""
    names = [f"{name}/deep/{i}.jpg" for name in CLASSES for i in range(2)]
    more["a.csv"] = sheet([(name, ["test", "train"][i % 2]) for i, name in enumerate(names)], "file,part")
    with pytest.raises(DataError, match=r"no photograph in .*b, and each folder"):
        labelled.samples(write(machine / "q", photos(names, more)))


@pytest.mark.parametrize("more", ["README.txt", "Thumbs.db", "masks/0.png"])
def test_what_lies_beside_the_one_folder_does_not_hide_it(machine, more):
    folder = write(machine / "p", {**photos([f"in/{name}" for name in named()]), more: b"x"})
    assert labelled.samples(folder).names == tuple(sorted(named()))


def test_letters_that_are_written_in_two_ways_are_one_class(machine):
    """macOS writes an accent as a letter of its own."""
    both = [unicodedata.normalize(form, "kératose") for form in ("NFC", "NFD")]
    names = [f"{part}/{name}/{i}.jpg" for part, k in zip(("train", "test"), both, strict=True)
             for name in (k, "healthy", "Healthy  eyes ") for i in range(3)]  # fmt: skip
    listed = labelled.samples(write(machine / "p", photos(names, {f"test/healthy eyes/{i}.jpg": IMAGE for i in "ab"})))
    assert [np.count_nonzero(listed.labels == k) for k in range(3)] == [6, 8, 6]


def test_capitals_tell_no_patients_apart(machine):
    rows = [[name, label, f"{'pP'[i // 3 % 2]}{i // 6}{i % 3}"]
            for i, (name, label) in enumerate(zip(FLAT, LABELS, strict=True))]  # fmt: skip
    with pytest.raises(DataError, match=r"each class needs patients .*: healthy has 3"):
        labelled.samples(write(machine / "p", photos(FLAT, {"a.csv": sheet(rows, "file,label,patient")})))


def test_what_is_not_meant_is_left_alone(machine):
    more = {"notes.csv": "a,b\n1,2\n", "healthy/readme.txt": "x", ".hidden/x.jpg": IMAGE, "masks/0.png": IMAGE}
    more["~$a.xlsx"] = ""
    assert len(labelled.samples(write(machine / "p", photos(named(), more))).names) == 18


def test_what_is_left_out_is_counted(machine):
    more = {"healthy/a.jp2": b"", "README.md": "x", "masked/0.png": IMAGE, "__MACOSX/healthy/._0.jpg": b"",
            "who.csv": sheet([(n, n) for n in named()], "file,patient")}  # fmt: skip
    assert labelled.samples(write(machine / "p", photos(named(), more))).origin == (
        "a folder for each class, patients from who.csv; left out: 2 files of other kinds, masked (masks, by the name)"
    )


def test_a_link_round_in_a_circle_brings_no_photograph_again_and_depth_hides_none(machine):
    deep = f"healthy/{'/'.join('abcdefghijkl')}/x.jpg"
    folder = write(machine / "p", photos([*named(), deep]))
    (folder / "healthy" / "circle").symlink_to(folder, target_is_directory=True)
    (folder / "myopia" / "to").symlink_to(folder / "healthy" / "a", target_is_directory=True)
    (folder / "healthy" / "a" / "back").symlink_to(folder / "myopia", target_is_directory=True)
    listed = labelled.samples(folder)
    assert deep in listed.names
    assert [np.count_nonzero(listed.labels == k) for k in range(3)] == [6 + 1 + 6, 6, 6 + 1]


def test_names_with_the_backslashes_of_another_system(machine):
    """An archive that was packed on Windows may unpack to them."""
    names = [f"a\\{name}" for name in FLAT]
    more = {"a.csv": sheet(zip(names, LABELS, strict=True), "name,label")}
    assert len(labelled.samples(write(machine / "p", photos(names, more))).names) == 18


def test_what_nobody_sees_tells_no_classes_apart(machine):
    rows = [(name, ["mild DR", "mild DR\u200b", "ｓevere\u00a0DR", "severe DR"][i % 4]) for i, name in enumerate(FLAT)]
    listed = labelled.samples(write(machine / "p", photos(FLAT, {"a.csv": sheet(rows, "name,label")})))
    assert listed.classes == ("mild DR", "severe DR")


@pytest.mark.parametrize("files", [build.unpacked(), build.official(), build.release()])
def test_the_data_set_is_recognised_first(machine, files):
    folder = write(machine / "set", files)
    assert sources.is_palm(folder)
    data = photographs.read(folder, 24, progress=False)
    assert not data.own
    assert data.classes == photographs.CLASSES


@pytest.mark.parametrize("lacking", ["labels.csv", "PALM-Validation400"])
def test_a_part_of_the_data_set_is_not_taken_for_photographs_of_ones_own(machine, lacking):
    folder = write(machine / "set", {k: v for k, v in build.unpacked().items() if not k.startswith(lacking)})
    with pytest.raises(DataError, match=r"lacks .*validation images.*Photographs of your own"):
        photographs.read(folder, 24, progress=False)


# --- what is wrong ----------------------------------------------------------------------------------------------------


def rows(change=None, **columns):
    """Rows of a sheet of FLAT: name, label, patient, part; `change` puts others in the place of some."""
    full = [[name, label, "", ""] for name, label in zip(FLAT, LABELS, strict=True)]
    for place, row in (change or {}).items():
        full[place : place + 1] = [row] if row else []
    return full


HALVES = ["train"] * 9 + ["test"] * 9
WRONG = {
    "one class": (photos(named(6, ["healthy"])), "all 6 photographs are of one class, healthy .*two at least"),
    "too few": (photos(named()[:-3]), r"each class needs photographs to train .* 5 at least: myopia has 3 \("),
    "too few patients": (
        photos(FLAT, {"a.csv": sheet([[n, k, "ann" if k == "myopia" else n, ""] for n, k, *_ in rows()])}),
        "each class needs patients to train .*: myopia has 1 ",
    ),
    "an empty class": (photos(named(), {"amd/notes.txt": ""}), "no photograph in .*amd, and each folder"),
    "an empty class of a part": (
        photos([f"{p}/{n}" for p in ("train", "test") for n in named(2)], {"test/amd/x.txt": ""}),
        "no photograph in .*amd",
    ),
    "a folder beside the parts": (
        photos([*(f"{p}/{n}" for p in ("train", "test") for n in named(4)), "more/1.jpg", "more/2.jpg"]),
        r"^more in .*photos: beside the parts \(test and train\), and in none of them\. Move it into one of them",
    ),
    "a part beside the classes": (
        photos([*named(4), *(f"test/{n}" for n in named(2))]), r"^glaucoma, healthy, myopia in .*the parts \(test\)",
    ),
    "a photograph beside the parts": (
        photos([*(f"{p}/{p}{n}" for p in ("train", "test") for n in FLAT), "x.jpg"],
               {"a.csv": sheet([*((f"{p}{n}", k) for p in ("train", "test") for n, k in zip(FLAT, LABELS, strict=True)),
                                ("x.jpg", "healthy")], "name,label")}),
        r"^x\.jpg in .*: beside the parts \(test and train\)",
    ),
    "outside the classes": (
        photos([*named(), "x.jpg", "y.jpg"]), "2 photographs in .* in no folder of a class: x.jpg, y.jpg",
    ),
    "label without image": (
        photos(FLAT, {"a.csv": sheet([*rows(), ["x.jpg", "myopia"], ["y", "myopia"], ["", "myopia"]])}),
        r"a\.csv: 3 rows without a photograph in .*: x\.jpg \(row 20\), y \(row 21\), no name \(row 22\)\. Put",
    ),
    "image without label": (
        photos([*FLAT, "x.jpg"], {"a.csv": sheet(rows())}),
        r"1 photograph in .* without a row in a\.csv: x\.jpg\. Add the rows",
    ),
    "empty label": (
        photos(FLAT, {"a.csv": sheet(rows({4: ["04.jpg", "", "", ""]}))}),
        r"a\.csv: 1 photograph without a label: 04\.jpg \(row 6\)\. Fill the column label",
    ),
    "two of one name": (
        photos([*FLAT[:3], *FLAT[4:], "b/03.jpg", "c/03.jpg"], {"a.csv": sheet(rows())}),
        r"a\.csv, row 5: 03\.jpg could be b/03\.jpg, c/03\.jpg\.",
    ),
    "two suffixes": (
        photos([*FLAT, "03.png"], {"a.csv": sheet(rows({3: ["03", "healthy"]}))}),
        r"row 5: 03 could be 03\.jpg, 03\.png\.",
    ),
    "two labels": (
        photos(FLAT, {"a.csv": sheet([*rows(), ["00.jpg", "myopia", "", ""]])}),
        r"a\.csv: rows 2 and 20 say different things of 00\.jpg",
    ),
    "two sheets": (
        photos(FLAT, {"a.csv": sheet(rows()), "b.csv": sheet(rows())}), r"a\.csv and .*b\.csv both say something",
    ),
    "two columns": (
        photos(FLAT, {"a.csv": sheet(rows(), "file,label,class,part")}), "the columns label and class could both be",
    ),
    "names as labels": (
        photos([f"{i}.jpg" for i in range(100)],
               {"a.csv": sheet([[f"{i}.jpg", f"x{i}"] for i in range(100)], "name,label")}),
        r"100 classes for 100 photographs: x0, x1, x10 and 97 more \(.*a\.csv, column label\)\. This seems to be",
    ),
    "an unknown part": (
        photos(FLAT, {"a.csv": sheet([[*r[:3], p] for r, p in zip(rows(), ["huh", *HALVES[1:]], strict=True)])}),
        r"the column part says huh, and must say train, val or test",
    ),
    "a part that is empty in places": (
        photos(FLAT, {"a.csv": sheet([[*r[:3], p] for r, p in zip(rows(), ["", *HALVES[1:]], strict=True)])}),
        r"the column part says nothing, and must",
    ),
    "nothing to test": (
        photos(FLAT, {"a.csv": sheet([[*r[:3], "train"] for r in rows()])}),
        "all photographs are for training: there must be",
    ),
    "a part without a class": (
        photos(FLAT, {"a.csv": sheet([[*r[:3], "test" if r[1] == "myopia" else "train"] for r in rows()])}),
        "no photograph of the class healthy is for testing",
    ),
    "a patient in two parts": (
        photos(FLAT, {"a.csv": sheet([[*r[:2], "ann" if i in (0, 17) else "", p]
                                      for i, (r, p) in enumerate(zip(rows(), HALVES, strict=True))])}),
        "1 patient in more than one part: ann. A network would be tested on eyes that it was trained on",
    ),
    "no text": (photos(FLAT, {"a.csv": b"\xff\x00\xff\xff\x81"}), r"a\.csv"),
    "nothing says the classes": (photos(FLAT), "holds nothing of the data set.*Photographs of your own need a folder"),
    "another sheet": (photos(FLAT, {"a.csv": sheet(rows(), "x,y,z,w")}), "Photographs of your own need a folder"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_and_how_to_mend_it(machine, what):
    files, message = WRONG[what]
    with pytest.raises(DataError, match=message) as caught:
        photographs.read(write(machine / "photos", files), 24, progress=False)
    assert str(caught.value)[-1] in '."'
    assert len(str(caught.value)) < 700


def test_all_that_cannot_be_read_is_named_at_once(machine):
    bad = {"healthy/a.jpg": b"", "healthy/b.heic": b"\0\0\0\x18ftypheic" + bytes(99), "myopia/c.png": b"text"}
    with pytest.raises(ImageError, match=r"^3 of 21 .*\n.*a\.jpg has zero.*\n.*b\.heic is a HEIC.*\n.*c\.png cannot"):
        photographs.read(write(machine / "photos", photos(named(), bad)), 24, progress=False)


# --- the data set -----------------------------------------------------------------------------------------------------


def eye(kind, number, size=160):
    rng = np.random.default_rng([7, ord(kind), number])
    return paint_eye(sample_eye(kind, rng), size, rng)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder of 3 x 20 rendered eyes, two of each patient."""
    folder = tmp_path_factory.mktemp("own")
    files = {f"{kind}/{i:02d}.jpg": encode(eye(kind, i)) for kind in "HNP" for i in range(20)}
    patients = [(name, name[0] + str(int(name[2:4]) // 2)) for name in files]
    return write(folder, {**files, "patients.csv": sheet(patients, "file,patient")})


@pytest.fixture
def data(own, machine):
    return photographs.read(own, 32, progress=False)


def who(data):
    return {f"{name[0]}{int(name[2:4]) // 2}" for name in data.names}


def test_it_is_a_data_set_like_any_other(data):
    assert repr(data) == "FundusSet(60 own images of 32 px, 20 H, 20 N, 20 P)"
    assert (data.images.shape, data.labels.dtype, data.classes) == ((60, 32, 32, 3), np.int64, ("H", "N", "P"))
    assert (data.sizes == 160).all()
    assert "testing" in data.summary()
    assert "a folder for each class, patients from patients.csv" in data.summary()
    assert data.subset(np.arange(3)).classes == data.classes


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_in_two_parts(data, seed):
    parts = photographs.split(data, 0.25, seed)
    assert sum(map(len, parts)) == 60
    for one, other in ((parts.train, parts.validation), (parts.train, parts.test), (parts.validation, parts.test)):
        assert not who(one) & who(other)
        assert not set(one.groups) & set(other.groups)
    assert [np.bincount(part.labels).min() >= 2 for part in parts] == [True] * 3


def test_the_seed_chooses_the_validation_part_and_never_the_test_part(data, own, machine):
    again = photographs.read(own, 32, cache=False, progress=False)
    splits = [photographs.split(again, 0.2, seed) for seed in (0, 0, 1)] + [photographs.split(data, 0.2, 5)]
    assert len({parts.test.names for parts in splits}) == 1
    assert splits[0].validation.names == splits[1].validation.names != splits[2].validation.names
    assert 10 <= len(splits[0].test) <= 14


def test_copies_stay_together_without_any_patient_named(machine):
    names = named(10)
    pictures = [picture(i, 224) for i in range(len(names))]
    for i in range(5):  # five pairs of copies
        pictures[2 * i] = saved_again(pictures[2 * i + 1], 1.5)
    files = {name: encode(image) for name, image in zip(names, pictures, strict=True)}
    folder = write(machine / "photos", files)
    for seed in range(5):
        parts = photographs.split(photographs.read(folder, 32, progress=False), 0.3, seed)
        for part in parts:
            assert all((names[2 * i] in part.names) == (names[2 * i + 1] in part.names) for i in range(5))


def test_one_photograph_in_two_classes_is_named(machine):
    files = photos(named(6))
    files["myopia/0.jpg"] = files["healthy/0.jpg"]
    folder = write(machine / "photos", files)
    said = r"^1 photograph with a copy in another class: healthy/0\.jpg \(healthy\) = myopia/0\.jpg \(myopia\)\. Remove"
    with pytest.warns(UserWarning, match=said):
        photographs.read(folder, 32, progress=False)
    (folder / "myopia/0.jpg").write_bytes(encode(picture(99, 48)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photographs.read(folder, 32, progress=False)


def test_a_copy_of_a_test_photograph_is_not_trained_on_where_the_parts_are_given(machine):
    files = photos([f"{part}/{name}" for part in ("train", "val", "test") for name in named(4)])
    files["train/healthy/0.jpg"] = files["test/healthy/0.jpg"]
    files["train/healthy/1.jpg"] = files["val/healthy/0.jpg"]
    data = photographs.read(write(machine / "photos", files), 32, progress=False)
    parts = photographs.split(data, validation=0.5, seed=3)
    assert [len(part) for part in parts] == [10, 12, 12], "the user's own validation part wins"
    assert not {"train/healthy/0.jpg", "train/healthy/1.jpg"} & set(parts.train.names)
    assert len(photographs.split(data, 0.5, drop_duplicates=False).train) == 12


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_class_of_which_a_part_has_only_copies_is_named(machine, part):
    files = photos([f"{part}/{name}" for part in ("train", "val", "test") for name in named(4)])
    for i in range(4):
        files[f"{part}/glaucoma/{i}.jpg"] = files[f"test/glaucoma/{i}.jpg"]
    data = photographs.read(write(machine / "photos", files), 32, progress=False)
    whole = {"train": "training", "val": "validation"}[part]
    wrong = rf"no photograph of the class glaucoma is left for {whole}: {part}/glaucoma/0\.jpg, .* and 1 more show what"
    with pytest.raises(DataError, match=wrong):
        photographs.split(data, 0)
    assert [len(each) for each in photographs.split(data, drop_duplicates=False)] == [12, 12, 12]


def test_a_validation_part_of_copies_is_not_quietly_made_of_others(machine):
    files = photos([f"{part}/{name}" for part in ("train", "test") for name in named(6)])
    files |= {f"val/{name}": files[f"test/{name}"] for name in named(6)}
    data = photographs.read(write(machine / "photos", files), 32, progress=False)
    with pytest.raises(DataError, match="no photograph of the class healthy is left for validation"):
        photographs.split(data, 0.2)


def test_training_and_prediction_see_the_same(machine):
    """A field of view on a wide white page is cut out for both, to the same pixels."""
    names = named()
    wide = np.full((300, 500, 3), 255, np.uint8)
    disc = cv2.circle(np.zeros((160, 160), np.uint8), (80, 80), 79, 255, -1)
    wide[70:230, 170:330][disc > 0] = eye("N", 0)[disc > 0]
    folder = write(machine / "photos", {**photos(names), "myopia/wide.png": encode(wide, ".png")})
    data = photographs.read(folder, 48, progress=False)
    place = data.names.index("myopia/wide.png")
    np.testing.assert_array_equal(data.images[place], predict.look(folder / "myopia/wide.png", 48)[1])
    assert (data.images[place].max(axis=2) > 15).mean() > 0.7, "it fills the picture"


def test_nothing_is_decoded_a_second_time(own, machine, monkeypatch):
    first = photographs.read(own, 24, progress=False)
    monkeypatch.setattr(labelled, "read_image", None)
    np.testing.assert_array_equal(photographs.read(own, 24, progress=False).images, first.images)


def test_groups_must_be_as_many(data):
    with pytest.raises(ValueError, match="equally many"):
        dataclasses.replace(data, names=data.names[1:])
