"""The secret of a class, from which its students' numbers are drawn: a small file that stays with the teacher."""
from __future__ import annotations

import os
import secrets
from pathlib import Path

from helpers.language import Text

SHORTEST = 16  # characters: a secret that can be guessed gives everybody's numbers away

_NO_TEXT = Text(
    "密钥文件 {} 不是文字：请另存为 UTF-8", "the secret file {} is no text: save it as UTF-8",
)  # fmt: skip


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
    """The secret in a file; spaces and line ends around it, which editors add, do not count, nor does its encoding.

    Raises:
        BadSecret: the file is not there, cannot be read, is no text, or is too short.
    """
    path = Path(path)
    try:
        secret = _utf8(path.read_bytes()).removeprefix(b"\xef\xbb\xbf").strip()
    except UnicodeDecodeError as error:
        raise BadSecret(_NO_TEXT.format(path)) from error
    except OSError as error:
        said = Text("密钥文件 {} 读不了（{}）", "the secret file {} cannot be read ({})")
        raise BadSecret(said.format(path, error.strerror)) from error
    if b"\0" in secret:
        raise BadSecret(_NO_TEXT.format(path))
    if len(secret) < SHORTEST:
        said = Text("密钥文件 {} 不到 {} 个字符", "the secret in {} has fewer than {} characters")
        raise BadSecret(said.format(path, SHORTEST))
    return secret


def _utf8(data: bytes) -> bytes:
    """Text in UTF-16 with its mark, as PowerShell and Notepad's "Unicode" write it, in UTF-8; else what is given."""
    return data.decode("utf-16").encode() if data.startswith((b"\xff\xfe", b"\xfe\xff")) else data
