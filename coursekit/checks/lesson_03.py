"""Checks of lesson 03, learning with Keras. Oracles: NumPy, SciPy and scikit-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np

from coursekit.checks.core import Check, FunctionCheck, Misconception, ValueCheck


def _one_hot(labels: np.ndarray, n_classes: int) -> np.ndarray:
    return np.eye(n_classes)[labels]


def _every_label_in_every_row(labels: np.ndarray, n_classes: int) -> np.ndarray:
    vectors = np.zeros((len(labels), n_classes))
    vectors[:, labels] = 1
    return vectors


ONE_ROW = (
    "this is one row for all labels together: each label gets a row of its own, so the result "
    "has the shape (N, n_classes)."
)

one_hot = FunctionCheck(
    number="3.1",
    name="one_hot",
    oracle=_one_hot,
    probes=(
        (np.array([1]), 2),
        (np.array([2, 0, 2, 3]), 5),
        (np.array([3, 1, 0], dtype=np.uint8), 4),
    ),
    misconceptions=(
        Misconception(
            "transposed: each label is a row, each class a column, so the shape is (N, n_classes).",
            lambda labels, n: _one_hot(labels, n).T,
        ),
        Misconception(
            "every row has the 1s of all labels: vectors[:, labels] = 1 writes into every row. "
            "Name the row, too: row i gets its 1 at labels[i].",
            _every_label_in_every_row,
        ),
        Misconception(
            "the number of columns follows the largest label: there are n_classes of them, also "
            "when the last class does not occur.",
            lambda labels, n: _one_hot(labels, labels.max() + 1),
        ),
        Misconception(
            "only the classes that occur have a column: there are n_classes of them, also for a "
            "class that nobody has seen.",
            lambda labels, n: _one_hot(labels, n)[:, np.unique(labels)],
        ),
        Misconception(
            "the classes are counted from 1; labels count from 0, and label 0 has its 1 in the "
            "first column.",
            lambda labels, n: _one_hot(labels.astype(int) - 1, n),
        ),
        Misconception(
            "the label itself stands in its place; asked for is a 1, whatever the label.",
            lambda labels, n: _one_hot(labels, n) * labels[:, np.newaxis],
        ),
        Misconception(
            "ones and zeros are exchanged: the 1 stands at the label, all else is 0.",
            lambda labels, n: 1 - _one_hot(labels, n),
        ),
        Misconception(ONE_ROW, lambda labels, n: _one_hot(labels, n).max(axis=0)),
        Misconception(ONE_ROW, lambda labels, n: np.bincount(labels, minlength=n)),
        Misconception(
            "the result has a third axis; wanted is one row for each label: (N, n_classes).",
            lambda labels, n: _one_hot(labels, n)[:, np.newaxis],
        ),
    ),
)


def _softmax(logits: np.ndarray, axis: int | None = -1) -> np.ndarray:
    from scipy.special import softmax

    return softmax(logits, axis=axis)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    from scipy.special import log_softmax

    return log_softmax(logits, axis=-1)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(logits)


@np.errstate(all="ignore")
def _naive_softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


@np.errstate(all="ignore")
def _softmax_below_one_maximum(logits: np.ndarray) -> np.ndarray:
    return _naive_softmax(logits - logits.max())


@np.errstate(all="ignore")
def _softmax_without_keepdims(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1)


@np.errstate(all="ignore")
def _shares(logits: np.ndarray) -> np.ndarray:
    return logits / logits.sum(axis=1, keepdims=True)


def _softmax_less(shift: Callable[[np.ndarray], np.ndarray]) -> Callable:
    """Return the answer that subtracts something else than the row's maximum."""
    return np.errstate(all="ignore")(lambda logits: _naive_softmax(logits - shift(logits)))


NOT_THE_LARGEST = (
    "what is subtracted is not the largest logit of the row: another one is still 1000 above it, "
    "and its exponential overflows."
)
NOT_NORMALISED = "the rows do not add up to 1: divide each row of exponentials by its own sum."

softmax = FunctionCheck(
    number="3.2",
    name="softmax",
    oracle=_softmax,
    # Square or of one row, so that dividing by sums along a wrong axis gives wrong numbers
    # and a message, not a broadcasting error.
    probes=(
        (np.array([[1.0, 2.0]]),),
        (np.array([[2, 1], [0, 3]]),),
        (np.array([[0.5, -1.0, 2.0], [0.0, 0.0, 0.5], [3.0, 1.0, -2.0]]),),
        (np.array([[1000.0, 1001.0, 1003.0], [-2.0, 0.0, 1.0], [-1000.0, -1001.0, -999.0]]),),
        (np.array([[0.0, 1000.0, 0.0], [1000.0, 0.0, -1000.0], [0.0, -1000.0, -1000.0]]),),
    ),
    misconceptions=(
        Misconception(
            "large logits overflow: exp(1000) is inf, and inf / inf is nan. Subtract the largest "
            "logit of each row first; the probabilities stay the same.",
            _naive_softmax,
        ),
        Misconception(
            "one maximum is subtracted from the whole batch. A row far below it underflows to "
            "0 / 0 = nan; subtract from each row its own maximum (axis=1, keepdims=True).",
            _softmax_below_one_maximum,
        ),
        *(
            Misconception(NOT_THE_LARGEST, _softmax_less(shift))
            for shift in (
                lambda logits: logits.min(axis=1, keepdims=True),
                lambda logits: logits.mean(axis=1, keepdims=True),
                lambda logits: np.median(logits, axis=1, keepdims=True),
                lambda logits: logits[:, :1],
                lambda logits: logits[:, -1:],
            )
        ),
        Misconception(
            "the columns add up to 1, the rows do not: sum over the classes of an image (the "
            "last axis), not over the images (axis 0).",
            lambda logits: _softmax(logits, axis=0),
        ),
        Misconception(
            "all numbers of the batch together add up to 1; each row must, for itself: sum along "
            "the last axis.",
            lambda logits: _softmax(logits, axis=None),
        ),
        Misconception(
            "the sums of the rows are laid along the columns: (C, C) / (C,) divides column j by "
            "the sum of row j. keepdims=True keeps the sums in a column, (N, 1).",
            _softmax_without_keepdims,
        ),
        Misconception(NOT_NORMALISED, np.errstate(over="ignore")(lambda logits: np.exp(logits))),
        Misconception(
            NOT_NORMALISED, lambda logits: np.exp(logits - logits.max(axis=1, keepdims=True))
        ),
        Misconception(
            "the exponential is missing: logits can be negative, probabilities cannot.", _shares
        ),
        Misconception(
            "each logit is squeezed by itself (sigmoid), so a row does not add up to 1. In a "
            "softmax the classes compete: divide by the sum of the row.",
            _sigmoid,
        ),
        Misconception(
            "these are the logarithms of the probabilities; asked for are the probabilities.",
            _log_softmax,
        ),
    ),
)

FLOOR = 1e-7


def _picked(probabilities: np.ndarray, labels: np.ndarray, floor: float = FLOOR) -> np.ndarray:
    """Return the losses of the images, one for each."""
    raised = np.maximum(probabilities, floor)
    return -np.log(raised[np.arange(len(labels)), labels])


def _cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Cross-entropy by scikit-learn, whose own floor is lower: raised rows must add up to 1."""
    from sklearn.metrics import log_loss

    raised = np.maximum(probabilities.astype(float), FLOOR)
    raised /= raised.sum(axis=1, keepdims=True)
    return log_loss(labels, raised, labels=range(probabilities.shape[1]))


@np.errstate(all="ignore")
def _unguarded(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -np.log(probabilities[np.arange(len(labels)), labels]).mean()


@np.errstate(all="ignore")
def _unguarded_sum(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    targets = _one_hot(labels, probabilities.shape[1])
    return -(targets * np.log(probabilities)).sum(axis=1).mean()


def _logs(probabilities: np.ndarray) -> np.ndarray:
    return -np.log(np.maximum(probabilities, FLOOR))


LABELS_UNUSED = (
    "the labels play no part: only the probability that the network gave to the right class "
    "counts, one for each image."
)
OTHER_FLOOR = (
    "the smallest probabilities are raised to another floor: a right class with probability 0 "
    "must cost -log(1e-7), about 16.12, as in Keras."
)

cross_entropy = FunctionCheck(
    number="3.3",
    name="cross_entropy",
    oracle=_cross_entropy,
    probes=(
        (np.array([[0.25, 0.75]]), np.array([0])),
        (np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]), np.array([1, 2])),
        (
            np.array(
                [[0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.4, 0.1, 0.5], [0.6, 0.3, 0.1]],
                dtype=np.float32,
            ),
            np.array([0, 2, 2, 1], dtype=np.uint8),
        ),
        (np.array([[0.0, 1.0, 0.0], [0.5, 0.125, 0.375]]), np.array([1, 0])),
        (np.array([[0.0, 0.75, 0.25], [0.5, 0.125, 0.375]]), np.array([0, 2])),
    ),
    misconceptions=(
        Misconception(
            "the log of 0 is minus infinity: one sure mistake makes the loss inf. Raise the "
            "probabilities to at least 1e-7 before the log.",
            _unguarded,
        ),
        Misconception(
            "0 times the log of 0 is nan, not 0. Raise the probabilities to at least 1e-7 before "
            "the log, or pick the right class's before you take the log.",
            _unguarded_sum,
        ),
        Misconception(
            "this is the sum over the images; asked for is their mean, which does not grow with "
            "the number of images.",
            lambda p, labels: _picked(p, labels).sum(),
        ),
        Misconception(
            "this is one loss for each image; asked for is their mean, one number.",
            _picked,
        ),
        Misconception(
            "the mean also counts the zeros of the wrong classes, so the loss is C times too "
            "small: sum over the classes, and take the mean over the images only.",
            lambda p, labels: _picked(p, labels).mean() / p.shape[1],
        ),
        Misconception(
            "mean and sum have the wrong axes: sum over the classes (axis 1) first, then take "
            "the mean over the N images, not over the C classes.",
            lambda p, labels: _picked(p, labels).sum() / p.shape[1],
        ),
        Misconception(
            "the sign is turned: logs of probabilities are negative, and the loss is their "
            "negative mean, so that wrong answers cost something.",
            lambda p, labels: -_picked(p, labels).mean(),
        ),
        Misconception(
            "p[:, labels] takes whole columns, a label of one image for all images. Take one "
            "entry from each row: p[np.arange(N), labels].",
            lambda p, labels: _logs(p)[:, labels].mean(),
        ),
        Misconception(
            "this takes the class that the network thinks most probable; the loss asks for the "
            "probability of the right class, that of the label.",
            lambda p, labels: _logs(p.max(axis=1)).mean(),
        ),
        Misconception(LABELS_UNUSED, lambda p, labels: _logs(p).mean()),
        Misconception(LABELS_UNUSED, lambda p, labels: _logs(p).sum(axis=1).mean()),
        Misconception(
            "this is the entropy of the network's answer, p log p: it says how undecided the "
            "network is, not how wrong. Weigh the logs by the labels.",
            lambda p, labels: (p * _logs(p)).sum(axis=1).mean(),
        ),
        Misconception(
            "this is the log of the mean probability; asked for is the mean of the logs.",
            lambda p, labels: _logs(p[np.arange(len(labels)), labels].mean()),
        ),
        Misconception(
            "the log is missing: 1 - p never costs more than 1, however sure the mistake.",
            lambda p, labels: 1 - p[np.arange(len(labels)), labels].mean(),
        ),
        Misconception(
            "this is the logarithm to base 10; the course and Keras take the natural one, np.log.",
            lambda p, labels: _picked(p, labels).mean() / np.log(10),
        ),
        Misconception(
            "this is the logarithm to base 2, a loss in bits; the course and Keras take the "
            "natural one, np.log.",
            lambda p, labels: _picked(p, labels).mean() / np.log(2),
        ),
        *(
            Misconception(
                OTHER_FLOOR, lambda p, labels, floor=floor: _picked(p, labels, floor).mean()
            )
            for floor in (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6, np.finfo(float).eps)
        ),
    ),
)


class _Network:
    """Stand in for a network of 28x28 images and three classes: no training, no TensorFlow."""

    def __init__(self, seed: int) -> None:
        self._weights = 0.1 * np.random.default_rng(seed).normal(size=(784, 3))

    def __repr__(self) -> str:
        return "model"

    def __call__(self, batch: Any, training: bool = False) -> np.ndarray:  # noqa: ANN401
        return self.predict(batch)

    def predict(
        self,
        batch: Any,  # noqa: ANN401 (a student may give anything)
        batch_size: int | None = None,
        verbose: int | str = "auto",
    ) -> np.ndarray:
        """Return probabilities (N, 3), or refuse in words what Keras refuses in a page."""
        if isinstance(batch, list | tuple):
            if len(batch) != 1 or np.ndim(batch[0]) != 3:
                raise ValueError(A_LIST)
            batch = batch[0]
        batch = np.asarray(batch)
        if batch.shape[1:] != (28, 28):
            known = {(28, 28): NO_BATCH_AXIS, (1, 784): FLATTENED, (784,): FLATTENED}
            why = known.get(batch.shape, AXIS_ELSEWHERE if batch.size == 784 else "")
            raise ValueError(f"wanted (N, 28, 28), got {batch.shape}. {why}".strip())
        return _softmax(batch.reshape(len(batch), -1) @ self._weights)


NO_BATCH_AXIS = (
    "The axis that counts the images is missing. A network answers batches; one image is a batch "
    "of one, with the shape (1, 28, 28)."
)
AXIS_ELSEWHERE = (
    "The new axis stands in the wrong place. The axis that counts the images comes first: "
    "(1, 28, 28)."
)
FLATTENED = (
    "Leave the image its rows and columns: flattening is the business of the network's first "
    "layer. Add an axis in front instead."
)
A_LIST = (
    "wanted an array of shape (N, 28, 28), got a list. Keras takes a list for the several inputs "
    "of a network; np.array([image]) is a batch of one."
)


def _image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((28, 28)).astype(np.float32)


def _batch_of_one(model: _Network, image: np.ndarray) -> np.ndarray:
    return model.predict(np.expand_dims(image, 0), verbose=0)


predict_one = FunctionCheck(
    number="3.4",
    name="predict_one",
    oracle=lambda model, image: _batch_of_one(model, image)[0],
    probes=((_Network(0), _image(0)), (_Network(1), _image(1)), (_Network(1), _image(2))),
    misconceptions=(
        Misconception(NO_BATCH_AXIS, lambda model, image: model.predict(image)[0]),
        Misconception(
            AXIS_ELSEWHERE, lambda model, image: model.predict(image[:, :, np.newaxis])[0]
        ),
        Misconception(
            AXIS_ELSEWHERE, lambda model, image: model.predict(image[:, np.newaxis, :])[0]
        ),
        Misconception(FLATTENED, lambda model, image: model.predict(image.reshape(1, -1))[0]),
        Misconception(FLATTENED, lambda model, image: model.predict(image.ravel())[0]),
        Misconception(A_LIST, lambda model, image: model.predict([image])[0]),
        Misconception(
            "this is still a batch, of one answer: shape (1, C). Take its first row.",
            _batch_of_one,
        ),
        Misconception(
            "this is the first column: for each image of the batch, the probability of class 0. "
            "Wanted is the first row, all C probabilities of the first image.",
            lambda model, image: _batch_of_one(model, image)[:, 0],
        ),
        Misconception(
            "this is one probability alone, that of class 0; wanted are all C.",
            lambda model, image: _batch_of_one(model, image)[0, 0],
        ),
        Misconception(
            "this is the most probable class; asked for are the probabilities of all classes.",
            lambda model, image: _batch_of_one(model, image)[0].argmax(),
        ),
        Misconception(
            "this is the largest probability alone; asked for are those of all classes.",
            lambda model, image: _batch_of_one(model, image)[0].max(),
        ),
    ),
)

# All matrices are square, so that a product in the wrong order exists and gets its message.
_MATRICES = (
    (np.array([[2.0]]), np.array([[3.0]])),
    (np.array([[1, 2], [0, 1]]), np.array([[1, 0], [3, -1]])),
    (
        np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 3.0], [-2.0, 1.5, 1.0]]),
        np.array([[1.0, 2.0, 0.0], [-1.0, 0.5, 1.0], [2.0, -3.0, 1.0]]),
    ),
)

merged_weights = FunctionCheck(
    number="3.5a",
    name="merged_weights",
    oracle=np.matmul,
    probes=_MATRICES,
    misconceptions=(
        Misconception(
            "the order of the product is swapped: x meets W1 first. (x @ W1) @ W2 is "
            "x @ (W1 @ W2).",
            lambda W1, W2: W2 @ W1,
        ),
        Misconception(
            "the result is transposed: with x in front, (x @ W1) @ W2, the merged matrix has the "
            "rows of W1 and the columns of W2.",
            lambda W1, W2: (W1 @ W2).T,
        ),
        Misconception(
            "both matrices are transposed; in Keras x stands in front of the weights, x @ W, and "
            "nothing needs to be transposed.",
            lambda W1, W2: W1.T @ W2.T,
        ),
        Misconception(
            "the second matrix is transposed: x @ W1 @ W2 needs no transposition.",
            lambda W1, W2: W1 @ W2.T,
        ),
        Misconception(
            "the first matrix is transposed: x @ W1 @ W2 needs no transposition.",
            lambda W1, W2: W1.T @ W2,
        ),
        Misconception(
            "multiplied entry by entry: * is not the matrix product. Use @.",
            lambda W1, W2: W1 * W2,
        ),
        Misconception(
            "the weights are added; one layer after the other multiplies them.",
            lambda W1, W2: W1 + W2,
        ),
        Misconception("this is the second matrix alone; x passes through both.", lambda W1, W2: W2),
    ),
)

merged_bias = FunctionCheck(
    number="3.5b",
    name="merged_bias",
    oracle=lambda b1, W2, b2: np.matmul(b1, W2) + b2,
    probes=(
        (np.array([1.0]), np.array([[3.0]]), np.array([4.0])),
        (np.array([1, 2]), np.array([[1, 0], [3, -1]]), np.array([5, -4])),
        (np.array([0.5, -1.0, 2.0]), _MATRICES[2][1], np.array([1.0, 3.0, -2.0])),
    ),
    misconceptions=(
        Misconception(
            "the first bias is dropped: it, too, passes through the second layer and arrives as "
            "b1 @ W2.",
            lambda b1, W2, b2: b2,
        ),
        Misconception(
            "the biases are simply added: b1 stands before the second layer and must pass "
            "through its weights, b2 stands after it.",
            lambda b1, W2, b2: b1 + b2,
        ),
        Misconception(
            "the second bias is dropped: it is added after the weights of the second layer.",
            lambda b1, W2, b2: b1 @ W2,
        ),
        Misconception(
            "the order of the product is swapped: b1 takes the place of x in x @ W2, so it stands "
            "in front of the weights.",
            lambda b1, W2, b2: W2 @ b1 + b2,
        ),
        Misconception(
            "the second bias passes through the weights, too; it is added after them.",
            lambda b1, W2, b2: (b1 + b2) @ W2,
        ),
        Misconception(
            "the biases are exchanged: b1 passes through W2, b2 is added after it.",
            lambda b1, W2, b2: b2 @ W2 + b1,
        ),
        Misconception(
            "b1 is multiplied entry by entry: * is not the matrix product. Use @.",
            lambda b1, W2, b2: b1 * W2 + b2,
        ),
        Misconception(
            "the bias has a second axis; wanted is one number for each output, shape (m,).",
            lambda b1, W2, b2: (b1 @ W2 + b2)[np.newaxis],
        ),
    ),
)

_HIDDEN, _OUTPUT = 784 * 128 + 128, 128 * 10 + 10


def _counts(message: str, **wrong: int) -> Misconception:
    return Misconception(message, wrong.__getitem__)


parameters_by_hand = ValueCheck(
    number="3.6",
    name="parameters of dense-128",
    oracle={"flatten": 0, "hidden": _HIDDEN, "output": _OUTPUT, "total": _HIDDEN + _OUTPUT}.get,
    labels=("flatten", "hidden", "output", "total"),
    probes=(("flatten",), ("hidden",), ("output",), ("total",)),
    misconceptions=(
        _counts(
            "these are the numbers that pass through; flattening only puts them in one row and "
            "has nothing to learn.",
            flatten=784,
        ),
        _counts(
            "the biases are forgotten: each unit has one, beside its weights.",
            hidden=784 * 128,
            output=128 * 10,
            total=784 * 128 + 128 * 10,
        ),
        _counts(
            "one bias for the whole layer; each unit has its own.",
            hidden=784 * 128 + 1,
            output=128 * 10 + 1,
            total=784 * 128 + 1 + 128 * 10 + 1,
        ),
        _counts(
            "one bias for each input; biases belong to the units, one for each output of a layer.",
            hidden=784 * 128 + 784,
            output=128 * 10 + 128,
            total=784 * 128 + 784 + 128 * 10 + 128,
        ),
        _counts(
            "the layer sees more than 28 numbers: flattened, an image has 28 * 28 = 784.",
            hidden=28 * 128 + 128,
            total=28 * 128 + 128 + _OUTPUT,
        ),
        _counts(
            "the batch counts, too, here. All images of a batch share the same weights, so the "
            "batch size changes nothing.",
            hidden=32 * _HIDDEN,
            output=32 * _OUTPUT,
            total=32 * (_HIDDEN + _OUTPUT),
        ),
        _counts(
            "the output layer does not see the pixels: its inputs are the 128 hidden units.",
            output=784 * 10 + 10,
            total=_HIDDEN + 784 * 10 + 10,
        ),
        _counts(
            "these are units; parameters are the weights of their connections, and the biases.",
            hidden=128,
            output=10,
            total=128 + 10,
        ),
        _counts("the output layer's biases are missing.", total=_HIDDEN + 128 * 10),
        _counts("the hidden layer's biases are missing.", total=784 * 128 + _OUTPUT),
        _counts("the output layer is missing in the total.", total=_HIDDEN),
        _counts("the hidden layer is missing in the total.", total=_OUTPUT),
    ),
)

CHECKS = tuple(value for value in list(globals().values()) if isinstance(value, Check))
