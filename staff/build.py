"""Build the course: each lesson becomes a notebook for students and an executed solution.

    python -m staff.build             execute the lessons whose code changed, write all files
    python -m staff.build 01 04       execute these again, whether they changed or not
    python -m staff.build --check     write and execute nothing; fail where a file is not in sync

Notebooks and solutions are generated and committed; the lessons are their only source.
"""

import argparse
import getpass
import json
import os
import re
import socket
import sys
import tempfile
import textwrap
import time
import tomllib
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from staff import ROOT
from staff.source import LessonError, cut_solution, keep_solution, read_lesson, sha256

MAX_BYTES = 1_500_000
CELL_TIMEOUT_S = 1200
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Course:
    """Where the course lies; `repository` is its public URL or empty."""

    root: Path
    repository: str = ""

    @classmethod
    def read(cls, root: Path) -> "Course":
        """Read the course's own settings from pyproject.toml."""
        settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        repository = settings.get("tool", {}).get("coursekit", {}).get("repository", "")
        return cls(root, repository.rstrip("/"))

    def lessons(self) -> list[Path]:
        """Return the lesson sources in their order."""
        return sorted((self.root / "staff" / "lessons").glob("[0-9][0-9]_*.py"))

    def notebook(self, lesson: Path) -> Path:
        """Return where the students' notebook of a lesson lies."""
        return self.root / "notebooks" / f"{lesson.stem}.ipynb"

    def solution(self, lesson: Path) -> Path:
        """Return where the executed solution of a lesson lies."""
        return self.root / "staff" / "solutions" / f"{lesson.stem}.ipynb"


# Making notebooks -----------------------------------------------------------------------


def make_solution(lesson: Path) -> NotebookNode:
    """Return the solution of a lesson, not yet executed."""
    cells = []
    for cell in read_lesson(lesson):
        kit = cell.metadata.get("coursekit", {})
        if kit.get("role") == "grade":
            continue
        if kit.get("role") == "check":
            cell.metadata["tags"] = ["nbval-check-output"]
        cells.append(_new_cell(cell, keep_solution(cell.source)))
    return _new_notebook(lesson, cells)


def make_notebook(lesson: Path, solution: NotebookNode, repository: str = "") -> NotebookNode:
    """Return the students' notebook, with the demonstrations' outputs of the solution.

    They keep their execution counts, too: nbval takes outputs without one for a mistake.
    """
    executed = {cell.id: cell for cell in solution.cells}
    cells = []
    for cell in read_lesson(lesson):
        kit = cell.metadata.get("coursekit", {})
        if "solution" in cell.metadata.get("tags", []) or kit.get("role") == "grade":
            continue
        new = _new_cell(cell, cut_solution(cell.source, kit.get("exercise", "")))
        if cell.cell_type == "code" and not kit:
            new.outputs = deepcopy(executed[cell.id].outputs)
            new.execution_count = executed[cell.id].execution_count
        cells.append(new)
    if repository:
        cells = _with_colab(lesson, cells, repository)
    return _new_notebook(lesson, cells)


def _new_cell(cell: NotebookNode, source: str) -> NotebookNode:
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    return make[cell.cell_type](source, id=cell.id, metadata=cell.metadata)


def _new_notebook(lesson: Path, cells: list[NotebookNode]) -> NotebookNode:
    kit = {
        "lesson": lesson.stem,
        "generated": f"from staff/lessons/{lesson.name} by `make notebooks`; edit it there",
    }
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"coursekit": kit, "kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _with_colab(lesson: Path, cells: list[NotebookNode], repository: str) -> list[NotebookNode]:
    """Put a Colab badge under the title and Colab's install cell before the first code cell.

    The package's dependency ranges contain what Colab preinstalls, so pip adds coursekit
    and changes no package under the running kernel.
    """
    path = repository.removeprefix("https://github.com/")
    url = f"https://colab.research.google.com/github/{path}/blob/main/notebooks/{lesson.stem}.ipynb"
    badge = f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({url})"
    install = textwrap.dedent(f"""\
        # In Colab, add the course's helper package; everything else is there already.
        import sys

        if "google.colab" in sys.modules:
            %pip install --quiet "coursekit @ git+{repository}"
        """).strip()
    cells[0].source += f"\n\n{badge}"
    first = next(i for i, cell in enumerate(cells) if cell.cell_type == "code")
    return [*cells[:first], nbformat.v4.new_code_cell(install, id="colab"), *cells[first:]]


# Executing ------------------------------------------------------------------------------


def code_digest(notebook: NotebookNode) -> str:
    """Return the digest of what a kernel would execute."""
    return sha256(json.dumps([c.source for c in notebook.cells if c.cell_type == "code"]))


def is_executed(notebook: NotebookNode, code: str) -> bool:
    """Return whether a stored solution holds the outputs of the code with this digest."""
    return notebook.metadata.get("coursekit", {}).get("executed") == code


def execute(solution: NotebookNode, name: str) -> None:
    """Execute a solution in place, in strict mode and on full data.

    Raises
    ------
    LessonError
        Where a cell fails, runs too long, ends the kernel, writes a warning, or prints what
        no stored output may hold.
    """
    _require_full_data(solution, name)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            solution,
            timeout=CELL_TIMEOUT_S,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            store_widget_state=False,
            record_timing=False,
        )
        try:
            client.execute(env={**_kernel_environment(), "COURSEKIT_STRICT": "1"})
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
            raise LessonError(f"{name}: a cell fails when executed\n{text}") from None
    for cell in solution.cells:
        if cell.cell_type == "code":
            cell.outputs = [out for out in map(_clean, cell.outputs) if out is not None]
            cell.metadata.pop("execution", None)
            _validate_outputs(cell, name)
    solution.metadata["coursekit"]["executed"] = code_digest(solution)
    solution.metadata["language_info"] = {"name": "python"}


def _kernel_environment() -> dict[str, str]:
    """Return this environment on full data: not quick, with a data folder that is absolute."""
    environment = {k: v for k, v in os.environ.items() if k != "COURSEKIT_QUICK"}
    if environment.get("COURSEKIT_DATA"):
        environment["COURSEKIT_DATA"] = str(Path(environment["COURSEKIT_DATA"]).absolute())
    return environment


def _require_full_data(solution: NotebookNode, name: str) -> None:
    """Refuse to store results of the embedded digits as if they were those of the real set."""
    import coursekit as ck

    code = "\n".join(cell.source for cell in solution.cells if cell.cell_type == "code")
    for load in (ck.load_mnist, ck.load_fashion_mnist):
        if f"ck.{load.__name__}()" in code and load().source == "embedded digits":
            raise LessonError(
                f"{name}: solutions are executed on the real data, which are not here; set "
                "COURSEKIT_DATA to a folder that has them"
            )


def _clean(output: NotebookNode) -> NotebookNode | None:
    """Drop live widgets and finished progress bars, but keep the picture of an explorer."""
    data = output.get("data")
    if data is None:
        return output
    is_widget = data.pop(WIDGET_VIEW, None) is not None
    is_empty = not any(str(value).strip() for value in data.values())
    return None if is_empty or (is_widget and "image/png" not in data) else output


def _validate_outputs(cell: NotebookNode, name: str) -> None:
    where = f"{name}: the cell that starts with {cell.source.splitlines()[0]!r}"
    for output in cell.outputs:
        if output.get("name") == "stderr":
            raise LessonError(f"{where} writes a warning: {output['text'].strip()}")
        text = json.dumps({k: v for k, v in output.get("data", {}).items() if "image" not in k})
        text += output.get("text", "")
        leaked = re.search(_private(), text)
        if leaked:
            raise LessonError(f"{where} prints what belongs to this machine: {leaked[0]}")


def _private() -> str:
    """Return the pattern of what tells whose machine this is.

    Names count only where they stand as such: "max" and "root" are words of mathematics.
    """
    folders = [str(folder) for folder in (Path.home(), ROOT) if folder != folder.parent]
    folders.append(tempfile.gettempdir() + os.sep)
    user, host = re.escape(getpass.getuser()), re.escape(socket.gethostname())
    return "|".join(
        [*map(re.escape, folders), rf"(?:home|Users)[/\\]+{user}\b", rf"(?<!\w){host}(?!\w)"]
    )


# Building and checking ------------------------------------------------------------------


def build(course: Course, again: list[str]) -> None:
    """Write all notebooks and solutions, executing those whose code changed or are named."""
    for lesson in course.lessons():
        solution = make_solution(lesson)
        stored = _read_notebook(course.solution(lesson))
        named = any(lesson.stem.startswith(prefix) for prefix in again)
        if stored is not None and is_executed(stored, code_digest(solution)) and not named:
            _carry_over(stored, solution)
            print(f"{lesson.stem}: code unchanged, outputs kept")
        else:
            print(f"{lesson.stem}: executing …", flush=True)
            start = time.perf_counter()
            execute(solution, lesson.stem)
            print(f"{lesson.stem}: executed in {time.perf_counter() - start:.0f} s")
        notebook = make_notebook(lesson, solution, course.repository)
        for path, content in (
            (course.solution(lesson), solution),
            (course.notebook(lesson), notebook),
        ):
            text = _text(content)
            if len(text) > MAX_BYTES:
                raise LessonError(f"{path.name} has {len(text):,} bytes; at most {MAX_BYTES:,}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")


def _carry_over(stored: NotebookNode, solution: NotebookNode) -> None:
    """Give an unexecuted solution the outputs of a stored one with the same code."""
    solution.metadata["coursekit"]["executed"] = stored.metadata["coursekit"]["executed"]
    code = [[c for c in nb.cells if c.cell_type == "code"] for nb in (stored, solution)]
    for old, new in zip(*code, strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count


def check(course: Course) -> list[str]:
    """Return what is not in sync, one line each; execute nothing and write nothing."""
    problems = []
    for lesson in course.lessons():
        try:
            problems += _check_lesson(course, lesson)
        except LessonError as error:
            problems.append(str(error))
    known = {lesson.stem for lesson in course.lessons()}
    for folder in ("notebooks", "staff/solutions"):
        for path in sorted((course.root / folder).glob("*.ipynb")):
            if path.stem not in known:
                problems.append(f"{folder}/{path.name} has no lesson; remove it")
    return problems


def _check_lesson(course: Course, lesson: Path) -> list[str]:
    fresh = make_solution(lesson)
    stored = _read_notebook(course.solution(lesson))
    if stored is None:
        return [f"staff/solutions/{lesson.stem}.ipynb is missing; run `make notebooks`"]
    if not is_executed(stored, code_digest(fresh)):
        return [f"{lesson.stem}: its code changed since it was executed; run `make notebooks`"]
    _carry_over(stored, fresh)
    problems = []
    for path, wanted in (
        (course.solution(lesson), fresh),
        (course.notebook(lesson), make_notebook(lesson, fresh, course.repository)),
    ):
        if not path.exists() or path.read_text(encoding="utf-8") != _text(wanted):
            where = path.relative_to(course.root)
            problems.append(f"{where} differs from its lesson; run `make notebooks`")
    return problems


def _read_notebook(path: Path) -> NotebookNode | None:
    return nbformat.read(path, as_version=4) if path.exists() else None


def _text(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook, indent=1) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m staff.build", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("lessons", nargs="*", help="numbers of lessons to execute again")
    parser.add_argument("--check", action="store_true", help="prove sync without executing")
    options = parser.parse_args(arguments)
    course = Course.read(ROOT)
    unknown = [
        n for n in options.lessons if not any(p.stem.startswith(n) for p in course.lessons())
    ]
    if unknown:
        parser.error(f"there is no lesson {unknown[0]}")
    try:
        problems = check(course) if options.check else build(course, options.lessons)
    except LessonError as error:
        problems = [str(error)]
    for problem in problems or []:
        print(problem, file=sys.stderr)
    if options.check and not problems:
        print(f"in sync: {', '.join(lesson.stem for lesson in course.lessons())}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
