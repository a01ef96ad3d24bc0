"""Make PaddlePaddle fast and quiet on this machine; import it before paddle.

Paddle reads the number of threads and MKL's processor type while its libraries load, so they are chosen here, at
import, never over a value that the user has set. `python -m helpers.runtime --benchmark` shows what that gains.
"""
from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from helpers import versions

versions.check_python()
versions.check_libraries()

import joblib  # noqa: E402  without it the sentence of the check had to come first
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
CPUINFO = Path("/proc/cpuinfo")  # Linux only
THREADS = "OMP_NUM_THREADS"
MKL_TYPE = "MKL_DEBUG_CPU_TYPE"
_AS_INSTALLED = "HELPERS_RUNTIME_AS_INSTALLED"  # set by the benchmark for the process that is not to be tuned

# Paddle's own note on our number of threads: it is about several processes that train together.
_THREADS_NOTE = re.compile(
    r"WARNING: OMP_NUM_THREADS set to \d+, not 1\. .*?\n|PLEASE USE OMP_NUM_THREADS WISELY\.\n", re.DOTALL
)


def _amd_with_avx2() -> bool:
    """Whether this is an AMD processor on which MKL's AVX2 code runs (MKL itself would take a slow path there)."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return False
    if CPUINFO.exists():
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
        return bool(re.search(r"vendor_id\s*:\s*(AuthenticAMD|HygonGenuine)", text)) and " avx2 " in text
    # Windows names vendor and family but no features; every family from 23 (Zen) on has AVX2.
    family = re.search(r"Family (\d+) .*AuthenticAMD", platform.processor())
    return bool(family) and int(family.group(1)) >= 23


def _gpu_at_hand() -> bool:
    """Whether Paddle's GPU build is installed and a driver is there; paddle cannot be asked before it is imported."""
    import importlib.metadata  # Python 3.7 has none, and it has to come as far as `versions.check_python`

    try:
        importlib.metadata.distribution("paddlepaddle-gpu")
    except importlib.metadata.PackageNotFoundError:
        return False
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _tune() -> dict[str, str]:
    """Set the variables that help here and are not set yet; give those that were set."""
    wanted: dict[str, str] = {}
    if not _gpu_at_hand() and _AS_INSTALLED not in os.environ:
        wanted[THREADS] = str(joblib.cpu_count(only_physical_cores=True))
        if _amd_with_avx2():
            wanted[MKL_TYPE] = "5"
    chosen = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(chosen)
    return chosen


def _quiet() -> None:
    """Silence the three known noises, and nothing else."""
    warnings.filterwarnings("ignore", message="No ccache found", category=UserWarning)
    warnings.filterwarnings("ignore", message="When training, we now always track global", category=UserWarning)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.WARNING)


# What Paddle says, whatever one does, when a network is exported and loaded again, or trained by paddle.Model.
_EXPORT_NOTES = re.compile(
    rb"^[IW]\d{4} .*(Paddle static graph\(PIR\) not support input out tensor|New Executor is Running"
    rb"|pir interpreter is running by).*\n?",
    re.MULTILINE,
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what Paddle says of itself while it exports a network or runs paddle.Model away from the reader.

    These lines come from C++ code with the time in them, so Python's filters do not reach them. Everything else that
    is written to stderr meanwhile comes out afterwards.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as heard, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="To copy construct from a tensor", category=UserWarning)
        os.dup2(heard.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            heard.seek(0)
            sys.stderr.write(_EXPORT_NOTES.sub(b"", heard.read()).decode(errors="replace"))


def _import_paddle() -> None:
    """Import paddle; what it writes to stderr goes on to stderr, but for its note on our threads."""
    heard = io.StringIO()
    try:
        with contextlib.redirect_stderr(heard):
            import paddle  # noqa: F401
    finally:
        sys.stderr.write(_THREADS_NOTE.sub("", heard.getvalue()))
        # Paddle has set up logging meanwhile: its handlers must not go on writing to what nobody reads.
        for logger in (logging.root, *logging.root.manager.loggerDict.values()):
            for handler in getattr(logger, "handlers", []):
                if getattr(handler, "stream", None) is heard:
                    handler.setStream(sys.stderr)


if "paddle" in sys.modules:
    raise versions.Unsuitable(
        "helpers.runtime must be imported before paddle: Paddle reads the settings for threads and MKL only while it "
        "loads. Restart the kernel and run the notebook's first cell first."
    )
FOUND = {name: os.environ[name] for name in (THREADS, MKL_TYPE) if name in os.environ}
CHOSEN = _tune()
_quiet()
_import_paddle()

import paddle  # noqa: E402  the settings above had to come first

versions.check_paddle(paddle.__version__)


def device() -> str:
    """Choose Paddle's device, 'gpu' where it has one, else 'cpu', and give its name."""
    name = "gpu" if paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0 else "cpu"
    paddle.set_device(name)
    return name


def seed(value: int) -> None:
    """Seed Python, NumPy and Paddle with one number from 0 to 2**32 - 1."""
    random.seed(value)
    np.random.seed(value)
    paddle.seed(value)


def report() -> str:
    """One line: the versions, the device, and which settings came from here and which from the user."""
    settings = [f"{name}={value} (chosen here)" for name, value in CHOSEN.items()]
    settings += [f"{name}={value} (set before)" for name, value in FOUND.items()]
    return (
        f"Python {platform.python_version()}, Paddle {paddle.__version__}, NumPy {np.__version__}, "
        f"device {paddle.get_device()}; "
        + (", ".join(settings) or "nothing set")
    )


# --- benchmark --------------------------------------------------------------------------------------------------------


def _images_per_second(batches: int, pixels: int, batch_size: int = 10) -> float:
    """Training speed of Paddle's own ResNet-50 in images/s: median over `batches`, after two batches of warming up."""
    seed(0)
    device()
    model = paddle.vision.models.resnet50(num_classes=2)
    optimizer = paddle.optimizer.Momentum(0.001, parameters=model.parameters())
    x = paddle.randn([batch_size, 3, pixels, pixels])
    labels = paddle.randint(0, 2, [batch_size])
    seconds = []
    for _ in range(batches + 2):
        start = time.perf_counter()
        loss = paddle.nn.functional.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        loss.item()  # waits for the device
        seconds.append(time.perf_counter() - start)
    return batch_size / float(np.median(seconds[2:]))


def _measured_in_own_process(batches: int, pixels: int, tuned: bool) -> dict:
    """Run the measurement in a process of its own, with the settings of this module or with Paddle as installed."""
    environment = {name: value for name, value in os.environ.items() if name not in CHOSEN}
    if not tuned:
        environment[_AS_INSTALLED] = "1"
    command = [sys.executable, "-m", "helpers.runtime", "--measure", "--batches", str(batches), "--pixels", str(pixels)]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.runtime", description="What was found on this machine and set for Paddle."
    )
    parser.add_argument("--benchmark", action="store_true", help="measure ResNet-50 training with and without it")
    parser.add_argument("--batches", type=int, default=5, help="batches to measure, 10 images each (default 5)")
    parser.add_argument("--pixels", type=int, default=224, help="side of an image (default 224)")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)  # one process of the benchmark
    arguments = parser.parse_args()
    for name in ("batches", "pixels"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be at least 1, not {getattr(arguments, name)}")
    if arguments.measure:
        print(json.dumps({"speed": _images_per_second(arguments.batches, arguments.pixels), "report": report()}))
        return
    print(report())
    if not arguments.benchmark:
        return
    print(f"ResNet-50 training, {arguments.pixels} px, batches of 10, each line in a process of its own")
    speeds = []
    for label, tuned in (("as installed", False), ("helpers.runtime", True)):
        result = _measured_in_own_process(arguments.batches, arguments.pixels, tuned)
        speeds.append(result["speed"])
        print(f"  {label:16s} {result['speed']:6.2f} images/s", flush=True)
    print(f"  ratio            {speeds[1] / speeds[0]:6.2f}")


if __name__ == "__main__":
    main()
