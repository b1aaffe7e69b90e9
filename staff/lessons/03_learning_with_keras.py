# %% [markdown]
# # 03 Learning with Keras
#
# **To learn is to say with one number how wrong a network is, and then to adjust its weights until that number falls.**
#
# Keras does the adjusting. You will write the parts that say how wrong: labels as vectors, scores as probabilities, the loss. Then you train a network that tells shirts from boots, and watch it begin to learn by heart.
#
# *Time:* about two hours with all exercises; running every cell takes about 80 seconds on two cores and the full data.
# *Before this lesson:* lesson 01, where exercises and checks were introduced; matrix products with NumPy.
#
# After this lesson you will be able to
#
# - name the parts of every training: data, model, loss, regulariser, optimiser, batch, epoch;
# - read the shape of a tensor, from a single number to a batch of videos;
# - turn scores into probabilities, and probabilities into a loss, without overflow;
# - say what a network without activations is, and count a dense network's parameters;
# - build, train, evaluate and query a network in Keras;
# - see where overfitting begins, and set dropout and L2 against it.
#
# **Notation.**
#
# | symbol | meaning |
# | --- | --- |
# | $x_i$, $y_i$ | an **example** and its **label**, $i = 0 \dots N - 1$ |
# | $f$, $w$ | the **model** and its **weights** |
# | $L(f(x), y)$ | the **loss**: how wrong the answer $f(x)$ is when $y$ is right |
# | $z$, $p$ | **logits** (raw scores) and **probabilities**, shape $(N, C)$ for $C$ classes |
# | $W$, $b$ | weights and **bias** of a dense layer, which computes $xW + b$ |

# %%
import coursekit as ck
import keras
import matplotlib.pyplot as plt
import numpy as np

from keras import layers

ck.setup(seed=0)

# %% [markdown]
# ## Learning needs data, a model and a loss
#
# Take three examples, $x = [1, 2, 3]$ with $y = [2, 4, 6]$, and a model with one weight, $f(x) = w x$. Let the loss of one example be the squared error $(w x - y)^2$. At $w = 1$ the three losses are 1, 4 and 9. Their mean is $14/3 \approx 4.67$.
#
# What we would like to make small is the expected loss on examples yet to come. Nobody can compute that. So we take the mean over the examples we have, the **empirical risk**, and usually add a **regulariser** $R$, which makes complicated models expensive:
#
# $$\frac{1}{N} \sum_{i=0}^{N-1} L\big(f(x_i), y_i\big) \;+\; \lambda\, R(f).$$
#
# The model with the smallest sum wins. (This framework follows Dillon 2018.) An **optimiser** searches for it. **Gradient descent** computes the slope of the risk and steps downhill, $w \leftarrow w - \eta \cdot \text{slope}$; $\eta$ is the **learning rate**. At $w = 1$ the slope is the mean of $2(wx - y)x$, which is $-28/3 \approx -9.33$. With $\eta = 0.03$ the next weight is $1 + 0.28 = 1.28$.
#
# **Predict, then run.** Each step multiplies the distance to the best weight by $1 - \tfrac{28}{3}\eta$. What will happen with $\eta = 0.25$?
#
# <details><summary>Answer</summary>
#
# The factor is $-4/3$. The weight jumps to the other side of the valley, and lands further away each time: the training **diverges**. A loss that grows from step to step is the commonest sign of a learning rate that is too large.
#
# </details>

# %% tags=["nbval-check-output"]
x, y = np.array([1, 2, 3]), np.array([2, 4, 6])


def descend(rate, steps=3):
    """Weights on the way down from w = 1: list of steps + 1 numbers."""
    path = [1.0]
    for _ in range(steps):
        slope = np.mean(2 * (path[-1] * x - y) * x)
        path.append(path[-1] - rate * slope)
    return path


for rate in (0.03, 0.25):
    print(f"learning rate {rate}: w =", np.round(descend(rate), 2))

# %%
grid = np.linspace(-0.7, 4.7, 109)
risk = np.mean((np.outer(grid, x) - y) ** 2, axis=1)
figure, axes = plt.subplots(1, 2, figsize=(8, 3.5), sharey=True)
for ax, rate in zip(axes, (0.03, 0.25), strict=True):
    path = descend(rate)
    ax.plot(grid, risk, label="empirical risk")
    ax.plot(grid, risk + 2 * grid**2, ":", label="with penalty $2 w^2$")
    ax.plot(path, np.interp(path, grid, risk), "s--", label="steps from $w = 1$")
    ax.set(xlabel="w", title=f"learning rate {rate}", ylim=(0, 30))
axes[0].set_ylabel("risk")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
ck.plots.show(figure, alt="A parabola with the steps of two descents; Figure 3.1 describes it.")

# %% [markdown]
# *Figure 3.1.* The empirical risk of the three examples (solid) is a valley with its floor at $w = 2$. Left: small steps (squares) walk towards the floor. Right: steps that are too large jump across it and climb out. The dotted curve adds the penalty $\lambda w^2$ with $\lambda = 2$. Its floor lies at $w = 1.4$: a regulariser pulls the weights towards 0.
#
# A real network has thousands of weights and thousands of examples. To look at all examples before each step would be slow. So the optimiser takes a small **batch** of them, makes one step, and takes the next batch. Once through all examples is an **epoch**. With 60,000 images in batches of 32 that makes 1,875 steps an epoch.
#
# ## Look at the data first
#
# Fashion-MNIST (Xiao, Rasul and Vollgraf 2017) has the shape of MNIST: 60,000 training and 10,000 test images of 28 by 28 pixels, in ten classes. But it shows clothes, and is harder. Each label is a number; `class_names` says what it means. We also bring the pixels from 0 to 255 into the range from 0 to 1; lesson 04 makes that an exercise.

# %%
fashion = ck.load_fashion_mnist()
(x_train, y_train), (x_test, y_test) = fashion
x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255
print(fashion)

names = np.array(fashion.class_names)
figure = ck.plots.images(x_train[:24], titles=names[y_train[:24]], columns=8)
ck.plots.show(figure, alt="Twenty-four pictures in three rows, each under its class name.")

# %% [markdown]
# *Figure 3.2.* The first 24 training images with their class names. Trousers and boots are easy to tell. Pullover, coat and shirt are not: at 28 by 28 pixels even you may hesitate.
#
# ## A tensor is an array whose axes mean something
#
# The word sounds grander than it is. A **tensor** is an array of numbers with any number of axes (Bridge CS4619); what matters is what each axis counts.
#
# | axes | example | shape |
# | --- | --- | --- |
# | 0, a scalar | a loss | $()$ |
# | 1, a vector | one flattened image | $(784)$ |
# | 2, a matrix | one grey image: height, width | $(28, 28)$ |
# | 3 | one colour image: height, width, channels | $(28, 28, 3)$ |
# | 4 | a batch of colour images | $(32, 28, 28, 3)$ |
# | 5 | a batch of videos: batch, time, height, width, channels | $(32, 25, 28, 28, 3)$ |
#
# By custom the batch comes first and the channels come last.
#
# **Predict, then run.** How many axes does `x_train[:32]` have, and how many does `x_train[0]` have? How many numbers are in the batch of videos, about?
#
# <details><summary>Answer</summary>
#
# Three and two: a slice keeps the axis, an index removes it. The videos hold $32 \cdot 25 \cdot 28 \cdot 28 \cdot 3 \approx 1.9$ million numbers. That is one second of film each, at the size of a stamp, and at 4 bytes a number already 7.5 MB.
#
# </details>

# %% tags=["nbval-check-output"]
videos = np.zeros((32, 25, 28, 28, 3), dtype="float32")
for name, tensor in {
    "loss": np.float32(2.3),
    "image": x_train[0],
    "batch of images": x_train[:32],
    "batch of videos": videos,
}.items():
    print(f"{name:16} {np.ndim(tensor)} axes {np.shape(tensor)!s:20} {np.size(tensor):9,} numbers")

# %% [markdown]
# ## Labels become vectors
#
# The network will answer each image with one number for each class. To compare, the label must become such a row, too: a 1 at the right class, 0 elsewhere. With three classes, label 2 becomes $[0, 0, 1]$. That is its **one-hot** vector.
#
# ### Exercise 3.1: `one_hot(labels, n_classes)`
#
# - `labels`: shape `(N,)`, integers from 0 to `n_classes - 1`; not every class need occur.
# - Returns shape `(N, n_classes)`, zeros and ones.
# - Example: `one_hot(np.array([2, 0]), 3)` gives `[[0, 0, 1], [1, 0, 0]]`.
#
# <details><summary>Hint</summary>
#
# The rows you need are the rows of the unit matrix `np.eye(n_classes)`, chosen by label. Or begin with zeros, and write one 1 into each row.
#
# </details>


# %% coursekit={"exercise": "3.1", "role": "answer", "points": 1}
def one_hot(labels, n_classes):
    """Unit vectors of the labels: (N,) -> (N, n_classes)."""
    ### BEGIN SOLUTION
    return np.eye(n_classes)[labels]
    ### END SOLUTION


# %% coursekit={"exercise": "3.1", "role": "check"}
ck.checks.one_hot(one_hot)

# %% coursekit={"exercise": "3.1", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
cases = [(rng.integers(c - 2, size=n), c) for n, c in ((9, 6), (8, 8), (5, 11))]
cases += [(labels.astype(np.uint8), c + 1) for labels, c in cases]
answer = [one_hot(labels, c) @ rng.normal(size=c) for labels, c in cases]  # a number a label

# %% [markdown]
# ## Scores become probabilities, and probabilities a loss
#
# The last layer of a network gives raw scores, the logits, say $z = [2, 1, -1]$. They can be negative and add up to anything. The **softmax** makes them probabilities: take exponentials, which are positive, and divide by their sum.
#
# $$p_c = \frac{e^{z_c}}{\sum_j e^{z_j}}, \qquad \frac{[7.39,\; 2.72,\; 0.37]}{10.48} = [0.705,\; 0.259,\; 0.035].$$
#
# If the right class is $y$, the **cross-entropy** loss is $-\log p_y$: nothing for a probability of 1, and more and more as it falls towards 0. Here $-\log 0.705 = 0.35$ if class 0 is right, but $-\log 0.035 = 3.35$ if class 2 is.

# %%
logits = np.array([2.0, 1.0, -1.0])
powers = np.exp(logits)
p = powers / powers.sum()
stages = {"logits $z$": logits, "exponentials $e^z$": powers}
stages |= {"probabilities $p$": p, "loss $-\\log p$": -np.log(p)}
figure, axes = plt.subplots(1, 4, figsize=(9, 2.4))
for number, (ax, title) in enumerate(zip(axes, stages, strict=True)):
    ax.bar_label(ax.bar(range(3), stages[title], color=ck.plots.COLOURS[number]), fmt="%.3g")
    ax.axhline(0, color=ck.plots.GREY, linewidth=0.8)
    ax.set(title=title, xlabel="class", xticks=range(3))
    ax.margins(y=0.2)
ck.plots.show(figure, alt="Four bar charts, from logits to losses; Figure 3.3 describes them.")

# %% [markdown]
# *Figure 3.3.* The worked number. From left to right: three logits; their exponentials; the probabilities, which add up to 1; the loss for each class, if that class is the right one. The losses differ by exactly as much as the logits, 1 and 2, in the opposite direction.
#
# ### Exercise 3.2: `softmax(logits)`
#
# - `logits`: shape `(N, C)`, integers or floats. Returns the same shape; each **row** adds up to 1.
# - Example: `softmax(np.array([[0, 0], [1, 0]]))` gives `[[0.5, 0.5], [0.7311, 0.2689]]`.
# - Logits like 1000 must work, too, although `np.exp(1000)` overflows. The logits given must not change.
#
# <details><summary>Hint</summary>
#
# Add the same number to all logits of a row: numerator and denominator grow by the same factor, and $p$ stays. Which number could you subtract, so that no exponential exceeds 1? `keepdims=True` keeps the shape `(N, 1)`.
#
# </details>


# %% coursekit={"exercise": "3.2", "role": "answer", "points": 2}
def softmax(logits):
    """Probabilities of each row: (N, C) -> (N, C)."""
    ### BEGIN SOLUTION
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
    ### END SOLUTION


# %% coursekit={"exercise": "3.2", "role": "check"}
ck.checks.softmax(softmax)

# %% coursekit={"exercise": "3.2", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
batches = [rng.normal(0, 2, shape) for shape in ((1, 4), (5, 5), (7, 3))]
batches += [rng.integers(-4, 5, (6, 4))]
answer = [[softmax(logits), logits] for logits in batches]  # the logits must not change

# %% coursekit={"exercise": "3.2", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
heights = rng.permutation([-2000, -1000, 0, 1000, 2000])[:, np.newaxis]
answer = [softmax(heights + rng.integers(-20, 21, (5, c)) / 8) for c in (3, 5, 8)]
steep = np.array([[0, 1000, 1000, 0, 0], [1000, 1000, 0, 0, -4000]])
answer += [softmax(steep + rng.integers(-20, 21, (2, 5)) / 8)]

# %% [markdown]
# ### Exercise 3.3: `cross_entropy(probabilities, labels)`
#
# Return the mean of $-\log p_y$ over a batch.
#
# - `probabilities`: shape `(N, C)`, rows that add up to 1. `labels`: shape `(N,)`, integers.
# - Returns one number. The logarithm is the natural one.
# - A right class with probability 0 would cost infinitely much. As Keras does, raise every probability below $10^{-7}$ to $10^{-7}$ before the logarithm; so no image costs more than $-\log 10^{-7} \approx 16.12$.
# - Example: `cross_entropy(np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([0, 1]))` gives `0.4581`, the mean of 0.6931 and 0.2231.
#
# <details><summary>Hint</summary>
#
# `np.maximum(p, 1e-7)` raises. Two index arrays of length `N`, one for the rows and one for the columns, pick one entry from each row.
#
# </details>


# %% coursekit={"exercise": "3.3", "role": "answer", "points": 2}
def cross_entropy(probabilities, labels):
    """Mean of -log p of the right classes: (N, C) and (N,) -> ()."""
    ### BEGIN SOLUTION
    right = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.maximum(right, 1e-7)).mean()
    ### END SOLUTION


# %% coursekit={"exercise": "3.3", "role": "check"}
ck.checks.cross_entropy(cross_entropy)

# %% coursekit={"exercise": "3.3", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer = []
for n, c in ((1, 3), (4, 4), (6, 3), (5, 10), (9, 2)):
    p = rng.random((n, c), dtype=np.float32) + np.float32(0.01)
    answer.append(cross_entropy(p / p.sum(axis=1, keepdims=True), rng.integers(c, size=n)))

# %% coursekit={"exercise": "3.3", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer = []
for n, c in ((2, 3), (5, 4), (7, 6), (4, 10), (3, 5)):
    p, row, labels = rng.random((n, c)), np.arange(n), rng.integers(c, size=n)
    p[row, (labels + rng.integers(1, c, size=n)) % c] = 0  # a wrong class
    p[0, labels[0]] = 0  # and once the right one
    p[0, labels[0] - 1] = 1
    answer.append(cross_entropy(p / p.sum(axis=1, keepdims=True), labels))

# %% [markdown]
# **Predict, then run.** Keras has this loss twice. `sparse_categorical_crossentropy` takes labels as they are, `categorical_crossentropy` takes one-hot vectors. For the same answers, which of the two is larger?
#
# <details><summary>Answer</summary>
#
# Neither. With $t$ for the one-hot vector, the sum $-\sum_c t_c \log p_c$ keeps only the term of the right class, and that is what the sparse loss picks at once. *Sparse* says only that a label is stored as one number, not as a row of mostly zeros.
#
# </details>

# %% tags=["nbval-check-output"]
answers = np.array([p, [0.1, 0.1, 0.8]], dtype="float32")  # p is that of Figure 3.3
labels = np.array([0, 1])
vectors = keras.utils.to_categorical(labels, 3)
sparse = keras.losses.sparse_categorical_crossentropy(labels, answers)
dense = keras.losses.categorical_crossentropy(vectors, answers)
print("labels ", labels, "         losses", np.round(sparse, 3))
print("one-hot", vectors.astype(int).tolist(), "losses", np.round(dense, 3))

# %% [markdown]
# ## A layer is a function on batches, a network a chain of them
#
# A layer takes a tensor and returns a tensor. A network is layers one inside the other, $f(x) = f_3(f_2(f_1(x)))$, and so the output of each must have the size that the next one expects. `Sequential` writes the same chain as a list. A layer that has been given its inputs once keeps their size; another size is refused.

# %% tags=["nbval-check-output"]
flatten = layers.Flatten()
hidden = layers.Dense(128, activation="relu")
output = layers.Dense(10, activation="softmax")

batch = x_train[:32]
nested = output(hidden(flatten(batch)))
network = keras.Sequential([layers.Input((28, 28)), flatten, hidden, output])
print(*(t.shape for t in (batch, flatten(batch), hidden(flatten(batch)), nested)), sep=" -> ")
print("the same as Sequential:", np.allclose(nested, network(batch)))
try:
    hidden(nested)
except ValueError as error:
    print(type(error).__name__, "- the hidden layer takes 784 numbers, not 10")

# %% [markdown]
# ### Exercise 3.4: `predict_one(model, image)`
#
# Networks answer batches, `model.predict` too: it demands the shape `(N, 28, 28)` and returns `(N, C)`. But you have a single image. Ask for it, and return its probabilities.
#
# - `model`: has `.predict(batch, verbose=0)`, like every Keras model. `image`: shape `(28, 28)`.
# - Returns shape `(C,)`: no batch axis any more.
# - Example: for the network above, `predict_one(network, x_test[0])` would return ten probabilities. The check uses a small stand-in, so it costs no training.
#
# <details><summary>Hint</summary>
#
# One image is a batch of one. `np.expand_dims(image, axis)` and `image[np.newaxis]` add an axis of length 1; an index takes it away again.
#
# </details>


# %% coursekit={"exercise": "3.4", "role": "answer", "points": 1}
def predict_one(model, image):
    """Probabilities of one image: (28, 28) -> (C,)."""
    ### BEGIN SOLUTION
    return model.predict(image[np.newaxis], verbose=0)[0]
    ### END SOLUTION


# %% coursekit={"exercise": "3.4", "role": "check"}
ck.checks.predict_one(predict_one)

# %% coursekit={"exercise": "3.4", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
dense = layers.Dense(7, activation="softmax")
small = keras.Sequential([layers.Input((28, 28)), layers.Flatten(), dense])
dense.set_weights([rng.normal(0, 0.1, (784, 7)), rng.normal(0, 0.1, 7)])
answer = [predict_one(small, image) for image in rng.random((3, 28, 28), dtype=np.float32)]

# %% [markdown]
# ## Without activations, all layers are one
#
# A dense layer first computes sums, $xW + b$, and then applies an **activation** to each sum by itself. Keras offers many. Three of them, and the one that does nothing:

# %%
z = np.linspace(-4, 4, 81)
figure, axes = plt.subplots(1, 4, figsize=(9, 2.3), sharex=True)
for number, (ax, name) in enumerate(zip(axes, ("linear", "relu", "sigmoid", "tanh"), strict=True)):
    activation = keras.activations.get(name)
    ax.plot(z, np.asarray(activation(z)), color=ck.plots.COLOURS[number])
    ax.axhline(0, color=ck.plots.GREY, linewidth=0.8)
    ax.set(title=name, xlabel="sum", xticks=(-4, 0, 4))
ck.plots.show(figure, alt="Graphs of four activation functions; Figure 3.4 describes them.")

# %% [markdown]
# *Figure 3.4.* Four activations. *linear* hands the sum on as it is; `activation=None` means the same. *relu* cuts off everything below 0. *sigmoid* squeezes into 0 to 1, *tanh* into −1 to 1.
#
# What is a network whose layers are all linear? Take one number, and two layers of one unit: $(x \cdot 2 + 1) \cdot 3 + 4 = x \cdot 6 + 7$. That is one layer with weight 6 and bias 7. With matrices it is the same, and it goes on for any number of layers. Depth without activations buys nothing: the network draws straight lines only. With them it bends. Two relu units already make $|x| = \text{relu}(x) + \text{relu}(-x)$, which no line can follow.
#
# ### Exercise 3.5: the single layer
#
# Two linear layers compute $(x W_1 + b_1)\, W_2 + b_2$, with `W1` of shape `(n, h)`, `b1` of `(h,)`, `W2` of `(h, m)` and `b2` of `(m,)`. One layer $x W + b$ does the same for every $x$. Give it:
#
# **a.** `merged_weights(W1, W2)` returns $W$, shape `(n, m)`. **b.** `merged_bias(b1, W2, b2)` returns $b$, shape `(m,)`.
#
# - Example: `[[2]]`, `[1]`, `[[3]]`, `[4]` give `[[6]]` and `[7]`.
#
# <details><summary>Hint</summary>
#
# Multiply out the brackets, and mind that matrices keep their order. Which terms contain $x$? All the others are the bias.
#
# </details>


# %% coursekit={"exercise": "3.5a", "role": "answer", "points": 1}
def merged_weights(W1, W2):
    """Weights of the single layer: (n, h) and (h, m) -> (n, m)."""
    ### BEGIN SOLUTION
    return W1 @ W2
    ### END SOLUTION


# %% coursekit={"exercise": "3.5a", "role": "check"}
ck.checks.merged_weights(merged_weights)

# %% coursekit={"exercise": "3.5a", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
sizes = ((4, 4, 4), (5, 3, 2), (2, 6, 3), (1, 4, 5))
answer = [merged_weights(rng.normal(size=(n, h)), rng.normal(size=(h, m))) for n, h, m in sizes]


# %% coursekit={"exercise": "3.5b", "role": "answer", "points": 1}
def merged_bias(b1, W2, b2):
    """Bias of the single layer: (h,), (h, m) and (m,) -> (m,)."""
    ### BEGIN SOLUTION
    return b1 @ W2 + b2
    ### END SOLUTION


# %% coursekit={"exercise": "3.5b", "role": "check"}
ck.checks.merged_bias(merged_bias)

# %% coursekit={"exercise": "3.5b", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer = []
for h, m in ((4, 4), (3, 2), (6, 3), (1, 5)):
    b1, W2, b2 = rng.normal(size=h), rng.normal(size=(h, m)), rng.normal(size=m)
    answer.append(merged_bias(b1, W2, b2))

# %% [markdown] tags=["solution"]
# $(x W_1 + b_1) W_2 + b_2 = x\, W_1 W_2 + (b_1 W_2 + b_2)$. The hidden layer can even do harm: with fewer units than inputs and outputs, $W_1 W_2$ cannot be every matrix of its shape.

# %% [markdown]
# ### Exercise 3.6: the parameters of `dense-128`
#
# The network above is the one of Dillon 2018: flatten 28 by 28 pixels, a hidden layer of 128 units, an output layer of ten. All weights and biases together are its **parameters**. Count them by hand, for each layer and in total. A dense layer joins every input to every unit, and each unit has one bias.
#
# <details><summary>Hint</summary>
#
# How many numbers does each layer take in, and how many units does it have? Which layer has nothing to learn?
#
# </details>

# %% coursekit={"exercise": "3.6", "role": "answer", "points": 2}
### BEGIN SOLUTION
flatten_count = 0
hidden_count = 784 * 128 + 128
output_count = 128 * 10 + 10
total_count = flatten_count + hidden_count + output_count
### END SOLUTION

# %% coursekit={"exercise": "3.6", "role": "check"}
ck.checks.parameters_by_hand(flatten_count, hidden_count, output_count, total_count)

# %% coursekit={"exercise": "3.6", "role": "grade", "points": 1, "judge": "check"}
answer = [flatten_count, hidden_count, ..., ...]

# %% coursekit={"exercise": "3.6", "role": "grade", "points": 1, "judge": "check"}
answer = [..., ..., output_count, total_count]

# %% [markdown]
# ## Compile, fit, evaluate, predict
#
# Four calls make a Keras training. `compile` chooses the loss and the optimiser, `fit` adjusts the weights, `evaluate` measures on other data, `predict` asks. What Keras offers for each part:
#
# | part | in Keras | when |
# | --- | --- | --- |
# | loss | `sparse_categorical_crossentropy`, `categorical_crossentropy` | one class of many |
# | | `binary_crossentropy` | yes or no |
# | | `mean_squared_error` | a quantity, as in Figure 3.1 |
# | optimiser | `SGD` | plain gradient descent on batches |
# | | `RMSprop`, `Adam` | the step adapts to each weight: a good first choice |
# | regulariser | `regularizers.L1`, `regularizers.L2` | a penalty on large weights |
# | | `layers.Dropout` | units switched off at random |
# | | `callbacks.EarlyStopping` | no more epochs than help |
#
# Dillon 2018 trains with Adam on batches of 32, for five epochs, and publishes a test accuracy of 0.8803. `steps_per_execution` only saves time.

# %%
model = keras.Sequential(name="fashion-dense-128")
model.add(layers.Input((28, 28)))
model.add(layers.Flatten())
model.add(layers.Dense(128, activation="relu"))
model.add(layers.Dense(10, activation="softmax"))

options = {"loss": "sparse_categorical_crossentropy", "steps_per_execution": 16}
model.compile(optimizer="adam", metrics=["accuracy"], **options)
bar = ck.models.progress_bar()
model.fit(x_train, y_train, batch_size=32, epochs=5, verbose=0, callbacks=[bar])
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
published = ck.models.LECTURES["fashion-dense-128"].published["test_accuracy"]
print(f"test loss {loss:.3f}, test accuracy {accuracy:.4f}, published {published}")

# %%
image, label = x_test[0], y_test[0]
probabilities = model.predict(image[np.newaxis], verbose=0)[0]
print("the network says", names[probabilities.argmax()], "and the label", names[label])

figure, axes = plt.subplots(1, 2, figsize=(8, 3), width_ratios=[1, 2])
axes[0].imshow(image)
axes[0].axis("off")
bars = axes[1].barh(names, probabilities)
axes[1].bar_label(bars, fmt=" %.3f")
axes[1].set(xlabel="probability", xlim=(0, 1.15))
axes[1].invert_yaxis()
ck.plots.show(figure, alt="A test image and its ten probabilities; Figure 3.5 describes them.")

# %% [markdown]
# *Figure 3.5.* The first test image and the network's ten probabilities. Where it hesitates, it hesitates between things that look alike. Change the index in the cell above and ask about others.
#
# The course keeps networks with the way they were trained as recipes; this one is `ck.models.LECTURES["fashion-dense-128"]`. The published accuracy is that of a single run. Yours will differ a little, and from run to run, because batches come in random order; lesson 07 measures how much. What such a network gets wrong is the subject of lesson 04. Here we ask another question: would more epochs help?
#
# ## Where learning turns into learning by heart
#
# To see it, measure after each epoch on images that the network does not train on: **validation** images. Dillon 2018 cuts up the test set for that: 6,700 images to train on, 3,300 for validation, twenty epochs, and a validation accuracy of 0.8418 at the end. But images that help to choose anything cannot judge any more, so we leave the test set alone. From the training images, put into random order, 3,300 are held back for validation, and 6,700 of the others train the network.
#
# The function below also knows two regularisers, L2 and dropout, both switched off for now.


# %%
def run(n, epochs, batch_size=32, dropout=0.0, l2=0.0):
    """Train dense-128 on n images that are not held back; return the history."""
    penalty = keras.regularizers.L2(l2)
    model = keras.Sequential([layers.Input((28, 28)), layers.Flatten()])
    model.add(layers.Dense(128, activation="relu", kernel_regularizer=penalty))
    model.add(layers.Dropout(dropout))
    model.add(layers.Dense(10, activation="softmax", kernel_regularizer=penalty))
    measure = keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy")
    model.compile(optimizer="adam", metrics=["accuracy", measure], **options)
    fit = {"epochs": epochs, "verbose": 0, "callbacks": [ck.models.progress_bar()]}
    fit |= {"batch_size": batch_size, "validation_data": held_back, "validation_batch_size": 1_000}
    return model.fit(x_free[:n], y_free[:n], **fit).history


# %%
order = np.random.default_rng(0).permutation(len(x_train))
held, free = np.split(order, [min(3_300, len(order) // 3)])
held_back = x_train[held], y_train[held]
x_free, y_free = x_train[free], y_train[free]

history = run(n=6_700, epochs=20)
best = int(np.argmin(history["val_loss"])) + 1
print(f"lowest validation loss after epoch {best} of {len(history['val_loss'])}")
figure = ck.plots.curves(history, title="dense-128 on 6,700 images, twenty epochs")
ck.plots.show(figure, alt="Loss and accuracy over twenty epochs; Figure 3.6 describes them.")

# %% [markdown]
# *Figure 3.6.* Left: the loss. On the training images (solid, circles) it falls to the end. On the validation images (dashed, squares) it falls fast at first, then hardly at all, and a gap opens. A gap alone is no harm: most networks do better on images that they know. **Overfitting** is when the validation loss has stopped falling, and the training loss has not. It begins where the validation loss is lowest. The curve is jagged, so another run may put that point some epochs earlier or later. Right: the accuracies part in the same way.
#
# ## Dropout and L2 make learning by heart harder
#
# The fewer images, the easier they are learnt by heart. So take only 2,000, train for sixty epochs, and set a regulariser against it. Batches of 128 instead of 32 make fewer steps, each a mean over more images, and so smoother curves.
#
# - **L2** adds $\lambda \sum w^2$ to the loss, as the dotted curve of Figure 3.1 does. Large weights become expensive.
# - **Dropout** at rate 0.5 sets a random half of the hidden outputs to 0 in each training step, and doubles the others, so that their sum keeps its size. No unit can rely on another. In `evaluate` and `predict` all units take part.
#
# With L2, the loss that Keras reports contains the penalty. To compare like with like, the figure shows the cross-entropy alone, which `run` records as a metric.
#
# **Predict, then run.** Which of the three networks will have the lowest *training* loss? Which will have the lowest *validation* loss at its best, and which after sixty epochs?
#
# <details><summary>Answer</summary>
#
# The plain one learns its images best: nothing hinders it. On the validation images dropout is ahead here, at its best and at the end. At their best, the plain one and L2 are about level. But after sixty epochs the plain one has climbed furthest: L2 mostly flattens the climb.
#
# </details>

# %%
trials = {"plain": {}, "dropout 0.5": {"dropout": 0.5}, "L2 0.001": {"l2": 0.001}}
histories = {name: run(2_000, 60, batch_size=128, **extra) for name, extra in trials.items()}
losses = {name: history["val_cross_entropy"] for name, history in histories.items()}
for name, loss in losses.items():
    best = int(np.argmin(loss)) + 1
    late = np.mean(loss[-10:])
    print(f"{name:12} lowest {min(loss):.3f} after epoch {best}, mean of the last ten {late:.3f}")
measures = {"cross_entropy": "training loss", "val_cross_entropy": "validation loss"}
figure = ck.plots.compare_curves(histories, measures | {"val_accuracy": "validation accuracy"})
figure.axes[1].set_ylim(top=1.6 * min(losses["plain"]))
ck.plots.show(figure, alt="Curves of three trainings over sixty epochs; Figure 3.7 tells more.")

# %% [markdown]
# *Figure 3.7.* Plain (solid, circles), dropout (dashed, squares) and L2 (dotted, triangles) on 2,000 images. Left: the plain training loss falls lowest. That with dropout stays high also because it is measured while half of the units are off. Middle: the plain validation loss turns and climbs (the first epochs are cut off). With L2 it climbs less, with dropout it stays low. Right: the accuracies differ much less. Most answers stay right; what overfitting adds is false certainty in the wrong ones. (The digits that stand in for the clothes offline are too easy for this; there the curves stay close together.)
#
# The rate 0.5 and the factor 0.001 were tried out, on validation images. Such numbers, chosen before the training, are **hyperparameters**; lesson 07 searches for them in earnest. The simplest remedy needs none: stop where the validation loss is lowest. `keras.callbacks.EarlyStopping` does that for you.
#
# ## Summary
#
# - Training makes the mean loss over the examples small, plus a regulariser, by steps against the slope.
# - A tensor's axes mean something: the batch first, the channels last. One image is a batch of one.
# - Softmax turns logits into probabilities; cross-entropy is $-\log$ of the right one. Sparse and one-hot labels give the same loss.
# - Without activations, any number of dense layers is one: weights $W_1 W_2$, bias $b_1 W_2 + b_2$.
# - `compile`, `fit`, `evaluate`, `predict`; 101,770 parameters.
# - A network overfits when its validation loss has stopped falling and its training loss has not. Dropout, L2, more images or an early stop help.
#
# ## Quiz
#
# **1.** How many steps are three epochs of 1,000 images in batches of 50? **2.** All logits grow by 5. What happens to the probabilities? **3.** What is the loss of a network that gives each of ten classes 0.1? **4.** How many parameters does a dense layer have from 100 inputs to 20 units? **5.** Why can the training loss be higher than the validation loss when dropout is used?
#
# <details><summary>Answers</summary>
#
# **1.** $3 \cdot 20 = 60$. **2.** Nothing. **3.** $-\log 0.1 \approx 2.30$. **4.** $100 \cdot 20 + 20 = 2{,}020$. **5.** In training, half of the units are missing; in validation, all take part. Early on, the training loss is also a mean over an epoch in which the network was still getting better.
#
# </details>
#
# ## What comes next
#
# Lesson 04 takes the same network to handwritten digits, and looks at what it gets wrong.
#
# **References.** K. Dillon, *Machine Learning*, topic 15 (2018): the framework, the network, its recipe and published accuracies. D. Bridge, *Artificial Intelligence II* (CS4619): tensors. H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST*, arXiv:1708.07747 (2017). D. Kingma, J. Ba, *Adam*, arXiv:1412.6980 (2014). N. Srivastava and others, *Dropout*, Journal of Machine Learning Research 15 (2014).
