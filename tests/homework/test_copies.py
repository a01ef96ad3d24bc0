"""Whose numbers answers are right for: the same as grading once for each, at a cost that grows with the class."""
from helpers.homework import grading
from helpers.homework.copies import Keys
from helpers.homework.reading import HandIn
from helpers.homework.roster import Student
from helpers.homework.submission import Variant, make, parse
from helpers.homework.variants import COURSE_NUMBERS, draw, signature
from tests.tools import hand_ins

import pytest

ROSTER = [Student(f"2026{number:03d}", f"s{number}") for number in range(12)]
NUMBERS = {student: draw(student.id, hand_ins.SECRET) for student in ROSTER}


def hand_in(student, answers):
    numbers = NUMBERS[student]
    variant = Variant(numbers, signature(student.id, numbers, hand_ins.SECRET))
    return parse(make(**answers, edition="zh", student_id=student.id, variant=variant))


@pytest.mark.parametrize("changes", [
    {}, {"pool1": [None] * 5}, {"fc1": "rubbish", "fc2": [1, 2]}, {"conv2": [[1, 2], 3, [4], 5, [1, 2, 3]]},
], ids=["right", "blank", "rubbish", "wrong"])  # fmt: skip
def test_the_points_are_those_of_grading(changes):
    keys = Keys([*NUMBERS.values(), COURSE_NUMBERS])
    for theirs in (*NUMBERS.values(), COURSE_NUMBERS):
        answers = hand_ins.right(theirs)
        content = hand_in(ROSTER[0], answers | {"table": answers["table"] | changes})
        found = keys.points(content)
        for numbers in (*NUMBERS.values(), COURSE_NUMBERS):
            assert found[numbers] == sum(part.points for part in grading._graded(content, numbers)[0])


def test_additions_with_the_bias_are_found_as_well():
    answers = hand_ins.right(NUMBERS[ROSTER[1]])
    counts = answers["counts"]
    counts |= {f"{name} additions": counts[f"{name} multiplications"] for name in ("pixel", "image", "batch")}
    assert Keys(NUMBERS.values()).points(hand_in(ROSTER[0], answers))[NUMBERS[ROSTER[1]]] == grading.FULL


def test_each_hand_in_is_graded_once_however_many_there_are(monkeypatch):
    """A class of 400 with few right answers took a minute: each was graded with everybody's numbers."""
    calls, graded = [], grading._graded
    monkeypatch.setattr(grading, "_graded", lambda *a: calls.append(a) or graded(*a))
    of_the_next = dict(zip(ROSTER, [*ROSTER[1:], ROSTER[0]], strict=True))
    given = [HandIn((f"{student.id}.json",), 1.0, hand_in(student, hand_ins.right(NUMBERS[other])))
             for student, other in of_the_next.items()]  # fmt: skip
    marks = grading.grade(given, ROSTER, hand_ins.SECRET)
    assert len(calls) == len(ROSTER)
    for mark in marks:
        assert of_the_next[mark.student].id in mark.reasons[0] and mark.points() < 20
