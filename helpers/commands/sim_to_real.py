"""How real the rendered images are: train on them alone, test on real photographs.

Prints the area under the ROC curve (AUC) on the real training images, which the renderer was tuned against, and on the
real validation images, which it was not.
"""
from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers.commands import ending
from helpers.commands.limits import parsed
from helpers.commands.stopping import stoppable
from helpers.fundus import photographs
from helpers.fundus.dataset import Augment, FundusDataset
from helpers.fundus.errors import DataError
from helpers.fundus.images import normalise, scaled
from helpers.fundus.photographs import FundusSet
from helpers.fundus.render import render
from helpers.training.fit import fit
from helpers.training.inference import predict
from helpers.training.parallel import seed_epoch
from helpers.training.resnet import ResNet, resnet18

import numpy as np
from sklearn.metrics import roc_auc_score

Transform = Callable[[np.ndarray], np.ndarray]
TRANSFORMS: dict[str, Transform] = {"normalised": normalise, "as it is": scaled}  # what to do with the colours
SIZE, EPOCHS, COUNT = 96, 6, (1600, 200)  # rendered images to train on and to watch
COLUMNS = ("rendered", "real training", "real validation")


def train_on(data: FundusSet, transform: Transform, epochs: int, seed: int, progress: bool = True) -> ResNet:
    """A quarter-width ResNet-18 trained on the training part of `data`; its validation part is only watched."""
    seed_epoch(seed, epochs)  # the weights that it starts with
    model = resnet18(width=16)
    train = FundusDataset(data.subset(data.parts == "training"), Augment(), seed, transform)
    watched = FundusDataset(data.subset(data.parts == "validation"), transform=transform)
    with stoppable() as stop_if_asked:
        fit(
            model, train, watched, epochs, 16, 3e-3, seed=seed, progress="bar" if progress else None,
            after_batch=stop_if_asked,
        )  # fmt: skip
    return model


def measure(model: ResNet, data: FundusSet, part: str, transform: Transform) -> float:
    """AUC of `model` on a part of `data`, of a single look at each image."""
    images = data.subset(data.parts == part)
    return float(roc_auc_score(images.labels, predict(model, FundusDataset(images, transform=transform))))


def report(
    folder: str | None, seeds: Sequence[int], count: tuple[int, int] = COUNT, size: int = SIZE, epochs: int = EPOCHS
) -> None:
    """Print the table of AUCs, a line for each seed and transform, then the means; DataError if `folder` is not fit."""
    progress = sys.stdout.isatty()
    with stoppable() as stop, stop.at_once():
        real = photographs.read(folder, size, cache=False, progress=progress)
    if real.own:  # known now, and not only when the first network is trained
        raise DataError(f"{folder} is not iChallenge-PM, on whose parts the networks are measured: name its folder")
    if not real.real:
        raise DataError("these are rendered images; name a folder with real ones")
    print("AUC after training on rendered images alone (the renderer was tuned against the real training images)")
    print(f"{'seed':>4}  {'colours':<12}" + "".join(f"{name:>17}" for name in COLUMNS) + f"{'training':>12}")
    rows: dict[str, list[list[float]]] = {name: [] for name in TRANSFORMS}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as scratch, stoppable() as stop, stop.at_once():
            images = render(f"{scratch}/rendered", count, size, seed, progress)
            rendered = photographs.read(images, size, cache=False, progress=progress)
        for name, transform in TRANSFORMS.items():
            start = time.perf_counter()
            model = train_on(rendered, transform, epochs, seed, progress)
            seconds = time.perf_counter() - start
            on = [(rendered, "validation"), (real, "training"), (real, "validation")]
            rows[name].append([measure(model, data, part, transform) for data, part in on])
            print(f"{seed:>4}  {name:<12}{_figures(rows[name][-1])}{seconds:10.0f} s", flush=True)
    if len(seeds) > 1:
        for name, values in rows.items():
            print(f"mean  {name:<12}{_figures(np.mean(values, axis=0))}")


def _figures(values: Sequence[float]) -> str:
    return "".join(f"{value:17.4f}" for value in values)


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.sim_to_real", description=__doc__.split("\n")[0])
    parser.add_argument("--data", metavar="FOLDER", help="the real data set (default: where the notebook looks for it)")
    parser.add_argument("--seeds", metavar="N", type=int, nargs="+", default=[0], help="one run for each, default 0")
    options = parsed(parser, given)
    if min(options.seeds) < 0:
        parser.error(f"--seeds must be at least 0, not {min(options.seeds)}")
    with ending.in_a_sentence():
        report(options.data, options.seeds)


if __name__ == "__main__":
    main()
