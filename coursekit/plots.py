"""Figures of the lessons. Each function draws, returns what it drew and shows nothing.

End a cell with `ck.plots.show(figure, alt="…")`: it displays the figure with a text
alternative and closes it. Colours are those of Okabe and Ito (2008), which colour-blind
readers can tell apart, and a sign, a hatch or a marker always says the same again.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
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


# Lesson 02: images and kernels ----------------------------------------------------------


def same_padding(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the image in the zeros of *same*: (k - 1) // 2 before it and k // 2 behind."""
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
    _picture(left_ax, padded, "image in a frame of zeros" if padding == "same" else "image")
    _outline(left_ax, top, left, kh, kw, ORANGE)
    parts = {"window": window, "times kernel": kernel, "products": window * kernel}
    for number, (title, values) in enumerate(parts.items()):
        _numbers(figure.add_subplot(grid[number, 1]), values, title)
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
    return {"vmin": low, "vmax": high}


def _picture(ax: Axes, values: np.ndarray, title: str, scale: Mapping[str, Any] = {}) -> None:
    """Draw an image or a response, small ones in numbers."""
    if values.shape[1] <= 10:
        _numbers(ax, values)
    else:
        ax.imshow(values, interpolation="nearest", **scale)
        _frame(ax)
    ax.set_title(title)


def _numbers(ax: Axes, values: np.ndarray, title: str = "") -> None:
    """Draw a table of numbers on their colours; purple is negative, orange positive."""
    limit = np.abs(values).max() or 1
    ax.imshow(values, cmap="PuOr_r", vmin=-2 * limit, vmax=2 * limit)
    for (row, column), value in np.ndenumerate(values):
        ax.text(column, row, _short(value), ha="center", va="center", fontsize="small")
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
    """
    from scipy.signal import correlate2d

    rows = -(-len(kernels) // columns)
    height = 2 * image.shape[0] / image.shape[1] + 0.3
    figure = plt.figure(figsize=(3.2 * columns, height * rows))
    cells = figure.add_gridspec(rows, columns)
    for number, (title, kernel) in enumerate(kernels.items()):
        kernel = np.asarray(kernel)
        pair = cells[divmod(number, columns)].subgridspec(1, 2, width_ratios=(1, 2))
        beside = figure.add_subplot(pair[0])
        if kernel.shape[1] <= 5:
            _numbers(beside, kernel)
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
    """
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
            _cell(ax, place, level * 1.5, None, colour, strong=abs(place) <= seen)
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
