"""Limits of what stands on a command line, said as argparse says what is wrong."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

SEEDS = 10_000_000  # experiments make numbers below 2^32 of a seed, a hundred times as large


def parsed(parser: argparse.ArgumentParser, given: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says. An empty argument is refused: as a path it would be the folder that one is in."""
    texts = sys.argv[1:] if given is None else given
    if any(not text.strip() or (text.startswith("--") and text.endswith("=")) for text in texts):
        parser.error("an argument is empty: a variable of the shell may not be set")
    return parser.parse_args(given)


def at_least(parser: argparse.ArgumentParser, options: argparse.Namespace, **least: int) -> None:
    """End the program with a sentence where an option, by its name in `options`, is below its limit; None is not."""
    for name, limit in least.items():
        value = getattr(options, name)
        if value is not None and value < limit:
            parser.error(f"--{name.replace('_', '-')} must be at least {limit}, not {value}")


def at_most(parser: argparse.ArgumentParser, options: argparse.Namespace, **most: int) -> None:
    """The same where it is above."""
    for name, limit in most.items():
        value = getattr(options, name)
        if value is not None and value > limit:
            parser.error(f"--{name.replace('_', '-')} must be at most {limit}, not {value}")
