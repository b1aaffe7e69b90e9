"""Sweeps over hyperparameters: trials that may run anywhere, fail, and be resumed.

A sweep is a list of configurations, each tried with several seeds; one trial is one job
of any `concurrent.futures.Executor`. Finished trials are kept in a journal.
"""

from __future__ import annotations

import importlib
import itertools
import json
import math
import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit import progress, start
from coursekit.data import is_quick
from coursekit.trials import examples, fit, train

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "SweepError",
    "check_columns",
    "examples",
    "extra",
    "fit",
    "grid",
    "processes",
    "run",
    "stored",
    "summary",
    "train",
]

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

    Parameters
    ----------
    **factors : sequences of numbers or strings
        The values of each factor, by its name.

    Returns
    -------
    list of dict
        Configurations for `run`: `grid(pool=[2, 3], units=[32, 64])` gives four.

    Raises
    ------
    ValueError
        A factor is a single number or string.
    """
    for name, values in factors.items():
        if isinstance(values, str) or not np.iterable(values):
            raise ValueError(f"{name} is {values!r}; pass a list of values: {name}=[{values!r}]")
    return [
        dict(zip(factors, values, strict=True)) for values in itertools.product(*factors.values())
    ]


def run(
    trial: Trial,
    configurations: Sequence[Configuration],
    repeats: int = 1,
    journal: str | os.PathLike | None = None,
    executor: Executor | None = None,
    tag: str = "",
) -> pd.DataFrame:
    """Try every configuration with the seeds 0 to repeats - 1.

    Parameters
    ----------
    trial : callable
        `trial(seed=…, **configuration)` trains one network and returns a dict of numbers and
        strings, as `fit` does. Python, NumPy and Keras are seeded before it is called. Where it
        raises, or returns something else, its row has the reason in the column "error", and the
        sweep goes on.
    configurations : sequence of mappings
        Arguments of the trials: numbers, strings, or lists of such; none twice. See `grid`.
    repeats : int
        Seeds for each configuration.
    journal : path, optional
        A file to which each finished trial is appended at once. A sweep that was stopped, by
        whatever means, goes on from there and repeats only what failed; it may be given more
        repeats. The journal knows the trial by its name alone: where you change what the trial
        does or the data it reads, name another journal or another tag.
    executor : concurrent.futures.Executor, optional
        Where the trials run: `processes()` for all cores of this machine, or
        `dask.distributed.Client(…).get_executor()` for a cluster, whose workers need
        `threads_per_worker=1`: trials seed their process, so each needs one of its own. By
        default one trial after another in this process.
    tag : str
        What else the results depend on, such as a digest of the data: a journal with another
        tag, or from another mode (quick or not), holds another sweep.

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
        is neither number nor string; the executor has threads; or the trial has a journal
        and no name.
    """
    if isinstance(executor, ThreadPoolExecutor):
        raise ValueError("threads would share one random state; use ck.sweep.processes()")
    jobs = {
        _key(configuration, seed): (dict(configuration), seed)
        for configuration in configurations
        for seed in range(repeats)
    }
    if not jobs or len(jobs) != repeats * len(configurations):
        raise ValueError("a sweep needs at least one configuration and one repeat, and none twice")
    book, kept = None, {}
    if journal is not None:
        book = _Journal(Path(journal), _header(trial, configurations, tag))
        kept = dict(book.read())
    # A trial that failed runs again: its mistake may have been mended.
    done = {key: kept[key] for key in jobs if "result" in kept.get(key, {})}
    if done:
        print(f"[sweep] {len(done)} of {len(jobs)} trials are in {Path(journal).name}.")
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
    """Return an executor of `workers` processes.

    Each uses a single thread: on networks as small as the course's, two trials at once finish
    sooner than one after the other with two threads. The trial must be a function that can be
    imported, such as `train`; one that is defined in a notebook cannot.

    Parameters
    ----------
    workers : int, optional
        By default one for each core that this process may use.

    Returns
    -------
    concurrent.futures.ProcessPoolExecutor
        For `run`; in a `with` statement, so that its processes end.
    """
    from joblib import cpu_count  # unlike os.cpu_count it minds the limits of a container

    return ProcessPoolExecutor(
        workers or cpu_count(),
        # A process that has imported TensorFlow cannot be forked safely.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_use_one_thread,
    )


def _header(trial: Trial, configurations: Sequence[Configuration], tag: str) -> dict[str, Any]:
    """Return what makes a sweep the same sweep, whoever reads its journal."""
    if not hasattr(trial, "__qualname__"):
        kind = type(trial).__name__
        raise ValueError(
            f"a journal knows its trial by name: write the trial as a function, not {kind}"
        )
    return {
        "trial": f"{trial.__module__}.{trial.__qualname__}",
        "configurations": [_plain(configuration) for configuration in configurations],
        "mode": "quick" if is_quick() else "full",
        "tag": tag,
    }


def _use_one_thread() -> None:
    """Let the numerical libraries of this process use one thread."""
    from threadpoolctl import threadpool_limits

    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"  # for what is not imported yet
    threadpool_limits(1)  # for NumPy, which is
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
        return {"result": _checked(trial(seed=seed, **configuration), configuration, seed)}
    except Exception as error:
        text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())  # Keras colours some
        return {"error": f"{type(error).__name__}: {text}"}


def _checked(result: object, configuration: Configuration, seed: int) -> dict[str, Any]:
    """Return what a trial returned as a journal keeps it; refuse what makes no row."""
    if not isinstance(result, Mapping):
        kind = type(result).__name__
        raise TypeError(
            f"a trial returns a dict such as {{'accuracy': 0.98}}, not {kind}: see its `return`"
        )
    result, given = _plain(result), _plain(configuration) | {"seed": seed, "error": ""}
    for name in given:
        # As text, too: NaN is not equal to itself.
        if name in result and given[name] != result[name] and str(given[name]) != str(result[name]):
            raise ValueError(
                f"the trial returns {name!r}, but the table has that column; rename it"
            )
    return result


def _best(done: Mapping[str, dict]) -> str:
    accuracies = [outcome.get("result", {}).get("accuracy") for outcome in done.values()]
    known = [a for a in accuracies if isinstance(a, int | float) and not math.isnan(a)]
    return f"best accuracy {max(known):.4f}" if known else ""


def _table(jobs: Mapping[str, tuple], done: Mapping[str, dict]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for key, (configuration, seed) in jobs.items():
        # pandas can group by a tuple, not by a list.
        factors = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in configuration.items()
        }
        fixed = factors | {"seed": seed}  # a result may repeat them, but they stay as they are
        error = done[key].get("error", "")
        rows.append(fixed | done[key].get("result", {}) | fixed | {"error": error})
    table = pd.DataFrame(rows)
    return table[[name for name in table if name != "error"] + ["error"]]


def _plain(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy that is the same before and after it was kept as JSON."""
    return json.loads(_text(mapping))


def _text(record: Mapping[str, Any]) -> str:
    def convert(value: object) -> object:
        if isinstance(value, np.generic):
            return value.item()
        raise ValueError(f"{value!r} cannot stand in a table of runs; use numbers and strings")

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
            known = records[0] if isinstance(records[0], dict) else {}
            other = [name for name, value in self._header.items() if known.get(name) != value]
            raise SweepError(
                f"{self._path.name} holds another sweep (other {', '.join(other)}); "
                "name another journal or delete this one"
            )
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
        "lowest" and "highest" accuracy; mean "parameters" and mean "seconds" where the trials
        return them.

    Raises
    ------
    ValueError
        The table has no such column, or no trial returned an accuracy.
    """
    check_columns(table, "accuracy", *([by] if isinstance(by, str) else by))
    costs = {name: (name, "mean") for name in ("parameters", "seconds") if name in table}
    return (
        table.groupby(by, sort=False, dropna=False)
        .agg(
            runs=("accuracy", "count"),
            mean=("accuracy", "mean"),
            std=("accuracy", "std"),
            lowest=("accuracy", "min"),
            highest=("accuracy", "max"),
            **costs,
        )
        .sort_values("mean", ascending=False)
    )


def check_columns(table: pd.DataFrame, *names: str) -> None:
    """Refuse a table of runs that lacks a column.

    Parameters
    ----------
    table : pandas.DataFrame
        As `run` returns it.
    *names : str
        The columns that are needed.

    Raises
    ------
    ValueError
        One is missing, for example because every trial failed: the first error is named.
    """
    for name in names:
        if name not in table:
            text = f"the table has no column {name!r}, only {', '.join(map(str, table))}"
            errors = [error for error in table.get("error", ()) if error]
            raise ValueError(text + (f"; the first error is {errors[0]}" if errors else ""))


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

    Raises
    ------
    ValueError
        There is no table of that name.
    """
    import pandas as pd

    files = (resources.files("coursekit") / "results").iterdir()
    tables = {file.name.removesuffix(".csv"): file for file in files if file.name.endswith(".csv")}
    if name not in tables:
        raise ValueError(f"no stored table {name!r}; there are {', '.join(sorted(tables))}")
    with tables[name].open(encoding="utf-8") as file:
        return pd.read_csv(file)


_INSTALLED_BY = {"dask.distributed": '"dask[distributed]"'}


def extra(name: str) -> ModuleType | None:
    """Return a library that only sweeps need, or None where it is missing; one line says so.

    Parameters
    ----------
    name : str
        "optuna" or "dask.distributed": the package's extras `search` and `cluster`.

    Returns
    -------
    module or None
        The library, imported.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        how = f"pip install {_INSTALLED_BY.get(name, name)}"
        print(f"[sweep] {name} is not installed ({how}); the lesson goes on without it.")
        return None
