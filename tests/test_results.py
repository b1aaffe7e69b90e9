"""The tables of reproduced results and of ratios: what they say, and what they refuse to say."""

import contextlib

import pandas as pd
import pytest

from coursekit import models
from staff import bench, reproduce


def runs(recipe, accuracies, val=None):
    """Return rows as `reproduce` stores them."""
    return pd.DataFrame(
        {
            "recipe": recipe, "data": "0123456789abcdef", "seed": range(len(accuracies)),
            "parameters": models.LECTURES[recipe].parameters, "accuracy": accuracies, "loss": 0.1,
            "seconds": 10.0, "epochs": 5, "device": "a processor, CPU, 1 thread",
            "versions": "keras 3", "val_accuracy": val,
        }
    )  # fmt: skip


class TestReproduction:
    def test_a_row_has_mean_spread_and_number_of_runs(self):
        row = reproduce.summarise(runs("dense-128", [0.97, 0.98, 0.99])).iloc[0]
        assert row[["mean", "std", "lowest", "highest"]].tolist() == pytest.approx(
            [0.98, 0.01, 0.97, 0.99]
        )
        assert row[["network", "published", "runs", "parameters"]].tolist() == [
            "dense-128", 0.9782, 3, 101_770,
        ]  # fmt: skip

    def test_each_published_number_has_its_row_and_no_other(self):
        both = reproduce.summarise(runs("cnn-515k", [0.99], val=0.98))
        assert both[["images", "published", "mean"]].values.tolist() == [
            ["test", 0.9906, 0.99], ["validation", 0.9900, 0.98],
        ]  # fmt: skip
        only = reproduce.summarise(runs("dense-128-val", [0.97], val=0.98))
        assert only[["images", "published", "mean"]].values.tolist() == [
            ["validation", 0.9803, 0.98]
        ]

    def test_what_was_never_published_says_so(self):
        table = reproduce.markdown(runs("low-level", [0.97, 0.97]))
        assert "| low-level | iSystems | test | not printed | 0.9700 ± 0.0000 | 2 |" in table

    def test_the_table_says_data_versions_and_machine(self):
        table = reproduce.markdown(runs("dense-128", [0.98, 0.98]))
        for fact in ("MNIST 0123456789ab", "keras 3", "a processor, CPU, 1 thread"):
            assert fact in table

    def test_a_mean_far_below_its_lecture_must_be_explained(self, monkeypatch):
        low = runs("dense-128", [0.97, 0.97])
        monkeypatch.setattr(reproduce, "EXPLAINED", {})
        with pytest.raises(SystemExit, match=r"dense-128 is 0\.0082 below its lecture"):
            reproduce.markdown(low)
        monkeypatch.setattr(reproduce, "EXPLAINED", {"dense-128": "Because."})
        table = reproduce.markdown(low)
        assert "0.9700 ± 0.0000 *" in table
        assert "*dense-128:* Because." in table

    def test_new_runs_replace_the_old_ones_of_their_recipe_alone(self):
        old = pd.concat([runs("cnn-93k", [0.98]), runs("dense-128", [0.9, 0.9])])
        merged = reproduce.merge(old, runs("dense-128", [0.98]))
        assert merged[["recipe", "accuracy"]].values.tolist() == [
            ["dense-128", 0.98], ["cnn-93k", 0.98],
        ]  # fmt: skip

    def test_the_tables_are_written_and_the_readme_around_them_is_kept(self, monkeypatch, tmp_path):
        monkeypatch.setattr(reproduce, "ROOT", tmp_path)
        monkeypatch.setattr(reproduce, "RESULTS", tmp_path / "results")
        readme = tmp_path / "README.md"
        readme.write_text("above\n<!-- reproduction -->\nold\n<!-- /reproduction -->\nbelow\n")
        for _ in range(2):
            reproduce.write(runs("dense-128", [0.98, 0.98]))
        text = readme.read_text()
        assert text.startswith("above\n<!-- reproduction -->\n\n| network")
        assert text.endswith("*\n\n<!-- /reproduction -->\nbelow\n")
        assert "old" not in text and text.count("| dense-128 |") == 1
        assert (tmp_path / "results" / "reproduction.md").read_text() in text
        assert len(pd.read_csv(tmp_path / "results" / "reproduction.csv")) == 2

    def test_a_stand_in_for_the_data_is_refused(self, monkeypatch):
        monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
        monkeypatch.delenv("COURSEKIT_DATA", raising=False)
        monkeypatch.setattr("coursekit.data._from_cache", lambda spec: None)
        with pytest.raises(SystemExit, match="the lectures used all of MNIST: set COURSEKIT_DATA"):
            reproduce.data_digest("MNIST")

    def test_runs_are_kept_with_their_data_and_failed_ones_run_again(self, monkeypatch, tmp_path):
        calls = []

        def trial(seed, recipe):
            calls.append(seed)
            if len(calls) == 2:
                raise MemoryError("no room")
            return {"accuracy": 0.98}

        monkeypatch.setattr(reproduce, "JOURNALS", tmp_path)
        monkeypatch.setattr(reproduce, "trial", trial)
        monkeypatch.setattr(reproduce, "data_digest", lambda name: f"digest of {name}")
        here = contextlib.nullcontext()  # no executor: one trial after another in this process
        monkeypatch.setattr("coursekit.sweep.processes", lambda workers: here)
        with pytest.raises(SystemExit, match="dense-128: MemoryError: no room; mend it and run"):
            reproduce.reproduce(["dense-128"], workers=1)
        table = reproduce.reproduce(["dense-128"], workers=1)
        assert calls == [0, 1, 2, 1]
        assert list(table.columns) == ["recipe", "data", "seed", "accuracy"]
        assert set(table.data) == {"digest of MNIST"}

    def test_unknown_recipes_are_named(self, capsys):
        with pytest.raises(SystemExit):
            reproduce.main(["cnn-94k"])
        assert "no recipe cnn-94k; choose of dense-128" in capsys.readouterr().err

    def test_every_recipe_has_its_number_of_runs(self):
        assert set(reproduce.REPEATS) == set(models.LECTURES)


class TestBench:
    def test_a_ratio_is_that_of_the_medians(self):
        rows = pd.DataFrame({"recipe": ["a", "b"] * 3, "seconds": [1.0, 4.0, 2.0, 4.0, 9.0, 40.0]})
        assert bench.compare(rows, "a", "b") == "0.5 | 2 s (1 to 9) | 4 s (4 to 40) | 3, 3"

    def test_a_time_that_no_run_has_is_never(self):
        rows = pd.DataFrame({"recipe": ["a", "b"], "seconds": [2.0, None]})
        assert bench.compare(rows, "a", "b") == "– | 2 s (2 to 2) | never | 1 of 1, 0 of 1"

    def test_times_have_the_unit_that_suits_them(self):
        rows = pd.DataFrame({"recipe": ["a", "b"], "seconds": [0.02, 5e-8]})
        assert bench.compare(rows, "a", "b").split(" | ")[1:3] == [
            "20 ms (20 to 20)", "50 ns (50 to 50)",
        ]  # fmt: skip

    def test_training_tells_time_and_accuracy_by_both_recipes(self):
        rows = pd.DataFrame(
            {
                "bench": "training", "network": "cnn-515k", "recipe": ["lecture", "one-cycle"] * 2,
                "accuracy": [0.99, 0.98, 0.98, 0.98], "seconds": [100.0, 10.0, 300.0, 10.0],
                "seconds_to_published": [50.0, 10.0, None, None], "device": "2 cores",
                "versions": "v",
            }
        )  # fmt: skip
        table = bench.markdown(rows)
        assert "all epochs | 0.05 | 10 s (10 to 10) | 200 s (100 to 300) | 2, 2 |" in table
        assert "first reached | – | 10 s (10 to 10) | 50 s (50 to 50) | 1 of 2, 1 of 2 |" in table
        assert "| cnn-515k | lecture | 0.9906 | 0.9850 ± 0.0071 | 2 |" in table

    def test_each_bench_is_stored_when_it_is_done(self, monkeypatch, tmp_path):
        def stopped():
            raise KeyboardInterrupt

        quick = {"imports": lambda: [{"recipe": "numpy", "seed": 0, "seconds": 1.0}]}
        monkeypatch.setattr(bench, "RESULTS", tmp_path / "results")
        monkeypatch.setattr(bench, "BENCHES", quick | {"check": stopped})
        monkeypatch.setattr(bench, "RATIOS", ())
        with pytest.raises(KeyboardInterrupt):
            bench.main([])
        assert pd.read_csv(tmp_path / "results" / "bench.csv").bench.tolist() == ["imports"]
        stored = (tmp_path / "results" / "bench.md").read_text()
        (tmp_path / "results" / "bench.md").unlink()
        assert bench.main(["--table"]) == 0
        assert (tmp_path / "results" / "bench.md").read_text() == stored

    def test_unknown_benches_are_named(self, capsys):
        with pytest.raises(SystemExit):
            bench.main(["speed"])
        assert "no bench speed; choose of training" in capsys.readouterr().err

    def test_quick_measurements_come_in_turns(self):
        rows = bench._in_turns({"a": lambda: None, "b": lambda: None}, 2)
        assert [row["recipe"] for row in rows] == ["a", "b", "a", "b"]
        assert all(row["seconds"] >= 0 for row in rows)
