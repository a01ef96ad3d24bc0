"""Sizes and multiplications of thousands of layers: by formula, by Paddle, and counted one by one on a grid.

By hand, a kernel is put down wherever it has room, position by position, and every product is noted; nothing is shared
with the formulas of `helpers.homework`.
"""
import itertools
import random

from helpers.homework.sizes import DoesNotFit, conv_size, pool_size, transposed_size
from helpers.homework.trace import CONVOLUTIONS, POOLING, TRANSPOSED, macs, trace

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

SETTINGS = 1800  # that are drawn of convolutions, of transposed convolutions, of pooling
LEAST = 1000  # that fit, of each
ENDS = [0, 1, 2, (1, 0), (0, 2), (2, 1), "SAME", "VALID"]


def places(size, kernel, stride, ends, dilation):
    """Where each tap of a kernel lies, [stops, taps], in an image with `ends` pixels added."""
    line = range(-ends[0], size + ends[1])
    reach = range(0, dilation * kernel, dilation)
    starts = [start for start in line[::stride] if start + reach[-1] in line]
    return np.array([[start + tap for tap in reach] for start in starts]).reshape(-1, kernel)


def same(size, kernel, stride):
    """The smallest padding, the odd pixel behind, with which every stride-th pixel has a stop."""
    stops = len(range(0, size, stride))
    for added in itertools.count():
        if len(places(size, kernel, stride, (added // 2, added - added // 2), 1)) >= stops:
            return added // 2, added - added // 2


def drawn(rng, axes, dilated=True, padded=ENDS):
    """Settings of one layer for each axis: size, kernel, stride, padding, dilation; the strings are for all axes."""
    word = rng.choice(padded)
    ends = [word if isinstance(word, str) else rng.choice([end for end in padded if not isinstance(end, str)])
            for _ in range(axes)]  # fmt: skip
    largest = (9, 7, 5)[axes - 1]
    return [
        (rng.randint(1, largest), rng.randint(1, 4), rng.randint(1, 4), end, rng.randint(1, 3) if dilated else 1)
        for end in ends
    ]


def by_hand(setting):
    """Padding before and after, and dilation, as Paddle takes them."""
    size, kernel, stride, end, dilation = setting
    if isinstance(end, str):
        return (same(size, kernel, stride), 1) if end == "SAME" else ((0, 0), dilation)
    return ((end, end) if isinstance(end, int) else end), dilation


def options(settings, form):
    """A layer's arguments; the padding in one of the forms that Paddle knows."""
    kernel, stride, ends, dilation = (list(values) for values in list(zip(*settings, strict=True))[1:])
    if isinstance(ends[0], str):
        padding = ends[0]
    elif form == "flat" or not all(isinstance(end, int) for end in ends):
        pairs = [(end, end) if isinstance(end, int) else end for end in ends]
        padding = [[0, 0], [0, 0], *map(list, pairs)] if form == "nested" else [n for pair in pairs for n in pair]
    else:
        padding = ends
    return {"kernel_size": kernel, "stride": stride, "padding": padding}, {"dilation": dilation}


def by_hooks(layer, shape):
    """The shapes that a forward hook of Paddle sees."""
    seen = []
    hook = layer.register_forward_post_hook(lambda _, x, y: seen.append((tuple(x[0].shape), tuple(y.shape))))
    layer(paddle.zeros(shape))
    hook.remove()
    return seen[0]


def of_ones(layer, settings):
    """Paddle's count: ones, also in the padding, times ones; the sum of what comes out is the number of products."""
    ends, dilation = zip(*map(by_hand, settings), strict=True)
    padded = [setting[0] + sum(end) for setting, end in zip(settings, ends, strict=True)]
    image = paddle.ones([2, layer._in_channels, *padded])
    convolve = (F.conv1d, F.conv2d, F.conv3d)[len(settings) - 1]
    stride = [setting[2] for setting in settings]
    y = convolve(image, paddle.ones(layer.weight.shape), stride=stride, dilation=list(dilation), groups=layer._groups)
    return round(y.sum().item())


def grid(kind, number):
    rng = random.Random(f"{kind} {number}")
    axes = 1 + number % 3
    form = rng.choice(["flat", "nested", "numbers"])
    groups = rng.choice([1, 2, 3])
    channels = [groups * rng.choice([1, 2]) for _ in range(2)]
    return rng, axes, form, channels, groups


def test_convolutions():
    fits = 0
    for number in range(SETTINGS):
        rng, axes, form, (c_in, c_out), groups = grid("convolution", number)
        settings = drawn(rng, axes)
        taps = [places(s[0], s[1], s[2], *by_hand(s)) for s in settings]
        if not all(map(len, taps)):  # Paddle is not asked: it may give a result, an error or a crash
            with pytest.raises(DoesNotFit):
                [conv_size(*setting) for setting in settings]
            continue
        first, more = options(settings, form)
        layer = CONVOLUTIONS[axes - 1](c_in, c_out, **first, **more, groups=groups, bias_attr=False)
        shape = [2, c_in, *(setting[0] for setting in settings)]
        [row] = trace(layer, shape)
        inside = np.equal.outer(np.arange(c_out) * groups // c_out, np.arange(c_in) * groups // c_in)
        y = (2, c_out, *map(len, taps))
        assert by_hooks(layer, shape) == (row.x, row.y) == (tuple(shape), y), (settings, form)
        assert row.sizes() == y[2:] == tuple(conv_size(*setting) for setting in settings)
        noted = np.zeros((c_out, c_in, *y[2:]), int)
        for _ in itertools.product(*(range(kernel.shape[1]) for kernel in taps)):
            noted += inside[(...,) + (None,) * axes]
        assert macs(row) == 2 * noted.sum() == of_ones(layer, settings), (settings, form, groups)
        fits += 1
    assert fits >= LEAST


def test_transposed_convolutions():
    """Each input number is spread over the kernel's taps; then the padding is cut off."""
    fits = 0
    for number in range(SETTINGS):
        rng, axes, form, (c_in, c_out), groups = grid("transposed", number)
        settings = drawn(rng, axes)
        spread = []
        for size, kernel, stride, end, dilation in settings:
            (before, after), steps = by_hand((size, kernel, stride, end, dilation))
            hit = {stride * i + steps * tap for i in range(size) for tap in range(kernel)}
            spread.append(len(range(max(hit) + 1)[before : max(hit) + 1 - after]) if before + after <= max(hit) else 0)
        if not all(spread):
            with pytest.raises(ValueError, match="takes away the whole output"):
                [transposed_size(*setting) for setting in settings]
            continue
        first, more = options(settings, form)
        layer = TRANSPOSED[axes - 1](c_in, c_out, **first, **more, groups=groups, bias_attr=False)
        shape = [2, c_in, *(setting[0] for setting in settings)]
        [row] = trace(layer, shape)
        assert by_hooks(layer, shape) == (row.x, row.y) == (tuple(shape), (2, c_out, *spread)), (settings, form)
        assert row.sizes() == tuple(spread) == tuple(transposed_size(*setting) for setting in settings)
        products = 0
        for source, target in itertools.product(range(c_in), range(c_out)):
            if source * groups // c_in == target * groups // c_out:
                products += np.ones([*(s[0] for s in settings), *(s[1] for s in settings)], int).sum()
        assert macs(row) == 2 * products, (settings, form, groups)
        fits += 1
    assert fits >= LEAST


def test_pooling():
    fits = 0
    for number in range(SETTINGS):
        rng, axes, form, (channels, _), _ = grid("pooling", number)
        rounded_up = rng.random() < 0.5
        settings = drawn(rng, axes, dilated=False, padded=[end for end in ENDS if not (rounded_up and end == "VALID")])
        if any(setting[3] == "SAME" for setting in settings) and rounded_up:
            continue
        stops = []
        for size, kernel, stride, end, _ in settings:
            ends, _ = by_hand((size, kernel, stride, end, 1))
            taps = places(size, kernel, stride, ends, 1)
            covered = len(taps) and taps[-1, -1] == size + ends[1] - 1
            stops.append(len(taps) + (rounded_up and len(taps) > 0 and not covered))
        if not all(stops):
            with pytest.raises(DoesNotFit):
                [pool_size(*setting[:4], rounded_up) for setting in settings]
            continue
        first, _ = options(settings, form)
        layer = POOLING[axes - 1 + 3 * (number % 2)](**first, ceil_mode=rounded_up)
        shape = [2, channels, *(setting[0] for setting in settings)]
        [row] = trace(layer, shape)
        assert by_hooks(layer, shape) == (row.x, row.y) == (tuple(shape), (2, channels, *stops)), (settings, form)
        assert row.sizes() == tuple(stops) == tuple(pool_size(*setting[:4], rounded_up) for setting in settings)
        assert macs(row) == 0
        fits += 1
    assert fits >= LEAST
