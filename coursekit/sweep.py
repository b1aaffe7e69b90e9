"""Sweeps over hyperparameters: trials that may run anywhere, fail, and be resumed.

A sweep is a list of configurations, each tried with several seeds; one trial is one job
of any `concurrent.futures.Executor`. Finished trials are kept in a journal.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import replace
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from coursekit import data, models, progress, start

if TYPE_CHECKING:
    import keras
    import pandas as pd

Configuration = Mapping[str, Any]
Trial = Callable[..., Mapping[str, Any]]


class SweepError(Exception):
    """Why a sweep cannot start or go on, in one line."""

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the line alone: the frames are coursekit's."""
        return [f"SweepError: {self}"]


# Sweeps ---------------------------------------------------------------------------------


def grid(**factors: Sequence[Any]) -> list[dict[str, Any]]:
    """Return every combination of the factors' values, the last factor changing fastest.

    `grid(pool=[2, 3], units=[32, 64])` gives four configurations.
    """
    return [
        dict(zip(factors, values, strict=True)) for values in itertools.product(*factors.values())
    ]


def run(
    trial: Trial,
    configurations: Sequence[Configuration],
    repeats: int = 1,
    journal: str | os.PathLike | None = None,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Try every configuration with the seeds 0 to repeats - 1.

    Parameters
    ----------
    trial : callable
        `trial(seed=…, **configuration)` trains one network and returns a dict of numbers and
        strings, as `fit` does. Python, NumPy and Keras are seeded before it is called. Where it
        raises, its row has the reason in the column "error", and the sweep goes on.
    configurations : sequence of mappings
        Arguments of the trials: numbers, strings, or lists of such; none twice. See `grid`.
    repeats : int
        Seeds for each configuration.
    journal : path, optional
        A file to which each finished trial is appended at once. A sweep that was stopped, by
        whatever means, goes on from there and repeats nothing; it may be given more repeats.
    executor : concurrent.futures.Executor, optional
        Where the trials run: `processes()` for all cores of this machine, or
        `dask.distributed.Client(…).get_executor()` for a cluster. By default one trial
        after another in this process.

    Returns
    -------
    pandas.DataFrame
        One row for each trial: the configuration, "seed", what the trial returned, and
        "error", which is empty where there was none.

    Raises
    ------
    SweepError
        The journal belongs to another sweep or is damaged; or a worker process died.
    ValueError
        There are no configurations, one stands there twice, or one holds an object that
        no journal can keep.
    """
    jobs = {
        _key(configuration, seed): (dict(configuration), seed)
        for configuration in configurations
        for seed in range(repeats)
    }
    if not jobs or len(jobs) != repeats * len(configurations):
        raise ValueError("a sweep needs at least one configuration and one repeat, and none twice")
    header = {"trial": _name(trial), "configurations": [_plain(c) for c in configurations]}
    book = _Journal(Path(journal), header) if journal is not None else None
    done = dict(book.read()) if book is not None else {}
    todo = {key: job for key, job in jobs.items() if key not in done}
    with progress.over_trials(len(jobs), len(jobs) - len(todo)) as bar:
        for key, outcome in _outcomes(trial, todo, executor):
            done[key] = outcome
            if book is not None:
                book.append(*todo[key], outcome)
            bar.set_postfix_str(_best(done), refresh=False)
            bar.update()
    return _table(jobs, done)


def processes(workers: int | None = None) -> ProcessPoolExecutor:
    """Return an executor of `workers` processes (by default one for each core).

    Each uses a single thread: on networks as small as the course's, two trials at once finish
    sooner than one after the other with two threads. The trial must be a function that can be
    imported, such as `train`; one that is defined in a notebook cannot.
    """
    return ProcessPoolExecutor(
        workers or os.cpu_count(),
        # A process that has imported TensorFlow cannot be forked safely.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_use_one_thread,
    )


def _name(trial: Trial) -> str:
    if not hasattr(trial, "__qualname__"):
        kind = type(trial).__name__
        raise ValueError(
            f"a journal knows its trial by name: write the trial as a function, not {kind}"
        )
    return f"{trial.__module__}.{trial.__qualname__}"


def _use_one_thread() -> None:
    """Let the numerical libraries, not yet imported in this process, use one thread."""
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"
    start.quieten()


def _outcomes(
    trial: Trial, jobs: Mapping[str, tuple], executor: Executor | None
) -> Iterator[tuple[str, dict]]:
    """Yield the outcomes of the jobs as they come in."""
    if executor is None:
        for key, (configuration, seed) in jobs.items():
            yield key, _attempt(trial, configuration, seed)
        return
    futures = {executor.submit(_attempt, trial, *job): key for key, job in jobs.items()}
    try:
        for future in as_completed(futures):
            try:
                outcome = future.result()
            except Exception as error:  # each kind of executor has its own for a lost worker
                what = f"{type(error).__name__}: {error}".splitlines()[0]
                raise SweepError(
                    f"a worker was lost ({what}); run the sweep again to go on. Where none "
                    "ever finishes: a process can only run a trial that it can import"
                ) from None
            yield futures[future], outcome
    finally:
        for future in futures:
            future.cancel()


def _attempt(trial: Trial, configuration: Configuration, seed: int) -> dict[str, Any]:
    """Run one trial in whatever process; return its result, or the reason why it failed."""
    start.seed_all(seed)
    try:
        return {"result": _plain(trial(seed=seed, **configuration))}
    except Exception as error:
        text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())  # Keras colours some
        return {"error": f"{type(error).__name__}: {text}"}


def _best(done: Mapping[str, dict]) -> str:
    accuracies = [outcome.get("result", {}).get("accuracy") for outcome in done.values()]
    known = [value for value in accuracies if value is not None]
    return f"best accuracy {max(known):.4f}" if known else ""


def _table(jobs: Mapping[str, tuple], done: Mapping[str, dict]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for key, (configuration, seed) in jobs.items():
        result = done[key].get("result", {})
        clash = [
            name
            for name in configuration
            if result.get(name, configuration[name]) != configuration[name]
        ]
        if clash:
            raise ValueError(
                f"the trial returns {clash[0]!r}, which is a factor; rename one of them"
            )
        rows.append(configuration | {"seed": seed} | result | {"error": done[key].get("error", "")})
    table = pd.DataFrame(rows)
    return table[[name for name in table if name != "error"] + ["error"]]


def _plain(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy that is the same before and after it was kept as JSON."""
    return json.loads(_text(mapping))


def _text(record: Mapping[str, Any]) -> str:
    def convert(value: object) -> object:
        if isinstance(value, np.generic):
            return value.item()
        raise ValueError(f"{value!r} cannot be kept in a journal; use numbers and strings")

    return json.dumps(record, default=convert, ensure_ascii=False)


def _key(configuration: Configuration, seed: int) -> str:
    plain = _plain(configuration)
    return _text({"configuration": dict(sorted(plain.items())), "seed": seed})


class _Journal:
    """Outcomes in a file of JSON lines; the first line says of which sweep."""

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self._path, self._header = path, header

    def read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what is kept, after cutting off a line that was never finished.

        Raises
        ------
        SweepError
            Where the file is no journal, or that of another sweep.
        """
        content = self._path.read_bytes() if self._path.exists() else b""
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self._path, whole)
        records = [self._parse(n, line) for n, line in enumerate(content[:whole].splitlines(), 1)]
        if not records:
            self._append(self._header)
        elif records[0] != self._header:
            name = self._path.name
            raise SweepError(f"{name} holds another sweep; name another journal or delete this one")
        for record in records[1:]:
            yield _key(record.pop("configuration"), record.pop("seed")), record

    def append(self, configuration: Configuration, seed: int, outcome: dict[str, Any]) -> None:
        """Keep the outcome of one trial; it is on the disk when this returns."""
        self._append({"configuration": configuration, "seed": seed, **outcome})

    def _parse(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            return json.loads(line)
        except ValueError:
            where = f"{self._path.name}, line {number}"
            raise SweepError(f"{where}, is damaged; remove the line to go on without it") from None

    def _append(self, record: dict[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_text(record) + "\n")
            file.flush()
            os.fsync(file.fileno())


def summary(table: pd.DataFrame, by: str | list[str]) -> pd.DataFrame:
    """Return mean and spread of the accuracy for each setting, the best first.

    Parameters
    ----------
    table : pandas.DataFrame
        As `run` returns it.
    by : str or list of str
        The factors that make a setting; the mean runs over all others, seeds included.

    Returns
    -------
    pandas.DataFrame
        A row for each setting: "runs" that did not fail, "mean", "std" (of a sample: n - 1),
        "lowest" and "highest" accuracy, mean "parameters" and mean "seconds".
    """
    return (
        table.groupby(by, sort=False, dropna=False)
        .agg(
            runs=("accuracy", "count"),
            mean=("accuracy", "mean"),
            std=("accuracy", "std"),
            lowest=("accuracy", "min"),
            highest=("accuracy", "max"),
            parameters=("parameters", "mean"),
            seconds=("seconds", "mean"),
        )
        .sort_values("mean", ascending=False)
    )


def stored(name: str) -> pd.DataFrame:
    """Return a table of runs on full data that ships with the package.

    Parameters
    ----------
    name : str
        "reproduction", every network of the lectures by its published recipe, or "bench".

    Returns
    -------
    pandas.DataFrame
        One row for each run, with its data, versions and device.
    """
    import pandas as pd

    return pd.read_csv(resources.files("coursekit") / "results" / f"{name}.csv")


def extra(name: str) -> ModuleType | None:
    """Return a library that only sweeps need, or None where it is missing; one line says so.

    Parameters
    ----------
    name : str
        "optuna" or "dask.distributed": the package's extras `search` and `cluster`.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"[sweep] {name} is not installed; the lesson goes on without it.")
        return None


# Trials ---------------------------------------------------------------------------------

Examples = tuple[np.ndarray, np.ndarray]


def fit(
    model: keras.Model,
    training: Examples,
    test: Examples,
    method: Callable[..., keras.callbacks.History] | None = None,
    **options: Any,  # noqa: ANN401 (Keras' own arguments)
) -> dict[str, float]:
    """Train a network and return what a trial returns.

    Parameters
    ----------
    model : keras.Model
        Compiled with accuracy as its only metric, unless `method` does that.
    training, test : tuple of inputs and targets
        Arrays as the model takes them.
    method : callable, optional
        `coursekit.models.fit_one_cycle`; by default Keras' `fit`.
    **options
        Arguments of the method, such as `epochs` and `batch_size`.

    Returns
    -------
    dict
        "parameters"; "accuracy" and "loss" on the test images after the last epoch; "seconds"
        of training, without the evaluation; "epochs" run.
    """
    begin = time.perf_counter()
    options = {"verbose": 0} | options
    history = method(model, *training, **options) if method else model.fit(*training, **options)
    seconds = time.perf_counter() - begin
    loss, accuracy = model.evaluate(*test, batch_size=500, verbose=0)
    return {
        "parameters": model.count_params(),
        "accuracy": accuracy,
        "loss": loss,
        "seconds": seconds,
        "epochs": len(history.epoch),
    }


def train(
    seed: int,
    recipe: str,
    schedule: Literal["lecture", "one-cycle"] = "lecture",
    images: int | None = None,
    **changes: Any,  # noqa: ANN401 (fields of any type)
) -> dict[str, float]:
    """Train a network of the lectures: a trial that runs in any process.

    Parameters
    ----------
    seed : int
        Of the starting weights and, where the recipe says so, of the validation images.
    recipe : str
        An id of `coursekit.models.LECTURES`.
    schedule : "lecture" or "one-cycle"
        Train as the lecture does, or by `coursekit.models.fit_one_cycle`.
    images : int, optional
        Train on so many images, the same ones in every trial, instead of all.
    **changes
        With "lecture" fields of the recipe, such as `learning_rate`, `batch_size`, `epochs`;
        with "one-cycle" arguments of `fit_one_cycle`.

    Returns
    -------
    dict
        As of `fit`; where the recipe has validation images also "val_accuracy" and "val_loss"
        after the last epoch.
    """
    import keras  # noqa: F401 (what is not imported is not seeded)

    start.seed_all(seed)
    rng = np.random.default_rng(seed)
    is_lecture = schedule == "lecture"
    plan = replace(models.LECTURES[recipe], **(changes if is_lecture else {"one_hot": False}))
    training, validation, test = examples(plan, rng)
    if images is not None:
        training = _take(training, np.random.default_rng(0).permutation(len(training[0]))[:images])
    model = plan.build()
    if is_lecture:
        plan.compile(model, steps_per_execution=16)
        result = _follow(plan, model, training, test, rng)
    else:
        result = fit(model, training, test, models.fit_one_cycle, **changes)
    if validation is not None:
        loss, accuracy = model.evaluate(*validation, batch_size=500, verbose=0)
        result |= {"val_accuracy": accuracy, "val_loss": loss}
    return result


def _follow(
    plan: models.Recipe,
    model: keras.Model,
    training: Examples,
    test: Examples,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Train for the epochs or the iterations that the lecture names."""
    if plan.iterations is None:
        return fit(model, training, test, epochs=plan.epochs, batch_size=plan.batch_size)
    count, wanted = len(training[0]), plan.iterations * plan.batch_size
    passes = -(-wanted // count)
    order = np.concatenate([rng.permutation(count) for _ in range(passes)])[:wanted]
    shuffled = _take(training, order)
    result = fit(model, shuffled, test, batch_size=plan.batch_size, shuffle=False)
    return result | {"epochs": wanted / count}


def examples(
    plan: models.Recipe, rng: np.random.Generator
) -> tuple[Examples, Examples | None, Examples]:
    """Return training, validation (or None) and test examples as a recipe divides them.

    Parameters
    ----------
    plan : Recipe
        Its data set is loaded, its inputs and targets are made.
    rng : numpy.random.Generator
        Draws the validation images where they come from the test set.
    """
    sets = _load(plan.dataset)
    whole = {
        "train": (plan.inputs(sets.x_train), plan.targets(sets.y_train)),
        "test": (plan.inputs(sets.x_test), plan.targets(sets.y_test)),
    }
    if plan.validation is None:
        return whole["train"], None, whole["test"]
    source = plan.validation.source
    count = len(whole[source][0])
    held_out = round(plan.validation.share * count)
    # Keras' validation_split takes the last part; the lectures draw from the test set.
    order = np.arange(count)[::-1] if source == "train" else rng.permutation(count)
    validation = _take(whole[source], order[:held_out])
    whole[source] = _take(whole[source], np.sort(order[held_out:]))
    training = whole[plan.validation.train_on]
    # A network that was trained on test images is judged by those it has not seen.
    return training, validation, validation if plan.validation.train_on == "test" else whole["test"]


@functools.cache
def _load(name: str) -> data.Dataset:
    """Load a set once in each process; a worker runs many trials."""
    return data.load_mnist() if name == "MNIST" else data.load_fashion_mnist()


def _take(examples: Examples, indices: np.ndarray) -> Examples:
    return examples[0][indices], examples[1][indices]
