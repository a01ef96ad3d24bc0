"""fundus.images, one file: any photograph is read as it is seen, and a damaged one is named."""
import struct

from helpers.fundus.errors import ImageError
from helpers.fundus.images import image_size, normalise, read_image, read_images
from tests.tools.palm_builder import encode, picture

import cv2
import numpy as np
import pytest
from PIL import ImageOps

# --- one file ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_reads_rgb(tmp_path, suffix):
    image = picture(0)
    assert len(np.unique(image.reshape(-1, 3).mean(axis=0))) == 3, "the channels must differ to be told apart"
    path = tmp_path / f"image{suffix}"
    path.write_bytes(encode(image, suffix))
    np.testing.assert_array_equal(read_image(path), image)


@pytest.mark.parametrize("size", [None, 16])
def test_reads_jpeg_as_rgb(tmp_path, size):
    image = picture(0)
    path = tmp_path / "image.jpg"
    path.write_bytes(encode(image, quality=100))
    expected = image if size is None else cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    assert np.abs(read_image(path, size).astype(int) - expected).mean() < 4


def test_the_suffix_does_not_matter(tmp_path):
    path = tmp_path / "image.jpg"
    path.write_bytes(encode(picture(0), ".png"))
    np.testing.assert_array_equal(read_image(path), picture(0))


@pytest.mark.parametrize("name", ["眼底 图像.jpg", "数据/训练/P0001.jpg", "ümlaut é.jpg"])
def test_any_path(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(picture(0)))
    assert read_image(str(path), 24).shape == (24, 24, 3)
    assert image_size(path) == (48, 48)
    assert read_images([path], 24, tmp_path / "缓存" / "解码.npz", progress=False).shape == (1, 24, 24, 3)


def test_grey(tmp_path):
    grey = picture(0)[..., 0]
    for suffix, tolerance in ((".png", 0), (".jpg", 10)):
        path = tmp_path / f"grey{suffix}"
        path.write_bytes(encode(grey, suffix))
        image = read_image(path)
        assert image.shape == (48, 48, 3)
        assert (image == image[..., :1]).all()
        np.testing.assert_allclose(image[..., 0].astype(int), grey, atol=tolerance)


def test_alpha_is_laid_over_black(tmp_path):
    image = picture(0)
    alpha = np.full((48, 48, 1), 255, np.uint8)
    alpha[:, :24], alpha[:8] = 0, 128
    path = tmp_path / "alpha.png"
    path.write_bytes(encode(np.concatenate([image, alpha], axis=2), ".png"))
    result = read_image(path)
    assert result.shape == (48, 48, 3)
    np.testing.assert_array_equal(result[8:, 24:], image[8:, 24:])
    assert not result[8:, :24].any()
    np.testing.assert_allclose(result[:8].astype(float), image[:8] * (128 / 255), atol=0.51)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit(tmp_path, suffix, channels):
    image = picture(0)[..., :channels].squeeze()
    path = tmp_path / f"deep{suffix}"
    path.write_bytes(encode(image.astype(np.uint16) * 257, suffix))
    expected = image if channels == 3 else np.stack([image] * 3, axis=-1)
    np.testing.assert_array_equal(read_image(path), expected)


def test_16_bit_alpha(tmp_path):
    image = picture(0).astype(np.uint16) * 257
    path = tmp_path / "deep.png"
    path.write_bytes(encode(np.concatenate([image, np.full((48, 48, 1), 65535, np.uint16)], axis=2), ".png"))
    np.testing.assert_array_equal(read_image(path), picture(0))


def with_exif(data, orientation):
    """A JPEG with the EXIF orientation (1 to 8) put in."""
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


@pytest.mark.parametrize("orientation, turns", [(1, 0), (3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("size", [None, 48])
def test_exif_orientation_is_applied(tmp_path, orientation, turns, size):
    stored = cv2.resize(picture(0), (600, 400))  # large enough for the reduced decode
    path = tmp_path / "photo.jpg"
    path.write_bytes(with_exif(encode(stored), orientation))
    shown = np.rot90(stored, turns)
    if size is not None:
        shown = cv2.resize(np.ascontiguousarray(shown), (size, size), interpolation=cv2.INTER_AREA)
    assert np.abs(read_image(path, size).astype(int) - shown).mean() < 2


def test_grows_and_squeezes(tmp_path):
    path = tmp_path / "wide.png"
    path.write_bytes(encode(cv2.resize(picture(0), (60, 20)), ".png"))
    for size in (10, 20, 40, 60, 100):
        assert read_image(path, size).shape == (size, size, 3)
    with pytest.raises(ValueError, match="at least 1 pixel, not 0"):
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
    sizes, transpose = [], ImageOps.exif_transpose
    monkeypatch.setattr(ImageOps, "exif_transpose", lambda image: (sizes.append(image.size), transpose(image))[1])
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


def test_image_size_decodes_nothing(original, tmp_path, monkeypatch):
    png, bmp = tmp_path / "a.png", tmp_path / "a.bmp"
    png.write_bytes(encode(cv2.resize(picture(0), (30, 20)), ".png"))
    bmp.write_bytes(encode(cv2.resize(picture(0), (30, 20)), ".bmp"))
    assert image_size(bmp) == (20, 30)
    monkeypatch.setattr(cv2, "imdecode", None)
    assert image_size(original) == (2056, 2124)
    assert image_size(png) == (20, 30)


def test_image_size_is_as_stored_however_long_the_header_is(tmp_path):
    data = encode(cv2.resize(picture(0), (30, 20)), ".jpg")
    turned = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # to be turned by 90 degrees
    segments = b"".join(
        b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body
        for marker, body in ((0xE1, turned), (0xE2, bytes(60_000)), (0xE2, bytes(60_000)))
    )
    path = tmp_path / "long.jpg"
    path.write_bytes(data[:2] + segments + data[2:])
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
    "download filled up with zeros": (encode(picture(0))[:-300] + bytes(300), "is truncated"),
    "half a BMP": (encode(picture(0), ".bmp")[:-500], "is truncated"),
}


@pytest.mark.parametrize("kind", BAD)
def test_no_whole_image(tmp_path, kind):
    data, message = BAD[kind]
    (tmp_path / "P0001.jpg").write_bytes(data)
    with pytest.raises(ImageError, match=rf"P0001\.jpg ({message}).*Copy or unpack"):
        read_image(tmp_path / "P0001.jpg")


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_truncated(tmp_path, suffix, share):
    data = encode(cv2.resize(picture(0), (300, 300)), suffix)
    path = tmp_path / f"P0001{suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=r"P0001\.\w+ is truncated: .*Copy or unpack"):
        read_image(path)


def test_truncated_after_a_thumbnail_with_its_own_end(tmp_path):
    thumbnail = encode(picture(1))
    assert thumbnail.endswith(b"\xff\xd9")
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    data = encode(picture(0))
    path = tmp_path / "P0001.jpg"
    path.write_bytes(data[:2] + segment + data[2:])
    assert np.abs(read_image(path).astype(int) - picture(0)).mean() < 5
    assert image_size(path) == (48, 48)
    path.write_bytes(data[:2] + segment + data[2:-200])
    with pytest.raises(ImageError, match="is truncated"):
        read_image(path)


@pytest.mark.parametrize("tail", [b"\0" * 100, b"\n", b"MPF more \xff\xd8\xff data", b"\xff\xd8\xff\xe0"])
def test_bytes_after_the_end_are_fine(tmp_path, tail):
    path = tmp_path / "P0001.jpg"
    path.write_bytes(encode(picture(0)))
    expected = read_image(path)
    path.write_bytes(encode(picture(0)) + tail)
    np.testing.assert_array_equal(read_image(path), expected)


def test_fill_bytes_before_a_marker(tmp_path):
    path = tmp_path / "P0001.jpg"
    data = encode(picture(0))
    path.write_bytes(data[:2] + b"\xff\xff" + data[2:-2] + b"\xff\xff\xff\xd9")
    assert image_size(path) == (48, 48)
    path.write_bytes(data[:-2] + b"\xff\xff\xff\xd9")
    assert read_image(path).shape == (48, 48, 3)


KINDS = [cv2.IMWRITE_JPEG_PROGRESSIVE, cv2.IMWRITE_JPEG_RST_INTERVAL, cv2.IMWRITE_JPEG_OPTIMIZE]


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_jpeg(tmp_path, kind):
    path = tmp_path / "P0001.jpg"
    data = cv2.imencode(".jpg", cv2.resize(picture(0), (300, 200)), [kind, 1])[1].tobytes()
    path.write_bytes(data)
    assert read_image(path).shape == (200, 300, 3)
    assert image_size(path) == (200, 300)
    path.write_bytes(data[:-100])
    with pytest.raises(ImageError, match="is truncated"):
        read_image(path)


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
