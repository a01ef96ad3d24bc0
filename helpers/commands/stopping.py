"""Ctrl-C, and a scheduler's SIGTERM, end a command where nothing is half done; a second signal ends it at once.

An exception that a signal's handler raises while C++ code runs aborts the process, so the handler only makes a note.
"""
from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker

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
        before, self._now = self._now, True  # one such block may lie in another
        try:
            yield
        finally:
            self._now = before
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
_held = False


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
    # When a command's work is done, a signal finds no Python to raise anything in.
    before = {number: signal.SIG_DFL if _held else signal.getsignal(number) for number in SIGNALS}
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


@contextmanager
def processes(count: int) -> Iterator[Callable[..., Future]]:
    """As many new processes at most, to call functions in; gives what `submit` of an executor is.

    A signal to this process ends the block and them at once, and what they were called for is lost: whatever they
    write, this process has to clear away.
    """
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _as_the_system) as pool, stoppable() as stop:

        def submit(function: Callable, /, *given: object, **more: object) -> Future:
            _block()  # a new process inherits that: signals wait while it imports Paddle
            try:
                return pool.submit(function, *given, **more)
            finally:
                release()

        if hasattr(signal, "pthread_sigmask"):
            resource_tracker.ensure_running()  # its start unblocks signals
        try:
            with stop.at_once():
                yield submit
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _as_the_system() -> None:
    """In a new process: a signal ends it without a word, and so does the end of the process that it works for."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    release()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(STATUS)


def hold() -> None:
    """Let signals wait for `release`: while Paddle is imported, which may abort and sets handlers of its own.

    For a command's own process, before it imports Paddle.
    """
    global _held
    _held = True
    _block()


def _block() -> None:
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def release() -> None:
    """Let those come that waited."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
