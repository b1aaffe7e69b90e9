"""What a classifier gets wrong: confusion matrix, scores for each class, worst mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, n_classes: int = 10
) -> NDArray[np.integer]:
    """Count how often each class was taken for each class.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (N,), int
        True and predicted classes, from 0 to n_classes - 1.
    n_classes : int
        Number of classes.

    Returns
    -------
    ndarray of shape (n_classes, n_classes), int
        Row: true class; column: predicted class.

    Raises
    ------
    ValueError
        If the labels are not of these shapes, types and values.

    References
    ----------
    `sklearn.metrics.confusion_matrix`.
    """
    y_true, y_pred = _label_pair(y_true, y_pred, n_classes)
    from sklearn.metrics import confusion_matrix as count

    return count(y_true, y_pred, labels=range(n_classes))


def plot_confusion_matrix(
    matrix: ArrayLike, class_names: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a confusion matrix as a heat map in which the mistakes stand out.

    Every cell holds its count, empty where it is 0. A mistake's colour is its share of the true
    class (its row). The diagonal stays grey: its counts are so much larger that on a common colour
    scale all mistakes would look like none.

    Parameters
    ----------
    matrix : array_like of shape (K, K), int
        Counts, as `confusion_matrix` returns them.
    class_names : sequence of K str, optional
        Names of the classes; 0 to K - 1 by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The heat map's axes.

    Raises
    ------
    ValueError
        If `matrix` is not a square of counts, or has not one row for each name.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype.kind not in "iu":
        raise ValueError(
            f"matrix has shape {matrix.shape} and dtype {matrix.dtype}: "
            "pass the square of counts that confusion_matrix(y_true, y_pred) returns"
        )
    names = _names(class_names, len(matrix))
    import matplotlib.pyplot as plt
    import seaborn as sns

    if ax is None:
        _, ax = plt.subplots(figsize=(7, 6), layout="constrained")
    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    correct = np.eye(len(matrix), dtype=bool)
    sns.heatmap(
        percent,
        mask=correct,
        # Without a mistake there is no largest share; any positive end of the scale will do.
        vmin=0,
        vmax=percent[~correct].max(initial=0) or 1,
        cmap="Blues",
        annot=np.where(matrix == 0, "", matrix.astype(str)),
        fmt="",
        linewidths=0.5,
        xticklabels=names,
        yticklabels=names,
        cbar_kws={"label": "mistakes, % of the true class"},
        ax=ax,
    )
    ax.set_facecolor("0.88")
    for k, count in enumerate(matrix.diagonal()):
        ax.text(k + 0.5, k + 0.5, str(count), ha="center", va="center", color="0.25")
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.tick_params(axis="y", rotation=0)
    if max(map(len, names)) > 2:
        plt.setp(ax.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
    return ax


def report(
    y_true: ArrayLike, y_pred: ArrayLike, class_names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return precision, recall and F1 of each class, and their means over the classes.

    Precision is the share of the images predicted as a class that are of it, recall the share of
    a class's images that are predicted as it, F1 the harmonic mean of the two. A share of nothing
    is 0.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (N,), int
        True and predicted classes.
    class_names : sequence of str, optional
        Names of all classes; by default the numbers of those that occur in either argument.

    Returns
    -------
    pandas.DataFrame
        Index "class"; columns precision, recall, f1 (float) and support (int, the images of the
        class). The last row, "macro mean", has the plain means and the number of all images.

    Raises
    ------
    ValueError
        If the labels are not of these shapes and types, or exceed the named classes.

    References
    ----------
    `sklearn.metrics.precision_recall_fscore_support`.
    """
    n_classes = None if class_names is None else len(class_names)
    y_true, y_pred = _label_pair(y_true, y_pred, n_classes)
    labels = np.union1d(y_true, y_pred) if n_classes is None else np.arange(n_classes)
    names = _names(labels if class_names is None else class_names, len(labels))
    import pandas as pd
    from sklearn.metrics import precision_recall_fscore_support

    scores = precision_recall_fscore_support(y_true, y_pred, labels=labels, zero_division=0)
    columns = dict(zip(("precision", "recall", "f1", "support"), scores, strict=True))
    table = pd.DataFrame(columns, index=pd.Index(names, name="class"))
    means = [*table[["precision", "recall", "f1"]].mean(), len(y_true)]
    table.loc["macro mean"] = means
    return table.astype({"support": int})


def worst_mistakes(probabilities: ArrayLike, y_true: ArrayLike, n: int = 16) -> NDArray[np.integer]:
    """Return the mistakes of which the network was most certain.

    Parameters
    ----------
    probabilities : array_like of shape (N, K), float
        Probability of each class for each image; the largest is the prediction.
    y_true : array_like of shape (N,), int
        True classes, from 0 to K - 1.
    n : int
        How many mistakes at most.

    Returns
    -------
    ndarray of shape (at most n,), int
        Indices of images, by falling probability of the wrong class predicted; equals keep the
        images' order.

    Raises
    ------
    ValueError
        If the arguments are not of these shapes, types and values.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2:
        raise ValueError(
            f"probabilities has shape {probabilities.shape}: "
            "pass one row of class probabilities for each image, e.g. model.predict(x)"
        )
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ValueError(
            "probabilities has values outside 0 to 1: "
            "pass probabilities, from logits keras.ops.softmax(logits)"
        )
    y_true = _labels(y_true, "y_true", probabilities.shape[1])
    _check_lengths(("probabilities", probabilities), ("y_true", y_true))
    if n < 0:
        raise ValueError(f"n is {n}: pass how many mistakes you want, 0 or more")
    certainty = probabilities.max(axis=1)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != y_true)
    return wrong[np.argsort(-certainty[wrong], kind="stable")][:n]


def _label_pair(
    y_true: ArrayLike, y_pred: ArrayLike, n_classes: int | None
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    y_true, y_pred = _labels(y_true, "y_true", n_classes), _labels(y_pred, "y_pred", n_classes)
    _check_lengths(("y_true", y_true), ("y_pred", y_pred))
    if not len(y_true):
        raise ValueError("y_true and y_pred are empty: pass at least one label")
    return y_true, y_pred


def _labels(labels: ArrayLike, name: str, n_classes: int | None) -> NDArray[np.integer]:
    labels = np.asarray(labels)
    if labels.ndim == 2:
        origin = "probabilities" if name == "y_pred" else "one_hot"
        raise ValueError(
            f"{name} has shape {labels.shape}: pass labels, e.g. {origin}.argmax(axis=1)"
        )
    if labels.ndim != 1:
        raise ValueError(f"{name} has shape {labels.shape}: pass one label for each image")
    if not labels.size:
        return labels.astype(int)
    if labels.dtype.kind not in "iu":
        has_fractions = labels.dtype.kind == "f" and (labels % 1 != 0).any()
        example = "probabilities.argmax(axis=1)" if has_fractions else f"{name}.astype(int)"
        raise ValueError(f"{name} holds {labels.dtype}: pass whole numbers, e.g. {example}")
    top = np.inf if n_classes is None else n_classes - 1
    if labels.min() < 0 or labels.max() > top:
        found = f"{name} goes from {labels.min()} to {labels.max()}"
        wanted = "0 upwards" if n_classes is None else f"0 to {top}, or name more classes"
        raise ValueError(f"{found}: pass labels from {wanted}")
    return labels


def _check_lengths(first: tuple[str, NDArray], second: tuple[str, NDArray]) -> None:
    (name, values), (other_name, others) = first, second
    if len(values) != len(others):
        raise ValueError(
            f"{name} is for {len(values)} images and {other_name} for {len(others)}: "
            "pass both for the same images"
        )


def _names(class_names: Sequence[str] | NDArray | None, n_classes: int) -> list[str]:
    names = [str(name) for name in (range(n_classes) if class_names is None else class_names)]
    if len(names) != n_classes:
        raise ValueError(
            f"class_names has {len(names)} names for {n_classes} classes: pass one for each"
        )
    return names
