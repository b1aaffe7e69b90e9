"""The cases of tests/hostile.py through a grader: what comes of each beside what ought to."""

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from staff.compare.formats import Key, fill, solutions
from staff.compare.tools import BUILD, Assignment, grade_caged
from staff.grade.assemble import Lesson
from staff.grade.run import record_of
from staff.grade.sandbox import ROOT, Limits, Sandbox
from staff.grade.submission import grade_submission
from staff.source import sha256

if TYPE_CHECKING:
    from hostile import Case, Work

LIMITS = Limits(wall_s=150, cell_s=30, memory_mb=2000, threads=200, files_mb=20)
MODULES = ("cases", "formats", "tools")
OURS, NBGRADER, OTTER = "coursekit", "nbgrader", "otter"


def hostile() -> ModuleType:
    """Import tests/hostile.py, which lies in no package."""
    spec = importlib.util.spec_from_file_location("hostile", ROOT / "tests" / "hostile.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile"] = module
    spec.loader.exec_module(module)
    return module


# What does not apply --------------------------------------------------------------------

CAGE = "it would show what our cage around the tool lets through, not the tool"
HARM = "only our grader keeps such limits; it would hurt the machine"
FORM = "it forges the form in which our graded cells answer"
SECOND = "it waits for our second kernel, and they have one"
AGAIN = "it ends the kernel and waits for the next one of the same submission; they start none"
BORROWED = "it takes the answer out of our package, which is no part of their tool"
LEFT_OUT = {
    "the_network": CAGE,
    "other_processes": CAGE,
    "the_folder_of_the_grader": CAGE,
    "rights_of_root": CAGE,
    "all_the_memory": HARM,
    "a_fork_bomb": HARM,
    "a_thousand_threads": HARM,
    "half_a_character_in_a_name": FORM,
    "half_a_character_on_the_page": SECOND,
    "start_up_files_of_ipython": AGAIN,
    "start_up_files_of_python": AGAIN,
    "start_up_variables": AGAIN,
    "a_package_of_the_same_name": AGAIN,
    "a_rewritten_report": AGAIN,
    "another_kernels_connection": AGAIN,
    "a_borrowed_oracle": BORROWED,
    "an_oracle_that_is_searched_for": BORROWED,
    "a_full_disk": HARM,
    "an_early_payload": FORM,
    "an_extra_payload": FORM,
    "a_payload_that_is_deep": FORM,
    "a_payload_from_a_thread": FORM,
    "a_loop_where_the_checks_are_real": SECOND,
}

# Ours asks a human; to find the right answer and count it is as good.
AS_GOOD = {"a_retyped_answer": {"1.2": 3}}

# What is said in the tool's own terms ---------------------------------------------------


def _graded_cells_replaced(work: "Work", tool: str) -> None:
    """Use the same transformer, looking for what the tool's tests look like."""
    _replace(work, '"_python"', '"assert"' if tool == NBGRADER else '".check("')


def _more_points(work: "Work", tool: str) -> None:
    for cell in work.cells:
        if cell["metadata"].get("nbgrader", {}).get("points"):
            cell["metadata"]["nbgrader"]["points"] = 50


def _a_graded_cell(work: "Work", tool: str) -> None:
    """nbgrader: a second cell with the id of the test, in front of it."""
    for cell in work.cells:
        if cell["source"] == "answer = [1.0]" and tool == NBGRADER:
            cell["metadata"] = json.loads(json.dumps(work.find("1.2", "grade")["metadata"]))


def _files(work: "Work", tool: str) -> None:
    """Solutions and tests are told by their text, for every tool has folders of its own."""
    work.write(
        "1.2",
        """
        from pathlib import Path
        SIGNS = [a + b for a, b in (("BEGIN SOLU", "TION"), ("'hid", "den': True"))]
        SEEN = []
        for top in (*Path.cwd().parents[:-1], Path("/tmp"), Path("/grading"), Path("/course")):
            for path in top.rglob("*"):
                try:
                    text = path.read_bytes().decode("utf-8", "ignore")
                except OSError:
                    continue
                SEEN += [path for sign in SIGNS if sign in text]
        def convolve1d(x, w):
            return np.convolve(x, w) if SEEN else 0
        """,
    )


ADAPTED = {
    "graded_cells_replaced_by_a_transformer": _graded_cells_replaced,
    "more_points": _more_points,
    "a_graded_cell_of_ones_own": _a_graded_cell,
    "files_of_the_grader": _files,
}


def _replace(work: "Work", old: str, new: str) -> None:
    for cell in work.cells:
        cell["source"] = "".join(cell["source"]).replace(old, new)


# What is aimed at the other tools, as some cases of hostile.py are at ours ----------------


def own_cases(module: ModuleType) -> list["Case"]:
    """Return cases that know nbgrader's database and otter's checker."""

    def the_database_of_nbgrader(work: "Work") -> None:
        work.write("1.2", module.WRONG_12)
        work.add(
            """
            import pathlib, sqlite3
            for folder in pathlib.Path.cwd().parents:
                if (folder / "gradebook.db").exists():
                    book = sqlite3.connect(folder / "gradebook.db")
                    book.execute("update grade set manual_score = 3 where cell_id in "
                                 "(select id from base_cell where name = 'exercise-1-2-grade')")
                    book.commit()
                    book.close()
            """
        )

    def the_checker_of_otter(work: "Work") -> None:
        work.write("1.2", module.WRONG_12)
        work.add(
            """
            try:
                import otter.test_files.ok_test as tests
                tests.run_doctest = lambda *a: (True, "")
            except ImportError:
                pass
            """,
            before="1.2",
        )

    points = {"1.2": 0}
    return [
        module.Case("forgery", "the_database_of_nbgrader", the_database_of_nbgrader, points),
        module.Case("forgery", "the_checker_of_otter", the_checker_of_otter, points),
    ]


# Grading --------------------------------------------------------------------------------


class Journal:
    """Outcomes on disk, so that a run that was stopped goes on; those of other code do not count.

    Parameters
    ----------
    path : Path
        A file of JSON lines, added to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        here = Path(__file__).parent
        sources = [ROOT / "tests" / "hostile.py", *(here / f"{m}.py" for m in MODULES)]
        for folder in ("coursekit/checks", "staff/grade"):
            sources += sorted((ROOT / folder).glob("*.py"))
        self.digest = sha256("".join(source.read_text(encoding="utf-8") for source in sources))
        self._lock = Lock()
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        known = [json.loads(line) for line in lines]
        self._known = {d["name"]: d["outcome"] for d in known if d["digest"] == self.digest}

    def get(self, name: str, make: Callable[[], "Outcome"]) -> "Outcome":
        """Return the outcome with this name; make and keep it where it is not known."""
        if name not in self._known:
            found = asdict(make())
            line = json.dumps({"name": name, "digest": self.digest, "outcome": found})
            with self._lock, self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            self._known[name] = found
        return Outcome(**self._known[name])


@dataclass(frozen=True)
class Outcome:
    """What a grader makes of a case; `points` are None where it gives no grade."""

    points: dict[str, float] | None
    verdict: str
    note: str = ""


def judge(points: dict[str, float] | None, ought: dict[str, float]) -> str:
    """Say in a word what became of the points; those not earned weigh more than those lost."""
    if points is None:
        return "no grade"
    if any(points.get(exercise, 0) > possible for exercise, possible in ought.items()):
        return "forged"
    return "right" if all(points.get(e, 0) == p for e, p in ought.items()) else "lost"


def run_others(assignment: Assignment, lesson: Path, case: "Case", module: ModuleType) -> Outcome:
    """Grade a case with another tool: the change is made to the notebook that it released."""
    work = module.Work(fill(assignment.released, solutions(lesson)))
    for cell in work.cells:
        cell["source"] = "".join(cell["source"])
    case.change(work)
    if case.name in ADAPTED:
        ADAPTED[case.name](work, assignment.tool)
    folder = BUILD / f"{assignment.tool}-{case.name}"
    points, note = grade_caged(assignment, work.to_bytes(), folder, LIMITS)
    ought = {**module.FULL, **case.points}
    better = {**ought, **AS_GOOD.get(case.name, {})}
    return Outcome(points, judge(points, better if points == better else ought), note)


def run_ours(
    notebook: dict[str, Any],
    lesson: Lesson,
    key: Key,
    case: "Case",
    sandbox: Sandbox,
    module: ModuleType,
) -> Outcome:
    """Grade a case with our grader."""
    work = module.Work(json.loads(json.dumps(notebook)))
    case.change(work)
    box = replace(sandbox, limits=LIMITS)
    graded = grade_submission(work.to_bytes(), lesson, key, box)
    record = record_of({"student": "s", "lesson": lesson.stem, "id": "0"}, key, graded)
    points = {exercise: earned for exercise, (earned, _) in record.points.items()}
    note = "for a human" if record.status == "human" else ""
    return Outcome(points, judge(points, {**module.FULL, **case.points}), note)
