"""Judge fundus photographs of your own with a trained network: a table, predictions.csv and report.html.

A picture that is no fundus photograph, or of which that cannot be told, gets no decision; a file that cannot be read
stops nothing. Exit status: 0 if every photograph was read and got a decision, 1 if some did not, 2 if nothing was done
or nothing could be written, 130 after Ctrl-C or SIGTERM.
"""
from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import ROOT, language, runtime
from helpers.checks import Unusable
from helpers.commands import prediction_maps, prediction_words, recipe
from helpers.commands.limits import parsed
from helpers.commands.prediction_report import (
    FILES,
    NOT_A_DEVICE,
    UNREADABLE,
    Row,
    counts,
    table,
    write_csv,
    write_page,
)  # fmt: skip
from helpers.commands.prediction_words import class_name, said
from helpers.commands.stopping import stoppable
from helpers.console import printable
from helpers.files import DamagedFile, read_arrays, spelled
from helpers.fundus.errors import ImageError
from helpers.fundus.folders import walk
from helpers.fundus.images import SUFFIXES, normalise, read_image, scaled, squeeze
from helpers.fundus.plausible import FUNDUS, OTHER, judge, prepare
from helpers.language import Text
from helpers.training import checkpoint, model_file
from helpers.training.inference import probabilities
from helpers.training.model_file import About
from helpers.training.resnet import ResNet

import cv2
import numpy as np
import paddle
from tqdm import tqdm

MODELS = ("model.npz", "weights.npz")  # what `helpers.commands.train` leaves in its folder; the first one counts
NORMALISATIONS = {"normalise": normalise, "scaled": scaled}
BATCH = 64  # photographs
THUMBNAIL = 160  # pixels
LEFT_OUT = Text("（另有 {} 个其他类型的文件未处理）", " ({} of other kinds left out)")
OF_CLASS = Text("{}的概率", "of: {}")
NOTHING = Text("什么也没有做：{}", "nothing was done: {}")
STOPPED = Text("已停止，什么也没有写", "stopped; nothing was written")
NOT_WRITTEN = Text("{} 写不了：{}", "{} cannot be written: {}")


class NothingDone(Exception):
    """Why no photograph could be judged, in a sentence."""


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    summary, epilog = __doc__.strip().split("\n\n")
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.predict", description=summary, epilog=epilog)
    parser.add_argument("paths", metavar="PATH", nargs="+", help="photographs, and folders of them at any depth")
    parser.add_argument("--model", metavar="FILE", type=Path, help="what helpers.commands.train has written (default: "
                        "model.npz or weights.npz in data/train, else the one that comes with the course)")  # fmt: skip
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=ROOT / "data" / "predictions",
                        help="for predictions.csv and report.html (default: data/predictions)")  # fmt: skip
    parser.add_argument("--explain", action="store_true", help="show on the page where in each photograph the network "
                        "finds what speaks for its answer; takes some time")  # fmt: skip
    parser.add_argument("--language", choices=language.LANGUAGES, default=prediction_words.of_environment(),
                        help="of the page and the table (default: the environment's, here %(default)s)")  # fmt: skip
    return parsed(parser, given)


def find(paths: Sequence[str]) -> tuple[list[Path], int]:
    """The files to judge, each once, and how many others lie in the folders. What is named itself is always judged.

    In a folder these are the photographs that a training finds in it: none of masks, none in hidden folders.
    """
    found, others = [], 0
    for path in map(Path, paths):
        if path.is_dir():
            inside = set(walk(path))
            chosen = sorted(each for each in inside if each.suffix.lower() in SUFFIXES)
            inside.update(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
            others += len(inside) - len(chosen)
            found += chosen
        else:
            found.append(path)
    each_once: dict[Path, Path] = {}
    for path in found:
        each_once.setdefault(path.resolve(), path)
    return list(each_once.values()), others


def model_in(folder: Path) -> Path | None:
    """What a training has left in its folder."""
    return next((folder / name for name in MODELS if (folder / name).is_file()), None)


def load(path: Path | None) -> tuple[ResNet, About, Path]:
    """The model, what is known of it, and its file: the one that comes with the course where none was trained yet.

    Raises:
        NothingDone: there is no such file, or it cannot be used; the message says how to make one.
    """
    make = "`python -m helpers.commands.train` makes one in a few minutes"
    path = path or model_in(ROOT / "data" / "train") or recipe.SHIPPED
    if path.is_dir():
        path = model_in(path) or path / MODELS[0]
    try:
        if model_file.is_model_file(path):
            model, about = model_file.load(path)
        else:
            model, about = load_weights(path)
    except FileNotFoundError as error:
        raise NothingDone(f"there is no file {path}: {make}") from error
    except (OSError, Unusable) as error:
        raise NothingDone(f"{error} ({make})") from error
    colours, outputs = (about.arguments.get(name, usual) for name, usual in (("in_channels", 3), ("num_classes", 2)))
    if about.normalisation not in NORMALISATIONS or colours != 3 or outputs != len(about.classes):
        raise NothingDone(f"{path} is no model for fundus photographs of the classes that it names: {make}")
    return model, about, path


def load_weights(path: Path) -> tuple[ResNet, About]:
    """A file of weights alone, taken for those of the network of `helpers.commands.recipe`."""
    try:
        names = read_arrays(path).keys()
    except DamagedFile as error:
        raise model_file.ModelFileError(str(error)) from error
    norm = "batch" if any(name.endswith("._mean") for name in names) else "group"
    card = {"note": "weights alone; nothing is known of them"}
    # It may have been trained on other classes than those of the data set.
    about = About(recipe.NETWORK, recipe.SIZE, norm, recipe.ARGUMENTS, classes=("class 0", "class 1"), card=card)
    model = about.build()
    checkpoint.load_weights(model, path)
    model.eval()
    return model, about


def look(path: Path, size: int) -> tuple[Row, np.ndarray | None]:
    """Read one file and judge whether it is a fundus photograph.

    Returns:
        its row, as far as it can be filled without the network, and the photograph for it, uint8 [size, size, 3], or
        None if it is not to be asked.
    """
    name = spelled(path)
    try:
        image = read_image(path)
    except ImageError as error:
        return Row(name, UNREADABLE, reason=str(error).removeprefix(f"{path} ").rstrip(".")), None
    except MemoryError:
        return Row(name, UNREADABLE, reason="it is too large for the memory of this machine"), None
    photograph, field = prepare(image)
    judgement = judge(photograph, field)
    row = Row(name, judgement.verdict, reason=", ".join(judgement.why), thumbnail=thumbnail(photograph))
    return row, None if judgement.verdict == OTHER else squeeze(photograph, size)


def thumbnail(photograph: np.ndarray) -> bytes:
    """A JPEG of at most THUMBNAIL pixels a side."""
    scale = min(1.0, THUMBNAIL / max(photograph.shape[:2]))
    sides = [max(1, round(scale * side)) for side in photograph.shape[1::-1]]
    small = cv2.resize(photograph, sides, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def predict(
    paths: Sequence[Path], model: ResNet, about: About, progress: bool = False, explained: bool = False
) -> list[Row]:
    """A row for each file, in their order, with a map if wanted; a bar is shown where it takes over five seconds."""
    rows: list[Row] = []
    with (
        stoppable() as stop_if_asked,
        ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool,
        runtime.mode(model, training=False),
        tqdm(total=len(paths), unit="photograph", delay=5, leave=False, file=sys.stderr, disable=not progress) as bar,
    ):
        remaining = iter(paths)
        while batch := list(islice(remaining, prediction_maps.BATCH if explained else BATCH)):
            looked = list(_counted(pool.map(lambda path: look(path, about.size), batch), bar, stop_if_asked))
            photographs = [photograph for _, photograph in looked]
            inputs = [None if each is None else prepared(each, about) for each in photographs]
            asked = [x for x in inputs if x is not None]
            answers = iter(ask(model, about, asked) if asked else [])
            judged = [row if x is None else decide(row, next(answers), about)
                      for (row, _), x in zip(looked, inputs, strict=True)]  # fmt: skip
            rows += prediction_maps.with_maps(judged, photographs, inputs, model, about) if explained else judged
    return rows


def ask(model: ResNet, about: About, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """`inference.probabilities` of one photograph or more, as `prepared` gives them."""
    return probabilities(model, paddle.to_tensor(np.stack(inputs)), about.flip, about.temperature)


def prepared(photograph: np.ndarray, about: About) -> np.ndarray:
    """What the network is given of a photograph, uint8 [size, size, 3]: float32 [3, size, size]."""
    return np.ascontiguousarray(NORMALISATIONS[about.normalisation](photograph).transpose(2, 0, 1), np.float32)


def decide(row: Row, answer: np.ndarray, about: About) -> Row:
    """The row with the network's answer: a decision for a fundus photograph, the bare numbers where that is unsure.

    Of two classes the threshold decides, of more the largest probability.
    """
    each = tuple(answer.tolist()) if answer.ndim else (1 - float(answer), float(answer))
    row = replace(row, probabilities=each)
    if row.decision != FUNDUS:
        return row
    said = int(answer.argmax()) if len(each) > 2 else int(each[1] >= about.threshold)
    return replace(row, decision=about.classes[said], judged=True)


def note(path: Path) -> dict[str, str]:
    """What is to be said of a model for its file alone."""
    if path.resolve() != recipe.SHIPPED.resolve():
        return {}
    shipped = "this one comes with the course and has seen rendered eyes only"
    return {"note": shipped if model_in(ROOT / "data" / "train") else f"no network was trained here yet; {shipped}"}


def description(about: About, path: Path) -> dict[str, object]:
    """What the page says of the model: what is known of it, and then its card, which may say anything."""
    network = f"{about.network}, {about.norm} normalisation, {about.size} px"
    two = {"probability": OF_CLASS.format(class_name(about.classes[1], about.classes)), "threshold": about.threshold}
    tempered = {"calibration": "none, the probability is the network's own"} if about.temperature == 1 else {}
    known = {"file": path.name, **note(path), "network": network, **(two if len(about.classes) == 2 else {}),
             "temperature": about.temperature}  # fmt: skip
    return {**known, **tempered, **{name: value for name, value in about.card.items() if name not in known}}


def run(options: argparse.Namespace) -> int:
    """Do it; gives the exit status.

    Raises:
        NothingDone: there is no model, or no photograph.
        DataError: a folder cannot be listed, or there are too many of them.
        OSError: --output cannot be written.
    """
    model, about, path = load(options.model)
    for text in note(path).values():
        print(f"{printable(path.name)}: {said(text)}", flush=True)
    with stoppable() as stop, stop.at_once():
        paths, others = find(options.paths)
    if not paths:
        raise NothingDone("there is no photograph in " + ", ".join(options.paths))
    options.output.mkdir(parents=True, exist_ok=True)  # now, and not after the work
    rows = predict(paths, model, about, sys.stderr.isatty(), options.explain)
    sheet, page = options.output / "predictions.csv", options.output / "report.html"
    write_csv(sheet, rows, about.classes)
    write_page(page, rows, about.classes, description(about, path), prediction_maps.scale())
    print(table(rows, about.classes))
    print("\n" + FILES.format(len(rows), counts(rows, about.classes)) + (LEFT_OUT.format(others) if others else ""))
    print(f"{sheet}\n{page}\n{said(NOT_A_DEVICE)}", flush=True)
    return 0 if all(row.judged for row in rows) else 1


def _counted(results: Generator, bar: tqdm, stop_if_asked: Callable[[], None]) -> Iterator:
    try:
        for result in results:
            bar.update()
            stop_if_asked()
            yield result
    finally:
        results.close()  # nobody waits for the rest of a batch that was stopped


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    options = arguments(given)
    language.speak(options.language)
    status = None
    try:
        with stoppable():
            status = run(options)
    except KeyboardInterrupt:
        if status is None:  # or else all has been written and said
            print(f"\n{STOPPED}", file=sys.stderr)
        status = stopping.STATUS
    except BrokenPipeError:  # `| head`: all files have been written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except (NothingDone, Unusable) as error:
        print(NOTHING.format(printable(str(error))), file=sys.stderr)
        status = 2
    except OSError as error:
        print(NOT_WRITTEN.format(options.output, printable(str(error))), file=sys.stderr)
        status = 2
    sys.exit(status)


if __name__ == "__main__":
    main()
