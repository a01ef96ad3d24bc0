"""helpers.homework.variants: numbers of each student's own, stable for ever, and a sheet that gives nothing away."""
import json
from dataclasses import asdict, replace

from helpers.homework import variants
from helpers.homework.variants import COURSE_NUMBERS, BadSheet, Numbers, draw, find, read_numbers, sheet, signature

import pytest

SECRET = b"a secret of the class"
IDS = [f"2026{number:03d}" for number in range(500)]


def test_numbers_and_signature_stay_the_same_for_ever():
    numbers = draw("2026001", SECRET)
    assert asdict(numbers) == {
        "batch": 17, "channels": 3, "side": 208, "filters": 24, "kernel": 3, "padding": 3,
        "first": 7, "second": 27, "window": 3, "hidden": 75, "classes": 3,
    }  # fmt: skip
    assert signature("2026001", numbers, SECRET) == "14bb1fe50d565fc48dbd5eb895d2bb1d57695d13d76d8c582f016c4d6ca82088"


def test_a_class_has_as_many_numbers_as_students_and_none_of_the_courses_answers():
    drawn = [draw(student, SECRET) for student in IDS]
    assert len(set(drawn)) == len(IDS)
    assert all(numbers.filters != COURSE_NUMBERS.filters and numbers.side != COURSE_NUMBERS.side for numbers in drawn)
    for name, choices in variants.CHOICES.items():  # each is used, about as often as the others
        seen = [getattr(numbers, name) for numbers in drawn]
        assert set(seen) <= set(choices) and len(set(seen)) > 0.9 * len(choices)


def test_they_depend_on_the_id_and_on_the_secret_and_not_on_how_the_id_is_typed():
    assert draw("2026001", SECRET) != draw("2026002", SECRET) != draw("2026002", b"another")
    assert draw(" ２０２６ａ ", SECRET) == draw("2026A", SECRET)
    numbers = draw("2026001", SECRET)
    signed = signature("2026001", numbers, SECRET)
    assert signed == signature(" 2026001", numbers, SECRET)
    others = [("2026002", numbers, SECRET), ("2026001", replace(numbers, side=100), SECRET), ("2026001", numbers, b"x")]
    assert signed not in [signature(*other) for other in others]


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"side": 0}, "side must be"), ({"batch": 2000}, "batch must be"), ({"hidden": True}, "hidden must be"),
     ({"kernel": 3.0}, "kernel must be"), ({"window": 4}, "do not fit"), ({"side": 3, "window": 3}, "do not fit"),
     ({"side": 4, "window": 3, "kernel": 5}, "do not fit")],
)  # fmt: skip
def test_numbers_of_which_no_network_can_be_made_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        replace(COURSE_NUMBERS, **changes)


def test_numbers_are_read_from_json():
    assert read_numbers(json.loads(json.dumps(asdict(COURSE_NUMBERS)))) == COURSE_NUMBERS
    for data in (None, [], {}, {**asdict(COURSE_NUMBERS), "more": 1}):
        with pytest.raises(ValueError, match="not the numbers of the homework"):
            read_numbers(data)


def test_a_student_finds_his_numbers_on_the_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr(variants, "ROOT", tmp_path / "course")
    assert find("2026001", tmp_path) is None
    text = json.dumps(sheet(IDS[:30], SECRET), indent=1)
    assert SECRET.decode() not in text and "2026001" not in text
    (tmp_path / "variants.json").write_text("\ufeff" + text, encoding="utf-8")
    numbers, signed = find("２０２６００１", tmp_path)
    assert numbers == draw("2026001", SECRET) and signed == signature("2026001", numbers, SECRET)
    assert isinstance(numbers, Numbers) and find("2026999", tmp_path) is None
    (tmp_path / "course/data").mkdir(parents=True)
    (tmp_path / "variants.json").rename(tmp_path / "course/data/variants.json")
    assert find("2026001", tmp_path) == (numbers, signed)


OTHER = {"course": "another", "format": 1, "students": {}}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", json.dumps(OTHER), '{"course": "batchnorm-dropout"}', "[" * 100_000, "\x00" * 10]
)
def test_a_sheet_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / "variants.json").write_text(text)
    with pytest.raises(BadSheet, match=r"variants\.json cannot be read .*ask your teacher"):
        find("2026001", tmp_path)


def test_a_damaged_line_of_the_sheet_is_named(tmp_path):
    data = sheet(["1"], SECRET)
    [own] = data["students"].values()
    own["numbers"]["side"] = 1e9
    (tmp_path / "variants.json").write_text(json.dumps(data))
    with pytest.raises(BadSheet, match="side must be"):
        find("1", tmp_path)
