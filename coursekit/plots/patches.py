"""Figures of lesson 02: windows, filters, receptive fields."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from coursekit.plots.signals import draw_cell
from coursekit.plots.style import BLUE, GREEN, GREY, ORANGE


def same_padding(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the image in the zeros of *same*: (k - 1) // 2 before it and k // 2 after."""
    return np.pad(image, [((k - 1) // 2, k // 2) for k in kernel.shape])


def sliding_kernel2d(
    image: np.ndarray,
    kernel: np.ndarray,
    row: int,
    column: int,
    stride: int = 1,
    padding: str = "valid",
) -> Figure:
    """Draw one step of a two-dimensional cross-correlation: image, window, response.

    Parameters
    ----------
    image : ndarray of shape (H, W)
        Up to 10 columns are drawn as numbers, more as a picture.
    kernel : ndarray of shape (kh, kw)
        Laid on the window at `(row * stride, column * stride)` of the padded image.
    row, column : int
        The place in the response.
    stride : int
        Step from window to window, on both axes.
    padding : {"valid", "same"}
        "same" frames the image in zeros before the kernel is laid on it.

    Returns
    -------
    matplotlib.figure.Figure
        The axes of image, response, window, kernel and products, in this order.

    Raises
    ------
    ValueError
        If the response has no such place.
    """
    from scipy.signal import correlate2d

    image, kernel = np.asarray(image), np.asarray(kernel)
    padded = same_padding(image, kernel) if padding == "same" else image
    response = correlate2d(padded, kernel, "valid")[::stride, ::stride]
    rows, columns = response.shape
    if not (0 <= row < rows and 0 <= column < columns):
        raise ValueError(f"place {row, column}; the response has the shape {response.shape}")
    (top, left), (kh, kw) = (row * stride, column * stride), kernel.shape
    window = padded[top : top + kh, left : left + kw]
    figure = plt.figure(figsize=(9.5, 4.4))
    grid = figure.add_gridspec(3, 3, width_ratios=(3, 1.3, 3))
    left_ax, right_ax = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[:, 2])
    greys = {"cmap": "gray", "vmin": min(0, padded.min()), "vmax": padded.max() or 1}
    title = "image in a frame of zeros" if padding == "same" else "image"
    _picture(left_ax, padded, title, greys)
    _outline(left_ax, top, left, kh, kw, ORANGE)
    parts = {"window": window, "times kernel": kernel, "products": window * kernel}
    for number, (title, values) in enumerate(parts.items()):
        scale = greys if title == "window" else _pale(values)
        _numbers(figure.add_subplot(grid[number, 1]), values, scale, title)
    title = f"response: sum of products = {response[row, column]:.3g}"
    _picture(right_ax, response, title, _scale(image, kernel, response))
    _outline(right_ax, row, column, 1, 1, GREEN)
    return figure


def _scale(image: np.ndarray, kernel: np.ndarray, response: np.ndarray) -> dict[str, Any]:
    """Choose signed colours for kernels that ignore brightness, else the image's greys.

    A flat white image times the sum of the weights is drawn white again.
    """
    total = kernel.sum()
    if abs(total) < 0.01 * np.abs(kernel).sum():
        limit = np.abs(response).max() or 1
        return {"cmap": "PuOr_r", "vmin": -limit, "vmax": limit}
    low, high = sorted((total * image.min(), total * image.max()))
    return {"cmap": "gray", "vmin": low, "vmax": high}


def _pale(values: np.ndarray) -> dict[str, Any]:
    """Choose signed colours that leave numbers on them legible."""
    limit = 2 * (np.abs(values).max() or 1)
    return {"cmap": "PuOr_r", "vmin": -limit, "vmax": limit}


def _picture(ax: Axes, values: np.ndarray, title: str, scale: Mapping[str, Any]) -> None:
    """Draw an image or a response, small ones in numbers."""
    if values.shape[1] <= 10:
        _numbers(ax, values, scale)
    else:
        ax.imshow(values, interpolation="nearest", **scale)
        _frame(ax)
    ax.set_title(title)


def _numbers(ax: Axes, values: np.ndarray, scale: Mapping[str, Any], title: str = "") -> None:
    """Draw a table of numbers on their colours, white where the colour is dark."""
    shown = ax.imshow(values, **scale)
    brightness = shown.to_rgba(values)[..., :3] @ [0.299, 0.587, 0.114]
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if brightness[row, column] < 0.5 else "black"
        ax.text(column, row, _short(value), ha="center", va="center", fontsize="small", color=ink)
    _frame(ax)
    ax.set_title(title, fontsize="small")


def _short(value: float) -> str:
    """Write a number in few characters: 8, 1/16, -0.37."""
    exact = Fraction(float(value)).limit_denominator(16)
    return str(exact) if abs(exact - value) < 1e-9 else f"{value:.2f}"


def _frame(ax: Axes) -> None:
    """Draw a thin frame instead of axes, so that a white picture shows where it ends."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=GREY, linewidth=0.6)


def _outline(ax: Axes, row: int, column: int, height: int, width: int, colour: str) -> None:
    corner = (column - 0.5, row - 0.5)
    ax.add_patch(Rectangle(corner, width, height, edgecolor=colour, facecolor="none", lw=2.5))


def filters(image: np.ndarray, kernels: Mapping[str, np.ndarray], columns: int = 3) -> Figure:
    """Draw what kernels make of an image, each response beside the weights.

    Responses of kernels whose weights add up to 0 are signed: purple is negative, orange
    positive. All others are grey, from the image's black to the image's white.

    Parameters
    ----------
    image : ndarray of shape (H, W)
    kernels : mapping of str to array-like of shape (kh, kw)
        By the titles of their pictures.
    columns : int
        Kernels in a row.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes for each kernel: its weights, then its response.
    """
    from scipy.signal import correlate2d

    rows = -(-len(kernels) // columns)
    height = 2 * image.shape[0] / image.shape[1] + 0.5
    figure = plt.figure(figsize=(3.2 * columns, height * rows))
    cells = figure.add_gridspec(rows, columns)
    for number, (title, kernel) in enumerate(kernels.items()):
        kernel = np.asarray(kernel)
        pair = cells[divmod(number, columns)].subgridspec(1, 2, width_ratios=(1, 2))
        beside = figure.add_subplot(pair[0])
        if kernel.shape[1] <= 5:
            _numbers(beside, kernel, _pale(kernel))
        else:
            beside.imshow(kernel, **_scale(kernel, kernel, kernel))
            _frame(beside)
        response = correlate2d(image, kernel, "valid")
        ax = figure.add_subplot(pair[1])
        _picture(ax, response, title, _scale(image, kernel, response))
    return figure


def feature_maps(maps: np.ndarray, titles: Sequence[str], columns: int = 4) -> Figure:
    """Draw the maps of a layer, signed: white is 0, purple negative, orange positive.

    Parameters
    ----------
    maps : ndarray of shape (H', W', C_out)
        Each map is coloured up to its own strongest response.
    titles : sequence of C_out str
    columns : int
        Maps in a row.

    Returns
    -------
    matplotlib.figure.Figure
        An axes for each map, row by row.

    Raises
    ------
    ValueError
        There are not as many titles as maps.
    """
    if len(titles) != maps.shape[-1]:
        raise ValueError(f"there are {maps.shape[-1]} maps, but {len(titles)} titles")
    rows = -(-len(titles) // columns)
    width = 9 / columns
    height = width * maps.shape[0] / maps.shape[1] + 0.3
    figure, axes = plt.subplots(rows, columns, squeeze=False, figsize=(9, height * rows))
    for ax in axes.flat:
        ax.axis("off")
    for ax, values, title in zip(axes.flat, np.moveaxis(maps, -1, 0), titles, strict=False):
        ax.axis("on")
        limit = np.abs(values).max() or 1
        _picture(ax, values, title, {"cmap": "PuOr_r", "vmin": -limit, "vmax": limit})
    return figure


def receptive_field(centre: np.ndarray, surround: np.ndarray) -> Figure:
    """Draw a centre-surround field: its weights from above, and a cut through the middle.

    Parameters
    ----------
    centre, surround : ndarray of shape (k, k), k odd
        What excites and what inhibits; the field is their difference.

    Returns
    -------
    matplotlib.figure.Figure
        The axes of the weights and those of the cut.
    """
    field, middle = centre - surround, len(centre) // 2
    figure, (above, cut) = plt.subplots(1, 2, figsize=(8.5, 3.2), width_ratios=(1, 1.6))
    limit = np.abs(field).max()
    above.imshow(field, cmap="PuOr_r", vmin=-limit, vmax=limit)
    ring = int(np.argmin(field[middle]))
    signs = {(middle, middle): "+"}
    signs |= dict.fromkeys(
        [(middle, ring), (ring, middle), (middle, -1 - ring), (-1 - ring, middle)], "\u2212"
    )
    for (row, column), sign in signs.items():
        place = (column % len(field), row % len(field))
        above.text(*place, sign, ha="center", va="center", fontsize="large")
    _frame(above)
    above.set_title("weights, from above")
    offset = np.arange(len(field)) - middle
    cut.axhline(0, color=GREY, linewidth=0.8)
    for values, label, line in (
        (centre, "centre", "--"),
        (-surround, "\u2212 surround", ":"),
        (field, "centre \u2212 surround", "-"),
    ):
        cut.plot(offset, values[middle], line, label=label)
    cut.set(xlabel="pixels from the centre", ylabel="weight", title="cut through the middle")
    cut.legend()
    return figure


def field_of_view(kernel_size: int, layers: int, ax: Axes | None = None) -> Axes:
    """Draw, from the side, which pixels one unit sees through a stack of layers.

    Parameters
    ----------
    kernel_size : int
        Weights of each kernel along one axis, odd.
    layers : int
        Convolutional layers above the pixels, all with stride 1.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        A row of boxes for each layer, the pixels at the bottom.
    """
    reach = kernel_size // 2
    half = reach * layers + 1
    width, height = 2 * half + 8, 1.5 * layers + 1.4
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 7 * height / width))
    for level in range(layers + 1):
        seen = reach * (layers - level)
        for place in range(level * reach - half, half - level * reach + 1):
            colour = ORANGE if level == layers else BLUE
            draw_cell(ax, place, level * 1.5, None, colour, strong=abs(place) <= seen)
        name = f"layer {level}" if level else "pixels"
        sees = f"each sees {2 * reach * level + 1} pixels" if level else ""
        ax.text(-half - 0.8, level * 1.5, name, ha="right", va="center")
        ax.text(half + 0.8, level * 1.5, sees, ha="left", va="center")
        if level:
            for side in (-1, 1):
                ends = (side * (seen + 0.45), side * (seen + reach + 0.45))
                ax.plot(ends, (level * 1.5 - 0.45, level * 1.5 - 1.05), color=GREY)
    ax.set(xlim=(-width / 2, width / 2), ylim=(-0.7, height - 0.7), aspect="equal")
    ax.axis("off")
    return ax
