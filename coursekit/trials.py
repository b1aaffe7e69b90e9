"""Trials that train: a network of the lectures by its recipe, or any compiled network."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from coursekit import data, models, start

if TYPE_CHECKING:
    import keras

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

    Raises
    ------
    ValueError
        The schedule is neither of the two.
    """
    if schedule not in ("lecture", "one-cycle"):
        raise ValueError(f"schedule is {schedule!r}; it can be 'lecture' or 'one-cycle'")
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

    Returns
    -------
    training, validation, test : tuple of inputs and targets
        Arrays as the recipe's network takes them; validation is None where it has none.
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
