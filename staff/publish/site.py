"""Build the course's site from the executed solutions, for reading without Jupyter.

    python -m staff.publish.site      write build/site/html/index.html and all it needs

Nothing is executed and nothing is fetched: the pages open from the file system, offline.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from staff import ROOT
from staff.build import Course
from staff.source import LessonError

# What docs/ shows of other folders, so that nothing is written twice.
INCLUDED = (
    "README.md",
    "CONTRIBUTING.md",
    "coursekit/results/reproduction.md",
    "coursekit/results/bench.md",
)


def prepare(course: Course, folder: Path) -> None:
    """Write all that Sphinx reads: docs/ with the lessons, their answers folded, and the lists.

    What docs/ shows of its neighbours lies beside it as in the course, so that links hold.

    Raises
    ------
    LessonError
        Where a lesson has no executed solution yet.
    """
    shutil.rmtree(folder, ignore_errors=True)
    docs = folder / "docs"
    shutil.copytree(course.root / "docs", docs)
    for name in INCLUDED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(course.root / name, folder / name)
    (docs / "lessons").mkdir()
    entries = []
    for lesson in course.lessons():
        path = course.solution(lesson)
        if not path.exists():
            raise LessonError(f"{lesson.stem} has no executed solution; run `make notebooks`")
        solution = nbformat.read(path, as_version=4)
        entries.append(list_entry(lesson.stem, solution))
        nbformat.write(fold_answers(solution), docs / "lessons" / f"{lesson.stem}.ipynb")
    (docs / "lesson_list.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")


def list_entry(stem: str, solution: NotebookNode) -> str:
    """Return a lesson's entry in the list on the first page: its title, link and claim."""
    first = solution.cells[0].source
    title = re.search(r"^# (.+)$", first, flags=re.MULTILINE)
    claim = re.search(r"^\*\*(.+)\*\*$", first, flags=re.MULTILINE)
    if not title or not claim:
        raise LessonError(f"{stem} does not start with a title and one claim in bold letters")
    return f"[{title[1]}](lessons/{stem}.ipynb)\n: {claim[1]}\n"


def fold_answers(solution: NotebookNode) -> NotebookNode:
    """Fold in place what a reader should try first: the answers and what explains them."""
    for cell in solution.cells:
        if cell.metadata.get("coursekit", {}).get("role") == "answer":
            cell.metadata.tags = [*cell.metadata.get("tags", []), "hide-input"]
        elif "solution" in cell.metadata.get("tags", []) and cell.cell_type == "markdown":
            summary = "<details><summary>About the answer</summary>"
            cell.source = f"{summary}\n\n{cell.source}\n\n</details>"
    return solution


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m staff.publish.site", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.parse_args(arguments)
    from sphinx.cmd.build import main as sphinx

    site = ROOT / "build" / "site"
    try:
        prepare(Course.read(ROOT), site / "source")
    except LessonError as error:
        print(error, file=sys.stderr)
        return 1
    shutil.rmtree(site / "html", ignore_errors=True)
    # A warning is an error: it would be a broken link that nobody sees.
    flags = ["--quiet", "--fail-on-warning", "--keep-going", "-d", str(site / "doctrees")]
    status = sphinx([*flags, str(site / "source" / "docs"), str(site / "html")])
    if status == 0:
        print(f"The site is at {(site / 'html' / 'index.html').relative_to(ROOT)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
