"""What an edition of the course is, for every program and test: its language, its notebooks, and the twins of both.

It needs nothing but the standard library: the site is built in an environment without Paddle and NumPy.
"""
from __future__ import annotations

import re
from pathlib import Path

from helpers import ROOT

OTHER = {"zh": "en", "en": "zh"}  # a language, and that of the other edition
LANGUAGES = tuple(OTHER)
PAGES = (  # that both editions have; these are the names of the English ones
    "README.md", "CONTRIBUTING.md", "docs/teaching.md", "docs/jupyterhub.md", "docs/scaling.md",
    "docs/compatibility.md", "docs/helpers.md", "docs/commands.md", "docs/benchmarks.md",
    "docs/aistudio.md", "data/README.md",
)  # fmt: skip
METADATA = {  # of every committed notebook
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

PICTURES = {"image/png", "image/jpeg"}  # the kinds of a figure; nbval leaves them out

_OWN_FOLDER = re.compile(rf"^(?:notebooks|docs/site)/({'|'.join(LANGUAGES)})/")  # what lies there is of one edition


def folder(language: str, root: Path = ROOT) -> Path:
    """Where the notebooks of an edition lie."""
    return root / "notebooks" / language


def committed(below: Path = ROOT / "notebooks") -> list[Path]:
    """All notebooks of the course, or of one of its folders."""
    return sorted(path for path in below.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def notebooks(language: str, root: Path = ROOT) -> list[str]:
    """The notebooks of an edition, relative to its folder; twins have the same name."""
    home = folder(language, root)
    return [path.relative_to(home).as_posix() for path in committed(home)]


def page(name: str, language: str) -> str:
    """A page in an edition; `name` is that of the English one."""
    return name if language == "en" else name.replace(".md", ".zh-CN.md")


def language_of(path: str) -> str | None:
    """The language of a file of the repository, by its path there; None for one that serves both editions."""
    if own := _OWN_FOLDER.match(path):
        return own[1]
    if path.endswith(".zh-CN.md"):
        return "zh"
    return "en" if path in PAGES else None


def shared_name(path: str) -> str:
    """What the path of a file and that of its twin have in common: no language, and no ending."""
    return re.sub(r"(\.zh-CN)?\.(md|ipynb)$", "", _OWN_FOLDER.sub("", path))


def figures(outputs: list) -> int:
    """How many of the outputs of a cell are figures."""
    return sum(bool(PICTURES & output.get("data", {}).keys()) for output in outputs)
