"""Checks of lesson 01, convolution in one dimension. Oracles: NumPy and SciPy."""

import numpy as np

from coursekit.checks.core import (
    Check,
    DesignCheck,
    FunctionCheck,
    Misconception,
    Rule,
    ValueCheck,
    equal,
)

RAMP = np.array([1, 2, 3, 4, 6, 7, 7, 6])
BUMP = np.array([0, 0, 0, -1, 1, -1, 0])
PATTERN = np.array([-1, 1, -1])

NOT_FLIPPED = (
    "the kernel is not flipped: this is cross-correlation. In a convolution the index of x "
    "counts up while that of w counts down: x[j] meets w[i - j]."
)
FLIPPED = (
    "the kernel is flipped: this is convolution. Cross-correlation lays the kernel on the "
    "signal as it stands."
)
VALID_FOR_FULL = (
    "these are only the positions where the kernel lies wholly on the signal (valid). The "
    "full result has len(x) + len(w) - 1 numbers: the kernel also hangs over both ends."
)
SAME_FOR_FULL = (
    "this has as many numbers as the signal (same). The full result has "
    "len(x) + len(w) - 1: the kernel also hangs over both ends."
)
TRUNCATED = (
    "the result is cut to whole numbers. An array made of integers stays so: "
    "np.zeros(n) holds floats, np.zeros_like(x) has the type of x."
)


def correlate_full(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the cross-correlation at every position where kernel and signal overlap."""
    return np.convolve(x, w[::-1])


def _wrapped(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Convolve with b[i - j] unguarded: below zero Python counts from the end."""
    y = np.zeros(len(a) + len(b) - 1)
    for i in range(len(y)):
        y[i] = sum(a[j] * b[i - j] for j in range(len(a)) if -len(b) <= i - j < len(b))
    return y


by_hand = ValueCheck(
    number="1.1",
    name="convolution by hand",
    oracle=np.convolve,
    labels=("ramp", "bump_full", "asymmetric"),
    probes=(
        (RAMP, PATTERN),
        (BUMP, PATTERN),
        (np.array([1, 2, 3]), np.array([1, 0, -1])),
    ),
    misconceptions=(
        Misconception(NOT_FLIPPED, correlate_full),
        Misconception(VALID_FOR_FULL, lambda x, w: np.convolve(x, w, "valid")),
        Misconception(
            "two things at once: the kernel is not flipped, and the positions where it "
            "hangs over the ends are missing.",
            lambda x, w: np.correlate(x, w, "valid"),
        ),
        Misconception(SAME_FOR_FULL, lambda x, w: np.convolve(x, w, "same")),
        Misconception(
            "every sign is turned: multiply by the weights as they are.",
            lambda x, w: -np.convolve(x, w),
        ),
    ),
)

convolve1d = FunctionCheck(
    number="1.2",
    name="convolve1d",
    oracle=np.convolve,
    probes=(
        (np.array([1, 3]), np.array([1.5])),
        (np.array([1, 2, 3]), np.array([1, 0, -1])),
        (np.array([2.0, 1.0]), np.array([1.0, -2.0, 0.5, 3.0])),
        (RAMP, np.array([2, -1])),
        (np.array([0.5, -1.0, 2.0, 4.0, 1.5]), np.array([0.25, 0.5, -1.0])),
    ),
    misconceptions=(
        Misconception(NOT_FLIPPED, correlate_full),
        Misconception(
            "the last number is missing: the result has len(x) + len(w) - 1 numbers, so that "
            "the last weight meets the last element.",
            lambda x, w: np.convolve(x, w)[:-1],
        ),
        Misconception(
            "the first number is missing: the result begins with x[0] * w[0].",
            lambda x, w: np.convolve(x, w)[1:],
        ),
        Misconception(
            "there is one number too many: the result has len(x) + len(w) - 1 numbers.",
            lambda x, w: np.append(np.convolve(x, w), 0),
        ),
        Misconception(VALID_FOR_FULL, lambda x, w: np.convolve(x, w, "valid")),
        Misconception(SAME_FOR_FULL, lambda x, w: np.convolve(x, w)[: len(x)]),
        Misconception(
            "the signal is flipped and the kernel too, so the result comes out backwards.",
            lambda x, w: np.convolve(x, w)[::-1],
        ),
        Misconception(
            "the signal is flipped instead of the kernel: the result comes out backwards.",
            lambda x, w: np.convolve(x[::-1], w),
        ),
        Misconception(
            "a negative index wraps around: w[-1] is the last weight, not 0. Skip the terms of "
            "the sum where i - j is negative.",
            _wrapped,
        ),
        Misconception(
            "a negative index wraps around: x[-1] is the last element, not 0. Skip the terms "
            "of the sum where j is negative.",
            lambda x, w: _wrapped(w, x),
        ),
        Misconception(TRUNCATED, lambda x, w: np.trunc(np.convolve(x, w))),
        Misconception(
            "the weights are cut to whole numbers: keep w as it is, 1.5 must stay 1.5.",
            lambda x, w: np.convolve(x, np.trunc(w)),
        ),
    ),
)

cross_correlate1d = FunctionCheck(
    number="1.3",
    name="cross_correlate1d",
    oracle=np.correlate,
    probes=(
        (np.array([3]), np.array([1.5])),
        (np.array([1, 2, 4]), np.array([1, -1])),
        (np.array([1, 2, 4, 8]), np.array([1, 0, -3])),
        (RAMP, np.array([-1, 2, 0])),
        (np.array([0.5, -1.0, 2.0, 4.0, 1.5]), np.array([0.25, 0.5, -1.0])),
    ),
    misconceptions=(
        Misconception(FLIPPED, lambda x, w: np.convolve(x, w, "valid")),
        Misconception(
            "the last position is missing: a kernel of k weights has n - k + 1 places on a "
            "signal of n, and range(n - k) stops one too early.",
            lambda x, w: np.correlate(x, w)[:-1],
        ),
        Misconception(
            "everything is shifted by one: the first window begins at x[0].",
            lambda x, w: np.correlate(np.append(x[1:], 0), w),
        ),
        Misconception(
            "everything is shifted by one: the first window begins at x[0], not before it.",
            lambda x, w: np.correlate(np.append(0, x[:-1]), w),
        ),
        Misconception(
            "these are all positions where kernel and signal overlap (full). Asked for are "
            "those where the kernel lies wholly on the signal (valid): n - k + 1 numbers.",
            correlate_full,
        ),
        Misconception(
            "this has as many numbers as the signal (same). Asked for are the positions "
            "where the kernel lies wholly on the signal (valid): n - k + 1 numbers.",
            lambda x, w: np.correlate(x, w, "same"),
        ),
        Misconception(TRUNCATED, lambda x, w: np.trunc(np.correlate(x, w))),
    ),
)


def _pad(x: np.ndarray, w: np.ndarray, mode: str, fill: str = "constant") -> np.ndarray:
    return np.pad(x, _widths(len(w), mode), fill)


def _widths(k: int, mode: str) -> tuple[int, int]:
    return {"full": (k - 1, k - 1), "same": ((k - 1) // 2, k // 2), "valid": (0, 0)}[mode]


ONE_SIDED = (
    "all zeros stand on one side, so the responses are shifted against the signal. Share "
    "them: (k - 1) // 2 before the signal for same, k - 1 on each side for full."
)

pad1d = FunctionCheck(
    number="1.4",
    name="pad1d",
    oracle=_pad,
    probes=tuple(
        (x, w, mode)
        for x, w in (
            (np.array([5, 6]), np.array([1, 2, 3])),
            (np.array([5, 6, 7]), np.array([1, 2])),
            (np.array([0.5, 6, 7]), np.array([1, 2, 3, 4])),
            (np.array([5, 6, 7, 8, 9]), np.array([1, 2, 3, 4, 5])),
        )
        for mode in ("valid", "same", "full")
    ),
    misconceptions=(
        Misconception(ONE_SIDED, lambda x, w, mode: np.pad(x, (0, sum(_widths(len(w), mode))))),
        Misconception(ONE_SIDED, lambda x, w, mode: np.pad(x, (sum(_widths(len(w), mode)), 0))),
        Misconception(
            "an even kernel gets one zero too many: same needs k - 1 zeros in all, not "
            "k // 2 on each side.",
            lambda x, w, mode: np.pad(x, len(w) // 2) if mode == "same" else _pad(x, w, mode),
        ),
        Misconception(
            "for an even kernel the zero that cannot be shared stands before the signal. "
            "That is NumPy's way; this course follows the networks of lesson 05, where "
            "(k - 1) // 2 zeros stand before the signal and k // 2 after it.",
            lambda x, w, mode: np.pad(x, _widths(len(w), mode)[::-1]),
        ),
        Misconception(
            "full pads k zeros on each side, one too many: the kernel must still touch the "
            "signal with one weight, so k - 1.",
            lambda x, w, mode: np.pad(x, len(w)) if mode == "full" else _pad(x, w, mode),
        ),
        Misconception(
            "same and full are exchanged: same keeps the length of the signal, full makes "
            "the result longer.",
            lambda x, w, mode: _pad(x, w, {"same": "full", "full": "same"}.get(mode, mode)),
        ),
        Misconception(
            "the edges are filled with copies of the first and last element; asked for are zeros.",
            lambda x, w, mode: _pad(x, w, mode, "edge"),
        ),
    ),
)


SIGNS = "the signs are exchanged: laid on a rising step [0, 1], the kernel must give +1."
TWO_APART = "this kernel responds twice to every step: its two weights are two places apart."
MOVING_SUM = (
    "this is the moving sum: the weights of an average add up to 1, or a constant signal does "
    "not keep its value."
)
ALONE = "one weight alone gives the signal back: an average needs at least two."
NEGATIVE = "an average has no negative weights: they would sharpen instead of smooth."
SUM_NOT_1 = "the weights do not add up to 1, so a constant signal does not keep its value."
NO_STEP = (
    "the responses to [0, 1], [1, 0] and [1, 1] must be +1, -1 and 0; lay the weights on each."
)
_LIST = Rule("a kernel is a list of weights, such as [1, 2, 3].", lambda k: k.ndim == 1 and len(k))


def _is(kernel: np.ndarray, weights: list[float]) -> bool:
    """Compare kernels, zeros at their ends aside: they change nothing."""
    return equal(np.trim_zeros(kernel), weights)


design = DesignCheck(
    number="1.5",
    name="kernels by design",
    oracle={"step_kernel": np.array([-1, 1]), "average_kernel": np.full(3, 1 / 3)}.__getitem__,
    labels=("step_kernel", "average_kernel"),
    probes=(("step_kernel",), ("average_kernel",)),
    rules={
        "step_kernel": (
            _LIST,
            Rule(SIGNS, lambda k: not _is(k, [1, -1])),
            Rule(TWO_APART, lambda k: not _is(k, [-1, 0, 1])),
            Rule(NO_STEP, lambda k: _is(k, [-1, 1])),
        ),
        "average_kernel": (
            _LIST,
            Rule(ALONE, lambda k: np.count_nonzero(k) > 1),
            Rule(MOVING_SUM, lambda k: not equal(k, np.ones(len(k)))),
            Rule(NEGATIVE, lambda k: k.min() >= 0),
            Rule(SUM_NOT_1, lambda k: equal(k.sum(), 1)),
        ),
    },
    misconceptions=(
        Misconception(SIGNS, {"step_kernel": [1, -1]}.__getitem__),
        Misconception(TWO_APART, {"step_kernel": [-1, 0, 1]}.__getitem__),
        Misconception(NO_STEP, {"step_kernel": [1, 1]}.__getitem__),
        Misconception(MOVING_SUM, {"average_kernel": [1, 1, 1, 1]}.__getitem__),
        Misconception(ALONE, {"average_kernel": [0, 1]}.__getitem__),
        Misconception(NEGATIVE, {"average_kernel": [-1, 3, -1]}.__getitem__),
        Misconception(SUM_NOT_1, {"average_kernel": [0.3, 0.3, 0.3]}.__getitem__),
    ),
)


def _size(n: int, k: int, stride: int = 1, dilation: int = 1, padding: int = 0) -> int:
    return (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1


output_size = FunctionCheck(
    number="1.6a",
    name="output_size",
    oracle=_size,
    probes=(
        (8, 3, 1, 1, 0),
        (8, 3, 2, 1, 0),
        (8, 3, 1, 2, 0),
        (8, 3, 1, 1, 1),
        (11, 4, 3, 2, 1),
        (28, 5, 2, 3, 2),
    ),
    misconceptions=(
        Misconception(
            "stride and dilation are exchanged: the stride is the step of the kernel, the "
            "dilation the distance between its weights.",
            lambda n, k, s, d, p: _size(n, k, d, s, p),
        ),
        Misconception(
            "rounded up: a window that does not fit wholly on the signal does not count, so "
            "floor, not ceil.",
            lambda n, k, s, d, p: -((n + 2 * p - d * (k - 1) - 1) // -s) + 1,
        ),
        Misconception(
            "one too few: the first position counts too, so + 1.",
            lambda n, k, s, d, p: (n + 2 * p - d * (k - 1) - 1) // s,
        ),
        Misconception(
            "the padding stands on both sides of the signal: it counts twice.",
            lambda n, k, s, d, p: (n + p - d * (k - 1) - 1) // s + 1,
        ),
        Misconception(
            "a kernel of k weights has k - 1 gaps: dilated it spans d * (k - 1) + 1, not d * k.",
            lambda n, k, s, d, p: (n + 2 * p - d * k) // s + 1,
        ),
        Misconception(
            "the dilation has no effect: it makes the kernel span d * (k - 1) + 1 elements.",
            lambda n, k, s, d, p: _size(n, k, s, 1, p),
        ),
        Misconception(
            "the division is not rounded: the number of places is a whole number, use //.",
            lambda n, k, s, d, p: (n + 2 * p - d * (k - 1) - 1) / s + 1,
        ),
    ),
)


def _strided(x: np.ndarray, w: np.ndarray, stride: int, dilation: int) -> np.ndarray:
    """Cross-correlate with a kernel that has dilation - 1 zeros between its weights."""
    spread = np.zeros(dilation * (len(w) - 1) + 1)
    spread[::dilation] = w
    return np.correlate(x, spread)[::stride]


strided1d = FunctionCheck(
    number="1.6b",
    name="strided1d",
    oracle=_strided,
    probes=(
        (np.array([1, 2, 4, 8]), np.array([1, -1]), 1, 1),
        (np.array([1, 2, 4, 8, 9]), np.array([1, -1]), 2, 1),
        (np.array([1, 2, 4, 8, 9]), np.array([1, -1]), 1, 2),
        (np.arange(9), np.array([0.5, 0.25]), 2, 1),
        (np.arange(11) ** 2, np.array([1, 0, -3]), 3, 2),
        (np.arange(12) ** 2 / 4, np.array([0.5, 2.0]), 2, 3),
    ),
    misconceptions=(
        Misconception(
            "stride and dilation are exchanged: the stride is the step from window to window, "
            "the dilation the distance of neighbours inside a window.",
            lambda x, w, stride, dilation: _strided(x, w, dilation, stride),
        ),
        Misconception(
            "the stride has no effect: keep every stride-th response.",
            lambda x, w, stride, dilation: _strided(x, w, 1, dilation),
        ),
        Misconception(
            "the dilation has no effect: neighbours inside a window stand `dilation` apart.",
            lambda x, w, stride, dilation: _strided(x, w, stride, 1),
        ),
        Misconception(
            "each weight is repeated; dilation puts zeros between the weights.",
            lambda x, w, stride, dilation: np.correlate(x, np.repeat(w, dilation))[::stride],
        ),
        Misconception(
            "the signal is thinned out before the kernel is laid on it: the windows must "
            "hold neighbours, only their beginnings are `stride` apart.",
            lambda x, w, stride, dilation: _strided(x[::stride], w, 1, dilation),
        ),
        Misconception(
            FLIPPED,
            lambda x, w, stride, dilation: _strided(x, w[::-1], stride, dilation),
        ),
        Misconception(
            TRUNCATED,
            lambda x, w, stride, dilation: np.trunc(_strided(x, w, stride, dilation)),
        ),
    ),
)


def _toeplitz(w: np.ndarray, n: int) -> np.ndarray:
    from scipy.linalg import convolution_matrix

    return convolution_matrix(w, n)


def _circulant(w: np.ndarray, n: int) -> np.ndarray:
    from scipy.linalg import circulant

    return circulant(np.append(w, np.zeros(n - len(w))))


convolution_matrix = FunctionCheck(
    number="1.7",
    name="convolution_matrix",
    oracle=_toeplitz,
    probes=(
        (np.array([1.5]), 2),
        (np.array([1, 2]), 3),
        (np.array([1, 0, -1]), 4),
        (np.array([0.5, 2.0, -1.0]), 5),
    ),
    misconceptions=(
        Misconception(
            "this matrix is circulant: weights that leave at one end come back at the other. "
            "The full convolution has n + k - 1 rows, and each column has zeros below its k "
            "weights.",
            _circulant,
        ),
        Misconception(
            "transposed: C @ x needs one column for each element of x, so C has the shape "
            "(n + k - 1, n).",
            lambda w, n: _toeplitz(w, n).T,
        ),
        Misconception(
            "the weights stand in the wrong order: down a column they read w[0], w[1], … "
            "This matrix cross-correlates.",
            lambda w, n: _toeplitz(w[::-1], n),
        ),
        Misconception(
            "only the rows where the kernel lies wholly on the signal are here (valid); C @ x "
            "must equal the full convolution.",
            lambda w, n: _toeplitz(w, n)[len(w) - 1 : n],
        ),
        Misconception(TRUNCATED, lambda w, n: np.trunc(_toeplitz(w, n))),
    ),
)

CHECKS = tuple(value for value in list(globals().values()) if isinstance(value, Check))
