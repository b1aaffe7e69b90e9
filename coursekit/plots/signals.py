"""Figures of lesson 01: signals, a sliding kernel, a matrix of weights."""

import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from coursekit.plots.style import BLUE, COLOURS, GREEN, GREY, MARKERS, ORANGE, embed


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

    Returns
    -------
    matplotlib.figure.Figure
        An axes for each signal.
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
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Rows of boxes: signal, kernel, products, responses.

    Raises
    ------
    ValueError
        If the kernel does not fit there.
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
            draw_cell(
                ax, i, -row, value, colour, strong=i in (rows[1][1] if row < 3 else [position])
            )
    for i in range(position + 1, n - k + 1):
        draw_cell(ax, i, -3, None, GREY, strong=False)
    ax.set(xlim=(-2.6, n - 0.4), ylim=(-3.6, 0.6), aspect="equal")
    ax.axis("off")
    sum_of = " + ".join(f"({value:g})" if value < 0 else f"{value:g}" for value in products)
    ax.set_title(f"position {position}:  {sum_of} = {responses[-1]:g}")
    return ax


def draw_cell(
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
    embed(buffer.getvalue(), "image/gif", alt)


def matrix(values: np.ndarray, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a small matrix as an image with its numbers; purple is negative, orange positive.

    Parameters
    ----------
    values : ndarray of shape (m, n)
        The matrix; entries that are 0 carry no number.
    title : str
        What stands above it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The image and its numbers.
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
