"""What is written to a console: whatever its encoding, no character ends the program, and none takes hold of it.

Standard library only.
"""
from __future__ import annotations

import sys
import unicodedata


def never_fail() -> None:
    """From now on stdout and stderr write a character that they do not know as its number, such as \\u773c.

    Python's own way with stdout is a UnicodeEncodeError: after the work is done, say, over the name of a folder.
    """
    for stream in (sys.stdout, sys.stderr):
        # Under LANG=C it is "surrogateescape", which fails as well. What is written in a notebook has neither of both.
        if getattr(stream, "errors", "") in ("strict", "surrogateescape") and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def printable(text: str, keep: str = "") -> str:
    """Text of whatever origin without characters that control a terminal: they become their numbers, such as \\x1b.

    Those in `keep` stay what they are.
    """
    blank = "Zs"  # such as the full-width blank in a Chinese name; Python calls none of them but one printable
    return "".join(
        each if each.isprintable() or unicodedata.category(each) == blank or each in keep else _number(each)
        for each in text
    )


def _number(character: str) -> str:
    return character.encode("unicode_escape").decode()
