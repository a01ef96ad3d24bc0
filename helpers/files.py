"""Files that are there whole or not at all, whatever stops the writing: a full disk, Ctrl-C, a power failure."""
from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

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
