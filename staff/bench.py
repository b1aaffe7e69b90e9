"""Measure ratios, side by side in one run: `make bench`.

    python -m staff.bench             all of them; an hour on a laptop
    python -m staff.bench import      some of them
    python -m staff.bench --table     none; write the table again

Measurements are kept in coursekit/results/bench.csv; coursekit/results/bench.md is made from
them. Times drift on a machine that does other things, so the ways that are compared take turns.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from multiprocessing import get_context

import numpy as np
import pandas as pd

import coursekit as ck
from staff import ROOT
from staff.reproduce import data_digest, processor

RESULTS = ROOT / "coursekit" / "results"
JOURNAL = ROOT / "build" / "bench" / "training.jsonl"
FAST = {
    "cnn-93k-adam": {"epochs": 1, "batch_size": 32},
    "cnn-515k": {"epochs": 2, "batch_size": 128},
}
"""The course's recipe: `fit_one_cycle`, as short as the lecture's accuracy allows (a look at the
test accuracy of a few runs decided on the epochs and the batch sizes)."""

Rows = list[dict[str, str | float]]


# Training: the lecture's recipe and the course's -----------------------------------------


def trial(seed: int, network: str, recipe: str, epochs: int, batch_size: int) -> dict[str, float]:
    """Train by the "lecture" or by "one-cycle".

    The test images are looked at after each epoch, while the clock stands, and decide nothing.
    """
    import keras

    class Clock(keras.callbacks.Callback):
        seconds, reached = 0.0, np.nan

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.begin = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            self.seconds += time.perf_counter() - self.begin
            predicted = self.model.predict(test[0], batch_size=500, verbose=0).argmax(axis=1)
            accuracy = (predicted == labels).mean()
            if np.isnan(self.reached) and accuracy >= plan.published["test_accuracy"]:
                self.reached = self.seconds

    ck.start.seed_all(seed)
    plan = ck.models.LECTURES[network]
    plan = replace(plan, one_hot=plan.one_hot and recipe == "lecture")
    training, _, test = ck.sweep.examples(plan, np.random.default_rng(seed))
    labels = test[1].argmax(axis=1) if plan.one_hot else test[1]
    model, clock, method = plan.build(), Clock(), ck.models.fit_one_cycle
    if recipe == "lecture":
        plan.compile(model)
        method = None  # Keras' own
    options = {"epochs": epochs, "batch_size": batch_size, "callbacks": [clock]}
    result = ck.sweep.fit(model, training, test, method, **options)
    return {
        "seconds": clock.seconds,
        "accuracy": result["accuracy"],
        "seconds_to_published": clock.reached,
    }


def training() -> Rows:
    """Train both networks by both recipes, three seeds; stopped, it goes on where it was."""
    configurations = []
    for network, fast in FAST.items():
        plan = ck.models.LECTURES[network]
        published = {"epochs": plan.epochs, "batch_size": plan.batch_size}
        for recipe, options in (("lecture", published), ("one-cycle", fast)):
            configurations.append({"network": network, "recipe": recipe} | options)
    digest = data_digest("MNIST")
    for repeats in (1, 2, 3):  # one seed after the other, so that the recipes take turns
        table = ck.sweep.run(trial, configurations, repeats, JOURNAL, tag=digest)
    if (table.error != "").any():
        raise SystemExit(f"training: {table.error.max()}; mend it and run this again")
    return table.drop(columns="error").to_dict("records")


# Sweeps: threads against processes -------------------------------------------------------


def threads() -> Rows:
    """Sweep four trials: two at once with one thread each, or one at a time with all threads."""
    data_digest("MNIST")
    plain = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    with ck.sweep.processes(2) as two, plain as one:
        for pool in (two, one):
            _four_trials(pool, images=500)  # imports, data, and the first trace of the network
        return [
            {"recipe": name, "seed": n, "seconds": _four_trials(pool, images=20_000)}
            for n in range(3)
            for name, pool in (("two at once", two), ("one at a time", one))
        ]


def _four_trials(executor: Executor, images: int) -> float:
    configuration = {"recipe": "cnn-93k-adam", "epochs": 1, "images": images}
    begin = time.perf_counter()
    ck.sweep.run(ck.sweep.train, [configuration], repeats=4, executor=executor)
    return time.perf_counter() - begin


# The package, the lessons and their check ------------------------------------------------


def imports() -> Rows:
    """Start Python and import coursekit, or NumPy, or nothing."""
    code = {"coursekit": "import coursekit", "numpy": "import numpy", "nothing": ""}
    return _in_turns(
        {name: lambda c=c: _run([sys.executable, "-c", c]) for name, c in code.items()}, 9
    )


def convolution() -> Rows:
    """Slide a 5x5 kernel over a 512x512 image: lesson 02's two ways and SciPy's.

    The loops get a 68x68 image; all times are for one response.
    """
    from scipy.signal import correlate2d

    from coursekit.checks.lesson_02 import all_windows, four_loops

    rng = np.random.default_rng(0)
    kernel, large, small = (rng.normal(size=shape) for shape in ((5, 5), (512, 512), (68, 68)))
    ways: dict[str, Callable[[], object]] = {
        "windows": lambda: all_windows(large, kernel),
        "scipy": lambda: correlate2d(large, kernel, mode="valid"),
        "loops": lambda: four_loops(small, kernel),
    }
    responses = {"windows": 508**2, "scipy": 508**2, "loops": 64**2}
    return [
        {"recipe": name, "seed": n, "seconds": timeit.timeit(way, number=2) / 2 / responses[name]}
        for n in range(5)
        for name, way in ways.items()
    ]


def check() -> Rows:
    """Run `make nbval`, and execute the same cells by nbclient, without any test around them."""
    return _in_turns(
        {
            "make nbval": lambda: _run(["make", "nbval"]),
            "plain execution": lambda: _run([sys.executable, "-c", _PLAIN]),
        },
        1,
    )


_PLAIN = """
import os, pathlib, nbclient, nbformat
for folder, strict in (("notebooks", "0"), ("staff/solutions", "1")):
    for path in sorted(pathlib.Path(folder).glob("*.ipynb")):
        where = {"metadata": {"path": folder}}
        client = nbclient.NotebookClient(nbformat.read(path, 4), resources=where, timeout=300)
        client.execute(env=os.environ | {"COURSEKIT_STRICT": strict})
"""


def _run(command: list[str]) -> None:
    quick = {"COURSEKIT_QUICK": "1", "COURSEKIT_OFFLINE": "1"}
    subprocess.run(command, cwd=ROOT, env=os.environ | quick, check=True, stdout=subprocess.DEVNULL)


def _in_turns(ways: dict[str, Callable[[], None]], rounds: int) -> Rows:
    rows = []
    for n in range(rounds):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            rows.append({"recipe": name, "seed": n, "seconds": time.perf_counter() - begin})
    return rows


# The table -------------------------------------------------------------------------------

BENCHES = {
    "training": training,
    "threads": threads,
    "imports": imports,
    "convolution": convolution,
    "check": check,
}


RATIOS = (
    ("threads", "two at once", "one at a time", "four trials of cnn-93k-adam: two at once, one "
     "thread each, with one at a time, all threads"),
    ("imports", "coursekit", "numpy", "`import coursekit`, with `import numpy`"),
    ("imports", "nothing", "numpy", "Python alone, with `import numpy`"),
    ("convolution", "windows", "scipy", "lesson 02's windows, with `scipy.signal.correlate2d`"),
    ("convolution", "loops", "windows", "lesson 02's loops, with its windows"),
    ("check", "make nbval", "plain execution", "`make nbval`, two notebooks at a time, with plain "
     "execution of its cells, one at a time"),
)  # fmt: skip


def compare(rows: pd.DataFrame, first: str, second: str, column: str = "seconds") -> str:
    """Return table cells: the ratio of the medians, and median and range of both ways.

    Where some runs have no time there is no ratio: it would compare chosen runs.
    """
    a, b = (rows[rows.recipe == name][column] for name in (first, second))
    complete = a.notna().all() and b.notna().all()
    ratio = f"{float(f'{a.median() / b.median():.2g}'):g}" if complete else "–"
    runs = [f"{len(x)}" if complete else f"{x.count()} of {len(x)}" for x in (a, b)]
    return " | ".join([ratio, _spread(a), _spread(b), ", ".join(runs)])


def _spread(seconds: pd.Series) -> str:
    if seconds.isna().all():
        return "never"
    low, middle, high = seconds.min(), seconds.median(), seconds.max()
    units = ((1, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns"))
    scale, unit = next((s, u) for s, u in units if low * s > 0.1)
    return f"{middle * scale:.3g} {unit} ({low * scale:.3g} to {high * scale:.3g})"


def markdown(rows: pd.DataFrame) -> str:
    """Return all ratios and accuracies, with what a reader must know to judge them."""
    lines = ["| compared | ratio | this | with that | runs |", "| --- | --- | --- | --- | --- |"]
    trained = rows[rows.bench == "training"]
    for network, group in trained.groupby("network"):
        for column, what in (
            ("seconds", "all epochs"),
            ("seconds_to_published", "until the lecture's test accuracy is first reached"),
        ):
            about = f"{network}: the course's recipe, with the lecture's, {what}"
            lines.append(f"| {about} | {compare(group, 'one-cycle', 'lecture', column)} |")
    for bench, first, second, about in RATIOS:
        group = rows[rows.bench == bench]
        if len(group):
            lines.append(f"| {about} | {compare(group, first, second)} |")
    parts = ["\n".join(lines), _accuracies(trained), _conditions(rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _accuracies(trained: pd.DataFrame) -> str:
    lines = [
        "| network | recipe | published | test accuracy | seeds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (network, recipe), group in trained.groupby(["network", "recipe"]):
        published = ck.models.LECTURES[network].published["test_accuracy"]
        ours = f"{group.accuracy.mean():.4f} ± {group.accuracy.std():.4f}"
        shown = f"{published:.4f}" if recipe == "lecture" else ""
        lines.append(f"| {network} | {recipe} | {shown} | {ours} | {len(group)} |")
    return "\n".join(lines) if len(trained) else ""


def _conditions(rows: pd.DataFrame) -> str:
    return (
        "*Times: median (lowest to highest) on a shared machine; the ways that are compared took "
        "turns. Accuracy: mean ± standard deviation. Training on all of MNIST, test images looked "
        "at after each epoch while the clock stood. Where only some runs reached the lecture's "
        "accuracy, their number is given and no ratio. "
        f"Versions: {'; '.join(sorted(set(rows.versions)))}. "
        f"Machine: {'; '.join(sorted(set(rows.device)))}. Every measurement: "
        "`coursekit/results/bench.csv`; `make bench` repeats it.*"
    )


def write(rows: pd.DataFrame) -> None:
    """Write the measurements and the table made from them."""
    RESULTS.mkdir(exist_ok=True)
    about = ["bench", "network", "recipe", "epochs", "batch_size", "seed"]
    measured = ["accuracy", "seconds", "seconds_to_published"]
    rows = rows.reindex(columns=[*about, *measured, "device", "versions"])
    rows.to_csv(RESULTS / "bench.csv", index=False, float_format="%.6g", lineterminator="\n")
    (RESULTS / "bench.md").write_text(markdown(rows), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m staff.bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("benches", nargs="*", help=f"of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    options = parser.parse_args(arguments)
    for name in options.benches:
        if name not in BENCHES:
            parser.error(f"no bench {name}; choose of {', '.join(BENCHES)}")
    stored = RESULTS / "bench.csv"
    rows = pd.read_csv(stored) if stored.exists() else pd.DataFrame({"bench": []})
    versions = ", ".join(f"{name} {version(name)}" for name in ("keras", "tensorflow", "numpy"))
    for name in [] if options.table else options.benches or BENCHES:
        print(f"{name} …", flush=True)
        new = pd.DataFrame(BENCHES[name]()).assign(
            bench=name,
            versions=f"python {platform.python_version()}, {versions}",
            device=f"{os.cpu_count()} cores of {processor()}",
        )
        rows = pd.concat([rows[rows.bench != name], new])
        write(rows)  # now, for the next may be stopped
    if options.table:
        write(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
