"""What all figures share: colours, the plot style, and how a figure is shown."""

import base64
import io

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

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
    embed(buffer.getvalue(), "image/png", alt)


def embed(picture: bytes, kind: str, alt: str) -> None:
    """Display an encoded picture with its text alternative.

    Parameters
    ----------
    picture : bytes
        The content of its file.
    kind : str
        Its MIME type, such as "image/png".
    alt : str
        What it shows, for readers who do not see it.
    """
    from IPython.display import display

    data = {kind: base64.b64encode(picture).decode(), "text/plain": alt}
    display(data, metadata={kind: {"alt": alt}}, raw=True)
