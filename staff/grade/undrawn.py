"""A matplotlib backend for kernels whose figures nobody sees: it writes one pixel for each.

Drawing would take a third of the time of grading. A figure can still be drawn into memory,
for code that looks at its pixels, and all figures are closed behind each cell, as in
Jupyter. Only the sandbox has this as its backend; the grader never imports it.
"""

import struct
import zlib
from pathlib import Path

from IPython import get_ipython
from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff"))
    + _chunk(b"IEND", b"")
)


class FigureCanvas(FigureCanvasAgg):
    """A canvas that is not drawn when its figure is saved."""

    def print_figure(self, filename: object, *options: object, **named: object) -> None:
        """Write one pixel to a path or a file."""
        if hasattr(filename, "write"):
            filename.write(PIXEL)
        else:
            Path(filename).write_bytes(PIXEL)


def show(*options: object, **named: object) -> None:
    """Close all figures: shown is shown."""
    Gcf.destroy_all()


if get_ipython() is not None:
    get_ipython().events.register("post_execute", show)
