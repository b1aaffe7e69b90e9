"""The first line of every lesson: seeds, plot style, and one line that says what runs."""

import logging
import operator
import platform
import random
import sys

import numpy as np

from coursekit.data import is_offline, is_quick


def setup(seed: int = 0) -> None:
    """Seed the random generators, set the plot style, print one line about both.

    Python and NumPy are seeded always, Keras where the lesson has imported it
    before: a lesson without networks should not pay for TensorFlow's start. First
    weights and dropout follow the seed; the order of the batches does not, see
    `seed_all`.

    Parameters
    ----------
    seed : int
        The seed, 0 <= seed < 2**32.
    """
    from coursekit import __version__, plots

    seed_all(seed)
    parts = [f"coursekit {__version__}", f"Python {platform.python_version()}"]
    parts.append(f"NumPy {np.__version__}")
    keras = sys.modules.get("keras")
    if keras is not None:
        quieten()
        backend = keras.config.backend()
        version = sys.modules[backend].__version__
        parts.append(f"Keras {keras.__version__} on {backend} {version}, {device()}")
    plots.use_style()
    parts.append(f"seed {seed}")
    parts += ["quick mode"] * is_quick() + ["offline"] * is_offline()
    print(" · ".join(parts))


def seed_all(seed: int) -> None:
    """Seed Python, NumPy and, where it has been imported, Keras.

    TensorFlow's own generator, which only shuffles, is left alone: where that one is seeded,
    `fit` goes through the examples in the same order in every epoch (Keras 3.15 on
    TensorFlow 2.20), and networks end up less accurate.

    Parameters
    ----------
    seed : int
        The seed, 0 <= seed < 2**32.
    """
    seed = operator.index(seed)  # Python's own generator takes no integer of NumPy
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (scikit-learn and Keras read the global generator)
    keras = sys.modules.get("keras")
    if keras is None:
        return
    keras.utils.set_random_seed(seed)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        tf.random.set_seed(None)


def quieten() -> None:
    """Keep TensorFlow from warning of "retracing" in every other training on small data.

    It is advice for programs that run for hours, and a riddle to a student.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def device() -> str:
    """Tell where Keras computes.

    Returns
    -------
    str
        "GPU" where the backend sees one, else "CPU".
    """
    import keras

    devices = keras.distribution.list_devices("gpu")
    return "GPU" if devices else "CPU"
