"""Files and folders that are there whole or not at all, whatever stops the writing: a full disk, Ctrl-C, a power cut.

Arrays are kept as .npz files: reading one runs no code from it, and a checksum finds what was damaged.
"""
from __future__ import annotations

import csv
import errno
import io
import lzma
import os
import re
import secrets
import shutil
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

if TYPE_CHECKING:
    import numpy as np  # else where arrays are read and written: what packs the course needs no library

if os.name == "nt":
    import msvcrt
else:
    import fcntl

T = TypeVar("T")

# What NumPy raises over a damaged .npz file; it reads headers as Python. RuntimeError, and with it
# NotImplementedError, stands for a flipped bit that says: encrypted, or of a later version of the format.
DAMAGED = (
    ValueError, EOFError, OSError, AttributeError, RuntimeError, TypeError, SyntaxError, tokenize.TokenError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    MemoryError,  # a header that says of an array that it is enormous
)  # fmt: skip


_SEPARATORS = ",;\t，"
_FORMULA = tuple("=+-@＝＋－＠")


class DamagedFile(ValueError):
    """A file that does not hold what it should; the message names it."""


def write_atomically(path: str | Path, fill: Callable[[BinaryIO], T]) -> T:
    """Let `fill` write a file beside `path`, then put it in its place; an existing one is replaced only by a whole one.

    A process that is killed meanwhile leaves a file that ends in .part and nothing else. The file's folder is made.
    `fill` is given the file, opened for writing bytes; what it returns is returned.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        # Closing may fail as well, on a full disk: it writes what is left in memory. Hence the two nested blocks.
        with part.open("xb") as file:
            result = fill(file)
            file.flush()
            os.fsync(file.fileno())  # a power failure must not leave the new name with nothing behind it
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return result


def decode(data: bytes) -> str:
    """Text of an unknown encoding: UTF-8, UTF-16, GBK (a part of GB 18030) or Windows-1252.

    Excel's "Unicode text" is UTF-16 with a mark; its plain "CSV" is GBK on a Chinese Windows, Windows-1252 on a Western
    one. There single bytes stand between plain letters, as in Müller; Chinese has pairs, and few of them with a letter.

    Raises:
        UnicodeDecodeError: it is in none of them.
    """
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    encoding = next((encoding for mark, encoding in marks.items() if data.startswith(mark)), None)
    if encoding is None and b"\0" in data[:2]:
        encoding = "utf-16-be" if data[0] == 0 else "utf-16-le"
    if encoding is not None:
        return data.decode(encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        single = re.findall(rb"(?<=[A-Za-z])[\xc0-\xff](?=[A-Za-z])", data)
        return data.decode("cp1252" if len(single) > len(re.findall(rb"[\x81-\xfe]{2}", data)) else "gb18030")


def csv_rows(data: bytes) -> list[list[str]]:
    """The rows of a CSV file in any encoding that `decode` knows, the empty ones as [].

    Cells are parted by commas, also full-width ones, semicolons or tabs: by what most lines have, or else by what the
    first line that has any of them has most of. A title above the table may have any of them.

    Raises:
        UnicodeDecodeError: it is no text.
        csv.Error: a quotation mark is not closed, a cell is endless, or the file was cut within its last row; the
            message says in which line.
    """
    text = decode(data)
    lines = [line for line in text.splitlines() if any(sign in line for sign in _SEPARATORS)]
    separator = max(_SEPARATORS, key=lambda sign: (sum(sign in line for line in lines), "".join(lines[:1]).count(sign)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        rows = list(reader)
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            pass
    except csv.Error as error:
        # Strict, it hears of a quotation mark that is not closed; all else that it minds can be read.
        if "expected after" not in str(error):
            raise csv.Error(f"{error}, at the latest in line {reader.line_num}") from error
    cut = text and text[-1] not in "\r\n" and len(rows) > 1 and len(rows[-1]) < len(rows[-2])
    if cut:
        raise csv.Error(f"it ends in the middle of line {reader.line_num}, after {text[-20:]!r}")
    return rows


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might calculate a cell of a CSV file that begins so, whatever the quotes around it."""
    return text.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r", "\n"))


def spelled(name: str | os.PathLike) -> str:
    """A file's name or path as text, also where it is not in the encoding of this system: as under LANG=C."""
    raw = os.fsencode(name)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def file_name(text: str) -> str:
    """Text as the name of a file that can be made here; where the system's encoding lacks a character, in UTF-8."""
    try:
        os.fsencode(text)
        return text
    except UnicodeEncodeError:
        return os.fsdecode(text.encode("utf-8", "surrogatepass"))


def zip_files(bundle: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, str]]:
    """The files in a zip, without its folders, each with its path: with forward slashes, whoever has packed it.

    Programs on Windows write backslashes, some mark a folder by an attribute alone. Names that are not said to be UTF-8
    are UTF-8 all the same, GBK on a Chinese Windows, or of the IBM PC's code page 437 in the West; there, accented
    letters stand alone, where GBK has pairs.
    """
    found = []
    for info in bundle.infolist():
        name = info.orig_filename.split("\0")[0]
        if not info.flag_bits & 0x800:
            name = _unmarked(name.encode("cp437", "replace"))
        name = name.replace("\\", "/")
        folder = name.endswith("/") or (info.external_attr & 0x10 and not info.file_size)
        if name and not folder:
            found.append((info, name))
    return found


def _unmarked(raw: bytes) -> str:
    western = re.search(rb"(?<![\x80-\xff])[\x80-\xa5](?![\x80-\xff])", raw)
    for encoding in ("utf-8", *([] if western else ["gb18030"])):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("cp437")


def write_arrays(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays of plain numbers or text to one .npz file, atomically; raises what `write_atomically` raises."""
    import numpy as np

    write_atomically(path, lambda file: np.savez(file, **arrays))


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by their names, each as it was written; that one is missing, only the caller can see.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFile: it is no .npz file of plain arrays, or its contents do not fit its checksums.
    """
    import numpy as np

    try:
        with Path(path).open("rb") as file:
            bundle = np.load(file, allow_pickle=False)
            if isinstance(bundle, np.ndarray):
                raise ValueError("it is a .npy file of one array, not an .npz file")
            # NumPy reads as far as an array's header says; where that is damaged, it does not come to the checksum.
            damaged = bundle.zip.testzip()
            if damaged is not None:
                raise ValueError(f"the checksum of {damaged} does not fit")
            arrays = {name: bundle[name] for name in bundle.files}
            if not all(isinstance(array, np.ndarray) for array in arrays.values()):
                raise ValueError("it is an archive of other files")
            return arrays
    except FileNotFoundError:
        raise
    except DAMAGED as error:
        raise DamagedFile(f"{path} is damaged, or is no .npz file of plain arrays ({error})") from error


def made_whole(target: Path, is_current: Callable[[], bool], make: Callable[[Path], None]) -> None:
    """Make a folder, unless it is there already, so that it has its name only when it is complete.

    The files go to a hidden folder beside `target`, so an interrupted call leaves nothing that looks finished; the next
    call removes what it left. Processes that make the same folder wait for each other. Where nothing can be written, a
    target that is current is good enough.

    Args:
        target: the folder; what it held before is replaced.
        is_current: whether `target` is what is wanted. It may raise where `target` must not be replaced.
        make: fills the new folder, which it is given.

    Raises:
        OSError: the disk is full, or may not be written.
        whatever `is_current` or `make` raises; `target` is as it was then.
    """
    target = target.absolute()  # "." has no name
    scratch_name = f".{target.name}.part-"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.with_name(f".{target.name}.lock")):
            for left in target.parent.iterdir():  # by a process that was killed; no pattern: the name may hold brackets
                if left.name.startswith(scratch_name):
                    shutil.rmtree(left, ignore_errors=True)
            if is_current():
                return
            scratch = Path(tempfile.mkdtemp(prefix=scratch_name, dir=target.parent))
            new, old = scratch / "new", scratch / "old"
            try:
                new.mkdir()
                make(new)
                is_current()  # raises if someone has put a file there meanwhile
                if target.exists():
                    target.rename(old)
                new.rename(target)  # the moment from which on the folder counts
            finally:
                if old.exists() and not target.exists():
                    old.rename(target)
                shutil.rmtree(scratch, ignore_errors=True)  # what cannot be removed now, the next call removes
    except OSError as error:
        if not (may_not_write(error) and is_current()):
            raise


def may_not_write(error: OSError) -> bool:
    """Whether an error says that a place cannot be written at all; what lies there complete can still be read."""
    return isinstance(error, PermissionError) or error.errno == errno.EROFS


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for a lock and hold it; its file stays. The system lets go of it when the process ends, however it ends."""
    with path.open("ab") as file:
        if os.name == "nt":
            _lock_on_windows(file)
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_on_windows(file: BinaryIO) -> None:
    while True:
        try:
            return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        except OSError as error:
            if error.errno != errno.EDEADLK:  # that is its way of saying: ten seconds have passed, ask again
                raise
