"""Arrays, images and numbers: what is not of the kind that a docstring asks for is named, and gives no wrong number.

`test_contracts` tries two odd arguments at a time in other functions; here each is tried alone, and what is taken has
to be taken for the same as the array that it stands for.
"""
import contextlib
import io

from helpers import digits, figures, intervals
from helpers.fundus import field, grouping, plausible
from helpers.training import (
    calibration,
    explain,
    faithfulness,
    fit,
    history,
    inference,
    metrics,
    model_file,
    multiclass,
    resnet,
)
from tests.test_contracts import ODD
from tests.tools.small_training import small_network

import matplotlib.pyplot as plt
import numpy as np
import paddle
import pytest
from paddle import nn

RNG = np.random.default_rng(0)
LABELS, SCORES = np.array([0, 1, 0, 1]), np.array([0.11, 0.92, 0.43, 0.34], np.float32)
BOTH = np.stack([1 - SCORES, SCORES], axis=1)
X, FIELD = RNG.normal(size=(2, 3, 16, 16)).astype(np.float32), np.ones((2, 16, 16), bool)
FIELD[:, :3] = False
MAPS = RNG.random((2, 16, 16)).astype(np.float32)
PICTURE = np.pad(np.full((20, 20, 3), 100, np.uint8), ((10, 10), (10, 10), (0, 0)))
NET = nn.Sequential(nn.Flatten(), nn.Linear(768, 2))
RESNET = small_network()
DIGITS = digits.load(10)
DIGITS_NET = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
CLASSES = np.array([0, 1] * 5)


class Items(paddle.io.Dataset):
    """Two images."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X[index], np.int64(index)


def validated(labels, scores):
    run = history.History()
    run.validated(labels, scores)
    return run.validation_auc, run.validation_loss, run.validation_accuracy, run.one_image


def learned(epochs, batch_size, learning_rate, seed):
    return digits.fit(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), DIGITS, epochs, batch_size, learning_rate, seed)


# A function and arguments with which it works.
FUNCTIONS = {
    "intervals.mean": (intervals.mean, SCORES), "intervals.difference": (intervals.difference, SCORES, SCORES[::-1]),
    "digits.accuracy": (lambda y: digits.accuracy(DIGITS_NET, DIGITS.x, y), DIGITS.y.numpy()),
    "digits.fit": (learned, 1, 10, 0.1, 0),
    "digits.sweep": (digits.sweep, lambda seed: seed, {"a": {}}, (0, 1)),
    "fit.fit": (lambda e, b, r, w, s: fit.fit(NET, Items(), None, e, b, r, w, s, progress=None), 1, 2, 1e-3, 0.1, 0.1),
    "figures.image_grid": (lambda columns, inches: figures.image_grid([PICTURE], ["a"], columns, "t", inches), 1, 1.7),
    "figures.bands": (lambda x, y: figures.bands(x, {"a": y}, "x", "y", "t"), np.arange(2), np.ones((3, 2))),
    "figures.training_curves": (figures.training_curves, {"a": history.History([1.0])}, "t"),
    "figures.roc": (lambda *a: figures.roc(*a, "t"), LABELS, SCORES, 0.5),
    "figures.confusion": (lambda a: figures.confusion(a, ["a", "b"], "t"), np.eye(2, dtype=int)),
    "metrics.auc": (lambda *a: metrics.auc(*a), LABELS, SCORES, 5, 0),
    "metrics.threshold_for": (metrics.threshold_for, LABELS, SCORES, 0.9),
    "metrics.sensitivity_on_new": (metrics.sensitivity_on_new, 5, 0.9),
    "calibration.expected_error": (calibration.expected_error, SCORES, LABELS, 10, 5, 0),
    "calibration.losses": (calibration.losses, LABELS, BOTH),
    "calibration.temper": (calibration.temper, SCORES, 1.5),
    "calibration.fit_temperature": (calibration.fit_temperature, LABELS, SCORES, 0.5),
    "calibration.settle": (lambda *a: calibration.settle(*a), LABELS, SCORES, 0.9),
    "calibration.compared": (calibration.compared, LABELS, SCORES, 1.5),
    "explain.log_odds": (lambda k: explain.log_odds(paddle.to_tensor(BOTH), k).numpy(), 1),
    "explain.integrated_gradients": (
        lambda k, steps: explain.integrated_gradients(NET, paddle.to_tensor(X), paddle.to_tensor(0 * X), k, steps),
        1, 2),
    "explain.evidence_map": (lambda x, f, k, s: explain.evidence_map(NET, x, f, k, False, s), X, FIELD, 1, 2),
    "explain.blurred": (explain.blurred, X, FIELD), "explain.is_blank": (explain.is_blank, MAPS),
    "faithfulness.deletion_and_insertion": (
        lambda *a: faithfulness.deletion_and_insertion(NET, *a), X, MAPS, FIELD, 1, 2, 0),
    "faithfulness.random_places": (faithfulness.random_places, FIELD, 0),
    "faithfulness.middle": (faithfulness.middle, FIELD),
    "faithfulness.hits": (faithfulness.hits, MAPS, FIELD, FIELD),
    "faithfulness.mass_inside": (faithfulness.mass_inside, MAPS, FIELD, FIELD),
    "multiclass.report": (multiclass.report, LABELS, BOTH, ("a", "b")),
    "multiclass.macro_auc": (multiclass.macro_auc, LABELS, BOTH),
    "multiclass.auc": (multiclass.auc, LABELS, BOTH, 5, 0),
    "multiclass.one_image": (multiclass.one_image, LABELS),
    "inference.predict": (lambda size, t: inference.predict(NET, Items(), size, False, t), 2, 1.5),
    "inference.probabilities": (lambda t: inference.probabilities(NET, paddle.to_tensor(X), False, t), 1.5),
    "inference.recompute_statistics": (lambda size: inference.recompute_statistics(RESNET, Items(), size), 2),
    "explain.grad_cam": (lambda k, stage: explain.grad_cam(RESNET, paddle.to_tensor(X), k, stage), 1, 3),
    "resnet.ResNet": (resnet.ResNet, (1, 1, 1, 1), 2, 4, "small", nn.BatchNorm2D, 0.1, 3),
    "model_file.About": (model_file.About, "resnet10", 32, "batch", {"width": 4}, "normalise", True, 1.5, 0.5,
                         ("a", "b"), "f", {"trained on": 3}),
    "metrics.checked": (metrics.checked, LABELS, SCORES),
    "history.validated": (validated, LABELS, SCORES),
    "field.find": (field.find, PICTURE), "field.crop": (lambda image: field.crop(image, field.find(PICTURE)), PICTURE),
    "plausible.prepare": (lambda image: plausible.prepare(image)[0], PICTURE),
    "plausible.judge": (lambda image: plausible.judge(image, None), PICTURE),
    "grouping.together": (lambda copies: grouping.together(("a", "a", "b"), copies), [[0, 1]]),
    "grouping.folds": (grouping.folds, CLASSES, np.arange(10), 2, 0),
    "grouping.hold_back": (lambda *a: grouping.hold_back(*a, ("a", "b"), "t"), CLASSES, np.arange(10), 0.5, 0),
}  # fmt: skip
# What may be left out, or be anything; a text on a figure; numbers of any size would take any time.
FREE = {("resnet.ResNet", 4), ("figures.training_curves", 1), ("digits.sweep", 0), ("digits.sweep", 2),
        ("calibration.settle", 2)}  # fmt: skip
ENDLESS = {"huge"}
TAKEN = (np.ndarray.tolist, paddle.to_tensor, np.asfortranarray)  # what has to be taken, but for lists of pixels


def call(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            return function(*arguments)
        finally:
            plt.close("all")


def changed(array):
    """An array as what it should not be: longer, shorter, of another rank, of numbers that are none, of floats."""
    values = np.asarray(array)
    return [values[:1], values[:0], values[None], values[..., None], np.full(values.shape, np.nan),
            np.full(values.shape, np.inf), values.astype(object), values.astype(str), values.astype(complex),
            -1 - values.astype(float), 2 + values.astype(float)]  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore")
def test_what_is_odd_is_taken_or_named(name):
    function, *arguments = FUNCTIONS[name]
    call(function, *arguments)
    for place, argument in enumerate(arguments):
        if (name, place) in FREE:
            continue
        odd = [value for kind, value in ODD.items() if kind not in ENDLESS]
        for value in odd + (changed(argument) if isinstance(argument, np.ndarray) else []):
            given = [*arguments[:place], value, *arguments[place + 1 :]]
            try:
                call(function, *given)
            except ValueError as error:
                assert str(error).strip() and "InvalidArgument" not in str(error), f"{place}: {value!r}"


def as_arrays(result):
    """The numbers of whatever a function gives."""
    if hasattr(result, "__dict__"):
        result = list(vars(result).values())
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (tuple, list)):
        return [each for part in result for each in as_arrays(part)]
    return [np.asarray(result)]


@pytest.mark.parametrize("name", [name for name, (_, *given) in FUNCTIONS.items()
                                  if any(isinstance(each, np.ndarray) for each in given)])  # fmt: skip
@pytest.mark.parametrize("other", [
    np.ndarray.tolist, paddle.to_tensor, np.asfortranarray, lambda a: a.astype(np.float64),
    lambda a: a.astype(np.float16), lambda a: a.astype(np.int32), lambda a: a.astype(bool), lambda a: a.astype("uint8"),
    lambda a: paddle.to_tensor(a.astype("float32")).astype("bfloat16"),
], ids=["list", "tensor", "fortran", "float64", "float16", "int32", "bool", "uint8", "bfloat16"])  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_the_same_numbers_in_another_form_give_the_same_or_are_named(name, other):
    function, *arguments = FUNCTIONS[name]
    right = as_arrays(call(function, *arguments))
    for place, argument in enumerate(arguments):
        if not isinstance(argument, np.ndarray):
            continue
        value = other(argument)
        plain = np.asarray(value.astype("float32") if isinstance(value, paddle.Tensor) else value)
        if not np.array_equal(plain.astype(float), argument.astype(float)) and plain.dtype != np.float16:
            continue  # other numbers
        try:
            found = as_arrays(call(function, *arguments[:place], value, *arguments[place + 1 :]))
        except ValueError as error:
            assert str(error).strip() and "InvalidArgument" not in str(error)
            assert other not in TAKEN or (argument is PICTURE and other is np.ndarray.tolist), error
            continue
        for one, two in zip(found, right, strict=True):
            assert one.shape == two.shape
            if two.dtype.kind in "biuf":
                np.testing.assert_allclose(one.astype(float), two.astype(float), rtol=0.02, atol=2e-3)


def test_what_stands_for_an_array_elsewhere_does_so_here():
    """Shares in a confusion matrix, and the names of classes as an array."""
    call(figures.confusion, np.eye(2) / 2, np.array(["a", "b"]), "t")
    named = (multiclass.report(LABELS, BOTH, names) for names in (np.array(["a", "b"]), ("a", "b")))
    assert len(set(map(str, named))) == 1
