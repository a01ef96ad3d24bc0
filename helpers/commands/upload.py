"""Pack the course for AI Studio: one zip file with what a learner needs there, and nothing else (docs/aistudio.md)."""
from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from helpers import ROOT, console, files
from helpers.commands.limits import parsed

NEEDED = (
    "helpers/**/*.py", "helpers/models/*", "notebooks/**/*.ipynb", "README*.md", "data/README*.md", "docs/pictures/*",
    "docs/*.md", "docs/measured/*", "CONTRIBUTING*.md", "LICENSE",
)  # fmt: skip
FOLDER = "course"  # that the archive unpacks to; the notebooks find it below the home folder
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file knows: the same files always make the same bytes


def needed(root: Path = ROOT) -> list[str]:
    """The files that a learner needs, relative to the course's folder, in order."""
    found = [path.relative_to(root) for pattern in NEEDED for path in root.glob(pattern) if path.is_file()]
    return sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))


def pack(target: str | Path, root: Path = ROOT) -> tuple[int, int]:
    """Write the archive, whole or not at all, and give the number of its files and of its bytes.

    Notebooks go as they are stored, a learner's own work included.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    names = needed(root)

    def fill(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                entry = zipfile.ZipInfo(f"{FOLDER}/{name}", _DATE)
                entry.create_system, entry.external_attr = 3, 0o100644 << 16  # a plain file, whatever machine packs it
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, (root / name).read_bytes())

    files.write_atomically(target, fill)
    return len(names), Path(target).stat().st_size


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    console.never_fail()
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.upload", description=__doc__)
    parser.add_argument("archive", metavar="FILE", nargs="?", type=Path, default=ROOT / "build" / "aistudio.zip",
                        help="where to, default build/aistudio.zip")  # fmt: skip
    archive = parsed(parser, given).archive
    try:
        count, size = pack(archive)
    except OSError as error:
        sys.exit(f"{archive} cannot be written: {error}")
    print(f"{archive}: {count} files, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
