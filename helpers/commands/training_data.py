"""The images of `helpers.commands.train`: read or rendered, divided, and told from others when a training goes on."""
from __future__ import annotations

import argparse
import sys
from typing import Any

from helpers import ROOT
from helpers.commands import recipe
from helpers.commands.stopping import stoppable
from helpers.fundus import photographs, sources
from helpers.fundus.errors import DataError
from helpers.fundus.photographs import FundusSet, Parts
from helpers.fundus.render import render
from helpers.training import model_file


def read(options: argparse.Namespace) -> tuple[FundusSet, FundusSet | None]:
    """The images that the options ask for, and the rendered ones to train on besides.

    `options.extra` becomes the number of those, where the command line leaves it to the recipe.

    Raises:
        DataError: what `photographs.read` refuses; rendered images besides photographs of one's own.
    """
    progress = sys.stdout.isatty()
    source = options.data or (sources.find() if options.rendered is None else None)
    if source is None:
        count = options.rendered or 600
        source = render(ROOT / "data" / f"rendered-{count}-{options.seed}", count, recipe.SIZE, options.seed, progress)
    data = photographs.read(source, recipe.SIZE, progress=progress)
    if data.own and options.extra:
        raise DataError(f"{options.data} has other classes than the rendered images: leave out --extra {options.extra}")
    if options.extra is None:
        options.extra = 0 if data.own else recipe.EXTRA[options.init != "none"]
    return data, rendered_besides(options.extra, recipe.SIZE, options.seed, progress) if options.extra else None


def divided(data: FundusSet, options: argparse.Namespace) -> Parts:
    """The images to train, to validate and to test, with all that the options and what comes after need in them.

    Raises:
        DataError: what `photographs.split` refuses; a class is missing in a part, or cannot be kept in a model's file;
            the options ask for images to be held back where the data say which, or need some where none are.
    """
    own = int((data.parts == "validation").sum()) if data.own else 0
    if own and options.validation:
        raise DataError(
            f"{options.data} says itself which {own} photographs are for validation: leave out --validation "
            f"{options.validation:g}, these are held back anyway"
        )
    parts = photographs.split(data, options.validation, options.seed)
    for name, part in (("training", parts.train), ("test", parts.test)):
        absent = [each for k, each in enumerate(data.classes) if k not in part.labels]
        if absent:
            raise DataError(f"none of the {len(part)} {name} images is of the class {absent[0]}: add some")
    if len(parts.validation) and len(set(parts.validation.labels.tolist())) < 2:
        raise DataError(
            f"all {len(parts.validation)} validation images are of one class: nothing can be chosen by them. Hold back "
            "more, or none"
        )
    if options.sensitivity is not None and not len(parts.validation):
        raise DataError("--sensitivity needs images that are not trained on: add --validation 0.2")
    if options.sensitivity is not None and len(data.classes) > 2:
        raise DataError(f"--sensitivity is for two classes, and there are {len(data.classes)}: leave it out")
    try:
        count = len(data.classes)
        model_file.About(recipe.NETWORK, recipe.SIZE, arguments={"num_classes": count}, classes=data.classes)
    except ValueError as error:
        raise DataError(f"{options.data}: the {error}; call the classes otherwise") from error
    return parts


def identity(parts: Parts, extra: FundusSet | None) -> dict[str, Any]:
    """What tells the images that are trained on and watched from others of equal number, for `fit`'s `also`."""
    sets = {"training": parts.train, "validation": parts.validation, "rendered": extra}
    of = {
        f"fingerprint of the {name} {what}": model_file.fingerprint(values)[:16]
        for name, data in sets.items() if data is not None
        for what, values in (("images", data.images), ("labels", data.labels))
    }  # fmt: skip
    return {"classes": list(parts.train.classes), **of}


def rendered_besides(count: int, size: int, seed: int, progress: bool, both_sides: bool = True) -> FundusSet:
    """Rendered images to draw `count` of in each epoch: three times as many, of other eyes than `--rendered` paints."""
    folder = ROOT / "data" / f"extra-{3 * count}-{seed}{'' if both_sides else '-one-side'}"
    with stoppable() as stop, stop.at_once():
        render(folder, (3 * count, 1), size, seed + 1, progress, both_sides)
        images = photographs.read(folder, size, progress=progress)
    return images.subset(images.parts == "training")
