"""Reading fundus photographs: any path, any common format, one size, decoded once.

`read_image` reads a file and fails with a sentence where the file is damaged; `read_images` reads many of them into one
uint8 array that is kept on disk, so that a second run decodes nothing. `normalise` prepares images for a network.
"""
from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.checks import whole
from helpers.files import DamagedFile, read_arrays, write_arrays
from helpers.fundus.decoding import DAMAGED, FORMATS, decode, refuse_others
from helpers.fundus.errors import ImageError

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

# Names of files that are taken for photographs. Of the last two lines none can be read, and each is told why.
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".mpo",
            ".heic", ".heif", ".avif",
            ".dcm", ".dicom"}  # fmt: skip
# Raise it whenever a reader gives other pixels than before, or refuses what it gave: all caches are then made anew.
CACHE_FORMAT = 5
BLACK = 15  # levels: the camera's black is noise up to that; what is above in any channel is the field of view


def read_image(path: str | Path, size: int | None = None) -> np.ndarray:
    """Read one image file as RGB, as a viewer shows it; `helpers.fundus.decoding` says which kinds and how.

    Grey images get three equal channels, those of 10 to 16 bits are scaled to 8, transparent ones are laid over black.

    With `size` the image is squeezed to a square by area averaging (by linear interpolation where it has to grow). A
    large JPEG is then decoded at a half or a quarter of its width where the result is at most a quarter of that. This
    differs from averaging the full decode by less than half a level (of 255) in the mean, by up to 3 in fundus
    photographs, and by up to 10 at edges harder than any of theirs (tests/fundus/test_images.py measures it).

    Args:
        path: the file; any characters, on Windows too.
        size: the side of the result in pixels, or None for the image's own size.

    Returns:
        uint8 array [H, W, 3], or [size, size, 3] with `size`.

    Raises:
        ImageError: the file is missing, empty, truncated, not an image, or a JPEG with a hole
            (`helpers.fundus.jpeg` says which holes are noticed).
    """
    if size is not None:
        size = whole("size", size, 1)
    path = Path(path)
    data = _read_bytes(path)
    try:
        image = decode(data, size)
    except DAMAGED as error:
        raise _unusable(path, error) from error
    return image if size is None else squeeze(image, size)


def squeeze(image: np.ndarray, size: int) -> np.ndarray:
    """An image [H, W, 3] as a square [size, size, 3], by area averaging, or linear interpolation where it grows."""
    if image.shape[:2] == (size, size):
        return image
    shrinks = min(image.shape[:2]) >= size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def image_size(path: str | Path) -> tuple[int, int]:
    """Height and width in pixels as they are stored, of a TIFF as it is shown; the file is not decoded for it.

    Raises:
        ImageError: as in `read_image`.
    """
    path = Path(path)
    beginning = _read_bytes(path, 256)
    try:
        refuse_others(beginning)
        with Image.open(path, formats=FORMATS) as file:
            return file.height, file.width
    except DAMAGED as error:
        raise _unusable(path, error) from error


def read_images(
    paths: Sequence[str | Path], size: int, cache: str | Path | None = None, progress: bool = True,
    read: Callable[[Path, int], np.ndarray] | None = None,
) -> np.ndarray:  # fmt: skip
    """Read many image files into one array, with all cores, and keep it on disk.

    At most one full-size image for each core is in memory at a time. A later call decodes nothing, as long as
    `size` and the files' names, sizes and times are the same and the stored array is intact. Where the cache cannot be
    written, a warning says so.

    Args:
        size: the side of the result in pixels.
        cache: the .npz file to keep the array in, or None.
        read: reads one file as uint8 [size, size, 3]; a function with a name, which the cache remembers. None:
            `read_image`.

    Returns:
        uint8 array [n, size, size, 3], RGB.

    Raises:
        ImageError: files cannot be read, each of which is named; nothing is stored then.
        ValueError: `size` is no whole number from 1 on.
    """
    paths, size = [Path(path) for path in paths], whole("size", size, 1)
    if cache is None:
        return _decode_all(paths, size, progress, read or read_image)
    key = _cache_key(paths, size, read.__name__ if read else "")
    images = _cached(Path(cache), key)
    if images is None:
        images = _decode_all(paths, size, progress, read or read_image)
        try:
            write_arrays(cache, {"images": images, "key": np.array(key)})
        except OSError as error:
            warnings.warn(
                f"The decoded images could not be kept in {cache} ({error.strerror or error}); they will be decoded "
                "again next time. Free some space or make the folder writable.",
                stacklevel=2,
            )
    return images


def normalise(images: np.ndarray) -> np.ndarray:
    """Bring each image to mean 0 and standard deviation 1 over its own disc of light; outside it becomes 0.

    The mean is taken from each channel by itself, which removes the colour of the light and of the camera; one standard
    deviation serves all three, so that the colours keep their contrast against one another.

    Args:
        images: uint8 [H, W, 3], or a stack [n, H, W, 3].

    Returns:
        float32 array of the same shape.

    Raises:
        ValueError: they are none of these; floats from 0 to 1, say, would all be black.
    """
    images = np.ascontiguousarray(images)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[-1] != 3:
        raise ValueError(f"images must be uint8 [H, W, 3] or [n, H, W, 3], not {images.dtype} {list(images.shape)}")
    if images.ndim == 4:
        return np.stack([normalise(image) for image in images]) if len(images) else images.astype(np.float32)
    inside = cv2.bitwise_not(cv2.inRange(images, (0, 0, 0), (BLACK, BLACK, BLACK)))
    mean, deviations = cv2.meanStdDev(images, mask=inside)
    deviation = np.float32(np.sqrt(np.mean(deviations**2)) + 1e-3)
    return (images - mean.ravel().astype(np.float32)) / deviation * (inside[..., None] > 0)


def scaled(image: np.ndarray) -> np.ndarray:
    """No normalisation: bytes to -1 ... 1, float32, same shape."""
    return image.astype(np.float32) / 127.5 - 1


def _read_bytes(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most)
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror or error}). Copy or unpack it again.") from error
    if not data:
        raise ImageError(f"{path} has zero bytes. Copy or unpack the file again.")
    return data


def _unusable(path: str | Path, error: Exception) -> ImageError:
    reason, advice = str(error), "Copy or unpack the file again."
    if "truncated" in reason.lower():
        reason = "is truncated: the file ends before the image does"
    elif reason.startswith("is a "):
        advice = ""
    elif isinstance(error, UnidentifiedImageError):  # its own text names an object of this process
        reason = "cannot be decoded as an image (damaged, or of no known format)"
        advice = "Copy or unpack the file again, or save it as PNG or JPEG."
    elif not reason.startswith("has a hole"):
        reason = f"cannot be decoded as an image ({reason})"
    return ImageError(f"{path} {reason}. {advice}".rstrip())


def _decode_all(
    paths: list[Path], size: int, progress: bool, read: Callable[[Path, int], np.ndarray]
) -> np.ndarray:  # fmt: skip
    images = np.empty((len(paths), size, size, 3), np.uint8)

    def decode(index: int) -> ImageError | None:
        try:
            images[index] = read(paths[index], size)
        except ImageError as error:
            return error
        except MemoryError:
            return ImageError(f"{paths[index]} is too large for the memory of this machine. Make it smaller.")

    # Pillow and OpenCV let go of Python's lock while they decode and shrink, so threads do use all cores.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        done = pool.map(decode, range(len(paths)))
        try:
            bar = tqdm(done, "decoding", len(paths), leave=False, file=sys.stdout, disable=not progress, unit="image")
            errors = [error for error in bar if error is not None]
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody waits for the rest
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ImageError("\n".join([f"{len(errors)} of {len(paths)} images cannot be read:", *map(str, errors)]))
    return images


def _cache_key(paths: list[Path], size: int, reader: str) -> str:
    """Changes whenever the decoded array may: with the files' names, sizes and times, their order, size and reader."""
    entries: list[object] = [CACHE_FORMAT, size, *([reader] if reader else [])]
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # it will be named with all others that cannot be read
            entries.append(None)
        else:
            entries.append([f"{path.parent.name}/{path.name}", status.st_size, status.st_mtime_ns])
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()


def _cached(cache: Path, key: str) -> np.ndarray | None:
    """The stored images, or None if there are none, or others, or they are damaged: then they are decoded anew."""
    try:
        stored = read_arrays(cache)
    except (FileNotFoundError, DamagedFile):
        return None
    return stored.get("images") if str(stored.get("key")) == key else None
