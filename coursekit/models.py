"""The networks and training recipes of the five source lectures, by their ids."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import numpy as np

from coursekit import progress
from coursekit.data import is_offline

if TYPE_CHECKING:
    import keras
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Layer:
    """A layer not yet made: a class in `keras.layers` and the arguments it will get."""

    kind: str
    options: dict[str, Any] = field(hash=False)

    def make(self, **more: Any) -> keras.Layer:  # noqa: ANN401 (Keras' own arguments)
        """Make the layer.

        Parameters
        ----------
        **more
            Further arguments of the class.

        Returns
        -------
        keras.layers.Layer
            A fresh one at each call.
        """
        import keras

        return getattr(keras.layers, self.kind)(**self.options, **more)


def conv(filters: int, padding: Literal["valid", "same"] = "valid") -> Layer:
    """Return a 3x3 convolution with ReLU.

    Parameters
    ----------
    filters : int
        Number of feature maps.
    padding : "valid" or "same"
        Whether the maps lose a pixel on each side, or zeros around the image keep its size.

    Returns
    -------
    Layer
        A `Conv2D`.
    """
    options = {"filters": filters, "kernel_size": 3, "padding": padding, "activation": "relu"}
    return Layer("Conv2D", options)


def pool(size: int) -> Layer:
    """Return max pooling over windows that do not overlap.

    Parameters
    ----------
    size : int
        Height and width of a window.

    Returns
    -------
    Layer
        A `MaxPooling2D`.
    """
    return Layer("MaxPooling2D", {"pool_size": size})


def flatten() -> Layer:
    """Return a layer that puts all values of one image in one row.

    Returns
    -------
    Layer
        A `Flatten`.
    """
    return Layer("Flatten", {})


def dense(units: int, activation: Literal["relu", "softmax"] | None = "relu") -> Layer:
    """Return a fully connected layer.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : "relu", "softmax" or None
        None leaves the raw sums (logits).

    Returns
    -------
    Layer
        A `Dense`.
    """
    return Layer("Dense", {"units": units, "activation": activation})


@dataclass(frozen=True)
class Validation:
    """How a lecture makes its validation images; they are never trained on.

    Parameters
    ----------
    source : "train" or "test"
        The set they are taken from.
    share : float
        The part of `source` taken, between 0 and 1. From "test": a random part (0.33 is 3,300 of
        10,000 images), and a test accuracy is that of the other images. From "train": the last
        part, as `validation_split` of Keras' `fit` takes it.
    train_on : "train" or "test"
        The set whose other images the network is trained on.
    """

    source: Literal["train", "test"]
    share: float
    train_on: Literal["train", "test"] = "train"


@dataclass(frozen=True)
class Recipe:
    """One network of a lecture: how it is built and trained, and what the lecture published.

    Parameters
    ----------
    id : str
        Its key in `LECTURES`.
    lecture : str
        The short name by which the course cites the lecture.
    layers : tuple of Layer
        The network from the image to its ten outputs.
    parameters : int
        The exact number of weights and biases.
    dataset : "MNIST" or "Fashion-MNIST"
        The images it is trained on.
    optimizer : "Adam" or "RMSprop"
        The optimiser, by its name in `keras.optimizers`.
    learning_rate : float
        The optimiser's step size; 0.001 is Keras' default for both.
    one_hot : bool
        Whether labels are one-hot vectors (True) or integers.
    batch_size : int
        Images for each step of the optimiser.
    epochs, iterations : int or None
        Passes over the training set, or steps of the optimiser: what the lecture does not count
        is None.
    validation : Validation or None
        How validation images are made; None where there are none.
    weight_stddev : float or None
        Standard deviation of the normal distribution (mean 0) from which all weights and biases
        start; None leaves Keras' defaults.
    published : dict of str to float
        "test_accuracy" and "val_accuracy" after the last epoch, where the lecture prints them.
    """

    id: str
    lecture: str
    layers: tuple[Layer, ...]
    parameters: int
    dataset: Literal["MNIST", "Fashion-MNIST"] = "MNIST"
    optimizer: Literal["Adam", "RMSprop"] = "Adam"
    learning_rate: float = 0.001
    one_hot: bool = False
    batch_size: int = 32
    epochs: int | None = 5
    iterations: int | None = None
    validation: Validation | None = None
    weight_stddev: float | None = None
    published: dict[str, float] = field(default_factory=dict, hash=False)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one image: (28, 28, 1) where the network convolves, else (28, 28)."""
        convolves = any(layer.kind == "Conv2D" for layer in self.layers)
        return (28, 28, 1) if convolves else (28, 28)

    @property
    def _gives_logits(self) -> bool:
        return self.layers[-1].options.get("activation") is None

    def build(self) -> keras.Sequential:
        """Build the network with fresh weights.

        Returns
        -------
        keras.Sequential
            Named like the recipe. Maps float32 images in [0, 1] of shape (N, *input_shape) to
            probabilities of shape (N, 10); the low-level recipes return logits of that shape.
        """
        import keras

        model = keras.Sequential([keras.layers.Input(self.input_shape)], name=self.id)
        for layer in self.layers:
            start = {}
            if self.weight_stddev is not None and layer.kind in ("Conv2D", "Dense"):
                # One initialiser would draw the same numbers again: each array gets its own.
                start = {
                    name: keras.initializers.RandomNormal(stddev=self.weight_stddev)
                    for name in ("kernel_initializer", "bias_initializer")
                }
            model.add(layer.make(**start))
        return model

    def compile(self, model: keras.Model, **options: Any) -> keras.Model:  # noqa: ANN401
        """Give `model` the recipe's optimiser and cross-entropy loss, and accuracy as metric.

        Parameters
        ----------
        model : keras.Model
            A network as `build` returns it.
        **options
            More arguments of Keras' `compile`, for example `steps_per_execution`.

        Returns
        -------
        keras.Model
            The same object, ready for `fit`.
        """
        import keras

        name = "CategoricalCrossentropy" if self.one_hot else "SparseCategoricalCrossentropy"
        loss = getattr(keras.losses, name)(from_logits=self._gives_logits)
        optimizer = getattr(keras.optimizers, self.optimizer)(learning_rate=self.learning_rate)
        model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], **options)
        return model

    def inputs(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the images as the network takes them.

        Parameters
        ----------
        images : ndarray of shape (N, 28, 28), uint8
            Grey values from 0 to 255.

        Returns
        -------
        ndarray of shape (N, *input_shape), float32
            Grey values from 0 to 1.

        Raises
        ------
        ValueError
            If `images` is not a batch of 28x28 images, or not uint8.
        """
        images = np.asarray(images)
        if images.ndim != 3 or images.shape[1:] != (28, 28):
            wanted = "pass a batch of shape (N, 28, 28); one image is x_test[:1]"
            raise ValueError(f"images has shape {images.shape}: {wanted}")
        if images.dtype != np.uint8:
            wanted = "pass the uint8 images as they were loaded, inputs() scales them"
            raise ValueError(f"images holds {images.dtype}: {wanted}")
        return (images.astype(np.float32) / 255).reshape(-1, *self.input_shape)

    def targets(self, labels: ArrayLike) -> NDArray:
        """Return the labels as the recipe's loss takes them.

        Parameters
        ----------
        labels : array_like of shape (N,), int
            Classes from 0 to 9.

        Returns
        -------
        ndarray
            One-hot vectors of shape (N, 10), float32, where `one_hot`; otherwise the labels.

        Raises
        ------
        ValueError
            If `labels` is not one integer from 0 to 9 for each image.
        """
        labels = np.asarray(labels)
        are_integers = labels.ndim == 1 and labels.dtype.kind in "iu"
        if not are_integers or not np.isin(labels, range(10)).all():
            found = f"labels has shape {labels.shape} and dtype {labels.dtype}"
            raise ValueError(f"{found}: pass one integer from 0 to 9 for each image, shape (N,)")
        return np.eye(10, dtype=np.float32)[labels] if self.one_hot else labels


class _Catalogue(dict[str, Recipe]):
    """A dict whose KeyError names the ids there are."""

    def __missing__(self, key: str) -> Recipe:
        raise KeyError(f"no recipe {key!r}; choose one of {', '.join(self)}")


_DENSE_128 = (flatten(), dense(128), dense(10, "softmax"))
_DENSE_256 = (flatten(), dense(256), dense(10, "softmax"))
_HEAD = (flatten(), dense(64), dense(10, "softmax"))
_SMALL_HEAD = (flatten(), dense(10, "softmax"))
_THREE_CONVS = (conv(32), pool(2), conv(64), pool(2), conv(64))
_LOGITS_HEAD = (flatten(), dense(100), dense(10, None))
_LOW_LEVEL = (conv(32, "same"), pool(2), conv(64, "same"), pool(2), *_LOGITS_HEAD)
_THIRD = Validation("test", 0.33)
_RMSPROP_3 = {"optimizer": "RMSprop", "learning_rate": 0.003}
_BUTLER = {"batch_size": 64, "validation": Validation("train", 0.10)}
_ISYSTEMS = {"learning_rate": 0.0001, "one_hot": True, "batch_size": 50}
_ISYSTEMS |= {"epochs": None, "iterations": 2500, "weight_stddev": 0.1}

# fmt: off
_RECIPES = (
    Recipe("dense-128", "Dillon 2019", _DENSE_128, 101_770,
           one_hot=True, published={"test_accuracy": 0.9782}),
    Recipe("dense-128-val", "Dillon 2019", _DENSE_128, 101_770,
           one_hot=True, epochs=20, validation=_THIRD, published={"val_accuracy": 0.9803}),
    Recipe("dense-128-sparse", "Butler 2023", _DENSE_128, 101_770,
           published={"test_accuracy": 0.9737}),
    Recipe("dense-256", "Bridge CS4619", _DENSE_256, 203_530,
           batch_size=128, published={"test_accuracy": 0.9769}, **_RMSPROP_3),
    Recipe("fashion-dense-128", "Dillon 2018", _DENSE_128, 101_770, "Fashion-MNIST",
           published={"test_accuracy": 0.8803}),
    Recipe("fashion-dense-128-val", "Dillon 2018", _DENSE_128, 101_770, "Fashion-MNIST",
           epochs=20, validation=Validation("test", 0.33, train_on="test"),
           published={"val_accuracy": 0.8418}),
    Recipe("cnn-515k", "Dillon 2019", (conv(32), pool(2), conv(64), *_HEAD), 515_146,
           one_hot=True, epochs=20, validation=_THIRD,
           published={"test_accuracy": 0.9906, "val_accuracy": 0.9900}),
    Recipe("cnn-66k", "Dillon 2018", (conv(32), conv(64), pool(4), conv(64), *_SMALL_HEAD), 65_994,
           optimizer="RMSprop", one_hot=True, batch_size=64, published={"test_accuracy": 0.9915}),
    Recipe("cnn-93k", "Bridge CS4619", (*_THREE_CONVS, *_HEAD), 93_322,
           batch_size=64, published={"test_accuracy": 0.9870}, **_RMSPROP_3),
    Recipe("cnn-93k-adam", "Butler 2023", (*_THREE_CONVS, *_HEAD), 93_322,
           published={"test_accuracy": 0.9891}, **_BUTLER),
    Recipe("sweep-fewer-layers", "Butler 2023", (conv(32), pool(2), *_HEAD), 347_146,
           published={"test_accuracy": 0.9861}, **_BUTLER),
    Recipe("sweep-no-hidden-dense", "Butler 2023", (*_THREE_CONVS, *_SMALL_HEAD), 61_514,
           published={"test_accuracy": 0.9919}, **_BUTLER),
    Recipe("sweep-more-filters", "Butler 2023",
           (conv(64), pool(2), conv(128), pool(2), conv(128), *_HEAD), 296_522,
           published={"test_accuracy": 0.9913}, **_BUTLER),
    Recipe("sweep-extra-pooling", "Butler 2023", (*_THREE_CONVS, pool(2), *_HEAD), 60_554,
           published={"test_accuracy": 0.9759}, **_BUTLER),
    # The lecture stopped this one in its third epoch, so nothing is published.
    Recipe("sweep-fewer-pools", "Butler 2023",
           (conv(32, "same"), pool(2), conv(64), conv(64), conv(64), pool(2), *_HEAD), 158_922,
           **_BUTLER),
    Recipe("low-level", "iSystems", _LOW_LEVEL, 333_526, **_ISYSTEMS),
    Recipe("low-level-layers", "iSystems", _LOW_LEVEL, 333_526, **_ISYSTEMS),
)
# fmt: on
_WEIGHTS = resources.files("coursekit") / "weights"
LECTURES: dict[str, Recipe] = _Catalogue({recipe.id: recipe for recipe in _RECIPES})


def one_cycle(steps: int, peak: float = 0.004) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the one-cycle learning rate: up to `peak`, then down to 0.

    It rises linearly for the first 30 % of the steps, from a 25th of the peak, and falls
    along half a cosine for the rest.

    Parameters
    ----------
    steps : int
        Steps of the whole training, at least 2: epochs times batches in an epoch.
    peak : float
        The highest learning rate.

    Returns
    -------
    keras.optimizers.schedules.LearningRateSchedule
        For an optimiser's `learning_rate`.

    Raises
    ------
    ValueError
        If there are fewer than 2 steps.

    References
    ----------
    L. N. Smith and N. Topin, *Super-convergence* (2018), rise and fall linearly. The 30 %, the
    25th and the cosine are the defaults of PyTorch's `OneCycleLR`, which takes them from fastai
    and rises along a cosine as well.
    """
    import keras

    if steps < 2:
        raise ValueError(f"steps is {steps}; a rise and a fall need at least 2")
    rise = max(1, round(0.3 * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 25,
        warmup_target=peak,
        warmup_steps=rise,
        decay_steps=steps - rise,
    )


def fit_one_cycle(
    model: keras.Model,
    x: NDArray[np.float32],
    y: NDArray,
    epochs: int = 2,
    batch_size: int = 128,
    peak: float = 0.004,
    **options: Any,  # noqa: ANN401 (Keras' own arguments)
) -> keras.callbacks.History:
    """Train a network by the course's fast recipe: Adam, large batches, one-cycle rate.

    Parameters
    ----------
    model : keras.Model
        A network whose last layer gives probabilities or, without an activation, logits; it is
        compiled anew.
    x : ndarray of shape (N, *input_shape), float32
        Images in [0, 1].
    y : ndarray of shape (N,), int
        Labels.
    epochs : int
        Passes over the images; the rate falls to 0 at the end of the last one.
    batch_size : int
        Images for each step.
    peak : float
        The highest learning rate; the default suits networks of the size of cnn-93k.
    **options
        More arguments of Keras' `fit`, such as `validation_data`.

    Returns
    -------
    keras.callbacks.History
        As `fit` returns it.

    Raises
    ------
    ValueError
        If there are fewer than 2 steps, or with `validation_split`.
    """
    import keras

    if "validation_split" in options:
        raise ValueError("validation_split would cut the cycle short; pass validation_data")
    steps = epochs * -(-len(x) // batch_size)
    if steps < 2:
        raise ValueError(
            f"{len(x)} images, epochs={epochs} and batch_size={batch_size} make too few steps; "
            "a rise and a fall need at least 2: take more epochs or smaller batches"
        )
    optimizer = keras.optimizers.Adam(one_cycle(steps, peak))
    last = getattr(model.layers[-1], "activation", None)
    loss = keras.losses.SparseCategoricalCrossentropy(last is keras.activations.linear)
    model.compile(optimizer, loss=loss, metrics=["accuracy"])
    options = {"verbose": 0} | options
    return model.fit(x, y, epochs=epochs, batch_size=batch_size, **options)


def pretrained() -> keras.Sequential:
    """Return cnn-93k with weights that were optimised on all of MNIST.

    They ship with the package; `pretrained_card` says how they came about.

    Returns
    -------
    keras.Sequential
        Not compiled. Maps float32 images in [0, 1] of shape (N, 28, 28, 1) to probabilities
        of shape (N, 10).
    """
    model = LECTURES["cnn-93k"].build()
    with resources.as_file(_WEIGHTS / "cnn-93k.weights.h5") as path:
        model.load_weights(path)
    return model


def pretrained_card() -> dict[str, Any]:
    """Return what is known of the weights of `pretrained`.

    Returns
    -------
    dict
        Network, data and their digest, recipe, seed, test accuracy, versions, date, the
        command that makes the weights again, and the SHA-256 of their file.
    """
    return json.loads((_WEIGHTS / "cnn-93k.json").read_text(encoding="utf-8"))


def imagenet() -> keras.Model | None:
    """Return MobileNetV2 optimised on ImageNet, or None where its weights cannot be had.

    The weights (14 MB) come over the network, once; Keras keeps them. Where that fails, one
    line says so; half a file, from a download that was killed, is set aside. M. Sandler et al.,
    *MobileNetV2*, CVPR 2018.

    Returns
    -------
    keras.Model or None
        Maps images of shape (N, 224, 224, 3), preprocessed by
        `keras.applications.mobilenet_v2`, to probabilities of shape (N, 1000).
    """
    import keras

    kept = _kept_weights()
    if not kept and is_offline():
        why = "COURSEKIT_OFFLINE is set"
    elif not kept and not _answers("storage.googleapis.com"):
        why = "the network does not answer"
    else:
        try:
            return keras.applications.MobileNetV2(weights="imagenet")
        except Exception as error:  # a download breaks off in a dozen ways
            why = type(error).__name__
            if kept and isinstance(error, OSError) and error.errno is None:  # of h5py
                why = "the file that was kept is damaged and set aside; run the cell again"
                kept[0].replace(kept[0].with_suffix(".damaged"))
    print(f"[models] the ImageNet weights are not here ({why}); the lesson goes on without them.")
    return None


def _kept_weights() -> list[Path]:
    """Return the file of MobileNetV2's weights, with its head, where Keras has one."""
    # Unlike Path.home, this never raises.
    usual = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")  # noqa: PTH111
    # Keras goes to /tmp where it may not write.
    folders = [Path(home, "models") for home in (usual, "/tmp/.keras")]
    return [file for folder in folders for file in folder.glob("mobilenet_v2_*_1.0_224.h5")]


def _answers(host: str) -> bool:
    """Return whether a host, or the proxy before it, takes connections within five seconds."""
    answered = threading.Event()
    proxy = urlsplit(getproxies().get("https", "") if not proxy_bypass(host) else "")
    address = (proxy.hostname, proxy.port or 80) if proxy.hostname else (host, 443)

    def knock() -> None:
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=5):
            answered.set()

    # In a thread, because no time limit reaches the look-up of a host name.
    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(5)
    return answered.is_set()


def progress_bar() -> keras.callbacks.Callback:
    """Return a callback that shows a bar over the epochs, and nothing once they are done.

    Returns
    -------
    keras.callbacks.Callback
        For `model.fit(..., verbose=0, callbacks=[progress_bar()])`; each `fit` needs its own.
    """
    return progress.over_epochs()
