"""`check`, `hint` and `solution`: what a learner calls in a notebook. Nothing is raised, whatever an answer is."""
from __future__ import annotations

import copy
import dis
import importlib
import textwrap
from collections import Counter
from collections.abc import Callable
from types import CodeType
from typing import Any

from helpers.checks import shown
from helpers.exercises.calling import Failed
from helpers.exercises.exercise import Exercise, Function, Number
from helpers.exercises.outputs import described, outputs_of
from helpers.exercises.reading import Unreadable, as_array
from helpers.language import Text, say
from helpers.runtime import same_random_numbers

import numpy as np
import paddle

MODULES = {
    "01": "batch_norm", "02": "normalization_variants", "03": "dropout", "04": "convolution", "05": "eye_disease",
}  # fmt: skip

RIGHT = Text("正确", "right")
NOT_YET = Text("还不对", "not yet")
BLANK = Text("还没有作答", "not answered yet")
SHAPE = Text("形状是 {}，应为 {}", "the shape is {}, expected {}")
SIGN = Text("符号反了", "the sign is wrong")
NOT_FINITE = Text("结果里有 NaN 或无穷大", "it holds NaN or infinity")
NOTHING = Text("它对这个输入返回 None：是否漏了 `return`？", "it returns None for this input: is a `return` missing?")
NO_FUNCTION = Text("应为一个函数，得到的是 {}", "expected a function, got {}")
TOO_SLOW = Text("一次调用超过 {:g} 秒还没有结果", "a single call takes more than {:g} seconds")
RAISES = Text("它引发了 {}", "it raises {}")
INPUT = Text("{}（输入：{}）", "{} (input: {})")
DIFFERS = Text("{} 在 {} 处是 {:.6g}，应为 {:.6g}", "{} at {} is {:.6g}, expected {:.6g}")
DIFFERS_SINGLE = Text("{} 是 {:.6g}，应为 {:.6g}", "{} is {:.6g}, expected {:.6g}")
UNKNOWN = Text("没有练习 {}；这一本有：{}", "there is no exercise {}; this notebook has {}")
TRY_FIRST = Text(
    '先试一次：填好答案，运行 check("{}", …)，再看解答', 'try first: fill in an answer, run check("{}", ...), then look'
)
HINT = Text("提示 {}/{}：{}", "hint {} of {}: {}")
NO_MORE = Text(
    '没有更多提示了；试过之后可以看 solution("{}")', 'there are no more hints; once you have tried, see solution("{}")'
)
WORKED = Text("解答：", "solution:")

tries: Counter[str] = Counter()
hints_shown: Counter[str] = Counter()


# --- what a learner calls ---------------------------------------------------------------------------------------------


def check(number: str, answer: object) -> None:
    """Hold an answer against the exercise of this number, such as "01.3", and print a line of feedback."""
    if (exercise := _find(number)) is None:
        return
    text = _feedback(exercise, answer)
    tries[number] += text != str(BLANK)
    say(f"{number} {exercise.title}: {text}")


def hint(number: str) -> None:
    """Print the next hint for an exercise."""
    if (exercise := _find(number)) is None:
        return
    shown, total = hints_shown[number], len(exercise.hints)
    if shown == total:
        say(f"{number} {exercise.title}: {NO_MORE.format(number)}")
        return
    hints_shown[number] += 1
    say(f"{number} {exercise.title}: {HINT.format(shown + 1, total, exercise.hints[shown])}")


def solution(number: str) -> None:
    """Print a worked way, once the exercise has been tried."""
    if (exercise := _find(number)) is None:
        return
    if not tries[number]:
        say(f"{number} {exercise.title}: {TRY_FIRST.format(number)}")
        return
    code = textwrap.indent(textwrap.dedent(exercise.solution).strip(), "    ")
    say(f"{number} {exercise.title}: {WORKED}\n\n{code}\n\n{exercise.why}")


def given(number: str) -> Any:
    """The data that an exercise speaks of, new at each call: one thing, or several as a tuple.

    Raises:
        KeyError: there is no such exercise.
    """
    values = tuple(copy.deepcopy(exercises(number)[number].given()).values())  # some of it is the exercise's own
    return values[0] if len(values) == 1 else values


def solved(number: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    """The learner's function where it is right, else the course's own, so that the notebook can go on with it.

    Raises:
        KeyError: there is no such exercise.
    """
    exercise = exercises(number)[number]
    return answer if _feedback(exercise, answer) == str(RIGHT) else worked(exercise)


# --- the exercises ----------------------------------------------------------------------------------------------------


def exercises(number: str) -> dict[str, Exercise]:
    """All exercises of the notebook that "01.3" or "01" belongs to, by number.

    Raises:
        KeyError: there is no such notebook.
    """
    return importlib.import_module(f"helpers.exercises.{MODULES[str(number).partition('.')[0]]}").EXERCISES


def worked(exercise: Exercise) -> Any:
    """The answer of an exercise's own solution: what it calls `answer`, or the last function that it defines."""
    names = {"np": np, "paddle": paddle, **exercise.given()}
    before = set(names)
    exec(textwrap.dedent(exercise.solution), names)
    made = [value for name, value in names.items() if name not in before and callable(value)]
    return names["answer"] if "answer" in names else made[-1]


def _find(number: object) -> Exercise | None:
    if type(number) is not str or number.partition(".")[0] not in MODULES:
        say(UNKNOWN.format(shown(number), ", ".join(f"{notebook}.1 …" for notebook in MODULES)))
        return None
    found = exercises(number)
    if number not in found:
        say(UNKNOWN.format(shown(number), ", ".join(found)))
    return found.get(number)


# --- feedback ---------------------------------------------------------------------------------------------------------


def _feedback(exercise: Exercise, answer: object) -> str:
    if answer is None:
        return str(BLANK)
    with same_random_numbers():  # a check more or less changes nothing in the cells below
        return (_function_feedback if isinstance(exercise, Function) else _number_feedback)(exercise, answer)


def _not_yet(reason: object = "") -> str:
    return f"{NOT_YET} - {reason}" if reason else str(NOT_YET)


def _close(one: np.ndarray, other: np.ndarray, rtol: float) -> bool:
    """Whether two arrays are of one shape and equal as far as the tolerance says; whole numbers exactly, unless it is
    wide."""
    if one.shape != other.shape:
        return False
    whole = np.isfinite(other).all() and (other == np.round(other)).all()
    scale = np.abs(other[np.isfinite(other)]).max(initial=0) or 1
    return bool(np.allclose(one, other, rtol=1e-6 if whole and rtol <= 1e-3 else rtol, atol=1e-6 * scale))


def _number_feedback(exercise: Number, answer: object) -> str:
    truth = np.asarray(exercise.truth(**exercise.given()), np.float64)
    try:
        array = as_array(answer, single=truth.ndim == 0)
    except Unreadable as error:
        return _not_yet(error.reason)
    if array.shape != truth.shape and array.size == truth.size == 1:
        array = array.reshape(truth.shape)
    if _close(array, truth, exercise.rtol):
        return str(RIGHT)
    for text, value in exercise.mistakes:
        wrong = np.asarray(value(truth) if callable(value) else value, np.float64)
        if _close(array, wrong, exercise.rtol):
            return _not_yet(text)
    if array.shape != truth.shape:
        return _not_yet(SHAPE.format(list(array.shape), list(truth.shape)))
    if not np.isfinite(array).all():
        return _not_yet(NOT_FINITE)
    return _not_yet(SIGN if _close(array, -truth, exercise.rtol) else "")


def _function_feedback(exercise: Function, answer: object) -> str:
    if not callable(answer):
        return _not_yet(NO_FUNCTION.format(type(answer).__name__))
    rng = np.random.default_rng(0)  # the same inputs for the same answer, whenever it is checked
    for arguments in [exercise.draw(rng) for _ in range(exercise.cases)]:
        expected = outputs_of(exercise, exercise.truth, arguments)
        try:
            results = outputs_of(exercise, answer, arguments, exercise.seconds)
        except Failed as failed:
            slow, error = TOO_SLOW.format(exercise.seconds), failed.error
            reason = slow if error is None else RAISES.format(described(error))
        except Unreadable as error:
            reason = error.reason
        else:
            if results is None and _is_empty(answer):
                return str(BLANK)
            reason = str(NOTHING) if results is None else _first_difference(results, expected, exercise.rtol)
            for text, function in exercise.mistakes if reason and results is not None else ():
                if not _first_difference(results, outputs_of(exercise, function, arguments), exercise.rtol):
                    return _not_yet(text)
        if reason:
            return _not_yet(INPUT.format(reason, _shown(arguments)))
    return str(RIGHT)


def _is_empty(function: object) -> bool:
    """Whether a function that returned None does nothing else, as the notebooks' placeholders do."""
    code = getattr(function, "__code__", None)
    return isinstance(code, CodeType) and _steps(code) == _steps((lambda: None).__code__)


def _steps(code: CodeType) -> list[str]:
    return [step.opname for step in dis.get_instructions(code) if step.opname != "NOP"]


def _first_difference(results: dict[str, np.ndarray], expected: dict[str, np.ndarray], rtol: float) -> str:
    """Where the first output differs, in words; empty if none does."""
    for name, truth in expected.items():
        result = results[name]
        if result.shape != truth.shape:
            return f"{name}: {SHAPE.format(list(result.shape), list(truth.shape))}"
        if not _close(result, truth, rtol):
            if not truth.ndim:
                return DIFFERS_SINGLE.format(name, float(result), float(truth))
            with np.errstate(invalid="ignore"):
                worst = np.nan_to_num(np.abs(result - truth), nan=np.inf)
            place = np.unravel_index(int(worst.argmax()), truth.shape)
            return DIFFERS.format(name, list(map(int, place)), float(result[place]), float(truth[place]))
    return ""


def _shown(arguments: dict[str, Any]) -> str:
    """Arguments for a learner to read: shapes of arrays, other values as they are."""
    return ", ".join(
        f"{name} {list(value.shape)}" if isinstance(value, np.ndarray) and value.ndim else f"{name}={value}"
        for name, value in arguments.items()
    )
