"""helpers.commands.cross_validation: every image is judged by a network that has seen neither it nor its double."""
import re

from helpers.commands import cross_validation, explanations, learning_curve, recipe, reliability, training_data
from helpers.commands.cross_validation import Arm
from helpers.fundus import photographs
from helpers.fundus.photographs import FundusSet
from helpers.fundus.render import render
from helpers.training import model_file
from tests.tools.palm_builder import encode, picture, write

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

SCRATCH = Arm("none")


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
    scores = cross_validation.scores(data, SCRATCH, epochs=1, progress=False)
    np.testing.assert_allclose(scores, [data.labels * 0.8] * 3, rtol=1e-6)
    assert len(folds) == cross_validation.FOLDS
    double = {data.names[3], data.names[7]}
    for known, held_out, *same in folds:
        assert same == [held_out, held_out]
        assert not set(known) & set(held_out) and len(known) + len(held_out) == len(data)
        assert double <= set(known) or double <= set(held_out)


def test_the_same_seed_gives_the_same_scores(data):
    one, same = (cross_validation.scores(data, SCRATCH, epochs=1, seed=3, progress=False) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert np.isfinite(one).all()
    assert not np.array_equal(one, cross_validation.scores(data, SCRATCH, epochs=1, seed=4, progress=False))


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
    cross_validation.scores(data, Arm("none", 12), extra=data, epochs=1, progress=False)
    assert [len(train_set) - len(train_set.main) for train_set in seen] == [12] * cross_validation.FOLDS
    assert all(train_set.extra.data is data for train_set in seen)


def test_held_out_images_are_looked_at_four_ways_round_as_they_are_and_mirrored(data, monkeypatch):
    looks, changes = [], []
    monkeypatch.setattr(cross_validation, "fit", lambda model, train_set, **_: changes.append(train_set.augment))

    def predict(model, held_out, flip):
        looks.append((flip, held_out.data.images))
        return np.full(len(held_out), len(looks) % 3 / 3)

    monkeypatch.setattr(cross_validation.inference, "predict", predict)
    scores = cross_validation.scores(data, Arm("none", both_sides=False), epochs=1, progress=False)
    np.testing.assert_allclose(scores, np.broadcast_to([[1 / 3], [2 / 3], [0]], (3, len(data))), rtol=1e-6)
    for (four, images), (one, same), (other, mirrored) in zip(looks[::3], looks[1::3], looks[2::3], strict=True):
        assert (four, one, other) == (True, False, False)
        np.testing.assert_array_equal(images, same)
        np.testing.assert_array_equal(mirrored[:, :, ::-1], images)
    assert {change.mirror for change in changes} == {False}


def test_it_starts_from_the_weights_that_the_arm_names_and_trains_at_their_rate(data, monkeypatch):
    seen = []
    monkeypatch.setattr(
        cross_validation, "fit",
        lambda model, train_set, learning_rate, **_: seen.append((model.fc.weight.numpy(), learning_rate)),
    )  # fmt: skip
    for init in ("rendered", "none"):
        cross_validation.trained(data, Arm(init), 0)
    shipped = model_file.load(recipe.SHIPPED)[0].fc.weight.numpy()
    assert [np.array_equal(weights, shipped) for weights, _ in seen] == [True, False]
    assert [rate for _, rate in seen] == [recipe.RATES[True], recipe.RATES[False]]


def test_figures_are_means_over_the_repeats():
    rng = np.random.default_rng(0)
    labels, said = np.arange(40) % 2, rng.uniform(size=(3, 40)).round(1)  # with ties
    expected = [((said >= 0.5) == labels).mean(), np.mean([roc_auc_score(labels, each) for each in said])]
    np.testing.assert_allclose(cross_validation.figures(labels, said), expected)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(0), []
    labels = np.repeat([0, 1], 100)
    truth = norm.cdf(np.sqrt(2) / 2 * 1.0)
    for seed in range(60):
        image = rng.normal(labels * 1.0, 0.8)  # what is hard in an image stays from repeat to repeat
        said = norm.cdf(image + rng.normal(0, 0.6, (3, 200)) - 0.5)
        low, high = np.percentile(cross_validation.draws(labels, said, 200, seed)[:, 1], [2.5, 97.5])
        covered.append(low <= truth <= high)
    assert np.mean(covered) >= 0.85


def test_the_command_prints_each_arm_and_its_difference_from_the_first(folder, tmp_path, capsys, monkeypatch):
    arms = {"scratch": Arm("none"), "besides": Arm("none", 12), "one side": Arm("none", 12, both_sides=False)}
    monkeypatch.setattr(cross_validation, "ARMS", arms)
    monkeypatch.setattr(recipe, "SIZE", 64)
    for module in (photographs, training_data):  # where they keep the decoded images, and the rendered ones
        monkeypatch.setattr(module, "ROOT", tmp_path)
    cross_validation.report(str(folder), arms, range(1), 1, progress=False)
    printed = capsys.readouterr().out
    head, flattered, *_, columns = printed.split("\nscratch")[0].splitlines()
    assert "80 rendered images" in head and "tuned on these very images" in flattered
    assert columns.split() == ["trained", "accuracy", "AUC", "sp.", "1", "sp.", "2"]
    assert re.findall(r"^(scratch|besides|one side) +0\.\d{4} \[", printed, re.MULTILINE) == list(arms)
    assert len(re.findall(r"^    against scratch +[+-]0\.\d{4} \[", printed, re.MULTILINE)) == 2
    wrong = r"^    wrong in every repeat: H \d+ of 5, N \d+ of 32, P \d+ of 43$"
    assert len(re.findall(wrong, printed, re.MULTILINE)) == 3
    assert (tmp_path / "data/extra-36-0").is_dir() and (tmp_path / "data/extra-36-0-one-side").is_dir()


@pytest.mark.parametrize("command", [cross_validation, reliability, learning_curve])
def test_photographs_of_ones_own_are_refused_in_a_sentence(command, tmp_path, monkeypatch):
    monkeypatch.setattr(photographs, "ROOT", tmp_path)
    names = [f"{name}/{number}.png" for name in ("healthy", "glaucoma", "myopia") for number in range(6)]
    write(tmp_path / "photos", {name: encode(picture(seed), ".png") for seed, name in enumerate(names)})
    with pytest.raises(SystemExit, match=r"DataError: .*photos is not iChallenge-PM, .*; train with it instead"):
        command.main(["--data", str(tmp_path / "photos")])


def test_errors_are_sentences(capsys):
    with pytest.raises(SystemExit, match=r"DataNotFound: .*no-such-folder"):
        cross_validation.main(["--data", "no-such-folder"])
    for given, said in ((["--repeats", "0"], "--repeats must be at least 1, not 0"),
                        (["--seed", "99999999"], "--seed must be at most 10000000, not 99999999")):  # fmt: skip
        with pytest.raises(SystemExit):
            cross_validation.main(given)
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", [cross_validation, explanations, learning_curve, reliability])
def test_a_mistake_is_a_sentence_and_a_fault_of_the_program_keeps_its_traceback(command, monkeypatch):
    for error, expected in (
        (model_file.ModelFileError("a\x1b.npz is no model"), SystemExit), (ValueError("a fault"), ValueError),
    ):  # fmt: skip

        def fails(*_, error=error, **__):
            raise error

        for module, name in ((cross_validation, "training_images"), (command, "rendered_besides")):
            monkeypatch.setattr(module, name, fails, raising=False)
        if command in (explanations, learning_curve):
            monkeypatch.setattr(command, "training_images", fails)
        with pytest.raises(expected) as caught:
            command.main([])
        assert str(caught.value) == (r"ModelFileError: a\x1b.npz is no model" if expected is SystemExit else "a fault")
