"""The grader against everything in hostile.py, in the real sandbox; `make check-grade`."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from hostile import CASES, FULL, LESSON, Work

from staff import build
from staff.grade import GradeError
from staff.grade.assemble import Lesson
from staff.grade.key import make_key
from staff.grade.run import _record
from staff.grade.sandbox import ROOT, Limits, prepare, require_bubblewrap
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


LAST_LINE = LESSON.splitlines()[-1]
REFUSED = {
    "the same answer for every seed": (
        "rng = np.random.default_rng(SEED)\nsizes = ((9, 3)",
        "rng = np.random.default_rng(1)\nsizes = ((9, 3)",
    ),
    "differently in every run": (
        "rng = np.random.default_rng(SEED)\nsizes = ((9, 3)",
        "rng = np.random.default_rng(SEED + hash('a') % 100)\nsizes = ((9, 3)",
    ),
    "can be guessed": (
        LAST_LINE,
        "answer = cross_correlate1d(rng.integers(-9, 10, 4), np.ones(4)) > 0",
    ),
    "gives full points to a misconception": ("sizes = ((7, 3), (5, 5), (3, 5))", "sizes = ()"),
    "a blank notebook earns the points": (
        LAST_LINE,
        "answer = [np.correlate(rng.integers(-9, 10, n), rng.normal(size=k)) for n, k in sizes]",
    ),
    "gives exercise-1-3-grade no answer": ("answer = [cross_correlate1d(", "answer = [missing("),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_key_that_is_no_good_is_refused(words, tmp_path, sandbox):
    old, new = REFUSED[words]
    assert old in LESSON
    text = LESSON.replace(old, new)
    path = tmp_path / "01_small.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GradeError, match=words):
        make_key(Lesson.read(path), "a secret of the tests", sandbox)


def test_nothing_is_left_behind_by_a_killed_grader(tmp_path, sandbox):
    """A grader that is killed takes its kernels along, whatever they do."""
    mark = f"endless_{os.getpid()}"
    cell = f"import subprocess; subprocess.run(['setsid', 'sh', '-c', 'sleep 999; : {mark}'])"
    code = (
        "from staff.grade.execute import execute\n"
        "from staff.grade.sandbox import Sandbox\n"
        f"execute([{cell!r}], Sandbox({sandbox.folder!r}))\n"
    )
    grader = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)

    def running():
        found = [p for p in psutil.process_iter(["cmdline"]) if p.pid != grader.pid]
        return [p for p in found if any(mark in word for word in p.info["cmdline"] or [])]

    try:
        wait_for(running)
    finally:
        grader.kill()
        grader.wait()
    wait_for(lambda: not running())


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)
