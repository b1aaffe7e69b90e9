# %% [markdown]
# # 01 Convolution in one dimension
#
# **A short list of weights, slid along a signal, asks at every place the same question: how much does this look like me?**
#
# This is the operation inside every convolutional network. Here it stands alone, on signals so short that every number can be checked by hand.
#
# *Time:* about 90 minutes with all exercises; running every cell takes a few seconds.
# *Before this lesson:* Python functions; NumPy arrays, slices, and `@` for sums of products. Nothing about neural networks.
#
# After this lesson you will be able to
#
# - compute a convolution and a cross-correlation by hand, and say in what they differ;
# - write both from their definitions;
# - decide what happens at the edges of a signal, and how long the result is;
# - choose weights that find steps, or that smooth;
# - write a convolution as a matrix, and count its free weights.
#
# **Notation.** We count from 0, as Python does.
#
# | symbol | meaning |
# | --- | --- |
# | $x$ | the **signal**, $n$ numbers $x[0] \dots x[n-1]$ |
# | $w$ | the **kernel**, $k$ **weights** $w[0] \dots w[k-1]$ |
# | $y$ | the **response**, one number for each position of the kernel |
# | $x * w$ | convolution |
# | $x \star w$ | cross-correlation |

# %%
import coursekit as ck
import matplotlib.pyplot as plt
import numpy as np

ck.setup(seed=0)

# %% [markdown]
# ## A kernel is a question asked everywhere
#
# Lay the kernel $w = [-1, +1, -1]$ on a piece of the signal, multiply what lies on top of each other, and add up. With the kernel at position 3, it covers the **window** $[4, 6, 7]$:
#
# $$(-1)\cdot 4 + (+1)\cdot 6 + (-1)\cdot 7 = -5.$$
#
# That is a dot product. It asks the window one question: *how much do you look like me?*

# %% tags=["nbval-check-output"]
x = np.array([1, 2, 3, 4, 6, 7, 7, 6])
w = np.array([-1, +1, -1])

window = x[3:6]
print(window, "·", w, "=", window @ w)
figure = ck.plots.sliding_kernel(x, w, position=3).figure
ck.plots.show(
    figure,
    alt="Eight boxes with the signal 1 2 3 4 6 7 7 6. Below boxes 3 to 5 lie the weights "
    "-1, 1, -1, then the products -4, 6, -7. The response at position 3 is their sum, -5.",
)

# %% [markdown]
# *Figure 1.1.* The kernel at position 3 of the signal. The three products add up to the response −5. Positions 0 to 2 have been visited before; 4 and 5 are still empty.
#
# Slide the kernel to every position and write the answers side by side: they form a new signal, the response.
#
# **Predict, then run.** The next signal holds the pattern $-1, +1, -1$ somewhere. At which position will the response be largest, and how large?
#
# <details><summary>Answer</summary>
#
# At position 3, where the window equals the kernel: $(-1)^2 + 1^2 + (-1)^2 = 3$. No other window of numbers between −1 and +1 can give more.
# Beside the match the response is −2: shifted by one, the pattern meets its own opposite.
#
# </details>

# %%
bump = np.array([0, 0, 0, -1, +1, -1, 0])
response = np.correlate(bump, w)
print(response, "largest at position", response.argmax())
ck.plots.animate_sliding_kernel(
    bump,
    w,
    alt="The kernel -1, 1, -1 slides along 0 0 0 -1 1 -1 0 in five steps. The responses "
    "appear one by one: 0, 1, -2, 3, -2.",
)

# %% [markdown]
# *Figure 1.2.* The kernel slides along the second signal. The response fills up from left to right: 0, 1, −2, 3, −2. Run the cell again to see it again.
#
# One caution: size counts, too. Among windows with the same sum of squares, the one that looks like the kernel wins. A window of much larger numbers can win without looking alike: the kernel $[1, 2, 3]$ gives 14 on the window $[1, 2, 3]$, but 54 on $[9, 9, 9]$. Weights that add up to 0 at least take the common level away.
#
# Now move it yourself. Drag the slider, or click it and use the arrow keys. Before each step, work out the next response in your head.

# %%
ck.explore.slide_kernel(x, w)

# %% [markdown]
# ## Convolution adds up echoes
#
# Clap your hands in a hall. Each clap comes back as a series of echoes, and the echoes of several claps overlap and add. If the signal $x$ is the claps and the kernel $w$ the echoes of one clap, then what you hear is their **convolution**:
#
# $$y[i] = (x * w)[i] = \sum_{j} x[j]\, w[i - j].$$
#
# Outside their range, $x$ and $w$ count as 0. Take $x = [1, 2]$ and $w = [3, 5]$. The clap of strength 1 leaves $[3, 5, 0]$; the clap of strength 2 comes one step later and twice as loud, $[0, 6, 10]$. Together: $y = [3, 11, 10]$.
#
# Two things follow. The result is longer than the signal: $n + k - 1$ numbers, because the last clap still echoes. This is the **full** convolution. And in the formula the index of $w$ runs *backwards* while that of $x$ runs forwards: seen as a sliding window, convolution lays the kernel on the signal **flipped**.

# %% tags=["nbval-check-output"]
echoes = np.array([[3, 5, 0], [0, 6, 10]])
print("sum of echoes ", echoes.sum(axis=0))
print("np.convolve   ", np.convolve([1, 2], [3, 5]))

# %% [markdown]
# ### Exercise 1.1: three convolutions by hand
#
# This is how all exercises work: replace each `...`, or in later ones the line with `raise`, by your answer. Run the cell, and then the check below it. It prints `[pass]`, `[todo]` while something is open, or `[fail]` and what went wrong. An exercise that you leave open breaks nothing that comes after it.
#
# With pencil and paper, compute the full convolution $x * w$ of
#
# - `ramp`: $x = [1, 2, 3, 4, 6, 7, 7, 6]$ with $w = [-1, +1, -1]$ (10 numbers),
# - `bump_full`: $x = [0, 0, 0, -1, +1, -1, 0]$ with $w = [-1, +1, -1]$ (9 numbers),
# - `asymmetric`: $x = [1, 2, 3]$ with $w = [1, 0, -1]$ (5 numbers),
#
# and type the results as lists. The first two kernels are symmetric, so flipping them changes nothing; the third one tells whether you flipped.
#
# <details><summary>Hint</summary>
#
# Write one line for each element of $x$: the kernel multiplied by that element, shifted to where the element stands. Then add the columns.
#
# </details>

# %% coursekit={"exercise": "1.1", "role": "answer", "points": 3}
### BEGIN SOLUTION
ramp = [-1, -1, -2, -3, -5, -5, -6, -6, -1, -6]
bump_full = [0, 0, 0, 1, -2, 3, -2, 1, 0]
asymmetric = [1, 2, 2, -2, -3]
### END SOLUTION

# %% coursekit={"exercise": "1.1", "role": "check"}
ck.checks.by_hand(ramp, bump_full, asymmetric)

# %% coursekit={"exercise": "1.1", "role": "grade", "points": 1, "judge": "check"}
answer = [ramp, ..., ...]

# %% coursekit={"exercise": "1.1", "role": "grade", "points": 1, "judge": "check"}
answer = [..., bump_full, ...]

# %% coursekit={"exercise": "1.1", "role": "grade", "points": 1, "judge": "check"}
answer = [..., ..., asymmetric]

# %% [markdown] tags=["solution"]
# For the third: $1\cdot[1, 0, -1]$, then $2\cdot[1, 0, -1]$ one place later, then $3\cdot[1, 0, -1]$ two places later. The columns add up to $1,\; 0+2,\; -1+0+3,\; -2+0,\; -3$.

# %% [markdown]
# ### Exercise 1.2: `convolve1d(x, w)`
#
# Write the full convolution from its definition, without `np.convolve`.
#
# - `x`: array of shape `(n,)`, `w`: array of shape `(k,)`; integers or floats.
# - Returns an array of shape `(n + k - 1,)`. Neither `x` nor `w` may change.
# - Example: `convolve1d(np.array([1, 2]), np.array([3, 5]))` gives `[3, 11, 10]`.
#
# <details><summary>Hint</summary>
#
# Start from `np.zeros(len(x) + len(w) - 1)`. Element `x[j]` adds `x[j] * w` to a slice of it. Or take the formula word by word, with two loops; then beware of `w[i - j]` with a negative index, which Python counts from the end.
#
# </details>


# %% coursekit={"exercise": "1.2", "role": "answer", "points": 3}
def convolve1d(x, w):
    """Full convolution: (n,) and (k,) -> (n + k - 1,)."""
    ### BEGIN SOLUTION
    y = np.zeros(len(x) + len(w) - 1)
    for j, value in enumerate(x):
        y[j : j + len(w)] += value * w
    return y
    ### END SOLUTION


# %% coursekit={"exercise": "1.2", "role": "check"}
ck.checks.convolve1d(convolve1d)

# %% coursekit={"exercise": "1.2", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
answer = [convolve1d(rng.normal(size=n), rng.normal(size=k)) for n, k in ((7, 3), (5, 5), (12, 4))]

# %% coursekit={"exercise": "1.2", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
sizes = ((6, 1), (3, 5), (8, 2))  # whole numbers under a kernel of halves; a kernel that is longer
signals = [(rng.integers(-9, 10, n), rng.integers(-9, 10, k) + 0.5) for n, k in sizes]
answer = [convolve1d(x, w) for x, w in signals]

# %% [markdown] tags=["solution"]
# Each turn of the loop adds one echo. `np.zeros` holds floats, so weights like 1.5 survive; `np.zeros_like(x)` would have been an array of integers whenever `x` is one.

# %% [markdown]
# ## Cross-correlation is convolution without the flip
#
# The sliding window of Figure 1.1 takes the kernel as it stands:
#
# $$y[i] = (x \star w)[i] = \sum_{m} x[i + m]\, w[m].$$
#
# This is **cross-correlation**, and it is what networks compute, although everybody calls their layers convolutional. A network learns its weights, so it does not matter whether they are stored flipped. When you compare your own numbers with a library's, it matters.
#
# Here the kernel must lie wholly on the signal. That leaves $n - k + 1$ positions, called **valid**: six for $n = 8$ and $k = 3$.
#
# ### Exercise 1.3: `cross_correlate1d(x, w)`
#
# Write the valid cross-correlation, without `np.correlate`.
#
# - `x`: shape `(n,)`, `w`: shape `(k,)` with `k <= n`. Returns shape `(n - k + 1,)`.
# - Example: `cross_correlate1d(np.array([1, 2, 4]), np.array([1, -1]))` gives `[-1, -2]`.
#
# <details><summary>Hint</summary>
#
# The window at position `i` is `x[i : i + len(w)]`. How many positions are there?
#
# </details>


# %% coursekit={"exercise": "1.3", "role": "answer", "points": 2}
def cross_correlate1d(x, w):
    """Valid cross-correlation: (n,) and (k,) -> (n - k + 1,)."""
    ### BEGIN SOLUTION
    k = len(w)
    return np.array([x[i : i + k] @ w for i in range(len(x) - k + 1)])
    ### END SOLUTION


# %% coursekit={"exercise": "1.3", "role": "check"}
ck.checks.cross_correlate1d(cross_correlate1d)

# %% coursekit={"exercise": "1.3", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
sizes = ((9, 3), (6, 6), (11, 4), (5, 1))
signals = [(rng.integers(-9, 10, n), rng.normal(size=k)) for n, k in sizes]
answer = [cross_correlate1d(x, w) for x, w in signals]

# %% [markdown]
# **Predict, then run.** Which of these three lines will print `True`? `w[::-1]` is the kernel read backwards.
#
# <details><summary>Answer</summary>
#
# The first: convolving with a flipped kernel flips it back, so $x \star w = x * \text{flip}(w)$ for every kernel. This identity links the two.
# The second too, but only because $[-1, 1, -1]$ reads the same both ways.
# The third is false: $[1, 0, -1]$ flipped is $[-1, 0, 1]$, and every response changes its sign.
#
# </details>

# %% tags=["nbval-check-output"]
edge = np.array([1, 0, -1])
print(np.array_equal(np.correlate(x, edge), np.convolve(x, edge[::-1], "valid")))
print(np.array_equal(np.correlate(x, w), np.convolve(x, w, "valid")))
print(np.array_equal(np.correlate(x, edge), np.convolve(x, edge, "valid")))

# %% [markdown]
# ## At the edges somebody has to decide
#
# The kernel cannot look beyond the ends of the signal. There are three customs, and all of them are the valid cross-correlation of a signal that has been **padded** with zeros.
#
# | mode | zeros before | zeros after | length of the response |
# | --- | --- | --- | --- |
# | valid | 0 | 0 | $n - k + 1$ |
# | same | $\lfloor (k-1)/2 \rfloor$ | $\lfloor k/2 \rfloor$ | $n$ |
# | full | $k - 1$ | $k - 1$ | $n + k - 1$ |
#
# For an odd kernel, *same* puts equally many zeros on both sides, and response $i$ belongs to the window centred on $x[i]$. An even kernel has no centre. Its $k - 1$ zeros cannot be shared equally, and the one left over goes **after** the signal; this is what TensorFlow and Keras do.
#
# ### Exercise 1.4: `pad1d(x, w, mode)`
#
# Return a copy of `x` with the zeros of the table.
#
# - `mode`: `"valid"`, `"same"` or `"full"`. Only the length of `w` matters.
# - Example: `pad1d(np.array([5, 6]), np.array([1, 2, 3]), "same")` gives `[0, 5, 6, 0]`.
#
# <details><summary>Hint</summary>
#
# Integer division `//` is the floor of the table. `np.concatenate` joins arrays; `np.pad` does it in one go.
#
# </details>


# %% coursekit={"exercise": "1.4", "role": "answer", "points": 2}
def pad1d(x, w, mode):
    """Pad with zeros, so that the valid response becomes the one of `mode`."""
    ### BEGIN SOLUTION
    k = len(w)
    zeros = {"valid": (0, 0), "same": ((k - 1) // 2, k // 2), "full": (k - 1, k - 1)}
    return np.pad(x, zeros[mode])
    ### END SOLUTION


# %% coursekit={"exercise": "1.4", "role": "check"}
ck.checks.pad1d(pad1d)

# %% coursekit={"exercise": "1.4", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
odd = [(rng.normal(size=n), np.ones(k)) for n, k in ((4, 3), (6, 5))]
answer = [pad1d(x, w, mode) for x, w in odd for mode in ("valid", "same", "full")]

# %% coursekit={"exercise": "1.4", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
even = [(rng.normal(size=n), np.ones(k)) for n, k in ((5, 4), (3, 2))]
answer = [pad1d(x, w, mode) for x, w in even for mode in ("valid", "same", "full")]

# %% [markdown]
# **Predict, then run.** An even kernel, $[1, 1]$, adds neighbours. The full response of $[1, 2, 3]$ is $[1, 3, 5, 3]$. *Same* keeps three of the four. Which one does the course's custom drop, and which one does NumPy drop?
#
# <details><summary>Answer</summary>
#
# With the zero after the signal, the first window is $[1, 2]$: the course, like Keras, drops the *first* element of the full response. NumPy drops the *last*. Neither is wrong, but results from both are shifted by one against each other.
#
# </details>

# %% tags=["nbval-check-output"]
short, pair = np.array([1, 2, 3]), np.array([1, 1])
print("full         ", np.correlate(short, pair, "full"))
print("same, course ", np.correlate(np.pad(short, (0, 1)), pair))
print("same, NumPy  ", np.correlate(short, pair, "same"))

# %% [markdown]
# ## The weights decide what is found
#
# The same sliding sum does very different things. **Predict, then run:** what does the kernel $[1, 1, 1]$ do to a noisy step, and what does $[-1, +1]$ do?
#
# <details><summary>Answer</summary>
#
# $[1, 1, 1]$ is a **moving sum**: it smooths the noise, but also the step, and it triples the level. $[-1, +1]$ is a **difference**, next minus this: it is near 0 where the signal is flat and large at the step.
#
# </details>

# %%
rng = np.random.default_rng(0)
step = np.repeat([0.0, 1.0, 0.0], [10, 12, 10]) + 0.1 * rng.standard_normal(32)
figure = ck.plots.signals(
    {
        "a noisy step": step,
        "moving sum, w = [1, 1, 1]": np.correlate(step, [1, 1, 1], "same"),
        "difference, w = [-1, 1]": np.correlate(step, [-1, 1]),
    }
)
ck.plots.show(figure, alt="Three stem plots; Figure 1.3 describes them.")

# %% [markdown]
# *Figure 1.3.* Top: a signal of 32 numbers that rises from 0 to 1 at index 10 and falls back at index 22, with noise. Middle: the moving sum is smoother and reaches about 3. Bottom: the difference stays small, but for one large positive number at the rise and one large negative number at the fall.
#
# ### Exercise 1.5: design two kernels
#
# From here on, responses are cross-correlations: lay the kernel on the signal as it stands.
#
# - `step_kernel` gives +1 at every step from 0 up to 1, −1 at every step from 1 down to 0, and 0 wherever the signal is flat.
# - `average_kernel` smooths, but keeps the level: a constant signal of 5s must stay 5.
#
# <details><summary>Hint</summary>
#
# Lay two weights $a, b$ on $[0, 1]$, on $[1, 0]$ and on $[1, 1]$, and write down what each response should be. For the average, ask what a constant signal is multiplied by.
#
# </details>

# %% coursekit={"exercise": "1.5", "role": "answer", "points": 2}
### BEGIN SOLUTION
step_kernel = [-1, +1]
average_kernel = [1 / 3, 1 / 3, 1 / 3]
### END SOLUTION

# %% coursekit={"exercise": "1.5", "role": "check"}
ck.checks.design(step_kernel, average_kernel)

# %% coursekit={"exercise": "1.5", "role": "grade", "points": 1, "judge": "check"}
answer = [step_kernel, ...]

# %% coursekit={"exercise": "1.5", "role": "grade", "points": 1, "judge": "check"}
answer = [..., average_kernel]

# %% [markdown] tags=["solution"]
# The sum of the weights is the response to a constant 1. Step finders ignore the level, so their weights add up to 0. Averages keep it, so theirs add up to 1; any number of equal weights will do.

# %% [markdown]
# ## Stride and dilation skip
#
# A kernel need not visit every position, and need not look at neighbours only.
#
# - **Stride** $s$: the kernel moves on by $s$ elements, so about one in $s$ responses remains. This is how networks make signals shorter.
# - **Dilation** $d$: the weights lie on elements that are $d$ apart. The kernel spans $d\,(k-1) + 1$ elements and sees further with the same number of weights.
#
# With padding $p$ on *each* side, a kernel of $k$ weights has
#
# $$\left\lfloor \frac{n + 2p - d\,(k - 1) - 1}{s} \right\rfloor + 1$$
#
# places. Worked number: $n = 8$, $k = 3$, $s = 2$, $d = 1$, $p = 0$ gives $\lfloor 5/2 \rfloor + 1 = 3$. The windows start at 0, 2 and 4; one that starts at 6 would reach beyond the end and does not count.

# %% tags=["nbval-check-output"]
print("every window    ", np.correlate(x, w))
print("stride 2        ", np.correlate(x, w)[::2])
print("dilation 2, at 0", x[0:5:2] @ w, "from the elements", x[0:5:2])

# %% [markdown]
# ### Exercise 1.6: how many places, and what stands there
#
# **a.** `output_size(n, k, stride=1, dilation=1, padding=0)` returns the number of places, an integer. Example: `output_size(8, 3, 2, 1, 0)` gives `3`.
#
# **b.** `strided1d(x, w, stride, dilation)` returns the valid cross-correlation with that stride and dilation. Example: `strided1d(np.array([1, 2, 4, 8, 9]), np.array([1, -1]), 1, 2)` gives `[-3, -6, -5]`.
#
# <details><summary>Hint</summary>
#
# A slice has a step: `x[i : i + span : dilation]` is the dilated window at `i`, and `range(0, stop, stride)` counts its beginnings.
#
# </details>


# %% coursekit={"exercise": "1.6a", "role": "answer", "points": 1}
def output_size(n, k, stride=1, dilation=1, padding=0):
    """Return the number of places of a kernel of k weights on a signal of n."""
    ### BEGIN SOLUTION
    span = dilation * (k - 1) + 1
    return (n + 2 * padding - span) // stride + 1
    ### END SOLUTION


# %% coursekit={"exercise": "1.6a", "role": "check"}
ck.checks.output_size(output_size)

# %% coursekit={"exercise": "1.6a", "role": "grade", "points": 1}
rng = np.random.default_rng(SEED)
low, high = [50, 2, 1, 1, 0], [1000, 12, 5, 5, 9]
answer = [output_size(*map(int, rng.integers(low, high))) for _ in range(12)]


# %% coursekit={"exercise": "1.6b", "role": "answer", "points": 2}
def strided1d(x, w, stride, dilation):
    """Valid cross-correlation: (n,) and (k,) -> (output_size(n, k, stride, dilation),)."""
    ### BEGIN SOLUTION
    span = dilation * (len(w) - 1) + 1
    starts = range(0, len(x) - span + 1, stride)
    return np.array([x[i : i + span : dilation] @ w for i in starts])
    ### END SOLUTION


# %% coursekit={"exercise": "1.6b", "role": "check"}
ck.checks.strided1d(strided1d)

# %% coursekit={"exercise": "1.6b", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
steps = ((9, 3, 2, 1), (9, 3, 1, 2), (17, 4, 3, 2), (16, 2, 2, 5), (6, 4, 1, 1))
signals = [(rng.integers(-9, 10, n), rng.normal(size=k)) for n, k, _, _ in steps]
answer = [strided1d(x, w, s, d) for (x, w), (_, _, s, d) in zip(signals, steps, strict=True)]

# %% [markdown]
# ## A convolution is a matrix with few weights
#
# Every response is a sum of signal elements times weights. So the whole convolution is a matrix: $y = C x$. Column $j$ of $C$ is the echo of $x[j]$: the kernel, shifted down by $j$. Such a matrix, with the same number all along each diagonal, is called a **Toeplitz matrix**.

# %%
from scipy.linalg import convolution_matrix as toeplitz

figure, ax = plt.subplots(figsize=(4.2, 4.6))
ck.plots.matrix(toeplitz([2, 3, -1], 6), title="C for w = [2, 3, -1] and n = 6", ax=ax)
ck.plots.show(figure, alt="A matrix of 8 rows and 6 columns; Figure 1.4 describes it.")

# %% [markdown]
# *Figure 1.4.* The matrix of a convolution: 8 rows, 6 columns. Down each column stand the weights 2, 3, −1, one row lower from column to column. All other entries are 0: each response sees only its neighbourhood (**local connections**). The same three numbers stand in every column (**shared weights**).
#
# ### Exercise 1.7: `convolution_matrix(w, n)`
#
# Build $C$, so that `C @ x` equals the full convolution of Exercise 1.2 for every `x` of length `n`.
#
# - Returns shape `(n + k - 1, n)`.
# - Example: `convolution_matrix(np.array([1, 2]), 3)` gives `[[1, 0, 0], [2, 1, 0], [0, 2, 1], [0, 0, 2]]`.
#
# <details><summary>Hint</summary>
#
# Start from zeros and put the kernel into one column after the other, with a slice.
#
# </details>


# %% coursekit={"exercise": "1.7", "role": "answer", "points": 2}
def convolution_matrix(w, n):
    """Return the matrix of the full convolution with w: shape (n + k - 1, n)."""
    ### BEGIN SOLUTION
    k = len(w)
    C = np.zeros((n + k - 1, n))
    for column in range(n):
        C[column : column + k, column] = w
    return C
    ### END SOLUTION


# %% coursekit={"exercise": "1.7", "role": "check"}
ck.checks.convolution_matrix(convolution_matrix)

# %% coursekit={"exercise": "1.7", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
answer = [convolution_matrix(rng.normal(size=k), n) for k, n in ((3, 6), (1, 3), (5, 2))]

# %% [markdown]
# **Predict, then run.** A **dense layer** between the same signals may choose every entry of its matrix. How many free weights does it have, and how many does the convolution have, for $n = 6$ and $k = 3$? And for a row of a photograph, $n = 4000$?
#
# <details><summary>Answer</summary>
#
# Dense: $8 \cdot 6 = 48$; convolution: 3. For $n = 4000$: about 16 million against 3. A convolutional layer is a dense layer under two constraints, locality and sharing, and that is why it needs so much less data to learn from.
#
# </details>

# %% tags=["nbval-check-output"]
k = 3
for n in (6, 4000):
    print(f"n = {n}: dense {(n + k - 1) * n:,} weights, convolution {k}")

# %% [markdown]
# ## Summary
#
# - A response is a dot product of kernel and window: of windows with the same sum of squares, it is largest for the one that looks like the kernel.
# - Convolution flips the kernel, cross-correlation does not; $x \star w = x * \text{flip}(w)$.
# - Valid, same and full differ only in the zeros around the signal.
# - Weights that add up to 0 ignore the level; weights that add up to 1 keep it.
# - Stride makes the response shorter, dilation makes the kernel see further.
# - A convolution is a matrix whose few weights are local and shared.
#
# ## Quiz
#
# **1.** Signal of 100, kernel of 5, valid, stride 1. How many responses? **2.** Why do networks not care about the flip? **3.** Which kernel leaves every signal as it is? **4.** A kernel's weights add up to 0. What is its response to a constant signal? **5.** How many zeros does *same* add for $k = 4$, and where?
#
# <details><summary>Answers</summary>
#
# **1.** $100 - 5 + 1 = 96$. **2.** They learn their weights; a flipped kernel is just another set of weights. **3.** $[1]$, or any kernel with a single 1 at its centre and *same* padding. **4.** 0. **5.** Three: one before the signal, two after it.
#
# </details>
#
# ## What comes next
#
# Lesson 02 does the same with images: the kernel becomes a small picture, the window a patch.
#
# **References.** K. Dillon, *Deep Learning*, topic 10 (2019): the exercise signals and the sliding dot product. V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning*, arXiv:1603.07285 (2016): sizes, strides, dilation.
