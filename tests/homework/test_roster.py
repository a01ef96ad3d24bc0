"""A teacher's roster is read as Excel and others write it, and each hand-in is given to the student whose it is."""
from helpers.homework.grading import UNKNOWN, grade
from helpers.homework.reading import HandIn
from helpers.homework.roster import BY_ID, BY_NAME, BY_PLACE, BY_USER, BadRoster, Register, Student, read_roster
from helpers.homework.submission import parse
from tests.tools import hand_ins as make

import pytest

CLASS = [
    Student("2026001", "王小明"), Student("2026002", "王小"), Student("007", "Zhang San"), Student("homework", "Al"),
    Student("2026005", "李雷"), Student("2026006", "李雷"), Student("2026007", "阿的江"),
    Student("2026008", "Mia Filer"), Student("2026009", "Mia R"), Student("2026010", "Answer"), Student("70001", "Zoe"),
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("text", [
    "id,name\n007,王小明\n", "学号,姓名\r\n007,王小明\r\n\r\n", "班级;姓名; 学号 \n1;王小明;007\n",
    "姓名\t学号\n王小明\t 007\n", "2026 级 1 班\n\n学号;姓名\n007;王小明\n",
    "编号,学号,姓名\n1,007,王小明\n", "username,ID,name\nxm,007,王小明\n", "id,姓名,Student ID\n1,王小明,007\n",
    'id,name\n"=""007""",王小明\n', 'id,name\n="007",王小明\n', "id,name\n'007,王小明\n", "id,name\n007.0,王小明\n",
    "sep=;\nid;name\n007;王小明",'"ID","Name"\n"007","王小明"\n', "姓名，学号\n王小明，007\n",
])  # fmt: skip
def test_a_roster_is_read(tmp_path, text, encoding):
    path = make.write(tmp_path / "roster.csv", text, encoding)
    assert read_roster(path) == [Student("007", "王小明")]


@pytest.mark.parametrize(("text", "said"), [
    ("", "columns id and name"), ("a,b\n1,2\n", "columns id and name"), ("id,name\n", "no student"),
    ("id,name\n1,a\n１ ,b\n", "the id １ twice"), ("id,name\n,a\n", "line 2"),
    ("id,name\n2.026E+09,a\n", "no whole id"),
    ("编号,用户名,姓名\n1,xm,a\n", "several columns of ids: 编号, 用户名; leave one"),
    ("id,ID,name\n1,2,a\n", "several columns"),
    ("id,name\n1,a\n,b\n１ ,c\n2e+9,d\n", "line 3 has no whole id: ''; it has the id １ twice; line 5 has"),
    ("id,name,mail\n1,a,a@b\n202", "ends in the middle of line 3, after '.*202'"),
    ('id,name\n1,"a\n2,b\n', "line 3"),
    (b"PK\x03\x04\xff\xff\xff", "cannot be read: it is a workbook of Excel, save it as CSV"),
    ("id,name\n" + "x" * 200_000, "cannot be read"),
])  # fmt: skip
def test_another_sheet_is_refused_in_words(tmp_path, text, said):
    with pytest.raises(BadRoster, match=said):
        read_roster(make.write(tmp_path / "roster.csv", text))


def test_a_missing_roster_is_named(tmp_path):
    with pytest.raises(BadRoster, match=r"nowhere\.csv"):
        read_roster(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(("path", "student_id", "name", "owner"), [
    ("2026001/homework/04.ipynb", "", "", "2026001"), ("王小明/homework/04.ipynb", "", "", "2026001"),
    ("007/homework/04.ipynb", "2026001", "", "007"), ("al/homework/answers.json", "", "", "homework"),
    ("王小明_2026001_assignsubmission_file/answers.json", "", "", "2026001"), ("王小明的作业.json", "", "", "2026001"),
    ("all.zip/2026001王小明/作业.ipynb", "", "", "2026001"), ("作业-王小-1.json", "", "", "2026002"),
    ("Zhang_San (1).ipynb", "", "", "007"), ("２０２６００１.json", "", "", "2026001"),
    ("阿的江_作业/answers.json", "", "", "2026007"), ("阿的江的作业.json", "", "", "2026007"),
    ("mia_filer_77_assignsubmission_file_/answers.json", "", "", "2026008"),
    ("Mia_R_78_assignsubmission_file_/answers.json", "", "", "2026009"),
    ("2026001.zip/2026002/answers.json", "2026002", "", "2026001"),  # the outermost counts
])  # fmt: skip
def test_where_it_lies_says_whose_it_is(path, student_id, name, owner):
    found = owner_of(path, student_id, name)
    assert (found.student.id, found.known) == (owner, True)
    assert found.by == (BY_USER if path.startswith(f"{owner}/homework/") else BY_PLACE)


@pytest.mark.parametrize(("path", "student_id", "name", "owner", "by"), [
    ("homework/001/answers.json", "007", "", "007", BY_ID), ("007/answers.json", "2026001", "", "2026001", BY_ID),
    ("12026001.json", " ２０２６００２ ", "王小明", "2026002", BY_ID),
    ("answers.json", "", "zhang  SAN", "007", BY_NAME),
    ("2026001 and 2026002.json", "007", "", "007", BY_ID), ("answer.json", "007", "", "007", BY_ID),
    ("王小明的作业 Mia Filer.json", "007", "", "007", BY_ID),
    ("mia 王小明 r 王小.json", "007", "", "007", BY_ID),
])  # fmt: skip
def test_else_what_is_written_in_it(path, student_id, name, owner, by):
    found = owner_of(path, student_id, name)
    assert (found.student.id, found.by, found.known) == (owner, by, True)


@pytest.mark.parametrize(("path", "student_id", "name", "called"), [
    ("answers.json", "2099", "王小明", Student("2099", "王小明")), ("answers.json", "", "李雷", Student("", "李雷")),
    ("王小明明/answers.json", "", "", Student("")), ("x2026001/homework/a.json", "2026001", "", Student("x2026001")),
    ("x\u202e/homework/a.json", "\ud800", "", Student("x")),
])  # fmt: skip
def test_what_is_of_nobody_is_called_as_it_calls_itself(path, student_id, name, called):
    found = owner_of(path, student_id, name)
    assert (found.student, found.known) == (called, False)


def owner_of(path, student_id, name):
    content = parse(make.data(student_id, name))
    return Register(CLASS).owner(HandIn(tuple(path.split("/")), content=content))


def test_of_two_students_of_one_name_it_is_said_that_there_are_two():
    hand_ins = [HandIn((f"{name}.json",), 1.0, parse(make.data("", name))) for name in ("李雷", "韩梅梅")]
    told = {mark.student.name: mark.reasons for mark in grade(hand_ins, CLASS) if mark.status == UNKNOWN}
    assert "2 students of the roster have this name (ids 2026005, 2026006)" in told["李雷"][0]
    assert told["韩梅梅"][0] == "no student of the roster"


@pytest.mark.parametrize(("roster", "said"), [
    (["70001"], "no student of the roster; only zeros at the beginning set its id 70001 apart"),
    (["70001", "070001"], "no student of the roster"), (["70002"], "no student of the roster"),
])  # fmt: skip
def test_an_id_that_a_spreadsheet_has_shortened_is_named_as_the_likely_reason(roster, said):
    hand_in = HandIn(("answers.json",), 1.0, parse(make.data("0070001")))
    [mark] = [mark for mark in grade([hand_in], map(Student, roster)) if mark.status == UNKNOWN]
    assert mark.reasons[0].partition(": ")[0] == said
