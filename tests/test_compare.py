"""The comparison with other graders, without them: formats, verdicts, tables."""

import json
import re

import numpy as np
import pytest
from hostile import FULL, LESSON, WRONG_12, Case, Work

import coursekit as ck
from staff.compare import __main__ as page
from staff.compare import scale
from staff.compare.cases import ADAPTED, LEFT_OUT, Journal, Outcome, hostile, judge
from staff.compare.formats import fill, hidden_test, nbgrader_source, otter_source, solutions
from staff.grade.assemble import Lesson


def payload(value):
    if value is ...:
        return {"kind": "open"}
    if isinstance(value, list) and any(x is ... or isinstance(x, np.ndarray) for x in value):
        return {"kind": "list", "items": [payload(item) for item in value]}
    array = np.asarray(value)
    return {"kind": "array", "shape": list(array.shape), "data": array.ravel().tolist()}


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / "01_small.py"
    path.write_text(LESSON, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def names(lesson):
    """What a notebook with right answers defines."""
    found = {"np": np, "ck": ck}
    for source in solutions(lesson).values():
        exec(source, found)
    return found


@pytest.fixture(scope="module")
def key(lesson, names):
    cells = []
    for cell in Lesson.read(lesson).graded:
        found = {**names, "SEED": 7}
        exec(cell["source"], found)
        cells.append({**cell, "seed": 7, "answer": payload(found["answer"])})
    return {"lesson": "01_small", "cells": cells}


def test_hidden_tests_take_the_right_answers_and_no_others(key, names):
    for cell in key["cells"]:
        exec(hidden_test(cell), dict(names))
    wrong = {**names, "ramp": [0] * 10, "asymmetric": [0] * 5}
    exec(WRONG_12, wrong)
    wrong["cross_correlate1d"] = names["convolve1d"]
    for cell in key["cells"]:
        with pytest.raises(AssertionError):
            exec(hidden_test(cell), dict(wrong))


def test_nbgrader_gets_every_test_hidden_and_all_points(lesson, key):
    cells = nbgrader_source(lesson, key).cells
    tests = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert sum(c.metadata.nbgrader.points for c in tests) == sum(FULL.values())
    for cell in tests:
        assert cell.source.startswith("### BEGIN HIDDEN TESTS")
        assert cell.source.endswith("### END HIDDEN TESTS")
        assert cell.metadata.nbgrader.locked


def test_otter_gets_every_test_hidden_and_all_points(lesson, key):
    text = "\n".join(cell.source for cell in otter_source(lesson, key).cells)
    assert sum(map(int, re.findall(r"points: (\d)", text))) == sum(FULL.values())
    assert text.count("hidden: true") == len(key["cells"])
    assert re.findall(r"name: (\w+)", text) == ["q1_1", "q1_2", "q1_3"]
    assert "###" not in text


def test_answers_are_filled_in_where_they_belong(lesson, key):
    released = json.loads(json.dumps(nbgrader_source(lesson, key)))
    work = Work(fill(released, {"1.2": "mine"}))
    assert work.find("1.2")["source"] == "mine"
    assert work.find("1.3")["source"] != "mine"


@pytest.mark.parametrize(
    ("points", "verdict"),
    [
        ({"1.1": 3, "1.2": 0, "1.3": 2}, "right"),
        ({"1.1": 3, "1.2": 3, "1.3": 2}, "forged"),
        ({"1.1": 3, "1.2": 0, "1.3": 0}, "lost"),
        ({"1.1": 0, "1.2": 3, "1.3": 0}, "forged"),
        ({}, "lost"),
        (None, "no grade"),
    ],
)
def test_verdicts(points, verdict):
    assert judge(points, {"1.1": 3, "1.2": 0, "1.3": 2}) == verdict


def test_every_exception_names_a_case():
    known = {case.name for case in hostile().CASES}
    assert set(LEFT_OUT) | set(ADAPTED) <= known
    assert not set(LEFT_OUT) & set(ADAPTED)


def test_the_table_counts_what_all_three_have_graded():
    full = {exercise: float(points) for exercise, points in FULL.items()}
    lost = {**full, "1.2": 0.0}
    rows = [
        (Case("good work", "a_case", None), FULL, {
            "coursekit": Outcome(full, "right"),
            "nbgrader": Outcome(lost, "lost"),
            "otter": Outcome(None, "no grade", "it died"),
        }),
        (Case("sabotage", "a_fork_bomb", None), FULL, {"coursekit": Outcome(full, "right")}),
    ]  # fmt: skip
    table = page.case_table(rows, ["nbgrader 1", "otter-grader 2"])
    assert "| good work | a case | 3 3 2 | 3 3 2 right | 3 0 2 **lost** | **no grade** |" in table
    assert "| sabotage | a fork bomb | 3 3 2 | 3 3 2 right | – | – |" in table
    assert "| right | 1 of 1 | 0 of 1 | 0 of 1 |" in table
    assert "- a fork bomb: " in table
    assert "it died" in table


def test_outcomes_are_kept_until_the_code_changes(tmp_path):
    path = tmp_path / "cases.jsonl"
    made = []

    def make():
        made.append(1)
        return Outcome({"1.1": 3}, "lost", "a note")

    assert Journal(path).get("a", make) == Journal(path).get("a", make)
    assert len(made) == 1
    path.write_text(path.read_text().replace(Journal(path).digest, "of other code"))
    Journal(path).get("a", make)
    assert len(made) == 2


def test_speed_is_told_by_the_best_run():
    turns = {name: [2.0, 1.0] for name in page.WAYS} | {"nbgrader": [9.0, 6.0]}
    many = {"steps": [(25, 50.0, 80.0)]}
    found = {"count": 10, "turns": turns, "differing": [], "many": many, "size": 200}
    found["each"] = {"01_convolution_1d": {"right": 2.04, "blank": 1.0}}
    table = page.scale_table(found)
    assert "| lesson | right | blank |" in table
    assert "| `01_convolution_1d` | 2.0 | 1.0 |" in table
    assert "| coursekit, two workers | 2.0, 1.0 | 60.0 | 6.0 |" in table
    assert "| 25 | 50 | 2.0 | 80 |" in table
    assert "The points are the same" in table
    assert "differ for ada" in page.scale_table({**found, "differing": ["ada"]})


def test_only_the_named_part_of_the_page_is_written(tmp_path, monkeypatch):
    path = tmp_path / "page.md"
    path.write_text(
        "a\n<!-- cases -->\nold\n<!-- /cases -->\n<!-- scale -->\nkept\n<!-- /scale -->\n"
    )
    monkeypatch.setattr(page, "PAGE", path)
    page.write("cases", r"new \1")
    assert path.read_text().split("\n")[1:4] == ["<!-- cases -->", r"new \1", "<!-- /cases -->"]
    assert "kept" in path.read_text()


@pytest.mark.parametrize("lesson", scale.WITHOUT_TENSORFLOW, ids=lambda path: path.stem)
def test_there_is_a_submission_of_each_kind(lesson):
    right, blank, known, other = (one.answers for one in scale.kinds(lesson))
    assert right == solutions(lesson)
    assert blank == {}
    functions = [exercise for exercise, source in right.items() if source.startswith("def ")]
    assert [e for e in right if other[e] != right[e]] == functions
    course = Lesson.read(lesson)
    for exercise, call in ((c.exercise, c.source) for c in course.cells if c.role == "check"):
        names = {"np": np, "ck": ck}
        for source in (*right.values(), known[exercise]):
            exec(source, names)
        check = getattr(ck.checks, call.split("(")[0].removeprefix("ck.checks."))
        result = eval(call, names)
        assert any(m.message in result.message for m in check.misconceptions), exercise


def test_submissions_are_right_wrong_and_blank():
    chosen = scale.submissions(100)
    assert chosen == scale.submissions(100)
    right, _, known, other = (one.answers for one in scale.kinds(scale.LESSON))
    for exercise in right:
        found = {one.answers.get(exercise) for one in chosen}
        assert found == {None, right[exercise], known[exercise], other[exercise]}
