"""Waits for what other processes do, as long as that may take on a busy machine."""
import time
from collections.abc import Callable

SECONDS = 1800  # the limit for what hangs; beside other work everything takes many times as long


def wait(until: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until something is so; a TimeoutError names it if that takes too long."""
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.2)
