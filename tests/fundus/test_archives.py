"""fundus.archives: everything is unpacked or nothing, never outside the folder, and a sentence says what is wrong.

How a folder comes into being whole is tested in tests/test_files.py.
"""
import errno
import os
import shutil
import stat
import zipfile
from types import SimpleNamespace

from helpers.fundus import archives
from helpers.fundus.archives import unpack
from helpers.fundus.errors import ArchiveError
from tests.tools.disk import full_disk
from tests.tools.palm_builder import packed, write

import pytest


@pytest.fixture
def archive(tmp_path):
    write(tmp_path, {"in/data.zip": packed({"a/one.txt": "1" * 5000, "a/two.txt": "2", "three.txt": "3"})})
    return tmp_path / "in" / "data.zip"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out" / "data"


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def nothing_left(target):
    """Neither the target nor anything half done beside it."""
    return not target.exists() and files(target.parent) in ([], [".data.lock"])


def test_unpacks_all_files(archive, target):
    assert unpack(archive, target) == target
    assert files(target) == [archives.MARKER, "a/one.txt", "a/two.txt", "three.txt"]
    assert (target / "a/one.txt").read_text() == "1" * 5000
    assert files(target.parent) == sorted([".data.lock", *(f"data/{name}" for name in files(target))])


def test_unpacks_the_zip_inside_the_zip_where_it_lies(tmp_path, target):
    inner = packed({"P/x.txt": "x", "P/deeper.ZIP": packed({"y.txt": "y"})})
    write(tmp_path, {"data.zip": packed({"P/P.zip": inner})})
    unpack(tmp_path / "data.zip", target)
    assert files(target) == [archives.MARKER, "P/P/x.txt", "P/P/y.txt"]


def test_backslashes_of_windows_programs_are_folders(tmp_path, target):
    write(tmp_path, {"data.zip": packed({"a\\b\\c.txt": "c"})})
    assert archives.members(tmp_path / "data.zip") == ["a/b/c.txt"]
    unpack(tmp_path / "data.zip", target)
    assert "a/b/c.txt" in files(target)


def test_unpacks_once_whatever_the_file_is_called(archive, target, tmp_path):
    unpack(archive, target)
    before = (target / "three.txt").stat().st_mtime_ns
    copy = tmp_path / "copy.zip"
    copy.write_bytes(archive.read_bytes())
    unpack(copy, target)
    assert (target / "three.txt").stat().st_mtime_ns == before


def test_another_archive_replaces_the_folder(archive, target):
    unpack(archive, target)
    archive.write_bytes(packed({"four.txt": "4"}))
    unpack(archive, target)
    assert files(target.parent) == [".data.lock", "data/.unpacked", "data/four.txt"]


def test_a_folder_with_other_files_is_left_alone(archive, target):
    write(target, {"mine.txt": "mine"})
    with pytest.raises(ArchiveError, match=r"data\.zip .*holds other files. Move that folder away"):
        unpack(archive, target)
    assert files(target.parent) == [".data.lock", "data/mine.txt"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_truncated_archive(archive, target, share):
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ArchiveError, match=r"data\.zip is truncated or no zip archive .*download it again"):
        unpack(archive, target)
    assert nothing_left(target)


def test_truncated_archive_inside_the_archive(tmp_path, target):
    inner = packed({"x.txt": "x" * 1000})
    write(tmp_path, {"data.zip": packed({"ok.txt": "ok", "P/P.zip": inner[:-30]})})
    with pytest.raises(ArchiveError, match=r"P\.zip inside .*data\.zip is truncated"):
        unpack(tmp_path / "data.zip", target)
    assert nothing_left(target)


def test_damaged_member(archive, target):
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as bundle:
        info = bundle.getinfo("three.txt")
    data[info.header_offset + 30 + len("three.txt")] ^= 0xFF
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"data\.zip is damaged at three\.txt .*download it again"):
        unpack(archive, target)
    assert nothing_left(target)


def test_missing_archive(tmp_path, target):
    with pytest.raises(ArchiveError, match=r"none\.zip cannot be read"):
        unpack(tmp_path / "none.zip", target)


def in_the_headers(data, offset, change):
    """Change a byte of every member's header, before the member and in the list at the end, where it is 2 further."""
    data = bytearray(data)
    for signature, further in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        position = -1
        while (position := data.find(signature, position + 1)) >= 0:
            data[position + offset + further] = change(data[position + offset + further])
    return data


@pytest.mark.parametrize(("offset", "change", "message"), [
    (6, lambda flags: flags | 1, r"data\.zip is encrypted. Unpack it by hand"),
    # Deflate64, which Windows writes for large files
    (8, lambda method: 9, r"data\.zip is packed in a way unknown to Python.*by hand"),
])  # fmt: skip
def test_what_python_cannot_unpack(archive, target, offset, change, message):
    archive.write_bytes(in_the_headers(archive.read_bytes(), offset, change))
    with pytest.raises(ArchiveError, match=message):
        unpack(archive, target)
    assert nothing_left(target)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(("harm", "message"), [
    (lambda data: data.replace("眼".encode(), b"\xff\xff\xff"), "is truncated or no zip archive"),
    (lambda data: data.replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xe1"),
     r"packed in a way unknown to Python \(zip file version 22\.5\).*Download it again"),
])  # fmt: skip
def test_damaged_directory(tmp_path, target, harm, message, nested):
    data = harm(packed({"眼.txt": "1"}))
    write(tmp_path, {"data.zip": packed({"x/inner.zip": data}) if nested else data})
    with pytest.raises(ArchiveError, match=rf"data\.zip .*{message}" if not nested else message):
        unpack(tmp_path / "data.zip", target)
    assert nothing_left(target)
    if not nested:
        with pytest.raises(ArchiveError, match=message):
            archives.members(tmp_path / "data.zip")


def test_a_name_that_is_damaged_before_the_member_only(tmp_path, target):
    name = "眼.txt".encode()
    data = packed({"眼.txt": "1"})
    write(tmp_path, {"data.zip": data.replace(name, b"\xff" + name[1:], 1)})
    with pytest.raises(ArchiveError, match=r"data\.zip is damaged at 眼\.txt .*download it again"):
        unpack(tmp_path / "data.zip", target)
    assert nothing_left(target)


OUTSIDE = ["../evil.txt", "a/../../evil.txt", "/evil.txt", "C:/evil.txt", "C:evil.txt"]
OUTSIDE += ["..\\evil.txt", "\\\\server\\evil.txt"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("nested", [False, True])
def test_member_outside_the_target(tmp_path, target, name, nested):
    data = packed({"good.txt": "good", name: "evil"})
    write(tmp_path, {"data.zip": packed({"x/inner.zip": data}) if nested else data})
    before = files(tmp_path)
    with pytest.raises(ArchiveError, match=r"data\.zip has a member that points outside .*evil\.txt"):
        unpack(tmp_path / "data.zip", target)
    assert nothing_left(target)
    assert set(files(tmp_path)) - set(before) <= {"out/.data.lock"}


def test_symbolic_link(tmp_path, target):
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        bundle.writestr(link, "/etc/passwd")
    with pytest.raises(ArchiveError, match=r"data\.zip has a member that points outside .*: link"):
        unpack(path, target)
    assert nothing_left(target)


def test_the_same_member_twice(tmp_path, target):
    path = tmp_path / "data.zip"
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("a.txt", "1")
        bundle.writestr("a.txt", "2")
    with pytest.raises(ArchiveError, match=r"data\.zip holds a\.txt twice"):
        unpack(path, target)
    assert nothing_left(target)


def test_bomb(archive, target, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 4000)
    with pytest.raises(ArchiveError, match=r"data\.zip would unpack to more than .* not the data set"):
        unpack(archive, target)
    assert nothing_left(target)


def test_bomb_inside_the_archive(tmp_path, target, monkeypatch):
    write(tmp_path, {"data.zip": packed({name: packed({f"{name}.txt": "0" * 3000}) for name in ("a.zip", "b.zip")})})
    monkeypatch.setattr(archives, "MAX_BYTES", 5000)  # each of them is below it
    with pytest.raises(ArchiveError, match=r"b\.zip inside .*data\.zip would unpack to more than"):
        unpack(tmp_path / "data.zip", target)
    assert nothing_left(target)


def test_nested_too_deep(tmp_path, target):
    data = packed({"x.txt": "x"})
    for depth in range(archives.MAX_DEPTH):
        data = packed({f"{depth}.zip": data})
    write(tmp_path, {"data.zip": data})
    with pytest.raises(ArchiveError, match="nested more than"):
        unpack(tmp_path / "data.zip", target)
    assert nothing_left(target)


def test_too_little_room(archive, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=4000))
    with pytest.raises(ArchiveError, match=r"data\.zip needs .* are free on the disk. Free some space"):
        unpack(archive, target)
    assert nothing_left(target)


@pytest.mark.parametrize(("number", "message"), [
    (errno.ENOSPC, r"disk was full while unpacking .*data\.zip to .*; nothing was kept. Free some"),
    (errno.EDQUOT, r"disk was full while unpacking .*data\.zip to .*; nothing was kept. Free some"),
    (errno.EROFS, r"data\.zip cannot be unpacked to .*may not be written.*set PALM_DIR"),
    (errno.EACCES, r"data\.zip cannot be unpacked to .*may not be written.*set PALM_DIR"),
])  # fmt: skip
def test_what_the_disk_refuses_is_said_in_a_sentence(archive, target, monkeypatch, number, message):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(archives, "made_whole", refuse)
    with pytest.raises(ArchiveError, match=message):
        unpack(archive, target)


def test_a_full_disk_is_not_taken_for_a_damaged_archive(archive, target):
    with full_disk(1000), pytest.raises(ArchiveError, match=r"cannot be unpacked to .*File too large.*by hand"):
        unpack(archive, target)
    assert nothing_left(target)


def test_a_file_where_the_folder_should_be(archive, tmp_path):
    write(tmp_path, {"out": "a file"})
    with pytest.raises(ArchiveError, match=r"data\.zip cannot be unpacked to .*set PALM_DIR"):
        unpack(archive, tmp_path / "out" / "data")


def test_progress(archive, target, capsys):
    unpack(archive, target, progress=True)
    output = capsys.readouterr()
    assert "data.zip" in output.out
    assert output.err == ""
    unpack(archive, target.with_name("again"))
    assert capsys.readouterr() == ("", "")
