"""How real the rendered fundus images are: trains on them alone and tests on real photographs.

`python -m helpers.fundus --sim-to-real FOLDER` prints the area under the ROC curve (AUC) on the real training images,
which the renderer was tuned against, and on the real validation images, which it was not.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from helpers import fundus, palm
from helpers.augment import Augment
from helpers.callbacks import seed_epoch
from helpers.images import normalise, scaled
from helpers.inference import predict
from helpers.resnet import resnet18
from helpers.train import fit

import numpy as np
from sklearn.metrics import roc_auc_score

Transform = Callable[[np.ndarray], np.ndarray]


TRANSFORMS: dict[str, Transform] = {"normalised": normalise, "as it is": scaled}


def train_on(data: palm.FundusSet, transform: Transform, epochs: int, seed: int, progress: bool = True):
    """A quarter-width ResNet-18 trained on the training part of `data`; its validation part is only watched."""
    seed_epoch(seed, epochs)  # the weights that it starts with
    model = resnet18(width=16)
    parts = [data.subset(data.parts == part) for part in ("training", "validation")]
    train = palm.FundusDataset(parts[0], Augment(), seed, transform)
    watched = palm.FundusDataset(parts[1], transform=transform)
    fit(model, train, watched, epochs, 16, 3e-3, seed=seed, progress="bar" if progress else None)
    return model


def measure(model, data: palm.FundusSet, transform: Transform) -> dict[str, float]:
    """AUC of `model` on each part of `data`, of a single look at each image."""
    scores = predict(model, palm.FundusDataset(data, transform=transform))
    return {
        part: float(roc_auc_score(data.labels[data.parts == part], scores[data.parts == part]))
        for part in ("training", "validation")
    }


def sim_to_real(
    folder: str | Path | None = None,
    transforms: dict[str, Transform] = TRANSFORMS,
    count: tuple[int, int] = (1600, 200),
    size: int = 96,
    epochs: int = 6,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, dict[str, float]]:
    """Render, train on rendered images alone, test on the real ones in `folder`.

    Args:
        folder: the real data set, in any layout that helpers.palm reads; None: the one that it finds (PALM_DIR).
        transforms: what to do with the colours, by name: uint8 [S, S, 3] to float32 [S, S, 3].
        count: rendered images to train on and to watch; `size` is their width in pixels.
        epochs: times that each is seen.
        seed: of the images, the weights and the order.

    Returns: for each transform the AUC on the rendered validation images, the real training and validation images, and
        the seconds of training.

    Raises:
        helpers.palm.DataError: there is no data set in `folder`, or it is broken.
    """
    real = palm.read(folder, size, cache=False, progress=progress)
    if not real.real:
        raise palm.DataError("these are rendered images; name a folder with real ones")
    with tempfile.TemporaryDirectory() as scratch:
        images = fundus.render(Path(scratch) / "rendered", count, size, seed, progress)
        rendered = palm.read(images, size, cache=False, progress=progress)
    results = {}
    for name, transform in transforms.items():
        start = time.perf_counter()
        model = train_on(rendered, transform, epochs, seed, progress)
        seconds = time.perf_counter() - start
        figures = measure(model, real, transform)
        results[name] = {
            "rendered": measure(model, rendered, transform)["validation"],
            "real training": figures["training"],
            "real validation": figures["validation"],
            "seconds": seconds,
        }
    return results


def report(folder: str | Path | None, seeds: list[int]) -> None:
    """Print the table of AUCs, a line for each seed and transform, then the means."""
    columns = ("rendered", "real training", "real validation")
    print("AUC after training on rendered images alone (the renderer was tuned against the real training images)")
    print(f"{'seed':>4}  {'colours':<12}" + "".join(f"{name:>17}" for name in columns) + f"{'training':>12}")
    rows: dict[str, list[list[float]]] = {}
    for seed in seeds:
        for name, result in sim_to_real(folder, seed=seed).items():
            rows.setdefault(name, []).append([result[column] for column in columns])
            figures = "".join(f"{value:17.4f}" for value in rows[name][-1])
            print(f"{seed:>4}  {name:<12}{figures}{result['seconds']:10.0f} s", flush=True)
    if len(seeds) > 1:
        for name, values in rows.items():
            print(f"mean  {name:<12}" + "".join(f"{value:17.4f}" for value in np.mean(values, axis=0)))
