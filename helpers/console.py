"""A console that is not UTF-8, as on Windows or under LANG=C, must not end a program over a character.

Standard library only.
"""
from __future__ import annotations

import sys


def never_fail() -> None:
    """From now on stdout and stderr write a character that they do not know as its number, such as \\u773c.

    Python's own way with stdout is a UnicodeEncodeError: after the work is done, say, over the name of a folder.
    """
    for stream in (sys.stdout, sys.stderr):
        # Under LANG=C it is "surrogateescape", which fails as well. What is written in a notebook has neither of both.
        if getattr(stream, "errors", "") in ("strict", "surrogateescape") and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
