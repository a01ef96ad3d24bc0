"""Figures that more than one cell draws: grids of images, training and ROC curves, confusion matrices, kernels' stops.

All labels are English, and lines differ by style as well as by colour. Nothing is returned but by `walk`: the notebook
shows what was drawn.
"""
from __future__ import annotations

from collections.abc import Sequence

from helpers.checks import array, number, shown, whole
from helpers.training.history import History
from helpers.training.metrics import checked

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import ConfusionMatrixDisplay, roc_curve


def image_grid(
    images: Sequence[np.ndarray], titles: Sequence[str], columns: int, title: str, inches: float = 1.7, **imshow
) -> None:
    """Images in rows of `columns`, each with its own title.

    Args:
        images, titles: n arrays [H, W, 3] (uint8, or float from 0 to 1) or [H, W], each with a text, shown as it is.
        title: of the whole figure: what to see.
        inches: width of one image; `imshow` is passed on to matplotlib's imshow.

    Raises:
        ValueError: there is no image, one of another shape, not a title for each, no column, or no width.
    """
    columns, inches = whole("columns", columns, 1), number("inches", inches, above=0)
    images, titles = _listed("images", images), _listed("titles", titles)
    if not len(images) or len(images) != len(titles):
        raise ValueError(f"each image must have its title: there are {len(images)} and {len(titles)}")
    for text, image in zip(titles, images, strict=True):
        if np.ndim(image) not in (2, 3) or (np.ndim(image) == 3 and np.shape(image)[2] not in (3, 4)):
            raise ValueError(f"the image {text} must be [H, W, 3] or [H, W], not {list(np.shape(image))}")
    rows = -(-len(images) // columns)
    size = inches * columns, (inches + 0.3) * rows + 0.4
    _, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, text in zip(axes.flat, images, titles, strict=False):
        ax.imshow(image, **imshow)
        ax.set_title(text, fontsize=9, parse_math=False)  # a file's name may hold dollars, and is no formula
    plt.suptitle(title)


def bands(
    x: Sequence[float], curves: dict[str, np.ndarray], xlabel: str, ylabel: str, title: str,
    ax: plt.Axes | None = None, xscale: str = "linear",
) -> None:  # fmt: skip
    """Lines with bands: the mean and the range over several seeds.

    Args:
        x, curves: n positions, and name -> numbers [seeds, n].
        xlabel, ylabel, title: with units where there are any; the title says what to see.
        ax: where to draw; a new figure without it.

    Raises:
        ValueError: there is no curve, or one is not [seeds, n].
    """
    x = array("x", x, "n")
    if not isinstance(curves, dict) or not curves:
        raise ValueError(f"the curves must be a dictionary, name -> [seeds, n], not {shown(curves)}")
    curves = {name: array(f"the curve {name}", values, f"seeds {len(x)}", finite=False)
              for name, values in curves.items()}  # fmt: skip
    if empty := [name for name, values in curves.items() if not values.size]:
        raise ValueError(f"the curve {empty[0]} must be of one seed and one position at least")
    ax = ax or plt.subplots(figsize=(6, 3.4), layout="constrained")[1]
    for index, (name, values) in enumerate(curves.items()):
        style = ("o-", "s--", "^:", "D-.", "v-", "P--", "X:")[index % 7]
        line = ax.plot(x, values.mean(axis=0), style, ms=4, label=name)[0]
        ax.fill_between(x, values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.2)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title, xscale=xscale)
    if xscale == "log" and len(x) <= 8:
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.minorticks_off()
    elif xscale == "linear" and all(float(value).is_integer() for value in x):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8)


def _listed(name: str, values: object) -> list:
    """What was given of several, as a list; a ValueError that names it where it cannot be taken apart."""
    try:
        return list(values)
    except Exception as error:  # whatever an object does that is looked at
        raise ValueError(f"{name} must be a list, not {shown(values)}") from error


def training_curves(histories: dict[str, History], title: str) -> None:
    """Loss, validation accuracy and validation AUC of one or more runs, epoch by epoch.

    Of a run without a validation part there is the training loss alone.

    Raises:
        ValueError: there is no run, or it has no epoch.
    """
    if not isinstance(histories, dict) or not histories:
        raise ValueError(f"the histories must be a dictionary, name -> History, not {shown(histories)}")
    for name, history in histories.items():
        if not isinstance(history, History) or not history.loss:
            raise ValueError(f"{name} must be the History of a training of one epoch at least")
    _, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    styles = ["-", "--", ":", "-."]
    for index, (name, history) in enumerate(histories.items()):
        epochs = np.arange(1, len(history.loss) + 1)
        style = styles[index % len(styles)]
        prefix = f"{name}, " if len(histories) > 1 else ""
        axes[0].plot(epochs, history.loss, style, color="tab:blue", label=f"{prefix}training")
        if history.validation_auc:  # the three are measured together, or none of them
            axes[0].plot(epochs, history.validation_loss, style, color="tab:orange", label=f"{prefix}validation")
            axes[1].plot(epochs, history.validation_accuracy, style, color="tab:orange", label=name)
            axes[2].plot(epochs, history.validation_auc, style, color="tab:orange", label=name)
            best = history.best_epoch
            axes[2].plot(best + 1, history.validation_auc[best], "k*", ms=11, label=f"{prefix}best epoch: {best + 1}")
    for ax, name in zip(axes, ("loss", "validation accuracy", "validation AUC"), strict=True):
        ax.set(xlabel="epoch", ylabel=name)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    if axes[2].lines:
        axes[2].legend(fontsize=8, loc="lower right")
    plt.suptitle(title)


def roc(labels: np.ndarray, scores: np.ndarray, threshold: float, title: str, ax: plt.Axes | None = None) -> None:
    """The ROC curve of scores [n] against labels [n], with the point that one threshold takes on it.

    Raises:
        ValueError: the lengths differ, a class is missing, or a score or the threshold is no number.
    """
    (labels, scores), threshold = checked(labels, scores), number("threshold", threshold)
    ax = ax or plt.subplots(figsize=(4.2, 4), layout="constrained")[1]
    false_alarms, hits, _ = roc_curve(labels, scores)
    said = scores >= threshold
    ax.plot([0, 1], [0, 1], "--", color="gray", label="chance")
    ax.plot(false_alarms, hits, "-", color="tab:blue", label="classifier")
    point = said[labels == 0].mean(), said[labels == 1].mean()
    ax.plot(*point, "o", color="tab:red", label=f"threshold {threshold:.2f}")
    ax.set(xlabel="1 - specificity", ylabel="sensitivity", title=title, aspect="equal")
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")


def confusion(matrix: np.ndarray, names: Sequence[str], title: str, ax: plt.Axes | None = None) -> None:
    """A confusion matrix [k, k] (rows: truth, columns: said) with its counts or shares.

    Raises:
        ValueError: it is none, or there are not k names.
    """
    matrix = array("matrix", matrix, "k k")
    names = _listed("names", names)
    if len(names) != len(matrix) or not len(matrix):
        raise ValueError(f"each class must have its name: there are {len(matrix)} and {len(names)}")
    ax = ax or plt.subplots(figsize=(4.2, 4), layout="constrained")[1]
    counts = not np.any(matrix % 1)  # left to itself, scikit-learn writes 10049 as 1e+04
    shown = ConfusionMatrixDisplay(matrix.astype(np.int64 if counts else float), display_labels=names)
    scale, text = {"vmin": 0, "vmax": matrix.sum()}, {"fontsize": 16, "color": "black"}  # readable on every blue
    shown.plot(ax=ax, cmap="Blues", colorbar=False, values_format="d" if counts else None, im_kw=scale, text_kw=text)
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_parse_math(False)  # a class is named like its folder, which may hold dollars, and is no formula
    ax.set(xlabel="said", ylabel="truth", title=title)


def normalisation_cubes(
    sets: dict[str, np.ndarray], title: str, axes: dict[str, tuple[str, str, str]] | None = None, columns: int = 3
) -> None:
    """The figure of Wu and He (Group Normalization, 2018): which values share a mean and a variance.

    Args:
        sets: name -> whole numbers [N, C, H*W]; places with the same number share mean and variance. One cube is
            drawn for each name, and in it, blue and hatched, the set of the first sample's last channel.
        title: of the whole figure.
        axes: name -> what the three axes of its cube are called, where that is not N, C and H·W.
        columns: cubes in a row.

    Raises:
        ValueError: an array does not have three axes, or there is none; no column.
    """
    if not isinstance(sets, dict) or not sets:
        raise ValueError(f"the index sets must be a dictionary, name -> [N, C, H*W], not {shown(sets)}")
    sets = {name: array(f"{name}: the index sets", numbers, "N C H*W") for name, numbers in sets.items()}
    if empty := [name for name, numbers in sets.items() if not numbers.size]:
        raise ValueError(f"{empty[0]}: the index sets must be of one sample, channel and place at least")
    columns = min(whole("columns", columns, 1), len(sets))
    rows = -(-len(sets) // columns)
    _, grid = plt.subplots(rows, columns, figsize=(3 * columns, 3.3 * rows), squeeze=False, layout="constrained")
    for ax in grid.flat:
        ax.axis("off")
    for ax, (name, numbers) in zip(grid.flat, sets.items(), strict=False):
        chosen = numbers == numbers[0, -1, 0]
        samples, channels, places = numbers.shape
        # What is seen of the cube, each face with the axis it is cut from and the two steps along its squares.
        n, c, p = np.eye(3)
        faces = [
            (chosen[0], np.zeros(3), c, p),  # front: the first sample
            (chosen[:, -1], channels * c, n, p),  # right: the last channel
            (chosen[:, :, 0], np.zeros(3), n, c),  # top: the first place
        ]
        project = np.array([[0.5, 0.5], [1, 0], [0, -1]])  # N goes back, C to the right, H*W down
        for inside, start, first, second in faces:
            for i, j in np.ndindex(*inside.shape):
                corner = start + i * first + j * second
                square = np.array([corner, corner + first, corner + first + second, corner + second]) @ project
                look = {"facecolor": "tab:blue", "hatch": "////"} if inside[i, j] else {"facecolor": "white"}
                ax.add_patch(plt.Polygon(square, edgecolor="black", linewidth=0.8, **look))
        back, across, down = (axes or {}).get(name, ("N", "C", "H·W"))
        ax.text(channels / 2, -places - 0.3, across, ha="center", va="top")
        ax.text(-0.3, -places / 2, down, ha="right", va="center", rotation=90)
        ax.text(channels + samples / 4 + 0.4, samples / 4 - places - 0.2, back, ha="left", va="top")
        ax.set(xlim=(-1.2, channels + samples / 2 + 0.3), ylim=(-places - 1.2, samples / 2 + 0.3), aspect="equal")
        ax.set_title(f"{name}\n{len(np.unique(numbers))} sets of {chosen.sum()} values", fontsize=10)
    plt.suptitle(title)


def walk(image: np.ndarray, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> np.ndarray:
    """All stops of a kernel of ones, a frame for each: the frames lie as the output numbers do.

    A frame shows the image, the zeros of the padding in gray around it, and in blue what the kernel touches; above it
    stands the output number, their sum.

    Args:
        image: whole numbers of one digit [H, W].
        kernel, stride, padding, dilation: as of a convolution, the same for both axes.

    Returns:
        The output numbers [h, w], so that a cell can compare them.

    Raises:
        ValueError: the kernel does not fit, there would be more than 49 frames, the image is no array of two axes, or
            a setting is too small or no whole number.
    """
    kernel, stride, dilation = whole("kernel", kernel, 1), whole("stride", stride, 1), whole("dilation", dilation, 1)
    padding, image = whole("padding", padding, 0, 99), np.asarray(image)
    if image.ndim != 2 or not image.size or image.dtype.kind not in "biu":
        raise ValueError(f"the image must be whole numbers [H, W], not {image.dtype} {list(image.shape)}")
    padded = np.pad(image.astype(np.int64), padding)  # bytes would not hold the sums
    reach = dilation * (kernel - 1) + 1
    if reach > min(padded.shape):
        raise ValueError(f"the kernel spans {reach} pixels, more than the {min(padded.shape)} of the padded image")
    rows, columns = ((side - reach) // stride + 1 for side in padded.shape)
    if rows * columns > 49:
        raise ValueError(f"{rows} x {columns} frames are too many to look at: take a smaller image or a larger stride")
    real = np.pad(np.ones(image.shape, dtype=bool), padding)
    sums = np.zeros((rows, columns), dtype=padded.dtype)
    size = 1.5 * columns, 1.7 * rows + 0.5
    _, frames = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for (i, j), ax in np.ndenumerate(frames):
        touched = np.zeros(padded.shape, dtype=bool)
        touched[i * stride : i * stride + reach : dilation, j * stride : j * stride + reach : dilation] = True
        sums[i, j] = padded[touched].sum()
        for y, x in sorted(np.ndindex(*padded.shape), key=lambda place: touched[place]):  # touched last: lines on top
            look = {"facecolor": "white" if real[y, x] else "0.85", "edgecolor": "gray", "linewidth": 0.4}
            if touched[y, x]:
                look = {"facecolor": "tab:blue", "edgecolor": "black", "linewidth": 1.6}
            ax.add_patch(plt.Rectangle((x, y), 1, 1, **look))
            ink = "white" if touched[y, x] else "black"
            ax.text(x + 0.5, y + 0.52, padded[y, x], ha="center", va="center", fontsize=7, color=ink)
        ax.set(xlim=(-0.1, padded.shape[1] + 0.1), ylim=(padded.shape[0] + 0.1, -0.1), aspect="equal")
        ax.axis("off")
        ax.set_title(f"[{i}, {j}]: {sums[i, j]}", fontsize=9, pad=2)
    plt.suptitle(f"k={kernel}, s={stride}, p={padding}, d={dilation}: {rows} x {columns} stops", fontsize=11)
    return sums
