"""The grader against everything in hostile.py, in the real sandbox; `make check-grade`."""

import json
import tempfile
from pathlib import Path

import pytest
from hostile import CASES, FULL, LESSON, Work

from staff import build
from staff.grade import GradeError
from staff.grade.assemble import Lesson
from staff.grade.key import make_key
from staff.grade.run import _record
from staff.grade.sandbox import Limits, prepare, require_bubblewrap
from staff.grade.submission import grade_submission
from staff.source import keep_solution

pytestmark = pytest.mark.sandbox
LIMITS = Limits(wall_s=60, cell_s=4, memory_mb=700, processes=40, files_mb=20)


@pytest.fixture(scope="session")
def sandbox():
    try:
        require_bubblewrap()
    except GradeError as error:
        pytest.skip(f"NOTHING IS PROVED ABOUT THE SANDBOX HERE: {error}")
    with tempfile.TemporaryDirectory() as folder:
        yield prepare(Path(folder), LIMITS)


@pytest.fixture(scope="session")
def lesson(tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / "01_small.py"
    path.write_text(LESSON, encoding="utf-8")
    return Lesson.read(path)


@pytest.fixture(scope="session")
def key(lesson, sandbox):
    return make_key(lesson, "a secret of the tests", sandbox)


@pytest.fixture
def work(lesson):
    """The notebook that students get, with right answers in it."""
    path = Path(tempfile.mkdtemp()) / "01_small.py"
    path.write_text(LESSON, encoding="utf-8")
    notebook = json.loads(json.dumps(build.make_solution(path)))
    for cell in notebook["cells"]:
        cell["source"] = keep_solution(cell["source"])
    return Work(notebook)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.family}: {c.name}")
def test_what_comes_of_it(case, work, lesson, key, sandbox):
    case.change(work)
    graded = grade_submission(work.to_bytes(), lesson, key, sandbox)
    record = _record({"student": "s", "lesson": lesson.stem, "id": "0"}, key, graded)
    earned = {exercise: got for exercise, (got, _) in record.points.items()}
    assert earned == {**FULL, **case.points}, (record.words, record.findings)
    findings = " / ".join(record.findings)
    assert case.finding in findings if case.finding else not findings, findings
    assert (record.status == "human") == case.human
    assert graded.seconds < LIMITS.wall_s + 15
