"""training.explain: maps that equal what can be worked out by hand, and a model that stays as it was."""
from helpers import runtime
from helpers.training import explain, resnet

import numpy as np
import paddle
import pytest
from paddle import nn

SIDE = 32


def network(**arguments):
    """A small one whose statistics differ from 0 and 1, in evaluation mode."""
    runtime.seed(0)
    model = resnet.resnet10(width=4, **arguments)
    model.train()
    for _ in range(3):
        model(paddle.randn([8, 3, SIDE, SIDE]) * 2 + 1)
    model.eval()
    return model


def images(count=3, seed=0):
    """Noise in a round field of view: float32 [count, 3, SIDE, SIDE], 0 outside, and the field."""
    axis = np.arange(SIDE) - (SIDE - 1) / 2
    field = np.repeat((np.hypot(axis[:, None], axis) < SIDE / 2)[None], count, axis=0)
    x = np.random.default_rng(seed).normal(size=(count, 3, SIDE, SIDE)) * field[:, None]
    return x.astype(np.float32), field


class Window(nn.Layer):
    """Log-odds of class 1: three times the mean of one window of the image."""

    def forward(self, x):
        seen = x[:, :, 4:12, 10:18].mean(axis=[1, 2, 3])
        return paddle.stack([paddle.zeros_like(seen), 3 * seen], axis=1)


@pytest.mark.parametrize("classes", [2, 4])
def test_log_odds(classes):
    logits = paddle.randn([5, classes]) * 3
    p = nn.functional.softmax(logits.astype("float64"), axis=1).numpy()  # else 1 - p loses its digits near 1
    for k in range(classes):
        got = explain.log_odds(logits, k).numpy()
        np.testing.assert_allclose(got, np.log(p[:, k] / (1 - p[:, k])), rtol=1e-3, atol=1e-4)
    for wrong in (-1, classes):
        with pytest.raises(ValueError, match="one of the classes, must be 0 to"):
            explain.log_odds(logits, wrong)


def resized(cam):
    """ReLU of maps [N, h, w], brought to SIDE."""
    return nn.functional.interpolate(nn.functional.relu(paddle.to_tensor(cam[:, None])), size=[SIDE, SIDE],
                                     mode="bilinear")[:, 0].numpy()  # fmt: skip


@pytest.mark.parametrize("stem", ["imagenet", "small"])
def test_grad_cam_of_the_last_stage_is_the_head_at_each_position(stem):
    """There the gradient is known: Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016."""
    model = network(stem=stem)
    x = paddle.to_tensor(images()[0])
    features, head = model.stages(model.stem(x)).numpy(), model.fc.weight.numpy()
    lit = 0
    for k in (0, 1):
        weights = (head[:, k] - head[:, 1 - k]) / features[0, 0].size
        got = explain.grad_cam(model, x, k, stage=4)
        assert got.shape == (3, SIDE, SIDE) and got.dtype == np.float32
        expected = resized((weights[:, None, None] * features).sum(axis=1))
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-6)
        lit += (got > 0).sum()
    assert lit


def test_grad_cam_of_an_earlier_stage_has_the_gradient_that_differences_give():
    model = network(num_classes=3, stem="small")
    x = paddle.to_tensor(images(1)[0])
    features = model.stages[:2](model.stem(x))

    def score(change):
        return explain.log_odds(model.fc(model.pool(model.stages[2:](features + change)).flatten(1)), 2).item()

    weights = []
    for channel in range(features.shape[1]):
        change = np.zeros(features.shape, np.float32)
        change[:, channel] = 0.01
        weights.append((score(paddle.to_tensor(change)) - score(paddle.to_tensor(-change))) / 0.02)
    weights = np.array(weights, np.float32) / features[0, 0].numpy().size
    expected = resized((weights[:, None, None] * features.numpy()).sum(axis=1))
    got = explain.grad_cam(model, x, 2, stage=2)
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > 0.99 and got.std() == pytest.approx(expected.std(), 0.05)


@pytest.mark.parametrize("stage", [0, 5])
def test_a_stage_that_is_none(stage):
    with pytest.raises(ValueError, match="stage must be 1 to 4"):
        explain.grad_cam(network(), paddle.to_tensor(images()[0]), stage=stage)


@pytest.mark.parametrize(("classes", "k"), [(2, 1), (2, 0), (3, 2)])
def test_integrated_gradients_add_up_to_the_difference(classes, k):
    """Completeness; the sum gets nearer with the number of steps."""
    model = network(num_classes=classes)
    x, field = images(6)
    ends = [paddle.to_tensor(each) for each in (x, explain.blurred(x, field))]
    said = [explain.log_odds(model(end), k).numpy() for end in ends]
    gaps = []
    for steps in (1, explain.STEPS, 128):
        shares = explain.integrated_gradients(model, *ends, k, steps)
        assert shares.shape == x.shape and shares.dtype == np.float32
        gaps.append(np.abs(shares.sum(axis=(1, 2, 3)) - (said[0] - said[1])).mean() / np.abs(said[0] - said[1]).mean())
    assert gaps[0] > gaps[1] > gaps[2] and gaps[2] < 0.03, gaps


def test_integrated_gradients_refuse_another_shape_and_no_steps():
    x = paddle.to_tensor(images()[0])
    with pytest.raises(ValueError, match="must be alike"):
        explain.integrated_gradients(network(), x, x[:1])
    with pytest.raises(ValueError, match="at least 1"):
        explain.integrated_gradients(network(), x, x, steps=0)


def test_evidence_lies_where_the_network_looks_and_only_what_speaks_for_the_class():
    x, field = images(5)
    x[:, :, 4:12, 10:18] = 2 * np.where(np.indices((8, 8)).sum(axis=0) % 2, 1, -0.5)  # fine, so that blur takes it away
    for_class, against = (explain.evidence_map(Window(), x, field, k, flip=False) for k in (1, 0))
    window = np.zeros(field.shape, bool)
    window[:, 1:15, 7:21] = True  # it is smoothed
    assert for_class.shape == field.shape and for_class.dtype == np.float32
    assert (for_class * window).sum() > 0.95 * for_class.sum() > 0
    assert not (for_class[~field]).any() and (for_class >= 0).all() and (against >= 0).all()
    assert not ((for_class > 1e-6) & (against > 1e-6)).any()


def test_a_mirrored_image_has_the_mirrored_map():
    model, (x, field) = network(), images()
    there, back = (explain.evidence_map(model, np.ascontiguousarray(each), field) for each in (x, x[..., ::-1]))
    np.testing.assert_allclose(back, there[..., ::-1], rtol=1e-3, atol=1e-5 * there.max())
    single = explain.evidence_map(model, x, field, flip=False)
    assert np.abs(single - there).max() > 0.01 * there.max()


def test_blank_maps_are_marked():
    model, (x, field) = network(), images()
    model.fc.weight.set_value(paddle.zeros_like(model.fc.weight))
    for maps in (explain.grad_cam(model, paddle.to_tensor(x)), explain.evidence_map(model, x, field)):
        assert explain.is_blank(maps).all()
    maps = np.zeros((2, 4, 4), np.float32)
    maps[1, 2, 3] = 1e-20
    assert explain.is_blank(maps).tolist() == [True, False]


def test_blur_takes_fine_things_away_and_leaks_nothing_over_the_border():
    x, field = images(2)
    soft = explain.blurred(x, field)
    assert soft.dtype == np.float32 and soft[:, :, 4:-4, 4:-4].std() < 0.3 * x[:, :, 4:-4, 4:-4].std()
    flat = np.where(field[:, None], np.float32(7), np.float32(-3)).repeat(3, axis=1)
    np.testing.assert_allclose(explain.blurred(flat, field), flat, rtol=1e-5)


class Broken(nn.Layer):
    def forward(self, x):
        raise MemoryError("no room")


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("frozen", ["nothing", "stages", "everything"])
def test_the_model_stays_as_it_was(frozen, broken):
    model, (x, field) = network(), images()
    model.train()
    model.stages[1].eval()
    model(paddle.to_tensor(x)).sum().backward()
    for parameter in {"nothing": [], "stages": model.stages.parameters(), "everything": model.parameters()}[frozen]:
        parameter.stop_gradient = True
    if broken:
        model.stages[3].add_sublayer("broken", Broken())

    def state():
        modes = [layer.training for layer in model.sublayers(include_self=True)]
        gradients = [None if p.grad is None else p.grad.numpy().tolist() for p in model.parameters()]
        return modes, gradients, [p.stop_gradient for p in model.parameters()], {
            name: value.numpy().tolist() for name, value in model.state_dict().items()}  # fmt: skip

    before = state()
    for make in (lambda: explain.grad_cam(model, paddle.to_tensor(x)), lambda: explain.evidence_map(model, x, field)):
        if broken:
            with pytest.raises(MemoryError), paddle.no_grad():
                make()
        else:
            with paddle.no_grad():  # as a caller may have it
                maps = make()
            assert maps.any()
        assert state() == before
        assert paddle.is_grad_enabled()


def test_whole_numbers_and_another_type_for_the_baseline_are_refused():
    model, x = network(), paddle.to_tensor(images(1)[0])
    whole = x.astype("int64")
    for call in (lambda: explain.grad_cam(model, whole), lambda: explain.log_odds(whole[0, 0], 1),
                 lambda: explain.integrated_gradients(model, x, x.astype("float64"))):  # fmt: skip
        with pytest.raises(ValueError, match=r"floats|alike"):
            call()
