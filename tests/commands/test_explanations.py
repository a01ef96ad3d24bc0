"""`python -m helpers.commands.explanations`: each map is judged on the eyes that its network recognises."""
from helpers import runtime
from helpers.checks import Unusable
from helpers.commands import explanations, recipe
from helpers.fundus import photographs
from helpers.fundus.errors import DataNotFound
from helpers.fundus.render import render
from helpers.training import inference, resnet

import numpy as np
import pytest


@pytest.fixture
def small(monkeypatch):
    """Images of 48 px, and a network that calls everything pathologic."""
    monkeypatch.setattr(recipe, "SIZE", 48)
    monkeypatch.setattr(explanations, "EYES", 6)
    runtime.seed(0)
    model = resnet.resnet10(width=4, stem="small-kernel")
    model.eval()
    model.fc.bias.set_value(np.float32([0, 3]))
    return model


def test_painted_eyes_differ_and_have_their_masks(small):
    eyes, masks = explanations.painted(3, 6)
    assert len(eyes) == 6 and eyes.images.shape[1:] == (48, 48, 3) and eyes.labels.all() and not eyes.duplicates()
    assert masks.shape == (6, 2, 48, 48) and masks.any(axis=(2, 3)).all() and not masks.all(axis=1).any()
    assert (explanations.painted(4, 6)[0].images != eyes.images).any()


def test_every_map_has_its_figures_and_only_recognised_eyes_count(small, monkeypatch):
    eyes, masks = explanations.painted(0, 6)
    monkeypatch.setattr(inference, "predict", lambda *_, **__: np.array([0.9, 0.1, 0.9, 0.9, 0.9, 0.4]))
    figures, said = explanations.judge(small, eyes, masks, 0)
    assert said.startswith("4 of 6 recognised")
    own = [f"{method}, {control}" for method in explanations.METHODS for control in explanations.CONTROLS[2:]]
    assert set(figures) == {*explanations.METHODS, *explanations.CONTROLS[:2], *own}
    for name, row in figures.items():
        wanted = list(explanations.FIGURES)[: 2 if name.endswith("reversed") else 5]
        assert list(row) == wanted and all(0 <= value <= 1 for value in row.values()), (name, row)
    assert list(explanations.judge(small, eyes, None, 0)[0]["Grad-CAM"]) == ["deletion", "insertion"]


def test_the_table(small, capsys):
    cases = [(small, *explanations.painted(number, 6), number) for number in range(3)]
    judgements = explanations.report(iter(cases), 3, progress=False)
    printed = capsys.readouterr().out
    assert printed.count(" recognised") == 3 and "[" in printed
    mean = np.mean([each["Grad-CAM"]["deletion"] for each in judgements])
    row = next(line for line in printed.splitlines() if line.startswith("Grad-CAM  "))
    assert f"{mean:.3f}" in row
    block = printed.split("integrated gradients - middle\n")[1].splitlines()
    other = np.mean([each["integrated gradients"]["mass"] - each["middle"]["mass"] for each in judgements])
    assert next(line for line in block if "mass" in line).split()[1] == f"{other:+.3f}"
    assert "mass" not in printed.split("Grad-CAM - reversed\n")[1].split("integrated")[0], "it is below 0"


def test_without_real_images_that_half_is_left_out(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(explanations, "on_rendered", lambda numbers, *_: iter([
        (small, *explanations.painted(number, 6), number) for number in numbers]))  # fmt: skip

    def nothing(*_, **__):
        raise DataNotFound("There is no data set")

    monkeypatch.setattr(photographs, "read", nothing)
    explanations.main(["--networks", "2"])
    assert "left out: There is no data set" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr(recipe, "SIZE", 48)
    folder = render(tmp_path / "set", (40, 20), 48, progress=False)
    monkeypatch.setattr(photographs, "_cache_file", lambda *_: tmp_path / "cache.npz")
    with pytest.raises(ValueError, match="rendered images"):
        next(explanations.on_real(str(folder), range(1), 1, False))


def test_a_wrong_folder_is_named_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(explanations, "on_rendered", lambda *_: pytest.fail("an hour's work comes first"))
    with pytest.raises(SystemExit, match=r"DataNotFound: .* holds nothing of the data set"):
        explanations.main(["--data", str(tmp_path)])


def test_a_network_that_recognises_nothing_is_named(small, monkeypatch):
    monkeypatch.setattr(inference, "predict", lambda *_, **__: np.zeros(6))
    with pytest.raises(Unusable, match="network 4 recognises none of 6 diseased eyes: train it for more --epochs"):
        explanations.judge(small, *explanations.painted(0, 6), 4)


def test_trained_from_the_recipe_on_eyes_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setattr(recipe, "SIZE", 48)
    monkeypatch.setattr(recipe, "EXTRA", {True: 0, False: 8})
    monkeypatch.setattr(explanations, "EYES", 3)
    asked = []

    def besides(count, size, seed, progress):
        asked.append((count, size, seed))
        data = photographs.read(render(tmp_path / f"{seed}", (3 * count, 1), size, seed, False), size, False, False)
        return data.subset(data.parts == "training")

    monkeypatch.setattr(explanations, "rendered_besides", besides)
    cases = list(explanations.on_rendered(range(2), 1, False))
    assert asked == [(4, 48, 0), (4, 48, 1)] and [case[3] for case in cases] == [0, 1]
    assert all(len(case[1]) == 3 for case in cases)
    one, other = (case[0].fc.weight.numpy() for case in cases)
    assert (one != other).any()


@pytest.mark.parametrize("given", [["--networks", "1"], ["--epochs", "0"]])
def test_options_out_of_range(given, capsys):
    with pytest.raises(SystemExit):
        explanations.main(given)
    assert "must be at least" in capsys.readouterr().err
