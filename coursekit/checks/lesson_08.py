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
            "this counts the old hidden dense layer: everything behind Flatten is taken off.",
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
            "behind Flatten.",
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


def _facts(model: "keras.Model") -> np.ndarray:
    """Return what matters of a network for transfer, in numbers.

    Trainable parameters, frozen parameters, outputs, whether these are probabilities,
    whether the first kernels are the shipped ones, the learning rate (0: not compiled;
    rates from 0.00001 to 0.0002 count as 0.0001), whether the optimiser is Adam, and whether
    the loss is sparse categorical cross-entropy.
    """
    import keras

    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    outputs = np.asarray(model(IMAGES))
    shipped = np.allclose(model.get_weights()[0], _base().get_weights()[0])
    optimizer = getattr(model, "optimizer", None)
    rate = float(optimizer.learning_rate) if optimizer else 0
    return np.array(
        [
            trainable,
            model.count_params() - trainable,
            outputs.shape[-1],
            np.allclose(outputs.sum(axis=-1), 1, atol=1e-4),
            shipped,
            1e-4 if 9e-6 < rate < 2.1e-4 else rate,
            isinstance(optimizer, keras.optimizers.Adam),
            optimizer is not None and np.isclose(_loss(model), np.log(2), atol=1e-4),
        ]
    )


def _loss(model: "keras.Model") -> float:
    """Return the loss of two answers that give the right class a half; nan: it takes no labels."""
    labels, answers = np.array([3, 7]), np.full((2, 10), 0.5 / 9, np.float32)
    answers[[0, 1], labels] = 0.5
    try:
        return float(model.compute_loss(y=labels, y_pred=answers))
    except Exception:  # a loss that takes no integers, such as that of one-hot vectors
        return np.nan


@cache
def _transfer(
    start: Callable[[], "keras.Model"] | None = None,
    frozen: bool = True,
    head_frozen: bool = False,
    rate: float = 0,
    activation: str | None = "softmax",
    keep: int = FLATTEN + 1,
    loss: str = "sparse_categorical_crossentropy",
    optimizer: str = "Adam",
) -> "keras.Model":
    """Put a new head on the first `keep` layers of a network, with all its usual mistakes."""
    import keras

    from coursekit.models import pretrained

    base = (start or pretrained)()
    for layer in base.layers:
        layer.trainable = not frozen
    head = keras.layers.Dense(10, activation=activation, trainable=not head_frozen)
    model = keras.Sequential([keras.layers.Input((28, 28, 1)), *base.layers[:keep], head])
    if rate:
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
            "head would wreck what the convolutions know. Set layer.trainable = False.",
            lambda: _transfer(frozen=False),
        ),
        Misconception(
            "the new head is frozen as well, so nothing can be learnt: freeze the shipped "
            "layers only.",
            lambda: _transfer(head_frozen=True),
        ),
        Misconception(
            "the convolutions have fresh random weights, and frozen ones at that: start from "
            "ck.models.pretrained().",
            lambda: _transfer(_fresh),
        ),
        Misconception(
            "the new head sits on the old ten probabilities: take the shipped layers up to "
            "Flatten, base.layers[:6].",
            lambda: _transfer(keep=8),
        ),
        Misconception(
            "the new head sits on the old hidden dense layer: take the shipped layers up to "
            "Flatten, base.layers[:6].",
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
    ),
)

fine_tuning_network = FunctionCheck(
    number="8.3b",
    name="fine_tuning_network",
    oracle=lambda: _transfer(frozen=False, rate=1e-4),
    probes=((),),
    canonical=_facts,
    misconceptions=(
        Misconception(
            "the shipped layers are still frozen: fine-tuning changes them, a little. Set "
            "layer.trainable = True.",
            lambda: _transfer(rate=1e-4),
        ),
        Misconception(
            "the network is not compiled: a change of trainable takes effect with the next "
            "compile, and compile sets the learning rate.",
            lambda: _transfer(frozen=False),
        ),
        Misconception(
            "the learning rate is Adam's default, 0.001: ten times too large, the shipped "
            "weights would be forgotten. Use 0.0001.",
            lambda: _transfer(frozen=False, rate=1e-3),
        ),
        Misconception(
            "the learning rate is far too large: the shipped weights would be forgotten in a "
            "few steps. Use 0.0001.",
            lambda: _transfer(frozen=False, rate=1e-2),
        ),
        Misconception(
            "the convolutions have fresh random weights: there is nothing to tune finely.",
            lambda: _transfer(_fresh, frozen=False, rate=1e-4),
        ),
        Misconception(
            "the loss wants one-hot vectors, but the labels are integers: "
            "sparse_categorical_crossentropy.",
            lambda: _transfer(frozen=False, rate=1e-4, loss="categorical_crossentropy"),
        ),
        Misconception(
            "the optimiser is not Adam: at so small a rate plain gradient descent hardly moves.",
            lambda: _transfer(frozen=False, rate=1e-4, optimizer="SGD"),
        ),
    ),
)

CHECKS = tuple(value for value in list(globals().values()) if isinstance(value, Check))
