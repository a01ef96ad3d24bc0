"""Values that somebody may type, or that a program may leave, where a number or a shape is asked for."""
from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import paddle


def refuse(*_):
    raise RuntimeError("no")


class Hostile:
    __repr__ = __eq__ = __hash__ = __int__ = __float__ = __len__ = __iter__ = __str__ = __array__ = refuse


class HostileList(list):
    __iter__ = __len__ = __getitem__ = refuse


class HostileInt(int):
    __int__ = refuse


class HostileDict(dict):
    items = keys = values = __iter__ = get = __getitem__ = refuse


ENDLESS, DEEP = [], []
ENDLESS.append(ENDLESS)
for _ in range(100_000):
    DEEP = [DEEP]

RUBBISH = [
    "27", "", b"27", "二十七", "\ud800", 10**5000, -(10**5000), -1, 2.5, math.nan, math.inf, 1e308, True, False, 1j,
    Decimal("1e999999"), Decimal("sNaN"), Fraction(1, 3), np.float64("nan"), np.array("x"), np.zeros((2, 0)),
    np.zeros((3, 3)), np.array([None]), paddle.zeros([2, 2]), paddle.to_tensor(math.nan), {}, {1: 2}, {27}, [], [[]],
    [None], [1, "2"], (1, None), [10**5000], range(3), object, print, Hostile(), [Hostile()], HostileList([1]),
    HostileInt(27), HostileDict(a=1), ENDLESS, DEEP, list(range(10**6)), np.datetime64("2026-11-23"), ...,
]  # fmt: skip
