"""Looking through folders of photographs: which files and folders count."""
from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from helpers.fundus.errors import DataError

MANY_FOLDERS = 200_000  # photographs of one's own may lie in a folder for each patient; more than this is a disk
SHEETS = frozenset({".csv", ".xlsx"})
OLD_SHEETS = frozenset({".xls", ".xlsb", ".ods"})  # that nothing here can read
# What disks of a network (@, #) and Windows ($) put into folders: thumbnails, and what was deleted.
_SYSTEM = {"@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found"}


def walk(folder: Path, leave_out: Path | None = None, most: int = MANY_FOLDERS) -> Iterator[Path]:
    """All files below a folder but hidden ones, and without the masks, which have the names of the images.

    Raises:
        DataError: a folder cannot be listed, or there are more than `most`, those behind links among them.
    """
    for count, (current, folders, names) in enumerate(os.walk(folder, onerror=_refuse, followlinks=True)):
        if count > most:
            raise DataError(f"{folder} holds more than {most} folders. Name the folder of the data set itself.")
        here = Path(current)
        folders[:] = sorted(n for n in folders if not (passed_over(n) or _leads_back(here / n)))
        if leave_out is not None and leave_out.resolve() == (here / leave_out.name).resolve():
            folders[:] = [name for name in folders if name != leave_out.name]
        yield from (here / name for name in sorted(names) if not name.startswith((".", "~$")))


def _leads_back(folder: Path) -> bool:
    """Whether it is a link to a folder above it: round such a circle, the same files would come again and again."""
    return folder.is_symlink() and folder.resolve() in {above.resolve() for above in folder.parents}


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename} cannot be listed ({error.strerror}). Make it readable.") from error


def passed_over(name: str) -> bool:
    """Whether this is the name of a folder that is not looked into: a hidden one, a system's own, or one `beside`."""
    return name.startswith(".") or name.casefold() in _SYSTEM or beside(name)


def beside(name: str) -> bool:
    """Whether this is the name of something beside the images: the lesion and disc masks, or what macOS adds."""
    return any(word in name.lower() for word in ("mask", "annotation", "__macosx"))


def some(names: Sequence) -> str:
    """The first three, and how many more there are."""
    return ", ".join(map(str, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
