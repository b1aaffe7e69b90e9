"""Make a key: what the right answers display, and the proof that nothing else earns full points."""

import hmac
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from coursekit import checks
from coursekit.checks.core import Check, ValueCheck
from staff.grade import GradeError
from staff.grade.assemble import Cell, Lesson, with_graded_cells
from staff.grade.execute import CellResult, execute
from staff.grade.judge import decode, same
from staff.grade.sandbox import Sandbox
from staff.grade.submission import graded_cells, graded_source, judge_result, stopped
from staff.source import keep_solution

MIN_BITS = 40
SHORTEST_SECRET = 12


def seed_for(secret: str, cell: str) -> int:
    """Return the seed of a graded cell, which nobody can tell without the secret."""
    return int.from_bytes(hmac.digest(secret.encode(), cell.encode(), "sha256")[:8])


def make_key(lesson: Lesson, secret: str, sandbox: Sandbox) -> dict[str, Any]:
    """Execute the lesson's solution and return its key.

    Raises
    ------
    GradeError
        Where the secret is too short, or the key would be no good, with all reasons.
    """
    if len(secret) < SHORTEST_SECRET:
        raise GradeError(f"a secret of at least {SHORTEST_SECRET} characters is hard to guess")
    cells = [
        {**cell, "seed": seed_for(secret, f"{lesson.stem}/{cell['name']}"), "wrong": []}
        for cell in lesson.graded
    ]
    key = {"lesson": lesson.stem, "digest": lesson.digest, "cells": cells}
    results = _run(lesson, with_graded_cells(_solved(lesson), graded_cells(key)), sandbox)
    first = _answers(lesson, results)
    for cell in cells:
        cell["answer"] = first[cell["name"]]
    key["slowest_s"] = math.ceil(max(result.seconds for result in results.values()))
    key["seconds"] = math.ceil(sum(result.seconds for result in results.values()))
    problems = _repeatable(lesson, key, sandbox) + _guessable(cells)
    problems += _blank(lesson, key, sandbox) + _misconceptions(lesson, key, sandbox)
    if problems:
        raise GradeError("\n".join(f"{lesson.stem}: {problem}" for problem in problems))
    return key


def _run(
    lesson: Lesson,
    cells: list[Cell],
    sandbox: Sandbox,
    hash_seed: int = 0,
    oracles: bool = False,
) -> dict[str, CellResult]:
    """Execute cells as those of a submission, and return the results of those that have a name."""
    box = replace(sandbox, oracles=oracles)
    execution = execute([cell.source for cell in cells], box, hash_seed)
    if execution.end != "complete":
        raise GradeError(f"{lesson.stem}: {execution.why or execution.end}; nothing was made")
    stop = stopped(execution)
    if stop is not None:
        start = cells[stop].source.strip().splitlines()[0]
        raise GradeError(
            f"{lesson.stem}: the cell that starts with {start!r} ended the kernel or ran longer "
            f"than {sandbox.limits.cell_s:g} s; mend it, or allow more with --cell-timeout"
        )
    return {
        cell.name: result for cell, result in zip(cells, execution.cells, strict=True) if cell.name
    }


def _solved(lesson: Lesson) -> list[Cell]:
    solved = {name: keep_solution(source) for name, source in lesson.solution.items()}
    return [Cell(solved.get(c.name, c.source), c.role, c.name, c.exercise) for c in lesson.cells]


def _answers(lesson: Lesson, results: dict[str, CellResult]) -> dict[str, Any]:
    """Return what the graded cells have displayed for the solution, by their names."""
    answers = {}
    for name, result in results.items():
        if "-grade" not in name:
            continue
        if result.outcome != "passed" or len(result.answers) != 1:
            why = result.error or "it displays none"
            raise GradeError(f"{lesson.stem}: the solution gives {name} no answer ({why})")
        answers[name] = result.answers[0]
    return answers


def _repeatable(lesson: Lesson, key: dict[str, Any], sandbox: Sandbox) -> list[str]:
    """Find answers that change from run to run, or that no seed changes."""
    other = [{**c, "seed": c["seed"] ^ 1, "name": f"{c['name']}/other"} for c in key["cells"]]
    both = {**key, "cells": [*key["cells"], *other]}
    cells = with_graded_cells(_solved(lesson), graded_cells(both))
    again = _answers(lesson, _run(lesson, cells, sandbox, hash_seed=1))
    problems = []
    for cell in key["cells"]:
        name, wanted = cell["name"], decode(cell["answer"])
        if not same(decode(again[name]), wanted):
            problems.append(f"the solution answers {name} differently in every run")
        elif cell["judge"] == "equal" and same(decode(again[f"{name}/other"]), wanted):
            problems.append(f"{name} has the same answer for every seed; draw its inputs from SEED")
    return problems


def _guessable(cells: list[dict[str, Any]]) -> list[str]:
    """Find answers that are so poor that somebody could guess them."""
    problems = []
    for cell in cells:
        if cell["judge"] == "equal" and bits(cell["answer"]) < MIN_BITS:
            problems.append(f"the answer of {cell['name']} can be guessed; ask for more numbers")
    return problems


def bits(payload: dict[str, Any]) -> float:
    """Return roughly how many bits have to be guessed; the same number twice counts once."""
    kind = payload["kind"]
    if kind == "list":
        return sum(bits(item) for item in payload["items"])
    if kind == "text":
        return len(payload["text"])
    if kind != "array":
        return 0
    return sum(
        30 if isinstance(x, float) and not x.is_integer() else math.log2(2 * abs(x) + 1)
        for x in set(payload["data"])
    )


def _blank(lesson: Lesson, key: dict[str, Any], sandbox: Sandbox) -> list[str]:
    """Find graded cells on which a notebook without answers earns points."""
    results = _run(lesson, with_graded_cells(list(lesson.cells), graded_cells(key)), sandbox)
    right = [c["name"] for c in key["cells"] if judge_result(c, results[c["name"]]).right]
    return [f"a blank notebook earns the points of {name}" for name in right]


def _misconceptions(lesson: Lesson, key: dict[str, Any], sandbox: Sandbox) -> list[str]:
    """Find misconceptions with which an exercise scores in full; note what the others display.

    One run does for all: behind each exercise's graded cells, its misconceptions take the
    place of the answer one after the other, and in the end the solution comes back.
    """
    solved = _solved(lesson)
    extra = []
    for exercise in lesson.exercises():
        graded = [c for c in key["cells"] if c["exercise"] == exercise]
        answer = next(c for c in solved if c.exercise == exercise and c.role == "answer")
        call = next(c for c in solved if c.exercise == exercise and c.role == "check").source
        check = getattr(checks, graded[0]["check"])
        for number in range(len(check.misconceptions)):
            extra.append(
                Cell(misconception_source(check, call, number), "student", exercise=exercise)
            )
            for cell in graded:
                name = f"{cell['name']}/{number}"
                source = graded_source(cell["source"], cell["seed"])
                extra.append(Cell(source, "grade", name, exercise))
        extra.append(Cell(answer.source, "student", exercise=exercise))
    results = _run(lesson, with_graded_cells(solved, extra), sandbox, oracles=True)
    problems = []
    for exercise in lesson.exercises():
        graded = [c for c in key["cells"] if c["exercise"] == exercise]
        check = getattr(checks, graded[0]["check"])
        for number, misconception in enumerate(check.misconceptions):
            shown = [results[f"{cell['name']}/{number}"] for cell in graded]
            if all(judge_result(c, r).right for c, r in zip(graded, shown, strict=True)):
                words = misconception.message
                problems.append(
                    f"exercise {exercise} gives full points to a misconception: {words}"
                )
            for cell, result in zip(graded, shown, strict=True):
                answers = result.answers if result.outcome == "passed" else ()
                # Where a misconception gives the right result, it explains no wrong one.
                if answers and not judge_result(cell, result).right:
                    cell["wrong"].append([misconception.message, answers[0]])
    return problems


def misconception_source(check: Check, call: str, number: int) -> str:
    """Return code that gives the student's names the values of a misconception."""
    names = re.fullmatch(r"ck\.checks\.\w+\((.*)\)", call.strip(), flags=re.DOTALL)[1]
    name = re.match(r"ck\.checks\.\w+", call)[0]
    if not isinstance(check, ValueCheck):
        return f"{names} = {name}.misconceptions[{number}].answer"
    return (
        f"def _typed(check, wrong):\n"
        f"    for probe in check.probes:\n"
        f"        try:\n"
        f"            yield wrong.answer(*probe)\n"
        f"        except Exception:  # it says nothing about this value\n"
        f"            yield check.oracle(*probe)\n"
        f"{names.rstrip(', ')}, = _typed({name}, {name}.misconceptions[{number}])"
    )


def write_key(key: dict[str, Any], folder: Path) -> Path:
    """Write a key where nobody but its maker can read it, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / f"{key['lesson']}.json"
    path.write_text(json.dumps(key) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path
