"""Checks of lesson 08, pre-optimised networks. Oracle: Keras."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from coursekit.checks.core import Check, FunctionCheck, Misconception, ValueCheck

if TYPE_CHECKING:
    import keras

COUNTS = {"frozen": 55_744, "trainable": 5_770}

freeze_by_hand = ValueCheck(
    number="8.1",
    name="frozen and trainable parameters",
    oracle=COUNTS.__getitem__,
    labels=tuple(COUNTS),
    probes=tuple((label,) for label in COUNTS),
    misconceptions=(
        Misconception(
            "this counts the old dense layers, too: the new head takes their place, only the "
            "convolutions stay.",
            {"frozen": 93_322}.__getitem__,
        ),
        Misconception(
            "this counts the old hidden dense layer: everything after Flatten is taken off.",
            {"frozen": 92_672}.__getitem__,
        ),
        Misconception(
            "the biases are missing: a frozen layer keeps them, too.",
            {"frozen": 55_584}.__getitem__,
        ),
        Misconception(
            "the biases are missing: the new layer has one for each class.",
            {"trainable": 5_760}.__getitem__,
        ),
        Misconception(
            "this is the old last layer, which had 64 inputs; the new one stands directly "
            "after Flatten.",
            {"trainable": 650}.__getitem__,
        ),
        Misconception(
            "all parameters can change here: frozen ones do not count as trainable.",
            {"trainable": 61_514}.__getitem__,
        ),
    ),
)


@cache
def _base() -> "keras.Model":
    """Return the shipped network; loaded once, and never changed here."""
    from coursekit.models import pretrained

    return pretrained()


def _until(layer: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images to the outputs of one layer of the shipped network."""

    def outputs(images: np.ndarray) -> np.ndarray:
        import keras

        base = _base()
        return np.asarray(keras.Model(base.inputs[0], base.layers[layer].output)(images))

    return outputs


IMAGES = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
FLATTEN = 5

features = FunctionCheck(
    number="8.2",
    name="features",
    oracle=_until(FLATTEN),
    probes=((IMAGES[:1],), (IMAGES,)),
    misconceptions=(
        Misconception(
            "these are the network's ten probabilities: about clothes they know nothing. Stop "
            "earlier, at Flatten.",
            _until(-1),
        ),
        Misconception(
            "these are the 64 numbers of the hidden dense layer, which is made for digits. "
            "Stop one layer earlier, at Flatten.",
            _until(-2),
        ),
        Misconception(
            "these are still maps, 3 by 3 by 64: scikit-learn wants one row for each image. "
            "Stop at Flatten.",
            _until(FLATTEN - 1),
        ),
        Misconception(
            "these are the maps of the first layer, as long rows: take the last ones.",
            lambda images: _until(0)(images).reshape(len(images), -1),
        ),
        Misconception(
            "these are the pixels themselves.",
            lambda images: images.reshape(len(images), -1),
        ),
    ),
)


BASE_ARRAYS = 6
"""Kernels and biases of the three convolutions, the first of all weights."""


def _facts(model: "keras.Model") -> np.ndarray:
    """Return what matters of a network for transfer, in numbers.

    Trainable parameters, frozen parameters, outputs, whether these are probabilities,
    whether the weights up to Flatten are the shipped ones, whether it is compiled.
    """
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    outputs = np.asarray(model(IMAGES))
    return np.array(
        [
            trainable,
            model.count_params() - trainable,
            outputs.shape[-1],
            np.allclose(outputs.sum(axis=-1), 1, atol=1e-4),
            _equal_arrays(model.get_weights()[:BASE_ARRAYS], _base().get_weights()[:BASE_ARRAYS]),
            model.compiled,
        ]
    )


def _equal_arrays(some: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return len(some) == len(others) and all(map(_equal_array, some, others))


def _equal_array(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b)


def _loss(model: "keras.Model") -> float:
    """Return the loss of two answers that give the right class a half; nan: it takes no labels."""
    labels, answers = np.array([3, 7]), np.full((2, 10), 0.5 / 9, np.float32)
    answers[[0, 1], labels] = 0.5
    try:
        return float(model.compute_loss(y=labels, y_pred=answers))
    except Exception:  # a loss that takes no integers, such as that of one-hot vectors
        return np.nan


def _with_head(
    layers: "list[keras.Layer]", activation: str | None = "softmax", trainable: bool = True
) -> "keras.Sequential":
    """Return a network of the layers and a new head of ten units."""
    import keras

    head = keras.layers.Dense(10, activation=activation, trainable=trainable)
    return keras.Sequential([keras.layers.Input((28, 28, 1)), *layers, head])


@cache
def _transfer(
    start: Callable[[], "keras.Model"] | None = None,
    frozen: bool = True,
    head_frozen: bool = False,
    activation: str | None = "softmax",
    keep: int = FLATTEN + 1,
    compiled: bool = False,
) -> "keras.Model":
    """Put a new head on the first `keep` layers of a network, with all its usual mistakes."""
    from coursekit.models import pretrained

    base = (start or pretrained)()
    for layer in base.layers:
        layer.trainable = not frozen
    model = _with_head(base.layers[:keep], activation, not head_frozen)
    if compiled:
        _compiled(model)
    return model


def _compiled(
    model: "keras.Model",
    rate: float = 1e-4,
    optimizer: str = "Adam",
    loss: str = "sparse_categorical_crossentropy",
) -> "keras.Model":
    import keras

    model.compile(getattr(keras.optimizers, optimizer)(rate), loss=loss)
    return model


def _fresh() -> "keras.Model":
    from coursekit.models import LECTURES

    return LECTURES["cnn-93k"].build()


transfer_network = FunctionCheck(
    number="8.3a",
    name="transfer_network",
    oracle=_transfer,
    probes=((),),
    canonical=_facts,
    misconceptions=(
        Misconception(
            "the freeze is forgotten: all layers can change, and the first steps of a random "
            "head would change what the convolutions know. Set layer.trainable = False.",
            lambda: _transfer(frozen=False),
        ),
        Misconception(
            "the new head is frozen as well, so nothing can be learnt: freeze the shipped "
            "layers only.",
            lambda: _transfer(head_frozen=True),
        ),
        Misconception(
            "the weights up to Flatten are not the shipped ones, and frozen at that: take the "
            "layers of ck.models.pretrained().",
            lambda: _transfer(_fresh),
        ),
        Misconception(
            "the new head sits on the old ten probabilities: take the shipped layers up to "
            "Flatten, shipped.layers[:6].",
            lambda: _transfer(keep=8),
        ),
        Misconception(
            "the new head sits on the old hidden dense layer: take the shipped layers up to "
            "Flatten, shipped.layers[:6].",
            lambda: _transfer(keep=7),
        ),
        Misconception(
            "the head gives raw sums; ten probabilities need activation='softmax'.",
            lambda: _transfer(activation=None),
        ),
        Misconception(
            "this is the shipped network as it was: it needs a new head of ten classes.",
            lambda: _base(),
        ),
        Misconception(
            "the network is right, but compiled already: leave that to whoever trains it, and "
            "knows the learning rate.",
            lambda: _transfer(compiled=True),
        ),
    ),
)


class _Taught:
    """A network for transfer whose head has been trained, not yet made."""

    def __repr__(self) -> str:
        return "network with a trained head"

    def make(self) -> "keras.Sequential":
        """Make it as training the head has left it: base frozen, compiled at Adam's own rate."""
        spare = _spare()
        spare.set_weights(_base().get_weights())
        for layer in spare.layers:
            layer.trainable = False
        model = _with_head(spare.layers[: FLATTEN + 1])
        model.layers[-1].set_weights(_taught_head())
        return _compiled(model, 1e-3)


@cache
def _spare() -> "keras.Model":
    """Return a network whose layers a student may change: each use puts them back."""
    from coursekit.models import pretrained

    return pretrained()


@cache
def _taught_head() -> list[np.ndarray]:
    rng = np.random.default_rng(8)
    return [rng.normal(0, 0.1, shape).astype(np.float32) for shape in ((576, 10), (10,))]


def _use_fine_tune(function: Callable, taught: _Taught) -> object:
    """Return the facts of the network that `function` makes of one with a trained head.

    Those of `_facts`, but for the last; whether the head is the trained one; and, where it is
    compiled anew, the learning rate, whether the optimiser is Adam, and whether the loss is
    sparse categorical cross-entropy.
    """
    import keras

    given = taught.make()
    before = given.optimizer
    model = function(given)
    if not isinstance(model, keras.Model):
        return model
    kept = _equal_arrays(model.get_weights()[BASE_ARRAYS:], _taught_head())
    facts, optimizer = [*_facts(model)[:-1], kept], model.optimizer
    if optimizer is None or optimizer is before:
        return np.array([*facts, 0, 0, 0])
    right_loss = np.isclose(_loss(model), np.log(2), atol=1e-4)
    adam = isinstance(optimizer, keras.optimizers.Adam)
    return np.array([*facts, float(optimizer.learning_rate), adam, right_loss])


def _freed(model: "keras.Model") -> "keras.Model":
    for layer in model.layers:
        layer.trainable = True
    return model


def _cloned(model: "keras.Model") -> "keras.Model":
    import keras

    return keras.models.clone_model(model)


fine_tune = FunctionCheck(
    number="8.3b",
    name="fine_tune",
    oracle=lambda model: _compiled(_freed(model)),
    use=_use_fine_tune,
    probes=((_Taught(),),),
    misconceptions=(
        Misconception(
            "the shipped layers are still frozen: set trainable = True for each of them. For the "
            "model it is True already, and Keras passes over model.trainable = True.",
            _compiled,
        ),
        Misconception(
            "the network is not compiled anew: after a training, a change of trainable takes "
            "effect with the next compile, and compile sets the learning rate.",
            _freed,
        ),
        Misconception(
            "the learning rate is Adam's default, 0.001: ten times what is asked for. Use 0.0001.",
            lambda model: _compiled(_freed(model), rate=1e-3),
        ),
        Misconception(
            "the learning rate is far too large: the shipped weights would be forgotten in a "
            "few steps. Use 0.0001.",
            lambda model: _compiled(_freed(model), rate=1e-2),
        ),
        Misconception(
            "the head is a new one, with random weights: go on with the network that you are "
            "given, whose head has been trained.",
            lambda model: _compiled(_freed(_with_head(model.layers[:-1]))),
        ),
        Misconception(
            "all weights are fresh random ones, and there is nothing to tune finely: "
            "keras.models.clone_model copies layers, not what they have learnt.",
            lambda model: _compiled(_freed(_cloned(model))),
        ),
        Misconception(
            "the loss wants one-hot vectors, but the labels are integers: "
            "sparse_categorical_crossentropy.",
            lambda model: _compiled(_freed(model), loss="categorical_crossentropy"),
        ),
        Misconception(
            "the optimiser is not Adam: at so small a rate plain gradient descent hardly moves.",
            lambda model: _compiled(_freed(model), optimizer="SGD"),
        ),
    ),
)

CHECKS = tuple(value for value in list(globals().values()) if isinstance(value, Check))
