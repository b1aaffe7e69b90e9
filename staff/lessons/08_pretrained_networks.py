# %% [markdown]
# # 08 Pre-optimised networks
#
# **What a network has learnt from many images can be used again where images are few, as far as the two tasks are alike.**
#
# You will take a network that was optimised on all of MNIST, and put it to work on other handwriting and on clothes, with as few as ten labelled images a class. Then you will measure what that was worth, and where it was worth nothing.
#
# *Time:* about 90 minutes with all exercises; running every cell takes two to three minutes on two cores.
# *Before this lesson:* lesson 05, whose network comes back here.
#
# After this lesson you will be able to
#
# - read the card of a network before you trust its weights;
# - say which parameters of a network are frozen and which are trained, and count both;
# - use a network as a source of features for any other classifier;
# - fine-tune a network without destroying what it knows;
# - compare transfer with training from scratch, honestly, with repeats.
#
# **Notation.**
#
# | symbol | meaning |
# | --- | --- |
# | **source task** | what the network was optimised for: MNIST |
# | **target task** | what you want it for |
# | **base** | the layers that are kept, here everything up to Flatten |
# | **head** | the layers after the base, made for one task |
# | **frozen** | not changed by training |
# | $n$ | labelled images of each class of the target task |

# %%
import coursekit as ck
import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

ck.setup(seed=0)

# %% [markdown]
# ## Weights come with a card
#
# Large networks take supercomputers and days to weeks (Dillon 2019), so one uses what others have optimised. Ours is small: `cnn-93k` of lesson 05, optimised for eight epochs. Its weights ship with the course, so this lesson needs no download. Whoever uses the weights of others should know where they come from; that is what a **model card** is for.

# %%
card = ck.models.pretrained_card()
for key in ("network", "data", "recipe", "seed", "test_accuracy", "versions", "date", "command"):
    print(f"{key:14} {card[key]}")

# %% tags=["nbval-check-output"]
shipped = ck.models.pretrained()
for number, layer in enumerate(shipped.layers):
    print(
        f"{number}  {type(layer).__name__:13} {layer.output.shape!s:20} {layer.count_params():7,}"
    )

# %% [markdown]
# ## Other handwriting, without any training
#
# scikit-learn's digits come from another country and other writers. Their bitmaps had 32 by 32 pixels; in each block of 4 by 4 the black ones were counted. That leaves 8 by 8 grey values, here enlarged to 28 by 28. The ten classes are the same.
#
# **Predict, then run.** The network reads MNIST's test images almost perfectly; see the card. How many of these digits will it read?
#
# <details><summary>Answer</summary>
#
# Most, but clearly fewer. The pictures are blurred by the enlargement and the digits are drawn differently. A network is good at what its training images look like; this gap is called **distribution shift**.
#
# </details>

# %%
digits, fashion = ck.load_digits(), ck.load_fashion_mnist()


def scaled(images):
    """Return uint8 images (N, 28, 28) as float32 (N, 28, 28, 1) from 0 to 1."""
    return images[..., None] / np.float32(255)


guesses = shipped.predict(scaled(digits.x_test), verbose=0).argmax(axis=1)
print(f"digits read without any training: {np.mean(guesses == digits.y_test):.3f}")
figure = ck.plots.images(np.concatenate([digits.x_test[:10], fashion.x_test[:10]]), columns=10)
ck.plots.show(figure, alt="Ten handwritten digits above ten pictures from Fashion-MNIST.")

# %% [markdown]
# *Figure 8.1.* Examples of the two target tasks: digits from scikit-learn (top), and clothes from Fashion-MNIST (bottom; digits again where that set is not at hand). The first are close to the source task, the second are far from it.
#
# ## Keep the base, replace the head
#
# The convolutions of `cnn-93k` know strokes, bends and ends. The dense layers after them know how ten digits are made of those. For another task, keep the first part, the **base**, up to Flatten. Put a new **head** on it: one dense layer from 576 numbers to ten classes. Then train the head only; the base is **frozen**:
#
# ```python
# for layer in shipped.layers[:6]:
#     layer.trainable = False
# ```
#
# With few images that is a blessing. There is little to learn, so there is little to learn by heart.
#
# ### Exercise 8.1: what can still change?
#
# The network is now: the base of `cnn-93k` up to Flatten, frozen, and a new Dense layer of 10 units after it. Count by hand, with the table above:
#
# - `frozen`: parameters that training will not change;
# - `trainable`: parameters that it will.
#
# <details><summary>Hint</summary>
#
# Frozen are three convolutions, weights and biases. The new layer has one weight for each of its inputs and units, and a bias for each unit.
#
# </details>

# %% coursekit={"exercise": "8.1", "role": "answer", "points": 2}
### BEGIN SOLUTION
frozen = 320 + 18_496 + 36_928
trainable = 576 * 10 + 10
### END SOLUTION

# %% coursekit={"exercise": "8.1", "role": "check"}
ck.checks.freeze_by_hand(frozen, trainable)

# %% coursekit={"exercise": "8.1", "role": "grade", "points": 1, "judge": "check"}
answer = [frozen, ...]

# %% coursekit={"exercise": "8.1", "role": "grade", "points": 1, "judge": "check"}
answer = [..., trainable]

# %% [markdown]
# ## A frozen base is a function
#
# A base that never changes gives the same 576 numbers for an image, every time. These are its **features**: 64 patterns, each looked for at 3 by 3 places. So compute them once, and give them to any classifier you like, from nearest neighbours to a support vector machine. The network need not be trained at all, and your computer needs the memory of the features only, not that of a training.
#
# ### Exercise 8.2: `features(images)`
#
# Return the features of images: the output of the Flatten layer of `shipped`, the network from above.
#
# - `images`: shape `(N, 28, 28, 1)`, `float32` from 0 to 1. Returns shape `(N, 576)`.
#
# <details><summary>Hint</summary>
#
# `keras.Model(shipped.inputs, shipped.layers[5].output)` is a network that ends at layer 5; lesson 05 used it to look inside. It has `predict`, too.
#
# </details>


# %% coursekit={"exercise": "8.2", "role": "answer", "points": 2}
def features(images):
    """Output of the base's Flatten layer: (N, 28, 28, 1) -> (N, 576)."""
    ### BEGIN SOLUTION
    until_flatten = keras.Model(shipped.inputs, shipped.layers[5].output)
    return until_flatten.predict(images, verbose=0)
    ### END SOLUTION


# %% coursekit={"exercise": "8.2", "role": "check"}
ck.checks.features(features)

# %% coursekit={"exercise": "8.2", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
answer = [features(rng.random((n, 28, 28, 1), dtype=np.float32)) for n in (1, 4)]

# %% [markdown]
# ## Is it worth it? Compare, with repeats
#
# Three ways to learn from $n$ labelled images of each class:
#
# 1. **From scratch:** `cnn-93k` with random weights, all of it trained, one cycle of ten epochs.
# 2. **Features:** a linear classifier of scikit-learn on the 576 features of the frozen base.
# 3. **Pixels:** the same linear classifier on the 784 pixels. It shows what the features add.
#
# Few images mean that chance decides a lot: *which* images? So each measurement is repeated three times, with other images and other random weights, and the figure shows the spread. (Quick mode runs once, on 10 and 50 images.) All three ways get the same images, and none sees the test images. At most 1,000 of those are used, to save time.
#
# The linear classifier is ridge regression on the classes: least squares with a penalty on large weights, which is what few examples need. It is computed in one step, without any epochs. That, too, is an advantage of a frozen base.

# %%
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def from_scratch(x, y, x_test, y_test):
    """Test accuracy of cnn-93k trained on x and y alone."""
    model = ck.models.LECTURES["cnn-93k"].build()
    ck.models.fit_one_cycle(model, x, y, epochs=10, batch_size=32, peak=0.002)
    return model.evaluate(x_test, y_test, verbose=0)[1]


# %%
def linear(x, y, x_test, y_test):
    """Test accuracy of a linear classifier on the rows of x."""
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=100))
    return model.fit(x.reshape(len(x), -1), y).score(x_test.reshape(len(x_test), -1), y_test)


def examples(data, n, seed):
    """Return training images and labels, n of each class, then test images and labels."""
    rows = draw(data.y_train, n, np.random.default_rng(seed))
    x, x_test = scaled(data.x_train[rows]), scaled(data.x_test[:1000])
    return x, data.y_train[rows], x_test, data.y_test[:1000]


# %%
def draw(y, n, rng):
    """Indices of n examples of each class."""
    return np.concatenate([rng.choice(np.flatnonzero(y == c), n, replace=False) for c in range(10)])


def compare(data, n, seed):
    """Return one row for each of the three ways."""
    x, y, x_test, y_test = examples(data, n, seed)
    z, z_test = until_flatten.predict(x, verbose=0), until_flatten.predict(x_test, verbose=0)
    ways = {"from scratch": from_scratch(x, y, x_test, y_test)}
    ways["features"] = linear(z, y, z_test, y_test)
    ways["pixels"] = linear(x, y, x_test, y_test)
    return [(data.name, n, seed, way, accuracy) for way, accuracy in ways.items()]


# %%
from tqdm.auto import tqdm

until_flatten = keras.Model(shipped.inputs, shipped.layers[5].output)
sizes, repeats = ((10, 50), 1) if ck.data.is_quick() else ((10, 50, 100), 3)
runs = [(d, n, seed) for d in (digits, fashion) for n in sizes for seed in range(repeats)]
rows = [row for run in tqdm(runs, leave=False) for row in compare(*run)]
columns = ["task", "images a class", "seed", "way", "accuracy"]
results = pd.DataFrame(rows, columns=columns)
table = results.groupby(["task", "images a class", "way"])["accuracy"].agg(["mean", "std"])
table.unstack("way").round(3)

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for ax, (task, part) in zip(axes, results.groupby("task"), strict=True):
    for number, (way, group) in enumerate(part.groupby("way")):
        spread = group.groupby("images a class")["accuracy"].agg(["mean", "min", "max"])
        error = [spread["mean"] - spread["min"], spread["max"] - spread["mean"]]
        marker = ck.plots.MARKERS[number]
        ax.errorbar(spread.index, spread["mean"], error, marker=marker, capsize=4, label=way)
    ax.set(title=task, xlabel="labelled images a class", xticks=sizes)
axes[0].set_ylabel("test accuracy")
axes[0].legend()
ck.plots.show(figure, alt="Accuracy over the number of images, two tasks; see Figure 8.2.")

# %% [markdown]
# *Figure 8.2.* Test accuracy over the number of labelled images a class, for both target tasks. Points are means of three repeats, bars reach from the worst to the best repeat. Circles: features of the frozen base; squares: training from scratch; triangles: pixels.
#
# **Read it before you read on.** Where do the features help most, and where not at all? Which differences are larger than the bars, so that three other repeats would show them again?
#
# <details><summary>What the full data show</summary>
#
# On the digits, the features win everywhere, and most where images are fewest: strokes are strokes. With more images the network from scratch catches up. On Fashion-MNIST the features are no better than the pixels themselves. For a linear classifier they add nothing: what the base learnt from digits is not what clothes need. Transfer pays as far as the tasks are alike; a comparison with something simple shows how far that is.
#
# Clear of the bars are: on the digits, the features above both other ways at every size; on Fashion-MNIST, training from scratch below both others with 10 images a class, and above both with 100. Features and pixels on Fashion-MNIST cannot be told apart at any size, nor can the three ways with 50.
#
# </details>
#
# ## Freeze, then fine-tune
#
# A new head starts with random weights, so its first errors are large. In a free base they would change what it knows before the head can make use of it. Hence the usual recipe in two steps: train the head with the base frozen; then set the base free and **fine-tune** the whole network, with a learning rate so small that it only adapts.
#
# ### Exercise 8.3: transfer and fine-tuning in Keras
#
# **a.** `transfer_network()` returns a network: the shipped weights up to Flatten, frozen, and a new `Dense(10, activation="softmax")`, trainable. Not compiled.
#
# **b.** `fine_tune(model)` takes such a network after its head has been trained. It sets all layers free, compiles the network with `keras.optimizers.Adam` at a learning rate of 0.0001 and sparse categorical cross-entropy, and returns it. It trains nothing: all weights stay as they are.
#
# The checks show a network as numbers: trainable and frozen parameters, outputs, 1 if these are probabilities, 1 if the weights up to Flatten are the shipped ones. In **a** one more follows, 1 if the network is compiled. In **b** four follow: 1 if the head is the trained one, the learning rate (0 if not compiled anew), 1 if the optimiser is Adam, and 1 if the loss is sparse categorical cross-entropy.
#
# <details><summary>Hint</summary>
#
# **a.** Take a fresh `ck.models.pretrained()` in each call, and build `keras.Sequential` from an Input, its `layers[:6]`, and the new layer. **b.** Set each layer free, not the model: its own `trainable` has been True all the time, and Keras passes over what changes nothing. Once a network has been trained, a change of `trainable` takes effect with the next `compile`.
#
# </details>


# %% coursekit={"exercise": "8.3a", "role": "answer", "points": 2}
def transfer_network():
    """Frozen base of the shipped network, new trainable head of ten classes."""
    ### BEGIN SOLUTION
    layers = ck.models.pretrained().layers[:6]
    for layer in layers:
        layer.trainable = False
    head = keras.layers.Dense(10, activation="softmax")
    return keras.Sequential([keras.layers.Input((28, 28, 1)), *layers, head])
    ### END SOLUTION


# %% coursekit={"exercise": "8.3a", "role": "check"}
ck.checks.transfer_network(transfer_network)

# %% coursekit={"exercise": "8.3a", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
network, images = transfer_network(), rng.random((4, 28, 28, 1), dtype=np.float32)
head, frozen = network.trainable_variables, network.non_trainable_variables
values = [rng.normal(0, 0.1, v.shape) for v in head]
outputs, _ = network.stateless_call(values, frozen, images)
answer = [[v.shape for v in head], network.count_params(), outputs, [network.compiled]]


# %% coursekit={"exercise": "8.3b", "role": "answer", "points": 2}
def fine_tune(model):
    """The same network and weights, free to change, compiled with a small learning rate."""
    ### BEGIN SOLUTION
    for layer in model.layers:
        layer.trainable = True
    optimizer = keras.optimizers.Adam(learning_rate=0.0001)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
    ### END SOLUTION


# %% coursekit={"exercise": "8.3b", "role": "check"}
ck.checks.fine_tune(fine_tune)

# %% coursekit={"exercise": "8.3b", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
layers, head = ck.models.pretrained().layers[:6], keras.layers.Dense(10, activation="softmax")
given = keras.Sequential([keras.layers.Input((28, 28, 1)), *layers, head])
given.set_weights([rng.normal(0, 0.1, v.shape) for v in given.get_weights()])
given.layers[0].trainable = given.layers[2].trainable = given.layers[4].trainable = False
given.compile(keras.optimizers.Adam(), loss="sparse_categorical_crossentropy")
before, tuned = given.optimizer, fine_tune(given)
outputs, optimizer = tuned(rng.random((4, 28, 28, 1), dtype=np.float32)), tuned.optimizer
loss = tuned.compute_loss(y=np.arange(4), y_pred=outputs)
new = [isinstance(optimizer, keras.optimizers.Adam), optimizer is not before]
rate = 10_000 * float(optimizer.learning_rate)
answer = [[v.shape for v in tuned.trainable_variables], outputs, loss, rate, new]

# %% [markdown]
# ### Do the two steps pay?
#
# Take the shipped base with a new head, and train in three ways on the largest samples of Figure 8.2, ten epochs each: the **head** alone, the base frozen; the same network **fine-tuned** after that; and, against the recipe, another one **at once**, base and head free from the start, at Adam's own rate of 0.001.
#
# **Predict, then run.** Which way is best on the digits, and which on the clothes?
#
# <details><summary>Before you look</summary>
#
# The recipe protects what the base knows. Ask for each task how much of that is worth protecting, and remember what Figure 8.2 said of the clothes.
#
# </details>


# %%
def with_new_head():
    """Return the shipped base with a head that knows nothing."""
    layers = [*ck.models.pretrained().layers[:6], keras.layers.Dense(10, activation="softmax")]
    return keras.Sequential([keras.layers.Input((28, 28, 1)), *layers])


# %%
def reuse(data, n, seed):
    """Return the accuracy of the head alone, after fine-tuning, and all at once."""
    x, y, *test = examples(data, n, seed)
    careful, hasty, accuracies = with_new_head(), with_new_head(), [data.name]
    for model, free, rate in (careful, False, 1e-3), (careful, True, 1e-4), (hasty, True, 1e-3):
        for layer in model.layers[:-1]:
            layer.trainable = free
        optimizer, loss = keras.optimizers.Adam(rate), "sparse_categorical_crossentropy"
        model.compile(optimizer, loss, metrics=["accuracy"])
        model.fit(x, y, epochs=10, batch_size=32, verbose=0)
        accuracies.append(model.evaluate(*test, verbose=0)[1])
    return accuracies


# %%
runs = [(d, sizes[-1], seed) for d in (digits, fashion) for seed in range(repeats)]
rows = [reuse(*run) for run in tqdm(runs, leave=False)]
tuned = pd.DataFrame(rows, columns=["task", "head", "fine-tuned", "at once"])
tuned.groupby("task").agg(["mean", "std"]).round(3)

# %% [markdown]
# **Read it before you read on.** Which way would you take for which task? Put the numbers beside those of the table above, for as many images.
#
# <details><summary>What the full data show, with 100 images a class</summary>
#
# On the digits, the three ways lie within each other's spread, between 0.983 and 0.989. Ridge regression on the frozen features, without any epochs, has 0.990. The base says all that is needed, and fine-tuning finds nothing to add.
#
# On the clothes, every freedom helps: 0.750 with the head alone, 0.774 after fine-tuning, 0.806 at once. But training from scratch reached 0.806, too. The small rate keeps the network close to what the base knows. That is its purpose where the base is right, and a hindrance where it is not. Set free at a larger rate, the base was not ruined, it became another one, and what it had brought from MNIST was worth nothing.
#
# So take the recipe as a first guess, good where the tasks are alike or the old one still counts. Then measure the others.
#
# </details>
#
# ### What a large learning rate forgets
#
# Take the shipped network as it is, head and all: its ten classes are the ones we need. Train it further on 1,000 of scikit-learn's digits, for five epochs, with a small and with a large learning rate. It improves on the digits; but does it still read MNIST? The training has shown it no image of the old task, so nothing but the size of the steps keeps it near the weights that could.
#
# **Predict, then run.** Which of the two learning rates costs more of the old task?
#
# <details><summary>Answer</summary>
#
# The large one. Adam moves each weight by about the learning rate in a step, whatever the task: 160 steps of 0.01 can lead far away from weights that are mostly smaller than 0.1. With 0.0001 the network stays where it was.
#
# </details>

# %%
mnist = ck.load_mnist()
rows = draw(digits.y_train, 100, np.random.default_rng(0))
x, y = scaled(digits.x_train[rows]), digits.y_train[rows]
tests = {"digits": digits, "MNIST": mnist}
learned = {}
for name, rate in {"as shipped": None, "rate 0.0001": 0.0001, "rate 0.01": 0.01}.items():
    model = ck.models.pretrained()
    optimizer = keras.optimizers.Adam(rate or 0.0)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=5 if rate else 0, batch_size=32, verbose=0)
    both = [model.evaluate(scaled(d.x_test), d.y_test, verbose=0)[1] for d in tests.values()]
    learned[name] = np.round(both, 3)

# %%
table = pd.DataFrame.from_dict(learned, orient="index", columns=list(tests))
ax = table.plot.bar(rot=0, figsize=(6.5, 3))
for bars, hatch in zip(ax.containers, ("", "//"), strict=True):
    ax.bar_label(bars)
    plt.setp(bars, hatch=hatch, edgecolor="white")
ax.set(ylabel="test accuracy", ylim=(0, 1.3), yticks=np.linspace(0, 1, 6))
ax.legend(loc="upper center", ncols=2)
ck.plots.show(ax.figure, alt="Bars for three networks and two tests; see Figure 8.3.")

# %% [markdown]
# *Figure 8.3.* Test accuracy on the digits (plain) and on MNIST (hatched) of the shipped network, after fine-tuning with a learning rate of 0.0001, and after training with 0.01.
#
# Both learn the new digits. The small rate keeps the old task, or nearly; the large one pays for the new digits with old ones. That is called **catastrophic forgetting**, and it is what the small steps of fine-tuning prevent. (One run each: the direction is clear, the third decimal is not.)
#
# ## The same with a network for photographs
#
# MobileNetV2 was optimised on ImageNet: more than a million photographs in 1,000 classes, days of computing. Keras fetches its weights (14 MB) over the network, once. Without a connection the next cell says so, and you have missed nothing that you need later.

# %% slideshow={"slide_type": "skip"}
from sklearn.datasets import load_sample_image

network = ck.models.imagenet()
if network is not None:
    mobilenet = keras.applications.mobilenet_v2
    photos = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    batch = np.stack([keras.ops.image.resize(photo, (224, 224)) for photo in photos])
    scores = network.predict(mobilenet.preprocess_input(batch.astype("float32")), verbose=0)
    for best in mobilenet.decode_predictions(scores, top=3):
        print([(name, round(float(p), 2)) for _, name, p in best])

# %% [markdown]
# ## Summary
#
# - A model card says what weights were optimised on, how, and how well they do.
# - Base and head: keep what is general, replace what is made for one task.
# - A frozen base is a function; its features serve any classifier.
# - Transfer pays most with few images, and only as far as the tasks are alike: compare with something simple.
# - Freeze first, then fine-tune: a small learning rate keeps what the base knows, a large one forgets it. Whether that is worth keeping, only a comparison tells.
#
# ## Quiz
#
# **1.** Why train the head before the base is set free? **2.** A frozen layer has 1,000 weights. How many does the optimiser update? **3.** After a training you set `trainable = True` and call `fit` again. Why does nothing change? **4.** Features and pixels do equally well. What do you conclude? **5.** Which card would make you refuse a network's weights?
#
# <details><summary>Answers</summary>
#
# **1.** Its random weights cause large errors, which would change the base before the head can make use of it. **2.** None. **3.** The change takes effect with the next `compile`. **4.** For this classifier the base adds nothing; use the pixels, or another base. **5.** One that does not say what data the weights have seen: your test images may be among them.
#
# </details>
#
# ## What comes next
#
# You have reached the end of the course. Take a data set of your own, begin with a baseline, and let the checks of lesson 04 guide you.
#
# **References.** K. Dillon, *Deep Learning*, topic 10 (2019): using a pre-optimised network. J. Yosinski, J. Clune, Y. Bengio, H. Lipson, *How transferable are features in deep neural networks?*, NeurIPS (2014). M. Mitchell et al., *Model cards for model reporting*, FAT* (2019). M. Sandler et al., *MobileNetV2*, CVPR (2018). E. Alpaydin and C. Kaynak, *Optical recognition of handwritten digits*, UCI Machine Learning Repository (1998).
