"""Reading fundus photographs: any path, any common format, one size, decoded once.

`read_image` reads a file and fails with a sentence where the file is damaged; `read_images` reads many of them into one
uint8 array that is kept on disk, so that a second run decodes nothing. `normalise` prepares images for a network.
"""
from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.files import DamagedFile, read_arrays, write_arrays
from helpers.fundus.errors import ImageError

import cv2
import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

CACHE_FORMAT = 2  # raise it whenever read_image gives other pixels than before: existing caches are then made anew
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM")

# What Pillow raises over damaged files of one format or another.
_DAMAGED = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, RuntimeError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip


def read_image(path: str | Path, size: int | None = None) -> np.ndarray:
    """Read one image file as RGB.

    Grey images get three equal channels, 16-bit ones are scaled to 8 bit, transparent ones are laid over black (the
    colour around a fundus photograph). A JPEG's EXIF orientation is applied: pixels come as a viewer shows them.

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
        ImageError: the file is missing, empty, truncated, or not an image.
    """
    if size is not None and size < 1:
        raise ValueError(f"size must be at least 1 pixel, not {size}")
    path = Path(path)
    data = _read_bytes(path)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as file:
            # libjpeg fills what is missing with grey and says nothing; within a scan no marker comes by chance.
            if file.format in ("JPEG", "MPO") and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
                raise OSError("truncated")
            if size is not None:
                factor = next((factor for factor in (4, 2) if min(file.size) >= 4 * size * factor), 1)
                file.draft(None, (file.width // factor, file.height // factor))
            image = _rgb(ImageOps.exif_transpose(file))
    except _DAMAGED as error:
        raise _unusable(path, error) from error
    if size is None or image.shape[:2] == (size, size):
        return image
    shrinks = min(image.shape[:2]) >= size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def image_size(path: str | Path) -> tuple[int, int]:
    """Height and width in pixels as they are stored; the file is not decoded for it.

    Raises:
        ImageError: as in `read_image`.
    """
    try:
        with Image.open(io.BytesIO(_read_bytes(Path(path))), formats=FORMATS) as file:
            return file.height, file.width
    except _DAMAGED as error:
        raise _unusable(path, error) from error


def read_images(
    paths: Sequence[str | Path], size: int, cache: str | Path | None = None, progress: bool = True
) -> np.ndarray:
    """Read many image files into one array, with all cores, and keep it on disk.

    At most one full-size image for each core is in memory at a time. A later call decodes nothing, as long as
    `size` and the files' names, sizes and times are the same and the stored array is intact. Where the cache cannot be
    written, a warning says so.

    Args:
        size: the side of the result in pixels.
        cache: the .npz file to keep the array in, or None.

    Returns:
        uint8 array [n, size, size, 3], RGB.

    Raises:
        ImageError: a file cannot be read; nothing is stored then.
    """
    paths = [Path(path) for path in paths]
    if cache is None:
        return _decode_all(paths, size, progress)
    key = _cache_key(paths, size)
    images = _cached(Path(cache), key)
    if images is None:
        images = _decode_all(paths, size, progress)
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


def _rgb(image: Image.Image) -> np.ndarray:
    """uint8 [H, W, 3] of an image of any mode."""
    if image.mode.startswith("I"):  # 16 bits of grey, on some systems in 32
        grey = np.rint(np.asarray(image) / 257).clip(0, 255).astype(np.uint8)  # 65535 = 257 * 255
        return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    if image.mode == "F":
        raise ValueError("its pixels are decimal numbers")
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    return np.array(image.convert("RGB"))


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror or error}). Copy or unpack it again.") from error
    if not data:
        raise ImageError(f"{path} has zero bytes. Copy or unpack the file again.")
    return data


def _unusable(path: str | Path, error: Exception) -> ImageError:
    truncated = "is truncated: the file ends before the image does"
    reason = truncated if "truncated" in str(error).lower() else f"cannot be decoded as an image ({error})"
    return ImageError(f"{path} {reason}. Copy or unpack the file again.")


def _decode_all(paths: list[Path], size: int, progress: bool) -> np.ndarray:
    images = np.empty((len(paths), size, size, 3), np.uint8)

    def decode(index: int) -> None:
        images[index] = read_image(paths[index], size)

    # Pillow and OpenCV let go of Python's lock while they decode and shrink, so threads do use all cores.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        done = pool.map(decode, range(len(paths)))
        for _ in tqdm(
            done, "decoding", len(paths), leave=False, file=sys.stdout, disable=not progress, unit="image"
        ):
            pass
    return images


def _cache_key(paths: list[Path], size: int) -> str:
    """Changes whenever the decoded array may: with the files' names, sizes and times, their order, and `size`."""
    entries: list[object] = [CACHE_FORMAT, size]
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            raise ImageError(f"{path} cannot be read ({error.strerror or error}). Copy or unpack it again.") from error
        entries.append([f"{path.parent.name}/{path.name}", status.st_size, status.st_mtime_ns])
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()


def _cached(cache: Path, key: str) -> np.ndarray | None:
    """The stored images, or None if there are none, or others, or they are damaged: then they are decoded anew."""
    try:
        stored = read_arrays(cache)
    except (FileNotFoundError, DamagedFile):
        return None
    return stored["images"] if str(stored.get("key")) == key else None
