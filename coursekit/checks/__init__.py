"""Checks of all exercises, by the name of what they check: `ck.checks.convolve1d(convolve1d)`."""

from coursekit.checks.core import CheckError, Result
from coursekit.checks.lesson_01 import (
    by_hand,
    convolution_matrix,
    convolve1d,
    cross_correlate1d,
    design,
    output_size,
    pad1d,
    strided1d,
)

__all__ = [
    "CheckError",
    "Result",
    "by_hand",
    "convolution_matrix",
    "convolve1d",
    "cross_correlate1d",
    "design",
    "output_size",
    "pad1d",
    "strided1d",
]
