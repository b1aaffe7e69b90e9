"""Helper package of a hands-on course in convolutional networks.

`import coursekit as ck` is cheap: matplotlib, scikit-learn and Keras are imported
by the function that needs them, or by the first use of the module that does.
"""

import importlib
import os
from types import ModuleType

# TensorFlow reads this once, when it is first imported; without it every lesson would
# open with messages about a GPU that is not there. Real errors are Python exceptions.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from coursekit.data import DataError, Dataset, load_digits, load_fashion_mnist, load_mnist
from coursekit.start import setup

__version__ = "0.1.0"
__all__ = ["DataError", "Dataset", "load_digits", "load_fashion_mnist", "load_mnist", "setup"]

_MODULES = ("checks", "evaluation", "explore", "models", "plots", "sweep")


def __getattr__(name: str) -> ModuleType:
    """Import `ck.plots` and its neighbours when a lesson first names them."""
    if name in _MODULES:
        return importlib.import_module(f"coursekit.{name}")
    raise AttributeError(f"module 'coursekit' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
