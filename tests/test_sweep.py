"""Sweeps: what comes out, what survives, and what is refused.

Most trials here are arithmetic: a sweep does not care what a trial does.
"""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from coursekit import models, sweep, trials

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


def counting_threads(seed):
    return {"threads": max(pool["num_threads"] for pool in threadpool_info())}


def dying(seed, pool, units):
    os._exit(1)


class Counted:
    """A trial that counts its calls and, asked to, is stopped by the user or has a mistake."""

    def __init__(self, stop_after=1000, broken=False):
        self.__module__, self.__qualname__ = trial.__module__, trial.__qualname__
        self.calls, self.stop_after, self.broken = [], stop_after, broken

    def __call__(self, seed, **configuration):
        if len(self.calls) == self.stop_after:
            raise KeyboardInterrupt
        if self.broken and configuration["pool"] == 3:
            raise NameError("name 'polling' is not defined")
        self.calls.append((seed, *configuration.values()))
        return trial(seed, **configuration)


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "sweep.jsonl"


class TestTable:
    def test_a_grid_is_every_combination_the_last_factor_fastest(self):
        assert sweep.grid(a=[1, 2], b=["x", "y"]) == [
            {"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"},
        ]  # fmt: skip

    @pytest.mark.parametrize("value", [0.1, "cnn-93k", np.float64(0.1)])
    def test_a_factor_of_a_grid_is_a_list(self, value):
        with pytest.raises(ValueError, match=r"^rate is .*; pass a list of values: rate=\[.*\]$"):
            sweep.grid(units=[16], rate=value)

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

    def test_a_summary_has_the_costs_that_the_trials_return(self):
        table = sweep.run(drawing, [{}], repeats=2).assign(shape="wide")
        columns = ["runs", "mean", "std", "lowest", "highest"]
        assert list(sweep.summary(table, "shape").columns) == columns
        full = sweep.summary(table.assign(seconds=1.0, parameters=2), "shape")
        assert list(full.columns) == [*columns, "parameters", "seconds"]

    def test_a_summary_of_failures_names_the_first(self):
        table = sweep.run(collapsing, sweep.grid(pool=[3], units=[8]))
        wanted = (
            "the table has no column 'accuracy', only pool, units, seed, error; "
            "the first error is ValueError: nothing is left after pooling"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(wanted)}$"):
            sweep.summary(table, "pool")
        with pytest.raises(ValueError, match=r"^the table has no column 'rate', only pool"):
            sweep.summary(sweep.run(collapsing, CONFIGURATIONS), ["pool", "rate"])

    def test_lists_are_factors_that_a_summary_can_group_by(self):
        table = sweep.run(lambda seed, units: {"accuracy": sum(units)}, sweep.grid(
            units=[[1, 2], [3]]), 2)  # fmt: skip
        assert sweep.summary(table, "units")["mean"].to_dict() == {(1, 2): 3, (3,): 3}

    @pytest.mark.parametrize(
        ("configurations", "repeats"), [([], 1), ([{"a": 1}, {"a": 1}], 1), ([{"a": 1}], 0)]
    )
    def test_nothing_and_twice_the_same_are_refused(self, configurations, repeats):
        with pytest.raises(ValueError, match="at least one configuration and one repeat"):
            sweep.run(trial, configurations, repeats)

    def test_a_factor_that_no_table_can_hold_is_refused(self):
        with pytest.raises(ValueError, match="use numbers and strings"):
            sweep.run(trial, [{"pool": object()}])

    def test_a_trial_needs_a_name_for_its_journal_alone(self, journal):
        nameless = functools.partial(trial, pool=2)
        assert sweep.run(nameless, [{"units": 2}]).accuracy.tolist() == [0.75]
        with pytest.raises(ValueError, match="write the trial as a function"):
            sweep.run(nameless, [{"units": 2}], journal=journal)

    @pytest.mark.parametrize("result", [None, 0.9, [("accuracy", 0.9)]])
    def test_a_trial_that_returns_no_dict_is_a_row_with_its_reason(self, result):
        [error] = sweep.run(lambda seed: result, [{}]).error
        kind = type(result).__name__
        assert error == (
            f"TypeError: a trial returns a dict such as {{'accuracy': 0.98}}, not {kind}: "
            "see its `return`"
        )

    @pytest.mark.parametrize("result", [{"units": 2}, {"seed": 7}, {"error": "none"}])
    def test_a_result_that_hides_a_column_costs_its_own_row_alone(self, result):
        def hiding(seed, units):
            return result if units == 1 else {"accuracy": 0.5}

        table = sweep.run(hiding, [{"units": 1}, {"units": 3}])
        name = next(iter(result))
        assert table.error.tolist() == [
            f"ValueError: the trial returns {name!r}, but the table has that column; rename it",
            "",
        ]
        assert table.units.tolist() == [1, 3]
        assert table.seed.tolist() == [0, 0]

    @pytest.mark.parametrize("value", [np.nan, (1, 2), [3], np.int64(4), 0.1])
    def test_a_result_may_repeat_a_factor(self, value):
        table = sweep.run(lambda seed, a: {"a": a, "seed": seed, "accuracy": 1}, [{"a": value}], 2)
        assert (table.error == "").all()
        assert table.seed.tolist() == [0, 1]

    def test_accuracies_that_are_no_numbers_are_not_the_best(self):
        values = [0.5, np.nan, "high", None, 0.25]
        table = sweep.run(lambda seed: {"accuracy": values[seed]}, [{}], repeats=5)
        assert (table.error == "").all()
        done = {n: {"result": {"accuracy": value}} for n, value in enumerate(values)}
        assert sweep._best(done | {9: {"error": "lost"}}) == "best accuracy 0.5000"
        assert sweep._best({9: {"error": "lost"}}) == ""


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

    def test_a_failed_trial_runs_again_once_it_is_mended(self, journal, capsys):
        sweep.run(Counted(broken=True), CONFIGURATIONS, 1, journal)
        assert capsys.readouterr().out == ""
        mended, again = Counted(), Counted()
        table = sweep.run(mended, CONFIGURATIONS, 1, journal)
        assert capsys.readouterr().out == "[sweep] 2 of 4 trials are in sweep.jsonl.\n"
        assert (table.error == "").all() and table.accuracy.notna().all()
        assert sorted(mended.calls) == [(0, 3, 16), (0, 3, 32)]
        assert sweep.run(again, CONFIGURATIONS, 1, journal).equals(table)
        assert again.calls == []

    @pytest.mark.parametrize(
        ("quick", "tag", "what"), [("1", "MNIST", "mode"), ("0", "Fashion-MNIST", "tag")]
    )
    def test_results_of_other_data_are_not_taken_for_these(
        self, journal, quick, tag, what, monkeypatch
    ):
        monkeypatch.delenv("COURSEKIT_QUICK", raising=False)
        sweep.run(trial, CONFIGURATIONS, 1, journal, tag="MNIST")
        monkeypatch.setenv("COURSEKIT_QUICK", quick)
        with pytest.raises(sweep.SweepError, match=rf"another sweep \(other {what}\)"):
            sweep.run(trial, CONFIGURATIONS, 1, journal, tag=tag)

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
        ("other", "configurations", "what"),
        [(trial, CONFIGURATIONS[:2], "configurations"), (collapsing, CONFIGURATIONS, "trial")],
    )
    def test_another_sweep_is_refused_and_nothing_is_lost(
        self, journal, other, configurations, what
    ):
        sweep.run(trial, CONFIGURATIONS, 1, journal)
        before = journal.read_bytes()
        with pytest.raises(
            sweep.SweepError, match=rf"^sweep\.jsonl holds another sweep \(other {what}\)"
        ):
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

    def test_threads_are_refused_because_they_share_the_random_state(self):
        with (
            ThreadPoolExecutor(2) as executor,
            pytest.raises(ValueError, match=r"sweep\.processes"),
        ):
            sweep.run(trial, CONFIGURATIONS, executor=executor)

    def test_a_process_computes_in_one_thread_on_a_core_it_may_use(self):
        with sweep.processes() as executor:
            [threads] = sweep.run(counting_threads, [{}], executor=executor).threads
            assert executor._max_workers == joblib.cpu_count()
        assert threads == 1

    @pytest.mark.integration
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
    assert said == (
        "[sweep] no.such_library is not installed (pip install no.such_library); "
        "the lesson goes on without it.\n"
    )


def test_a_missing_extra_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    assert sweep.extra("dask.distributed") is None
    assert '(pip install "dask[distributed]")' in capsys.readouterr().out


def test_a_table_that_is_not_stored_is_named_with_those_that_are():
    with pytest.raises(ValueError, match=r"^no stored table 'benches'; .* bench, reproduction$"):
        sweep.stored("benches")


class TestTraining:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
        monkeypatch.setenv("COURSEKIT_QUICK", "1")
        monkeypatch.delenv("COURSEKIT_DATA", raising=False)
        trials._load.cache_clear()
        yield
        trials._load.cache_clear()

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

    def test_an_unknown_schedule_is_named_with_those_there_are(self):
        with pytest.raises(ValueError, match=r"schedule is 'onecycle'; .*'lecture' or 'one-cycle'"):
            sweep.train(0, "dense-128", "onecycle")

    def test_a_network_that_ends_in_logits_learns_by_the_course_recipe(self):
        result = sweep.train(0, "low-level", "one-cycle", images=200, epochs=3, batch_size=20)
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
    return trials._load("Fashion-MNIST").x_test.reshape(500, -1)
