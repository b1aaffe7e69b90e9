"""A pytest plugin, loaded beside nbval: it hands out each cell's outcome and displayed answers.

It runs on the grader's side, in a process of its own for each submission. What it writes
holds plain JSON and no more than is needed; see `execute.py`, which reads it.
"""

import json
from collections.abc import Generator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.provisioning import KernelProvisionerFactory

from staff.grade.kernel import MIME

MAX_BYTES = 200_000  # of a cell; graded cells of the course display a few thousand
MAX_REPORT = 10_000_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the file to write."""
    parser.addoption("--grade-report", required=True, help="file for the outcomes, JSON lines")


def pytest_configure(config: pytest.Config) -> None:
    """Make the provisioner known, as its entry point would in an installed package."""
    group, name = KernelProvisionerFactory.GROUP_NAME, "coursekit-sandbox"
    target = "staff.grade.kernel:SandboxProvisioner"
    KernelProvisionerFactory.provisioners[name] = EntryPoint(name, target, group)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write one line for each executed cell, and for a kernel that did not start."""
    report = yield
    if report.when == "call":
        outcome = "excused" if hasattr(report, "wasxfail") else report.outcome
        line = {"cell": item.cell_num, "outcome": outcome, "seconds": report.duration}
        _write(item.config, {**line, **_outputs(item)})
    elif report.when == "setup" and report.failed:
        _write(item.config, {"trouble": str(call.excinfo.value)[:500]})
    return report


def _outputs(item: pytest.Item) -> dict[str, Any]:
    """Return the answers, the text and the exception among the outputs of a cell."""
    answers, text, error = [], "", ""
    for output in item.test_outputs or []:
        if MIME in output.get("data", {}):
            answers.append(output["data"][MIME])
        text += output.get("text", "")
        error = str(output.get("ename", error))[:100]
    return {"answers": answers, "text": text, "error": error}


def _write(config: pytest.Config, line: dict[str, Any]) -> None:
    try:
        text = json.dumps(line, ensure_ascii=False)
    except (RecursionError, ValueError):  # a displayed answer that is too deep
        text = ""
    # Half a character that a submission has displayed becomes a question mark here.
    with Path(config.getoption("--grade-report")).open("ab") as file:
        if not 0 < len(text) <= MAX_BYTES or file.tell() > MAX_REPORT:
            text = json.dumps({**line, "answers": [], "text": "", "error": "too much output"})
        file.write(text.encode("utf-8", "replace") + b"\n")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Say that the report is whole."""
    _write(session.config, {"end": session.testscollected})
