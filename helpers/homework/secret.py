"""The secret of a class, from which its students' numbers are drawn: a small file that stays with the teacher."""
from __future__ import annotations

import os
import secrets
from pathlib import Path

from helpers.language import Text

SHORTEST = 16  # characters: a secret that can be guessed gives everybody's numbers away


class BadSecret(ValueError):
    """A file that holds no secret; the text says why."""


def make_secret(path: str | Path) -> bool:
    """Make a new secret, which only its owner may read; False if there is a file already, which stays as it is."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(file, "w", encoding="ascii") as written:
        written.write(secrets.token_hex(32) + "\n")
    return True


def read_secret(path: str | Path) -> bytes:
    """The secret in a file; spaces and line ends around it, which editors add, do not count.

    Raises:
        BadSecret: the file is not there, cannot be read, or is too short.
    """
    path = Path(path)
    try:
        secret = path.read_bytes().removeprefix(b"\xef\xbb\xbf").strip()
    except OSError as error:
        said = Text("密钥文件 {} 读不了（{}）", "the secret file {} cannot be read ({})")
        raise BadSecret(said.format(path, error.strerror)) from error
    if len(secret) < SHORTEST:
        said = Text("密钥文件 {} 不到 {} 个字符", "the secret in {} has fewer than {} characters")
        raise BadSecret(said.format(path, SHORTEST))
    return secret
