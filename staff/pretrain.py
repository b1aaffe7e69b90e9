"""Optimise cnn-93k on all of MNIST and write its weights with a card: `make weights`.

The files go to coursekit/weights/, where `coursekit.models.pretrained` finds them.
"""

import datetime
import hashlib
import json
import platform
import sys
from importlib.metadata import version

import keras

import coursekit as ck
from coursekit.data import digest, is_quick
from staff import ROOT

FOLDER = ROOT / "coursekit" / "weights"
NAME, SEED, EPOCHS = "cnn-93k", 0, 8
RECIPE = {"optimiser": "Adam", "schedule": "one cycle", "peak": 0.004, "batch_size": 128}


def main() -> int:
    """Train, measure, and write both files; refuse anything but the whole of MNIST."""
    ck.setup(SEED)
    mnist = ck.load_mnist()
    if mnist.source == "embedded digits" or is_quick():
        print("the weights are optimised on all of MNIST: set COURSEKIT_DATA", file=sys.stderr)
        return 1
    (x_train, y_train), (x_test, y_test) = mnist
    recipe = ck.models.LECTURES[NAME]
    model = recipe.build()
    ck.models.fit_one_cycle(
        model,
        recipe.inputs(x_train),
        y_train,
        epochs=EPOCHS,
        batch_size=RECIPE["batch_size"],
        peak=RECIPE["peak"],
        verbose=2,
    )
    _, accuracy = model.evaluate(recipe.inputs(x_test), y_test, verbose=0)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{NAME}.weights.h5"
    bare = recipe.build()  # without the optimiser's state, which is twice as large
    bare.set_weights(model.get_weights())
    bare.save_weights(path)
    card = {
        "network": NAME,
        "parameters": model.count_params(),
        "data": f"{mnist.name}, {len(x_train)} training images",
        "data_digest": digest(x_train, y_train, x_test, y_test),
        "recipe": RECIPE | {"epochs": EPOCHS},
        "seed": SEED,
        "test_accuracy": round(accuracy, 4),
        "test_images": len(x_test),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            keras.config.backend(): version(keras.config.backend()),
        },
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "command": "make weights COURSEKIT_DATA=folder",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    (FOLDER / f"{NAME}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(card, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
