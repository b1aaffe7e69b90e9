"""Compare our grader with nbgrader and otter-grader: `make compare-graders`.

    python -m staff.compare cases     the cases of tests/hostile.py; half an hour
    python -m staff.compare scale     speed; half an hour
    python -m staff.compare           both

Writes its tables into docs/grading-compared.md. Needs bubblewrap and, once, the network: the
other graders are installed below build/compare.
"""

import argparse
import json
import os
import platform
import re
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staff import build
from staff.compare import cases, scale, tools
from staff.compare.cases import NBGRADER, OTTER, OURS, Outcome
from staff.grade import GradeError
from staff.grade.assemble import Lesson
from staff.grade.key import make_key, write_key
from staff.grade.sandbox import Limits, prepare
from staff.reproduce import processor
from staff.source import keep_solution

if TYPE_CHECKING:
    from hostile import Case

PAGE = tools.ROOT / "docs" / "grading-compared.md"
SECRET = "the comparison's secret"
Row = tuple["Case", dict[str, int], dict[str, Outcome]]
VERDICTS = ("right", "forged", "lost", "no grade")


def compare_cases(only: str) -> str:
    """Grade all cases with all three; return the table."""
    module = cases.hostile()
    path = tools.BUILD / "01_small.py"
    path.write_text(module.LESSON, encoding="utf-8")
    lesson = Lesson.read(path)
    notebook = json.loads(json.dumps(build.make_solution(path)))
    for cell in notebook["cells"]:
        cell["source"] = keep_solution(cell["source"])
    journal = cases.Journal(tools.BUILD / "cases.jsonl")
    chosen = [c for c in (*module.CASES, *cases.own_cases(module)) if only in c.name]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as two:
        sandbox = prepare(Path(folder), Limits())
        key = make_key(lesson, SECRET, sandbox)
        others = [tools.prepare(t, path, key, tools.BUILD / f"{t}-small") for t in tools.VERSIONS]

        def grade(case: "Case") -> Row:
            ours = partial(cases.run_ours, notebook, lesson, key, case, sandbox, module)
            outcomes = {OURS: journal.get(f"{OURS} {case.name}", ours)}
            for other in others if case.name not in cases.LEFT_OUT else []:
                theirs = partial(cases.run_others, other, path, case, module)
                outcomes[other.tool] = journal.get(f"{other.tool} {case.name}", theirs)
            told = {tool: (o.verdict, o.points, o.note) for tool, o in outcomes.items()}
            print(case.family, case.name, told, flush=True)
            return case, {**module.FULL, **case.points}, outcomes

        versions = [tools.installed(tool) for tool in tools.VERSIONS]
        return case_table(list(two.map(grade, chosen)), versions)


def case_table(rows: list[Row], versions: list[str]) -> str:
    """Return the table of cases, counts at its foot, and what was left out."""
    head = ["family", "case", "ought", OURS, *versions]
    lines = [_row(*head), _row(*["---"] * len(head))]
    left: dict[str, list[str]] = {}
    for case, ought, outcomes in rows:
        name = case.name.replace("_", " ")
        if case.name in cases.LEFT_OUT:
            left.setdefault(cases.LEFT_OUT[case.name], []).append(name)
        cells = [_outcome(outcomes.get(tool)) for tool in (OURS, NBGRADER, OTTER)]
        lines.append(_row(case.family, name, _points(ought), *cells))
    counts = {
        tool: Counter(o[tool].verdict for _, _, o in rows if NBGRADER in o)
        for tool in (OURS, NBGRADER, OTTER)
    }
    compared = sum(counts[OURS].values())
    foot = [_row("of these", OURS, *versions), _row(*["---"] * 4)]
    for verdict in VERDICTS:
        numbers = (f"{counts[tool][verdict]} of {compared}" for tool in counts)
        foot.append(_row(verdict, *numbers))
    reasons = [f"- {', '.join(names)}: {reason}." for reason, names in left.items()]
    told: dict[str, list[str]] = {}
    for case, _, outcomes in rows:
        for tool, outcome in outcomes.items():
            if outcome.points is None:
                words = f"{tool}: *{case.name.replace('_', ' ')}*"
                told.setdefault(outcome.note, []).append(words)
    parts = ["\n".join(lines), f"The {compared} cases that all three have graded:"]
    parts += ["\n".join(foot), "Left out for the other two, and why:", "\n".join(reasons)]
    if told:
        endings = [f"- `{why}` ({'; '.join(where)})" for why, where in told.items()]
        parts += ["Where a tool gives no grade, it ends with:", "\n".join(endings)]
    return "\n\n".join([*parts, _conditions()])


def _outcome(outcome: Outcome | None) -> str:
    if outcome is None:
        return "–"
    if outcome.points is None:
        return f"**{outcome.verdict}**"
    verdict = outcome.verdict if outcome.verdict == "right" else f"**{outcome.verdict}**"
    note = f", {outcome.note}" if outcome.note else ""
    return f"{_points(outcome.points)} {verdict}{note}"


def _points(points: dict[str, float]) -> str:
    return " ".join(f"{points.get(name, 0):g}" for name in ("1.1", "1.2", "1.3"))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def compare_scale(count: int, rounds: int, many: int) -> str:
    """Measure speed; return the tables."""
    with tempfile.TemporaryDirectory(dir=tools.BUILD) as name:
        folder = Path(name)
        sandbox_folder = folder / "sandbox"
        sandbox_folder.mkdir()
        sandbox = prepare(sandbox_folder, Limits())
        for path in scale.WITHOUT_TENSORFLOW:
            write_key(make_key(Lesson.read(path), SECRET, sandbox), folder / "keys")
        return scale_table(scale.measure(folder / "keys", count, rounds, many))


WAYS = {
    "one core": "coursekit, one worker, all on one core",
    "one worker": "coursekit, one worker",
    "two workers": "coursekit, two workers",
    "nbgrader": "`nbgrader autograde`",
}


def scale_table(found: dict[str, Any]) -> str:
    """Return the tables of speed."""
    turns = found["turns"]
    best = {name: min(seconds) for name, seconds in turns.items()}
    lines = [_row("way", "seconds a submission", "submissions a minute", "to nbgrader's")]
    lines.append(_row(*["---"] * 4))
    for name, words in WAYS.items():
        seconds = ", ".join(f"{s:.1f}" for s in turns[name])
        ratio = f"{best['nbgrader'] / best[name]:.1f}"
        lines.append(_row(words, seconds, f"{60 / best[name]:.1f}", ratio))
    same = "The points are the same for every submission."
    if found["differing"]:
        same = f"The points differ for {', '.join(found['differing'])}."
    steps = [_row("submissions", "seconds", "seconds a submission", "memory of the grader, MB")]
    steps.append(_row(*["---"] * 4))
    for number, seconds, peak in found["many"]["steps"]:
        steps.append(_row(str(number), f"{seconds:.0f}", f"{seconds / number:.1f}", f"{peak:.0f}"))
    names = list(found["each"][scale.LESSON.stem])
    kinds = [_row("lesson", *names), _row(*["---"] * (len(names) + 1))]
    for stem, seconds in found["each"].items():
        kinds.append(_row(f"`{stem}`", *(f"{seconds[name]:.1f}" for name in names)))
    one = "Seconds for one submission, sandbox included, all on one core; the two lessons without "
    one += "TensorFlow. *Other mistakes* are none that a public check knows, in every function."
    about = (
        f"The same {found['count']} submissions of lesson 01, {len(turns['nbgrader'])} times, the "
        f"ways in turns. The last two columns are of each way's best run. {same}"
    )
    many = f"One run of {found['size']} submissions on two workers, looked at on its way:"
    tables = ["\n".join(lines), about, one, "\n".join(kinds), many, "\n".join(steps)]
    return "\n\n".join([*tables, _conditions()])


def _conditions() -> str:
    return (
        f"*Python {platform.python_version()}; {os.cpu_count()} cores of {processor()}, shared "
        f"with other work. `make compare-graders` makes these tables again.*"
    )


def write(part: str, text: str) -> None:
    """Put a table into the page, between its markers."""
    between = re.compile(rf"(<!-- {part} -->\n).*(<!-- /{part} -->)", re.DOTALL)
    page = PAGE.read_text(encoding="utf-8")
    page = between.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page)
    PAGE.write_text(page, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m staff.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("part", nargs="?", choices=("cases", "scale"), help="both by default")
    parser.add_argument("--only", default="", help="cases whose name holds this; print alone")
    parser.add_argument("--count", type=int, default=20, help="submissions in turns")
    parser.add_argument("--rounds", type=int, default=2, help="how often in turns")
    parser.add_argument("--many", type=int, default=200, help="submissions of the long run")
    options = parser.parse_args(arguments)
    try:
        for tool in tools.VERSIONS:
            tools.environment(tool)
        if options.part != "scale":
            table = compare_cases(options.only)
            if not options.only:
                write("cases", table)
        if options.part != "cases":
            write("scale", compare_scale(options.count, options.rounds, options.many))
    except (GradeError, tools.ToolError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
