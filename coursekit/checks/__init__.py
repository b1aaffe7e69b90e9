"""Checks of all exercises, by the name of what they check: `ck.checks.convolve1d(convolve1d)`."""

from coursekit.checks import (
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
)
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
from coursekit.checks.lesson_02 import (
    conv_layer,
    convolve2d,
    count_parameters,
    cross_correlate2d,
    cross_correlate2d_fast,
    design2d,
    pad2d,
    strided2d,
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
from coursekit.checks.lesson_05 import (
    average_pool2d,
    build_cnn,
    max_pool2d,
    shapes_by_hand,
    shift_right,
)
from coursekit.checks.lesson_06 import (
    batches,
    conv_block,
    cross_entropy_from_logits,
    report_at,
    train_step,
)
from coursekit.checks.lesson_07 import (
    mean_and_spread,
    mend,
    sides_by_hand,
    sweep_rates,
    welch_t,
)
from coursekit.checks.lesson_08 import (
    features,
    fine_tune,
    freeze_by_hand,
    transfer_network,
)

LESSONS = {
    "01": lesson_01,
    "02": lesson_02,
    "03": lesson_03,
    "04": lesson_04,
    "05": lesson_05,
    "06": lesson_06,
    "07": lesson_07,
    "08": lesson_08,
}
"""The modules of checks by the number of their lesson; each has a tuple CHECKS."""

__all__ = [
    "LESSONS",
    "CheckError",
    "Result",
    "average_pool2d",
    "balanced_subset",
    "batches",
    "build_cnn",
    "by_hand",
    "confusion_matrix",
    "conv_block",
    "conv_layer",
    "convolution_matrix",
    "convolve1d",
    "convolve2d",
    "count_parameters",
    "cross_correlate1d",
    "cross_correlate2d",
    "cross_correlate2d_fast",
    "cross_entropy",
    "cross_entropy_from_logits",
    "design",
    "design2d",
    "features",
    "fine_tune",
    "freeze_by_hand",
    "max_pool2d",
    "mean_and_spread",
    "mend",
    "merged_bias",
    "merged_weights",
    "normalise",
    "one_hot",
    "output_size",
    "pad1d",
    "pad2d",
    "parameters_by_hand",
    "predict_one",
    "recall_per_class",
    "report_at",
    "shapes_by_hand",
    "shift_right",
    "sides_by_hand",
    "softmax",
    "strided1d",
    "strided2d",
    "sweep_rates",
    "to_labels",
    "train_step",
    "transfer_network",
    "welch_t",
]
