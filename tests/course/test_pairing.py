"""The Chinese and the English edition are in step; and each way to drift apart is noticed and named."""
import copy
import shutil

from helpers import ROOT
from tests.tools import editions, pairing

import nbformat
import pytest

ZH_TEXT = r"""## 1. 标题

看 $x_i$ 和 $\sigma^2$，[下一本](02.ipynb)，![图](figure.png)，`answer = 1`，<https://arxiv.org/abs/1>。

$$y^{\text{训练}} = \frac{x}{1-p}$$

| 层 | 参数 |
|---|---|
| `Dropout` | $p$ |

<details><summary>答案</summary>

```python
answer = 1  # 一
```
</details>

见[说明](../../README.zh-CN.md)。

[English version](../en/01.ipynb)"""

EN_TEXT = r"""## 1. A heading

`answer = 1`: $\sigma^2$ comes after $x_i$. See <https://arxiv.org/abs/1>, ![a figure](figure.png), [next](02.ipynb).

$$y^{\text{train}} = \frac{x}{1-p}$$

| layer | parameter |
|---|---|
| `Dropout` | $p$ |

<details><summary>Answer</summary>

```python
answer = 1  # one
```
</details>

See the [README](../../README.md).

[中文版](../zh/01.ipynb)"""

ZH_CODE, EN_CODE = "x = 1  # 一\nprint(x)", "x = 1  # one\nprint(x)"
RANDOM = "# NBVAL_IGNORE_OUTPUT\nprint(x)"


def stream(text):
    return nbformat.v4.new_output("stream", text=text)


def figure(text):
    return nbformat.v4.new_output("display_data", data={"image/png": "AAAA", "text/plain": text})


def code(name, source, *outputs, count=1):
    return nbformat.v4.new_code_cell(source, id=name, outputs=list(outputs), execution_count=count)


def markdown(name, text):
    return nbformat.v4.new_markdown_cell(text, id=name)


def notebook(text, source, random="5\n"):
    cells = [
        markdown("text", text),
        code("code", source, stream("1\n"), figure("<Figure>")),
        code("random", RANDOM, stream(random), count=2),
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata=editions.METADATA)


def pair():
    return notebook(ZH_TEXT, ZH_CODE), notebook(EN_TEXT, EN_CODE, random="6\n")


def test_translated_words_comments_and_ignored_outputs_are_no_drift():
    assert pairing.notebook_problems(*pair()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## 1.", "### 1.", "headings, only in zh: ['##'], only in en: ['###']"),
        ("## 1. A", "1. A", "headings, only in zh: ['##']"),
        (r"$\sigma^2$", r"$\sigma$", r"only in zh: ['$\\sigma^2$'], only in en: ['$\\sigma$']"),
        (r"{1-p}", r"{p}", "formulas"),
        (r"\text{train}", r"\text{train}'", "formulas"),
        (" comes after $x_i$", "", "formulas, only in zh: ['$x_i$']"),
        ("(02.ipynb)", "(03.ipynb)", "links, only in zh: ['02.ipynb'], only in en: ['03.ipynb']"),
        ("abs/1>", "abs/2>", "links"),
        ("README.md", "../README.md", "links"),
        ("[中文版](../zh/01.ipynb)", "", "links, only in zh: ['../TWIN/01.ipynb']"),
        ("../zh/01", "../zh/02", "links"),
        ("figure.png", "other.png", "images"),
        ("| `Dropout` | $p$ |\n", "| `Dropout` | $p$ |\n| a | b |\n", "table rows, only in en: ['2 columns']"),
        ("| $p$ |", "| $p$ | |", "table rows, only in zh: ['2 columns'], only in en: ['3 columns']"),
        ("</details>", "", "details tags, only in zh: ['</details>']"),
        ("<details><summary>", "<summary><details>", "details tags, in another order"),
        ("`answer = 1`", "`answer = 2`", "code in backticks"),
        ("answer = 1  #", "answer = 2  #", "code blocks"),
        ("See the", "见 the", "Chinese in en: "),
        (r"\text{train}", r"\text{训练}", "Chinese in en: "),
        ("next", "next，", "Chinese in en: "),
    ],
)
def test_drift_of_text_is_noticed(old, new, said):
    zh, en = pair()
    assert old in en.cells[0].source
    en.cells[0].source = en.cells[0].source.replace(old, new, 1)
    found = pairing.notebook_problems(zh, en)
    assert any(problem.startswith("cell 1 (text): ") and said in problem for problem in found), found


def change(number, **values):
    """Gives cell `number` other values."""
    return lambda notebook: notebook.cells[number - 1].update(values)


CODE = "cell 2 (code): "


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        (change(2, source="x = 2  # one\nprint(x)"), CODE + "code, zh has 'x = 1' where en has 'x = 2'"),
        (change(2, source="x = 1"), CODE + "code, zh has 'print(x)' where en has '(nothing)'"),
        (change(2, source="x ="), CODE + "code, zh has"),
        (change(2, source=ZH_CODE), CODE + "Chinese in en: 'x = 1  # 一"),
        (change(2, cell_type="markdown"), CODE + "type, zh code, en markdown"),
        (change(2, metadata={"tags": ["a"]}), CODE + "metadata"),
        (change(2, outputs=[stream("2")]), CODE + r"output, only in zh: ['1\n', '<Figure>'], only in en: ['2']"),
        (change(2, outputs=[stream("1\n"), figure("<Axes>")]), CODE + "output, only in zh: ['<Figure>']"),
        (change(2, outputs=[stream("1\n")]), CODE + "output, only in zh"),
        (change(2, outputs=[figure("<Figure>"), stream("1\n")]), CODE + "output, in another order"),
        (change(3, source=f"{RANDOM} + 1"), "cell 3 (random): code, "),
        (change(2, id="renamed"), "cells (3 in zh, 3 in en), only in zh: ['code'], only in en: ['renamed']"),
        (lambda en: en.cells.pop(1), "cells (3 in zh, 2 in en), only in zh: ['code']"),
        (lambda en: en.cells.append(code("more", "x")), "cells (3 in zh, 4 in en), only in en: ['more']"),
        (lambda en: en.cells.reverse(), "in another order: ['text', 'code', 'random']"),
        (lambda en: en.update(metadata={"kernelspec": {"name": "python2"}}), "metadata of the notebook"),
    ],
)
def test_drift_of_code_and_cells_is_noticed(drift, said):
    zh, en = pair()
    drift(en)
    found = pairing.notebook_problems(zh, en)
    assert any(said in problem for problem in found), found


def set_text(text, *notebooks):
    """Has the code cell of the notebooks print the text."""
    for each in notebooks:
        each.cells[1].outputs[0].text = text


def test_chinese_in_the_output_is_noticed():
    zh, en = pair()
    set_text("一\n", zh, en)
    [problem] = pairing.notebook_problems(zh, en)
    assert problem.startswith(CODE + "Chinese in en: ") and "一" in problem


@pytest.mark.parametrize("reply", ["乘法867041280,加法834928640\n", "handed in\n乘法?,加法26\n"])
def test_the_reply_that_the_course_wants_may_be_chinese(reply):
    zh, en = pair()
    set_text(reply, zh, en)
    assert pairing.notebook_problems(zh, en) == []
    set_text(reply.replace("加法", "减法"), zh, en)
    [problem] = pairing.notebook_problems(zh, en)
    assert problem.startswith(CODE + "Chinese in en: ")
    set_text(reply, zh)
    set_text(reply.replace("法", "法0", 1), en)
    [problem] = pairing.notebook_problems(zh, en)
    assert problem.startswith(CODE + "output, ")


SAID = "fc1：对（5 项都是）\n合计：27 个里对了 5 个\n", "fc1: right (all 5)\ntogether: 5 of 27 right\n"


def test_feedback_is_translated_with_its_numbers_and_names():
    zh, en = pair()
    set_text(SAID[0], zh)
    set_text(SAID[1], en)
    assert pairing.notebook_problems(zh, en) == []
    for right, wrong in (("27", "28"), ("fc1", "conv1"), ("\n", "\nmore\n"), ("5 of", "6 of")):
        set_text(SAID[1].replace(right, wrong, 1), en)
        [problem] = pairing.notebook_problems(zh, en)
        assert problem.startswith(CODE + "output, ")
    set_text(SAID[1].replace("right", ""), zh)
    set_text(SAID[1], en)
    assert pairing.notebook_problems(zh, en)  # neither is Chinese: nothing is translated, so both are equal


def speaking(language, here=1, other=None):
    """A notebook of that edition whose cell `here` names a language, its own one unless it is another."""
    each = pair()[language == "en"]
    each.cells[2].outputs = []
    each.cells[here].source = f'LANGUAGE = "{other or language}"  # {"言" if language == "zh" else "speech"}\nx = 1'
    return each


def test_the_first_cell_and_only_that_says_the_language_of_the_edition():
    assert pairing.notebook_problems(speaking("zh"), speaking("en")) == []
    for zh, en in [
        (speaking("zh", other="en"), speaking("en")),
        (speaking("zh"), speaking("en", other="zh")),
        (speaking("zh", other="en"), speaking("en", other="zh")),
        (speaking("zh", other="fr"), speaking("en")),
        (speaking("zh", here=2), speaking("en", here=2)),
    ]:
        [problem] = pairing.notebook_problems(zh, en)
        assert "code, zh has" in problem and "LANGUAGE" in problem


def graded(notebook, **entries):
    """The notebook with nbgrader's entries in its code cell."""
    notebook.cells[1].metadata["nbgrader"] = {"points": 2, "checksum": "zh", **entries}
    return notebook


def test_nbgraders_checksums_may_differ_and_its_points_may_not():
    zh, en = pair()
    assert pairing.notebook_problems(graded(zh), graded(en, checksum="en")) == []
    [problem] = pairing.notebook_problems(zh, graded(en, points=3))
    assert problem.startswith(CODE + "metadata, ") and "'checksum': 'zh'" in problem


def test_formulas_and_links_in_code_are_none():
    kinds = pairing.outline("`$a$` and\n\n```\n# no heading\n[a](b) $HOME | <https://c.org>\n| a |\n```\n$b$", "en")
    assert kinds["formulas"] == ["$b$"] and not kinds["headings"] and not kinds["links"] and not kinds["table rows"]
    assert kinds["code in backticks"] == ["$a$"]


def test_chinese_words_in_backticks_may_be_translated():
    assert pairing.text_problems("`[可训练的, 64]` `a`", "`[trained, 64]` `a`") == []
    assert pairing.text_problems("`[可训练的, 64]` `a`", "`[trained, 64]` `b`") != []


# --- the course itself


def test_the_course_is_in_step():
    assert len(pairing.common()) >= 6 and pairing.problems() == []


def test_every_page_with_a_chinese_edition_is_held():
    there = [*ROOT.glob("*.zh-CN.md"), *ROOT.glob("*/*.zh-CN.md")]
    names = [path.relative_to(ROOT).as_posix().replace(".zh-CN.md", ".md") for path in there]
    assert sorted(names) == sorted(editions.PAGES)


# --- pages

ZH_README = """# 课程

[English](README.md)

```
make lab      # 打开
# 注释
py notebooks\\zh\\01.ipynb
```

## 表

| [01](notebooks/zh/01.ipynb) | 一 |
"""
EN_README = """# Course

[中文](README.zh-CN.md)

```
make lab      # opens
# a comment
py notebooks\\en\\01.ipynb
```

## Table

| [01](notebooks/en/01.ipynb) | one |
"""


def test_readmes_may_lead_to_the_notebooks_of_their_language():
    assert pairing.page_problems(ZH_README, EN_README) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## Table", "### Table", "section 2 (Table): headings"),
        ("## Table", "Table", "2 sections in zh, 1 in en"),
        ("01.ipynb\n```", "02.ipynb\n```", "section 1 (Course): code blocks"),
        ("en/01", "en/02", "section 2 (Table): links"),
    ],
)
def test_drift_of_the_readmes_is_noticed(old, new, said):
    assert old in EN_README
    found = pairing.page_problems(ZH_README, EN_README.replace(old, new, 1))
    assert any(problem.startswith(said) for problem in found), found


# --- carrying over


def test_sync_keeps_comments_where_the_tree_is_the_same_and_takes_the_outputs():
    zh, en = pair()
    set_text("3\n", zh)
    zh.cells[1].update(execution_count=7, source="x = 1  # 别的\nprint(x)")
    before = copy.deepcopy(en)
    new, say = pairing.sync(zh, en)
    assert say == [] and en == before
    assert new.cells[1].source == EN_CODE and new.cells[1].execution_count == 7
    assert new.cells[1].outputs == zh.cells[1].outputs and new.cells[2].outputs == zh.cells[2].outputs
    assert new.cells[0] == en.cells[0] and pairing.notebook_problems(zh, new) == []


def test_sync_keeps_the_checksum_of_the_source_that_it_keeps():
    zh, en = pair()
    new, say = pairing.sync(graded(zh, points=5), graded(en, checksum="en"))
    assert say == [] and new.cells[1].metadata.nbgrader == {"points": 5, "checksum": "en"}
    zh.cells[1].source = "print(2)"
    new, _ = pairing.sync(zh, en)
    assert new.cells[1].metadata.nbgrader.checksum == "zh"


def test_sync_copies_changed_code_and_asks_for_its_comments():
    zh, en = pair()
    zh.cells[1].source = "x = 2  # 二\nprint(x)"
    new, say = pairing.sync(zh, en)
    assert new.cells[1].source == zh.cells[1].source
    assert say == ["cell 2 (code): the code has changed, copied; translate its comments"]
    zh.cells[1].source = "print(2)"
    new, say = pairing.sync(zh, en)
    assert new.cells[1].source == "print(2)" and say == []


def test_sync_leaves_each_edition_its_language_and_its_feedback():
    zh, en = speaking("zh"), speaking("en")
    set_text(SAID[0], zh)
    set_text(SAID[1], en)
    for source, target in ((zh, en), (en, zh)):
        assert pairing.sync(source, target) == (target, [])
        source.cells[1].source += "\ny = 2"
        new, say = pairing.sync(source, target)
        assert new.cells[1].outputs == target.cells[1].outputs and len(say) == 1
        assert new.cells[1].source.splitlines()[0].startswith(target.cells[1].source[:15])
        assert new.cells[1].source.endswith("y = 2")
        source.cells[1].source = source.cells[1].source.removesuffix("\ny = 2")


def test_sync_follows_new_and_dropped_cells():
    zh, en = pair()
    zh.cells[2:] = [markdown("new", "新的")]
    new, say = pairing.sync(zh, en)
    assert [cell.id for cell in new.cells] == ["text", "code", "new"]
    assert say == ["cell 3 (new): a new markdown cell, copied; translate it", "cell (random): dropped"]


@pytest.fixture
def course(tmp_path):
    """A small course in a folder of its own, in step."""
    for language, each in zip(("zh", "en"), pair(), strict=True):
        editions.folder(language, tmp_path).mkdir(parents=True)
        nbformat.write(each, editions.folder(language, tmp_path) / "01.ipynb")
    for page in editions.PAGES:
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / editions.page(page, "zh")).write_text(ZH_README, encoding="utf-8")
        (tmp_path / page).write_text(EN_README, encoding="utf-8")
    return tmp_path


def test_the_command_says_what_has_drifted(course, capsys):
    notebooks = course / "notebooks"
    (notebooks / "zh/.ipynb_checkpoints").mkdir()
    shutil.copy(notebooks / "zh/01.ipynb", notebooks / "zh/.ipynb_checkpoints")
    assert pairing.main([], course) == 0
    assert capsys.readouterr().out == "the two editions are in step\n"
    shutil.copy(notebooks / "zh/01.ipynb", notebooks / "zh/02.ipynb")
    shutil.copy(notebooks / "zh/01.ipynb", notebooks / "en/03.ipynb")
    (course / "README.zh-CN.md").unlink()
    (course / "data/README.md").unlink()
    (course / "docs/teaching.md").write_text(EN_README.replace("make lab", "make test"), encoding="utf-8")
    assert pairing.main([], course) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == ["02.ipynb has no English twin", "03.ipynb has no Chinese twin", "README.zh-CN.md is missing"]
    assert said[3].startswith("docs/teaching.md, section 1 (Course): code blocks, ")
    assert said[4:] == ["data/README.md is missing"]


def test_the_command_carries_over(course, capsys):
    zh = pairing.read("01.ipynb", "zh", course)
    zh.cells[1].source = "print(2)  # 二"
    nbformat.write(zh, course / "notebooks/zh/01.ipynb")
    assert pairing.main(["--sync", "zh", "en"], course) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "en/01.ipynb: carried over from zh" and "translate its comments" in said[1]
    assert said[2].startswith("01.ipynb, cell 2 (code): Chinese in en")
    assert pairing.read("01.ipynb", "en", course).cells[1].source == "print(2)  # 二"
    assert [path.name for path in (course / "notebooks/en").iterdir()] == ["01.ipynb"]
    before = (course / "notebooks/en/01.ipynb").read_bytes()
    pairing.main(["--sync", "zh", "en"], course)
    assert (course / "notebooks/en/01.ipynb").read_bytes() == before


def test_the_command_refuses_one_language_twice(course, capsys):
    with pytest.raises(SystemExit):
        pairing.main(["--sync", "en", "en"], course)
    assert "must differ" in capsys.readouterr().err
