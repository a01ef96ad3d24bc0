"""A class of hand-ins is graded as each deserves, and no hand-in gets marks that its answers do not earn."""
import hashlib
import os
import random

from helpers.homework.grading import FULL, grade
from helpers.homework.reading import read_all
from helpers.homework.roster import Student
from helpers.homework.variants import COURSE_NUMBERS, draw
from helpers.language import speak
from tests.tools import hand_ins as make

import pytest

CLASS = [Student("20260001" if name == "王小明" else name, name) for name in make.CLASS]
PEERS = [Student("right", "Rita"), Student("partly", "Petra"), Student("eve", "Eve")]


def graded(folder, roster=PEERS, secret=None):
    """The marks by the student's id; of a hand-in of nobody on the roster, by what it calls itself."""
    return {mark.student.id: mark for mark in grade(read_all(folder), roster, secret)}


def digest(folder):
    """Everything below a folder, to see whether something has changed."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hand_ins")
    make.write_class(folder)
    return dict(zip(make.CLASS, grade(read_all(folder), CLASS), strict=True))  # one mark each, none of nobody


@pytest.mark.parametrize("name", make.CLASS)
def test_each_hand_in_is_graded_or_named_as_it_deserves(marks, name):
    mark, case = marks[name], make.CLASS[name]
    assert (mark.status, mark.points()) == (case.status, case.points), mark.reasons
    assert case.says in "\n".join(mark.reasons)
    assert mark.reasons or mark.status == "graded"


def test_the_points_of_both_tasks_are_told_apart(marks):
    assert (marks["wrong"].points(1), marks["wrong"].points(2)) == (7, 16)
    lost = {tuple(part.results): part.of for part in marks["wrong"].parts if not part.points}
    assert lost == {("batch additions",): 3, ("pool1",): 4} and FULL == 30


def peers(folder):
    """Two honest hand-ins as nbgrader collects them."""
    make.write(folder / "right/homework/answers.json", make.data("right"))
    make.write(folder / "partly/homework/answers.json", make.data("partly", table=make.BLANK_TABLE))


@pytest.mark.parametrize("attempt", make.ATTEMPTS)
def test_an_attempt_at_other_marks_is_worth_nothing_and_harms_nobody(tmp_path, monkeypatch, attempt):
    folder = tmp_path / "submitted"
    peers(folder)
    make.ATTEMPTS[attempt](folder / "eve/homework", "eve")
    monkeypatch.chdir(folder / "eve/homework")
    before = digest(tmp_path)
    for secret in (None, make.SECRET):
        marks = graded(folder, secret=secret)
        assert marks.keys() == {"right", "partly", "eve"} and marks["eve"].points() == 0, marks
        assert secret or (marks["right"].points(), marks["partly"].points()) == (30, 10)
    assert digest(tmp_path) == before and not list(tmp_path.rglob(make.MARKER))


def test_nobody_else_can_hand_in_for_a_student(tmp_path):
    """From a folder of one's own on the hub, whatever is written in the file and however one calls oneself."""
    for user in ("right-too", "stranger", "homework"):
        make.ATTEMPTS["another student's id"](tmp_path / user / "homework", user)
    marks = graded(tmp_path)
    assert marks["right"].status == "missing"
    assert {marks[user].status for user in ("right-too", "stranger", "homework")} == {"unknown"}


def test_what_lies_in_a_students_place_counts_before_what_only_says_whose_it_is(tmp_path):
    make.write(tmp_path / "right_2026/answers.json", make.data("right"))
    make.ATTEMPTS["another student's id"](tmp_path, "eve")  # later, and in nobody's place
    marks = graded(tmp_path)
    assert marks["right"].points() == 30 and "the last one counts" not in marks["right"].reasons
    (tmp_path / "right_2026/answers.json").unlink()
    marks = graded(tmp_path)
    assert marks["right"].reasons[0] == "known only by the id written in it"


@pytest.mark.parametrize("names", [
    ["answers.json", "answers (1).json", "answers (2).json", "answers (10).json"],
    ["001/answers.json", "002/answers.json"], ["作业9.ipynb", "作业10.ipynb"], ["a（1）.json", "a（2）.json"],
])  # fmt: skip
def test_of_files_of_one_time_the_name_says_which_is_the_last(tmp_path, names):
    for number, name in enumerate(names):
        path = make.write(tmp_path / "eve" / name, make.data("eve", counts={"pixel additions": -number}))
        os.utime(path, (1_790_000_000, 1_790_000_000))
    mark = graded(tmp_path)["eve"]
    assert mark.path == f"eve/{names[-1]}" and "the last one counts" in mark.reasons[0]


def test_a_user_by_the_id_comes_before_a_user_by_the_name(tmp_path):
    for time, name, data in ((1, "right", make.data("right")), (2, "Rita", make.blank("right"))):
        path = make.write(tmp_path / name / "homework/answers.json", data)
        os.utime(path, (1_790_000_000 + time, 1_790_000_000 + time))
    assert graded(tmp_path)["right"].points() == 30


def test_a_hand_in_of_nobody_on_the_roster_has_a_line_of_its_own(tmp_path):
    make.write(tmp_path / "a.json", make.data("2099", "Nobody"))
    make.write(tmp_path / "b.json", "no JSON")
    nobody, unread = grade(read_all(tmp_path), PEERS)[3:]
    assert (nobody.student, nobody.status, nobody.points()) == (Student("2099", "Nobody"), "unknown", 30)
    assert (unread.student.id, unread.status, unread.path) == ("", "unreadable", "b.json")


def test_with_a_secret_everybody_is_graded_on_numbers_of_his_own(tmp_path):
    roster = [Student(f"2026{number:03d}", f"学生{number}") for number in range(6)]
    ids = [student.id for student in roster]
    typed = {
        ids[0]: make.own(ids[0]),
        ids[1]: make.own(ids[0]),  # a copy of a neighbour's file
        ids[2]: make.own(ids[2], answered=ids[0]),  # a neighbour's answers under the numbers of one's own
        ids[3]: make.data(ids[3]),  # did not write his id into the notebook
        ids[4]: make.own(ids[4], used="somebody", answered=ids[4]),  # right for his own, and yet not about them
        ids[5]: make.own(ids[5]),
    }
    typed[ids[5]]["variant"]["signature"] = "0" * 64
    typed[ids[5]]["checksum"] = make.checksum(typed[ids[5]])
    for student_id, data in typed.items():
        make.write(tmp_path / student_id / "answers.json", data)
    marks = graded(tmp_path, roster, make.SECRET)
    assert [marks[i].points() for i in (ids[0], ids[1], ids[3], ids[4], ids[5])] == [30, 0, 0, 0, 30]
    assert marks[ids[2]].points() < FULL / 3 and marks[ids[0]].reasons == ()
    assert marks[ids[1]].reasons[0] == f"the numbers are those of another student ({ids[0]} 学生0): 0 points"
    assert f"it says that it is of {ids[0]}" in marks[ids[1]].reasons[1]
    assert marks[ids[2]].reasons[0] == f"these are the answers to the numbers of somebody else: {ids[0]} 学生0"
    assert "the course's own numbers" in marks[ids[3]].reasons[0] and "nobody was given" in marks[ids[4]].reasons[0]
    assert marks[ids[5]].reasons == ("the numbers are the student's own, but the signature was changed",)


def test_the_public_answers_under_numbers_of_ones_own_are_named(tmp_path):
    data = make.own("eve") | {"answers": make.right(COURSE_NUMBERS)}
    make.write(tmp_path / "eve/answers.json", data | {"checksum": make.checksum(data)})
    mark = graded(tmp_path, secret=make.SECRET)["eve"]
    assert mark.points() < 10 and mark.reasons[0].endswith("the course's own numbers")


def test_numbers_of_ones_own_without_a_secret_are_named(tmp_path):
    make.write(tmp_path / "eve/answers.json", make.own("eve"))
    mark = graded(tmp_path)["eve"]
    assert mark.points() == 0 and "--secret-file" in mark.reasons[0]


def test_the_right_answers_to_any_numbers_have_all_points(tmp_path):
    assert make.right() == {"counts": make.COUNTS, "table": make.TABLE}
    roster = [Student(str(2026000 + number)) for number in range(100)]
    for student in roster:
        make.write(tmp_path / f"{student.id}.json", make.own(student.id))
    marks = grade(read_all(tmp_path), roster, make.SECRET)
    assert {(mark.status, mark.points()) for mark in marks} == {("graded", 30)}
    assert len({draw(student.id, make.SECRET) for student in roster}) == 100


def test_no_damage_adds_a_point(tmp_path):
    whole = make.write(tmp_path / "eve/answers.json", make.data("eve", counts={"batch additions": 1})).read_bytes()
    rng, seen = random.Random(0), set()
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] = rng.randrange(256)
        make.write(tmp_path / "eve/answers.json", bytes(damaged))
        mark = graded(tmp_path)["eve"]
        assert mark.points() in (0, 27) and (mark.status == "unreadable") == (mark.points() == 0)
        seen.add(mark.status)
    assert seen == {"unreadable", "graded"}  # a changed space changes nothing


def test_reasons_are_in_the_language_that_is_spoken(tmp_path):
    make.write(tmp_path / "eve/answers.json", "{")
    speak("zh")
    try:
        marks = graded(tmp_path)
    finally:
        speak("en")
    assert marks["eve"].reasons == ("eve/answers.json: 不是完整的 JSON（第 1 行起读不下去）",)
    assert marks["right"].reasons == ("没有交作业",)
