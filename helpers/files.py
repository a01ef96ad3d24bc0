"""Files that are there whole or not at all, whatever stops the writing: a full disk, Ctrl-C, a power failure.

Whole folders need more: a process at a time (`locked`), and a scratch folder that the next one removes if its process
was killed (`remove_scratch`).
"""
from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

if os.name == "nt":
    import msvcrt
else:
    import fcntl

T = TypeVar("T")


def write_atomically(path: str | Path, fill: Callable[[BinaryIO], T]) -> T:
    """Let `fill` write a file beside `path`, then put it in its place; an existing one is replaced only by a whole one.

    A process that is killed meanwhile leaves a file that ends in .part and nothing else.

    Args:
        path: the file; its folder is made.
        fill: is given the file, opened for writing bytes.

    Returns:
        what `fill` returned.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        # Closing may fail as well, on a full disk: it writes what is left in memory. Hence the two nested blocks.
        with part.open("xb") as file:
            result = fill(file)
            file.flush()
            os.fsync(file.fileno())  # a power failure must not leave the new name with nothing behind it
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return result


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Wait for a lock and hold it; the system lets go of it when the process ends, however it ends.

    Args:
        path: the file that stands for the lock; it is made, and stays.

    Raises:
        OSError: the file cannot be made, or the disk knows no locks.
    """
    with Path(path).open("ab") as file:
        if os.name == "nt":
            _lock_on_windows(file)
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_on_windows(file: BinaryIO) -> None:
    while True:
        try:
            return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        except OSError as error:
            if error.errno != errno.EDEADLK:  # that is its way of saying: ten seconds have passed, ask again
                raise


def may_not_write(error: OSError) -> bool:
    """Whether an error says that a place cannot be written at all; what lies there complete can still be read."""
    return isinstance(error, PermissionError) or error.errno == errno.EROFS


def remove_scratch(folder: Path, prefix: str) -> None:
    """Remove the folders of this prefix, which killed processes left. Under the lock: nobody else is at work on them.

    What cannot be removed now stays for the next call.
    """
    for path in folder.iterdir():  # no pattern: the prefix may hold brackets
        if path.name.startswith(prefix):
            shutil.rmtree(path, ignore_errors=True)
