# %% [markdown]
# # 07 Hyperparameter sweeps
#
# **A sweep answers which choices matter only if its runs are repeated, kept, and compared with their spread.**
#
# You will find out which networks cannot even be built, sweep learning rates and batch sizes, learn when a difference is a difference, finish an experiment that a lecture had to stop, and let a search choose for you. A crash in the middle will cost you nothing.
#
# *Time:* about two hours with all exercises; running every cell takes about a minute on two cores.
# *Before this lesson:* lesson 05, whose network is varied here. Lesson 03 helps with the loss.
#
# After this lesson you will be able to
#
# - predict which architectures leave nothing of an image, and mend them in three ways;
# - write a grid of settings and run it so that it survives a crash;
# - report mean and spread, and say whether two settings differ at all;
# - weigh accuracy against parameters and time;
# - search with Optuna, stop hopeless trials early, and ask which factors mattered;
# - run the same sweep on a cluster.
#
# **Notation.**
#
# | symbol | meaning |
# | --- | --- |
# | **hyperparameter** | a number or choice that training does not learn: learning rate, batch size, layers |
# | **setting** | one value for each hyperparameter (factor) of a sweep |
# | **trial**, **run** | one training with one setting and one seed |
# | $n$ | runs of a setting, each with another seed |
# | $\bar a$, $s$ | mean and standard deviation of its $n$ accuracies |
# | `C`, `S`, `P3` | valid 3x3 convolution; the same with padding "same"; max pooling by 3 |

# %%
import contextlib
import tempfile
import time
from pathlib import Path

import coursekit as ck
import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

ck.setup(seed=0)

# %% [markdown]
# ## Some networks leave nothing of the image
#
# Whoever varies an architecture soon meets Keras' `ValueError: Computed output size would be zero or negative`. Butler (2023) warns of it: each convolution and each pooling makes the maps smaller, until one layer has too few pixels to work on. The rules are those of lesson 05. A layer turns maps of side $H$ into maps of side
#
# $$H - 2 \ \text{(C)}, \qquad H \ \text{(S)}, \qquad \lfloor H / z \rfloor \ \text{(P}z\text{)}.$$
#
# Worked number: `C P2 C P2 C`, the convolutions of `cnn-93k`, turns 28 into 26, 13, 11, 5 and 3. Its neighbour `C P2 C P2 C P4` has a larger last pool: $\lfloor 3 / 4 \rfloor = 0$. Nothing is left.

# %% tags=["nbval-check-output"]
words, sides = ["C", "P2", "C", "P2", "C", "P4"], [28]
for word in words:
    sides.append(sides[-1] - 2 if word == "C" else sides[-1] // int(word[1:]))
print("sides:", sides)

figure, ax = plt.subplots(figsize=(6.5, 3))
ax.bar_label(ax.bar(["image", *(f"{n}. {word}" for n, word in enumerate(words, 1))], sides))
ax.set(ylabel="side of the maps")
ck.plots.show(figure, alt="The side of the maps falls from 28 to 0; Figure 7.1 describes it.")

# %% [markdown]
# *Figure 7.1.* The side of the maps after each layer of `C P2 C P2 C P4`: 28, 26, 13, 11, 5, 3, and 0. The last pooling asks for windows of 4 by 4 where there are 3 by 3 pixels.
#
# ### Exercise 7.1: follow the shapes
#
# Ten architectures, each for images of 28 by 28:
#
# | | architecture | | architecture |
# | --- | --- | --- | --- |
# | A | `C P2 C P2 C` | F | `C C P4 C P2` |
# | B | `C P2 C P2 C P2` | G | `C P3 C P3 C` |
# | C | `C P2 C P3 C P2` | H | `S P2 C C C P2` |
# | D | `C C P4 C P4 C` | I | `C P2 C P2 C P4` |
# | E | `S P2 S P2 S P2 S P2` | J | `P2 C P3 C C` |
#
# **a.** `sides`: the side of the last maps of A, B, …, J; 0 where some layer leaves nothing. A list of 10 numbers, by hand.
#
# <details><summary>Hint</summary>
#
# Write the chain of sides under each architecture, as Figure 7.1 does. What is left over in pooling is dropped. Once a chain has reached 0 it stays there.
#
# </details>

# %% coursekit={"exercise": "7.1a", "role": "answer", "points": 2}
### BEGIN SOLUTION
sides = [3, 1, 0, 0, 1, 2, 0, 4, 0, 0]
### END SOLUTION

# %% coursekit={"exercise": "7.1a", "role": "check"}
ck.checks.sides_by_hand(sides)

# %% coursekit={"exercise": "7.1a", "role": "grade", "points": 2, "judge": "check"}
answer = [sides]

# %% [markdown]
# ## A sweep is a table: one row for each trial
#
# `ck.sweep.run(trial, configurations)` calls `trial(seed=…, **configuration)` for each configuration and returns a table. The trial returns a dictionary of what should be noted. If it raises, its row says why, and the sweep goes on: an error in row 7 must not cost the other rows. This first trial trains nothing. It only builds the ten architectures, with 8 kernels a convolution and a dense layer of ten units after the maps. Does Keras agree with your list?
#
# **Predict, then run.** Of A and B, B has one layer more. Which has more parameters?
#
# <details><summary>Answer</summary>
#
# A. The additional pooling has no parameters, and it leaves 8 numbers to the dense layer where A leaves $3 \cdot 3 \cdot 8 = 72$. Pooling is how a deeper network gets cheaper.
#
# </details>


# %%
def build(architecture):
    """Return the network that a line such as "C P2 C" describes."""
    layers = [keras.layers.Input((28, 28, 1))]
    for word in architecture.split():
        if word[0] == "P":
            layers.append(keras.layers.MaxPooling2D(int(word[1:])))
        else:
            padding = "same" if word == "S" else "valid"
            layers.append(keras.layers.Conv2D(8, 3, padding=padding, activation="relu"))
    head = [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    return keras.Sequential([*layers, *head])


# %%
architectures = "C P2 C P2 C, C P2 C P2 C P2, C P2 C P3 C P2, C C P4 C P4 C, S P2 S P2 S P2 S P2"
architectures += ", C C P4 C P2, C P3 C P3 C, S P2 C C C P2, C P2 C P2 C P4, P2 C P3 C C"


def count(seed, architecture):
    """A trial that builds a network and counts its parameters."""
    return {"parameters": build(architecture).count_params()}


table = ck.sweep.run(count, ck.sweep.grid(architecture=architectures.split(", ")))
for row in table.itertuples():
    found = row.error.split(":")[0] if row.error else f"{row.parameters:,.0f} parameters"
    print(f"{'ABCDEFGHIJ'[row.Index]}  {row.architecture:20} {found}")

# %% [markdown]
# ### Three remedies
#
# Half of them collapse. Butler (2023) names three ways out:
#
# 1. **fewer layers**: stop before the layer that has too few pixels;
# 2. **smaller pools**: 2 is the smallest that does anything;
# 3. **padding "same"** for the convolutions, which then cost no pixels.
#
# **b.** `mend(architecture)` returns three architectures, one for each remedy, in this order:
#
# - the longest beginning that leaves something: layers are dropped at the end only;
# - the same layers, with every pool of size 2;
# - the same layers, with every `C` turned into an `S`.
#
# Example: `mend("C P2 C P2 C P4")` returns `("C P2 C P2 C", "C P2 C P2 C P2", "S P2 S P2 S P4")`. An architecture that survives is its own longest beginning. Pools may have two digits, such as `P12`.
#
# <details><summary>Hint</summary>
#
# Follow the sides as you did by hand, or `try` to `build` the network and catch the `ValueError`. Drop the last word until something is left. `architecture.split()` and `" ".join(words)` take a line apart and put it together again.
#
# </details>


# %% coursekit={"exercise": "7.1b", "role": "answer", "points": 3}
def mend(architecture):
    """Fewer layers, smaller pools, padding "same": str -> (str, str, str)."""

    ### BEGIN SOLUTION
    def survives(words):
        side = 28
        for word in words:
            side = side // int(word[1:]) if word[0] == "P" else side - 2 * (word == "C")
            if side < 1:
                return False
        return True

    words = architecture.split()
    fewer = next(words[:n] for n in range(len(words), 0, -1) if survives(words[:n]))
    smaller = ["P2" if word[0] == "P" else word for word in words]
    same = [word.replace("C", "S") for word in words]
    return " ".join(fewer), " ".join(smaller), " ".join(same)
    ### END SOLUTION


# %% coursekit={"exercise": "7.1b", "role": "check"}
ck.checks.mend(mend)

# %% coursekit={"exercise": "7.1b", "role": "grade", "points": 3}
rng = np.random.default_rng(SEED)
words = ["C", "C", "S", "P2", "P3", "P4", "P11"]
lines = [" ".join(["C", *rng.choice(words, size=6)]) for _ in range(12)]
answer = [[ord(letter) for letter in mended] for line in lines for mended in mend(line)]

# %% [markdown]
# Each remedy has its price. Fewer layers see less of the image at once. Smaller pools leave larger maps, so the dense layer after them grows. Padding shows the kernels zeros that are not there. And none of them always helps: five pools by 2 leave nothing of 28 pixels, whatever the convolutions do.
#
# ## Write down the grid before you run it
#
# A **grid** holds every combination of the factors' values. `ck.sweep.grid(rate=[0.01, 0.1], units=[32, 64])` gives four settings. Each is tried with several seeds; `repeats=3` means the seeds 0, 1 and 2. Count before you run: worked number, 4 rates, 3 batch sizes and 5 repeats are $4 \cdot 3 \cdot 5 = 60$ trainings. Each further factor multiplies.
#
# ### Exercise 7.2: `sweep_rates(trial)`
#
# Sweep the learning rates 0.001, 0.003 and 0.01 with the batch sizes 32 and 128, every combination, with four seeds each, and return the table of `ck.sweep.run`.
#
# - `trial`: a function that is called as `trial(seed=…, rate=…, batch=…)`.
# - Returns a DataFrame with 24 rows.
#
# <details><summary>Hint</summary>
#
# The factors' names are those of the trial's arguments: `rate` and `batch`. `seed` is none of them; `ck.sweep.run` counts the seeds itself.
#
# </details>


# %% coursekit={"exercise": "7.2", "role": "answer", "points": 2}
def sweep_rates(trial):
    """Six settings, four seeds each: the table of all runs."""
    ### BEGIN SOLUTION
    settings = ck.sweep.grid(rate=[0.001, 0.003, 0.01], batch=[32, 128])
    return ck.sweep.run(trial, settings, repeats=4)
    ### END SOLUTION


# %% coursekit={"exercise": "7.2", "role": "check"}
ck.checks.sweep_rates(sweep_rates)

# %% coursekit={"exercise": "7.2", "role": "grade", "points": 2}
weights = np.random.default_rng(SEED).normal(size=3)


def weighted(seed, rate, batch):
    """A trial whose accuracy tells its seed and setting."""
    return {"accuracy": float(weights @ [seed, 100 * rate, batch / 100])}


columns = ["rate", "batch", "seed", "accuracy"]
answer = sweep_rates(weighted).sort_values(columns)[columns].to_numpy(float)


# %% [markdown]
# ## Sweep something small first
#
# Sixty trainings of a convolutional network on all of MNIST take about an hour. So begin with something that takes seconds: 1,000 images and a dense network. Butler (2023) advises the same. This one is scikit-learn's; it is the network of lesson 04 with 64 hidden units (ReLU, Adam, cross-entropy), and it starts without TensorFlow's second of preparation.
#
# The accuracy is measured on 1,000 *other training images*, the **validation** images. The test images stay out of it. Whoever picks the best of sixty runs by their test accuracy has fitted the test set.

# %%
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

mnist = ck.load_mnist()
pixels = mnist.x_train[:2000].reshape(-1, 784) / np.float32(255)
x, x_val, y, y_val = pixels[:1000], pixels[1000:], mnist.y_train[:1000], mnist.y_train[1000:2000]


def network(seed, rate, batch, units=64):
    """A dense network with one hidden layer, not yet trained."""
    return MLPClassifier((units,), learning_rate_init=rate, batch_size=batch, random_state=seed)


# %%
def train_dense(seed, rate, batch):
    """A trial: five epochs on 1,000 images."""
    begin = time.perf_counter()
    model = network(seed, rate, batch)
    with threadpool_limits(1):  # so small a network is fastest on one processor core
        for _ in range(5):
            model.partial_fit(x, y, classes=range(10))
    seconds = time.perf_counter() - begin
    parameters = sum(weights.size for weights in model.coefs_ + model.intercepts_)
    accuracy = model.score(x_val, y_val)
    return {"parameters": parameters, "accuracy": accuracy, "seconds": seconds}


# %% [markdown]
# ## A journal makes a sweep survive
#
# Laptops close, kernels die, clusters have time limits. With a **journal**, every finished trial is written to a file at once, before the next one starts. The same call with the same journal goes on where it stopped, and repeats nothing. So a sweep may also grow: one repeat first, to see whether it works at all; then five.
#
# **Predict, then run.** The first call runs 12 trials, the second asks for 60. How many does the second one run?
#
# <details><summary>Answer</summary>
#
# 48. The trials with seed 0 are in the journal. Even their seconds are the same, to the last digit: nobody measured them again.
#
# </details>

# %%
folder = tempfile.TemporaryDirectory()  # for your own sweeps, use a folder that stays
journal = Path(folder.name) / "rates.jsonl"
settings = ck.sweep.grid(rate=[0.001, 0.003, 0.01, 0.03], batch=[16, 64, 256])

first = ck.sweep.run(train_dense, settings, repeats=1, journal=journal)
table = ck.sweep.run(train_dense, settings, repeats=5, journal=journal)

kept = table[table["seed"] == 0]["seconds"].tolist() == first["seconds"].tolist()
print(f"{len(first)} trials, then {len(table)}; the first were kept: {kept}")
print("lines in the journal:", len(journal.read_text().splitlines()), "with its head")

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.4), sharey=True)
ck.plots.one_factor(table, "rate", by="batch", ax=axes[0])
ck.plots.one_factor(table, "batch", by="rate", ax=axes[1]).set_ylabel("")
ck.plots.show(figure, alt="Accuracy over rate and over batch size; Figure 7.2 describes it.")

figure = ck.plots.parallel_coordinates(table, ["rate", "batch"])
ck.plots.show(figure, alt="Twelve lines over rate, batch, accuracy; Figure 7.3 describes them.")

# %% [markdown]
# *Figure 7.2.* Validation accuracy over the learning rate, a curve for each batch size (left), and over the batch size, a curve for each learning rate (right). Points are means of five runs, bars their standard deviation.
#
# *Figure 7.3.* Parallel coordinates: each line is one setting, from its learning rate over its batch size to its mean accuracy. The three best have a colour and a marker.
#
# **Read it before you read on.** Which learning rate is best?
#
# <details><summary>Answer</summary>
#
# The question has no answer: it depends on the batch size. The curves on the left peak at different places. With batches of 16, the largest rate is too large. With batches of 256 there are sixteen times fewer steps in an epoch, and the smallest rate is far too small. Had you swept the rate at one batch size and then the batch size at one rate, you would have missed that. Factors that depend on each other must be swept together.
#
# </details>
#
# ## One run fools
#
# Two lectures train the same network in the same way: 784 inputs, 128 hidden units, Adam, five epochs. Dillon (2019) uses one-hot labels and publishes 0.9782; Butler (2023) uses integer labels and publishes 0.9737. Are one-hot labels better? Both losses are the same number (lesson 03). So the difference must come from elsewhere, and the first suspect is chance: other starting weights, another order of the batches. The course has repeated both recipes on all of MNIST, with three seeds each. A setting's $n$ accuracies $a_1, \dots, a_n$ have
#
# $$\bar a = \frac{1}{n} \sum_i a_i, \qquad s = \sqrt{\frac{1}{n - 1} \sum_i (a_i - \bar a)^2}.$$
#
# Worked number, the three runs of Dillon's recipe:
#
# $$\bar a = \frac{0.9757 + 0.9767 + 0.9763}{3} = 0.9762,$$
#
# $$s = \sqrt{\frac{0.00053^2 + 0.00047^2 + 0.00007^2}{2}} = 0.0005.$$

# %% tags=["nbval-check-output"]
lectures = ck.sweep.stored("reproduction")
same = {name: lectures[lectures["recipe"] == name] for name in ("dense-128", "dense-128-sparse")}
runs = {name: part.sort_values("seed")["accuracy"].to_numpy() for name, part in same.items()}
published = {name: ck.models.LECTURES[name].published["test_accuracy"] for name in runs}
for name, a in runs.items():
    print(f"{name:17} {a.round(4)}  mean {a.mean():.4f}  s {a.std(ddof=1):.4f}")

figure, ax = plt.subplots(figsize=(7, 2))
ck.plots.repeats(runs, marks=published, measure="test accuracy", ax=ax)
ck.plots.show(figure, alt="Three runs of each of two recipes; Figure 7.4 describes them.")

# %% [markdown]
# *Figure 7.4.* The runs of two recipes that differ only in how labels are written (dots), their mean and standard deviation (bars below the dots), and the single run that each lecture published (crosses). The crosses lie further apart than the means do. Whatever made the lectures differ, chance or another version of Keras, it was not how labels are written.
#
# ### Exercise 7.3: mean, spread, and whether two settings differ
#
# **a.** `mean_and_spread(accuracies)` returns the two numbers $\bar a$ and $s$ for an array of $n \ge 2$ accuracies.
#
# Example: `mean_and_spread(np.array([0.97, 0.98, 0.99]))` returns `(0.98, 0.01)`.
#
# <details><summary>Hint</summary>
#
# NumPy's `std` divides by $n$ unless told otherwise.
#
# </details>


# %% coursekit={"exercise": "7.3a", "role": "answer", "points": 1}
def mean_and_spread(accuracies):
    """Mean and standard deviation of a sample: (n,) -> (float, float)."""
    ### BEGIN SOLUTION
    return accuracies.mean(), accuracies.std(ddof=1)
    ### END SOLUTION


# %% coursekit={"exercise": "7.3a", "role": "check"}
ck.checks.mean_and_spread(mean_and_spread)

# %% coursekit={"exercise": "7.3a", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer = [[float(v) for v in mean_and_spread(rng.normal(0.9, 0.05, n))] for n in (2, 5, 9)]

# %% [markdown]
# Is a difference large? Compare it with what chance does to it. A mean of $n$ runs scatters less than one run does: its variance is $s^2 / n$. The variances of two means add up, so their difference is measured in units of
#
# $$t = \frac{\bar a - \bar b}{\sqrt{s_a^2 / n_a + s_b^2 / n_b}} \qquad \text{(Welch, 1947)}.$$
#
# **b.** `welch_t(a, b)` returns $t$ for two arrays of accuracies, which may differ in length.
#
# - Positive where the first setting has the higher mean.
# - Example: `welch_t(np.array([0.97, 0.98, 0.99]), np.array([0.972, 0.978]))` is about 0.77.
#
# <details><summary>Hint</summary>
#
# Take $\bar a$ and $s$ from part a. It is the variances that are divided and added; the root comes last.
#
# </details>


# %% coursekit={"exercise": "7.3b", "role": "answer", "points": 2}
def welch_t(a, b):
    """Difference of two means in units of its own spread: (n,), (m,) -> float."""
    ### BEGIN SOLUTION
    (mean_a, s_a), (mean_b, s_b) = mean_and_spread(a), mean_and_spread(b)
    return (mean_a - mean_b) / np.sqrt(s_a**2 / len(a) + s_b**2 / len(b))
    ### END SOLUTION


# %% coursekit={"exercise": "7.3b", "role": "check"}
ck.checks.welch_t(welch_t)

# %% coursekit={"exercise": "7.3b", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
sizes = [(3, 5), (2, 7), (6, 4)]
answer = [float(welch_t(rng.normal(0.9, 0.05, n), rng.normal(0.9, 0.02, m))) for n, m in sizes]

# %% [markdown]
# SciPy computes the same $t$, and with it $p$: how often chance alone would give so large a $|t|$ if there were no difference at all. A small $p$, below 0.05 by custom, speaks for a difference. A large one says that these runs cannot tell, which is not the same as "equal". The first line below is the question of the labels.
#
# The table holds the best setting of our sweep against the others. Its last column says how often you would have been fooled: the share of all pairs, one run of each setting, in which the *other* setting came out ahead (a tie counts half).

# %%
from scipy.stats import mannwhitneyu, ttest_ind

groups = {key: part["accuracy"] for key, part in table.groupby(["rate", "batch"])}
best = max(groups, key=lambda key: groups[key].mean())
rows = []
for (rate, batch), a in groups.items():
    p = ttest_ind(groups[best], a, equal_var=False).pvalue
    fooled = mannwhitneyu(a, groups[best]).statistic / (len(a) * len(groups[best]))
    rows.append((rate, batch, a.mean(), a.std(), p, fooled))
t, p = ttest_ind(*runs.values(), equal_var=False)
print(f"one-hot against integer labels: t = {t:.2f}, p = {p:.2f}")
columns = ["rate", "batch", "mean", "s", "p", "fooled"]
pd.DataFrame(rows, columns=columns).sort_values("mean", ascending=False).round(3)

# %% [markdown]
# The first row is the best setting against itself: $p = 1$, and a single run decides like a coin. The rows below it are hardly better: several settings cannot be told from the best with five runs each, and with one run each, the worse setting would have come out ahead in a fifth to a half of all cases. The last rows are clearly worse; there, any run tells.
#
# Two warnings. Of twenty comparisons between equals, on average one falls below 0.05 by chance, so a long table always has a "finding". And the best mean of many is partly luck: measure the winner again, with new seeds, before you believe its number.
#
# ## Six variants of one network
#
# Butler (2023) trains `cnn-93k` and five variations of it, one run each, and stops the last one in its third epoch because it takes too long. With `ck.sweep.train`, a trial that trains any network of the lectures, the sweep is two lines. It is live here, on 1,000 images for two epochs, to see that all six can be built and trained. The seventh row is the course's one-cycle recipe of lesson 05.

# %%
variants = {
    "cnn-93k-adam": "as it was",
    "sweep-fewer-layers": "fewer layers",
    "sweep-no-hidden-dense": "no hidden dense",
    "sweep-more-filters": "more filters",
    "sweep-extra-pooling": "extra pooling",
    "sweep-fewer-pools": "fewer pools",
}
settings = ck.sweep.grid(recipe=list(variants), schedule=["lecture"], images=[1000], epochs=[2])
settings.append(settings[0] | {"schedule": "one-cycle"})
small = ck.sweep.run(ck.sweep.train, settings)
small[["recipe", "schedule", "parameters", "accuracy", "seconds"]].round(3)

# %% [markdown]
# One run each, on few images: after all you have read, this table decides nothing. The next one holds all 60,000 images and the published five epochs, three seeds each. That takes too long for a lesson, so its table ships with the course; `make reproduce` makes it again. The sixth variant, which the lecture never saw finish, is among them.


# %%
def multiplications(name):  # millions for one image
    layers = [la for la in ck.models.LECTURES[name].build().layers if la.weights]
    return sum(np.prod(la.output.shape[1:-1]) * np.prod(la.kernel.shape) for la in layers) / 1e6


six = lectures.assign(variant=lectures["recipe"].map(variants)).dropna(subset="variant")
a = six.groupby("variant")["accuracy"].agg(list)
recipe = six.groupby("variant")["recipe"].first()
summary = ck.sweep.summary(six, "variant").drop(columns="runs")
summary["p"] = a.map(lambda b: ttest_ind(a["as it was"], b, equal_var=False).pvalue)
summary["multiplications"] = recipe.map(multiplications)
summary["published"] = recipe.map(lambda r: ck.models.LECTURES[r].published.get("test_accuracy"))
ck.plots.show(ck.plots.tradeoff(six, "variant", "accuracy"), alt="Accuracy over cost; Figure 7.5.")
summary.round(4).round({"p": 2, "seconds": 0, "multiplications": 1})

# %% [markdown]
# *Figure 7.5.* Test accuracy of the six variants on all of MNIST against their parameters (left) and against the seconds of a training (right). Points are means of three runs, bars their standard deviation. One processor core each, other work beside it: differences of a few seconds mean nothing, and yours will differ. In the table, $p$ is that of Welch's test against the original.
#
# **Read it before you read on.** Which variants are worth their price? Which published differences would you believe?
#
# <details><summary>What to look for</summary>
#
# The test set itself limits what can be seen. With 10,000 images, an accuracy of 0.99 has a standard error of $\sqrt{0.99 \cdot 0.01 / 10000} = 0.001$, however often you train. And chance adds to it: three runs of the unchanged network lie between 0.9895 and 0.9922. That range is as wide as the gap between the 0.9891 that the lecture published for it and the 0.9919 of its best variant. So single runs that differ in the third decimal say nothing; a gap of one hundredth does.
#
# Extra pooling ($p = 0.03$) and fewer layers ($p = 0.01$) are worse than the original. The other three cannot be told from it ($p$ from 0.30 to 0.85), so the price decides: the original takes less than half the time of "more filters" and of "fewer pools". "No hidden dense" does it with a third fewer parameters, in the same time.
#
# Parameters measure neither quality nor time. The variant with the most of them, "fewer layers", has by far the fewest multiplications: nearly all its weights sit in a dense layer, where each is used once for an image. A weight of a convolution is used at every place of the map. That is also why "fewer pools" takes so long: 1.7 times the parameters of the original, but more than three times its multiplications, because its maps stay large.
#
# </details>
#
# ## The same accuracy in less time
#
# Not only architectures can be swept. Lesson 05 trained with one cycle of the learning rate: up to a high peak, then down to 0, and done after few epochs. What does that gain over the lectures' recipes? Here `cnn-93k` gets one epoch in batches of 32 (lecture: five, 64), and `cnn-515k` two in batches of 128 (lecture: twenty, 32). The next table compares both on all of MNIST, three seeds each, the two recipes in turns on the same machine. "Reached" counts the runs, of three, that after some epoch were at least as accurate as the lecture published.
#
# One confession: epochs and batch sizes of the one-cycle rows were chosen after a look at the *test* accuracy of a few runs, which this lesson forbids. So their accuracies are slightly optimistic.

# %%
bench = ck.sweep.stored("bench")
trained = bench[bench["bench"] == "training"]
seconds = trained.pivot(index=["network", "seed"], columns="recipe", values="seconds")
ratio = seconds["lecture"] / seconds["one-cycle"]
for name, r in ratio.groupby("network"):
    print(f"{name}: the lecture's takes {r.min():.1f} to {r.max():.1f} times as long, seed by seed")

recipes = trained.groupby(["network", "recipe"])
compared = recipes[["epochs", "batch_size"]].first().astype(int)
compared[["mean", "std"]] = recipes["accuracy"].agg(["mean", "std"])
compared[["seconds", "longest"]] = recipes["seconds"].agg(["median", "max"])
compared["reached"] = recipes["seconds_to_published"].count()
compared.round({"mean": 4, "std": 4, "seconds": 0, "longest": 0})

# %% [markdown]
# Read accuracy and seconds together: a recipe that is faster and less accurate has won nothing. And remember that a recipe is a setting with several factors. Here batch size, schedule, peak rate and epochs changed at once, so the table says that the whole is faster, not which part of it.
#
# ## A search learns from its own trials
#
# A grid treats all settings alike, also the hopeless ones. A **search** looks at what it has found so far. Optuna's default, the tree-structured Parzen estimator (TPE), asks which values are more frequent among its good trials than among the others, and tries more of those. **Pruning** stops a trial whose accuracy, after some epochs, lies below the median of the earlier trials. A search handles what a grid cannot: many factors, and ranges instead of lists.
#
# The **objective** asks the trial for its values and reports after each epoch. With Keras, the report stands in a callback's `on_epoch_end`.
#
# The search keeps a journal, too. To see what that is worth, let it crash: an error is raised in the middle of trial 12, and the search object is thrown away. A new one, opened from the same file, goes on.


# %%
def objective(trial):
    """Validation accuracy after six epochs, unless the trial is pruned."""
    rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
    batch = trial.suggest_int("batch", 16, 256, log=True)
    units = trial.suggest_int("units", 8, 256, log=True)
    model = network(seed=0, rate=rate, batch=batch, units=units)
    for epoch in range(6):
        model.partial_fit(x, y, classes=range(10))
        trial.report(model.score(x_val, y_val), epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return model.score(x_val, y_val)


# %%
optuna = ck.sweep.extra("optuna")


def open_search(path, seed):
    """Open the search that a file holds, or begin one there."""
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    return optuna.create_study(
        study_name="dense network",
        storage=optuna.storages.JournalStorage(backend),
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=6, n_warmup_steps=1),
        direction="maximize",
        load_if_exists=True,
    )


# %%
def crash(trial):
    """The objective, until the power fails."""
    return objective(trial) if trial.number < 12 else 1 / 0


if optuna is not None:
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    path = Path(folder.name) / "search.journal"
    with threadpool_limits(1), contextlib.suppress(ZeroDivisionError):
        open_search(path, seed=0).optimize(crash, n_trials=30)
    study = open_search(path, seed=1)
    print(f"after the crash, the journal holds {len(study.trials)} trials")

# %%
if optuna is not None:
    with threadpool_limits(1):
        study.optimize(objective, n_trials=30 - len(study.trials))
    trials = study.trials_dataframe()
    print(trials["state"].value_counts().to_dict())
    print(f"best: trial {study.best_trial.number}, {study.best_value:.3f}, {study.best_params}")
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    importances = optuna.importance.get_param_importances(study, evaluator=evaluator)
    figure = ck.plots.search(trials, importances)
    ck.plots.show(figure, alt="History of a search and three importances; see Figure 7.6.")

# %% [markdown]
# *Figure 7.6.* Left: the objective of each trial, complete (dots) or pruned (crosses, at their last report), and the best so far (line); the dotted line is the crash. Right: importances by functional analysis of variance (fANOVA): the share of the variation among complete trials that each factor explains.
#
# The crashed trial is in the journal as failed; no other was lost or repeated. Read importances with care: they hold for the ranges you allowed, and pruned trials, the worst, are not among them. A factor that was swept over a narrow range always looks unimportant. And mind how little thirty trials are: TPE draws its first ten at random, for it has nothing to learn from yet. In our run on the full data the best trial, number 6, is one of those. And one search is one run; another seed finds something else.
#
# The best value is optimistic here, too, for the reason above: retrain with new seeds, then use the test images, once.
#
# ## The same sweep on a cluster
#
# Trials do not need each other, so they can run anywhere. `ck.sweep.run` takes an **executor** in the sense of Python's `concurrent.futures`, and hands it the trials. `ck.sweep.processes()` uses all cores of this computer, for trials that can be imported, such as `ck.sweep.train`. With `dask.distributed`, the executor is a cluster. Below it is a small one: two worker processes on this computer, connected as machines would be.

# %%
distributed = ck.sweep.extra("dask.distributed")
if distributed is not None:
    settings = ck.sweep.grid(rate=[0.001, 0.003, 0.01, 0.03], batch=[16, 64, 256])
    quiet = {"dashboard_address": None, "silence_logs": "CRITICAL"}
    with (
        distributed.LocalCluster(2, threads_per_worker=1, **quiet) as cluster,
        distributed.Client(cluster) as client,
    ):
        again = ck.sweep.run(train_dense, settings, executor=client.get_executor())
    close = np.abs(again["accuracy"] - first["accuracy"]) < 0.01
    print(f"{len(again)} trials on two workers; as in one process: {close.sum()}")

# %% [markdown]
# On a real cluster one line changes: `distributed.Client("tcp://the-scheduler:8786")`, with the address that `dask scheduler` prints, or a `SLURMCluster` of the package `dask-jobqueue` in place of `LocalCluster`. The workers need the same packages. If one is lost, dask gives its trials to another. If all are, the journal has what was finished.
#
# ## Summary
#
# - Valid convolutions cost two pixels, pools divide; fewer layers, smaller pools or padding "same" mend what collapses.
# - A sweep is a table with a row for each run, errors included; a journal lets it survive and grow.
# - Factors that depend on each other are swept together: the best learning rate grows with the batch size.
# - One run fools. Report $\bar a \pm s$ and $n$; ask Welch's $t$ before you claim a difference.
# - Choose on validation images; use the test images once, at the end.
# - A search learns from its own trials, once it has some; pruning stops the hopeless ones; only the executor changes on a cluster.
#
# ## Quiz
#
# **1.** What is left of 28 pixels after `C P3 C P3 C`, and with padding "same"? **2.** Three factors with 4, 3 and 2 values, 5 repeats: how many trainings? **3.** Setting A reached 0.9913, B 0.9919, one run each on 10,000 test images. Which is better? **4.** Twice the batch size, the same epochs, lower accuracy. What do you try first? **5.** A search finds 0.91 on its validation images. Why will the test accuracy probably be lower?
#
# <details><summary>Answers</summary>
#
# **1.** Nothing: 26, 8, 6, 2, and 2 pixels are too few for a kernel of 3. With "same" 3. **2.** 120. **3.** Nobody knows: the standard error of the test set alone is 0.001. **4.** A larger learning rate, or more epochs: there are half as many steps. **5.** It is the best of many on just these images; part of that was luck.
#
# </details>
#
# ## What comes next
#
# Lesson 08 does without most of the training: it starts from weights that somebody has optimised before.
#
# **References.** J. Butler, *Introduction to CNNs* (2023): the variants and the remedies. K. Dillon, *Deep Learning*, topic 10 (2019). B. L. Welch, *The generalization of "Student's" problem when several different population variances are involved*, Biometrika (1947). J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl, *Algorithms for hyper-parameter optimization*, NeurIPS (2011). T. Akiba et al., *Optuna: a next-generation hyperparameter optimization framework*, KDD (2019). F. Hutter, H. Hoos, K. Leyton-Brown, *An efficient approach for assessing hyperparameter importance*, ICML (2014). X. Bouthillier et al., *Accounting for variance in machine learning benchmarks*, MLSys (2021).
