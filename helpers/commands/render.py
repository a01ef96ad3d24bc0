"""Render a data set of fundus photographs into a folder, in the layout of the real one."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from helpers.commands import stopping

if __name__ == "__main__":
    stopping.hold()  # before Paddle is imported

from helpers import console
from helpers.commands import ending
from helpers.commands.limits import at_least, at_most, parsed
from helpers.fundus.paint import SMALLEST
from helpers.fundus.render import MOST, render


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    console.never_fail()
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.render", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="where to; it appears complete or not at all")
    parser.add_argument("--count", metavar="N", type=int, default=600, help="images to train and to test on, default "
                        "600")  # fmt: skip
    parser.add_argument("--size", metavar="N", type=int, default=128, help="pixels, default 128")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="default 0")
    options = parsed(parser, given)
    at_least(parser, options, count=3, size=SMALLEST, seed=0)
    at_most(parser, options, count=MOST, size=10_000)
    with ending.in_a_sentence() as stop:
        with stop.at_once():
            folder = render(options.folder, options.count, options.size, options.seed, progress=sys.stdout.isatty())
        print(folder)


if __name__ == "__main__":
    main()
