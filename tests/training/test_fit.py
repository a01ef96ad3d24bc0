"""helpers.training.fit and .history: it learns, it repeats bit for bit, and it says what happens."""
from helpers.training import checkpoint, inference
from helpers.training.fit import fit as train
from helpers.training.history import History
from helpers.training.parallel import batches, seed_epoch
from tests.tools.small_training import Stripes, assert_same_weights, fit, small_network, weights

import numpy as np
import paddle
import pytest
from paddle import nn


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


def test_another_loss_is_the_one_that_is_trained_with():
    given = []

    def loss_of(outputs, labels):
        given.append((outputs.shape, labels.shape))
        return (outputs * 0).mean() + 7

    assert fit(small_network(num_classes=2), epochs=1, loss_of=loss_of).loss == [7.0]
    assert given == [([16, 2], [16])] * 4


def test_the_learning_rate_is_never_above_the_highest_and_small_at_the_end():
    rates = train(small_network(), Stripes(64), epochs=6, learning_rate=5e-5, progress=None).learning_rate
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
        train(small_network(), Stripes(16), validation, epochs=1, progress=None)


@pytest.mark.parametrize(("wrong", "said"), [
    ({"progress": "line"}, "progress must be 'bar', 'lines' or None"), ({"weight_decay": -0.1}, "at least 0"),
    ({"label_smoothing": -0.1}, "at least 0 and at most 1"), ({"label_smoothing": 1.5}, "at least 0 and at most 1"),
])  # fmt: skip
def test_a_recipe_that_is_none_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        train(small_network(), Stripes(8), epochs=1, **wrong)


def test_the_same_seed_gives_the_same_weights():
    runs = []
    for seed in (0, 0, 1):
        model = small_network(dropout=0.5)
        fit(model, epochs=2, seed=seed)
        runs.append(model)
    assert_same_weights(runs[0], runs[1])
    assert any((weights(runs[0])[name] != value).any() for name, value in weights(runs[2]).items())


def test_a_layer_that_was_frozen_before_stays_frozen():
    model = small_network()
    frozen = model.stages[0][0].residual[1]
    frozen.eval()
    before, others = weights(frozen), weights(model.stages[1])
    fit(model, epochs=2)
    assert not frozen.training and model.training and model.stages[1].training
    for name in ("_mean", "_variance"):
        np.testing.assert_array_equal(weights(frozen)[name], before[name])
    assert all((value != others[name]).any() for name, value in weights(model.stages[1]).items() if "_mean" in name)


def test_a_network_in_evaluation_mode_is_trained_as_a_new_one_is():
    loaded, new = small_network(dropout=0.5), small_network(dropout=0.5)
    loaded.eval()
    for model in (loaded, new):
        fit(model, epochs=1)
    assert_same_weights(loaded, new)
    assert all(layer.training for layer in loaded.sublayers(include_self=True))


def test_an_epoch_is_announced_to_the_data_set_and_each_of_its_batches_called_after():
    data, seen = Stripes(40), []
    data.set_epoch = lambda epoch: seen.append(epoch)
    train(
        small_network(), data, epochs=2, batch_size=16, progress=None,
        after_batch=lambda epoch, batch: seen.append((epoch, batch)),
    )  # fmt: skip
    assert seen == [0, (0, 0), (0, 1), 1, (1, 0), (1, 1)]


def test_it_does_what_paddle_model_does():
    """Paddle's own trainer, given the same batches, ends with the very same weights."""
    data, model, other = Stripes(32), small_network(dropout=0.5), small_network(dropout=0.5)
    history = train(model, data, epochs=2, batch_size=8, learning_rate=3e-3, seed=5, progress=None)
    schedule = paddle.optimizer.lr.OneCycleLR(3e-3, total_steps=9, end_learning_rate=3e-3 / 40, phase_pct=0.3)
    optimizer = paddle.optimizer.AdamW(schedule, parameters=other.parameters(), weight_decay=0.05)
    trainer, losses = paddle.Model(other), []
    trainer.prepare(optimizer, nn.CrossEntropyLoss(label_smoothing=0.1))
    for epoch in range(2):
        seed_epoch(5, epoch)
        for x, y in batches(data, 8, seed=5, epoch=epoch):
            losses.append(trainer.train_batch([x], [y])[0])
            schedule.step()
    assert_same_weights(model, other)
    np.testing.assert_allclose(history.loss, [np.mean(losses[:4]), np.mean(losses[4:])], rtol=1e-6)


def test_mixed_precision_changes_nothing_on_a_cpu():
    if paddle.get_device() != "cpu":
        pytest.skip("there is a GPU")
    models = [small_network() for _ in range(2)]
    for model, amp in zip(models, (False, True), strict=True):
        fit(model, epochs=1, amp=amp)
    assert_same_weights(*models)


def test_the_bar_and_what_it_says(capsys):
    train(small_network(), Stripes(32), Stripes(16, seed=1), epochs=2, batch_size=8)
    output = capsys.readouterr()
    assert "8/8" in output.out and "validation auc" in output.out and output.err == ""


def test_a_line_after_each_epoch_where_there_is_no_terminal(capsys):
    train(small_network(), Stripes(16), Stripes(16, seed=1), epochs=2, progress="lines")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "validation auc" in lines[0] and "loss" in lines[0]
