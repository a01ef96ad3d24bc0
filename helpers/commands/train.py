"""Train the eye-disease classifier of notebook 05 and measure it on the test images.

Ctrl-C is safe: the same command with --resume goes on from the last finished epoch. So is a scheduler's SIGTERM: both
end the command with status 130 after the batch at hand, a second one at once and by the signal itself.
"""
from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # as a file, since paddle.distributed.launch cannot start a module
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import ROOT, runtime
from helpers.commands import ending, recipe
from helpers.commands.limits import at_least, at_most, parsed
from helpers.commands.training_data import divided, identity, read
from helpers.console import printable
from helpers.fundus.dataset import Augment, FundusDataset, JointDataset
from helpers.fundus.photographs import FundusSet, Parts
from helpers.fundus.render import MOST
from helpers.training import calibration, checkpoint, inference, metrics, model_file, multiclass, parallel, resnet
from helpers.training.fit import fit

import paddle
from paddle import nn

NORMS = {"batch": nn.BatchNorm2D, "group": resnet.group_norm, "sync": nn.SyncBatchNorm}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    summary, epilog = __doc__.strip().split("\n\n")
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.train", description=summary, epilog=epilog)
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", metavar="FOLDER", help="the real data set, packed or unpacked, or photographs of your "
                      "own: a folder for each class, or a sheet of names and labels beside them (default: where "
                      "the notebook looks for the data set, and 600 rendered images where there is none)")  # fmt: skip
    data.add_argument("--rendered", metavar="N", type=int, help="train and test on N rendered images")
    parser.add_argument("--output", metavar="FOLDER", default=ROOT / "data" / "train", type=Path,
                        help="for checkpoints, metrics.jsonl, model.npz, weights.npz (default data/train)")  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the newest good checkpoint in --output")
    parser.add_argument("--init", metavar="WEIGHTS", help="what to start from: rendered, the network that comes with "
                        "the course (default); none, random weights (default with --norm group, which it has not); or "
                        "the file of a model")  # fmt: skip
    parser.add_argument("--epochs", metavar="N", type=int, default=recipe.EPOCHS, help=f"default {recipe.EPOCHS}")
    parser.add_argument("--batch-size", metavar="N", type=int, default=32, help="of all processes together, default 32")
    parser.add_argument("--extra", metavar="N", type=int, help="rendered images on top in each epoch, default "
                        f"{recipe.EXTRA[True]}, from random weights {recipe.EXTRA[False]}")  # fmt: skip
    parser.add_argument("--validation", metavar="SHARE", type=float, default=0.0, help="hold back a share of the "
                        "training images (notebook: 0.2) to watch, to choose the best epoch, the temperature "
                        "of the probabilities and the threshold; default: train on all, for as many epochs as "
                        "cross-validation chose, with probabilities as they are and the threshold 0.5")  # fmt: skip
    parser.add_argument("--sensitivity", metavar="SHARE", type=float, help="set the threshold so that this share of "
                        "the pathologic images held back is found, as a screening asks for (0.98, say); needs "
                        "--validation; default: the largest sensitivity + specificity")  # fmt: skip
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="default 0")
    parser.add_argument("--norm", choices=NORMS, default="batch", help="sync: statistics over the batches of all GPUs")
    parser.add_argument("--device", choices=("cpu", "gpu"), help="default: gpu where there is one")
    parser.add_argument("--amp", action="store_true", help="mixed precision, on a GPU only")
    options = parsed(parser, given)
    at_least(parser, options, rendered=6, epochs=1, batch_size=1, extra=0)
    at_most(parser, options, rendered=MOST, extra=MOST // 3)
    if not 0 <= options.seed < 1 << 32:
        parser.error(f"--seed must be at least 0 and below 2^32, not {options.seed}")
    if options.batch_size % parallel.world_size():
        parser.error(f"--batch-size must be a multiple of the {parallel.world_size()} processes, "
                     f"not {options.batch_size}")  # fmt: skip
    if not 0 <= options.validation < 1:
        parser.error(f"--validation must be at least 0 and below 1, not {options.validation}")
    if options.sensitivity is not None and not 0 < options.sensitivity <= 1:
        parser.error(f"--sensitivity must be above 0 and at most 1, not {options.sensitivity}")
    if options.device == "gpu" and runtime.device() != "gpu":
        parser.error("--device gpu: Paddle sees no GPU here (python -m helpers.runtime says what there is)")
    options.device = options.device or runtime.device()
    if options.init not in (None, "none", "rendered") and not Path(options.init).exists():
        parser.error(f"--init {options.init}: there is no such file. Choose rendered, none, or a model.npz")
    options.init = options.init or ("none" if options.norm == "group" else "rendered")
    for name, wanted in (("--norm sync", options.norm == "sync"), ("--amp", options.amp)):
        if wanted and options.device == "cpu":
            parser.error(f"{name} needs a GPU, Paddle has none of it for the CPU: leave it out")
    return options


def run(options: argparse.Namespace) -> tuple[metrics.Report | multiclass.Report, float, int]:
    """Train as the options say, and print one table of test figures.

    Returns:
        that table, the seconds of training, and the images that all epochs train on.
    """
    resumed = options.resume and bool(checkpoint.files(options.output))
    if options.resume:
        if not resumed:
            say(f"there is no checkpoint in {options.output} yet: starting from the beginning")
    else:
        checkpoint.refuse(options.output)
    paddle.set_device(options.device)
    say(runtime.report())
    parallel.start()
    with stopping.stoppable() as stop, stop.at_once():
        data, extra = read(options)  # what has to be made for it, one of the processes makes
    parts = divided(data, options)
    if data.own:
        of = f"; the probability is that of {data.classes[1]}" if len(data.classes) == 2 else ""
        say(f"{options.data} holds photographs of your own: {data.origin}{of}")
    say(f"{data!r}: {len(parts.train)} to train, {len(parts.validation)} to validate, {len(parts.test)} to test")
    train = FundusDataset(parts.train, Augment(), options.seed)
    if extra is not None:
        say(f"in each epoch {options.extra} of {len(extra)} rendered images besides")
        train = JointDataset(train, FundusDataset(extra, Augment(), options.seed), options.extra, options.seed)
    validation = FundusDataset(parts.validation) if len(parts.validation) else None
    runtime.seed(options.seed)
    model = beginning(options.init, NORMS[options.norm], data.classes)
    say(f"initial weights: {options.init}")
    weights = options.output / "weights.npz"
    start = time.perf_counter()
    with stopping.stoppable() as stop_if_asked:
        fit(
            model, train, validation, options.epochs, options.batch_size, recipe.RATES[options.init != "none"],
            seed=options.seed, amp=options.amp, best=weights, folder=options.output, resume=options.resume,
            also={"norm": options.norm, "validation share": options.validation, "rendered besides": options.extra,
                  "initial weights": options.init, **identity(parts, extra)},
            progress="bar" if sys.stdout.isatty() else "lines", after_batch=stop_if_asked,
        )  # fmt: skip
    seconds = time.perf_counter() - start
    checkpoint.load_weights(model, weights)
    held_back = None if validation is None else inference.predict(model, validation, flip=True)
    settled = calibration.settle(parts.validation.labels, held_back, options.sensitivity)
    scores = inference.predict(model, FundusDataset(parts.test), flip=True)
    said = calibration.temper(scores, settled.temperature)
    if len(data.classes) == 2:
        report = metrics.report(parts.test.labels, said, settled.threshold)
    else:
        report = multiclass.report(parts.test.labels, said, data.classes)
    tempered = {} if validation is None else calibration.compared(parts.test.labels, scores, settled.temperature)
    model_path = options.output / "model.npz"
    if parallel.rank() == 0:
        about = described(options, parts, extra, report, settled, tempered)
        model_file.save(model_path, model, about)
    notes = "\n".join(f"{name}: {value}" for name, value in {**settled.notes, **tempered}.items())
    since = " since it went on" if resumed else ""
    say(f"{notes}\ntrained in {seconds:.0f} s{since}; for helpers.commands.predict: {model_path}\n{report}")
    batches = options.epochs * len(parallel.batches(train, options.batch_size))
    return report, seconds, batches * min(options.batch_size, len(train))


def beginning(
    init: str, norm: resnet.Norm = nn.BatchNorm2D, classes: Sequence[str] = model_file.About.classes
) -> nn.Layer:
    """The recipe's network with initial weights: "none" (random ones), "rendered" (the shipped ones) or a model's file.

    The last layer starts from random weights where the file's network tells other classes apart.

    Raises:
        ModelFileError: the file is no model, or one of another network, or of images that were prepared otherwise.
        FileNotFoundError: there is no such file.
    """
    model = recipe.network(norm, num_classes=len(classes))
    if init == "none":
        return model
    path = recipe.SHIPPED if init == "rendered" else Path(init)
    trained, about = model_file.load(path)
    if model_file.NORMS[about.norm] is not (nn.BatchNorm2D if norm is nn.SyncBatchNorm else norm):
        raise model_file.ModelFileError(
            f"{path} has the normalisation {about.norm!r}, and no network with another one can start from it: "
            "choose --norm accordingly, or --init none"
        )
    if about.normalisation != "normalise":
        raise model_file.ModelFileError(
            f"{path} has seen images prepared by {about.normalisation!r}, and this training prepares them by "
            "'normalise': start from another model, or with --init none"
        )
    try:
        checkpoint.start_from(model, trained, None if tuple(classes) == about.classes else "fc")
    except checkpoint.CheckpointError as error:
        raise model_file.ModelFileError(
            f"{path} is another network than the recipe's, which is {recipe.NETWORK} with {recipe.ARGUMENTS}: start "
            "from another model, or with --init none"
        ) from error
    if about.size != recipe.SIZE:
        warnings.warn(f"{path} has seen images of {about.size} px, and these are of {recipe.SIZE} px", stacklevel=2)
    return model


def described(
    options: argparse.Namespace, parts: Parts, extra: FundusSet | None, report: metrics.Report | multiclass.Report,
    settled: calibration.Settled, tempered: dict[str, str],
) -> model_file.About:  # fmt: skip
    """What the model's file says of it besides its weights, its card among that."""
    kind, classes = parts.train.kind, parts.train.classes
    card = {
        "trained on": f"{len(parts.train)} {kind} images, both sides"
        + (f", and {options.extra} rendered ones in each of {options.epochs} epochs" if extra is not None else ""),
        "measured on": f"{len(parts.test)} {kind} test images, with 95 % intervals",
        "initial weights": options.init,
        **report.figures(), **settled.notes, **tempered,
        "seed": options.seed,
        "licence": "Apache-2.0, without the photographs",
        "intended use": "exercises of this course; not a medical device",
    }
    norm = "batch" if options.norm == "sync" else options.norm
    return model_file.About(
        recipe.NETWORK, recipe.SIZE, norm, {**recipe.ARGUMENTS, "num_classes": len(classes)}, classes=classes,
        temperature=settled.temperature, threshold=settled.threshold,
        fingerprint=model_file.fingerprint(parts.train.images), card=card,
    )  # fmt: skip


def say(text: str) -> None:
    """Print once, however many processes there are."""
    if parallel.rank() == 0:
        print(printable(text, keep="\n"), flush=True)  # folders of one's own may have any name


def way_on(folder: Path) -> str:
    """What to say of a training that was stopped: the checkpoint from which it can go on, if there is one."""
    newest = checkpoint.files(folder)[:1]
    return f"stopped; {newest[0]} is whole, the same command with --resume goes on" if newest else "stopped"


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    warnings.formatwarning = lambda message, *_, **__: f"{printable(str(message), keep=chr(10))}\n"
    options = arguments(given)
    with ending.in_a_sentence(lambda: say("\n" + way_on(options.output))):
        run(options)


if __name__ == "__main__":
    main()
