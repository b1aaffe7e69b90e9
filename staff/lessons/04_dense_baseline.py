# %% [markdown]
# # 04 A dense baseline on MNIST
#
# **Before a convolutional network may claim anything, a simpler model has to say what is easy.**
#
# You will train a dense network on handwritten digits, measure it honestly, and look at what it gets wrong. Its numbers are the bar that lesson 05 has to clear.
#
# *Time:* about two hours with all exercises; running every cell takes about a minute on two cores and the full data.
# *Before this lesson:* lesson 03, where models, losses and optimisers were introduced.
#
# After this lesson you will be able to
#
# - look at a set of labelled images before you train on it;
# - say what accuracy a model must beat to have learnt anything;
# - check a network in three cheap steps before the long training;
# - read training curves, and stop where learning turns into learning by heart;
# - read a confusion matrix, and find the mistakes that matter.
#
# **Notation.**
#
# | symbol | meaning |
# | --- | --- |
# | $N$ | number of images |
# | $C$ | number of **classes**, here 10 |
# | $y$ | **labels**, shape $(N,)$, integers from 0 to $C - 1$ |
# | $p$ | predicted **probabilities**, shape $(N, C)$; each row adds up to 1 |
# | $M$ | **confusion matrix**, shape $(C, C)$: rows true, columns predicted |

# %%
import time

import coursekit as ck
import keras
import numpy as np
import pandas as pd

ck.setup(seed=0)

# %% [markdown]
# ## Look before you learn
#
# MNIST is a set of 70,000 handwritten digits: 60,000 to learn from, 10,000 to be judged by. Each was scaled to fit into 20 by 20 pixels and centred in an image of 28 by 28 (LeCun 1998). The first thing to do with any data is to look.

# %%
mnist = ck.load_mnist()
print(mnist)
print("x_train", mnist.x_train.shape, mnist.x_train.dtype)
print("y_train", mnist.y_train.shape, mnist.y_train[:8])
print("pixels from", mnist.x_train.min(), "to", mnist.x_train.max())

# %%
figure = ck.plots.images(mnist.x_train[:30], titles=mnist.y_train[:30], columns=10)
ck.plots.show(figure, alt="Thirty handwritten digits in three rows, each under its label.")

# %% [markdown]
# *Figure 4.1.* The first thirty training images with their labels. Strokes differ in slant, width and shape; some digits would be hard to read without their label.
#
# **Predict, then run.** If all digits were equally frequent, each class would hold a tenth of the images. Will the ten bars be equal?
#
# <details><summary>Answer</summary>
#
# Nearly, not exactly. In MNIST the most frequent digit, 1, has about a quarter more examples than the rarest, 5. That is mild. With a strong **class imbalance**, a model can score well by ignoring the rare classes, and the accuracy alone would not show it.
#
# </details>

# %%
ax = ck.plots.label_histogram(mnist.y_train, mnist.class_names)
counts = np.bincount(mnist.y_train)
print(f"most frequent / rarest class: {counts.max() / counts.min():.2f}")
alt = f"Ten bars, one for each digit, from {counts.min():,} to {counts.max():,} training images."
ck.plots.show(ax.figure, alt=alt)

# %% [markdown]
# *Figure 4.2.* How many training images each digit has: on the full data from 5,421 (digit 5) to 6,742 (digit 1). The dashed line is the mean.
#
# ### Exercise 4.1: `normalise(images)`
#
# Networks learn best from numbers of the size of 1. Turn pixels from 0 to 255 into numbers from 0 to 1.
#
# - `images`: shape `(N, H, W)`, `uint8`. Returns the same shape, `float32`, black 0 and white 1.
# - Example: a pixel of 51 becomes 0.2. The images given must not change.
#
# <details><summary>Hint</summary>
#
# `images.astype("float32")` makes a copy with another dtype. What do you divide by, so that the brightest pixel becomes exactly 1?
#
# </details>


# %% coursekit={"exercise": "4.1", "role": "answer", "points": 1}
def normalise(images):
    """Pixels (N, H, W) uint8 in 0 to 255 -> float32 in 0 to 1."""
    ### BEGIN SOLUTION
    return images.astype("float32") / 255
    ### END SOLUTION


# %% coursekit={"exercise": "4.1", "role": "check"}
ck.checks.normalise(normalise)

# %% coursekit={"exercise": "4.1", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
batches = [rng.integers(240, size=shape, dtype=np.uint8) for shape in ((3, 4, 5), (2, 6, 3))]
results = [np.asarray(normalise(images)) for images in batches]
answer = [[r.itemsize, r, images] for r, images in zip(results, batches, strict=True)]  # unchanged

# %% [markdown]
# **Predict, then run.** One `uint8` pixel takes 1 byte, a `float32` number 4, a `float64` number 8. How many megabytes do 60,000 images of 28 by 28 pixels take in each?
#
# <details><summary>Answer</summary>
#
# About 47, 188 and 376 MB. NumPy's default is `float64`: dividing without `astype` doubles the memory, and the network would work in `float32` anyway.
#
# </details>

# %% tags=["nbval-check-output"]
pixels = 60_000 * 28 * 28
for dtype in ("uint8", "float32", "float64"):
    print(f"{dtype:8} {pixels * np.dtype(dtype).itemsize / 1e6:6.0f} MB")

(x_train, y_train), (x_test, y_test) = mnist
x_train = x_train.astype("float32") / 255
x_test = x_test.astype("float32") / 255
print("pixels are now", x_train.dtype, "from", x_train.min(), "to", x_train.max())

# %% [markdown]
# ### Exercise 4.2: `balanced_subset(y, n_per_class, rng)`
#
# While you try things out, a small part of the data is enough: tune on 5,000 images, train the final network on all 60,000. The part should be random, and no class should be rare in it by accident.
#
# - `y`: labels, shape `(N,)`. `rng`: a `numpy.random.Generator`, from which all randomness comes.
# - Returns the **indices** of the chosen examples: shape `(n_per_class * C,)`, no index twice, in any order.
# - Example: `y[balanced_subset(y, 2, rng)]` holds each class exactly twice.
#
# <details><summary>Hint</summary>
#
# `np.flatnonzero(y == c)` are the places of class `c`; `rng.choice(places, n, replace=False)` draws from them. `np.concatenate` joins what you drew.
#
# </details>


# %% coursekit={"exercise": "4.2", "role": "answer", "points": 2}
def balanced_subset(y, n_per_class, rng):
    """Draw n_per_class indices of each class, without replacement."""
    ### BEGIN SOLUTION
    places = [np.flatnonzero(y == c) for c in np.unique(y)]
    return np.concatenate([rng.choice(p, n_per_class, replace=False) for p in places])
    ### END SOLUTION


# %% coursekit={"exercise": "4.2", "role": "check"}
ck.checks.balanced_subset(balanced_subset)

# %% coursekit={"exercise": "4.2", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer, values = [], rng.normal(size=6)  # what is the same for every right choice
for sizes, n in (((30, 9, 14, 21), 5), ((8, 8, 8), 8), ((6, 50, 7, 9, 40, 11), 6)):
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    chosen = balanced_subset(y, n, rng)
    answer += [np.shape(chosen), np.sort(values[y[np.unique(chosen)]])]

# %% coursekit={"exercise": "4.2", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
y = rng.permutation(np.repeat([0, 1, 2], [60, 25, 40]))
groups = rng.permutation(12) // 3  # four seeds, three times each
draws = [balanced_subset(y, 8, np.random.default_rng([SEED, group])) for group in groups]
draws = np.sort(draws, axis=1)
same = (draws[:, np.newaxis] == draws).all(axis=2)
answer = same @ rng.normal(size=12)

# %% [markdown]
# ## Know what to beat
#
# An accuracy means nothing by itself. The first bar is the **majority baseline**: always answer the class that is most frequent in training. Whatever does not beat that has learnt nothing from the pictures.

# %%
majority = np.bincount(y_train).argmax()
accuracy = np.mean(y_test == majority)
table = {"majority": {"parameters": 0, "test accuracy": accuracy, "seconds": 0}}
print(f"always {majority}: {accuracy:.3f} of the test images are right")

# %% [markdown]
# ## A network of two dense layers
#
# The network flattens the picture into 784 numbers, passes them through 128 hidden units with ReLU, and ends in ten probabilities. A dense layer from $a$ inputs to $b$ units has $a \cdot b$ weights and $b$ biases. Worked number:
#
# $$784 \cdot 128 + 128 + 128 \cdot 10 + 10 = 100{,}480 + 1{,}290 = 101{,}770.$$

# %% tags=["nbval-check-output"]
model = keras.Sequential(name="dense-128")
model.add(keras.layers.Input((28, 28)))
model.add(keras.layers.Flatten())
model.add(keras.layers.Dense(128, activation="relu"))
model.add(keras.layers.Dense(10, activation="softmax"))

for layer in model.layers:
    print(f"{layer.__class__.__name__:8} {layer.output.shape!s:12} {layer.count_params():7,}")
print("parameters", model.count_params())

# %% [markdown]
# ### Three cheap checks before the long training
#
# **1. The loss before training.** An untrained network knows nothing and gives each class about a tenth. Its cross-entropy is then $-\log \tfrac{1}{10} = \log 10 \approx 2.30$. A very different number means that something is wrong with the inputs, the labels or the last layer.
#
# **2. Learn a handful by heart.** A network that cannot reach 100 % on 32 images will not do well on 60,000. This costs a second and finds most mistakes.

# %%
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
loss, _ = model.evaluate(x_test, y_test, verbose=0)
print(f"loss before training {loss:.2f}, log 10 = {np.log(10):.2f}")

# %%
model.fit(x_train[:32], y_train[:32], epochs=50, verbose=0)
loss, accuracy = model.evaluate(x_train[:32], y_train[:32], verbose=0)
print(f"on the 32 images it has seen: accuracy {accuracy:.2f}, loss {loss:.3f}")

# %% [markdown]
# **3. Start the real training afresh.** The model above has learnt 32 images by heart; that must not leak into what follows.
#
# A network together with the way it is trained is a **recipe**. The course keeps the recipes of five published lectures in `ck.models.LECTURES`, so that you can build any of them anew. You train three:
#
# | recipe | hidden units | optimiser | batch | published accuracy |
# | --- | --- | --- | --- | --- |
# | `linear` | none: one layer of ten outputs | Adam | 128 | |
# | `dense-128` (Dillon 2019) | 128 | Adam | 32 | 0.9782 |
# | `dense-256` (Bridge CS4619) | 256 | RMSprop, learning rate 0.003 | 128 | 0.9769 |
#
# All see every training image five times: five **epochs**. `recipe.targets` gives the labels as the recipe's loss wants them, integers or one-hot vectors.


# %%
def train(recipe):
    """Train a recipe's network and put its numbers into the table."""
    model = recipe.compile(recipe.build(), steps_per_execution=16)
    start = time.perf_counter()
    fit = {"batch_size": recipe.batch_size, "epochs": recipe.epochs, "verbose": 0}
    fit |= {"callbacks": [ck.models.progress_bar()]}
    model.fit(x_train, recipe.targets(y_train), **fit)
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(x_test, recipe.targets(y_test), verbose=0)
    row = {"parameters": model.count_params(), "test accuracy": accuracy, "seconds": seconds}
    table[recipe.id] = row
    return model


# %%
from coursekit.models import LECTURES, Recipe, dense, flatten

layers = (flatten(), dense(10, "softmax"))
linear = Recipe("linear", "this lesson", layers, parameters=7_850, batch_size=128)
linear_model = train(linear)
model = train(LECTURES["dense-128"])
wider_model = train(LECTURES["dense-256"])
pd.DataFrame.from_dict(table, orient="index").round({"test accuracy": 4, "seconds": 0})

# %% [markdown]
# Read the table from top to bottom. On the full data the linear model already reads about nine digits in ten: most of MNIST is easy. The hidden layer removes most of the errors that are left. The last row differs from the one above it in three things: width, optimiser and batch size. So this table cannot say which of them did what; lesson 07 shows how to find out.
#
# The published numbers are single runs. Yours will differ from them, and from run to run, in the third decimal; lesson 07 measures by how much.
#
# ## From probabilities to labels
#
# For each image the network gives ten probabilities. What does it believe about the first test image?

# %%
probabilities = model.predict(x_test, verbose=0)
print("probabilities", probabilities.shape)
print(np.round(probabilities[0], 3), "true label", y_test[0])

# %% [markdown]
# ### Exercise 4.3: `to_labels(probabilities)`
#
# Return the most probable class of each image.
#
# - `probabilities`: shape `(N, C)`. Returns shape `(N,)`, integers.
# - Example: `[[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]]` gives `[1, 0]`.
#
# <details><summary>Hint</summary>
#
# `np.argmax` returns the place of the largest entry; `axis` says along which axis it looks.
#
# </details>


# %% coursekit={"exercise": "4.3", "role": "answer", "points": 1}
def to_labels(probabilities):
    """Most probable class of each row: (N, C) -> (N,)."""
    ### BEGIN SOLUTION
    return probabilities.argmax(axis=1)
    ### END SOLUTION


# %% coursekit={"exercise": "4.3", "role": "check"}
ck.checks.to_labels(to_labels)

# %% coursekit={"exercise": "4.3", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer = [to_labels(rng.dirichlet(np.ones(c), size=n)) for n, c in ((20, 4), (15, 10), (9, 9))]

# %% [markdown]
# ## Which digits are taken for which?
#
# Accuracy is one number for ten classes. The **confusion matrix** $M$ keeps them apart: $M[i, j]$ counts the images of class $i$ that were taken for class $j$. Hits stand on the diagonal; each row adds up to the number of images of its class.
#
# ### Exercise 4.4: `confusion_matrix(y_true, y_pred, n_classes)`
#
# - `y_true`, `y_pred`: labels, shape `(N,)`. Returns shape `(n_classes, n_classes)`, counts, **rows true, columns predicted**.
# - Example: `y_true = [0, 1, 1]`, `y_pred = [1, 1, 1]`, two classes: `[[0, 1], [0, 2]]`.
#
# <details><summary>Hint</summary>
#
# Begin with zeros and add 1 for each pair. Beware: `matrix[y_true, y_pred] += 1` counts a pair that occurs ten times only once.
#
# </details>


# %% coursekit={"exercise": "4.4", "role": "answer", "points": 2}
def confusion_matrix(y_true, y_pred, n_classes):
    """Count pairs of labels: rows true, columns predicted."""
    ### BEGIN SOLUTION
    matrix = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(matrix, (y_true, y_pred), 1)
    return matrix
    ### END SOLUTION


# %% coursekit={"exercise": "4.4", "role": "check"}
ck.checks.confusion_matrix(confusion_matrix)

# %% coursekit={"exercise": "4.4", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer = []
for n, c in ((40, 3), (150, 5)):
    y_true, y_pred = rng.permutation(np.arange(n) % c), rng.integers(c, size=n)
    answer.append(confusion_matrix(y_true, y_pred, c))

# %% coursekit={"exercise": "4.4", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer = []
for n, seen, c in ((60, [0, 2, 3], 6), (90, [1, 4, 5], 7)):  # some classes never occur
    y_true, y_pred = rng.choice(seen, n), rng.choice(seen, n)
    answer.append(confusion_matrix(y_true, y_pred, c))

# %% [markdown] tags=["solution"]
# `np.add.at` adds for every pair, also for repeated ones. A loop `for i, j in zip(y_true, y_pred): matrix[i, j] += 1` does the same and is just as right.

# %%
y_pred = probabilities.argmax(axis=1)
matrix = ck.evaluation.confusion_matrix(y_test, y_pred)
ax = ck.evaluation.plot_confusion_matrix(matrix, mnist.class_names)
ck.plots.show(ax.figure, alt="Heat map of the confusion matrix; Figure 4.3 describes it.")

# %% [markdown]
# *Figure 4.3.* Confusion matrix of `dense-128` on the test images. Numbers are counts. Colours show the mistakes in percent of their row; the diagonal, grey, has no part in them. Nearly everything lies on it. Look for the strongest fields beside it: many are pairs of digits that look alike in handwriting. In the stored run the strongest is 9 taken for 4; yours may be another.
#
# ### Exercise 4.5: `recall_per_class(matrix)`
#
# The **recall** of a class is the share of its images that the model finds. Compute it from the confusion matrix.
#
# - `matrix`: shape `(C, C)`, rows true. Returns shape `(C,)`, numbers from 0 to 1; 0 for a class without examples.
# - Example: `[[3, 1], [2, 2]]` gives `[0.75, 0.5]`.
#
# <details><summary>Hint</summary>
#
# `np.diag(matrix)` are the hits. Which sum counts all images of a true class, that of its row or that of its column? `np.maximum(1, sums)` keeps you from dividing by 0.
#
# </details>


# %% coursekit={"exercise": "4.5", "role": "answer", "points": 1}
def recall_per_class(matrix):
    """Share of each true class that is found: (C, C) -> (C,)."""
    ### BEGIN SOLUTION
    return np.diag(matrix) / np.maximum(1, matrix.sum(axis=1))
    ### END SOLUTION


# %% coursekit={"exercise": "4.5", "role": "check"}
ck.checks.recall_per_class(recall_per_class)

# %% coursekit={"exercise": "4.5", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
matrices = [rng.integers(1, 50, (c, c)) for c in (3, 5, 8)]
matrices[1][rng.integers(5)] = 0  # a class without examples
answer = [recall_per_class(matrix) for matrix in matrices]

# %%
ck.evaluation.report(y_test, y_pred, mnist.class_names).round(3)

# %% [markdown]
# Recall asks: of all true 8s, how many were found? **Precision** asks the other way round: of all images called 8, how many are one? The **F1 score** is their harmonic mean.
#
# ### The worst mistakes are worth a look
#
# Sort the mistakes by how sure the network was of its wrong answer.

# %%
worst = ck.evaluation.worst_mistakes(probabilities, y_test, n=20)
titles = [f"{y_test[i]} as {y_pred[i]}" for i in worst]
figure = ck.plots.images(mnist.x_test[worst], titles=titles, columns=10)
ck.plots.show(figure, alt="Up to twenty digits that the network misread, surest mistake first.")

# %% [markdown]
# *Figure 4.4.* The surest mistakes; "9 as 4" is a 9 that was taken for a 4. Some you would misread yourself, and a few labels may be wrong. Others are plain to you. The network has no idea of strokes or neighbours: to a dense layer, a picture whose pixels were all shuffled by one fixed rule would be just as easy.
#
# ## When learning turns into learning by heart
#
# Five epochs were a guess. To see what more of them do, hold back a tenth of the training images as **validation** data, train for twenty epochs, and measure on both parts after each. (Dillon 2019 takes 3,300 of the test images instead. But whatever helps you choose has been seen, and cannot judge any more; so here the test images stay out of it.)
#
# **Predict, then run.** Will the validation loss fall for all twenty epochs?

# %%
recipe = LECTURES["dense-128-val"]
model = recipe.compile(recipe.build(), steps_per_execution=16)
order = np.random.default_rng(0).permutation(len(x_train))
x, y = x_train[order], recipe.targets(y_train)[order]
bar = ck.models.progress_bar()
options = {"epochs": recipe.epochs, "verbose": 0, "callbacks": [bar]}
history = model.fit(x, y, validation_split=0.1, **options).history

# %%
best = int(np.argmin(history["val_loss"])) + 1
print(f"lowest validation loss after epoch {best} of {recipe.epochs}")
figure = ck.plots.curves(history, title="dense-128, twenty epochs")
ck.plots.show(figure, alt="Loss and accuracy over twenty epochs; Figure 4.5 describes them.")

# %% [markdown]
# *Figure 4.5.* Left: the loss over the epochs. On the training images (solid, circles) it falls towards 0. On the validation images (dashed, squares) it falls first, then turns and rises. Right: the training accuracy nears 1, the validation accuracy levels off. (On a small data set, as in quick mode or without a network connection, the turn can lie beyond the twentieth epoch.)
#
# A gap between the two curves alone is no harm. From the turning point on, the validation loss no longer falls while the training loss does: that is **overfitting**. The network learns its training images by heart. The validation *accuracy* hardly suffers: most answers stay right, but the wrong ones become more and more certain, and the loss makes certainty expensive.
#
# <details><summary>What would you do about it?</summary>
#
# Stop near the turning point, as five epochs do. Or make learning by heart harder: dropout or L2 (lesson 03), more data, or a network that shares its weights (lesson 05).
#
# </details>

# %% [markdown]
# ## Summary
#
# - Look at images, labels and their frequencies before training.
# - An accuracy needs company: majority, linear model, dense network.
# - Loss $\log C$ before training, 32 images by heart, then a fresh start.
# - The confusion matrix shows which classes are mixed up; rows are true, columns predicted.
# - Validation data, not test data, tell when to stop.
#
# ## Quiz
#
# **1.** Nine in ten of your images show class A. A model reaches 0.9. Is it good? **2.** The loss of an untrained network with 100 classes? **3.** Row 4 of a confusion matrix adds up to 982. What is 982? **4.** The training loss falls and the validation loss rises. What happens? **5.** Why may you not choose the number of epochs by the test accuracy?
#
# <details><summary>Answers</summary>
#
# **1.** No: always answering A reaches the same. **2.** $\log 100 \approx 4.61$. **3.** The number of test images that show a 4. **4.** Overfitting. **5.** The test images would then have taken part in the choice, and their accuracy would flatter you.
#
# </details>
#
# ## What comes next
#
# Lesson 05 puts convolution and pooling in front of the dense layer: fewer parameters, fewer mistakes.
#
# **References.** Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document recognition*, Proceedings of the IEEE (1998): MNIST. K. Dillon, *Deep Learning*, topic 10 (2019); J. Butler, *Introduction to CNNs* (2023); D. Bridge, *Artificial Intelligence II* (CS4619): the recipes and their published accuracies.
