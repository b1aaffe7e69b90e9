"""Figures of the lessons. Each function draws, returns what it drew and shows nothing.

End a cell with `ck.plots.show(figure, alt="…")`: it displays the figure with a text
alternative and closes it. Colours are those of Okabe and Ito (2008), which colour-blind
readers can tell apart, and a sign, a hatch or a marker always says the same again.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#767676"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P")


def use_style() -> None:
    """Set the course's plot style for all figures that follow."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=COLOURS),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": "medium",
            "figure.constrained_layout.use": True,
            "figure.dpi": 100,
            "image.cmap": "gray",
            "legend.frameon": False,
        }
    )


def show(figure: Figure, alt: str) -> None:
    """Display a figure once, with a text alternative, and close it.

    Parameters
    ----------
    figure : Figure
        What to display.
    alt : str
        What the figure shows, for readers who do not see it.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    _display(buffer.getvalue(), "image/png", alt)


def _display(picture: bytes, kind: str, alt: str) -> None:
    from IPython.display import display

    data = {kind: base64.b64encode(picture).decode(), "text/plain": alt}
    display(data, metadata={kind: {"alt": alt}}, raw=True)


# Lesson 01: signals and kernels ---------------------------------------------------------


def signals(
    named: Mapping[str, Sequence[float]], starts: Mapping[str, int] | None = None
) -> Figure:
    """Draw signals below each other as stems over a common index axis.

    Parameters
    ----------
    named : mapping of str to array-like of shape (n,)
        The signals, drawn in this order, by their titles.
    starts : mapping of str to int, optional
        Index of a signal's first element, 0 where not given.
    """
    starts = starts or {}
    figure, axes = plt.subplots(
        len(named), 1, sharex=True, squeeze=False, figsize=(7, 1.5 * len(named))
    )
    for number, (title, values) in enumerate(named.items()):
        ax, style = axes[number, 0], number % len(COLOURS)
        index = np.arange(len(values)) + starts.get(title, 0)
        markers, stems, base = ax.stem(index, values, basefmt=" ")
        plt.setp(stems, color=COLOURS[style])
        plt.setp(markers, color=COLOURS[style], marker=MARKERS[style])
        plt.setp(base, visible=False)
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.margins(y=0.2)
        ax.set_title(title, loc="left")
    axes[-1, 0].set_xlabel("index")
    axes[-1, 0].xaxis.get_major_locator().set_params(integer=True)
    return figure


def sliding_kernel(
    x: Sequence[float], w: Sequence[float], position: int, ax: Axes | None = None
) -> Axes:
    """Draw one step of a cross-correlation in numbers: signal, kernel, products, response.

    Parameters
    ----------
    x : array-like of shape (n,)
        The signal.
    w : array-like of shape (k,), k <= n
        The kernel, laid on `x[position : position + k]`.
    position : int
        0 <= position <= n - k; the responses up to here are filled in.
    """
    x, w = np.asarray(x), np.asarray(w)
    n, k = len(x), len(w)
    if not 0 <= position <= n - k:
        raise ValueError(f"position is {position}; the kernel fits at 0 to {n - k}")
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 2.7))
    products = x[position : position + k] * w
    responses = np.correlate(x, w)[: position + 1]
    rows = (
        ("signal x", range(n), x, BLUE),
        ("kernel w", range(position, position + k), w, ORANGE),
        ("products", range(position, position + k), products, GREY),
        ("response", range(position + 1), responses, GREEN),
    )
    for row, (label, index, values, colour) in enumerate(rows):
        ax.text(-0.8, -row, label, ha="right", va="center")
        for i, value in zip(index, values, strict=True):
            _cell(ax, i, -row, value, colour, strong=i in (rows[1][1] if row < 3 else [position]))
    for i in range(position + 1, n - k + 1):
        _cell(ax, i, -3, None, GREY, strong=False)
    ax.set(xlim=(-2.6, n - 0.4), ylim=(-3.6, 0.6), aspect="equal")
    ax.axis("off")
    sum_of = " + ".join(f"({value:g})" if value < 0 else f"{value:g}" for value in products)
    ax.set_title(f"position {position}:  {sum_of} = {responses[-1]:g}")
    return ax


def _cell(
    ax: Axes, column: float, row: float, value: float | None, colour: str, strong: bool
) -> None:
    """Draw one number in a box; strong boxes are filled, the others outlined."""
    box = Rectangle((column - 0.45, row - 0.45), 0.9, 0.9, edgecolor=colour, facecolor="none")
    if strong:
        box.set(facecolor=colour, alpha=0.25)
    ax.add_patch(box)
    if value is not None:
        ax.text(column, row, f"{value:g}", ha="center", va="center")


def animate_sliding_kernel(
    x: Sequence[float], w: Sequence[float], alt: str, seconds: float = 0.9
) -> None:
    """Display the kernel sliding along the signal as a GIF: it needs no video player.

    The film runs twice and stops at its last picture: what moves for ever tires readers.

    Parameters
    ----------
    x, w : array-like
        As in `sliding_kernel`.
    alt : str
        What the film shows, for readers who do not see it.
    seconds : float
        Time of one step.
    """
    from PIL import Image

    frames = []
    for position in range(len(x) - len(w) + 1):
        figure = sliding_kernel(x, w, position).figure
        figure.canvas.draw()
        frames.append(Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB"))
        plt.close(figure)
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=int(1000 * seconds),
        loop=1,
    )
    _display(buffer.getvalue(), "image/gif", alt)


def matrix(values: np.ndarray, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a small matrix as an image with its numbers; purple is negative, orange positive.

    Parameters
    ----------
    values : ndarray of shape (m, n)
        The matrix; entries that are 0 carry no number.
    """
    values = np.asarray(values)
    if ax is None:
        _, ax = plt.subplots(figsize=(0.5 * values.shape[1] + 1, 0.5 * values.shape[0] + 1))
    limit = np.abs(values).max() or 1
    ax.imshow(values, cmap="PuOr_r", vmin=-2 * limit, vmax=2 * limit)
    for (row, column), value in np.ndenumerate(values):
        if value:
            ax.text(column, row, f"{value:g}", ha="center", va="center")
    ax.set(xticks=range(values.shape[1]), yticks=range(values.shape[0]), title=title)
    ax.set(xlabel="column", ylabel="row")
    return ax


# Lessons 03 and later: pictures, labels, training ---------------------------------------


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
