"""The first line of every lesson: seeds, plot style, and one line that says what runs."""

import logging
import platform
import random
import sys
from importlib.metadata import version

import numpy as np

from coursekit.data import is_offline, is_quick


def setup(seed: int = 0) -> None:
    """Seed the random generators, set the plot style, print one line about both.

    Python and NumPy are seeded always, Keras where the lesson has imported it
    before: a lesson without networks should not pay for TensorFlow's start. First
    weights and dropout follow the seed; the order of the batches does not, see
    `_seed_keras`.

    Parameters
    ----------
    seed : int
        The seed, 0 <= seed < 2**32.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (scikit-learn and Keras read the global generator)
    parts = [f"coursekit {version('coursekit')}", f"Python {platform.python_version()}"]
    parts.append(f"NumPy {np.__version__}")
    keras = sys.modules.get("keras")
    if keras is not None:
        _seed_keras(seed)
        # On small data TensorFlow warns of "retracing" in every other cell: advice for
        # programs that run for hours, a riddle to a student.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        backend = keras.config.backend()
        parts.append(f"Keras {keras.__version__} on {backend} {version(backend)}, {_device()}")

    from coursekit import plots

    plots.use_style()
    parts.append(f"seed {seed}")
    parts += ["quick mode"] * is_quick() + ["offline"] * is_offline()
    print(" · ".join(parts))


def _seed_keras(seed: int) -> None:
    """Seed Keras, but not TensorFlow's own generator, which only shuffles.

    Where that one is seeded, `fit` goes through the examples in the same order in
    every epoch (Keras 3.15 on TensorFlow 2.20), and networks end up less accurate.
    """
    import keras

    keras.utils.set_random_seed(seed)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        tf.random.set_seed(None)


def _device() -> str:
    """Return "GPU" where the backend sees one, else "CPU"."""
    import keras

    devices = keras.distribution.list_devices("gpu")
    return "GPU" if devices else "CPU"
