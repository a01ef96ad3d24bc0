"""fundus.images, one file: any photograph is read as it is seen, and a damaged one is named."""
import struct

from helpers.fundus import decoding
from helpers.fundus.errors import ImageError
from helpers.fundus.images import image_size, normalise, read_image, read_images
from tests.tools.palm_builder import encode, picture, with_byte, write

import cv2
import numpy as np
import pytest
from PIL import ImageFile

PICTURE = picture(0)
DEEP = PICTURE.astype(np.uint16) * 257


@pytest.fixture
def saved(tmp_path):
    """Writes the bytes of a file and returns its path."""
    return lambda data, name="P0001.jpg": write(tmp_path, {name: data}) / name


def with_segments(data, *segments):
    """A JPEG with segments (marker, body) put in at its beginning."""
    return data[:2] + b"".join(struct.pack(">HH", marker, len(body) + 2) + body for marker, body in segments) + data[2:]


def exif(orientation, order="<"):
    """The segment with an EXIF orientation (1 to 8)."""
    tiff = {"<": b"II*\0", ">": b"MM\0*"}[order]
    return 0xFFE1, b"Exif\0\0" + tiff + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


# --- one file ------------------------------------------------------------------------------------------------------

LOSSLESS = {
    "image.png": encode(PICTURE, ".png"),
    "image.bmp": encode(PICTURE, ".bmp"),
    "image.tif": encode(PICTURE, ".tif"),
    "the suffix does not matter.jpg": encode(PICTURE, ".png"),
    "16 bits.png": encode(DEEP, ".png"),
    "16 bits.tif": encode(DEEP, ".tif"),
    "16 bits and alpha.png": encode(np.dstack([DEEP, np.full((48, 48), 65535, np.uint16)]), ".png"),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_reads_rgb(saved, name):
    assert len(np.unique(PICTURE.reshape(-1, 3).mean(axis=0))) == 3, "the channels must differ to be told apart"
    np.testing.assert_array_equal(read_image(saved(LOSSLESS[name], name)), PICTURE)


@pytest.mark.parametrize("size", [None, 16])
def test_reads_jpeg_as_rgb(saved, size):
    expected = PICTURE if size is None else cv2.resize(PICTURE, (size, size), interpolation=cv2.INTER_AREA)
    assert np.abs(read_image(saved(encode(PICTURE, quality=100)), size).astype(int) - expected).mean() < 4


@pytest.mark.parametrize("name", ["眼底 图像.jpg", "数据/训练/P0001.jpg", "ümlaut é.jpg"])
def test_any_path(saved, tmp_path, name):
    path = saved(encode(PICTURE), name)
    assert read_image(str(path), 24).shape == (24, 24, 3)
    assert image_size(path) == (48, 48)
    assert read_images([path], 24, tmp_path / "缓存" / "解码.npz", progress=False).shape == (1, 24, 24, 3)


@pytest.mark.parametrize("suffix, deep, tolerance", [
    (".png", False, 0), (".jpg", False, 10), (".png", True, 0), (".tif", True, 0)
])  # fmt: skip
def test_grey(saved, suffix, deep, tolerance):
    image = read_image(saved(encode((DEEP if deep else PICTURE)[..., 0], suffix), f"grey{suffix}"))
    assert image.shape == (48, 48, 3)
    assert (image == image[..., :1]).all()
    np.testing.assert_allclose(image[..., 0].astype(int), PICTURE[..., 0], atol=tolerance)


def test_alpha_is_laid_over_black(saved):
    alpha = np.full((48, 48), 255, np.uint8)
    alpha[:, :24], alpha[:8] = 0, 128
    result = read_image(saved(encode(np.dstack([PICTURE, alpha]), ".png"), "alpha.png"))
    assert result.shape == (48, 48, 3)
    np.testing.assert_array_equal(result[8:, 24:], PICTURE[8:, 24:])
    assert not result[8:, :24].any()
    np.testing.assert_allclose(result[:8].astype(float), PICTURE[:8] * (128 / 255), atol=0.51)


@pytest.mark.parametrize("orientation, turns", [(1, 0), (3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("size", [None, 48])
def test_exif_orientation_is_applied(saved, orientation, turns, size):
    stored = cv2.resize(PICTURE, (600, 400))  # large enough for the reduced decode
    shown = np.rot90(stored, turns)
    if size is not None:
        shown = cv2.resize(np.ascontiguousarray(shown), (size, size), interpolation=cv2.INTER_AREA)
    path = saved(with_segments(encode(stored), exif(orientation)))
    assert np.abs(read_image(path, size).astype(int) - shown).mean() < 2


def test_grows_and_squeezes(saved):
    path = saved(encode(cv2.resize(PICTURE, (60, 20)), ".png"))
    for size in (10, 20, 40, 60, 100):
        assert read_image(path, size).shape == (size, size, 3)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        read_image(path, 0)


# --- the reduced decode --------------------------------------------------------------------------------------------

def photograph(height=2056, width=2124):
    """As large as the originals and harder: smooth colours, sharp vessels and rim, and the noise of a camera."""
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(60, 220, (9, 9, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        start, end = ((int(rng.integers(width)), int(rng.integers(height))) for _ in range(2))
        cv2.line(image, start, end, (90, 30, 20), int(rng.integers(3, 20)), cv2.LINE_AA)
    noise = cv2.GaussianBlur(rng.normal(0, 20, image.shape).astype(np.float32), (0, 0), 1.0)
    mask = np.zeros((height, width, 1), np.float32)
    cv2.circle(mask, (width // 2, height // 2), height // 2 - 10, 1, -1)
    return (np.clip(image + noise, 0, 255) * mask).astype(np.uint8)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("original") / "P0001.jpg"
    path.write_bytes(encode(photograph(), quality=90))
    return path


@pytest.mark.parametrize("size, factor", [(64, 4), (128, 4), (129, 2), (224, 2), (257, 2), (258, 1), (512, 1)])
def test_reduced_decode_is_exact_enough(original, size, factor, monkeypatch):
    full = cv2.resize(read_image(original), (size, size), interpolation=cv2.INTER_AREA).astype(int)
    sizes, convert = [], decoding._rgb
    monkeypatch.setattr(decoding, "_rgb", lambda image: (sizes.append(image.size), convert(image))[1])
    difference = np.abs(read_image(original, size) - full)
    assert sizes == [(2124 // factor, 2056 // factor)]
    assert difference.max() <= (10 if factor > 1 else 0)
    assert difference.mean() <= 0.5


def test_reduced_decode_of_real_images(palm_dir, tmp_path):
    for path in sorted(palm_dir.rglob("*.jpg"))[::60]:
        large = tmp_path / path.name
        large.write_bytes(encode(cv2.resize(read_image(path), (2124, 2056), interpolation=cv2.INTER_CUBIC)))
        for size in (128, 224):
            full = cv2.resize(read_image(large), (size, size), interpolation=cv2.INTER_AREA).astype(int)
            difference = np.abs(read_image(large, size) - full)
            assert difference.max() <= 3
            assert difference.mean() <= 0.3


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_image_size_decodes_nothing(saved, suffix, monkeypatch):
    path = saved(encode(cv2.resize(PICTURE, (30, 20)), suffix), f"a{suffix}")
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda file: pytest.fail("decoded"))
    assert image_size(path) == (20, 30)
    with pytest.raises(pytest.fail.Exception, match="decoded"):
        read_image(path)  # so that this test would notice


def test_image_size_is_as_stored_however_long_the_header_is(saved):
    data = encode(cv2.resize(PICTURE, (30, 20)))
    path = saved(with_segments(data, exif(6, ">"), (0xFFE2, bytes(60_000)), (0xFFE2, bytes(60_000))))
    assert read_image(path).shape == (30, 20, 3)
    assert image_size(path) == (20, 30)


# --- damaged files -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("read", [read_image, image_size])
def test_a_missing_and_an_empty_file(tmp_path, read):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ImageError, match=r"empty\.jpg has zero bytes. Copy or unpack"):
        read(tmp_path / "empty.jpg")
    with pytest.raises(ImageError, match=r"P0001\.jpg cannot be read .*Copy or unpack"):
        read(tmp_path / "P0001.jpg")


BAD = {
    "text": (b"hello", "cannot be decoded"),
    "page": (b"<html>", "cannot be decoded"),
    "zeros": (bytes(1000), "cannot be decoded"),
    "no segments": (b"\xff\xd8\xff\xd9", "is truncated|cannot be decoded"),
    "no image": (b"\xff\xd8\xff\xe0\0\x04JF\xff\xd9", "cannot be decoded"),
    "download filled up with zeros": (encode(PICTURE)[:-300] + bytes(300), "is truncated"),
    "a PNG with another checksum": (with_byte(encode(PICTURE, ".png"), -14, 0), "cannot be decoded"),
    "half a BMP": (encode(PICTURE, ".bmp")[:-500], "is truncated"),
    **{f"{share:.1%} of a {suffix}": (data[: int(len(data) * share)], "is truncated: ")
       for suffix, data in ((suffix, encode(cv2.resize(PICTURE, (300, 300)), suffix)) for suffix in (".jpg", ".png"))
       for share in (0.02, 0.3, 0.9, 0.999)},
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_no_whole_image(saved, kind):
    data, message = BAD[kind]
    with pytest.raises(ImageError, match=rf"P0001\.jpg ({message}).*Copy or unpack"):
        read_image(saved(data))


def test_a_format_that_is_not_known_is_not_only_called_damaged(saved):
    with pytest.raises(ImageError, match=r"damaged, or of no known format.*or save it as PNG or JPEG"):
        read_image(saved(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(1000)))


@pytest.mark.parametrize("tail", [b"\0" * 100, b"\n", b"MPF more \xff\xd8\xff data", b"\xff\xd8\xff\xe0"])
def test_bytes_after_the_end_are_fine(saved, tail):
    expected = read_image(saved(encode(PICTURE)))
    np.testing.assert_array_equal(read_image(saved(encode(PICTURE) + tail)), expected)


def test_fill_bytes_before_a_marker(saved):
    data = encode(PICTURE)
    assert image_size(saved(data[:2] + b"\xff\xff" + data[2:-2] + b"\xff\xff\xff\xd9")) == (48, 48)
    assert read_image(saved(data[:-2] + b"\xff\xff\xff\xd9")).shape == (48, 48, 3)


JPEGS = {
    **{name: cv2.imencode(".jpg", cv2.cvtColor(PICTURE, cv2.COLOR_RGB2BGR), [option, 1])[1].tobytes()
       for name, option in (("progressive", cv2.IMWRITE_JPEG_PROGRESSIVE), ("restart", cv2.IMWRITE_JPEG_RST_INTERVAL),
                            ("optimized", cv2.IMWRITE_JPEG_OPTIMIZE))},
    "with a thumbnail that has its own end": with_segments(encode(PICTURE), (0xFFE1, encode(picture(1)))),
}  # fmt: skip


@pytest.mark.parametrize("kind", JPEGS)
def test_kinds_of_jpeg(saved, kind):
    path = saved(JPEGS[kind])
    assert np.abs(read_image(path).astype(int) - PICTURE).mean() < 5
    assert image_size(path) == (48, 48)
    with pytest.raises(ImageError, match="is truncated"):
        read_image(saved(JPEGS[kind][:-100]))


def test_all_real_images_are_complete(palm_dir):
    paths = sorted(palm_dir.rglob("*.jpg"))
    assert {image_size(path) for path in paths} == {(224, 224)}
    assert read_images(paths, 224, progress=False).shape == (len(paths), 224, 224, 3)


# --- normalise -----------------------------------------------------------------------------------------------------

def test_normalise_shapes():
    stack = np.stack([picture(number) for number in range(3)])
    result = normalise(stack)
    assert (result.dtype, result.shape) == (np.float32, stack.shape)
    np.testing.assert_array_equal(result[1], normalise(stack[1]))
    assert normalise(stack[:0]).shape == (0, 48, 48, 3)
    assert np.isfinite(normalise(np.zeros((8, 8, 3), np.uint8))).all()


def test_normalise_is_over_the_disc_of_light():
    image = picture(0, 96)
    result = normalise(image)
    inside = image.max(axis=-1) > 30
    np.testing.assert_allclose(result[inside].mean(axis=0), 0, atol=0.1)
    np.testing.assert_array_equal(result[:3, :3], 0)
    dimmer = normalise((image * 0.7).astype(np.uint8))
    assert np.abs(dimmer - result)[inside].mean() < 0.1
