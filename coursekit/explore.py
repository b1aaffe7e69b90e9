"""Things to move by hand: a control, a picture that follows, and a picture that stays.

Without a live kernel no control works, so each explorer also carries its first picture:
a stored notebook shows that instead of an empty box.
"""

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
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
        self.box = widgets.VBox([*controls.values(), self.picture])
        for control in controls.values():
            control.observe(self._redraw, names="value")
        self._redraw()

    def _redraw(self, _change: object = None) -> None:
        figure, self.alt = self.draw(**{n: c.value for n, c in self.controls.items()})
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
        self.png = base64.b64encode(buffer.getvalue()).decode()
        self.picture.value = f'<img alt="{self.alt}" src="data:image/png;base64,{self.png}">'

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
    w : array-like of shape (k,), k <= n
    """
    x, w = np.asarray(x), np.asarray(w)

    def draw(position: int) -> tuple[Figure, str]:
        window = x[position : position + len(w)]
        products = " + ".join(f"({a:g})({b:g})" for a, b in zip(w, window, strict=True))
        alt = f"Kernel at position {position}: {products} = {w @ window:g}"
        return plots.sliding_kernel(x, w, position).figure, alt

    position = widgets.IntSlider(0, 0, len(x) - len(w), description="position")
    return Explorer(draw, position=position)
