"""helpers.files: a file or a folder is there whole or as it was, nothing else is left, and damage is found."""
import errno
import os
import pickle
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import nullcontext
from pathlib import Path

from helpers import ROOT
from helpers.files import (
    DamagedFile,
    decode,
    is_formula,
    made_whole,
    read_arrays,
    write_arrays,
    write_atomically,
    zip_files,
)  # fmt: skip
from tests.tools.disk import full_disk
from tests.tools.palm_builder import packed, with_byte
from tests.tools.waiting import SECONDS

import numpy as np
import pytest


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- one file ---------------------------------------------------------------------------------------------------------

def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "new" / "眼底.txt"
    assert write_atomically(path, lambda file: file.write(b"one")) == 3
    assert path.read_bytes() == b"one"
    before = path.stat().st_ino
    write_atomically(str(path), lambda file: file.write(b"two"))
    assert path.read_bytes() == b"two"
    assert path.stat().st_ino != before, "written into the old file, which somebody may be reading"
    assert names(tmp_path / "new") == ["眼底.txt"]


def test_the_file_has_its_name_only_when_it_is_whole(tmp_path):
    def fill(file):
        file.write(b"half")
        assert names(tmp_path) == [Path(file.name).name]
        assert file.name.endswith(".part")
        assert Path(file.name).parent == tmp_path

    write_atomically(tmp_path / "a", fill)
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("size, error, raised", [
    (4, ValueError, ValueError),
    (4, KeyboardInterrupt, KeyboardInterrupt),
    *((size, error, OSError)  # a full disk, in closing the file and in writing to it, and after a first error
      for size in (2000, 20_000) for error in (None, RuntimeError)),
])  # fmt: skip
def test_a_failure_leaves_what_was_there(tmp_path, size, error, raised):
    (tmp_path / "a").write_bytes(b"old")

    def fill(file):
        file.write(bytes(size))
        if error:
            raise error

    with full_disk(1000) if raised is OSError else nullcontext(), pytest.raises(raised) as caught:
        write_atomically(tmp_path / "a", fill)
    assert raised is not OSError or "File too large" in str(caught.value)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_files_and_folders_have_the_rights_of_any_other(tmp_path):
    (tmp_path / "other").touch()
    write_atomically(tmp_path / "a", lambda file: None)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "other").stat().st_mode
    (tmp_path / "other folder").mkdir()
    made_whole(tmp_path / "folder", lambda: False, lambda new: None)
    assert (tmp_path / "folder").stat().st_mode == (tmp_path / "other folder").stat().st_mode


def test_a_killed_process_leaves_a_part_and_the_old_file(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    code = (
        "import os, sys; from helpers.files import write_atomically\n"
        "write_atomically(sys.argv[1], lambda file: (file.write(b'half'), file.flush(), os._exit(9)))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], cwd=ROOT).returncode == 9
    assert (tmp_path / "a").read_bytes() == b"old"
    assert len(list(tmp_path.glob("*.part"))) == 1, "what the next checkpoint in this folder removes"


# --- arrays -----------------------------------------------------------------------------------------------------------

ARRAYS = {
    "images": np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8),
    "model/conv.weight": np.linspace(-1, 1, 7, dtype=np.float32),
    "about": np.array('{"epochs": 3}'),
}


def test_arrays_come_back_bit_for_bit(tmp_path):
    write_arrays(tmp_path / "new" / "a.npz", ARRAYS)
    read = read_arrays(tmp_path / "new" / "a.npz")
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_a_missing_file_is_not_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        read_arrays(tmp_path / "none.npz")


class Hostile:
    """Unpickling it writes a file."""

    def __reduce__(self):
        return Path.write_text, (Path("hostile-code-ran"), "")


def changed(before, offset, change):
    """Change the byte that lies `offset` after the first place of `before`."""

    def harm(path):
        data = path.read_bytes()
        position = data.index(before) + offset
        path.write_bytes(with_byte(data, position, change(data[position])))

    return harm


def other_header(old, new):
    """Replace a part of the arrays' headers, in an archive whose checksums fit."""

    def harm(path):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name).replace(old, new) for name in archive.namelist()}
        path.write_bytes(packed(members))

    return harm


TEXT = packed({"images.npy": "no array"})
LIST = b"PK\x01\x02"  # begins the list at the archive's end
HARM = {
    "one array": lambda path: write_atomically(path, lambda file: np.save(file, np.zeros(3))),
    "archive of text": lambda path: path.write_bytes(TEXT),
    "a block of no kind that there is": lambda path: path.write_bytes(with_byte(TEXT, 30 + len("images.npy"), 0xFF)),
    "version": changed(LIST, 6, lambda byte: byte ^ 0xFF),
    "encrypted": changed(LIST, 8, lambda flags: flags | 1),
    "number of images": changed(b"(20, 32", 1, lambda digit: ord("1")),  # one bit makes 20 images 10
    "open bracket": other_header(b", }", b",  "),
    "type": other_header(b"|u1", b",u1"),
    "key": other_header(b" 'fortran_order'", b"b'fortran_order'"),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "one bit": changed(b"", 30_000, lambda byte: byte ^ 1),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"these are no arrays"),
    "pickle": lambda path: path.write_bytes(pickle.dumps(Hostile())),
    "objects": lambda path: np.savez(path, images=np.array([Hostile()], dtype=object)),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_named_and_runs_no_code(tmp_path, monkeypatch, harm):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.npz"
    write_arrays(path, ARRAYS)
    HARM[harm](path)
    with pytest.raises(DamagedFile, match=r"bad\.npz is damaged, or is no \.npz file of plain arrays"):
        read_arrays(path)
    assert not Path("hostile-code-ran").exists()


# --- one folder -------------------------------------------------------------------------------------------------------

def current(target, text="new"):
    """Whether `target` holds the one file that `fill` makes."""
    return lambda: (target / "a.txt").is_file() and (target / "a.txt").read_text() == text


def fill(folder, text="new"):
    (folder / "a.txt").write_text(text)


def filled(target, text):
    target.mkdir()
    fill(target, text)
    return target


def test_a_folder_is_made_and_replaced(tmp_path):
    target = tmp_path / "missing" / "眼底"
    made_whole(target, current(target, "old"), lambda new: fill(new, "old"))
    (target / "b.txt").touch()
    made_whole(target, current(target), fill)
    made_whole(target, current(target), lambda new: pytest.fail("it is current, and made again"))
    assert names(target) == ["a.txt"]
    assert current(target)()
    assert names(target.parent) == [".眼底.lock", "眼底"]


def test_the_folder_has_its_name_only_when_it_is_whole(tmp_path):
    target = filled(tmp_path / "set", "old")

    def make(new):
        fill(new)
        assert new.parent.name.startswith(".set.part-") and new.parent.parent == tmp_path
        assert current(target, "old")()

    made_whole(target, current(target), make)
    assert current(target)()


def test_the_working_directory_is_never_taken_for_a_folder_without_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(filled(tmp_path / "set", "old"))

    def refuse():
        raise FileExistsError("it holds other files")

    with pytest.raises(FileExistsError, match="other files"):
        made_whole(Path(), refuse, fill)
    assert names(tmp_path) == [".set.lock", "set"]


def fails(error):
    def make(new):
        fill(new)
        raise error

    return make


def too_much(new):
    with full_disk(1000):
        (new / "a.txt").write_bytes(bytes(2000))


@pytest.mark.parametrize("make, error", [
    (fails(ValueError()), ValueError),
    (fails(KeyboardInterrupt()), KeyboardInterrupt),
    (shutil.rmtree, FileNotFoundError),  # the new folder cannot take the place of the old one, which was moved away
    (too_much, OSError),
])  # fmt: skip
@pytest.mark.parametrize("there_before", [False, True])
def test_what_fails_leaves_what_was_there_and_nothing_else(tmp_path, make, error, there_before):
    target = tmp_path / "set"
    if there_before:
        filled(target, "old")
    with pytest.raises(error):
        made_whole(target, current(target), make)
    assert names(tmp_path) == [".set.lock", "set"][: 1 + there_before]
    if there_before:
        assert current(target, "old")()
    made_whole(target, current(target), fill)
    assert current(target)()


def test_a_folder_that_must_not_be_replaced_is_left_alone(tmp_path):
    """Whether it holds other files before, or someone puts one there while the new folder is made."""
    target = tmp_path / "set"

    def is_current():
        if target.exists():
            raise FileExistsError("it holds other files")
        return False

    with pytest.raises(FileExistsError, match="other files"):
        made_whole(target, is_current, lambda new: filled(target, "precious"))
    with pytest.raises(FileExistsError, match="other files"):
        made_whole(target, is_current, lambda new: pytest.fail("made"))
    assert current(target, "precious")()
    assert names(tmp_path) == [".set.lock", "set"]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_what_is_current_is_used_where_nothing_can_be_written(tmp_path, monkeypatch, number):
    target, open_path = filled(tmp_path / "set", "new"), Path.open

    def refuse(path, mode="r", *rest, **options):
        # A real read-only folder does not stop root, as whom the tests may run.
        if "r" not in mode:
            raise OSError(number, os.strerror(number), str(path))
        return open_path(path, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", refuse)
    made_whole(target, current(target), fill)
    with pytest.raises(OSError, match=os.strerror(number)):
        made_whole(target, current(target, "newer"), fill)
    monkeypatch.undo()
    assert current(target)()


# Makes the folder argv[1]: says so, and goes on when it hears a line.
SLOW = """
import pathlib, signal, sys
from helpers.files import made_whole
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
target = pathlib.Path(sys.argv[1])
def make(new):
    (new / "a.txt").write_text("half")
    print("started", flush=True)
    sys.stdin.readline()
    (new / "a.txt").write_text("new")
made_whole(target, lambda: (target / "a.txt").is_file() and (target / "a.txt").read_text() == "new", make)
"""


@pytest.fixture
def start():
    """Starts processes that make a folder, and ends those that are left."""
    processes = []

    def start(target):
        processes.append(subprocess.Popen(
            [sys.executable, "-c", SLOW, str(target)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        ))  # fmt: skip
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_killed_process_leaves_nothing_that_counts_and_the_next_call_cleans_up(tmp_path, start):
    target = tmp_path / "set [1]"  # brackets are no pattern
    (tmp_path / ".set-2.part-x").mkdir()  # of another folder, which may be being made
    process = start(target)
    assert process.stdout.readline() == "started\n"
    process.kill()
    process.communicate()
    assert not target.exists()
    assert any(name.startswith(".set [1].part-") for name in names(tmp_path)), "the test should leave something"
    made_whole(target, current(target), fill)
    assert names(tmp_path) == [".set [1].lock", ".set-2.part-x", "set [1]"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no interrupt for one process")
def test_an_interrupted_process_cleans_up(tmp_path, start):
    process = start(tmp_path / "set")
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate()[1]
    assert names(tmp_path) == [".set.lock"]


@pytest.mark.parametrize("there_before", [False, True])
def test_a_second_process_waits_and_makes_nothing(tmp_path, start, there_before):
    target = tmp_path / "set"
    if there_before:
        filled(target, "old")
    first = start(target)
    assert first.stdout.readline() == "started\n"
    second = start(target)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(3)
    outputs = [process.communicate("go on\n", timeout=SECONDS) for process in (first, second)]
    assert outputs == [("", ""), ("", "")], "the second process has made it as well"
    assert (first.returncode, second.returncode) == (0, 0)
    assert current(target)()
    assert names(tmp_path) == [".set.lock", "set"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk"])
def test_text_of_any_usual_encoding(encoding):
    assert decode("V0001,眼底\n".encode(encoding)) == "V0001,眼底\n"


@pytest.mark.parametrize(("text", "encoding"), [
    ("Hélène,rétinopathie\n", "cp1252"), ("Müller,Straße\n", "cp1252"), ("朱镕基,DR眼,a镕\n", "gbk"),
    ("喆,b誠c\n", "gbk"),
])  # fmt: skip
def test_western_text_is_told_from_chinese(text, encoding):
    assert decode(text.encode(encoding)) == text


def test_bytes_that_are_no_text():
    with pytest.raises(UnicodeDecodeError):
        decode(b"\x81\xff\xff")


# --- names in zips ----------------------------------------------------------------------------------------------------


def in_a_zip(raw, flag=0, attributes=0, data=b"1"):
    """A zip of one member whose name is these bytes."""
    info = zipfile.ZipInfo("x" * len(raw))
    info.external_attr = attributes
    made = packed({info: data}).replace(info.filename.encode(), raw)
    return with_byte(with_byte(made, 7, flag), made.index(b"PK\x01\x02") + 9, flag)


@pytest.mark.parametrize(("raw", "flag", "name"), [
    ("眼底 照片/喆.jpg".encode(), 8, "眼底 照片/喆.jpg"),
    ("眼底 照片/喆.jpg".encode(), 0, "眼底 照片/喆.jpg"),  # as macOS packs
    ("眼底\\王小明.jpg".encode("gbk"), 0, "眼底/王小明.jpg"),  # as Windows in China does
    ("喆\\镕_1.jpg".encode("gbk"), 0, "喆/镕_1.jpg"),  # GBK beyond GB 2312, one byte of it a letter
    ("誠a.jpg".encode("gbk"), 0, "誠a.jpg"),  # its second byte is that of a backslash
    ("Köln\\José Peña.jpg".encode("cp437"), 0, "Köln/José Peña.jpg"),
    (b"a/b c.txt", 0, "a/b c.txt"),
])  # fmt: skip
def test_names_in_a_zip_are_read_whatever_they_are_written_in(tmp_path, raw, flag, name):
    (tmp_path / "a.zip").write_bytes(in_a_zip(raw, flag))
    with zipfile.ZipFile(tmp_path / "a.zip") as bundle:
        [(info, found)] = zip_files(bundle)
        assert (found, bundle.read(info)) == (name, b"1")


@pytest.mark.parametrize(("raw", "attributes"), [(b"a/b/", 0), (b"a\\b\\", 0), (b"a", 0x10)])
def test_folders_in_a_zip_are_no_files(tmp_path, raw, attributes):
    (tmp_path / "a.zip").write_bytes(in_a_zip(raw, attributes=attributes, data=b""))
    with zipfile.ZipFile(tmp_path / "a.zip") as bundle:
        assert zip_files(bundle) == []


def test_what_a_spreadsheet_might_calculate():
    for text in ("=1+1", "+1", "-x", "@SUM(A1)", " =1", "\t=1", "\tx", "\rx", "\nx", "＝1", "\u00a0@x"):
        assert is_formula(text), text
    assert not any(map(is_formula, ("", "a=b", "1-1", "'=1", "./=1", "a\t=", "x@y", "   ")))
