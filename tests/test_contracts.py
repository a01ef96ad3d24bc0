"""What the docstrings promise: given anything at all, a public function raises what it documents, in words, or nothing.

Each is called with one or two of its arguments replaced by something odd: of another type, rank or dtype, empty, NaN.
"""
import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from helpers import checks, digits, exercises, figures, files, homework, intervals, language
from helpers.commands import train
from helpers.exercises import feedback
from helpers.fundus import archives, decoding, eye, images, labelled, paint, photographs, plausible, render, sheets
from helpers.fundus.dataset import Augment, FundusDataset, JointDataset
from helpers.fundus.errors import ArchiveError, DataError, ImageError
from helpers.fundus.photographs import FundusSet
from helpers.homework import answers, reading, roster, secret, sizes, submission, variants, writing
from helpers.homework.practice import network
from helpers.training import checkpoint, metrics, model_file, parallel
from tests.tools import palm_builder as build
from tests.tools.small_training import small_network

import matplotlib.pyplot as plt
import numpy as np
import paddle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paddle import nn


class Lies:
    """An object that raises whenever it is looked at."""

    def __getattribute__(self, name):
        raise RuntimeError("do not look")

    __len__ = __iter__ = __array__ = __float__ = __int__ = __index__ = __eq__ = __hash__ = __bool__ = __repr__ = (
        __getattribute__
    )


ODD = {
    "None": None, "True": True, "text": "眼", "empty text": "", "bytes": b"\xff\0", "float": 1.5, "nan": float("nan"),
    "inf": float("inf"), "zero": 0, "minus": -1, "huge": 10**30, "complex": 1j, "decimal": Decimal("NaN"),
    "empty list": [], "list": [1, "x", None], "ragged": [[1], [1, 2]], "dict": {"a": 1}, "empty dict": {}, "set": {1},
    "function": len, "object": object(), "type": int, "no array": np.zeros(0), "rank 0": np.array(3.0),
    "rank 5": np.zeros((1, 1, 1, 1, 1)), "nan array": np.full((2, 2), np.nan), "texts": np.array(["a", "b"]),
    "objects": np.array([None, 1], object), "bools": np.array([True, False]), "int8": np.array([1, 0], np.int8),
    "uint8 image": np.zeros((4, 5, 3), np.uint8), "float image": np.zeros((4, 5, 3)), "tensor": paddle.zeros([2]),
    "generator": (each for each in ()), "path": Path("no such file"),
}  # fmt: skip


class Contract(NamedTuple):
    """A function, arguments with which it works, the errors that it documents, and arguments that are left alone."""

    function: Callable
    arguments: tuple
    errors: tuple[type[Exception], ...] = ()
    keep: tuple[int, ...] = ()


LABELS, SCORES = np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.4, 0.3])
PICTURES = np.random.default_rng(0).integers(0, 255, (6, 40, 40, 3)).astype(np.uint8)
SET = FundusSet(PICTURES, np.array([0, 1] * 3), tuple(f"N{i}" for i in range(6)), np.array(["training"] * 6))
ROW = homework.trace(nn.Conv2D(3, 4, 3), [1, 3, 8, 8])[0]
COUNTS = homework.counting_task(ROW)
TABLE = homework.table_task(nn.Linear(3, 4), [1, 3])
MODEL = small_network()
VALUE = (ValueError,)
CONTRACTS = {
    "checks.whole": Contract(lambda value: checks.whole("n", value, 1, 5), (3,), VALUE),
    "checks.number": Contract(lambda value: checks.number("n", value, 1, 5), (3.0,), VALUE),
    "intervals.mean": Contract(intervals.mean, ([1.0, 2.0],), VALUE),
    "intervals.difference": Contract(intervals.difference, ([1.0, 2.0], [2.0, 2.5]), VALUE),
    "language.speak": Contract(language.speak, ("en",), VALUE),
    "digits.load": Contract(digits.load, (10, 0), VALUE),
    "figures.walk": Contract(figures.walk, (np.ones((4, 4), int), 2, 1, 0, 1), VALUE),
    "figures.normalisation_cubes": Contract(figures.normalisation_cubes, ({"a": np.zeros((2, 2, 2), int)}, "t"), VALUE),
    "metrics.proportion": Contract(metrics.proportion, (1, 2), VALUE),
    "metrics.auc": Contract(lambda a, b: metrics.auc(a, b, draws=5), (LABELS, SCORES), VALUE),
    "metrics.choose_threshold": Contract(metrics.choose_threshold, (LABELS, SCORES), VALUE),
    "metrics.report": Contract(metrics.report, (LABELS, SCORES, 0.5), VALUE),
    "sizes.conv_size": Contract(sizes.conv_size, (8, 3, 1, 0, 1), VALUE),
    "sizes.pool_size": Contract(sizes.pool_size, (8, 2, 2, 0, False), VALUE, (4,)),
    "sizes.transposed_size": Contract(sizes.transposed_size, (8, 3, 2, 0, 1, 1), VALUE),
    "sizes.same_padding": Contract(sizes.same_padding, (8, 3, 1), VALUE),
    "homework.network": Contract(network, (1, False), VALUE, (1,)),
    "homework.practice": Contract(homework.practice, (1, False), VALUE, (1,)),
    "homework.trace": Contract(homework.trace, (nn.Conv2D(3, 4, 3), [1, 3, 8, 8]), VALUE),
    "homework.table_task": Contract(homework.table_task, (nn.Conv2D(3, 4, 3), [1, 3, 8, 8]), VALUE),
    "homework.counting_task": Contract(homework.counting_task, (ROW,), VALUE),
    "homework.macs": Contract(homework.macs, (ROW,), VALUE),
    "answers.Entry.read": Contract(answers.Entry("", {3: ""}).read, (3,), (answers.Rejected,)),
    "submission.parse": Contract(submission.parse, ({},), (submission.BadSubmission,)),
    "variants.read_numbers": Contract(variants.read_numbers, ({},), VALUE),
    "fundus.Augment": Contract(Augment, (True, True, 20.0, 0.1, 0.2), VALUE, (0, 1)),
    "fundus.JointDataset": Contract(lambda n, seed: JointDataset(FundusDataset(SET), FundusDataset(SET), n, seed),
                                    (2, 0), VALUE),
    "fundus.FundusSet": Contract(FundusSet, (SET.images, SET.labels, SET.names, SET.parts), VALUE),
    "decoding.to_bytes": Contract(decoding.to_bytes, (np.zeros((2, 2), np.uint16),), VALUE),
    "eye.sample_eye": Contract(eye.sample_eye, ("N", np.random.default_rng(0)), VALUE, (1,)),
    "paint.render_image": Contract(paint.render_image, ("N", 32, np.random.default_rng(0)), VALUE, (2,)),
    "photographs.split": Contract(lambda share, seed: photographs.split(SET, share, seed), (0.5, 0), VALUE),
    "parallel.batches": Contract(lambda *a: len(parallel.batches(FundusDataset(SET), *a)), (2, 0, 0), VALUE),
    "render.render": Contract(lambda *a: render.render("set", *a, progress=False), (3, 32, 0), (ValueError, OSError)),
    "images.read_image": Contract(images.read_image, ("none.png", 20), (ImageError, ValueError), (0,)),
}  # fmt: skip
QUIET = {
    "check a number": Contract(lambda value: exercises.check("01.1", value), (1,)),
    "check another number": Contract(lambda number: exercises.check(number, 1), ("01.1",)),
    "check a function": Contract(lambda value: [exercises.check(n, value) for n in FUNCTIONS], (len,)),
    "hint": Contract(exercises.hint, ("01.1",)),
    "solution": Contract(exercises.solution, ("01.1",)),
    "seen": Contract(answers.seen, (1,)), "typed": Contract(writing.typed, (1,)),
    "grade": Contract(lambda one: str(COUNTS.grade(one)), ({},)),
    "grade an entry": Contract(lambda one: str(COUNTS.grade(dict.fromkeys(COUNTS.groups, one))), (1,)),
    "grade a row": Contract(lambda one: str(TABLE.grade({"layer": one})), ([1] * 5,)),
    "grade a cell": Contract(lambda one: str(TABLE.grade({"layer": [one] * 5})), (1,)),
    "assignment": Contract(homework.assignment, ("1", ".")),
    "hand in": Contract(homework.hand_in, (COUNTS, COUNTS.reveal(), TABLE, TABLE.reveal(), "n", "d", "."), (), (0, 2)),
}  # fmt: skip
FUNCTIONS = [
    number for notebook in feedback.MODULES for number, one in feedback.exercises(notebook).items()
    if isinstance(one, feedback.Function)
][:3]  # fmt: skip


def call(contract, arguments, folder):
    """Nothing, or what was wrong: an error that is not documented, or one without words."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(folder) if hasattr(contextlib, "chdir") else (
        contextlib.nullcontext()
    ):
        try:
            contract.function(*arguments)
        except contract.errors as error:
            assert str(error).strip(), "an error without words"
        finally:
            plt.close("all")


@pytest.mark.parametrize("name", [*CONTRACTS, *QUIET])
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_only_what_is_documented_is_raised(name, data, tmp_path_factory):
    contract = {**CONTRACTS, **QUIET}[name]
    places = [place for place in range(len(contract.arguments)) if place not in contract.keep]
    arguments = list(contract.arguments)
    for place in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=2, unique=True)):
        odd = data.draw(st.sampled_from([*ODD, *(["lies"] if name in QUIET else [])]), label=f"argument {place}")
        arguments[place] = Lies() if odd == "lies" else ODD[odd]
    call(contract, arguments, tmp_path_factory.getbasetemp())


# --- files ------------------------------------------------------------------------------------------------------------

OPTIMIZER = paddle.optimizer.AdamW(parameters=MODEL.parameters())
READERS = {  # what reads a file, a name for it, and the errors that are documented
    "read_arrays": (files.read_arrays, "a.npz", files.DamagedFile),
    "load_weights": (lambda path: checkpoint.load_weights(MODEL, path), "a.npz", ValueError),
    "restore": (lambda path: checkpoint.restore(path, MODEL, OPTIMIZER), "a.npz", checkpoint.CheckpointError),
    "resume": (lambda path: checkpoint.resume(path.parent, MODEL, OPTIMIZER, {}), "checkpoint-0001.npz",
               checkpoint.CheckpointError),
    "beginning": (lambda path: train.beginning(str(path)), "a.npz", model_file.ModelFileError),
    "model_file.load": (model_file.load, "a.npz", model_file.ModelFileError),
    "is_model_file": (model_file.is_model_file, "a.npz", ()),
    "read_sheet, csv": (sheets.read_sheet, "labels.csv", DataError),
    "read_sheet, xlsx": (sheets.read_sheet, "labels.xlsx", DataError),
    "samples": (lambda path: labelled.samples(path.parent), "labels.csv", DataError),
    "read_roster": (roster.read_roster, "roster.csv", roster.BadRoster),
    "read_secret": (secret.read_secret, "secret.txt", secret.BadSecret),
    "read_all": (reading.read_all, "all.zip", ()),
    "read_all, json": (reading.read_all, "answers.json", ()),
    "variants.find": (lambda path: variants.find("1", path.parent), "variants.json", variants.BadSheet),
    "members": (archives.members, "data.zip", ArchiveError),
    "unpack": (lambda path: archives.unpack(path, path.parent / "out"), "data.zip", ArchiveError),
    "read_image": (images.read_image, "a.jpg", ImageError),
    "read_images": (lambda path: images.read_images([path], 20), "a.jpg", ImageError),
    "image_size": (images.image_size, "a.jpg", ImageError),
}  # fmt: skip


def arrays(**named):
    file = io.BytesIO()
    np.savez(file, **named)
    return file.getvalue()


def checkpoint_of(schedule, notes):
    about = json.dumps({"format": 1, "schedule": schedule, "notes": notes})
    weights = {f"model/{name}": value.numpy() for name, value in MODEL.state_dict().items()}
    return arrays(about=np.array(about), **weights)


def packed_by_lzma():
    """As 7-Zip may write it."""
    file, array = io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(2000))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as bundle:
        bundle.writestr("a.npy", array.getvalue())
    return file.getvalue()


def enormous():
    """An array that says it is larger than any memory."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    return build.packed({"a.npy": header.getvalue()})


WHOLE = {
    "npz": arrays(**{name: value.numpy() for name, value in MODEL.state_dict().items()}),
    "npz of text": arrays(about=np.array('{"format": 1, "schedule": null, "notes": {}}'), x=np.zeros(2)),
    "checkpoint": checkpoint_of({"last_epoch": "x"}, {}), "odd checkpoint": checkpoint_of([1], []),
    "npz of odd text": arrays(about=np.array('{"format": 1, "network": [], "classes": {}, "size": 1e999}')),
    "npz of a list": arrays(about=np.array("[" * 2000)), "xlsx": build.xlsx(build.VALIDATION),
    "csv": build.csv(build.VALIDATION).encode(), "roster": "id,name\n1,王\n".encode("gbk"),
    "zip": build.packed({"a.csv": "x", "b/answers.json": "{}", "c.zip": build.packed({"眼": "1"})}),
    "lzma": packed_by_lzma(), "enormous": enormous(),
    "json": b'{"course": "batchnorm-dropout", "format": 1, "students": {"a": []}}',
    "jpg": build.jpeg("P0001"),
    "png": build.encode(build.picture(0), ".png"), "tif": build.encode(build.picture(0), ".tif"),
    "nothing": b"", "zeros": bytes(500),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(kind=st.sampled_from([*WHOLE]), places=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)),
       max_size=3), cut=st.floats(0, 1))  # fmt: skip
def test_a_damaged_file_raises_only_what_is_documented_and_is_named(name, kind, places, cut, tmp_path_factory):
    read, file_name, errors = READERS[name]
    data = bytearray(WHOLE[kind])
    for place, written in places:
        start = int(place * len(data))
        data[start : start + len(written)] = written
    if cut < 0.3:
        del data[int(cut / 0.3 * len(data)) :]
    folder = tmp_path_factory.mktemp("file")
    (folder / file_name).write_bytes(data)
    try:
        read(folder / file_name)
    except errors as error:
        assert file_name in str(error), error


@pytest.mark.parametrize("read", [read for read, *_ in READERS.values()], ids=[*READERS])
def test_a_missing_file_is_named(read, tmp_path):
    path = tmp_path / "眼 none.csv"
    with contextlib.suppress(FileNotFoundError, ValueError):
        assert not read(path)
        return
    with pytest.raises((FileNotFoundError, ValueError), match="none"):
        read(path)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3), (15, 16), (17, 40), (3000, 2)])
@pytest.mark.parametrize("fill", [0, 255, None])
def test_a_picture_of_any_size_is_judged(size, fill):
    pixels = np.full((*size, 3), fill, np.uint8) if fill is not None else (
        np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    )
    assert plausible.judge(*plausible.prepare(pixels)).verdict != plausible.FUNDUS
