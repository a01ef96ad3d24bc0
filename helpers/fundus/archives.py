"""Unpacking zip archives from elsewhere: everything or nothing, and never outside the folder it was asked for."""
from __future__ import annotations

import errno
import hashlib
import lzma
import shutil
import stat
import sys
import zipfile
import zlib
from pathlib import Path

from helpers.files import file_name, made_whole, may_not_write, zip_files
from helpers.fundus.errors import ArchiveError

from tqdm import tqdm

MAX_BYTES = 20 * 1024**3  # the largest form of the data set unpacks to about 2 GB: more than this is no data set
MAX_DEPTH = 3  # zip inside zip inside zip
MARKER = ".unpacked"  # in each finished folder; holds the fingerprint of the archive that the folder was made from

_CHUNK = 1 << 20
_AGAIN = "Delete it and download it again."


def unpack(archive: str | Path, target: str | Path, progress: bool = False) -> Path:
    """Unpack a zip archive, and the zip archives inside it, to the folder `target`.

    An interrupted call leaves nothing that looks finished. A target made earlier from an archive with the same contents
    is used again, one made from another archive is replaced. An inner archive is unpacked into the folder that it lies
    in, and is not kept.

    Returns:
        `target`.

    Raises:
        ArchiveError: the archive is truncated, damaged, encrypted, too large, or has a member that would land outside
            the target; the disk is full or may not be written; `target` holds files that are not from an archive.
    """
    archive, target = Path(archive), Path(target)
    fingerprint = _fingerprint(archive)

    def is_current() -> bool:
        marker = target / MARKER
        if marker.is_file():
            return marker.read_text(encoding="ascii") == fingerprint
        if target.exists() and any(target.iterdir()):
            raise ArchiveError(
                f"{archive} is to be unpacked to {target}, which holds other files. Move that folder away."
            )
        return False

    def make(folder: Path) -> None:
        with tqdm(
            desc=archive.name, unit="B", unit_scale=True, leave=False, file=sys.stdout, disable=not progress
        ) as bar:
            _extract(archive, folder, bar, MAX_BYTES, str(archive))
        (folder / MARKER).write_text(fingerprint, encoding="ascii")

    try:
        made_whole(target, is_current, make)
    except OSError as error:
        raise ArchiveError(_explain(error, archive, target)) from error
    return target


def members(archive: str | Path) -> list[str]:
    """The names of the files in an archive, with forward slashes.

    Raises:
        ArchiveError: it is truncated or no zip archive.
    """
    with _open(Path(archive), str(archive)) as bundle:
        return [name for _, name in zip_files(bundle)]


def _extract(archive: Path, folder: Path, bar: tqdm, budget: int, title: str, depth: int = 1) -> int:
    """Write all members below `folder`, then unpack the archives among them. Returns what is left of the budget."""
    if depth > MAX_DEPTH:
        raise ArchiveError(f"{title}: archives nested more than {MAX_DEPTH} deep. Unpack it by hand.")
    with _open(archive, title) as bundle:
        inside = zip_files(bundle)
        paths = [folder.joinpath(*_safe_parts(info, name, title)) for info, name in inside]
        needed = sum(info.file_size for info, _ in inside)
        _check_room(needed, budget, folder, title)
        budget -= needed
        bar.total = (bar.total or 0) + needed
        for (info, name), path in zip(inside, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            _extract_member(bundle, info, name, path, bar, title)
    for path in paths:
        if path.suffix.lower() == ".zip":
            budget = _extract(path, path.parent, bar, budget, f"{path.name} inside {title}", depth + 1)
            path.unlink()
    return budget


def _extract_member(
    bundle: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, path: Path, bar: tqdm, title: str
) -> None:
    try:
        # "x" refuses a second member of the same name (on Windows and macOS also one that differs in case only).
        with bundle.open(info) as source, path.open("xb") as copy:
            while chunk := source.read(_CHUNK):
                copy.write(chunk)
                bar.update(len(chunk))
    except FileExistsError as error:
        raise ArchiveError(f"{title} holds {name} twice. Unpack it by hand.") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        # The checksum is compared at the member's end; UnicodeDecodeError: the name before it is no UTF-8.
        raise ArchiveError(f"{title} is damaged at {name} ({error}). {_AGAIN}") from error
    except NotImplementedError as error:
        raise _unknown(title, error) from error


def _open(archive: Path, title: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:  # the latter where a name is no UTF-8
        raise ArchiveError(f"{title} is truncated or no zip archive ({error}). {_AGAIN}") from error
    except NotImplementedError as error:
        raise _unknown(title, error) from error
    except OSError as error:
        raise ArchiveError(f"{title} cannot be read ({error.strerror or error}).") from error


def _unknown(title: str, error: NotImplementedError) -> ArchiveError:
    return ArchiveError(
        f"{title} is packed in a way unknown to Python ({error}) or damaged. Download it again or unpack it by hand."
    )


def _fingerprint(archive: Path) -> str:
    """Of the contents, from the checksums that the archive's directory lists: copying the file does not change it."""
    with _open(archive, str(archive)) as bundle:
        listing = [(info.filename, info.file_size, info.CRC) for info in bundle.infolist()]
    return hashlib.sha256(repr(listing).encode()).hexdigest()


def _safe_parts(info: zipfile.ZipInfo, name: str, title: str) -> list[str]:
    """The member's path below the target; refuses encrypted members and whatever would land elsewhere."""
    if info.flag_bits & 0x1:
        raise ArchiveError(f"{title} is encrypted. Unpack it by hand with its password.")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    outside = name.startswith("/") or ".." in parts or ":" in name  # a colon: a drive (C:x), or an NTFS stream
    if outside or stat.S_ISLNK(info.external_attr >> 16):
        raise ArchiveError(
            f"{title} has a member that points outside the folder it is unpacked to: {name}. It is not the "
            "data set, and nothing was unpacked. Delete it and download the data set from a source that you trust."
        )
    return [file_name(part) for part in parts]


def _check_room(needed: int, budget: int, folder: Path, title: str) -> None:
    if needed > budget:
        raise ArchiveError(f"{title} would unpack to more than {_size(MAX_BYTES)}: it is not the data set. {_AGAIN}")
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ArchiveError(f"{title} needs {_size(needed)}, and {_size(free)} are free on the disk. Free some space.")


def _explain(error: OSError, archive: Path, target: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk was full while unpacking {archive} to {target}; nothing was kept. Free some space."
    if may_not_write(error):
        return (
            f"{archive} cannot be unpacked to {target}: the folder may not be written. Make it writable, or unpack the "
            "archive by hand elsewhere and set PALM_DIR to that folder."
        )
    return f"{archive} cannot be unpacked to {target} ({error}). Unpack it by hand and set PALM_DIR to that folder."


def _size(count: int) -> str:
    return f"{count / 1024**3:.1f} GB" if count >= 1024**3 else f"{count / 1024**2:.1f} MB"
