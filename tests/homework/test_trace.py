"""helpers.homework.trace: a network's layers as they were called, their sizes by formula, their multiplications."""
from helpers.homework.questions import table_task
from helpers.homework.trace import ADAPTIVE, CONVOLUTIONS, POOLING, TRANSPOSED, macs, trace
from tests.tools.small_training import assert_same_weights, weights

import paddle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paddle import nn
from paddle.jit.dy2static.program_translator import ProgramTranslator

MANY = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
FEW = st.integers(1, 3)


class ByKeyword(nn.Sequential):
    def forward(self, x):
        return self[0](x=x)


class Numberless(nn.Layer):
    def forward(self, x):
        return "no tensor"


class Learned(nn.Layer):
    """It multiplies by a parameter of its own, without any layer."""

    def __init__(self):
        super().__init__()
        self.weight = self.create_parameter([8, 8])

    def forward(self, x):
        return x @ self.weight


def own_forwards(model):
    return [layer for layer in model.sublayers(include_self=True) if "forward" in layer.__dict__]


@pytest.mark.parametrize("training", [True, False])
def test_tracing_leaves_the_network_as_it_was(training):
    model = nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4), nn.Sequential(nn.BatchNorm2D(4)))
    model.train() if training else model.eval()
    model[1].eval()  # frozen: it stays in this mode while the others train
    model[0].weight.stop_gradient = True
    fixed = [tensor.stop_gradient for tensor in model.parameters()]
    modes = [layer.training for layer in model.sublayers(include_self=True)]
    before = weights(model)
    trace(model, [2, 3, 8, 8])
    assert [layer.training for layer in model.sublayers(include_self=True)] == modes
    assert_same_weights(model, before)
    assert [tensor.stop_gradient for tensor in model.parameters()] == fixed
    assert not own_forwards(model)


def test_statistics_that_move_in_evaluation_mode_too_are_put_back():
    model = nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4, use_global_stats=False))
    before = weights(model)
    model.eval()
    model(paddle.zeros([2, 3, 8, 8]))
    with pytest.raises(AssertionError):
        assert_same_weights(model, before)
    before = weights(model)
    trace(model, [2, 3, 8, 8])
    assert_same_weights(model, before)


def test_it_is_run_in_evaluation_mode():
    conv = nn.Conv2D(3, 4, 3)
    seen = []
    conv.register_forward_pre_hook(lambda layer, x: seen.append((layer.training, paddle.is_grad_enabled())))
    trace(nn.Sequential(conv), [1, 3, 8, 8])
    assert seen == [(False, False)] and conv.training


def test_a_network_that_fails_is_left_as_it_was_too():
    model = nn.Sequential(nn.Conv2D(3, 4, 3), nn.Linear(5, 2), nn.LSTM(3, 4))
    with pytest.raises(ValueError):
        trace(model, [2, 3, 8, 8])
    assert model.training and not own_forwards(model)


def test_a_forward_of_ones_own_is_left_there():
    conv = nn.Conv2D(3, 4, 3)
    own = conv.forward = lambda x: x
    assert trace(conv, [1, 3, 8, 8])[0].y == (1, 3, 8, 8) and conv.forward is own


@pytest.mark.parametrize("enabled", [True, False])
def test_a_network_that_was_made_a_program_is_traced_as_it_was_written(enabled):
    model = paddle.jit.to_static(nn.Sequential(nn.Conv2D(3, 4, 3), nn.Sequential(nn.Conv2D(4, 2, 3))))
    model.eval()
    with paddle.no_grad():
        before = model(paddle.ones([1, 3, 8, 8]))  # from now on there is a program, which calls no layer
    translator, forward = ProgramTranslator(), model.forward
    paddle.jit.enable_to_static(enabled)
    try:
        assert [row.y for row in trace(model, [1, 3, 8, 8])] == [(1, 4, 6, 6), (1, 2, 4, 4)]
        with pytest.raises(ValueError):
            trace(model, [1, 5, 8, 8])
        assert translator.enable_to_static is enabled and model.forward is forward
    finally:
        paddle.jit.enable_to_static(True)
    with paddle.no_grad():
        assert paddle.allclose(model(paddle.ones([1, 3, 8, 8])), before)


def test_a_layer_that_gives_two_tensors():
    model = nn.Sequential(nn.Conv2D(3, 4, 3), nn.MaxPool2D(2, return_mask=True))
    assert [row.y for row in trace(model, [1, 3, 8, 8])] == [(1, 4, 6, 6), (1, 4, 3, 3)]


def test_a_layer_called_by_keyword():
    [row] = trace(ByKeyword(nn.Conv2D(3, 4, 3)), [1, 3, 8, 8])
    assert row[0] == "0" and row[2:] == ((1, 3, 8, 8), (1, 4, 6, 6)) and macs(row) == 4 * 36 * 27


def test_a_layer_of_which_no_tensor_is_seen_is_named():
    with pytest.raises(ValueError, match=r"^layer cannot be traced: no tensor is seen"):
        trace(Numberless(), [1, 3, 8, 8], kinds=(Numberless,))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.LSTM(8, 4), [1, 5, 8]), (nn.GRU(8, 4), [1, 5, 8]), (nn.MultiHeadAttention(8, 2), [1, 5, 8]),
     (Learned(), [1, 5, 8]), (nn.Bilinear(8, 8, 3), [1, 8])],
)  # fmt: skip
def test_a_layer_that_is_not_known_is_named(layer, shape):
    """Neither counted as nothing nor left out, so that no table is empty."""
    kind = type(layer).__name__
    for model, name in ((layer, "layer"), (nn.Sequential(nn.Linear(8, 8), layer), "1")):
        for asked in (trace, table_task):
            with pytest.raises(ValueError, match=rf"^{name} \({kind}\): it is not known"):
                asked(model, shape)
        assert not own_forwards(model)


class Adapted(nn.Linear):
    """A Linear layer beside which another product is learned, as LoRA does."""

    def __init__(self):
        super().__init__(8, 8)
        self.down, self.up = self.create_parameter([8, 2]), self.create_parameter([2, 8])

    def forward(self, x):
        return super().forward(x) + x @ self.down @ self.up


class Nested(nn.Layer):
    """Gives a layer a dictionary, and is given lists."""

    def __init__(self):
        super().__init__()
        self.inner = Packing(3, 4)

    def forward(self, x):
        return self.inner({"mask": None, "x": x})[0]["y"]


class Packing(nn.Linear):
    def forward(self, given):
        return [{"y": super().forward(given["x"])}, None]


def test_a_known_layer_with_more_parameters_than_its_kind_has_is_not_counted_as_if_it_had_none():
    for model, name in ((Adapted(), "layer"), (nn.Sequential(nn.ReLU(), Adapted()), "1")):
        with pytest.raises(ValueError, match=rf"^{name} \(Adapted\): it is not known"):
            trace(model, [1, 8])
        with pytest.raises(ValueError, match=f"{name} is a Adapted"):
            macs(trace(model, [1, 8], kinds=(Adapted,))[0])
    split = nn.utils.weight_norm(nn.Linear(8, 4))  # the weight in two parts: the products are the same
    assert [macs(row) for row in trace(nn.Sequential(split), [1, 8])] == [32]


def test_tensors_in_lists_and_dictionaries_are_seen():
    [row] = trace(Nested(), [2, 3])
    assert row[0] == "inner" and row[2:] == ((2, 3), (2, 4))


def test_the_input_is_of_the_weights_type_and_what_a_cpu_cannot_is_named():
    model = nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4))
    assert trace(model.to(dtype="float64"), [1, 3, 8, 8])[0].y == (1, 4, 6, 6)
    for kind in ("float16", "bfloat16"):
        with pytest.raises(ValueError, match=f"the weights are paddle.{kind}.*to.dtype='float32'"):
            trace(nn.Linear(3, 4).to(dtype=kind), [1, 3])


def test_layers_without_products_of_their_own_have_no_row():
    between = [nn.BatchNorm2D(4), nn.PReLU(), nn.GroupNorm(2, 4), nn.InstanceNorm2D(4), nn.Dropout(), nn.Flatten()]
    rows = trace(nn.Sequential(nn.Conv2D(3, 4, 3), *between, nn.LayerNorm(144), nn.Linear(144, 2)), [2, 3, 8, 8])
    assert [row.name for row in rows] == ["0", "8"]


@pytest.mark.parametrize("kind", ADAPTIVE)
def test_adaptive_pooling(kind):
    axes = int(kind.__name__[-2])
    [row] = trace(kind(2), [1, 3, *[8] * axes])
    assert row.y == (1, 3, *[2] * axes) and macs(row) == 0 and row.sizes() is None
    assert len(table_task(kind(2), [1, 3, *[8] * axes]).groups["layer"]) == 5


@pytest.mark.parametrize(
    "layer", [nn.Conv1D(2, 3, 5, stride=3), nn.Conv2D(2, 3, 9), nn.Conv3D(2, 3, 5, stride=3), nn.MaxPool2D(5, 3)]
)
def test_a_kernel_that_does_not_fit_is_named_before_it_is_called(layer):
    axes = layer.weight.ndim - 2 if layer.parameters() else 2
    with pytest.raises(ValueError, match=r"^1: a (kernel|window) of . pixels reaches . beyond the padded image"):
        trace(nn.Sequential(nn.Identity(), layer), [1, 2, *[4] * axes])


class Padded(nn.Conv2D):
    def forward(self, x):
        return super().forward(paddle.nn.functional.pad(x, [1, 1, 1, 1]))


def test_a_layer_of_ones_own_may_pad_what_would_not_fit():
    assert trace(Padded(2, 3, 5), [1, 2, 4, 4])[0].y == (1, 3, 2, 2)


@MANY
@given(st.sampled_from([*CONVOLUTIONS, *TRANSPOSED, *POOLING]), st.data())
def test_the_sizes_are_paddles(kind, data):
    """Of the layer as it is, and as it would be with another stride, padding, dilation or way to round."""
    axes = int(kind.__name__.removesuffix("Transpose")[-2])
    each = st.lists(FEW, min_size=axes, max_size=axes)
    if kind in POOLING:
        start, options = (), {"stride": each | FEW | st.none(), "ceil_mode": st.booleans()}
    else:
        start, options = (2, 3), {"stride": each | FEW, "dilation": each | FEW}
    options["padding"] = st.integers(0, 1)
    own = {name: data.draw(values, name) for name, values in options.items()}
    kernel = data.draw(each | FEW, "kernel")
    shape = [1, 2, *(data.draw(st.integers(7, 9), "size") for _ in range(axes))]
    [row] = trace(kind(*start, kernel, **own), shape)
    assert row.sizes() == row.y[2:]
    others = {"padding": st.just(0), "ceil_mode": st.booleans(), "stride": FEW, "dilation": FEW}
    name = data.draw(st.sampled_from(sorted(options)), "changed")
    change = {name: data.draw(others[name], "to")}
    [changed] = trace(kind(*start, kernel, **own | change), shape)
    assert row.sizes(**change) == changed.y[2:]


def test_no_size_where_no_formula_is_known_or_it_does_not_fit_or_there_is_no_such_setting():
    for shape in ([1, 8], [1, 3, 8]):
        assert trace(nn.Linear(8, 2), shape)[0].sizes() is None
    [row] = trace(nn.MaxPool2D(3, padding=1), [1, 2, 2, 2])
    assert row.sizes() == (1, 1) and row.sizes(padding=0) is None and row.sizes(dilation=2) is None


CHANNELS_LAST = [
    (nn.Conv1D(3, 4, 4, data_format="NLC"), 1), (nn.Conv2D(3, 4, 4, data_format="NHWC"), 2),
    (nn.AvgPool2D(4, data_format="NHWC"), 2), (nn.MaxPool3D(4, 2, data_format="NDHWC"), 3),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "axes"), CHANNELS_LAST)
def test_with_channels_last_sizes_are_known_and_what_does_not_fit_is_named(layer, axes):
    """Paddle gives sizes below 0 there, or the process dies."""
    [row] = trace(layer, [1, *[7] * axes, 3])
    assert row.sizes() == row.y[1:-1]
    with pytest.raises(ValueError, match=r"^layer: a (kernel|window) of 4 pixels reaches 1 beyond the padded image"):
        trace(layer, [1, *[3] * axes, 3])


@pytest.mark.parametrize(
    ("padding", "each"),
    [("SAME", ("SAME", "SAME")), ([0, 1, 0, 2], ((0, 1), (0, 2))), ([1, 2], (1, 2)), (1, (1, 1)),
     ([[0, 0], [0, 0], [1, 2], [0, 1]], ((1, 2), (0, 1)))],
)  # fmt: skip
def test_the_padding_of_each_axis(padding, each):
    [row] = trace(nn.Conv2D(3, 4, 3, stride=[1, 2], padding=padding), [1, 3, 8, 8])
    assert row.setting("stride") == (1, 2) and row.setting("padding") == each and row.sizes() == row.y[2:]


def test_a_setting_that_is_not_one_number_an_axis_is_named():
    [row] = trace(nn.Conv2D(3, 4, 3), [1, 3, 8, 8])
    with pytest.raises(ValueError, match=r"^layer: the padding .* is not one number for each of 3 axes"):
        row._replace(layer=nn.Conv2D(3, 4, 3, padding=[0, 1]), x=(1, 3, 8, 8, 8)).setting("padding")


def test_output_padding_is_known_as_well():
    [row] = trace(nn.Conv2DTranspose(3, 4, 3, stride=2, output_padding=[1, 0]), [1, 3, 4, 4])
    assert row.sizes() == row.y[2:] == (10, 9) and row.sizes(output_padding=0) == (9, 9)


@settings(MANY, max_examples=60)
@given(FEW, FEW, FEW, FEW, FEW, st.integers(1, 5), st.booleans())
def test_multiplications_counted_one_by_one(axes, groups, c_in, c_out, kernel, stride, transposed):
    """Ones times ones: what comes out adds up to the number of products."""
    kind = (TRANSPOSED if transposed else CONVOLUTIONS)[axes - 1]
    layer = kind(groups * c_in, groups * c_out, kernel, stride=stride, groups=groups, bias_attr=False)
    layer.weight.set_value(paddle.ones(layer.weight.shape))
    shape = [2, groups * c_in, 7, 6, 5][: 2 + axes]
    assert macs(trace(layer, shape)[0]) == round(layer(paddle.ones(shape)).sum().item())


def test_multiplications_of_a_network():
    model = nn.Sequential(nn.Conv2D(3, 4, 3), nn.MaxPool2D(2), nn.Flatten(), nn.Linear(36, 5))
    rows = trace(model, [2, 3, 8, 8])
    assert [macs(row) for row in rows] == [2 * 4 * 36 * 27, 0, 2 * 36 * 5]
    assert [row.name for row in rows] == ["0", "1", "3"]


def test_what_is_not_known_is_not_counted_as_nothing():
    [row] = trace(nn.BatchNorm2D(3), [2, 3, 8, 8], kinds=(nn.BatchNorm2D,))
    with pytest.raises(ValueError, match=r"^layer is a BatchNorm2D; only convolutions"):
        macs(row)
