"""What the course cannot run on: one sentence for it, with the way out, instead of a traceback from deep inside.

Older Pythons have to be able to read this file and `helpers.runtime`, which asks it first of all.
"""
from __future__ import annotations

import importlib.util
import re
import sys

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)  # the newest that PaddlePaddle is built for
OLDEST_PADDLE = (2, 6)
BROKEN_NUMPY = (2, 4)  # and newer: paddle.flops raises a TypeError (PaddlePaddle 3.3.1)
LIBRARIES = {  # the names to import and to install; what the course needs beyond these comes with them
    "paddle": "paddlepaddle", "numpy": "numpy", "cv2": "opencv-python-headless", "matplotlib": "matplotlib",
    "scipy": "scipy", "joblib": "joblib", "sklearn": "scikit-learn", "openpyxl": "openpyxl", "tqdm": "tqdm",
}  # fmt: skip
_AI_STUDIO = "On AI Studio, choose an environment with Python 3.10 and PaddlePaddle 2.6 or newer."


class Unsuitable(ImportError):
    """The course cannot run on this Python, or with these libraries; the message says what to do."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence alone (IPython asks exceptions for this)."""
        return [str(self)]


def check_python() -> None:
    """Raise Unsuitable where this is no Python of the course."""
    here = tuple(sys.version_info[:2])
    if not OLDEST_PYTHON <= here <= NEWEST_PYTHON:
        raise Unsuitable(
            f"This course needs Python {_dotted(OLDEST_PYTHON)} to {_dotted(NEWEST_PYTHON)}, and this is Python "
            f"{_dotted(here)}. `make lab` makes the right environment, and README.md says how to do it without make. "
            + _AI_STUDIO
        )


def check_libraries() -> None:
    """Raise Unsuitable where a library is missing, or NumPy is too new."""
    missing = [package for name, package in LIBRARIES.items() if importlib.util.find_spec(name) is None]
    if "paddlepaddle" in missing:
        raise Unsuitable(
            f"This course needs PaddlePaddle, and this Python ({sys.executable}) has none. `make lab` makes an "
            "environment with it: choose that one as the notebook's kernel, and in a terminal `.venv/bin/python`. "
            + _AI_STUDIO
        )
    if missing:
        packages = " ".join(missing)
        raise Unsuitable(
            f"This course needs {packages}, missing from this Python ({sys.executable}). Install it from a cell of the "
            f"notebook, `%pip install {packages}`, and restart the kernel."
        )
    import numpy

    if _numbers(numpy.__version__) >= BROKEN_NUMPY:
        raise Unsuitable(
            f"This course needs a NumPy older than {_dotted(BROKEN_NUMPY)}; with this one, {numpy.__version__}, "
            f'paddle.flops fails. Install one, `%pip install "numpy<{_dotted(BROKEN_NUMPY)}"`, and restart the kernel.'
        )


def check_paddle(version: str) -> None:
    """Raise Unsuitable where this version of Paddle is too old; 0.0.0 is one that was built from its sources."""
    if (0, 0) < _numbers(version) < OLDEST_PADDLE:
        raise Unsuitable(
            f"This course needs PaddlePaddle {_dotted(OLDEST_PADDLE)} or newer, and this is {version}. `make lab` "
            "makes an environment with a newer one. " + _AI_STUDIO
        )


def _numbers(version: str) -> tuple[int, ...]:
    """(2, 4) for "2.4.0rc1"."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
