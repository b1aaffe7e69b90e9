"""Grade submissions.

    python -m staff.grade key --seed SECRET --out KEYS            make the keys of all lessons
    python -m staff.grade run --submissions IN --key KEYS --out OUT

docs/grading.md says what lies where, and what is safe.
"""

import argparse
import os
import secrets
import sys
import tempfile
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from staff.grade import GradeError
from staff.grade.assemble import Lesson
from staff.grade.decisions import decide, read_decisions
from staff.grade.key import make_key, write_key
from staff.grade.report import write_reports
from staff.grade.run import Settings, clean_up, grade
from staff.grade.sandbox import ROOT, Limits, prepare
from staff.source import LessonError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (GradeError, LessonError) as error:
        print(error, file=sys.stderr)
    except OSError as error:  # a full disk, for one
        print(f"{error}; what was done before is kept, run this again", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m staff.grade", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True)
    key = commands.add_parser("key", help="execute the solutions and keep what they display")
    key.set_defaults(command=_key)
    key.add_argument("--seed", help="the secret; without it one is drawn")
    key.add_argument("--out", type=Path, required=True, help="folder for the keys")
    key.add_argument("--lesson", default="", help="number of one lesson, such as 05")
    run = commands.add_parser("run", help="grade the submissions in a folder")
    run.set_defaults(command=_run)
    for name in ("submissions", "key", "out"):
        run.add_argument(f"--{name}", type=Path, required=True, help="a folder")
    run.add_argument("--executor", default="", help="address of a dask scheduler to work on")
    run.add_argument("--workers", type=_count, default=os.cpu_count() or 1)
    resume = argparse.BooleanOptionalAction
    run.add_argument("--resume", action=resume, default=True, help="keep what is graded already")
    # Solutions are the course's own, and end.
    for command, limits in ((key, Limits(wall_s=3600, cell_s=1200)), (run, Limits())):
        command.add_argument("--timeout", type=float, default=limits.wall_s, help="seconds")
        command.add_argument("--cell-timeout", type=float, default=limits.cell_s, help="seconds")
        command.add_argument("--memory", type=int, default=limits.memory_mb, help="megabytes")
    run.add_argument(
        "--trust-submissions",
        action="store_true",
        help="run without the sandbox: every submission can do what you can do",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of workers")
    return int(text)


def _limits(options: argparse.Namespace) -> Limits:
    return Limits(options.timeout, options.cell_timeout, options.memory)


def _key(options: argparse.Namespace) -> int:
    """Make keys; all lessons are tried, so that one refusal does not hide another."""
    secret = options.seed or secrets.token_hex(16)
    paths = sorted((ROOT / "staff" / "lessons").glob(f"{options.lesson}*_*.py"))
    lessons = [lesson for lesson in map(Lesson.read, paths) if lesson.graded]
    if not lessons:
        raise GradeError(f"no lesson {options.lesson} has graded cells")
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        sandbox = prepare(Path(folder), _limits(options))
        for lesson in lessons:
            try:
                path = write_key(make_key(lesson, secret, sandbox), options.out)
            except GradeError as error:
                print(error, file=sys.stderr)
                status = 2
                continue
            points = sum(cell["points"] for cell in lesson.graded)
            print(f"{path}: {len(lesson.exercises())} exercises, {points} points")
    return status


def _run(options: argparse.Namespace) -> int:
    settings = Settings(_limits(options), options.trust_submissions)
    folders = (options.submissions, options.key, options.out)
    with _executor(options) as executor:
        try:
            records, odd = grade(*folders, executor, settings, options.workers, options.resume)
        except KeyboardInterrupt:
            executor.shutdown(wait=False, cancel_futures=True)
            print("stopped; what is graded is kept, run this again", file=sys.stderr, flush=True)
            clean_up()
            os._exit(130)  # and with this process all that it has started
    records = decide(records, read_decisions(options.out / "decisions.csv"))
    write_reports(records, options.out)
    for words in odd:
        print(f"not graded: {words}", file=sys.stderr)
    open_ones = [record for record in records if record.status != "graded"]
    for record in open_ones:
        findings = "; ".join(record.findings)
        print(f"{record.student}, {record.lesson}: {record.status}: {findings}", file=sys.stderr)
    print(f"{len(records)} submissions, {len(records) - len(open_ones)} graded; see {options.out}")
    return 1 if open_ones or odd else 0


def _executor(options: argparse.Namespace) -> Executor:
    """Return threads on this machine, each with processes of its own, or a dask cluster."""
    if not options.executor:
        return ThreadPoolExecutor(options.workers)
    from dask.distributed import Client

    return Client(options.executor).get_executor()


if __name__ == "__main__":
    sys.exit(main())
