"""Build the course as a static site in build/site, from the notebooks as they are stored, outputs included.

    python docs/site/build.py

Each edition is a Sphinx project of its own, zh/ and en/, so that each has its own contents, search and interface. A
page is an own page of the site, a notebook, or any Markdown file that one of these links to.
"""
from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a program has only its own folder there

from helpers import ROOT
from tests.tools import editions

import nbformat

HERE, OUT = ROOT / "docs" / "site", ROOT / "build" / "site"
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s:#]+)(#[^()\s]*)?\)")
NAMED = re.compile(r"(?<!\[)(`([\w/.]+\.ipynb)`)")  # a notebook that is named without a link
PICTURE = re.compile(r'((?:src|srcset)=)"docs/pictures/([\w.-]+)"')  # of the README, in HTML
PAGES = (".md", ".ipynb")
FONTS = "output/chtml/fonts/woff-v2"


def linked(path: str, target: str) -> str | None:
    """The repository's file or folder that a relative link in a file leads to; None if there is none."""
    found = Path(os.path.normpath((ROOT / path).parent / target))
    return found.relative_to(ROOT).as_posix() if found.exists() and found.is_relative_to(ROOT) else None


class Edition:
    """The Sphinx source of one language, collected in a folder."""

    def __init__(self, language: str, folder: Path) -> None:
        self.language, self.folder = language, folder
        own = [*(HERE / language).glob("*.md"), *editions.committed(editions.folder(language))]
        own = [path.relative_to(ROOT).as_posix() for path in own]
        self.pages = [*sorted(own), editions.page("README.md", language)]
        for path in self.pages:  # grows while it is gone through
            self.collect(path)
        shutil.copytree(HERE / "locale", folder / "locale")

    def collect(self, path: str) -> None:
        """Put the source of one page in the folder."""
        source = self.folder / (editions.shared_name(path) + PurePosixPath(path).suffix)
        source.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".md"):
            source.write_text(self.text(path, (ROOT / path).read_text(encoding="utf-8")), encoding="utf-8")
            return
        notebook = nbformat.read(ROOT / path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = self.text(path, cell.source)
        nbformat.write(notebook, source)

    def text(self, path: str, text: str) -> str:
        """The Markdown of a page with links that lead to pages, and folds whose content is Markdown too."""
        text = re.sub(r"</summary>[ \t]*(?=\S)", "</summary>\n\n", text)
        text = re.sub(r"(?<=\S)[ \t]*</details>", "\n\n</details>", text)
        up = os.path.relpath("..", PurePosixPath(editions.shared_name(path)).parent)
        text = PICTURE.sub(lambda found: f'{found[1]}"{up}/pictures/{found[2]}"', text)
        if path.endswith(".ipynb"):
            text = NAMED.sub(lambda found: f"[{found[1]}]({found[2]})" if linked(path, found[2]) else found[0], text)
        return LINK.sub(lambda found: self.link(path, *found.groups(default="")), text)

    def link(self, path: str, words: str, target: str, anchor: str) -> str:
        """One link in Markdown, written for the site.

        A link that leads nowhere stays as it is: Sphinx then says where it is. A folder has no page, so its name stays.
        """
        found = linked(path, target)
        if found is None:
            return f"[{words}]({target}{anchor})"
        if (ROOT / found).is_dir():
            return words
        up = os.path.relpath(".", PurePosixPath(editions.shared_name(path)).parent)
        name = editions.shared_name(found)
        if not found.endswith(PAGES):  # Sphinx makes it a download
            copy = self.folder / "files" / found
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / found, copy)
            return f"[{words}]({up}/files/{found})"
        if editions.language_of(found) == (other := editions.OTHER[self.language]):
            return f'<a href="{up}/../{other}/{name}.html{anchor}">{words}</a>'
        if found not in self.pages:
            self.pages.append(found)
        return f"[{words}]({up}/{name}{PurePosixPath(found).suffix}{anchor})"


def copy_mathjax(target: Path) -> None:
    """Of MathJax, what pages ask for: the program and its fonts, 1.5 of the package's 24 MB."""
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(package.origin).parent / "static" / "mathjax"
    shutil.copytree(source / FONTS, target / FONTS)
    shutil.copy(source / "tex-chtml.js", target)


def build(out: Path = OUT) -> None:
    """Make the site anew.

    Raises:
        RuntimeError: Sphinx warned of something, or the course is no git clone; the message before it says what.
    """
    with tempfile.TemporaryDirectory() as scratch:
        made, running = Path(scratch) / "site", []
        shutil.copytree(HERE / "root", made)
        copy_mathjax(made / "mathjax")
        shutil.copytree(ROOT / "docs" / "pictures", made / "pictures")
        command = ["git", "archive", "--format=zip", "--prefix=course/", "-o", str(made / "course.zip"), "HEAD"]
        if subprocess.run(command, cwd=ROOT).returncode:
            raise RuntimeError("The site offers the last commit as course.zip, so build it in a git clone")
        for language in editions.LANGUAGES:
            source = Path(scratch) / language
            Edition(language, source)
            command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-t", language]
            command += ["-c", HERE, "-d", f"{source}.doctrees", source, made / language]
            running.append(subprocess.Popen(command))
        failed = [str(process.args[-1]) for process in running if process.wait()]
        if failed:
            raise RuntimeError(f"Sphinx warned of something in {' and '.join(failed)}: see above")
        shutil.rmtree(made / "jupyter_execute")  # MyST-NB's copies of the notebooks
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(made, out)
    print(f"The site is in {out}: open {out / 'index.html'}, or python -m http.server -d {out}")


if __name__ == "__main__":
    build(*map(Path, sys.argv[1:2]))
