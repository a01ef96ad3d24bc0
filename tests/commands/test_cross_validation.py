"""helpers.commands.cross_validation: every image is judged by a network that has seen neither it nor its double."""
from helpers.commands import cross_validation, train
from helpers.fundus import photographs
from helpers.fundus.photographs import FundusSet
from helpers.fundus.render import render

import numpy as np
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return render(tmp_path_factory.mktemp("cv") / "set", (80, 4), 64, progress=False)


@pytest.fixture
def data(folder):
    return photographs.split(photographs.read(folder, 64, cache=False, progress=False), validation=0).train


def test_doubles_and_the_image_itself_are_never_trained_on(data, monkeypatch):
    images = data.images.copy()
    images[7] = images[3]
    data = FundusSet(images, data.labels, data.names, data.parts)
    folds = []

    def fit(model, train_set, **_):
        folds.append([train_set.data.names])

    monkeypatch.setattr(cross_validation, "fit", fit)
    monkeypatch.setattr(
        cross_validation.inference, "predict",
        lambda model, held_out, flip: (folds[-1].append(held_out.data.names), held_out.data.labels * 0.8)[1],
    )  # fmt: skip
    scores = cross_validation.scores(data, epochs=1, progress=False)
    np.testing.assert_allclose(scores, [data.labels * 0.8] * 3, rtol=1e-6)
    assert len(folds) == cross_validation.FOLDS
    double = {data.names[3], data.names[7]}
    for known, held_out, *same in folds:
        assert same == [held_out, held_out]
        assert not set(known) & set(held_out) and len(known) + len(held_out) == len(data)
        assert double <= set(known) or double <= set(held_out)


def test_the_same_seed_gives_the_same_scores(data):
    one, same = (cross_validation.scores(data, epochs=1, seed=3, progress=False) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert np.isfinite(one).all()
    assert not np.array_equal(one, cross_validation.scores(data, epochs=1, seed=4, progress=False))


def test_neighbours_stand_together_and_every_fold_has_its_share_of_each_kind(data):
    for seed in range(3):
        fold_of = cross_validation.folds(data, seed)
        for kind in "HNP":
            mine = fold_of[[name[0] == kind for name in data.names]]  # in the order of their numbers
            assert np.ptp(np.bincount(mine, minlength=cross_validation.FOLDS)) <= 1
            assert (np.diff(mine) != 0).sum() <= cross_validation.FOLDS
    assert not np.array_equal(fold_of, cross_validation.folds(data, 0))


def test_rendered_images_are_trained_on_besides(data, monkeypatch):
    seen = []
    monkeypatch.setattr(cross_validation, "fit", lambda model, train_set, **_: seen.append(train_set))
    cross_validation.scores(data, data, 12, epochs=1, progress=False)
    assert [len(train_set) - len(train_set.main) for train_set in seen] == [12] * cross_validation.FOLDS
    assert all(train_set.extra.data is data for train_set in seen)


def test_held_out_images_are_looked_at_four_ways_round_as_they_are_and_mirrored(data, monkeypatch):
    looks, changes = [], []
    monkeypatch.setattr(cross_validation, "fit", lambda model, train_set, **_: changes.append(train_set.augment))

    def predict(model, held_out, flip):
        looks.append((flip, held_out.data.images))
        return np.full(len(held_out), len(looks) % 3 / 3)

    monkeypatch.setattr(cross_validation.inference, "predict", predict)
    scores = cross_validation.scores(data, epochs=1, progress=False, mirror=False)
    np.testing.assert_allclose(scores, np.broadcast_to([[1 / 3], [2 / 3], [0]], (3, len(data))), rtol=1e-6)
    for (four, images), (one, same), (other, mirrored) in zip(looks[::3], looks[1::3], looks[2::3], strict=True):
        assert (four, one, other) == (True, False, False)
        np.testing.assert_array_equal(images, same)
        np.testing.assert_array_equal(mirrored[:, :, ::-1], images)
    assert {change.mirror for change in changes} == {False}


def test_the_command_prints_a_line_for_each_input(folder, tmp_path, capsys, monkeypatch):
    inputs = {"real alone": (0, True), "with rendered": (12, True), "one side only": (12, False)}
    monkeypatch.setattr(cross_validation, "INPUTS", inputs)
    for module in (cross_validation, train):
        monkeypatch.setattr(module, "SIZE", 64)
    for module in (photographs, train):  # where they keep the decoded images, and the rendered ones
        monkeypatch.setattr(module, "ROOT", tmp_path)
    cross_validation.main(["--data", str(folder), "--repeats", "1", "--epochs", "1"])
    head, *_, columns, one, two, three = capsys.readouterr().out.splitlines()
    assert "80 rendered images" in head and columns.split()[:4] == ["trained", "on", "accuracy", "AUC"]
    assert [row.split("  ")[0] for row in (one, two, three)] == list(inputs)
    assert (tmp_path / "data/extra-36-0").is_dir() and (tmp_path / "data/extra-36-0-one-side").is_dir()


def test_errors_are_sentences(capsys):
    with pytest.raises(SystemExit, match=r"DataNotFound: .*no-such-folder"):
        cross_validation.main(["--data", "no-such-folder"])
    with pytest.raises(SystemExit):
        cross_validation.main(["--repeats", "0"])
    assert "--repeats must be at least 1, not 0" in capsys.readouterr().err
