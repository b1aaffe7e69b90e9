"""Checks of lesson 07, hyperparameter sweeps. Oracles: Keras, scikit-learn, NumPy, SciPy."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.checks.core import (
    Check,
    FunctionCheck,
    Misconception,
    Rule,
    RuleCheck,
    ValueCheck,
)

if TYPE_CHECKING:
    import pandas as pd

ARCHITECTURES = {
    "A": "C P2 C P2 C",
    "B": "C P2 C P2 C P2",
    "C": "C P2 C P3 C P2",
    "D": "C C P4 C P4 C",
    "E": "S P2 S P2 S P2 S P2",
    "F": "C C P4 C P2",
    "G": "C P3 C P3 C",
    "H": "S P2 C C C P2",
    "I": "C P2 C P2 C P4",
    "J": "P2 C P3 C C",
}
"""C: 3x3 convolution, valid; S: the same with padding "same"; Pz: max pooling by z."""


@cache
def _last_side(architecture: str, side: int = 28) -> int:
    """Return the side of the last maps as Keras computes it, 0 where it refuses."""
    import keras

    shape = (1, side, side, 1)
    for word in architecture.split():
        if word[0] == "P":
            layer = keras.layers.MaxPooling2D(int(word[1:]))
        else:
            layer = keras.layers.Conv2D(1, 3, padding="same" if word == "S" else "valid")
        try:
            shape = layer.compute_output_shape(shape)
        except ValueError:
            return 0
    return shape[1]


def _wrong_side(
    architecture: str,
    costs: Mapping[str, int],
    pooled: Callable[[int, int], int] = lambda side, size: side // size,
    last: Callable[[int], int] = lambda side: 0,
) -> int:
    """Return the side after wrong rules; `last` maps the last side before nothing is left."""
    side = 28
    for word in architecture.split():
        after = pooled(side, int(word[1:])) if word[0] == "P" else side - costs[word]
        if after < 1:
            return last(side)
        side = after
    return side


def _sides(**rules: Any) -> Callable[[str], list[int]]:  # noqa: ANN401 (as _wrong_side takes them)
    """Return the wrong answer to 7.1a that certain rules lead to."""
    rules = {"costs": {"C": 2, "S": 0}} | rules
    return lambda label: [_wrong_side(a, **rules) for a in ARCHITECTURES.values()]


sides_by_hand = ValueCheck(
    number="7.1a",
    name="sides",
    oracle=lambda label: [3, 1, 0, 0, 1, 2, 0, 4, 0, 0],
    labels=("sides",),
    probes=(("sides",),),
    misconceptions=(
        Misconception(
            "you have rounded up: pooling by z drops what is left over, so 11 pixels by 2 give 5.",
            _sides(pooled=lambda side, size: -(-side // size)),
        ),
        Misconception(
            "a valid 3x3 convolution costs one pixel on each side, two in all: 28 becomes 26.",
            _sides(costs={"C": 1, "S": 0}),
        ),
        Misconception(
            "you have taken every convolution for one with padding 'same'; C is valid and costs "
            "two pixels.",
            _sides(costs={"C": 0, "S": 0}),
        ),
        Misconception(
            "you have taken every convolution for a valid one; S has padding 'same' and costs "
            "nothing.",
            _sides(costs={"C": 2, "S": 2}),
        ),
        Misconception(
            "every pooling halves here; P3 and P4 divide by 3 and by 4.",
            _sides(pooled=lambda side, size: side // 2),
        ),
        Misconception(
            "you have stopped before the layer that leaves nothing; where a layer has too few "
            "pixels, the answer is 0.",
            _sides(last=lambda side: side),
        ),
    ),
)


def _begins(architecture: str) -> str:
    """Return the longest beginning that leaves something."""
    words = architecture.split()
    while words and not _last_side(" ".join(words)):
        words.pop()
    return " ".join(words)


def _mended(architecture: str) -> tuple[str, str, str]:
    return _begins(architecture), _small_pools(architecture), architecture.replace("C", "S")


def _small_pools(architecture: str) -> str:
    return re.sub(r"P\d+", "P2", architecture)


def _three(answer: object) -> list[str]:
    """Return the three architectures of an answer; raise where it is no such thing."""
    first, second, third = (str(a) for a in answer)
    if not all(isinstance(a, str) for a in answer):
        raise TypeError("architectures are strings")
    return [" ".join(a.split()) for a in (first, second, third)]


def _are_three_architectures(answer: object, architecture: str) -> bool:
    return all(re.fullmatch(r"(C|S|P[1-9]\d*)( (C|S|P[1-9]\d*))*", a) for a in _three(answer))


def _is_beginning(answer: object, architecture: str) -> bool:
    return f"{architecture} ".startswith(f"{_three(answer)[0]} ")


def _form(architecture: str) -> list[str]:
    return [word[0] for word in architecture.split()]


mend = RuleCheck(
    number="7.1b",
    name="mend",
    oracle=_mended,
    probes=tuple(
        (a,) for a in (*map(ARCHITECTURES.get, "CDGIJ"), "C P13 C", "C C P12 C P2", "C P4")
    ),
    rules=(
        Rule(
            "return three architectures in the notation of this lesson, such as 'C P2 C'; one "
            "without any layer is none.",
            _are_three_architectures,
        ),
        Rule(
            "fewer layers: keep the beginning as it is and drop layers at the end only.",
            _is_beginning,
        ),
        Rule(
            "fewer layers: there is still a layer that gets too few pixels.",
            lambda answer, architecture: _last_side(_three(answer)[0]) > 0,
        ),
        Rule(
            "fewer layers: you have dropped more than needed; keep the longest beginning that "
            "leaves something.",
            lambda answer, architecture: _three(answer)[0] == _begins(architecture),
        ),
        Rule(
            "smaller pools: all layers stay, in their order, and the convolutions as they are.",
            lambda answer, architecture: (
                re.sub(r"P\d+", "P", _three(answer)[1]) == re.sub(r"P\d+", "P", architecture)
            ),
        ),
        Rule(
            "smaller pools: P1 changes nothing at all; the smallest pool is P2.",
            lambda answer, architecture: "P1" not in _three(answer)[1].split(),
        ),
        Rule(
            "smaller pools: every pool becomes P2, also where its size has two digits.",
            lambda answer, architecture: _three(answer)[1] == _small_pools(architecture),
        ),
        Rule(
            "padding 'same' is for the convolutions: the pools stay as they are.",
            lambda answer, architecture: (
                _form(_three(answer)[2].replace("S", "C")) == _form(architecture)
                and re.findall(r"P\d+", _three(answer)[2]) == re.findall(r"P\d+", architecture)
            ),
        ),
        Rule(
            "padding 'same': every C becomes an S, not only the first one.",
            lambda answer, architecture: _three(answer)[2] == architecture.replace("C", "S"),
        ),
    ),
    misconceptions=(
        Misconception(
            "fewer layers: there is still a layer that gets too few pixels.",
            lambda a: (a, *_mended(a)[1:]),
        ),
        Misconception(
            "fewer layers: you have dropped more than needed;",
            lambda a: ("C" if a[0] == "C" else "P2", *_mended(a)[1:]),
        ),
        Misconception(
            "fewer layers: keep the beginning as it is",
            lambda a: (re.sub(r" P\d+", "", a), *_mended(a)[1:]),
        ),
        Misconception(
            "smaller pools: all layers stay,",
            lambda a: (_begins(a), re.sub(r" ?P\d+", "", a).strip(), _mended(a)[2]),
        ),
        Misconception(
            "smaller pools: P1 changes nothing at all;",
            lambda a: (_begins(a), re.sub(r"P\d+", "P1", a), _mended(a)[2]),
        ),
        Misconception(
            "smaller pools: every pool becomes P2, also where its size has two digits.",
            lambda a: (_begins(a), re.sub(r"P\d", "P2", a), _mended(a)[2]),
        ),
        Misconception(
            "padding 'same' is for the convolutions:",
            lambda a: (*_mended(a)[:2], re.sub(r"C|P\d+", "S", a)),
        ),
        Misconception(
            "padding 'same': every C becomes an S, not only the first one.",
            lambda a: (*_mended(a)[:2], a.replace("C", "S", 1)),
        ),
    ),
)

RATES, BATCHES, SEEDS = (0.001, 0.003, 0.01), (32, 128), 4


class _StandIn:
    """A trial that trains nothing; its numbers tell with what it was called."""

    def __init__(self) -> None:
        self.__qualname__ = "trial"  # by which a sweep names a function

    def __repr__(self) -> str:
        return "trial"

    def __call__(self, seed: int, rate: float, batch: int) -> dict[str, float]:
        return {"parameters": 1, "seconds": 0.0, "accuracy": 1 - rate - batch / 1000 - seed / 1e4}


def _swept(configurations: list[dict[str, Any]], repeats: int) -> Callable[..., "pd.DataFrame"]:
    from coursekit import sweep

    return lambda trial: sweep.run(trial, configurations, repeats)


def _settings(*pairs: tuple[float, int], **more: object) -> list[dict[str, Any]]:
    return [{"rate": rate, "batch": batch, **more} for rate, batch in pairs]


def _as_rows(table: "pd.DataFrame") -> np.ndarray:
    """Return rate, batch, seed and accuracy of each run, in the order of these numbers."""
    columns = ["rate", "batch", "seed", "accuracy"]
    rows = table.reindex(columns=columns).sort_values(columns)
    return rows.to_numpy(float)


sweep_rates = FunctionCheck(
    number="7.2",
    name="sweep_rates",
    oracle=lambda trial: _swept(_settings(*product(RATES, BATCHES)), SEEDS)(trial),
    probes=((_StandIn(),),),
    canonical=_as_rows,
    misconceptions=(
        Misconception(
            "each setting has run only once: repeats=4 gives four seeds.",
            lambda trial: _swept(_settings(*product(RATES, BATCHES)), 1)(trial),
        ),
        Misconception(
            "these are pairs: the first rate with the first batch size, and so on. A grid tries "
            "every rate with every batch size.",
            lambda trial: _swept(_settings(*zip(RATES, BATCHES, strict=False)), SEEDS)(trial),
        ),
        Misconception(
            "one factor changes while the other stays at its first value: combinations are "
            "missing. A grid tries every rate with every batch size.",
            lambda trial: _swept(_settings(*((rate, 32) for rate in RATES), (0.001, 128)), SEEDS)(
                trial
            ),
        ),
        Misconception(
            "the seed is no factor of the grid: every trial failed, because it got two. Leave it "
            "out and use repeats=4.",
            lambda trial: _swept(
                [c for s in range(SEEDS) for c in _settings(*product(RATES, BATCHES), seed=s)], 1
            )(trial),
        ),
        Misconception(
            "these are the best settings only, or their means; return the whole table, one row "
            "for each run.",
            lambda trial: (
                _swept(_settings(*product(RATES, BATCHES)), SEEDS)(trial)
                .groupby(["rate", "batch"], as_index=False)
                .mean(numeric_only=True)
            ),
        ),
    ),
)

FEW, MANY = np.array([0.97, 0.98, 0.99]), np.array([0.981, 0.979, 0.985, 0.975, 0.98])
OTHERS = np.array([0.972, 0.978])


def _mean_and(spread: Callable[[np.ndarray], float]) -> Callable[[np.ndarray], tuple]:
    return lambda accuracies: (np.mean(accuracies), spread(accuracies))


mean_and_spread = FunctionCheck(
    number="7.3a",
    name="mean_and_spread",
    oracle=_mean_and(lambda a: np.std(a, ddof=1)),
    probes=((FEW,), (MANY,), (OTHERS,)),
    misconceptions=(
        Misconception(
            "you divide by n: that is too small for a sample, which has been measured around its "
            "own mean. Divide by n - 1 (ddof=1).",
            _mean_and(np.std),
        ),
        Misconception(
            "this is the variance; the spread is its square root.",
            _mean_and(lambda a: np.var(a, ddof=1)),
        ),
        Misconception(
            "this is the variance, and of n instead of n - 1; the spread is its square root.",
            _mean_and(np.var),
        ),
        Misconception(
            "this is the range, highest minus lowest: it grows with the number of runs.",
            _mean_and(np.ptp),
        ),
        Misconception(
            "this is the standard error of the mean; leave out the division by the root of n.",
            _mean_and(lambda a: np.std(a, ddof=1) / np.sqrt(len(a))),
        ),
        Misconception(
            "the two numbers have changed places: the mean comes first.",
            lambda a: (np.std(a, ddof=1), np.mean(a)),
        ),
    ),
)


def _t(difference: float, variance: float) -> float:
    return difference / np.sqrt(variance)


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    return np.mean(a) - np.mean(b)


def _welch(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import ttest_ind

    return ttest_ind(a, b, equal_var=False).statistic


def _student(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import ttest_ind

    return ttest_ind(a, b).statistic


def _variances(a: np.ndarray, b: np.ndarray, ddof: int = 1) -> tuple[float, float]:
    return np.var(a, ddof=ddof), np.var(b, ddof=ddof)


welch_t = FunctionCheck(
    number="7.3b",
    name="welch_t",
    oracle=_welch,
    probes=((FEW, OTHERS), (OTHERS, MANY), (MANY, FEW)),
    misconceptions=(
        Misconception(
            "the sign is wrong: t is positive where the first setting has the higher mean.",
            lambda a, b: -_welch(a, b),
        ),
        Misconception(
            "the sign is lost: t is negative where the second setting has the higher mean.",
            lambda a, b: abs(_welch(a, b)),
        ),
        Misconception(
            "this is Student's t, which takes one spread for both settings. Welch's keeps two.",
            _student,
        ),
        Misconception(
            "the number of runs is missing: a mean of many runs is surer than one of few. Divide "
            "each variance by its n.",
            lambda a, b: _t(_gap(a, b), sum(_variances(a, b))),
        ),
        Misconception(
            "the root is missing: the difference is divided by its variance instead of its spread.",
            lambda a, b: _gap(a, b) / sum(_per_run(a, b)),
        ),
        Misconception(
            "you add the two spreads; it is the variances that add up, and the root comes last.",
            lambda a, b: _gap(a, b) / sum(np.sqrt(_per_run(a, b))),
        ),
        Misconception(
            "the variances divide by n; those of a sample divide by n - 1.",
            lambda a, b: _t(
                _gap(a, b),
                sum(v / len(x) for v, x in zip(_variances(a, b, 0), (a, b), strict=True)),
            ),
        ),
        Misconception(
            "the spreads are not squared: a variance is the square of the spread.",
            lambda a, b: _t(
                _gap(a, b),
                sum(np.sqrt(v) / len(x) for v, x in zip(_variances(a, b), (a, b), strict=True)),
            ),
        ),
        Misconception("this is only the difference of the means.", _gap),
    ),
)


def _per_run(a: np.ndarray, b: np.ndarray) -> list[float]:
    """Return the variances of the two means."""
    return [np.var(a, ddof=1) / len(a), np.var(b, ddof=1) / len(b)]


CHECKS = tuple(value for value in list(globals().values()) if isinstance(value, Check))
