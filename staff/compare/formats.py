"""A lesson as other graders want it: their documented way, hidden tests included.

The tests of all three ask the same: graded cells on the same secret inputs, with the same
wanted values and tolerances. Ours compares them outside, the others inside of the kernel.
"""

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from coursekit.checks.core import ATOL
from staff.grade.judge import RTOL, decode
from staff.source import BEGIN, END, keep_solution, read_lesson

Key = dict[str, Any]


def wanted(value: object) -> str:
    """Return a decoded answer as Python code."""
    return repr(value.tolist() if hasattr(value, "tolist") else [v.tolist() for v in value])


def hidden_test(graded: dict[str, Any]) -> str:
    """Return the code that runs a graded cell and asserts that its answer is right."""
    lines = [f"SEED = {graded['seed']}", graded["source"]]
    answer = decode(graded["answer"])
    if graded["judge"] == "check":
        status = "todo" if any(value is ... for value in answer) else "pass"
        lines += [
            "import contextlib, io",
            "with contextlib.redirect_stdout(io.StringIO()):",
            f"    status = ck.checks.{graded['check']}(*answer).status",
            f"assert status == {status!r}",
        ]
    else:
        close = f"np.allclose(got, right, rtol={RTOL}, atol={ATOL})"
        lines += [
            f"wanted = {wanted(answer)}",
            "assert len(answer) == len(wanted)",
            "for got, right in zip(answer, wanted):",
            f"    assert np.shape(got) == np.shape(right) and {close}",
        ]
    return "\n".join(lines)


def nbgrader_source(lesson: Path, key: Key) -> NotebookNode:
    """Return the instructor's notebook for `nbgrader generate_assignment`."""
    graded = {cell["name"]: cell for cell in key["cells"]}
    cells = []
    for cell in _cells(lesson):
        role = cell.metadata.get("coursekit", {}).get("role", "")
        if role:
            cell.metadata["nbgrader"] = {
                "grade_id": cell.id,
                "grade": role == "grade",
                "solution": role == "answer",
                "locked": role != "answer",
                "task": False,
                "schema_version": 3,
            }
        if role == "grade":
            cell.metadata["nbgrader"]["points"] = graded[cell.id]["points"]
            test = hidden_test(graded[cell.id])
            cell.source = f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
        cells.append(cell)
    return _notebook(cells)


def otter_source(lesson: Path, key: Key) -> NotebookNode:
    """Return the instructor's notebook for `otter assign`."""
    graded = {name: [] for name in (cell["exercise"] for cell in key["cells"])}
    for cell in key["cells"]:
        graded[cell["exercise"]].append(cell)
    cells = [_raw("# ASSIGNMENT CONFIG\ngenerate: true\nexport_cell: false")]
    for cell in _cells(lesson):
        kit = cell.metadata.get("coursekit", {})
        if kit.get("role") == "answer":
            name = question(kit["exercise"])
            marked = cell.source.replace(BEGIN, BEGIN[2:]).replace(END, END[2:])
            cell.source = marked
            cells += [_raw(f"# BEGIN QUESTION\nname: {name}"), _raw("# BEGIN SOLUTION"), cell]
            cells += [_raw("# END SOLUTION"), _raw("# BEGIN TESTS")]
            cells += [_otter_test(test) for test in graded[kit["exercise"]]]
            cells += [_raw("# END TESTS"), _raw("# END QUESTION")]
        elif kit.get("role") != "grade":
            cells.append(cell)
    return _notebook(cells)


def question(exercise: str) -> str:
    """Return the name of an exercise that otter takes for its files."""
    return f"q{exercise.replace('.', '_')}"


def _otter_test(graded: dict[str, Any]) -> NotebookNode:
    config = f"points: {graded['points']}\nhidden: true"
    head = f'""" # BEGIN TEST CONFIG\n{config}\n""" # END TEST CONFIG\n'
    return nbformat.v4.new_code_cell(head + hidden_test(graded))


def _cells(lesson: Path) -> list[NotebookNode]:
    """Return a lesson's cells without those that only the solution has."""
    return [c for c in read_lesson(lesson) if "solution" not in c.metadata.get("tags", [])]


def _raw(text: str) -> NotebookNode:
    return nbformat.v4.new_raw_cell(text)


def _notebook(cells: list[NotebookNode]) -> NotebookNode:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def fill(released: dict[str, Any], answers: dict[str, str]) -> dict[str, Any]:
    """Return a released notebook with these sources of answers, by exercise."""
    notebook = json.loads(json.dumps(released))
    for cell in notebook["cells"]:
        kit = cell["metadata"].get("coursekit", {})
        if kit.get("role") == "answer" and kit["exercise"] in answers:
            cell["source"] = answers[kit["exercise"]]
    return notebook


def solutions(lesson: Path) -> dict[str, str]:
    """Return the source of each answer, right, by exercise."""
    return {
        cell.metadata["coursekit"]["exercise"]: keep_solution(cell.source)
        for cell in read_lesson(lesson)
        if cell.metadata.get("coursekit", {}).get("role") == "answer"
    }
