"""How many real photographs it takes: from scratch, pretrained with only the last layer trained, and fine-tuned.

Trained on 25, 50, 100, 200 and all of the real training images outside a fold, judged on those in it; the test images
take no part. The renderer was tuned on these very images, which flatters both kinds of pretraining.
"""
from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import intervals
from helpers.commands import ending, recipe
from helpers.commands.cross_validation import FOLDS, Arm, figures, folds, trained, training_images
from helpers.commands.limits import SEEDS, at_least, at_most, parsed
from helpers.fundus.dataset import FundusDataset
from helpers.fundus.photographs import FundusSet
from helpers.training import inference

import numpy as np
from sklearn.model_selection import train_test_split
from tqdm import tqdm

SIZES = (25, 50, 100, 200)  # images, and then all of them
BATCH = 32
ARMS = {"from scratch": Arm("none"), "frozen": Arm(frozen=True), "fine-tuned": Arm()}


def some(data: FundusSet, count: int, seed: int) -> FundusSet:
    """`count` images with their share of each class."""
    if count >= len(data):
        return data
    chosen, _ = train_test_split(np.arange(len(data)), train_size=count, random_state=seed, stratify=data.labels)
    return data.subset(chosen)


def epochs(count: int, all_images: int) -> int:
    """As many as give about the recipe's number of batches, so that fewer images are not trained on for less time."""
    steps = recipe.EPOCHS * (all_images // BATCH)
    return math.ceil(steps / max(1, count // BATCH))


def measure(data: FundusSet, count: int, arm: Arm, repeat: int) -> np.ndarray:
    """Accuracy and AUC on one held-out fold of a network that was trained on `count` images of the others, float [2].

    The fold, the images and the order depend on `repeat` alone: repeats of two arms are pairs.
    """
    held_out = folds(data, repeat) == repeat % FOLDS
    chosen = some(data.subset(~held_out), count, repeat)
    model = trained(chosen, arm, repeat, epochs=epochs(len(chosen), len(data)))
    judged = data.subset(held_out)
    return figures(judged.labels, inference.predict(model, FundusDataset(judged), flip=True)[None])


def report(folder: str | None, repeats: int, seed: int, sizes: Sequence[int], progress: bool) -> None:
    """Print the table: accuracy and AUC of each way to train, for each number of images, with 95 % intervals."""
    data = training_images(folder, progress, rendered=False)
    print(f"{data!r}; each of {repeats} repeats holds another fold of a fifth back and trains on images outside it")
    print("mean over the repeats with its 95 % interval (Student's t)")
    print(f"{'images':<8}{'trained':<14}{'accuracy':<24}AUC", flush=True)
    everything = round(len(data) * (1 - 1 / FOLDS))
    for count in [*(size for size in sizes if size < everything), len(data)]:
        for name, arm in ARMS.items():
            runs = tqdm(range(seed, seed + repeats), f"{count} images, {name}", leave=False, file=sys.stdout,
                        disable=not progress)  # fmt: skip
            values = np.transpose([measure(data, count, arm, number) for number in runs])
            accuracy, area = map(intervals.mean, values)
            label = str(count) if count < everything else f"~{everything}"
            print(f"{label:<8}{name:<14}{accuracy!s:<24}{area}", flush=True)


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    summary = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.learning_curve", description=summary)
    parser.add_argument("--data", metavar="FOLDER", help="the real data set (default: where the notebook looks for it)")
    parser.add_argument("--repeats", metavar="N", type=int, default=5, help="default 5, one for each fold")
    parser.add_argument("--seed", metavar="N", type=int, default=100, help="of the first of them, default 100")
    options = parsed(parser, given)
    at_least(parser, options, repeats=2, seed=0)
    at_most(parser, options, repeats=SEEDS, seed=SEEDS)
    with ending.in_a_sentence():
        report(options.data, options.repeats, options.seed, SIZES, progress=sys.stdout.isatty())


if __name__ == "__main__":
    main()
