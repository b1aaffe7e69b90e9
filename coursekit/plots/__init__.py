"""Figures of the lessons. Each function draws, returns what it drew and shows nothing.

End a cell with `ck.plots.show(figure, alt="…")`: it displays the figure with a text
alternative and closes it. Only a film, `animate_sliding_kernel`, shows itself. Colours are
those of Okabe and Ito (2008), which colour-blind readers can tell apart, and a sign, a hatch
or a marker always says the same again.
"""

from coursekit.plots.learning import (
    compare_curves,
    curves,
    images,
    label_histogram,
    maps_by_layer,
    prediction,
)
from coursekit.plots.patches import (
    feature_maps,
    field_of_view,
    filters,
    receptive_field,
    same_padding,
    sliding_kernel2d,
)
from coursekit.plots.signals import (
    animate_sliding_kernel,
    matrix,
    signals,
    sliding_kernel,
)
from coursekit.plots.style import (
    BLUE,
    COLOURS,
    GREEN,
    GREY,
    MARKERS,
    ORANGE,
    PURPLE,
    show,
    use_style,
)
from coursekit.plots.sweeps import (
    one_factor,
    parallel_coordinates,
    repeats,
    search,
    tradeoff,
)

__all__ = [
    "BLUE",
    "COLOURS",
    "GREEN",
    "GREY",
    "MARKERS",
    "ORANGE",
    "PURPLE",
    "animate_sliding_kernel",
    "compare_curves",
    "curves",
    "feature_maps",
    "field_of_view",
    "filters",
    "images",
    "label_histogram",
    "maps_by_layer",
    "matrix",
    "one_factor",
    "parallel_coordinates",
    "prediction",
    "receptive_field",
    "repeats",
    "same_padding",
    "search",
    "show",
    "signals",
    "sliding_kernel",
    "sliding_kernel2d",
    "tradeoff",
    "use_style",
]
