"""A submission and its lesson become the cells that are executed; what is odd is found.

The student's code is kept, all of it, in its order. The course's own cells are put back as
the lesson has them, and graded cells stand behind the answer they ask for.
"""

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nbval.plugin import comment_markers

from staff.source import cut_solution, read_lesson, sha256

MAX_BYTES = 20_000_000
MAX_CELLS = 1000
MAX_SOURCE = 100_000


class UnreadableError(Exception):
    """What is wrong with a submission's file, in words for its author."""


@dataclass(frozen=True)
class Finding:
    """Something about a submission; a human has to look where `human` is set."""

    words: str
    exercise: str = ""
    human: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell to execute. `name` is its name in the lesson; a student's own cells have none."""

    source: str
    role: Literal["student", "course", "answer", "check", "grade"]
    name: str = ""
    exercise: str = ""


@dataclass(frozen=True)
class Lesson:
    """What grading knows of a lesson.

    Parameters
    ----------
    stem : str
        Name of its file, such as "01_convolution_1d".
    cells : tuple of Cell
        Its code cells in order, as students get them, without graded ones.
    graded : tuple of dict
        Its graded cells in order: `name`, `exercise`, `points`, `judge`, `source`, and
        `check`, the name of the exercise's public check.
    solution : dict
        Source of each answer, by the cell's name.
    """

    stem: str
    cells: tuple[Cell, ...]
    graded: tuple[dict[str, Any], ...]
    solution: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Lesson":
        """Read a lesson's source."""
        cells, graded, solution, checks = [], [], {}, {}
        for cell in read_lesson(path):
            kit = cell.metadata.get("coursekit", {})
            role, exercise = kit.get("role", "course"), kit.get("exercise", "")
            if cell.cell_type != "code" or "solution" in cell.metadata.get("tags", []):
                continue
            if role == "grade":
                fields = {k: v for k, v in kit.items() if k != "role"}
                check = checks[exercise]
                fields |= {"name": cell.id, "source": cell.source, "check": check}
                graded.append({"judge": "equal", **fields})
                continue
            if role == "check":
                checks[exercise] = re.match(r"ck\.checks\.(\w+)\(", cell.source)[1]
            if role == "answer":
                solution[cell.id] = cell.source
            source = cut_solution(cell.source, exercise)
            cells.append(Cell(source, role, cell.id, exercise))
        return cls(path.stem, tuple(cells), tuple(graded), solution)

    @property
    def digest(self) -> str:
        """Digest of all that a key depends on."""
        parts = [[(c.source, c.role, c.name) for c in self.cells], self.graded, self.solution]
        return sha256(json.dumps(parts, sort_keys=True))

    def exercises(self) -> list[str]:
        """Return the numbers of the graded exercises in order."""
        return list(dict.fromkeys(cell["exercise"] for cell in self.graded))


# Reading --------------------------------------------------------------------------------


def read_submission(path: Path) -> bytes:
    """Return the bytes of a submission.

    Raises
    ------
    UnreadableError
        Where it is not an ordinary file of a sensible size; links are not followed.
    """
    # Not blocking, for a pipe would be waited for; a link is not opened at all.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            os.close(handle)
            raise UnreadableError(f"this is no file of at most {MAX_BYTES // 10**6} MB")
        with os.fdopen(handle, "rb") as file:
            return file.read(MAX_BYTES)
    except OSError:
        raise UnreadableError("the file cannot be read, or is a link") from None


def parse_cells(content: bytes) -> list[dict[str, Any]]:
    """Return the cells of a notebook: `type`, `source`, `id` and the kit's metadata.

    Nothing else is read: no output, no tag, no kernel's name.

    Raises
    ------
    UnreadableError
        Where this is not a notebook.
    """
    try:
        notebook = json.loads(content)
        found = notebook["cells"]
        if not isinstance(found, list):
            raise TypeError
    except (ValueError, RecursionError):
        raise UnreadableError("the file is not JSON, so no notebook") from None
    except (KeyError, TypeError):
        raise UnreadableError(
            "the file holds no cells; notebook formats before 4 are not read"
        ) from None
    if len(found) > MAX_CELLS:
        raise UnreadableError(f"the notebook has {len(found)} cells, more than {MAX_CELLS}")
    cells = [_parse_cell(cell) for cell in found if isinstance(cell, dict)]
    if sum(len(cell["source"]) for cell in cells) > MAX_SOURCE * 10:
        raise UnreadableError("the notebook holds more text than anybody writes")
    return cells


def _parse_cell(cell: dict[str, Any]) -> dict[str, Any]:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = cell.get("metadata")
    kit = metadata.get("coursekit") if isinstance(metadata, dict) else None
    kit = kit if isinstance(kit, dict) else {}
    return {
        "type": cell.get("cell_type"),
        "source": _text(source),
        "id": _text(cell.get("id")),
        "exercise": _text(kit.get("exercise")),
        "role": _text(kit.get("role")),
    }


def _text(value: object) -> str:
    return _plain(value) if isinstance(value, str) else ""


def _plain(source: str) -> str:
    """Return a source with ordinary line ends, and without characters that are no text."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    return source.encode("utf-8", "replace").decode("utf-8")


def neutralise(source: str) -> str:
    """Return a source in which nbval reads no marker of its own, such as the one to skip a cell."""
    lines = source.splitlines(keepends=True)
    for i, line in enumerate(lines):
        words = line.strip().lstrip("#").strip()
        if line.strip().startswith("#") and words in comment_markers:
            lines[i] = line.replace("#", "# student's comment:", 1)
    return "".join(lines)


# Assembling -----------------------------------------------------------------------------


def assemble(lesson: Lesson, found: list[dict[str, Any]]) -> tuple[list[Cell], list[Finding]]:
    """Return the cells of a submission as they are executed, without graded ones, and findings.

    Cells are matched with the lesson's by the kit's metadata, then by their ids, then (an
    answer) by the name that it defines, or (another) by their text: some editors keep
    neither metadata nor ids.
    """
    course = {cell.name: cell for cell in lesson.cells}
    names = [_match(cell, course) for cell in found]
    findings = _forged(found, names)
    findings += _match_by_definition(found, names, lesson)
    cells: list[Cell] = []
    seen: dict[str, int] = {}
    for cell, name in zip(found, names, strict=True):
        source = neutralise(cell["source"])
        own = course.get(name)
        if cell["type"] != "code":
            if own is not None:
                findings.append(_retyped(own))
            continue
        if own is None:
            cells.append(Cell(source, "student"))
            continue
        seen[name] = seen.get(name, 0) + 1
        if own.role == "answer":
            cells.append(Cell(source, "answer", name, own.exercise))
            continue
        # What somebody has written into a cell of the course may be needed further down:
        # it is executed, too, and then the cell as it should be.
        if cell["source"].strip() != own.source.strip():
            cells.append(Cell(source, "student"))
            if own.role == "check":
                words = "the check cell was edited; the original is used"
                findings.append(Finding(words, own.exercise))
        if seen[name] == 1:
            cells.append(own)
    findings += _restore(cells, lesson, seen)
    return cells, findings


def _match(cell: dict[str, Any], course: dict[str, Cell]) -> str:
    """Return the name of the lesson's cell that a submission's cell is, or ""."""
    name = f"exercise-{cell['exercise'].replace('.', '-')}-{cell['role']}"
    if name in course:
        return name
    if cell["id"] in course and not cell["role"]:
        return cell["id"]
    if cell["type"] == "code":
        text = cell["source"].strip()
        same = [c.name for c in course.values() if c.role != "answer" and c.source.strip() == text]
        return same[0] if same else ""
    return ""


def _forged(found: list[dict[str, Any]], names: list[str]) -> list[Finding]:
    """Name cells that pose as graded ones; they are a student's code like any other."""
    posing = [c for c, name in zip(found, names, strict=True) if not name and c["role"] == "grade"]
    return [Finding("a cell poses as a graded cell", c["exercise"][:10], True) for c in posing]


def _match_by_definition(
    found: list[dict[str, Any]], names: list[str], lesson: Lesson
) -> list[Finding]:
    """Match answers that are not matched yet, in place, by the names that they define."""
    findings = []
    for answer in lesson.cells:
        if answer.role != "answer" or answer.name in names:
            continue
        wanted = defined(answer.source)
        places = [
            i
            for i, cell in enumerate(found)
            if not names[i] and cell["type"] == "code" and wanted & defined(cell["source"])
        ]
        for i in places:
            names[i] = answer.name
        if places:
            words = "the answer cell was found by the name it defines"
            findings.append(Finding(words, answer.exercise))
    return findings


def defined(source: str) -> set[str]:
    """Return the names that a cell defines at its top level, by its text: it need not parse."""
    names = set(re.findall(r"^def[ ]+(\w+)", source, flags=re.MULTILINE))
    for targets in re.findall(r"^([\w ,]+)=(?!=)", source, flags=re.MULTILINE):
        names |= {name.strip() for name in targets.split(",") if name.strip()}
    return names


def _retyped(own: Cell) -> Finding:
    if own.role == "answer":
        return Finding("the answer cell is no code cell any more", own.exercise, True)
    return Finding("a cell of the course is no code cell any more; it is put back", own.exercise)


def _restore(cells: list[Cell], lesson: Lesson, seen: dict[str, int]) -> list[Finding]:
    """Put missing cells of the course back, each behind the one before it; name missing answers."""
    findings = []
    place = 0
    for own in lesson.cells:
        here = [i for i, cell in enumerate(cells) if cell.name == own.name]
        if own.role == "answer":
            if len(here) > 1:
                words = f"there are {len(here)} answer cells; what they leave behind is graded"
                findings.append(Finding(words, own.exercise, True))
            if not here:
                findings.append(Finding("the answer cell is missing", own.exercise, True))
        elif not here:
            cells.insert(place, own)
            here = [place]
        if here:
            place = max(here) + 1
    return findings


def with_graded_cells(cells: list[Cell], graded: list[Cell]) -> list[Cell]:
    """Return the cells with each graded cell behind the answer and the check of its exercise.

    Where the answer is missing, so is the graded cell. The check cells are left out, for
    their verdict counts for nothing, and so is what follows the last graded cell.
    """
    cells = list(cells)
    for exercise in dict.fromkeys(cell.exercise for cell in graded):
        place = _place(cells, exercise)
        if place is not None:
            cells[place:place] = [cell for cell in graded if cell.exercise == exercise]
    end = max((i + 1 for i, cell in enumerate(cells) if cell.role == "grade"), default=0)
    return [cell for cell in cells[:end] if cell.role != "check"]


def _place(cells: list[Cell], exercise: str) -> int | None:
    """Return where graded cells go, None without an answer.

    That is behind the check that follows the last answer, or else behind the student's own
    cells there, which may be a part of it.
    """
    answers = [i for i, c in enumerate(cells) if c.exercise == exercise and c.role == "answer"]
    if not answers:
        return None
    behind = answers[-1] + 1
    for i in range(behind, len(cells)):
        if cells[i].role == "check" and cells[i].exercise == exercise:
            return i + 1
    while behind < len(cells) and cells[behind].role == "student":
        behind += 1
    return behind
