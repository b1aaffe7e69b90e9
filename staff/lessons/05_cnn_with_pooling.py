# %% [markdown]
# # 05 A convolutional network with pooling
#
# **Shared local weights and a little forgetting of place read digits better than a dense network, with fewer parameters.**
#
# You will write pooling, count a network's shapes and parameters by hand, build three published networks, train one in less than a minute, and look inside it.
#
# *Time:* about two hours with all exercises; running every cell takes about a minute on two cores and the full data.
# *Before this lesson:* lessons 02 (convolution of images) and 04 (the dense baseline to beat).
#
# After this lesson you will be able to
#
# - compute max and average pooling, and say what they throw away;
# - follow an image's shape through a network, and count its parameters;
# - build a convolutional network of a given size in Keras;
# - train it with a one-cycle learning rate;
# - look at learnt kernels and feature maps;
# - measure how far a digit may move before a network loses it.
#
# **Notation.**
#
# | symbol | meaning |
# | --- | --- |
# | $H, W$ | height and width of an image or map |
# | $C_\text{in}, C_\text{out}$ | channels that enter and leave a layer |
# | $k$ | side of a convolution kernel, here 3 |
# | $z$ | side of a pooling window |
# | $s$ | stride: how far apart windows begin |

# %%
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
# ## Pooling keeps the strongest answer
#
# After a convolution, each number of a feature map says how strongly a pattern is present at one place. Often it is enough to know that the pattern is *somewhere near*. **Max pooling** cuts the map into windows and keeps the largest number of each; **average pooling** keeps their mean. Worked number, with windows of side $z = 2$ and stride 2; the upper left window is
#
# $$\begin{pmatrix} 1 & 3 \\ 4 & 2 \end{pmatrix}: \qquad \max = 4, \qquad \text{mean} = \tfrac{1 + 3 + 4 + 2}{4} = 2.5.$$

# %%
x = np.array([[1, 3, 2, 0], [4, 2, 1, 5], [0, 1, 9, 2], [2, 0, 3, 4]])
windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2))[::2, ::2]
print("upper left window", windows[0, 0].tolist())

figure, axes = plt.subplots(1, 3, figsize=(8, 3.2), width_ratios=[4, 2, 2])
ck.plots.matrix(x, "feature map", ax=axes[0])
ck.plots.matrix(windows.max(axis=(2, 3)), "max", ax=axes[1])
ck.plots.matrix(windows.mean(axis=(2, 3)), "average", ax=axes[2])
ck.plots.show(figure, alt="A 4x4 map and its two 2x2 poolings; Figure 5.1 describes them.")

# %% [markdown]
# *Figure 5.1.* Left: a map of 4 by 4 numbers. Middle: the maxima of its four windows, 4, 5, 2 and 9. Right: their averages, 2.5, 2, 0.75 and 4.5. Three quarters of the numbers are gone, and the lonely 9 survives only the maximum. Squares without a number hold 0.
#
# ### Exercise 5.1: pooling from scratch
#
# **a.** `max_pool2d(x, size, stride=None)` and **b.** `average_pool2d(x, size, stride=None)`.
#
# - `x`: shape `(H, W)`. Where no stride is given, it equals `size`.
# - Only windows that lie wholly on `x` count: rows and columns left over are dropped. Returns shape `((H - size) // stride + 1, (W - size) // stride + 1)`.
# - Example: for `x` of Figure 5.1 and `size = 2`, the maximum is `[[4, 5], [2, 9]]`.
#
# <details><summary>Hint</summary>
#
# Two loops over the windows' upper left corners, then `x[i : i + size, j : j + size]`. Or `sliding_window_view` as above, with a step in both directions. If you keep a running maximum, do not start it from 0: feature maps may be negative.
#
# </details>


# %% coursekit={"exercise": "5.1a", "role": "answer", "points": 2}
def max_pool2d(x, size, stride=None):
    """Largest number of each window: (H, W) -> (H', W')."""
    ### BEGIN SOLUTION
    stride = stride or size
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size))
    return windows[::stride, ::stride].max(axis=(2, 3))
    ### END SOLUTION


# %% coursekit={"exercise": "5.1a", "role": "check"}
ck.checks.max_pool2d(max_pool2d)

# %% coursekit={"exercise": "5.1a", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
cases = (((7, 8), 2, 2), ((9, 7), 3, 2), ((6, 8), 2, 3), ((6, 6), 3, 1))
answer = [max_pool2d(rng.normal(-1, 1, shape), size, stride) for shape, size, stride in cases]

# %% coursekit={"exercise": "5.1a", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
cases = ((8, 8), 2), ((7, 9), 3), ((9, 14), 4)
answer = [max_pool2d(rng.normal(-1, 1, shape), size) for shape, size in cases]


# %% coursekit={"exercise": "5.1b", "role": "answer", "points": 1}
def average_pool2d(x, size, stride=None):
    """Mean of each window: (H, W) -> (H', W')."""
    ### BEGIN SOLUTION
    stride = stride or size
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size))
    return windows[::stride, ::stride].mean(axis=(2, 3))
    ### END SOLUTION


# %% coursekit={"exercise": "5.1b", "role": "check"}
ck.checks.average_pool2d(average_pool2d)

# %% coursekit={"exercise": "5.1b", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
cases = (((7, 8), 2, 2), ((9, 7), 3, 2), ((6, 8), 2, 3), ((6, 6), 3, 1))
answer = [average_pool2d(rng.normal(size=shape), size, stride) for shape, size, stride in cases]
answer += [average_pool2d(rng.normal(size=(7, 9)), size) for size in (2, 3)]

# %% [markdown]
# Pooling makes maps smaller, so later layers have less to compute, and each of their kernels sees a larger part of the image: after two poolings by 2, one pixel of a map stands for a region of the input four times as wide. Edges become strokes, strokes become digits. This **spatial hierarchy** is the one that lesson 02 found in the visual cortex.
#
# **Predict, then run.** Pooling is said to make a network *invariant* to small shifts. A single bright pixel moves to the right, one step at a time. How often does the max-pooled map change?
#
# <details><summary>Answer</summary>
#
# Only when the pixel crosses the border of a window, so at every second step. Between borders the map does not notice. Pooling forgives small shifts; it does not forgive all of them.
#
# </details>

# %% tags=["nbval-check-output"]
for column in range(6):
    dot = np.zeros((2, 6), dtype=int)
    dot[0, column] = 1
    pooled = dot.reshape(1, 2, 3, 2).max(axis=(1, 3))
    print(f"dot at column {column}: pooled {pooled[0]}")

# %% [markdown]
# ## Follow the shapes
#
# The network **cnn-93k** (Bridge CS4619, and again Butler 2023) takes an image of shape $(28, 28, 1)$ through
#
# Conv 32 · Pool 2 · Conv 64 · Pool 2 · Conv 64 · Flatten · Dense 64 · Dense 10.
#
# "Conv 32" is a convolution with 32 kernels of 3 by 3, valid, followed by ReLU; "Pool 2" is max pooling with $z = s = 2$. Two rules are all you need:
#
# - a valid convolution turns a side of $H$ into $H - k + 1$, pooling into $\lfloor H / z \rfloor$;
# - a convolution has $k \cdot k \cdot C_\text{in} \cdot C_\text{out}$ weights and $C_\text{out}$ biases. A dense layer from $a$ numbers to $b$ units has $a \cdot b$ weights and $b$ biases.
#
# Worked number: the first layer has $3 \cdot 3 \cdot 1 \cdot 32 + 32 = 320$ parameters and gives 32 maps of 26 by 26.
#
# ### Exercise 5.2: shapes and parameters by hand
#
# - `sides`: the side of the maps after each of the five layers before Flatten, a list of 5 numbers.
# - `flat`: how many numbers Flatten gives to the dense layer.
# - `parameters`: the parameters of all eight layers, a list of 8 numbers.
#
# <details><summary>Hint</summary>
#
# A kernel reaches through *all* channels of its input: those of the second convolution have $3 \cdot 3 \cdot 32$ weights. Pooling and Flatten have nothing to learn.
#
# </details>

# %% coursekit={"exercise": "5.2", "role": "answer", "points": 3}
### BEGIN SOLUTION
sides = [26, 13, 11, 5, 3]
flat = 3 * 3 * 64
parameters = [320, 0, 18_496, 0, 36_928, 0, 36_928, 650]
### END SOLUTION

# %% coursekit={"exercise": "5.2", "role": "check"}
ck.checks.shapes_by_hand(sides, flat, parameters)

# %% coursekit={"exercise": "5.2", "role": "grade", "points": 1, "judge": "check"}
answer = [sides, ..., ...]

# %% coursekit={"exercise": "5.2", "role": "grade", "points": 1, "judge": "check"}
answer = [..., flat, ...]

# %% coursekit={"exercise": "5.2", "role": "grade", "points": 1, "judge": "check"}
answer = [..., ..., parameters]

# %% [markdown] tags=["solution"]
# $3 \cdot 3 \cdot 32 \cdot 64 + 64 = 18{,}496$ and $3 \cdot 3 \cdot 64 \cdot 64 + 64 = 36{,}928$ for the convolutions; $576 \cdot 64 + 64 = 36{,}928$ and $64 \cdot 10 + 10 = 650$ for the dense layers. Together 93,322.

# %% [markdown]
# ### Exercise 5.3: `build_cnn(name)`
#
# Build three published networks, none of them trained or compiled.
#
# | name | from | layers | parameters |
# | --- | --- | --- | --- |
# | `"cnn-93k"` | Bridge CS4619 | Conv 32, Pool 2, Conv 64, Pool 2, Conv 64, Flatten, Dense 64, Dense 10 | 93,322 |
# | `"cnn-515k"` | Dillon 2019 | Conv 32, Pool 2, Conv 64, Flatten, Dense 64, Dense 10 | 515,146 |
# | `"cnn-66k"` | Dillon 2018 | Conv 32, Conv 64, Pool 4, Conv 64, Flatten, Dense 10 | 65,994 |
#
# All take images of shape `(28, 28, 1)` and end in ten probabilities; hidden layers have ReLU. Return a Keras model. A wrong one is shown layer by layer: height, width, channels, parameters. The last row holds four outputs for a fixed image and fixed weights; there the activations show.
#
# <details><summary>Hint</summary>
#
# `keras.layers.Conv2D(32, 3, activation="relu")`, `keras.layers.MaxPooling2D(2)`. Put each network's layers into a list, the lists into a dictionary, and `keras.layers.Input((28, 28, 1))` in front.
#
# </details>


# %% coursekit={"exercise": "5.3", "role": "answer", "points": 3}
def build_cnn(name):
    """Return one of the three networks by its name."""

    ### BEGIN SOLUTION
    def conv(filters):
        return keras.layers.Conv2D(filters, 3, activation="relu")

    pool, flatten = keras.layers.MaxPooling2D, keras.layers.Flatten()
    head = [keras.layers.Dense(10, activation="softmax")]
    hidden = [keras.layers.Dense(64, activation="relu"), *head]
    layers = {
        "cnn-93k": [conv(32), pool(2), conv(64), pool(2), conv(64), flatten, *hidden],
        "cnn-515k": [conv(32), pool(2), conv(64), flatten, *hidden],
        "cnn-66k": [conv(32), conv(64), pool(4), conv(64), flatten, *head],
    }[name]
    return keras.Sequential([keras.layers.Input((28, 28, 1)), *layers])
    ### END SOLUTION


# %% coursekit={"exercise": "5.3", "role": "check"}
ck.checks.build_cnn(build_cnn)

# %% coursekit={"exercise": "5.3", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
network = build_cnn("cnn-93k")
shapes = [weights.shape for weights in network.get_weights()]
network.set_weights([rng.normal(0, 0.1, shape) for shape in shapes])
answer = [shapes, network(rng.random((5, 28, 28, 1), dtype=np.float32), training=True)]

# %% coursekit={"exercise": "5.3", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
network = build_cnn("cnn-515k")
shapes = [weights.shape for weights in network.get_weights()]
network.set_weights([rng.normal(0, 0.1, shape) for shape in shapes])
answer = [shapes, network(rng.random((5, 28, 28, 1), dtype=np.float32), training=True)]

# %% coursekit={"exercise": "5.3", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
network = build_cnn("cnn-66k")
shapes = [weights.shape for weights in network.get_weights()]
network.set_weights([rng.normal(0, 0.1, shape) for shape in shapes])
answer = [shapes, network(rng.random((5, 28, 28, 1), dtype=np.float32), training=True)]

# %% [markdown]
# **Predict, then run.** Where do the parameters sit? Why has `cnn-515k`, with two layers less than `cnn-93k`, more than five times its parameters?
#
# <details><summary>Answer</summary>
#
# In its dense layer. Without the second pooling and the third convolution, Flatten gives $11 \cdot 11 \cdot 64 = 7{,}744$ numbers to 64 units: 495,680 parameters. Convolutions are cheap to store, because their weights are shared. The step from maps to dense units is not.
#
# </details>

# %% tags=["nbval-check-output"]
for name in ("cnn-93k", "cnn-515k", "cnn-66k"):
    model = ck.models.LECTURES[name].build()
    dense = sum(la.count_params() for la in model.layers if isinstance(la, keras.layers.Dense))
    total = model.count_params()
    print(f"{name:8} {total:7,} parameters, {dense / total:4.0%} of them in dense layers")

# %% [markdown]
# ## Train fast: one cycle of the learning rate
#
# The lectures train longer, with smaller batches and a constant learning rate: `cnn-93k` for five epochs in batches of 64 with RMSprop at 0.003 (Bridge CS4619), `cnn-515k` for twenty epochs in batches of 32 with Adam (Dillon 2019). The course's fast recipe takes two epochs of Adam, with
#
# - **batches of 128**: fewer, steadier steps, and the processor works on more images at once;
# - **one cycle** of the learning rate (Smith and Topin, 2018): it rises to a peak that would be too high for a start, then falls to 0. Large steps find a good region quickly; small ones settle in it.
#
# `ck.models.one_cycle(steps, peak)` returns that schedule. It is Keras' own `CosineDecay` with a linear warm-up.

# %%
steps = 938
schedule = ck.models.one_cycle(steps, peak=0.004)
rates = [float(schedule(step)) for step in range(steps)]

figure, ax = plt.subplots(figsize=(6, 2.5))
ax.plot(rates)
ax.set(xlabel="step", ylabel="learning rate", title="one cycle of 938 steps")
ck.plots.show(figure, alt="Learning rate over the steps; Figure 5.2 describes it.")

# %% [markdown]
# *Figure 5.2.* The learning rate of one training: a straight rise to 0.004 in the first 30 % of the steps, then a smooth fall to 0. Two epochs of MNIST in batches of 128 are 938 steps.

# %%
mnist = ck.load_mnist()
x_train, x_test = (images[..., None] / np.float32(255) for images in (mnist.x_train, mnist.x_test))
y_train, y_test = mnist.y_train, mnist.y_test
print(mnist)
print("a batch for a CNN has a channel axis:", x_test[:128].shape)

# %% [markdown]
# The checks of lesson 04 come first for every network: look at the data, know the baseline, then the loss before training. Ten equal probabilities give $\log 10 \approx 2.30$; much more would mean a mistake in the network or in the labels.

# %%
guesses = ck.models.LECTURES["cnn-93k"].build().predict(x_test[:1000], verbose=0)
losses = keras.losses.sparse_categorical_crossentropy(y_test[:1000], guesses)
print(f"loss before training {np.mean(losses):.2f}, log 10 = {np.log(10):.2f}")


# %%
def train(name, epochs=2):
    """Train one of the lectures' networks by the fast recipe; note its numbers."""
    model = ck.models.LECTURES[name].build()
    start = time.perf_counter()
    bar = ck.models.progress_bar()
    fit = ck.models.fit_one_cycle(model, x_train, y_train, epochs, callbacks=[bar])
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    table[name] = [model.count_params(), accuracy, seconds]
    print(name, "training loss, mean of each epoch:", np.round(fit.history["loss"], 3))
    return model


# %%
table = {}
dense = train("dense-128", epochs=5)
cnn = train("cnn-93k")
bigger = train("cnn-515k")
columns = ["parameters", "test accuracy", "seconds"]
results = pd.DataFrame.from_dict(table, orient="index", columns=columns)
results.round({"test accuracy": 4, "seconds": 0})

# %% [markdown]
# The dense network had five epochs, the convolutional ones two, too few for curves such as those of lesson 04. In this run on the full data, `cnn-93k` makes less than half of the mistakes of `dense-128`, with fewer parameters. The larger `cnn-515k` gains little or nothing: what helps is the structure, not the size. (One run each; lesson 07 repeats them. In quick mode or without the real data there are too few steps to tell.)
#
# ## Look inside
#
# The first layer's 32 kernels are small enough to be seen as pictures, as the designed ones of lesson 02 were.

# %%
kernels, _ = cnn.layers[0].get_weights()
figure = ck.plots.images(kernels[:, :, 0].transpose(2, 0, 1), columns=8)
ck.plots.show(figure, alt="The 32 learnt 3x3 kernels of the first layer in four rows.")

# %% [markdown]
# *Figure 5.3.* The 32 kernels of the first layer, each from its lowest weight (black) to its highest (white). Nobody designed them. Look for kernels that are bright on one side and dark on the other: they respond to edges in one direction.
#
# What do these kernels see? Feed one digit through the network and stop after each layer.

# %%
names = ["Conv 32", "Pool 2", "Conv 64", "Pool 2 again", "Conv 64 again"]
inside = keras.Model(cnn.inputs, [layer.output for layer in cnn.layers[:5]])
maps = inside.predict(x_test[:1], verbose=0)
figure = ck.plots.maps_by_layer({name: m[0] for name, m in zip(names, maps, strict=True)})
ck.plots.show(figure, alt="Eight feature maps of each of five layers; Figure 5.4 describes them.")

# %% [markdown]
# *Figure 5.4.* The first eight maps of each layer, for the first test image. In the top rows the digit is still there, drawn once for each kernel. In the middle rows the maps part company: some respond to the horizontal stroke, others to the slanted one. Further down they get smaller and less like a picture. Where a map is all black, it found nothing in this digit. The last ones, 3 by 3, say *what* is present and only roughly *where*.
#
# ## Which mistakes are left?

# %%
figure, axes = plt.subplots(1, 2, figsize=(14, 5.6))
for ax, (name, model) in zip(axes, {"dense-128": dense, "cnn-93k": cnn}.items(), strict=True):
    y_pred = model.predict(x_test.reshape(-1, *model.input_shape[1:]), verbose=0).argmax(axis=1)
    matrix = ck.evaluation.confusion_matrix(y_test, y_pred)
    ck.evaluation.plot_confusion_matrix(matrix, mnist.class_names, ax=ax)
    ax.set_title(f"{name}: {np.sum(y_pred != y_test)} mistakes")
ck.plots.show(figure, alt="Two confusion matrices side by side; Figure 5.5 describes them.")

# %% [markdown]
# *Figure 5.5.* Confusion matrices of the dense network (left) and of `cnn-93k` (right) on the same test images; the titles count the mistakes. Each colour scale has its own end: compare the numbers.

# %%
probabilities = cnn.predict(x_test, verbose=0)
worst = ck.evaluation.worst_mistakes(probabilities, y_test, n=20)
titles = [f"{y_test[i]} as {probabilities[i].argmax()}" for i in worst]
figure = ck.plots.images(mnist.x_test[worst], titles=titles, columns=10)
ck.plots.show(figure, alt="Up to twenty digits that cnn-93k misread, surest mistake first.")

# %% [markdown]
# *Figure 5.6.* The surest mistakes of `cnn-93k`; "4 as 9" is a 4 that was taken for a 9. Compare them with those of the dense network in Figure 4.4. Which would you have misread yourself?
#
# ## How far may a digit move?
#
# MNIST's digits are centred. What happens to a network that has only seen centred digits when they are not? Measure it: move all test images to the right and count again.
#
# ### Exercise 5.4: `shift_right(images, pixels)`
#
# - `images`: shape `(N, H, W)`; `pixels`: an integer from 0 to `W`. Returns the same shape.
# - What leaves on the right is lost; columns that become free on the left are 0.
# - Example: a row `[1, 2, 3]` moved by 1 becomes `[0, 1, 2]`.
#
# <details><summary>Hint</summary>
#
# Start from `np.zeros_like(images)` and copy a part of the columns. `np.roll` is not what you want: what leaves on the right would come back on the left. Does your code work for `pixels = 0`?
#
# </details>


# %% coursekit={"exercise": "5.4", "role": "answer", "points": 2}
def shift_right(images, pixels):
    """Move images to the right and fill up with 0: (N, H, W) -> (N, H, W)."""
    ### BEGIN SOLUTION
    moved = np.zeros_like(images)
    moved[:, :, pixels:] = images[:, :, : images.shape[2] - pixels]
    return moved
    ### END SOLUTION


# %% coursekit={"exercise": "5.4", "role": "check"}
ck.checks.shift_right(shift_right)

# %% coursekit={"exercise": "5.4", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
cases = ((1, 3, 5), 1), ((2, 4, 4), 2), ((3, 5, 7), 3), ((3, 2, 6), 5)
answer = [shift_right(rng.random(shape), pixels) for shape, pixels in cases]

# %% coursekit={"exercise": "5.4", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
images = rng.integers(1, 256, (4, 6, 7), dtype=np.uint8)
answer = [shift_right(images, pixels) for pixels in (0, 2, 6)]

# %% [markdown]
# **Predict, then run.** Sketch two curves: accuracy of the dense network and of `cnn-93k` when the digits move by 0 to 6 pixels. Where do they fall below one half?
#
# <details><summary>What to look for</summary>
#
# Both fall, but not together. In this run the dense network falls below one half between 3 and 4 pixels, the convolutional one between 4 and 5. The convolutional network forgives one or two pixels (0.972 is left after two), because its kernels find a stroke wherever it is and pooling blurs the place. At three it already makes more than ten times its usual mistakes, and it does not forgive six: its dense layer still has one weight for each *place* in the last maps. Invariance by pooling is limited to about the width of the windows.
#
# </details>

# %%
from scipy.ndimage import shift

accuracy = {"dense-128": [], "cnn-93k": []}
for pixels in range(7):
    moved = shift(x_test, (0, 0, pixels, 0), order=0)
    for name, model in (("dense-128", dense), ("cnn-93k", cnn)):
        p = model.predict(moved.reshape(-1, *model.input_shape[1:]), batch_size=512, verbose=0)
        accuracy[name].append(np.mean(p.argmax(axis=1) == y_test))
pd.DataFrame(accuracy).rename_axis("pixels").round(3)

# %%
figure, ax = plt.subplots(figsize=(6, 3.2))
for (name, values), marker in zip(accuracy.items(), ck.plots.MARKERS, strict=False):
    ax.plot(values, marker=marker, label=name)
ax.set(xlabel="pixels moved to the right", ylabel="test accuracy", ylim=(0, 1.02))
ax.legend()
ck.plots.show(figure, alt="Accuracy over the shift, two curves; Figure 5.7 describes them.")

# %% [markdown]
# *Figure 5.7.* Test accuracy of both networks when all digits move by 0 to 6 pixels. The dense network (circles) drops earlier; the convolutional one (squares) holds on for one or two pixels longer, then drops as well.
#
# Two ways out: train on moved digits (**data augmentation**), or forget the place completely at the end, by averaging each last map into one number (**global average pooling**).
#
# ## Save, load, same answers
#
# A Keras model goes into one `.keras` file: layers, weights, and how it was compiled.

# %% tags=["nbval-check-output"]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "cnn-93k.keras"
    cnn.save(path)
    loaded = keras.models.load_model(path)
same = np.allclose(cnn.predict(x_test[:100], verbose=0), loaded.predict(x_test[:100], verbose=0))
print("the loaded network answers as the saved one did:", same)

# %% [markdown]
# ## Summary
#
# - Pooling keeps the strongest answer, or the mean, of each window; what is left over is dropped.
# - A valid convolution of side 3 costs two pixels, pooling by 2 halves; weights are $k^2 C_\text{in} C_\text{out}$ plus biases.
# - The step from maps to dense units can hold most of the parameters (96 % in `cnn-515k`); pooling before it makes it cheap.
# - With one cycle of the learning rate, two epochs suffice.
# - Convolution and pooling forgive small shifts, not large ones.
#
# ## Quiz
#
# **1.** Max pooling by 3 of a map of 11 by 11: which shape? **2.** How many parameters has a 5x5 convolution from 16 to 32 channels? **3.** Why may ReLU and max pooling change places? **4.** Which of the two poolings keeps a lonely bright pixel? **5.** A network reaches 0.99 on centred digits. Will it on a photograph with the digit in a corner?
#
# <details><summary>Answers</summary>
#
# **1.** 3 by 3; two rows and columns are left over. **2.** $5 \cdot 5 \cdot 16 \cdot 32 + 32 = 12{,}832$. **3.** ReLU never falls: of two numbers, the larger one stays at least as large. So $\max(\text{relu}(a), \text{relu}(b)) = \text{relu}(\max(a, b))$. **4.** Max pooling. **5.** No: Figure 5.7.
#
# </details>
#
# ## What comes next
#
# Lesson 06 takes the same kind of network apart into single operations. Lesson 07 asks which of its choices matter.
#
# **References.** D. Bridge, *Artificial Intelligence II* (CS4619); J. Butler, *Introduction to CNNs* (2023); K. Dillon, *Machine Learning*, topic 15 (2018) and *Deep Learning*, topic 10 (2019): the networks. L. N. Smith and N. Topin, *Super-convergence: very fast training of neural networks using large learning rates*, arXiv:1708.07120 (2018). M. D. Zeiler and R. Fergus, *Visualizing and understanding convolutional networks*, ECCV (2014).
