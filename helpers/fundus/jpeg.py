"""Whether a JPEG file is whole. libjpeg fills what is missing with grey and says nothing, and no library passes it on.

ITU-T T.81, annex B: https://www.w3.org/Graphics/JPEG/itu-t81.pdf. Pillow's decoder waits for more data where some is
missing, until it meets an end marker. `WholeJpeg` takes that marker away and so hears of a hole in common (baseline)
files. Where there are more markers, of restarts or of the scans of a progressive image, what is cut short before one
looks whole. But then the decoder would have gone on: some bytes more before each marker, which it skips in a whole
file, give other pixels. That costs a second decode, in such files alone.

Of 200 holes of 64 bytes to a third of an eye's image, 190 and more are noticed in files of all kinds, all of those
that were cut out; of those filled with zeros in progressive files some 185 (tests/fundus/test_jpeg.py).
"""
from __future__ import annotations

import io
import itertools
import re

import numpy as np

SPARE = 8  # bytes: libjpeg reads ahead by up to 57 bits
# More bytes than the image has use for are a hole that something else fills. Some cameras leave a few.
SURPLUS = 64
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_SOI, _EOI, _SOS, _DRI = 0xD8, 0xD9, 0xDA, 0xDD
_RESTARTS = range(0xD0, 0xD8)
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_AFTER_A_SCAN = {0xC4, 0xCC, _EOI, _SOS, 0xDB, 0xDC, _DRI, *range(0xE0, 0xF0), 0xFE}  # tables, comments, another scan
_INCOMPLETE = "has a hole: parts of its progressive image are missing"
_PADDING = bytes(np.random.default_rng(0).integers(0, 255, 48, np.uint8))  # no marker: 255 is not among them
_NAMED = 2  # bytes of a segment's length


class Hole(ValueError):
    """The image data is not all there."""


class WholeJpeg(io.BytesIO):
    """The bytes of a JPEG for Pillow to decode: those of its image, without what lies behind it.

    Raises:
        Hole: its end is missing, or restart markers, or parts of a progressive image.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)  # shared, not copied
        self._scans, progressive, self._end = _scans(data)
        self._last, self._spare = None, b""
        if len(self._scans) == 1 and not progressive:  # otherwise libjpeg itself waits for the end marker
            start, self._end = self._scans[0]
            self._last, self._spare = max(start, self._end - SURPLUS), bytes(SPARE)

    def read(self, size: int = -1) -> bytes:
        """As ever, but the last bytes of the image come by themselves: so `check` sees whether they were needed."""
        position = self.tell()
        if position >= self._end:
            spare, self._spare = self._spare, b""
            return spare
        left = (self._last if self._last is not None and position < self._last else self._end) - position
        return super().read(left if size < 0 else min(size, left))

    def padded(self) -> bytes:
        """The same image with some bytes more before each marker that ends a part of its data; b"" if none does.

        Where the decoder makes another picture of it, it was still waiting for data.
        """
        data, parts, position = self.getbuffer(), [], 0
        for start, end in self._scans:
            values = np.frombuffer(data, np.uint8)[start:end]
            restarts = start + np.flatnonzero((values[:-1] == 0xFF) & np.isin(values[1:], _RESTARTS))
            for marker in [*restarts.tolist(), end]:
                parts += [data[position:marker], _PADDING]
                position = marker
        return b"".join([*parts, data[position:]]) if len(parts) > 2 else b""

    def check(self) -> None:
        """After the decoding: raise Hole if the decoder had the whole image long before the data ended."""
        if self._last is not None and self.tell() <= self._last:
            raise Hole("has a hole: some of the image data was overwritten")


def _scans(data: bytes) -> tuple[list[tuple[int, int]], bool, int]:
    """Where each scan's entropy-coded data begins and ends, whether it is progressive, and where the file's end is."""
    position, interval, progressive = 2, 0, False
    scans: list[tuple[int, int]] = []
    precision: dict[int, dict[int, int]] = {}  # of a progressive image: component -> coefficient -> bits not yet known
    while True:
        found = _MARKER.match(data, position)
        if found is None:
            raise Hole("is truncated: the file ends before the image does")
        marker, position = found[1][0], found.end()
        if marker == _EOI:
            break
        length = int.from_bytes(data[position : position + _NAMED], "big")
        body = data[position + _NAMED : position + length]
        position += length
        if marker in _PROGRESSIVE:
            progressive = True
            precision = {component: {} for component in body[6::3]}
        elif marker == _DRI:
            interval = int.from_bytes(body[:2], "big")
        elif marker == _SOS:
            start, position = position, _end_of_scan(data, position, bool(interval))
            scans.append((start, position))
            if progressive and len(body) >= 4:
                first, last, before, bits = body[-3], body[-2], body[-1] >> 4, body[-1] & 15
                for component in body[1 : 1 + 2 * body[0] : 2]:
                    known = precision.setdefault(component, {})
                    if any(known.get(place, 0) != before for place in range(first, last + 1)):
                        raise Hole(_INCOMPLETE)  # a scan refines what another one has said
                    known.update(dict.fromkeys(range(first, last + 1), bits))
    # Every component needs its mean (coefficient 0) to the last bit; others may be left out, but not halfway.
    if any(0 not in known or any(known.values()) for known in precision.values()):
        raise Hole(_INCOMPLETE)
    return scans, progressive, position


def _end_of_scan(data: bytes, start: int, restarts: bool) -> int:
    """The position of the marker behind a scan's data. Within it, only restart markers stand, 0 to 7 in turn."""
    # FF before 0 is a byte of the image, before another FF it fills up. NumPy finds the others faster than `re`.
    values = np.frombuffer(data, np.uint8)
    full = start + np.flatnonzero(values[start:-1] == 0xFF)
    following = values[full + 1]
    numbers = itertools.cycle(_RESTARTS)
    for place in full[(following != 0) & (following != 0xFF)].tolist():
        marker = data[place + 1]
        if marker in _RESTARTS and restarts:
            if marker != next(numbers):
                raise Hole("has a hole: a part of the image data is missing")
        elif marker in _AFTER_A_SCAN:
            return place
        else:
            raise Hole("has a hole: there is something else in the image data")
    raise Hole("is truncated: the file ends before the image does")
