"""helpers.homework.sizes: the formulas against Paddle, and the settings that no layer has."""
from helpers.homework.sizes import conv_size, pool_size, transposed_size

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
@settings(max_examples=200, deadline=None, derandomize=True)
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


def test_paddle_lets_a_kernel_pass_that_does_not_fit():
    """What the docstring warns of; the shapes are inferred and nothing is computed, since it reads foreign memory."""
    paddle.enable_static()
    try:
        with paddle.static.program_guard(paddle.static.Program(), paddle.static.Program()):
            x, w = paddle.static.data("x", [1, 1, 4, 4]), paddle.static.data("w", [1, 1, 5, 5])
            assert list(F.conv2d(x, w, stride=3).shape) == [1, 1, 1, 1]
    finally:
        paddle.disable_static()
    with pytest.raises(ValueError, match="reaches 1 beyond"):
        conv_size(4, 5, 3)


LEAST = [(formula, name, int(name != "padding")) for formula in (conv_size, pool_size, transposed_size)
         for name in ("size", "kernel", "stride", "padding")]  # fmt: skip
LEAST += [(conv_size, "dilation", 1), (transposed_size, "dilation", 1), (transposed_size, "output_padding", 0)]


@pytest.mark.parametrize(("formula", "setting", "least"), LEAST)
def test_settings_that_no_layer_has(formula, setting, least):
    for value in (least - 1, -2):
        with pytest.raises(ValueError, match=rf"^{setting} must be at least {least}, not {value}$"):
            formula(**{"size": 8, "kernel": 3, setting: value})
