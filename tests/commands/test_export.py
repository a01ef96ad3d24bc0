"""`python -m helpers.commands.export`: from raw pixels on, the graph says what `predict` says."""
import json
import sys

from helpers import ROOT, runtime
from helpers.commands import export, predict
from helpers.fundus.eye import sample_eye
from helpers.fundus.paint import paint_eye
from helpers.training import model_file
from helpers.training.model_file import About
from tests.tools.palm_builder import encode, write

import cv2
import numpy as np
import paddle
import pytest

CLASSES = {2: ("not pathologic", "pathologic"), 3: ("N", "H", "P")}


def saved(path, classes=2, threshold=0.5, **more):
    """A model file of a small network with random weights, none of whose answers are sure."""
    about = About("resnet10", 48, arguments={"width": 4, "num_classes": classes}, temperature=0.7, threshold=threshold,
                  classes=CLASSES[classes], card={"licence": "none"}, **more)  # fmt: skip
    runtime.seed(1)
    model = about.build()
    model.fc.weight.set_value(model.fc.weight * 0.2)
    model.eval()
    model_file.save(path, model, about)
    return model, about


def eyes(count, size=48):
    rng = np.random.default_rng(3)
    painted = [paint_eye(sample_eye("NHP"[i % 3], rng), size, rng) for i in range(count)]
    return np.stack([*painted, np.zeros((size, size, 3), np.uint8), np.full((size, size, 3), 255, np.uint8)])


def asked(model, about, photographs):
    return predict.ask(model, about, [predict.prepared(each, about) for each in photographs])


def run(folder):
    graph = paddle.jit.load(str(folder / export.GRAPH))
    return lambda x: [each.numpy() for each in graph(paddle.to_tensor(x))]


@pytest.mark.parametrize("name", export.NORMALISATIONS)
def test_the_normalisation_is_that_of_numpy(name):
    x = np.concatenate([eyes(6), np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)])
    expected = np.stack([predict.NORMALISATIONS[name](image) for image in x])
    found = export.NORMALISATIONS[name](paddle.to_tensor(x)).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)
    assert set(export.NORMALISATIONS) == set(predict.NORMALISATIONS)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("more", [{}, {"flip": False}, {"normalisation": "scaled"}], ids=["all", "no flip", "scaled"])
def test_the_graph_says_what_predict_says(tmp_path, classes, more):
    model, about = saved(tmp_path / "model.npz", classes, **more)
    x = eyes(9)
    expected = asked(model, about, x)
    about = model_file.About(**{**vars(about), "threshold": float(np.sort(expected.ravel())[len(x) // 2] - 1e-4)})
    export.export(model, about, tmp_path / "out")
    graph = run(tmp_path / "out")
    for count in (1, len(x)):
        found, said = graph(x[:count])
        assert (found.shape, found.dtype, said.dtype) == ((count, classes), np.float32, np.int64)
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(found[:, 1] if classes == 2 else found, expected[:count], atol=1e-5)
        rows = [predict.decide(predict.Row("", predict.FUNDUS), answer, about) for answer in expected[:count]]
        assert [about.classes[k] for k in said] == [row.decision for row in rows]
    assert len(set(said.tolist())) > 1 or classes == 3


def test_photographs_of_another_size_are_refused(tmp_path):
    """The graph took them, and answered worse without a word."""
    export.export(*saved(tmp_path / "model.npz"), tmp_path / "out")
    graph = run(tmp_path / "out")
    for size in (32, 96):
        with pytest.raises(ValueError, match=r"(?i)reshape"):
            graph(eyes(2, size))


def test_the_command_and_what_it_leaves(tmp_path, capsys):
    _, about = saved(tmp_path / "model.npz")
    folder = tmp_path / "导出 model"
    for _ in range(2):  # the second time over the first
        export.main(["--model", str(tmp_path / "model.npz"), "--output", str(folder)])
        assert "card.json, model.json, model.pdiparams" in capsys.readouterr().out
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert (card["temperature"], card["threshold"], card["classes"]) == (0.7, 0.5, list(about.classes))
    assert "uint8 [N, 48, 48, 3]" in card["input"] and card["card"] == {"licence": "none"}
    assert not list(tmp_path.glob(".*part*"))


def test_what_cannot_be_exported_is_said_and_leaves_nothing(tmp_path, capsys):
    saved(tmp_path / "model.npz")
    other = write(tmp_path / "mine", {"thesis.txt": b"years of work"})
    beside = write(tmp_path / "deployed", {"card.json": b"{}", "deploy.py": b"a program of one's own"})
    for given, said in (
        (["--model", tmp_path / "none.npz", "--output", tmp_path / "out"], "there is no file"),
        (["--model", tmp_path / "model.npz", "--output", other], "something else than an exported model"),
        (["--model", tmp_path / "model.npz", "--output", other / "thesis.txt"], "something else"),
        (["--model", tmp_path / "model.npz", "--output", beside], "something else"),
    ):
        with pytest.raises(SystemExit) as ended:
            export.main(list(map(str, given)))
        assert str(ended.value).startswith("nothing was exported: ") and said in str(ended.value)
    assert (other / "thesis.txt").read_bytes() == b"years of work" and not (tmp_path / "out").exists()


def test_onnx_says_the_same_or_that_a_package_is_missing(tmp_path, monkeypatch):
    model, about = saved(tmp_path / "model.npz")
    given = ["--model", str(tmp_path / "model.npz"), "--output", str(tmp_path / "out"), "--onnx"]
    with monkeypatch.context() as without, pytest.raises(SystemExit) as ended:
        without.setitem(sys.modules, "paddle2onnx", None)
        export.main(given)
    assert "paddle2onnx is missing: pip install paddle2onnx" in str(ended.value) and not (tmp_path / "out").exists()
    for name in ("paddle2onnx", "onnxruntime"):
        pytest.importorskip(name)
    import onnxruntime

    export.main(given)
    session, x = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx"), eyes(5)
    found, said = session.run(None, {"photographs": x})
    np.testing.assert_allclose(found[:, 1], asked(model, about, x), atol=1e-5)
    assert said.tolist() == (found[:, 1] >= about.threshold).astype(int).tolist()


@pytest.mark.parametrize("edition", ["commands.md", "commands.zh-CN.md"])
def test_the_code_of_the_page_brings_a_file_to_what_predict_sees(tmp_path, monkeypatch, edition):
    """The code runs as it stands there, to the letter."""
    code = (ROOT / "docs" / edition).read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    model, about = saved(tmp_path / "model.npz")
    export.export(model, about, tmp_path / "exported")
    rng = np.random.default_rng(3)
    image = paint_eye(sample_eye("P", rng), 400, rng)
    write(tmp_path, {"eye.jpg": encode(cv2.copyMakeBorder(image, 20, 70, 90, 130, cv2.BORDER_CONSTANT), quality=98)})
    monkeypatch.chdir(tmp_path)
    said = {}
    exec(code, said)
    _, photograph = predict.look(tmp_path / "eye.jpg", 48)
    assert np.abs(said["square"](str(tmp_path / "eye.jpg"), 48).astype(int) - photograph).mean() < 3  # levels, of 255
    probability = said["probabilities"].numpy()[0, 1]
    np.testing.assert_allclose(probability, asked(model, about, [photograph])[0], atol=0.03)
    assert said["decisions"].numpy().tolist() == [int(probability >= about.threshold)]


def test_a_card_with_half_a_character_is_written_as_json(tmp_path):
    about = model_file.About("resnet10", 32, arguments={"width": 4}, card={"note": "\ud800"})
    export.export(about.build(), about, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "card.json").read_text(encoding="utf-8"))["card"] == {"note": "\ud800"}
