"""What `helpers.commands.benchmark` measures, each thing by `measured` in a process of its own.

So none of them has another one's memory, caches or settings.
"""
from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from helpers import runtime
from helpers.commands import classic, recipe, stopping, train
from helpers.commands.cross_validation import looks
from helpers.fundus import photographs
from helpers.fundus.dataset import Augment, FundusDataset
from helpers.fundus.images import read_image
from helpers.fundus.paint import render_image
from helpers.fundus.photographs import FundusSet
from helpers.fundus.render import SHARES, kinds, render
from helpers.training import metrics, model_file, resnet
from helpers.training.fit import fit

import cv2
import numpy as np
import psutil

Figures = dict[str, Any]  # numbers and short texts by their names


def measured(measurement: Callable[..., Figures], as_installed: bool = False, **settings: object) -> Figures:
    """The figures of one of the measurements below, from a new process; raises what that raises.

    With `as_installed`, Paddle is left as it was installed, instead of being tuned by `helpers.runtime`.
    """
    # What this process has chosen for itself is not the user's choice: the new one chooses anew.
    for name in runtime.CHOSEN:
        os.environ.pop(name, None)
    if as_installed:
        os.environ[runtime.AS_INSTALLED] = "1"
    try:
        with stopping.processes(1) as submit:
            return submit(measurement, **settings).result()
    finally:
        os.environ.pop(runtime.AS_INSTALLED, None)
        os.environ.update(runtime.CHOSEN)


class PeakMemory:
    """Looks every 10 ms, in a thread, at the memory that this process fills itself, while the block runs.

    Files that are mapped into memory, such as Paddle's libraries, are not counted where the system tells them apart.
    """

    def __enter__(self) -> PeakMemory:
        self._start = self._most = self._now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    @staticmethod
    def _now() -> float:
        memory = psutil.Process().memory_info()
        return (memory.rss - getattr(memory, "shared", 0)) / 1024**2

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self._most = max(self._most, self._now())

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._most = max(self._most, self._now())

    def figures(self) -> Figures:
        """For a table, in MB: "memory" is the peak, "more" how much of it is above the start."""
        return {"memory": self._most, "more": self._most - self._start}


def make_photographs(folder: str, count: int, size: int, height: int, width: int) -> float:
    """Render a data set of `size` px and scale its images up to `height` x `width`, with a little noise of a camera.

    Without the noise the files would be smaller than those of a camera, and faster to decode. Gives their mean size in
    kB.
    """
    noise = np.random.default_rng(0).normal(0, 2, (height, width, 3)).astype(np.int16)

    def enlarge(path: Path) -> int:
        image = cv2.resize(read_image(path), (width, height), interpolation=cv2.INTER_CUBIC)
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
        data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        return path.write_bytes(data.tobytes())

    paths = sorted(render(folder, count, size, progress=False).rglob("*.jpg"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(enlarge, paths)) / len(paths) / 1000


def classic_recipe(folder: str, batches: int | None, size: int) -> Figures:
    """The classic course recipe; cut short after some batches, without test figures."""
    data = photographs.read(folder, size, progress=False)
    with PeakMemory() as peak:
        seconds, images, report = classic.train(data, batches)
    settings = ", ".join(f"{name}={value}" for name, value in {**runtime.FOUND, **runtime.CHOSEN}.items()) or "none"
    figures = {"seconds": seconds, "speed": images / seconds, "settings": settings}
    return {**figures, **_test_figures(report), **peak.figures()}


def our_recipe(folder: str, scratch: str, quick: bool) -> Figures:
    """`python -m helpers.commands.train`, and the rendering of the images that it trains on besides, in `scratch`."""
    extra = 12 if quick else recipe.EXTRA[True]
    start = time.perf_counter()
    if extra:
        render(f"{scratch}/extra", (3 * extra, 1), recipe.SIZE, 1, progress=False)
    rendering = time.perf_counter() - start
    given = ["--data", folder, "--output", f"{scratch}/run", "--extra", str(extra)]
    options = train.arguments([*given, "--epochs", "1"] if quick else given)
    with PeakMemory() as peak:
        report, seconds, images = train.run(options)
    figures = {"seconds": seconds, "speed": images / seconds, "rendering": rendering}
    return {**figures, **_test_figures(report), **peak.figures()}


def our_scores(folder: str, scratch: str, init: str, seed: int, quick: bool) -> Figures:
    """What a network of `python -m helpers.commands.train` says of the test images: "labels" and "scores", [3, n]."""
    output = f"{scratch}/{init}-{seed}"
    given = ["--data", folder, "--output", output, "--init", init, "--seed", str(seed)]
    train.run(train.arguments([*given, "--extra", "0", "--epochs", "1"] if quick else given))
    model, about = model_file.load(f"{output}/model.npz")
    test = photographs.split(photographs.read(folder, about.size, progress=False), validation=0).test
    return {"labels": test.labels, "scores": looks(model, test)}


def _test_figures(report: metrics.Report | None) -> dict[str, str]:
    return {} if report is None else {"accuracy": str(report.accuracy), "auc": str(report.auc)}


def classic_reader(folder: str, size: int, epochs: int) -> Figures:
    """Every image of every epoch from its file, as the classic course does it: float32 [3, size, size]."""
    paths = [str(path) for path in sorted(Path(folder).rglob("*.jpg"))]

    def read(index: int) -> np.ndarray:
        image = cv2.resize(cv2.imread(paths[index]), (size, size))
        return image.transpose(2, 0, 1).astype(np.float32) / 255 * 2 - 1

    return _read_epochs(lambda: (read, len(paths)), epochs)


def our_reader(folder: str, size: int, epochs: int) -> Figures:
    """The same images and epochs with `photographs.read` and `FundusDataset`; there is no cache before the first."""
    cache = _no_cache(folder)

    def open_all() -> tuple[Callable[[int], object], int]:
        dataset = FundusDataset(photographs.read(folder, size, cache, progress=False))
        return dataset.__getitem__, len(dataset)

    return _read_epochs(open_all, epochs)


def _read_epochs(open_all: Callable[[], tuple[Callable[[int], object], int]], epochs: int) -> Figures:
    """Seconds of each epoch; `open_all`, which counts for the first, gives what reads an image, and their number."""
    seconds = []
    with PeakMemory() as peak:
        for epoch in range(epochs):
            start = time.perf_counter()
            if epoch == 0:
                read, count = open_all()
            for index in np.random.default_rng(epoch).permutation(count):
                read(index)
            seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, **peak.figures()}


def growth(folder: str, size: int) -> Figures:
    """Seconds for reading (there is no cache), splitting, and one epoch of training a small network."""

    def one_epoch(dataset: FundusDataset) -> None:
        fit(resnet.resnet18(width=4), dataset, epochs=1, progress=None)

    labels = np.arange(32) % 2
    nothing = FundusSet(np.zeros((32, size, size, 3), np.uint8), labels, ("",) * 32, labels)
    one_epoch(FundusDataset(nothing))  # what Paddle does only once
    cache = _no_cache(folder)
    with PeakMemory() as peak:
        times = [time.perf_counter()]
        data = photographs.read(folder, size, cache, progress=False)
        times.append(time.perf_counter())
        parts = photographs.split(data)
        times.append(time.perf_counter())
        one_epoch(FundusDataset(parts.train, Augment()))
        times.append(time.perf_counter())
    return {**dict(zip(("read", "split", "epoch"), np.diff(times).tolist(), strict=True)), **peak.figures()}


def _no_cache(folder: str) -> Path:
    """The file beside `folder` for its decoded images; it is not there."""
    cache = Path(folder).with_suffix(".npz")
    cache.unlink(missing_ok=True)
    return cache


def rendering_speed(count: int, size: int) -> Figures:
    """Images/s that one core renders."""
    start = time.process_time()  # what other programs take away does not count
    for i, kind in enumerate(kinds(count, SHARES["training"])):
        render_image(kind, size, np.random.default_rng(i))
    return {"speed": count / (time.process_time() - start)}
