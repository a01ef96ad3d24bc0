"""helpers.figures draws the numbers that it is given."""
from helpers import figures
from helpers.training.history import History

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from matplotlib.colors import to_rgba


@pytest.fixture(autouse=True)
def _close_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


def drawn():
    """The axes of the one figure that is open, after it was rendered."""
    assert len(plt.get_fignums()) == 1
    plt.gcf().canvas.draw()
    return plt.gcf().axes


def test_bands_show_mean_and_range():
    figures.bands([1, 2, 4], {"a": np.array([[1.0, 2, 3], [3, 4, 7]])}, "x", "y", "title")
    (ax,) = drawn()
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2, 3, 5])
    corners = ax.collections[0].get_paths()[0].vertices
    assert {(1, 1), (1, 3), (4, 3), (4, 7)} <= {tuple(corner) for corner in corners}
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("x", "y", "title")
    assert ax.get_legend().get_texts()[0].get_text() == "a"


def test_bands_differ_without_colour():
    figures.bands([1, 2], {str(i): np.ones((1, 2)) for i in range(7)}, "", "", "")
    (ax,) = drawn()
    assert len({(line.get_marker(), line.get_linestyle()) for line in ax.lines}) == 7


def test_bands_on_a_log_axis_name_their_few_positions():
    figures.bands([1e-4, 1e-2, 0.3], {"a": np.ones((2, 3))}, "", "", "", xscale="log")
    (ax,) = drawn()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.0001", "0.01", "0.3"]


def test_image_grid():
    figures.image_grid([np.zeros((4, 4, 3), np.uint8)] * 3, ["a", "b", "c"], 2, "all")
    axes = drawn()
    assert [ax.get_title() for ax in axes] == ["a", "b", "c", ""] and [len(ax.images) for ax in axes] == [1, 1, 1, 0]


def test_training_curves_mark_the_best_epoch():
    numbers = {"loss": [3, 2, 1], "validation_loss": [3, 3, 3], "validation_accuracy": [0.5, 0.6, 0.7]}
    figures.training_curves({"run": History(**numbers, validation_auc=[0.5, 0.9, 0.8])}, "title")
    star = drawn()[2].lines[-1]
    assert star.get_xydata().tolist() == [[2, 0.9]] and star.get_label() == "best epoch: 2"


@pytest.mark.filterwarnings("error")
def test_training_curves_without_a_validation_part():
    figures.training_curves({"run": History(loss=[3, 2, 1])}, "title")
    axes = drawn()
    assert [len(ax.lines) for ax in axes] == [1, 0, 0]
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["training"]


def test_training_curves_of_runs_with_and_without_a_validation_part():
    measured = History([3, 2], [3, 3], [0.5, 0.6], [0.5, 0.9])
    figures.training_curves({"a": History(loss=[3, 2, 1]), "b": measured}, "title")
    assert [len(ax.lines) for ax in drawn()] == [3, 1, 2]


def test_roc_and_confusion():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9])
    figures.roc(labels, scores, 0.5, "roc")
    point = drawn()[0].lines[-1]
    assert point.get_xydata().tolist() == [[0.5, 0.5]]
    plt.close("all")
    figures.confusion(np.array([[3, 1], [0, 4]]), ["no", "yes"], "confusion")
    assert sorted(text.get_text() for text in drawn()[0].texts) == ["0", "1", "3", "4"]


@pytest.mark.parametrize(("matrix", "texts"), [
    ([[10049, 3], [19999, 123456]], ["10049", "3", "19999", "123456"]),
    (np.array([[105.0, 3.0], [200.0, 1234.0]]), ["105", "3", "200", "1234"]),
    (np.full((2, 2), 200, np.uint8), ["200"] * 4), ([[0.75, 0.25], [0.5, 0.5]], ["0.75", "0.25", "0.5", "0.5"]),
])  # fmt: skip
def test_counts_are_written_in_full(matrix, texts):
    figures.confusion(matrix, ["no", "yes"], "confusion")
    assert [text.get_text() for text in drawn()[0].texts] == texts


@pytest.mark.parametrize("draw", [
    lambda names: figures.image_grid([np.zeros((4, 4, 3), np.uint8)] * 2, names, 2, "all"),
    lambda names: figures.confusion(np.eye(2), names, "confusion"),
])  # fmt: skip
def test_what_a_user_named_is_no_formula(draw):
    draw([r"$\frac$.jpg", "a$b$c"])
    axes = drawn()
    plt.gcf().canvas.draw()
    shown = [label for ax in axes for label in (ax.title, *ax.get_xticklabels(), *ax.get_yticklabels())]
    assert sum("$" in label.get_text() for label in shown) >= 2
    assert not any(label.get_parse_math() for label in shown if "$" in label.get_text())


# --- the cubes of Wu and He ---

N, C, P = 4, 6, 5
n, c, p = np.indices([N, C, P])
SETS = {
    # name: (index sets, blue squares on the front, right and top face)
    "batch": (c, P + N * P + N),
    "layer": (n, C * P + P + C),
    "instance": (n * C + c, P + P + 1),
    "group": (n * 2 + c // 3, 3 * P + P + 3),
    "position": (n * P + p, C + 1 + C),
}


def test_a_cube_for_each_name_shows_the_set():
    figures.normalisation_cubes({name: numbers for name, (numbers, _) in SETS.items()}, "title")
    for ax, (name, (numbers, blue)) in zip(drawn(), SETS.items(), strict=False):  # five cubes, six places
        patches = ax.patches
        assert len(patches) == C * P + N * P + N * C
        assert sum(patch.get_facecolor() == to_rgba("tab:blue") for patch in patches) == blue
        assert all(bool(patch.get_hatch()) == (patch.get_facecolor() == to_rgba("tab:blue")) for patch in patches)
        count = len(np.unique(numbers))
        assert ax.get_title() == f"{name}\n{count} sets of {numbers.size // count} values"


def test_a_cube_says_what_its_axes_are():
    figures.normalisation_cubes({"data": n, "weight": n}, "title", {"weight": ("filters", "inputs", "kernel")})
    texts = [[text.get_text() for text in ax.texts] for ax in drawn()]
    assert texts == [["C", "H·W", "N"], ["inputs", "kernel", "filters"]]


def test_index_sets_may_be_lists():
    figures.normalisation_cubes({"batch": c.tolist()}, "title")
    assert drawn()[0].get_title() == f"batch\n{C} sets of {N * P} values"


def test_three_axes_are_needed():
    with pytest.raises(ValueError, match=r"x: the index sets must be of one sample"):
        figures.normalisation_cubes({"x": np.zeros([2, 0, 4], int)}, "title")
    with pytest.raises(ValueError, match=r"x: the index sets must be numbers \[N, C, H\*W\], not of .* \[2, 3, 4, 5\]"):
        figures.normalisation_cubes({"x": np.zeros([2, 3, 4, 5], int)}, "title")


# --- the stops of a kernel

IMAGE = np.arange(25).reshape(5, 5) % 10


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"), [(3, 1, 0, 1), (3, 2, 1, 1), (2, 3, 1, 2), (5, 1, 1, 1), (1, 2, 0, 3)]
)
def test_a_frame_for_each_output_number_shows_what_it_sums(kernel, stride, padding, dilation):
    sums = figures.walk(IMAGE, kernel, stride, padding, dilation)
    weight = paddle.ones([1, 1, kernel, kernel])
    image = paddle.to_tensor(IMAGE, dtype="float32").reshape([1, 1, 5, 5])
    expected = F.conv2d(image, weight, stride=stride, padding=padding, dilation=dilation).numpy()[0, 0]
    np.testing.assert_array_equal(sums, expected)
    axes = drawn()
    assert len(axes) == sums.size
    for ax, (place, total) in zip(axes, np.ndenumerate(sums), strict=True):
        blue = [patch.get_facecolor() == to_rgba("tab:blue") for patch in ax.patches]
        assert (len(blue), sum(blue)) == ((5 + 2 * padding) ** 2, kernel**2)
        shown = [int(text.get_text()) for text, inside in zip(ax.texts, blue, strict=True) if inside]
        assert sum(shown) == total and ax.get_title() == f"[{place[0]}, {place[1]}]: {total}"


def test_a_kernel_that_does_not_fit_and_too_many_frames():
    with pytest.raises(ValueError, match="the kernel spans 9 pixels, more than the 7 of the padded image"):
        figures.walk(IMAGE, 5, padding=1, dilation=2)
    with pytest.raises(ValueError, match="9 x 9 frames are too many"):
        figures.walk(IMAGE, 1, padding=2)


@pytest.mark.parametrize("kind", ["uint8", "int8", "bool", "int64"])
def test_sums_of_small_numbers_do_not_wrap_around(kind):
    image = np.full((6, 6), 1 if kind == "bool" else 9, kind)
    assert figures.walk(image, 6).tolist() == [[36 * int(image[0, 0])]]


@pytest.mark.parametrize("draw", [
    lambda: figures.confusion(np.eye(2), None, "t"), lambda: figures.confusion(np.eye(2), 2, "t"),
    lambda: figures.normalisation_cubes({"a": np.zeros((1, 1, 1), int)}, "t", columns=0),
    lambda: figures.image_grid(None, ["a"], 1, "t"), lambda: figures.image_grid([np.zeros((2, 2))], None, 1, "t"),
    lambda: figures.image_grid([np.zeros((3, 8, 8))], ["a"], 1, "t"),
    lambda: figures.bands([0, 1], {"a": np.zeros((0, 2))}, "x", "y", "t"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_named(draw):
    with pytest.raises(ValueError, match=r"must be"):
        draw()
