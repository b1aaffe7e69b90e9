"""What a human has decided about submissions that the grader could not settle."""

import csv
from dataclasses import replace
from pathlib import Path

from staff.grade import GradeError
from staff.grade.records import Record

COLUMNS = ["student", "lesson", "exercise", "points"]
Decisions = dict[tuple[str, str], dict[str, int]]


def read_decisions(path: Path) -> Decisions:
    """Return the points by exercise that a table gives, by student and lesson.

    A row without exercise and points leaves all points as they are.

    Raises
    ------
    GradeError
        Where the table cannot be read.
    """
    decisions: Decisions = {}
    if not path.exists():
        return decisions
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        if table.fieldnames != COLUMNS:
            raise GradeError(f"{path}: the first line must be {','.join(COLUMNS)}")
        for row in table:
            points = decisions.setdefault((row["student"], row["lesson"]), {})
            if row["exercise"]:
                if not (row["points"] or "").isdecimal():
                    raise GradeError(f"{path}, line {table.line_num}: points must be a number")
                points[row["exercise"]] = int(row["points"])
    return decisions


def decide(records: list[Record], decisions: Decisions) -> list[Record]:
    """Return the records with what was decided; they wait for nobody any more.

    Raises
    ------
    GradeError
        Where a decision fits no submission.
    """
    left = dict(decisions)
    decided = []
    for record in records:
        points = left.pop((record.student, record.lesson), None)
        decided.append(record if points is None else _decided(record, points))
    if left:
        student, lesson = next(iter(left))
        raise GradeError(f"decisions.csv: there is no submission of {student} for {lesson}")
    return decided


def _decided(record: Record, points: dict[str, int]) -> Record:
    changed = dict(record.points)
    for exercise, earned in points.items():
        possible = changed.get(exercise, [0, -1])[1]
        if earned > possible:
            name = f"{record.student}, {record.lesson}, exercise {exercise}"
            raise GradeError(f"decisions.csv: {name}: {earned} points are not to be had")
        changed[exercise] = [earned, possible]
    findings = [*record.findings, "decided by hand"]
    return replace(record, status="graded", points=changed, findings=findings)
