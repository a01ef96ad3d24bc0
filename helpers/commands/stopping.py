"""Ctrl-C, and a scheduler's SIGTERM, end a command where nothing is half done; a second signal ends it at once.

An exception that a signal's handler raises while C++ code runs aborts the process, so the handler only makes a note.
"""
from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STATUS = 130  # the exit status of a command that was stopped


class Stop:
    """Whether a signal has come. Called, between two batches say, it raises KeyboardInterrupt if so."""

    def __init__(self) -> None:
        self.asked = self._now = False

    def __call__(self, *place: int) -> None:
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A block that a signal ends wherever it is: one that calls no Paddle, and leaves nothing half done."""
        self()
        self._now = True
        try:
            yield
        finally:
            self._now = False
        self()  # Python drops what is raised within a destructor

    def note(self, number: int, frame: object) -> None:
        """The handler."""
        self.asked = True
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        if self._now:
            self._now = False
            raise KeyboardInterrupt


_active: list[Stop] = []


@contextmanager
def stoppable() -> Iterator[Stop]:
    """From here to the end of the block signals are noted; at its end as well as on call the `Stop` raises.

    Within another such block it is that one's.
    """
    if _active:
        yield _active[0]
        _active[0]()
        return
    stop = Stop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    _active.append(stop)
    try:
        for number in SIGNALS:
            signal.signal(number, stop.note)
        release()
        yield stop
    finally:
        _active.clear()
        for number, handler in before.items():
            signal.signal(number, handler)
    stop()  # the signal came at the very end


def hold() -> None:
    """Let signals wait for `release`: while Paddle is imported, which may abort and sets handlers of its own."""
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def release() -> None:
    """Let those come that waited."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
