"""helpers.digits: the parts do not overlap, training repeats and learns, and measuring changes no mode."""
from helpers import digits, runtime

import numpy as np
import paddle
import pytest
from paddle import nn


def network():
    runtime.seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def rows(x):
    return {image.tobytes() for image in x.numpy()}


def test_parts():
    small, large = digits.load(20), digits.load(1297)
    assert small.x.shape == [20, 1, 8, 8] and small.y.shape == [20] and large.x_validation.shape == [500, 1, 8, 8]
    assert rows(small.x) <= rows(large.x) and not rows(large.x) & rows(large.x_validation)
    assert float(large.x.min()) == 0 and float(large.x.max()) == 1
    np.testing.assert_array_equal(small.x_validation.numpy(), large.x_validation.numpy())
    assert rows(digits.load(20, seed=1).x) != rows(small.x)


@pytest.mark.parametrize("count", [9, 1298])
def test_a_count_that_does_not_fit(count):
    with pytest.raises(ValueError, match=f"not {count}"):
        digits.load(count)


def test_it_learns_and_repeats():
    data = digits.load(500)
    runs = [digits.fit(network(), data, epochs=5, learning_rate=0.5, seed=seed) for seed in (0, 0, 1)]
    assert runs[0].validation_accuracy[-1] > 0.8 and runs[0].loss[-1] < runs[0].loss[0]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0].loss != runs[2].loss).any()


@pytest.mark.parametrize(("recipe", "said"), [
    ({"batch_size": 21}, "batch_size must be 1 to 20, the number of images, not 21"),
    ({"batch_size": 0}, "batch_size must be 1 to 20, .* not 0"),
    ({"batch_size": 20, "epochs": 0}, "epochs must be at least 1, not 0"),
])  # fmt: skip
def test_a_recipe_that_trains_nothing(recipe, said):
    with pytest.raises(ValueError, match=said):
        digits.fit(network(), digits.load(20), **recipe)
    assert np.isfinite(digits.fit(network(), digits.load(20), epochs=1, batch_size=20).loss).all()  # just fits


def test_a_loss_that_explodes_is_an_outcome():
    curves = digits.fit(network(), digits.load(100), epochs=2, learning_rate=1e30)
    assert not curves.loss[-1] < 5 and curves.validation_accuracy[-1] < 0.5


def test_accuracy_is_measured_in_evaluation_mode_and_the_mode_put_back():
    data, seen = digits.load(10), []
    model = network()
    model.register_forward_pre_hook(lambda layer, x: seen.append(layer.training))
    digits.accuracy(model, data.x, data.y)
    assert seen == [False] and model.training


def test_sweep():
    def run(seed, scale):
        return digits.Curves(np.array([seed]), np.array([scale]), np.array([seed * scale]))

    results = digits.sweep(run, {"one": {"scale": 1}, "two": {"scale": 2}}, seeds=range(1, 4))
    assert results["two"].validation_accuracy.tolist() == [[2], [4], [6]] and list(results) == ["one", "two"]
    numbers = digits.sweep(lambda seed, scale: [seed, scale], {"one": {"scale": 1}}, seeds=(5, 7))
    assert numbers["one"].tolist() == [[5, 1], [7, 1]]


def test_another_optimizer_and_its_schedule():
    data, rates, gradients = digits.load(100), [], []
    model = network()
    schedule = paddle.optimizer.lr.PolynomialDecay(0.5, decay_steps=4, end_lr=0.1)
    optimizer = paddle.optimizer.Momentum(schedule, parameters=model.parameters())

    def watch(step):
        rates.append((step, round(optimizer.get_lr(), 3)))
        gradients.append(abs(model[1].weight.grad.numpy()).max())

    curves = digits.fit(model, data, epochs=2, optimizer=optimizer, watch=watch)
    assert rates == [(0, 0.5), (1, 0.4), (2, 0.3), (3, 0.2)] and min(gradients) > 0
    assert (curves.loss != digits.fit(network(), data, epochs=2).loss).any()


def test_a_frozen_layer_stays_frozen_and_a_network_in_evaluation_mode_is_trained():
    data = digits.load(100)
    for frozen, whole in ((True, False), (False, True)):
        runtime.seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1D(10), nn.Dropout(0.5))
        (model if whole else model[2]).eval()
        before = model[2]._mean.numpy()
        digits.fit(model, data, epochs=2)
        assert [layer.training for layer in model] == [True, True, not frozen, True]
        assert np.array_equal(before, model[2]._mean.numpy()) == frozen
