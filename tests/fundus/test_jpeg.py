"""fundus.jpeg: a JPEG with a hole is named, a whole one with anything behind its end is read."""
import io

from helpers.fundus.decoding import DAMAGED, decode
from helpers.fundus.errors import ImageError
from helpers.fundus.eye import sample_eye
from helpers.fundus.images import read_image
from helpers.fundus.paint import paint_eye

import numpy as np
import pytest
from PIL import Image

KINDS = {
    "4:2:0": {"quality": 90}, "4:4:4": {"quality": 95, "subsampling": 0}, "grey": {"mode": "L"},
    "own tables": {"quality": 30, "optimize": True}, "progressive": {"quality": 90, "progressive": True},
    "restarts": {"quality": 90, "restart_marker_blocks": 20},
}  # fmt: skip


@pytest.fixture(scope="module")
def eye():
    rng = np.random.default_rng(0)
    return Image.fromarray(paint_eye(sample_eye("P", rng), 400, rng))


def saved(eye, kind):
    options = dict(KINDS[kind])
    file = io.BytesIO()
    eye.convert(options.pop("mode", "RGB")).save(file, "JPEG", **options)
    return file.getvalue()


def noticed(data):
    try:
        decode(data)
    except DAMAGED:
        return True
    return False


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [None, 20])
def test_whole_ones_are_read_as_by_pillow(eye, kind, size):
    data = saved(eye, kind)
    with Image.open(io.BytesIO(data)) as file:
        file.draft(None, (400, 400) if size is None else (100, 100))
        expected = np.array(file.convert("RGB"))
    for tail in (b"", b"\xff\xda\0\0", b"\xff\xd9", b"MPF \xff\xd8\xff\xe0", bytes(300) + b"\xff\xda \xff\xd9"):
        np.testing.assert_array_equal(decode(data + tail, size), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_cut_short_with_or_without_an_end_behind(eye, kind):
    data = saved(eye, kind)
    tails = (b"", b"\xff\xda", b"\xff\xd9") if kind != "progressive" else (b"", b"\xff\xda")
    for share in np.linspace(0.1, 0.98, 20):
        for tail in tails:
            assert noticed(data[: int(len(data) * share)] + tail)


@pytest.mark.parametrize("kind", KINDS)
def test_holes(eye, kind):
    """A hole in 200 places: cut out, or filled with zeros or with noise."""
    data, rng = saved(eye, kind), np.random.default_rng(0)
    found = {"cut": 0, "zeros": 0, "noise": 0}
    for _ in range(200):
        length = max(64, int(rng.uniform(0.005, 0.3) * len(data)))
        start = int(rng.integers(700, len(data) - length - 30))
        before, after = data[:start], data[start + length :]
        for name, middle in (("cut", b""), ("zeros", bytes(length)), ("noise", rng.bytes(length))):
            found[name] += noticed(before + middle + after)
    print(kind, found)
    assert found["cut"] >= 198
    assert min(found.values()) >= (175 if kind == "progressive" else 190)


def test_a_file_with_a_hole_is_named(eye, tmp_path):
    data, path = saved(eye, "4:2:0"), tmp_path / "眼.jpg"
    path.write_bytes(data[:4000] + data[6000:])
    with pytest.raises(ImageError, match=r"眼\.jpg is truncated: .*Copy or unpack the file again"):
        read_image(path)
    path.write_bytes(data[:4000] + bytes(2000) + data[4000:])
    with pytest.raises(ImageError, match=r"眼\.jpg has a hole: some of .* overwritten\. Copy or unpack"):
        read_image(path)


def test_parts_of_a_progressive_image(eye):
    data = saved(eye, "progressive")
    scans = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for start, end in zip(scans, [*scans[1:], len(data) - 2], strict=True):
        assert noticed(data[:start] + data[end:])


def test_a_restart_that_is_missing(eye):
    data = saved(eye, "restarts")
    for number in range(8):
        place = data.index(bytes([0xFF, 0xD0 + number]))
        assert noticed(data[: place - 20] + data[place + 2 :])
