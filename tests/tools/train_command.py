"""Starts the command that trains, on a few rendered images, and reads what it writes."""
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

from helpers import ROOT
from tests.tools.processes import environment
from tests.tools.waiting import SECONDS

TWO_PROCESSES = ["-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--log_dir"]


def start(
    folder: Path, *more: str, together: bool = False, epochs: int = 40, extra: int = 0, validation: float = 0.2
) -> subprocess.Popen:
    """A training with its output in `folder`, by two processes `together` or by one; its stdout is to be read.

    What each of two processes prints is in the folder `log` beside it.
    """
    launched = [*TWO_PROCESSES, folder.with_name("log"), "helpers/commands/train.py"]
    program = launched if together else ["-m", "helpers.commands.train"]
    threads = {"OMP_NUM_THREADS": "1"} if together else {}
    given = ["--rendered", 60, "--epochs", epochs, "--extra", extra, "--validation", validation, "--batch-size", 16]
    return subprocess.Popen(
        [sys.executable, *map(str, [*program, *given, "--output", folder, *more])],
        cwd=ROOT, env=environment(PALM_DIR="rendered", **threads), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def until(process: subprocess.Popen, beginning: str) -> None:
    """Read lines up to the one that begins so."""
    for line in process.stdout:
        if re.match(beginning, line):
            return
    raise AssertionError(f"the output has no line that begins with {beginning}")


def finish(process: subprocess.Popen, expected: int = 0) -> str:
    """Wait for its end with this exit status; gives what is left of the output."""
    limit = threading.Timer(SECONDS, process.kill)
    limit.start()
    try:
        output = process.stdout.read()  # communicate would lose what `until` has read beyond its line
    finally:
        limit.cancel()
    process.wait()
    assert process.returncode == expected, output
    return output


def metrics(folder: Path) -> list[dict]:
    """The lines of metrics.jsonl, one for each epoch."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
