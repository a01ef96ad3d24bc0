"""What the maps of `helpers.training.explain` are worth, on rendered eyes and on real photographs.

Judged are diseased eyes that a network recognises. The real ones are training images, of another fold than the
network's own; the test images take no part. All networks begin with the weights of the recipe, so the intervals over
networks tell of training and of eyes alone. docs/measured/explanations.txt keeps what it printed.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import intervals, runtime
from helpers.checks import Unusable
from helpers.commands import ending, recipe
from helpers.commands.cross_validation import ARMS, FOLDS, folds, trained, training_images
from helpers.commands.limits import SEEDS, at_least, at_most, parsed
from helpers.commands.training_data import rendered_besides
from helpers.fundus.dataset import FundusDataset
from helpers.fundus.errors import DataNotFound
from helpers.fundus.eye import sample_eye
from helpers.fundus.paint import MASKS, paint_with_masks
from helpers.fundus.photographs import FundusSet
from helpers.training import explain, faithfulness, inference
from helpers.training.resnet import ResNet

import numpy as np
import paddle
from scipy.stats import spearmanr
from tqdm import tqdm

EYES = 40  # painted for each network
METHODS = ("Grad-CAM", "integrated gradients")
CONTROLS = ("random place", "middle", "another eye's", "untrained", "reversed")  # the last three of the same method
FIGURES = {  # what they mean
    "deletion": "mean probability while the map's places are blurred, highest first: less is better",
    "insertion": "the same while they are brought back into the blurred image: more is better",
    "atrophy hit": "share of maps whose highest place lies in atrophy (crescent or patches)",
    "disc hit": "the same for the optic disc",
    "mass": "share of the map that lies in atrophy",
}
Judgement = dict[str, dict[str, float]]  # map -> figure -> mean over the eyes
Case = tuple[ResNet, FundusSet, np.ndarray | None, int]  # a network, diseased eyes, masks of them, its number


def on_rendered(numbers: range, epochs: int, progress: bool) -> Iterator[Case]:
    """A network of the recipe for each number, trained on rendered eyes of its own, and others to judge it by."""
    for number in numbers:
        images = rendered_besides(recipe.EXTRA[False] // 2, recipe.SIZE, number, progress)
        eyes, masks = painted(number, EYES)
        yield trained(images, ARMS["pretrained"], number, epochs=epochs), eyes, masks, number


def on_real(folder: str | None, numbers: range, epochs: int, progress: bool) -> Iterator[Case]:
    """A network for each number, trained on four folds of the real training images, and the diseased ones of the fifth.

    Raises:
        DataNotFound, DataError: as `cross_validation.training_images`; DataError for rendered images.
    """
    data = training_images(folder, progress, rendered=False)
    for number in numbers:
        held_out = folds(data, number // FOLDS) == number % FOLDS
        extra = rendered_besides(recipe.EXTRA[False], recipe.SIZE, number, progress)
        model = trained(data.subset(~held_out), ARMS["pretrained, rendered besides"], number, extra, epochs)
        yield model, data.subset(held_out & (data.labels == 1)), None, number


def painted(number: int, count: int) -> tuple[FundusSet, np.ndarray]:
    """Pathologic eyes for network `number`, and where atrophy and where the disc is: bool [count, 2, S, S]."""
    images, masks = [], []
    for index in range(count):
        rng = np.random.default_rng([1000, number, index])  # render() begins with other numbers
        image, where = paint_with_masks(sample_eye("P", rng), recipe.SIZE, rng)
        disc, *atrophy = (where[name] for name in MASKS)
        images.append(image)
        masks.append([np.any(atrophy, axis=0), disc])
    names = tuple(f"P{index:04d}" for index in range(count))
    parts = np.array(["testing"] * count)
    return FundusSet(np.stack(images), np.ones(count, np.int64), names, parts, real=False), np.array(masks)


def judge(
    model: ResNet, eyes: FundusSet, masks: np.ndarray | None, number: int,
    stop_if_asked: Callable[[], None] = lambda: None,
) -> tuple[Judgement, str]:  # fmt: skip
    """The figures of each map on those eyes that the network recognises, and a line of what else there is to say.

    Args:
        eyes: diseased ones.
        masks: bool [n, 2, S, S], atrophy and disc, or None where nobody knows.
        number: seeds the random places and the untrained network.
        stop_if_asked: called before each map and before it is judged; what it raises ends that.

    Raises:
        Unusable: the network recognises none of the eyes.
    """
    recognised = inference.predict(model, FundusDataset(eyes), flip=True) >= 0.5
    if not recognised.any():
        raise Unusable(f"network {number} recognises none of {len(eyes)} diseased eyes: train it for more --epochs")
    dataset = FundusDataset(eyes.subset(recognised))
    x = np.stack([image for image, _ in dataset])
    field = (x != 0).any(axis=1)
    runtime.seed(number + 1)
    untrained = recipe.network()
    inference.recompute_statistics(untrained, dataset)
    maps = {"random place": faithfulness.random_places(field, number), "middle": faithfulness.middle(field)}
    said = [f"{len(x)} of {len(eyes)} recognised"]
    for name in METHODS:
        stop_if_asked()
        own, others = (_map(name, each, x, field) for each in (model, untrained))
        maps |= {name: own, f"{name}, another eye's": np.roll(own, 1, axis=0), f"{name}, untrained": others,
                 f"{name}, reversed": -own}  # fmt: skip
        both = [each for each in zip(own, others, field, strict=True) if each[0].any() and each[1].any()]
        alike = [spearmanr(one[inside], other[inside]).statistic for one, other, inside in both]
        said.append(f"{name}: {explain.is_blank(own).sum()} blank, rank correlation with the untrained "
                    f"network's {np.mean(alike):+.2f}")  # fmt: skip
    if masks is not None:
        masks = masks[recognised]
        shares = [masks[:, index][field].mean() for index in (0, 1)]
        said.append(f"atrophy covers {shares[0]:.3f} of the field of view, the disc {shares[1]:.3f}")
    figures: Judgement = {}
    for name, each in maps.items():
        stop_if_asked()
        curves = faithfulness.deletion_and_insertion(model, x, each, field, seed=number)
        figures[name] = {"deletion": float(curves.deletion.mean()), "insertion": float(curves.insertion.mean())}
        if masks is not None and not name.endswith("reversed"):
            for index, figure in enumerate(("atrophy hit", "disc hit")):
                figures[name][figure] = float(faithfulness.hits(each, masks[:, index], field).mean())
            figures[name]["mass"] = float(np.nanmean(faithfulness.mass_inside(each, masks[:, 0], field)))
    return figures, "; ".join(said)


def _map(method: str, model: ResNet, x: np.ndarray, field: np.ndarray) -> np.ndarray:
    if method == "Grad-CAM":
        return explain.grad_cam(model, paddle.to_tensor(x))
    return explain.evidence_map(model, x, field)


def report(cases: Iterator[Case], count: int, progress: bool) -> list[Judgement]:
    """Judge each network as it comes, then print the mean of all, and how the maps differ from their controls."""
    judgements = []
    bar = tqdm(cases, "networks", count, leave=False, file=sys.stdout, disable=not progress)
    with stopping.stoppable() as stop_if_asked:
        for model, eyes, masks, number in bar:
            figures, said = judge(model, eyes, masks, number, stop_if_asked)
            judgements.append(figures)
            print(f"network {number}: {said}", flush=True)
    columns = [name for name in FIGURES if name in judgements[0][METHODS[0]]]
    print(f"\n{'mean of the networks':<38}" + "".join(f"{name:>13}" for name in columns))
    for name, row in judgements[0].items():
        means = [np.mean([each[name][figure] for each in judgements]) if figure in row else None for figure in columns]
        print(f"{name:<38}" + "".join(f"{'-':>13}" if mean is None else f"{mean:13.3f}" for mean in means))
    print("\ndifferences, with 95 % intervals over the networks")
    for name in METHODS:
        for control in CONTROLS:
            other = control if control in judgements[0] else f"{name}, {control}"
            print(f"{name} - {control}")
            for figure in (each for each in columns if each in judgements[0][other]):
                values = ([each[which][figure] for each in judgements] for which in (name, other))
                print(f"    {figure:<12}{intervals.difference(*values):+.3f}")
    print(flush=True)
    return judgements


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.explanations", description=__doc__.split("\n")[0])
    parser.add_argument("--data", metavar="FOLDER", help="the real data set (default: where the notebook looks for it)")
    parser.add_argument("--networks", metavar="N", type=int, default=5, help="of each kind, at least 2; default 5")
    parser.add_argument("--epochs", metavar="N", type=int, default=recipe.EPOCHS, help=f"default {recipe.EPOCHS}")
    options = parsed(parser, given)
    at_least(parser, options, networks=2, epochs=1)
    at_most(parser, options, networks=SEEDS)
    numbers, progress = range(options.networks), sys.stdout.isatty()
    with ending.in_a_sentence():
        if options.data is not None:
            training_images(options.data, progress, rendered=False)  # a wrong folder is named now, not after an hour
        print("\n".join(f"{name + ':':<13}{meaning}" for name, meaning in FIGURES.items()))
        print(f"\nrendered eyes, {recipe.SIZE} px", flush=True)
        report(on_rendered(numbers, options.epochs, progress), options.networks, progress)
        print(f"real photographs, {recipe.SIZE} px: training images held out", flush=True)
        try:
            report(on_real(options.data, numbers, options.epochs, progress), options.networks, progress)
        except DataNotFound as error:
            if options.data is not None:
                raise
            print(f"left out: {error}")


if __name__ == "__main__":
    main()
