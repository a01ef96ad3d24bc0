"""Grade the homework of a class: read what was handed in, and write grades.csv and a page of feedback for each student.

No student's code is run. The exit status is 0 only if every file could be read; the others are named.
"""
from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from helpers.checks import Unusable
from helpers.commands.limits import parsed
from helpers.homework.answers import shown
from helpers.homework.gradebook import write_feedback, write_gradebook, write_sheet
from helpers.homework.grading import GRADED, MISSING, NOTHING, PARTLY, UNKNOWN, UNREADABLE, grade
from helpers.homework.reading import read_all
from helpers.homework.roster import BadRoster, read_roster
from helpers.homework.secret import BadSecret, read_secret
from helpers.language import LANGUAGES, Text, speak

STATUSES = (GRADED, PARTLY, NOTHING, UNREADABLE, MISSING, UNKNOWN)
LISTED = 20  # of the files that could not be read; all are in grades.csv's reasons or are nobody's


def main(given: Sequence[str] | None = None) -> None:
    """The command."""
    summary, epilog = __doc__.strip().split("\n\n")
    parser = argparse.ArgumentParser(prog="python -m helpers.commands.grade", description=summary, epilog=epilog)
    parser.add_argument("hand_ins", metavar="HANDINS", type=Path, help="a folder with answers.json files and notebooks "
                        "at any depth, in zips too, or one zip; nbgrader's submitted/ is such a folder")  # fmt: skip
    parser.add_argument("--roster", metavar="CSV", type=Path, required=True, help="the class: columns id and name")
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=Path("grades"), help="default: grades")
    parser.add_argument("--secret-file", metavar="FILE", type=Path, help="from which helpers.commands.variants drew "
                        "each student's numbers (default: all have the course's numbers)")  # fmt: skip
    parser.add_argument("--gradebook", metavar="DB", type=Path, help="write the marks into nbgrader's gradebook too")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of reasons and feedback, default en")
    options = parsed(parser, given)
    speak(options.language)
    if options.output.resolve().is_relative_to(options.hand_ins.resolve()):
        parser.error("--output lies in HANDINS: the next run would read what this one writes")
    try:
        roster = read_roster(options.roster)
        secret = read_secret(options.secret_file) if options.secret_file else None
        hand_ins = read_all(options.hand_ins)
        marks = grade(hand_ins, roster, secret)
        write_sheet(marks, options.output / "grades.csv")
        write_feedback(marks, options.output / "feedback")
        if options.gradebook:
            write_gradebook(marks, options.gradebook)
    except (BadRoster, BadSecret, Unusable, OSError, ModuleNotFoundError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    unread = [hand_in for hand_in in hand_ins if hand_in.problem and not hand_in.empty]
    for hand_in in unread[:LISTED]:
        print(f"{shown(hand_in.path, str, 100)}: {hand_in.problem}")
    if len(unread) > LISTED:
        print(Text("还有 {} 个", "and {} more").format(len(unread) - LISTED))
    counts = Counter(mark.status for mark in marks)
    said = ", ".join(f"{counts[status]} {status}" for status in STATUSES)
    print(Text("{}: {}；{} 个文件读不了", "{}: {}; {} files could not be read").format(
        options.output / "grades.csv", said, len(unread),
    ))  # fmt: skip
    sys.exit(1 if unread else 0)


if __name__ == "__main__":
    main()
