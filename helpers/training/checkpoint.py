"""Weights and checkpoints on disk: written whole or not at all, read without running any code from them.

Both are .npz files of plain numbers. A checkpoint holds all that a training needs to go on as if nothing had happened.
The random state needs no place in it: everything random in an epoch is seeded from (seed, epoch).
"""
from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

from helpers import runtime  # noqa: F401  before paddle
from helpers.checks import Unusable
from helpers.files import DamagedFile, read_arrays, write_arrays

import numpy as np
import paddle
from paddle import nn
from paddle.optimizer import Optimizer

FORMAT = 1  # raise it whenever older checkpoints can no longer be read
_NAME = re.compile(r"checkpoint-(\d+)\.npz")
_SCHEDULE = "LR_Scheduler"  # Paddle's name for it in an optimizer's state


class CheckpointError(Unusable):
    """A checkpoint or weights that cannot be used; the message names it and says what to do."""


def save_weights(model: nn.Layer, path: str | Path) -> None:
    """Write all weights and moving statistics to one .npz file; an existing file is replaced only by a whole one."""
    write_arrays(path, {name: value.numpy() for name, value in model.state_dict().items()})


def load_weights(model: nn.Layer, path: str | Path) -> None:
    """Set a model to the weights of a file of `save_weights`; no code in the file can run, it holds numbers only.

    Weights of another precision, such as float16, are converted to the model's.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is damaged, or of another network; the model is left as it was.
    """
    try:
        weights = read_arrays(path)
    except DamagedFile as error:
        raise CheckpointError(f"{error}: train or copy it again") from error
    _refuse(f"{path} holds the weights", differences(model.state_dict(), weights))
    _set(model.state_dict(), weights)


def start_from(model: nn.Layer, trained: nn.Layer, but_for: str | None = None) -> None:
    """Set a model to the weights and moving statistics of another one that was trained before.

    Args:
        model: set to them.
        trained: a network of the same kind.
        but_for: the name of a layer that keeps the weights it has, such as "fc", the last one of a
            `resnet.ResNet`, where `trained` tells other classes apart.

    Raises:
        ValueError: the model has no such layer.
        CheckpointError: it is another network, in more than that layer; the model is left as it was.
    """
    inside = f"{but_for}."
    if but_for is not None and not any(name.startswith(inside) for name in model.state_dict()):
        raise ValueError(f"the model has no layer {but_for!r} with weights")
    state, given = (
        {name: value for name, value in each.state_dict().items() if but_for is None or not name.startswith(inside)}
        for each in (model, trained)
    )
    weights = {name: value.numpy() for name, value in given.items()}
    _refuse("the weights to start from are", differences(state, weights))
    _set(state, weights)


def save(folder: str | Path, model: nn.Layer, optimizer: Optimizer, epochs: int, notes: dict[str, Any]) -> Path:
    """Write folder/checkpoint-NNNN.npz and keep the one before it; older ones are deleted.

    Args:
        model, optimizer: the weights and moving statistics, the moments and the schedule are stored.
        epochs: the number of finished epochs, NNNN.
        notes: what else there is to remember, as far as JSON can hold it.

    Raises:
        TypeError: the notes hold what JSON cannot.
        ValueError: the optimizer's state has something that is of no weight of the model, and would be lost.
        OSError: the disk is full, or the folder cannot be written; all earlier checkpoints are still there.
    """
    folder = Path(folder)
    state = optimizer.state_dict()
    about = {"format": FORMAT, "schedule": state.pop(_SCHEDULE, None), "notes": notes}
    arrays = {f"model/{name}": value.numpy() for name, value in model.state_dict().items()}
    # Paddle numbers parameters through the whole process (conv2d_7.w_0); the layer's own name is the same in any. The
    # longest name that a key begins with is its parameter's: fc_ would take those of fc_b as well.
    names = {f"{parameter.name}_": name for name, parameter in model.named_parameters()}
    for key, value in state.items():
        own = max((each for each in names if key.startswith(each)), key=len, default=None)
        if own is None:  # such as the master weights of multi_precision
            raise ValueError(f"the optimizer's {key} is of no weight of the model: a checkpoint has no place for it")
        arrays[f"optimizer/{names[own]}/{key[len(own) :]}"] = value.numpy()
    path = folder / f"checkpoint-{epochs:04d}.npz"
    write_arrays(path, {"about": np.array(json.dumps(about, default=_plain)), **arrays})
    for old in files(folder):
        if _number(old) < epochs - 1:
            old.unlink()
    return path


def _plain(value: object) -> object:
    """Arrays and NumPy's numbers as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"the notes of a checkpoint hold a {type(value).__name__}, which JSON cannot")


def files(folder: str | Path) -> list[Path]:
    """The checkpoints in a folder, the newest first."""
    found = [path for path in Path(folder).glob("checkpoint-*.npz") if _NAME.fullmatch(path.name)]
    return sorted(found, key=_number, reverse=True)


def _number(path: Path) -> int:
    return int(_NAME.fullmatch(path.name)[1])


def restore(path: str | Path, model: nn.Layer, optimizer: Optimizer) -> dict[str, Any]:
    """Set a model and its optimizer to a checkpoint, and give its notes.

    Raises:
        CheckpointError: the file is damaged, of an older format, of another program or of another network; nothing has
            been changed then.
    """
    try:
        arrays = read_arrays(path)
    except (FileNotFoundError, DamagedFile) as error:
        raise CheckpointError(str(error)) from error
    try:
        about = json.loads(str(arrays.pop("about")))
        version, schedule, notes = (about[key] for key in ("format", "schedule", "notes"))
        if not isinstance(notes, dict):
            raise TypeError("notes have names")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is no checkpoint of this program: it does not say what it holds") from error
    if version != FORMAT:
        raise CheckpointError(f"{path} has format {version}, this program reads format {FORMAT}: train anew")
    weights = {name.split("/", 1)[1]: value for name, value in arrays.items() if name.startswith("model/")}
    wrong = differences(model.state_dict(), weights)
    parameters = dict(model.named_parameters())
    moments = {}
    for key in arrays.keys() - {f"model/{name}" for name in weights}:
        kind, _, rest = key.partition("/")
        name, _, moment = rest.rpartition("/")
        if kind != "optimizer" or name not in parameters:
            wrong.append(f"{key} is unknown")
        elif arrays[key].shape not in (tuple(parameters[name].shape), (1,), ()) or arrays[key].dtype.kind != "f":
            wrong.append(f"{key} is {arrays[key].dtype} {list(arrays[key].shape)}")
        else:
            moments[f"{parameters[name].name}_{moment}"] = arrays[key]
    _refuse(f"{path} is", wrong)
    if not _alike(schedule, optimizer.state_dict().get(_SCHEDULE)):
        raise CheckpointError(
            f"{path} is of a training with another schedule of the learning rate: repeat that training's settings, or "
            "choose another folder"
        )
    _set(model.state_dict(), weights)
    optimizer.set_state_dict({**moments, _SCHEDULE: schedule} if schedule else moments)
    return notes


def refuse(folder: Path) -> None:
    """Raise FileExistsError where a new training would write over the checkpoints of another one."""
    if files(folder):
        raise FileExistsError(f"there are checkpoints in {folder}: resume that training, or choose another folder")


def resume(folder: Path, model: nn.Layer, optimizer: Optimizer, settings: dict[str, Any]) -> dict[str, Any]:
    """Set a model and its optimizer to the newest good checkpoint in a folder, and give its notes.

    Args:
        folder: without checkpoints nothing is changed, and there are no notes.
        model, optimizer: as in `restore`.
        settings: what has to be the same as in the notes' own "settings".

    Raises:
        CheckpointError: none is good, or the newest good one is of a training with other settings.
    """
    errors: list[str] = []
    for path in files(folder):
        try:
            notes = restore(path, model, optimizer)
        except CheckpointError as error:
            errors.append(str(error))
            continue
        _compare(path, notes.get("settings", {}), settings)
        for error in errors:
            warnings.warn(f"{error}. Going on from {path}.", stacklevel=2)
        return notes
    if errors:
        raise CheckpointError(
            "there is no good checkpoint to go on from: " + "; ".join(errors) + ". Choose another folder."
        )
    return {}


def differences(state: dict[str, paddle.Tensor], weights: dict[str, np.ndarray]) -> list[str]:
    """What keeps arrays from being the weights of a network with this state, an entry for each; none if they may be.

    These are the names that only one of the two has, or else what has another shape or is no number.
    """
    return [f"{name} is {'missing' if name in state else 'unknown'}" for name in sorted(set(state) ^ set(weights))] or [
        f"{name} is {weights[name].dtype} {list(weights[name].shape)}" for name, value in state.items()
        if tuple(value.shape) != weights[name].shape or weights[name].dtype.kind not in "fiu"
    ]  # fmt: skip


def _refuse(what: str, wrong: list[str]) -> None:
    if wrong:
        more = f", and {len(wrong) - 1} more" if wrong[1:] else ""
        raise CheckpointError(
            f"{what} of another network ({wrong[0]}{more}); build the model with the arguments that it was trained with"
        )


def _alike(schedule: object, own: object) -> bool:
    """Whether a schedule's state can be that of an optimizer which has this one, or none."""
    if schedule is None or own is None:
        return schedule is own
    if isinstance(own, dict):  # a warm-up holds the state of the schedule after it
        same = isinstance(schedule, dict) and schedule.keys() == own.keys()
        return same and all(_alike(schedule[name], own[name]) for name in own)
    return isinstance(schedule, (int, float))


def _compare(path: Path, those: dict[str, Any], these: dict[str, Any]) -> None:
    """Raise CheckpointError where a training's settings are not these, and name all that differ."""
    unknown = [name for name in these if name not in those]
    if unknown:
        raise CheckpointError(
            f"{path} does not say its {', '.join(unknown)}: an older version of this program, or another one, has "
            "written it. Train anew in another folder."
        )
    other = [name for name, value in these.items() if those[name] != value]
    if other:
        of, here = (", ".join(f"{name} {settings[name]}" for name in other) for settings in (those, these))
        raise CheckpointError(
            f"{path} is of a training with {of}, this one has {here}: repeat the settings of that training, or choose "
            "another folder"
        )


def _set(state: dict[str, paddle.Tensor], weights: dict[str, np.ndarray]) -> None:
    """Weights of whatever precision, in the model's own: files of half the bytes hold float16."""
    for name, value in state.items():
        value.set_value(paddle.to_tensor(weights[name]).astype(value.dtype))
