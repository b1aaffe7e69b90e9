"""Progress bars that show in a terminal and in a notebook, and leave nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    from tqdm.std import tqdm


class _NotebookLine:
    """A text file with one line, shown in a notebook cell; each write replaces it.

    tqdm's own notebook bar is a widget: closed, it still leaves its first text and a page of
    widget state in the stored notebook. This leaves an empty line.
    """

    _handle = None

    def write(self, text: str) -> None:
        from IPython.display import display

        bundle = {"text/plain": text.strip()}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def flush(self) -> None:
        """Do nothing: a write shows at once."""


def _place() -> dict[str, Any]:
    """Return tqdm's arguments for where a bar is drawn: in the cell, or on the terminal."""
    from IPython import get_ipython

    in_notebook = hasattr(get_ipython(), "kernel")
    return {"file": _NotebookLine(), "ascii": False} if in_notebook else {}


def over_epochs() -> keras.callbacks.Callback:
    """Return a callback that shows a bar over the epochs, and nothing once they are done."""
    from tqdm.keras import TqdmCallback
    from tqdm.std import tqdm

    # A second bar, over the batches, would make an accelerator hand over the loss at every batch.
    return TqdmCallback(verbose=0, tqdm_class=tqdm, leave=False, position=0, **_place())


def over_trials(total: int, finished: int) -> tqdm:
    """Return a bar over the trials of a sweep, of which some are finished already.

    It shows after a second: a sweep that is over by then displays nothing.
    """
    from tqdm.std import tqdm

    return tqdm(total=total, initial=finished, unit="trial", leave=False, delay=1, **_place())


def over_bytes(name: str, total: int) -> tqdm:
    """Return a bar over the bytes of a download.

    It shows after a moment: where nothing ever comes, no empty bar does.
    """
    from tqdm.std import tqdm

    scale = {"unit": "B", "unit_scale": True}
    return tqdm(desc=name, total=total, **scale, leave=False, delay=0.1, **_place())
