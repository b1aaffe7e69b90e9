"""nbgrader and otter-grader: set up in environments of their own, run in a cage.

Neither has a sandbox. Hostile submissions are therefore graded in a cage around the whole
tool: no network, own process numbers, an empty home, and limits kept from outside.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from staff.compare.formats import Key, nbgrader_source, otter_source, question
from staff.grade.execute import watch
from staff.grade.sandbox import ROOT, SYSTEM, Limits, Sandbox, show_system

BUILD = ROOT / "build" / "compare"
VERSIONS = {"nbgrader": "nbgrader>=0.9.6,<0.10", "otter": "otter-grader>=7,<8"}
ASSIGNMENT, STUDENT = "lesson", "s"
# nbgrader's own API says the same, after seconds of imports.
POINTS = """
import json, sqlite3
rows = sqlite3.connect("gradebook.db").execute(
    "select student_id, name, coalesce(manual_score, auto_score), needs_manual_grade "
    "from grade join base_cell on base_cell.id = cell_id "
    "join submitted_notebook on submitted_notebook.id = grade.notebook_id "
    "join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id"
)
print(json.dumps(rows.fetchall()))
"""

Points = dict[str, float]


class ToolError(Exception):
    """A tool could not be set up; what it said."""


def environment(tool: str) -> Path:
    """Return the tool's own environment; made once, with what lesson 01 needs of the course.

    The versions are those of the course's lock file, so that speed is compared alike.
    """
    folder = BUILD / tool
    ready = folder / "ready"
    if ready.exists():
        return folder
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {d.split(">")[0] for d in project["dependencies"]} - {"keras", "tensorflow"}
    names |= {"ipykernel"}
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    needed = [line for line in locked if line.split("==")[0] in names]
    uv = str(Path(sys.executable).parent / "uv")
    _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(folder)]
    _run([*install, VERSIONS[tool], *needed])
    ready.touch()
    return folder


def installed(tool: str) -> str:
    """Return the name and version of a tool as they are installed."""
    name = VERSIONS[tool].split(">")[0]
    code = f"from importlib.metadata import version; print(version({name!r}))"
    out = subprocess.run([_python(tool), "-c", code], capture_output=True, text=True, check=True)
    return f"{name} {out.stdout.strip()}"


@dataclass(frozen=True)
class Assignment:
    """A lesson in a tool's own format: a folder to grade in, and the notebook for students."""

    tool: str
    folder: Path
    released: dict[str, Any]
    key: Key


def prepare(tool: str, lesson: Path, key: Key, folder: Path) -> Assignment:
    """Make an assignment of a lesson in an empty folder, by the tool's own command.

    Raises
    ------
    ToolError
        Where the tool refuses.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if tool == "nbgrader":
        _write(folder / "source" / ASSIGNMENT / "work.ipynb", nbgrader_source(lesson, key))
        run_plain(
            [_python(tool), "-m", "nbgrader", "generate_assignment", ASSIGNMENT], tool, folder
        )
        released = folder / "release" / ASSIGNMENT / "work.ipynb"
    else:
        _write(folder / "work.ipynb", otter_source(lesson, key))
        words = ["otter", "assign", "--no-pdfs", "work.ipynb", "dist"]
        run_plain([_python(tool), "-m", *words], tool, folder)
        released = folder / "dist" / "student" / "work.ipynb"
        (archive,) = (folder / "dist" / "autograder").glob("*.zip")
        archive.rename(folder / "autograder.zip")
    notebook = json.loads(released.read_text(encoding="utf-8"))
    if tool == "otter":  # it needs nothing but the archive, and so shows nothing else
        shutil.rmtree(folder / "dist")
        (folder / "work.ipynb").unlink()
    return Assignment(tool, folder, notebook, key)


def _write(path: Path, notebook: nbformat.NotebookNode) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def command(assignment: Assignment, cell_s: float) -> list[str]:
    """Return the tool's command that grades what was handed in."""
    words = [_python(assignment.tool), "-m"]
    if assignment.tool == "nbgrader":
        return [*words, "nbgrader", "autograde", ASSIGNMENT, f"--Execute.timeout={cell_s:g}"]
    return [*words, "otter", "run", "work.ipynb", "-a", "autograder.zip", "--no-logo"]


def hand_in(assignment: Assignment, folder: Path, student: str, content: bytes) -> None:
    """Put a submission where the tool looks for it."""
    path = folder / "work.ipynb"
    if assignment.tool == "nbgrader":
        path = folder / "submitted" / student / ASSIGNMENT / "work.ipynb"
        path.parent.mkdir(parents=True)
    path.write_bytes(content)


def grade_caged(
    assignment: Assignment, content: bytes, folder: Path, limits: Limits
) -> tuple[Points | None, str]:
    """Grade one submission in the cage.

    Returns
    -------
    points : dict or None
        Points by exercise; None where the tool gives no grade.
    note : str
        "for a human" where the tool asks for one; without points, how the tool ended.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(assignment.folder, folder)
    hand_in(assignment, folder, STUDENT, content)
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            caged(command(assignment, limits.cell_s), assignment.tool, folder),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        end = watch(process, Sandbox("", limits=limits))
    why = _why(end, process.returncode, log.read_bytes()[-20_000:].decode("utf-8", "replace"))
    read = nbgrader_points if assignment.tool == "nbgrader" else otter_points
    points, asks = read(assignment.key, folder).get(STUDENT, (None, False))
    shutil.rmtree(folder)
    if points is None:
        return None, why
    return points, "for a human" if asks else ""


def _why(end: str, status: int, log: str) -> str:
    """Say in a line how a tool has ended without a grade."""
    if end != "complete":
        return {"time": "it never ends", "memory": "it takes more memory than it may"}[end]
    if status == 0:
        return "its command succeeds, and points are missing in what it stores"
    if status in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return "the submission has killed it"
    errors = re.findall(r"^[ ]*([\w.]+(?:Error|Exception|NoSuchKernel)\b.*)$", log, re.MULTILINE)
    errors = errors or re.findall(r"\| ERROR\] (.*)$", log, re.MULTILINE)
    return (errors or log.strip().splitlines() or ["it says nothing"])[-1][:200]


def nbgrader_points(key: Key, folder: Path) -> dict[str, tuple[Points | None, bool]]:
    """Return what stands in nbgrader's database, by student.

    That is the points by exercise, None where they are not all there, and whether it asks for
    a human to grade.
    """
    result = subprocess.run(
        caged([_python("nbgrader"), "-c", POINTS], "nbgrader", folder),
        capture_output=True,
        text=True,
        check=False,
    )
    exercises = {cell["name"]: cell["exercise"] for cell in key["cells"]}
    grades: dict[str, list[tuple[str, float | None, bool]]] = {}
    for student, name, score, asks in json.loads(result.stdout or "[]"):
        if name in exercises:
            grades.setdefault(student, []).append((exercises[name], score, bool(asks)))
    return {
        student: (
            None if any(s is None for _, s, _ in rows) else _sum((e, s) for e, s, _ in rows),
            any(asks for _, _, asks in rows),
        )
        for student, rows in grades.items()
    }


def otter_points(key: Key, folder: Path) -> dict[str, tuple[Points, bool]]:
    """Return what stands in otter's results.json, in the same form."""
    try:
        tests = json.loads((folder / "results.json").read_text(encoding="utf-8"))["tests"]
    except (OSError, ValueError, KeyError):
        return {}
    names = {question(cell["exercise"]): cell["exercise"] for cell in key["cells"]}
    pairs = [(names.get(t["name"].split(" ")[0]), t.get("score", 0)) for t in tests]
    return {STUDENT: (_sum(pair for pair in pairs if pair[0]), False)}


def _sum(pairs: Iterable[tuple[str, float]]) -> Points:
    total: Points = {}
    for exercise, score in pairs:
        total[exercise] = total.get(exercise, 0) + score
    return total


def caged(words: list[str], tool: str, folder: Path) -> list[str]:
    """Return a command that runs another one in the cage; it may write in `folder` alone."""
    cage = ["prlimit", "--as=4000000000", "--fsize=200000000", "--nofile=1024", "--core=0"]
    cage += ["bwrap", "--unshare-all", "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000"]
    cage += ["--die-with-parent", "--new-session", "--clearenv", "--proc", "/proc", "--dev", "/dev"]
    cage += ["--size", "500000000", "--tmpfs", "/tmp"]
    for path in (*SYSTEM, sys.base_prefix, str(BUILD / tool)):
        cage += show_system(path)
    cage += ["--ro-bind", str(ROOT / "coursekit"), "/course/coursekit"]
    # otter's server asks for the machine's own name.
    hosts = folder / "hosts"
    hosts.write_text("127.0.0.1 localhost\n", encoding="utf-8")
    cage += ["--hostname", "localhost", "--ro-bind", str(hosts), "/etc/hosts"]
    cage += ["--bind", str(folder), "/grading", "--chdir", "/grading"]
    for name, value in _variables(tool, "/course", "/tmp").items():
        cage += ["--setenv", name, value]
    return [*cage, *words]


def _variables(tool: str, course: str, home: str) -> dict[str, str]:
    return {
        "HOME": home,
        "PATH": f"{BUILD / tool}/bin:/usr/bin:/bin",
        "PYTHONPATH": course,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "COURSEKIT_QUICK": "1",
        "COURSEKIT_OFFLINE": "1",
    }


def _python(tool: str) -> str:
    return str(BUILD / tool / "bin" / "python")


def run_plain(words: list[str], tool: str, folder: Path) -> None:
    """Run a tool's command without the cage, on what is trusted."""
    home = BUILD / "home"
    home.mkdir(exist_ok=True)
    _run(words, folder, _variables(tool, str(ROOT), str(home)))


def _run(
    words: list[str], folder: Path | None = None, variables: dict[str, str] | None = None
) -> None:
    result = subprocess.run(
        words, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ToolError(f"{' '.join(words[-4:])}: {(result.stdout + result.stderr)[-2000:]}")
