"""helpers.exercises: what is said about right, wrong, blank and odd answers; nothing that a learner does is raised."""
import contextlib
import time
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import partial

from helpers import language
from helpers.exercises import check, given, hint, outputs, solution, solved
from helpers.exercises import feedback as module
from helpers.exercises.exercise import Function, Mistake, Number
from helpers.language import Text

import numpy as np
import paddle
import pytest


def both(text):
    return Text(f"中文 {text}", text)


def shifted(x, shift):
    return x + shift


EXERCISES = {
    "01.1": Number(
        title=both("days"), truth=lambda: 44, hints=(both("weeks"), both("six and a bit")), why=both("so it is"),
        solution="answer = 6 * 7 + 2",
        mistakes=(Mistake(both("one too few"), 43), Mistake(both("half"), lambda n: n / 2)),
    ),
    "01.2": Number(
        title=both("thirds"), truth=lambda x: x / 3, given=lambda: {"x": np.arange(1.0, 4)}, hints=(both("divide"),),
        solution="answer = x / 3", why=both("as asked"),
    ),
    "01.3": Function(
        title=both("shift"), truth=lambda x, shift: paddle.to_tensor(x) + shift, hints=(both("add"),), why=both("sum"),
        draw=lambda rng: {"x": rng.normal(size=(2, 3)), "shift": int(rng.integers(1, 9))}, seconds=1.0,
        solution="def shifted(x, shift):\n    return x + shift",
        mistakes=(Mistake(both("the sign"), lambda x, s: x - s),),
    ),
    "01.4": Function(
        title=both("square"), truth=lambda x: x * x, draw=lambda rng: {"x": rng.normal(size=(3,))}, gradients=("x",),
        seconds=1.0, hints=(both("x x"),), solution="def square(x):\n    return x**2", why=both("square"),
    ),
    "01.5": Function(
        title=both("two"), truth=lambda x: (x, 2 * x), draw=lambda rng: {"x": rng.normal(size=(3,))},
        outputs=("one", "twice"), hints=(both("two"),), solution="def two(x):\n    return x, 2 * x", why=both("two"),
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(module, "exercises", lambda number: EXERCISES if str(number).startswith("01") else {}["?"])
    monkeypatch.setattr(module, "tries", module.Counter())
    monkeypatch.setattr(module, "hints_shown", module.Counter())
    language.speak("en")


@pytest.fixture
def said(capsys):
    def said(number, answer):
        check(number, answer)
        output = capsys.readouterr()
        assert output.err == "" and output.out.count("\n") == 1
        return output.out.partition(": ")[2].strip()

    return said


class Hostile:
    def __array__(self, *_, **__):
        raise RuntimeError("no array of me")

    def __repr__(self):
        raise RuntimeError("no text of me")


@pytest.mark.parametrize("answer", [
    44, 44.0, [44], np.int8(44), np.float16(44), np.array(44), Fraction(44), Decimal(44), paddle.to_tensor(44),
    *(paddle.to_tensor(44.0).astype(kind) for kind in ("float16", "float32", "float64", "bfloat16")),
])
def test_a_right_number_in_any_form(said, answer):
    assert said("01.1", answer) == "right"


@pytest.mark.parametrize(("answer", "text"), [
    (None, "not answered yet"), (43, "not yet - one too few"), (22, "not yet - half"),
    (-44, "not yet - the sign is wrong"),
    (45, "not yet"), (44.001, "not yet"), ("44", "not yet - without quotes and commas, write 44"),
    ("3,211,264", "not yet - without quotes and commas, write 3211264"),
    ((3, 211, 264), "not yet - no commas within a number: Python reads several. Write 3211264"),
    ("many", "not yet - this is text, not a number: leave out the quotes"),
    (True, "not yet - expected a number, got bool"),
    ({44}, "not yet - expected a number, got set"), (1j, "not yet - expected a number, got complex"),
    (float("nan"), "not yet - it holds NaN or infinity"), (10**400, "not yet - it cannot be read (OverflowError)"),
    ([1, 2], "not yet - the shape is [2], expected []"), (Hostile(), "not yet - it cannot be read (RuntimeError)"),
    (abs, "not yet - this is a function; its result is asked for"),
    ([[1], [1, 2]], "not yet - it cannot be read (ValueError)"),
])  # fmt: skip
def test_what_is_said_of_a_number(said, answer, text):
    assert said("01.1", answer) == text


@pytest.mark.parametrize("answer", [
    [1 / 3, 2 / 3, 1], (0.333, 0.667, 1.0), np.float32([1 / 3, 2 / 3, 1]), paddle.to_tensor([1 / 3, 2 / 3, 1]),
    [paddle.to_tensor(1 / 3), np.float64(2 / 3), 1],
])  # fmt: skip
def test_an_array_in_any_form_and_rounded_as_it_was_printed(said, answer):
    assert said("01.2", answer) == "right"


@pytest.mark.parametrize(("answer", "text"), [
    ([128, None], "None in it is no number"),
    (["1", "2", "3"], "'1' in it is text, not a number: leave out the quotes"),
    ([1.0, 2.0, 3 + 1j], "(3+1j) in it is no number"), ([1, {2}, 3], "{2} in it is no number"),
    ([[1.0], [2.0, "3"]], "'3' in it is text"), (np.array(["1", "2"]), "'1' in it is text"),
    (np.array([1, None, 2]), "None in it is no number"), (np.array([1j, 2]), "1j in it is no number"),
    (paddle.to_tensor([1 / 3 + 7j, 2 / 3, 1]), "expected an array, got complex"),
    ([paddle.to_tensor(1 / 3 + 7j), 2 / 3, 1], "expected a number, got complex"),
])  # fmt: skip
def test_what_is_no_number_in_an_array_is_named(said, answer, text):
    assert said("01.2", answer).startswith(f"not yet - {text}")


def test_tensors_are_read_at_any_depth(said, monkeypatch):
    two = replace(EXERCISES["01.2"], truth=lambda x: [[1, 2], [3, 4]], solution="answer = [[1, 2], [3, 4]]")
    monkeypatch.setitem(EXERCISES, "01.2", two)
    half = [paddle.to_tensor(float(n)).astype("bfloat16") for n in (1, 2, 3, 4)]
    for answer in ([half[:2], half[2:]], (tuple(half[:2]), [3, half[3]])):
        assert said("01.2", answer) == "right"


def test_an_array_in_quotes(said):
    assert said("01.2", "1, 2, 3") == "not yet - this is text, not a number: leave out the quotes"


def spoils_its_input(x, shift):
    x += shift
    return x


def never_ends(x, shift):
    while True:
        pass


def swallows_exceptions(x, shift):
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.01)


@pytest.mark.parametrize(("answer", "text"), [
    (shifted, "right"), (lambda x, shift: None, "not answered yet"), (lambda x, shift: (x + shift).tolist(), "right"),
    (lambda x, shift: x - shift, "not yet - the sign"), (lambda x, shift: print("noise") or x + shift, "right"),
    (lambda x, shift: 1 / 0, "not yet - it raises ZeroDivisionError: division by zero (input: x [2, 3], shift="),
    (lambda x: x, "not yet - it raises TypeError"), (lambda x, shift: exit(), "not yet - it raises SystemExit"),
    (lambda x, shift: x[0] + shift, "not yet - the result: the shape is [3], expected [2, 3] (input: x [2, 3]"),
    (lambda x, shift: x + 2 * shift, "not yet - the result at ["),
    (lambda x, shift: Hostile(), "not yet - it cannot be read"),
    (spoils_its_input, "not yet - it changes its own input x; copy it first"),
    (5, "not yet - expected a function, got int"),
    (never_ends, "not yet - a single call takes more than 1 seconds"),
    (swallows_exceptions, "not yet - a single call takes more than 1 seconds"),
])  # fmt: skip
def test_what_is_said_of_a_function(said, answer, text):
    assert said("01.3", answer).startswith(text)


def placeholder(x, shift):
    """As the notebooks have them."""
    pass
    return None  # write your code here


def forgets_to_return(x, shift):
    y = x + shift  # noqa: F841


@pytest.mark.parametrize(("answer", "text", "tried"), [
    (placeholder, "not answered yet", 0), (lambda x, shift: ..., "not yet", 1),
    (forgets_to_return, "not yet - it returns None for this input: is a `return` missing? (input: x [2, 3]", 1),
    (lambda x, shift: x + shift if shift > 5 else None, "not yet - it returns None for this input", 1),
    (partial(forgets_to_return), "not yet - it returns None for this input", 1),
])  # fmt: skip
def test_a_forgotten_return_is_a_try_and_a_placeholder_is_none(said, answer, text, tried):
    assert said("01.3", answer).startswith(text) and module.tries["01.3"] == tried


def test_gradients_are_compared_as_well(said):
    assert said("01.4", lambda x: x * x) == "right"
    assert said("01.4", lambda x: x * x.detach()).startswith("not yet - the gradient of x at [")
    assert said("01.4", lambda x: paddle.to_tensor(x.numpy() ** 2)).startswith("not yet - no gradient reaches x")


def squared_in_place(x):
    y = x + 0
    y.multiply_(x)  # y is needed for the gradient of x * x as it was before
    y.multiply_(y)
    return y.sqrt()


def backward_within(x):
    y = x * x
    y.sum().backward()
    return y


def through_a_layer(back):
    class Layer(paddle.autograd.PyLayer):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        def backward(ctx, dy):
            return back(dy)

    return Layer.apply


def fails(dy):
    raise RuntimeError("my own mistake")


@pytest.mark.parametrize(("answer", "text"), [
    (squared_in_place, "the gradient cannot be computed: do not change tensors in place"),
    (backward_within, "the gradient cannot be computed: do not call `backward` within the function"),
    (through_a_layer(fails), "the gradient cannot be computed: RuntimeError: my own mistake (input: x [3]"),
    (lambda x: x.detach_() * x, "no gradient reaches x"), (lambda x: (x * x).astype("float16"), "the result at ["),
    (through_a_layer(lambda dy: never_ends(0, 0)), "a single call takes more than 1 seconds"),
])  # fmt: skip
def test_a_backward_pass_that_fails_is_said_in_words(said, answer, text):
    assert said("01.4", answer).startswith(f"not yet - {text}")


def test_gradients_that_a_cell_has_switched_off_are_computed_all_the_same(said):
    with paddle.no_grad():
        assert said("01.4", lambda x: x * x) == "right"
        assert solved("01.4", square := lambda x: x * x) is square
        assert not paddle.is_grad_enabled()
    assert said("01.4", paddle.no_grad()(lambda x: x * x)).startswith("not yet - no gradient reaches x")


def test_only_the_learners_function_has_a_time_limit(said, monkeypatch):
    limits = []
    monkeypatch.setattr(outputs, "call", lambda f, values, most: limits.append(most) or f(*values.values()))
    assert said("01.4", lambda x: x * x) == "right"
    assert limits == [None, None, 1.0, 1.0] * EXERCISES["01.4"].cases  # forward and backward, of the course's and his


def test_several_results_are_named(said):
    assert said("01.5", lambda x: (x, 2 * x)) == "right"
    assert said("01.5", lambda x: x).startswith("not yet - expected to return one, twice (2 things)")
    assert said("01.5", lambda x: (x, x)).startswith("not yet - twice at [")


def test_hints_come_one_after_the_other_and_a_solution_after_a_try(capsys):
    for _ in range(3):
        hint("01.1")
    solution("01.1")
    check("01.1", None)  # a blank is no try
    solution("01.1")
    check("01.1", 45)
    solution("01.1")
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2][:13] for line in lines[:3]] == ["hint 1 of 2: ", "hint 2 of 2: ", "there are no "]
    assert sum("try first" in line for line in lines) == 2
    assert lines[-3:] == ["    answer = 6 * 7 + 2", "", "so it is"]


def test_an_unknown_number_is_named(capsys):
    for call in (hint, solution, lambda number: check(number, 1)):
        for number in ("01.9", "77.1", 3, None, []):
            call(number)
    assert capsys.readouterr().out.count("there is no exercise") == 15


def test_the_language_is_the_notebooks(said):
    language.speak("zh")
    assert said("01.1", 43) == "还不对 - 中文 one too few"
    with pytest.raises(ValueError, match="LANGUAGE must be"):
        language.speak("fr")


def test_the_notebook_goes_on_with_the_learners_function_if_it_is_right():
    assert solved("01.3", shifted) is shifted
    for wrong in (None, lambda x, shift: None, lambda x, shift: x - shift):
        np.testing.assert_array_equal(solved("01.3", wrong)(np.arange(3), 2), [2, 3, 4])


def test_the_data_of_a_question():
    np.testing.assert_array_equal(given("01.2"), [1, 2, 3])
