"""helpers.commands.training_data: what the data lack is refused, and a training goes on with the same data."""
import dataclasses
import warnings

from helpers.commands import recipe, train, training_data
from helpers.fundus import photographs
from helpers.fundus.errors import DataError
from helpers.fundus.photographs import FundusSet
from tests.tools.palm_builder import encode, picture, write

import numpy as np
import pytest


def some(parts, labels, classes=("healthy", "ill"), own=True):
    """Pictures of 32 px, all different."""
    images = np.stack([picture(seed, 32) for seed in range(len(parts))])
    names, groups = tuple(f"N{i:04d}" for i in range(len(parts))), np.arange(len(parts)) if own else None
    return FundusSet(images, np.array(labels), names, np.array(parts), classes=classes, groups=groups)


THREE = ["training"] * 8 + ["validation"] * 4 + ["testing"] * 4
TWO = ["training"] * 12 + ["testing"] * 4
TURN = [0, 1] * 8


@pytest.mark.parametrize(("data", "given", "said"), [
    (some(THREE, TURN), ["--validation", "0.2"], "says itself which 4 photographs are for validation: leave out"),
    (some(TWO, TURN), ["--sensitivity", "0.9"], "--sensitivity needs images that are not trained on: add --validation"),
    (some(THREE, [0, 1, 2, 2] * 4, tuple("abc")), ["--sensitivity", "0.9"], "is for two classes, and there are 3"),
    (some(TWO, [0, 1] * 6 + [0] * 4), [], "none of the 4 test images is of the class ill: add some"),
    (some(TWO, [0] * 12 + [0, 1] * 2), [], "none of the 12 training images is of the class ill: add some"),
    (some(THREE, [0, 1] * 4 + [1] * 4 + [0, 1] * 2), [], "all 4 validation images are of one class"),
    (some(TWO, TURN, ("healthy", "x" * 201)), [], "the classes of a model cannot be .*; call the classes otherwise"),
])  # fmt: skip
def test_what_the_options_ask_for_and_the_data_lack_is_refused_before_the_training(data, given, said):
    with pytest.raises(DataError, match=said):
        training_data.divided(data, train.arguments(["--data", "photos", *given]))


def test_a_part_for_validation_of_its_own_serves_for_a_sensitivity():
    parts = training_data.divided(some(THREE, TURN), train.arguments(["--data", "photos", "--sensitivity", "0.9"]))
    assert list(map(len, parts)) == [8, 4, 4]


@pytest.mark.parametrize(("given", "expected"), [([], 0), (["--extra", "0"], 0), (["--extra", "5"], None)])
def test_rendered_images_besides_ones_own_photographs_are_refused_and_never_stored_as_if_used(
    monkeypatch, given, expected
):
    monkeypatch.setattr(photographs, "read", lambda *_, **__: some(TWO, TURN))
    options = train.arguments(["--data", "photos", "--init", "none", *given])
    if expected is None:
        with pytest.raises(DataError, match="photos has other classes than the rendered images: leave out --extra 5"):
            training_data.read(options)
    else:
        assert training_data.read(options)[1] is None and options.extra == expected


def test_whatever_of_the_data_is_another_gives_another_identity():
    data = some(THREE, TURN)
    parts = photographs.split(data, 0)
    found = training_data.identity(parts, None)
    assert found == training_data.identity(parts, None)
    other = parts.train.images.copy()
    other[3, 9, 9, 1] ^= 1
    for changed, what in (
        (parts._replace(train=dataclasses.replace(parts.train, images=other)), "fingerprint of the training images"),
        (parts._replace(train=dataclasses.replace(parts.train, labels=1 - parts.train.labels)),
         "fingerprint of the training labels"),
        (parts._replace(validation=parts.test), "fingerprint of the validation images"),
        (parts._replace(train=dataclasses.replace(parts.train, classes=("ill", "healthy"))), "classes"),
    ):  # fmt: skip
        now = training_data.identity(changed, None)
        assert next(name for name in found if now[name] != found[name]) == what
    assert training_data.identity(parts, parts.test).keys() > found.keys()


def test_a_training_goes_on_with_the_very_same_data_and_says_that_its_seconds_are_the_last_ones(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(recipe, "SIZE", 32)
    monkeypatch.setattr(photographs, "ROOT", tmp_path)
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # the command sets its own
    folders = [f"{part}/{name}" for part in ("train", "test") for name in ("healthy", "ill")]
    names = [f"{folder}/{number}.png" for folder in folders for number in range(6)]
    folder = write(tmp_path / "photos", {name: encode(picture(seed), ".png") for seed, name in enumerate(names)})
    given = ["--data", str(folder), "--output", str(tmp_path / "run"), "--epochs", "1", "--init", "none"]
    given += ["--batch-size", "4"]
    train.main(given)
    assert "it went on" not in capsys.readouterr().out
    train.main([*given, "--resume"])
    assert " s since it went on; for helpers.commands.predict" in capsys.readouterr().out
    one, other = (folder / "train" / name / "0.png" for name in ("healthy", "ill"))
    one.rename(folder / "swapped")
    other.rename(one)
    (folder / "swapped").rename(other)
    with pytest.raises(SystemExit, match=r"is of a training with fingerprint of the training images .*choose another"):
        train.main([*given, "--resume"])
