"""How well the recipe of `helpers.train` does, with and without rendered images, within the real training images alone.

    python -m helpers.cross_validation --data FOLDER

The test images take no part, so this may be looked at as often as one likes while a recipe is chosen. The folds that
chose it flatter it, though: `--seed` gives others to report.
"""
from __future__ import annotations

import argparse
import sys

from helpers import duplicates, inference, palm, resnet, runtime, train
from helpers.archives import ArchiveError
from helpers.augment import Augment
from helpers.images import ImageError
from helpers.joint import JointDataset
from helpers.progress import tqdm

import numpy as np
from sklearn.metrics import roc_auc_score

FOLDS = 5
INPUTS = {"real alone": 0, "with rendered": train.EXTRA}  # and how many rendered images in each epoch


def folds(data: palm.FundusSet, seed: int = 0) -> np.ndarray:
    """The fold of every image, int64 [n]; each fold has its share of H, N and P.

    The data set does not say which photographs are of one patient, but neighbours by number look alike now and then. So
    a fold takes neighbours together, beginning at a random number, and photographs that are the same.
    """
    rng = np.random.default_rng(seed)
    names, result = np.array(data.names), np.empty(len(data), np.int64)
    for kind in sorted({name[0] for name in data.names}):
        places = np.array([place for place in np.argsort(names) if names[place][0] == kind])
        result[np.roll(places, rng.integers(len(places)))] = np.arange(len(places)) * FOLDS // len(places)
    for group in map(list, duplicates.groups(data.images)):
        result[group] = result[group[0]]
    return result


def scores(
    data: palm.FundusSet,
    extra: palm.FundusSet | None = None,
    count: int = 0,
    epochs: int = train.EPOCHS,
    seed: int = 0,
    progress: bool = True,
) -> np.ndarray:
    """The probability of class 1 of every image, from a network that was trained on the other folds.

    Args:
        data: training images.
        extra: rendered images, of which `count` are trained on besides in each epoch; or None.
        count: see `extra`.
        epochs: of each of the five trainings.
        seed: of the folds, the weights and the order.
        progress: a bar on stdout.

    Returns:
        float32 array [n].
    """
    result = np.full(len(data), np.nan, np.float32)
    fold_of = folds(data, seed)
    for fold in tqdm(range(FOLDS), "folds", leave=False, file=sys.stdout, disable=not progress):
        number = 100 * seed + fold
        held_out = fold_of == fold
        train_set = palm.FundusDataset(data.subset(~held_out), Augment(), number)
        if extra is not None:
            train_set = JointDataset(train_set, palm.FundusDataset(extra, Augment(), number), count, number)
        runtime.seed(number)
        model = resnet.resnet10(width=16)
        train.fit(model, train_set, epochs=epochs, seed=number, progress=None)
        result[held_out] = inference.predict(model, palm.FundusDataset(data.subset(held_out)), flip=True)
    return result


def main(given: list[str] | None = None) -> None:
    """The command `python -m helpers.cross_validation`."""
    parser = argparse.ArgumentParser(prog="python -m helpers.cross_validation", description=__doc__.split("\n")[0])
    parser.add_argument("--data", metavar="FOLDER", help="the real data set (default: where the notebook looks for it)")
    parser.add_argument("--repeats", metavar="N", type=int, default=4, help="times five folds, default 4")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the first of them, default 0")
    parser.add_argument("--epochs", metavar="N", type=int, default=train.EPOCHS, help=f"default {train.EPOCHS}")
    options = parser.parse_args(given)
    for name, least in (("repeats", 1), ("epochs", 1), ("seed", 0)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}, not {getattr(options, name)}")
    progress = sys.stdout.isatty()
    try:
        data = palm.split(palm.read(options.data, train.SIZE, progress=progress), validation=0).train
    except (OSError, palm.DataError, ArchiveError, ImageError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    seeds = range(options.seed, options.seed + options.repeats)
    print(f"{data!r}, five folds, {len(seeds)} times (seeds {seeds[0]} to {seeds[-1]})")
    print(f"{'trained on':<13}  accuracy     AUC  accuracy/AUC of each time", flush=True)
    for name, count in INPUTS.items():
        figures = np.array([_figures(data, count, options.epochs, seed, progress) for seed in seeds])
        accuracy, area = figures.mean(axis=0)
        each = "  ".join(f"{one:.3f}/{other:.4f}" for one, other in figures)
        print(f"{name:<13}  {accuracy:8.4f}  {area:.4f}  {each}", flush=True)


def _figures(data: palm.FundusSet, count: int, epochs: int, seed: int, progress: bool) -> tuple[float, float]:
    """Accuracy and AUC of five folds, with `count` rendered images in each epoch."""
    extra = train.rendered_besides(count, seed, progress) if count else None
    said = scores(data, extra, count, epochs, seed, progress)
    return float(((said >= 0.5) == data.labels).mean()), float(roc_auc_score(data.labels, said))


if __name__ == "__main__":
    main()
