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
from tests.tools.palm_builder import files, packed, with_byte, write

import pytest

DATA = packed({"a/one.txt": "1" * 5000, "a/two.txt": "2", "three.txt": "3"})
CHINESE = packed({"眼.txt": "1"})
ENTRY = b"PK\x01\x02"  # begins each entry of the list at an archive's end
LINK = zipfile.ZipInfo("link")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16


@pytest.fixture
def archive(tmp_path):
    return write(tmp_path, {"data.zip": DATA}) / "data.zip"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out" / "data"


@pytest.fixture
def refused(archive, target):
    """Sees that an archive of these bytes is refused with this message, and that nothing is left of it anywhere."""

    def refused(data, message):
        archive.write_bytes(data)
        with pytest.raises(ArchiveError, match=message):
            unpack(archive, target)
        left = {path.relative_to(archive.parent).as_posix() for path in archive.parent.rglob("*")}
        assert left <= {"data.zip", "out", "out/.data.lock"}

    return refused


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


def test_folders_that_windows_programs_pack_as_members_are_no_files(tmp_path, target):
    by_attribute = zipfile.ZipInfo("b")
    by_attribute.external_attr = 0x10
    backslash = zipfile.ZipInfo("x")
    backslash.filename = backslash.orig_filename = "a\\"
    write(tmp_path, {"data.zip": packed({backslash: b"", "a\\1.txt": "1", by_attribute: b"", "b/2.txt": "2"})})
    assert archives.members(tmp_path / "data.zip") == ["a/1.txt", "b/2.txt"]
    unpack(tmp_path / "data.zip", target)
    assert files(target) == [archives.MARKER, "a/1.txt", "b/2.txt"]


def test_unpacks_once_whatever_the_file_is_called(archive, target, tmp_path):
    unpack(archive, target)
    before = (target / "three.txt").stat().st_mtime_ns
    unpack(archive.rename(tmp_path / "copy.zip"), target)
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


def test_missing_archive(tmp_path, target):
    with pytest.raises(ArchiveError, match=r"none\.zip cannot be read"):
        unpack(tmp_path / "none.zip", target)


DAMAGED_LIST = {
    **{f"truncated to {share:.0%}": (DATA[: int(len(DATA) * share)],
                                     r"data\.zip is truncated or no zip archive .*download it again")
       for share in (0.0, 0.3, 0.99)},
    "name in the list": (CHINESE.replace("眼".encode(), b"\xff\xff\xff"),
                         r"data\.zip is truncated or no zip archive .*download it again"),
    "version": (with_byte(CHINESE, CHINESE.index(ENTRY) + 6, 225),
                r"data\.zip is packed in a way unknown to Python \(zip file version 22\.5\).*Download it again"),
}  # fmt: skip
BAD = {
    **DAMAGED_LIST,
    "member": (with_byte(DATA, DATA.index(b"three.txt") + len("three.txt"), 0xFF),
               r"data\.zip is damaged at three\.txt .*download it again"),
    "name before the member only": (with_byte(CHINESE, CHINESE.index("眼".encode()), 0xFF),
                                    r"data\.zip is damaged at 眼\.txt .*download it again"),
    "encrypted": (with_byte(DATA, DATA.index(ENTRY) + 8, 1), r"data\.zip is encrypted. Unpack it by hand"),
    "Deflate64, which Windows writes for large files": (with_byte(DATA, DATA.index(ENTRY) + 10, 9),
                                                        r"data\.zip is packed in a way unknown to Python.*by hand"),
    **{name: (packed({"good.txt": "good", name: "evil"}), r"data\.zip has a member that points outside .*evil\.txt")
       for name in ("../evil.txt", "a/../../evil.txt", "/evil.txt", "C:/evil.txt", "C:evil.txt", "..\\evil.txt",
                    "\\\\server\\evil.txt")},
    "symbolic link": (packed({LINK: "/etc/passwd"}), r"data\.zip has a member that points outside .*: link"),
    "the same member twice": (packed({"a.txt": "1", "b.txt": "2"}).replace(b"b.txt", b"a.txt"),
                              r"data\.zip holds a\.txt twice"),
}  # fmt: skip


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_archive(refused, kind, nested):
    data, message = BAD[kind]
    if nested:
        refused(packed({"ok.txt": "ok", "x/inner.zip": data}), rf"inner\.zip inside .*{message}")
    else:
        refused(data, message)


@pytest.mark.parametrize("kind", DAMAGED_LIST)
def test_the_members_of_a_bad_archive(archive, kind):
    data, message = BAD[kind]
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match=message):
        archives.members(archive)


def test_bomb(refused, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 4000)
    refused(DATA, r"data\.zip would unpack to more than .* not the data set")


def test_bomb_inside_the_archive(refused, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 5000)  # each of them is below it
    bombs = {name: packed({f"{name}.txt": "0" * 3000}) for name in ("a.zip", "b.zip")}
    refused(packed(bombs), r"b\.zip inside .*data\.zip would unpack to more than")


def test_nested_too_deep(refused):
    data = packed({"x.txt": "x"})
    for depth in range(archives.MAX_DEPTH):
        data = packed({f"{depth}.zip": data})
    refused(data, "nested more than")


def test_too_little_room(refused, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=4000))
    refused(DATA, r"data\.zip needs .* are free on the disk. Free some space")


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


def test_a_full_disk_is_not_taken_for_a_damaged_archive(refused):
    with full_disk(1000):
        refused(DATA, r"cannot be unpacked to .*File too large.*by hand")


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
