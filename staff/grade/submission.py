"""Grade one submission: execute it, judge what its graded cells displayed, say why."""

import builtins
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from staff.grade.assemble import Cell, Finding, Lesson, assemble, parse_cells, with_graded_cells
from staff.grade.execute import CellResult, Execution, execute
from staff.grade.judge import (
    MalformedError,
    Verdict,
    decode,
    judge_check,
    judge_equal,
)
from staff.grade.sandbox import Limits, Sandbox

ENCODER = (Path(__file__).parent / "encode.py").read_text(encoding="utf-8")
MAX_RERUNS = 3
LIMITS = {
    "time": "the submission ran longer than {limits.wall_s:g} s",
    "memory": "the submission used more than {limits.memory_mb} MB of memory",
    "threads": "the submission started more than {limits.threads} processes and threads",
}


class TroubleError(Exception):
    """The grader itself failed, so that nothing can be said about the submission."""


class CrowdedError(TroubleError):
    """The machine ran out of memory, perhaps by another submission's fault."""


@dataclass(frozen=True)
class Graded:
    """The verdict on every graded cell, by its name, and what was found besides.

    `messages` are those of the public checks, by exercise; `seconds` is how long all took.
    """

    verdicts: dict[str, Verdict]
    findings: tuple[Finding, ...]
    messages: dict[str, str]
    seconds: float


def graded_source(source: str, seed: int) -> str:
    """Return what is executed for a graded cell: the cell with its seed, and the encoder.

    Python's own functions are fetched anew, for a student may have called something `exec`.
    """
    names = f'{{"notebook": _python.globals(), "seed": {seed}, "cell": {source!r}}}'
    call = f"_python.exec({ENCODER!r}, {names})"
    return f'_python = __import__("builtins")\n{call}'


def graded_cells(key: dict[str, Any]) -> list[Cell]:
    """Return the graded cells of a key, ready to execute."""
    return [
        Cell(graded_source(c["source"], c["seed"]), "grade", c["name"], c["exercise"])
        for c in key["cells"]
    ]


def grade_submission(
    content: bytes, lesson: Lesson, key: dict[str, Any], sandbox: Sandbox
) -> Graded:
    """Grade the notebook with this content.

    Raises
    ------
    UnreadableError
        Where it is not a notebook.
    TroubleError
        Where the grader could not do its work.
    """
    start = time.monotonic()
    own, findings = assemble(lesson, parse_cells(content))
    cells = with_graded_cells(own, graded_cells(key))
    results, more = run_cells(cells, sandbox)
    findings += more
    displayed = {c.name: r for c, r in zip(cells, results, strict=True) if c.role == "grade"}
    verdicts = {}
    for graded in key["cells"]:
        result = displayed.get(graded["name"])
        verdicts[graded["name"]] = judge_result(graded, result)
        if result is not None and len(result.answers) > 1:
            findings.append(
                Finding("a graded cell displayed more than one answer", graded["exercise"], True)
            )
    if any(r.answers for c, r in zip(cells, results, strict=True) if c.role != "grade"):
        findings.append(Finding("a cell that is not graded displayed an answer", human=True))
    unexplained = {
        graded["exercise"]
        for graded in key["cells"]
        if not (verdicts[graded["name"]].right or verdicts[graded["name"]].explained)
    }
    messages = {}
    if unexplained:
        limits = sandbox.limits
        left = replace(limits, wall_s=limits.wall_s - (time.monotonic() - start))
        messages = public_messages(own, unexplained, replace(sandbox, limits=left))
    return Graded(verdicts, tuple(findings), messages, time.monotonic() - start)


def judge_result(graded: dict[str, Any], result: CellResult | None) -> Verdict:
    """Judge what a graded cell displayed; whatever is not a clean answer earns nothing."""
    if result is None or result.outcome == "missing":
        return Verdict(False, "not executed")
    if result.outcome != "passed":
        return _raised(result.error)
    if len(result.answers) != 1:
        return Verdict(False, "not exactly one answer was displayed", explained=False)
    try:
        got, wanted = decode(result.answers[0]), decode(graded["answer"])
    except MalformedError:
        return Verdict(False, "no answer that a graded cell displays", explained=False)
    if graded["judge"] == "check":
        return judge_check(graded["check"], got, wanted)
    verdict = judge_equal(got, wanted)
    if not verdict.right:
        for words, answer in graded["wrong"]:
            if answer is not None and judge_equal(got, decode(answer)).right:
                return Verdict(False, words)
    return verdict


def _raised(error: str) -> Verdict:
    """Say that an exception was raised; its text could hold the grader's inputs."""
    known = {
        "NotImplementedError": "not written yet",
        "BorrowedError": "calls the course's own check for the answer",
    }
    if error in known:
        return Verdict(False, known[error])
    kind = getattr(builtins, error, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        words = f"raises {error} on the grader's inputs"
    else:
        words = "ends in an error on the grader's inputs"
    return Verdict(False, words, explained=False)


def run_cells(cells: list[Cell], sandbox: Sandbox) -> tuple[list[CellResult], list[Finding]]:
    """Execute cells. Where one of them stops the kernel, go on without it.

    So one endless loop does not cost the exercises behind it.

    Raises
    ------
    TroubleError
        Where the grader itself failed.
    """
    results = [CellResult()] * len(cells)
    waiting, skipped = set(range(len(cells))), set()
    findings, seconds, limits = [], 0.0, sandbox.limits
    for _ in range(MAX_RERUNS + 1):
        places = [i for i in range(len(cells)) if i not in skipped]
        left = replace(limits, wall_s=limits.wall_s - seconds)
        box = replace(sandbox, limits=left, oracles=False)
        execution = _execute([cells[i].source for i in places], box)
        seconds += execution.seconds
        stop = stopped(execution)
        for i, result in zip(
            places[: None if stop is None else stop + 1], execution.cells, strict=False
        ):
            if i in waiting:
                results[i] = result
                waiting.remove(i)
        if stop is None:
            break
        culprit = places[stop]
        skipped.add(culprit)
        findings.append(_stop_finding(cells, culprit, execution.end, limits))
        if execution.end == "time":
            break
    return results, findings


def _execute(sources: list[str], sandbox: Sandbox) -> Execution:
    execution = execute(sources, sandbox)
    if execution.end == "crowded":
        raise CrowdedError("the machine ran out of memory; use fewer workers")
    if execution.end == "trouble":
        raise TroubleError(execution.why)
    return execution


def stopped(execution: Execution) -> int | None:
    """Return the place of the cell at which the kernel stopped, None where it did not.

    nbval excuses all cells behind one that ran too long or killed the kernel; cells that the
    report lacks were not reached before everything was killed.
    """
    for i, result in enumerate(execution.cells):
        if result.outcome == "excused":
            return i - 1
        if result.outcome == "missing":
            return i
    return None


def _stop_finding(cells: list[Cell], culprit: int, end: str, limits: Limits) -> Finding:
    """Say what stopped the kernel, and near which exercise."""
    why = (
        LIMITS[end].format(limits=limits)
        if end in LIMITS
        else "a cell ended the kernel or ran too long"
    )
    cell = cells[culprit]
    near = cell.exercise or next((c.exercise for c in reversed(cells[:culprit]) if c.exercise), "")
    where = (
        "in the answer's code"
        if cell.role in ("answer", "grade")
        else "in a cell behind the answer"
    )
    return Finding(f"{why}, {where}; it was left out", near, True)


def public_messages(own: list[Cell], wanted: set[str], sandbox: Sandbox) -> dict[str, str]:
    """Return what the public checks of these exercises print, in a kernel without graded cells.

    The student's code can print there what it likes, for its author to read. It never
    met a secret input: that is why this is another kernel.
    """
    checks = [i for i, c in enumerate(own) if c.role == "check" and c.exercise in wanted]
    cells = own[: checks[-1] + 1]
    execution = _execute([cell.source for cell in cells], sandbox)
    texts = {cells[i].exercise: execution.cells[i].text for i in checks}
    return {exercise: text for exercise, text in texts.items() if text}
