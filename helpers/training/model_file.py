"""One file that holds all that a prediction needs: weights, network, size, normalisation, threshold, and a model card.

It is an .npz file of numbers and one text in JSON. Reading one runs no code from it, and its sizes are looked at before
anything is taken into memory, so that it may come from a stranger. Whether its answers are any good is another
question: its card says what the one who made it says.
"""
from __future__ import annotations

import hashlib
import json
import math
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from helpers import runtime
from helpers.checks import Unusable, shown
from helpers.files import DAMAGED, DamagedFile, read_arrays, write_arrays
from helpers.training import checkpoint, resnet

import numpy as np
from paddle import nn

FORMAT = 1  # raise it whenever an older program could not read a file, or would read it wrongly
LARGEST = 256 << 20  # bytes of all arrays
MOST = 2000  # arrays
LONGEST = 1 << 20  # bytes of the text
DEEPEST = 10  # lists and dictionaries within one another on a card
_ABOUT, _WEIGHTS = "about", "weights/"

NETWORKS: dict[str, Callable[..., resnet.ResNet]] = {"resnet10": resnet.resnet10, "resnet18": resnet.resnet18}
NORMS: dict[str, resnet.Norm] = {"batch": nn.BatchNorm2D, "group": resnet.group_norm, "none": resnet.no_norm}
# The arguments of a network that a file may name, and what they may be. A width of 128 makes 45 million weights.
_ARGUMENTS: dict[str, Callable[[Any], bool]] = {
    "width": lambda value: _whole(value, 1, 128),
    "stem": lambda value: isinstance(value, str) and value in resnet.STEMS,
    "num_classes": lambda value: _whole(value, 2, 1000),
    "dropout": lambda value: _number(value) and 0 <= value < 1,
    "in_channels": lambda value: _whole(value, 1, 16),
}


class ModelFileError(Unusable):
    """A file that cannot be used as a model; the message names it and says what to do."""


@dataclass(frozen=True)
class About:
    """What is to be known of a model besides its weights.

    Attributes:
        network: one of NETWORKS.
        norm: one of NORMS. (SyncBatchNorm has the weights of "batch".)
        arguments: further arguments of the network: width, stem, num_classes, dropout, in_channels.
        size: the side of its images in pixels.
        normalisation: the name of what is done to their pixels before; who calls the model knows which names there are.
        flip: whether it is to be asked for an image and its mirror images (`inference.predict`).
        temperature: of the probabilities (`inference.probabilities`); 1 leaves them as the network says them.
        threshold: `probability >= threshold` means class 1; the probability is the one after the temperature.
        classes: the classes' names, no two the same; the first is class 0.
        fingerprint: of the training images, by `fingerprint`.
        card: the model card: trained on what, figures with their intervals, licence, intended use; as JSON holds it.

    Raises:
        ValueError: one of them is none of these; the message names it.
    """

    network: str
    size: int
    norm: str = "batch"
    arguments: dict[str, Any] = field(default_factory=dict)
    normalisation: str = "normalise"
    flip: bool = True
    temperature: float = 1.0
    threshold: float = 0.5
    classes: tuple[str, ...] = ("not pathologic", "pathologic")
    fingerprint: str = ""
    card: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        faults = {
            "network": not isinstance(self.network, str) or self.network not in NETWORKS,
            "norm": not isinstance(self.norm, str) or self.norm not in NORMS,
            "arguments": not isinstance(self.arguments, dict)
            or not all(name in _ARGUMENTS and _ARGUMENTS[name](value) for name, value in self.arguments.items()),
            "size": not _whole(self.size, 16, 1024),
            "normalisation": not _text(self.normalisation, 100),
            "flip": not isinstance(self.flip, bool),
            "temperature": not (_number(self.temperature) and 0.01 <= self.temperature <= 100),
            "threshold": not (_number(self.threshold) and 0 <= self.threshold <= 1),
            "classes": not isinstance(self.classes, (tuple, list))
            or len(self.classes) < 2
            or not all(_text(name, 200) for name in self.classes)
            or len(set(self.classes)) < len(self.classes),
            "fingerprint": not _text(self.fingerprint, 200),
            "card": not (isinstance(self.card, dict) and _shallow(self.card, DEEPEST)),
        }
        wrong = [name for name, fault in faults.items() if fault]
        if wrong:
            raise ValueError(f"{wrong[0]} of a model cannot be {shown(getattr(self, wrong[0]))}")

    def build(self) -> resnet.ResNet:
        """The network, with random weights."""
        return NETWORKS[self.network](norm=NORMS[self.norm], **self.arguments)


def fingerprint(images: np.ndarray) -> str:
    """SHA-256 of images (their pixels and shape), to tell later whether a photograph's set was trained on."""
    images = np.ascontiguousarray(images)
    digest = hashlib.sha256(f"{images.dtype} {images.shape} ".encode())
    digest.update(images)  # without a copy of what may be most of the memory
    return digest.hexdigest()


def save(path: str | Path, model: nn.Layer, about: About, half: bool = False) -> None:
    """Write a model to one file; an existing one is replaced only by a whole one.

    Args:
        half: round the weights to float16, in half of the bytes; they are read as float32 again.

    Raises:
        ValueError: the weights are not those of the network that `about` describes, or the card is no JSON.
        OSError: the disk is full, or the folder cannot be written.
    """
    # As the network that will be built has them: NumPy knows no bfloat16, and large float64 become infinite.
    weights = {name: value.astype("float32").numpy() for name, value in model.state_dict().items()}
    fault = _fault(_blank(about), weights)
    if fault:
        raise ValueError(f"the model is another network than it is said to be: {fault}")
    if half:
        with np.errstate(over="ignore"):  # the next line says which one
            weights = {name: value.astype(np.float16) for name, value in weights.items()}
        fault = _fault(model, weights)
        if fault:
            raise ValueError(f"the weights do not fit into float16: {fault}")
    try:
        text = json.dumps({"format": FORMAT, **asdict(about)}, ensure_ascii=False, allow_nan=False)
    except TypeError as error:
        raise ValueError(f"a model card holds only what JSON can hold: {error}") from error
    if len(text) > LONGEST // 4:
        raise ValueError(f"a model card has at most {LONGEST // 4} characters")
    write_arrays(path, {_ABOUT: np.array(text), **{_WEIGHTS + name: value for name, value in weights.items()}})


def load(path: str | Path) -> tuple[resnet.ResNet, About]:
    """The model of a file, in evaluation mode, and what is said of it.

    Raises:
        FileNotFoundError: there is no such file.
        ModelFileError: it is damaged, too large, no model file, of a newer format, or does not fit its own description.
    """
    try:
        _look(path)
        arrays = read_arrays(path)
    except DamagedFile as error:
        raise ModelFileError(f"{error}: copy it again, or train anew") from error
    if any(name.startswith("model/") for name in arrays):
        raise ModelFileError(f"{path} is a checkpoint of a training, which leaves a model.npz at its end: name that")
    about = _about(path, arrays)
    weights = {name[len(_WEIGHTS) :]: value for name, value in arrays.items() if name.startswith(_WEIGHTS)}
    model = _blank(about)
    if not (fault := _fault(model, weights)):
        with np.errstate(over="ignore"):
            weights = {name: value.astype(np.float32) for name, value in weights.items()}  # from half of the bytes, say
        fault = _fault(model, weights)
    if fault:
        raise ModelFileError(f"{path} does not hold the network that it describes: {fault}")
    for name, value in model.state_dict().items():
        value.set_value(weights[name])
    model.eval()
    return model, about


def is_model_file(path: str | Path) -> bool:
    """Whether it says that it holds a model with its description, and not weights alone."""
    try:
        with zipfile.ZipFile(path) as bundle:
            return f"{_ABOUT}.npy" in bundle.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _look(path: str | Path) -> None:
    """Raise ModelFileError where a file would take more memory than a model does; nothing is unpacked for it."""
    try:
        with Path(path).open("rb") as file, zipfile.ZipFile(file) as bundle:
            members = bundle.infolist()
            if len(members) > MOST or sum(member.file_size for member in members) > LARGEST:
                raise ModelFileError(f"{path} is too large for a model: more than {MOST} arrays or {LARGEST >> 20} MiB")
            for member in members:
                if member.filename == f"{_ABOUT}.npy" and member.file_size > LONGEST:
                    raise ModelFileError(f"the description in {path} is too long for one")
                with bundle.open(member) as content:
                    # An array takes as much memory as its header says, whatever follows.
                    version = np.lib.format.read_magic(content)
                    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
                    shape, _, dtype = read[version](content)
                    if dtype.hasobject or math.prod(shape) * dtype.itemsize > member.file_size:
                        raise ValueError(f"{member.filename} is not what it says")
    except (FileNotFoundError, ModelFileError):
        raise
    except (*DAMAGED, KeyError) as error:
        raise ModelFileError(f"{path} is no model file, or damaged ({error}): copy it again, or train anew") from error


def _about(path: str | Path, arrays: dict[str, np.ndarray]) -> About:
    try:
        said = json.loads(str(arrays[_ABOUT]))
        version = said.pop("format")
    except (KeyError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{path} does not say what it holds, as weights alone do not: name a model.npz") from error
    if version != FORMAT:
        raise ModelFileError(f"{path} has format {version!r}, this program reads {FORMAT}: train anew, or update")
    try:
        return About(**{**said, "classes": tuple(said["classes"])})
    except (TypeError, ValueError, KeyError) as error:
        raise ModelFileError(f"{path} describes no model of this program: {error}") from error


def _blank(about: About) -> resnet.ResNet:
    """The network to compare weights with or to put them into, of float32 whatever Paddle's default type is now."""
    with runtime.same_random_numbers():
        model = about.build()
    model.to(dtype="float32")
    return model


def _fault(model: nn.Layer, weights: dict[str, np.ndarray]) -> str:
    """What keeps weights from being those of a network, or nothing."""
    wrong = checkpoint.differences(model.state_dict(), weights)
    infinite = (f"{name} is not finite everywhere" for name in weights if not np.isfinite(weights[name]).all())
    return wrong[0] if wrong else next(infinite, "")


def _whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)  # who asks compares, which NaN never passes


def _shallow(value: object, most: int) -> bool:
    """Whether lists and dictionaries lie within one another no more than so many times."""
    if not isinstance(value, (dict, list, tuple)):
        return True
    return most > 0 and all(_shallow(each, most - 1) for each in (value.values() if isinstance(value, dict) else value))


def _text(value: object, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest
