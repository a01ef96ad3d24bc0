"""Finds the hand-ins of a class below a folder and reads them: answers.json, or the notebook that shows the same.

Nothing of a hand-in is run, imported or written to the disk. One that cannot be read is named, with the reason, and
keeps no other from being read.
"""
from __future__ import annotations

import io
import json
import os
import re
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from helpers.files import spelled, zip_files
from helpers.homework.hand_in import NOTHING
from helpers.homework.submission import MIME, BadSubmission, Submission, parse
from helpers.homework.variants import COURSE
from helpers.homework.writing import Unreadable, decode, typed
from helpers.language import Text

LARGEST = 32 * 2**20  # bytes of a file; the notebook has one or two million
# Limits for each thing that lies in the folder itself, so that what one student hands in leaves room for the others.
MOST = 20_000  # files
ROOM = 2**32  # bytes that its zips may unpack to
INNER = 2**26  # bytes that a zip in a zip may unpack to: in a platform's zip a student's own
DEEPEST = 3  # zips in each other
RATIO = 100  # a file that shrinks more than this when it is packed is none of this homework
# What lies beside hand-ins without being any: of systems, of nbgrader, of browsers.
ASIDE = {"__macosx", "__pycache__", "thumbs.db", "desktop.ini", "timestamp.txt", "submission_secret.txt"}
SOLUTIONS = "### BEGIN SOLUTION"  # stands in the notebook with the solutions and in no learner's copy
# A browser writes "answers.json(1)" and "homework.zip.download".
HAND_IN, ZIP = re.compile(r"\.(json|ipynb)(?![a-z])"), re.compile(r"\.zip(?![a-z])(?!.*\.(json|ipynb)(?![a-z]))")
PACKED = {b"PK\3\4": "zip", b"Rar!": "rar", b"\x1f\x8b": "gzip", b"7z\xbc\xaf": "7z"}  # first bytes


@dataclass(frozen=True)
class HandIn:
    """What was found at one place: a hand-in, or why there is none.

    Attributes:
        parts: its path below the folder, the names of zips included.
        changed: when it was last changed, in seconds since 1970.
        content: the hand-in; None where there is none.
        problem: why there is none, in words.
        empty: it is a folder with nothing in it.
        notes: what is to be said about the hand-in besides.
    """

    parts: tuple[str, ...]
    changed: float = 0.0
    content: Submission | None = None
    problem: str = ""
    empty: bool = False
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return "/".join(self.parts)


def read_all(place: str | Path) -> list[HandIn]:
    """All hand-ins below a folder, or in a zip, in the order of their paths.

    Raises:
        OSError: the folder itself is not there, or cannot be listed.
    """
    search, place = _Search(), Path(place)
    if place.is_file():
        search.file((spelled(place.name),), place.stat().st_mtime, place.stat().st_size, place)
    else:
        os.scandir(place).close()
        search.folder(place)
    return sorted(search.found, key=lambda hand_in: hand_in.parts)


@dataclass
class _Room:
    """How many bytes may still be unpacked."""

    left: int

    def take(self, size: int) -> None:
        if size > self.left:
            raise Unreadable(Text("解压后太大，没有读", "it unpacks to too much: not read"))
        self.left -= size


@dataclass
class _Search:
    """What has been found so far, and how much of what lies in the folder itself."""

    found: list[HandIn] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    rooms: dict[str, _Room] = field(default_factory=dict)

    def add(self, hand_in: HandIn) -> None:
        top = hand_in.parts[0]
        self.counts[top] += 1
        if self.counts[top] <= MOST:
            self.found.append(hand_in)
        elif self.counts[top] == MOST + 1:
            said = Text("里面的文件超过 {} 个，其余的没有读", "more than {} files are in it, the rest is not read")
            self.found.append(HandIn((top,), problem=said.format(f"{MOST:,}")))

    def full(self, parts: tuple[str, ...]) -> bool:
        return bool(parts) and self.counts[parts[0]] > MOST

    def folder(self, top: Path) -> None:
        """Look through a folder. A link is not followed: it may lead to what somebody else has handed in."""
        places: list[tuple[Path, tuple[str, ...]]] = [(top, ())]
        while places:  # no recursion: a folder may be as deep as somebody likes to make it
            place, parts = places.pop()
            if self.full(parts):
                continue
            try:
                with os.scandir(place) as listed:
                    entries = [entry for entry in listed if not _is_aside(entry.name)]
                if not entries and parts:
                    said = Text("文件夹里什么也没有", "the folder is empty")
                    self.add(HandIn(parts, problem=str(said), empty=True))
            except OSError as error:
                self.add(HandIn(parts, problem=_in_words(error)))
                continue
            for entry in entries:
                inner = (*parts, spelled(entry.name))
                try:
                    if entry.is_dir(follow_symlinks=False):
                        places.append((Path(entry.path), inner))
                    elif entry.is_file(follow_symlinks=False):
                        about = entry.stat(follow_symlinks=False)
                        self.file(inner, about.st_mtime, about.st_size, Path(entry.path))
                    else:
                        said = Text("不是普通文件（例如是个链接），没有读", "no ordinary file (a link, say): not read")
                        self.add(HandIn(inner, problem=str(said)))
                except OSError as error:
                    self.add(HandIn(inner, problem=_in_words(error)))

    def file(
        self, parts: tuple[str, ...], changed: float, size: int, source: Path | Callable[[], bytes],
        room: _Room | None = None, level: int = 0,
    ) -> None:  # fmt: skip
        """Read one file, from the disk or out of a zip that has this room left. Nothing is raised."""
        if self.full(parts):
            return
        name = parts[-1].lower()
        try:
            if ZIP.search(name):
                if isinstance(source, Path):
                    self.zip(parts, source, self.rooms.setdefault(parts[0], _Room(ROOM)), level)
                else:
                    inner = _Room(before := min(INNER, room.left))
                    try:
                        self.zip(parts, io.BytesIO(source()), inner, level)
                    finally:
                        room.left -= before - inner.left
            elif not HAND_IN.search(name):
                raise Unreadable(Text(
                    "不是 answers.json，也不是笔记本（.ipynb），没有读",
                    "neither answers.json nor a notebook (.ipynb): not read",
                ))  # fmt: skip
            elif size > LARGEST:
                raise Unreadable(Text("超过 {} MB，没有读", "more than {} MB: not read").format(LARGEST >> 20))
            else:
                data = source.read_bytes() if isinstance(source, Path) else source()
                if packing := next((name for first, name in PACKED.items() if data.startswith(first)), None):
                    said = Text("这是 {} 压缩包，没有读：请解压", "it is packed ({}): not read, unpack it")
                    raise Unreadable(said.format(packing))
                value = _json(data)
                if not (isinstance(value, dict) and value.get("course") == COURSE and "students" in value):
                    self.add(_taken(parts, changed, value))  # what is left out is the class's sheet of variants
        except Exception as error:  # whatever somebody hands in, the others are read
            self.add(HandIn(parts, changed, problem=_in_words(error)))

    def zip(self, parts: tuple[str, ...], file: Path | io.BytesIO, room: _Room, level: int) -> None:
        """Read what is packed in a zip, in memory."""
        if level == DEEPEST:
            raise Unreadable(Text("压缩包套了太多层", "a zip in a zip in a zip in a zip"))
        empty = True
        with zipfile.ZipFile(file) as archive:
            for info, path in zip_files(archive):
                names = [name for name in path.split("/") if name not in ("", ".", "..")]
                if self.full(parts) or not names or any(map(_is_aside, names)):
                    continue
                empty = False
                inner = (*parts, *names)
                if info.file_size > 2**20 and info.file_size > RATIO * info.compress_size:
                    said = Text("压缩得不合常理，没有解压", "it is packed beyond reason: not unpacked")
                    self.add(HandIn(inner, problem=str(said)))
                    continue
                unpack = partial(_unpacked, archive, info, room)
                self.file(inner, _zip_time(info), info.file_size, unpack, room, level + 1)
        if empty:
            self.add(HandIn(parts, problem=str(Text("压缩包里什么也没有", "the zip is empty")), empty=True))


def _taken(parts: tuple[str, ...], changed: float, value: object) -> HandIn:
    """The hand-in that is in what JSON gave."""
    notes = []
    if isinstance(value, dict) and ("cells" in value or "worksheets" in value):
        if SOLUTIONS in json.dumps(value, ensure_ascii=True):
            raise Unreadable(Text("这是课程自己的答案，不是学生的作业", "these are the course's own solutions"))
        shown = _outputs(value)
        if not shown and _says_blank(value):
            return HandIn(parts, changed, Submission("", "", "en", "", None, {}, {}))
        if not shown:
            raise Unreadable(Text(
                "笔记本里没有交作业的输出：请运行最后几格，保存后再交",
                "no hand-in output in it: run the last cells, save it, and hand it in again",
            ))  # fmt: skip
        value = shown[-1]
        if any(other != value for other in shown):
            said = Text("笔记本里有几份答案，取最新的", "there are several hand-ins in the notebook, the newest counts")
            notes.append(str(said))
    content = parse(value)
    counts = {name: typed(answer) for name, answer in content.counts.items()}
    table = {name: typed(answer) for name, answer in content.table.items()}
    return HandIn(parts, changed, replace(content, counts=counts, table=table), notes=tuple(notes))


def _outputs(notebook: dict) -> list[object]:
    """All hand-ins that a notebook shows, the newest last: by the number of the run, then by the order of the cells."""
    shown = []
    cells = notebook.get("cells")
    for cell in cells if isinstance(cells, list) else []:
        outputs, count = (cell.get("outputs"), cell.get("execution_count")) if isinstance(cell, dict) else (None, None)
        for output in outputs if isinstance(outputs, list) else []:
            data = output.get("data") if isinstance(output, dict) else None
            if isinstance(data, dict) and MIME in data:
                value = data[MIME]
                if isinstance(value, list) and all(isinstance(line, str) for line in value):
                    value = "".join(value)  # as some editors keep all that they do not know
                value = _json(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else value
                shown.append((count if type(count) is int else 0, len(shown), value))
    return [value for _, _, value in sorted(shown, key=lambda one: one[:2])]


def _says_blank(notebook: dict) -> bool:
    """Whether the notebook was run with nothing answered: then it says so instead of showing a hand-in."""
    text = json.dumps(notebook, ensure_ascii=False)
    return any(f'"{said}' in text for said in NOTHING)


def _json(data: bytes) -> object:
    if not data.strip(b"\0 \r\n\t"):
        raise Unreadable(Text("文件是空的", "the file is empty"))
    try:
        return json.loads(decode(data))
    except RecursionError as error:
        raise Unreadable(Text("括号套得太深", "its brackets are nested too deeply")) from error
    except json.JSONDecodeError as error:
        said = Text("不是完整的 JSON（第 {} 行起读不下去）", "it is no complete JSON (it breaks off in line {})")
        raise Unreadable(said.format(error.lineno)) from error
    except Unreadable:
        raise
    except ValueError as error:  # Python reads no integer of more than 4,300 digits
        raise Unreadable(Text("里面有一个整数长得读不了", "an integer in it is too long to be read")) from error


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: _Room) -> bytes:
    room.take(info.file_size)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(Text("压缩方式少见，请解压后再试", "packed in a rare way: unpack it yourself"))
    if info.flag_bits & 1:
        raise Unreadable(Text("压缩包有密码", "the zip is locked with a password"))
    return archive.read(info)


def _zip_time(info: zipfile.ZipInfo) -> float:
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (OverflowError, ValueError):
        return 0.0


def _is_aside(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in ASIDE


def _in_words(error: Exception) -> str:
    if isinstance(error, (Unreadable, BadSubmission)):
        return str(error)
    if isinstance(error, (zipfile.BadZipFile, zlib.error, EOFError)):
        return str(Text("压缩包损坏了", "the zip is damaged"))
    if isinstance(error, PermissionError):
        return str(Text("没有权限读它", "it may not be read"))
    reason = getattr(error, "strerror", None) or type(error).__name__
    return Text("读不了（{}）", "it cannot be read ({})").format(reason)
