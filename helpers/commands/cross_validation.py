"""How well the recipe does within the real training images alone: from scratch or pretrained, rendered ones besides.

The test images take no part, so this may be looked at as often as one likes while a recipe is chosen. Two things
flatter it, though. The folds that chose the recipe do: `--seed` gives others to report. And the renderer, whose images
the pretraining and the rendered ones besides come from, was tuned by looking at these very training images.
"""
from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import runtime
from helpers.commands import ending, recipe
from helpers.commands.limits import SEEDS, at_least, at_most, parsed
from helpers.commands.train import beginning
from helpers.commands.training_data import rendered_besides
from helpers.fundus import photographs
from helpers.fundus.copies import same_photographs
from helpers.fundus.dataset import Augment, FundusDataset, JointDataset
from helpers.fundus.errors import DataError
from helpers.fundus.photographs import FundusSet
from helpers.training import inference, metrics
from helpers.training.fit import fit
from helpers.training.resnet import ResNet

import numpy as np
from tqdm import tqdm

FOLDS = 5
LOOKS = ("four ways round", "as they are", "other side")  # how a held-out image is looked at


@dataclass(frozen=True)
class Arm:
    """One way to train: what it starts from, the rendered images besides, and which sides of eyes it sees."""

    init: str = "rendered"
    extra: int = 0
    both_sides: bool = True
    frozen: bool = False  # only the last layer is trained


ARMS = {
    "from scratch": Arm("none"),
    "from scratch, rendered besides": Arm("none", recipe.EXTRA[False]),
    "from scratch, one side only": Arm("none", recipe.EXTRA[False], both_sides=False),
    "pretrained": Arm(),
    "pretrained, rendered besides": Arm("rendered", recipe.EXTRA[False]),
}


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


def trained(
    data: FundusSet, arm: Arm, number: int, extra: FundusSet | None = None, epochs: int = recipe.EPOCHS
) -> ResNet:
    """A network trained by the recipe on all of `data`.

    Args:
        data: training images.
        arm: how.
        number: seeds the weights, the order and the augmentation.
        extra: rendered images, of which `arm.extra` are trained on besides in each epoch.
        epochs: over `data`.
    """
    augment = Augment(mirror=arm.both_sides)
    images = FundusDataset(data, augment, number)
    if arm.extra:
        images = JointDataset(images, FundusDataset(extra, augment, number), arm.extra, number)
    runtime.seed(number)
    model = beginning(arm.init)
    if arm.frozen:
        model.freeze_features()
    rate = recipe.RATES[arm.init != "none"]
    with stopping.stoppable() as stop_if_asked:
        fit(
            model, images, epochs=epochs, learning_rate=rate, seed=number, progress=None, after_batch=stop_if_asked
        )  # fmt: skip
    return model


def scores(
    data: FundusSet, arm: Arm, seed: int = 0, extra: FundusSet | None = None, epochs: int = recipe.EPOCHS,
    progress: bool = True,
) -> np.ndarray:  # fmt: skip
    """The probability of class 1 of every image, from a network that was trained on the other folds.

    Args:
        data, arm, extra, epochs: as in `trained`.
        seed: of the folds, the weights and the order.

    Returns:
        float32 array [3, n]: the average over the four ways round, then a single look at the image as it is, and one at
        it mirrored left to right.
    """
    result = np.full((len(LOOKS), len(data)), np.nan, np.float32)
    fold_of = folds(data, seed)
    for fold in tqdm(range(FOLDS), "folds", leave=False, file=sys.stdout, disable=not progress):
        held_out = fold_of == fold
        model = trained(data.subset(~held_out), arm, 100 * seed + fold, extra, epochs)
        result[:, held_out] = looks(model, data.subset(held_out))
    return result


def looks(model: ResNet, data: FundusSet) -> np.ndarray:
    """The probability of class 1 of every image, looked at in each of the three LOOKS, float32 [3, n]."""
    other_side = dataclasses.replace(data, images=data.images[:, :, ::-1])
    ways = [(data, True), (data, False), (other_side, False)]
    return np.stack([inference.predict(model, FundusDataset(images), flip=flip) for images, flip in ways])


def figures(labels: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Accuracy at a threshold of 0.5 and AUC, each the mean over the repeats, float [2].

    Args:
        labels: [n], 0 or 1.
        said: [repeats, n], probabilities of class 1.
    """
    sick = labels == 1
    return np.array([((said >= 0.5) == sick).mean(), metrics.areas(said, sick).mean()])


def draws(labels: np.ndarray, said: np.ndarray, count: int = 1000, seed: int = 0) -> np.ndarray:
    """`figures` of bootstrap draws, [count, 2]: images drawn within each class, and repeats.

    The same seed draws the same, so the draws of two arms may be subtracted from one another. Owen: The pigeonhole
    bootstrap, 2007, https://doi.org/10.1214/07-AOAS122.
    """
    rng, result = np.random.default_rng(seed), np.empty((count, 2))
    places = [np.flatnonzero(labels == k) for k in (0, 1)]
    for draw in result:
        chosen = np.concatenate([rng.choice(each, len(each)) for each in places])
        repeats = rng.integers(len(said), size=len(said))
        draw[:] = figures(labels[chosen], said[np.ix_(repeats, chosen)])
    return result


def line(name: str, values: np.ndarray, drawn: np.ndarray, sign: str = "") -> str:
    """A line of the table: accuracy and AUC with the 95 % intervals of their draws."""
    ends = np.percentile(drawn, [2.5, 97.5], axis=0).T
    cells = [f"{value:{sign}.4f} [{low:{sign}.4f}, {high:{sign}.4f}]"
             for value, (low, high) in zip(values, ends, strict=True)]  # fmt: skip
    return f"{name:<32}" + "  ".join(f"{cell:<26}" for cell in cells)


def training_images(folder: str | None, progress: bool, rendered: bool = True) -> FundusSet:
    """The training images of a data set, in the recipe's size.

    Raises:
        DataError: what `photographs.read` refuses; photographs of one's own, since `folds` knows nothing of patients,
            nor of other classes; rendered images, if they are not wanted.
    """
    with stopping.stoppable() as stop, stop.at_once():
        data = photographs.read(folder, recipe.SIZE, progress=progress)
    if data.own:
        raise DataError(f"{folder} is not iChallenge-PM, on which the recipes are compared; train with it instead")
    if not (data.real or rendered):
        raise DataError("these are rendered images, as the pretraining's: name a folder with real ones")
    return photographs.split(data, validation=0).train


def report(folder: str | None, names: Iterable[str], seeds: range, epochs: int, progress: bool) -> None:
    """Print the table: a line for each arm, and its difference from the first one."""
    data = training_images(folder, progress)
    print(f"{data!r}, five folds, {len(seeds)} times (seeds {seeds[0]} to {seeds[-1]})")
    print("The renderer was tuned on these very images: this flatters all that rendered images take part in.")
    print("Average over four ways round, 95 % intervals over images and repeats (bootstrap); specificity (sp.) of a")
    print("single look at the images as they are (sp. 1) and mirrored left to right, as if of the other side (sp. 2)")
    print(f"{'trained':<32}{'accuracy':<28}{'AUC':<28}sp. 1   sp. 2", flush=True)
    first = None
    for name in names:
        arm, rows = ARMS[name], []
        for seed in seeds:
            extra = rendered_besides(arm.extra, recipe.SIZE, seed, progress, arm.both_sides) if arm.extra else None
            rows.append(scores(data, arm, seed, extra, epochs, progress))
        four, *single = np.stack(rows, axis=1)  # [looks, repeats, n]
        values, drawn = figures(data.labels, four), draws(data.labels, four)
        cleared = "  ".join(f"{(each[:, data.labels == 0] < 0.5).mean():.4f}" for each in single)
        print(f"{line(name, values, drawn)}{cleared}", flush=True)
        wrong = ((four >= 0.5) != (data.labels == 1)).all(axis=0)
        letters = np.array([each[0] for each in data.names])
        counts = [f"{kind} {wrong[letters == kind].sum()} of {(letters == kind).sum()}" for kind in np.unique(letters)]
        print(f"    wrong in every repeat: {', '.join(counts)}", flush=True)
        if first is None:
            first = name, values, drawn
        else:
            print(line(f"    against {first[0]}", values - first[1], drawn - first[2], "+"), flush=True)


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.commands.cross_validation", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", metavar="FOLDER", help="the real data set (default: where the notebook looks for it)")
    parser.add_argument("--only", nargs="+", choices=ARMS, default=list(ARMS), help="not all ways to train")
    parser.add_argument("--repeats", metavar="N", type=int, default=4, help="times five folds, default 4")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the first of them, default 0")
    parser.add_argument("--epochs", metavar="N", type=int, default=recipe.EPOCHS, help=f"default {recipe.EPOCHS}")
    options = parsed(parser, given)
    at_least(parser, options, repeats=1, epochs=1, seed=0)
    at_most(parser, options, repeats=SEEDS, seed=SEEDS)
    seeds = range(options.seed, options.seed + options.repeats)
    with ending.in_a_sentence():
        report(options.data, options.only, seeds, options.epochs, progress=sys.stdout.isatty())


if __name__ == "__main__":
    main()
