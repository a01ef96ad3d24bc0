"""Runs Python in a process of its own, for what is settled while Paddle loads and for what ends a process."""
import os
import subprocess
import sys
from collections.abc import Container
from pathlib import Path

from helpers import ROOT
from tests.tools.waiting import SECONDS


def environment(without: Container[str] = (), **more: str) -> dict[str, str]:
    """This process's environment without these names, and without what Paddle's launcher sets; with `more` besides."""
    kept = {name: value for name, value in os.environ.items() if name not in without}
    return {name: value for name, value in kept.items() if not name.startswith("PADDLE_")} | more


def python(
    *arguments: object, cwd: Path = ROOT, without: Container[str] = (), **more: str
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, in the `environment` that is asked for; what it prints comes as text."""
    command, env = [sys.executable, *map(str, arguments)], environment(without, **more)
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=SECONDS)
