"""Waits for what other processes do, as long as that may take on a busy machine."""
import time
from collections.abc import Callable


def wait(until: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until something is so; a TimeoutError names it if that takes too long."""
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.2)
