"""The grader against everything in hostile.py, in the real sandbox; `make check-grade`."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hostile import CASES, FULL, LESSON, Work

from staff import build
from staff.grade import GradeError, run
from staff.grade import execute as execute_module
from staff.grade.assemble import Lesson
from staff.grade.execute import execute
from staff.grade.key import make_key, write_key
from staff.grade.records import Record
from staff.grade.report import write_reports
from staff.grade.run import record_of
from staff.grade.sandbox import ROOT, Limits, prepare, require_bubblewrap
from staff.grade.submission import grade_submission
from staff.source import keep_solution

pytestmark = pytest.mark.sandbox
LIMITS = Limits(wall_s=90, cell_s=30, memory_mb=700, threads=150, files_mb=20)
ENDLESS_S = 6


@pytest.fixture(scope="session")
def sandbox():
    try:
        require_bubblewrap()
    except GradeError as error:
        pytest.fail(str(error), pytrace=False)
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
def test_what_comes_of_it(case, work, lesson, key, sandbox, tmp_path):
    case.change(work)
    box = replace(sandbox, limits=replace(LIMITS, cell_s=ENDLESS_S)) if case.endless else sandbox
    graded = grade_submission(work.to_bytes(), lesson, key, box)
    record = record_of({"student": "s", "lesson": lesson.stem, "id": "0"}, key, graded)
    earned = {exercise: got for exercise, (got, _) in record.points.items()}
    assert earned == {**FULL, **case.points}, (record.words, record.findings)
    findings = " / ".join(record.findings)
    assert case.finding in findings if case.finding else not findings, findings
    assert (record.status == "human") == case.human
    assert graded.seconds < LIMITS.wall_s + 15
    write_reports([record], tmp_path)
    assert (tmp_path / "feedback" / "s" / f"{lesson.stem}.html").exists()


LAST_LINE = LESSON.splitlines()[-1]
GRADED_12 = """\
# %% coursekit={"exercise": "1.2", "role": "grade", "points": 3}
rng = np.random.default_rng(SEED)
sizes = ((7, 3), (5, 5), (3, 5))
"""
NO_GOOD = LESSON.replace(
    GRADED_12,
    """\
# %% coursekit={"exercise": "1.2", "role": "grade", "points": 1}
answer = convolve1d(np.arange(9) * 1.37, np.random.default_rng(hash("a") % 100).normal(size=4))

# %% coursekit={"exercise": "1.2", "role": "grade", "points": 2}
rng = np.random.default_rng(1)
sizes = ((7, 3), (5, 5), (3, 5))
""",
).replace(LAST_LINE, "answer = rng.integers(0, 9)")
REASONS = (
    "the solution answers exercise-1-2-grade differently in every run",
    "exercise-1-2-grade-2 has the same answer for every seed",
    "the answer of exercise-1-3-grade can be guessed",
    "a blank notebook earns the points of exercise-1-3-grade",
    "exercise 1.3 gives full points to a misconception",
)


def make_key_of(text, folder, sandbox):
    path = folder / "01_small.py"
    path.write_text(text, encoding="utf-8")
    return make_key(Lesson.read(path), "a secret of the tests", sandbox)


def test_a_key_that_is_no_good_is_refused_with_all_reasons(tmp_path, sandbox):
    with pytest.raises(GradeError) as caught:
        make_key_of(NO_GOOD, tmp_path, sandbox)
    for words in REASONS:
        assert f"01_small: {words}" in str(caught.value)


def test_a_solution_that_does_not_run_is_no_key(tmp_path, sandbox):
    with pytest.raises(GradeError, match="gives exercise-1-3-grade no answer"):
        make_key_of(LESSON.replace("answer = [cross_", "answer = [missing_"), tmp_path, sandbox)


# Nothing gets out -----------------------------------------------------------------------


def listening(address, family):
    """A socket of this machine, and how many have connected to it so far."""
    server = socket.socket(family)
    server.bind(address)
    server.listen()
    server.setblocking(False)
    return server


def visitors(server):
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


def test_nothing_of_a_submission_gets_out(tmp_path, sandbox, monkeypatch):
    """A cell that writes into folders of the grader and connects to its sockets leaves no trace.

    The same cell, trusted, leaves every one of them: the test can tell.
    """
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    internet = listening(("127.0.0.1", 0), socket.AF_INET)
    abstract = listening(f"\0{tmp_path}", socket.AF_UNIX)
    cell = f"""
import pathlib, pickle, socket
class Evil:
    def __reduce__(self):
        return pathlib.Path.write_text, (pathlib.Path({str(tmp_path / "unpickled")!r}), "")
for folder in ({str(tmp_path)!r}, {str(home)!r}):
    try:
        pathlib.Path(folder, "written").write_text("")
    except OSError:
        pass
for family, address in ((socket.AF_INET, {internet.getsockname()!r}),
                        (socket.AF_UNIX, {abstract.getsockname()!r})):
    try:
        with socket.socket(family) as s:
            s.connect(address)
    except OSError:
        pass
for name in ("submission.ipynb", "report.jsonl", "x.pickle"):
    pathlib.Path(name).write_bytes(pickle.dumps(Evil()))
display({{"application/vnd.coursekit.answer+json": pickle.dumps(Evil()).hex()}}, raw=True)
"""
    traces = []
    for trusted in (True, False):
        assert execute([cell], replace(sandbox, trusted=trusted)).cells[0].outcome == "passed"
        files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
        traces.append((files, visitors(internet), visitors(abstract)))
        for path in tmp_path.rglob("written"):
            path.unlink()
    assert traces == [({"written"}, 1, 1), (set(), 0, 0)]


def test_a_link_in_place_of_a_socket_leads_nowhere(tmp_path, sandbox):
    """The grader connects to a kernel's sockets once, before any code of a submission runs."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # a socket's path must be short
    trap = listening(str(folder / "trap"), socket.AF_UNIX)
    cell = f"""
import pathlib, time
kernel = get_ipython().kernel
for path in pathlib.Path("/run/kernel").glob("s-*"):
    path.unlink()
    path.symlink_to({str(folder / "trap")!r})
kernel.shell_stream.socket.unbind(kernel.shell_stream.socket.last_endpoint)
kernel.shell_stream.socket.close(0)
time.sleep(1)
"""
    execute([cell], replace(sandbox, limits=replace(LIMITS, cell_s=2)))
    assert visitors(trap) == 0


# The grader's own trouble ---------------------------------------------------------------


@pytest.fixture
def job(lesson, key, sandbox, work, tmp_path, monkeypatch):
    """A submission with right answers, and where its key lies."""
    lessons = tmp_path / "staff" / "lessons"
    lessons.mkdir(parents=True)
    (lessons / "01_small.py").write_text(LESSON, encoding="utf-8")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "_sandbox", lambda settings: sandbox)
    run._lesson.cache_clear()
    path = tmp_path / "in" / "ada" / "01_small.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(work.to_bytes())
    key_path = write_key(key, tmp_path / "keys")
    yield run.Job("ada", "01_small", "1", str(path), str(key_path), run.Settings(LIMITS))
    run._lesson.cache_clear()


def servers():
    """The process that forks graders."""
    children = psutil.Process().children()
    return [p for p in children if "staff.grade.forkserver" in " ".join(p.cmdline())]


def graders():
    """The processes that run nbval."""
    return [grader for server in servers() for grader in server.children()]


def full(record):
    return record.status == "graded" and [got for got, _ in record.points.values()] == [3, 3, 2]


@pytest.mark.parametrize("processes", [graders, servers])
def test_a_lost_process_costs_a_retry(job, processes):
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run.work, job)
        wait_for(graders)
        processes()[0].kill()
        assert full(future.result())


def test_a_slow_start_costs_nothing(job, monkeypatch):
    write = execute_module._write_kernelspec

    def slowly(folder, *rest):
        write(folder, *rest)
        path = folder / "kernel.json"
        spec = json.loads(path.read_text())
        spec["argv"] = ["sh", "-c", 'sleep 4; exec "$@"', "sh", *spec["argv"]]
        path.write_text(json.dumps(spec))

    monkeypatch.setattr(execute_module, "_write_kernelspec", slowly)
    assert full(run.work(job))


def test_a_report_that_cannot_be_written_is_no_zero(job, monkeypatch):
    start = execute_module._start

    def nowhere_to_write(folder, sandbox):
        (folder / "report.jsonl").symlink_to(folder / "gone" / "report.jsonl")
        return start(folder, sandbox)

    monkeypatch.setattr(execute_module, "_start", nowhere_to_write)
    monkeypatch.setattr(run, "TRIES", 1)
    record = run.work(job)
    assert (record.status, record.points) == ("retry", {})


def test_what_lies_beside_a_submission_is_not_executed(job, tmp_path):
    evil = f"import pathlib; pathlib.Path({str(tmp_path / 'executed')!r}).touch()"
    for name in ("conftest.py", "sitecustomize.py", "01_small.py", "numpy.py"):
        (Path(job.path).parent / name).write_text(evil)
    (Path(job.path).parent / "pytest.ini").write_text("[pytest]\naddopts = --nbval-skip")
    assert full(run.work(job))
    assert not (tmp_path / "executed").exists()


def test_a_killed_run_goes_on_where_it_stopped(job, sandbox, tmp_path):
    """Three students hand in the same file; the grader is killed after the first of them."""
    for student in ("bo", "cy"):
        shutil.copytree(Path(job.path).parent, tmp_path / "in" / student)
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from pathlib import Path\n"
        "from staff.grade import run\n"
        "from staff.grade.sandbox import Limits, Sandbox\n"
        f"run._sandbox = lambda settings: {sandbox!r}\n"
        f"folder = run.ROOT = Path({str(tmp_path)!r})\n"
        "folders = [folder / name for name in ('in', 'keys', 'out')]\n"
        f"settings = run.Settings({LIMITS!r})\n"
        "print(run.grade(*folders, ThreadPoolExecutor(1), settings, 1))\n"
    )
    records = tmp_path / "out" / "records.jsonl"

    def lines():
        return records.read_text().splitlines() if records.exists() else []

    words = [sys.executable, "-c", code]
    first = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_for(lines)
    finally:
        first.kill()
        first.wait()
    done = lines()
    assert len(done) < 3
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    assert lines()[: len(done)] == done
    found = [Record(**json.loads(line)) for line in lines()]
    assert [record.student for record in found] == ["ada", "bo", "cy"]
    assert all(full(record) for record in found)


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
