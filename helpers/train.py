"""Training of the eye-disease classifier, on paddle.Model: in a notebook with `fit`, or as a command.

`python -m helpers.train --help` says what the command can do. A training that was stopped, by whatever it was, goes on
from its last finished epoch, and ends with the very same weights.
"""
from __future__ import annotations

import argparse
import signal
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

if not __package__:  # as a file, since paddle.distributed.launch cannot start a module
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from helpers import callbacks, checkpoint, fundus, inference, metrics, palm, parallel, resnet, runtime, sources
from helpers.archives import ArchiveError
from helpers.augment import Augment
from helpers.callbacks import History
from helpers.images import ImageError
from helpers.joint import JointDataset
from helpers.parallel import batches
from helpers.progress import tqdm

import paddle
from paddle import nn
from paddle.io import Dataset

SIZE = 96  # pixels
EPOCHS = 12
EXTRA = 400  # rendered images on top of all training images, in each epoch others
NORMS = {"batch": nn.BatchNorm2D, "group": resnet.group_norm, "sync": nn.SyncBatchNorm}


def fit(
    model: nn.Layer,
    train: Dataset,
    validation: Dataset | None = None,
    epochs: int = EPOCHS,
    batch_size: int = 32,
    learning_rate: float = 4e-3,
    weight_decay: float = 0.05,
    label_smoothing: float = 0.1,
    seed: int = 0,
    best: str | Path | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    also: Mapping[str, str | int | float] = MappingProxyType({}),
    progress: Literal["bar", "lines"] | None = "bar",
    more: Sequence[paddle.callbacks.Callback] = (),
) -> History:
    """Train with AdamW and a one-cycle schedule; after each epoch measure the validation part.

    Smith and Topin: Super-Convergence, 2018, https://arxiv.org/abs/1708.07120; AdamW: https://arxiv.org/abs/1711.05101.
    Started by paddle.distributed.launch, all processes train together (`helpers.parallel`).

    Args:
        model: gives logits [N, 2]; trained in place.
        train: items (float32 [3, S, S], int64 label); `set_epoch(epoch)` is called where the data set has it.
        validation: the same kind, not augmented, with all labels as an attribute `labels`; or None.
        epochs, batch_size, learning_rate (the highest one), weight_decay, label_smoothing: the recipe.
        seed: of the order of the images and Dropout, together with the number of the epoch; the augmentation has the
            data set's own seed.
        best: a file for the weights of the epoch with the best validation AUC; without a validation part, of the last.
        folder: for checkpoints, metrics.jsonl and VisualDL's log.
        resume: go on from the newest good checkpoint in `folder`, if there is one.
        also: what else has to be the same when the training goes on, such as the kind of network.
        progress: a bar on stdout, or a line after each epoch, or nothing.
        more: callbacks of your own, called after the ones of this function.

    Raises:
        ValueError: the validation part has images of one class only; a batch cannot be shared by all processes.
        FloatingPointError: the loss is not a number any more; names the epoch and the batch.
        FileExistsError: there are checkpoints in `folder`, and `resume` is not set.
        CheckpointError: no checkpoint in `folder` is good, or they are of a training with other settings.
    """
    trainer = paddle.Model(model)  # makes the processes know each other, if there are several
    loader = batches(train, batch_size, seed)
    steps = epochs * len(loader)
    end = learning_rate / 40
    schedule = paddle.optimizer.lr.OneCycleLR(learning_rate, steps + 1, end_learning_rate=end, phase_pct=0.3)
    optimizer = paddle.optimizer.AdamW(schedule, parameters=model.parameters(), weight_decay=weight_decay)
    loss = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
    trainer.prepare(optimizer, loss)
    history, after = History(), []
    folder = None if folder is None else Path(folder)
    if folder is not None:
        settings = {
            "images": len(train), "epochs": epochs, "batch size": batch_size, "learning rate": learning_rate,
            "weight decay": weight_decay, "label smoothing": label_smoothing, "seed": seed, **also,
        }  # fmt: skip
        if not resume:
            refuse_checkpoints(folder)
        history = _resume(folder, model, optimizer, settings)
        after = [callbacks.Log(history, folder), callbacks.SaveCheckpoint(history, folder, settings)]
    if best is not None:
        after.insert(0, callbacks.KeepBest(history, Path(best)))
    if progress == "lines":
        after.append(callbacks.Lines(history, epochs))
    done = len(history.loss)
    start = {"total": steps, "initial": done * len(loader), "unit": "batch", "file": sys.stdout, "leave": False}
    with warnings.catch_warnings(), tqdm(**start, disable=progress != "bar" or parallel.rank() > 0) as bar:
        warnings.filterwarnings("ignore", message="To copy construct from a tensor", category=UserWarning)
        first = [callbacks.Reseed(history, seed, loader.batch_sampler, train)]
        first.append(callbacks.Measure(history, validation, folder))
        if done < epochs:
            every = [*first, *after, callbacks.Bar(history, bar), *more]
            trainer.fit(loader, epochs=epochs - done, verbose=0, callbacks=every)
    return history


def refuse_checkpoints(folder: Path) -> None:
    """Raise FileExistsError where a new training would write over the checkpoints of another one."""
    if checkpoint.files(folder):
        raise FileExistsError(f"there are checkpoints in {folder}: resume that training, or choose another folder")


def _resume(folder: Path, model: nn.Layer, optimizer: paddle.optimizer.Optimizer, settings: dict) -> History:
    """Set model and optimizer to the newest good checkpoint in the folder, and give the history up to it."""
    found, errors = checkpoint.files(folder), []
    history = History()
    for path in found:
        try:
            _, notes = checkpoint.restore(path, model, optimizer)
        except checkpoint.CheckpointError as error:
            errors.append(str(error))
            continue
        for name, value in settings.items():
            if notes["settings"].get(name) != value:
                raise checkpoint.CheckpointError(
                    f"{path} is of a training with {name} {notes['settings'].get(name)}, this one has {value}: "
                    "repeat the settings of that training, or choose another folder"
                )
        for error in errors:
            warnings.warn(f"{error}. Going on from {path}.", stacklevel=3)
        history = History(**notes["history"])
        break
    else:
        if found:
            raise checkpoint.CheckpointError(
                "there is no good checkpoint to go on from: " + "; ".join(errors) + ". Choose another folder."
            )
    if parallel.mean(len(history.loss)) != len(history.loss):
        raise checkpoint.CheckpointError(
            f"the processes found different checkpoints in {folder}: all machines need one shared folder"
        )
    return history


# --- the command ------------------------------------------------------------------------------------------------------


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.train",
        description="Train the eye-disease classifier of notebook 05 and measure it on the test images.",
        epilog="Ctrl-C is safe: the same command with --resume goes on from the last finished epoch.",
    )
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", metavar="FOLDER", help="the real data set, packed or unpacked (default: where the "
                      "notebook looks for it, and 600 rendered images where there is none)")  # fmt: skip
    data.add_argument("--rendered", metavar="N", type=int, help="train and test on N rendered images")
    parser.add_argument("--output", metavar="FOLDER", default=sources.ROOT / "data" / "train", type=Path,
                        help="for checkpoints, metrics.jsonl and weights.npz (default: data/train)")  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the newest good checkpoint in --output")
    parser.add_argument("--epochs", metavar="N", type=int, default=EPOCHS, help=f"default {EPOCHS}")
    parser.add_argument("--batch-size", metavar="N", type=int, default=32, help="of all processes together, default 32")
    parser.add_argument("--extra", metavar="N", type=int, default=EXTRA, help="rendered images on top in each epoch, "
                        f"default {EXTRA}")  # fmt: skip
    parser.add_argument("--validation", metavar="SHARE", type=float, default=0.0, help="hold back a share of the "
                        "training images (notebook: 0.2) to watch, to choose the best epoch and to set the threshold; "
                        "default: train on all, for as many epochs as cross-validation chose")  # fmt: skip
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="default 0")
    parser.add_argument("--norm", choices=NORMS, default="batch", help="sync: statistics over the batches of all GPUs")
    parser.add_argument("--device", choices=("cpu", "gpu"), help="default: gpu where there is one")
    parser.add_argument("--benchmark", action="store_true", help="measure time to accuracy against the classic course "
                        "recipe, the reader against the classic reader, and growth (more: python -m helpers.benchmark "
                        "--help)")  # fmt: skip
    options = parser.parse_args(given)
    for name, least in (("rendered", 6), ("epochs", 1), ("batch_size", 1), ("extra", 0)):
        if (value := getattr(options, name)) is not None and value < least:
            parser.error(f"--{name.replace('_', '-')} must be at least {least}, not {value}")
    if not 0 <= options.seed < 1 << 32:
        parser.error(f"--seed must be at least 0 and below 2^32, not {options.seed}")
    if options.batch_size % parallel.world_size():
        parser.error(f"--batch-size must be a multiple of the {parallel.world_size()} processes, "
                     f"not {options.batch_size}")  # fmt: skip
    if not 0 <= options.validation < 1:
        parser.error(f"--validation must be at least 0 and below 1, not {options.validation}")
    if options.device == "gpu" and runtime.device() != "gpu":
        parser.error("--device gpu: Paddle sees no GPU here (python -m helpers.runtime says what there is)")
    options.device = options.device or runtime.device()
    if options.norm == "sync" and options.device == "cpu":
        parser.error("--norm sync: SyncBatchNorm needs GPUs, Paddle has none of it for the CPU; take batch or group")
    return options


def run(options: argparse.Namespace) -> tuple[metrics.Report, float, int]:
    """Train as the options say, and print one table of test figures.

    Returns:
        that table, the seconds of training, and the images trained on in them.
    """
    if options.resume:
        if not checkpoint.files(options.output):
            say(f"there is no checkpoint in {options.output} yet: starting from the beginning")
    else:
        refuse_checkpoints(options.output)
    paddle.set_device(options.device)
    say(runtime.report())
    parallel.start()
    with parallel.first_alone():
        data, extra = read(options)
    parts = palm.split(data, options.validation, options.seed)
    if len(set(parts.test.labels)) < 2:
        raise palm.DataError(f"all {len(parts.test)} test images are of one class: nothing can be measured with them")
    say(f"{data!r}: {len(parts.train)} to train, {len(parts.validation)} to validate, {len(parts.test)} to test")
    train = palm.FundusDataset(parts.train, Augment(), options.seed)
    if extra is not None:
        say(f"in each epoch {options.extra} of {len(extra)} rendered images besides")
        train = JointDataset(train, palm.FundusDataset(extra, Augment(), options.seed), options.extra, options.seed)
    validation = palm.FundusDataset(parts.validation) if len(parts.validation) else None
    runtime.seed(options.seed)
    model = resnet.resnet10(width=16, norm=NORMS[options.norm])
    weights = options.output / "weights.npz"
    start = time.perf_counter()
    trained = callbacks.Count()
    fit(
        model, train, validation, options.epochs, options.batch_size, seed=options.seed, best=weights,
        folder=options.output, resume=options.resume, progress="bar" if sys.stdout.isatty() else "lines",
        also={"norm": options.norm, "validation share": options.validation, "rendered besides": options.extra},
        more=[trained],
    )  # fmt: skip
    seconds = time.perf_counter() - start
    parallel.wait_for_all()  # one of them writes the file
    checkpoint.load_weights(model, weights)
    threshold = 0.5
    if validation is not None:
        threshold = metrics.choose_threshold(validation.labels, inference.predict(model, validation, flip=True))
    scores = inference.predict(model, palm.FundusDataset(parts.test), flip=True)
    report = metrics.report(parts.test.labels, scores, threshold)
    say(f"trained in {seconds:.0f} s; weights: {weights}\n{report}")
    return report, seconds, trained.images


def say(text: str) -> None:
    """Print once, however many processes there are."""
    if parallel.rank() == 0:
        print(text, flush=True)


def read(options: argparse.Namespace) -> tuple[palm.FundusSet, palm.FundusSet | None]:
    """The images that the options ask for, and the rendered ones to train on besides."""
    progress = sys.stdout.isatty()
    source = options.data or (palm.find() if options.rendered is None else None)
    if source is None:
        count = options.rendered or 600
        folder = sources.ROOT / "data" / f"rendered-{count}-{options.seed}"
        source = fundus.render(folder, count, SIZE, options.seed, progress)
    data = palm.read(source, SIZE, progress=progress)
    return data, rendered_besides(options.extra, options.seed, progress) if options.extra else None


def rendered_besides(count: int, seed: int, progress: bool) -> palm.FundusSet:
    """Rendered images to draw `count` of in each epoch: three times as many, of other eyes than `--rendered` paints."""
    folder = sources.ROOT / "data" / f"extra-{3 * count}-{seed}"
    images = palm.read(fundus.render(folder, (3 * count, 1), SIZE, seed + 1, progress), SIZE, progress=progress)
    return images.subset(images.parts == "training")


def main(given: Sequence[str] | None = None) -> None:
    """The command `python -m helpers.train`."""
    options = arguments(given)
    if options.benchmark:
        from helpers import benchmark  # it imports this module

        return benchmark.main([])
    warnings.formatwarning = lambda message, *_, **__: f"{message}\n"
    for name in (signal.SIGINT, signal.SIGTERM):  # a scheduler, or the launcher, stops a process with SIGTERM
        signal.signal(name, _interrupt)
    try:
        run(options)
    except KeyboardInterrupt:
        newest = checkpoint.files(options.output)[:1]
        say(f"\nstopped; {newest[0]} is whole, the same command with --resume goes on" if newest else "\nstopped")
        sys.exit(130)
    except (OSError, FloatingPointError, palm.DataError, ArchiveError, ImageError, checkpoint.CheckpointError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
