"""helpers.training.inference: predictions without side effects, and BatchNorm statistics of a whole data set."""
from helpers.training import calibration, inference, parallel
from tests.tools.small_training import Stripes, assert_same_weights, small_network, weights

import numpy as np
import paddle
import pytest
from paddle import nn


def test_predict_is_in_evaluation_mode_and_puts_the_mode_back():
    model = small_network(dropout=0.5)
    data = Stripes(10)
    model.train()
    before = weights(model)
    scores = inference.predict(model, data, batch_size=3)
    assert model.training
    assert_same_weights(model, before)
    model.eval()
    expected = nn.functional.softmax(model(paddle.to_tensor(data.images)), axis=1)[:, 1].numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("axes", [(2,), (3,), (2, 3)], ids=["top to bottom", "left to right", "both"])
def test_with_its_mirror_images_it_does_not_matter_which_way_round_an_image_lies(axes):
    model, data = small_network(), Stripes(6)
    mirrored = Stripes(6)
    mirrored.images = np.flip(data.images, axes).copy()
    np.testing.assert_allclose(
        inference.predict(model, data, flip=True), inference.predict(model, mirrored, flip=True), rtol=1e-4, atol=1e-6
    )
    assert not np.allclose(inference.predict(model, data), inference.predict(model, mirrored), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_temperature_comes_after_the_average(classes):
    model, data = small_network(num_classes=classes), Stripes(6)
    said = inference.predict(model, data, flip=True)
    unsure = inference.predict(model, data, flip=True, temperature=5)
    np.testing.assert_array_equal(unsure, calibration.temper(said, 5))
    assert not np.allclose(said, unsure, atol=1e-3)
    np.testing.assert_array_equal(said.argmax(axis=-1), unsure.argmax(axis=-1))


def test_recomputed_statistics_are_the_mean_over_the_batches():
    data = Stripes(32)
    model = nn.Sequential(nn.BatchNorm2D(3), nn.Flatten(), nn.Linear(3 * 16 * 16, 2))
    model.eval()
    momentum = model[0]._momentum
    for batch_size in (8, 32):  # equal batches: the mean of the means is the mean
        inference.recompute_statistics(model, data, batch_size)
        np.testing.assert_allclose(model[0]._mean.numpy(), data.images.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model[0]._variance.numpy(), data.images.var((0, 2, 3)), rtol=1e-4)
    assert model[0]._momentum == momentum and not model.training


@pytest.mark.parametrize("kind", [nn.BatchNorm, nn.BatchNorm2D])
def test_statistics_of_paddles_old_and_new_layers_are_those_of_the_images(kind):
    data = Stripes(32)
    model = nn.Sequential(kind(3, momentum=0.7), nn.Flatten(), nn.Linear(3 * 16 * 16, 2))
    inference.recompute_statistics(model, data, batch_size=16)
    np.testing.assert_allclose(model[0]._mean.numpy(), data.images.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    # The mean of the batches' variances: the batches' means, here alike, do not enter.
    np.testing.assert_allclose(model[0]._variance.numpy(), data.images.var((0, 2, 3)), rtol=0.01)
    assert model[0]._momentum == 0.7


def test_a_layer_alone_is_a_network_too():
    data = Stripes(32)
    layer = nn.BatchNorm2D(3)
    inference.recompute_statistics(layer, data, batch_size=32)
    np.testing.assert_allclose(layer._mean.numpy(), data.images.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("how", ["eval", "use_global_stats"])
@pytest.mark.parametrize("kind", [nn.BatchNorm, nn.BatchNorm2D])
def test_a_frozen_layer_stays_frozen_and_the_others_see_what_it_gives_them(kind, how):
    data = Stripes(32)
    model = nn.Sequential(kind(3), kind(3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(3 * 16 * 16, 2))
    if how == "eval":
        model[0].eval()
    model[0]._use_global_stats = how == "use_global_stats" or model[0]._use_global_stats
    model[0]._mean.set_value(paddle.full([3], 4.0))
    model[0]._variance.set_value(paddle.full([3], 4.0))
    model[2].eval()
    before = [(layer.training, getattr(layer, "_momentum", None)) for layer in model.sublayers(include_self=True)]
    inference.recompute_statistics(model, data, batch_size=8)
    np.testing.assert_array_equal(model[0]._mean.numpy(), 3 * [4])
    np.testing.assert_array_equal(model[0]._variance.numpy(), 3 * [4])
    given = (data.images - 4) / 2
    np.testing.assert_allclose(model[1]._mean.numpy(), given.mean((0, 2, 3)), rtol=1e-4)
    after = [(layer.training, getattr(layer, "_momentum", None)) for layer in model.sublayers(include_self=True)]
    assert after == before


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm(3, trainable_statistics=True), nn.BatchNorm2D(3, use_global_stats=False)]
)
def test_not_even_a_layer_that_gathers_in_evaluation_mode_is_moved_when_frozen(layer):
    model = nn.Sequential(layer, nn.Flatten(), nn.Linear(3 * 16 * 16, 2))
    layer.eval()
    inference.recompute_statistics(model, Stripes(16), batch_size=8)
    np.testing.assert_array_equal(layer._mean.numpy(), np.zeros(3))
    np.testing.assert_array_equal(layer._variance.numpy(), np.ones(3))


def test_in_evaluation_mode_as_a_whole_only_use_global_stats_freezes():
    data = Stripes(16)
    model = nn.Sequential(nn.BatchNorm(3, is_test=True), nn.BatchNorm2D(3, use_global_stats=True))
    model.eval()
    inference.recompute_statistics(model, data, batch_size=16)
    np.testing.assert_allclose(model[0]._mean.numpy(), data.images.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model[1]._mean.numpy(), np.zeros(3))
    assert not any(layer.training for layer in model.sublayers(include_self=True))


def test_all_is_put_back_when_the_pass_fails():
    class Full(nn.Layer):
        def forward(self, x):
            raise MemoryError("no room")

    model = nn.Sequential(nn.BatchNorm2D(3, momentum=0.7), nn.BatchNorm(3), Full())
    model[1].eval()
    with pytest.raises(MemoryError, match="no room"):
        inference.recompute_statistics(model, Stripes(16), batch_size=8)
    assert model[0]._momentum == 0.7 and model[0].training and not model[1].training and model.training
    np.testing.assert_array_equal(model[1]._mean.numpy(), np.zeros(3))


class Failing(nn.Layer):
    """A network that fails at its second batch."""

    def __init__(self):
        super().__init__()
        self.inner, self.calls = small_network(), 0

    def forward(self, x):
        self.calls += 1
        y = self.inner(x)
        if self.calls == 2:
            raise KeyError("the second batch")
        return y


def test_statistics_are_as_they_were_where_recomputing_fails():
    model = Failing()
    before = weights(model)
    with pytest.raises(KeyError, match="the second batch"):
        inference.recompute_statistics(model, Stripes(10), 3)
    assert_same_weights(model, before)


class Giving(nn.Layer):
    """A network that gives whatever a function makes of the number of images."""

    def __init__(self, give):
        super().__init__()
        self.give = give

    def forward(self, x):
        return self.give(len(x))


@pytest.mark.parametrize("give", [
    lambda n: paddle.ones([n, 1]), lambda n: paddle.ones([n]), lambda n: (paddle.ones([n, 2]), None), lambda n: None,
], ids=["one class", "one axis", "a tuple", "nothing"])  # fmt: skip
def test_what_gives_no_logits_of_classes_is_named(give):
    """Of one logit the softmax is 1, whatever the image shows."""
    with pytest.raises(ValueError, match=r"must give logits \[n, K\], K >= 2"):
        inference.predict(Giving(give), Stripes(10))


class Uneven(nn.Layer):
    """A BatchNorm that is called twice in a pass, and one that the first batch leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.late, self.passes = nn.BatchNorm2D(3), nn.BatchNorm2D(3), 0

    def forward(self, x):
        self.passes += 1
        y = self.twice(x) + self.twice(0 * x + 100)
        return self.late(x) + y if self.passes > 1 else y


def test_each_call_of_a_batch_norm_counts_however_many_a_batch_brings():
    data, model = Stripes(16), Uneven()
    inference.recompute_statistics(model, data, batch_size=8)
    np.testing.assert_allclose(model.twice._mean.numpy(), (data.images.mean(axis=(0, 2, 3)) + 100) / 2, rtol=1e-4)
    batches = [x for x, _ in parallel.batches(data, 8)]
    np.testing.assert_allclose(model.late._mean.numpy(), batches[1].mean(axis=[0, 2, 3]).numpy(), rtol=1e-3, atol=1e-4)
    assert not model.twice._forward_pre_hooks


@pytest.mark.parametrize("norm", [
    lambda: nn.BatchNorm2D(3, use_global_stats=False), lambda: nn.BatchNorm(3, trainable_statistics=True),
])  # fmt: skip
def test_evaluation_moves_no_statistics(norm):
    """Paddle moves those of such layers even then."""
    model = nn.Sequential(norm(), nn.Flatten(), nn.Linear(3 * 256, 2))
    before = weights(model)
    inference.predict(model, Stripes(8))
    assert_same_weights(model, before)
