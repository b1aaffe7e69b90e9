"""Grade a folder of submissions, over any executor, so that a killed run can go on."""

import contextlib
import functools
import json
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from staff.grade import GradeError
from staff.grade.assemble import Lesson, UnreadableError, read_submission
from staff.grade.records import Record, Records, record_id
from staff.grade.sandbox import ROOT, Limits, Sandbox, environment_digest, prepare, require_hidden
from staff.grade.submission import CrowdedError, Graded, TroubleError, grade_submission
from staff.source import sha256

TRIES = 3
KEY_FIELDS = ("digest", "cells", "slowest_s", "seconds")
PATIENCE = 4
_lock = threading.Lock()
_crowd = threading.Lock()
_folders: list[tempfile.TemporaryDirectory] = []


@dataclass(frozen=True)
class Settings:
    """What is the same for all submissions of a run."""

    limits: Limits = field(default_factory=Limits)
    trusted: bool = False


@dataclass(frozen=True)
class Job:
    """A submission to grade, as it is handed to a worker: plain data, no secret of others."""

    student: str
    lesson: str
    id: str
    path: str
    key: str
    settings: Settings


# Finding --------------------------------------------------------------------------------


def find_submissions(
    folder: Path, lessons: list[str]
) -> tuple[dict[tuple[str, str], Path], list[str]]:
    """Find what there is to grade.

    Submissions lie at `<student>/<lesson>.ipynb` or at `<lesson>_<student>.ipynb`. What
    browsers and learning platforms make of these names is understood, such as
    `Copy of <lesson>.ipynb`, `<lesson> (1).ipynb` and `<student>_<numbers>_<lesson>.ipynb`.

    Returns
    -------
    found : dict
        Paths by student and lesson.
    odd : list of str
        What is not graded, in words: named after no lesson, handed in twice, too deep, a link.
    """
    found: dict[tuple[str, str], Path] = {}
    links = [path for path in folder.iterdir() if path.is_symlink() and path.is_dir()]
    odd = [f"{printable(path.name)}: a link, not entered" for path in sorted(links)]
    for path in sorted(folder.rglob("*.ipynb")):
        name, parts = printable(str(path.relative_to(folder))), path.relative_to(folder).parts
        named = [lesson for lesson in lessons if lesson in path.stem]
        if ".ipynb_checkpoints" in parts or path.parent in links:
            continue
        if len(parts) > 2:
            odd.append(f"{name}: too deep; put it into one folder for each student")
        elif len(named) != 1:
            odd.append(f"{name}: named after no lesson that has a key")
        elif not (student := printable(_student(parts, named[0]))):
            odd.append(f"{name}: names no student")
        elif (student, named[0]) in found:
            odd.append(f"{name}: handed in twice; remove one of the two")
        else:
            found[student, named[0]] = path
    return found, odd


def _student(parts: tuple[str, ...], lesson: str) -> str:
    """Return whose submission this is: its folder's name, or else the rest of its own name."""
    if len(parts) == 2:
        return parts[0]
    before, _, behind = parts[0].removesuffix(".ipynb").partition(lesson)
    behind = re.sub(r"(-\d+|\s*\(\d+\))$", "", behind)
    return f"{before.removeprefix('Copy of ')}{behind}".strip(" _-")


def printable(name: str) -> str:
    """Return a file's name as ordinary text; it may hold bytes and characters that are none."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def read_keys(folder: Path) -> dict[str, str]:
    """Return the text of each key in a folder, by its lesson, checked against the lessons.

    Raises
    ------
    GradeError
        Where there is none, one is damaged, or a lesson has changed since its key was made.
    """
    keys = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))}
    if not keys:
        raise GradeError(f"{folder} holds no key; make one with `make key SEED=...`")
    for stem, text in keys.items():
        try:
            key = json.loads(text)
            known = {name: key[name] for name in KEY_FIELDS}
        except (ValueError, KeyError, TypeError):
            known = {}
        if not known or not _source(stem).exists():
            raise GradeError(
                f"{folder / stem}.json is no key of a lesson; make it again, or remove it"
            )
        if known["digest"] != _lesson(stem).digest:
            raise GradeError(
                f"lesson {stem} has changed since its key was made; make the key again"
            )
    return keys


@functools.lru_cache
def _lesson(stem: str) -> Lesson:
    return Lesson.read(_source(stem))


def _source(stem: str) -> Path:
    return ROOT / "staff" / "lessons" / f"{stem}.py"


# Working --------------------------------------------------------------------------------


@functools.lru_cache
def _sandbox(settings: Settings) -> Sandbox:
    """Prepare the sandbox, once for each process that grades."""
    folder = tempfile.TemporaryDirectory(prefix="coursekit-grade-", ignore_cleanup_errors=True)
    _folders.append(folder)
    return prepare(Path(folder.name), settings.limits, settings.trusted)


def clean_up() -> None:
    """Remove what graders have been shown; else that happens when this process ends."""
    for folder in _folders:
        folder.cleanup()


def work(job: Job) -> Record:
    """Grade one submission; this is what an executor calls."""
    known = {"student": job.student, "lesson": job.lesson, "id": job.id}
    with _lock:
        sandbox = _sandbox(job.settings)
    key = json.loads(Path(job.key).read_text(encoding="utf-8"))
    sandbox = replace(sandbox, limits=patient(sandbox.limits, key))
    why, turn = "", contextlib.nullcontext()
    for _ in range(TRIES):
        try:
            with turn:
                content = read_submission(Path(job.path))
                graded = grade_submission(content, _lesson(job.lesson), key, sandbox)
        except UnreadableError as error:
            return Record(**known, status="human", points=_points(key, {}), findings=[str(error)])
        except (TroubleError, OSError) as error:
            why = str(error)
            # Those that ran when memory was gone come one at a time: one of them took it.
            turn = _crowd if isinstance(error, CrowdedError) else turn
            continue
        return record_of(known, key, graded)
    return Record(**known, status="retry", findings=[f"the grader failed {TRIES} times: {why}"])


def patient(limits: Limits, key: dict[str, Any]) -> Limits:
    """Return limits that leave a lesson several times as long as its solution took."""
    cell_s = max(limits.cell_s, PATIENCE * key["slowest_s"])
    return replace(limits, cell_s=cell_s, wall_s=max(limits.wall_s, PATIENCE * key["seconds"]))


def _points(key: dict[str, Any], verdicts: dict[str, Any]) -> dict[str, list[int]]:
    points: dict[str, list[int]] = {}
    for cell in key["cells"]:
        both = points.setdefault(cell["exercise"], [0, 0])
        verdict = verdicts.get(cell["name"])
        both[0] += cell["points"] if verdict is not None and verdict.right else 0
        both[1] += cell["points"]
    return points


def record_of(known: dict[str, str], key: dict[str, Any], graded: Graded) -> Record:
    """Return the record of a graded submission; `known` are its student, lesson and id."""
    words: dict[str, list[str]] = {}
    for cell in key["cells"]:
        verdict = graded.verdicts[cell["name"]]
        said = words.setdefault(cell["exercise"], [])
        if not verdict.right and verdict.words not in said:
            said.append(verdict.words)
    findings = [f"{f.exercise}: {f.words}" if f.exercise else f.words for f in graded.findings]
    return Record(
        **known,
        status="human" if any(f.human for f in graded.findings) else "graded",
        points=_points(key, graded.verdicts),
        words={exercise: said for exercise, said in words.items() if said},
        messages=graded.messages,
        findings=list(dict.fromkeys(findings)),
        seconds=round(graded.seconds, 2),
    )


def grade(
    submissions: Path,
    keys: Path,
    out: Path,
    executor: Executor,
    settings: Settings,
    workers: int,
    resume: bool = True,
) -> tuple[list[Record], list[str]]:
    """Grade what is not graded yet, and return the records of all submissions.

    Parameters
    ----------
    submissions, keys, out : Path
        Folders with submissions and keys, and one for the results.
    executor : concurrent.futures.Executor
        Does the work; workers on other machines need the same paths.
    settings : Settings
        Limits, and whether submissions are trusted.
    workers : int
        How many the executor has; twice as many submissions are handed out at a time.
    resume : bool
        Keep the results that are there, of the same submissions, keys and settings.

    Returns
    -------
    records : list of Record
        One for each submission, in the order of the folder.
    odd : list of str
        Notebooks that were not graded, each with the reason.

    Raises
    ------
    GradeError
        Where no submission can be graded at all.
    """
    jobs, odd = _jobs(submissions, keys, settings)
    if not settings.trusted:
        require_hidden((submissions, keys, out, ROOT / "staff"), _sandbox(settings))
    out.mkdir(parents=True, exist_ok=True)
    records = Records(out / "records.jsonl")
    waiting = [job for job in jobs if not resume or records.get(job.id) is None]
    done = tqdm(total=len(jobs), initial=len(jobs) - len(waiting), unit="submission")
    results = {job.id: records.get(job.id) for job in jobs}
    with done:
        for record in _results(waiting, executor, 2 * workers):
            records.add(record)
            results[record.id] = record
            done.update()
    return [results[job.id] for job in jobs], odd


def _jobs(submissions: Path, keys: Path, settings: Settings) -> tuple[list[Job], list[str]]:
    if not submissions.is_dir():
        raise GradeError(f"{submissions} is no folder; name the one with the submissions")
    texts = read_keys(keys)
    environment = environment_digest()
    found, odd = find_submissions(submissions, list(texts))
    jobs = []
    for (student, lesson), path in found.items():
        try:
            content = sha256(read_submission(path).hex())
        except UnreadableError as error:
            content = str(error)
        parts = [student, content, texts[lesson], environment, json.dumps(asdict(settings))]
        name = record_id(*parts)
        key = str((keys / f"{lesson}.json").absolute())
        jobs.append(Job(student, lesson, name, str(path.absolute()), key, settings))
    return jobs, odd


def _results(jobs: list[Job], executor: Executor, ahead: int) -> Iterator[Record]:
    """Yield records as they are finished, with `ahead` jobs handed out at a time.

    A job whose worker is lost is handed out again, a few times.
    """
    queue = iter(jobs)
    running: dict[Future, tuple[Job, int]] = {}

    def hand_out(job: Job, tries: int) -> None:
        running[executor.submit(work, job)] = (job, tries)

    for job in queue:
        hand_out(job, 1)
        if len(running) >= ahead:
            yield from _finish(running, hand_out)
    while running:
        yield from _finish(running, hand_out)


def _finish(
    running: dict[Future, tuple[Job, int]], hand_out: Callable[[Job, int], None]
) -> Iterator[Record]:
    finished, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in finished:
        job, tries = running.pop(future)
        error = future.exception()
        if error is None:
            yield future.result()
        elif isinstance(error, GradeError):
            raise error
        elif tries < TRIES:
            hand_out(job, tries + 1)
        else:
            why = f"the worker was lost {TRIES} times: {type(error).__name__}"
            yield Record(job.student, job.lesson, job.id, "retry", findings=[why])
