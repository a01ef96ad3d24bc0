"""Measures the recipe, the reader and growth: `python -m helpers.train --benchmark` or `python -m helpers.benchmark`.

Each measurement has a process of its own, one after another; what is measured is in the functions of `PARTS`, and the
functions of `TABLES` call them and put their figures into a table.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from helpers import classic, fundus, metrics, palm, resnet, runtime, train
from helpers.augment import Augment
from helpers.images import read_image

import cv2
import numpy as np

HEIGHT, WIDTH = 2056, 2124  # of the original photographs
STATUS = Path("/proc/self/status")  # Linux only
Figures = dict[str, Any]  # numbers and short texts by their names


class PartFailed(RuntimeError):
    """A part of the benchmark ended with an error; the message names the part."""


# --- memory -----------------------------------------------------------------------------------------------------------


def memory() -> float:
    """The anonymous memory of this process in MB; elsewhere than on Linux, the most resident memory that it ever had.

    Anonymous is what the process itself fills. A file that is mapped into memory, such as the cache of decoded images,
    is not counted on Linux: the system takes its pages back as soon as it needs them.
    """
    if STATUS.exists():
        return int(re.search(r"RssAnon:\s+(\d+) kB", STATUS.read_text())[1]) / 1024
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return float("nan")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1024**2 if sys.platform == "darwin" else most / 1024


class PeakMemory:
    """Looks at `memory` every 10 ms in a thread while the block runs.

    Attributes:
        start, most: MB before the block, and the most during it.
    """

    def __enter__(self) -> PeakMemory:
        self.start = self.most = memory()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self.most = max(self.most, memory())

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.most = max(self.most, memory())

    def figures(self) -> Figures:
        """For a table: "memory" is the peak, "more" how much of it is above the start."""
        return {"memory": self.most, "more": self.most - self.start}


# --- what is measured, each in a process of its own -------------------------------------------------------------------


def render(folder: str, count: int, size: int) -> Figures:
    """Render a data set to measure with; takes no part in any figure."""
    fundus.render(folder, count, size, progress=False)
    return {}


def photographs(folder: str, count: int, size: int, height: int, width: int) -> Figures:
    """Render a data set of `size` px and scale its images up to `height` x `width`, with a little noise of a camera.

    Without the noise the files would be smaller than those of a camera, and faster to decode.
    """
    noise = np.random.default_rng(0).normal(0, 2, (height, width, 3)).astype(np.int16)

    def enlarge(path: Path) -> int:
        image = cv2.resize(read_image(path), (width, height), interpolation=cv2.INTER_CUBIC)
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
        data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        return path.write_bytes(data.tobytes())

    paths = sorted(fundus.render(folder, count, size, progress=False).rglob("*.jpg"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {"kilobytes": sum(pool.map(enlarge, paths)) / len(paths) / 1000}


def classic_reader(folder: str, size: int, epochs: int) -> Figures:
    """Every image of every epoch from its file, as the classic course does it: float32 [3, size, size]."""
    paths = [str(path) for path in sorted(Path(folder).rglob("*.jpg"))]
    seconds = []
    with PeakMemory() as peak:
        for epoch in range(epochs):
            start = time.perf_counter()
            for index in np.random.default_rng(epoch).permutation(len(paths)):
                image = cv2.resize(cv2.imread(paths[index]), (size, size))
                x = image.transpose(2, 0, 1).astype(np.float32) / 255 * 2 - 1
            seconds.append(time.perf_counter() - start)
    assert x.shape == (3, size, size)
    return {"first": seconds[0], "later": float(np.mean(seconds[1:])), **peak.figures()}


def our_reader(folder: str, size: int, epochs: int) -> Figures:
    """The same images and epochs with `palm.read` and `FundusDataset`; nothing is in the cache before the first."""
    cache = Path(folder).with_suffix(".npy")
    cache.unlink(missing_ok=True)
    seconds = []
    with PeakMemory() as peak:
        for epoch in range(epochs):
            start = time.perf_counter()
            if epoch == 0:
                dataset = palm.FundusDataset(palm.read(folder, size, cache, progress=False))
            for index in np.random.default_rng(epoch).permutation(len(dataset)):
                x, _ = dataset[index]
            seconds.append(time.perf_counter() - start)
    assert x.shape == (3, size, size)
    return {"first": seconds[0], "total": sum(seconds), **peak.figures()}


def classic_recipe(folder: str, batches: int | None, size: int) -> Figures:
    """The classic course recipe; cut short after some batches, without test figures."""
    data = palm.read(folder, size, progress=False)
    with PeakMemory() as peak:
        seconds, images, report = classic.train(data, batches)
    return {"seconds": seconds, "speed": images / seconds, **_test_figures(report), **peak.figures()}


def our_recipe(folder: str, quick: bool) -> Figures:
    """`python -m helpers.train`, and the rendering of the images that it trains on besides."""
    extra = 12 if quick else train.EXTRA
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        fundus.render(f"{scratch}/extra", (3 * extra, 1), train.SIZE, 1, progress=False)
        rendering = time.perf_counter() - start
        given = ["--data", folder, "--output", f"{scratch}/run", "--extra", str(extra)]
        options = train.arguments([*given, "--epochs", "1"] if quick else given)
        with PeakMemory() as peak:
            report, seconds, images = train.run(options)
    figures = {"seconds": seconds, "speed": images / seconds, "rendering": rendering}
    return {**figures, **_test_figures(report), **peak.figures()}


def _test_figures(report: metrics.Report | None) -> dict[str, str]:
    return {} if report is None else {"accuracy": str(report.accuracy), "auc": str(report.auc)}


def growth(folder: str, size: int) -> Figures:
    """Seconds for reading (nothing is in the cache), splitting, and one epoch of training a small network."""

    def one_epoch(dataset: palm.FundusDataset) -> None:
        train.fit(resnet.resnet18(width=4), dataset, epochs=1, progress=None)

    nothing = np.zeros((32, size, size, 3), np.uint8)
    labels = np.arange(32) % 2
    one_epoch(palm.FundusDataset(palm.FundusSet(nothing, labels, ("",) * 32, labels)))  # what Paddle does only once
    cache = Path(folder).with_suffix(".npy")
    cache.unlink(missing_ok=True)
    with PeakMemory() as peak:
        times = [time.perf_counter()]
        data = palm.read(folder, size, cache, progress=False)
        times.append(time.perf_counter())
        parts = palm.split(data)
        times.append(time.perf_counter())
        one_epoch(palm.FundusDataset(parts.train, Augment()))
        times.append(time.perf_counter())
    return {**dict(zip(("read", "split", "epoch"), np.diff(times).tolist(), strict=True)), **peak.figures()}


PARTS: dict[str, Callable[..., Figures]] = {
    "render": render,
    "photographs": photographs,
    "classic-recipe": classic_recipe,
    "our-recipe": our_recipe,
    "classic-reader": classic_reader,
    "our-reader": our_reader,
    "growth": growth,
}


def measured(part: str, **settings: object) -> Figures:
    """The figures of one of the `PARTS`, measured in a new process.

    Raises:
        PartFailed: it ended with an error, which is on stderr.
    """
    command = [sys.executable, "-m", "helpers.benchmark", "--part", part, "--settings", json.dumps(settings)]
    environment = {name: value for name, value in os.environ.items() if name not in runtime.CHOSEN}
    done = subprocess.run(command, cwd=runtime.ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise PartFailed(
            f"the benchmark's part {part} failed with exit status {done.returncode}; its error stands above"
        )
    return json.loads(done.stdout.splitlines()[-1])


# --- tables -----------------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """A line of progress."""
    print(f"... {text}", flush=True)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *notes: str) -> str:
    """Columns of texts under a title, all but the first aligned to the right, and notes below."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join([line[0].ljust(widths[0]), *(text.rjust(w) for text, w in zip(line[1:], widths[1:], strict=True))])
        for line in (head, *rows)
    ]
    return "\n".join([title, *lines, *notes])


def recipe_table(scratch: Path, quick: bool, full: bool = False) -> str:
    """The classic recipe against ours, on the real data set where there is one."""
    source = palm.find()
    # Not into the scratch folder: what is decoded of it stays in data/cache, for the next time.
    folder = str(runtime.ROOT / "data" / "rendered-benchmark" if source is None else source.path)
    if source is None:
        say("recipe: no real data set is found, rendering one (not counted)")
        measured("render", folder=folder, count=48 if quick else 600, size=64 if quick else classic.SIZE)
    batches = None if full else 1 if quick else 12
    say(f"recipe: the classic one, {'all of it' if full else f'{batches} batches'}")
    theirs = measured("classic-recipe", folder=folder, batches=batches, size=32 if quick else classic.SIZE)
    say("recipe: ours, all of it")
    ours = measured("our-recipe", folder=folder, quick=quick)
    rows = [
        [
            name, f"{result['speed']:.1f}", f"{star}{result['seconds']:.0f}", f"{result.get('rendering', 0):.0f}",
            result.get("accuracy", "not measured"), result.get("auc", "not measured"), f"{result['memory']:.0f}",
        ]
        for name, result, star in (("classic", theirs, "" if full else "*"), ("ours", ours, ""))
    ]  # fmt: skip
    whole = ours["seconds"] + ours["rendering"]
    times = [theirs["speed"] / ours["speed"], theirs["seconds"] / whole, theirs["memory"] / ours["memory"]]
    speed, seconds, less = (f"{ratio:.2g}" for ratio in times)
    rows.append(["classic / ours", speed, seconds, "", "", "", less])
    kind = "rendered images" if source is None else "the real images"
    return table(
        f"Time to accuracy on {kind}: all training images, no pre-trained weights, seed 0; figures of the test images",
        ["", "images/s", "training (s)", "rendering (s)", "accuracy", "AUC", "peak memory (MB)"],
        rows,
        *([] if full else [f"* extrapolated from {batches} batches; --full trains all five epochs"]),
        "classic: ResNet-50, 224 px, batches of 10, Momentum 0.001, 5 epochs. The ratio of seconds counts rendering.",
    )


def reader_table(scratch: Path, quick: bool) -> str:
    """The classic reader against ours."""
    count, height, width, size, epochs = (12, 150, 160, 32, 4) if quick else (400, HEIGHT, WIDTH, 224, 20)
    folder = str(scratch / "photographs")
    say(f"reader: rendering {count} images and scaling them up to {width} x {height} (not counted)")
    files = measured("photographs", folder=folder, count=count, size=32 if quick else 256, height=height, width=width)
    say(f"reader: the classic one, 2 of {epochs} epochs")
    theirs = measured("classic-reader", folder=folder, size=size, epochs=2)
    theirs["total"] = theirs["first"] + (epochs - 1) * theirs["later"]
    say(f"reader: ours, all {epochs} epochs")
    ours = measured("our-reader", folder=folder, size=size, epochs=epochs)
    columns = {"first": ".1f", "total": ".1f", "memory": ".0f", "more": ".0f"}
    if quick:
        columns = dict.fromkeys(columns, ".4f")
    rows = [
        [name, *(format(figures[column], columns[column]) for column in columns)]
        for name, figures in (("classic", theirs), ("ours", ours))
    ]
    rows[0][2] = f"*{rows[0][2]}"
    ratios = [f"{theirs[column] / ours[column]:.2f}" for column in ("first", "total", "memory")]
    rows.append(["classic / ours", *ratios, ""])
    return table(
        f"Reader: {count} JPEG images of {width} x {height} to float32 [3, {size}, {size}]",
        ["", "first epoch (s)", f"{epochs} epochs (s)", "peak memory (MB)", "above start (MB)"],
        rows,
        f"* two epochs measured: first + {epochs - 1} x second",
        f"The images are rendered, scaled up and given noise, {files['kilobytes']:.0f} kB each on average. Classic: "
        "cv2.imread and resize every epoch;",
        "ours: helpers.palm.read, whose cache is empty before the first epoch, and FundusDataset. No augmentation.",
    )


def growth_table(scratch: Path, quick: bool) -> str:
    """Time and memory for more and more images."""
    counts, size = ((24, 48), 32) if quick else ((100, 400, 1600, 6400), 64)
    results = []
    for count in counts:
        folder = str(scratch / f"rendered-{count}")
        say(f"growth: {count:,} images, rendering (not counted)")
        measured("render", folder=folder, count=count, size=size)
        say(f"growth: {count:,} images, reading, splitting, training")
        results.append(measured("growth", folder=folder, size=size))
    seconds = [result["read"] + result["split"] + result["epoch"] for result in results]
    rows = [
        [
            f"{count:,}", *(f"{result[name]:.2f}" for name in ("read", "split", "epoch")), f"{total:.2f}",
            f"{1000 * total / count:.2f}", f"{result['memory']:.0f}", f"{result['more']:.0f}",
        ]
        for count, result, total in zip(counts, results, seconds, strict=True)
    ]  # fmt: skip
    memories = [result["memory"] for result in results]
    many, longer, more = (values[-1] / values[0] for values in (counts, seconds, memories))
    head = ["images", "read (s)", "split (s)", "epoch (s)", "all (s)", "ms an image", "peak memory (MB)"]
    return table(
        f"Growth: reading rendered images of {size} px (nothing in the cache), splitting, one epoch of a small network",
        [*head, "above start (MB)"],
        rows,
        f"From the first to the last line: {many:.0f} times the images, {longer:.1f} times the seconds, "
        f"{more:.2f} times the memory.",
    )


TABLES: dict[str, Callable[..., str]] = {
    "recipe": recipe_table,
    "reader": reader_table,
    "growth": growth_table,
}


def main(given: Sequence[str] | None = None) -> None:
    """The command; exits with an error if a part fails, after the tables of the others."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.benchmark", description="Measure the recipe, the reader and growth; print tables."
    )
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="not all of the tables")
    parser.add_argument("--quick", action="store_true", help="tiny data: shows that it works, the figures mean nothing")
    parser.add_argument("--full", action="store_true", help="train the classic recipe to its end (10 minutes or more)")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)  # in the process of one measurement
    parser.add_argument("--settings", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    if options.part:
        print(json.dumps(PARTS[options.part](**options.settings)))
        return
    start, tables, failures = time.perf_counter(), [], []
    for name in options.only:
        try:
            with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
                settings = {"full": options.full} if name == "recipe" else {}
                tables.append(TABLES[name](Path(scratch), options.quick, **settings))
        except PartFailed as error:
            failures.append(str(error))
    counted = "anonymous memory (RssAnon), so the mapped cache is not in it" if STATUS.exists() else (
        "largest resident memory (ru_maxrss; not measured on Windows), the mapped cache included"
    )  # fmt: skip
    print("", *(f"{text}\n" for text in tables if text), sep="\n")
    print(f"{runtime.report()}; {_processor()}, {os.cpu_count()} cores")
    print(f"memory: {counted}; all measured in {time.perf_counter() - start:.0f} s")
    if failures:
        sys.exit("\n".join(failures))


def _processor() -> str:
    """The processor's name, as far as the system tells."""
    if runtime.CPUINFO.exists():
        found = re.search(r"model name\s*:\s*(.+)", runtime.CPUINFO.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[1]
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
