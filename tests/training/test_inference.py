"""helpers.training.inference: predictions without side effects, and BatchNorm statistics of a whole data set."""
from helpers.training import inference
from tests.tools.small_training import Stripes, assert_same_weights, small_network, weights

import numpy as np
import paddle
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


def test_with_its_mirror_image_it_does_not_matter_which_way_up_an_image_lies():
    model, data = small_network(), Stripes(6)
    mirrored = Stripes(6)
    mirrored.images = data.images[:, :, ::-1].copy()
    np.testing.assert_allclose(
        inference.predict(model, data, flip=True), inference.predict(model, mirrored, flip=True), rtol=1e-4, atol=1e-6
    )
    assert not np.allclose(inference.predict(model, data), inference.predict(model, mirrored), rtol=1e-4, atol=1e-6)


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
