"""helpers.train: it learns, it repeats bit for bit, its statistics are right."""
from helpers import checkpoint, inference, resnet, runtime, train
from helpers.callbacks import History

import numpy as np
import paddle
import pytest
from paddle import nn


class Stripes(paddle.io.Dataset):
    """Noise, with a bright left half in class 1: something that a network learns in seconds."""

    def __init__(self, count, seed=0):
        rng = np.random.default_rng(seed)
        self.labels = np.arange(count) % 2
        self.images = rng.normal(size=(count, 3, 16, 16)).astype("float32")
        self.images[self.labels == 1, :, :, :8] += 1

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


def small_network(**arguments):
    runtime.seed(0)
    return resnet.resnet18(width=4, stem="small", **arguments)


def fit(model, epochs=3, **arguments):
    return train.fit(
        model, Stripes(64), Stripes(32, seed=1), epochs, 16, 3e-3, progress=None, **arguments
    )  # fmt: skip


def weights(model):
    return {name: value.numpy() for name, value in model.state_dict().items()}


def test_it_learns_and_keeps_the_best_epoch(tmp_path):
    model = small_network()
    history = fit(model, epochs=8, best=tmp_path / "best.npz")
    assert max(history.validation_auc) > 0.95
    assert len(history.loss) == len(history.validation_loss) == len(history.learning_rate) == 8
    checkpoint.load_weights(model, tmp_path / "best.npz")
    scores, labels = inference.predict(model, Stripes(32, seed=1)), Stripes(32, seed=1).labels
    assert ((scores >= 0.5) == labels).mean() == history.validation_accuracy[history.best_epoch]
    expected = -np.log(np.where(labels == 1, scores, 1 - scores)).mean()
    assert history.validation_loss[history.best_epoch] == pytest.approx(expected, rel=1e-5)


def test_the_learning_rate_is_never_above_the_highest_and_small_at_the_end():
    rates = train.fit(small_network(), Stripes(64), epochs=6, learning_rate=5e-5, progress=None).learning_rate
    assert max(rates) <= 5e-5 and rates[-1] < 5e-5 / 10


def test_the_latest_of_equally_good_epochs_is_the_best():
    history = History(validation_auc=[0.90, 0.99, 0.97, 0.96, 0.80], one_image=0.025)
    assert history.best_epoch == 2
    history.one_image = 0.0
    assert history.best_epoch == 1


def test_a_validation_part_of_one_class_is_refused():
    validation = Stripes(8)
    validation.labels[:] = 1
    with pytest.raises(ValueError, match="one class"):
        train.fit(small_network(), Stripes(16), validation, epochs=1, progress=None)


def test_the_same_seed_gives_the_same_weights():
    runs = []
    for seed in (0, 0, 1):
        model = small_network(dropout=0.5)
        fit(model, epochs=2, seed=seed)
        runs.append(weights(model))
    for name, value in runs[0].items():
        np.testing.assert_array_equal(value, runs[1][name])
    assert any(not np.array_equal(value, runs[2][name]) for name, value in runs[0].items())


def test_every_epoch_is_announced_to_the_data_set():
    data, seen = Stripes(32), []
    data.set_epoch = seen.append
    train.fit(small_network(), data, Stripes(16, seed=1), epochs=3, progress=None)
    assert seen == [0, 1, 2]


def test_it_does_what_a_plain_loop_does():
    data, model, plain = Stripes(32), small_network(), small_network()
    history = train.fit(model, data, epochs=2, batch_size=8, learning_rate=3e-3, seed=5, progress=None)
    schedule = paddle.optimizer.lr.OneCycleLR(3e-3, total_steps=9, end_learning_rate=3e-3 / 40, phase_pct=0.3)
    optimizer = paddle.optimizer.AdamW(schedule, parameters=plain.parameters(), weight_decay=0.05)
    losses = []
    for epoch in range(2):
        for x, y in train.batches(data, 8, seed=5, epoch=epoch):
            loss = nn.functional.cross_entropy(plain(x), y, label_smoothing=0.1)
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
            schedule.step()
            losses.append(loss.item())
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, weights(plain)[name])
    np.testing.assert_allclose(history.loss, [np.mean(losses[:4]), np.mean(losses[4:])], rtol=1e-6)


def test_a_line_after_each_epoch_where_there_is_no_terminal(capsys):
    train.fit(small_network(), Stripes(16), Stripes(16, seed=1), epochs=2, progress="lines")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "validation auc" in lines[0] and "loss" in lines[0]


def test_a_loss_that_is_not_a_number_stops_with_epoch_and_batch():
    data = Stripes(32)
    data.images[:] = np.nan
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2))  # no ReLU, which would make 0 of it
    with pytest.raises(FloatingPointError, match="in epoch 1, batch 1"):
        train.fit(model, data, Stripes(16), epochs=1, progress=None)


def test_predict_is_in_evaluation_mode_and_puts_the_mode_back():
    model = small_network(dropout=0.5)
    data = Stripes(10)
    model.train()
    before = weights(model)
    scores = inference.predict(model, data, batch_size=3)
    assert model.training
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, before[name])
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
    inference.recompute_statistics(model, data, batch_size=32)
    np.testing.assert_allclose(model[0]._mean.numpy(), data.images.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model[0]._variance.numpy(), data.images.var((0, 2, 3)), rtol=1e-4)
    assert model[0]._momentum == momentum and not model.training
    inference.recompute_statistics(model, data, batch_size=8)  # equal batches: the mean of the means is the mean
    np.testing.assert_allclose(model[0]._mean.numpy(), data.images.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
