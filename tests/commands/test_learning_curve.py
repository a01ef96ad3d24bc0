"""helpers.commands.learning_curve: each number of images has its share of both classes, and repeats are pairs."""
import dataclasses
import re

from helpers.commands import learning_curve, recipe
from helpers.fundus import photographs
from helpers.fundus.render import render

import numpy as np
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return render(tmp_path_factory.mktemp("curve") / "set", (60, 4), 32, progress=False)


@pytest.fixture
def data(folder):
    return photographs.split(photographs.read(folder, 32, cache=False, progress=False), validation=0).train


def test_some_images_have_their_share_of_both_classes(data):
    chosen = learning_curve.some(data, 20, seed=0)
    assert len(chosen) == len(set(chosen.names)) == 20
    assert abs(chosen.labels.mean() - data.labels.mean()) < 0.05
    assert chosen.names != learning_curve.some(data, 20, seed=1).names
    assert learning_curve.some(data, 60, seed=0) is data


@pytest.mark.parametrize("count", [10, 25, 50, 100, 200, 319])
def test_few_images_are_trained_on_for_as_many_batches(count):
    steps = learning_curve.epochs(count, 399) * max(1, count // 32)
    assert recipe.EPOCHS * 12 <= steps < recipe.EPOCHS * 12 + count // 32 + 1


def test_what_is_judged_was_not_trained_on_and_all_arms_see_the_same(data, monkeypatch):
    seen = []

    def trained(chosen, arm, number, epochs):
        seen.append((arm, chosen.names, number))

    monkeypatch.setattr(learning_curve, "trained", trained)
    monkeypatch.setattr(
        learning_curve.inference, "predict",
        lambda model, judged, flip: (seen.append(judged.data.names), judged.data.labels * 0.8)[1],
    )  # fmt: skip
    for arm in learning_curve.ARMS.values():
        np.testing.assert_array_equal(learning_curve.measure(data, 25, arm, 3), [1, 1])
    (_, first, number), judged = seen[:2]
    assert len(first) == 25 and number == 3 and not set(first) & set(judged)
    assert [each[1:] for each in seen[::2]] == [(first, 3)] * 3 and seen[1::2] == [judged] * 3
    learning_curve.measure(data, 25, arm, 4)
    assert not set(seen[-1]) & set(judged), "another fold"


def test_the_table(folder, capsys, monkeypatch):
    monkeypatch.setattr(recipe, "EPOCHS", 1)
    monkeypatch.setattr(recipe, "SIZE", 32)
    monkeypatch.setattr(photographs, "find", lambda: folder)
    read = photographs.read
    monkeypatch.setattr(photographs, "read",
                        lambda *given, **more: dataclasses.replace(read(*given, cache=False, **more), real=True))
    learning_curve.report(None, 2, 0, (16, 500), progress=False)
    row = r"^(\S+) +(from scratch|frozen|fine-tuned) +\d\.\d{3} \[.*?\] +\d\.\d{3} \["
    rows = re.findall(row, capsys.readouterr().out, re.MULTILINE)
    assert rows == [(count, name) for count in ("16", "~48") for name in learning_curve.ARMS]


def test_without_real_photographs_it_refuses(folder, capsys):
    with pytest.raises(SystemExit, match=r"^DataError: these are rendered images, as the pretraining's: name a folder"):
        learning_curve.main(["--data", str(folder)])
    with pytest.raises(SystemExit):
        learning_curve.main(["--repeats", "1"])
    assert "--repeats must be at least 2, not 1" in capsys.readouterr().err
