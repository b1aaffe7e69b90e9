"""Sweeps: what comes out, what survives, and what is refused.

Most trials here are arithmetic: a sweep does not care what a trial does.
"""

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from coursekit import models, sweep

CONFIGURATIONS = sweep.grid(pool=[2, 3], units=[16, 32])


def trial(seed, pool, units, nap=0.0):
    """Stand for a training: quick, and different for every argument."""
    time.sleep(nap)
    return {"parameters": units * 10, "accuracy": 1 - 1 / (units + pool + seed), "pid": os.getpid()}


def collapsing(seed, pool, units):
    if pool == 3:
        raise ValueError("nothing is left\nafter pooling")
    return {"accuracy": np.float32(0.5), "parameters": np.int64(units)}


def drawing(seed):
    return {"accuracy": float(np.random.random())}  # noqa: NPY002 (the generator a sweep seeds)


def dying(seed, pool, units):
    os._exit(1)


class Counted:
    """A trial that counts its calls and, asked to, is stopped by the user."""

    def __init__(self, stop_after=1000):
        self.__module__, self.__qualname__ = trial.__module__, trial.__qualname__
        self.calls, self.stop_after = [], stop_after

    def __call__(self, seed, **configuration):
        if len(self.calls) == self.stop_after:
            raise KeyboardInterrupt
        self.calls.append((seed, *configuration.values()))
        return trial(seed, **configuration)


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "sweep.jsonl"


class TestTable:
    def test_a_grid_is_every_combination_the_last_factor_fastest(self):
        assert sweep.grid(a=[1, 2], b="xy") == [
            {"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"},
        ]  # fmt: skip

    def test_it_has_a_row_for_each_trial_and_a_column_for_each_value(self):
        table = sweep.run(trial, CONFIGURATIONS, repeats=3)
        columns = ["pool", "units", "seed", "parameters", "accuracy", "pid", "error"]
        assert list(table.columns) == columns
        assert len(table) == 12
        assert table[["pool", "units", "seed"]].iloc[4].tolist() == [2, 32, 1]
        assert table.accuracy.iloc[4] == 1 - 1 / 35
        assert (table.error == "").all()

    def test_a_failing_trial_is_a_row_with_its_reason(self, journal):
        table = sweep.run(collapsing, CONFIGURATIONS, journal=journal)
        failed = table[table.pool == 3]
        assert (failed.error == "ValueError: nothing is left after pooling").all()
        assert failed.accuracy.isna().all()
        assert (table[table.pool == 2].accuracy == 0.5).all()
        assert sweep.run(collapsing, CONFIGURATIONS, journal=journal).equals(table)

    def test_every_trial_starts_from_its_own_seed(self):
        first, again = (sweep.run(drawing, [{}], repeats=3).accuracy for _ in range(2))
        assert first.equals(again)
        assert first.nunique() == 3

    def test_a_summary_has_mean_and_spread_the_best_first(self):
        table = sweep.run(trial, CONFIGURATIONS, repeats=3)
        table["seconds"] = 2.0
        summary = sweep.summary(table, ["pool", "units"])
        assert list(summary.index) == [(3, 32), (2, 32), (3, 16), (2, 16)]
        values = 1 - 1 / np.array([35, 36, 37])
        best = summary.iloc[0]
        assert best[["mean", "std"]].tolist() == pytest.approx([values.mean(), values.std(ddof=1)])
        assert best[["runs", "lowest", "highest"]].tolist() == [3, values[0], values[-1]]

    def test_failed_trials_do_not_count_in_a_summary(self):
        table = sweep.run(collapsing, CONFIGURATIONS)
        table["seconds"] = 2.0
        assert sweep.summary(table, "pool").runs.to_dict() == {2: 2, 3: 0}

    @pytest.mark.parametrize(
        ("configurations", "repeats"), [([], 1), ([{"a": 1}, {"a": 1}], 1), ([{"a": 1}], 0)]
    )
    def test_nothing_and_twice_the_same_are_refused(self, configurations, repeats):
        with pytest.raises(ValueError, match="at least one configuration and one repeat"):
            sweep.run(trial, configurations, repeats)

    def test_what_no_journal_can_keep_is_refused(self):
        with pytest.raises(ValueError, match="use numbers and strings"):
            sweep.run(trial, [{"pool": object()}])

    def test_a_trial_needs_a_name_for_its_journal(self):
        with pytest.raises(ValueError, match="write the trial as a function"):
            sweep.run(functools.partial(trial, pool=2), [{"units": 1}])

    def test_a_result_may_not_hide_a_factor(self):
        with pytest.raises(ValueError, match="'parameters', which is a factor"):
            sweep.run(lambda seed, parameters: {"parameters": 2}, [{"parameters": 1}])


class TestJournal:
    def test_a_sweep_that_was_stopped_repeats_nothing(self, journal):
        first, second = Counted(stop_after=5), Counted()
        with pytest.raises(KeyboardInterrupt):
            sweep.run(first, CONFIGURATIONS, 2, journal)
        table = sweep.run(second, CONFIGURATIONS, 2, journal)
        assert len(first.calls) == 5
        assert len(second.calls) == 3
        assert not set(first.calls) & set(second.calls)
        assert table.equals(sweep.run(trial, CONFIGURATIONS, 2))

    def test_more_repeats_run_only_the_new_ones(self, journal):
        sweep.run(trial, CONFIGURATIONS, 1, journal)
        more = Counted()
        assert len(sweep.run(more, CONFIGURATIONS, 3, journal)) == 12
        assert {seed for seed, *_ in more.calls} == {1, 2}
        assert len(more.calls) == 8

    @pytest.mark.parametrize("kept", [10, -1, -30], ids=["header torn", "no newline", "line torn"])
    def test_a_torn_last_line_costs_one_trial(self, journal, kept):
        whole = sweep.run(trial, CONFIGURATIONS, 1, journal)
        content = journal.read_bytes()
        journal.write_bytes(content[:kept])
        again = Counted()
        assert sweep.run(again, CONFIGURATIONS, 1, journal).equals(whole)
        assert len(again.calls) == (4 if kept == 10 else 1)
        assert sorted(journal.read_bytes().splitlines()) == sorted(content.splitlines())

    @pytest.mark.parametrize(
        ("other", "configurations"),
        [(trial, CONFIGURATIONS[:2]), (collapsing, CONFIGURATIONS)],
        ids=["other configurations", "another trial"],
    )
    def test_another_sweep_is_refused_and_nothing_is_lost(self, journal, other, configurations):
        sweep.run(trial, CONFIGURATIONS, 1, journal)
        before = journal.read_bytes()
        with pytest.raises(sweep.SweepError, match=r"^sweep\.jsonl holds another sweep; name an"):
            sweep.run(other, configurations, 1, journal)
        assert journal.read_bytes() == before

    def test_a_damaged_line_is_named(self, journal):
        sweep.run(trial, CONFIGURATIONS, 1, journal)
        lines = journal.read_text().splitlines(keepends=True)
        journal.write_text("".join([*lines[:2], "{'no json\n", *lines[3:]]))
        with pytest.raises(sweep.SweepError, match=r"^sweep\.jsonl, line 3, is damaged"):
            sweep.run(trial, CONFIGURATIONS, 1, journal)

    def test_its_lines_are_plain_json(self, journal):
        sweep.run(collapsing, [{"pool": np.int64(2), "units": 8}], 1, journal)
        header, record = map(json.loads, journal.read_text().splitlines())
        assert header["configurations"] == [{"pool": 2, "units": 8}]
        assert record["configuration"] == {"pool": 2, "units": 8}
        assert record["result"] == {"accuracy": 0.5, "parameters": 8}

    def test_a_sweep_killed_in_the_middle_goes_on(self, journal):
        code = (
            "import test_sweep as t; from coursekit import sweep; "
            f"sweep.run(t.trial, t.napping(0.05), 5, {str(journal)!r})"
        )
        here = Path(__file__).parent
        path = os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": path},
            stderr=subprocess.DEVNULL,
        )
        while not journal.exists() or journal.read_bytes().count(b"\n") < 6:
            assert process.poll() is None, "the sweep ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        finished = journal.read_bytes().count(b"\n") - 1
        rest = Counted()
        table = sweep.run(rest, napping(0.05), 5, journal)
        assert len(table) == 20
        assert 0 < len(rest.calls) == 20 - finished


def napping(nap):
    return [configuration | {"nap": nap} for configuration in CONFIGURATIONS]


class TestExecutors:
    def test_processes_give_the_same_table(self, journal):
        here = sweep.run(trial, CONFIGURATIONS, 2).drop(columns="pid")
        with sweep.processes(2) as executor:
            table = sweep.run(trial, CONFIGURATIONS, 2, journal, executor)
        assert table.drop(columns="pid").equals(here)
        assert os.getpid() not in set(table.pid)
        assert sweep.run(trial, CONFIGURATIONS, 2, journal).equals(table)

    def test_a_dead_worker_is_one_clear_line(self):
        with (
            sweep.processes(1) as executor,
            pytest.raises(
                sweep.SweepError, match=r"worker was lost \(.*run the sweep again to go on"
            ),
        ):
            sweep.run(dying, CONFIGURATIONS, 1, executor=executor)

    def test_a_cluster_that_loses_a_worker_completes_the_table(self, journal):
        distributed = pytest.importorskip("distributed")
        here = sweep.run(trial, napping(0.2), 5).drop(columns="pid")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            doomed, *others = client.run(os.getpid).values()
            killer = threading.Thread(target=kill_in_the_middle, args=(doomed, journal))
            killer.start()
            table = sweep.run(trial, napping(0.2), 5, journal, client.get_executor())
            killer.join()
        assert others
        assert table.drop(columns="pid").equals(here)
        assert 0 < (table.pid == doomed).sum() < 19


def kill_in_the_middle(pid, journal):
    while not journal.exists() or journal.read_bytes().count(b"\n") < 5:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)


def test_a_reason_keeps_its_words_and_loses_its_colour():
    def colourful(seed):
        raise ValueError("\x1b[1mtoo small\x1b[0m\nto pool")

    [error] = sweep.run(colourful, [{}])["error"]
    assert error == "ValueError: too small to pool"


def test_a_quick_sweep_displays_no_bar_in_a_notebook(monkeypatch):
    class Shell:
        kernel = object()

    shown = []
    monkeypatch.setattr("IPython.get_ipython", Shell)
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: shown.append(1))
    sweep.run(trial, CONFIGURATIONS)
    assert shown == []


def test_a_library_that_is_missing_is_told_in_one_line(capsys):
    assert sweep.extra("json") is json
    assert sweep.extra("no.such_library") is None
    said = capsys.readouterr().out
    assert said == "[sweep] no.such_library is not installed; the lesson goes on without it.\n"


class TestTraining:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
        monkeypatch.setenv("COURSEKIT_QUICK", "1")
        monkeypatch.delenv("COURSEKIT_DATA", raising=False)
        sweep._load.cache_clear()
        yield
        sweep._load.cache_clear()

    def test_a_recipe_is_trained_as_its_lecture_says(self):
        result = sweep.train(0, "dense-128-val", epochs=3)
        assert result["parameters"] == 101_770
        assert result["epochs"] == 3
        assert result["accuracy"] > 0.7 and result["val_accuracy"] > 0.7
        assert result["seconds"] > 0

    def test_the_course_recipe_and_a_part_of_the_images(self):
        result = sweep.train(
            0, "dense-128-sparse", "one-cycle", images=200, epochs=4, batch_size=20
        )
        assert result["epochs"] == 4
        assert result["accuracy"] > 0.5

    def test_iterations_are_counted_in_batches(self):
        result = sweep.train(0, "low-level", iterations=5)
        assert result["parameters"] == 333_526
        assert result["epochs"] == pytest.approx(5 * 50 / 1297)

    @pytest.mark.parametrize(
        ("recipe", "sizes"),
        [
            ("dense-128", (1297, None, 500)),
            ("dense-128-val", (1297, 165, 335)),
            ("cnn-93k-adam", (1167, 130, 500)),
            ("fashion-dense-128-val", (335, 165, 165)),
        ],
    )
    def test_validation_images_are_divided_as_the_lecture_does(self, recipe, sizes):
        plan = models.LECTURES[recipe]
        parts = sweep.examples(plan, np.random.default_rng(0))
        assert tuple(part and len(part[0]) for part in parts) == sizes

    def test_no_image_is_in_two_parts(self):
        plan = models.LECTURES["fashion-dense-128-val"]
        training, validation, _ = sweep.examples(plan, np.random.default_rng(0))
        rows = np.concatenate([training[0], validation[0]]).reshape(500, -1)
        assert len(np.unique(rows, axis=0)) == len(np.unique(_test_images(), axis=0))


def _test_images():
    return sweep._load("Fashion-MNIST").x_test.reshape(500, -1)
