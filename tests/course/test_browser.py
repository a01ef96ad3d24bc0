"""The notebooks as learners see them: in JupyterLab, in a real browser.

Both editions have the same cells and the same code (tests.tools.pairing). Each notebook is run here in one of them (the
homework in both) and held against what is committed, as nbval does with the other edition: no notebook is run twice.
There the committed page is looked at: its figures, folded hints, links.
"""
import copy
import json
import re
import shutil
import urllib.error
from pathlib import Path

from helpers import ROOT
from helpers.exercises.feedback import BLANK, NOT_YET, RIGHT
from helpers.homework.submission import parse
from tests.tools import chromium, editions, make_homework, pairing, rerun
from tests.tools.waiting import wait

import nbformat
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements-dev.txt)")

from tests.tools import jupyter_page

NOTEBOOKS = [path.relative_to(ROOT).as_posix() for path in editions.committed()]
HOMEWORK = "notebooks/zh/04_homework.ipynb"
EYES = "notebooks/zh/05_eye_disease_resnet.ipynb"
RUN = [name for name in chromium.NOTEBOOKS if name != HOMEWORK]  # that one in test_typing_the_homework
LOOK = [name for name in NOTEBOOKS if name not in RUN]
SECONDS = 3600  # for what hangs; a notebook takes up to three minutes on two cores that are free
TOTALS = {"en": "together: {} right, {} wrong, {} not answered", "zh": "合计：对 {} 个，错 {} 个，未作答 {} 个"}
NOTHING = {"en": "nothing is answered yet, so nothing is handed in", "zh": "还没有作答，所以没有提交"}
BAR = re.compile(r"(.*?)\s*\d+%\|")


@pytest.fixture(scope="module")
def desk(browser, tmp_path_factory):
    """JupyterLab on a copy of what a learner opens: what is saved or computed here changes no committed file."""
    scratch = tmp_path_factory.mktemp("lab")
    course = scratch / "course"
    # Everything a learner may come across, without what the course has computed: it starts as on the first day.
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "data", "grading", "tests")
    shutil.copytree(ROOT, course, ignore=ignored)
    (course / "data").mkdir()
    for page in (ROOT / "data").glob("README*.md"):
        shutil.copy(page, course / "data")
    with jupyter_page.lab(browser, course, scratch, PALM_DIR="rendered") as running:
        yield running


@pytest.fixture
def opened(desk, tmp_path):
    """Opens a notebook; a failure's message names a picture of the page."""
    return lambda name: desk.opened(name, tmp_path)


@pytest.mark.parametrize("status", [500, 403])
def test_kernels_are_ended_as_soon_as_none_is_starting(monkeypatch, status):
    desk, asked, statuses = jupyter_page.Desk(None, ROOT, "http://127.0.0.1:1", "token"), [], [status, status, 200]

    def request(path, method="GET"):
        asked.append((method, path))
        if method == "GET" and (got := statuses.pop(0)) != 200:
            raise urllib.error.HTTPError(path, got, "", {}, None)
        return b'[{"id": "k1"}]'

    monkeypatch.setattr(desk, "request", request)
    listing = ("GET", "api/kernels")
    if status == 500:
        wait(desk.end_kernels, "no kernel is starting", 60)
        assert asked == [listing, listing, listing, ("DELETE", "api/kernels/k1")]
    else:
        with pytest.raises(urllib.error.HTTPError):
            desk.end_kernels()
        assert asked == [listing]


def exercises(notebook):
    """How many exercises the text of a notebook sets."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return len(set(re.findall(r"\*\*(?:练习|Exercise) (\d+)", text)))


def links(notebook):
    """The targets in the repository that the text of a notebook links to."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found |= dict.fromkeys(re.findall(r"\]\((?!https?:)([^)#\s]+)\)", cell.source))
    return list(found)


def check_outputs(page):
    """No error; every figure that the committed notebook shows, and not of one colour; feedback for every exercise."""
    assert page.complaints() == []
    shown = page.outputs()
    assert [cell["prompt"] for cell in shown.values()] == [f"[{count}]:" for count in range(1, len(shown) + 1)]
    for number, cell in shown.items():
        committed = editions.figures(page.file.cells[number].outputs)
        variances = cell["figures"]
        assert len(variances) == committed, f"cell {number + 1} shows {len(variances)} figures, not {committed}"
        assert all(variance > 1 for variance in variances), f"cell {number + 1} shows an empty figure"
    check_exercises(page, "\n".join(cell["text"] for cell in shown.values()))


def check_texts(page):
    """Every cell shows the text that the committed notebook shows, as nbval compares them."""
    shown, committed = map(without_blanks, (page.saved(), page.file))
    assert rerun.differences(shown, committed)[0] == []


def without_blanks(notebook):
    """A copy without blanks at the ends of lines, which JupyterLab leaves where a progress bar was."""
    notebook = copy.deepcopy(notebook)
    streams = [output for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]
    for output in streams:
        output.text = "\n".join(line.rstrip() for line in output.text.split("\n"))
    return notebook


def check_exercises(page, said):
    """The learner is told what is not answered; in the solutions everything is right."""
    language = editions.language_of(page.name)
    right, blank, not_yet = (f": {getattr(text, language)}" for text in (RIGHT, BLANK, NOT_YET))
    unanswered = re.findall(rf"^.+{blank}$", said, re.MULTILINE)
    if "solutions" in page.name:
        assert not unanswered and ": wrong" not in said and "：错" not in said and not_yet not in said
        assert len(re.findall(f"{right}$", said, re.MULTILINE)) >= exercises(page.file)
    elif "homework" in page.name:
        assert len(unanswered) >= exercises(page.file)
        assert [TOTALS[language].format(0, 0, count) in said for count in (6, 25, 32, 37)] == [True] * 4
        assert NOTHING[language] in said
    else:
        assert len(unanswered) == exercises(page.file) > 0, unanswered


def check_text(page, language):
    """MathJax has drawn every formula of the text, and no formula or Markdown is left as it was typed."""
    for number, (drawn, words) in page.texts().items():
        expected = len(pairing.outline(page.file.cells[number].source, language)["formulas"])
        assert drawn == expected, f"cell {number + 1}: {drawn} of {expected} formulas are drawn"
        left = re.search(r".{0,30}(?:\$|\\[a-zA-Z]{2,}|`|\*\*).{0,30}", words)
        assert not left, f"cell {number + 1} shows something raw: {left[0]!r}"


@pytest.mark.all
@pytest.mark.parametrize("name", LOOK)
def test_the_committed_page(opened, desk, name):
    """Formulas, figures and feedback are shown, every folded hint opens on a click, and every link leads to a file.

    One link to a notebook and one to a page are clicked on: each that is opened costs seconds.
    """
    with opened(name) as page:
        check_text(page, editions.language_of(name))
        check_outputs(page)
        heights = page.unfold_all()
        assert len(heights) == sum(cell.source.count("<details>") for cell in page.file.cells)
        assert all(unfolded > folded + 10 for folded, unfolded in heights), heights
        targets = links(page.file)
        assert targets
        for target in targets:
            path, there = page.link(target)
            assert there.count() and (desk.root / path).is_file(), f"the link {target} leads nowhere"
        for target in {Path(target).suffix: target for target in targets}.values():
            page.follow(target)


@pytest.mark.parametrize("name", RUN)
def test_run_all(opened, name):
    """Without an error, with every figure and the committed text; every exercise says that it is not answered.

    In the notebook that trains, a progress bar moves.
    """
    with opened(name) as page:
        check_text(page, editions.language_of(name))
        page.run_all(SECONDS)
        check_outputs(page)
        check_texts(page)
        if name == EYES:
            names = [BAR.match(bar)[1] for bar in page.bars()]
            assert max(map(names.count, names), default=0) >= 2, f"no progress bar has moved: {page.bars()}"


STUB = "# 在这里写你的答案"
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.+)\n### END SOLUTION", re.DOTALL)
COMMENT = re.compile(r"^#.*\n|  #.*", re.MULTILINE)


def test_typing_the_homework(opened, desk):
    """The answers are typed into the cells: the feedback says that all is right, and the file to hand in is made."""
    made = desk.root / "data/homework"
    shutil.rmtree(made, ignore_errors=True)
    with opened(HOMEWORK) as page:
        page.run_all(SECONDS)
        check_outputs(page)
        check_texts(page)
        numbers = {cell.id: number for number, cell in enumerate(page.file.cells)}
        for cell in nbformat.read(make_homework.SOLUTIONS["zh"], as_version=4).cells:
            if cell.id.startswith(("hw-ex", "hw-answers")) and (answer := SOLUTION.search(cell.source)):
                page.retype(numbers[cell.id], STUB, COMMENT.sub("", answer[1]))
                page.run(numbers[cell.id])
                assert "answers" in cell.id or page.printed(numbers[cell.id]).endswith(f": {RIGHT.zh}")
        for name in ("hw-feedback1", "hw-feedback2", "hw-hand-in-run"):
            page.run(numbers[name])
        assert TOTALS["zh"].format(6, 0, 0) in page.printed(numbers["hw-feedback1"])
        assert TOTALS["zh"].format(25, 0, 0) in page.printed(numbers["hw-feedback2"])
        said = page.printed(numbers["hw-hand-in-run"])
        assert "乘法867041280,加法834928640" in said and "已写入 data/homework/001/answers.json：" in said
        assert page.cells.nth(numbers["hw-hand-in-run"]).locator("table").count() == 2  # for eyes, not raw JSON
        assert page.complaints() == []
    handed_in = parse(json.loads((made / "001/answers.json").read_text(encoding="utf-8")))
    assert handed_in.counts["batch additions"] == 834_928_640 and handed_in.edition == "zh"
