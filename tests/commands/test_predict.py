"""`python -m helpers.commands.predict`: photographs of every kind get a row, whatever lies beside them."""
import csv
import html
import re
import subprocess
import sys
from pathlib import Path

from helpers import ROOT, runtime
from helpers.commands import predict, recipe, train
from helpers.commands.prediction_report import NOT_A_DEVICE, Row, write_csv
from helpers.fundus.dataset import FundusDataset
from helpers.fundus.eye import sample_eye
from helpers.fundus.paint import paint_eye
from helpers.fundus.photographs import FundusSet
from helpers.fundus.plausible import FUNDUS, judge, prepare
from helpers.training import checkpoint, inference, model_file, resnet
from helpers.training.model_file import About
from tests.tools.other_pictures import draw
from tests.tools.palm_builder import encode, write
from tests.tools.processes import environment
from tests.tools.waiting import SECONDS

import cv2
import numpy as np
import pytest


def eyes(count, size=128):
    """Rendered ones that pass for fundus photographs."""
    found = []
    for seed in range(10 * count):
        rng = np.random.default_rng([5, seed])
        image = paint_eye(sample_eye("NP"[seed % 2], rng), size, rng)
        if judge(*prepare(image)).verdict == FUNDUS:
            found.append(image)
        if len(found) == count:
            return found
    raise AssertionError("too few")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """(file of a model, the model): a small network with random weights."""
    path = tmp_path_factory.mktemp("model") / "model.npz"
    card = {"licence": "<b>none</b>", "figures": {"AUC": [0.5, 0, 1]}}
    about = About("resnet10", 32, arguments={"width": 4}, card=card)
    runtime.seed(1)
    network = about.build()
    model_file.save(path, network, about)
    return path, network


@pytest.fixture(autouse=True)
def english(monkeypatch):
    """Whatever the locale of this machine is."""
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LC_MESSAGES", "C")


@pytest.fixture
def run(model, tmp_path, capsys):
    """Runs the command; gives its exit status, what it printed, the rows of predictions.csv and report.html."""

    def start(*given, output=tmp_path / "output", model=model[0]):
        with pytest.raises(SystemExit) as ended:
            predict.main([*map(str, given), "--model", str(model), "--output", str(output)])
        sheet = output / "predictions.csv"
        rows = list(csv.DictReader(sheet.open(encoding="utf-8-sig", newline=""))) if sheet.is_file() else []
        page = (output / "report.html").read_text(encoding="utf-8") if rows else ""
        return ended.value.code, capsys.readouterr(), rows, page

    return start


def test_a_folder_of_photographs(run, model, tmp_path):
    images = eyes(3)
    folder = write(tmp_path / "eyes", {f"{i}.png": encode(image, ".png") for i, image in enumerate(images)})
    status, printed, rows, page = run(folder)
    assert status == 0
    small = np.stack([cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA) for image in images])
    data = FundusDataset(FundusSet(small, np.zeros(3, int), ("a", "b", "c"), np.array(["training"] * 3)))
    expected = inference.predict(model[1], data, flip=True)
    assert [float(row["probability"]) for row in rows] == pytest.approx(expected.tolist(), abs=2e-6)
    assert [row["decision"] for row in rows] == ["pathologic" if p >= 0.5 else "not pathologic" for p in expected]
    assert [row["photograph"] for row in rows] == [str(folder / f"{i}.png") for i in range(3)]
    assert page.count("data:image/jpeg;base64,") == 3
    assert printed.out.count(NOT_A_DEVICE) == page.count(NOT_A_DEVICE) == 1
    assert "&lt;b&gt;none&lt;/b&gt;" in page
    assert "AUC: 0.5, 0, 1" in page


def test_a_folder_holds_the_photographs_that_a_training_finds_in_it(tmp_path):
    """Behind links too; no masks, and nothing in hidden folders. What is left out is counted, what is named judged."""
    write(tmp_path / "eyes", dict.fromkeys(
        ["a.png", "b/c.JPG", "Lesion_Masks/a.png", ".thumbnails/a.png", "__MACOSX/._a.png", "notes.txt"], b"x"))
    write(tmp_path / "elsewhere", {"d.png": b"x"})
    (tmp_path / "eyes/link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found, others = predict.find([tmp_path / "eyes"])
    assert [path.relative_to(tmp_path / "eyes").as_posix() for path in found] == ["a.png", "b/c.JPG", "link/d.png"]
    assert others == 3
    assert predict.find([tmp_path / "eyes/b", tmp_path / "eyes/b/../b/c.JPG"]) == ([tmp_path / "eyes/b/c.JPG"], 0)
    assert predict.find([tmp_path / "eyes/Lesion_Masks"]) == ([tmp_path / "eyes/Lesion_Masks/a.png"], 0)


@pytest.mark.parametrize("classes", [("healthy", "glaucoma", "其他 <b>"), tuple("abcde")])
def test_a_model_of_more_classes_gives_the_probability_of_each(run, tmp_path, classes):
    about = About("resnet10", 32, arguments={"width": 4, "num_classes": len(classes)}, classes=classes, threshold=0.9)
    runtime.seed(0)
    model_file.save(tmp_path / "several.npz", about.build(), about)
    folder = write(tmp_path / "eyes", {"a.png": encode(eyes(1)[0], ".png"), "b.png": b"no image"})
    status, printed, rows, page = run(folder, model=tmp_path / "several.npz")
    assert status == 1
    assert list(rows[0]) == ["photograph", "decision", *(f"probability of {name}" for name in classes), "reason"]
    each = [float(rows[0][f"probability of {name}"]) for name in classes]
    assert sum(each) == pytest.approx(1, abs=1e-5)
    assert rows[0]["decision"] == classes[np.argmax(each)]  # whatever the threshold, which is of two classes
    assert {rows[1][f"probability of {name}"] for name in classes} == {""}
    assert re.search(rf"^ +{max(each):.3f}  {re.escape(rows[0]['decision'])} ", printed.out, re.MULTILINE)
    assert all(f"<th>probability of {html.escape(name)}</th>" in page for name in classes)
    assert "threshold" not in page


NAMES = ["眼底 图像.jpg", "a b/it's <b>\"quoted\"</b> & more.jpg", "=1+1.jpg", "ümlaut é.JPEG", "line\nbreak.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names")
def test_names(run, tmp_path, monkeypatch):
    image = encode(eyes(1)[0], quality=98)
    folder = write(tmp_path / "eyes", dict.fromkeys(NAMES, image))
    status, printed, rows, page = run(folder)
    assert status == 0
    assert sorted(row["photograph"] for row in rows) == sorted(str(folder / name) for name in NAMES)
    for name in NAMES:
        shown = name.replace("\n", "\\n")
        assert html.escape(shown) in page
        assert shown in printed.out
    assert "<b>" not in page
    monkeypatch.chdir(folder)
    *_, rows, _ = run("=1+1.jpg")
    assert rows[0]["photograph"] == "./=1+1.jpg"


def test_each_bad_file_has_its_reason_and_stops_nothing(run, tmp_path):
    image = eyes(1)[0]
    whole = encode(cv2.resize(image, (400, 400)), quality=95)
    folder = write(tmp_path / "eyes", {
        "a.jpg": encode(image, quality=98), "landscape.png": encode(draw("landscape", 0), ".png"),
        "hole.jpg": whole[:3000] + whole[9000:],
        "empty.jpg": b"", "text.png": b"hello", "phone.heic": b"\0\0\0\x18ftypheic" + bytes(99),
        "scan.dcm": bytes(128) + b"DICM" + bytes(99), "grain.png": encode(draw("orange fruit", 1000), ".png"),
        "labels.csv": b"1,2", ".hidden.jpg": b"", "line.png": encode(np.zeros((1, 900, 3), np.uint8), ".png"),
        "dot.png": encode(np.full((1, 1, 3), 200, np.uint8), ".png"),
    })  # fmt: skip
    status, printed, rows, page = run(folder, folder / "none.jpg", folder / "a.jpg")
    assert status == 1
    got = {row["photograph"].removeprefix(f"{folder}/"): row for row in rows}
    assert len(rows) == 11
    assert got["a.jpg"]["decision"] in ("pathologic", "not pathologic")
    assert got["grain.png"]["decision"] == "cannot tell"
    assert got["grain.png"]["probability"]
    assert got["grain.png"]["reason"].startswith("no blood vessels")
    for name in ("landscape.png", "line.png", "dot.png"):
        assert got[name]["decision"] == "not a fundus photograph"
        assert not got[name]["probability"]
    for name, reason in {
        "hole.jpg": "is truncated", "empty.jpg": "has zero bytes", "text.png": "cannot be decoded as an image",
        "phone.heic": "is a HEIC or AVIF file. Save it as JPEG", "scan.dcm": "is a DICOM file. Export it as PNG",
        "none.jpg": "cannot be read (No such file",
    }.items():  # fmt: skip
        assert got[name]["decision"] == "cannot be read"
        assert got[name]["reason"].startswith(reason)
        assert reason in printed.out
        assert html.escape(reason) in page
    assert "(1 of other kinds left out)" in printed.out
    assert "11 files: 6 cannot be read, 3 not a fundus photograph" in printed.out


def test_borders_size_and_bits_do_not_matter(run, tmp_path):
    """The same eye in nine files gets nearly the same probability, even of a network with random weights."""
    image = eyes(1, 400)[0]
    wide = cv2.copyMakeBorder(image, 100, 50, 300, 400, cv2.BORDER_CONSTANT)
    inside = cv2.circle(np.zeros((400, 400), np.uint8), (200, 200), 199, 255, -1)
    white = np.full((600, 900, 3), 255, np.uint8)
    white[100:500, 200:600][inside > 0] = image[inside > 0]
    deep = image.astype(np.uint16)
    folder = write(tmp_path / "eyes", {
        "plain.png": encode(image, ".png"),
        "half.jpg": encode(cv2.resize(image, (200, 200), interpolation=cv2.INTER_AREA)),
        "wide.png": encode(wide, ".png"), "white.png": encode(white, ".png"),
        "12 bits.png": encode(deep * 16 + 15, ".png"), "16 bits.tif": encode(deep * 257, ".tif"),
        "alpha.png": encode(np.dstack([np.where(inside[..., None] > 0, image, 255), inside]), ".png"),
        "image.bmp": encode(image, ".bmp"), "image.webp": encode(image, ".webp"),
    })  # fmt: skip
    status, _, rows, _ = run(folder)
    assert status == 0
    values = {row["photograph"]: float(row["probability"]) for row in rows}
    assert max(values.values()) - min(values.values()) < 0.08, values


# --- the model -------------------------------------------------------------------------------------------------------

def no_model(tmp_path, monkeypatch, capsys, *more):
    monkeypatch.setattr(predict, "ROOT", tmp_path)
    with pytest.raises(SystemExit) as ended:
        predict.main([str(tmp_path), "--output", str(tmp_path / "out"), *more])
    assert ended.value.code == 2
    assert not (tmp_path / "out").exists()
    return capsys.readouterr().err


def test_where_nothing_was_trained_yet_it_takes_the_shipped_network_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(predict, "ROOT", tmp_path)
    folder = write(tmp_path / "eyes", {"a.png": encode(eyes(1)[0], ".png")})
    with pytest.raises(SystemExit, match="0"):
        predict.main([str(folder), "--output", str(tmp_path / "out")])
    said = "this one comes with the course and has seen rendered eyes only"
    assert said in capsys.readouterr().out.splitlines()[0]
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").count(said) == 1


def test_without_any_model_it_says_how_to_make_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recipe, "SHIPPED", tmp_path / "none.npz")
    said = no_model(tmp_path, monkeypatch, capsys)
    assert re.search(r"^nothing was done: there is no file .*none.npz: `python -m helpers.commands.train`", said)
    assert len(said.splitlines()) == 1


def test_a_model_that_cannot_be_used_is_named(tmp_path, monkeypatch, capsys):
    path = tmp_path / "bad.npz"
    assert "there is no file" in no_model(tmp_path, monkeypatch, capsys, "--model", str(path))
    path.write_text("hello")
    assert "bad.npz" in no_model(tmp_path, monkeypatch, capsys, "--model", str(path))
    checkpoint.save_weights(resnet.resnet10(width=4), path)
    assert "another network" in no_model(tmp_path, monkeypatch, capsys, "--model", str(path))
    about = About("resnet10", 32, arguments={"width": 4, "num_classes": 3}, classes=("a", "b"))
    model_file.save(path, about.build(), about)
    assert "of the classes that it names" in no_model(tmp_path, monkeypatch, capsys, "--model", str(path))


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_the_weights_of_a_training_will_do(tmp_path, norm, monkeypatch):
    """Those that `train` writes, found where it writes them."""
    runtime.seed(0)
    network = recipe.network(train.NORMS[norm])
    checkpoint.save_weights(network, tmp_path / "data" / "train" / "weights.npz")
    monkeypatch.setattr(predict, "ROOT", tmp_path)
    loaded, about, path = predict.load(None)
    assert path.name == "weights.npz"
    assert (about.size, about.norm, about.threshold) == (recipe.SIZE, norm, 0.5)
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), loaded.state_dict()[name].numpy())
    model_file.save(tmp_path / "data" / "train" / "model.npz", network, About("resnet10", 64, norm, recipe.ARGUMENTS))
    assert predict.load(None)[1].size == 64
    assert predict.load(tmp_path / "data" / "train")[2].name == "model.npz"


def test_a_strangers_model_can_take_hold_of_neither_terminal_page_nor_spreadsheet(run, tmp_path, monkeypatch):
    classes = ("=1+1", "\x1b[2J\x9bgone\n")
    card = {"threshold": "0.99", "file": "another", "\x1b]0;": "<script>", "half": "\ud800"}
    about = About("resnet10", 32, arguments={"width": 4}, classes=classes, card=card)
    runtime.seed(0)
    model_file.save(tmp_path / "m.npz", about.build(), about)
    folder = write(tmp_path / "eyes", {f"{i}.png": encode(image, ".png") for i, image in enumerate(eyes(2))})
    decide = predict.decide
    sides = iter([0.0, 1.0])  # one of each class
    monkeypatch.setattr(predict, "decide", lambda row, _, about: decide(row, np.float32(next(sides)), about))
    _, printed, rows, page = run(folder, model=tmp_path / "m.npz")
    for text in (printed.out, page):
        assert all(each.isprintable() or each == "\n" for each in text)
        assert r"\x1b[2J\x9bgone\n" in text
    assert "<script>" not in page and r"\ud800" in page
    assert "<td>m.npz</td>" in page and "<td>0.5</td>" in page and "0.99" not in page and "another" not in page
    assert [row["decision"] for row in rows] == ["'=1+1", classes[1]]


def test_a_model_of_other_images_than_photographs_is_refused(tmp_path, monkeypatch, capsys):
    about = About("resnet10", 32, arguments={"width": 4, "in_channels": 1})
    model_file.save(tmp_path / "m.npz", about.build(), about)
    assert "is no model for fundus photographs" in no_model(
        tmp_path, monkeypatch, capsys, "--model", str(tmp_path / "m.npz")
    )


def test_the_shipped_network_is_known_however_it_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT / "helpers")
    monkeypatch.setattr(predict, "ROOT", tmp_path)
    assert predict.note(predict.load(Path("models/../models/rendered_eyes.npz"))[2])["note"].startswith("no network")
    write(tmp_path / "data" / "train", {"model.npz": b""})
    assert predict.note(recipe.SHIPPED)["note"].startswith("this one comes with the course")
    assert predict.note(tmp_path / "rendered_eyes.npz") == {}


# --- where it runs ---------------------------------------------------------------------------------------------------

def test_nothing_to_judge(run, tmp_path):
    (tmp_path / "empty").mkdir()
    status, printed, *_ = run(tmp_path / "empty")
    assert status == 2
    assert "nothing was done: there is no photograph in " in printed.err


def test_a_folder_that_cannot_be_written(run, tmp_path):
    write(tmp_path, {"a.png": encode(eyes(1)[0], ".png"), "file": b""})
    status, printed, *_ = run(tmp_path / "a.png", output=tmp_path / "file")
    assert status == 2
    assert "cannot be written" in printed.err


@pytest.mark.parametrize("reader", ["all", "nobody"])
def test_an_ascii_terminal_and_a_pipe_that_closes(model, tmp_path, reader):
    folder = write(tmp_path / "眼睛", {f"图{i}.png": encode(eyes(1)[0], ".png") for i in range(3)})
    given = ["-m", "helpers.commands.predict", folder, "--model", model[0], "--output", tmp_path / "结果"]
    process = subprocess.Popen(
        [sys.executable, *map(str, given)], cwd=ROOT, env=environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    if reader == "nobody":
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(timeout=SECONDS) == 1
        assert b"cannot be written" not in said
    else:
        printed, said = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said
        assert rb"\u56fe0.png" in printed
    assert b"Traceback" not in said
    assert len((tmp_path / "结果" / "predictions.csv").read_text(encoding="utf-8-sig").splitlines()) == 4
    assert "图0.png" in (tmp_path / "结果" / "report.html").read_text(encoding="utf-8")


def test_no_class_and_no_name_is_a_formula(tmp_path):
    classes = ("-1", "=HYPERLINK(1)", "@x")
    rows = [Row("\t=1.jpg", "=HYPERLINK(1)", True, (0.1, 0.8, 0.1)), Row(" +1.jpg", "-1", True, (0.8, 0.1, 0.1)),
            Row("a.jpg", "@x", True, (0.1, 0.1, 0.8), "-cmd")]  # fmt: skip
    write_csv(tmp_path / "a.csv", rows, classes)
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *cells = csv.reader(file)
    assert [row[:2] for row in cells] == [["./\t=1.jpg", "'=HYPERLINK(1)"], ["./ +1.jpg", "-1"], ["a.jpg", "'@x"]]
    assert cells[2][-1] == "'-cmd"
    assert head[2] == "probability of -1"
