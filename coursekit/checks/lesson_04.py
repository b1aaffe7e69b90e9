"""Checks of lesson 04, a dense baseline on MNIST. Oracles: NumPy and scikit-learn."""

import numpy as np

from coursekit.checks.core import Check, FunctionCheck, Misconception, Rule, RuleCheck

_FLOAT32 = np.dtype("float32")
IMAGES = np.array([[[0, 51], [102, 255]], [[0, 0], [10, 200]]], dtype=np.uint8)

NOT_FLOAT32 = (
    "the numbers are right, but their dtype is not float32. NumPy's own, float64, takes twice the "
    'memory: write astype("float32") before dividing.'
)

normalise = FunctionCheck(
    number="4.1",
    name="normalise",
    oracle=lambda images: images.astype("float32") / 255,
    probes=(
        (np.array([[[0, 51], [102, 153]]], dtype=np.uint8),),
        (IMAGES,),
        (np.arange(48, dtype=np.uint8).reshape(3, 4, 4) * 5,),
    ),
    beyond=(Rule(NOT_FLOAT32, lambda _, got: {np.asarray(y).dtype for y in got} == {_FLOAT32}),),
    misconceptions=(
        Misconception(
            "the division leaves whole numbers: only pixels of 255 survive, as 1. Use / "
            "(not //), and turn the images into floats before dividing, not after.",
            lambda images: images // 255,
        ),
        Misconception(
            "the pixels still run from 0 to 255: changing the dtype does not change the range.",
            lambda images: images.astype("float32"),
        ),
        Misconception(
            "divided by 256, the number of grey values; the largest value is 255, and white "
            "must become exactly 1.",
            lambda images: images / 256,
        ),
        Misconception(
            "every image is divided by its own maximum, so a faint digit becomes as bright as "
            "a strong one. Divide all by 255.",
            lambda images: images / images.max(axis=(1, 2), keepdims=True),
        ),
        Misconception(
            "divided by the maximum of this batch: another batch would get another scale. "
            "Divide by 255, always.",
            lambda images: images / images.max(),
        ),
        Misconception(
            "the pixels run from -1 to 1; asked for are 0 to 1.",
            lambda images: images / 127.5 - 1,
        ),
        Misconception(
            "the images are standardised (mean 0, standard deviation 1); asked for is the "
            "range from 0 to 1.",
            lambda images: (images - images.mean()) / images.std(),
        ),
        Misconception(
            "the images are flattened: keep their shape, the network does that itself.",
            lambda images: (images / 255).reshape(len(images), -1),
        ),
        Misconception(NOT_FLOAT32, lambda images: images / 255),
    ),
)

LABELS = np.array([2, 0, 1, 1, 0, 2, 2, 1, 0, 0, 2, 1])
UNEVEN = np.repeat([0, 1, 2], [40, 8, 20])


def _drawn(
    y: np.ndarray, n: int, rng: np.random.Generator | None, replace: bool = False
) -> np.ndarray:
    """Draw n places of each class with rng; None stands for NumPy's global generator."""
    rng = rng or np.random
    places = [np.flatnonzero(y == c) for c in np.unique(y)]
    return np.concatenate([rng.choice(p, n, replace=replace) for p in places])


def _places_within_class(y: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([rng.choice((y == c).sum(), n, replace=False) for c in np.unique(y)])


_INDICES = (
    "return indices into y, a 1D array of integers: not the labels, not the images, and not "
    "True and False."
)
_PER_CLASS = "n_per_class counts the examples of each class, not of all classes together."
_DISTINCT = "some examples are drawn twice: choose without replacement."
_EQUAL = (
    "the classes are not equally frequent among the chosen. Choose from each class separately, "
    "among the places np.flatnonzero(y == c), and return those places."
)
_BY_RNG = (
    "the choice does not follow rng: the same generator must make the same choice, or nobody "
    "can repeat the experiment. Use rng.choice, not np.random.choice."
)
_RANDOM = (
    "the choice is always the same, whatever rng: examples collected early are all that is "
    "ever seen. Draw them with rng."
)

balanced_subset = RuleCheck(
    number="4.2",
    name="balanced_subset",
    oracle=_drawn,
    probes=(
        (LABELS, 2, np.random.default_rng(0)),
        (UNEVEN, 5, np.random.default_rng(1)),
        (UNEVEN, 5, np.random.default_rng(1)),
        (UNEVEN, 5, np.random.default_rng(2)),
    ),
    rules=(
        Rule(
            _INDICES,
            lambda got, y, n, rng: np.asarray(got).dtype.kind in "iu" and np.ndim(got) == 1,
        ),
        Rule(_PER_CLASS, lambda got, y, n, rng: len(got) == n * len(np.unique(y))),
        Rule(_DISTINCT, lambda got, y, n, rng: len(set(np.asarray(got).tolist())) == len(got)),
        Rule(_EQUAL, lambda got, y, n, rng: set(np.bincount(y[np.asarray(got)])) == {n}),
    ),
    across=(
        Rule(_BY_RNG, lambda got: np.array_equal(got[1], got[2])),
        Rule(_RANDOM, lambda got: set(np.asarray(got[1])) != set(np.asarray(got[3]))),
    ),
    misconceptions=(
        Misconception(_INDICES, lambda y, n, rng: np.isin(np.arange(len(y)), _drawn(y, n, rng))),
        Misconception(_PER_CLASS, lambda y, n, rng: rng.choice(len(y), n, replace=False)),
        Misconception(_DISTINCT, lambda y, n, rng: _drawn(y, n, rng, replace=True)),
        Misconception(_DISTINCT, _places_within_class),
        Misconception(_EQUAL, lambda y, n, rng: rng.permutation(len(y))[: n * len(np.unique(y))]),
        Misconception(_EQUAL, lambda y, n, rng: np.arange(n * len(np.unique(y)))),
        Misconception(_BY_RNG, lambda y, n, rng: _drawn(y, n, None)),
        Misconception(_RANDOM, lambda y, n, rng: _drawn(y, n, np.random.default_rng(7))),
    ),
)

PROBABILITIES = np.array(
    [[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.2, 0.35, 0.45], [0.3, 0.4, 0.3], [0.05, 0.05, 0.9]]
)

to_labels = FunctionCheck(
    number="4.3",
    name="to_labels",
    oracle=lambda probabilities: probabilities.argmax(axis=1),
    probes=((PROBABILITIES[:2],), (PROBABILITIES,)),
    misconceptions=(
        Misconception(
            "this looks down the columns: for each class, the most probable image. Asked for "
            "is, for each image, the most probable class: axis=1.",
            lambda p: p.argmax(axis=0),
        ),
        Misconception(
            "this is one number for the whole batch: without an axis, argmax counts through "
            "all rows. Use axis=1.",
            lambda p: p.argmax(),
        ),
        Misconception(
            "these are the largest probabilities themselves; asked for is at which class they "
            "stand: argmax, not max.",
            lambda p: p.max(axis=1),
        ),
        Misconception(
            "rounding asks whether a probability is above a half. The most probable class can "
            "have less than that: take the largest of the row.",
            lambda p: np.round(p),
        ),
        Misconception(
            "rounding asks whether a probability is above a half, and finds no class in a row "
            "where none is. Take the largest of the row.",
            lambda p: np.round(p).argmax(axis=1),
        ),
        Misconception(
            "the classes are counted from 1; labels count from 0.",
            lambda p: p.argmax(axis=1) + 1,
        ),
        Misconception(
            "the result has a second axis: one label for each image is an array of shape (N,).",
            lambda p: p.argmax(axis=1, keepdims=True),
        ),
    ),
)

TRUE = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
PREDICTED = np.array([0, 0, 1, 1, 0, 2, 2, 0, 2])


def _matrix(y_true: np.ndarray, y_pred: np.ndarray, n_classes: int) -> np.ndarray:
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(y_true, y_pred, labels=range(n_classes))


def _counted_once(y_true: np.ndarray, y_pred: np.ndarray, n_classes: int) -> np.ndarray:
    matrix = np.zeros((n_classes, n_classes), dtype=int)
    matrix[y_true, y_pred] += 1
    return matrix


confusion_matrix = FunctionCheck(
    number="4.4",
    name="confusion_matrix",
    oracle=_matrix,
    probes=(
        (np.array([0, 1, 1]), np.array([1, 1, 1]), 2),
        (TRUE, PREDICTED, 3),
        (TRUE, PREDICTED, 5),
    ),
    misconceptions=(
        Misconception(
            "transposed: rows are the true classes, columns the predicted ones.",
            lambda y_true, y_pred, n: _matrix(y_pred, y_true, n),
        ),
        Misconception(
            "each pair is counted once only. matrix[y_true, y_pred] += 1 adds 1 to an entry "
            "however often it is named; loop over the pairs, or use np.add.at.",
            _counted_once,
        ),
        Misconception(
            "only the classes that occur are here: the matrix has n_classes rows and columns, "
            "also for a class that nobody has seen.",
            lambda y_true, y_pred, n: _matrix(y_true, y_pred, max(*y_true, *y_pred) + 1),
        ),
        Misconception(
            "only the hits on the diagonal are counted; the mistakes belong beside them.",
            lambda y_true, y_pred, n: np.diag(np.diag(_matrix(y_true, y_pred, n))),
        ),
        Misconception(
            "only the mistakes are counted; the hits belong on the diagonal.",
            lambda y_true, y_pred, n: (
                _matrix(y_true, y_pred, n) - np.diag(np.diag(_matrix(y_true, y_pred, n)))
            ),
        ),
        Misconception(
            "these are shares; asked for are counts.",
            lambda y_true, y_pred, n: _matrix(y_true, y_pred, n) / len(y_true),
        ),
        Misconception(
            "these are shares of each row; asked for are counts.",
            lambda y_true, y_pred, n: (
                _matrix(y_true, y_pred, n)
                / np.maximum(1, _matrix(y_true, y_pred, n).sum(axis=1, keepdims=True))
            ),
        ),
    ),
)


def _recall(matrix: np.ndarray) -> np.ndarray:
    """Recall by scikit-learn, from as many pairs as the matrix counts."""
    from sklearn.metrics import recall_score

    rows, columns = np.indices(matrix.shape).reshape(2, -1)
    y_true, y_pred = rows.repeat(matrix.ravel()), columns.repeat(matrix.ravel())
    return recall_score(y_true, y_pred, labels=range(len(matrix)), average=None, zero_division=0)


recall_per_class = FunctionCheck(
    number="4.5",
    name="recall_per_class",
    oracle=_recall,
    probes=(
        (np.array([[3, 1], [2, 2]]),),
        (np.array([[5, 1, 0], [2, 2, 4], [0, 3, 6]]),),
        (np.array([[4, 1, 0], [0, 0, 0], [1, 0, 7]]),),
    ),
    misconceptions=(
        Misconception(
            "this is the precision: of those predicted as a class, how many are of it. Recall "
            "divides by the row sums: of those that are of a class, how many are found.",
            lambda m: np.diag(m) / np.maximum(1, m.sum(axis=0)),
        ),
        Misconception(
            "divided by the number of all examples: recall asks about each class by itself, so "
            "divide by the sum of its row.",
            lambda m: np.diag(m) / m.sum(),
        ),
        Misconception(
            "this is one number for all classes, the accuracy; asked for is one for each class.",
            lambda m: np.trace(m) / m.sum(),
        ),
        Misconception(
            "this is one number, the mean over the classes; asked for is one for each class.",
            lambda m: (np.diag(m) / np.maximum(1, m.sum(axis=1))).mean(),
        ),
        Misconception(
            "these are the hits themselves; divide each by the sum of its row.",
            lambda m: np.diag(m),
        ),
        Misconception(
            "these are the shares that are missed; asked for are those that are found.",
            lambda m: 1 - np.diag(m) / np.maximum(1, m.sum(axis=1)),
        ),
        Misconception(
            "a class without examples divides 0 by 0. Return 0 for it, for example by dividing "
            "by np.maximum(1, row_sums).",
            lambda m: np.array(
                [d / s if s else np.nan for d, s in zip(np.diag(m), m.sum(1), strict=True)]
            ),
        ),
    ),
)

CHECKS = tuple(value for value in list(globals().values()) if isinstance(value, Check))
