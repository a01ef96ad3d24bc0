"""Measures the recipe, seeds of it, the reader, growth, the runtime's settings and rendering; prints a table of each.

What is measured, each time in a process of its own, is in `helpers.commands.measurements`.
"""
from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import ROOT, runtime
from helpers.commands import classic, ending, recipe
from helpers.commands import measurements as what
from helpers.commands.cross_validation import LOOKS, draws, figures
from helpers.commands.limits import parsed
from helpers.commands.measurements import measured
from helpers.fundus import sources
from helpers.fundus.render import render

import numpy as np


def say(text: str) -> None:
    """A line of progress."""
    print(f"... {text}", flush=True)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *notes: str) -> str:
    """Columns of texts under a title, all but the first aligned to the right, and notes below."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in (head, *rows)
    ]
    return "\n".join([title, *lines, *notes])


def data_set(quick: bool) -> tuple[str, str]:
    """The folder of the real data set, or of a rendered one where there is none, and what its images are called."""
    source = sources.find()
    if source is not None:
        return str(source), "the real images"
    say("no real data set is found, rendering one (not counted)")
    # Not into the scratch folder: what is decoded of it stays in data/cache, for the next time.
    folder = ROOT / "data" / "rendered-benchmark"
    return str(render(folder, *((48, 64) if quick else (600, classic.SIZE)), progress=False)), "rendered images"


def recipe_table(scratch: Path, quick: bool, full: bool = False) -> str:
    """The classic recipe against ours, on the real data set where there is one."""
    folder, kind = data_set(quick)
    batches, size = (2, 32) if quick else (12, classic.SIZE)
    say(f"recipe: the classic one, {'all of it' if full else f'{batches} batches'}")
    theirs = measured(what.classic_recipe, folder=folder, batches=None if full else batches, size=size)
    say("recipe: ours, all of it")
    ours = measured(what.our_recipe, folder=folder, scratch=str(scratch), quick=quick)
    rows = [
        [
            name, f"{result['speed']:.1f}", f"{star}{result['seconds']:.0f}", f"{result.get('rendering', 0):.0f}",
            result.get("accuracy", "not measured"), result.get("auc", "not measured"), f"{result['memory']:.0f}",
        ]
        for name, result, star in (("classic", theirs, "" if full else "*"), ("ours", ours, ""))
    ]  # fmt: skip
    whole = ours["seconds"] + ours["rendering"]
    ratios = [theirs["speed"] / ours["speed"], theirs["seconds"] / whole, theirs["memory"] / ours["memory"]]
    speed, seconds, less = (f"{ratio:.2g}" for ratio in ratios)
    return table(
        f"Time to accuracy on {kind}: all training images, seed 0; figures of the test images",
        ["", "images/s", "training (s)", "rendering (s)", "accuracy", "AUC", "peak memory (MB)"],
        [*rows, ["classic / ours", speed, seconds, "", "", "", less]],
        *([] if full else [f"* extrapolated from {batches} batches; --full trains all five epochs"]),
        f"classic: ResNet-50, {size} px, batches of 10, Momentum 0.001, 5 epochs, no pre-trained weights.",
        "ours: starts from the network that comes with the course, which has seen rendered eyes only.",
        "The ratio of seconds counts rendering.",
    )


def seeds_table(scratch: Path, quick: bool) -> str:
    """Several seeds of our recipe on eyes of both sides, pretrained and from scratch."""
    (folder, kind), seeds, rows, notes = data_set(quick), 2 if quick else 5, [], []
    for name, init in (("pretrained", "rendered"), ("from scratch", "none")):
        results = []
        for seed in range(seeds):
            say(f"seeds: {name}, seed {seed}")
            settings = {"folder": folder, "scratch": str(scratch), "init": init, "seed": seed, "quick": quick}
            results.append(measured(what.our_scores, **settings))
        labels, scores = results[0]["labels"], np.stack([result["scores"] for result in results], axis=1)
        for look, said in zip(LOOKS, scores, strict=True):
            ends = np.percentile(draws(labels, said), [2.5, 97.5], axis=0).T
            each = np.array([figures(labels, one[None]) for one in said]).T
            cells = [(f"{values.mean():.4f} [{low:.4f}, {high:.4f}]", f"{values.min():.4f} to {values.max():.4f}")
                     for values, (low, high) in zip(each, ends, strict=True)]  # fmt: skip
            rows.append([f"{name}, {look}", *cells[0], *cells[1]])
        wrong = ((scores[0] >= 0.5) != labels).all(axis=0)
        counts = [f"{wrong[labels == k].sum()} of {(labels == k).sum()} {word}"
                  for k, word in enumerate(("not pathologic", "pathologic"))]  # fmt: skip
        notes.append(f"{name}: wrong with every seed, four ways round, are {' and '.join(counts)} images.")
    return table(
        f"Both sides: {seeds} seeds of our recipe on {kind}, figures of the {len(labels)} test images",
        ["", "accuracy", "of each seed", "AUC", "of each seed"],
        rows,
        "Mean over the seeds with its 95 % interval over images and seeds (bootstrap), lowest and highest seed.",
        "four ways round: what predict gives, the same for an image and its mirror image; then single looks at the",
        "photographs as they are (the optic disc on the left) and mirrored left to right (other side).",
        *notes,
    )


def reader_table(scratch: Path, quick: bool) -> str:
    """The classic reader against ours."""
    count, height, width, size, epochs = (12, 150, 160, 32, 4) if quick else (400, 2056, 2124, 224, 20)
    folder = str(scratch / "photographs")
    say(f"reader: rendering {count} images and scaling them up to {width} x {height} (not counted)")
    kilobytes = what.make_photographs(folder, count, 32 if quick else 256, height, width)
    say(f"reader: the classic one, 2 of {epochs} epochs")
    theirs = measured(what.classic_reader, folder=folder, size=size, epochs=2)
    say(f"reader: ours, all {epochs} epochs")
    ours = measured(what.our_reader, folder=folder, size=size, epochs=epochs)
    for result in (theirs, ours):
        first, *later = result["seconds"]
        result |= {"first": first, "total": first + (epochs - 1) * sum(later) / len(later)}
    digits = {"first": ".4f", "total": ".4f"} if quick else {"first": ".1f", "total": ".1f"}
    rows = [
        [name, *(format(result[column], digits.get(column, ".0f")) for column in ("first", "total", "memory", "more"))]
        for name, result in (("classic", theirs), ("ours", ours))
    ]
    rows[0][2] = f"*{rows[0][2]}"
    ratios = [f"{theirs[column] / ours[column]:.2f}" for column in ("first", "total", "memory")]
    return table(
        f"Reader: {count} JPEG images of {width} x {height} to float32 [3, {size}, {size}]",
        ["", "first epoch (s)", f"{epochs} epochs (s)", "peak memory (MB)", "above start (MB)"],
        [*rows, ["classic / ours", *ratios, ""]],
        f"* two epochs measured: first + {epochs - 1} x second",
        f"The images are rendered, scaled up and given noise, {kilobytes:.0f} kB each on average.",
        "classic: cv2.imread and resize every epoch.",
        "ours: helpers.fundus.photographs.read, without a cache before the first epoch, and FundusDataset.",
    )


def growth_table(scratch: Path, quick: bool) -> str:
    """Time and memory for more and more images."""
    counts, size = ((24, 48), 32) if quick else ((100, 400, 1600, 6400), 64)
    results, rows = [], []
    for count in counts:
        say(f"growth: {count:,} images, rendering (not counted)")
        folder = str(render(scratch / f"rendered-{count}", count, size, progress=False))
        say(f"growth: {count:,} images, reading, splitting, training")
        result = measured(what.growth, folder=folder, size=size)
        parts = [result["read"], result["split"], result["epoch"], sum(result[n] for n in ("read", "split", "epoch"))]
        results.append((count, parts[-1], result["memory"]))
        figures = [*(f"{part:.2f}" for part in parts), f"{1000 * parts[-1] / count:.2f}"]
        rows.append([f"{count:,}", *figures, f"{result['memory']:.0f}", f"{result['more']:.0f}"])
    many, longer, more = (last / first for first, last in zip(results[0], results[-1], strict=True))
    head = ["images", "read (s)", "split (s)", "epoch (s)", "all (s)", "ms an image", "peak memory (MB)"]
    return table(
        f"Growth: reading rendered images of {size} px (no cache yet), splitting, one epoch of a small network",
        [*head, "above start (MB)"],
        rows,
        f"From the first to the last line: {many:.0f} times the images, {longer:.1f} times the seconds, "
        f"{more:.2f} times the memory.",
    )


def runtime_table(scratch: Path, quick: bool) -> str:
    """Training with Paddle as it was installed against training with the settings of `helpers.runtime`."""
    batches, size = (3, 32) if quick else (7, classic.SIZE)
    say("runtime: training with Paddle as it was installed, then as it is tuned here")
    folder = str(render(scratch / "rendered", (20, 2), size, progress=False))
    slow, fast = (measured(what.classic_recipe, as_installed, folder=folder, batches=batches, size=size)
                  for as_installed in (True, False))  # fmt: skip
    both = {"as installed": slow, "tuned": fast}
    rows = [[name, f"{result['speed']:.2f}", result["settings"]] for name, result in both.items()]
    return table(
        f"Runtime: training of ResNet-50, {size} px, batches of 10; Paddle as installed, and tuned by helpers.runtime",
        ["", "images/s", "settings"],
        [*rows, ["tuned / as installed", f"{fast['speed'] / slow['speed']:.2f}", ""]],
        "Settings that the user has made count in both lines.",
    )


def rendering_table(scratch: Path, quick: bool) -> str:
    """Images per second that one core renders."""
    count, sizes = (3, (32, 64)) if quick else (100, (96, recipe.SIZE, classic.SIZE))
    say(f"rendering: {count} images of each size")
    speeds = [measured(what.rendering_speed, count=count, size=size)["speed"] for size in sizes]
    rows = [[f"{size} px", f"{speed:.0f}"] for size, speed in zip(sizes, speeds, strict=True)]
    return table(f"Rendering: fundus images on one core, {count} of each size", ["", "images/s"], rows)


TABLES: dict[str, Callable[..., str]] = {
    "recipe": recipe_table, "seeds": seeds_table, "reader": reader_table, "growth": growth_table,
    "runtime": runtime_table, "rendering": rendering_table,
}  # fmt: skip


def main(given: Sequence[str] | None = None) -> None:
    """The command; exits with an error if a measurement fails, after the tables of the others.

    Stopped by a signal, it ends after the tables that are complete by then.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.benchmark", description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="not all of the tables")
    parser.add_argument("--quick", action="store_true", help="tiny data: shows that it works, the figures mean nothing")
    parser.add_argument("--full", action="store_true", help="train the classic recipe to its end (10 minutes or more)")
    options = parsed(parser, given)
    start, tables, failures = time.perf_counter(), [], []

    def say_all() -> None:
        print("", *(f"{text}\n" for text in tables), sep="\n")
        print(f"{runtime.report()}; {_processor()}, {os.cpu_count()} cores")
        seconds = time.perf_counter() - start
        print(f"memory: what the process fills itself, no mapped files; measured in {seconds:.0f} s", flush=True)

    def say_stopped() -> None:
        say_all()
        print(f"stopped; {len(tables)} of {len(options.only)} tables are complete", flush=True)

    with ending.in_a_sentence(say_stopped) as stop:
        for name in options.only:
            try:
                with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch, stop.at_once():
                    settings = {"full": options.full} if name == "recipe" else {}
                    tables.append(TABLES[name](Path(scratch), options.quick, **settings))
            except (*ending.MISTAKES, BrokenProcessPool) as error:
                failures.append(f"no table {name}: {error}")
    say_all()
    if failures:
        sys.exit("\n".join(failures))


def _processor() -> str:
    """The processor's name, as far as the system tells."""
    text = runtime.CPUINFO.read_text(encoding="utf-8", errors="replace") if runtime.CPUINFO.exists() else ""
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found[1] if found else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
