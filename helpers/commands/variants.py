"""Draw numbers of each student's own for the homework, and write the sheet that the class is given: variants.json.

The sheet lies beside the notebook that is released; the secret stays with the teacher, and grading needs it again.
"""
from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers.commands.limits import parsed
from helpers.files import write_atomically
from helpers.homework.roster import BadRoster, read_roster
from helpers.homework.secret import BadSecret, make_secret, read_secret
from helpers.homework.variants import sheet


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    summary, epilog = __doc__.strip().split("\n\n")
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.variants", description=summary, epilog=epilog)
    parser.add_argument("--roster", metavar="CSV", type=Path, required=True, help="the class: columns id and name")
    parser.add_argument("--secret-file", metavar="FILE", type=Path, required=True, help="made if it is not there; "
                        "it stays with the teacher")  # fmt: skip
    parser.add_argument("--output", metavar="FILE", type=Path, default=Path("variants.json"), help="default: "
                        "variants.json")  # fmt: skip
    options = parsed(parser, given)
    try:
        roster = read_roster(options.roster)
        if make_secret(options.secret_file):
            print(f"{options.secret_file}: a new secret; keep it, the homework cannot be graded without it")
        written = sheet([student.id for student in roster], read_secret(options.secret_file))
        text = json.dumps(written, indent=1) + "\n"
        write_atomically(options.output, lambda file: file.write(text.encode()))
    except (BadRoster, BadSecret, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(f"{options.output}: numbers for {len(roster)} students")


if __name__ == "__main__":
    main()
