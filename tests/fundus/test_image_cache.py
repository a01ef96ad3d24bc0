"""fundus.images, many files: they are decoded on all cores, once, and kept until one of them changes."""
import os
import shutil
import threading

from helpers.files import read_arrays, write_arrays
from helpers.fundus import images
from helpers.fundus.errors import ImageError
from helpers.fundus.images import read_image, read_images
from tests.tools.disk import full_disk
from tests.tools.palm_builder import encode, picture

import numpy as np
import pytest


@pytest.fixture
def photos(tmp_path):
    """Five photographs of 48 px."""
    for number in range(5):
        (tmp_path / f"P{number:04d}.jpg").write_bytes(encode(picture(number)))
    return tmp_path


def listed(photos):
    return sorted(photos.glob("*.jpg"))


def cache_files(photos):
    return sorted(path.name for path in photos.iterdir() if path.suffix != ".jpg")


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that are decoded, as they are."""
    names = []
    read = images.read_image
    monkeypatch.setattr(images, "read_image", lambda path, size=None: (names.append(path.name), read(path, size))[1])
    return names


def test_order_and_pixels(photos):
    paths = listed(photos)[::-1]
    result = read_images(paths, 24, progress=False)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, np.stack([read_image(path, 24) for path in paths]))
    assert read_images([], 24, progress=False).shape == (0, 24, 24, 3)


def test_second_call_decodes_nothing(photos, decoded):
    first = read_images(listed(photos), 24, photos / "c.npz", progress=False)
    assert len(decoded) == 5
    second = read_images(listed(photos), 24, photos / "c.npz", progress=False)
    assert len(decoded) == 5
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(read_arrays(photos / "c.npz")["images"], first)
    assert cache_files(photos) == ["c.npz"]


def change(photos):
    path = listed(photos)[2]
    time = path.stat().st_mtime_ns
    path.write_bytes(encode(picture(77)))
    os.utime(path, ns=(time, time))  # another size in bytes, the same time


def swap(photos):
    first, second = listed(photos)[:2]
    first.rename(photos / "x.jpg")
    second.rename(first)
    (photos / "x.jpg").rename(second)


CHANGES = {
    "touched": lambda photos: os.utime(listed(photos)[2], ns=(0, 0)),
    "changed": change,
    "swapped": swap,
    "removed": lambda photos: listed(photos)[0].unlink(),
    "added": lambda photos: (photos / "P0009.jpg").write_bytes(encode(picture(9))),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_cache_notices_changed_files(photos, decoded, what):
    read_images(listed(photos), 24, photos / "c.npz", progress=False)
    CHANGES[what](photos)
    decoded.clear()
    result = read_images(listed(photos), 24, photos / "c.npz", progress=False)
    assert decoded
    np.testing.assert_array_equal(result, read_images(listed(photos), 24, progress=False))


def test_the_cache_notices_another_size_order_and_format(photos, decoded, monkeypatch):
    paths, cache = listed(photos), photos / "c.npz"
    for path in paths:
        path.write_bytes(path.read_bytes().ljust(9000, b"\0"))
        os.utime(path, ns=(0, 0))  # their names alone tell them apart
    read_images(paths, 24, cache, progress=False)
    assert read_images(paths, 32, cache, progress=False).shape == (5, 32, 32, 3)
    reverse = read_images(paths[::-1], 32, cache, progress=False)
    np.testing.assert_array_equal(reverse, read_images(paths, 32, progress=False)[::-1])
    decoded.clear()
    monkeypatch.setattr(images, "CACHE_FORMAT", images.CACHE_FORMAT + 1)
    read_images(paths[::-1], 32, cache, progress=False)
    assert len(decoded) == 5


@pytest.mark.parametrize("older", [2, 3])
def test_what_is_refused_today_does_not_come_from_an_older_cache(photos, monkeypatch, older):
    """The readers of format 3 took a JPEG with a hole, a part of its bytes as zeros."""
    paths, cache, today = listed(photos), photos / "c.npz", images.CACHE_FORMAT
    whole = paths[3].read_bytes()
    paths[3].write_bytes(whole[:-300] + bytes(200) + whole[-100:])
    monkeypatch.setattr(images, "CACHE_FORMAT", older)
    key = images._cache_key(paths, 24, "")
    monkeypatch.setattr(images, "CACHE_FORMAT", today)
    write_arrays(cache, {"images": np.zeros((5, 24, 24, 3), np.uint8), "key": np.array(key)})
    with pytest.raises(ImageError, match=r"P0003\.jpg has a hole"):
        read_images(paths, 24, cache, progress=False)
    paths[3].write_bytes(whole)
    assert read_images(paths, 24, cache, progress=False).any()


DAMAGES = {  # any other damage of such a file is found in tests/test_files.py
    "another key": lambda cache: np.savez(cache, images=np.zeros((5, 24, 24, 3), np.uint8), key="another"),
    "no such arrays": lambda cache: np.savez(cache, weights=np.zeros(3)),
    "no arrays": lambda cache: cache.write_bytes(b"hello" * 100),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_cache_is_made_anew(photos, decoded, what):
    cache = photos / "c.npz"
    expected = read_images(listed(photos), 24, cache, progress=False)
    DAMAGES[what](cache)
    decoded.clear()
    np.testing.assert_array_equal(read_images(listed(photos), 24, cache, progress=False), expected)
    assert len(decoded) == 5
    read_images(listed(photos), 24, cache, progress=False)
    assert len(decoded) == 5, "the new one is intact"


def test_all_bad_images_are_named_at_once_and_no_cache_is_left(photos, decoded):
    paths = listed(photos)
    paths[1].write_bytes(b"")
    with pytest.raises(ImageError, match=r"^\S+P0001\.jpg has zero bytes\. Copy or unpack the file again\.$"):
        read_images(paths, 24, photos / "new" / "c.npz", progress=False)
    paths[3].write_bytes(encode(picture(3))[:-100])
    with pytest.raises(ImageError, match=r"^2 of 5 images .*:\n.*P0001\.jpg has zero.*\n.*P0003\.jpg is truncated"):
        read_images(paths, 24, photos / "new" / "c.npz", progress=False)
    with pytest.raises(ImageError, match=r"^3 of 6 images .*:\n(.*\n){2}.*none\.jpg cannot be read"):
        read_images([*paths, photos / "none.jpg"], 24, photos / "new" / "c.npz", progress=False)
    assert not (photos / "new").exists()


def test_one_that_is_too_large_for_the_memory_is_named_as_well(photos, monkeypatch):
    def read(path, size):
        if path.stem == "P0002":
            raise MemoryError
        return read_image(path, size)

    (photos / "P0004.jpg").write_bytes(b"")
    with pytest.raises(ImageError, match=r"^2 of 5 .*\n.*P0002\.jpg is too large for .*\n.*P0004\.jpg has zero"):
        read_images(listed(photos), 24, photos / "c.npz", progress=False, read=read)


@pytest.mark.parametrize("size", [0, -3, 2.5, "24"])
def test_a_size_that_is_none(photos, size):
    for paths in (listed(photos), []):
        with pytest.raises(ValueError, match="size must be"):
            read_images(paths, size, photos / "c.npz", progress=False)


def test_nobody_waits_for_the_other_images_after_ctrl_c(photos, decoded, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(images, "tqdm", stop)
    with pytest.raises(KeyboardInterrupt):
        read_images(listed(photos) * 400, 24, progress=False)
    assert len(decoded) < 1000


def mirrored(path, size):
    return read_image(path, size)[:, ::-1]


def test_the_cache_knows_how_the_images_were_read(photos):
    plain = read_images(listed(photos), 24, photos / "c.npz", progress=False)
    for _ in range(2):
        other = read_images(listed(photos), 24, photos / "c.npz", progress=False, read=mirrored)
        np.testing.assert_array_equal(other, plain[:, :, ::-1])
    np.testing.assert_array_equal(read_images(listed(photos), 24, photos / "c.npz", progress=False), plain)


def test_one_bad_image_leaves_the_old_cache(photos, decoded):
    cache, paths = photos / "c.npz", listed(photos)
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
    assert cache_files(photos) == ["c.npz"]


def test_disk_full_while_writing_the_cache(photos):
    with (
        full_disk(20_000),
        pytest.warns(UserWarning, match=r"could not be kept in .*c\.npz \(File too large\).*Free some space"),
    ):
        result = read_images(listed(photos), 40, photos / "c.npz", progress=False)
    np.testing.assert_array_equal(result, read_images(listed(photos), 40, progress=False))
    assert cache_files(photos) == []


def test_a_folder_that_cannot_be_written(photos):
    (photos / "file").touch()  # no folder can be made below a file, not even by root
    with pytest.warns(UserWarning, match=r"could not be kept in .*c\.npz"):
        result = read_images(listed(photos), 24, photos / "file" / "c.npz", progress=False)
    assert result.shape == (5, 24, 24, 3)


def test_the_key_moves_with_the_folder(photos, decoded, tmp_path_factory):
    read_images(listed(photos), 24, photos / "c.npz", progress=False)
    moved = tmp_path_factory.mktemp("elsewhere") / photos.name
    shutil.copytree(photos, moved)  # with the times
    decoded.clear()
    read_images(listed(moved), 24, moved / "c.npz", progress=False)
    assert decoded == []


def test_few_full_size_images_at_once(photos, monkeypatch):
    lock, alive, most = threading.Lock(), 0, 0
    decode = images.decode

    def counted(data, size):
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        image = decode(data, size)
        with lock:
            alive -= 1
        return image

    monkeypatch.setattr(images, "decode", counted)
    read_images(listed(photos) * 40, 24, progress=False)
    assert 1 <= most <= min(4, os.cpu_count())


def test_both_cores_are_used(photos, monkeypatch):
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one core")
    both = threading.Barrier(2, timeout=300)  # passed only by two threads that decode at the same time
    read = images.read_image
    monkeypatch.setattr(images, "read_image", lambda path, size=None: (both.wait(), read(path, size))[1])
    read_images(listed(photos)[:4], 24, progress=False)


def test_progress_goes_to_stdout_and_vanishes(photos, capsys):
    read_images(listed(photos), 24)
    output = capsys.readouterr()
    assert "decoding" in output.out
    assert output.out.endswith("\r")
    assert output.err == ""
    read_images(listed(photos), 24, progress=False)
    assert capsys.readouterr() == ("", "")
