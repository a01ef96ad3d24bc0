"""What is found below a folder of hand-ins, in zips, in any encoding; and what is bad costs nobody else anything."""
import gzip
import json
import os
import subprocess
import zipfile
from pathlib import Path

from helpers.homework import reading
from helpers.homework.reading import read_all
from helpers.homework.roster import Register, Student
from helpers.homework.writing import decode, typed
from tests.tools import hand_ins as make

import pytest


def found(folder):
    """The students of the hand-ins that were read, and the problems of the rest, by their paths."""
    everything = {hand_in.path: hand_in for hand_in in read_all(folder)}
    return {path: one.problem or one.content.student_id for path, one in everything.items()}


def test_hand_ins_are_found_by_any_name_and_at_any_depth(tmp_path):
    for name in ("a.json", "B.JSON", "deep/er/than/that/answers (3).json", "c.json.txt", "d.json_1"):
        make.write(tmp_path / name, make.data(name[:1]))
    make.write(tmp_path / "named as json.json", make.notebook(make.data("n")))
    assert found(tmp_path) == {
        "a.json": "a", "B.JSON": "B", "deep/er/than/that/answers (3).json": "d", "c.json.txt": "c", "d.json_1": "d",
        "named as json.json": "n",
    }  # fmt: skip


def test_what_systems_and_nbgrader_lay_beside_is_passed_over(tmp_path):
    beside = (
        ".DS_Store", "__MACOSX/._answers.json", ".ipynb_checkpoints/04_homework-checkpoint.ipynb", "Thumbs.db",
        "timestamp.txt", "~$report.docx",
    )  # fmt: skip
    for name in beside:
        make.write(tmp_path / "eve/homework" / name, b"x")
    make.write(tmp_path / "eve/homework/variants.json", {"course": "batchnorm-dropout", "format": 1, "students": {}})
    assert found(tmp_path) == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030"])
def test_any_encoding_is_read(tmp_path, encoding):
    make.write(tmp_path / "answers.json", make.data("1", "王小明"), encoding)
    [hand_in] = read_all(tmp_path)
    assert hand_in.content.name == "王小明"


def test_zips_of_a_learning_platform_are_read_without_being_unpacked(tmp_path):
    inner = make.packed({"04_homework.ipynb": make.notebook(make.data("in"))})
    files = {"王小明_2026001/answers.json": make.data("out"), "李雷_2026002/作业.zip": inner, "空/": b""}
    for name, gbk in (("old", True), ("new", False)):
        make.write(tmp_path / name / "all.zip", make.packed(files, gbk))
    assert found(tmp_path) == {
        f"{name}/all.zip/{path}": who
        for name in ("old", "new")
        for path, who in (("王小明_2026001/answers.json", "out"), ("李雷_2026002/作业.zip/04_homework.ipynb", "in"))
    }
    assert len(list(tmp_path.rglob("*.*"))) == 2
    assert [one.content.student_id for one in read_all(tmp_path / "new/all.zip")] == ["in", "out"]


def test_zips_are_found_by_the_names_that_browsers_give_them(tmp_path):
    names = ("homework.zip(1)", "h.zip.download", "H.ZIP_2", "a.zip.json.zip")
    for name in names:
        make.write(tmp_path / name, make.packed({"homework/answers.json": make.data("in")}))
    make.write(tmp_path / "all.zip.json", make.data("no zip"))
    assert found(tmp_path) == {**{f"{name}/homework/answers.json": "in" for name in names}, "all.zip.json": "no zip"}
    owners = [Register([Student("in")]).owner(hand_in) for hand_in in read_all(tmp_path)]
    assert [owner.student.id for owner in owners if owner.known] == ["in"] * len(names)  # none is nbgrader's folder


def test_a_hand_in_that_is_packed_in_another_way_is_named_so(tmp_path):
    make.write(tmp_path / "answers.json", make.packed({"answers.json": make.data("1")}))
    make.write(tmp_path / "answers.json.rar", b"Rar!\x1a\x07\x01\x00")
    make.write(tmp_path / "answers.json.gz", gzip.compress(b"{}"))
    make.write(tmp_path / "4.ipynb.7z", b"7z\xbc\xaf\x27\x1c")
    kinds = {"answers.json": "zip", "answers.json.rar": "rar", "answers.json.gz": "gzip", "4.ipynb.7z": "7z"}
    assert found(tmp_path) == {
        name: f"it is packed ({kind}): not read, unpack it" for name, kind in kinds.items()
    }  # fmt: skip


def test_a_folder_in_a_zip_is_no_file_that_could_not_be_read(tmp_path):
    """Some programs on Windows pack folders with a backslash, or with an attribute alone."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as bundle:
        for name, attributes in (("eve\\", 0), ("homework", 0x10)):
            folder = zipfile.ZipInfo("x")
            folder.filename, folder.external_attr = name, attributes
            bundle.writestr(folder, b"")
        bundle.writestr("eve\\answers.json", json.dumps(make.data("1")))
    assert found(tmp_path) == {"all.zip/eve/answers.json": "1"}


def test_bad_zips_are_named_and_the_others_are_read(tmp_path, monkeypatch):
    good = make.packed({"answers.json": make.data("good")})
    make.write(tmp_path / "good.zip", good)
    make.write(tmp_path / "cut.zip", good[: len(good) // 2])
    flipped = bytearray(good)
    flipped[60] ^= 1
    make.write(tmp_path / "flipped.zip", bytes(flipped))
    locked = bytearray(good)
    locked[6] |= 1
    locked[good.index(b"PK\1\2") + 8] |= 1
    make.write(tmp_path / "locked.zip", bytes(locked))
    make.write(tmp_path / "no.zip", b"no zip")
    make.write(tmp_path / "empty.zip", make.packed({}))
    make.write(tmp_path / "bomb.zip", make.packed({"a.json": b" " * 20_000_000, "b.json": make.data("b")}))
    with zipfile.ZipFile(tmp_path / "rare.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.json", "{}")
    russian = good
    for _ in range(4):
        russian = make.packed({"x.zip": russian})
    make.write(tmp_path / "russian.zip", russian)
    said = found(tmp_path)
    assert said.pop("good.zip/answers.json") == "good" and said.pop("bomb.zip/b.json") == "b"
    assert said == {
        "cut.zip": "the zip is damaged", "flipped.zip/answers.json": "the zip is damaged",
        "locked.zip/answers.json": "the zip is locked with a password", "no.zip": "the zip is damaged",
        "empty.zip": "the zip is empty", "bomb.zip/a.json": "it is packed beyond reason: not unpacked",
        "rare.zip/a.json": "packed in a rare way: unpack it yourself",
        "russian.zip/x.zip/x.zip/x.zip": "a zip in a zip in a zip in a zip",
    }  # fmt: skip
    monkeypatch.setattr(reading, "ROOM", 500)
    assert found(tmp_path)["good.zip/answers.json"] == "it unpacks to too much: not read"


def test_what_one_student_packs_leaves_room_for_the_others(tmp_path, monkeypatch):
    good = make.packed({"answers.json": make.data("good")})
    large = make.packed({f"{number}.json": make.data("large") for number in range(20)})
    files = {"a.zip": large, "b.zip": good, "c.zip": make.packed({"x.zip": large, "y.zip": good})}
    make.write(tmp_path / "all.zip", make.packed(files))
    monkeypatch.setattr(reading, "INNER", 5000)
    said = found(tmp_path)
    assert said["all.zip/a.zip/0.json"] == "large"
    assert said["all.zip/a.zip/19.json"] == "it unpacks to too much: not read"
    assert said["all.zip/b.zip/answers.json"] == "good"
    monkeypatch.setattr(reading, "ROOM", len(large) + 6000)  # what the zips within unpack to is taken from it too
    assert "too much" in found(tmp_path)["all.zip/c.zip"]


def test_limits_on_size_and_number(tmp_path, monkeypatch):
    for name in "abcde":
        make.write(tmp_path / f"{name}.json", make.data(name))
    monkeypatch.setattr(reading, "LARGEST", 100)
    assert set(found(tmp_path).values()) == {"more than 0 MB: not read"}
    monkeypatch.undo()
    monkeypatch.setattr(reading, "MOST", 3)
    for name in "fghij":
        make.write(tmp_path / "many" / f"{name}.json", make.data(name))
    said = found(tmp_path)
    assert len(said) == 9 and said["many"] == "more than 3 files are in it, the rest is not read"
    assert {said[f"{name}.json"] for name in "abcde"} == set("abcde")  # the others are read all the same


@pytest.mark.skipif(os.name == "nt", reason="no links or pipes")
def test_links_pipes_and_locked_folders_are_named(tmp_path):
    make.write(tmp_path / "real/answers.json", make.data("real"))
    (tmp_path / "link.json").symlink_to("real/answers.json")
    (tmp_path / "folder").symlink_to("real", target_is_directory=True)
    (tmp_path / "circle").symlink_to(".", target_is_directory=True)
    os.mkfifo(tmp_path / "pipe.json")
    said = found(tmp_path)
    assert said.pop("real/answers.json") == "real"
    assert said.keys() == {"link.json", "folder", "circle", "pipe.json"}
    assert all("not read" in problem for problem in said.values())


@pytest.mark.skipif(os.name == "nt", reason="paths are shorter there")
def test_a_folder_of_two_thousand_floors_and_a_name_in_gbk(tmp_path):
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(2100):
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(here)
    make.write(tmp_path / os.fsdecode("王小明.json".encode("gbk")), make.data("1"))
    said = found(tmp_path)
    assert said.pop("王小明.json") == "1" and len(said) == 1  # the other: File name too long
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # Python's own way to remove it is not as deep


@pytest.mark.parametrize("value", [
    [], 5, "text", None, {"cells": 5}, {"cells": [5, {"outputs": 5}, {"outputs": [5, {"data": 5}]}]},
    {"worksheets": []}, {"course": "batchnorm-dropout"}, {"course": []}, make.data() | {"student": []},
    make.data() | {"answers": {"counts": [], "table": {}}}, make.data() | {"format": 2}, make.data() | {"more": 1},
    make.data() | {"variant": {"numbers": {}, "signature": ""}}, make.data() | {"checksum": None},
])  # fmt: skip
def test_other_json_is_named(tmp_path, value):
    for name in ("plain", "shown"):
        shown = name == "shown"
        make.write(tmp_path / f"{name}.json", make.notebook(value) if shown else value)
    assert all(hand_in.content is None and hand_in.problem for hand_in in read_all(tmp_path))


def test_the_hand_in_of_a_notebook_is_read_however_an_editor_keeps_it(tmp_path):
    data = make.data("1")
    text = make.json.dumps(data, indent=1)
    for name, shown in {"object": data, "text": text, "lines": text.splitlines(keepends=True)}.items():
        make.write(tmp_path / f"{name}.ipynb", make.notebook(shown))
    assert {*found(tmp_path).values()} == {"1"}


def test_the_courses_own_solutions_are_no_hand_in(tmp_path):
    solutions = make.make_homework.SOLUTIONS["zh"].read_bytes()
    make.write(tmp_path / "eve/answers.ipynb", solutions)
    assert found(tmp_path) == {"eve/answers.ipynb": "these are the course's own solutions"}


@pytest.mark.parametrize(("text", "number"), [
    ("27", 27), (" ２７ ", 27), ("８６７，０４１，２８０", 867041280), ("－５", -5), ("[]", []), ("［３，４］", [3, 4]),
    ("(3, 4,)", [3, 4]), ("【３、４】", [3, 4]), (["２", "x"], [2, "x"]),
])  # fmt: skip
def test_numbers_in_full_width_digits_are_numbers(text, number):
    assert typed(text) == number


@pytest.mark.parametrize("text", ["", "2 7", "1,2", "27.0", "5²", "٢٧", "[3, x]", "[[3]]", "0x1F", "9" * 41, True])
def test_other_text_stays_as_it_is(text):
    assert typed(text) is text


def test_text_in_no_known_encoding_is_refused():
    with pytest.raises(ValueError, match="UTF-8, UTF-16 or GBK"):
        decode(b"\xff\xff\xff")
