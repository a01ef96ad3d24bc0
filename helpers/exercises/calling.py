"""Calls a learner's function so that nothing it does, raising, printing or never ending, gets past the caller."""
from __future__ import annotations

import contextlib
import ctypes
import io
import threading
from collections.abc import Callable
from typing import Any


class Failed(Exception):
    """The function raised, or was too slow; `error` is what it raised, or None."""

    def __init__(self, error: BaseException | None) -> None:
        super().__init__()
        self.error = error


class _Stop(BaseException):
    """Raised inside a function that takes too long; no `except Exception` of it catches this."""


def call(function: Callable[..., Any], arguments: dict[str, Any], seconds: float | None) -> Any:
    """What `function(**arguments)` returns; what it prints is dropped.

    Args:
        function: the learner's.
        arguments: by position: learners choose their own names.
        seconds: that it may take; any time if None.

    Raises:
        Failed: it raised anything, or was not through in time; it is stopped then, unless it waits inside C code.
    """
    result: list[Any] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            result.append(function(*arguments.values()))
        except BaseException as error:  # SystemExit and KeyboardInterrupt, too
            raised.append(error)

    # In a thread, the only way of a time limit that every system and every notebook has.
    thread = threading.Thread(target=run, daemon=True)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Stop))
            thread.join(1.0)
            raise Failed(None)
    if raised:
        raise Failed(raised[0])
    return result[0]
