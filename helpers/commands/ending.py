"""How a command ends: what cannot be used is said in a sentence, a signal stops it with status 130.

Only what whoever gave it can mend is a sentence; anything else is a fault of the program and keeps its traceback.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from helpers.checks import Unusable
from helpers.commands import stopping
from helpers.console import printable

MISTAKES = (OSError, Unusable, FloatingPointError)


def sentence(error: Exception) -> str:
    """What a mistake is called and what its message says; names from data and files cannot control the terminal."""
    return f"{type(error).__name__}: {printable(str(error), keep=chr(10))}"


@contextmanager
def in_a_sentence(stopped: Callable[[], None] = lambda: print("\nstopped", flush=True)) -> Iterator[stopping.Stop]:
    """The work of a command: in the block signals are noted, as in `stopping.stoppable`, and mistakes end it with 1.

    Args:
        stopped: says so when a signal has ended the work.
    """
    try:
        with stopping.stoppable() as stop:
            yield stop
    except KeyboardInterrupt:
        stopped()
        sys.exit(stopping.STATUS)
    except MISTAKES as error:
        sys.exit(sentence(error))
