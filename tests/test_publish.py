"""What the site and the decks make of a lesson; how they look is tested in tests/browser."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from staff.build import Course
from staff.publish import site
from staff.source import LessonError


@pytest.fixture
def solution():
    cells = [
        new_markdown_cell("# 01 A lesson\n\n**It claims one thing.**\n\nIt says more."),
        new_code_cell("x = 1"),
        new_code_cell("y = 2", metadata={"coursekit": {"exercise": "1.1", "role": "answer"}}),
        new_code_cell("check(y)", metadata={"coursekit": {"exercise": "1.1", "role": "check"}}),
        new_markdown_cell("Why it is 2.", metadata={"tags": ["solution"]}),
    ]
    return new_notebook(cells=cells)


def test_answers_and_what_explains_them_are_folded_and_nothing_else(solution):
    before = [cell.source for cell in solution.cells]
    cells = site.fold_answers(solution).cells
    assert [cell.metadata.get("tags") for cell in cells] == [
        None,
        None,
        ["hide-input"],
        None,
        ["solution"],
    ]
    assert [cell.source for cell in cells[:-1]] == before[:-1]
    assert cells[-1].source.startswith("<details>")
    assert before[-1] in cells[-1].source


def test_the_list_of_lessons_has_title_link_and_claim(solution):
    entry = site.list_entry("01_a", solution)
    assert entry == "[01 A lesson](lessons/01_a.ipynb)\n: It claims one thing.\n"


def test_a_lesson_without_a_claim_is_refused_by_name(solution):
    solution.cells[0].source = "# 01 A lesson\n\nIt claims nothing."
    with pytest.raises(LessonError, match="01_a does not start with a title and one claim"):
        site.list_entry("01_a", solution)


def test_a_lesson_that_was_never_executed_is_refused_by_name(tmp_path):
    root = tmp_path / "course"
    for folder in ("docs", "staff/lessons"):
        (root / folder).mkdir(parents=True)
    for name in (*site.INCLUDED, "staff/lessons/01_a.py"):
        (root / name).touch()
    with pytest.raises(LessonError, match="01_a has no executed solution; run `make notebooks`"):
        site.prepare(Course(root), tmp_path / "source")


def test_reproduced_numbers_are_a_table_where_they_are_measured(tmp_path):
    measured, folder = tmp_path / "reproduction.csv", tmp_path / "source"
    folder.mkdir()
    table = folder / "reproduction_table.txt"
    site.write_reproduction(measured, folder)
    assert table.read_text() == "No number has been measured yet.\n"
    measured.write_text("network,accuracy\n")
    site.write_reproduction(measured, folder)
    assert ":file: reproduction.csv" in table.read_text()
    assert (folder / "reproduction.csv").read_text() == "network,accuracy\n"
