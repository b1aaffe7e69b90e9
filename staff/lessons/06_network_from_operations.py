# %% [markdown]
# # 06 The same network from operations
#
# **A network is a handful of arrays and a few lines of arithmetic; everything else is convenience.**
#
# Keras hid three things from you: the weights, the loss and the training step. Here you write all three with TensorFlow's own operations, train the network of iSystems with them, and then find the very same numbers in Keras layers.
#
# *Time:* about two hours with all exercises; running every cell takes about a minute on two cores and the full data.
# *Before this lesson:* lessons 03 (softmax, cross-entropy) and 05 (convolution and pooling in a network).
#
# After this lesson you will be able to
#
# - write down a network as arrays with their shapes;
# - build a convolutional block from `tf.nn` operations;
# - compute the loss from logits without overflow;
# - write a training step with `tf.GradientTape`, and run it inside `tf.function`;
# - deal batches, and report losses at the right moments;
# - say what Keras adds, and what `tf.function` saves.
#
# **Notation.**
#
# | symbol | meaning |
# | --- | --- |
# | $N$ | number of images in a batch |
# | $C$ | number of classes, here 10 |
# | $z$ | **logits**: the $C$ raw numbers that leave the last layer, one row for each image |
# | $y$ | label of an image, an integer from 0 to $C - 1$ |
# | $L$ | loss: the mean cross-entropy of a batch |
# | $\eta$ | learning rate |

# %%
import timeit

import coursekit as ck
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

ck.setup(seed=0)

# %% [markdown]
# ## A network is its weights
#
# The network of iSystems has four layers with weights: two convolutions that keep the size ("same"), each followed by pooling, and two dense layers.
#
# | after | shape of one image |
# | --- | --- |
# | input | (28, 28, 1) |
# | Conv 32 same, Pool 2 | (14, 14, 32) |
# | Conv 64 same, Pool 2 | (7, 7, 64) |
# | flattened | (3136,) |
# | Dense 100 | (100,) |
# | Dense 10 | (10,), the logits |
#
# Each layer owns a **kernel** and a **bias**. A convolution's kernel has the shape $(k, k, C_\text{in}, C_\text{out})$. For the first that is $(3, 3, 1, 32)$: 288 weights and 32 biases, 320 numbers. A `tf.Variable` is an array that an optimiser may change. All start as random numbers from a normal distribution with standard deviation 0.1, as iSystems starts them.
#
# **Predict, then run.** How many numbers are there in all, and which of the four layers holds most of them?
#
# <details><summary>Answer</summary>
#
# 333,526. The first dense layer alone has $3136 \cdot 100 + 100 = 313{,}700$ of them, 94 %. It is the old story of lesson 05: weights are expensive where maps meet dense units.
#
# </details>

# %% tags=["nbval-check-output"]
convolutions = {"conv1": (3, 3, 1, 32), "conv2": (3, 3, 32, 64)}
shapes = {**convolutions, "hidden": (7 * 7 * 64, 100), "output": (100, 10)}


def random_variable(shape):
    return tf.Variable(tf.random.normal(shape, stddev=0.1))


weights = {name: random_variable(shape) for name, shape in shapes.items()}
biases = {name: random_variable(shape[-1:]) for name, shape in shapes.items()}
variables = [v for name in shapes for v in (weights[name], biases[name])]

for name in shapes:
    count = np.prod(weights[name].shape) + np.prod(biases[name].shape)
    print(f"{name:6} kernel {weights[name].shape!s:14} bias {biases[name].shape!s:6} {count:7,}")
print("together", f"{sum(np.prod(v.shape) for v in variables):,}")

# %% [markdown]
# ## One block: convolve, add, rectify, pool
#
# What was one line `Conv2D(…, activation="relu")` and another `MaxPooling2D(2)` is four operations here:
#
# - `tf.nn.conv2d(x, kernel, strides=1, padding="SAME")` slides the kernel over every image;
# - `+ bias` adds one number to each map;
# - `tf.nn.relu` turns negative numbers into 0;
# - `tf.nn.max_pool2d(x, ksize=2, strides=2, padding="VALID")` keeps the largest number of each window.
#
# Images have four axes here: batch, height, width, channels; `None` in an index adds one. Worked number, with a kernel that asks "brighter on my right than on my left?" and the bias $-1$. In row 1, column 1 of the image below, the left neighbour is 0, the right one 3:
#
# $$\text{relu}\big((-1) \cdot 0 + 1 \cdot 3 + (-1)\big) = \text{relu}(2) = 2.$$

# %%
x = np.float32([[0, 0, 2, 3], [0, 1, 3, 3], [0, 0, 2, 2], [1, 0, 3, 2]])[None, :, :, None]
kernel = np.float32([[0, 0, 0], [-1, 0, 1], [0, 0, 0]])[:, :, None, None]
summed = tf.nn.conv2d(x, kernel, strides=1, padding="SAME") + np.float32([-1])
rectified = tf.nn.relu(summed)
pooled = tf.nn.max_pool2d(rectified, ksize=2, strides=2, padding="VALID")
print("row 1, column 1:", float(rectified[0, 1, 1, 0]), "shapes", x.shape, "to", pooled.shape)

figure, axes = plt.subplots(1, 4, figsize=(10, 2.9), width_ratios=[4, 4, 4, 2.4])
steps = {"image": x, "conv + bias": summed, "relu": rectified, "max pool": pooled}
for ax, (title, values) in zip(axes, steps.items(), strict=True):
    ck.plots.matrix(values[0, :, :, 0], title, ax=ax)
ck.plots.show(figure, alt="One image on its way through a block; Figure 6.1 describes it.")

# %% [markdown]
# *Figure 6.1.* From left to right: an image of 4 by 4 pixels, brighter on its right side; the sums, among them the 2 of the worked number in row 1, column 1; the same after ReLU, where only the rising edge is left; and the largest number of each 2 by 2 window: 2 and 2 above, 1 and 1 below. Squares without a number hold 0.
#
# ### Exercise 6.1: `conv_block(x, kernel, bias)`
#
# Write the block: same convolution with stride 1, bias, ReLU, max pooling by 2.
#
# - `x`: shape `(N, H, W, C_in)`; `kernel`: shape `(kh, kw, C_in, C_out)`, sides odd; `bias`: shape `(C_out,)`. All are `float32`.
# - Returns shape `(N, H // 2, W // 2, C_out)`: a row or column left over by the pooling is dropped.
# - Example: the image, kernel and bias of Figure 6.1 give `[[2, 2], [1, 1]]`, with axes for batch and channel around it.
#
# <details><summary>Hint</summary>
#
# The four operations above, one after the other. The convolution is padded with "SAME", the pooling with "VALID": two different questions.
#
# </details>


# %% coursekit={"exercise": "6.1", "role": "answer", "points": 2}
def conv_block(x, kernel, bias):
    """One block: (N, H, W, C_in) -> (N, H // 2, W // 2, C_out)."""
    ### BEGIN SOLUTION
    y = tf.nn.conv2d(x, kernel, strides=1, padding="SAME") + bias
    return tf.nn.max_pool2d(tf.nn.relu(y), ksize=2, strides=2, padding="VALID")
    ### END SOLUTION


# %% coursekit={"exercise": "6.1", "role": "check"}
ck.checks.conv_block(conv_block)

# %% coursekit={"exercise": "6.1", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer, draw = [], lambda *shape: rng.standard_normal(shape, dtype=np.float32)
for image, kernel in (((2, 6, 8, 1), (3, 3, 1, 4)), ((1, 8, 4, 3), (3, 3, 3, 2))):
    answer.append(conv_block(draw(*image), draw(*kernel), draw(kernel[3])))

# %% coursekit={"exercise": "6.1", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer, draw = [], lambda *shape: rng.standard_normal(shape, dtype=np.float32)
for image, kernel in (((2, 7, 5, 2), (3, 5, 2, 3)), ((1, 5, 9, 3), (5, 1, 3, 2))):
    answer.append(conv_block(draw(*image), draw(*kernel), draw(kernel[3])))

# %% [markdown]
# ## The loss starts from logits
#
# The last layer gives logits $z$, any real numbers. Softmax turns them into probabilities, and the loss of an image is minus the logarithm of its label's probability (lesson 03). Written as one formula, with $m = \max_c z_c$:
#
# $$-\log \frac{e^{z_y}}{\sum_c e^{z_c}} = \log \sum_c e^{z_c} - z_y = m + \log \sum_c e^{z_c - m} - z_y.$$
#
# All three are equal on paper. On a computer only the last is safe: $e^{z_c - m}$ is at most 1 and cannot overflow, and the sum is at least 1, so its logarithm cannot be that of 0. Worked number, $z = [3, 1, 2]$ and $y = 2$:
#
# $$3 + \log(1 + e^{-2} + e^{-1}) - 2 = 3 + 0.41 - 2 = 1.41.$$

# %%
z = np.array([3, 1, 2], dtype=np.float32)
p = np.exp(z) / np.exp(z).sum()
print("probabilities", p.round(2), "loss of label 2:", (-np.log(p[2])).round(2))

c = np.arange(0, 201, dtype=np.float32)  # logits [c, 0], and the label is 1
with np.errstate(all="ignore"):
    quotient = -np.log(1 / (np.exp(c) + 1))
safe = c + np.log(1 + np.exp(-c))
print("the quotient is finite up to c =", c[np.isfinite(quotient)].max())

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 2.9))
left.bar(["0", "1", "2"], p, color=ck.plots.BLUE)
left.set(xlabel="class", ylabel="probability", title="softmax of [3, 1, 2]")
right.plot(c, quotient, linewidth=5, alpha=0.5, label="softmax, then log")
right.plot(c, safe, linestyle="--", label="largest logit taken out")
right.set(xlabel="c, logit of the wrong class", ylabel="loss", title="logits [c, 0], label 1")
right.legend()
ck.plots.show(figure, alt="Bars of three probabilities and two loss curves; see Figure 6.2.")

# %% [markdown]
# *Figure 6.2.* Left: the probabilities of the worked number; class 2 has 0.24, and $-\log 0.24 = 1.41$. Right: the loss of an image whose wrong class has the logit $c$. The thick line, softmax first and the logarithm after it, ends where $e^c$ leaves the range of `float32`; beyond, the loss is infinite. The dashed line goes on.
#
# ### Exercise 6.2: `cross_entropy_from_logits(logits, labels)`
#
# Return the mean loss of a batch, in NumPy or in TensorFlow.
#
# - `logits`: shape `(N, C)`, `float32`; `labels`: shape `(N,)`, integers. Returns one number.
# - It must be right for logits of 1000 and of −1000, in the same batch.
# - Example: `logits = [[3, 1, 2]]`, `labels = [2]` gives 1.4076.
#
# <details><summary>Hint</summary>
#
# The last of the three formulas. Every image has its own $m$: `axis=1`. In NumPy, `logits[np.arange(N), labels]` picks one number from each row; in TensorFlow, `tf.gather(logits, labels, axis=1, batch_dims=1)`.
#
# </details>


# %% coursekit={"exercise": "6.2", "role": "answer", "points": 3}
def cross_entropy_from_logits(logits, labels):
    """Mean cross-entropy, safe for large logits: (N, C) and (N,) -> ()."""
    ### BEGIN SOLUTION
    m = logits.max(axis=1)
    log_sum = m + np.log(np.exp(logits - m[:, None]).sum(axis=1))
    own = logits[np.arange(len(labels)), labels]
    return (log_sum - own).mean()
    ### END SOLUTION


# %% coursekit={"exercise": "6.2", "role": "check"}
ck.checks.cross_entropy_from_logits(cross_entropy_from_logits)

# %% coursekit={"exercise": "6.2", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer = []
for n, c in ((1, 4), (3, 3), (5, 4), (2, 10), (8, 2)):
    logits = 2 * rng.standard_normal((n, c), dtype=np.float32)
    answer.append(cross_entropy_from_logits(logits, rng.integers(c, size=n)))

# %% coursekit={"exercise": "6.2", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
answer = []
for n, c in ((1, 3), (4, 4), (6, 3), (3, 10), (5, 2)):
    logits = 1000 * rng.standard_normal((n, c), dtype=np.float32)
    answer.append(cross_entropy_from_logits(logits, logits.argmin(axis=1)))

# %% [markdown] tags=["solution"]
# `scipy.special.logsumexp` and `tf.reduce_logsumexp` are the first two lines in one. TensorFlow has the whole as `tf.nn.sparse_softmax_cross_entropy_with_logits`: "sparse" says that labels are integers, "with logits" that softmax is inside. It gives one loss for each image; `tf.reduce_mean` takes their mean. In Keras it is `SparseCategoricalCrossentropy(from_logits=True)`.

# %% [markdown]
# ## The tape remembers how the loss came about
#
# To learn, we need the slope of the loss with respect to every weight. `tf.GradientTape` records the operations inside its `with` block. Then it goes through them backwards, from the loss to the weights. Every operation knows its own slope, and the chain rule multiplies them. You never write a derivative yourself, however deep the network is. Worked number: $f(v) = (v - 3)^2$ at $v = 1$ has the slope $2(v - 3) = -4$. One step of gradient descent with $\eta = 0.1$ goes *against* the slope:
#
# $$v \leftarrow v - \eta f'(v) = 1 - 0.1 \cdot (-4) = 1.4.$$
#
# **Predict, then run.** The last three lines ask a second tape, in whose block nothing is computed, for the slope of `f`. What does it answer?
#
# <details><summary>Answer</summary>
#
# `None`: "I know of no way from `v` to `f`". No error, no 0. A loss that is computed before the tape starts leaves every gradient `None`.
#
# </details>

# %% tags=["nbval-check-output"]
v = tf.Variable(1.0)
with tf.GradientTape() as tape:
    f = (v - 3) ** 2
slope = tape.gradient(f, v)
v.assign_sub(0.1 * slope)
print(f"slope {slope.numpy():.1f}, new v {v.numpy():.1f}, new f {(v - 3).numpy() ** 2:.2f}")

with tf.GradientTape() as late:
    pass
print("computed outside the tape:", late.gradient(f, v))

# %% [markdown]
# ## `tf.function` records once, then replays
#
# Run as ordinary Python, each operation is started by the interpreter, one by one (**eager** execution). `tf.function` instead runs your Python function once to *record* which operations it calls: a **graph**. Later calls replay the graph, and Python is out of the way.
#
# **Predict, then run.** How often will the next cell print, for three calls?
#
# <details><summary>Answer</summary>
#
# Twice. `print` is Python, so it runs only while recording. The second call has an input of the same shape and type and replays; the third has a new shape and is recorded anew. For the same reason a recorded tensor holds no numbers yet: `.numpy()` and `float()` do not work inside.
#
# </details>


# %% tags=["nbval-check-output"]
@tf.function
def square(x):
    print("Python sees", x.shape)
    return x**2


for n in (2, 2, 5):
    square(tf.ones(n))

# %% [markdown]
# ### Exercise 6.3: `train_step(network, variables, optimizer, images, labels)`
#
# Take one step of training.
#
# - `network`: a function from images to logits; `variables`: the list of everything it may change; `optimizer`: one of Keras', whose `optimizer.apply(gradients, variables)` takes one step downhill.
# - Measure the mean cross-entropy of the batch, find the gradients of all variables, apply them. Return the loss that the tape saw, as a tensor: your step must also work inside `tf.function`.
# - Example: the check uses the tiny network $xW + b$. It shows the loss, then the new numbers of $W$ and of $b$, in one row.
#
# Adam, the optimiser used below, does more than $v \leftarrow v - \eta f'(v)$: it keeps two running means for each weight, of its slopes and of their squares, and takes steps of similar size for all weights. You leave that to `apply`.
#
# <details><summary>Hint</summary>
#
# Inside the `with` block: `network(images)`, then `tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)`, then `tf.reduce_mean`. After it: `tape.gradient(loss, variables)` gives a list in the order of the variables.
#
# </details>


# %% coursekit={"exercise": "6.3", "role": "answer", "points": 3}
def train_step(network, variables, optimizer, images, labels):
    """Move the variables by one step; return the loss before it: -> ()."""
    ### BEGIN SOLUTION
    with tf.GradientTape() as tape:
        logits = network(images)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(losses)
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss
    ### END SOLUTION


# %% coursekit={"exercise": "6.3", "role": "check"}
ck.checks.train_step(train_step)

# %% coursekit={"exercise": "6.3", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
W, b = (tf.Variable(rng.normal(size=shape), dtype="float32") for shape in ((5, 3), (3,)))
images = tf.constant(rng.normal(size=(8, 5)), dtype="float32")
labels, optimizer = tf.constant(rng.integers(3, size=8)), keras.optimizers.SGD(0.5)
optimizer.build([W, b])  # the step itself may be a graph, and a graph makes no variables
three = [train_step(lambda x: x @ W + b, [W, b], optimizer, images, labels) for _ in "123"]
answer = [np.array(three), W.numpy(), b.numpy()]

# %% coursekit={"exercise": "6.3", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
W, b = (tf.Variable(rng.normal(size=shape), dtype="float32") for shape in ((5, 3), (3,)))
images = tf.constant(rng.normal(size=(8, 5)), dtype="float32")
labels, optimizer = tf.constant(rng.integers(3, size=8)), keras.optimizers.Adam(0.1)
optimizer.build([W, b])  # the step itself may be a graph, and a graph makes no variables
three = [train_step(lambda x: x @ W + b, [W, b], optimizer, images, labels) for _ in "123"]
answer = [np.array(three), W.numpy(), b.numpy()]

# %% coursekit={"exercise": "6.3", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
W, b = (tf.Variable(rng.normal(size=shape), dtype="float32") for shape in ((5, 3), (3,)))
images = tf.constant(rng.normal(size=(8, 5)), dtype="float32")
labels, optimizer = tf.constant(rng.integers(3, size=8)), keras.optimizers.SGD(0.2)
optimizer.build([W, b])  # the step itself may be a graph, and a graph makes no variables


@tf.function(autograph=False)
def step(x, y):
    return train_step(lambda x: x @ W + b, [W, b], optimizer, x, y)


answer = [np.array([step(images, labels), step(-images, labels)]), W.numpy(), b.numpy()]

# %% [markdown]
# ## Deal the images like cards
#
# A step sees a batch of 50 images. Which ones? Shuffle all indices like a deck of cards and deal 50 at a time; when fewer than 50 are left, shuffle all of them anew. So no image comes twice in one pass over the data, and the few that are left over have their chance in the next. 2,500 batches of 50 are 125,000 images: a little more than two passes over 60,000.
#
# ### Exercise 6.4: the loop's two decisions
#
# **a.** `batches(n, batch_size, iterations, rng)` deals indices from 0 to `n - 1`, with `rng`, a `numpy.random.Generator`.
#
# - Returns integers of shape `(iterations, batch_size)`: row `i` is the batch of step `i`.
# - Example: `batches(4, 2, 3, rng)` can give `[[2, 0], [3, 1], [1, 2]]`: all four cards, then a new deck.
#
# **b.** `report_at(iterations, every)` says when to measure the loss: after how many steps. Before the first step counts as 0; then after each `every` steps.
#
# - Returns a list of integers. Example: `report_at(10, 5)` gives `[0, 5, 10]`, and `report_at(10, 4)` gives `[0, 4, 8]`.
#
# <details><summary>Hint</summary>
#
# **a.** A deck of `n` cards gives `n // batch_size` whole batches: `rng.permutation(n)[: n // batch_size * batch_size].reshape(-1, batch_size)`. How many decks do you need? Too many do no harm, if you cut at the end. **b.** `range` leaves out its end.
#
# </details>


# %% coursekit={"exercise": "6.4a", "role": "answer", "points": 2}
def batches(n, batch_size, iterations, rng):
    """Deal shuffled indices, pass after pass: -> (iterations, batch_size)."""
    ### BEGIN SOLUTION
    in_deck = n // batch_size
    dealt = []
    while len(dealt) < iterations:
        deck = rng.permutation(n)[: in_deck * batch_size]
        dealt.extend(deck.reshape(in_deck, batch_size))
    return np.array(dealt[:iterations])
    ### END SOLUTION


# %% coursekit={"exercise": "6.4a", "role": "check"}
ck.checks.batches(batches)

# %% coursekit={"exercise": "6.4a", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
values, whole = rng.normal(size=30), batches(30, 5, 24, rng)  # four passes over all images
answer = [np.shape(whole), np.sort(values[np.reshape(whole, (4, 30))], axis=1)]
for n, size, in_deck in ((23, 4, 5), (40, 9, 4)):  # here some are left over in each pass
    dealt = batches(n, size, 12 * in_deck, rng)
    passes = np.reshape(dealt, (12, in_deck * size))
    answer += [np.shape(dealt), len(np.unique(dealt)), [len(np.unique(one)) for one in passes]]

# %% coursekit={"exercise": "6.4a", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
groups = rng.permutation(12) // 3  # four seeds, three times each
dealt = [batches(62, 5, 24, np.random.default_rng([SEED, group])) for group in groups]
passes = np.reshape(dealt, (24, 60))  # two in each answer
same = (passes[:, np.newaxis] == passes).all(axis=2)
answer = same @ rng.normal(size=24)


# %% coursekit={"exercise": "6.4b", "role": "answer", "points": 1}
def report_at(iterations, every):
    """After how many steps to measure the loss."""
    ### BEGIN SOLUTION
    return list(range(0, iterations + 1, every))
    ### END SOLUTION


# %% coursekit={"exercise": "6.4b", "role": "check"}
ck.checks.report_at(report_at)

# %% coursekit={"exercise": "6.4b", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
answer = []
for every, times in zip(rng.integers(20, 90, size=4), rng.integers(4, 12, size=4), strict=True):
    rest = rng.integers(1, every)
    answer += [report_at(int(every * times + more), int(every)) for more in (0, rest)]

# %% [markdown]
# For 2,500 iterations that makes eleven reports. iSystems asks "is the iteration divisible by 250?" *after* each step, in a loop that counts from 0. So it reports ten times, after steps 1, 251, …, 2,251: neither the untrained network nor the finished one.
#
# ## Put together, it is a program of one page
#
# Here are the pieces once more, as one program in three cells. It does not use your functions, so it runs even where an exercise is still open. Where your checks pass, put your own `conv_block` and `train_step` in and see the same losses.
#
# 1. The network. Its variables are those from the beginning of the lesson.
# 2. The loss and the step, each as plain Python and as a graph. TensorFlow wants labels as `int32`; MNIST's are `uint8`.
# 3. The data and the batches. On fewer than 10,000 images (quick mode, or no real data) there are fewer iterations, a quarter of the number of images, and still ten reports after the first.


# %%
def network(images):
    """Ten logits for each image: (N, 28, 28, 1) -> (N, 10)."""
    x = images
    for name in convolutions:
        x = tf.nn.conv2d(x, weights[name], strides=1, padding="SAME") + biases[name]
        x = tf.nn.max_pool2d(tf.nn.relu(x), ksize=2, strides=2, padding="VALID")
    x = tf.reshape(x, [-1, 7 * 7 * 64])
    x = tf.nn.relu(x @ weights["hidden"] + biases["hidden"])
    return x @ weights["output"] + biases["output"]


# %%
def mean_loss(images, labels):
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, network(images))
    return tf.reduce_mean(losses)


def adam_step(images, labels):
    with tf.GradientTape() as tape:
        loss = mean_loss(images, labels)
    optimizer.apply(tape.gradient(loss, variables), variables)


optimizer = keras.optimizers.Adam(0.0001)
fast_loss, fast_step = tf.function(mean_loss), tf.function(adam_step)

# %%
mnist = ck.load_mnist()
x_train, x_test = (images[..., None] / np.float32(255) for images in (mnist.x_train, mnist.x_test))
y_train, y_test = (labels.astype(np.int32) for labels in (mnist.y_train, mnist.y_test))

n, batch_size = len(x_train), 50
every = min(250, n // 40)
iterations, whole = 10 * every, n // batch_size
decks = np.tile(np.arange(n), (1 + iterations // whole, 1))
decks = np.random.default_rng(0).permuted(decks, axis=1)[:, : whole * batch_size]
order = decks.reshape(-1, batch_size)[:iterations]
print(f"{n:,} images, {iterations:,} batches of {batch_size}, a report every {every}")

# %% [markdown]
# Each report measures on two fixed samples, drawn once at random: 1,000 training images and 1,000 test images. iSystems takes the batch at hand and 50 test images. Then the curve jumps with every batch, and you cannot tell a better network from easier images.
#
# **Predict, then run.** A network that knows nothing has a loss of $\log 10 \approx 2.30$. What will the first report say?
#
# <details><summary>Answer</summary>
#
# Somewhat more. Its logits are not all equal but random, so it has opinions before it knows anything. Being sure of a wrong class costs more than being sure of the right one gains. With a larger standard deviation of the weights the first loss would be far higher.
#
# </details>

# %%
history, samples = [], []
for x, y in ((x_train, y_train), (x_test, y_test)):
    chosen = np.random.default_rng(0).permutation(len(x))[:1000]
    samples.append((x[chosen], y[chosen]))


def report(done):
    history.append([done, *(float(fast_loss(x, y)) for x, y in samples)])
    print("after {:5} iterations: training loss {:.3f}, test loss {:.3f}".format(*history[-1]))


report(0)
for done, batch in enumerate(order, start=1):
    fast_step(x_train[batch], y_train[batch])
    if done % every == 0:
        report(done)

# %%
done, training, test = np.transpose(history)
figure, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(done, training, "o-", label="training")
ax.plot(done, test, "s--", label="test")
ax.axhline(np.log(10), color=ck.plots.GREY, linestyle=":", label="log 10")
ax.set(xlabel="iteration", ylabel="loss", ylim=(0, None))
ax.legend()
ck.plots.show(figure, alt="Two falling loss curves, training and test; see Figure 6.3.")

# %% [markdown]
# *Figure 6.3.* Loss over the iterations, on 1,000 training images (solid, circles) and 1,000 test images (dashed, squares). Both begin a little above $\log 10$ (dotted), fall steeply at first and slowly at the end. They stay close together: each image has been seen only two or three times, too few to learn it by heart. (In quick mode it is about twelve times, on far fewer images.)
#
# iSystems measures its accuracy on 100 test images, where one image more or less is a whole percentage point, and prints no number for us to compare with. Here are all test images, in parts of 500: their feature maps would otherwise fill a gigabyte.

# %%
parts = [network(x_test[i : i + 500]) for i in range(0, len(x_test), 500)]
probabilities = tf.nn.softmax(np.concatenate(parts)).numpy()
right = probabilities.argmax(axis=1) == y_test
print(f"test accuracy {right.mean():.4f} on {len(right):,} images")

figure = ck.plots.prediction(x_test[0], probabilities[0], mnist.class_names)
ck.plots.show(figure, alt="The first test image and its ten probabilities; see Figure 6.4.")

# %% [markdown]
# *Figure 6.4.* Left: the first test image. Right: the ten probabilities that the network gives, as stems; the square marks the largest. On the full data one stem has nearly all, and the others lie on the axis.
#
# Most images look like that. The doubtful ones are worth more: which one is the network least sure of?

# %%
least = probabilities.max(axis=1).argmin()
print("least sure: test image", least, "with the label", y_test[least])
figure = ck.plots.prediction(x_test[least], probabilities[least], mnist.class_names)
ck.plots.show(figure, alt="The least certain test image and its probabilities; see Figure 6.5.")

# %% [markdown]
# *Figure 6.5.* The test image whose largest probability is smallest, and its ten probabilities. The network shares its trust between several classes, and the stems say which. Compare them with what you read yourself.
#
# ## The same in Keras layers
#
# Now the convenience. Each line below makes one kernel and one bias, or none, and calls the operations you have just called. Keras works out the shapes, gives the variables names, knows how to save them, and brings its own training loop. (iSystems, too, writes its network a second time in layers.)

# %%
layers = [
    keras.layers.Input((28, 28, 1)),
    keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
    keras.layers.MaxPooling2D(2),
    keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
    keras.layers.MaxPooling2D(2),
    keras.layers.Flatten(),
    keras.layers.Dense(100, activation="relu"),
    keras.layers.Dense(10),
]
model = keras.Sequential(layers, name="low-level-layers")

# %% [markdown]
# **Predict, then run.** The layers started from random weights of their own. Put *your* trained weights into them, kernel and bias by turns: how far apart will the logits of both networks be?
#
# <details><summary>Answer</summary>
#
# Not at all, but for rounding: they are the same function. The cell stops with an error where a logit differs by more than a thousandth.
#
# </details>

# %% tags=["nbval-check-output"]
model.set_weights([v.numpy() for v in variables])
from_operations, from_layers = network(x_test[:500]), model(x_test[:500])
np.testing.assert_allclose(from_layers, from_operations, rtol=0, atol=0.001)
print("equal weights give equal logits, to a thousandth")

recipe = ck.models.LECTURES["low-level-layers"]  # the course's record of the network
print(f"{model.count_params():,} parameters here, {recipe.parameters:,} in the recipe")

# %% [markdown]
# ## What `tf.function` saves
#
# `adam_step` and `fast_step` are the same Python code; one is replayed as a graph. **Predict, then run.** How many times faster is the graph with 50 images in a batch? Will the factor grow or shrink with more images?
#
# <details><summary>Answer</summary>
#
# It shrinks. Eager execution pays for every *operation* that Python starts, and a step starts a great many, most of them in Adam's arithmetic for eight variables. It pays the same for small batches and large ones. With many images the arithmetic itself takes over. Even then the graph can stay ahead: it is known in advance, so some operations can be joined into one, and others run side by side.
#
# </details>


# %%
def milliseconds(step, n):
    """Time of one step on n images: the best of three rounds."""
    batch = tf.constant(x_train[:n]), tf.constant(y_train[:n])
    step(*batch)  # the first call records the graph
    return 1000 * min(timeit.repeat(lambda: step(*batch), repeat=3, number=3)) / 3


for n in (5, 50, 500):
    eager, graph = milliseconds(adam_step, n), milliseconds(fast_step, n)
    print(f"{n:3} images: eager {eager:4.0f} ms, graph {graph:4.0f} ms, ratio {eager / graph:.1f}")

# %% [markdown]
# Times differ between machines and moments; the two forms were timed side by side, so compare the ratios. `model.fit` of Keras records its step in the same way, which is why you never had to ask for it. (The timed steps have trained the network a little further.)
#
# ## Summary
#
# - A network is a list of arrays and a function that uses them.
# - A block is four operations: convolve, add the bias, rectify, pool.
# - Compute the loss from logits, with each row's largest logit taken out.
# - A step: loss inside the tape, gradients of *all* variables, apply.
# - Deal batches from a shuffled deck; report before the first step and after the last.
# - Keras layers are the same arithmetic; `tf.function` takes Python out of the loop.
#
# ## Quiz
#
# **1.** Which shape has the kernel of a 5x5 convolution from 16 to 32 channels? **2.** All ten logits are 7. What is the loss? **3.** `tape.gradient` answers `None`. What happened? **4.** A `print` in a `tf.function` shows only once. Why? **5.** $n = 60{,}000$, batches of 50: after how many iterations is the deck used up?
#
# <details><summary>Answers</summary>
#
# **1.** $(5, 5, 16, 32)$. **2.** $\log 10 \approx 2.30$: equal logits are equal probabilities. **3.** The loss was computed outside the tape, or does not depend on the variable. **4.** It runs while the graph is recorded, not when it is replayed. **5.** 1,200.
#
# </details>
#
# ## What comes next
#
# Lesson 07 asks which choices matter: layers, filters, batch size, learning rate. There Keras' convenience pays, because dozens of networks have to be trained.
#
# **References.** iSystems, *Convolutional Neural Networks (CNN)*: the network, its recipe and the stem plot. D. P. Kingma and J. Ba, *Adam: a method for stochastic optimization*, arXiv:1412.6980 (2014). M. Abadi et al., *TensorFlow: a system for large-scale machine learning*, OSDI (2016): networks as graphs of operations.
