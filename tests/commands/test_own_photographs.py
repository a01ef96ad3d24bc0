"""Photographs of one's own, from a folder to a decision: `train --data FOLDER`, then `predict`."""
import csv
import json
import warnings

from helpers import runtime
from helpers.commands import train
from helpers.fundus import photographs
from helpers.fundus.dataset import Augment, FundusDataset
from helpers.fundus.eye import sample_eye
from helpers.fundus.paint import paint_eye
from helpers.training import inference, model_file, multiclass, resnet
from helpers.training.fit import fit
from tests.tools.palm_builder import encode, write
from tests.tools.processes import python

import numpy as np
import pytest

KINDS = {"H": "high myopia", "N": "normal", "P": "pathologic"}


def eyes(count, kinds="HNP"):
    """Rendered eyes, in a folder for each kind, and a sheet that gives two of them to each patient."""
    files = {}
    for kind in kinds:
        for i in range(count):
            rng = np.random.default_rng([11, ord(kind), i])
            files[f"{KINDS[kind]}/{i:02d}.jpg"] = encode(paint_eye(sample_eye(kind, rng), 128, rng))
    rows = [f"{name},{name[0]}{int(name[-6:-4]) // 2}" for name in files]
    return {**files, "patients.csv": "\n".join(["image,patient", *rows])}


@pytest.fixture(scope="module", params=["HNP", "NP"])
def trained(request, tmp_path_factory):
    """(the kinds, the folder, that of the training, what it printed)."""
    folder = tmp_path_factory.mktemp("own")
    write(folder / "photos", eyes(12, request.param))
    done = python(
        "-m", "helpers.commands.train", "--data", folder / "photos", "--output", folder / "run", "--epochs", 2,
        "--batch-size", 8, "--validation", 0.25,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return request.param, folder / "photos", folder / "run", done.stdout


def test_it_says_what_it_found(trained):
    kinds, folder, _, printed = trained
    assert f"{folder} holds photographs of your own: a folder for each class, patients from patients.csv" in printed
    assert ("the probability is that of pathologic" in printed) == (len(kinds) == 2)
    assert f"FundusSet({12 * len(kinds)} own images" in printed
    assert "rendered images besides" not in printed


def test_it_measures_each_class(trained):
    kinds, *_, printed = trained
    if len(kinds) == 2:
        assert all(name in printed for name in ("\naccuracy ", "\nAUC ", "\nsensitivity ", "\nspecificity "))
    else:
        assert all(f"\nsensitivity, {KINDS[kind]} " in printed for kind in kinds)
        assert "rows: truth, columns: said" in printed


def test_the_model_knows_its_classes_and_says_what_it_was_trained_on(trained):
    kinds, _, run, _ = trained
    model, about = model_file.load(run / "model.npz")
    assert set(about.classes) == {KINDS[kind] for kind in kinds}
    assert about.classes[0] == "normal"
    assert model.fc.weight.shape[1] == len(kinds)
    assert f"{8 * len(kinds)} own images" in about.card["trained on"]
    assert {"accuracy", "auc"} <= set(about.card)
    assert json.dumps(about.card)


def test_nobody_is_in_two_parts(trained):
    _, folder, *_ = trained
    parts = photographs.split(photographs.read(folder, 32, cache=False, progress=False), 0.25, 0)
    who = [{name[0] + str(int(name[-6:-4]) // 2) for name in part.names} for part in parts]
    assert all(who)
    assert not (who[0] & who[1] or who[0] & who[2] or who[1] & who[2])


def test_predict_decides_for_one_of_the_classes(trained, tmp_path):
    kinds, folder, run, _ = trained
    done = python("-m", "helpers.commands.predict", folder, "--model", run, "--output", tmp_path)
    assert done.returncode in (0, 1), done.stderr  # of some rendered eyes it cannot be told what they are
    rows = list(csv.DictReader((tmp_path / "predictions.csv").open(encoding="utf-8-sig", newline="")))
    assert len(rows) == 12 * len(kinds)
    decisions = {row["decision"] for row in rows}
    assert decisions & {KINDS[kind] for kind in kinds}
    assert decisions <= {*(KINDS[kind] for kind in kinds), "cannot tell", "not a fundus photograph"}
    columns = [name for name in rows[0] if name.startswith("probability")]
    assert len(columns) == (3 if len(kinds) == 3 else 1)


def test_three_classes_are_learned_from_a_folder(tmp_path):
    data = photographs.read(write(tmp_path / "photos", eyes(60)), 48, cache=False, progress=False)
    parts = photographs.split(data, validation=0)
    runtime.seed(0)
    model = resnet.resnet10(width=16, num_classes=3)
    fit(model, FundusDataset(parts.train, Augment()), epochs=12, batch_size=16, progress=None)
    said = inference.predict(model, FundusDataset(parts.test), flip=True)
    report = multiclass.report(parts.test.labels, said, data.classes)
    assert len(parts.test) == 36
    assert report.accuracy.low > 1 / 3, report
    assert report.auc.low > 0.5, report


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"normal/a.jpg": encode(np.zeros((9, 9, 3), np.uint8))}, "are of one class, normal"),
        ({"a.txt": ""}, "Photographs of your own need a folder for each class"),
        ({f"{k}/{i}.jpg": b"" for k in "ab" for i in range(6)}, "12 of 12 images cannot be read:"),
    ],
)
def test_what_is_wrong_ends_with_a_sentence(tmp_path, monkeypatch, files, message):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # the command sets its own
    with pytest.raises(SystemExit) as ended:
        train.main(["--data", str(write(tmp_path / "photos", files)), "--output", str(tmp_path / "run")])
    assert message in ended.value.code
    assert not (tmp_path / "run").exists()
