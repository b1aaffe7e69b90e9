"""What is known of every submission, one JSON line each: added to, never rewritten."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from staff.source import sha256


@dataclass(frozen=True)
class Record:
    """The result of one submission.

    Parameters
    ----------
    student, lesson : str
        Whose it is, and of which lesson.
    id : str
        Digest of the submission, its key and the environment: the same id, the same result.
    status : str
        "graded"; "human" where the findings need one; "retry" where the grader failed.
    points : dict
        Points by exercise, each a pair of those earned and those to be had.
    words : dict
        By exercise, why points were lost.
    messages : dict
        By exercise, what the public check printed.
    findings : list of str
        What is odd about the submission.
    seconds : float
        How long it ran.
    """

    student: str
    lesson: str
    id: str
    status: Literal["graded", "human", "retry"]
    points: dict[str, list[int]] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0


def record_id(*parts: str) -> str:
    """Return the digest that names a result."""
    return sha256(json.dumps(parts))


class Records:
    """The records in a file. A line that was cut off, by a full disk or a kill, counts as none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._by_id: dict[str, Record] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                record = Record(**json.loads(line))
            except (ValueError, TypeError):
                continue
            self._by_id[record.id] = record

    def get(self, name: str) -> Record | None:
        """Return the finished record with this id; one to be tried again is not finished."""
        record = self._by_id.get(name)
        return record if record is not None and record.status != "retry" else None

    def add(self, record: Record) -> None:
        """Append a record and see it onto the disk."""
        line = json.dumps(asdict(record)) + "\n"
        with self.path.open("a+b") as file:
            # A line that an earlier run left unfinished must not swallow this one.
            if file.tell() and not _ends_line(file):
                line = "\n" + line
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        self._by_id[record.id] = record


def _ends_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
