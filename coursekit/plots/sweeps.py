"""Figures of sweeps: what a factor does, what accuracy costs, how far single runs scatter.

Most take the tables that `coursekit.sweep.run` returns; runs without the measure, because they
failed, are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from coursekit.plots.style import BLUE, COLOURS, GREY, MARKERS, ORANGE
from coursekit.sweep import check_columns

if TYPE_CHECKING:
    import pandas as pd

_LINES = ("-", "--", ":", "-.")


def one_factor(
    table: pd.DataFrame, factor: str, by: str, measure: str = "accuracy", ax: Axes | None = None
) -> Axes:
    """Draw a measure over one factor, a curve for each value of another.

    Points are means over the runs, bars their standard deviation (of a sample: n - 1).

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each run.
    factor : str
        The column along the axis, numbers; the axis is logarithmic where they span a decade.
    by : str
        The column that makes the curves.
    measure : str
        The column that is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        A curve for each value of `by`.

    Raises
    ------
    ValueError
        If a column is missing, for example because all runs failed, or the factor has no numbers.
    """
    finished = _finished(table, measure, factor, by)
    if not all(isinstance(level, Real) for level in table[factor]):
        raise ValueError(f"{factor} has values that are no numbers: see parallel_coordinates")
    if ax is None:
        _, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
    for number, (value, part) in enumerate(finished.groupby(by)):
        runs = part.groupby(factor)[measure].agg(["mean", "std"])
        style = {"marker": MARKERS[number % 6], "linestyle": _LINES[number % 4]}
        ax.errorbar(
            runs.index, runs["mean"], runs["std"], label=f"{by} {value}", capsize=3, **style
        )
    levels = sorted(table[factor].unique())
    if levels[0] > 0 and levels[-1] >= 10 * levels[0]:
        ax.set_xscale("log")
    ax.set_xticks(levels, [f"{level:g}" for level in levels], minor=False)
    ax.set_xticks([], minor=True)
    ax.set(xlabel=factor, ylabel=measure)
    ax.legend()
    return ax


def parallel_coordinates(
    table: pd.DataFrame, factors: Sequence[str], measure: str = "accuracy", best: int = 3
) -> Figure:
    """Draw each setting as a line over its factors to its mean measure; mark the best.

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each run; runs of the same setting are averaged.
    factors : sequence of str
        Columns, one vertical axis each; their values stand at equal distances, sorted.
    best : int
        How many of the best settings get a colour, a marker and an entry in the legend.
    measure : str
        The column that is the last axis.

    Returns
    -------
    matplotlib.figure.Figure
        One axes, with the legend beside it.

    Raises
    ------
    ValueError
        If a column is missing, for example because all runs failed.
    """
    finished = _finished(table, measure, *factors)
    means = finished.groupby(list(factors), as_index=False)[measure].mean()
    means = means.sort_values(measure, ascending=False, ignore_index=True)
    heights, ticks = [], []
    for factor in factors:
        levels = sorted(means[factor].unique())
        places = np.linspace(0, 1, len(levels)) if len(levels) > 1 else np.array([0.5])
        heights.append(means[factor].map(dict(zip(levels, places, strict=True))))
        ticks.append((places, [_text(level) for level in levels]))
    low, high = means[measure].min(), means[measure].max()
    heights.append((means[measure] - low) / ((high - low) or 1))
    ticks.append(((0, 1), (f"{low:.3f}", f"{high:.3f}")))
    figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
    for rank, row in enumerate(zip(*heights, strict=True)):
        style = {"color": GREY, "alpha": 0.5, "linewidth": 1, "zorder": 1}
        if rank < best:
            colour, marker = COLOURS[rank % 6], MARKERS[rank % 6]
            label = ", ".join(f"{factor} {_text(means[factor][rank])}" for factor in factors)
            label = f"{means[measure][rank]:.3f}: {label}"
            style = {"color": colour, "marker": marker, "label": label, "linewidth": 2}
        ax.plot(row, **style)
    for x, (places, labels) in enumerate(ticks):
        ax.axvline(x, color="black", linewidth=0.8, zorder=0)
        for place, label in zip(places, labels, strict=True):
            ax.annotate(label, (x, place), (4, 3), textcoords="offset points", fontsize="small")
    ax.set(xticks=range(len(ticks)), xticklabels=[*factors, measure], yticks=[])
    ax.set_xlim(-0.1, len(factors) + 0.3)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(length=0)
    figure.legend(title=f"highest {measure}", loc="outside right center")
    return figure


def tradeoff(table: pd.DataFrame, by: str, measure: str = "accuracy") -> Figure:
    """Draw a measure against parameters and against seconds of training, with its spread.

    Points are means over the runs of a setting, bars their standard deviation (n - 1).

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each run, with "parameters" and "seconds".
    by : str
        The column that names the settings, at most 6 of them.
    measure : str
        The column along the vertical axis.

    Returns
    -------
    matplotlib.figure.Figure
        An axes for each cost, with the legend below both.

    Raises
    ------
    ValueError
        If a column is missing, or there are more settings than markers.
    """
    groups = list(_finished(table, measure, by, "parameters", "seconds").groupby(by, sort=False))
    if len(groups) > len(MARKERS):
        raise ValueError(f"{by} has {len(groups)} values; at most {len(MARKERS)} can be told apart")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for ax, cost in zip(axes, ("parameters", "seconds"), strict=True):
        for number, (name, runs) in enumerate(groups):
            ax.errorbar(
                runs[cost].mean(),
                runs[measure].mean(),
                yerr=_spread(runs[measure]),
                xerr=_spread(runs[cost]),
                fmt=MARKERS[number],
                color=COLOURS[number],
                capsize=3,
                label=name,
            )
        ax.set(xlabel=cost, xlim=(0, None))
    axes[0].xaxis.set_major_formatter("{x:,.0f}")
    axes[0].xaxis.set_major_locator(MaxNLocator(4))
    axes[0].set_ylabel(measure)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def repeats(
    groups: Mapping[str, Sequence[float]],
    marks: Mapping[str, float] | None = None,
    measure: str = "accuracy",
    ax: Axes | None = None,
) -> Axes:
    """Draw every run of several settings, with mean and standard deviation beside it.

    Parameters
    ----------
    groups : mapping of str to sequence of float
        The runs of each setting; NaN, a run that failed, is left out.
    marks : mapping of str to float, optional
        A single number to hold against a setting's runs, such as a published one: a cross.
    measure : str
        What the numbers are, for the axis.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each setting.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 0.6 * len(groups) + 1), layout="constrained")
    for row, (name, values) in enumerate(groups.items()):
        values = np.asarray(values, dtype=float)
        values = values[~np.isnan(values)]
        ax.plot(values, np.full(len(values), row), "o", color=BLUE, alpha=0.6, zorder=3)
        if len(values):
            style = {"fmt": "|", "color": BLUE, "capsize": 3}
            ax.errorbar(values.mean(), row + 0.25, xerr=_spread(values), **style)
        if marks is not None and name in marks:
            ax.plot(marks[name], row, "X", color=ORANGE, markersize=9, zorder=4)
    ax.set(xlabel=measure, ylim=(-0.5, len(groups) - 0.3))
    ax.set_yticks(range(len(groups)), list(groups))
    ax.invert_yaxis()
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def search(trials: pd.DataFrame, importances: Mapping[str, float]) -> Figure:
    """Draw the history of an Optuna search, and how much each factor mattered.

    Parameters
    ----------
    trials : pandas.DataFrame
        As `optuna.Study.trials_dataframe` returns it, of a search that maximises.
    importances : mapping of str to float
        As `optuna.importance.get_param_importances` returns it.

    Returns
    -------
    matplotlib.figure.Figure
        An axes for the trials, where a dotted line is one that failed, and one for the factors.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 3.2), width_ratios=[3, 2], layout="constrained"
    )
    looks = {"COMPLETE": ("o", BLUE, "complete"), "PRUNED": ("x", GREY, "pruned")}
    for state, (marker, colour, label) in looks.items():
        part = trials[trials["state"] == state]
        left.plot(part["number"], part["value"], marker, color=colour, label=label)
    complete = trials[trials["state"] == "COMPLETE"]
    left.step(
        complete["number"], complete["value"].cummax(), where="post", color=ORANGE, label="best"
    )
    for n, number in enumerate(trials["number"][trials["state"] == "FAIL"]):
        left.axvline(number, color="black", linestyle=":", label="" if n else "stopped")
    left.set(xlabel="trial", ylabel="objective")
    left.legend(fontsize="small")
    names = list(importances)[::-1]
    bars = right.barh(names, [importances[name] for name in names], color=BLUE)
    right.bar_label(bars, fmt="%.2f", padding=3)
    right.set(xlabel="importance", xlim=(0, 1.15 * max(importances.values())))
    return figure


def _finished(table: pd.DataFrame, measure: str, *columns: str) -> pd.DataFrame:
    check_columns(table, measure, *columns)
    return table[table[measure].notna()]


def _text(level: object) -> str:
    return f"{level:g}" if isinstance(level, Real) else str(level)


def _spread(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample; of a single run, which has none, 0."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
