"""fundus.render: a data set in the layout of the real one, repeatable, and safe with other people's files.

How a folder comes into being whole is tested in tests/test_files.py, the images themselves in test_paint.py.
"""
import csv
import errno
import json
import os

from helpers.fundus import photographs
from helpers.fundus import render as module
from helpers.fundus.render import render

import cv2
import numpy as np
import pytest


def files(folder):
    """Every file below `folder` but locks: its path and its bytes."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """40 training and 20 validation images of 64 px, in a Chinese path that did not exist."""
    return render(tmp_path_factory.mktemp("fundus") / "眼底 图像" / "集", (40, 20), 64, seed=3, progress=False)


# --- a data set -------------------------------------------------------------------------------------------------------

def test_the_layout_is_that_of_the_real_set(rendered):
    names = sorted(path.name for path in (rendered / "PALM-Training400").iterdir())
    assert len(names) == 40 and {name[0] for name in names} == set("HNP") and "P0001.jpg" in names
    assert sorted(p.name for p in (rendered / "PALM-Validation400").iterdir())[::19] == ["V0001.jpg", "V0020.jpg"]
    with (rendered / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["ID", "imgName", "Label", "Fovea_X", "Fovea_Y"]
    assert [row["imgName"] for row in rows] == [f"V{i:04d}.jpg" for i in range(1, 21)]
    assert json.loads((rendered / "RENDERED.json").read_text())["settings"]["seed"] == 3


def test_the_reader_of_real_images_reads_it(rendered):
    data = photographs.read(rendered, 64, cache=False, progress=False)
    assert len(data) == 60 and not data.real and not data.duplicates(), "each image differs from all others"
    labels = {name: int(label) for name, label in zip(data.names, data.labels, strict=True)}
    assert all(label == (name[0] == "P") for name, label in labels.items() if name[0] != "V")
    assert 0 < sum(label for name, label in labels.items() if name[0] == "V") < 20


def test_the_proportions_are_those_of_the_real_set():
    training = module.kinds(400, module.SHARES["training"])
    assert [training.count(kind) for kind in "HNP"] == [26, 161, 213]
    assert module.kinds(400, module.SHARES["validation"]).count("P") == 211
    for count in (20, 100, 250):  # and of each beginning
        assert abs(training[:count].count("P") / count - 213 / 400) < 0.03
        assert training[:count] == module.kinds(count, module.SHARES["training"])


def test_the_sheet_tells_which_images_are_pathologic_and_where_the_fovea_is(tmp_path):
    folder = render(tmp_path / "set", (1, 120), 64, progress=False)
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kinds = module.kinds(120, module.SHARES["validation"])
    assert set(kinds) == set("HNP") and [row["Label"] for row in rows] == [str(int(kind == "P")) for kind in kinds]
    darker, left = [], []
    for row, kind in zip(rows, kinds, strict=True):
        x, y = int(float(row["Fovea_X"])), int(float(row["Fovea_Y"]))
        if kind == "N" and 12 < x < 52 and 12 < y < 52 and abs(x - 32) > 3:
            green = cv2.imread(str(folder / "PALM-Validation400" / row["imgName"]))[..., 1].astype(np.float32)
            green = cv2.GaussianBlur(green, (0, 0), 2)
            darker.append(green[y, x] < green[y, 63 - x])  # than the same place of the mirrored image
            left.append(x < 32)
    for side in (False, True):
        some = np.array(darker)[np.array(left) == side]
        assert len(some) > 10 and some.mean() > 0.65


def test_eyes_of_both_sides_or_the_same_eyes_with_the_disc_on_the_left(tmp_path):
    pictures, foveas = {}, {}
    for both in (True, False):
        folder = render(tmp_path / str(both), (1, 60), 64, progress=False, both_sides=both)
        paths = sorted((folder / "PALM-Validation400").iterdir())
        pictures[both] = np.array([cv2.imread(str(path)) for path in paths]).astype(int)
        with (folder / "labels.csv").open(encoding="utf-8") as file:
            foveas[both] = np.array([float(row["Fovea_X"]) for row in csv.DictReader(file)])
    mirrored = foveas[True] != foveas[False]
    assert 15 < sum(mirrored) < 45 and (foveas[False] > 28).all()
    np.testing.assert_allclose(foveas[True][mirrored], 64 - foveas[False][mirrored], atol=0.011)
    np.testing.assert_array_equal(pictures[True][~mirrored], pictures[False][~mirrored])
    swapped = pictures[False][mirrored, :, ::-1]
    assert np.abs(pictures[True][mirrored] - swapped).mean() < 3, "the same but for JPEG"
    assert np.abs(pictures[True] - pictures[False])[mirrored].mean() > 6


def test_the_same_seed_gives_the_same_bytes_and_more_images_change_none(rendered, tmp_path):
    again = files(render(tmp_path / "again", (40, 20), 64, seed=3, progress=False))
    assert again == files(rendered)
    fewer = files(render(tmp_path / "fewer", (12, 5), 64, seed=3, progress=False))
    assert all(again[name] == data for name, data in fewer.items() if name.endswith(".jpg"))
    other = files(render(tmp_path / "other", (12, 5), 64, seed=4, progress=False))
    assert not any(again[name] == data for name, data in other.items() if name.endswith(".jpg"))


def test_one_number_is_divided_two_to_one(tmp_path):
    folder = render(tmp_path / "set", 7, 32, progress=False)
    assert [len(list((folder / part).iterdir())) for part in module.FOLDERS.values()] == [5, 2]


def test_the_bar_is_on_stdout_and_can_be_switched_off(tmp_path, capsys):
    render(tmp_path / "a", (2, 1), 32, progress=False)
    assert capsys.readouterr() == ("", "")
    render(tmp_path / "b", (2, 1), 32)
    out, err = capsys.readouterr()
    assert "rendering" in out and err == ""


# --- a folder that is there already -----------------------------------------------------------------------------------

def test_a_complete_folder_is_used_again(tmp_path):
    folder = render(tmp_path / "set", (3, 2), 32, progress=False)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    render(folder, (3, 2), 32, progress=False)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == times


def test_what_file_managers_leave_there_is_no_image(tmp_path):
    render(tmp_path / "set", (6, 6), 32, progress=False)
    before = (tmp_path / "set" / module.RENDERED).stat().st_mtime_ns
    for name in (".DS_Store", "PALM-Training400/Thumbs.db"):
        (tmp_path / "set" / name).write_bytes(b"x")
    render(tmp_path / "set", (6, 6), 32, progress=False)
    assert (tmp_path / "set" / module.RENDERED).stat().st_mtime_ns == before


@pytest.mark.parametrize("change", ["lost image", "lost sheet", "other version"])
def test_an_incomplete_or_outdated_folder_is_made_anew(tmp_path, change):
    folder = render(tmp_path / "set", (3, 2), 32, progress=False)
    whole = files(folder)
    image, sheet = folder / "PALM-Training400" / "P0001.jpg", folder / "labels.csv"
    if change == "other version":
        marker = json.loads(whole["RENDERED.json"])
        marker["settings"]["version"] -= 1
        (folder / "RENDERED.json").write_text(json.dumps(marker))
    else:
        (image if change == "lost image" else sheet).unlink()
    assert files(render(folder, (3, 2), 32, progress=False)) == whole


def test_other_settings_replace_what_was_rendered(tmp_path):
    folder = render(tmp_path / "set", (5, 3), 32, progress=False)
    render(folder, (3, 2), 48, seed=1, progress=False)
    assert files(folder) == files(render(tmp_path / "fresh", (3, 2), 48, seed=1, progress=False))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fresh.lock", ".set.lock", "fresh", "set"]


@pytest.mark.parametrize("rendered_before", [False, True])
@pytest.mark.parametrize("stranger", ["notes.txt", "PALM-Training400/P0001.jpg", "PALM-Validation400/V0400.jpg",
                                      "models/best.npz"])  # fmt: skip
@pytest.mark.parametrize("size", [32, 48])
def test_a_file_that_was_not_rendered_or_was_changed_is_never_lost(tmp_path, rendered_before, stranger, size):
    """Real images above all: they have the names of rendered ones."""
    if rendered_before:
        render(tmp_path / "palm", (3, 2), 32, progress=False)
    path = tmp_path / "palm" / stranger
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"precious")
    before = files(tmp_path)
    with pytest.raises(FileExistsError, match=rf"not rendered, or was changed since \({stranger}\)"):
        render(tmp_path / "palm", (3, 2), size, progress=False)
    assert files(tmp_path) == before


def test_a_marker_that_is_not_ours_gives_no_right_to_delete(tmp_path):
    folder = tmp_path / "palm"
    folder.mkdir()
    for content in ("{}", "[]", "no json", '{"files": {}}', '{"files": 3, "settings": {}}'):
        (folder / "RENDERED.json").write_text(content)
        with pytest.raises(FileExistsError):
            render(folder, (3, 2), 32, progress=False)


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "set").write_text("precious")
    with pytest.raises(FileExistsError):
        render(tmp_path / "set", (3, 2), 32, progress=False)
    assert (tmp_path / "set").read_text() == "precious"


def test_an_empty_folder_is_fine(tmp_path):
    (tmp_path / "set").mkdir()
    assert len(files(render(tmp_path / "set", (3, 2), 32, progress=False))) == 7


@pytest.mark.parametrize(("count", "size", "seed", "message"), [
    *((count, 32, 0, "count") for count in (-1, 0, 1, (-3, 5), (5, 0), (0, 5))),
    ((3, 2), 16, 0, "at least 32"),
    ((3, 2), 32, -1, "seed"),
])  # fmt: skip
def test_wrong_settings_are_told_before_anything_is_written(tmp_path, count, size, seed, message):
    with pytest.raises(ValueError, match=message):
        render(tmp_path / "set", count, size, seed, progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "raised", "message"), [
    (errno.EACCES, PermissionError, "cannot write .*set .*choose another folder"),
    (errno.EROFS, PermissionError, "cannot write .*set .*choose another folder"),
    (errno.ENOSPC, OSError, os.strerror(errno.ENOSPC)),
])  # fmt: skip
def test_a_disk_that_refuses(tmp_path, monkeypatch, number, raised, message):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "made_whole", refuse)
    with pytest.raises(raised, match=message):
        render(tmp_path / "set", (3, 2), 32, progress=False)
