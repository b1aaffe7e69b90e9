"""Checks of lesson 02, convolution in two dimensions. Oracles: SciPy and NumPy."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType

import numpy as np

from coursekit.checks.core import Check, DesignCheck, FunctionCheck, Misconception, Rule

SMALL = np.array([[1, 2, 4], [8, 16, 32]])
WIDE = np.array([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8], [9, 7, 9, 3, 2, 3], [8, 4, 6, 2, 6, 4]])
TALL = np.array([[0.5, 2.0], [1.0, -1.0], [4.0, 0.25], [3.0, 1.5], [-2.0, 1.0]])


# The two ways of Exercise 2.1, for the lesson to time ------------------------------------


def four_loops(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the valid cross-correlation, one product after the other."""
    height, width = kernel.shape
    response = np.zeros((image.shape[0] - height + 1, image.shape[1] - width + 1))
    for i in range(response.shape[0]):
        for j in range(response.shape[1]):
            for m in range(height):
                for n in range(width):
                    response[i, j] += image[i + m, j + n] * kernel[m, n]
    return response


def all_windows(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the valid cross-correlation from all windows at once."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijmn,mn->ij", windows, kernel)


# 2.1 and 2.2: sliding a kernel over an image ---------------------------------------------


def _correlate(image: np.ndarray, kernel: np.ndarray, mode: str = "valid") -> np.ndarray:
    from scipy.signal import correlate2d

    return correlate2d(image, kernel, mode)


def _convolve(image: np.ndarray, kernel: np.ndarray, mode: str = "valid") -> np.ndarray:
    from scipy.signal import convolve2d

    return convolve2d(image, kernel, mode)


def _framed(image: np.ndarray, kernel: np.ndarray, before: tuple[int, int]) -> np.ndarray:
    """Put the valid response into zeros of the image's shape, `before` rows and columns in."""
    response, frame = _correlate(image, kernel), np.zeros(image.shape)
    (top, left), (rows, columns) = before, response.shape
    frame[top : top + rows, left : left + columns] = response
    return frame


def _truncating_sum(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Add the products up in an array of the image's type, as `+=` into zeros_like does."""
    rows, columns = np.array(image.shape) - kernel.shape + 1
    response = np.zeros((rows, columns), dtype=image.dtype)
    for (m, n), weight in np.ndenumerate(kernel):
        window = image[m : m + rows, n : n + columns]
        response[...] = (response + window * weight).astype(image.dtype)
    return response


FLIPPED = (
    "the kernel is flipped on both axes: this is convolution. Cross-correlation lays the "
    "kernel on the image as it stands."
)
TRANSPOSED = (
    "the kernel is transposed: its first index m counts rows, downwards, like the first "
    "index of the image; its second index n counts columns."
)
FULL = (
    "these are all positions where kernel and image overlap (full). Asked for are those "
    "where the kernel lies wholly on the image (valid): H - kh + 1 rows, W - kw + 1 columns."
)
SAME = (
    "this has the shape of the image (same). Asked for are the positions where the kernel "
    "lies wholly on the image (valid): H - kh + 1 rows, W - kw + 1 columns."
)
TRUNCATED = (
    "the result is cut to whole numbers. An array made of integers stays so: "
    "np.zeros((rows, columns)) holds floats, np.zeros_like(image) has the type of the image."
)

CORRELATION_PROBES = (
    (SMALL, np.array([[1, -1]])),
    (SMALL, np.array([[1, 2], [0, -1]])),
    (WIDE[:3, :4], np.array([[1, 0], [2, -3]])),
    (WIDE, np.array([[0.5, 2.0, -1.0], [0.0, 1.5, 0.25]])),
    (TALL, np.array([[1.0, 0.0], [0.5, -1.0], [2.0, 3.0]])),
)
CORRELATION_MISCONCEPTIONS = (
    Misconception(FLIPPED, _convolve),
    Misconception(
        "the kernel is upside down: flipped on its first axis. Row m of the kernel belongs "
        "on row i + m of the image.",
        lambda image, kernel: _correlate(image, kernel[::-1]),
    ),
    Misconception(
        "the kernel is mirrored: flipped on its second axis. Column n of the kernel belongs "
        "on column j + n of the image.",
        lambda image, kernel: _correlate(image, kernel[:, ::-1]),
    ),
    Misconception(TRANSPOSED, lambda image, kernel: _correlate(image, kernel.T)),
    Misconception(
        "the response is transposed: its first index is the row of the window, its second "
        "the column, as in the image.",
        lambda image, kernel: _correlate(image, kernel).T,
    ),
    Misconception(
        "rows and columns of the image are exchanged: image[i, j] stands in row i, column j, "
        "and image.shape is (height, width).",
        lambda image, kernel: _correlate(image.T, kernel),
    ),
    Misconception(
        "the last row and the last column are missing: the kernel has H - kh + 1 by "
        "W - kw + 1 places, and range(H - kh) stops one too early.",
        lambda image, kernel: _correlate(image, kernel)[:-1, :-1],
    ),
    Misconception(
        "everything is shifted by one row and one column: the first window begins at image[0, 0].",
        lambda image, kernel: _correlate(np.pad(image, (0, 1))[1:, 1:], kernel),
    ),
    Misconception(FULL, lambda image, kernel: _correlate(image, kernel, "full")),
    Misconception(SAME, lambda image, kernel: _correlate(image, kernel, "same")),
    Misconception(
        "the response stands in an array as large as the image, and what is left of it is 0. "
        "It has H - kh + 1 rows and W - kw + 1 columns.",
        lambda image, kernel: _framed(image, kernel, (0, 0)),
    ),
    Misconception(
        "the response has a frame of zeros, to be as large as the image. Asked for are only "
        "the H - kh + 1 rows and W - kw + 1 columns in which there is a window.",
        lambda image, kernel: _framed(
            image, kernel, ((kernel.shape[0] - 1) // 2, (kernel.shape[1] - 1) // 2)
        ),
    ),
    Misconception(
        "the products are averaged; asked for is their sum.",
        lambda image, kernel: _correlate(image, kernel) / kernel.size,
    ),
    Misconception(TRUNCATED, lambda image, kernel: np.trunc(_correlate(image, kernel))),
    Misconception(TRUNCATED, _truncating_sum),
)

cross_correlate2d = FunctionCheck(
    number="2.1a",
    name="cross_correlate2d",
    oracle=_correlate,
    probes=CORRELATION_PROBES,
    misconceptions=CORRELATION_MISCONCEPTIONS,
)


def _sum_windows(axes: tuple[int, int]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the answer that adds the products of all windows up along other axes."""

    def answer(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
        return (windows * kernel).sum(axis=axes)

    return answer


LOOP = (
    "the numbers are right, but a loop runs in Python: in this function, or in one of yours that "
    "it calls. Let one np.einsum run through all windows."
)
_LOOPS = ast.For, ast.While, ast.comprehension


def _has_loop(function: Callable) -> bool:
    """Return whether a function, or one beside it that it calls, has a loop in its source.

    Where there is no source to be had, none is found.
    """
    function = inspect.unwrap(function)
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    called = [getattr(function, "__globals__", {}).get(name) for name in names]
    own = [f for f in called if isinstance(f, FunctionType) and f.__module__ == function.__module__]
    return any(isinstance(node, _LOOPS) for f in (function, *own) for node in _nodes(f))


def _nodes(function: Callable) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))
    except (OSError, TypeError, SyntaxError):  # compiled, typed in a shell, or half a line
        return []


cross_correlate2d_fast = FunctionCheck(
    number="2.1b",
    name="cross_correlate2d_fast",
    oracle=_correlate,
    probes=CORRELATION_PROBES,
    beyond=(Rule(LOOP, lambda function, answers: not _has_loop(function)),),
    misconceptions=(
        Misconception(
            "added up over the positions instead of over the window: what is left has the "
            "shape of the kernel. The sum runs over m and n, the last two axes of the windows.",
            _sum_windows((0, 1)),
        ),
        Misconception(
            "the products are not added up: one number for each window, not one for each "
            "weight of each window.",
            _sum_windows(()),
        ),
        Misconception(
            "added up over the columns of each window only; the sum runs over its rows, too.",
            _sum_windows((3,)),
        ),
        Misconception(
            "added up over the rows of each window only; the sum runs over its columns, too.",
            _sum_windows((2,)),
        ),
        *CORRELATION_MISCONCEPTIONS,
    ),
)

convolve2d = FunctionCheck(
    number="2.2",
    name="convolve2d",
    oracle=_convolve,
    probes=CORRELATION_PROBES,
    misconceptions=(
        Misconception(
            "the kernel is not flipped: this is cross-correlation. A convolution flips the "
            "kernel on both axes.",
            _correlate,
        ),
        Misconception(
            "the kernel is flipped upside down only; it must be mirrored left to right, too: "
            "both axes.",
            lambda image, kernel: _correlate(image, kernel[::-1]),
        ),
        Misconception(
            "the kernel is mirrored left to right only; it must be flipped upside down, too: "
            "both axes.",
            lambda image, kernel: _correlate(image, kernel[:, ::-1]),
        ),
        Misconception(
            "the kernel is transposed, which exchanges its axes; a flip reverses each of them.",
            lambda image, kernel: _correlate(image, kernel.T),
        ),
        Misconception(
            "the kernel is turned by 90 degrees; a flip on both axes turns it by 180.",
            lambda image, kernel: _correlate(image, np.rot90(kernel)),
        ),
        Misconception(
            "the kernel is turned by 90 degrees; a flip on both axes turns it by 180.",
            lambda image, kernel: _correlate(image, np.rot90(kernel, -1)),
        ),
        Misconception(
            "the image is flipped instead of the kernel: the response comes out upside down "
            "and mirrored.",
            lambda image, kernel: _correlate(image[::-1, ::-1], kernel),
        ),
        Misconception(
            "the response comes out upside down and mirrored: either it was flipped itself, or "
            "image and kernel both were. Only the kernel is flipped.",
            lambda image, kernel: _correlate(image, kernel)[::-1, ::-1],
        ),
        Misconception(FULL, lambda image, kernel: _convolve(image, kernel, "full")),
        Misconception(SAME, lambda image, kernel: _convolve(image, kernel, "same")),
        Misconception(TRUNCATED, lambda image, kernel: np.trunc(_convolve(image, kernel))),
        Misconception(TRUNCATED, lambda image, kernel: _truncating_sum(image, kernel[::-1, ::-1])),
    ),
)


# 2.3: padding and stride -----------------------------------------------------------------


def _widths(k: int) -> tuple[int, int]:
    return (k - 1) // 2, k // 2


def _pad(image: np.ndarray, kernel: np.ndarray, fill: str = "constant") -> np.ndarray:
    kh, kw = kernel.shape
    return np.pad(image, (_widths(kh), _widths(kw)), fill)


ONE_SIDED = (
    "all zeros stand on one side, so the response is shifted against the image. Share them: "
    "(k - 1) // 2 before the image and k // 2 after it, on each axis."
)
ONE_AXIS = (
    "zeros stand on one axis only: an image has rows above and below it, and columns to the "
    "left and to the right."
)
SQUARE = (
    "the same numbers of zeros stand on both axes, but this kernel is not square: its height "
    "decides about the rows, its width about the columns."
)

pad2d = FunctionCheck(
    number="2.3a",
    name="pad2d",
    oracle=_pad,
    probes=(
        (np.array([[5, 6]]), np.ones((3, 3))),
        (np.array([[5, 6], [7, 8]]), np.ones((1, 3))),
        (np.array([[5, 6, 7], [8, 9, 1]]), np.ones((2, 3))),
        (np.array([[0.5, 6.0], [7.0, 8.0], [9.0, 1.0]]), np.ones((5, 4))),
    ),
    misconceptions=(
        Misconception(
            ONE_SIDED,
            lambda image, kernel: np.pad(image, [(0, k - 1) for k in kernel.shape]),
        ),
        Misconception(
            ONE_SIDED,
            lambda image, kernel: np.pad(image, [(k - 1, 0) for k in kernel.shape]),
        ),
        Misconception(
            "an even kernel gets one row or column of zeros too many: same needs k - 1 in "
            "all, not k // 2 on each side.",
            lambda image, kernel: np.pad(image, [(k // 2, k // 2) for k in kernel.shape]),
        ),
        Misconception(
            "an even kernel gets one row or column of zeros too few: same needs k - 1 in all, "
            "so k // 2 of them after the image.",
            lambda image, kernel: np.pad(image, [((k - 1) // 2,) * 2 for k in kernel.shape]),
        ),
        Misconception(
            "for an even kernel the zeros that cannot be shared stand before the image. As in "
            "lesson 01, (k - 1) // 2 stand above and to the left, k // 2 below and to the right.",
            lambda image, kernel: np.pad(image, [_widths(k)[::-1] for k in kernel.shape]),
        ),
        Misconception(
            "the axes are exchanged: the height of the kernel decides about the rows above and "
            "below, its width about the columns.",
            lambda image, kernel: _pad(image, kernel.T),
        ),
        Misconception(
            SQUARE,
            lambda image, kernel: np.pad(image, [_widths(len(kernel)), _widths(len(kernel))]),
        ),
        Misconception(SQUARE, lambda image, kernel: np.pad(image, [_widths(kernel.shape[1])] * 2)),
        Misconception(
            ONE_AXIS, lambda image, kernel: np.pad(image, (_widths(len(kernel)), (0, 0)))
        ),
        Misconception(
            ONE_AXIS, lambda image, kernel: np.pad(image, ((0, 0), _widths(kernel.shape[1])))
        ),
        Misconception(
            "there are k - 1 zeros on each side; that makes the response larger than the image "
            "(full). Same shares k - 1 zeros between the two sides.",
            lambda image, kernel: np.pad(image, [(k - 1, k - 1) for k in kernel.shape]),
        ),
        Misconception(
            "the frame is filled with copies of the outermost pixels; asked for are zeros.",
            lambda image, kernel: _pad(image, kernel, "edge"),
        ),
        Misconception(TRUNCATED, lambda image, kernel: np.trunc(_pad(image, kernel))),
    ),
)

strided2d = FunctionCheck(
    number="2.3b",
    name="strided2d",
    oracle=lambda image, kernel, stride: _correlate(image, kernel)[::stride, ::stride],
    probes=(
        (SMALL, np.array([[1, -1]]), 1),
        (WIDE, np.array([[1, -1]]), 2),
        (WIDE, np.array([[0.5, 0.25]]), 2),
        (WIDE, np.array([[1, 2], [0, -1]]), 2),
        (WIDE.T, np.array([[1, 0], [2, -3]]), 3),
        (np.vstack([WIDE, WIDE[::-1] / 2]), np.array([[0.5, 2.0, -1.0], [0.0, 1.5, 0.25]]), 2),
    ),
    misconceptions=(
        Misconception(
            "the stride has no effect: keep every stride-th response, on both axes.",
            lambda image, kernel, stride: _correlate(image, kernel),
        ),
        Misconception(
            "the stride works on the rows only; it holds for the columns, too.",
            lambda image, kernel, stride: _correlate(image, kernel)[::stride],
        ),
        Misconception(
            "the stride works on the columns only; it holds for the rows, too.",
            lambda image, kernel, stride: _correlate(image, kernel)[:, ::stride],
        ),
        Misconception(
            "the image is thinned out before the kernel is laid on it: the windows must hold "
            "neighbours, only their beginnings are `stride` apart.",
            lambda image, kernel, stride: _correlate(image[::stride, ::stride], kernel),
        ),
        Misconception(
            "this is dilation: the weights lie `stride` apart. The stride is the step from "
            "window to window.",
            lambda image, kernel, stride: _correlate(image, _dilated(kernel, stride)),
        ),
        Misconception(
            "the first window begins at image[0, 0]: count in steps of stride from there.",
            lambda image, kernel, stride: _correlate(image, kernel)[
                stride - 1 :: stride, stride - 1 :: stride
            ],
        ),
        Misconception(
            "the size is rounded down without its + 1: the last window that fits on the image "
            "is missing.",
            lambda image, kernel, stride: _correlate(image, kernel)[::stride, ::stride][:-1, :-1],
        ),
        Misconception(
            FLIPPED,
            lambda image, kernel, stride: _convolve(image, kernel)[::stride, ::stride],
        ),
        Misconception(
            TRANSPOSED,
            lambda image, kernel, stride: _correlate(image, kernel.T)[::stride, ::stride],
        ),
        Misconception(
            "the image is padded first; asked for are the windows that lie wholly on it (valid).",
            lambda image, kernel, stride: _correlate(_pad(image, kernel), kernel)[
                ::stride, ::stride
            ],
        ),
        Misconception(
            TRUNCATED,
            lambda image, kernel, stride: np.trunc(_correlate(image, kernel)[::stride, ::stride]),
        ),
        Misconception(
            TRUNCATED,
            lambda image, kernel, stride: _truncating_sum(image, kernel)[::stride, ::stride],
        ),
    ),
)


def _dilated(kernel: np.ndarray, step: int) -> np.ndarray:
    spread = np.zeros(step * (np.array(kernel.shape) - 1) + 1)
    spread[::step, ::step] = kernel
    return spread


# 2.4: kernels by design ------------------------------------------------------------------

SURROUND = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]) / 8
CENTRE = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
BINOMIAL = np.outer([1, 2, 1], [1, 2, 1]) / 16
"""The smoothing kernel of Figure 2.3."""

DESIGNS = {
    "smooth": np.full((3, 3), 1 / 9),
    "vertical": np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]),
    "surround": SURROUND,
    "sharpen": CENTRE + SURROUND,
}

_TABLE = Rule(
    "a kernel is a list of 3 lists of 3 numbers.",
    lambda kernel: kernel.shape == (3, 3) and np.isfinite(kernel).all(),
)


def _close(got: object, wanted: object) -> bool:
    return bool(np.allclose(got, wanted, rtol=1e-5, atol=1e-5))


def _rising(kernel: np.ndarray) -> np.ndarray:
    """Return the responses to a step from 0 to 1 between two columns, at both its places."""
    columns = kernel.sum(axis=0)
    return np.array([columns[1:].sum(), columns[2]])


MOVING_SUM = (
    "the weights are equal, but they add up to more than 1: a flat picture gets brighter. "
    "Divide them by their sum."
)
FROM_FIGURE = (
    "this is the kernel of Figure 2.3. It smooths, but find your own: other weights do it, too."
)
NO_SMOOTHING = (
    "a single weight gives the picture back, moved at most. To smooth, mix each pixel with "
    "its neighbours."
)
SUM_NOT_1 = "the weights must add up to 1, or a flat picture does not keep its brightness."
NEGATIVE = (
    "a negative weight makes differences larger, not smaller. An average needs weights of at "
    "least 0."
)
SUM_NOT_0 = (
    "the weights must add up to 0: a flat picture, however bright, has no edge and must get 0."
)
HORIZONTAL = (
    "this kernel responds to horizontal edges. Vertical ones are steps from column to column, "
    "so its columns must differ, not its rows."
)
DARK_RIGHT = (
    "the signs are exchanged: dark on the left, bright on the right must give a positive number."
)
ALSO_HORIZONTAL = (
    "this kernel responds to horizontal edges, too. Each of its rows must add up to 0 by itself."
)
ONLY_CORNERS = (
    "the rows cancel each other, and a long vertical edge gets 0. Let them all respond with "
    "the same sign."
)
THIN_LINE = (
    "this kernel responds to a single edge twice, with both signs: it finds thin lines. For "
    "edges, the left column must be negative and the right one positive."
)
NOTHING = "all weights are 0: this kernel responds to nothing."
NOT_CENTRE_1 = "the weight in the centre must be 1."
UNEQUAL = "the eight weights around the centre must be equal: the surround has no direction."
SURROUND_SUM = (
    "centre and surround must add up to 0: the eight neighbours share -1, so each has -1/8."
)
ONLY_SURROUND = (
    "this is the centre-surround kernel itself; sharpening adds its response to the picture, "
    "and the picture is a kernel's response, too."
)
SUBTRACTED = (
    "the surround's response is subtracted: this smooths. Sharpening adds it to the picture."
)
NOT_ADDED = (
    "this is not the picture plus its centre-surround response. Add the two kernels, weight "
    "by weight: the one that leaves the picture as it is, and `surround`."
)

design2d = DesignCheck(
    number="2.4",
    name="filters by design",
    oracle=DESIGNS.__getitem__,
    labels=tuple(DESIGNS),
    probes=tuple((name,) for name in DESIGNS),
    rules={
        "smooth": (
            _TABLE,
            Rule(MOVING_SUM, lambda k: not (np.ptp(k) < 1e-9 and k.sum() > 1.00001)),
            Rule(NEGATIVE, lambda k: k.min() >= 0),
            Rule(SUM_NOT_1, lambda k: _close(k.sum(), 1)),
            Rule(NO_SMOOTHING, lambda k: np.count_nonzero(k) > 1),
            Rule(FROM_FIGURE, lambda k: not _close(k, BINOMIAL)),
        ),
        "vertical": (
            _TABLE,
            Rule(NOTHING, lambda k: k.any()),
            Rule(SUM_NOT_0, lambda k: _close(k.sum(), 0)),
            Rule(HORIZONTAL, lambda k: not (_close(_rising(k), 0) and _rising(k.T).any())),
            Rule(ALSO_HORIZONTAL, lambda k: _close(k.sum(axis=1), 0)),
            Rule(ONLY_CORNERS, lambda k: not _close(_rising(k), 0)),
            Rule(THIN_LINE, lambda k: not _rising(k).min() < -1e-5 < 1e-5 < _rising(k).max()),
            Rule(DARK_RIGHT, lambda k: _rising(k).min() >= -1e-5),
        ),
        "surround": (
            _TABLE,
            Rule(NOT_CENTRE_1, lambda k: _close(k[1, 1], 1)),
            Rule(UNEQUAL, lambda k: np.ptp(np.delete(k.ravel(), 4)) < 1e-5),
            Rule(SURROUND_SUM, lambda k: _close(k.sum(), 0)),
        ),
        "sharpen": (
            _TABLE,
            Rule(ONLY_SURROUND, lambda k: not _close(k, SURROUND)),
            Rule(SUBTRACTED, lambda k: not _close(k, CENTRE - SURROUND)),
            Rule(NOT_ADDED, lambda k: _close(k, CENTRE + SURROUND)),
        ),
    },
    misconceptions=(
        Misconception(_TABLE.message, {"smooth": np.full(3, 1 / 3)}.__getitem__),
        Misconception(MOVING_SUM, {"smooth": np.ones((3, 3))}.__getitem__),
        Misconception(NEGATIVE, {"smooth": CENTRE + SURROUND}.__getitem__),
        Misconception(SUM_NOT_1, {"smooth": np.eye(3)}.__getitem__),
        Misconception(NO_SMOOTHING, {"smooth": CENTRE}.__getitem__),
        Misconception(FROM_FIGURE, {"smooth": BINOMIAL}.__getitem__),
        Misconception(NOTHING, {"vertical": np.zeros((3, 3))}.__getitem__),
        Misconception(SUM_NOT_0, {"vertical": np.array([[0, 1, 0]] * 3)}.__getitem__),
        Misconception(HORIZONTAL, {"vertical": DESIGNS["vertical"].T}.__getitem__),
        Misconception(
            ALSO_HORIZONTAL,
            {"vertical": np.array([[-1, -1, 0], [-1, 0, 1], [0, 1, 1]])}.__getitem__,
        ),
        Misconception(
            ALSO_HORIZONTAL,
            {"vertical": np.array([[-1, 0, 0], [0, 0, 0], [0, 0, 1]])}.__getitem__,
        ),
        Misconception(
            ONLY_CORNERS,
            {"vertical": np.array([[-1, 0, 1], [0, 0, 0], [1, 0, -1]])}.__getitem__,
        ),
        Misconception(THIN_LINE, {"vertical": np.array([[-1, 2, -1]] * 3)}.__getitem__),
        Misconception(THIN_LINE, {"vertical": np.array([[1, -2, 1]] * 3)}.__getitem__),
        Misconception(DARK_RIGHT, {"vertical": -DESIGNS["vertical"]}.__getitem__),
        Misconception(NOT_CENTRE_1, {"surround": 8 * SURROUND}.__getitem__),
        Misconception(
            UNEQUAL,
            {"surround": np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]) / 4}.__getitem__,
        ),
        Misconception(SURROUND_SUM, {"surround": 2 * CENTRE - np.ones((3, 3))}.__getitem__),
        Misconception(ONLY_SURROUND, {"sharpen": SURROUND}.__getitem__),
        Misconception(SUBTRACTED, {"sharpen": CENTRE - SURROUND}.__getitem__),
        Misconception(NOT_ADDED, {"sharpen": CENTRE}.__getitem__),
    ),
)


# 2.5: a layer ----------------------------------------------------------------------------


def _layer(x: np.ndarray, kernels: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Correlate in three dimensions: the channels fit at one place only, and are summed."""
    from scipy.signal import correlate

    maps = [
        correlate(x, kernels[..., o], mode="valid", method="direct")[..., 0] + bias[o]
        for o in range(kernels.shape[-1])
    ]
    return np.stack(maps, axis=-1)


def _no_bias(x: np.ndarray, kernels: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return _layer(x, kernels, np.zeros_like(bias))


def _unsummed(x: np.ndarray, kernels: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return the response of every channel by itself: shape (H', W', C_in, C_out)."""
    channels = range(x.shape[-1])
    return np.stack(
        [_layer(x[..., [c]], kernels[:, :, [c]], bias) for c in channels],
        axis=2,
    )


def _channel(x: np.ndarray, kernels: np.ndarray, bias: np.ndarray, c: int) -> np.ndarray:
    return _layer(x[..., [c]], kernels[:, :, [c]], bias)


_X2 = np.array([[[1, 2], [3, 5]], [[0, 4], [2, 1]]])
_X3 = np.array(
    [[[1, 0, 2], [3, 1, 0], [2, 2, 1], [0, 1, 4]], [[5, 1, 1], [0, 2, 3], [1, 0, 2], [4, 3, 1]]]
)
_X3 = np.concatenate([_X3, _X3[::-1, ::-1] + 1])[:3]
_K32 = np.array([1, 0, -2, 3, 1, 2, -1, 0, 4, 2, 1, -3, 0, 5, 2, 1, -1, 3, 2, 0, 1, 1, -2, 4])

BIAS_PER_PIXEL = (
    "the bias follows the position in the picture. A bias belongs to a kernel: bias[o] is "
    "added to the whole map o, so it runs along the last axis."
)

conv_layer = FunctionCheck(
    number="2.5",
    name="conv_layer",
    oracle=_layer,
    probes=(
        (_X2, np.array([[[[1, 2], [-1, 3]]]]), np.array([10, 20])),
        (_X3, _K32.reshape(2, 2, 3, 2), np.array([1, -2])),
        (_X3 / 4, _K32.reshape(1, 2, 3, 4) / 2, np.array([0.5, 0.0, -1.0, 2.0])),
        (_X3[..., :2], _K32.reshape(3, 2, 2, 2) / 2, np.array([0.5, -0.25])),
        (_X3[..., :1], _K32[:12].reshape(2, 3, 1, 2), np.array([3, 1])),
    ),
    misconceptions=(
        Misconception(
            "the channels are not summed: each kernel looks at all channels and gives one "
            "map, so the result has the shape (H', W', C_out).",
            _unsummed,
        ),
        Misconception(
            "only the first channel counts: each response is a sum over rows, columns and all "
            "channels.",
            lambda x, kernels, bias: _channel(x, kernels, bias, 0),
        ),
        Misconception(
            "only the last channel counts: inside a loop over the channels = overwrites what "
            "the others gave; use +=.",
            lambda x, kernels, bias: _channel(x, kernels, bias, x.shape[-1] - 1),
        ),
        Misconception(
            "the channels are averaged; asked for is their sum.",
            lambda x, kernels, bias: _no_bias(x, kernels, bias) / x.shape[-1] + bias,
        ),
        Misconception(
            "all channels share the weights of the first one: kernels[:, :, c, o] belongs to "
            "channel c.",
            lambda x, kernels, bias: _layer(x.sum(-1, keepdims=True), kernels[:, :, :1], bias),
        ),
        Misconception(
            "the channels are added up before they meet their weights: sum the products, not "
            "channels and weights by themselves.",
            lambda x, kernels, bias: _layer(
                x.sum(-1, keepdims=True), kernels.sum(2, keepdims=True), bias
            ),
        ),
        Misconception(
            "kernels and channels are swapped: the third axis of kernels counts the channels "
            "of x, the fourth counts the kernels.",
            lambda x, kernels, bias: _layer(x, kernels.swapaxes(2, 3), bias),
        ),
        Misconception(
            "each kernel looks at one channel only, the one with its own number. It looks at "
            "all of them.",
            lambda x, kernels, bias: _unsummed(x, kernels, bias)[
                :, :, range(len(bias)), range(len(bias))
            ],
        ),
        Misconception(
            "the maps stand first: the result has the shape (H', W', C_out), channels last.",
            lambda x, kernels, bias: np.moveaxis(_layer(x, kernels, bias), -1, 0),
        ),
        Misconception(
            "the maps of all kernels are added up into one; each kernel has its own.",
            lambda x, kernels, bias: _layer(x, kernels, bias).sum(axis=-1),
        ),
        Misconception("the bias is missing.", _no_bias),
        Misconception(
            BIAS_PER_PIXEL,
            lambda x, kernels, bias: _no_bias(x, kernels, bias) + bias[:, None],
        ),
        Misconception(
            BIAS_PER_PIXEL,
            lambda x, kernels, bias: _no_bias(x, kernels, bias) + bias[:, None, None],
        ),
        Misconception(
            "the bias is added once for each channel; each response gets it once.",
            lambda x, kernels, bias: _layer(x, kernels, x.shape[-1] * bias),
        ),
        Misconception(
            "the bias is added once for each weight of a window; each response gets it once.",
            lambda x, kernels, bias: _layer(x, kernels, kernels[..., 0].size * bias),
        ),
        Misconception(
            "every map gets the first bias; bias[o] belongs to map o.",
            lambda x, kernels, bias: _layer(x, kernels, np.full(bias.shape, bias[0])),
        ),
        Misconception(
            "every map gets the sum of all biases; bias[o] belongs to map o.",
            lambda x, kernels, bias: _layer(x, kernels, np.full(bias.shape, bias.sum())),
        ),
        Misconception(
            "the bias is subtracted; it is added.",
            lambda x, kernels, bias: _layer(x, kernels, -bias),
        ),
        Misconception(
            "the kernels are flipped. Layers cross-correlate: lay them on the image as they stand.",
            lambda x, kernels, bias: _layer(x, kernels[::-1, ::-1], bias),
        ),
        Misconception(
            TRANSPOSED,
            lambda x, kernels, bias: _layer(x, kernels.swapaxes(0, 1), bias),
        ),
        Misconception(
            "negative responses are set to 0. That is an activation function; this layer has "
            "none yet.",
            lambda x, kernels, bias: np.maximum(0, _layer(x, kernels, bias)),
        ),
        Misconception(TRUNCATED, lambda x, kernels, bias: np.trunc(_layer(x, kernels, bias))),
    ),
)


# 2.6: counting weights -------------------------------------------------------------------


def _counts(
    input_shape: tuple[int, int, int], kernel_shape: tuple[int, int], n_kernels: int
) -> np.ndarray:
    (h, w, c), (kh, kw) = input_shape, kernel_shape
    outputs = (h - kh + 1) * (w - kw + 1) * n_kernels
    return np.array([outputs * (h * w * c + 1), n_kernels * (kh * kw * c + 1)])


def _parts(
    input_shape: tuple[int, int, int], kernel_shape: tuple[int, int], n_kernels: int
) -> tuple[int, ...]:
    """Return inputs, positions, outputs, the window's size, and the channels."""
    (h, w, c), (kh, kw) = input_shape, kernel_shape
    positions = (h - kh + 1) * (w - kw + 1)
    return h * w * c, positions, positions * n_kernels, kh * kw, c


def _miscount(
    rule: Callable[..., tuple[int, int]],
) -> Callable[[tuple[int, int, int], tuple[int, int], int], np.ndarray]:
    """Return the answer that `rule` gives from the parts of a layer and its kernels."""
    return lambda *shapes: np.array(rule(*_parts(*shapes), shapes[2]))


count_parameters = FunctionCheck(
    number="2.6",
    name="count_parameters",
    oracle=_counts,
    probes=(
        ((3, 4, 1), (2, 3), 1),
        ((3, 4, 2), (2, 3), 4),
        ((28, 28, 1), (3, 3), 32),
        ((13, 13, 32), (3, 3), 64),
    ),
    misconceptions=(
        Misconception(
            "the biases are missing: the dense layer has one for each output, the "
            "convolutional layer one for each kernel.",
            _miscount(lambda i, p, o, k, c, n: (i * o, k * c * n)),
        ),
        Misconception(
            "the convolutional layer's biases are missing: one for each kernel.",
            _miscount(lambda i, p, o, k, c, n: (i * o + o, k * c * n)),
        ),
        Misconception(
            "the dense layer's biases are missing: one for each output.",
            _miscount(lambda i, p, o, k, c, n: (i * o, k * c * n + n)),
        ),
        Misconception(
            "the dense layer has a bias for each output, H' * W' * C_out of them, not one for "
            "each map.",
            _miscount(lambda i, p, o, k, c, n: (i * o + n, k * c * n + n)),
        ),
        Misconception(
            "the convolutional layer's weights are counted again for each position of the "
            "kernel. They are shared: all positions use the same ones.",
            _miscount(lambda i, p, o, k, c, n: (i * o + o, (k * c * n + n) * p)),
        ),
        Misconception(
            "the convolutional layer has a bias for each position here; its bias is shared by "
            "all positions, one for each kernel.",
            _miscount(lambda i, p, o, k, c, n: (i * o + o, k * c * n + o)),
        ),
        Misconception(
            "one bias for each channel of each kernel is too many: a kernel has one.",
            _miscount(lambda i, p, o, k, c, n: (i * o + o, (k + 1) * c * n)),
        ),
        Misconception(
            "one bias for all kernels is too few: each kernel has its own.",
            _miscount(lambda i, p, o, k, c, n: (i * o + o, k * c * n + 1)),
        ),
        Misconception(
            "the channels are forgotten: a kernel has kh * kw weights for each channel of its "
            "input.",
            _miscount(lambda i, p, o, k, c, n: (i * o + o, k * n + n)),
        ),
        Misconception(
            "the number of kernels is forgotten: each has its own weights and its own bias.",
            _miscount(lambda i, p, o, k, c, n: (i * o + o, k * c + 1)),
        ),
        Misconception(
            "the dense layer's output is as large as its input here. Between the same shapes "
            "as the convolution it has H' * W' * C_out outputs, with H' = H - kh + 1.",
            lambda input_shape, kernel_shape, n_kernels: np.array(
                [
                    np.prod(input_shape[:2]) * n_kernels * (np.prod(input_shape) + 1),
                    _counts(input_shape, kernel_shape, n_kernels)[1],
                ]
            ),
        ),
        Misconception(
            "the dense layer has one output for each kernel here. Between the same shapes as "
            "the convolution it has H' * W' * C_out of them.",
            _miscount(lambda i, p, o, k, c, n: (i * n + n, k * c * n + n)),
        ),
        Misconception(
            "the two numbers are exchanged: the dense layer's comes first.",
            lambda *shapes: _counts(*shapes)[::-1],
        ),
    ),
)

CHECKS = tuple(value for value in list(globals().values()) if isinstance(value, Check))
"""Checks of all exercises, by the name of what they check: `ck.checks.conv_layer(conv_layer)`."""
