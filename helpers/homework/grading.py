"""Gives marks for hand-ins that have been read: each student once, on his own numbers, with the reason in words.

Of several hand-ins of a student the last one counts. Rules for everything unusual are in docs/teaching.md.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from helpers.homework.answers import BLANK, Rejected, Report, Result, shown
from helpers.homework.copies import Keys, asked
from helpers.homework.reading import HandIn
from helpers.homework.roster import BY_ID, BY_NAME, BY_PLACE, Owner, Register, Student
from helpers.homework.submission import Submission
from helpers.homework.tasks import POINTS
from helpers.homework.variants import COURSE_NUMBERS, Numbers, canonical, draw, signature
from helpers.language import Text

GRADED, PARTLY, NOTHING, UNREADABLE = "graded", "partly", "blank", "unreadable"
MISSING, UNKNOWN = "missing", "unknown"
FULL = sum(POINTS.values())


class Part(NamedTuple):
    """What was given for one part of the homework: its groups have all to be right."""

    task: int
    results: dict[str, list[tuple[Result, str]]]  # by group: the feedback of each entry, and what was answered
    points: int
    of: int


@dataclass(frozen=True)
class Mark:
    """The mark of one student of the roster, or of a hand-in of which no student is known.

    Attributes:
        student: of the roster, or as the hand-in says.
        status: GRADED, PARTLY (something is not answered), NOTHING, UNREADABLE, MISSING or UNKNOWN.
        reasons: in words, all that a teacher should know.
        path: the file that counts, below the folder of the hand-ins.
        parts: points and feedback; nothing where nothing could be graded.
        notes: the feedback's remarks on both tasks.
    """

    student: Student
    status: str
    reasons: tuple[str, ...] = ()
    path: str = ""
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()

    def points(self, task: int | None = None) -> int:
        """Points for task 1 or 2, or for both."""
        return sum(part.points for part in self.parts if task in (None, part.task))


def grade(hand_ins: Sequence[HandIn], roster: Sequence[Student], secret: bytes | None = None) -> list[Mark]:
    """A mark for every student of the roster, in its order, and for every hand-in that is of none of them.

    Args:
        hand_ins: from `reading.read_all`.
        roster: the students; no two have the same id.
        secret: from which each student's numbers were drawn; without one all have the course's numbers.
    """
    register = Register(roster)
    owned: dict[str, list[tuple[Owner, HandIn]]] = {canonical(student.id): [] for student in roster}
    strange: dict[str, list[tuple[Owner, HandIn]]] = {}
    for hand_in in hand_ins:
        owner = register.owner(hand_in)
        if owner.known:
            owned[canonical(owner.student.id)].append((owner, hand_in))
        else:
            label = canonical(owner.student.id) or canonical(owner.student.name) or f"/{hand_in.path}"
            strange.setdefault(label, []).append((owner, hand_in))
    numbers = {student: draw(student.id, secret) if secret else COURSE_NUMBERS for student in roster}
    known = _Class.of(numbers)
    marks = [_mark(student, owned[canonical(student.id)], known, numbers[student], bool(secret), secret)
             for student in roster]  # fmt: skip
    for found in strange.values():
        student = found[0][0].student
        own = draw(student.id, secret) if secret and student.id else COURSE_NUMBERS
        mark = _mark(student, found, known, numbers.get(student, own), bool(secret and student.id), secret)
        if mark.status != UNREADABLE:
            mark = Mark(student, UNKNOWN, (register.unknown(student), *mark.reasons), mark.path, mark.parts, mark.notes)
        marks.append(mark)
    return marks


def _mark(
    student: Student, found: Sequence[tuple[Owner, HandIn]], known: _Class, numbers: Numbers, own: bool,
    secret: bytes | None,
) -> Mark:  # fmt: skip
    readable = sorted((pair for pair in found if pair[1].content is not None), key=_last)
    rest = [hand_in for _, hand_in in found if hand_in.content is None and not hand_in.empty]
    problems = tuple(f"{shown(hand_in.path, str, 80)}: {hand_in.problem}" for hand_in in rest[:3])
    if len(rest) > 3:
        problems += (Text("还有 {} 个文件没有读", "{} more files are not read").format(len(rest) - 3),)
    if not readable:
        if rest:
            return Mark(student, UNREADABLE, problems, rest[0].path)
        reasons = [f"{shown(hand_in.path, str, 80)}: {hand_in.problem}" for _, hand_in in found]
        return Mark(student, MISSING, tuple(reasons) or (str(Text("没有交作业", "nothing was handed in")),))
    owner, hand_in = readable[-1]
    content = hand_in.content
    reasons = [*_whose(student, owner, content), *hand_in.notes]
    parts, notes = _graded(content, numbers)
    states = [result.state for part in parts for row in part.results.values() for result, _ in row]
    blank = states.count(BLANK)
    foreign = _foreign(student, content, numbers, known, secret) if blank < len(states) else ""
    if foreign:
        parts = tuple(part._replace(points=0) for part in parts)
        reasons.insert(0, foreign)
    elif own and (copied := known.copied(content, sum(part.points for part in parts))):
        reasons.insert(0, copied)
    mine = content.variant.signature if content.variant and own and not foreign else None
    if mine is not None and mine != signature(student.id, numbers, secret):
        said = Text("数是自己的，签名却被改过", "the numbers are the student's own, but the signature was changed")
        reasons.append(str(said))
    if others := [other for _, other in readable[:-1] if _answers(other.content) != _answers(content)]:
        said = Text("交了几份，最后一份算数；没算的：{}", "several were handed in, the last one counts; not: {}")
        reasons.append(said.format(", ".join(shown(other.path, str, 60) for other in others[-3:])))
    status = NOTHING if blank == len(states) else PARTLY if blank else GRADED
    if blank:
        reasons.append(Text("{} 处里有 {} 处没有作答", "{1} of {0} are not answered").format(len(states), blank))
    return Mark(student, status, (*reasons, *problems), hand_in.path, parts, notes)


def _last(pair: tuple[Owner, HandIn]) -> tuple:
    """What is better placed counts before what only says whose it is; then the later; then "(2)" after "(1)"."""
    owner, hand_in = pair
    copy = re.search(r" ?[(（]([0-9]{1,6})[)）](?=\.[^.]*$)", hand_in.path)
    path = hand_in.path[: copy.start()] + hand_in.path[copy.end() :] if copy else hand_in.path
    names = [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]{1,20})", path)]
    return max(owner.by, BY_ID), round(hand_in.changed), names, int(copy[1]) if copy else 0


def _answers(content: Submission) -> tuple:
    return content.counts, content.table, content.variant


def _whose(student: Student, owner: Owner, content: Submission) -> list[str]:
    """What is to be said about whose it is."""
    if owner.by >= BY_PLACE:
        other = shown(content.student_id or content.name, str, 60)
        by_id = content.student_id and canonical(content.student_id) != canonical(student.id)
        by_name = not content.student_id and content.name and canonical(content.name) != canonical(student.name)
        if by_id or by_name:
            said = Text("文件里写的是 {}，以所在位置为准", "it says that it is of {}; where it lies counts")
            return [said.format(other)]
        return []
    if not owner.known:
        return []
    if owner.by == BY_NAME:
        return [str(Text("只凭文件里写的姓名认出", "known only by the name written in it"))]
    return [str(Text("只凭文件里写的学号认出", "known only by the id written in it"))]


def _foreign(
    student: Student, content: Submission, numbers: Numbers, known: _Class, secret: bytes | None
) -> str:  # fmt: skip
    """Why a hand-in about other numbers than the student's is worth nothing; "" where the numbers are his."""
    used = content.variant.numbers if content.variant else COURSE_NUMBERS
    if used == numbers:
        return ""
    if not secret:
        return str(Text(
            "做的是专属的数，打分时却没有密钥（--secret-file）：0 分",
            "made with numbers of one's own, but there is no secret to grade it with (--secret-file): 0 points",
        ))  # fmt: skip
    others = [_called(other) for other, theirs in known.numbers.items() if theirs == used and other != student]
    if others:
        said = Text("用的是另一个学生的数（{}）：0 分", "the numbers are those of another student ({}): 0 points")
        return said.format(", ".join(others))
    if used == COURSE_NUMBERS:
        return str(Text(
            "做的是课程公开的数，不是自己的数：0 分", "the course's own numbers instead of the student's: 0 points"
        ))  # fmt: skip
    return str(Text("用的数不是发给任何人的：0 分", "numbers that nobody was given: 0 points"))


@dataclass(frozen=True)
class _Class:
    """Everybody's numbers, and whose they are."""

    numbers: dict[Student, Numbers]
    names: dict[Numbers, str]
    keys: Keys

    @classmethod
    def of(cls, numbers: dict[Student, Numbers]) -> _Class:
        names = {theirs: _called(student) for student, theirs in reversed(numbers.items())}
        names.setdefault(COURSE_NUMBERS, str(Text("课程公开的数", "the course's own numbers")))
        return cls(numbers, names, Keys(names))

    def copied(self, content: Submission, points: int) -> str:
        """Whose answers they are, where others' numbers make most of them right and the student's own do not."""
        if 3 * points >= 2 * FULL:
            return ""
        worth = self.keys.points(content)
        theirs = max(worth, key=worth.__getitem__, default=None)
        if theirs is None or 3 * worth[theirs] < 2 * FULL:
            return ""
        said = Text("这是另一组数的答案：{}", "these are the answers to the numbers of somebody else: {}")
        return said.format(self.names[theirs])


def _typed(value: object) -> str:
    return "" if value is None or isinstance(value, Rejected) else shown(value)


def _called(student: Student) -> str:
    return " ".join(filter(None, (student.id, student.name)))


def _graded(content: Submission, numbers: Numbers) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Points and feedback for every part, and remarks."""
    tasks = asked(numbers)
    results: dict[str, tuple[int, list[tuple[Result, str]]]] = {}
    reports: list[Report] = []
    for number, task, answers in ((1, tasks.counting, content.counts), (2, tasks.table, content.table)):
        report, typed = task.grade(answers), task.split(answers)
        reports.append(report)
        for group, row in report.groups.items():
            entries = zip(row, typed[group], strict=True)
            results[group] = number, [(result, _typed(value)) for result, value in entries]
    parts = []
    for groups, of in POINTS.items():
        right = all(report.right(group) for group in groups for report in reports if group in report.groups)
        rows = {group: results[group][1] for group in groups}
        parts.append(Part(results[groups[0]][0], rows, of if right else 0, of))
    return tuple(parts), tuple(note for report in reports for note in report.notes)
