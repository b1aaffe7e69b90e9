"""Train every network of the lectures by its published recipe: `make reproduce`.

    python -m staff.reproduce                 all recipes; hours on a laptop
    python -m staff.reproduce dense-128       some of them
    python -m staff.reproduce --tables        train nothing, write the tables again

The trials go through `coursekit.sweep`: stopped at any time, the command goes on where it was.
Results are kept in coursekit/results/reproduction.csv, one row for each run; the tables in
coursekit/results/reproduction.md and in the README are made from it.
"""

import argparse
import os
import platform
import re
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

import coursekit as ck
from coursekit.data import digest, is_quick
from staff import ROOT

RESULTS = ROOT / "coursekit" / "results"
JOURNALS = ROOT / "build" / "reproduction"
# One run of cnn-515k takes more than 5 minutes; the runs of fashion-dense-128 differ widely.
REPEATS = dict.fromkeys(ck.models.LECTURES, 3) | {"cnn-515k": 1, "fashion-dense-128": 10}
TOLERANCE = 0.004
EXPLAINED = {
    "fashion-dense-128": "after five epochs the accuracy still depends much on the seed, and the "
    "lecture's number is one run of 2018, with the TensorFlow of that year. It lies above all ten "
    "of ours. Network, data and recipe are the lecture's; what else differed is not known.",
}


def trial(seed: int, recipe: str) -> dict[str, float | str]:
    """Train one network as its lecture does."""
    # The two recipes of iSystems are one network, once in operations and once in layers.
    result = train_operations(seed) if recipe == "low-level" else ck.sweep.train(seed, recipe)
    import keras

    backend = keras.config.backend()
    where = f"{processor()}, {ck.start.device()}, {os.environ.get('OMP_NUM_THREADS', 'all')} thread"
    versions = f"keras {keras.__version__}, {backend} {version(backend)}, numpy {np.__version__}"
    return result | {"device": where, "versions": versions}


def processor() -> str:
    """Return the processor's model, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return found[1].strip() if found else platform.machine()


def train_operations(seed: int) -> dict[str, float]:
    """Train low-level from TensorFlow's operations alone, as lesson 06 does."""
    import keras
    import tensorflow as tf

    ck.start.seed_all(seed)
    recipe = ck.models.LECTURES["low-level"]
    (x_train, y_train), (x_test, y_test) = ck.load_mnist()
    x_train, x_test = recipe.inputs(x_train), recipe.inputs(x_test)
    shapes = [(3, 3, 1, 32), (32,), (3, 3, 32, 64), (64,), (3136, 100), (100,), (100, 10), (10,)]
    start = np.random.default_rng(seed)
    numbers = [start.normal(0, recipe.weight_stddev, shape) for shape in shapes]
    variables = [tf.Variable(array, dtype=tf.float32) for array in numbers]
    optimizer = keras.optimizers.Adam(recipe.learning_rate)

    def network(x: tf.Tensor) -> tf.Tensor:
        for kernel, bias in (variables[:2], variables[2:4]):
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, strides=1, padding="SAME") + bias)
            x = tf.nn.max_pool2d(x, ksize=2, strides=2, padding="VALID")
        x = tf.nn.relu(tf.reshape(x, [-1, 3136]) @ variables[4] + variables[5])
        return x @ variables[6] + variables[7]

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            losses = tf.nn.softmax_cross_entropy_with_logits(y, network(x))
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, variables), variables)

    begin = time.perf_counter()
    targets, batches = recipe.targets(y_train), []
    for _ in range(recipe.iterations):
        if not batches:
            batches = np.array_split(start.permutation(len(x_train)), len(x_train) // 50)
        batch = batches.pop()
        step(x_train[batch], targets[batch])
    seconds = time.perf_counter() - begin
    logits = np.concatenate([network(part) for part in np.array_split(x_test, 20)])
    losses = tf.nn.softmax_cross_entropy_with_logits(recipe.targets(y_test), logits)
    return {
        "parameters": sum(int(np.prod(shape)) for shape in shapes),
        "accuracy": float((logits.argmax(axis=1) == y_test).mean()),
        "loss": float(tf.reduce_mean(losses)),
        "seconds": seconds,
        "epochs": recipe.iterations * recipe.batch_size / len(x_train),
    }


# Running ---------------------------------------------------------------------------------


def reproduce(recipes: list[str], workers: int) -> pd.DataFrame:
    """Run the recipes, or what is left of them; return one row for each run."""
    found = []
    with ck.sweep.processes(workers) as executor:
        for name in recipes:
            print(f"{name}: {REPEATS[name]} runs", flush=True)
            data = data_digest(ck.models.LECTURES[name].dataset)
            journal = JOURNALS / f"{name}.jsonl"
            table = ck.sweep.run(
                trial, [{"recipe": name}], REPEATS[name], journal, executor, tag=data
            )
            failed = table[table.error != ""]
            if len(failed):
                raise SystemExit(f"{name}: {failed.error.iloc[0]}; mend it and run this again")
            table.insert(1, "data", data)
            found.append(table.drop(columns="error"))
    return pd.concat(found)


def data_digest(name: str) -> str:
    """Return the digest of a data set; refuse a stand-in and a part of it."""
    data = ck.load_mnist() if name == "MNIST" else ck.load_fashion_mnist()
    if data.source == "embedded digits" or is_quick():
        raise SystemExit(
            f"the lectures used all of {name}: set COURSEKIT_DATA, not COURSEKIT_QUICK"
        )
    return digest(data.x_train, data.y_train, data.x_test, data.y_test)


def merge(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return all rows in the order of the lectures; new rows replace old ones of a recipe."""
    rows = pd.concat([old[~old.recipe.isin(new.recipe)], new]) if len(old) else new
    place = {name: number for number, name in enumerate(ck.models.LECTURES)}
    return rows.sort_values(["recipe", "seed"], key=lambda c: c.map(place).fillna(c), kind="stable")


# Tables ----------------------------------------------------------------------------------


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each published or measured number: mean and spread beside it."""
    rows = []
    for name, group in runs.groupby("recipe", sort=False):
        recipe = ck.models.LECTURES[name]
        for measure, column in (("test", "accuracy"), ("validation", "val_accuracy")):
            published = recipe.published.get({"test": "test_accuracy"}.get(measure, column))
            if published is None and (
                measure == "validation" or "val_accuracy" in recipe.published
            ):
                continue
            values = group[column]
            rows.append(
                {
                    "network": name,
                    "lecture": recipe.lecture,
                    "images": measure,
                    "published": published,
                    "mean": values.mean(),
                    "std": values.std() if len(values) > 1 else np.nan,
                    "lowest": values.min(),
                    "highest": values.max(),
                    "runs": len(values),
                    "parameters": int(group.parameters.iloc[0]),
                    "seconds": group.seconds.mean(),
                }
            )
    return pd.DataFrame(rows)


def markdown(runs: pd.DataFrame) -> str:
    """Return the table with what a reader must know to judge it."""
    names = ("network", "lecture", "accuracy on", "published", "ours", "runs", "parameters")
    lines = [f"| {' | '.join(names)} | seconds per run |", "| --- " * 8 + "|"]
    notes = []
    for row in summarise(runs).itertuples():
        published = "not printed" if pd.isna(row.published) else f"{row.published:.4f}"
        ours = f"{row.mean:.4f}" + ("" if pd.isna(row.std) else f" ± {row.std:.4f}")
        if not pd.isna(row.published) and row.published - row.mean > TOLERANCE:
            if row.network not in EXPLAINED:
                gap = row.published - row.mean
                raise SystemExit(
                    f"{row.network} is {gap:.4f} below its lecture: say why in EXPLAINED"
                )
            notes.append(f"*{row.network}:* {EXPLAINED[row.network]}")
            ours += " *"
        cells = (row.network, row.lecture, row.images, published, ours, row.runs)
        lines.append(
            "| " + " | ".join(map(str, cells)) + f" | {row.parameters:,} | {row.seconds:.0f} |"
        )
    return "\n\n".join(["\n".join(lines), *notes, _conditions(runs)]) + "\n"


def _conditions(runs: pd.DataFrame) -> str:
    names = [ck.models.LECTURES[name].dataset for name in runs.recipe]
    data = dict(zip(names, runs.data, strict=True))
    digests = ", ".join(f"{name} {value[:12]}" for name, value in data.items())
    return (
        "*Ours: mean ± standard deviation over seeds 0, 1, … of the published recipe on the "
        "whole data set, each network after its last epoch. Seconds of training, evaluation left "
        "out, two runs at a time while the machine did other work. "
        f"Data (SHA-256 of the arrays): {digests}. "
        f"Versions: {'; '.join(sorted(set(runs.versions)))}. "
        f"Machine: {'; '.join(sorted(set(runs.device)))}. "
        "Every run: `coursekit/results/reproduction.csv`; `make reproduce` repeats it.*"
    )


def write(runs: pd.DataFrame) -> None:
    """Write the runs and the tables made from them."""
    table = markdown(runs)
    RESULTS.mkdir(exist_ok=True)
    runs.to_csv(RESULTS / "reproduction.csv", index=False, float_format="%.6g", lineterminator="\n")
    (RESULTS / "reproduction.md").write_text(table, encoding="utf-8")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    between = re.compile(r"(<!-- reproduction -->\n).*(<!-- /reproduction -->)", re.DOTALL)
    readme.write_text(
        between.sub(lambda m: m[1] + "\n" + table + "\n" + m[2], text), encoding="utf-8"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m staff.reproduce", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("recipes", nargs="*", help="ids of the lectures' networks; all by default")
    parser.add_argument("--workers", type=int, default=2, help="runs at a time, one thread each")
    parser.add_argument("--tables", action="store_true", help="train nothing")
    options = parser.parse_args(arguments)
    for name in options.recipes:
        if name not in ck.models.LECTURES:
            parser.error(f"no recipe {name}; choose of {', '.join(ck.models.LECTURES)}")
    stored = RESULTS / "reproduction.csv"
    runs = pd.read_csv(stored) if stored.exists() else pd.DataFrame()
    if not options.tables:
        recipes = options.recipes or list(ck.models.LECTURES)
        runs = merge(runs, reproduce(recipes, options.workers))
    write(runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
