"""`predict --explain` and `--language`: maps beside the photographs, and a page in the reader's language."""
import base64
import re
from dataclasses import replace

from helpers import language, runtime
from helpers.commands import predict, prediction_maps, prediction_report, prediction_words, recipe
from helpers.commands.prediction_report import Row
from helpers.fundus import decoding, images, jpeg, plausible
from helpers.fundus.eye import sample_eye
from helpers.fundus.images import normalise
from helpers.fundus.paint import paint_eye
from helpers.training import model_file
from helpers.training.explain import evidence_map
from helpers.training.model_file import About
from tests.tools.palm_builder import encode, write

import cv2
import numpy as np
import paddle
import pytest
from PIL import UnidentifiedImageError

ABOUT = About("resnet10", 48, arguments={"width": 4})


@pytest.fixture(autouse=True)
def english():
    yield
    language.speak("en")


@pytest.fixture(scope="module")
def model():
    """Random weights."""
    runtime.seed(1)
    network = ABOUT.build()
    network.eval()
    return network


def eyes(count, size=48):
    rngs = [np.random.default_rng([5, seed]) for seed in range(count)]
    return [paint_eye(sample_eye("P", rng), size, rng) for rng in rngs]


def pictures(page, kind):
    """The pictures of one class on a page, uint8 BGR."""
    found = re.findall(rf'<img class="{kind}" alt="[^"]*" src="data:image/jpeg;base64,([^"]*)">', page)
    return [cv2.imdecode(np.frombuffer(base64.b64decode(each), np.uint8), cv2.IMREAD_COLOR) for each in found]


# --- the maps --------------------------------------------------------------------------------------------------------

def with_maps(rows, photographs, model, about=ABOUT):
    inputs = [None if each is None else predict.prepared(each, about) for each in photographs]
    return prediction_maps.with_maps(rows, photographs, inputs, model, about)


def test_who_got_a_decision_gets_the_map_of_class_1(model, monkeypatch):
    one, other = eyes(2)
    rows = [Row("a", "pathologic", True, (0.2, 0.8)), Row("b", "cannot tell", False, (0.2, 0.8)),
            Row("c", "cannot be read"), Row("d", "not pathologic", True, (0.8, 0.2))]  # fmt: skip
    seen = []
    monkeypatch.setattr(prediction_maps, "drawn", lambda photograph, evidence: seen.append(evidence) or b"jpeg")
    result = with_maps(rows, [one, one, None, other], model)
    assert [row.map for row in result] == [b"jpeg", None, None, b"jpeg"]
    assert [replace(row, map=None) for row in result] == rows
    x = np.stack([normalise(each).transpose(2, 0, 1) for each in (one, other)])
    np.testing.assert_allclose(seen, evidence_map(model, x, (x != 0).any(axis=1)), rtol=1e-3, atol=1e-6)


def test_of_more_than_two_classes_the_decided_one_is_explained(monkeypatch):
    about = About("resnet10", 48, arguments={"width": 4, "num_classes": 3}, classes=("a", "b", "c"))
    rows = [Row("1", "c", True, (0, 0, 1)), Row("2", "a", True, (1, 0, 0)), Row("3", "c", True, (0, 0, 1))]
    asked = []
    monkeypatch.setattr(prediction_maps, "drawn", lambda photograph, evidence: f"{photograph[0, 0, 0]}".encode())
    monkeypatch.setattr(prediction_maps, "evidence_map", lambda model, x, field, k, flip: asked.append((k, len(x))) or
                        np.ones(field.shape, np.float32))  # fmt: skip
    photographs = [np.full((48, 48, 3), number, np.uint8) for number in (50, 60, 70)]
    result = with_maps(rows, photographs, about.build(), about)
    assert asked == [(0, 1), (2, 2)] and [row.map for row in result] == [b"50", b"60", b"70"]


def test_a_map_that_is_0_everywhere_is_said_in_words(tmp_path):
    network = ABOUT.build()
    network.fc.weight.set_value(paddle.zeros_like(network.fc.weight))
    rows = with_maps([Row("a", "not pathologic", True, (0.5, 0.5))], eyes(1), network)
    assert rows[0].map == b""
    prediction_report.write_page(tmp_path / "page.html", rows, ABOUT.classes, {}, prediction_maps.scale())
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The map is 0 everywhere" in page and not pictures(page, "map")


def test_a_picture_is_small_and_shows_the_map_by_lightness():
    photograph, evidence = eyes(1, 96)[0], np.zeros((96, 96), np.float32)
    evidence[20:40, 50:80], evidence[60:80, 10:30] = 5, 1
    data = prediction_maps.drawn(photograph, evidence)
    assert len(data) < 11_000
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    side = prediction_maps.SIDE
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[:, -side:]
    place = lambda y, x: grey[round(y / 96 * side), round(x / 96 * side)]  # noqa: E731
    assert place(30, 65) > place(70, 20) + 60 > place(5, 5) + 70
    before = cv2.resize(cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR), (side, side)).astype(int)
    changed = np.abs(picture[:, :side] - before).max(axis=2) > 60
    y, x = np.nonzero(changed)
    assert (y.min() > 25) and (y.max() < 75) and (x.min() > 75) and (x.max() < 140), "the line is around the highest"


def test_the_scale_goes_from_dark_to_bright():
    grey = cv2.imdecode(np.frombuffer(prediction_maps.scale(), np.uint8), cv2.IMREAD_GRAYSCALE)[6].astype(int)
    assert grey[0] < 60 and grey[-1] > 200 and (np.diff(grey[::16]) > 0).all()


# --- the command -----------------------------------------------------------------------------------------------------

@pytest.fixture
def run(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(predict, "load", lambda path: (model, ABOUT, tmp_path / "model.npz"))
    monkeypatch.setattr(predict, "judge", lambda *_: plausible.Judgement(plausible.FUNDUS, ()))
    folder = write(tmp_path / "eyes", {f"{i}.png": encode(each, ".png") for i, each in enumerate(eyes(18))})
    (folder / "bad.png").write_bytes(b"")

    def start(*given):
        with pytest.raises(SystemExit) as ended:
            predict.main([str(folder), "--output", str(tmp_path / "output"), *given])
        assert ended.value.code == 1  # of the one that cannot be read
        page = (tmp_path / "output" / "report.html").read_text(encoding="utf-8")
        return capsys.readouterr(), (tmp_path / "output" / "predictions.csv").read_text(encoding="utf-8-sig"), page

    return start


def test_explain(run):
    _, plain_sheet, plain = run("--language", "en")
    _, sheet, page = run("--language", "en", "--explain")
    assert plain_sheet == sheet and not pictures(plain, "map") and "<th>map</th>" not in plain
    assert len(pictures(page, "map")) + page.count("The map is 0 everywhere") == 18 and pictures(page, "map")
    assert "what speaks for “pathologic”" in page and len(pictures(page, "scale")) == 1
    assert "outlines no lesion" in page and "<script" not in page
    assert (len(page) - len(plain)) / 18 < 15_000, "bytes for each photograph"


def test_the_page_speaks_the_language_and_the_sheet_stays_english(run):
    english, sheet, page = run("--language", "en")
    chinese, chinese_sheet, chinese_page = run("--language", "zh", "--explain")
    assert sheet == chinese_sheet and sheet.startswith("photograph,decision,probability,reason")
    assert '<html lang="en">' in page and '<html lang="zh">' in chinese_page
    assert not re.search(r"[\u4e00-\u9fff]", page + english.out)
    words = re.sub(r"<style>.*?</style>|<[^>]*>", " ", chinese_page.split("模型")[0], flags=re.DOTALL)
    words = re.sub(r"\S*/eyes/\S*|integrated gradients|docs/measured/\S*", "", words)
    assert not re.search("[a-z]{2,}", words), "something was left in English"
    assert "不是医疗器械" in chinese.out and "文件是空的" in chinese.out and "病理性" in chinese.out
    wide = {prediction_report._width(line[: line.index("/")]) for line in chinese.out.splitlines() if "/eyes/" in line}
    assert len(wide) == 1, "in columns of a terminal"


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, "en"), ({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "C.UTF-8"}, "en"), ({"LANG": "zh_TW"}, "zh"),
    ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"), ({"LANG": "en_GB.UTF-8", "LC_ALL": ""}, "en"),
    ({"LANG": "de_DE", "LC_MESSAGES": "zh_CN"}, "zh"),
])  # fmt: skip
def test_the_language_of_the_environment(environment, expected):
    assert prediction_words.of_environment(environment) == expected


def test_every_reason_has_chinese_words():
    language.speak("zh")
    reasons = {each.otherwise for each in plausible.RANGES.values()} | {plausible.UNSURE, plausible.OTHER}
    assert all(re.search(r"[\u4e00-\u9fff]", prediction_words.said(reason)) for reason in reasons)
    both = "it has one colour only, no blood vessels are seen in it"
    assert prediction_words.said(both) == "只有一种颜色，看不到血管"
    assert prediction_report._title("probability of glaucoma") == "glaucoma的概率"


def test_a_class_of_ones_own_is_no_myopia_in_chinese():
    """Nor is it translated where it is called as another word of the page is."""
    language.speak("zh")
    assert "病理性近视" in prediction_report.table([Row("a", "pathologic", True, (0.2, 0.8))], prediction_words.CLASSES)
    for own in (("healthy", "pathologic"), ("real", "map"), ("map", "note", "pathologic")):
        row = Row("a", own[-1], True, (0.1,) * (len(own) - 1) + (0.9,))
        for said in (prediction_report.table([row], own), prediction_report.counts([row], own)):
            assert own[-1] in said and "近视" not in said and "热图" not in said
    for text in ("glaucoma", "glaucoma, suspected", ""):
        assert prediction_words.said(text) == text
    for data in (bytes(128) + b"DICM", b"\0\0\0\x18ftypheic" + bytes(99)):
        with pytest.raises(ValueError) as caught:
            decoding.refuse_others(data)
        assert re.search(r"[\u4e00-\u9fff]", prediction_words.said(str(caught.value)))
    for error in (jpeg.Hole(jpeg._INCOMPLETE), ValueError("image file is truncated"), ValueError("whatever")):
        reason = str(images._unusable("a.jpg", error)).removeprefix("a.jpg ").rstrip(".")
        assert re.search(r"[\u4e00-\u9fff]", prediction_words.said(reason)), reason
    unknown = str(images._unusable("a.jpg", UnidentifiedImageError())).removeprefix("a.jpg ").rstrip(".")
    assert not re.search("[a-z]", prediction_words.said(unknown)), "the commonest reason, all of it"


@pytest.mark.parametrize(("spoken", "classes", "expected"), [
    ("zh", model_file.About.classes, "病理性近视的概率"), ("zh", ("healthy", "pathologic"), "pathologic的概率"),
    ("en", model_file.About.classes, "of: pathologic"),
])  # fmt: skip
def test_the_page_says_of_what_the_probability_is(tmp_path, spoken, classes, expected):
    language.speak(spoken)
    about = model_file.About("resnet10", 32, classes=classes)
    prediction_report.write_page(tmp_path / "page.html", [], classes, predict.description(about, tmp_path / "m.npz"))
    assert f"<td>{expected}</td>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_card_of_the_shipped_network_and_of_a_trained_one_are_chinese():
    language.speak("zh")
    card = model_file.load(recipe.SHIPPED)[1].card
    trained = [
        "319 real images, both sides", "200 real test images, with 95 % intervals",
        "360 rendered images, both sides, and 400 rendered ones in each of 12 epochs",
    ]  # fmt: skip
    for text in [*card, *(value for value in card.values() if isinstance(value, str)), *trained]:
        words = re.sub(r"iChallenge-PM|AUC|Apache-2.0", "", prediction_words.said(text))
        assert not re.search("[A-Za-z]{2,}", words), text
