"""Read a lesson: cells with deterministic ids, refused in one line where malformed.

A lesson is a jupytext py:percent file. `### BEGIN SOLUTION` and `### END SOLUTION` enclose
what students do not get; the metadata `coursekit` names exercises; the tag `solution` marks
cells that only the solution has; `slideshow` is for the lecture deck. CONTRIBUTING.md and
docs/slides.md show all of it by example.
"""

import ast
import hashlib
import re
from pathlib import Path

import jupytext
from nbformat import NotebookNode

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
ROLES = ("answer", "check", "grade")
JUDGES = ("equal", "check")
TAGS = ("solution", "nbval-check-output")
METADATA = {"tags", "coursekit", "slideshow"}
SLIDE_TYPES = ("slide", "fragment", "notes", "skip")
MAX_LINES = 12
# As jupytext has it: `# %%time` is no marker but the first line of a cell.
MARKER = re.compile(r"# %%(\s|$)")
# The grader reads the check's name and the names of the answers from this line.
CHECK = re.compile(r"ck\.checks\.\w+\(\s*\w+(\s*,\s*\w+)*\s*,?\s*\)")


class LessonError(Exception):
    """What is wrong with a lesson or its notebooks, in one line."""


def read_lesson(path: Path) -> list[NotebookNode]:
    """Return the cells of a lesson, each with a deterministic id.

    Raises
    ------
    LessonError
        Where the lesson is malformed; it names the file, the line and the way out.
    """
    text = path.read_text(encoding="utf-8")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if MARKER.match(line)]
    if not MARKER.match(text):
        raise LessonError(f"{path.name}:1: a lesson starts with the cell marker `# %% [markdown]`")
    cells = jupytext.reads(text, fmt="py:percent").cells
    if len(lines) != len(cells):
        raise LessonError(
            f"{path.name}: {len(lines)} lines start with `# %%`, but jupytext finds {len(cells)} "
            "cells; write each marker like this, unindented, and nothing else"
        )
    seen: dict[str, int] = {}
    for line, cell in zip(lines, cells, strict=True):
        cell.metadata.pop("lines_to_next_cell", None)
        try:
            _validate_cell(cell, path.stem.split("_")[0])
        except LessonError as error:
            raise LessonError(f"{path.name}:{line}: {error}") from None
        except SyntaxError as error:
            where = line + (error.lineno or 0)
            raise LessonError(f"{path.name}:{where}: syntax error: {error.msg}") from None
        name = _cell_name(cell)
        seen[name] = seen.get(name, 0) + 1
        cell.id = name if seen[name] == 1 else f"{name}-{seen[name]}"
    _validate_exercises(path.name, lines, cells)
    return cells


def _cell_name(cell: NotebookNode) -> str:
    """Name exercise cells by their exercise and others by their text.

    Either name survives cells that are put in before it, so that outputs and
    submissions keep finding their cell.
    """
    kit = cell.metadata.get("coursekit")
    if kit:
        return f"exercise-{kit['exercise'].replace('.', '-')}-{kit['role']}"
    return f"{cell.cell_type}-{sha256(cell.source)[:10]}"


def _validate_cell(cell: NotebookNode, lesson: str) -> None:
    tags = cell.metadata.get("tags", [])
    unknown = [*(set(tags) - set(TAGS)), *(set(cell.metadata) - METADATA)]
    if unknown:
        raise LessonError(f"unknown tag or metadata {unknown[0]!r}; known are {', '.join(TAGS)}")
    shown = cell.metadata.get("slideshow")
    if shown is not None and shown not in [{"slide_type": name} for name in SLIDE_TYPES]:
        raise LessonError(f"slideshow={shown}; known slide_types are {', '.join(SLIDE_TYPES)}")
    if re.search(r"NBVAL_|raises-exception", cell.source):
        raise LessonError("nbval's markers excuse a cell from its test; use the tags instead")
    kit = cell.metadata.get("coursekit")
    if kit is not None:
        _validate_exercise_cell(cell, kit, lesson)
    if cell.cell_type == "code":
        student, solved = cut_solution(cell.source, "?"), keep_solution(cell.source)
        answers = kit is not None and kit["role"] == "answer"
        if (BEGIN in cell.source) != answers:
            raise LessonError(f"{BEGIN} stands in answer cells, and in every one of them")
        ast.parse(without_magics(solved))
        count = sum(bool(line.strip()) for line in student.splitlines())
        if count > MAX_LINES:
            raise LessonError(f"{count} lines of code; split the cell, at most {MAX_LINES}")
    elif BEGIN in cell.source or END in cell.source:
        raise LessonError("a solution marker in a text cell; use the tag `solution` instead")


def _validate_exercise_cell(cell: NotebookNode, kit: dict, lesson: str) -> None:
    number, role = kit.get("exercise", ""), kit.get("role")
    if cell.cell_type != "code":
        raise LessonError("only code cells belong to an exercise")
    if not re.fullmatch(rf"{int(lesson)}\.\d+[a-z]?", str(number)):
        raise LessonError(f"exercise {number!r}: its number reads {int(lesson)}.STEP")
    if role not in ROLES:
        raise LessonError(f"role {role!r} of exercise {number}; known are {', '.join(ROLES)}")
    if role == "check" and not CHECK.fullmatch(cell.source.strip()):
        raise LessonError(
            f"the check cell of exercise {number} holds `ck.checks.NAME(ANSWER, ...)` alone"
        )
    judge = kit.get("judge", "equal")
    if role == "grade" and judge not in JUDGES:
        raise LessonError(f"judge {judge!r} of exercise {number}; known are {', '.join(JUDGES)}")
    wanted = {"exercise", "role"} | (set() if role == "check" else {"points"})
    wanted |= {"judge"} & set(kit) if role == "grade" else set()
    if set(kit) != wanted:
        raise LessonError(f"the {role} cell of exercise {number} needs exactly {sorted(wanted)}")
    if role != "check" and not (isinstance(kit["points"], int) and kit["points"] > 0):
        raise LessonError(f"points of exercise {number}: {kit['points']!r} is no positive integer")


def _validate_exercises(name: str, lines: list[int], cells: list[NotebookNode]) -> None:
    """Refuse exercises that are there twice, incomplete or out of order."""
    roles: dict[str, list[str]] = {}
    for line, cell in zip(lines, cells, strict=True):
        kit = cell.metadata.get("coursekit")
        if kit is None:
            continue
        number, role = kit["exercise"], kit["role"]
        before = roles.setdefault(number, [])
        problem = ""
        if role == "answer" and before:
            problem = f"two exercises have the number {number}"
        elif role != "answer" and "answer" not in before:
            problem = f"a {role} cell for exercise {number}, which no answer cell precedes"
        elif role == "grade" and "check" not in before:
            problem = f"a grade cell for exercise {number}, which stands before its check cell"
        elif role == "check" and "check" in before:
            problem = f"exercise {number} has two check cells"
        if problem:
            raise LessonError(f"{name}:{line}: {problem}")
        before.append(role)
    for number, found in roles.items():
        if "check" not in found:
            raise LessonError(f"{name}: exercise {number} has no check cell")
    _validate_points(name, cells)
    order = list(roles)
    if order != sorted(order, key=lambda n: (int(re.sub(r"\D", "", n.split(".")[1])), n)):
        raise LessonError(f"{name}: exercises are out of order: {', '.join(order)}")


def _validate_points(name: str, cells: list[NotebookNode]) -> None:
    """Refuse a lesson of which a part is graded, or whose graded cells do not add up."""
    points: dict[str, dict[str, int]] = {}
    for cell in cells:
        kit = cell.metadata.get("coursekit")
        if kit is not None and kit["role"] != "check":
            role = points.setdefault(kit["exercise"], {"answer": 0, "grade": 0})
            role[kit["role"]] += kit["points"]
    if not any(found["grade"] for found in points.values()):
        return
    for number, found in points.items():
        if found["grade"] != found["answer"]:
            raise LessonError(
                f"{name}: the graded cells of exercise {number} give {found['grade']} points, "
                f"its answer cell says {found['answer']}"
            )


def cut_solution(source: str, exercise: str) -> str:
    """Return a cell's source as students get it.

    Inside a function the solution becomes `raise NotImplementedError`; at the top level,
    where raising would stop "Run all", each assignment becomes `name = ...`.

    Raises
    ------
    LessonError
        Where markers are unbalanced, or top-level code is more than assignments.
    """
    kept, solution, indent = [], None, ""
    for line in source.splitlines():
        mark = line.strip()
        if mark == BEGIN:
            if solution is not None:
                raise LessonError(f"a second {BEGIN} before {END}")
            solution, indent = [], line[: len(line) - len(line.lstrip())]
        elif mark == END:
            if solution is None:
                raise LessonError(f"{END} without {BEGIN}")
            kept += _stub(solution, indent, exercise)
            solution = None
        elif solution is not None:
            solution.append(line)
        else:
            kept.append(line)
    if solution is not None:
        raise LessonError(f"{BEGIN} is never closed by {END}")
    return "\n".join(kept)


def _stub(solution: list[str], indent: str, exercise: str) -> list[str]:
    todo = f"{indent}# YOUR CODE HERE"
    if indent:
        return [todo, f'{indent}raise NotImplementedError("Exercise {exercise}")']
    names = []
    for statement in ast.parse("\n".join(solution)).body:
        if not isinstance(statement, ast.Assign) or not all(
            isinstance(target, ast.Name) for target in statement.targets
        ):
            raise LessonError("a solution at the top level may only assign to names")
        names += [target.id for target in statement.targets]
    return [todo, *(f"{name} = ..." for name in names)]


def keep_solution(source: str) -> str:
    """Return a cell's source as the solution shows it: whole, without the markers."""
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


def without_magics(source: str) -> str:
    """Return a cell's source as plain Python, line by line: `pass` for each IPython magic."""
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)


def sha256(text: str) -> str:
    """Return the hexadecimal digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
