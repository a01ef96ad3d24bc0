"""The many ways of writing the same: encodings of text and of the names of files, numbers in full-width digits."""
from __future__ import annotations

import re

from helpers import files
from helpers.language import Text

# Full-width signs and digits, and Chinese brackets and commas, as the plain ones.
PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | str.maketrans("、【】〔〕\u3000−", ",[][] -")
NUMBER = re.compile(r"[+-]?([0-9]{1,40}|[0-9]{1,3}(,[0-9]{3}){1,12})")
NO_TEXT = Text("不是 UTF-8、UTF-16 或 GBK 的文字", "it is no text in UTF-8, UTF-16 or GBK")
SHAPE = re.compile(r"[\[(] *([0-9]{1,20}( *, *[0-9]{1,20}){0,7})? *,? *[\])]")


class Unreadable(ValueError):
    """A file of which no hand-in can be read; the text says why."""


def decode(data: bytes) -> str:
    """Text of an unknown encoding, as `files.decode` reads it; Unreadable where it is in none that is known."""
    try:
        return files.decode(data)
    except UnicodeDecodeError as error:
        raise Unreadable(NO_TEXT) from error


def typed(value: object) -> object:
    """An answer that is a whole number or a shape written as text, in whatever width, as such; others as they are."""
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    if isinstance(value, str):
        text = value.translate(PLAIN).strip()
        if NUMBER.fullmatch(text):
            return int(text.replace(",", ""))
        if SHAPE.fullmatch(text):
            return [int(number) for number in re.findall(r"[0-9]+", text)]
    return value
