"""The register of claims has no open line; and each fault of a mark or of a number is noticed and named."""
import dataclasses

from helpers import ROOT
from tests.tools import claim_patterns, claims, editions, measure

import nbformat
import pytest

NOTEBOOKS = editions.committed()
ZH = "有批归一化，准确率是 0.92，高 14%。"
EN = "With BatchNorm the accuracy is 0.92, 14 % higher."
CODE = "# 0.71 in a comment\ndifference = 0.14\nassert difference > 0.05, f'{difference:.7f}'"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_register_has_no_open_line(path):
    assert claims.problems(path) + claims.out_of_step(path) == []


def stream(text):
    return nbformat.v4.new_output("stream", text=text)


def code(name, source, *outputs):
    return nbformat.v4.new_code_cell(source, id=name, outputs=list(outputs), execution_count=1)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Writes a small course, whose notebook 01 has a given text, and gives the path of the notebook in one language."""
    monkeypatch.setattr(measure, "MEASURED", tmp_path / "measured")
    (tmp_path / "measured").mkdir()
    measured = measure.document("01_name", range(20), {"lr": "accuracy 0.93, with 20 seeds"})
    (tmp_path / "measured/01_name.txt").write_text(measured, encoding="utf-8")

    def write(text, language="en", twin=None):
        for name, words in (("zh", text), ("en", text)):
            (tmp_path / name).mkdir(exist_ok=True)
            words = words if name == language or twin is None else twin
            cells = [
                nbformat.v4.new_markdown_cell(words, id="text"),
                code("lr", "print(accuracy)", stream("accuracy 0.924, of 1,200 images 86% right, below 1e-05\n")),
                code("figure", CODE),
                code("silent", "x = 3"),
            ]
            for number in ("01", "02"):
                nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / name / f"{number}_name.ipynb")
        claims.read.cache_clear()
        return tmp_path / language / "01_name.ipynb"

    return write


@pytest.mark.parametrize("text", [
    f"{ZH}<!-- shown: lr figure -->",
    f"{EN} <!-- shown: lr figure -->",
    f"{EN} <!-- shown: 02:lr 02:figure -->",
    "The accuracy is 0.93 with 20 seeds. <!-- shown: measured:lr -->",
    "It is 0.93. <!-- shown: 02:lr measured:lr -->",
    f"{EN} <!-- not shown: found by Ioffe, 2015 -->",
    "It is 0.92 <!-- shown: lr --> and 14 % higher. <!-- shown: figure -->",
    "- a: 0.92 <!-- shown: lr -->\n- b: 0.14 <!-- shown: figure -->",
    "| a | b |\n|---|---|\n| a | 0.92 <!-- shown: lr --> |\n| b | 0.14 <!-- shown: figure --> |",
    "Below $10^{-5}$, of 1200 images 86 %. <!-- shown: lr -->",
    "$0.7 \\times 0.2 \\approx 0.14$ <!-- shown: figure -->",
    "Is it more than 0.5? **真的大于 0.5 吗？**",
    "**Exercise 3.** Make it 7 times larger.\n\n**练习 3**　放大 7 倍。",
    "## 2. Why\n\n### 8.1 What\n\nSee Section 8.1, `x = 3`, $x = 3$, [more than 7](8.md) <!-- not shown: a link -->",
    "$$x = 3$$\n\n```\nx = 3  # larger\n```\n\nIoffe (2015), ResNet-18, 8×8, `[3, 4]`, Paddle 2.6, variance 1.",
    "Plain words.\n\n## References\n\n- A paper of 1234, larger than life. 2015.",
    "<details><summary>The 7 best</summary>\n\nIt is 0.92. <!-- shown: lr -->\n\n</details>",
])  # fmt: skip
def test_what_is_marked_or_claims_nothing_passes(course, text):
    assert claims.problems(course(text)) == []


@pytest.mark.parametrize(("text", "said"), [
    (ZH, "no mark: 0.92, 14%"),
    (EN, "no mark: 0.92, 14 %, higher"),
    ("BatchNorm learns faster.", "no mark: faster"),
    ("批归一化学得更快。", "no mark: 更"),
    ("准确率比没有它时高。", "no mark: 比没有它时高"),
    ("Is it? Yes, 3 of them.", "no mark: 3"),
    ("是吗？有 3 个。", "no mark: 3"),
    (f"Once. <!-- shown: lr --> {EN}", "no mark: 0.92"),
    (f"<details><summary>Answer</summary>\n\n{EN}\n\n</details>", "no mark: 0.92"),
    (f"{EN}\n\n<!-- shown: lr figure -->", "no mark: 0.92"),
    (f"{EN}\n\n<!-- shown: lr figure -->", "covers no text: shown: lr figure"),
    (f"{EN} <!-- shown: nowhere -->", "no cell (nowhere)"),
    (f"{EN} <!-- shown: text -->", "(text) is no code cell"),
    (f"{EN} <!-- shown: lr silent -->", "(silent) has neither output nor assertion"),
    (f"{EN} <!-- shown: 07:lr -->", "no notebook 07"),
    (f"{EN} <!-- shown: measured:figure -->", "01_name.txt has no section [figure]"),
    (f"{EN} <!-- shown: 02:measured:lr -->", "02_name.txt has no section [lr]"),
    (f"{EN.replace('0.92', '0.93')} <!-- shown: lr figure -->", "not in lr figure: 0.93"),
    (f"{ZH.replace('14%', '15%')} <!-- shown: lr figure -->", "not in lr figure: 15%"),
    (f"{EN} <!-- shown: lr -->", "not in lr: 14 %"),
    ("It is 0.71. <!-- shown: figure -->", "not in figure: 0.71"),
    ("It is 0.012 [0.003, 0.021]. <!-- shown: figure -->", "not in figure: 0.012, 0.003, 0.021"),
    ("Of 7 and of 7 digits. <!-- shown: figure -->", "not in figure: 7, 7"),
    ("$0.9^5 \\approx 0.59$ <!-- shown: figure -->", "not in figure: 0.59"),
    (f"{EN} <!-- not shown: because -->", "no reason is given: not shown: because"),
    (f"{EN} <!-- show: lr figure -->", "a comment that is no mark: <!-- show: lr figure -->"),
    (f"{EN} <!-- shown: -->", "a comment that is no mark"),
    (f"Words.\n<!-- shown: lr figure --> {EN}", "a mark begins a line"),
])  # fmt: skip
def test_each_fault_is_named(course, text, said):
    found = claims.problems(course(text))
    assert any(said in line and "(text)" in line for line in found), found


@pytest.mark.parametrize(("text", "output", "fits"), [
    ("0.92", "0.924", True),
    ("0.92", "0.926", False),
    ("-0.003", "a difference of -0.0031", True),
    ("14 %", "0.142", True),
    ("14%", "14 %", True),
    ("14%", "14", False),
    ("14 %", "1.14", False),
    ("5 to 7 %", "0.05 0.07", True),
    ("3 percentage points", "0.031", True),
    ("3 个百分点", "0.031", True),
    ("3 万", "30,412", True),
    ("1,200", "1200", True),
    ("1200", "[1,200]", True),
    ("$10^{-3}$", "0.0012", True),
    ("$10^{-3}$", "0.012", False),
    ("$5 \\times 10^{-8}$", "4.9e-08", True),
    ("3.8 × 10⁹", "3.84e9", True),
    ("1e-5", "1e-05", True),
    ("$8/3$", "2.667", True),
    ("$\\sqrt{2/64}$", "0.18", True),
    ("With 2000 images", "2,000", True),
    ("每张图 49 个数", "49", True),
    ("64-bit 3", "x3, float32 and 0.3", False),
    ("3", "x3, float32 and 0.3", False),
], ids=str)  # fmt: skip
def test_a_number_is_looked_for_as_it_is_rounded(text, output, fits):
    found = claim_patterns.numbers(claim_patterns.clean(text))
    assert found and all(number.is_among(claim_patterns.in_output(output)) for number in found) == fits


@pytest.mark.parametrize("text", [
    "rather than that, no longer, one more hint, at least some, in the lower row",
    "notebook 01, see 9.4, 用ResNet-18，layer 20, 第 20 层，见 8.1，CIFAR-10, 2015 年",
    "第 3 节的比例与对比度，比如更新最后一层，看不到倍数，最大值",
    "ICML 2015, (Ba et al., 2016), Ioffe 与 Szegedy（2015），arXiv 1502.03167, notebook 05, Exercise 7, 练习 7 和 8",
    "the 95 % interval, 95% 的区间, GPT-2, BatchNorm2D, float32, W1, Paddle 3.3 and 3.3.1, [8, 3], 3×3, H·W",
], ids=str)  # fmt: skip
def test_what_is_no_claim(text):
    plain = claim_patterns.clean(text)
    assert claim_patterns.numbers(plain) == [] and claim_patterns.COMPARATIVE.findall(plain) == []


def test_the_editions_carry_the_same_marks(course):
    marked = f"{ZH}<!-- shown: lr figure -->"
    assert claims.out_of_step(course(marked, "zh", twin=f"{EN} <!-- shown: lr figure -->")) == []
    assert claims.out_of_step(course(marked, "zh", twin=f"{EN} <!-- shown: lr -->")) != []
    [line] = claims.out_of_step(course(marked, "zh", twin=EN))
    assert "(text)" in line and "shown: lr figure" in line


def test_a_changed_number_of_the_course_is_noticed():
    """Each number of each sentence that a cell shows is made another one."""
    tried, unnoticed = 0, []
    for path in NOTEBOOKS:
        for part in (part for cell in claims.texts(path) for part in claims.parts(cell) if part.kind == "shown"):
            for number in claim_patterns.numbers(claim_patterns.clean(" ".join(part.sentences))):
                if number.decimals and number.words in part.text:  # not one that a formula gives
                    changed = dataclasses.replace(part, text=part.text.replace(number.words, "98765.432"))
                    tried += 1
                    unnoticed += [] if list(claims.part_problems(changed, path)) else [f"{part.cell}: {number.words}"]
    assert tried and unnoticed == []


def test_the_command_lists_finds_and_gives_reasons(course, capsys):
    path = str(course(f"{EN} <!-- shown: lr figure -->\n\nIt is 3. <!-- not shown: a mere guess -->"))
    assert claims.main([path]) == 0
    assert capsys.readouterr().out == "1 notebooks have no open line\n"
    assert claims.main([path, "--reasons"]) == 0
    assert "(text): a mere guess\n    It is 3." in capsys.readouterr().out
    assert claims.main([path, "--find", "ACCURACY IS"]) == 0
    found = capsys.readouterr().out
    assert "(lr) [1]" in found and "accuracy 0.924" in found and "assert difference > 0.05" in found
    assert claims.main([path, "--find", "no such words"]) == 1
    path = str(course(EN))
    assert claims.main([path]) == 1 and "no mark: 0.92" in capsys.readouterr().out
