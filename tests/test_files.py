"""helpers.files: a file is there whole or as it was, and nothing else is left."""
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from helpers.files import write_atomically

import pytest


@contextmanager
def full_disk(room):
    """A limit on the size of files stands for a full disk: writing fails half way, as it does there."""
    resource = pytest.importorskip("resource", reason="Windows cannot limit the size of files")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there(tmp_path, error):
    (tmp_path / "a").write_bytes(b"old")

    def fill(file):
        file.write(b"half")
        raise error

    with pytest.raises(error):
        write_atomically(tmp_path / "a", fill)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("size", [2000, 20_000])  # fails in closing the file, and in writing to it
def test_a_full_disk_leaves_what_was_there(tmp_path, size):
    (tmp_path / "a").write_bytes(b"old")

    def fill(file):
        file.write(bytes(size))
        raise RuntimeError("the first error")

    for fails in (fill, lambda file: file.write(bytes(size))):
        with full_disk(1000), pytest.raises(OSError, match="File too large"):
            write_atomically(tmp_path / "a", fails)
        assert names(tmp_path) == ["a"]
        assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_the_file_has_the_rights_of_any_other(tmp_path):
    (tmp_path / "other").touch()
    write_atomically(tmp_path / "a", lambda file: None)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_killed_process_leaves_a_part_and_the_old_file(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    code = (
        "import os, sys; from helpers.files import write_atomically\n"
        "write_atomically(sys.argv[1], lambda file: (file.write(b'half'), file.flush(), os._exit(9)))"
    )
    root = Path(__file__).resolve().parents[1]
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], cwd=root).returncode == 9
    assert (tmp_path / "a").read_bytes() == b"old"
    assert len(list(tmp_path.glob("*.part"))) == 1, "what helpers.callbacks.SaveCheckpoint removes"
