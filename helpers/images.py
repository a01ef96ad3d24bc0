"""Reading fundus photographs: any path, any common format, one size, decoded once.

`read_image` reads a file and fails with a sentence where the file is damaged; `read_images` reads many of them into one
uint8 array that is kept on disk, so that a second run decodes nothing. `normalise` prepares images for a network.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import sys
import tokenize
import warnings
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from helpers.files import write_atomically
from helpers.progress import tqdm

import cv2
import numpy as np

CACHE_FORMAT = 1  # raise it whenever read_image gives other pixels than before: existing caches are then made anew

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# Neither a stuffed 0xFF00 of the pixel data nor a restart. A leading b"\xff+" would make the search 18 times slower.
_JPEG_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_JPEG_SIZE = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the start-of-frame markers
_JPEG_END = 0xD9
_REDUCED = {4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
_HEADER_BYTES = 1 << 16


class ImageError(ValueError):
    """A file that cannot be read as an image; the message names it and says what to do."""


def read_image(path: str | Path, size: int | None = None) -> np.ndarray:
    """Read one image file as RGB.

    Grey images get three equal channels, 16-bit ones are scaled to 8 bit, transparent ones are laid over black (the
    colour around a fundus photograph). A JPEG's EXIF orientation is applied: pixels come as a viewer shows them.

    With `size` the image is squeezed to a square by area averaging (by linear interpolation where it has to grow). A
    large JPEG is then decoded at a half or a quarter of its width where the result is at most a quarter of that. This
    differs from averaging the full decode by less than half a level (of 255) in the mean, by up to 3 in fundus
    photographs, and by up to 10 at edges harder than any of theirs (tests/test_images.py measures it).

    Args:
        path: the file; any characters, on Windows too.
        size: the side of the result in pixels, or None for the image's own size.

    Returns:
        uint8 array [H, W, 3], or [size, size, 3] with `size`.

    Raises:
        ImageError: the file is missing, empty, truncated, or not an image.
    """
    if size is not None and size < 1:
        raise ValueError(f"size must be at least 1 pixel, not {size}")
    path = Path(path)
    data = _read_bytes(path)
    own_size, complete = _inspect(data)
    if not complete:
        raise ImageError(f"{path} is truncated: the file ends before the image does. Copy or unpack the file again.")
    image = _decode_jpeg(data, own_size, size) if data.startswith(_JPEG) else _decode(data)
    if image is None:
        raise ImageError(f"{path} cannot be decoded as an image. Copy or unpack the file again.")
    return image if size is None else _resize(image, size)


def image_size(path: str | Path) -> tuple[int, int]:
    """Height and width in pixels as they are stored; JPEG and PNG files are not decoded for it.

    Raises:
        ImageError: as in `read_image`.
    """
    path = Path(path)
    for limit in (_HEADER_BYTES, -1):  # an embedded profile or preview may be longer than that
        size, _ = _inspect(_read_bytes(path, limit))
        if size is not None:
            return size
    return read_image(path).shape[:2]


def read_images(
    paths: Sequence[str | Path], size: int, cache: str | Path | None = None, progress: bool = True
) -> np.ndarray:
    """Read many image files into one array, with both cores, and keep it on disk.

    At most one full-size image for each core is in memory at a time. With `cache` each image goes to that file as soon
    as it is decoded (and what it was made from to a .json file beside it), and the array returned is a read-only memory
    map of it: however many images there are, they take no more memory. A later call decodes nothing, as long as the
    files' names, sizes and times and `size` are the same and the stored array is intact. Where the cache cannot be
    written, a warning says so and the images are returned from memory.

    Args:
        paths: the image files.
        size: the side of the result in pixels.
        cache: the file to keep the array in, name.npy, or None.
        progress: show a bar while decoding.

    Returns:
        uint8 array [n, size, size, 3], RGB.

    Raises:
        ImageError: a file cannot be read; nothing is stored then.
    """
    paths = [Path(path) for path in paths]
    if cache is not None:
        cache = Path(cache)
        key = _cache_key(paths, size)
        images = _load_cache(cache, key)
        if images is not None:
            return images
        try:
            _store_cache(cache, key, paths, size, progress)
        except OSError as error:
            warnings.warn(
                f"The decoded images could not be kept in {cache} ({error.strerror or error}); they will be decoded "
                "again next time. Free some space or make the folder writable.",
                stacklevel=2,
            )
        else:
            images = _load_cache(cache, key)  # None if another process has replaced it in the meantime
            if images is not None:
                return images
    images = np.empty((len(paths), size, size, 3), np.uint8)
    for index, image in enumerate(_decode_all(paths, size, progress)):
        images[index] = image
    return images


class Selection:
    """Some images of an array, in an order of their own: each is read only when it is asked for, none is copied.

    An index gives an image as the array has it (a map's are read-only), a slice or an array of indices a new array.
    Where NumPy wants an array, it gets a new one with all images.

    Args:
        images: uint8 [n, S, S, 3], in memory or mapped from a file, or another selection.
        positions: int64 [m], the places of the images in it.
    """

    def __init__(self, images: np.ndarray | Selection, positions: np.ndarray) -> None:
        if isinstance(images, Selection):
            images, positions = images._images, images._positions[positions]
        self._images, self._positions = images, positions

    @property
    def shape(self) -> tuple[int, ...]:
        """[m, S, S, 3]."""
        return (len(self._positions), *self._images.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """uint8."""
        return self._images.dtype

    @property
    def ndim(self) -> int:
        """4."""
        return self._images.ndim

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, index: int | slice | np.ndarray) -> np.ndarray:
        return self._images[self._positions[index]]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("the images lie apart from one another: an array of them is always a copy")
        return np.asarray(self[:], dtype)


def normalise(images: np.ndarray) -> np.ndarray:
    """Bring each image to mean 0 and standard deviation 1 over its own disc of light; outside it becomes 0.

    The mean is taken from each channel by itself, which removes the colour of the light and of the camera; one standard
    deviation serves all three, so that the colours keep their contrast against one another.

    Args:
        images: uint8 [H, W, 3], or a stack [n, H, W, 3].

    Returns:
        float32 array of the same shape.
    """
    images = np.ascontiguousarray(images)
    if images.ndim == 4:
        return np.stack([normalise(image) for image in images]) if len(images) else images.astype(np.float32)
    inside = cv2.bitwise_not(cv2.inRange(images, (0, 0, 0), (15, 15, 15)))  # the camera's black is noise up to that
    mean, deviations = cv2.meanStdDev(images, mask=inside)
    deviation = np.float32(np.sqrt(np.mean(deviations**2)) + 1e-3)
    return (images - mean.ravel().astype(np.float32)) / deviation * (inside[..., None] > 0)


def scaled(image: np.ndarray) -> np.ndarray:
    """No normalisation: bytes to -1 ... 1, float32, same shape."""
    return image.astype(np.float32) / 127.5 - 1


# --- one file ------------------------------------------------------------------------------------------------------

def _read_bytes(path: Path, limit: int = -1) -> bytes:
    # Not cv2.imread: on Windows it cannot open a path with Chinese characters.
    try:
        with path.open("rb") as file:
            data = file.read(limit)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not data:
        raise ImageError(f"{path} has zero bytes. Copy or unpack the file again.")
    return data


def _unreadable(path: Path, error: OSError) -> ImageError:
    return ImageError(f"{path} cannot be read ({error.strerror or error}). Copy or unpack the images again.")


def _inspect(data: bytes) -> tuple[tuple[int, int] | None, bool]:
    """(height, width) as far as `data` tells, and whether a JPEG or PNG file is there to its end.

    OpenCV may fill what is missing of a truncated JPEG with grey and say nothing, so the end is looked for here.
    Its marker somewhere is not enough: a thumbnail in the header has one too, and bytes may follow the real one.
    """
    if data.startswith(_JPEG):
        return _inspect_jpeg(data)
    if data.startswith(_PNG):
        return _inspect_png(data)
    return None, True  # OpenCV itself refuses other formats when they are truncated


def _inspect_jpeg(data: bytes) -> tuple[tuple[int, int] | None, bool]:
    """Walk from segment to segment (ITU-T T.81, annex B); between scans, search for the next marker."""
    size, position = None, 2
    while match := _JPEG_MARKER.search(data, position):
        marker, position = match[1][0], match.end()
        if marker == _JPEG_END:
            return size, True
        if marker in _JPEG_SIZE and len(data) >= position + 7:
            size = struct.unpack_from(">HH", data, position + 3)
        position += int.from_bytes(data[position:position + 2], "big")
    return size, False


def _inspect_png(data: bytes) -> tuple[tuple[int, int] | None, bool]:
    """Walk from chunk to chunk (W3C PNG, section 5) up to IEND."""
    size, position = None, len(_PNG)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IHDR" and len(data) >= position + 16:
            width, height = struct.unpack_from(">II", data, position + 8)
            size = height, width
        if kind == b"IEND":
            return size, True
        position += 12 + length
    return size, False


def _decode_jpeg(data: bytes, own_size: tuple[int, int] | None, size: int | None) -> np.ndarray | None:
    """RGB pixels, reduced while decoding where it is exact enough; None if OpenCV cannot decode it."""
    flags = cv2.IMREAD_COLOR
    if size is not None and own_size is not None:
        flags = next((flag for factor, flag in _REDUCED.items() if min(own_size) >= factor * 4 * size), flags)
    image = _imdecode(data, flags)
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _decode(data: bytes) -> np.ndarray | None:
    """RGB pixels of any other format, whatever its channels and depth; None if OpenCV cannot decode it."""
    image = _imdecode(data, cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        return None
    if image.dtype == np.uint16:
        image = cv2.convertScaleAbs(image, alpha=1 / 257)  # 65535 = 257 * 255
    if image.ndim == 2 or image.shape[2] == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 4:
        return _over_black(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA))
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _imdecode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # some damaged files raise, others give None: both are reported by read_image
        return None


def _over_black(image: np.ndarray) -> np.ndarray:
    alpha = image[..., 3:].astype(np.float32) / 255
    return np.rint(image[..., :3] * alpha).astype(np.uint8)


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    shrinks = min(height, width) >= size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


# --- many files ----------------------------------------------------------------------------------------------------

def _decode_all(paths: list[Path], size: int, progress: bool) -> Iterator[np.ndarray]:
    """Give the images in order; close it to decode no more of them."""
    workers = min(4, os.cpu_count() or 1)
    ahead: deque[Future[np.ndarray]] = deque()  # never more than a few, also where they are taken slowly

    def decoded() -> Iterator[np.ndarray]:
        for path in paths:
            if len(ahead) == 4 * workers:
                yield ahead.popleft().result()
            ahead.append(pool.submit(read_image, path, size))
        while ahead:
            yield ahead.popleft().result()

    # OpenCV lets go of Python's lock while it decodes, so threads do use all cores.
    with ThreadPoolExecutor(workers) as pool:
        yield from tqdm(
            decoded(), "decoding", len(paths), leave=False, file=sys.stdout, disable=not progress, unit="image"
        )


def _cache_key(paths: list[Path], size: int) -> str:
    """Changes whenever the decoded array may: with the files' names, sizes and times, their order, and `size`."""
    entries: list[object] = [CACHE_FORMAT, size]
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            raise _unreadable(path, error) from error
        entries.append([f"{path.parent.name}/{path.name}", status.st_size, status.st_mtime_ns])
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()


def _load_cache(cache: Path, key: str) -> np.ndarray | None:
    """The stored array as a read-only memory map, or None if there is none, it is another one, or it is damaged."""
    description = cache.with_suffix(".json")
    if not (cache.is_file() and description.is_file()):
        return None
    try:
        stored = json.loads(description.read_text(encoding="utf-8"))
        if stored["key"] != key:
            return None
        images = np.load(cache, mmap_mode="r", allow_pickle=False)
    except (ValueError, KeyError, TypeError, EOFError, OSError, tokenize.TokenError):
        return None  # a damaged cache is no error: it is made anew; NumPy reads its header with Python's tokenizer
    return images if images.dtype == np.uint8 and zlib.crc32(images) == stored.get("crc32") else None


def _store_cache(cache: Path, key: str, paths: list[Path], size: int, progress: bool) -> None:
    def fill(file: BinaryIO) -> int:
        """Write one image after the other, and give the checksum of all."""
        # Not into a memory map: where the disk is full, that kills the process instead of raising an error.
        shape = (len(paths), size, size, 3)
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        checksum = 0
        with closing(_decode_all(paths, size, progress)) as decoded:
            for image in decoded:
                file.write(image)
                checksum = zlib.crc32(image, checksum)
        return checksum

    description = json.dumps({"key": key, "crc32": write_atomically(cache, fill)}).encode()
    write_atomically(cache.with_suffix(".json"), lambda file: file.write(description))
