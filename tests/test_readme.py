"""Every command of the README is run here or by a job; of the few that no test runs, what
they call, or that they are the steps of the Makefile.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from coursekit import checks
from staff import students

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LAB_TEST = "tests/browser/test_lab.py"

MAKE_NOTEBOOKS = "make notebooks", "make notebooks COURSEKIT_DATA=path/to/data"
QUICK_LOOK = (
    "COURSEKIT_STRICT=1 .venv/bin/python -m pytest --nbval-lax --nbval-current-env submission.ipynb"
)
RUN_HERE = {"make", "make students", *MAKE_NOTEBOOKS, QUICK_LOOK}

CI_TARGETS = r"^for target in check-grade check-browser check-site check-slides; do$"

RUN_BY_A_JOB = {
    "make lab": (LAB_TEST, r'\["make", "lab"\]'),
    "make check": (".ci/run", r"^env -u COURSEKIT_DATA make check$"),
    "make check-grade": (".ci/run", CI_TARGETS),
    "make check-browser": (".ci/run", CI_TARGETS),
    "make check-site": (".ci/run", CI_TARGETS),
    "make check-slides": (".ci/run", CI_TARGETS),
    "make site": ("Makefile", r"^check-site: site "),
    "make slides": ("Makefile", r"^check-slides: slides "),
}
"""The file that runs the command, and how it reads there."""

NEVER_RUN = {
    "make check-colab": "build/colab/bin/pip install",  # another gigabyte of packages
    'make key SEED="a long secret of yours"': 'staff.grade key --out "keys" --seed "$SEED"',
    "make grade SUBMISSIONS=folder KEY=keys OUT=grades": (
        'staff.grade run --submissions "folder" --key "keys" --out "grades"'
    ),
    "make reproduce": "-m staff.reproduce",  # hours of training
    "make bench": "-m staff.bench",
}
"""What the command calls; that is tested by itself, the whole command by hand alone."""

SAME_AS = {
    "python -m venv .venv": ("Makefile", r"\$\(PYTHON\) -m venv \.venv$"),
    r".venv\Scripts\pip install -r requirements.txt": (
        "Makefile",
        r"\$\(BIN\)/python -m pip install .* -r requirements\.txt$",
    ),
    r".venv\Scripts\pip install --no-deps -e .": (
        "Makefile",
        r"\$\(BIN\)/python -m pip install .* --no-deps --editable \.$",
    ),
    r".venv\Scripts\jupyter lab notebooks": (
        "Makefile",
        r"LAB := \$\(BIN\)/jupyter lab[\s\S]*\$\(LAB\) .*notebooks$",
    ),
    "conda env create -f environment.yml": ("environment.yml", r"- -r requirements\.txt$"),
    "conda activate coursekit": ("environment.yml", r"^name: coursekit$"),
    "jupyter lab notebooks": ("Makefile", r"LAB := \$\(BIN\)/jupyter lab"),
}
"""For Windows and conda, which are not where the tests run: the same step, as it reads there."""


def commands():
    """Return the commands in blocks, without their comments, and those within sentences."""
    blocks = re.findall(r"^```(?:sh|bat)\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    lines = [re.sub(r"\s+# .*", "", line) for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`((?:make|conda|jupyter|pip|python)(?: [^`]+)?)`", README)
    return {line for line in lines if line} | set(inline)


def test_every_command_is_accounted_for():
    assert commands() == RUN_HERE | {*RUN_BY_A_JOB, *NEVER_RUN, *SAME_AS}


@pytest.mark.parametrize("command", [*RUN_BY_A_JOB, *SAME_AS])
def test_the_file_that_runs_a_command_or_its_like_has_it(command):
    path, pattern = (RUN_BY_A_JOB | SAME_AS)[command]
    assert re.search(pattern, (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("command", NEVER_RUN)
def test_a_command_that_no_test_runs_calls_what_it_should(command):
    result = run(command.replace("make", "make --dry-run", 1), ROOT)
    assert result.returncode == 0, result.stderr
    assert NEVER_RUN[command] in result.stdout


def test_every_target_exists():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = {command.split()[1] for command in commands() if command.startswith("make ")}
    assert targets
    for target in targets:
        assert f"  make {target} " in listed


def test_every_link_and_picture_is_there_and_small():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(links) >= 10
    for link in links:
        assert (ROOT / link).exists(), link
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", README)
    assert pictures
    for alt, path in pictures:
        assert len(alt) > 20
        assert (ROOT / path).stat().st_size < 200_000


def test_the_check_says_what_the_readme_shows(capsys):
    checks.convolve1d(lambda x, w: np.correlate(x.astype(float), w, "full"))
    assert f"```\n{capsys.readouterr().out}```" in README


def test_the_table_lists_every_lesson_by_its_title():
    rows = dict(re.findall(r"^\| \[([^\]]+)\]\(notebooks/([^)]+)\)", README, flags=re.MULTILINE))
    titles = {
        nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]: path.name
        for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    assert {f"# {title}": path for title, path in rows.items()} == titles


@pytest.fixture
def course(tmp_path):
    """A copy of the course with lesson 01 alone, for commands to write in; its .venv is ours."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    patterns = ("staff/*.*", "staff/*/01_convolution_1d.*", "notebooks/01_convolution_1d.*")
    for path in (path for pattern in (*students.PARTS, *patterns) for path in ROOT.glob(pattern)):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copy2(path, copy)
            os.utime(copy, (10**9, 10**9))  # older than .venv/ready: make must install nothing
    return tmp_path


def run(command, folder):
    return subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.integration
@pytest.mark.parametrize("command", MAKE_NOTEBOOKS)
def test_make_notebooks_rebuilds_what_is_missing(command, course):
    path = course / "notebooks" / "01_convolution_1d.ipynb"
    wanted = path.read_bytes()
    path.unlink()
    result = run(command, course)
    assert result.returncode == 0, result.stderr
    assert "01_convolution_1d: code unchanged, outputs kept" in result.stdout
    assert path.read_bytes() == wanted


@pytest.mark.integration
def test_make_students_writes_notebooks_that_match_their_lessons_and_no_others(course):
    result = run("make students", course)
    assert result.returncode == 0, result.stderr
    (given,) = (course / "build" / "students").glob("*/notebooks/*")
    path = course / "notebooks" / given.name
    assert given.read_bytes() == path.read_bytes()
    path.write_text(path.read_text().replace("# YOUR CODE HERE", "# solved"))
    result = run("make students", course)
    assert result.returncode != 0
    assert f"notebooks/{path.name} differs from its lesson" in result.stderr


@pytest.mark.integration
def test_a_quick_look_at_a_submission_fails_at_what_is_open(course):
    notebook = nbformat.read(course / "notebooks" / "01_convolution_1d.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    first = [c for c in code if c.metadata.get("coursekit", {}).get("exercise") == "1.1"]
    notebook.cells = [code[0], *first]
    nbformat.write(notebook, course / "submission.ipynb")
    result = run(QUICK_LOOK, course)
    assert result.returncode == 1
    assert re.findall(r"FAILED submission.ipynb::Cell (\d+)", result.stdout) == ["2"]
    assert "[todo] 1.1" in result.stdout
