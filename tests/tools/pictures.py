"""Draw the pictures of the README in docs/pictures, from what the course itself computes: `make pictures`.

    python -m tests.tools.pictures [FOLDER]

The eyes are rendered, and the network is the one that comes with the course. English, as in every figure.
"""
from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

from helpers import ROOT, files, runtime
from helpers.commands import predict, recipe
from helpers.fundus.paint import render_image
from helpers.training.explain import evidence_map

import cv2
import matplotlib
import numpy as np
import paddle
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from paddle import nn
from PIL import Image

FOLDER = ROOT / "docs" / "pictures"
STYLES = {"light": "default", "dark": "dark_background"}
DARK = {"figure.facecolor": "#0d1117", "axes.facecolor": "#0d1117", "savefig.facecolor": "#0d1117"}  # GitHub's
EYE, SEED = "P", 3
BLUE, ORANGE = "#2f81f7", "#db6d28"  # both at least 3 : 1 against white and against GitHub's dark gray
COLOURS = 128  # of a picture's palette


def spreads(norm: bool, depth: int = 20, width: int = 64, std: float = 0.12) -> list[float]:
    """The standard deviation before the ReLU in each of 20 layers of fresh weights: notebook 01, section 1."""
    runtime.seed(0)
    x, found = paddle.randn([500, width]), []
    for _ in range(depth):
        z = x @ (paddle.randn([width, width]) * std)
        z = nn.BatchNorm1D(width)(z) if norm else z
        found.append(z.std().item())
        x = nn.functional.relu(z)
    return found


def norm_curves(ax) -> None:
    layers = range(1, 21)
    ax.semilogy(layers, spreads(norm=True), "-", color=BLUE, label="with BatchNorm")
    ax.semilogy(layers, spreads(norm=False), "--", color=ORANGE, label="without")
    ax.set(xlabel="layer", ylabel="standard deviation", title="BatchNorm keeps the scale")
    ax.set_xticks([1, 5, 10, 15, 20])
    ax.legend()
    ax.grid(alpha=0.3)


def norm_sets(ax) -> None:
    """Which values of [N, C] share a mean and a variance: notebook 02, section 1, the pixels left out."""
    n, c = np.indices((4, 6))
    sets = {"Batch": c == 5, "Layer": n == 0, "Instance": (n == 0) & (c == 5), "Group": (n == 0) & (c >= 3)}
    for place, (name, chosen) in enumerate(sets.items()):
        left, top = 7.5 * (place % 2), 6.5 * (place // 2)
        for (row, column), inside in np.ndenumerate(chosen):
            look = {"facecolor": BLUE, "hatch": "///"} if inside else {"facecolor": "none"}
            ax.add_patch(Rectangle((left + column, top + row), 1, 1, edgecolor="gray", **look))
        ax.text(left + 3, top - 0.3, f"{name}Norm", ha="center", va="bottom")
    ax.set(xlim=(-0.3, 13.8), ylim=(10.8, -1.6), aspect="equal", title="Which values share a mean")
    ax.axis("off")


def dropout_masks(ax) -> None:
    """Who is dropped in eight steps: notebook 03."""
    kept = np.random.default_rng(0).random((8, 20)) >= 0.5
    ax.imshow(~kept, cmap="gray_r", vmin=0, vmax=1.6, aspect="auto")
    ax.set(xlabel="neuron", ylabel="step", title="Dropout, p = 0.5: dark is dropped", xticks=[], yticks=[])


def convolution(ax, size: int = 5, kernel: int = 3, stride: int = 2, padding: int = 1) -> None:
    """A kernel at its first stop on a padded image, and the outputs: notebook 04."""
    padded, stops = size + 2 * padding, (size + 2 * padding - kernel) // stride + 1
    for y, x in np.ndindex(padded, padded):
        real = padding <= min(y, x) and max(y, x) < size + padding
        look = {"facecolor": "gray", "alpha": 0.35} if not real else {"facecolor": "none"}
        ax.add_patch(Rectangle((x, y), 1, 1, edgecolor="gray", **look))
    left, top = padded + 2.2, (padded - stops) / 2
    for y, x in np.ndindex(stops, stops):
        look = {"facecolor": BLUE} if (y, x) == (0, 0) else {"facecolor": "none"}
        ax.add_patch(Rectangle((left + x, top + y), 1, 1, edgecolor="gray", **look))
    ax.add_patch(Rectangle((0, 0), kernel, kernel, facecolor=BLUE, alpha=0.6, edgecolor=BLUE, lw=3))
    arrow = {"arrowstyle": "->", "color": "gray"}
    ax.annotate("", (left - 0.3, padded / 2), (padded + 0.3, padded / 2), arrowprops=arrow)
    arithmetic = f"({size} + 2·{padding} − {kernel}) / {stride} + 1 = {stops}"
    ax.text((left + stops) / 2, padded + 0.9, arithmetic, ha="center", va="center", fontsize=13)
    ax.set(xlim=(-0.3, left + stops + 0.3), ylim=(padded + 1.6, -0.3), aspect="equal")
    ax.set_title(f"Kernel {kernel}, stride {stride}, padding {padding}")
    ax.axis("off")


def judged_eye() -> tuple[np.ndarray, np.ndarray, float]:
    """A rendered eye [S, S, 3], its map [s, s] and its probability of pathologic myopia, by the course's network."""
    model, about, _ = predict.load(recipe.SHIPPED)
    eye = render_image(EYE, 256, np.random.default_rng(SEED))
    small = cv2.resize(eye, (about.size, about.size), interpolation=cv2.INTER_AREA)
    x = predict.prepared(small, about)[None]
    evidence = evidence_map(model, x, small.max(axis=2)[None] > 15, flip=about.flip)[0]
    return eye, evidence, float(predict.ask(model, about, x)[0])


def eye_alone(ax) -> None:
    eye, _, probability = judged_eye()
    ax.imshow(eye)
    ax.set_title(f"Rendered eye: pathologic {min(probability, 0.99):.0%}")
    ax.axis("off")


def eye_with_map(ax) -> None:
    eye, evidence, probability = judged_eye()
    grown = cv2.resize(evidence, eye.shape[:2], interpolation=cv2.INTER_LINEAR)
    heat = matplotlib.colormaps["viridis"](grown / grown.max())[..., :3]
    ax.imshow(np.concatenate([eye, np.full((256, 8, 3), 128, np.uint8), np.uint8(255 * heat)], axis=1))
    ax.contour(np.arange(256), np.arange(256), grown, [grown.max() / 2], colors="white", linewidths=1.2)
    ax.set_title(f"Rendered eye, pathologic {min(probability, 0.99):.0%}, and what speaks for it")
    ax.axis("off")


def picture(panels: list[Callable], widths: list[float], inches: tuple[float, float], theme: str, dpi: int) -> bytes:
    """A PNG with a palette: panels side by side."""
    with style.context(STYLES[theme]), matplotlib.rc_context(DARK if theme == "dark" else {}):
        figure = Figure(figsize=inches, layout="constrained")
        grid = figure.subplots(1, len(panels), width_ratios=widths, squeeze=False)
        for ax, panel in zip(grid[0], panels, strict=True):
            panel(ax)
        raw = io.BytesIO()
        figure.savefig(raw, dpi=dpi)
    made = io.BytesIO()
    Image.open(raw).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    return made.getvalue()


def draw(folder: Path = FOLDER) -> dict[str, int]:
    """Write all pictures; gives their bytes by name."""
    every = {f"course-{theme}.png": ([eye_with_map, norm_curves, convolution], [1.75, 1.2, 1.2], (13, 3.6), theme, 110)
             for theme in STYLES}  # fmt: skip
    thumbnails = {"01": norm_curves, "02": norm_sets, "03": dropout_masks, "04": convolution, "05": eye_alone}
    every |= {f"{name}.png": ([panel], [1], (3.6, 2.7), "light", 80) for name, panel in thumbnails.items()}
    sizes = {}
    for name, how in every.items():
        data = picture(*how)
        files.write_atomically(folder / name, lambda file, data=data: file.write(data))
        sizes[name] = len(data)
    return sizes


if __name__ == "__main__":
    for name, size in draw(*map(Path, sys.argv[1:2])).items():
        print(f"{name}: {size / 1000:.0f} kB")
