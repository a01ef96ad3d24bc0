import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from helpers import archives
from helpers.archives import ArchiveError, unpack
from tests.palm_builder import packed, write

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
    return not target.exists() and files(target.parent) in ([], [".lock"])


def test_unpacks_all_files(archive, target):
    assert unpack(archive, target) == target
    assert files(target) == [archives.MARKER, "a/one.txt", "a/two.txt", "three.txt"]
    assert (target / "a/one.txt").read_text() == "1" * 5000
    assert files(target.parent) == sorted([".lock", *(f"data/{name}" for name in files(target))])


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
    assert files(target.parent) == [".lock", "data/.unpacked", "data/four.txt"]


def test_a_folder_with_other_files_is_left_alone(archive, target):
    write(target, {"mine.txt": "mine"})
    with pytest.raises(ArchiveError, match=r"data\.zip .*holds other files. Move that folder away"):
        unpack(archive, target)
    assert files(target.parent) == [".lock", "data/mine.txt"]


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


def test_encrypted_archive(archive, target):
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flags in both kinds of headers
        position = -1
        while (position := data.find(signature, position + 1)) >= 0:
            data[position + offset] |= 1
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"data\.zip is encrypted. Unpack it by hand"):
        unpack(archive, target)
    assert nothing_left(target)


def test_unknown_compression(archive, target):
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        position = -1
        while (position := data.find(signature, position + 1)) >= 0:
            data[position + offset] = 9  # Deflate64, which Windows writes for large files
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"data\.zip is packed in a way unknown to Python.*by hand"):
        unpack(archive, target)
    assert nothing_left(target)


def renamed(data, old, new):
    """The same archive with other bytes for a name, in both kinds of headers."""
    assert len(old) == len(new) and data.count(old) == 2
    return data.replace(old, new)


def in_the_directory_only(data, old, new):
    position = data.rindex(old)
    return data[:position] + new + data[position + len(old) :]


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(("harm", "message"), [
    (lambda data: renamed(data, "眼".encode(), b"\xff\xff\xff"), "is truncated or no zip archive"),
    (lambda data: in_the_directory_only(data, b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xe1"),
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
    assert set(files(tmp_path)) - set(before) <= {"out/.lock"}


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
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6 - 4000, 4000))
    with pytest.raises(ArchiveError, match=r"data\.zip needs .* are free on the disk. Free some space"):
        unpack(archive, target)
    assert nothing_left(target)


class FullDisk:
    """A file that takes some bytes and then finds the disk full."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, data):
        self.file.write(data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_disk_full_while_unpacking(archive, target, monkeypatch):
    open_file = Path.open

    def open_full(path, mode="r", *rest, **options):
        file = open_file(path, mode, *rest, **options)
        return FullDisk(file) if "x" in mode else file

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(ArchiveError, match=r"disk was full while unpacking .*data\.zip .*nothing was kept. Free some"):
        unpack(archive, target)
    monkeypatch.undo()
    assert nothing_left(target)
    assert files(unpack(archive, target)) == [archives.MARKER, "a/one.txt", "a/two.txt", "three.txt"]


def test_folder_without_write_permission(archive, target, monkeypatch):
    # A real read-only folder does not stop root, as whom the tests may run.
    def refuse(path, *rest, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ArchiveError, match=r"data\.zip cannot be unpacked to .*may not be written.*set PALM_DIR"):
        unpack(archive, target)


def test_what_was_unpacked_is_used_where_nothing_can_be_written(archive, target, monkeypatch):
    unpack(archive, target)

    def refuse(path):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(archives, "locked", refuse)
    assert unpack(archive, target) == target
    archive.write_bytes(packed({"four.txt": "4"}))
    with pytest.raises(ArchiveError, match="may not be written"):
        unpack(archive, target)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere; Windows has other rights")
def test_read_only_folder(archive, target):
    target.parent.mkdir()
    target.parent.chmod(0o555)
    try:
        with pytest.raises(ArchiveError, match="may not be written"):
            unpack(archive, target)
    finally:
        target.parent.chmod(0o755)


def test_a_file_where_the_folder_should_be(archive, tmp_path):
    write(tmp_path, {"out": "a file"})
    with pytest.raises(ArchiveError, match=r"data\.zip cannot be unpacked to .*set PALM_DIR"):
        unpack(archive, tmp_path / "out" / "data")


# Unpacks argv[1] to argv[2], and stops for good with the first file half written.
STOPPED = """
import signal, sys, time
from helpers import archives
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
def stop(bundle, info, path, bar, title):
    path.write_text("half")
    print("started", flush=True)
    time.sleep(60)
archives._extract_member = stop
archives.unpack(sys.argv[1], sys.argv[2])
"""


def start(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_killed_process_leaves_nothing_that_counts(archive, target):
    process = start(STOPPED, archive, target)
    assert process.stdout.readline() == "started\n"
    process.kill()
    process.communicate()
    assert not target.exists()
    assert any("half" in path.read_text() for path in target.parent.rglob("*.txt")), "the test should leave something"
    unpack(archive, target)
    assert files(target) == [archives.MARKER, "a/one.txt", "a/two.txt", "three.txt"]
    assert [path.name for path in target.parent.iterdir() if path.name != "data"] == [".lock"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no interrupt for one process")
def test_an_interrupted_process_cleans_up(archive, target):
    process = start(STOPPED, archive, target)
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode != 0
    assert nothing_left(target)


def test_two_processes_at_once(archive, target):
    slow = "import time\nfrom helpers import archives\nextract = archives._extract_member\n"
    slow += "archives._extract_member = lambda *a: (print('started', flush=True), time.sleep(0.3), extract(*a))\n"
    slow += "import sys\narchives.unpack(sys.argv[1], sys.argv[2])\n"
    first = start(slow, archive, target)
    assert first.stdout.readline() == "started\n"
    began = time.monotonic()
    second = start(slow, archive, target)
    outputs = [process.communicate()[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert outputs[1] == "", "the second waits, finds the folder complete, and unpacks nothing"
    assert time.monotonic() - began > 0.5
    assert files(target.parent) == [".lock", "data/.unpacked", "data/a/one.txt", "data/a/two.txt", "data/three.txt"]


def test_progress(archive, target, capsys):
    unpack(archive, target, progress=True)
    output = capsys.readouterr()
    assert "data.zip" in output.out
    assert output.err == ""
    unpack(archive, target.with_name("again"))
    assert capsys.readouterr() == ("", "")
