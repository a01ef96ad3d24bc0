"""Write a trained model as one static graph: from the pixels of photographs to probabilities and a decision.

The graph needs none of this course: paddle.jit.load or Paddle Inference runs it. In it are the normalisation, the four
ways round, the temperature and the threshold; docs/commands.md says what is left to whoever calls it.
"""
from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import ROOT, runtime
from helpers.commands import ending, predict
from helpers.commands.limits import parsed
from helpers.console import printable
from helpers.files import made_whole
from helpers.fundus.images import BLACK
from helpers.training.calibration import TINY
from helpers.training.model_file import About

import paddle
from paddle import nn

CARD, GRAPH = "card.json", "model"  # their names in the folder; Paddle adds the endings of the graph's two files
OURS = {CARD, *(f"{GRAPH}.{end}" for end in ("json", "pdmodel", "pdiparams", "pdiparams.info", "onnx"))}


def normalise(photographs: paddle.Tensor) -> paddle.Tensor:
    """`helpers.fundus.images.normalise` in Paddle's operations: uint8 [N, S, S, 3] to float32 of the same shape.

    Sums are float64: in float32 those of a whole photograph lose the last digits.
    """
    x = photographs.astype("float64")
    inside = (x.max(axis=3, keepdim=True) > BLACK).astype("float64")
    pixels = inside.sum(axis=[1, 2], keepdim=True).clip(min=1.0)
    mean = (x * inside).sum(axis=[1, 2], keepdim=True) / pixels
    variance = ((x - mean) ** 2 * inside).sum(axis=[1, 2], keepdim=True) / pixels
    deviation = variance.mean(axis=3, keepdim=True).sqrt() + 1e-3
    return ((x - mean) / deviation * inside).astype("float32")


def scaled(photographs: paddle.Tensor) -> paddle.Tensor:
    """`helpers.fundus.images.scaled` in Paddle's operations."""
    return photographs.astype("float32") / 127.5 - 1


NORMALISATIONS: dict[str, Callable[[paddle.Tensor], paddle.Tensor]] = {"normalise": normalise, "scaled": scaled}


class FromPixels(nn.Layer):
    """A network with all that `inference.probabilities` and the threshold do before and after it.

    Args:
        model: the network.
        about: what its file says of it.

    Its input is uint8 [N, size, size, 3], RGB. It gives the probabilities of all classes, float32 [N, K], and the class
    that is said, int64 [N]: of two classes the threshold decides, of more the largest probability. Photographs of
    another size raise the ValueError of Paddle's reshape.
    """

    def __init__(self, model: nn.Layer, about: About) -> None:
        super().__init__()
        self.model, self.about = model, about
        self.normalise = NORMALISATIONS[about.normalisation]

    def forward(self, photographs: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        # A saved graph takes photographs of any size, and answers worse: this refuses all but its own.
        photographs = photographs.reshape([0, self.about.size, self.about.size, 3])
        x = self.normalise(photographs).transpose([0, 3, 1, 2])
        ways = [x, *(paddle.flip(x, axes) for axes in ([2], [3], [2, 3]))] if self.about.flip else [x]
        averaged = sum(nn.functional.softmax(self.model(way), axis=1) for way in ways) / len(ways)
        tempered = nn.functional.softmax((averaged.astype("float64") + TINY).log() / self.about.temperature, axis=1)
        said = tempered[:, 1] >= self.about.threshold if len(self.about.classes) == 2 else tempered.argmax(axis=1)
        return tempered.astype("float32"), said.astype("int64")


def export(model: nn.Layer, about: About, folder: Path, onnx: bool = False) -> None:
    """Write the graph and its card to a folder, which is replaced once all is whole.

    Args:
        onnx: write it as ONNX, too.

    Raises:
        FileExistsError: the folder holds something else.
        ModuleNotFoundError: ONNX is asked for, and paddle2onnx is not installed.
        OSError: the disk is full, or the folder cannot be written.
        KeyboardInterrupt: a signal has come meanwhile, as `stopping.stoppable` notes it; the folder is as it was.
    """
    graph = FromPixels(model, about)
    pixels = paddle.static.InputSpec([None, about.size, about.size, 3], "uint8", "photographs")

    def fill(new: Path) -> None:
        with runtime.quiet(), runtime.mode(graph, training=False):
            paddle.jit.save(graph, str(new / GRAPH), input_spec=[pixels])
        if onnx:
            import paddle2onnx

            # Its optimizer would install packages of its own accord.
            program, weights, out = (str(new / f"{GRAPH}.{end}") for end in ("json", "pdiparams", "onnx"))
            paddle2onnx.export(program, weights, out, optimize_tool="None", verbose=False)
        text = json.dumps(card(about), indent=2, ensure_ascii=False) + "\n"
        # A stranger's text may hold half a character, which JSON spells as Python does.
        (new / CARD).write_text(text, encoding="utf-8", errors="backslashreplace")
        stop_if_asked()

    def is_current() -> bool:
        if folder.exists() and not (folder.is_dir() and {each.name for each in folder.iterdir()} <= OURS):
            raise FileExistsError(f"{folder} holds something else than an exported model: name another --output")
        return False

    with stopping.stoppable() as stop_if_asked:
        made_whole(folder, is_current, fill)


def card(about: About) -> dict[str, object]:
    """What lies beside the graph, as JSON holds it: its input, its outputs, and all that the model's file says."""
    two = f"class 1 where its probability is at least {about.threshold}"
    said = "the likeliest class" if len(about.classes) > 2 else two
    return {
        "input": f"photographs: uint8 [N, {about.size}, {about.size}, 3], RGB, the field of view filling the square",
        "outputs": ["float32 [N, K]: the probability of each class, after the temperature", f"int64 [N]: {said}"],
        "not in it": "reading the file, finding and cutting out the field of view, whether it is a fundus photograph",
        **asdict(about),
    }


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    summary, epilog = __doc__.strip().split("\n\n")
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.export", description=summary, epilog=epilog)
    parser.add_argument("--model", metavar="FILE", type=Path, help="as in helpers.commands.predict")
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=ROOT / "data" / "exported",
                        help="default: data/exported")  # fmt: skip
    parser.add_argument("--onnx", action="store_true", help="write model.onnx besides, with paddle2onnx")
    options = parsed(parser, given)
    with ending.in_a_sentence():
        try:
            model, about, path = predict.load(options.model)
            export(model, about, options.output, options.onnx)
        except ModuleNotFoundError as error:
            sys.exit(f"nothing was exported: {error.name} is missing: pip install paddle2onnx, or leave out --onnx")
        except (predict.NothingDone, OSError) as error:
            sys.exit(f"nothing was exported: {printable(str(error))}")
        print(f"{path} -> {options.output}: {', '.join(sorted(each.name for each in options.output.iterdir()))}")
        print(predict.NOT_A_DEVICE)


if __name__ == "__main__":
    main()
