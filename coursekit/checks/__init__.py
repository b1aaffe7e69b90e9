"""Checks of all exercises, by the name of what they check: `ck.checks.convolve1d(convolve1d)`."""

from coursekit.checks import lesson_01, lesson_03, lesson_04
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
from coursekit.checks.lesson_03 import (
    cross_entropy,
    merged_bias,
    merged_weights,
    one_hot,
    parameters_by_hand,
    predict_one,
    softmax,
)
from coursekit.checks.lesson_04 import (
    balanced_subset,
    confusion_matrix,
    normalise,
    recall_per_class,
    to_labels,
)

LESSONS = {"01": lesson_01, "03": lesson_03, "04": lesson_04}
"""The modules of checks by the number of their lesson; each has a tuple CHECKS."""

__all__ = [
    "LESSONS",
    "CheckError",
    "Result",
    "balanced_subset",
    "by_hand",
    "confusion_matrix",
    "convolution_matrix",
    "convolve1d",
    "cross_correlate1d",
    "cross_entropy",
    "design",
    "merged_bias",
    "merged_weights",
    "normalise",
    "one_hot",
    "output_size",
    "pad1d",
    "parameters_by_hand",
    "predict_one",
    "recall_per_class",
    "softmax",
    "strided1d",
    "to_labels",
]
