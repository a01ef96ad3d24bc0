"""helpers.homework.submission: what is handed in comes back as it was, and all else is refused in words."""
import copy
import json
import math

from helpers.homework.submission import BadSubmission, Variant, checksum, make, parse
from helpers.homework.variants import draw

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

VARIANT = Variant(draw("2026001", b"secret"), "ab" * 32)
COUNTS = {"pixel multiplications": 27, "pixel additions": None, "batch additions": "many"}
TABLE = {"pool1": [[], 0, [2.5, None], "[3，4]", None], "fc1": "no row"}


def handed_in(**changes):
    return make(COUNTS, TABLE, **{"edition": "zh", "student_id": "2026001", "name": "王小明", **changes})


@pytest.mark.parametrize("variant", [None, VARIANT])
def test_what_is_made_is_read(variant):
    data = json.loads(json.dumps(handed_in(variant=variant, date="2026-11-23")))
    read = parse(data)
    assert (read.student_id, read.name, read.edition, read.date) == ("2026001", "王小明", "zh", "2026-11-23")
    assert read.counts == COUNTS and read.table == TABLE and read.variant == variant
    # The order of keys, which editors and notebooks change, makes no difference.
    assert parse(json.loads(json.dumps(data, sort_keys=True))) == read


def test_the_checksum_stays_the_same_for_ever():
    data = make({"pixel additions": 26}, {}, edition="en")
    assert data["checksum"] == "b847cbd37310338accd3dd6fd105d1057c477d6527469a168f09ea11d1d538fd"


def changed(path, value):
    """A hand-in with another value in one place, and the checksum that fits."""
    data = copy.deepcopy(handed_in(variant=VARIANT))
    data = json.loads(json.dumps(data))
    part = data
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return {**data, "checksum": checksum(data)}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["course"], "another", "not answers to this course's homework"),
        (["format"], 2, "its format is 2, and only 1 is known"),
        (["format"], True, "its format is True"),
        (["format"], [1], "its format is ?"),
        (["edition"], "fr", "its edition is not as"),
        (["edition"], ["zh"], "its edition"),
        (["date"], None, "its date"),
        (["date"], "d" * 101, "its date"),
        (["more"], 1, "its keys"),
        (["student"], "me", "its student"),
        (["student", "id"], 2026001, "its student"),
        (["student", "name"], "n" * 101, "its student"),
        (["student", "more"], "", "its student"),
        (["answers"], [], "its answers"),
        (["answers", "more"], {}, "its answers"),
        (["answers", "counts"], [27], "its answers"),
        (["answers", "counts"], {str(n): n for n in range(51)}, "its answers"),
        (["answers", "counts", "k" * 101], 1, "its answers"),
        (["answers", "counts", "pixel additions"], {}, "its answers"),
        (["answers", "counts", "pixel additions"], [[1]], "its answers"),
        (["answers", "counts", "pixel additions"], "t" * 101, "its answers"),
        (["answers", "table", "pool1"], [[[1]]], "its answers"),
        (["answers", "table", "pool1"], [0] * 9, "its answers"),
        (["variant"], {}, "its variant"),
        (["variant", "signature"], 1, "its variant"),
        (["variant", "numbers"], None, "its variant"),
        (["variant", "numbers", "side"], 224.0, "its variant"),
        (["variant", "numbers", "side"], 10**9, "its variant"),
        (["variant", "numbers", "more"], 1, "its variant"),
    ],
)
def test_what_is_no_hand_in_is_named(path, value, said):
    with pytest.raises(BadSubmission, match=said.replace("?", r"\?")):
        parse(changed(path, value))


@pytest.mark.parametrize("missing", ["student", "answers", "checksum", "variant", "date", "edition"])
def test_a_part_that_is_missing_is_named(missing):
    data = handed_in()
    del data[missing]
    with pytest.raises(BadSubmission, match="its keys"):
        parse(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [(["answers", "counts", "pixel additions"], 26), (["student", "name"], "somebody"), (["checksum"], None),
     pytest.param(["answers", "counts", "pixel additions"], 10**5000, id="huge")],
)  # fmt: skip
def test_what_was_changed_afterwards_is_found(path, value):
    data = json.loads(json.dumps(handed_in()))
    part = data
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(BadSubmission, match="its checksum does not fit"):
        parse(data)


def test_numbers_that_no_answer_should_have_are_read_all_the_same():
    data = make({"pixel additions": math.inf, "batch additions": 10**4000}, {}, edition="en")
    assert parse(json.loads(json.dumps(data))).counts == data["answers"]["counts"]
    assert math.isnan(parse(json.loads(json.dumps(make({"a": math.nan}, {}, edition="en")))).counts["a"])


def test_the_reason_is_in_the_language_that_is_spoken(chinese):
    with pytest.raises(BadSubmission, match="这不是本课程作业的答案"):
        parse([])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
KEYS = st.sampled_from([*handed_in()])


@settings(max_examples=200)
@given(JSON | st.dictionaries(KEYS, JSON), KEYS, JSON)
def test_nothing_else_is_raised(anything, key, value):
    for data in (anything, changed([key], value)):
        try:
            parse(data)
        except BadSubmission as error:
            assert 10 < len(str(error)) < 200


def test_nesting_without_end_is_no_crash():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for answers in (deep, {"counts": {"a": deep}, "table": {}}):
        with pytest.raises(BadSubmission, match="its answers"):
            parse({**handed_in(), "answers": answers})
