"""fundus.decoding: photographs of every kind give the same picture."""
import io
import struct
import zlib

from helpers.fundus.decoding import DAMAGED, decode, to_bytes
from tests.tools.palm_builder import encode, picture

import numpy as np
import pytest
from PIL import Image

PICTURE = picture(0)[:, :40]  # not square: a turn shows
DEEP = PICTURE.astype(np.uint16) * 257
TURNED = {  # how a picture has to be stored so that a viewer that heeds the orientation shows PICTURE
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2), 6: np.rot90, 7: lambda a: np.rot90(a.transpose(1, 0, 2), 2),
    8: lambda a: np.rot90(a, -1),
}  # fmt: skip


def by_pillow(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def tiff(pixels: np.ndarray, orientation: int = 1, order: str = "<", photometric: int = 2, more: tuple = ()) -> bytes:
    """An uncompressed TIFF, with 8 or 16 bits, in either order of bytes; `more` are tags behind the others."""
    height, width, channels = pixels.shape
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    bits = 8 * pixels.itemsize
    entries = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, 8 if channels > 1 else bits),
               (259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, 8 + 2 * channels), (274, 3, 1, orientation),
               (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(data)),
               *((tag, 3, 1, value) for tag, value in more)]  # fmt: skip
    table = struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        fixed = f"{order}HHIHH" if kind == 3 and count == 1 else f"{order}HHII"
        table += struct.pack(fixed, tag, kind, count, value, *([0] if fixed.endswith("HH") else []))
    table += bytes(4)
    beginning = 8 + 2 * channels + len(data)
    samples = struct.pack(f"{order}{channels}H", *[bits] * channels)
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", beginning)
    return head + samples + data + table


def with_chunk(png: bytes, name: bytes, body: bytes) -> bytes:
    """A PNG with a chunk behind its header."""
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return png[:33] + chunk + png[33:]


# --- orientation -----------------------------------------------------------------------------------------------------

ORIENTED = {
    "JPEG": lambda image, n: by_pillow(Image.fromarray(image), "JPEG", quality=100, subsampling=0, exif=exif(n)),
    "PNG": lambda image, n: by_pillow(Image.fromarray(image), "PNG", exif=exif(n)),
    "TIFF": tiff,
    "TIFF of Pillow": lambda image, n: by_pillow(Image.fromarray(image), "TIFF", exif=exif(n)),
    "TIFF, Motorola's order": lambda image, n: tiff(image, n, ">"),
    "TIFF of 16 bits": lambda image, n: tiff(image.astype(np.uint16) * 257, n),
    "TIFF of 16 bits, Motorola's order": lambda image, n: tiff(image.astype(np.uint16) * 257, n, ">"),
    "PNG of 16 bits": lambda image, n: with_chunk(
        encode(image.astype(np.uint16) * 257, ".png"), b"eXIf", exif(n).tobytes().removeprefix(b"Exif\0\0")),
    "WebP": lambda image, n: by_pillow(Image.fromarray(image), "WEBP", lossless=True, exif=exif(n)),
}  # fmt: skip


@pytest.mark.parametrize("kind", ORIENTED)
@pytest.mark.parametrize("orientation", TURNED)
def test_orientation(kind, orientation):
    stored = np.ascontiguousarray(TURNED[orientation](PICTURE))
    result = decode(ORIENTED[kind](stored, orientation))
    assert result.shape == PICTURE.shape
    np.testing.assert_allclose(result.astype(int), PICTURE, atol=4 if kind == "JPEG" else 0)


# --- bits ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("depth", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("write", [
    lambda image: encode(image, ".png"), lambda image: encode(image[..., 0], ".png"), tiff,
    lambda image: encode(image, ".tif"), lambda image: by_pillow(Image.fromarray(image[..., 0]), "TIFF"),
    lambda image: encode(np.dstack([image, np.full(image.shape[:2], 65535, np.uint16)]), ".png"),
])  # fmt: skip
def test_a_camera_of_up_to_16_bits_is_read_as_what_it_is(depth, write):
    full = (1 << depth) - 1
    bright = np.maximum(PICTURE, 255 * (np.indices(PICTURE.shape[:2]).sum(0) == 40)[..., None]).astype(np.uint8)
    result = decode(write(np.rint(bright / 255 * full).astype(np.uint16)))
    expected = bright if (result[..., :1] != result).any() else np.repeat(bright[..., :1], 3, 2)
    np.testing.assert_allclose(result.astype(int), expected, atol=1)


def test_the_largest_value_decides():
    assert [int(to_bytes(np.array([[0, value]], np.uint16)).max()) for value in (0, 255, 256, 1023, 4095, 4096)] == [
        0, 255, 64, 255, 255, 64]  # fmt: skip
    for beyond in (-1, 65536):
        with pytest.raises(ValueError, match="numbers of 32 bits; save it"):
            to_bytes(np.array([[beyond]], np.int32))


def test_deep_colour_under_alpha():
    alpha = np.full((*PICTURE.shape[:2], 1), 65535, np.uint16)
    alpha[:, :20] = 0
    result = decode(encode(np.concatenate([DEEP, alpha], 2), ".png"))
    assert not result[:, :20].any()
    np.testing.assert_array_equal(result[:, 20:], PICTURE[:, 20:])


def test_deep_colour_in_a_tiff_is_under_alpha_only_where_the_fourth_number_is_said_to_be_one():
    alpha = np.full((*PICTURE.shape[:2], 1), 65535 // 3, np.uint16)
    four = np.concatenate([DEEP, alpha], 2)
    for extra in (0, 1):  # nothing is said of it; the colours are multiplied with it already
        np.testing.assert_array_equal(decode(tiff(four, more=((338, extra),))), PICTURE)
    np.testing.assert_allclose(decode(tiff(four, more=((338, 2),))).astype(int), PICTURE / 3, atol=1)


def test_grey_of_16_bits_whose_white_is_0():
    for grey, largest in ((np.uint16(PICTURE[..., :1]) * 257, 65535), (np.uint16(PICTURE[..., :1]) * 16, 4095)):
        result = decode(tiff(largest - grey, photometric=0))
        np.testing.assert_allclose(result.astype(int), np.repeat(PICTURE[..., :1], 3, 2), atol=1)


def test_deep_colour_with_a_picture_for_each_channel_is_refused():
    with pytest.raises(ValueError, match="16 bits of colour cannot be read; save it with 8"):
        decode(tiff(DEEP, more=((284, 2),)))


# --- colours ---------------------------------------------------------------------------------------------------------

KINDS = {
    "CMYK TIFF": (lambda image: by_pillow(image.convert("CMYK"), "TIFF"), 0),
    "CMYK JPEG": (lambda image: by_pillow(image.convert("CMYK"), "JPEG", quality=100), 12),
    "WebP": (lambda image: by_pillow(image, "WEBP", lossless=True), 0),
    "PPM": (lambda image: by_pillow(image, "PPM"), 0),
    "compressed TIFF": (lambda image: by_pillow(image, "TIFF", compression="tiff_lzw"), 0),
    "BMP with alpha": (lambda image: by_pillow(image.convert("RGBA"), "BMP"), 0),
    "MPO, two pictures in one": (lambda image: by_pillow(image, "MPO", save_all=True, append_images=[image.rotate(90)],
                                                         quality=100, subsampling=0), 8),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind):
    write, tolerance = KINDS[kind]
    result = decode(write(Image.fromarray(PICTURE))).astype(int)
    np.testing.assert_allclose(result, PICTURE, atol=tolerance)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_palette(kind):
    image = Image.fromarray(PICTURE).quantize(64)
    np.testing.assert_array_equal(decode(by_pillow(image, kind)), np.array(image.convert("RGB")))


# --- what is not read ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("data", "said"), [
    (bytes(128) + b"DICM" + bytes(100), "is a DICOM file. Export it as PNG or TIFF .*dcmj2pnm"),
    (b"\0\0\0\x18ftypheic" + bytes(100), "is a HEIC or AVIF file. Save it as JPEG or PNG"),
    (b"\0\0\0\x18ftypmif1" + bytes(100), "is a HEIC or AVIF file. Save it as JPEG or PNG"),
])  # fmt: skip
def test_what_cannot_be_read_says_what_to_do(data, said):
    with pytest.raises(ValueError, match=said):
        decode(data)


@pytest.mark.parametrize("write", [tiff, lambda image: encode(image, ".png"), lambda image: encode(image, ".tif")])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_deep_colour_that_is_cut_short_is_refused(write):
    data = write(np.random.default_rng(0).integers(0, 65536, (64, 64, 3), dtype=np.uint16))
    assert decode(data).shape == (64, 64, 3)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(DAMAGED):
            decode(data[: int(len(data) * share)])


def test_decimal_numbers_are_refused():
    with pytest.raises(ValueError, match="decimal numbers; save it"):
        decode(by_pillow(Image.fromarray(np.zeros((8, 8), np.float32)), "TIFF"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_exif_that_cannot_be_read_turns_nothing(kind):
    file, image = io.BytesIO(), Image.fromarray(np.full((4, 6, 3), 90, np.uint8))
    image.save(file, kind, exif=b"garbage!" * 3)
    assert decode(file.getvalue()).shape == (4, 6, 3)
