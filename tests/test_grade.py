"""The grader's parts, one by one and without a kernel: matching, judging, records, reports."""

import csv
import errno
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hostile import LESSON

from coursekit import checks
from staff.grade import GradeError, run, sandbox
from staff.grade import __main__ as command_line
from staff.grade.__main__ import main
from staff.grade.assemble import (
    Cell,
    Lesson,
    UnreadableError,
    assemble,
    neutralise,
    parse_cells,
    read_submission,
    with_graded_cells,
)
from staff.grade.decisions import decide, read_decisions
from staff.grade.execute import _nameless, _read_report
from staff.grade.judge import Foreign, MalformedError, decode, judge_check, judge_equal, same
from staff.grade.kernel import _whole
from staff.grade.key import bits, seed_for, write_key
from staff.grade.records import Record, Records
from staff.grade.report import file_name, write_reports
from staff.grade.run import Settings, find_submissions, work
from staff.grade.submission import CrowdedError, graded_source, judge_result


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / "01_small.py"
    path.write_text(LESSON, encoding="utf-8")
    return Lesson.read(path)


def array(values):
    values = np.asarray(values)
    return {"kind": "array", "shape": list(values.shape), "data": values.ravel().tolist()}


def cells_of(*cells):
    """A submission's cells: (source, metadata, id) each."""
    found = [
        {"cell_type": "code", "source": source, "metadata": metadata, "id": name}
        for source, metadata, name in cells
    ]
    return parse_cells(json.dumps({"cells": found}).encode())


class TestDecoding:
    @pytest.mark.parametrize("value", [[1, 2], [[1.5, 2], [3, 4]], 3, [], [[]], [True, False]])
    def test_arrays_come_back(self, value):
        assert np.array_equal(decode(array(value)), np.array(value))

    def test_lists_texts_and_open_values_come_back(self):
        items = [{"kind": "open"}, {"kind": "text", "text": "a"}, {"kind": "none"}]
        assert decode({"kind": "list", "items": items}) == [..., "a", None]
        assert decode({"kind": "not finite"}) == Foreign("not finite")

    @pytest.mark.parametrize(
        "payload",
        [
            None,
            [],
            {},
            {"kind": "pickle", "data": "gASV"},
            {"kind": "array", "shape": [2], "data": [1]},
            {"kind": "array", "shape": [-1], "data": [1]},
            {"kind": "array", "shape": [True], "data": [1]},
            {"kind": "array", "shape": "2", "data": [1, 2]},
            {"kind": "array", "shape": [1], "data": ["1"]},
            {"kind": "array", "shape": [1], "data": [[1]]},
            {"kind": "array", "shape": [1], "data": [float("nan")]},
            {"kind": "array", "shape": [1], "data": [float("inf")]},
            {"kind": "array", "shape": [1], "data": [10**400]},
            {"kind": "array", "shape": [1] * 40, "data": [1]},
            {"kind": "array", "shape": [10**9, 0], "data": []},
            {"kind": "text", "text": 1},
            {"kind": "list", "items": {"0": 1}},
            {"kind": ["array"]},
        ],
    )
    def test_whatever_else_is_refused(self, payload):
        with pytest.raises(MalformedError):
            decode(payload)

    def test_depth_is_limited(self):
        payload = {"kind": "none"}
        for _ in range(5000):
            payload = {"kind": "list", "items": [payload]}
        with pytest.raises(MalformedError):
            decode(payload)


class TestComparing:
    wanted = decode({"kind": "list", "items": [array([1.5, -2.25]), array([0.0, 3.5, 1e6])]})

    def got(self, *values):
        return decode({"kind": "list", "items": [array(value) for value in values]})

    def test_the_same_numbers_agree_in_any_form(self):
        assert same(self.got([1.5, -2.25], [-0.0, 3.5, 1e6]), self.wanted)
        narrow = np.array([0.0, 3.5, 1e6 + 1], dtype=np.float32)
        assert same(self.got([1.5, -2.25], narrow), self.wanted)

    def test_an_array_is_a_list_of_rows(self):
        rows = self.got([1, 2], [3, 4])
        assert same(decode(array([[1, 2], [3, 4]])), rows)
        assert same(rows, decode(array([[1, 2], [3, 4]])))

    @pytest.mark.parametrize(
        "values",
        [
            ([1.5, -2.25],),
            ([1.5, -2.25], [0.0, 3.5]),
            ([1.5, -2.25], [0.0, 3.6, 1e6]),
            ([1.5, -2.25], [0.0, 3.5, 1e6], [1]),
            ([-2.25, 1.5], [0.0, 3.5, 1e6]),
            ([[1.5, -2.25]], [0.0, 3.5, 1e6]),
        ],
    )
    def test_other_numbers_or_another_structure_do_not(self, values):
        assert not same(self.got(*values), self.wanted)

    def test_whole_numbers_are_exact(self):
        assert not same(decode(array([100_479])), decode(array([100_480])))
        assert same(decode(array([100_480.0])), decode(array([100_480])))

    def test_nothing_agrees_with_what_is_no_answer(self):
        for value in (None, ..., "text", Foreign("other"), np.array(1.0)):
            assert not same(value, self.wanted)
            assert not judge_equal(value, self.wanted).right
        assert not same(Foreign("not finite"), Foreign("not finite"))


class TestCheckOnThisSide:
    right = ([-1, -1, -2, -3, -5, -5, -6, -6, -1, -6], [0, 0, 0, 1, -2, 3, -2, 1, 0])
    wanted = (*map(np.array, right), ...)

    def judge(self, *values):
        given = [v if v is ... else np.array(v) for v in values]
        return judge_check("by_hand", given, list(self.wanted))

    def test_right_values_pass_in_strict_mode_too(self, monkeypatch, capsys):
        assert self.judge(*self.right, ...).right
        monkeypatch.setenv("COURSEKIT_STRICT", "1")
        assert self.judge(*self.right, ...).right
        assert not self.judge(self.right[0], self.right[0], ...).right
        assert capsys.readouterr().out == ""

    def test_wrong_values_get_the_words_of_the_check(self):
        verdict = self.judge(self.right[0], [0, 0, 0, -1, 2, -3, 2, -1, 0], ...)
        assert not verdict.right
        assert "bump_full" in verdict.words
        assert "every sign is turned" in verdict.words

    def test_values_are_not_told(self):
        """A student could have put a secret input into them."""
        known = self.judge(self.right[0], [0, 0, 0, -1, 2, -3, 2, -1, 0], ...)
        other = self.judge([4660.0, 22136.0], self.right[1], ...)
        assert "-3" not in known.words
        assert known.explained
        assert "4660" not in other.words
        assert not other.explained

    def test_what_is_left_open_earns_nothing(self):
        assert not self.judge(self.right[0], ..., ...).right
        assert not self.judge(..., ..., ...).right
        assert not self.judge(*self.right, [1, 2, 2, -2, -3]).right

    @pytest.mark.parametrize("value", [None, "text", Foreign("other"), np.array(3)])
    def test_odd_values_earn_nothing(self, value):
        assert not judge_check("by_hand", value, list(self.wanted)).right
        assert not judge_check("by_hand", [value, value, ...], list(self.wanted)).right


class TestJudgingAResult:
    graded: ClassVar = {
        "judge": "equal",
        "answer": array([1.5, 2.5]),
        "wrong": [["flipped", array([2.5, 1.5])]],
    }

    def result(self, answers=(), outcome="passed", error=""):
        line = {"cell": 0, "outcome": outcome, "answers": list(answers), "text": "", "error": error}
        line["seconds"] = 0.0
        lines = [line, {"end": 1}]
        text = "\n".join(map(json.dumps, lines))
        return _read_report(text, 1, "complete", 0.0).cells[0]

    def test_one_right_answer_earns(self):
        assert judge_result(self.graded, self.result([array([1.5, 2.5])])).right

    def test_a_misconception_gets_its_words(self):
        assert judge_result(self.graded, self.result([array([2.5, 1.5])])).words == "flipped"

    @pytest.mark.parametrize("outcome", ["failed", "skipped", "excused", "missing", "error", ""])
    def test_only_passed_earns(self, outcome):
        result = self.result([array([1.5, 2.5])], outcome)
        assert not judge_result(self.graded, result).right

    def test_no_answer_two_answers_and_a_foreign_one_earn_nothing(self):
        for answers in ([], [array([1.5, 2.5])] * 2, [{"kind": "right"}], [True]):
            assert not judge_result(self.graded, self.result(answers)).right
        assert not judge_result(self.graded, None).right

    def test_an_error_is_named_and_its_text_kept_back(self):
        words = judge_result(self.graded, self.result([], "failed", "ValueError")).words
        assert "raises ValueError" in words
        forged = judge_result(self.graded, self.result([], "failed", "the seed is 7")).words
        assert "seed" not in forged


class TestReport:
    def test_a_report_that_is_cut_off_is_trouble(self):
        assert _read_report('{"cell": 0, "outc', 2, "complete", 0.0).end == "trouble"
        assert _read_report("", 2, "complete", 0.0).end == "trouble"

    def test_a_kernel_that_does_not_start_is_trouble(self):
        text = '{"trouble": "Kernel died"}\n{"end": 2}'
        assert _read_report(text, 2, "complete", 0.0).why == "Kernel died"


class TestMatching:
    def test_a_submission_is_matched_by_metadata_then_id_then_name(self, lesson):
        kit = {"coursekit": {"exercise": "1.2", "role": "answer"}}
        for metadata, name in ((kit, "x"), ({}, "exercise-1-2-answer"), ({}, "x")):
            cells, findings = assemble(
                lesson, cells_of(("def convolve1d(x, w): 1", metadata, name))
            )
            answers = [cell for cell in cells if cell.role == "answer"]
            assert [cell.exercise for cell in answers] == ["1.2"]
            assert sum("is missing" in f.words for f in findings) == 2

    def test_the_cells_of_the_course_are_put_back_in_their_places(self, lesson):
        cells, _ = assemble(lesson, [])
        assert [c.name for c in cells] == [c.name for c in lesson.cells if c.role != "answer"]

    def test_graded_cells_stand_behind_the_check(self, lesson):
        found = [(c.source, {}, c.name) for c in lesson.cells]
        cells, findings = assemble(lesson, cells_of(*found))
        assert findings == []
        graded = [Cell("g", "grade", c["name"], c["exercise"]) for c in lesson.graded]
        names = [cell.name for cell in with_graded_cells(cells, graded)]
        assert names[-1] == "exercise-1-3-grade"
        at = names.index("exercise-1-1-answer")
        assert names[at + 1 : at + 3] == ["exercise-1-1-grade", "exercise-1-1-grade-2"]
        assert not [name for name in names if name.endswith("check")]

    def test_an_edited_cell_of_the_course_is_executed_and_then_put_back(self, lesson):
        first = lesson.cells[0]
        cells, _ = assemble(lesson, cells_of(("import math", {}, first.name)))
        assert [(c.source, c.role) for c in cells[:2]] == [
            ("import math", "student"),
            (first.source, "course"),
        ]

    @pytest.mark.parametrize(
        "marker", ["# NBVAL_SKIP", "  ## NBVAL_RAISES_EXCEPTION", "#NBVAL_IGNORE_OUTPUT"]
    )
    @pytest.mark.parametrize("end", ["\n", "\x0c", "\u2028"])
    def test_nbval_reads_no_marker(self, marker, end):
        from nbval.plugin import find_comment_markers

        source = f"x = 1{end}{marker}{end}y = 2"
        assert list(find_comment_markers(source))
        assert not list(find_comment_markers(neutralise(source)))

    def test_a_graded_cell_survives_any_quotes(self):
        source = "answer = '''\"\"\"'''\n# \\ \x00"
        compile(graded_source(source, 1), "cell", "exec")


class TestReading:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b'{"cells": ' + b"1" * 5000 + b"}", "not JSON"),
            (b"[]", "no cells"),
            (b"3", "no cells"),
            (b'{"worksheets": []}', "no cells"),
            (b'{"cells": {}}', "no cells"),
            (b'{"cells": [' + b"{}," * 1000 + b"{}]}", "more than 1000"),
            (json.dumps({"cells": [{"source": "x" * 2_000_000}]}).encode(), "more text"),
        ],
    )
    def test_what_is_no_notebook_is_named(self, content, words):
        with pytest.raises(UnreadableError, match=words):
            parse_cells(content)

    def test_odd_cells_become_plain_ones(self):
        odd = [None, 3, {"source": {"a": 1}, "id": 3, "metadata": [1]}, {"source": ["a", 1, "b"]}]
        cells = parse_cells(json.dumps({"cells": odd}).encode())
        assert [cell["source"] for cell in cells] == ["", "ab"]

    def test_characters_that_are_no_text_are_replaced(self):
        kit = b'{"coursekit": {"exercise": "\\ud800", "role": "a\\ud800"}}'
        text = b'{"cells": [{"source": "a\\ud800\\r\\nb", "id": "\\ud800", "metadata": %b}]}'
        (cell,) = parse_cells(text % kit)
        assert cell["source"] == "a?\nb"
        assert (cell["id"], cell["exercise"], cell["role"]) == ("?", "?", "a?")

    def test_links_folders_and_large_files_are_not_read(self, tmp_path):
        link, large = tmp_path / "link.ipynb", tmp_path / "large.ipynb"
        link.symlink_to("/etc/passwd")
        with large.open("wb") as file:
            file.truncate(30_000_000)
        for path in (link, large, tmp_path, tmp_path / "none"):
            with pytest.raises(UnreadableError):
                read_submission(path)


class TestFindingSubmissions:
    def find(self, folder, *names):
        for name in names:
            path = folder / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.touch()
        found, odd = find_submissions(folder, ["01_a", "02_b"])
        return {student for student, _ in found}, odd

    def test_both_layouts(self, tmp_path):
        assert self.find(tmp_path, "ada/01_a.ipynb", "01_a_bo.ipynb") == ({"ada", "bo"}, [])

    def test_names_that_browsers_and_platforms_give(self, tmp_path):
        students, odd = self.find(
            tmp_path,
            "ada/Copy of 01_a.ipynb",
            "bo/01_a (1).ipynb",
            "cy_01_a.ipynb",
            "dee_123_456_01_a-1.ipynb",
            "Copy of 01_a_eve (2).ipynb",
            "fay/.ipynb_checkpoints/01_a-checkpoint.ipynb",
        )
        assert students == {"ada", "bo", "cy", "dee_123_456", "eve"}
        assert odd == []

    def test_what_is_odd_is_named(self, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "ada", target_is_directory=True)
        names = ("01_a_ada.ipynb", "ada/01_a.ipynb", "ada/01_a (1).ipynb", "cy/notes.ipynb")
        more = ("week/dee/01_a.ipynb", "01_a.ipynb", "01_a_02_b_eve.ipynb")
        students, odd = self.find(tmp_path, *names, *more)
        assert students == {"ada"}
        words = ("link: a link", "too deep", "names no student", "notes.ipynb: named after no")
        for part in (*words, "01_a_02_b_eve.ipynb: named after no"):
            assert sum(part in line for line in odd) == 1
        assert sum("handed in twice" in line for line in odd) == 2

    def test_names_that_are_no_text(self, tmp_path):
        folder = Path(bytes(tmp_path).decode() + "/\udcff\x1b[31m")
        folder.mkdir()
        (folder / "01_a.ipynb").touch()
        ((student, _),) = find_submissions(tmp_path, ["01_a"])[0]
        assert student == r"\xff\x1b[31m"


class TestRecords:
    def test_they_survive_a_line_that_was_cut_off(self, tmp_path):
        path = tmp_path / "records.jsonl"
        Records(path).add(Record("ada", "01_a", "1", "graded"))
        with path.open("a") as file:
            file.write('{"student": "bo", "les')
        Records(path).add(Record("cy", "01_a", "3", "human"))
        records = Records(path)
        assert [records.get(name) is not None for name in "123"] == [True, False, True]

    def test_what_is_to_be_tried_again_is_not_finished(self, tmp_path):
        records = Records(tmp_path / "records.jsonl")
        records.add(Record("ada", "01_a", "1", "retry"))
        assert records.get("1") is None
        records.add(Record("ada", "01_a", "1", "graded"))
        assert Records(tmp_path / "records.jsonl").get("1").status == "graded"

    def test_a_full_disk_is_named_in_one_line(self, folders, capsys, monkeypatch):
        def full(handle):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        assert command(folders) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert "No space left on device" in error
        assert "run this again" in error


class Here(Executor):
    """Does the work at once; loses its worker the first `lost` times."""

    def __init__(self, lost=0):
        self.lost, self.calls = lost, 0

    def submit(self, function, *arguments):
        self.calls += 1
        future = Future()
        if self.calls <= self.lost:
            future.set_exception(ConnectionError("worker lost"))
        else:
            future.set_result(function(*arguments))
        return future


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Three submissions and a key; grading itself is replaced."""
    for student in ("ada", "bo", "cy"):
        (tmp_path / "in" / student).mkdir(parents=True)
        (tmp_path / "in" / student / "01_convolution_1d.ipynb").write_text(student)
    lesson = run._lesson("01_convolution_1d")
    cells = [{**cell, "answer": array([1.0]), "wrong": []} for cell in lesson.graded]
    key = {"lesson": lesson.stem, "digest": lesson.digest, "cells": cells}
    key |= {"slowest_s": 1, "seconds": 5}
    write_key(key, tmp_path / "keys")

    def work(job):
        return Record(job.student, job.lesson, job.id, "graded", {"1.1": [1, 3]})

    monkeypatch.setattr(run, "work", work)
    return tmp_path / "in", tmp_path / "keys", tmp_path / "out"


def grade(folders, executor):
    return run.grade(*folders, executor, Settings(trusted=True), workers=1)


class TestRun:
    def test_a_second_run_does_nothing_again(self, folders):
        first, second = Here(), Here()
        records = grade(folders, first)
        assert grade(folders, second) == records
        assert (first.calls, second.calls) == (3, 0)

    def test_what_has_changed_is_graded_again(self, folders):
        grade(folders, Here())
        (folders[0] / "bo" / "01_convolution_1d.ipynb").write_text("better")
        again = Here()
        grade(folders, again)
        assert again.calls == 1

    def test_a_lost_worker_costs_a_retry(self, folders):
        executor = Here(lost=2)
        records, _ = grade(folders, executor)
        assert [record.status for record in records] == ["graded"] * 3
        assert executor.calls == 5

    def test_workers_that_are_always_lost_are_no_zero(self, folders):
        records, _ = grade(folders, Here(lost=100))
        assert [record.status for record in records] == ["retry"] * 3
        assert records[0].points == {}

    def test_what_ran_when_memory_was_gone_comes_one_at_a_time(self, folders, monkeypatch):
        alone = []

        def crowded(*arguments):
            alone.append(run._crowd.locked())
            raise CrowdedError("the machine ran out of memory")

        monkeypatch.setattr(run, "grade_submission", crowded)
        stem = "01_convolution_1d"
        path, key = folders[0] / "ada" / f"{stem}.ipynb", folders[1] / f"{stem}.json"
        record = work(run.Job("ada", stem, "1", str(path), str(key), Settings(trusted=True)))
        assert alone == [False, True, True]
        assert record.status == "retry"
        assert "ran out of memory" in record.findings[0]

    def test_a_run_that_was_killed_goes_on(self, folders):
        class Killed(Here):
            def submit(self, function, *arguments):
                if self.calls == 2:
                    raise KeyboardInterrupt
                return super().submit(function, *arguments)

        with pytest.raises(KeyboardInterrupt):
            grade(folders, Killed())
        done = len((folders[2] / "records.jsonl").read_text().splitlines())
        rest = Here()
        grade(folders, rest)
        assert done + rest.calls == 3

    def test_a_key_of_another_lesson_text_is_refused(self, folders):
        path = folders[1] / "01_convolution_1d.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "digest": "old"}))
        with pytest.raises(GradeError, match="has changed since its key"):
            grade(folders, Here())

    @pytest.mark.parametrize("text", ["", "[]", '{"lesson": "01_convolution_1d"}'])
    def test_what_is_no_key_is_named(self, folders, text):
        (folders[1] / "01_convolution_1d.json").write_text(text)
        with pytest.raises(GradeError, match=r"01_convolution_1d\.json is no key"):
            grade(folders, Here())

    def test_a_key_of_a_lesson_that_is_gone_is_named(self, folders):
        (folders[1] / "01_convolution_1d.json").rename(folders[1] / "99_gone.json")
        with pytest.raises(GradeError, match=r"99_gone\.json is no key"):
            grade(folders, Here())

    def test_no_key_and_no_folder_are_named(self, folders, tmp_path):
        with pytest.raises(GradeError, match="holds no key"):
            grade((folders[0], tmp_path / "none", folders[2]), Here())
        with pytest.raises(GradeError, match="is no folder"):
            grade((tmp_path / "none", *folders[1:]), Here())


def command(folders):
    """Run the command line without a sandbox; return its exit status."""
    names = ("--submissions", "--key", "--out")
    arguments = [word for pair in zip(names, map(str, folders), strict=True) for word in pair]
    return main(["run", *arguments, "--trust-submissions", "--workers", "1"])


class TestExitStatus:
    def test_all_graded(self, folders, capsys):
        assert command(folders) == 0
        assert "3 submissions, 3 graded" in capsys.readouterr().out
        rows = list(csv.reader((folders[2] / "gradebook.csv").open(encoding="utf-8")))
        assert [row[0] for row in rows] == ["student", "ada", "bo", "cy"]

    @pytest.mark.parametrize("status", ["human", "retry"])
    def test_some_await_a_human_or_another_try(self, folders, status, monkeypatch, capsys):
        def work(job):
            return Record(job.student, job.lesson, job.id, status, findings=["odd"])

        monkeypatch.setattr(run, "work", work)
        assert command(folders) == 1
        assert f"ada, 01_convolution_1d: {status}: odd" in capsys.readouterr().err

    def test_a_notebook_of_no_lesson(self, folders, capsys):
        (folders[0] / "ada" / "notes.ipynb").write_text("{}")
        assert command(folders) == 1
        assert "ada/notes.ipynb: named after no lesson" in capsys.readouterr().err

    def test_no_workers_are_refused(self, capsys):
        with pytest.raises(SystemExit):
            main(["run", "--submissions", "a", "--key", "b", "--out", "c", "--workers", "0"])
        assert "0 is no number of workers" in capsys.readouterr().err

    def test_an_interrupt_ends_in_one_line(self, folders, monkeypatch, capsys):
        def interrupted(*arguments):
            raise KeyboardInterrupt

        monkeypatch.setattr(command_line, "grade", interrupted)
        monkeypatch.setattr(command_line, "clean_up", lambda: None)
        monkeypatch.setattr(os, "_exit", sys.exit)
        with pytest.raises(SystemExit, match="130"):
            command(folders)
        assert "what is graded is kept" in capsys.readouterr().err


class TestDecisions:
    records: ClassVar = [
        Record("ada", "01_a", "1", "human", {"1.1": [0, 2], "1.2": [3, 3]}, findings=["odd"]),
        Record("bo", "01_a", "2", "graded", {"1.1": [2, 2], "1.2": [3, 3]}),
    ]

    def decide(self, folder, *lines):
        path = folder / "decisions.csv"
        path.write_text("\n".join(("student,lesson,exercise,points", *lines)))
        return decide(self.records, read_decisions(path))

    def test_points_are_replaced_and_nobody_has_to_look_again(self, tmp_path):
        ada, bo = self.decide(tmp_path, "ada,01_a,1.1,1")
        assert (ada.status, ada.points) == ("graded", {"1.1": [1, 2], "1.2": [3, 3]})
        assert ada.findings == ["odd", "decided by hand"]
        assert bo is self.records[1]

    def test_points_may_stay_as_they_are(self, tmp_path):
        ada, _ = self.decide(tmp_path, "ada,01_a,,")
        assert (ada.status, ada.points) == ("graded", self.records[0].points)

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("cy,01_a,1.1,1", "no submission of cy"),
            ("ada,01_a,1.1,3", "3 points are not to be had"),
            ("ada,01_a,9.9,1", "1 points are not to be had"),
            ("ada,01_a,1.1,many", "line 2: points must be a number"),
        ],
    )
    def test_what_fits_nothing_is_named(self, tmp_path, line, words):
        with pytest.raises(GradeError, match=words):
            self.decide(tmp_path, line)

    def test_another_table_is_named(self, tmp_path):
        (tmp_path / "decisions.csv").write_text("name,points\n")
        with pytest.raises(GradeError, match="the first line must be student,"):
            read_decisions(tmp_path / "decisions.csv")

    def test_the_command_uses_them(self, folders, monkeypatch):
        def work(job):
            return Record(job.student, job.lesson, job.id, "human", findings=["odd"])

        monkeypatch.setattr(run, "work", work)
        folders[2].mkdir()
        rows = "".join(f"{student},01_convolution_1d,,\n" for student in ("ada", "bo", "cy"))
        (folders[2] / "decisions.csv").write_text(f"student,lesson,exercise,points\n{rows}")
        assert command(folders) == 0


class TestReports:
    records: ClassVar = [
        Record("=cmd|'x'", "01_a", "1", "human", {"1.1": [1, 2]}, {"1.1": ["<b>why</b>"]}, {},
               ["<script>"]),
        Record("../../ada", "01_a", "2", "graded", {"1.1": [2, 2]}, {}, {"1.1": "<i>own</i>"}),
        Record("bo", "02_b", "3", "retry"),
    ]  # fmt: skip

    def test_a_gradebook_for_spreadsheets(self, tmp_path):
        write_reports(self.records, tmp_path)
        rows = list(csv.reader((tmp_path / "gradebook.csv").open(encoding="utf-8")))
        assert rows[0] == ["student", "lesson", "1.1", "total", "findings"]
        assert rows[1] == ["'=cmd|'x'", "01_a", "1", "1", "<script>"]
        assert rows[3] == ["bo", "02_b", "", "", ""]

    def test_totals_for_learning_platforms(self, tmp_path):
        """Canvas asks for its own first columns; both platforms for one row a student."""
        more = Record("bo", "01_a", "4", "graded", {"1.1": [2, 2], "1.2": [1, 3]})
        write_reports([*self.records, more], tmp_path)
        rows = list(csv.reader((tmp_path / "totals.csv").open(encoding="utf-8")))
        assert rows[0] == [
            "Student",
            "ID",
            "SIS User ID",
            "SIS Login ID",
            "Section",
            "01_a",
            "02_b",
        ]
        waits, *rest = rows[1:]
        assert waits[5:] == ["", ""]
        assert rest == [
            ["../../ada", "", "", "../../ada", "", "2", ""],
            ["bo", "", "", "bo", "", "3", ""],
        ]

    def test_a_summary_counts_what_is_open(self, tmp_path):
        write_reports(self.records, tmp_path)
        text = (tmp_path / "summary.html").read_text(encoding="utf-8")
        assert "3 submissions: 1 graded, 1 need review, 1 to be tried again." in text

    def test_pages_stay_in_their_folder_and_escape_everything(self, tmp_path):
        out = tmp_path / "out"
        out.mkdir()
        write_reports(self.records, out)
        pages = sorted(path.relative_to(out).as_posix() for path in tmp_path.rglob("*.html"))
        assert "feedback/..%2F..%2Fada/01_a.html" in pages
        text = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*.html"))
        for tag in ("<script>", "<b>", "<i>"):
            assert tag not in text
        assert "&lt;b&gt;why" in text

    @pytest.mark.parametrize("name", [".", "..", "a/b", "a\\b", "ü", "a\x00b"])
    def test_names_of_folders(self, name, tmp_path):
        folder = tmp_path / file_name(name)
        folder.mkdir()
        assert folder.resolve().parent == tmp_path.resolve()


class TestKey:
    def test_seeds_differ_from_cell_to_cell_and_secret_to_secret(self):
        seeds = {seed_for(s, c) for s in ("one", "two") for c in ("01/a", "01/b", "02/a")}
        assert len(seeds) == 6

    def test_poor_answers_have_few_bits(self):
        assert bits(array(True)) < 3
        assert bits(array([3, 3, 3, 3])) < 10
        assert bits(array([0.0] * 100)) == 0
        assert bits(array([1.25, 2.5])) > 40
        assert bits({"kind": "list", "items": [array([1.25]), array([900, 17])]}) > 40

    def test_nobody_else_can_read_it(self, tmp_path):
        path = write_key({"lesson": "01_a", "cells": []}, tmp_path / "keys")
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


class TestSandbox:
    box = sandbox.Sandbox("/prepared", "/my/data")

    def test_a_kernel_is_shown_coursekit_and_nothing_else_of_the_course(self):
        words = self.box.command(["python"], "/c.json", 3)
        outside = [words[i + 1] for i, word in enumerate(words) if word.startswith("--ro-bind")]
        own = [path for path in outside if path not in (*sandbox.SYSTEM, *sandbox_prefixes())]
        assert own == ["/prepared/course", "/c.json", "/my/data"]
        assert "--bind" not in words
        for word in ("--unshare-all", "--die-with-parent", "--disable-userns", "--new-session"):
            assert word in words

    def test_the_environment_is_a_new_one(self, monkeypatch):
        monkeypatch.setenv("SECRET_TOKEN", "1")
        assert "SECRET_TOKEN" not in self.box.environment(0)

    def test_memory_without_a_name_is_counted(self):
        handle = os.memfd_create("hoard")
        try:
            before = sum(_nameless(os.getpid()).values())
            os.write(handle, bytes(3_000_000))
            assert sum(_nameless(os.getpid()).values()) - before >= 3_000_000
        finally:
            os.close(handle)

    def test_grading_refuses_without_bubblewrap(self, monkeypatch):
        monkeypatch.setattr(shutil, "which", lambda name: None)
        with pytest.raises(GradeError, match="apt-get install bubblewrap") as caught:
            sandbox.require_bubblewrap()
        assert "\n" not in str(caught.value)

    def test_what_every_kernel_sees_must_hold_no_secret(self, tmp_path):
        box = replace(self.box, data=str(tmp_path))
        with pytest.raises(GradeError, match="submissions can read; move it"):
            sandbox.require_hidden([tmp_path / "keys"], box)
        sandbox.require_hidden([tmp_path / "keys"], self.box)


class TestWhatAKernelIsShown:
    def test_checks_with_every_name_and_no_answer(self, tmp_path):
        """The lesson that imports its oracles by name runs on; nothing that it gets is one."""
        sandbox._copy_course(tmp_path)
        code = (
            "import coursekit as ck\n"
            "from coursekit.checks.lesson_02 import all_windows, four_loops\n"
            f"for name in {checks.__all__!r}:\n"
            "    check = getattr(ck.checks, name)\n"
            "    if not isinstance(check, type):\n"
            "        assert check(1, 2, x=3).status == 'todo'\n"
            "        assert list(check.misconceptions) == list(check.probes) == []\n"
            "try:\n"
            "    ck.checks.convolve1d.oracle([1], [2])\n"
            "except Exception as error:\n"
            "    print(type(error).__name__, four_loops(1, 2).status)\n"
        )
        shown = tmp_path / "course-without-oracles"
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PYTHONPATH": str(shown)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.stdout == "BorrowedError todo\n", result.stderr
        sources = {path.read_bytes() for path in (shown / "coursekit/checks").glob("*.py")}
        assert len(sources) == 2  # the core, and nothing in the place of all others

    def test_a_figure_is_saved_but_not_drawn(self, tmp_path):
        from matplotlib.figure import Figure
        from PIL import Image

        from staff.grade.undrawn import FigureCanvas

        figure = Figure()
        FigureCanvas(figure)
        figure.savefig(tmp_path / "figure.png")
        assert Image.open(tmp_path / "figure.png").size == (1, 1)

    @pytest.mark.parametrize(
        ("change", "whole"),
        [
            ({}, True),
            ({"content": {"data": {}}}, False),
            ({"content": {"data": 3, "metadata": {}}}, False),
            ({"content": []}, False),
            ({"parent_header": "x"}, False),
            ({"msg_type": ["display_data"]}, False),
        ],
    )
    def test_messages_without_form_are_known(self, change, whole):
        message = {
            "msg_type": "display_data",
            "content": {"data": {}, "metadata": {}},
            "parent_header": {},
        }
        assert _whole(message | change) == whole


def sandbox_prefixes():
    return sys.base_prefix, sys.prefix


def test_the_command_line_says_what_is_wrong_in_one_line(tmp_path, capsys):
    arguments = ["run", "--submissions", str(tmp_path / "none"), "--key", str(tmp_path)]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
