"""helpers.homework.sizes: the formulas against Paddle, and the settings that no layer has."""
import itertools
import subprocess
import sys

from helpers.homework.sizes import DoesNotFit, conv_size, pool_size, same_padding, transposed_size

import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

STRIDES, PADDINGS, DILATIONS = st.integers(1, 5), st.integers(0, 4), st.integers(1, 4)
CONVOLUTION = {"stride": STRIDES, "padding": PADDINGS, "dilation": DILATIONS}
POOLING = {"stride": st.none() | STRIDES, "padding": PADDINGS, "ceil_mode": st.booleans()}


@pytest.mark.parametrize(
    ("formula", "layer", "options"),
    [
        (conv_size, F.conv2d, CONVOLUTION),
        (pool_size, F.max_pool2d, POOLING),
        (pool_size, F.avg_pool2d, POOLING),
        (transposed_size, F.conv2d_transpose, CONVOLUTION | {"output_padding": st.integers(0, 3)}),
    ],
)
@settings(max_examples=200)
@given(size=st.integers(1, 20), kernel=st.integers(1, 6), data=st.data())
def test_the_sizes_are_paddles(formula, layer, options, size, kernel, data):
    own = {name: data.draw(values, name) for name, values in options.items()}
    reach = own.get("dilation", 1) * (kernel - 1) + 1
    refused = "does not fit" if size + 2 * own["padding"] < reach else None
    if formula is transposed_size:
        whole = (size - 1) * own["stride"] + reach + own["output_padding"]
        refused = "whole output" if whole <= 2 * own["padding"] else None
        refused = "smaller than the stride" if own["output_padding"] >= own["stride"] else refused
    if refused:
        with pytest.raises(ValueError, match=refused):
            formula(size, kernel, **own)
        return
    given_kernel = kernel if formula is pool_size else paddle.ones([1, 1, kernel, kernel])
    y = layer(paddle.ones([1, 1, size, size]), given_kernel, **own)
    assert y.shape[2] == formula(size, kernel, **own)


@pytest.mark.parametrize("rounded_up", [False, True])
@pytest.mark.parametrize("pooled", [F.max_pool1d, F.max_pool2d, F.avg_pool1d, F.avg_pool2d])
def test_windows_without_a_pixel(pooled, rounded_up):
    """What the docstring of `pool_size` says of them, of all settings."""
    empty = left_out = 0
    ends = range(3)
    for size, kernel, stride, before, after in itertools.product(range(1, 8), range(1, 4), range(1, 5), ends, ends):
        if size + before + after < kernel:
            continue
        stops = pool_size(size, kernel, stride, (before, after), rounded_up)
        axes = int(pooled.__name__[-2])
        y = pooled(paddle.ones([1, 1] + [size] * axes), kernel, stride, [before, after] * axes, ceil_mode=rounded_up)
        wrong = bool((y < 0.5).any() or y.isnan().any())
        assert y.shape[2] == stops
        assert wrong == (kernel <= before or (stops - 1) * stride >= size + before)
        assert not (wrong and stride + max(before, after) <= kernel)
        if wrong and 2 * max(before, after) <= kernel:  # what PyTorch takes: there only the last one of all, and
            assert rounded_up and pool_size(size, kernel, stride, (before, after)) == stops - 1  # floor leaves it out
            left_out += 1
        empty += wrong
    assert empty > 100 and left_out >= 50 * rounded_up


OVERHANGS = """
import paddle
import paddle.nn.functional as F
for axes, stride in ((1, 1), (3, 1), (2, 1)):  # the last one may end the process
    kernel, image = paddle.ones([1, 1] + [9] * axes), paddle.ones([1, 1] + [4] * axes)
    try:
        y = (F.conv1d, F.conv2d, F.conv3d)[axes - 1](image, kernel, stride=stride)
        print(axes, list(y.shape), flush=True)
        print("read", y.numpy().shape, flush=True)
    except (RuntimeError, ValueError):
        print(axes, "refused", flush=True)
"""


def test_a_kernel_that_reaches_far_beyond_the_image_may_end_the_process():
    """What notebook 04 says of an overhang of two strides and more, tried in a process of its own."""
    done = subprocess.run([sys.executable, "-c", OVERHANGS], capture_output=True, text=True)
    assert done.stdout.splitlines()[:3] == ["1 refused", "3 refused", "2 [1, 1, -4, -4]"]
    assert done.returncode < 0 and "read" not in done.stdout and "Segmentation fault" in done.stdout + done.stderr


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_kernel_that_reaches_a_little_beyond_the_image_finds_zeros(axes):
    """By less than the stride: as the docstring of `conv_size` says. By less than two strides: nothing is left."""
    convolve = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    paddle.seed(0)
    for size, kernel, stride, padding in itertools.product(range(1, 5), range(2, 8), (2, 3, 4), (0, 1)):
        beyond = kernel - size - 2 * padding
        if not 0 < beyond < 2 * stride:
            continue
        image, weight = paddle.randn([1, 2] + [size] * axes), paddle.randn([1, 2] + [kernel] * axes)
        y = convolve(image, weight, stride=stride, padding=padding)
        if beyond < stride:
            more = convolve(image, weight, stride=stride, padding=[padding, padding + beyond] * axes)
            assert list(y.shape) == [1, 1] + [1] * axes and abs((y - more).item()) < 1e-3
        else:
            assert list(y.shape) == [1, 1] + [0] * axes
        with pytest.raises(DoesNotFit, match=f"reaches {beyond} beyond"):
            conv_size(size, kernel, stride, padding)


@pytest.mark.parametrize("formula", [conv_size, transposed_size, pool_size])
def test_forms_of_padding(formula):
    assert formula(9, 3, 2, (1, 1)) == formula(9, 3, 2, 1) == formula(9, 3, 2, [0, 2])
    assert formula(9, 3, 2, "VALID") == formula(9, 3, 2) and formula(9, 3, 2, "same") == formula(9, 3, 2, (1, 1))
    assert formula(9, 3, 1, "SAME") == 9 and same_padding(10, 3, 2) == (0, 1)
    for padding, said in (("FULL", '"SAME" or "VALID"'), ((1, 2, 3), "one number or a pair"), ((1, -1), "at least 0")):
        with pytest.raises(ValueError, match=said):
            formula(9, 3, 2, padding)


@pytest.mark.parametrize("formula", [conv_size, transposed_size])
def test_same_drops_the_dilation(formula):
    assert formula(9, 3, 2, "SAME", 3) == formula(9, 3, 2, "SAME") != formula(9, 3, 2, "VALID", 3)


def test_paddle_refuses_valid_with_ceil_mode():
    with pytest.raises(ValueError, match="VALID"):
        F.max_pool2d(paddle.ones([1, 1, 8, 8]), 3, padding="VALID", ceil_mode=True)
    with pytest.raises(ValueError, match="VALID"):
        pool_size(8, 3, padding="VALID", ceil_mode=True)


LEAST = [(formula, name, int(name != "padding")) for formula in (conv_size, pool_size, transposed_size)
         for name in ("size", "kernel", "stride", "padding")]  # fmt: skip
LEAST += [(conv_size, "dilation", 1), (transposed_size, "dilation", 1), (transposed_size, "output_padding", 0)]


@pytest.mark.parametrize(("formula", "setting", "least"), LEAST)
def test_settings_that_no_layer_has(formula, setting, least):
    for value in (least - 1, -2):
        with pytest.raises(ValueError, match=rf"^{setting} must be at least {least}, not {value}$"):
            formula(**{"size": 8, "kernel": 3, setting: value})
