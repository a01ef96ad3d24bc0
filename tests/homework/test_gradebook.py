"""Marks are written down so that Excel and browsers show them, and nothing that a student typed runs there."""
import csv
import html.parser
import importlib.util
import os
import sqlite3
from contextlib import closing

from helpers.checks import Unusable
from helpers.commands.grade import main as command
from helpers.homework import gradebook
from helpers.homework.gradebook import write_feedback, write_gradebook, write_sheet
from helpers.homework.grading import grade
from helpers.homework.reading import read_all
from helpers.homework.roster import Student
from helpers.language import speak
from tests.tools import hand_ins as make

import pytest

EVIL = "<script>alert(1)</script>"
PLAIN_TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "ul", "li", "table", "tr", "td", "th",
}  # fmt: skip
CLASS = [
    Student("2026001", "王小明"), Student("../../up", "=1+1"), Student("con", ""), Student("a/b", EVIL),
    Student("A:b", EVIL), Student("2026009", "nobody"),
]  # fmt: skip


NBGRADER = pytest.mark.skipif(importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed")


class Page(html.parser.HTMLParser):
    """The tags and the text of a page, as a browser finds them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attributes)

    def handle_data(self, data):
        self.texts.append(data.strip())


@pytest.fixture
def marks(tmp_path):
    folder = tmp_path / "in"
    make.write(folder / "1.json", make.data("2026001", counts={"batch additions": EVIL, "image additions": 5}))
    make.write(folder / "2.json", make.data("../../up", "=1+1"))
    make.write(folder / "3.json", make.data("con"))
    make.write(folder / "4.json", make.data("a/b"))
    make.write(folder / "5.json", make.blank("A:b"))
    make.write(folder / "6.json", make.data("+1", "@SUM(1)"))
    make.write(folder / f"7{EVIL}.json".replace("/", "_"), "{")
    return grade(read_all(folder), CLASS)


def test_the_sheet_opens_in_excel_and_calculates_nothing(tmp_path, marks):
    path = tmp_path / "out/grades.csv"
    write_sheet(marks, path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [*rows[0]] == ["id", "name", "status", "task 1", "task 2", "total", "of", "reason", "file"]
    assert [(row["id"], row["status"], row["task 1"], row["task 2"], row["total"], row["of"]) for row in rows] == [
        ("2026001", "graded", "5", "20", "25", "30"), ("../../up", "graded", "10", "20", "30", "30"),
        ("con", "graded", "10", "20", "30", "30"), ("a/b", "graded", "10", "20", "30", "30"),
        ("A:b", "blank", "0", "0", "0", "30"), ("2026009", "missing", "0", "0", "0", "30"),
        ("'+1", "unknown", "10", "20", "30", "30"), ("", "unreadable", "", "", "", "30"),
    ]  # fmt: skip
    assert rows[1]["name"] == "'=1+1" and rows[6]["name"] == "'@SUM(1)"
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


def test_each_student_has_a_page_on_which_nothing_runs(tmp_path, marks):
    folder = tmp_path / "out/feedback"
    write_feedback(marks, folder)
    pages = {path.name: Page(path.read_text(encoding="utf-8")) for path in folder.iterdir()}
    script = "script_alert_1_script"
    assert pages.keys() == {
        "2026001-王小明.html", "up-_1_1.html", "_con.html", f"a_b-_{script}.html", f"A_b-_{script}-1.html",
        "2026009-nobody.html", "1-_SUM_1.html", "unknown-7_script_alert_1__script_json.html",
    }  # fmt: skip
    assert not [path for path in tmp_path.parent.glob("up*") if path.is_file()]  # other tests have folders there
    for page in pages.values():
        assert page.tags <= PLAIN_TAGS
    texts = pages["2026001-王小明.html"].texts
    assert "25 of 30 points" in texts and f"'{EVIL}'" in texts and "3 / 3" in texts and "0 / 2" in texts
    assert any(EVIL in text for text in pages[f"a_b-_{script}.html"].texts)
    everything = " ".join(text for page in pages.values() for text in page.texts)
    assert "834928640" in everything and "834928640" not in " ".join(texts)  # no solution but those that were typed


def test_pages_of_an_earlier_run_go_and_others_stay(tmp_path, marks):
    make.write(tmp_path / "index.html", "of the teacher")
    write_feedback(marks, tmp_path)
    write_feedback(marks[:1], tmp_path)
    assert {path.name for path in tmp_path.glob("*.html")} == {"index.html", "2026001-王小明.html"}


def test_a_name_of_many_bytes_is_cut_between_two_letters(tmp_path):
    make.write(tmp_path / "in/1.json", make.data("", "𠮷" * 60))
    make.write(tmp_path / "in/2.json", make.data("", "a" + "𠮷" * 59))
    write_feedback(grade(read_all(tmp_path / "in"), CLASS[:1]), tmp_path)
    names = {path.stem for path in tmp_path.glob("*.html")}
    assert names == {"2026001-王小明", "𠮷" * 37, "a" + "𠮷" * 37}


def test_feedback_speaks_the_language_of_the_command(tmp_path, marks):
    speak("zh")
    try:
        write_feedback(marks[:1], tmp_path)
    finally:
        speak("en")
    page = Page((tmp_path / "2026001-王小明.html").read_text(encoding="utf-8"))
    assert "25 分，满分 30 分" in page.texts and "第 1 题" in page.texts


@NBGRADER
def test_marks_go_into_nbgraders_gradebook_as_a_teachers_own(tmp_path, marks):
    from nbgrader.api import Gradebook

    for _ in range(2):  # a second time changes nothing
        write_gradebook(marks, tmp_path / "new/gradebook.db")
    with Gradebook(f"sqlite:///{tmp_path / 'new/gradebook.db'}") as book:
        scores = {row["student"]: row["score"] for row in map(dict, book_rows(book))}
        assert scores == {"2026001": 25, "../../up": 30, "con": 30, "a/b": 30, "A:b": 0}
        assert book.find_assignment("homework").max_score == 30
        book.remove_submission("homework", "con")
        for cell in book.find_notebook("04_homework", "homework").grade_cells:
            book.db.delete(cell)
        book.db.commit()
        book.add_submission("homework", "con")  # as nbgrader does when nothing in the notebook is graded
    write_gradebook(marks, tmp_path / "new/gradebook.db")
    with Gradebook(f"sqlite:///{tmp_path / 'new/gradebook.db'}") as book:
        assert book.find_submission("homework", "con").score == 30


@NBGRADER
@pytest.mark.parametrize("name", ["what?.db", "100%41.db", "#1 成绩.db"])
def test_the_gradebook_is_where_it_was_asked_for(tmp_path, marks, name):
    if os.name == "nt" and "?" in name:
        pytest.skip("no file of Windows has such a name")
    write_gradebook(marks[:1], tmp_path / "new" / name)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


@NBGRADER
def test_a_gradebook_that_cannot_be_written_is_named_with_the_reason(tmp_path, marks, monkeypatch):
    monkeypatch.setattr(gradebook, "PATIENCE", 0.1)
    good, damaged, foreign = (tmp_path / f"{name}.db" for name in ("good", "damaged", "foreign"))
    write_gradebook(marks[:1], good)
    damaged.write_bytes(good.read_bytes()[:5000])
    with closing(sqlite3.connect(foreign)) as database:
        database.execute("CREATE TABLE users (name)")
        database.commit()
    before = foreign.read_bytes()
    text = make.write(tmp_path / "text.db", "no database " * 1000)
    for path, reason in ((damaged, "malformed"), (foreign, "none of nbgrader's"), (text, "not a database")):
        with pytest.raises(Unusable, match=f"the gradebook .*{path.name}.*{reason}"):
            write_gradebook(marks[:1], path)
    assert foreign.read_bytes() == before
    with closing(sqlite3.connect(good)) as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unusable, match=r"good\.db .*locked.*close what is using it"):
            write_gradebook(marks[:1], good)
    roster = make.write(tmp_path / "roster.csv", "id,name\n2026001,a\n")
    given = [tmp_path / "in", "--roster", roster, "--output", tmp_path / "out", "--gradebook", text]
    with pytest.raises(SystemExit, match=r"Unusable: the gradebook .*text\.db"):
        command(list(map(str, given)))


def book_rows(book):
    """The students who have handed in, with their scores."""
    return [{"student": one.student.id, "score": one.score} for one in book.assignment_submissions("homework")]
