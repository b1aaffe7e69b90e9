# %% [markdown]
# # 02 Convolution in two dimensions
#
# **A small picture, slid over a large one, asks every patch: how much does this look like me?**
#
# Everything from lesson 01 comes back with one more axis: the signal becomes an image, the window a patch of it. In the end you will have built the layer that gives convolutional networks their name.
#
# *Time:* about two hours with all exercises; running every cell takes a few seconds.
# *Before this lesson:* lesson 01, and NumPy arrays with two and more axes.
#
# After this lesson you will be able to
#
# - cross-correlate and convolve images, first with plain loops, then more than a hundred times faster;
# - pad an image, and stride over it;
# - design kernels that smooth, sharpen, or find edges;
# - write a convolutional layer with channels, several kernels and biases;
# - count its weights, and say what it has in common with the eye.
#
# **Notation.** Rows come first, then columns, then channels; all are counted from 0.
#
# | symbol | meaning |
# | --- | --- |
# | $x$ | the **image**, shape $(H, W)$, or $(H, W, C_\text{in})$ with **channels** |
# | $w$ | a **kernel**, shape $(k_h, k_w)$; all kernels of a layer have the shape $(k_h, k_w, C_\text{in}, C_\text{out})$ |
# | $b$ | the **biases** of a layer, shape $(C_\text{out},)$ |
# | $y$ | the **response**, shape $(H', W')$, or $(H', W', C_\text{out})$ |

# %%
import coursekit as ck
import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import correlate, correlate2d

ck.setup(seed=0)

# %% [markdown]
# ## The kernel becomes a small picture
#
# Lay a kernel of 3 by 3 weights on the image below, at row 1 and column 1. It covers nine pixels, the window. Multiply what lies on top of each other and add up:
#
# $$(8 - 2) + (7 - 1) + (8 - 1) = 19.$$
#
# The left column of the window counts negative, the right column positive, the middle not at all. So this kernel asks: *is it darker on the left than on the right?* In general
#
# $$y[i, j] = (x \star w)[i, j] = \sum_{m} \sum_{n} x[i + m,\, j + n]\; w[m, n].$$

# %% tags=["nbval-check-output"]
x = np.array([[1, 1, 2, 7, 8], [1, 2, 2, 8, 9], [0, 1, 1, 7, 9], [1, 1, 2, 8, 8]])
w = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])

window = x[1:4, 1:4]
print("products added up:", (window * w).sum())
ck.plots.show(
    ck.plots.sliding_kernel2d(x, w, row=1, column=1),
    alt="An image of 4 by 5 numbers; the window at row 1, column 1 is outlined. Window times "
    "kernel gives the products -2 0 8, -1 0 7, -1 0 8. The response there is their sum, 19.",
)

# %% [markdown]
# *Figure 2.1.* Left: an image of 4 rows and 5 columns, dark on the left and bright on the right. The window at row 1, column 1 is outlined. Middle: window, kernel, and the nine products. Right: the response has 2 rows and 3 columns, one number for each place of the kernel. It is small in the first column, where the window is dark all over.
#
# ### Exercise 2.1a: `cross_correlate2d(image, kernel)`
#
# Write the valid cross-correlation, word by word from the formula. Use plain loops: speed comes later.
#
# - `image`: shape `(H, W)`, `kernel`: shape `(kh, kw)`, neither of them square in general; integers or floats.
# - Returns shape `(H - kh + 1, W - kw + 1)`.
# - Example: `cross_correlate2d(np.array([[1, 2, 4], [8, 16, 32]]), np.array([[1, -1]]))` gives `[[-1, -2], [-8, -16]]`.
#
# <details><summary>Hint</summary>
#
# The formula has four indices: `i` and `j` say where the response stands, `m` and `n` run over the kernel. That makes four loops, one inside the other, around a single line with `+=`.
#
# </details>


# %% coursekit={"exercise": "2.1a", "role": "answer", "points": 3}
def cross_correlate2d(image, kernel):
    """Valid cross-correlation: (H, W) and (kh, kw) -> (H - kh + 1, W - kw + 1)."""
    ### BEGIN SOLUTION
    (H, W), (kh, kw) = image.shape, kernel.shape
    response = np.zeros((H - kh + 1, W - kw + 1))
    for i in range(H - kh + 1):
        for j in range(W - kw + 1):
            for m in range(kh):
                for n in range(kw):
                    response[i, j] += image[i + m, j + n] * kernel[m, n]
    return response
    ### END SOLUTION


# %% coursekit={"exercise": "2.1a", "role": "check"}
ck.checks.cross_correlate2d(cross_correlate2d)

# %% coursekit={"exercise": "2.1a", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
shapes = (((5, 7), (3, 2)), ((4, 4), (4, 4)), ((6, 3), (1, 3)))
answer = [cross_correlate2d(rng.normal(size=x), rng.normal(size=w)) for x, w in shapes]

# %% coursekit={"exercise": "2.1a", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
images = [rng.integers(0, 256, shape) for shape in ((5, 4), (3, 6))]
answer = [cross_correlate2d(image, rng.normal(size=(2, 3))) for image in images]

# %% [markdown]
# ## A photograph is a table of numbers
#
# This photograph comes with scikit-learn. It has three channels: red, green and blue. A weighted sum of them makes it grey. Black is 0 and white is 1.
#
# **Predict, then run.** The next cell slides the kernel of Figure 2.1 over the grey photograph. Where will its response be strong: in the sky, along the roofs, at the pillars?
#
# <details><summary>Answer</summary>
#
# The sky is smooth, left and right cancel. The edge of a roof runs from left to right, so it has the same greys on both sides of the kernel. At the pillars, and where the tower ends against the sky, dark and bright stand side by side: there the response is strong.
#
# </details>

# %%
from sklearn.datasets import load_sample_image

# Take the tower, and replace each block of 4 by 4 pixels by its mean.
photo = load_sample_image("china.jpg")[20:340, 40:400] / 255
photo = photo.reshape(80, 4, 90, 4, 3).mean(axis=(1, 3))
grey = photo @ [0.299, 0.587, 0.114]
print("photo", photo.shape, "grey", grey.shape)
identity = ck.explore.FILTERS["identity"]
figure = ck.plots.filters(grey, {"the grey photograph": identity, "its response": w}, columns=2)
ck.plots.show(figure, alt="A tower with three roofs, and its response; see Figure 2.2.")

# %% [markdown]
# *Figure 2.2.* Left: the photograph, as the response to a kernel that has a single 1 in its centre. Right: the response to the kernel of Figure 2.1. White is 0, orange positive (dark on the left, bright on the right), purple negative. The outline of the tower stands out, purple on its left side and orange on its right; so do the pillars.
#
# ## Four loops are slow, and need not be
#
# Python handles each of the products by itself. NumPy can do all of them in one call, if it gets all windows at once. `sliding_window_view` gives them: an array with four axes, where `windows[i, j]` is the window at row $i$, column $j$. Nothing is copied; it is a second view of the same pixels.
#
# `np.einsum` then adds up products over any axes. Its first argument names the axes of each array. Axes that are not named after the arrow are summed over: `"am,m->a"` is the product of a matrix with a vector, $y[a] = \sum_m A[a, m]\, v[m]$.

# %% tags=["nbval-check-output"]
windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3))
print("windows", windows.shape, "share the image's memory:", np.shares_memory(x, windows))
print("the one at row 1, column 1:\n", windows[1, 1])
A, v = np.array([[1, 2], [3, 4], [5, 6]]), np.array([1, -1])
print("matrix times vector", np.einsum("am,m->a", A, v))

# %% [markdown]
# ### Exercise 2.1b: `cross_correlate2d_fast(image, kernel)`
#
# Compute the same as in 2.1a, from all windows at once and without a loop in Python.
#
# <details><summary>Hint</summary>
#
# The windows have the axes $i, j, m, n$, the kernel has $m, n$, and the response has $i, j$. Compare with the formula at the top of this lesson.
#
# </details>


# %% coursekit={"exercise": "2.1b", "role": "answer", "points": 2}
def cross_correlate2d_fast(image, kernel):
    """Valid cross-correlation: (H, W) and (kh, kw) -> (H - kh + 1, W - kw + 1)."""
    ### BEGIN SOLUTION
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijmn,mn->ij", windows, kernel)
    ### END SOLUTION


# %% coursekit={"exercise": "2.1b", "role": "check"}
ck.checks.cross_correlate2d_fast(cross_correlate2d_fast)

# %% coursekit={"exercise": "2.1b", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
images = [rng.integers(0, 256, (5, 4)), rng.normal(size=(12, 9)), rng.normal(size=(3, 8))]
kernels = [rng.normal(size=shape) for shape in ((2, 3), (4, 4), (3, 1))]
answer = [cross_correlate2d_fast(x, w) for x, w in zip(images, kernels, strict=True)]

# %% [markdown]
# ### Measure it
#
# The next cell times four loops, all windows at once, and SciPy, which is compiled code made for this purpose. The images are 512 by 512, but for the loops, which get 68 by 68 so that you need not wait. Hence the comparison is in nanoseconds *for one response*. Each is measured several times, and the fastest run counts. (The functions are the kit's. Put your own in their place, if you like.)
#
# **Predict, then run.** All three multiply 25 pixels with 25 weights for each response. How many times faster than the loops are the windows: 3, 30, or 300 times? And SciPy?
#
# <details><summary>Answer</summary>
#
# Hundreds of times. The windows are about as fast as SciPy.
#
# </details>

# %%
from functools import partial
from timeit import repeat

from coursekit.checks.lesson_02 import all_windows, four_loops

large, small, five = np.ones((512, 512)), np.ones((68, 68)), np.ones((5, 5))
compiled = partial(correlate2d, mode="valid")
ways = {"loops": (four_loops, small), "windows": (all_windows, large), "SciPy": (compiled, large)}
times = {}
for name, (function, image) in ways.items():
    seconds = min(repeat(partial(function, image, five), number=1, repeat=7))
    times[name] = 1e9 * seconds / (len(image) - len(five) + 1) ** 2
    ratio = times["loops"] / times[name]
    print(f"{name:8} {times[name]:5.0f} ns, {ratio:4.0f} times the speed of the loops")

# %% [markdown]
# All three do the same sums. The difference is what happens around each product. In the loops, Python looks up names, wraps each number into an object and asks for its type, 25 times for each response. The other two ask once for the whole array; then compiled code runs through the numbers as they lie in memory. The lesson is not to avoid loops, but to let them run where they are cheap. (Networks go one step further and use all processor cores, or a graphics card.)
#
# ## Convolution turns the kernel by 180 degrees
#
# As in lesson 01, the indices of image and kernel run in opposite directions, now on both axes:
#
# $$y[i, j] = (x * w)[i, j] = \sum_{m} \sum_{n} x[i - m,\, j - n]\; w[m, n].$$
#
# With zeros outside the image this is the full convolution. Its valid part begins at row $k_h - 1$ and column $k_w - 1$ of it, where no pixel of the window is outside. In words: flip the kernel upside down *and* mirror it left to right, then cross-correlate. Both flips together turn it by 180 degrees.
#
# ### Exercise 2.2: `convolve2d(image, kernel)`
#
# Write the valid convolution in one line, with a function that you have.
#
# - Shapes as in 2.1. Example: `convolve2d(np.array([[1, 2, 4], [8, 16, 32]]), np.array([[1, -1]]))` gives `[[1, 2], [8, 16]]`.
#
# <details><summary>Hint</summary>
#
# `w[::-1]` reads a signal backwards. A kernel has two axes, and a slice for each of them.
#
# </details>


# %% coursekit={"exercise": "2.2", "role": "answer", "points": 1}
def convolve2d(image, kernel):
    """Valid convolution: (H, W) and (kh, kw) -> (H - kh + 1, W - kw + 1)."""
    ### BEGIN SOLUTION
    return cross_correlate2d(image, kernel[::-1, ::-1])
    ### END SOLUTION


# %% coursekit={"exercise": "2.2", "role": "check"}
ck.checks.convolve2d(convolve2d)

# %% coursekit={"exercise": "2.2", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
shapes = (((5, 7), (3, 2)), ((4, 4), (4, 4)), ((6, 3), (2, 3)))
answer = [convolve2d(rng.integers(256, size=x), rng.normal(size=w)) for x, w in shapes]

# %% [markdown]
# <details><summary>For which kernels are convolution and cross-correlation the same?</summary>
#
# For those that look the same when turned by 180 degrees, such as a kernel of equal weights. The kernel of Figure 2.1 turned is its own negative: there, convolution and cross-correlation differ in every sign.
#
# </details>
#
# ## At the rim, and in steps
#
# A valid response is smaller than its image: 28 by 28 pixels and a kernel of 3 by 3 leave 26 by 26 (Bridge CS4619). To keep the size, frame the image with zeros first. This is the table of lesson 01 for *same*, once for each axis:
#
# | | before | after |
# | --- | --- | --- |
# | rows of zeros | $\lfloor (k_h - 1)/2 \rfloor$ above | $\lfloor k_h/2 \rfloor$ below |
# | columns of zeros | $\lfloor (k_w - 1)/2 \rfloor$ to the left | $\lfloor k_w/2 \rfloor$ to the right |
#
# To shrink an image on purpose, let the kernel take larger steps: a stride $s$ on both axes leaves about one response in $s^2$. With $p_\text{total}$ rows of zeros, above and below together (lesson 01 counted $p$ on *each* side), there are
#
# $$\left\lfloor \frac{H + p_\text{total} - k_h}{s} \right\rfloor + 1$$
#
# rows of responses; for the columns, take $W$ and $k_w$. Worked number: $H = 28$, $k_h = 3$, $p_\text{total} = 0$, $s = 2$ gives $\lfloor 25/2 \rfloor + 1 = 13$. (TensorFlow's *same* looks at the stride, too, and then often adds fewer zeros. Ours does not.)
#
# Your eye does something similar. The retina has about 100 million receptors, the optic nerve only about 1 million fibres (Dillon 2019). One in a hundred remains, as if with a stride of 10.
#
# ### Exercise 2.3: a frame of zeros, and larger steps
#
# **a.** `pad2d(image, kernel)` returns a copy of the image in the zeros of *same*. Only the shape of the kernel matters. Example: `pad2d(np.array([[5, 6]]), np.ones((1, 2)))` gives `[[5, 6, 0]]`.
#
# **b.** `strided2d(image, kernel, stride)` returns the valid cross-correlation with that stride on both axes. Example: `strided2d(np.array([[1, 2, 4, 8]]), np.array([[1, -1]]), 2)` gives `[[-1, -4]]`.
#
# <details><summary>Hint</summary>
#
# For a, `np.pad` takes one pair of numbers for each axis. For b, there are two ways: let the loops take larger steps, or compute every response and throw most of them away. The first saves work, the second is shorter.
#
# </details>


# %% coursekit={"exercise": "2.3a", "role": "answer", "points": 2}
def pad2d(image, kernel):
    """Frame in zeros, so that the valid response gets the shape of the image."""
    ### BEGIN SOLUTION
    return np.pad(image, [((k - 1) // 2, k // 2) for k in kernel.shape])
    ### END SOLUTION


# %% coursekit={"exercise": "2.3a", "role": "check"}
ck.checks.pad2d(pad2d)

# %% coursekit={"exercise": "2.3a", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
shapes = (((3, 5), (3, 5)), ((4, 2), (2, 4)), ((2, 3), (1, 2)), ((3, 3), (4, 1)))
answer = [pad2d(rng.normal(size=x), np.ones(w)) for x, w in shapes]


# %% coursekit={"exercise": "2.3b", "role": "answer", "points": 2}
def strided2d(image, kernel, stride):
    """Valid cross-correlation with a stride on both axes."""
    ### BEGIN SOLUTION
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijmn,mn->ij", windows[::stride, ::stride], kernel)
    ### END SOLUTION


# %% coursekit={"exercise": "2.3b", "role": "check"}
ck.checks.strided2d(strided2d)

# %% coursekit={"exercise": "2.3b", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
shapes = (((7, 9), (3, 2), 2), ((8, 5), (2, 3), 3), ((4, 4), (2, 2), 1), ((9, 9), (1, 3), 2))
answer = [strided2d(rng.integers(9, size=x), rng.normal(size=w), s) for x, w, s in shapes]

# %% [markdown] tags=["solution"]
# The windows are a view, so leaving most of them out costs nothing: this takes the short way and saves the work, too.

# %% [markdown]
# ## The weights decide what is found
#
# Filters smooth, sharpen, or bring out edges (iSystems). Here are six that were designed by hand.
#
# **Predict, then run.** Add up the weights of each kernel in the next figure. Three sums are 1, three are 0. What does that decide?
#
# <details><summary>Answer</summary>
#
# The response to a flat picture of brightness 1, as in lesson 01. Sum 1: the brightness is kept, and the response is a picture like the first one. Sum 0: brightness is ignored, flat regions get 0, and only *differences* between neighbours remain.
#
# </details>

# %%
figure = ck.plots.filters(grey, ck.explore.FILTERS)
ck.plots.show(figure, alt="Six kernels and their responses to the photograph; see Figure 2.3.")

# %% [markdown]
# *Figure 2.3.* Six kernels, each with its response. Top, weights that add up to 1: identity gives the photograph back; smoothing mixes each pixel with its neighbours and blurs; sharpening exaggerates the difference between a pixel and its neighbours. Bottom, weights that add up to 0 (white is 0, orange positive, purple negative): vertical edges, horizontal edges, and centre-surround, which responds to fine detail in every direction.
#
# Now try it on a small version of the photograph. Choose a kernel or edit its weights, set stride and padding, and move the window. Where does *vertical edges* give the largest number? Then set padding to *same*: to the kernel the zeros are a black frame, and where a bright picture meets it there is an edge.

# %%
shrunk = correlate2d(grey, np.full((2, 2), 1 / 4), "valid")[::2, ::2]  # stride 2
ck.explore.slide_kernel2d(shrunk, row=18, column=34)

# %% [markdown]
# ## The eye compares each spot with its surround
#
# A ganglion cell of the retina does not report how bright a spot is. It reports how much brighter than its surround. The part of the picture that a cell looks at is its **receptive field**, and this kind is called **centre-surround**; there is one at every point of the visual field, and a convolution computes them all (Dillon 2019).
#
# A common model is the **difference of Gaussians**: a narrow bell of weights that excites, minus a wide one that inhibits. Each bell adds up to 1, so the difference adds up to 0.
#
# **Predict, then run.** What will such a field say about the sky, and what along the outline of the tower?
#
# <details><summary>Answer</summary>
#
# Nothing about the sky: centre and surround are equally bright, and cancel. Along the outline, a spot on the bright side has a surround that is partly dark, and gets a positive number; a spot on the dark side gets a negative one.
#
# </details>

# %%
offset = np.arange(-6, 7)


def bell(width):
    weights = np.exp(-(offset**2) / (2 * width**2))
    return np.outer(weights, weights) / weights.sum() ** 2


ck.plots.show(
    ck.plots.receptive_field(bell(1), bell(2)), alt="A centre-surround field; see Figure 2.4."
)
field = bell(1) - bell(2)
both = {"3 by 3": ck.explore.FILTERS["centre-surround"], "13 by 13": field}
figure = ck.plots.filters(grey, both, columns=2)
ck.plots.show(figure, alt="Responses to a small and a large centre-surround field, see Figure 2.5.")

# %% [markdown]
# *Figure 2.4.* A difference of Gaussians, 13 by 13 weights. Left: seen from above, positive in the middle, with a negative ring around it. Right: a cut through the middle row. The narrow bell minus the wide one is high in the centre, lies below 0 around it, lowest at a distance of 3 pixels, and comes back to 0.
#
# *Figure 2.5.* Responses to two centre-surround fields. The sky gets almost nothing from both. The small field responds to the finest detail, the large one to broader shapes: along the outline runs a pair of lines, orange on the bright side and purple on the dark one.
#
# ### Exercise 2.4: design four kernels
#
# Each is a list of 3 lists of 3 numbers, laid on the image as it stands.
#
# - `smooth` mixes each pixel with neighbours and keeps the brightness. Not the one from Figure 2.3: find your own.
# - `vertical` gives a positive number at a vertical edge, dark on the left and bright on the right. Horizontal edges and flat pictures get 0.
# - `surround` has 1 in the centre. The eight weights around it are equal, and flat pictures get 0.
# - `sharpen` adds the response of `surround` to the picture itself, in one kernel.
#
# <details><summary>Hint</summary>
#
# For each, write down what the weights must add up to. For `vertical`, each *row* must ignore flat pictures by itself. For `sharpen`: the response to a sum of two kernels is the sum of their responses. Which kernel gives the picture itself?
#
# </details>

# %% coursekit={"exercise": "2.4", "role": "answer", "points": 4}
### BEGIN SOLUTION
smooth = [[1 / 9, 1 / 9, 1 / 9], [1 / 9, 1 / 9, 1 / 9], [1 / 9, 1 / 9, 1 / 9]]
vertical = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
surround = [[-1 / 8, -1 / 8, -1 / 8], [-1 / 8, 1, -1 / 8], [-1 / 8, -1 / 8, -1 / 8]]
sharpen = [[-1 / 8, -1 / 8, -1 / 8], [-1 / 8, 2, -1 / 8], [-1 / 8, -1 / 8, -1 / 8]]
### END SOLUTION

# %% coursekit={"exercise": "2.4", "role": "check"}
ck.checks.design2d(smooth, vertical, surround, sharpen)

# %% coursekit={"exercise": "2.4", "role": "grade", "points": 1, "judge": "check"}
answer = [smooth, ..., ..., ...]

# %% coursekit={"exercise": "2.4", "role": "grade", "points": 1, "judge": "check"}
answer = [..., vertical, ..., ...]

# %% coursekit={"exercise": "2.4", "role": "grade", "points": 1, "judge": "check"}
answer = [..., ..., surround, ...]

# %% coursekit={"exercise": "2.4", "role": "grade", "points": 1, "judge": "check"}
answer = [..., ..., ..., sharpen]

# %% [markdown] tags=["solution"]
# The sum decides about brightness: 1 for `smooth` and `sharpen`, 0 for `vertical` and `surround`. `vertical` is a matter of taste: this one, known as the Sobel kernel, trusts the middle row twice as much.

# %% [markdown]
# ## A layer has channels, several kernels, and biases
#
# A colour image has three channels. A kernel then has three layers of weights, one for each channel, and all products are added up into *one* number. A **convolutional layer** has several such kernels. Each gives its own response, called a **feature map**, and adds its own bias:
#
# $$y[i, j, o] = b[o] + \sum_{m} \sum_{n} \sum_{c} x[i + m,\, j + n,\, c]\; w[m, n, c, o].$$
#
# The maps become the channels of the result, so layers can be stacked. Worked number, with a kernel of 1 by 1: a pixel with red 0.9, green 0.3, blue 0.1, the weights $[1, -1, 0]$ and the bias 0.1 give $0.9 - 0.3 + 0.1 = 0.7$. This kernel asks: *how much more red than green?* You have met one of its kind: the grey photograph is the map of the kernel $[0.299, 0.587, 0.114]$.
#
# ### Exercise 2.5: `conv_layer(x, kernels, bias)`
#
# Write the layer: valid, stride 1, cross-correlation, NumPy alone.
#
# - `x`: shape `(H, W, C_in)`, `kernels`: shape `(kh, kw, C_in, C_out)`, `bias`: shape `(C_out,)`.
# - Returns shape `(H - kh + 1, W - kw + 1, C_out)`.
# - Example: `conv_layer(np.array([[[9, 3, 1]]]), np.array([[[[1], [-1], [0]]]]), np.array([1]))` gives `[[[7]]]`.
#
# <details><summary>Hint</summary>
#
# With loops: for each kernel `o`, add up the responses of all channels `c`. Without: `sliding_window_view(x, (kh, kw), axis=(0, 1))` has the axes $i, j, c, m, n$, in this order. Which axes does the result keep?
#
# </details>


# %% coursekit={"exercise": "2.5", "role": "answer", "points": 3}
def conv_layer(x, kernels, bias):
    """(H, W, C_in), (kh, kw, C_in, C_out) and (C_out,) -> (H - kh + 1, W - kw + 1, C_out)."""
    ### BEGIN SOLUTION
    size = kernels.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(0, 1))
    return np.einsum("ijcmn,mnco->ijo", windows, kernels) + bias
    ### END SOLUTION


# %% coursekit={"exercise": "2.5", "role": "check"}
ck.checks.conv_layer(conv_layer)

# %% coursekit={"exercise": "2.5", "role": "grade", "points": 3}
rng = np.random.default_rng(SEED)
shapes = (((5, 6, 3), (3, 2, 3, 4)), ((4, 4, 1), (1, 3, 1, 2)), ((3, 5, 4), (3, 3, 4, 4)))
answer = [
    conv_layer(rng.integers(9, size=x), rng.normal(size=w), rng.normal(size=w[-1]))
    for x, w in shapes
]

# %% [markdown]
# **Predict, then run.** The next layer has four kernels of 3 by 3 by 3 for the colour photograph. The first two find edges in all channels. The last two look at a single pixel: red against green, and blue against the other two. The sky is a pale blue. Which maps will notice it?
#
# <details><summary>Answer</summary>
#
# Only the last two. The edges ignore whatever is flat. In the sky, green is a little stronger than red, and blue stronger than both: slightly negative in the third map, slightly positive in the fourth.
#
# </details>

# %% tags=["nbval-check-output"]
kernels = np.zeros((3, 3, 3, 4))
for o, name in enumerate(("vertical edges", "horizontal edges")):
    kernels[..., o] = np.array(ck.explore.FILTERS[name])[:, :, np.newaxis] / 3
kernels[1, 1, :, 2] = [1, -1, 0]
kernels[1, 1, :, 3] = [-1 / 2, -1 / 2, 1]
maps = np.dstack([correlate(photo, kernels[..., o], "valid") for o in range(4)])
print("x", photo.shape, "kernels", kernels.shape, "y", maps.shape)
titles = ["vertical edges", "horizontal edges", "red - green", "blue - yellow"]
ck.plots.show(
    ck.plots.feature_maps(maps, titles),
    alt="Four feature maps of the colour photograph; see Figure 2.6.",
)

# %% [markdown]
# *Figure 2.6.* Four feature maps of the colour photograph, with the signs of Figure 2.2. The edges leave the sky white. In the third map the red pillars and the tiles of the roofs are positive, the sky slightly negative. In the fourth the sky is positive, and the tiles, which have little blue, are strongly negative.
#
# ## A layer is one big matrix with few weights
#
# Write all pixels into one column. Then the whole layer is a matrix, as in Exercise 1.7: one row for each response, one column for each pixel. A **dense layer** may choose all entries of such a matrix. A convolutional layer may not.
#
# **Predict, then run.** An image of 4 by 5 and a kernel of 3 by 3. How many rows and columns does the matrix have, and how many of its entries are not 0? How many different weights are there?
#
# <details><summary>Answer</summary>
#
# The response has 2 by 3 places, so there are 6 rows, and 20 columns for 20 pixels. Each row holds the kernel once: 9 of its 20 entries, 54 of 120 in all. They are the same 9 weights everywhere.
#
# </details>

# %% tags=["nbval-check-output"]
nine = np.arange(1, 10).reshape(3, 3)
pixels = np.eye(20).reshape(20, 4, 5)  # 20 images, each with a single bright pixel
matrix = np.stack([correlate2d(pixel, nine, "valid").ravel() for pixel in pixels], axis=1)
weights = np.unique(matrix[matrix != 0])
print(matrix.shape, np.count_nonzero(matrix), "entries,", len(weights), "weights")
_, ax = plt.subplots(figsize=(8.5, 3.2))
ck.plots.matrix(matrix.astype(int), "a cross-correlation of 4 by 5 pixels", ax=ax)
ck.plots.show(ax.figure, alt="A matrix of 6 rows and 20 columns; Figure 2.7 describes it.")

# %% [markdown]
# *Figure 2.7.* The matrix of a cross-correlation with the kernel $[[1, 2, 3], [4, 5, 6], [7, 8, 9]]$: 6 responses, 20 pixels, 54 entries that are not 0. Every row holds the same nine numbers: three neighbours from each of three image rows, 5 columns apart. **Locality** leaves the other entries 0, on a whole photograph nearly all; **sharing** repeats the same nine.
#
# ### Exercise 2.6: `count_parameters(input_shape, kernel_shape, n_kernels)`
#
# How many parameters, weights and biases together, does a dense layer have, and how many does a convolutional layer (valid, stride 1) have between the same shapes? The dense layer connects every input with every output, and has a bias for each output.
#
# - `input_shape`: `(H, W, C_in)`, `kernel_shape`: `(kh, kw)`, `n_kernels`: $C_\text{out}$.
# - Returns two numbers: dense, convolutional.
# - Example: the first layer of the networks in lesson 05 goes from 28 by 28 by 1 with 32 kernels of 3 by 3. `count_parameters((28, 28, 1), (3, 3), 32)` gives `(16981120, 320)`.
#
# <details><summary>Hint</summary>
#
# There are $H \cdot W \cdot C_\text{in}$ inputs. How many outputs? A kernel has $k_h \cdot k_w \cdot C_\text{in}$ weights and one bias; does the number of positions matter?
#
# </details>


# %% coursekit={"exercise": "2.6", "role": "answer", "points": 2}
def count_parameters(input_shape, kernel_shape, n_kernels):
    """Parameters of a dense and of a convolutional layer between the same shapes."""
    ### BEGIN SOLUTION
    (H, W, C_in), (kh, kw) = input_shape, kernel_shape
    inputs, outputs = H * W * C_in, (H - kh + 1) * (W - kw + 1) * n_kernels
    return (inputs + 1) * outputs, (kh * kw * C_in + 1) * n_kernels
    ### END SOLUTION


# %% coursekit={"exercise": "2.6", "role": "check"}
ck.checks.count_parameters(count_parameters)

# %% coursekit={"exercise": "2.6", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
draws = [
    [int(n) for n in rng.integers([9, 9, 2, 2, 2, 2], [40, 40, 9, 6, 6, 40])] for _ in range(5)
]
answer = [count_parameters((h, w, c), (kh, kw), n) for h, w, c, kh, kw, n in draws]

# %% [markdown]
# ## Layers on layers see more and more
#
# One unit of a layer with 3 by 3 kernels sees 3 by 3 pixels. A unit of a second such layer sees 3 by 3 of *those*.
#
# **Predict, then run.** How many pixels along one axis does a unit in the third layer see? To measure it, the cell below sends a single bright pixel through the layers and counts the responses that notice it: as many units see one pixel as a unit sees pixels.
#
# <details><summary>Answer</summary>
#
# Seven: each layer adds one pixel on either side.
#
# </details>

# %% tags=["nbval-check-output"]
signal = np.zeros(21)
signal[10] = 1
for layer in (1, 2, 3):
    signal = np.convolve(signal, [1, 1, 1], "same")
    print(f"after layer {layer}: {np.count_nonzero(signal)} pixels")
ax = ck.plots.field_of_view(kernel_size=3, layers=3)
ck.plots.show(ax.figure, alt="A pyramid of four rows of boxes; Figure 2.8 describes it.")

# %% [markdown]
# *Figure 2.8.* Three layers from the side, kernel size 3. The filled unit at the top depends on 3 units of layer 2, on 5 of layer 1, and on 7 pixels. In general, $L$ layers of kernels of size $k$ see $1 + L\,(k - 1)$ pixels along each axis; with strides, many more.
#
# The vision of primates seems to be built like this. In the retina and the thalamus, cells have small receptive fields and respond to spots of light. In the primary visual cortex, cells combine the responses of those below: their fields are larger, and they respond to edges of one orientation. Higher up, cells respond to shapes and whole objects. There may be as many as 8 layers in the cortex alone (Bridge CS4619).
#
# ## Summary
#
# - In two dimensions, window and kernel are patches; the response is still their dot product.
# - Convolution turns the kernel by 180 degrees: a flip on each axis.
# - *Same* frames the image in $k - 1$ zeros along each axis; stride $s$ keeps about one response in $s^2$.
# - Weights that add up to 0 find differences; weights that add up to 1 keep the brightness.
# - Layers on layers see larger and larger parts of the image.
# - A layer sums over channels, has a map and a bias for each kernel, and is a sparse matrix of shared weights.
#
# ## Quiz
#
# **1.** An image of 32 by 48, a kernel of 5 by 3, valid. Shape of the response? **2.** The kernel $[[0, 0, 0], [1, 0, 0], [0, 0, 0]]$ with *same*: what happens to the picture? **3.** Kernels of shape `(5, 5, 16, 8)`: how many maps, how many parameters? **4.** The image becomes twice as wide and twice as high. How many more parameters does a convolutional layer have? **5.** Why may a sharpened picture have pixels above 1?
#
# <details><summary>Answers</summary>
#
# **1.** $(28, 46)$. **2.** It moves one pixel to the right: each response takes its left neighbour. **3.** 8 maps; $5 \cdot 5 \cdot 16 \cdot 8 + 8 = 3{,}208$. **4.** None; the kernels do not know the image's size. **5.** It has a negative surround: next to something dark, a bright pixel is made brighter still.
#
# </details>
#
# ## What comes next
#
# You have designed kernels by hand. Networks take the opposite way and learn them from data (iSystems). Lesson 03 shows how anything is learnt at all: models, losses, optimisers.
#
# **References.** K. Dillon, *Deep Learning*, topic 10 (2019): receptive fields, layers as convolutions, the optic nerve. D. Bridge, *Artificial Intelligence II* (CS4619): primate vision, sizes and channels of layers. iSystems, *Convolutional Neural Networks*: filters and learned kernels. R. W. Rodieck, *Quantitative analysis of cat retinal ganglion cell response to visual stimuli*, Vision Research 5 (1965): the difference of Gaussians. Photograph: danielbuechele, CC BY 2.0, `china.jpg` of scikit-learn; cropped and made smaller.
