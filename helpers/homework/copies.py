"""Whose numbers a hand-in's answers are right for: found by looking the answers up, not by grading it once for each."""
from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from helpers.homework.answers import Entry, Rejected
from helpers.homework.submission import Submission
from helpers.homework.tasks import POINTS, Tasks, tasks
from helpers.homework.variants import COURSE_NUMBERS, Numbers

Read = int | tuple[int, ...]


@lru_cache(maxsize=2000)
def asked(numbers: Numbers) -> Tasks:
    """The tasks for these numbers, made once."""
    return tasks(numbers)


class Keys:
    """The right answers for each of many numbers."""

    def __init__(self, numbers: Iterable[Numbers]) -> None:
        self._right: dict[tuple[Read, ...], dict[tuple[str, ...], list[Numbers]]] = {}
        for each in dict.fromkeys(numbers):
            groups = _groups(asked(each))
            for part in POINTS:
                entries = [entry for group in part for entry in groups[group]]
                for right in itertools.product(*(entry.accepted for entry in entries)):
                    self._right.setdefault(right, {}).setdefault(part, []).append(each)

    def points(self, content: Submission) -> Counter[Numbers]:
        """The points that the answers are worth for each of the numbers for which any of them is right."""
        course = asked(COURSE_NUMBERS)  # how an answer is read is the same for all numbers
        typed = course.counting.split(content.counts) | course.table.split(content.table)
        found: Counter[Numbers] = Counter()
        for part, points in POINTS.items():
            pairs = [pair for group in part for pair in zip(_groups(course)[group], typed[group], strict=True)]
            try:
                read = tuple(entry.read(value) for entry, value in pairs)
            except Rejected:
                continue
            found.update(dict.fromkeys(self._right.get(read, {}).get(part, ()), points))
        return found


def _groups(tasks_: Tasks) -> dict[str, tuple[Entry, ...]]:
    return tasks_.counting.groups | tasks_.table.groups
