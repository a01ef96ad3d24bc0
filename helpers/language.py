"""The language that feedback speaks: the notebook's, which its first cell names with `speak`."""
from __future__ import annotations

import sys
from typing import NamedTuple

LANGUAGES = ("zh", "en")
_spoken = "en"


class Text(NamedTuple):
    """A sentence in both languages; as a string it is in the one that is spoken."""

    zh: str
    en: str

    def __str__(self) -> str:
        return getattr(self, _spoken)

    def format(self, *values: object, **named: object) -> str:
        """The sentence that is spoken, with these values in the places of its braces."""
        return str(self).format(*values, **named)


def speak(language: str) -> None:
    """Choose the language of all feedback from now on.

    Raises:
        ValueError: it is neither "zh" nor "en".
    """
    global _spoken
    if not isinstance(language, str) or language not in LANGUAGES:
        raise ValueError(f'LANGUAGE must be "zh" or "en", not {language!r}')
    _spoken = language


def spoken() -> str:
    """The language in force, "zh" or "en"."""
    return _spoken


def say(text: object) -> None:
    """Print; a console that does not know all characters gets the others, and a question mark for each of those."""
    try:
        print(text)
    except UnicodeEncodeError:
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        print(str(text).encode(encoding, "replace").decode(encoding))
