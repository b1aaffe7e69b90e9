"""Write what students are given: the course without solutions, graded cells and tests.

    python -m staff.students      write build/students/convolutional-networks and its zip file

It is all that a public repository for Colab needs, too.
"""

import re
import shutil
import sys
from pathlib import Path

from staff import ROOT
from staff.build import Course

NAME = "convolutional-networks"
PARTS = (
    "LICENSE",
    "Makefile",
    "README.md",
    "coursekit",
    "docs/lesson_02.png",  # is in the README
    "environment.yml",
    "pyproject.toml",
    "requirements.txt",
)
STAFF_ONLY = re.compile(r"(# )?<!-- staff -->\n.*?<!-- /staff -->\n+", re.DOTALL)


def write(course: Course, folder: Path) -> None:
    """Write the students' course into a folder, and remove what was there before."""
    shutil.rmtree(folder, ignore_errors=True)
    notebooks = [course.notebook(lesson) for lesson in course.lessons()]
    for source in (*(course.root / part for part in PARTS), *notebooks):
        copy = folder / source.relative_to(course.root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy2(source, copy)
    for name in ("Makefile", "README.md"):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(STAFF_ONLY.sub("", text), encoding="utf-8", newline="\n")


def main() -> int:
    """Write the folder and the zip file; return the exit status."""
    folder = ROOT / "build" / "students" / NAME
    write(Course.read(ROOT), folder)
    packed = shutil.make_archive(str(folder), "zip", folder.parent, NAME)
    print(f"{folder.relative_to(ROOT)}, and as one file {Path(packed).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
