"""Figures of lessons 03 and later: pictures, labels, curves, feature maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from coursekit.plots.style import BLUE, MARKERS, ORANGE

if TYPE_CHECKING:
    import keras

History = Mapping[str, Sequence[float]]


def images(
    pictures: np.ndarray, titles: Sequence[Any] | None = None, columns: int | None = None
) -> Figure:
    """Draw grey pictures in a grid.

    Parameters
    ----------
    pictures : ndarray of shape (N, H, W) or (N, H, W, 1), any numeric dtype
        Each is stretched from its own darkest to its own brightest value.
    titles : sequence of N, optional
        What stands above each picture, for example its label.
    columns : int, optional
        Pictures in a row; by default about as many as there are rows, at most 10.

    Returns
    -------
    matplotlib.figure.Figure
        An axes for each picture, row by row.

    Raises
    ------
    ValueError
        If `pictures` is no batch of grey pictures, or has not one title for each.
    """
    pictures = np.asarray(pictures)
    if pictures.ndim == 4 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    if pictures.ndim != 3 or len(pictures) == 0:
        wanted = "wanted (N, H, W) or (N, H, W, 1), with N >= 1"
        raise ValueError(f"pictures has shape {pictures.shape}; {wanted}")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"{len(titles)} titles for {len(pictures)} pictures")
    columns = columns or min(10, int(np.ceil(np.sqrt(len(pictures)))))
    rows = -(-len(pictures) // columns)
    height = 1.0 if titles is None else 1.3
    figure, axes = plt.subplots(
        rows, columns, squeeze=False, figsize=(columns, height * rows), layout="constrained"
    )
    for ax in axes.flat:
        ax.axis("off")
    for number, picture in enumerate(pictures):
        axes.flat[number].imshow(picture, cmap="gray")
        if titles is not None:
            axes.flat[number].set_title(str(titles[number]), fontsize="small")
    return figure


def label_histogram(labels: np.ndarray, class_names: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw how many examples each class has, with the numbers on the bars.

    Parameters
    ----------
    labels : ndarray of shape (N,), int
        Labels 0 <= label < C.
    class_names : sequence of C str
        What each label means.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        A bar for each class, and the mean as a line.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
    counts = np.bincount(labels, minlength=len(class_names))
    bars = ax.bar(list(class_names), counts, color=BLUE)
    # The outline carries a number that is wider or higher than its bar.
    outline = [withStroke(linewidth=3, foreground=BLUE)]
    ax.bar_label(bars, label_type="center", color="white", path_effects=outline)
    ax.axhline(counts.mean(), color=ORANGE, linestyle="--", label="mean")
    ax.margins(y=0.25)
    ax.set(xlabel="class", ylabel="examples")
    ax.legend(loc="upper right")
    return ax


def curves(history: keras.callbacks.History | History, title: str = "") -> Figure:
    """Draw loss and accuracy over the epochs, for training and, where given, validation.

    Parameters
    ----------
    history : keras.callbacks.History or mapping of str to sequence of float
        What `fit` returns, or its `history`: "loss", "accuracy", or both, and each with "val_".
    title : str
        What stands above the figure.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for the loss and one for the accuracy, where there is one.

    Raises
    ------
    ValueError
        If there is neither loss nor accuracy.
    """
    history = _values(history)
    measures = [measure for measure in ("loss", "accuracy") if measure in history]
    if not measures:
        raise ValueError(f"the history has neither loss nor accuracy, only {list(history)}")
    figure, axes = plt.subplots(
        1, len(measures), squeeze=False, figsize=(4 * len(measures), 3), layout="constrained"
    )
    for ax, measure in zip(axes.flat, measures, strict=True):
        for number, (prefix, label) in enumerate((("", "training"), ("val_", "validation"))):
            values = history.get(prefix + measure)
            if values is not None:
                epochs = np.arange(1, len(values) + 1)
                line = ax.plot(epochs, values, marker=MARKERS[number], markersize=4, label=label)
                line[0].set_linestyle(("-", "--")[number])
        ax.set(xlabel="epoch", ylabel=measure)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend()
    figure.suptitle(title)
    return figure


def _values(history: keras.callbacks.History | History) -> History:
    """Return what a training recorded, from what `fit` returns, too."""
    return getattr(history, "history", history)


def maps_by_layer(maps: Mapping[str, np.ndarray], columns: int = 8) -> Figure:
    """Draw the first feature maps of several layers, a row for each layer.

    Parameters
    ----------
    maps : mapping of str to ndarray of shape (H, W, C)
        The maps by the name of their layer; H, W and C may differ from layer to layer.
    columns : int
        Maps of each layer, at most C.

    Returns
    -------
    matplotlib.figure.Figure
        An axes for each map, row by row.
    """
    figure = plt.figure(figsize=(columns, 1.25 * len(maps)), layout="constrained")
    rows = figure.subfigures(len(maps), squeeze=False)[:, 0]
    for row, (name, layer) in zip(rows, maps.items(), strict=True):
        height, width, channels = layer.shape
        title = f"{name}: {channels} maps of {height}x{width}"
        row.suptitle(title, x=0.005, ha="left", size=plt.rcParams["axes.titlesize"])
        for number, ax in enumerate(row.subplots(1, columns, squeeze=False)[0]):
            ax.set(xticks=[], yticks=[], frame_on=False)
            if number < channels:
                ax.imshow(layer[..., number], cmap="gray")
    return figure


def prediction(
    image: np.ndarray, probabilities: Sequence[float], class_names: Sequence[str]
) -> Figure:
    """Draw an image beside the probabilities of its classes, as stems; a square is the largest.

    Parameters
    ----------
    image : ndarray of shape (H, W) or (H, W, 1), any numeric dtype
        Grey values, stretched from the darkest to the brightest.
    probabilities : array-like of shape (C,)
        Numbers from 0 to 1 that add up to 1.
    class_names : sequence of C str
        What each class is called.

    Returns
    -------
    matplotlib.figure.Figure
        The image's axes and those of the stems.

    Raises
    ------
    ValueError
        If there is not one probability for each class.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.shape != (len(class_names),):
        wanted = f"wanted ({len(class_names)},), one for each class"
        raise ValueError(f"probabilities has shape {probabilities.shape}; {wanted}")
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(8, 2.8), width_ratios=[1, 2], layout="constrained"
    )
    left.imshow(np.squeeze(image), cmap="gray")
    left.axis("off")
    best = int(probabilities.argmax())
    markers, stems, _ = right.stem(probabilities, linefmt=BLUE, basefmt=" ")
    plt.setp((markers, stems), clip_on=False)
    right.plot(best, probabilities[best], "s", color=ORANGE, clip_on=False, markersize=8)
    right.set(xticks=range(len(class_names)), xticklabels=class_names, ylim=(0, 1))
    right.set(xlabel="class", ylabel="probability")
    right.set_title(f"prediction: {class_names[best]}, probability {probabilities[best]:.2f}")
    return figure


def compare_curves(
    histories: Mapping[str, keras.callbacks.History | History], measures: Mapping[str, str]
) -> Figure:
    """Draw several trainings over the epochs, one panel for each measure.

    Parameters
    ----------
    histories : mapping of str to keras.callbacks.History or its `history`
        Each training, by its name. The markers differ for six, then begin again.
    measures : mapping of str to str
        Axis label of each measure to draw, by its key in the histories.

    Returns
    -------
    matplotlib.figure.Figure
        An axes for each measure.
    """
    figure, axes = plt.subplots(
        1, len(measures), squeeze=False, figsize=(4 * len(measures), 3.2), layout="constrained"
    )
    for ax, (measure, label) in zip(axes.flat, measures.items(), strict=True):
        for number, (name, history) in enumerate(histories.items()):
            values = _values(history)[measure]
            epochs = np.arange(1, len(values) + 1)
            line = ax.plot(epochs, values, markersize=4, label=name)
            line[0].set(marker=MARKERS[number % 6], linestyle=("-", "--", ":", "-.")[number % 4])
            line[0].set_markevery(max(1, len(epochs) // 15))
        ax.set(xlabel="epoch", ylabel=label)
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].legend()
    return figure
