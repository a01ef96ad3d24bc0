"""Train the network that comes with the course, on rendered eyes alone: it judges, and further training starts with it.

The painter knows more of an eye than whether it is ill. So the network learns, besides that, its kind, where disc and
fovea lie, and how strong each sign is; what is found for one of them helps the others. Ctrl-C is safe: the same
command with --resume goes on from the last finished epoch.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import ROOT, runtime
from helpers.commands import ending, recipe
from helpers.commands.limits import at_least, at_most, parsed
from helpers.commands.stopping import stoppable
from helpers.commands.train import way_on
from helpers.fundus import photographs, sources
from helpers.fundus.dataset import Augment, FundusDataset, item_at
from helpers.fundus.eye import sample_eye
from helpers.fundus.images import normalise
from helpers.fundus.paint import check_size, paint_eye
from helpers.fundus.photographs import FundusSet
from helpers.training import checkpoint, inference, metrics, model_file
from helpers.training.fit import fit

import numpy as np
import paddle
from paddle import nn
from paddle.io import Dataset
from tqdm import tqdm

COUNT, EPOCHS, RATE, SEED = 24_000, 6, 4e-3, 1
TEST = 1000  # further eyes, to measure on
# Half of the eyes pathologic, as about half of iChallenge-PM; highly myopic ones, the hardest to tell from them, are a
# quarter and not a fifteenth.
KINDS = "PNPH"
CHUNK = 250  # images that a process paints at a time


class Painted(NamedTuple):
    """Painted eyes and what the painter knows of them.

    Attributes:
        images: uint8 [n, S, S, 3].
        kinds: int64 [n], places in "HNP".
        points: float32 [n, 3, 2]: the middles of disc and fovea and a point on the disc's rim, x and y from -1 to 1.
        signs: float32 [n, 5]: tessellation, crescent, diffuse atrophy, patches, haze.
    """

    images: np.ndarray
    kinds: np.ndarray
    points: np.ndarray
    signs: np.ndarray


def paint(first: int, count: int, size: int, seed: int) -> Painted:
    """The eyes number `first` and following; each depends on `seed`, `size` and its number alone."""
    made = []
    for number in range(first, first + count):
        rng = np.random.default_rng([seed, number])
        kind = KINDS[number % len(KINDS)]
        eye = sample_eye(kind, rng)
        rim = (eye.disc[0], eye.disc[1] + eye.disc_radius)
        points = np.array([eye.disc, eye.fovea, rim]) * (-1 if eye.right else 1, 1)
        signs = eye.tessellation, min(eye.crescent, 3), eye.diffuse, min(eye.patches, 6), eye.haze
        made.append((paint_eye(eye, size, rng), "HNP".index(kind), points, signs))
    images, kinds, points, signs = map(np.array, zip(*made, strict=True))
    return Painted(images, kinds, points.astype(np.float32), signs.astype(np.float32))


def paint_all(first: int, count: int, size: int, seed: int, progress: bool) -> Painted:
    """The same, by two processes."""
    check_size(size)
    starts = range(first, first + count, CHUNK)
    with (
        stopping.processes(2) as submit,
        tqdm(total=count, desc="painting", unit="image", leave=False, file=sys.stdout, disable=not progress) as bar,
    ):
        jobs = [submit(paint, start, min(CHUNK, first + count - start), size, seed) for start in starts]
        parts = []
        for job in jobs:
            parts.append(job.result())
            bar.update(len(parts[-1].images))
    return Painted(*map(np.concatenate, zip(*parts, strict=True)))


class Pretraining(Dataset):
    """Items of all targets together: (float32 [3, S, S], float32 [11]), the kind and ten standardised numbers.

    The numbers are x and y of disc and fovea, the disc's radius, and the five signs. Whatever the augmentation moves in
    an image, it moves in the numbers too.
    """

    def __init__(self, painted: Painted, seed: int) -> None:
        super().__init__()
        self.painted, self.augment, self.seed, self.epoch = painted, Augment(), seed, 0
        numbers = np.stack([self._numbers(points, signs) for points, signs in zip(*painted[2:], strict=True)])
        self.mean, self.deviation = numbers.mean(axis=0), numbers.std(axis=0) + 1e-6

    @staticmethod
    def _numbers(points: np.ndarray, signs: np.ndarray) -> np.ndarray:
        disc, fovea, rim = points
        return np.array([*disc, *fovea, np.hypot(*(rim - disc)), *signs], np.float32)

    def set_epoch(self, epoch: int) -> None:
        """Choose the changes of this epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.painted.images)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        index = item_at(index, len(self))
        place = [self.seed, self.epoch, index]
        image = self.augment(self.painted.images[index], np.random.default_rng(place))
        points = self.augment.points(self.painted.points[index], np.random.default_rng(place))
        numbers = (self._numbers(points, self.painted.signs[index]) - self.mean) / self.deviation
        x = np.ascontiguousarray(normalise(image).transpose(2, 0, 1))
        return x, np.array([self.painted.kinds[index], *numbers], np.float32)


class Heads(nn.Layer):
    """A network with further linear layers beside its last one: [N, 3, S, S] -> [N, 2 + 3 + 10].

    Caruana: Multitask Learning, Machine Learning 28, 1997, https://doi.org/10.1023/A:1007379606734.
    """

    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        self.network = network
        self.others = nn.Linear(network.fc.weight.shape[0], 3 + 10)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        features = self.network.features(x)
        return paddle.concat([self.network.fc(features), self.others(features)], axis=1)


def loss_of(outputs: paddle.Tensor, targets: paddle.Tensor) -> paddle.Tensor:
    """Cross-entropy of pathologic or not, cross-entropy of the kind, mean squared error of the numbers: their sum."""
    kinds, numbers = targets[:, 0].astype("int64"), targets[:, 1:]
    pathologic = (kinds == 2).astype("int64")
    return (
        nn.functional.cross_entropy(outputs[:, :2], pathologic, label_smoothing=0.1)
        + nn.functional.cross_entropy(outputs[:, 2:5], kinds)
        + nn.functional.mse_loss(outputs[:, 5:], numbers)
    )


def as_set(painted: Painted) -> FundusSet:
    """Painted eyes as a data set with two classes."""
    count = len(painted.images)
    names = tuple(f"{'HNP'[kind]}{number:05d}" for number, kind in enumerate(painted.kinds))
    return FundusSet(painted.images, (painted.kinds == 2).astype(np.int64), names, np.array(["testing"] * count), False)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.commands.pretrain", description=__doc__.strip().split("\n\n")[0]
    )
    parser.add_argument("--count", metavar="N", type=int, default=COUNT, help=f"eyes to paint, default {COUNT}")
    parser.add_argument("--epochs", metavar="N", type=int, default=EPOCHS, help=f"default {EPOCHS}")
    parser.add_argument("--seed", metavar="N", type=int, default=SEED, help=f"default {SEED}")
    parser.add_argument("--resume", action="store_true", help="go on from the newest good checkpoint in --output")
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=ROOT / "data" / "pretrain",
                        help="for checkpoints and metrics.jsonl (default data/pretrain)")  # fmt: skip
    parser.add_argument("--model", metavar="FILE", type=Path, default=recipe.SHIPPED,
                        help="the model file to write (default: the one that comes with the course)")  # fmt: skip
    options = parsed(parser, given)
    at_least(parser, options, count=32, epochs=1, seed=0)
    at_most(parser, options, seed=2**32 - 1)
    return options


def run(options: argparse.Namespace) -> model_file.About:
    """Paint, train, measure, write the model file; gives what the file says of it."""
    if not options.resume:
        checkpoint.refuse(options.output)
    runtime.device()
    progress = sys.stdout.isatty()
    painted = paint_all(0, options.count, recipe.SIZE, options.seed, progress)
    test = as_set(paint_all(options.count, TEST, recipe.SIZE, options.seed, progress))
    print(f"{options.count} painted eyes of {recipe.SIZE} px to train, {TEST} others to measure on", flush=True)
    runtime.seed(options.seed)
    network = recipe.network()
    with stoppable() as stop_if_asked:
        fit(
            Heads(network), Pretraining(painted, options.seed), None, options.epochs, 32, RATE, loss_of=loss_of,
            seed=options.seed, folder=options.output, resume=options.resume,
            also={"fingerprint of the images": model_file.fingerprint(painted.images)[:16]},
            progress="bar" if progress else "lines", after_batch=stop_if_asked,
        )  # fmt: skip
    for value in network.state_dict().values():  # what is measured has to be what the file holds
        value.set_value(value.numpy().astype(np.float16).astype(np.float32))
    about = described(options, network, test)
    model_file.save(options.model, network, about, half=True)
    print(f"{options.model}, {options.model.stat().st_size / 1e6:.2f} MB")
    for name, value in about.card.items():
        print(f"{name}: {value}")
    return about


def described(options: argparse.Namespace, network: nn.Layer, test: FundusSet) -> model_file.About:
    """What the file says of the model; with figures on real photographs where there are some."""
    card = {
        "trained on": f"{options.count} rendered eyes of both sides, {options.epochs} epochs; no photograph",
        "on rendered eyes": figures(network, test),
    }
    source = sources.find()
    if source is not None:
        real = photographs.read(source, recipe.SIZE, progress=sys.stdout.isatty())
        for part, note in (("training", "by which the renderer was tuned"), ("validation", "measured once")):
            chosen = real.subset(real.parts == part)
            if real.real and len(set(chosen.labels)) == 2:
                card[f"on {len(chosen)} iChallenge-PM {part} images"] = f"{figures(network, chosen)} ({note})"
    card |= {
        "seed": options.seed,
        "licence": "Apache-2.0",
        "intended use": "a beginning for further training, and exercises of this course; not a medical device",
    }
    return model_file.About(recipe.NETWORK, recipe.SIZE, arguments=recipe.ARGUMENTS, card=card)


def figures(network: nn.Layer, data: FundusSet) -> str:
    """Accuracy and AUC with their 95 % intervals, at a threshold of 0.5."""
    report = metrics.report(data.labels, inference.predict(network, FundusDataset(data), flip=True))
    return f"accuracy {report.accuracy}, AUC {report.auc}"


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    options = arguments(given)
    with ending.in_a_sentence(lambda: print("\n" + way_on(options.output), flush=True)):
        run(options)


if __name__ == "__main__":
    main()
