"""Figures draw what they are given, carry a text alternative, and leave nothing open."""

import base64
import io

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.display import display  # noqa: F401 (imported before it is replaced below)
from PIL import Image

from coursekit import explore, plots

X, W = np.array([1, 2, 3, 4, 6, 7, 7, 6]), np.array([-1, 1, -1])


@pytest.fixture(autouse=True)
def nothing_stays_open():
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """What a cell would display: pairs of data and metadata."""
    calls = []
    monkeypatch.setattr(
        "IPython.display.display",
        lambda data, metadata=None, raw=False: calls.append((data, metadata)),
    )
    return calls


def texts(ax):
    return [text.get_text() for text in ax.texts]


def picture(data, kind="image/png"):
    return Image.open(io.BytesIO(base64.b64decode(data[kind])))


def test_show_displays_once_with_alt_text_and_closes(shown):
    plots.show(plots.signals({"x": X}), alt="A signal.")
    [(data, metadata)] = shown
    assert metadata == {"image/png": {"alt": "A signal."}}
    assert data["text/plain"] == "A signal."
    assert picture(data).width >= 600
    assert plt.get_fignums() == []


def test_sliding_kernel_shows_window_products_and_response():
    ax = plots.sliding_kernel(X, W, 3)
    assert ax.get_title() == "position 3:  (-4) + 6 + (-7) = -5"
    assert texts(ax).count("-5") == 2  # the responses at positions 2 and 3
    assert {"-4", "6", "-7"} <= set(texts(ax))


@pytest.mark.parametrize("position", [-1, 6])
def test_sliding_kernel_refuses_a_position_off_the_signal(position):
    with pytest.raises(ValueError, match="the kernel fits at 0 to 5"):
        plots.sliding_kernel(X, W, position)


def test_animation_has_a_frame_for_every_position_and_stops(shown):
    plots.animate_sliding_kernel(X, W, alt="A film.")
    [(data, metadata)] = shown
    film = picture(data, "image/gif")
    assert film.n_frames == 6
    assert film.info["loop"] == 1  # once more after the first time, then it rests
    assert metadata["image/gif"]["alt"] == "A film."
    assert len(data["image/gif"]) < 200_000
    assert plt.get_fignums() == []


def test_signals_share_the_axis_and_keep_their_titles():
    figure = plots.signals({"a": [1, 2, 3], "b": [4, 5]}, starts={"b": 1})
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    markers = figure.axes[1].lines[0]
    assert markers.get_xdata().tolist() == [1, 2]
    assert markers.get_ydata().tolist() == [4, 5]


def test_matrix_writes_every_number_but_zero():
    ax = plots.matrix(np.array([[1, 0], [0, -2.5]]), title="C")
    assert texts(ax) == ["1", "-2.5"]
    assert ax.get_title() == "C"


def test_images_fill_a_grid_with_titles():
    figure = plots.images(np.arange(5 * 16).reshape(5, 4, 4), titles="abcde", columns=3)
    assert len(figure.axes) == 6
    assert [ax.get_title() for ax in figure.axes] == [*"abcde", ""]
    assert sum(len(ax.images) for ax in figure.axes) == 5


@pytest.mark.parametrize(
    ("pictures", "titles", "message"),
    [
        (np.zeros((4, 4)), None, r"shape \(4, 4\); wanted \(N, H, W\)"),
        (np.zeros((0, 4, 4)), None, "N >= 1"),
        (np.zeros((2, 4, 4)), ["one"], "1 titles for 2 pictures"),
    ],
)
def test_images_refuse_what_is_no_batch(pictures, titles, message):
    with pytest.raises(ValueError, match=message):
        plots.images(pictures, titles)


def test_label_histogram_counts_classes_that_are_missing():
    ax = plots.label_histogram(np.array([0, 2, 2]), ["a", "b", "c"])
    assert [bar.get_height() for bar in ax.patches] == [1, 0, 2]
    assert {"1", "0", "2"} <= set(texts(ax))


def test_curves_draw_validation_only_where_there_is_one():
    history = {"loss": [2, 1], "accuracy": [0.1, 0.9]}
    assert [len(ax.lines) for ax in plots.curves(history).axes] == [1, 1]
    history |= {"val_loss": [2, 1.5], "val_accuracy": [0.1, 0.8]}
    figure = plots.curves(history)
    assert [len(ax.lines) for ax in figure.axes] == [2, 2]
    assert figure.axes[0].lines[1].get_ydata().tolist() == [2, 1.5]
    assert [t.get_text() for t in figure.axes[0].get_legend().texts] == ["training", "validation"]


def test_compare_curves_tells_trainings_apart_without_colour():
    histories = {
        "plain": {"loss": [3, 2, 1], "val_loss": [3, 2, 2.5]},
        "dropout": {"loss": [3, 2.5], "val_loss": [3, 2]},
    }
    measures = {"val_loss": "validation loss", "loss": "training loss"}
    figure = plots.compare_curves(histories, measures)
    assert [ax.get_ylabel() for ax in figure.axes] == ["validation loss", "training loss"]
    first, second = figure.axes[0].lines
    assert first.get_ydata().tolist() == [3, 2, 2.5]
    assert second.get_xdata().tolist() == [1, 2]
    assert first.get_marker() != second.get_marker()
    assert first.get_linestyle() != second.get_linestyle()
    legends = [ax.get_legend() for ax in figure.axes]
    assert [text.get_text() for text in legends[0].texts] == ["plain", "dropout"]
    assert legends[1] is None


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.sliding_kernel(X, W, 0, ax=ax),
        lambda ax: plots.matrix(np.eye(2), ax=ax),
        lambda ax: plots.label_histogram(np.array([0, 1]), ["a", "b"], ax=ax),
    ],
)
def test_functions_draw_on_the_axes_they_are_given(draw):
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert len(plt.get_fignums()) == 1


def test_slider_moves_the_kernel():
    explorer = explore.slide_kernel(X, W)
    data, metadata = explorer._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.box.model_id
    assert "position 0" in metadata["image/png"]["alt"]
    before = explorer.picture.value
    explorer.controls["position"].value = 3
    assert explorer.picture.value != before
    assert "Kernel at position 3: (-1)(4) + (1)(6) + (-1)(7) = -5" in explorer.picture.value
    assert explorer.controls["position"].max == 5
    assert picture(explorer._repr_mimebundle_()[0]).width >= 600
    assert plt.get_fignums() == []


def test_colours_differ_in_brightness_not_only_in_hue():
    """Readers who see no colour still tell the first two, the ones drawn together, apart."""
    grey = [np.dot(mpl.colors.to_rgb(c), [0.299, 0.587, 0.114]) for c in plots.COLOURS[:2]]
    assert abs(grey[0] - grey[1]) > 0.05
    assert len(set(plots.MARKERS)) == len(plots.COLOURS)
