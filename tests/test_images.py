import json
import os
import shutil
import struct
import threading
import time
import tracemalloc
import warnings

from helpers import images
from helpers.images import ImageError, Selection, image_size, normalise, read_image, read_images
from tests.palm_builder import encode, picture
from tests.test_files import full_disk

import cv2
import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path):
    """Five photographs of 48 px."""
    for number in range(5):
        (tmp_path / f"P{number:04d}.jpg").write_bytes(encode(picture(number)))
    return tmp_path


def listed(folder):
    return sorted(folder.glob("*.jpg"))


def cache_files(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".jpg")


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
    assert read_images([path], 24, tmp_path / "缓存" / "解码.npy", progress=False).shape == (1, 24, 24, 3)


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
    flags = []
    imdecode = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda data, flag: (flags.append(flag), imdecode(data, flag))[1])
    difference = np.abs(read_image(original, size) - full)
    assert flags == [{4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2, 1: cv2.IMREAD_COLOR}[factor]]
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


def test_image_size_decodes_nothing(original, folder, monkeypatch):
    png, bmp = folder / "a.png", folder / "a.bmp"
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

def test_missing_file(tmp_path):
    for read in (read_image, image_size):
        with pytest.raises(ImageError, match=r"P0001\.jpg cannot be read .*Copy or unpack"):
            read(tmp_path / "P0001.jpg")
    with pytest.raises(ImageError, match=r"P0001\.jpg cannot be read"):
        read_images([tmp_path / "P0001.jpg"], 16, tmp_path / "c.npy", progress=False)


def test_zero_bytes(tmp_path):
    path = tmp_path / "P0001.jpg"
    path.touch()
    for read in (read_image, image_size):
        with pytest.raises(ImageError, match=r"P0001\.jpg has zero bytes. Copy or unpack"):
            read(path)


NO_IMAGES = [b"hello", b"<html>", bytes(1000), b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xe0\0\x04JF\xff\xd9"]


@pytest.mark.parametrize("data", NO_IMAGES)
def test_no_image(tmp_path, data):
    path = tmp_path / "P0001.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=r"P0001\.jpg .*Copy or unpack"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_truncated(tmp_path, suffix, share):
    data = encode(cv2.resize(picture(0), (300, 300)), suffix)
    path = tmp_path / f"P0001{suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=r"P0001\.\w+ is truncated: .*Copy or unpack"):
        read_image(path)


def test_truncated_bmp(tmp_path):
    path = tmp_path / "P0001.bmp"
    path.write_bytes(encode(picture(0), ".bmp")[:-500])
    with pytest.raises(ImageError, match=r"P0001\.bmp cannot be decoded"):
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


def test_a_download_filled_up_with_zeros_is_truncated(tmp_path):
    data = encode(picture(0))
    path = tmp_path / "P0001.jpg"
    path.write_bytes(data[:-300] + bytes(300))
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
    assert all(images._inspect(path.read_bytes()) == ((224, 224), True) for path in paths)


# --- many files, and the cache -------------------------------------------------------------------------------------

@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that are decoded, as they are."""
    names = []
    read = images.read_image
    monkeypatch.setattr(images, "read_image", lambda path, size=None: (names.append(path.name), read(path, size))[1])
    return names


def test_order_and_pixels(folder):
    paths = listed(folder)[::-1]
    result = read_images(paths, 24, progress=False)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, np.stack([read_image(path, 24) for path in paths]))
    assert read_images([], 24, progress=False).shape == (0, 24, 24, 3)


def test_second_call_decodes_nothing(folder, decoded):
    first = read_images(listed(folder), 24, folder / "c.npy", progress=False)
    assert len(decoded) == 5
    second = read_images(listed(folder), 24, folder / "c.npy", progress=False)
    assert len(decoded) == 5
    np.testing.assert_array_equal(first, second)
    for result in (first, second):
        assert isinstance(result, np.memmap)
        assert not result.flags.writeable
    np.testing.assert_array_equal(np.load(folder / "c.npy"), first)
    assert cache_files(folder) == ["c.json", "c.npy"]


def touch(folder):
    path = listed(folder)[2]
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_000))


def change(folder):
    path = listed(folder)[2]
    time = path.stat().st_mtime_ns
    path.write_bytes(encode(picture(77)))
    os.utime(path, ns=(time, time))  # another size in bytes, the same time


def swap(folder):
    first, second = listed(folder)[:2]
    first.rename(folder / "x.jpg")
    second.rename(first)
    (folder / "x.jpg").rename(second)


def remove(folder):
    listed(folder)[0].unlink()


def add(folder):
    (folder / "P0009.jpg").write_bytes(encode(picture(9)))


@pytest.mark.parametrize("what", [touch, change, swap, remove, add])
def test_the_cache_notices_changed_files(folder, decoded, what):
    read_images(listed(folder), 24, folder / "c.npy", progress=False)
    what(folder)
    decoded.clear()
    result = read_images(listed(folder), 24, folder / "c.npy", progress=False)
    assert decoded
    np.testing.assert_array_equal(result, read_images(listed(folder), 24, progress=False))


def test_the_cache_notices_another_size_order_and_format(folder, decoded, monkeypatch):
    paths, cache = listed(folder), folder / "c.npy"
    read_images(paths, 24, cache, progress=False)
    assert read_images(paths, 32, cache, progress=False).shape == (5, 32, 32, 3)
    reverse = read_images(paths[::-1], 32, cache, progress=False)
    np.testing.assert_array_equal(reverse, read_images(paths, 32, progress=False)[::-1])
    decoded.clear()
    monkeypatch.setattr(images, "CACHE_FORMAT", images.CACHE_FORMAT + 1)
    read_images(paths[::-1], 32, cache, progress=False)
    assert len(decoded) == 5


def damage(position):
    def flip(cache):
        data = bytearray(cache.read_bytes())
        data[position] ^= 0xFF
        cache.write_bytes(data)

    return flip


DAMAGES = {
    "truncated": lambda cache: cache.write_bytes(cache.read_bytes()[:-1]),
    "header only": lambda cache: cache.write_bytes(cache.read_bytes()[:60]),
    "empty": lambda cache: cache.write_bytes(b""),
    "text": lambda cache: cache.write_bytes(b"hello" * 100),
    "a pickle": lambda cache: cache.write_bytes(b"\x80\x04N."),
    "zeros": lambda cache: cache.write_bytes(cache.read_bytes()[:128] + bytes(cache.stat().st_size - 128)),
    "one bit": damage(5000),
    "magic": damage(0),
    "header": damage(20),
    "another array": lambda cache: np.save(cache, np.zeros((5, 24, 24, 3), np.uint8)),
    "another type": lambda cache: np.save(cache, np.load(cache).astype(np.float32)),
    "missing": lambda cache: cache.unlink(),
    "no description": lambda cache: cache.with_suffix(".json").unlink(),
    "broken description": lambda cache: cache.with_suffix(".json").write_text("{"),
    "binary description": lambda cache: cache.with_suffix(".json").write_bytes(b"\xff\xfe\xfd"),
    "wrong description": lambda cache: cache.with_suffix(".json").write_text("[1]"),
    "description without key": lambda cache: cache.with_suffix(".json").write_text("{}"),
    "description without checksum": lambda cache: cache.with_suffix(".json").write_text(
        json.dumps({"key": json.loads(cache.with_suffix(".json").read_text())["key"]})
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_cache_is_made_anew(folder, decoded, what):
    cache = folder / "c.npy"
    expected = np.array(read_images(listed(folder), 24, cache, progress=False))
    DAMAGES[what](cache)
    decoded.clear()
    np.testing.assert_array_equal(read_images(listed(folder), 24, cache, progress=False), expected)
    assert len(decoded) == 5
    read_images(listed(folder), 24, cache, progress=False)
    assert len(decoded) == 5, "the new one is intact"


def test_one_bad_image_leaves_no_cache(folder):
    listed(folder)[3].write_bytes(encode(picture(3))[:-100])
    with pytest.raises(ImageError, match=r"P0003\.jpg is truncated"):
        read_images(listed(folder), 24, folder / "new" / "c.npy", progress=False)
    assert list((folder / "new").iterdir()) == []


def test_one_bad_image_leaves_the_old_cache(folder, decoded):
    cache, paths = folder / "c.npy", listed(folder)
    read_images(paths, 24, cache, progress=False)
    good, time = paths[3].read_bytes(), paths[3].stat().st_mtime_ns
    paths[3].write_bytes(b"")
    with pytest.raises(ImageError, match=r"P0003\.jpg has zero bytes"):
        read_images(paths, 24, cache, progress=False)
    paths[3].write_bytes(good)
    os.utime(paths[3], ns=(time, time))
    decoded.clear()
    read_images(paths, 24, cache, progress=False)
    assert decoded == []
    assert cache_files(folder) == ["c.json", "c.npy"]


@pytest.mark.parametrize("room", [100, 20_000])  # in the first image, and in the last
def test_disk_full_while_writing_the_cache(folder, room, decoded):
    with (
        full_disk(room),
        pytest.warns(UserWarning, match=r"could not be kept in .*c\.npy \(File too large\).*Free some space"),
    ):
        result = read_images(listed(folder), 40, folder / "c.npy", progress=False)
    np.testing.assert_array_equal(result, read_images(listed(folder), 40, progress=False))
    assert cache_files(folder) == []


def test_only_a_few_images_are_decoded_ahead(folder, decoded):
    some = images._decode_all(listed(folder) * 100, 24, False)
    next(some)
    time.sleep(0.3)
    some.close()
    assert len(decoded) < 40


def test_the_images_are_never_all_in_memory(folder):
    """With a cache; without one all of them have to be."""
    paths, size = listed(folder) * 60, 96
    whole = len(paths) * size * size * 3
    peaks = []
    for cache in (None, folder / "c.npy", folder / "c.npy"):
        tracemalloc.start()
        read_images(paths, size, cache, progress=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] > whole
    assert max(peaks[1:]) < whole / 4


def test_a_folder_that_cannot_be_written(folder):
    (folder / "file").touch()  # no folder can be made below a file, not even by root
    with pytest.warns(UserWarning, match=r"could not be kept in .*c\.npy"):
        result = read_images(listed(folder), 24, folder / "file" / "c.npy", progress=False)
    assert result.shape == (5, 24, 24, 3)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere; Windows has other rights")
def test_a_read_only_folder(folder):
    folder.chmod(0o555)
    try:
        with pytest.warns(UserWarning, match=r"could not be kept in .*c\.npy \(Permission denied"):
            assert read_images(listed(folder), 24, folder / "c.npy", progress=False).shape == (5, 24, 24, 3)
    finally:
        folder.chmod(0o755)


def test_no_warning_when_all_is_well(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            read_images(listed(folder), 24, folder / "c.npy", progress=False)


def test_the_key_moves_with_the_folder(folder, decoded, tmp_path_factory):
    read_images(listed(folder), 24, folder / "c.npy", progress=False)
    moved = tmp_path_factory.mktemp("elsewhere") / folder.name
    shutil.copytree(folder, moved)  # with the times
    decoded.clear()
    read_images(listed(moved), 24, moved / "c.npy", progress=False)
    assert decoded == []


def test_few_full_size_images_at_once(folder, monkeypatch):
    lock, alive, most = threading.Lock(), 0, 0
    decode = images._decode_jpeg

    def counted(*arguments):
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        image = decode(*arguments)
        with lock:
            alive -= 1
        return image

    monkeypatch.setattr(images, "_decode_jpeg", counted)
    read_images(listed(folder) * 40, 24, progress=False)
    assert 1 <= most <= min(4, os.cpu_count())


def test_both_cores_are_used(folder, monkeypatch):
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one core")
    both = threading.Barrier(2, timeout=20)  # passed only by two threads that decode at the same time
    read = images.read_image
    monkeypatch.setattr(images, "read_image", lambda path, size=None: (both.wait(), read(path, size))[1])
    read_images(listed(folder)[:4], 24, progress=False)


def test_progress_goes_to_stdout_and_vanishes(folder, capsys):
    read_images(listed(folder), 24)
    output = capsys.readouterr()
    assert "decoding" in output.out
    assert output.out.endswith("\r")
    assert output.err == ""
    read_images(listed(folder), 24, progress=False)
    assert capsys.readouterr() == ("", "")


def test_opencv_keeps_its_threads(folder):
    before = cv2.getNumThreads()
    read_images(listed(folder), 24, progress=False)
    assert cv2.getNumThreads() == before


# --- a selection of images ------------------------------------------------------------------------------------------

ALL = np.arange(7 * 2 * 2 * 3, dtype=np.uint8).reshape(7, 2, 2, 3)


@pytest.mark.parametrize("positions", [[4, 1, 1, 6], [3], []])
def test_a_selection_is_like_the_array(positions):
    expected = ALL[np.array(positions, int)]
    chosen = Selection(ALL, np.array(positions, int))
    assert (chosen.shape, chosen.dtype, chosen.ndim, len(chosen)) == (expected.shape, np.uint8, 4, len(expected))
    count = len(expected)
    for index in (slice(None), slice(1, 3), slice(None, None, -1), np.arange(count)[::-1], np.ones(count, bool)):
        np.testing.assert_array_equal(chosen[index], expected[index])
    for index in range(-count, count):
        np.testing.assert_array_equal(chosen[index], expected[index])
    for index in (count, -count - 1):
        with pytest.raises(IndexError):
            chosen[index]
    for array in (np.asarray(chosen), np.array(chosen), np.concatenate([chosen, chosen])[:count]):
        assert (array.dtype, type(array)) == (np.uint8, np.ndarray)
        np.testing.assert_array_equal(array, expected)
    assert np.asarray(chosen, np.float32).dtype == np.float32
    assert [image.tolist() for image in chosen] == expected.tolist()


def test_a_selection_of_a_selection():
    inner = Selection(Selection(ALL, np.array([6, 4, 2, 0])), np.array([3, 1]))
    np.testing.assert_array_equal(inner, ALL[[0, 4]])
    assert inner._images is ALL, "or each look at an image would go through all of them"


def test_a_selection_copies_only_what_is_asked_for():
    chosen = Selection(ALL, np.array([5, 2]))
    assert np.shares_memory(chosen[1], ALL)
    assert not np.shares_memory(np.asarray(chosen), ALL)
    if int(np.__version__.split(".")[0]) > 1:
        with pytest.raises(ValueError, match="always a copy"):
            np.array(chosen, copy=False)


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
