"""Speed: many submissions of lesson 01 through our grader, and a few in turns with nbgrader."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import psutil

from staff.build import Course
from staff.compare.formats import Key, fill, solutions
from staff.compare.tools import BUILD, command, hand_in, nbgrader_points, prepare, run_plain
from staff.grade.sandbox import ROOT

WITHOUT_TENSORFLOW = tuple(
    ROOT / "staff" / "lessons" / f"{stem}.py" for stem in ("01_convolution_1d", "02_convolution_2d")
)
LESSON = WITHOUT_TENSORFLOW[0]
STEPS = (25, 50, 100, 200)
# How likely an answer is of a kind.
LOT = {"right": 0.6, "known mistakes": 0.2, "other mistakes": 0.1, "blank": 0.1}
# What makes a right answer wrong, in a way that the public check knows.
MISTAKES = {
    "1.1": ("0, 1, -2, 3, -2, 1, 0", "0, -1, 2, -3, 2, -1, 0"),
    "1.2": ("value * w", "value * w[::-1]"),
    "1.3": ("@ w for", "@ w[::-1] for"),
    "1.4": ("((k - 1) // 2, k // 2)", "(k // 2, (k - 1) // 2)"),
    "1.5": ("[-1, +1]", "[+1, -1]"),
    "1.6a": ("// stride + 1", "// stride"),
    "1.6b": ("span + 1, stride)", "span + 1)"),
    "1.7": ("return C", "return C.T"),
    "2.1a": ("i + m, j", "i + kh - 1 - m, j"),
    "2.1b": ("windows, kernel)", "windows, kernel[::-1])"),
    "2.2": ("[::-1, ::-1]", ""),
    "2.3a": ("((k - 1) // 2, k // 2)", "(0, k - 1)"),
    "2.3b": ("[::stride, ::stride]", ""),
    "2.4": ("[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]", "[[1, 0, -1], [2, 0, -2], [1, 0, -1]]"),
    "2.5": (" + bias", ""),
    "2.6": ("(inputs + 1)", "inputs"),
}


@dataclass(frozen=True)
class Submission:
    """A student's answers by exercise; those that are left out are blank."""

    student: str
    answers: dict[str, str]


def submissions(count: int) -> list[Submission]:
    """Return submissions in which each answer is right, wrong or blank, by lot."""
    rng = np.random.default_rng(0)
    answers = {one.student: one.answers for one in kinds(LESSON)}
    found = []
    for number in range(count):
        chosen = {
            exercise: answers[kind][exercise]
            for exercise in answers["right"]
            if (kind := str(rng.choice(list(LOT), p=list(LOT.values())))) != "blank"
        }
        found.append(Submission(f"student{number:03}", chosen))
    return found


def kinds(lesson: Path) -> list[Submission]:
    """Return a submission of each kind; the student is named after it.

    All is right; nothing is written; each answer is a mistake that the public check knows;
    each function returns what nobody foresaw, so that the public checks are asked.
    """
    right = solutions(lesson)
    known = {exercise: source.replace(*MISTAKES[exercise]) for exercise, source in right.items()}
    other = {exercise: _odd(source) for exercise, source in right.items()}
    answers = {"right": right, "blank": {}, "known mistakes": known, "other mistakes": other}
    return [Submission(name, found) for name, found in answers.items()]


def _odd(source: str) -> str:
    """Return an answer whose function, where it defines one, returns something else."""
    name = re.search(r"^def (\w+)", source, flags=re.MULTILINE)
    if name is None:
        return source
    call = f"1.37 * np.asarray(_{name[1]}(*values))"
    return f"{source}\n\n_{name[1]} = {name[1]}\ndef {name[1]}(*values):\n    return {call}"


def write_ours(folder: Path, chosen: list[Submission], lesson: Path = LESSON) -> None:
    """Write submissions as our grader finds them."""
    shutil.rmtree(folder, ignore_errors=True)
    path = Course(ROOT).notebook(lesson)
    notebook = json.loads(nbformat.writes(nbformat.read(path, as_version=4)))
    for one in chosen:
        (folder / one.student).mkdir(parents=True)
        text = json.dumps(fill(notebook, one.answers))
        (folder / one.student / path.name).write_text(text, encoding="utf-8")


def run_ours(
    folder: Path, keys: Path, workers: int, processors: set[int] | None = None
) -> dict[str, Any]:
    """Grade a folder in a process of its own.

    Returns
    -------
    dict
        `seconds` for all; `steps`, for each of STEPS that was reached the seconds until then
        and the process's largest memory until then in MB; `totals` and `each`, points and
        seconds by student.
    """
    out = Path(tempfile.mkdtemp(dir=BUILD))
    words = [sys.executable, "-m", "staff.grade", "run", "--submissions", str(folder)]
    words += ["--key", str(keys), "--out", str(out), "--workers", str(workers)]
    start = time.monotonic()
    process = psutil.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if processors:
        process.cpu_affinity(list(processors))
    steps = []
    largest = 0
    records = out / "records.jsonl"
    while process.poll() is None:
        time.sleep(0.2)
        largest = max(largest, _peak_kb(process.pid))
        done = records.read_bytes().count(b"\n") if records.exists() else 0
        while len(steps) < len(STEPS) and done >= STEPS[len(steps)]:
            steps.append((STEPS[len(steps)], time.monotonic() - start, largest / 1000))
    seconds = time.monotonic() - start
    found = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()]
    totals = {r["student"]: sum(earned for earned, _ in r["points"].values()) for r in found}
    each = {r["student"]: r["seconds"] for r in found}
    shutil.rmtree(out)
    return {"seconds": seconds, "steps": steps, "totals": totals, "each": each}


def _peak_kb(pid: int) -> int:
    """Return the largest memory that a process, without those below it, has ever had."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def run_nbgrader(chosen: list[Submission], key: Key) -> dict[str, Any]:
    """Grade submissions by one `nbgrader autograde`; return seconds and points by student."""
    assignment = prepare("nbgrader", LESSON, key, BUILD / "nbgrader-speed")
    for one in chosen:
        content = json.dumps(fill(assignment.released, one.answers)).encode()
        hand_in(assignment, assignment.folder, one.student, content)
    start = time.monotonic()
    run_plain(command(assignment, cell_s=60), "nbgrader", assignment.folder)
    seconds = time.monotonic() - start
    found = nbgrader_points(key, assignment.folder)
    return {"seconds": seconds, "totals": {s: sum(p.values()) for s, (p, _) in found.items() if p}}


def measure(keys: Path, count: int, rounds: int, many: int) -> dict[str, Any]:
    """Measure everything about speed.

    Parameters
    ----------
    keys : Path
        A folder with the keys of the lessons without TensorFlow.
    count, rounds : int
        So many submissions, so many times, in turns with nbgrader.
    many : int
        Submissions of the long run on two workers.
    """
    key = json.loads((keys / f"{LESSON.stem}.json").read_text(encoding="utf-8"))
    chosen = submissions(many)
    few, all_ = BUILD / "few", BUILD / "many"
    write_ours(few, chosen[:count])
    write_ours(all_, chosen)
    core = {min(os.sched_getaffinity(0))}
    ways = {
        "one worker": lambda: run_ours(few, keys, 1),
        "two workers": lambda: run_ours(few, keys, 2),
        "one core": lambda: run_ours(few, keys, 1, core),
        "nbgrader": lambda: run_nbgrader(chosen[:count], key),
    }
    turns: dict[str, list[float]] = {name: [] for name in ways}
    totals = {}
    for _ in range(rounds):
        for name, way in ways.items():
            result = way()
            turns[name].append(result["seconds"] / count)
            totals[name] = result["totals"]
            print(f"{name}: {turns[name][-1]:.1f} s a submission", flush=True)
    differing = [
        s for s in totals["nbgrader"] if totals["nbgrader"][s] != totals["two workers"].get(s)
    ]
    each = {}
    for lesson in WITHOUT_TENSORFLOW:
        # The first one of a run waits for the process that starts nbval.
        write_ours(few, [Submission("0", {}), *kinds(lesson)], lesson)
        each[lesson.stem] = run_ours(few, keys, 1, core)["each"]
        del each[lesson.stem]["0"]
    return {
        "each": each,
        "count": count,
        "turns": turns,
        "differing": differing,
        "many": run_ours(all_, keys, 2),
        "size": many,
    }
