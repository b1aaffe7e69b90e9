"""Things to move by hand: a control, a picture that follows, and a picture that stays.

Without a live kernel no control works, so each explorer also carries its first picture:
a stored notebook shows that instead of an empty box.
"""

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.figure import Figure

from coursekit import plots


class Explorer:
    """A box of controls over a picture that is drawn again whenever a control changes.

    Parameters
    ----------
    draw : callable
        Takes the controls' values by name, returns a figure and its text alternative.
    controls : ipywidgets widgets by name
        Each with a `value` that can be observed.
    """

    def __init__(
        self, draw: Callable[..., tuple[Figure, str]], **controls: widgets.ValueWidget
    ) -> None:
        self.draw = draw
        self.controls = controls
        self.picture = widgets.HTML()
        self._drawn: dict[str, Any] | None = None
        self.box = widgets.VBox([*controls.values(), self.picture])
        for control in controls.values():
            control.observe(self._redraw, names="value")
        self._redraw()

    def _redraw(self, _change: object = None) -> None:
        values = {name: control.value for name, control in self.controls.items()}
        if values == self._drawn:  # one control moved another, and that one has drawn
            return
        self._drawn = values
        figure, self.alt = self.draw(**values)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
        self.png = base64.b64encode(buffer.getvalue()).decode()
        # In a narrow window the picture shrinks; without the style its right side is cut off.
        style, source = "max-width: 100%; height: auto", f"data:image/png;base64,{self.png}"
        alt = html.escape(self.alt)
        self.picture.value = f'<img style="{style}" alt="{alt}" src="{source}">'

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Offer the live box first; a front end without a kernel takes the picture."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        data = {
            "application/vnd.jupyter.widget-view+json": view,
            "image/png": self.png,
            "text/plain": self.alt,
        }
        return data, {"image/png": {"alt": self.alt}}


def slide_kernel(x: Sequence[float], w: Sequence[float]) -> Explorer:
    """Return a slider that moves the kernel `w` along the signal `x`.

    Parameters
    ----------
    x : array-like of shape (n,)
        The signal.
    w : array-like of shape (k,), k <= n
        The kernel.

    Returns
    -------
    Explorer
        A slider over the picture of `coursekit.plots.sliding_kernel`.

    Raises
    ------
    ValueError
        If the kernel is longer than the signal.
    """
    x, w = np.asarray(x), np.asarray(w)
    if len(w) > len(x):
        raise ValueError(f"a kernel of {len(w)} weights does not fit on a signal of {len(x)}")

    def draw(position: int) -> tuple[Figure, str]:
        window = x[position : position + len(w)]
        products = " + ".join(f"({a:g})({b:g})" for a, b in zip(w, window, strict=True))
        alt = f"Kernel at position {position}: {products} = {w @ window:g}"
        return plots.sliding_kernel(x, w, position).figure, alt

    position = widgets.IntSlider(0, 0, len(x) - len(w), description="position")
    return Explorer(draw, position=position)


FILTERS = {
    "identity": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
    "smoothing": ((1 / 16, 1 / 8, 1 / 16), (1 / 8, 1 / 4, 1 / 8), (1 / 16, 1 / 8, 1 / 16)),
    "sharpening": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    "vertical edges": ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
    "horizontal edges": ((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
    "centre-surround": ((-1 / 8,) * 3, (-1 / 8, 1, -1 / 8), (-1 / 8,) * 3),
}
"""Designed 3 by 3 kernels by what they do, laid on the image as they stand."""


class Weights(widgets.VBox):
    """A table of numbers to edit; `value` holds them as a tuple of rows."""

    value = traitlets.Tuple()

    def __init__(self, value: tuple[tuple[float, ...], ...]) -> None:
        layout = widgets.Layout(width="72px")
        self.cells = [
            [widgets.BoundedFloatText(min=-99, max=99, step=0.5, layout=layout) for _ in row]
            for row in value
        ]
        super().__init__([widgets.HBox(row) for row in self.cells])
        self._filling = False
        for row in self.cells:
            for cell in row:
                cell.observe(self._read, names="value")
        self.observe(self._fill, names="value")
        self.value = value

    def _fill(self, _change: object) -> None:
        self._filling = True
        for cells, numbers in zip(self.cells, self.value, strict=True):
            for cell, number in zip(cells, numbers, strict=True):
                cell.value = number
        self._filling = False

    def _read(self, _change: object) -> None:
        if not self._filling:
            self.value = tuple(tuple(cell.value for cell in row) for row in self.cells)


def slide_kernel2d(
    image: np.ndarray, start: str = "vertical edges", row: int = 0, column: int = 0
) -> Explorer:
    """Return a 3 by 3 kernel to choose or edit, and to slide over an image.

    Parameters
    ----------
    image : ndarray of shape (H, W)
        Small enough to be redrawn at once: up to about 64 pixels wide.
    start : str
        The first kernel, a key of `FILTERS`.
    row, column : int
        The first place in the response.

    Returns
    -------
    Explorer
        Controls over the picture of `coursekit.plots.sliding_kernel2d`.
    """
    preset = widgets.Dropdown(options=[*FILTERS, "own"], value=start, description="kernel")
    weights = Weights(FILTERS[start])
    stride = widgets.IntSlider(1, 1, 3, description="stride")
    padding = widgets.Dropdown(options=["valid", "same"], description="padding")
    sliders = [
        widgets.IntSlider(value, 0, size - 3, description=name)
        for name, value, size in zip(("row", "column"), (row, column), image.shape, strict=True)
    ]

    def last_places() -> list[int]:
        rim = 0 if padding.value == "same" else 2
        return [(size - rim - 1) // stride.value for size in image.shape]

    def take_preset(_change: object) -> None:
        weights.value = FILTERS.get(preset.value, weights.value)

    def name_weights(_change: object) -> None:
        names = (name for name, kernel in FILTERS.items() if kernel == weights.value)
        preset.value = next(names, "own")

    def limit_places(_change: object) -> None:
        for slider, last in zip(sliders, last_places(), strict=True):
            slider.max = last

    def draw(
        kernel: str, weights: tuple, stride: int, padding: str, row: int, column: int
    ) -> tuple[Figure, str]:
        place = [min(p, last) for p, last in zip((row, column), last_places(), strict=True)]
        figure = plots.sliding_kernel2d(image, np.array(weights), *place, stride, padding)
        response = figure.axes[1].get_title()
        table = ", ".join("[" + ", ".join(f"{w:.3g}" for w in row) + "]" for row in weights)
        alt = f"Kernel {kernel}: {table}; stride {stride}, padding {padding}. "
        alt += f"At row {place[0]}, column {place[1]} the {response}."
        return figure, alt

    preset.observe(take_preset, names="value")
    weights.observe(name_weights, names="value")
    for control in (stride, padding):
        control.observe(limit_places, names="value")
    controls = {"stride": stride, "padding": padding, "row": sliders[0], "column": sliders[1]}
    explorer = Explorer(draw, kernel=preset, weights=weights, **controls)
    right = widgets.VBox([stride, padding, *sliders])
    table = widgets.VBox([preset, weights])
    explorer.box.children = (widgets.HBox([table, right]), explorer.picture)
    return explorer
