"""The course's files can lie on Windows and macOS: their names, their ends of lines, and the commands without make."""
import re
from collections import Counter
from pathlib import PureWindowsPath

from helpers import ROOT
from tests.tools import editions

import pytest

MADE = {".git", ".venv", ".hypothesis", "build", "data", "grading", "__pycache__", ".ipynb_checkpoints"}
def names():
    """Every file and folder of the course but what is made."""
    folders = [ROOT]
    for folder in folders:  # grows while it is gone through
        for path in sorted(folder.iterdir()):
            if path.name in MADE or path.name.endswith("_cache"):
                continue
            folders += [path] if path.is_dir() else []
            yield path.relative_to(ROOT).as_posix()


NAMES = list(names())
RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
FORBIDDEN = re.compile(r'[<>:"\\|?*\x00-\x1f]')
LONGEST = 120  # of the 260 that Windows allows by default, the rest is for where the course lies and what it makes


def problems(names):
    """What a file's name has that Windows or macOS cannot have."""
    found = [f"{name}: a character that Windows does not allow" for name in names if FORBIDDEN.search(name)]
    found += [f"{name}: longer than {LONGEST}" for name in names if len(name) > LONGEST]
    for name in names:
        parts = name.split("/")
        found += [f"{name}: a device of Windows" for part in parts if RESERVED.fullmatch(part)]
        found += [f"{name}: ends in a dot or a space" for part in parts if part[-1] in ". "]
    folded = Counter(name.casefold() for name in names)
    return found + [f"{name}: twice, but for large and small letters" for name, count in folded.items() if count > 1]


def test_every_name_is_one_on_windows_and_macos():
    assert len(NAMES) > 200 and problems(NAMES) == []


@pytest.mark.parametrize("names", [
    ["a:b.py"], ["docs/aux.md"], ["nul"], ["COM1.txt"], ["a ", "b"], ["a./b"], ["x" * 121], ["A/b", "a/B"], ["a?b"],
])  # fmt: skip
def test_other_names_are_noticed(names):
    assert len(problems(names)) == 1


def test_lines_end_in_lf():
    ends = (ROOT / ".gitattributes").read_text(encoding="utf-8")
    assert "* text=auto eol=lf" in ends.splitlines()
    text = [name for name in NAMES if name.endswith((".py", ".md", ".ipynb", ".txt", ".yml", ".toml", ".css", ".js"))]
    assert [name for name in text if b"\r" in (ROOT / name).read_bytes()] == []


@pytest.mark.parametrize("language", editions.LANGUAGES)
@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_what_a_command_without_make_names_is_there(page, language):
    text = (ROOT / editions.page(page, language)).read_text(encoding="utf-8")
    commands = re.findall(r"^\.venv\\Scripts\\.+$", text, re.MULTILINE)
    assert bool(commands) == (page == "README.md")
    for word in " ".join(commands).split():
        path = PureWindowsPath(word)
        if path.suffix in {".ipynb", ".txt"}:
            assert (ROOT / path.as_posix()).is_file(), word
