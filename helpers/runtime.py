"""Make PaddlePaddle fast and quiet on this machine; import it before paddle.

Paddle reads the number of threads and MKL's processor type while its libraries load, so they are chosen here, at
import, never over a value that the user has set. `python -m helpers.runtime` says what was found and set, and
`python -m helpers.commands.benchmark --only runtime` what that gains.
"""
from __future__ import annotations

import contextlib
import io
import logging
import operator
import os
import platform
import random
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from helpers import console, versions

console.never_fail()
versions.check_python()
versions.check_libraries()

import cv2  # noqa: E402  without them the sentence of the check had to come first
import joblib  # noqa: E402
import numpy as np  # noqa: E402

CPUINFO = Path("/proc/cpuinfo")  # Linux only
THREADS = "OMP_NUM_THREADS"
MKL_TYPE = "MKL_DEBUG_CPU_TYPE"
AS_INSTALLED = "HELPERS_RUNTIME_AS_INSTALLED"  # set by the benchmark for the process that is not to be tuned

# Paddle's own note on our number of threads: it is about several processes that train together.
_THREADS_NOTE = re.compile(
    r"WARNING: OMP_NUM_THREADS set to \d+, not 1\. .*?\n|PLEASE USE OMP_NUM_THREADS WISELY\.\n", re.DOTALL
)


def amd_with_avx2() -> bool:
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
    if not _gpu_at_hand() and AS_INSTALLED not in os.environ:
        wanted[THREADS] = str(joblib.cpu_count(only_physical_cores=True))
        if amd_with_avx2():
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
# OpenCV's own threads do not survive a fork: the workers of a paddle.io.DataLoader would wait for them for ever.
cv2.setNumThreads(1)

import paddle  # noqa: E402  the settings above had to come first

versions.check_paddle(paddle.__version__)
if "ipykernel" in sys.modules:
    # A notebook computes on the CPU until it asks for a `device()`: 01 to 04 show what their text says then. A GPU's
    # BatchNorm keeps the unbiased variance, for example.
    paddle.set_device("cpu")


def device() -> str:
    """Choose Paddle's device, 'gpu' where it has one, else 'cpu', and give its name."""
    name = "gpu" if paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0 else "cpu"
    paddle.set_device(name)
    return name


def seed(value: int) -> None:
    """Seed Python, NumPy and Paddle with one number from 0 to 2**32 - 1."""
    value = operator.index(value)
    random.seed(value)
    np.random.seed(value)
    paddle.seed(value)


@contextlib.contextmanager
def same_random_numbers() -> Iterator[None]:
    """A block that draws weights which nobody keeps: Paddle's random numbers then go on as if it had not been."""
    state = paddle.get_rng_state()
    try:
        yield
    finally:
        paddle.set_rng_state(state)


def begin_training(model: paddle.nn.Layer) -> None:
    """Put a network into training mode, but for the layers that stay in evaluation mode on purpose.

    A network that is in training mode itself, as a new one is, is left as it is: layers of it that `layer.eval()` has
    frozen stay frozen. Of one in evaluation mode, as after `model.eval()`, all layers are put into training mode.
    """
    if not model.training:
        model.train()


@contextlib.contextmanager
def mode(model: paddle.nn.Layer, training: bool) -> Iterator[None]:
    """Put a network into training or evaluation mode, and each of its layers back into the mode that it was in.

    In evaluation mode no moving statistics change: those that Paddle moves even then are put back.
    """
    layers = model.sublayers(include_self=True)
    before = [(layer, layer.training) for layer in layers]
    moving = [] if training else [
        (value, value.numpy()) for layer in layers
        if getattr(layer, "_use_global_stats", None) is False or getattr(layer, "_trainable_statistics", False)
        for value in (layer._mean, layer._variance)
    ]  # fmt: skip
    model.train() if training else model.eval()
    try:
        yield
    finally:
        for layer, was in before:
            layer.training = was
        for value, kept in moving:
            value.set_value(kept)


def report() -> str:
    """One line: the versions, the device, and which settings came from here and which from the user."""
    settings = [f"{name}={value} (chosen here)" for name, value in CHOSEN.items()]
    settings += [f"{name}={value} (set before)" for name, value in FOUND.items()]
    return (
        f"Python {platform.python_version()}, Paddle {paddle.__version__}, NumPy {np.__version__}, "
        f"device {paddle.get_device()}; "
        + (", ".join(settings) or "nothing set")
    )


if __name__ == "__main__":
    device()
    print(report())
