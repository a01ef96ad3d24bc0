"""How well the recipe does, with and without rendered images and mirroring, within the real training images alone.

The test images take no part, so this may be looked at as often as one likes while a recipe is chosen. The folds that
chose it flatter it, though: `--seed` gives others to report.
"""
from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from helpers import runtime
from helpers.commands.train import EXTRA, SIZE, rendered_besides
from helpers.fundus import photographs
from helpers.fundus.dataset import Augment, FundusDataset, JointDataset
from helpers.fundus.errors import DataError
from helpers.fundus.photographs import FundusSet, same_photographs
from helpers.training import inference, resnet
from helpers.training.fit import EPOCHS, fit

import numpy as np
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

FOLDS = 5
INPUTS = {  # how many rendered images in each epoch, and whether the training sees eyes of both sides
    "real alone": (0, True), "with rendered": (EXTRA, True), "one side only": (EXTRA, False),
}  # fmt: skip
LOOKS = ("four ways round", "as they are", "other side")  # how a held-out image is looked at


def folds(data: FundusSet, seed: int = 0) -> np.ndarray:
    """The fold of every image, int64 [n]; each fold has its share of H, N and P.

    The data set does not say which photographs are of one patient, but neighbours by number look alike now and then. So
    a fold takes neighbours together, beginning at a random number, and photographs that are the same.
    """
    rng = np.random.default_rng(seed)
    names, result = np.array(data.names), np.empty(len(data), np.int64)
    for kind in sorted({name[0] for name in data.names}):
        places = np.array([place for place in np.argsort(names) if names[place][0] == kind])
        result[np.roll(places, rng.integers(len(places)))] = np.arange(len(places)) * FOLDS // len(places)
    for group in map(list, same_photographs(data.images)):
        result[group] = result[group[0]]
    return result


def scores(
    data: FundusSet, extra: FundusSet | None = None, count: int = 0, epochs: int = EPOCHS, seed: int = 0,
    progress: bool = True, mirror: bool = True,
) -> np.ndarray:  # fmt: skip
    """The probability of class 1 of every image, from a network that was trained on the other folds.

    Args:
        data: training images.
        extra, count: rendered images, of which `count` are trained on besides in each epoch; or None.
        epochs: of each of the five trainings.
        seed: of the folds, the weights and the order.
        mirror: mirror left to right in training.

    Returns:
        float32 array [3, n]: the average over the four ways round, then a single look at the image as it is, and one at
        it mirrored left to right.
    """
    result = np.full((len(LOOKS), len(data)), np.nan, np.float32)
    fold_of, augment = folds(data, seed), Augment(mirror=mirror)
    for fold in tqdm(range(FOLDS), "folds", leave=False, file=sys.stdout, disable=not progress):
        number = 100 * seed + fold
        held_out = fold_of == fold
        train_set = FundusDataset(data.subset(~held_out), augment, number)
        if extra is not None:
            train_set = JointDataset(train_set, FundusDataset(extra, augment, number), count, number)
        runtime.seed(number)
        model = resnet.resnet10(width=16)
        fit(model, train_set, epochs=epochs, seed=number, progress=None)
        judged = data.subset(held_out)
        other_side = dataclasses.replace(judged, images=judged.images[:, :, ::-1])
        looks = [(judged, True), (judged, False), (other_side, False)]
        result[:, held_out] = [inference.predict(model, FundusDataset(images), flip=flip) for images, flip in looks]
    return result


def report(folder: str | None, seeds: range, epochs: int, progress: bool) -> None:
    """Print the table: a line for each of the `INPUTS`, with the mean over the seeds and the figures of each."""
    data = photographs.split(photographs.read(folder, SIZE, progress=progress), validation=0).train
    print(f"{data!r}, five folds, {len(seeds)} times (seeds {seeds[0]} to {seeds[-1]})")
    print("accuracy and AUC of the average over four ways round; specificity (sp.) of a single look at the images as")
    print("they are (sp. 1) and mirrored left to right, as if of the other side (sp. 2)")
    print(f"{'trained on':<13}  accuracy     AUC   sp. 1   sp. 2  accuracy/AUC of each time", flush=True)
    for name, (count, both_sides) in INPUTS.items():
        figures = []
        for seed in seeds:
            extra = rendered_besides(count, seed, progress, both_sides) if count else None
            four, *single = scores(data, extra, count, epochs, seed, progress, both_sides)
            cleared = [(said < 0.5)[data.labels == 0].mean() for said in single]
            figures.append((((four >= 0.5) == data.labels).mean(), roc_auc_score(data.labels, four), *cleared))
        accuracy, area, *cleared = np.mean(figures, axis=0)
        each = "  ".join(f"{one:.3f}/{other:.4f}" for one, other, *_ in figures)
        columns = f"{accuracy:8.4f}  {area:.4f}" + "".join(f"  {share:6.4f}" for share in cleared)
        print(f"{name:<13}  {columns}  {each}", flush=True)


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.commands.cross_validation", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", metavar="FOLDER", help="the real data set (default: where the notebook looks for it)")
    parser.add_argument("--repeats", metavar="N", type=int, default=4, help="times five folds, default 4")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the first of them, default 0")
    parser.add_argument("--epochs", metavar="N", type=int, default=EPOCHS, help=f"default {EPOCHS}")
    options = parser.parse_args(given)
    for name, least in (("repeats", 1), ("epochs", 1), ("seed", 0)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}, not {getattr(options, name)}")
    seeds = range(options.seed, options.seed + options.repeats)
    try:
        report(options.data, seeds, options.epochs, progress=sys.stdout.isatty())
    except (OSError, DataError, FloatingPointError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
