"""Limits of the numbers on a command line, said as argparse says what is wrong."""
from __future__ import annotations

import argparse


def at_least(parser: argparse.ArgumentParser, options: argparse.Namespace, **least: int) -> None:
    """End the program with a sentence where an option, by its name in `options`, is below its limit; None is not."""
    for name, limit in least.items():
        value = getattr(options, name)
        if value is not None and value < limit:
            parser.error(f"--{name.replace('_', '-')} must be at least {limit}, not {value}")
