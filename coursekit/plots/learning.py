"""Figures of lessons 03 and later: pictures, labels, curves, feature maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from coursekit.plots.style import BLUE, MARKERS, ORANGE


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
    """
    pictures = np.asarray(pictures)
    if pictures.ndim not in (3, 4) or len(pictures) == 0:
        raise ValueError(f"pictures has shape {pictures.shape}; wanted (N, H, W) with N >= 1")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"{len(titles)} titles for {len(pictures)} pictures")
    columns = columns or min(10, int(np.ceil(np.sqrt(len(pictures)))))
    rows = -(-len(pictures) // columns)
    height = 1.0 if titles is None else 1.3
    figure, axes = plt.subplots(
        rows, columns, squeeze=False, figsize=(1.0 * columns, height * rows)
    )
    for ax in axes.flat:
        ax.axis("off")
    for number, picture in enumerate(pictures):
        axes.flat[number].imshow(picture.squeeze())
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
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 2.8))
    counts = np.bincount(labels, minlength=len(class_names))
    bars = ax.bar(list(class_names), counts, color=BLUE)
    ax.bar_label(bars, label_type="center", color="white")
    ax.axhline(counts.mean(), color=ORANGE, linestyle="--", label="mean")
    ax.margins(y=0.25)
    ax.set(xlabel="class", ylabel="examples")
    ax.legend(loc="upper right")
    return ax


def curves(history: Mapping[str, Sequence[float]], title: str = "") -> Figure:
    """Draw loss and accuracy over the epochs, for training and, where given, validation.

    Parameters
    ----------
    history : mapping of str to sequence of float
        `keras.callbacks.History.history`: "loss", "accuracy", and both with "val_".
    """
    figure, axes = plt.subplots(1, 2, figsize=(8, 3))
    for ax, measure in zip(axes, ("loss", "accuracy"), strict=True):
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


def maps_by_layer(maps: Mapping[str, np.ndarray], columns: int = 8) -> Figure:
    """Draw the first feature maps of several layers, a row for each layer.

    Parameters
    ----------
    maps : mapping of str to ndarray of shape (H, W, C)
        The maps by the name of their layer; H, W and C may differ from layer to layer.
    columns : int
        Maps of each layer, at most C.
    """
    figure, axes = plt.subplots(
        len(maps), columns, squeeze=False, figsize=(columns, 1.25 * len(maps))
    )
    for row, (name, layer) in zip(axes, maps.items(), strict=True):
        height, width, channels = layer.shape
        for number, ax in enumerate(row):
            ax.set(xticks=[], yticks=[], frame_on=False)
            if number < channels:
                ax.imshow(layer[..., number])
        title = row[0].set_title(f"{name}: {channels} maps of {height}x{width}", loc="left")
        title.set_in_layout(False)  # it may reach over the row; the columns stay equal
    return figure


def prediction(
    image: np.ndarray, probabilities: Sequence[float], class_names: Sequence[str]
) -> Figure:
    """Draw an image beside the probabilities of its classes, as stems; a square is the largest.

    Parameters
    ----------
    image : ndarray of shape (H, W) or (H, W, 1), any numeric dtype
    probabilities : array-like of shape (C,)
        Numbers from 0 to 1 that add up to 1.
    class_names : sequence of C str
    """
    probabilities = np.asarray(probabilities)
    if probabilities.shape != (len(class_names),):
        wanted = f"wanted ({len(class_names)},), one for each class"
        raise ValueError(f"probabilities has shape {probabilities.shape}; {wanted}")
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.8), width_ratios=[1, 2])
    left.imshow(np.squeeze(image))
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
    histories: Mapping[str, Mapping[str, Sequence[float]]], measures: Mapping[str, str]
) -> Figure:
    """Draw several trainings over the epochs, one panel for each measure.

    Parameters
    ----------
    histories : mapping of str to mapping of str to sequence of float
        `keras.callbacks.History.history` of each training, by its name.
    measures : mapping of str to str
        Axis label of each measure to draw, by its key in the histories.
    """
    figure, axes = plt.subplots(1, len(measures), squeeze=False, figsize=(4 * len(measures), 3.2))
    for ax, (measure, label) in zip(axes.flat, measures.items(), strict=True):
        for number, (name, history) in enumerate(histories.items()):
            epochs = np.arange(1, len(history[measure]) + 1)
            line = ax.plot(epochs, history[measure], markersize=4, label=name)
            line[0].set(marker=MARKERS[number], linestyle=("-", "--", ":", "-.")[number % 4])
            line[0].set_markevery(max(1, len(epochs) // 15))
        ax.set(xlabel="epoch", ylabel=label)
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].legend()
    return figure
