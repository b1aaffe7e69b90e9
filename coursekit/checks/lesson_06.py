"""Checks of lesson 06, a network from operations. Oracles: NumPy, SciPy and TensorFlow."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.checks.core import (
    Check,
    FunctionCheck,
    Misconception,
    Rule,
    RuleCheck,
    equal,
)

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# One block: convolve, add the bias, rectify, pool -----------------------------------------


def _halves(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return numbers from -2 to 2 in steps of a half: float32 adds them without an error."""
    return (rng.integers(-4, 5, shape) / 2).astype(np.float32)


def _block_probes() -> tuple[tuple, ...]:
    rng = np.random.default_rng(6)
    step = np.array([[0, 0, 2, 3], [0, 1, 3, 3], [0, 0, 2, 2], [1, 0, 3, 2]], np.float32)
    edge = np.array([[0, 0, 1], [-1, 0, 1], [0, 0, 0]], np.float32)
    first = (step[None, :, :, None], edge[:, :, None, None], np.array([-1], np.float32))
    sizes = (((2, 6, 8, 2), (3, 3, 2, 3)), ((1, 5, 7, 1), (5, 3, 1, 2)))
    return (first, *((_halves(rng, *x), _halves(rng, *k), _halves(rng, k[3])) for x, k in sizes))


def _block(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray,
    *,
    stride: int = 1,
    padding: str = "SAME",
    rectify: Callable | None = None,
    pool: Callable | None = None,
) -> "tf.Tensor":
    """Return one block; the options make it a wrong one."""
    import tensorflow as tf

    y = tf.nn.conv2d(x, kernel, stride, padding)
    y = (rectify or (lambda y, bias: tf.nn.relu(y + bias)))(y, bias)
    return (pool or (lambda y: tf.nn.max_pool2d(y, 2, 2, "VALID")))(y)


def _block_with(**options: Any) -> Callable:  # noqa: ANN401 (those of _block)
    return lambda x, kernel, bias: _block(x, kernel, bias, **options)


def _relu(y: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return tf.nn.relu(y)


def _pool(y: "tf.Tensor", kind: str = "MAX", stride: int = 2, padding: str = "VALID") -> Any:  # noqa: ANN401
    import tensorflow as tf

    return tf.nn.pool(y, [2, 2], kind, [stride, stride], padding)


CONV_STRIDE = (
    "the size is right, but nothing is pooled: every second position of the convolution is "
    "skipped instead. Convolve everywhere (strides=1), then take the largest of each window."
)

conv_block = FunctionCheck(
    number="6.1",
    name="conv_block",
    oracle=_block,
    probes=_block_probes(),
    misconceptions=(
        Misconception(
            "the convolution is valid and costs the border: with padding 'SAME' the maps keep "
            "the size of the image, and only pooling halves it.",
            _block_with(padding="VALID"),
        ),
        Misconception(
            "the bias is missing: each output channel has one number that is added to its map.",
            _block_with(rectify=lambda y, bias: _relu(y)),
        ),
        Misconception(
            "negative numbers come out: ReLU is missing.",
            _block_with(rectify=lambda y, bias: y + bias),
        ),
        Misconception(
            "the bias is added after ReLU. It belongs to the sum that ReLU judges: relu(conv + "
            "bias).",
            _block_with(rectify=lambda y, bias: _relu(y) + bias),
        ),
        Misconception(
            "pooling is missing: the maps still have the size of the image.",
            _block_with(pool=lambda y: y),
        ),
        Misconception(
            "this is the average of each window; asked for is its largest number.",
            _block_with(pool=lambda y: _pool(y, "AVG")),
        ),
        Misconception(
            "the pooling windows overlap: they begin 2 apart, so strides is 2 as well.",
            _block_with(pool=lambda y: _pool(y, stride=1)),
        ),
        Misconception(
            "rows and columns that are left over make no window of their own: pool with "
            "padding 'VALID'. 'SAME' is for the convolution.",
            _block_with(pool=lambda y: _pool(y, padding="SAME")),
        ),
        Misconception(CONV_STRIDE, _block_with(stride=2, pool=lambda y: y)),
        Misconception(CONV_STRIDE, _block_with(pool=lambda y: y[:, ::2, ::2])),
        Misconception(
            "the kernel is flipped. tf.nn.conv2d lays it on the image as it stands, as all "
            "networks do (lesson 01).",
            lambda x, kernel, bias: _block(x, kernel[::-1, ::-1], bias),
        ),
        Misconception(
            "rows and columns of the kernel are swapped: its shape is (height, width, C_in, "
            "C_out).",
            lambda x, kernel, bias: _block(x, kernel.transpose(1, 0, 2, 3), bias),
        ),
    ),
)

# The loss, from logits ---------------------------------------------------------------------


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    return _losses(logits, labels).mean()


def _losses(logits: np.ndarray, labels: np.ndarray, axis: int = 1) -> np.ndarray:
    """Return the cross-entropy of each row, computed safely."""
    from scipy.special import log_softmax

    return -log_softmax(logits, axis=axis)[np.arange(len(labels)), labels]


def _unsafe(wrong: Callable) -> Callable:
    """Return a wrong answer that overflows in silence."""

    def answer(logits: np.ndarray, labels: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            return wrong(logits, labels)

    return answer


def _softmax(logits: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    return softmax(logits, axis=1)


def _quotient(logits: np.ndarray, labels: np.ndarray) -> float:
    e = np.exp(logits)
    return -np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(labels)), labels]).mean()


def _sum_of_exp(logits: np.ndarray, labels: np.ndarray) -> float:
    own = logits[np.arange(len(labels)), labels]
    return (np.log(np.exp(logits).sum(axis=1)) - own).mean()


def _not_added_back(logits: np.ndarray, labels: np.ndarray) -> float:
    own = logits[np.arange(len(labels)), labels]
    moved = logits - logits.max(axis=1, keepdims=True)
    return (np.log(np.exp(moved).sum(axis=1)) - own).mean()


def _clipped(logits: np.ndarray, labels: np.ndarray, smallest: float) -> float:
    p = np.clip(_softmax(logits.astype(float)), smallest, 1)
    return -np.log(p[np.arange(len(labels)), labels]).mean()


CLIPPED = (
    "the loss of a badly wrong answer has an upper limit: the probabilities are cut off at a "
    "smallest value before the logarithm. Work with the logits and nothing has to be cut."
)

cross_entropy_from_logits = FunctionCheck(
    number="6.2",
    name="cross_entropy_from_logits",
    oracle=_cross_entropy,
    probes=(
        (np.array([[3, 1, 2]], np.float32), np.array([2])),
        (np.array([[2, 0.5, -1], [0, 1, 0.5], [-1, 2, 1]], np.float32), np.array([0, 2, 1])),
        (
            np.array([[1, -2, 0.5, 0], [0.5, 1.5, 0, -1], [0, 0, 2, 1]], np.float32),
            np.array([3, 1, 0]),
        ),
        (np.array([[1000, 0, -500]], np.float32), np.array([0])),
        (np.array([[1000, 0, -500], [0, 50, 3000]], np.float32), np.array([1, 1])),
        (np.array([[1000, 0], [-2000, -1000]], np.float32), np.array([0, 1])),
    ),
    misconceptions=(
        Misconception(
            "right for small logits, but exp(1000) is infinite, and infinite by infinite is "
            "nan. Subtract each row's largest logit first: the loss stays the same.",
            _unsafe(_quotient),
        ),
        Misconception(
            "right for small logits, but exp(1000) is infinite, and so is its logarithm. Take "
            "each row's largest logit m out of the sum: log sum exp z = m + log sum exp(z - m).",
            _unsafe(_sum_of_exp),
        ),
        Misconception(
            "the softmax survives large logits, its logarithm does not: a probability too "
            "small for a float is 0, and log 0 is infinite. Never form the probability: the "
            "loss is log sum exp z minus the label's own logit.",
            _unsafe(lambda z, y: -np.log(_softmax(z)[np.arange(len(y)), y]).mean()),
        ),
        Misconception(
            "one maximum is subtracted from the whole batch; in a row far below it all "
            "exponentials become 0. Each row needs its own: axis=1, keepdims=True.",
            _unsafe(lambda z, y: _sum_of_exp(z - z.max(), y)),
        ),
        Misconception(
            "the maximum is subtracted inside the exponential, but not given back: log sum exp "
            "z = m + log sum exp(z - m).",
            _not_added_back,
        ),
        *(
            Misconception(CLIPPED, lambda z, y, s=s: _clipped(z, y, s))
            for s in (1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15)
        ),
        Misconception(
            "the losses are added up; the mean over the images keeps the loss comparable "
            "between batches of different sizes.",
            lambda z, y: _losses(z, y).sum(),
        ),
        Misconception(
            "this is one loss for each image; asked for is their mean, one number.",
            _losses,
        ),
        Misconception(
            "the mean runs over all N * C entries; each image has one loss, so divide by N.",
            lambda z, y: _losses(z, y).mean() / z.shape[1],
        ),
        Misconception(
            "softmax is taken twice: the formula starts from logits, so give it the logits as "
            "they are, not probabilities.",
            lambda z, y: _cross_entropy(_softmax(z), y),
        ),
        Misconception(
            "the softmax runs down the columns, over the images of the batch; the classes of "
            "one image lie along axis 1.",
            lambda z, y: _losses(z, y, axis=0).mean(),
        ),
        Misconception(
            "this is the loss of the likeliest class, whatever the label: take the logit at "
            "the label, logits[i, labels[i]].",
            lambda z, y: _cross_entropy(z, z.argmax(axis=1)),
        ),
        Misconception(
            "the sign is turned: the logarithm of a probability is negative, the loss is not.",
            lambda z, y: -_cross_entropy(z, y),
        ),
    ),
)

# A training step ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Linear:
    """The network x @ W + b and its optimiser, not yet made; `graph`: inside tf.function."""

    W: np.ndarray
    b: np.ndarray
    optimizer: str
    rate: float
    graph: bool = False

    def __repr__(self) -> str:
        return f"x @ W + b, [W, b], {self.optimizer}({self.rate})"


def _run_step(step: Callable, start: _Linear, images: np.ndarray, labels: np.ndarray) -> Any:  # noqa: ANN401
    """Take one step with `step`; return the loss it tells, then the new W and b, in one row."""
    import tensorflow as tf

    W, b = tf.Variable(start.W), tf.Variable(start.b)
    optimizer = _watched(start.optimizer)(learning_rate=start.rate)
    plain = inspect.unwrap(step)  # what stands below a @tf.function: its errors are short

    def take(images: "tf.Tensor", labels: "tf.Tensor") -> Any:  # noqa: ANN401
        return plain(lambda x: x @ W + b, [W, b], optimizer, images, labels)

    if start.graph:
        take = _in_graph(take)
    loss = take(tf.constant(images), tf.constant(labels))
    if not equal(loss, loss) or np.ndim(loss):  # no number: shown as it is
        return loss
    return np.concatenate([np.ravel(value) for value in (loss, W, b)])


def _in_graph(take: Callable) -> Callable:
    """Return `take` as a graph; say in words what cannot be in one."""
    import tensorflow as tf

    graph = tf.function(take, autograph=False)

    def traced(*tensors: "tf.Tensor") -> "tf.Tensor":
        try:
            return graph(*tensors)
        except (AttributeError, NotImplementedError, TypeError) as error:
            text = (
                "inside tf.function a tensor has no numbers yet: leave .numpy(), float() and "
                "NumPy out of the step"
            )
            raise TypeError(text).with_traceback(error.__traceback__) from None

    return traced


def _watched(name: str) -> type:
    """Return an optimiser's class that turns variables without a gradient into nan.

    Keras itself skips such a variable, or raises where there is no gradient at all.
    """
    import keras

    class Watched(getattr(keras.optimizers, name)):
        def apply(self, grads: list, trainable_variables: list | None = None) -> None:
            variables = list(trainable_variables or [])
            pairs = list(zip(grads, variables, strict=False))
            if any(g is None for g, _ in pairs):
                for gradient, variable in pairs:
                    if gradient is None:
                        variable.assign(np.nan * variable)
                pairs = [(g, v) for g, v in pairs if g is not None]
                if not pairs:
                    return
                grads, trainable_variables = zip(*pairs, strict=True)
            super().apply(grads, trainable_variables)

    return Watched


def _mean_loss(logits: "tf.Tensor", labels: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tf.reduce_mean(losses)


def _step(
    network: Callable,
    variables: "list[tf.Variable]",
    optimizer: "keras.optimizers.Optimizer",
    images: "tf.Tensor",
    labels: "tf.Tensor",
    *,
    measure: Callable = _mean_loss,
    apply: Callable | None = None,
) -> "tf.Tensor":
    """Take one step; `measure` and `apply` make it a wrong one."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = measure(network(images), labels)
    gradients = tape.gradient(loss, variables)
    (apply or type(optimizer).apply)(optimizer, gradients, variables)
    return loss


def _step_with(**options: Callable) -> Callable:
    return lambda *arguments: _step(*arguments, **options)


def _loss_after(network: Callable, variables: list, *rest: Any) -> "tf.Tensor":  # noqa: ANN401
    _step(network, variables, *rest)
    return _mean_loss(network(rest[-2]), rest[-1])


def _twice(optimizer: "keras.optimizers.Optimizer", gradients: list, variables: list) -> None:
    for _ in variables:
        optimizer.apply(gradients, variables)


def _descend(optimizer: "keras.optimizers.Optimizer", gradients: list, variables: list) -> None:
    for gradient, variable in zip(gradients, variables, strict=True):
        variable.assign_sub(optimizer.learning_rate * gradient)


def _summed(logits: "tf.Tensor", labels: "tf.Tensor") -> "tf.Tensor":
    return _mean_loss(logits, labels) * len(labels)


def _for_each_image(logits: "tf.Tensor", labels: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _softmax_first(logits: "tf.Tensor", labels: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return _mean_loss(tf.nn.softmax(logits), labels)


WEIGHTS = np.array([[0.5, -1, 0], [1, 0, -0.5]], np.float32)
BIASES = np.array([0, 0.5, -0.5], np.float32)
INPUTS = np.array([[1, 2], [-1, 0.5], [0, 3], [2, -1]], np.float32)
TARGETS = np.array([2, 0, 1, 1], np.int32)

train_step = FunctionCheck(
    number="6.3",
    name="train_step",
    oracle=_step,
    use=_run_step,
    probes=(
        (_Linear(WEIGHTS, BIASES, "SGD", 0.5), INPUTS[:2], TARGETS[:2]),
        (_Linear(WEIGHTS, BIASES, "SGD", 2.0), INPUTS, TARGETS),
        (_Linear(WEIGHTS, BIASES, "Adam", 0.25), INPUTS, TARGETS),
        (_Linear(WEIGHTS, BIASES, "SGD", 0.5, graph=True), INPUTS, TARGETS),
    ),
    misconceptions=(
        Misconception(
            "the loss is right, but the variables have not moved: give the gradients to the "
            "optimiser, optimizer.apply(gradients, variables).",
            _step_with(apply=lambda optimizer, gradients, variables: None),
        ),
        Misconception(
            "the variables move uphill: the optimiser itself subtracts, so give it the "
            "gradients with their own sign.",
            _step_with(apply=lambda o, g, v: o.apply([-one for one in g], v)),
        ),
        Misconception(
            "only the first variable moves: ask the tape for the gradients of all variables, "
            "biases too, and apply them all.",
            _step_with(apply=lambda o, g, v: o.apply(g[:1], v[:1])),
        ),
        Misconception(
            "the gradients are None (shown as nan): the tape saw nothing. It records what is "
            "computed inside its `with` block: move network and loss into it.",
            _step_with(apply=lambda o, g, v: o.apply([None for _ in g], v)),
        ),
        Misconception(
            "this is the loss after the step; return the one that the tape saw.",
            _loss_after,
        ),
        Misconception(
            "the losses of the batch are added up; with their mean the step does not grow "
            "with the batch.",
            _step_with(measure=_summed),
        ),
        Misconception(
            "this is one loss for each image; take their mean, inside the tape.",
            _step_with(measure=_for_each_image),
        ),
        Misconception(
            "softmax is taken twice: the network returns logits, and the loss takes logits.",
            _step_with(measure=_softmax_first),
        ),
        Misconception(
            "the step is taken once for every variable: optimizer.apply takes the whole lists, "
            "so call it once, outside any loop.",
            _step_with(apply=_twice),
        ),
        Misconception(
            "this is plain gradient descent, whatever the optimiser: Adam keeps records and "
            "moves otherwise. Let optimizer.apply do it.",
            _step_with(apply=_descend),
        ),
    ),
)

# The loop ----------------------------------------------------------------------------------


def _deal(
    n: int,
    batch_size: int,
    iterations: int,
    shuffle: Callable[[], np.ndarray],
) -> np.ndarray:
    """Deal n cards in batches, calling `shuffle` for a new deck when too few are left."""
    batches, deck = [], np.empty(0, dtype=int)
    for _ in range(iterations):
        if len(deck) < batch_size:
            deck = shuffle()
        batches.append(deck[:batch_size])
        deck = deck[batch_size:]
    return np.array(batches)


def _dealt(n: int, size: int, iterations: int, rng: np.random.Generator) -> np.ndarray:
    return _deal(n, size, iterations, lambda: rng.permutation(n))


def _one_deck(n: int, size: int, iterations: int, rng: np.random.Generator) -> np.ndarray:
    deck = rng.permutation(n)
    return _deal(n, size, iterations, lambda: deck)


def _passes(got: np.ndarray, n: int, size: int) -> list[np.ndarray]:
    """Return the batches of each pass over the data, the last one perhaps not complete."""
    got, length = np.asarray(got), n // size
    return [got[start : start + length] for start in range(0, len(got), length)]


_SHAPE = (
    "return one array of indices, shape (iterations, batch_size), integers: a row for each step "
    "of training."
)
_RANGE = "an index lies outside the data: the first image is 0 and the last n - 1."
_SAME = "all batches are the same: the network would learn these few images by heart."
_LAST = "the last image, index n - 1, is never drawn: is an end counted that Python leaves out?"
_SOME = (
    "some images never come, however long the training: shuffle all n indices for each deck, "
    "then deal whole batches from it."
)
_CUT = (
    "the images that are left over at the end, from index n // batch_size * batch_size on, never "
    "come: shuffle all n indices for each deck, then cut off what is too few."
)
_WITHIN = (
    "a batch holds the same image twice: it is drawn with replacement. Shuffle all indices, as "
    "rng.permutation does, and deal them out."
)
_AGAIN = (
    "an image comes twice in one pass over the data: batches are drawn anew each time, or cards "
    "left over are dealt with the next deck. Deal until too few are left, then shuffle all."
)
_ORDER = "the images come in the order of the data set: shuffle the indices first."
_RESHUFFLE = (
    "the second pass repeats the batches of the first: shuffle anew whenever the deck is used up."
)
_BY_RNG = (
    "the batches do not follow rng: the same generator must deal the same batches, or nobody can "
    "repeat the training. Use rng.permutation, not np.random.permutation."
)
_RANDOM = "the batches are always the same, whatever rng: draw from the generator that is given."


def _reshuffled_cut(n: int, size: int, iterations: int, rng: np.random.Generator) -> np.ndarray:
    kept = rng.permutation(n)[: n // size * size]
    return _deal(n, size, iterations, lambda: rng.permutation(kept))


def _not_the_first(n: int, size: int, iterations: int, rng: np.random.Generator) -> np.ndarray:
    whole = n // size * size
    return n - whole + _dealt(whole, size, iterations, rng)


def _missing(got: np.ndarray, n: int) -> list[int]:
    return np.setdiff1d(np.arange(n), got).tolist()


def _distinct(values: np.ndarray) -> bool:
    return len(np.unique(values)) == np.size(values)


batches = RuleCheck(
    number="6.4a",
    name="batches",
    oracle=_dealt,
    probes=(
        (12, 2, 18, np.random.default_rng(0)),
        (20, 3, 60, np.random.default_rng(1)),  # ten passes: by now every image has come
        (60, 5, 36, np.random.default_rng(1)),
        (60, 5, 36, np.random.default_rng(1)),
        (60, 5, 36, np.random.default_rng(2)),
    ),
    rules=(
        Rule(
            _SHAPE,
            lambda got, n, size, iterations, rng: (
                np.shape(got) == (iterations, size) and np.asarray(got).dtype.kind in "iu"
            ),
        ),
        Rule(_RANGE, lambda got, n, *_: np.min(got) >= 0 and np.max(got) < n),
        Rule(_SAME, lambda got, *_: not np.array_equal(got[0], got[1])),
        Rule(_LAST, lambda got, n, *_: _missing(got, n) != [n - 1]),
        Rule(_WITHIN, lambda got, *_: all(_distinct(batch) for batch in got)),
        Rule(_AGAIN, lambda got, n, size, *_: all(map(_distinct, _passes(got, n, size)))),
        Rule(
            _CUT,
            lambda got, n, size, *_: (
                not _missing(got, n) or _missing(got, n) != [*range(n // size * size, n)]
            ),
        ),
        Rule(_SOME, lambda got, n, *_: not _missing(got, n)),
        Rule(_ORDER, lambda got, *_: np.any(np.diff(np.ravel(got)[: 2 * len(got[0])]) != 1)),
        Rule(
            _RESHUFFLE,
            lambda got, n, size, *_: not np.array_equal(*_passes(got, n, size)[:2]),
        ),
    ),
    across=(
        Rule(_BY_RNG, lambda got: np.array_equal(got[2], got[3])),
        Rule(_RANDOM, lambda got: not np.array_equal(got[2], got[4])),
    ),
    misconceptions=(
        Misconception(_SHAPE, lambda n, size, iterations, rng: rng.permutation(n)[:size]),
        Misconception(_RANGE, lambda *probe: _dealt(*probe) + 1),
        Misconception(
            _SAME, lambda n, size, iterations, rng: [rng.permutation(n)[:size]] * iterations
        ),
        Misconception(_LAST, lambda n, *rest: _dealt(n - 1, *rest)),
        Misconception(
            _WITHIN, lambda n, size, iterations, rng: rng.integers(n, size=(iterations, size))
        ),
        Misconception(
            _AGAIN,
            lambda n, size, iterations, rng: [
                rng.choice(n, size, replace=False) for _ in range(iterations)
            ],
        ),
        Misconception(_CUT, lambda n, size, *rest: _dealt(n // size * size, size, *rest)),
        Misconception(_SOME, _not_the_first),
        Misconception(_SOME, _reshuffled_cut),
        Misconception(_ORDER, lambda n, size, it, rng: _deal(n, size, it, lambda: np.arange(n))),
        Misconception(_RESHUFFLE, _one_deck),
        Misconception(
            _BY_RNG,
            lambda n, size, it, rng: _deal(
                n,
                size,
                it,
                lambda: np.random.permutation(n),  # noqa: NPY002 (the mistake itself)
            ),
        ),
        Misconception(
            _RANDOM, lambda n, size, it, rng: _dealt(n, size, it, np.random.default_rng(7))
        ),
    ),
)

report_at = FunctionCheck(
    number="6.4b",
    name="report_at",
    oracle=lambda iterations, every: np.arange(0, iterations + 1, every),
    probes=((10, 5), (10, 4), (2500, 250)),
    misconceptions=(
        Misconception(
            "the last report is missing: range stops before its end, so the network is never "
            "measured when it is finished.",
            lambda iterations, every: range(0, iterations, every),
        ),
        Misconception(
            "the first report is missing: measure before the first step, too, or nobody sees "
            "where training began.",
            lambda iterations, every: range(every, iterations + 1, every),
        ),
        Misconception(
            "both ends are missing: measure before the first step and after the last.",
            lambda iterations, every: range(every, iterations, every),
        ),
        Misconception(
            "one step too late: this reports after steps 1, 1 + every, ..., as a loop does that "
            "counts from 0 and asks after its step.",
            lambda iterations, every: range(1, iterations + 1, every),
        ),
        Misconception(
            "one too few: the number is that of the steps already taken, so after the first "
            "`every` steps it is `every`.",
            lambda iterations, every: range(every - 1, iterations, every),
        ),
        Misconception(
            "there is one report too many: where `every` does not divide the number of "
            "iterations, nothing is reported at the end.",
            lambda iterations, every: sorted({*range(0, iterations, every), iterations}),
        ),
        Misconception(
            "the reports are spread evenly from start to end; asked for are the multiples of "
            "`every`.",
            lambda iterations, every: np.linspace(0, iterations, iterations // every + 1),
        ),
        Misconception(
            "this is how many reports there are; asked for is after how many steps each comes.",
            lambda iterations, every: iterations // every + 1,
        ),
        Misconception(
            "this says yes or no for each step; asked for are the numbers of the steps.",
            lambda iterations, every: np.arange(iterations + 1) % every == 0,
        ),
    ),
)

CHECKS = tuple(value for value in list(globals().values()) if isinstance(value, Check))
