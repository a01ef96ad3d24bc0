"""From the bytes of a photograph to 8 bits of red, green and blue, as a viewer shows it.

Read are JPEG, PNG, TIFF, BMP, WebP, GIF and PPM: grey, colour, palette, CMYK, transparent, of 8 to 16 bits. Pillow
decodes; what it cannot, 16 bits of colour, OpenCV does.
"""
from __future__ import annotations

import io
import struct
import zlib

from helpers.fundus.jpeg import Hole, WholeJpeg

import cv2
import numpy as np
from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras count with; they are stored in 8 or in 16
_ORIENTATION, _BITS_PER_SAMPLE, _SHORT = 0x0112, 0x0102, 3  # of EXIF and TIFF
_PHOTOMETRIC, _PLANES, _EXTRA = 0x0106, 0x011C, 0x0152  # of TIFF: what 0 is, one picture or one a channel, the fourth
_WHITE_IS_0, _OPACITY = 0, 2

# What Pillow, NumPy and OpenCV raise over damaged files of one format or another.
DAMAGED = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, RuntimeError, struct.error, zlib.error,
    cv2.error, Image.DecompressionBombError,
)  # fmt: skip

# How the pictures of an orientation are turned, by NumPy: EXIF 2.32, tag 0x0112.
_TURNS = {
    2: lambda image: image[:, ::-1], 3: lambda image: image[::-1, ::-1], 4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2), 6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(image.transpose(1, 0, 2), 2), 8: np.rot90,
}  # fmt: skip


def decode(data: bytes, size: int | None = None) -> np.ndarray:
    """Decode a photograph; a JPEG at a half or a quarter of its width where that is at least four times `size`.

    Returns:
        uint8 array [H, W, 3]. EXIF orientation is applied; what is transparent is laid over black, the colour around a
        fundus photograph.

    Raises:
        any of DAMAGED, with the reason as its message.
    """
    refuse_others(data)
    stream = WholeJpeg(data) if data.startswith(b"\xff\xd8") else io.BytesIO(data)
    if data.startswith(b"\x89PNG"):
        with Image.open(io.BytesIO(data), formats=FORMATS) as file:
            file.verify()  # the checksums; the decoder of the pixels does not look at all of them
    with Image.open(stream, formats=FORMATS) as file:
        _reduce(file, size)
        deep = _deep_colour(file, data)
        turn = _turn(file) if deep else 1
        file.load()  # what is damaged is noticed here, in deep images too
        turned = _turn(file) != 1  # Pillow would copy the others
        image = ImageOps.exif_transpose(file) if turned else file
        if isinstance(stream, WholeJpeg):
            stream.check()
            if again := stream.padded():
                with Image.open(io.BytesIO(again), formats=FORMATS) as padded:
                    _reduce(padded, size)
                    if not np.array_equal(np.asarray(padded), np.asarray(file)):
                        raise Hole("has a hole: a part of the image data is missing")
        if deep:
            return _deep(data, file, turn)
        pixels = _rgb(image)
        # Pillow turns these over where they have 8 bits, and not where they have 16.
        white_is_0 = image.mode.startswith("I;16") and _tag(file, _PHOTOMETRIC, 1) == _WHITE_IS_0
        return 255 - pixels if white_is_0 else pixels


def _turn(file: Image.Image) -> int:
    """How the photograph is turned, by EXIF; 1, not at all, where EXIF cannot be read, as viewers take it."""
    try:
        return file.getexif().get(_ORIENTATION, 1)
    except DAMAGED:
        return 1


def _reduce(file: Image.Image, size: int | None) -> None:
    """Have a JPEG decoded at a half or a quarter of its width, where `decode` says so."""
    if size is not None:
        factor = next((factor for factor in (4, 2) if min(file.size) >= 4 * size * factor), 1)
        file.draft(None, (file.width // factor, file.height // factor))


def to_bytes(image: np.ndarray) -> np.ndarray:
    """Bring whole numbers of up to 16 bits to 8.

    A camera of 12 bits stores 0 to 4095 in numbers that could be up to 65535, and no format has a common place to say
    so. So the largest value of all channels decides: the smallest of 8, 10, 12, 14 and 16 bits that can hold it. An
    image of 16 bits that uses less than a quarter of them comes out brighter.

    Raises:
        ValueError: a value is no whole number, is negative, or beyond 16 bits.
    """
    if not isinstance(image, np.ndarray) or image.dtype.kind not in "biu":
        raise ValueError("its pixels are no whole numbers; save it with 8 or 16 bits")
    largest = int(image.max(initial=0))
    if image.min(initial=0) < 0 or largest >= 1 << DEPTHS[-1]:
        raise ValueError("its pixels are numbers of 32 bits; save it with 8 or 16")
    full = (1 << next(depth for depth in DEPTHS if largest < 1 << depth)) - 1
    return np.rint(np.asarray(image, np.float32) * np.float32(255 / full)).astype(np.uint8)


def refuse_others(data: bytes) -> None:
    """Raise ValueError, with the way out, for kinds of photographs that need programs which this course does not."""
    if data[128:132] == b"DICM":
        raise ValueError(
            "is a DICOM file. Export it as PNG or TIFF from the viewer that shows it, or convert it with DCMTK: "
            "dcmj2pnm --write-png IN.dcm OUT.png"
        )
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1", b"avif", b"avis"):
        raise ValueError(
            "is a HEIC or AVIF file. Save it as JPEG or PNG: in the program that shows it, with ImageMagick (magick "
            'IN.heic OUT.png), or on an iPhone by Settings > Camera > Formats > "Most Compatible" before the photograph'
        )


def _deep_colour(file: Image.Image, data: bytes) -> bool:
    """Whether it has more than 8 bits of colour, of which Pillow would keep the upper 8, or of grey with alpha."""
    if file.format == "PNG":
        return data[24] == 16 and data[25] != 0  # bit depth; kind of colour, 0 is grey
    if file.format == "TIFF":
        bits = file.tag_v2.get(_BITS_PER_SAMPLE, (1,))
        return len(bits) > 1 and max(bits) > 8
    return False


def _tag(file: Image.Image, number: int, usual: int) -> int:
    """The first value of a TIFF's tag; what is usual where there is none, and in other formats."""
    value = file.tag_v2.get(number, usual) if file.format == "TIFF" else usual
    return value[0] if isinstance(value, tuple) else value


def _deep(data: bytes, file: Image.Image, turn: int) -> np.ndarray:
    """Colour of up to 16 bits, by OpenCV."""
    if file.format == "TIFF":  # OpenCV turns some of them; the others are turned here
        data = _upright(data)
    one_picture = _tag(file, _PLANES, 1) == 1  # OpenCV takes three for one, without a word, and Pillow their bytes
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if one_picture else None
    if image is None or image.ndim != 3 or image.dtype not in (np.uint8, np.uint16):
        raise ValueError("its kind of 16 bits of colour cannot be read; save it with 8, or as PNG")
    colour = to_bytes(image[..., 2::-1])
    # The fourth number may say nothing, or the colours may be multiplied with it already: they lie on black then.
    if image.shape[2] == 4 and _tag(file, _EXTRA, _OPACITY) == _OPACITY:
        share = image[..., 3:] / np.float32(np.iinfo(image.dtype).max)
        colour = np.rint(colour * share).astype(np.uint8)
    return np.ascontiguousarray(_TURNS.get(turn, np.asarray)(colour))


def _upright(data: bytes) -> bytes:
    """A TIFF whose orientation says 1."""
    order = "<" if data.startswith(b"II") else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from(f"{order}HH", data, entry) == (_ORIENTATION, _SHORT):
            return data[: entry + 8] + struct.pack(f"{order}H", 1) + data[entry + 10 :]
    return data


def _rgb(image: Image.Image) -> np.ndarray:
    """uint8 [H, W, 3] of an image of any mode."""
    if image.mode.startswith("I"):  # 16 bits of grey, on some systems in 32
        return cv2.cvtColor(to_bytes(np.asarray(image)), cv2.COLOR_GRAY2RGB)
    if image.mode == "F":
        raise ValueError("its pixels are decimal numbers; save it with 8 or 16 bits")
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))
