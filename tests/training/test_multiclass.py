"""training.multiclass: figures of more than two classes, compared with scikit-learn's and with those of two."""
from helpers import runtime
from helpers.training import inference, metrics, multiclass, resnet
from helpers.training.fit import fit
from tests.tools.small_training import Stripes

import numpy as np
import paddle
import pytest
from scipy.special import softmax
from sklearn.metrics import roc_auc_score


def answers(n=90, k=3, seed=0, skill=1.5):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    return labels, softmax(rng.normal(size=(n, k)) + skill * np.eye(k)[labels], axis=1)


def test_the_figures_are_those_of_scikit_learn():
    labels, said = answers()
    report = multiclass.report(labels, said, ("a", "b", "c"))
    assert report.auc.value == pytest.approx(roc_auc_score(labels, said, multi_class="ovr", average="macro"))
    right = said.argmax(axis=1) == labels
    assert report.accuracy.value == pytest.approx(right.mean())
    assert [each.value for each in report.sensitivities] == pytest.approx([right[labels == k].mean() for k in range(3)])
    assert report.confusion.sum(axis=1).tolist() == [30, 30, 30]
    for interval in (report.accuracy, report.auc, *report.sensitivities):
        assert 0 <= interval.low < interval.value < interval.high <= 1


def test_of_two_classes_it_is_the_same_as_the_report_of_two():
    labels, said = answers(80, 2)
    one, two = multiclass.report(labels, said, ("a", "b")), metrics.report(labels, said[:, 1])
    np.testing.assert_array_equal(one.confusion, two.confusion)
    assert one.accuracy == two.accuracy
    assert one.auc.value == pytest.approx(two.auc.value)
    assert (one.auc.low, one.auc.high) == pytest.approx((two.auc.low, two.auc.high), abs=0.02)  # other draws
    assert one.sensitivities == (two.specificity, two.sensitivity)
    assert multiclass.one_image(labels) == 1 / 40


def test_the_interval_of_the_auc_covers_the_truth():
    """Of 60 samples of one population, about 95 % of the intervals hold its AUC."""
    truth = multiclass.macro_auc(*answers(60_000, seed=1000, skill=1.0))
    held = [multiclass.auc(*answers(90, seed=seed, skill=1.0), draws=300) for seed in range(60)]
    assert 52 <= sum(each.low <= truth <= each.high for each in held) <= 60


def test_many_draws_at_once_and_few_give_the_same_kind_of_interval(monkeypatch):
    whole = multiclass.auc(*answers())
    monkeypatch.setattr(metrics, "_AT_ONCE", 1000)
    assert multiclass.auc(*answers()).low == pytest.approx(whole.low, abs=0.02)


def test_no_single_image_changes_the_auc_by_more_than_one_image_says():
    labels, said = answers(24, 3, skill=3)
    whole, most = multiclass.macro_auc(labels, said), multiclass.one_image(labels)
    changed = []
    for image in range(len(labels)):
        for k in range(3):
            other = said.copy()
            other[image] = np.eye(3)[k]
            changed.append(abs(multiclass.macro_auc(labels, other) - whole))
    assert 0.5 * most < max(changed) <= most


def test_it_prints_each_class_and_the_table():
    labels, said = answers()
    text = str(multiclass.report(labels, said, ("healthy", "glaucoma", "青光眼")))
    for part in ("accuracy", "AUC", "sensitivity, glaucoma", "rows: truth, columns: said", "青光眼"):
        assert part in text
    assert len({len(line) for line in text.splitlines()[-4:-1]}) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y, p: (y[:-1], p), "must be \\[n\\] and probabilities \\[n, K\\]"),
        (lambda y, p: (y, p[:, 0]), "probabilities must be numbers \\[n, K\\]"),
        (lambda y, p: (y / 2, p), "classes from 0 to 2"),
        (lambda y, p: (y, p * np.nan), "diverged"),
        (lambda y, p: (y, 2 * p), "add up to 1"),
        (lambda y, p: (y + 1, p), "from 0 to 2"),
        (lambda y, p: (0 * y, p), "two classes at least"),
        (lambda y, p: (np.minimum(y, 1), p), "no image of the class c"),
    ],
)
def test_what_cannot_be_measured_is_said(change, message):
    with pytest.raises(ValueError, match=message):
        multiclass.report(*change(*answers()), ("a", "b", "c"))


def test_as_many_names_as_classes():
    with pytest.raises(ValueError, match="3 probabilities for each image and 2 names"):
        multiclass.report(*answers(), ("a", "b"))


# --- training and prediction ----------------------------------------------------------------------------------------


class Thirds(Stripes):
    """Three classes: a bright left half, a bright right half, or neither."""

    def __init__(self, count, seed=0):
        super().__init__(count, seed)
        self.images = np.random.default_rng(seed).normal(size=(count, 3, 16, 16)).astype("float32")
        self.labels = np.arange(count) % 3
        self.images[self.labels == 1, :, :, :8] += 1
        self.images[self.labels == 2, :, :, 8:] += 1


def test_a_network_of_three_classes_is_trained_watched_and_asked(tmp_path):
    runtime.seed(0)
    model = resnet.resnet10(width=4, stem="small", num_classes=3)
    held_back = Thirds(33, seed=1)
    history = fit(model, Thirds(96), held_back, 10, 16, 3e-3, folder=tmp_path, progress=None)
    said = inference.predict(model, held_back)
    assert (said.shape, said.dtype) == ((33, 3), np.float32)
    assert history.validation_auc[-1] == multiclass.macro_auc(held_back.labels, said) > 0.9
    assert history.validation_accuracy[-1] == np.mean(said.argmax(axis=1) == held_back.labels)
    expected = -np.log(said[np.arange(33), held_back.labels]).mean()
    assert history.validation_loss[-1] == pytest.approx(expected, rel=1e-5)


def test_four_ways_round_are_averaged_for_each_class():
    model = resnet.resnet10(width=4, stem="small", num_classes=3)
    model.eval()
    x = paddle.randn([2, 3, 16, 16])
    views = [x, x.flip([2]), x.flip([3]), x.flip([2, 3])]
    mean = np.mean([inference.probabilities(model, each) for each in views], axis=0)
    np.testing.assert_allclose(inference.probabilities(model, x, flip=True), mean, rtol=1e-5)
