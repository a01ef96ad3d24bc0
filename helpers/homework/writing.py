"""The many ways of writing the same: encodings of text and of the names of files, numbers in full-width digits."""
from __future__ import annotations

import os
import re

from helpers.language import Text

# Full-width signs and digits, and Chinese brackets and commas, as the plain ones.
PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | str.maketrans("、【】〔〕\u3000−", ",[][] -")
NUMBER = re.compile(r"[+-]?([0-9]{1,40}|[0-9]{1,3}(,[0-9]{3}){1,12})")
SHAPE = re.compile(r"[\[(] *([0-9]{1,20}( *, *[0-9]{1,20}){0,7})? *,? *[\])]")


class Unreadable(ValueError):
    """A file of which no hand-in can be read; the text says why."""


def decode(data: bytes) -> str:
    """Text of an unknown encoding: UTF-8, UTF-16 or GBK, with or without a mark at its beginning."""
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    encodings = [encoding for mark, encoding in marks.items() if data.startswith(mark)]
    if not encodings and b"\0" in data[:2]:
        encodings = ["utf-16-be" if data[0] == 0 else "utf-16-le"]
    for encoding in encodings or ["utf-8", "gb18030"]:  # of which GBK is a part
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable(Text("不是 UTF-8、UTF-16 或 GBK 的文字", "it is no text in UTF-8, UTF-16 or GBK"))


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


def spelled(name: str | bytes) -> str:
    """A file's name as text, also where it is not in the encoding of this system."""
    raw = os.fsencode(name) if isinstance(name, str) else name
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")
