"""Every exercise of every notebook: its solution passes, each mistake has its hint, no notebook shows an answer."""
import ast
import re
import symtable
import textwrap

from helpers import language
from helpers.exercises import eye_disease, feedback, outputs, reading
from helpers.exercises.exercise import Function, Number
from helpers.language import Text
from tests.tools import editions

import nbformat
import numpy as np
import paddle
import pytest

ALL = {
    number: exercise
    for notebook in feedback.MODULES
    for number, exercise in feedback.exercises(notebook).items()
}  # fmt: skip
NUMBERS = {number: exercise for number, exercise in ALL.items() if isinstance(exercise, Number)}
FUNCTIONS = {number: exercise for number, exercise in ALL.items() if isinstance(exercise, Function)}
TERMS = {
    "BatchNorm": "批归一化", "LayerNorm": "层归一化", "GroupNorm": "组归一化", "InstanceNorm": "实例归一化",
    "convolution": "卷积", "pooling": "池化", "padding": "填充", "stride": "步幅", "channel": "通道",
    "feature map": "特征图", "mini-batch": "小批量", "moving average": "移动平均", "learning rate": "学习率",
    "overfitting": "过拟合", "pathologic myopia": "病理性近视",
}  # fmt: skip


@pytest.fixture(autouse=True)
def english():
    language.speak("en")


def said(number, answer, capsys):
    feedback.check(number, answer)
    return capsys.readouterr().out.strip().partition(": ")[2]


@pytest.mark.parametrize("number", ALL)
def test_its_own_solution_is_right_and_a_blank_breaks_nothing(number, capsys):
    assert said(number, feedback.worked(ALL[number]), capsys) == "right"
    assert said(number, None, capsys) == "not answered yet"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_right_number_in_any_form(number, capsys):
    exercise = NUMBERS[number]
    truth = np.asarray(exercise.truth(**exercise.given()), np.float64)
    forms = [truth, truth.tolist(), truth.astype(np.float32), np.float32(truth) if truth.ndim == 0 else tuple(truth)]
    for form in [*forms, paddle.to_tensor(truth), paddle.to_tensor(truth, "float32")]:
        assert said(number, form, capsys) == "right"


@pytest.mark.parametrize(
    ("number", "place"), [(number, place) for number in ALL for place in range(len(ALL[number].mistakes))]
)
def test_each_mistake_has_its_own_hint(number, place, capsys):
    exercise = ALL[number]
    text, value = exercise.mistakes[place]
    if isinstance(exercise, Number):
        value = value(np.asarray(exercise.truth(**exercise.given()), np.float64)) if callable(value) else value
    assert said(number, value, capsys) == f"not yet - {text}"
    assert len({str(text) for text, _ in exercise.mistakes}) == len(exercise.mistakes)


@pytest.mark.parametrize("number", FUNCTIONS)
def test_functions_that_do_something_else_are_told_so(number, capsys):
    for wrong in (lambda *arguments: 0.5, lambda *arguments: 1 / 0, lambda: 0):
        assert said(number, wrong, capsys).startswith("not yet - ")


def of_view(lit):
    def normalise(image):
        mask = lit(image)
        return (image - image[mask].mean(axis=0)) / np.sqrt(image[mask].var(axis=0).mean()) * mask[..., None]

    return normalise


def three_channels(x, gamma, beta, eps):
    axes = (0, *range(2, x.ndim))
    mean, var = x.mean(axis=axes), x.var(axis=axes)
    gamma, beta, m, v = (each.reshape(1, 3, *(1,) * (x.ndim - 2)) for each in (gamma, beta, mean, var))
    return gamma * (x - m) / np.sqrt(v + eps) + beta, mean, var


def update_of_three(moving_mean, moving_var, x, momentum):
    flat = np.moveaxis(x, 1, -1).reshape(-1, 3)
    return (momentum * old + (1 - momentum) * new(axis=0) for old, new in (
        (moving_mean, flat.mean), (moving_var, flat.var)))  # fmt: skip


@pytest.mark.parametrize(("number", "answer", "text"), [
    ("05.1", of_view(lambda image: (image > 15).any(axis=-1)), "right"),
    ("05.1", of_view(lambda image: (image > 15).all(axis=-1)), "not yet - a pixel with any channel above 15"),
    *(("05.1", of_view(lambda image, channel=channel: image[..., channel] > 15), "not yet") for channel in range(3)),
    ("05.1", of_view(lambda image: (image > 0).any(axis=-1)), "not yet"),
    ("05.1", of_view(lambda image: image.mean(axis=-1) > 15), "not yet"),
    ("05.1", of_view(lambda image: image.sum(axis=-1) > 15), "not yet"),
    ("05.2", lambda logits, labels, s: eye_disease._smoothed(logits, labels, s), "right"),
    ("05.2", lambda logits, labels, s: eye_disease._smoothed(logits, labels, 0.1), "not yet"),
    ("01.3", three_channels, "not yet"), ("01.5", lambda *given: tuple(update_of_three(*given)), "not yet"),
])  # fmt: skip
def test_what_happens_to_fit_the_usual_input_only_is_not_right(number, answer, text, capsys):
    assert said(number, answer, capsys).startswith(text)


@pytest.mark.parametrize("number", [number for number, exercise in ALL.items() if exercise.given()])
def test_what_is_given_is_the_learners_to_change(number, capsys):
    for values in (feedback.given(number), feedback.given(number)):
        for value in values if isinstance(values, tuple) else (values,):
            if isinstance(value, np.ndarray):
                assert np.abs(value).max() > 0
                value -= value
    assert said(number, feedback.worked(ALL[number]), capsys) == "right"


@pytest.mark.parametrize("number", [1.1, 1.3, None, "1.1", "01.99", [], "7"])
def test_the_data_of_no_exercise_is_a_key_error(number):
    for call in (feedback.given, lambda number: feedback.solved(number, None)):
        with pytest.raises(KeyError):
            call(number)


def names(code):
    """What code binds at its top, and what it reads, in functions too, without having bound it there."""
    bound, read, tables = set(), set(), [symtable.symtable(textwrap.dedent(code), "cell", "exec")]
    top = tables[0]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if table is top and (symbol.is_assigned() or symbol.is_imported()):
                bound.add(symbol.get_name())
            elif symbol.is_referenced() and (table is top or symbol.is_global()):
                read.add(symbol.get_name())
    return bound, read - bound


@pytest.mark.parametrize("path", editions.committed(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_solution_is_right_after_run_all_too(path):
    """What it reads, no later cell of the notebook binds to something else: learners run all cells first."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for place, cell in enumerate(cells):
        if not (asked := re.search(r'^check\("([\d.]+)"', cell.source, re.MULTILINE)):
            continue
        own = names(cell.source)[0]
        read = names(ALL[asked[1]].solution)[1] - own
        changed = {later.id: names(later.source)[0] & read for later in cells[place + 1 :]}
        assert not any(changed.values()), (asked[1], {key: value for key, value in changed.items() if value})


@pytest.mark.parametrize(("notebook", "least"), [("01", 8), ("02", 8), ("03", 8), ("05", 6)])
def test_there_are_enough_of_them(notebook, least):
    numbers = [number for number in ALL if number.startswith(f"{notebook}.")]
    assert numbers == [f"{notebook}.{place}" for place in range(1, len(numbers) + 1)]
    assert len(numbers) >= least and sum(number in FUNCTIONS for number in numbers) >= 3


def texts(exercise):
    return [exercise.title, *exercise.hints, exercise.why, *(text for text, _ in exercise.mistakes)]


FEEDBACK = [text for module in (feedback, outputs, reading) for text in vars(module).values() if isinstance(text, Text)]


@pytest.mark.parametrize("pair", [*FEEDBACK, *(text for exercise in ALL.values() for text in texts(exercise))])
def test_both_languages_have_the_same_numbers_code_and_terms(pair):
    for pattern in (r"\d+(?:\.\d+)?", r"`[^`]*`|\{[^}]*\}"):
        assert sorted(re.findall(pattern, pair.zh)) == sorted(re.findall(pattern, pair.en))
    assert re.search("[\u4e00-\u9fff]", pair.zh) and not re.search("[\u4e00-\u9fff]", pair.en)
    words = re.sub(r"`[^`]*`", "", pair.en)
    for english, chinese in TERMS.items():
        if re.search(rf"(?<![.\w]){english}(?!\w)", words):
            assert chinese in pair.zh, (english, pair)


def learners():
    return [path for path in editions.committed() if "solutions" not in path.parts]


def asked(notebook):
    """number -> the source of the question's cell, of the cell before it, and the fold behind it."""
    for place, cell in enumerate(notebook.cells):
        for number in re.findall(r'\bcheck\("(\d\d\.\d+)"', cell.source) if cell.cell_type == "code" else ():
            yield number, [near.source for near in notebook.cells[place - 1 : place + 2]]


@pytest.mark.parametrize("path", learners(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_notebook_shows_an_answer_beside_its_placeholder(path):
    found = dict(asked(nbformat.read(path, as_version=4)))
    wanted = [number for number in ALL if number.startswith(f"{path.stem[:2]}.")]
    assert sorted(found) == sorted(wanted), "every exercise is asked for once"
    for number, sources in found.items():
        tree = ast.parse(textwrap.dedent(ALL[number].solution))
        answer = next((node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)), None)
        text = "\n".join(sources).replace(" ", "")
        if number in NUMBERS and answer is not None and not isinstance(answer, ast.Constant):
            assert ast.unparse(answer).replace(" ", "") not in text, f"{number}: the expression"
        if number in NUMBERS:
            truth = np.asarray(NUMBERS[number].truth(**NUMBERS[number].given()))
            shown = f"{truth.item():g}" if truth.size == 1 else str(truth.tolist()).replace(" ", "")
            assert f"answer={shown}" not in text and f"`{shown}`" not in text, f"{number}: the value"
        else:
            lines = [line.strip().replace(" ", "") for line in ALL[number].solution.splitlines()]
            assert not [line for line in lines if line.startswith("return") and len(line) > 12 and line in text], number
        assert "<summary>Answer" not in text and "<summary>答案" not in text, f"{number}: a folded answer"


@pytest.mark.parametrize("path", learners(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_output_shows_an_answer(path):
    """Of whole numbers from 1000 on: a smaller one, or a share, stands in some output by chance."""
    cells = nbformat.read(path, as_version=4).cells
    printed = {found for cell in cells for output in cell.get("outputs", []) if "text" in output
               for found in re.findall(r"\d[\d,]*", output.text)}  # fmt: skip
    for number in (each for each in NUMBERS if each.startswith(f"{path.stem[:2]}.")):
        truth = np.asarray(NUMBERS[number].truth(**NUMBERS[number].given()))
        if truth.size == 1 and truth.item() == int(truth.item()) >= 1000:
            assert not {f"{int(truth.item())}", f"{int(truth.item()):,}"} & printed, number


def test_a_check_more_or_less_changes_no_random_number_of_the_cells_below():
    drawn = set()
    for number in [None, *NUMBERS, *FUNCTIONS]:
        paddle.seed(1)
        if number is not None:
            feedback.check(number, feedback.worked(ALL[number]) if number in FUNCTIONS else 0.5)
        drawn.add(tuple(paddle.rand([3]).tolist()))
    assert len(drawn) == 1
