"""helpers.commands.pretrain: its targets are what was painted, and the network that comes with the course can do it."""
from helpers.commands import pretrain, recipe
from helpers.fundus.dataset import FundusDataset
from helpers.fundus.eye import sample_eye
from helpers.fundus.images import normalise
from helpers.training import inference, metrics, model_file

import numpy as np
import paddle
import pytest


def test_an_eye_depends_on_the_seed_and_its_number_alone(monkeypatch):
    monkeypatch.setattr(pretrain, "CHUNK", 3)
    whole, part = pretrain.paint(4, 8, 32, 1), pretrain.paint_all(4, 8, 32, 1, progress=False)
    for one, other in zip(whole, part, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(whole.images, pretrain.paint(4, 8, 32, 2).images)


def test_the_targets_are_what_was_painted():
    painted = pretrain.paint(0, 12, 32, 0)
    assert ["HNP"[kind] for kind in painted.kinds] == list(pretrain.KINDS) * 3
    sides = set()
    for number in range(12):
        eye = sample_eye(pretrain.KINDS[number % 4], np.random.default_rng([0, number]))
        side = -1 if eye.right else 1
        sides.add(side)
        disc, fovea, rim = painted.points[number]
        assert disc == pytest.approx((side * eye.disc[0], eye.disc[1]), abs=1e-6)
        assert fovea == pytest.approx((side * eye.fovea[0], eye.fovea[1]), abs=1e-6)
        assert np.hypot(*(rim - disc)) == pytest.approx(eye.disc_radius, abs=1e-6)
        assert painted.signs[number, [0, 2, 4]] == pytest.approx([eye.tessellation, eye.diffuse, eye.haze], abs=1e-6)
    assert sides == {-1, 1}


def test_what_moves_in_the_image_moves_in_the_targets():
    painted = pretrain.paint(0, 40, 64, 0)
    dataset = pretrain.Pretraining(painted, seed=3)
    dataset.set_epoch(2)
    for index in range(40):
        x, target = dataset[index]
        rng = np.random.default_rng([3, 2, index])
        np.testing.assert_array_equal(x, normalise(dataset.augment(painted.images[index], rng)).transpose(2, 0, 1))
        numbers = target[1:] * dataset.deviation + dataset.mean
        points = dataset.augment.points(painted.points[index], np.random.default_rng([3, 2, index]))
        np.testing.assert_allclose(numbers[:4], points[:2].ravel(), atol=1e-5)
        assert numbers[4] == pytest.approx(np.hypot(*(points[2] - points[0])), abs=1e-5)
        np.testing.assert_allclose(numbers[5:], painted.signs[index], atol=1e-5)
        assert target[0] == painted.kinds[index]


def test_the_loss_is_the_sum_of_three():
    rng = np.random.default_rng(0)
    outputs, numbers, kinds = rng.normal(size=(6, 15)), rng.normal(size=(6, 10)), np.array([0, 1, 2, 2, 1, 0])

    def entropy(logits, targets):
        return -(targets * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum(axis=1).mean()

    expected = entropy(outputs[:, :2], 0.9 * np.eye(2)[(kinds == 2) * 1] + 0.05)
    expected += entropy(outputs[:, 2:5], np.eye(3)[kinds]) + ((outputs[:, 5:] - numbers) ** 2).mean()
    targets = np.column_stack([kinds, numbers]).astype(np.float32)
    loss = pretrain.loss_of(paddle.to_tensor(outputs.astype(np.float32)), paddle.to_tensor(targets))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_the_command_writes_a_model_that_loads(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recipe, "SIZE", 32)
    monkeypatch.setattr(pretrain, "TEST", 40)
    monkeypatch.setattr(pretrain.sources, "find", lambda: None)
    given = ["--count", "64", "--epochs", "1", "--output", str(tmp_path / "run"), "--model", str(tmp_path / "m.npz")]
    pretrain.main(given)
    model, about = model_file.load(tmp_path / "m.npz")
    assert model.fc.weight.shape[1] == 2 and about.size == 32 and "64 rendered eyes" in about.card["trained on"]
    assert "on rendered eyes: accuracy" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="there are checkpoints in"):
        pretrain.main(given)


def test_stopped_it_says_whether_it_can_go_on_and_goes_on_with_the_same_eyes_only(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recipe, "SIZE", 32)
    monkeypatch.setattr(pretrain, "TEST", 40)
    monkeypatch.setattr(pretrain.sources, "find", lambda: None)
    given = ["--count", "64", "--epochs", "1", "--output", str(tmp_path / "run"), "--model", str(tmp_path / "m.npz")]
    paint_all = pretrain.paint_all

    def stops(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pretrain, "paint_all", stops)
    with pytest.raises(SystemExit, match="130"):
        pretrain.main(given)
    assert capsys.readouterr().out == "\nstopped\n"
    monkeypatch.setattr(pretrain, "paint_all", paint_all)
    pretrain.main(given)
    monkeypatch.setattr(pretrain, "paint_all", lambda *given: paint_all(*given[:3], 7, False))
    with pytest.raises(SystemExit, match="of a training with fingerprint of the images"):
        pretrain.main([*given, "--resume"])


def test_bad_arguments_are_named(capsys):
    with pytest.raises(SystemExit):
        pretrain.main(["--count", "3"])
    assert "--count must be at least 32, not 3" in capsys.readouterr().err


def test_the_network_that_comes_with_the_course_does_what_its_card_says():
    model, about = model_file.load(recipe.SHIPPED)
    assert (about.network, about.size, about.arguments) == (recipe.NETWORK, recipe.SIZE, recipe.ARGUMENTS)
    assert "no photograph" in about.card["trained on"] and "not a medical device" in about.card["intended use"]
    assert any("iChallenge-PM validation" in name for name in about.card)
    assert recipe.SHIPPED.stat().st_size < 1e6
    others = pretrain.as_set(pretrain.paint(0, 200, recipe.SIZE, seed=99))
    report = metrics.report(others.labels, inference.predict(model, FundusDataset(others), flip=True))
    said = float(about.card["on rendered eyes"].split()[1])
    assert report.accuracy.low <= said <= report.accuracy.high


def test_indices_count_from_the_end_as_those_of_a_list_do():
    data = pretrain.Pretraining(pretrain.paint(0, 3, 32, 0), 0)
    for one, other in zip(data[-1], data[2], strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(IndexError):
        data[3]
