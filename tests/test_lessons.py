"""The finished lessons under nbval: blank ones run, right ones pass, a wrong answer is found."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from coursekit import checks
from coursekit.checks import lesson_01

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTION = ROOT / "staff" / "solutions" / "01_convolution_1d.ipynb"


def nbval(path, strict):
    """Run nbval over a notebook in quick mode; return the failed cells' numbers and all text."""
    environment = {**os.environ, "COURSEKIT_QUICK": "1", "COURSEKIT_OFFLINE": "1"}
    environment["COURSEKIT_STRICT"] = "1" if strict else "0"
    command = [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", "--nbval-cell-timeout=60", path.name]
    result = subprocess.run(
        command, cwd=path.parent, env=environment, capture_output=True, text=True, check=False
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    return sorted({int(n) for n in re.findall(r"FAILED .*::Cell (\d+)", text)}), text


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def find(notebook, exercise, role):
    """Return the number, among the code cells, of an exercise's cell."""
    wanted = {"exercise": exercise, "role": role}
    for number, cell in enumerate(code_cells(notebook)):
        kit = cell.metadata.get("coursekit", {})
        if {key: kit.get(key) for key in wanted} == wanted:
            return number
    raise LookupError(exercise)


@pytest.mark.integration
def test_one_wrong_answer_fails_exactly_at_its_check_with_the_right_message(tmp_path):
    notebook = nbformat.read(SOLUTION, as_version=4)
    answer = code_cells(notebook)[find(notebook, "1.2", "answer")]
    answer.source = "def convolve1d(x, w):\n    return np.correlate(x, w, 'full')"
    path = tmp_path / SOLUTION.name
    nbformat.write(notebook, path)
    failed, text = nbval(path, strict=True)
    assert failed == [find(notebook, "1.2", "check")]
    assert "[fail] 1.2 convolve1d" in text
    assert lesson_01.NOT_FLIPPED[:40] in text


@pytest.mark.integration
def test_a_blank_notebook_runs_to_its_end_and_fails_only_in_strict_mode(tmp_path):
    notebook = nbformat.read(ROOT / "notebooks" / SOLUTION.name, as_version=4)
    path = tmp_path / SOLUTION.name
    nbformat.write(notebook, path)
    assert nbval(path, strict=False)[0] == []
    failed, text = nbval(path, strict=True)
    found = [c for c in lesson_01.CHECKS if f"[todo] {c.number} " in text]
    assert len(failed) == len(found) == len(lesson_01.CHECKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestEveryLesson:
    def test_it_keeps_the_anatomy_of_a_lesson(self, path):
        notebook = nbformat.read(path, as_version=4)
        text = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
        own = [cell for cell in notebook.cells if cell.id != "colab"]  # the build's, not ours
        assert 25 <= len(own) <= 46
        assert text[0].startswith(f"# {path.stem[:2]} ")
        for part in ("*Time:*", "*Before this lesson:*", "you will be able to", "**Notation.**"):
            assert part in text[0]
        assert sum(t.count("<details>") for t in text) == sum(t.count("</details>") for t in text)
        for part in ("## Summary", "## Quiz", "## What comes next", "**References.**"):
            assert part in text[-1]

    def test_prose_and_code_are_in_balance(self, path):
        cells = nbformat.read(path, as_version=4).cells
        words = {"markdown": 0, "code": 0}
        for cell in cells:
            words[cell.cell_type] += len(re.findall(r"\w+", cell.source))
        assert 2 <= words["markdown"] / words["code"] <= 5

    def test_every_picture_has_alt_text_and_a_numbered_description(self, path):
        notebook = nbformat.read(path, as_version=4)
        pictures = 0
        for cell in code_cells(notebook):
            for output in cell.outputs:
                for kind in ("image/png", "image/gif"):
                    if kind in output.get("data", {}):
                        pictures += 1
                        assert len(output.metadata[kind]["alt"]) > 20
        text = "\n".join(cell.source for cell in notebook.cells)
        figures = re.findall(r"^\*Figure (\d+\.\d+)\.\*", text, flags=re.MULTILINE)
        assert figures == [f"{int(path.stem[:2])}.{n}" for n in range(1, len(figures) + 1)]
        assert pictures >= len(figures) >= 3

    def test_no_compared_cell_shows_an_animation(self, path):
        """The bytes of a GIF change with the version of its writer, and nbval compares them."""
        for cell in code_cells(nbformat.read(path, as_version=4)):
            if "nbval-check-output" in cell.metadata.get("tags", []):
                assert not any("image/gif" in output.get("data", {}) for output in cell.outputs)

    def test_every_exercise_has_its_check_and_text(self, path):
        notebook = nbformat.read(path, as_version=4)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        names = {id(getattr(checks, name)): name for name in checks.__all__}
        for check in checks.LESSONS[path.stem[:2]].CHECKS:
            cell = code_cells(notebook)[find(notebook, check.number, "check")]
            assert cell.source.startswith(f"ck.checks.{names[id(check)]}(")
            assert f"### Exercise {check.number.rstrip('abc')}" in text
