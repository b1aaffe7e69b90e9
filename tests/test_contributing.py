"""The examples in CONTRIBUTING.md are what the course's own tools accept."""

import re
from pathlib import Path

import numpy as np
import pytest

from coursekit.checks import core
from staff.build import make_notebook, make_solution
from staff.source import read_lesson

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXERCISE, CHECK = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "01_example.py"
    path.write_text(f"# %% [markdown]\n# # 01 An example\n\n{EXERCISE}", encoding="utf-8")
    return path


@pytest.fixture
def check():
    names = {**vars(core), "np": np}
    exec(CHECK, names)
    return names["energy"]


def test_the_exercise_is_a_valid_lesson(lesson):
    cells = read_lesson(lesson)
    roles = [cell.metadata.coursekit.role for cell in cells if "coursekit" in cell.metadata]
    assert roles == ["answer", "check", "grade"]
    notebook = make_notebook(lesson, make_solution(lesson))
    assert 'raise NotImplementedError("Exercise 1.8")' in notebook.cells[2].source
    assert len(notebook.cells) == 4  # the graded cell is not there


def test_its_check_knows_the_answer_and_the_misconception(lesson, check, capsys):
    names = {"np": np, "SEED": 7}
    solution, _, graded = (cell.source for cell in read_lesson(lesson)[2:])
    exec(solution, names)
    exec(graded, names)
    assert len(names["answer"]) == 3
    assert check(names["energy"]).status == "pass"
    assert check(lambda x: np.sqrt((x**2).sum())).status == "fail"
    assert "this is the length, the square root of the energy." in capsys.readouterr().out
