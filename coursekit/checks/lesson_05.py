"""Checks of lesson 05, a network with pooling. Oracles: NumPy, SciPy and Keras."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from coursekit.checks.core import Check, FunctionCheck, Misconception, ValueCheck

if TYPE_CHECKING:
    import keras

SMALL = np.array([[1, 3, 2, 0], [4, 2, 1, 5], [0, 1, 9, 2], [2, 0, 3, 4]])
NEGATIVE = -np.array([[1.5, 3, 2, 7, 5], [4, 2, 1, 5, 2], [8, 1, 9, 2, 6]])
UNEVEN = (np.arange(42).reshape(6, 7) * 17 % 23) / 2
PROBES = (
    (SMALL, 2, 2),
    (NEGATIVE, 2, 2),
    (UNEVEN, 3, 3),
    (UNEVEN, 2, 3),
    (UNEVEN, 3, 1),
    (UNEVEN, 3),
)


def _windows(x: np.ndarray, size: int, stride: int | None) -> np.ndarray:
    """Return all windows that fit: shape (H', W', size, size)."""
    stride = stride or size
    view = np.lib.stride_tricks.sliding_window_view(x, (size, size))
    return view[::stride, ::stride]


def _pool(
    x: np.ndarray, size: int, stride: int | None = None, reduce: Callable = np.max
) -> np.ndarray:
    return reduce(_windows(x, size, stride), axis=(2, 3))


def _filled_up(
    x: np.ndarray, size: int, stride: int | None, reduce: Callable, fill: float = 0
) -> np.ndarray:
    """Pool with the leftover kept: windows that reach over the end are filled up."""
    stride = stride or size
    missing = [-(n - size) % stride for n in x.shape]
    padded = np.pad(x.astype(float), [(0, m) for m in missing], constant_values=fill)
    return _pool(padded, size, stride, reduce)


LEFTOVER = (
    "rows and columns that are left over at the end make no window of their own: only windows "
    "that lie wholly on x count, as in valid convolution."
)
STRIDE_IGNORED = (
    "the windows overlap more than they should: they begin `stride` apart, and `size` apart "
    "where no stride is given."
)
DEFAULT_IGNORED = (
    "right where a stride is given. Without one the windows overlap, because [::None] leaves out "
    "nothing: then the stride equals `size`."
)
SIZE_FOR_STRIDE = "the stride has no effect: the windows begin `size` apart, whatever stride says."

max_pool2d = FunctionCheck(
    number="5.1a",
    name="max_pool2d",
    oracle=_pool,
    probes=PROBES,
    misconceptions=(
        Misconception(
            "this is the average of each window; asked for is its largest number.",
            lambda x, size, stride=None: _pool(x, size, stride, np.mean),
        ),
        Misconception(
            "negative windows come out as 0: a maximum that starts from 0 never goes below. "
            "Start from the window's own numbers.",
            lambda x, size, stride=None: np.maximum(_pool(x, size, stride), 0),
        ),
        Misconception(
            "the signs are lost: asked for is the largest number, not the largest magnitude.",
            lambda x, size, stride=None: _pool(np.abs(x), size, stride),
        ),
        Misconception(
            LEFTOVER, lambda x, size, stride=None: _filled_up(x, size, stride, np.max, -np.inf)
        ),
        Misconception(LEFTOVER, lambda x, size, stride=None: _filled_up(x, size, stride, np.max)),
        Misconception(STRIDE_IGNORED, lambda x, size, stride=None: _pool(x, size, 1)),
        Misconception(DEFAULT_IGNORED, lambda x, size, stride=None: _pool(x, size, stride or 1)),
        Misconception(SIZE_FOR_STRIDE, lambda x, size, stride=None: _pool(x, size, size)),
        Misconception(
            "the image is thinned out before the windows are formed: a window holds "
            "neighbours, only the windows' beginnings are `stride` apart.",
            lambda x, size, stride=None: _pool(x[:: stride or size, :: stride or size], size, 1),
        ),
        Misconception(
            "this is one pixel of each window, its first; asked for is its largest number.",
            lambda x, size, stride=None: _windows(x, size, stride)[:, :, 0, 0],
        ),
    ),
)

average_pool2d = FunctionCheck(
    number="5.1b",
    name="average_pool2d",
    oracle=lambda x, size, stride=None: _pool(x, size, stride, np.mean),
    probes=PROBES,
    misconceptions=(
        Misconception(
            "this is the largest number of each window; asked for is the average.",
            _pool,
        ),
        Misconception(
            "this is the sum of each window: divide by the number of its pixels, size * size.",
            lambda x, size, stride=None: _pool(x, size, stride, np.sum),
        ),
        Misconception(
            "the sum is divided by `size`; a window has size * size pixels.",
            lambda x, size, stride=None: _pool(x, size, stride, np.sum) / size,
        ),
        Misconception(
            "the averages are cut to whole numbers: divide with /, and keep the result in an "
            "array of floats.",
            lambda x, size, stride=None: np.trunc(_pool(x, size, stride, np.mean)),
        ),
        Misconception(LEFTOVER, lambda x, size, stride=None: _filled_up(x, size, stride, np.mean)),
        Misconception(STRIDE_IGNORED, lambda x, size, stride=None: _pool(x, size, 1, np.mean)),
        Misconception(
            DEFAULT_IGNORED,
            lambda x, size, stride=None: _pool(x, size, stride or 1, np.mean),
        ),
        Misconception(SIZE_FOR_STRIDE, lambda x, size, stride=None: _pool(x, size, size, np.mean)),
    ),
)

BY_HAND = {
    "sides": [26, 13, 11, 5, 3],
    "flat": 576,
    "parameters": [320, 0, 18_496, 0, 36_928, 0, 36_928, 650],
}

shapes_by_hand = ValueCheck(
    number="5.2",
    name="shapes and parameters by hand",
    oracle=BY_HAND.__getitem__,
    labels=tuple(BY_HAND),
    probes=tuple((label,) for label in BY_HAND),
    misconceptions=(
        Misconception(
            "these are the sides with padding 'same'; these layers are valid, so each 3x3 "
            "convolution costs two pixels.",
            {"sides": [28, 14, 14, 7, 7]}.__getitem__,
        ),
        Misconception(
            "pooling 11 pixels by 2 gives 5, not 6: the pixel left over is dropped.",
            {"sides": [26, 13, 11, 6, 4]}.__getitem__,
        ),
        Misconception(
            "each convolution costs one pixel on each side, two in all: 28 becomes 26.",
            {"sides": [27, 13, 12, 6, 5]}.__getitem__,
        ),
        Misconception(
            "the channels are missing: 3x3 pixels, but 64 maps of them.",
            {"flat": 9}.__getitem__,
        ),
        Misconception(
            "these are the pixels of the last pooling layer; a convolution stands between it "
            "and Flatten.",
            {"flat": 1600}.__getitem__,
        ),
        Misconception(
            "the biases are missing: one for each kernel, and one for each unit.",
            {"parameters": [288, 0, 18_432, 0, 36_864, 0, 36_864, 640]}.__getitem__,
        ),
        Misconception(
            "the input channels are missing: a kernel of the second convolution reaches "
            "through all 32 maps, so it has 3 * 3 * 32 weights.",
            {"parameters": [320, 0, 640, 0, 640, 0, 36_928, 650]}.__getitem__,
        ),
        Misconception(
            "pooling has nothing to learn: its parameters are 0.",
            {"parameters": [320, 4, 18_496, 4, 36_928, 0, 36_928, 650]}.__getitem__,
        ),
    ),
)


def _layer_table(model: "keras.Model") -> np.ndarray:
    """Return what a network is: a row of height, width, channels and parameters a layer.

    Flat outputs have height and width 1; the input is a row, too. Layers that change neither
    shape nor parameters, such as a ReLU that stands alone, have none; dropout has, it is no part
    of these networks. What the activations do shows in the last row: four outputs for a fixed
    image and fixed weights. A network that does not know its input has no rows.
    """
    import keras

    if not model.built:
        return np.empty((0, 4))
    rows = [[*model.input_shape[1:], 0]]
    for layer in model.layers:
        row = [*[1, 1, *layer.output.shape[1:]][-3:], layer.count_params()]
        if row[-1] or row[:3] != rows[-1][:3] or isinstance(layer, keras.layers.Dropout):
            rows.append(row)
    rng = np.random.default_rng(0)
    weights = model.get_weights()
    model.set_weights([rng.normal(0, 0.1, w.shape) for w in weights])
    image = rng.random((1, *model.input_shape[1:]), dtype=np.float32)
    rows.append(np.asarray(model(image))[0, :4].tolist())
    model.set_weights(weights)
    return np.array(rows)


# Building a network takes a while: the wrong ones are built once.
@cache
def _named(name: str) -> "keras.Model":
    from coursekit.models import LECTURES

    return LECTURES[name].build()


@cache
def _changed_recipe(name: str, change: Callable) -> "keras.Model":
    """Build a recipe with other layers: `change` maps its tuple of layers to another."""
    from coursekit.models import LECTURES

    recipe = LECTURES[name]
    return replace(recipe, layers=tuple(change(recipe.layers))).build()


@cache
def _option(kind: str, **options: object) -> Callable:
    """Return a change that sets options of all layers of one kind."""

    def change(layers: tuple) -> list:
        return [
            replace(layer, options=layer.options | options) if layer.kind == kind else layer
            for layer in layers
        ]

    return change


@cache
def _without(kind: str) -> Callable:
    return lambda layers: [layer for layer in layers if layer.kind != kind]


def _logits(layers: tuple) -> list:
    from coursekit.models import dense

    return [*layers[:-1], dense(10, None)]


def _no_hidden_dense(layers: tuple) -> list:
    return [layer for layer in layers if layer.options.get("units") != 64]


def _linear_hidden(layers: tuple) -> list:
    from coursekit.models import dense

    return [dense(64, None) if layer.options.get("units") == 64 else layer for layer in layers]


def _average(layers: tuple) -> list:
    return [
        replace(layer, kind="AveragePooling2D") if layer.kind == "MaxPooling2D" else layer
        for layer in layers
    ]


def _dropout(layers: tuple) -> list:
    from coursekit.models import Layer

    return [*layers[:-1], Layer("Dropout", {"rate": 0.5}), layers[-1]]


def _without_input(name: str) -> "keras.Model":
    import keras

    from coursekit.models import LECTURES

    return keras.Sequential([layer.make() for layer in LECTURES[name].layers])


build_cnn = FunctionCheck(
    number="5.3",
    name="build_cnn",
    oracle=_named,
    probes=(("cnn-93k",), ("cnn-515k",), ("cnn-66k",)),
    canonical=_layer_table,
    misconceptions=(
        Misconception(
            "the network does not know its input yet: put keras.layers.Input((28, 28, 1)) first.",
            _without_input,
        ),
        Misconception(
            "the convolutions keep the size of their input: leave out padding='same', these "
            "networks are valid.",
            lambda name: _changed_recipe(name, _option("Conv2D", padding="same")),
        ),
        Misconception(
            "pooling is missing: look where the list says Pool.",
            lambda name: _changed_recipe(name, _without("MaxPooling2D")),
        ),
        Misconception(
            "the pooling windows overlap: their stride is their size, which is what Keras does "
            "where no stride is given.",
            lambda name: _changed_recipe(name, _option("MaxPooling2D", strides=1)),
        ),
        Misconception(
            "the layers have no biases: leave use_bias as it is.",
            lambda name: _changed_recipe(name, _option("Conv2D", use_bias=False)),
        ),
        Misconception(
            "the hidden dense layer of 64 units is missing.",
            lambda name: _changed_recipe(name, _no_hidden_dense),
        ),
        Misconception(
            "the shapes are right, but the convolutions have no activation: without ReLU, "
            "layers that follow each other are one linear layer (lesson 03).",
            lambda name: _changed_recipe(name, _option("Conv2D", activation=None)),
        ),
        Misconception(
            "the shapes are right, but the hidden dense layer of 64 units has no activation: it "
            "needs ReLU, too.",
            lambda name: _changed_recipe(name, _linear_hidden),
        ),
        Misconception(
            "the shapes are right, but the pooling is average pooling; these networks keep the "
            "largest number, MaxPooling2D.",
            lambda name: _changed_recipe(name, _average),
        ),
        Misconception(
            "a Dropout layer stands before the last layer (a row twice): these networks have none.",
            lambda name: _changed_recipe(name, _dropout),
        ),
        Misconception(
            "the shapes are right, but the last layer gives raw sums; ten probabilities need "
            "activation='softmax'.",
            lambda name: _changed_recipe(name, _logits),
        ),
        Misconception(
            "all three names give the same network, cnn-93k: build the one that is asked for.",
            lambda name: _named("cnn-93k"),
        ),
    ),
)

PICTURES = np.arange(1, 25).reshape(2, 3, 4)


def _shifted(images: np.ndarray, pixels: int) -> np.ndarray:
    from scipy.ndimage import shift

    return shift(images, (0, 0, pixels), order=0)


def _down(images: np.ndarray, pixels: int) -> np.ndarray:
    return _shifted(images.transpose(0, 2, 1), pixels).transpose(0, 2, 1)


shift_right = FunctionCheck(
    number="5.4",
    name="shift_right",
    oracle=_shifted,
    probes=((PICTURES[:, :2, :3], 1), (PICTURES, 0), (PICTURES, 2), (PICTURES / 8, 3)),
    misconceptions=(
        Misconception(
            "nothing has moved: these are the images as they were.",
            lambda images, pixels: images.copy(),
        ),
        Misconception(
            "what leaves on the right comes back on the left: np.roll turns the image around. "
            "Fill the freed columns with 0.",
            lambda images, pixels: np.roll(images, pixels, axis=2),
        ),
        Misconception(
            "the images move down; columns are the last axis.",
            _down,
        ),
        Misconception(
            "the images move to the left.",
            lambda images, pixels: _shifted(images, -pixels),
        ),
        Misconception(
            "the images themselves change places: axis 0 counts the images of the batch.",
            lambda images, pixels: np.roll(images, pixels, axis=0),
        ),
        Misconception(
            "the images have grown: cut off what leaves on the right, the shape stays.",
            lambda images, pixels: np.pad(images, ((0, 0), (0, 0), (pixels, 0))),
        ),
        Misconception(
            "the freed columns repeat the edge; fill them with 0.",
            lambda images, pixels: np.pad(images, ((0, 0), (0, 0), (pixels, 0)), "edge")[
                :, :, : images.shape[2]
            ],
        ),
        Misconception(
            "with pixels = 0 nothing is left: the slice [:-0] is empty. Cut with the width "
            "minus pixels instead.",
            lambda images, pixels: _shifted(images, pixels) if pixels else images[:, :, :0],
        ),
    ),
)

CHECKS = tuple(value for value in list(globals().values()) if isinstance(value, Check))
