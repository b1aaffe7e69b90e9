"""Figures draw what they are given, carry a text alternative, and leave nothing open."""

import base64
import io
from types import SimpleNamespace

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.display import display  # noqa: F401 (imported before it is replaced below)
from PIL import Image

from coursekit import explore, plots

X, W = np.array([1, 2, 3, 4, 6, 7, 7, 6]), np.array([-1, 1, -1])
IMAGE = np.array([[1, 1, 2, 7, 8], [1, 2, 2, 8, 9], [0, 1, 1, 7, 9], [1, 1, 2, 8, 8]])
EDGES = np.array([[-1, 0, 1]] * 3)


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


def test_sliding_kernel2d_shows_window_products_and_response():
    axes = plots.sliding_kernel2d(IMAGE, EDGES, 1, 1).axes
    image, response, window, kernel, products = (texts(ax) for ax in axes)
    assert image == [str(value) for value in IMAGE.ravel()]
    assert window == ["2", "2", "8", "1", "1", "7", "1", "2", "8"]
    assert kernel == ["-1", "0", "1"] * 3
    assert products == ["-2", "0", "8", "-1", "0", "7", "-1", "0", "8"]
    assert response == ["3", "18", "21", "3", "19", "21"]
    assert axes[1].get_title() == "response: sum of products = 19"
    assert axes[0].patches[0].get_xy() == (0.5, 0.5)
    assert axes[1].patches[0].get_xy() == (0.5, 0.5)


def test_sliding_kernel2d_steps_over_an_image_in_zeros():
    axes = plots.sliding_kernel2d(IMAGE, EDGES, 1, 2, stride=2, padding="same").axes
    assert axes[0].images[0].get_array().shape == (6, 7)
    assert axes[0].patches[0].get_xy() == (3.5, 1.5)
    assert texts(axes[1]) == ["3", "12", "-15", "4", "19", "-23"]
    assert texts(axes[2]) == ["8", "9", "0", "7", "9", "0", "8", "8", "0"]


def test_sliding_kernel2d_draws_large_images_without_numbers():
    image = np.linspace(0, 1, 12 * 15).reshape(12, 15)
    axes = plots.sliding_kernel2d(image, EDGES, 0, 0).axes
    assert texts(axes[0]) == texts(axes[1]) == []
    assert axes[1].images[0].get_clim() == pytest.approx((-6 / 179, 6 / 179))  # signed
    axes = plots.sliding_kernel2d(image, np.full((3, 3), 1 / 9), 0, 0).axes
    assert axes[1].images[0].get_clim() == pytest.approx((0, 1))  # the image's own greys
    assert texts(axes[3]) == ["1/9"] * 9


@pytest.mark.parametrize("place", [(2, 0), (0, 3), (-1, 0)])
def test_sliding_kernel2d_refuses_a_place_off_the_response(place):
    with pytest.raises(ValueError, match=r"the response has the shape \(2, 3\)"):
        plots.sliding_kernel2d(IMAGE, EDGES, *place)


def test_filters_draw_each_kernel_beside_its_response():
    image = np.arange(12 * 15.0).reshape(12, 15)
    kernels = {"edges": EDGES, "field": np.ones((7, 7)), "lists": [[1, 0], [0, 0]]}
    figure = plots.filters(image, kernels, columns=2)
    assert [ax.get_title() for ax in figure.axes] == ["", "edges", "", "field", "", "lists"]
    assert texts(figure.axes[0]) == ["-1", "0", "1"] * 3
    assert texts(figure.axes[2]) == []  # too many weights to be read
    assert np.allclose(figure.axes[1].images[0].get_array(), 6)


def test_feature_maps_are_signed_each_by_itself():
    maps = np.stack([np.eye(12), -3 * np.eye(12), np.zeros((12, 12))], axis=-1)
    figure = plots.feature_maps(maps, ["a", "b", "c"], columns=2)
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c", ""]
    limits = [ax.images[0].get_clim() for ax in figure.axes[:3]]
    assert limits == [(-1, 1), (-3, 3), (-1, 1)]


def test_receptive_field_is_the_difference_and_carries_its_signs():
    bell = np.exp(-(np.arange(-4, 5) ** 2) / 2)
    centre = np.outer(bell, bell) / bell.sum() ** 2
    surround = np.full((9, 9), 1 / 81)
    above, cut = plots.receptive_field(centre, surround).axes
    assert np.allclose(above.images[0].get_array(), centre - surround)
    assert sorted(texts(above)) == ["+", *"\u2212" * 4]
    labels = [text.get_text() for text in cut.get_legend().texts]
    assert labels == ["centre", "\u2212 surround", "centre \u2212 surround"]
    assert np.allclose(cut.lines[3].get_ydata(), (centre - surround)[4])


@pytest.mark.parametrize(("size", "layers", "seen"), [(3, 3, 7), (5, 2, 9)])
def test_field_of_view_fills_what_a_unit_sees(size, layers, seen):
    ax = plots.field_of_view(size, layers)
    pixels = [box for box in ax.patches if box.get_y() < 0]
    assert sum(box.get_alpha() is not None for box in pixels) == seen
    assert f"each sees {seen} pixels" in texts(ax)


def test_images_fill_a_grid_with_titles():
    figure = plots.images(np.arange(5 * 16).reshape(5, 4, 4), titles="abcde", columns=3)
    assert len(figure.axes) == 6
    assert [ax.get_title() for ax in figure.axes] == [*"abcde", ""]
    assert sum(len(ax.images) for ax in figure.axes) == 5


@pytest.mark.parametrize(
    ("pictures", "titles", "message"),
    [
        (np.zeros((4, 4)), None, r"shape \(4, 4\); wanted \(N, H, W\) or \(N, H, W, 1\)"),
        (np.zeros((2, 4, 4, 3)), None, r"shape \(2, 4, 4, 3\); wanted \(N, H, W\)"),
        (np.zeros((0, 4, 4)), None, "N >= 1"),
        (np.zeros((2, 4, 4)), ["one"], "1 titles for 2 pictures"),
    ],
)
def test_images_refuse_what_is_no_batch(pictures, titles, message):
    with pytest.raises(ValueError, match=message):
        plots.images(pictures, titles)


@pytest.mark.parametrize("shape", [(2, 1, 5), (2, 5, 1), (2, 1, 5, 1)])
def test_images_may_be_a_single_row_or_column(shape):
    figure = plots.images(np.arange(10).reshape(shape))
    assert [ax.images[0].get_array().shape for ax in figure.axes] == [shape[1:3]] * 2


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.images(np.eye(4)[np.newaxis]),
        lambda: plots.maps_by_layer({"a": np.ones((4, 4, 1))}, columns=1),
        lambda: plots.prediction(np.eye(4), [0.4, 0.6], "ab"),
    ],
)
def test_pictures_are_grey_and_fit_their_figure_without_setup(draw):
    with mpl.rc_context({"image.cmap": "viridis", "figure.constrained_layout.use": False}):
        figure = draw()
    assert figure.axes[0].images[0].get_cmap().name == "gray"
    assert figure.get_layout_engine() is not None


def test_the_numbers_of_a_histogram_can_be_read_beside_their_bars():
    ax = plots.label_histogram(np.repeat([0, 1], [1, 1000]), ["a", "b"])
    [outline] = ax.texts[0].get_path_effects()
    assert ax.texts[0].get_color() == "white"
    assert outline._gc["foreground"] == plots.BLUE


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


def test_curves_take_what_fit_returns_and_draw_what_is_there():
    history = SimpleNamespace(history={"loss": [2, 1], "val_loss": [2, 3]})
    [ax] = plots.curves(history).axes
    assert ax.get_ylabel() == "loss"
    assert [line.get_label() for line in ax.lines] == ["training", "validation"]
    with pytest.raises(ValueError, match=r"neither loss nor accuracy, only \['mae'\]"):
        plots.curves({"mae": [1.0]})


def test_compare_curves_takes_any_number_of_what_fit_returns():
    histories = {str(n): SimpleNamespace(history={"loss": [n, 1]}) for n in range(13)}
    [ax] = plots.compare_curves(histories, {"loss": "loss"}).axes
    looks = [(line.get_marker(), line.get_linestyle()) for line in ax.lines]
    assert len(looks) == 13 and len(set(looks)) == 12


def test_maps_by_layer_have_a_row_for_each_layer():
    maps = {"first": np.ones((4, 4, 3)), "second": np.ones((2, 2, 5))}
    figure = plots.maps_by_layer(maps, columns=4)
    assert len(figure.axes) == 8
    assert [len(ax.images) for ax in figure.axes] == [1, 1, 1, 0, 1, 1, 1, 1]
    titles = [row.get_suptitle() for row in figure.subfigs]
    assert titles == ["first: 3 maps of 4x4", "second: 5 maps of 2x2"]


def test_prediction_marks_the_likeliest_class():
    figure = plots.prediction(np.ones((4, 4, 1)), [0.1, 0.7, 0.2], "abc")
    left, right = figure.axes
    assert left.images[0].get_array().shape == (4, 4)
    assert right.lines[0].get_ydata().tolist() == [0.1, 0.7, 0.2]
    square = right.lines[-1]
    assert (square.get_marker(), square.get_xdata(), square.get_ydata()) == ("s", [1], [0.7])
    assert [label.get_text() for label in right.get_xticklabels()] == ["a", "b", "c"]
    assert right.get_title() == "prediction: b, probability 0.70"


def test_prediction_refuses_a_batch():
    with pytest.raises(ValueError, match=r"probabilities has shape \(1, 3\); wanted \(3,\)"):
        plots.prediction(np.ones((4, 4)), [[0.1, 0.7, 0.2]], "abc")


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
        lambda ax: plots.field_of_view(3, 2, ax=ax),
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


def test_slider_refuses_a_kernel_that_is_too_long():
    with pytest.raises(ValueError, match="kernel of 3 weights does not fit on a signal of 2"):
        explore.slide_kernel([1, 2], W)


def test_an_explorer_shows_any_text_as_text():
    explorer = explore.Explorer(lambda: (plt.figure(), 'a < b & "c"'))
    assert 'alt="a &lt; b &amp; &quot;c&quot;"' in explorer.picture.value
    assert explorer._repr_mimebundle_()[1]["image/png"]["alt"] == 'a < b & "c"'


class TestSlideKernel2d:
    """The explorer of lesson 02, operated as a reader would."""

    IMAGE = np.linspace(0, 1, 20 * 24).reshape(20, 24) ** 2

    @pytest.fixture
    def explorer(self):
        return explore.slide_kernel2d(self.IMAGE, row=4, column=5)

    @pytest.fixture
    def set_(self, explorer):
        """Set a control; return how often that drew a picture."""

        def set_(name, value):
            drawn = []
            draw = explorer.draw
            explorer.draw = lambda **values: drawn.append(values) or draw(**values)
            explorer.controls[name].value = value
            explorer.draw = draw
            return len(drawn)

        return set_

    def response(self, kernel, stride=1, padding="valid"):
        image = np.pad(self.IMAGE, 1) if padding == "same" else self.IMAGE
        windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
        return (windows * kernel).sum(axis=(2, 3))[::stride, ::stride]

    def test_it_shows_a_picture_without_a_kernel(self, explorer):
        data, metadata = explorer._repr_mimebundle_()
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.box.model_id
        assert picture(data).width >= 600
        alt = metadata["image/png"]["alt"]
        assert alt.startswith("Kernel vertical edges: [-1, 0, 1], [-1, 0, 1], [-1, 0, 1]; stride 1")
        assert f"= {self.response(EDGES)[4, 5]:.3g}." in alt
        assert plt.get_fignums() == []

    def test_moving_redraws_once_with_the_number_of_that_place(self, explorer, set_):
        before = explorer.picture.value
        assert set_("row", 17) == 1
        assert set_("column", 21) == 1
        assert explorer.picture.value != before
        assert "At row 17, column 21" in explorer.picture.value
        assert f"= {self.response(EDGES)[17, 21]:.3g}." in explorer.alt
        assert plt.get_fignums() == []

    def test_a_preset_fills_the_table_and_redraws_once(self, explorer, set_):
        assert set_("kernel", "smoothing") == 1
        shown = [[cell.value for cell in row] for row in explorer.controls["weights"].cells]
        assert np.allclose(shown, explore.FILTERS["smoothing"])
        assert "Kernel smoothing: [0.0625, 0.125, 0.0625]" in explorer.alt

    def test_an_edited_weight_makes_the_kernel_ones_own(self, explorer):
        explorer.controls["weights"].cells[0][2].value = 5
        assert explorer.controls["kernel"].value == "own"
        kernel = np.array([[-1, 0, 5], [-1, 0, 1], [-1, 0, 1]])
        assert "Kernel own: [-1, 0, 5]" in explorer.alt
        assert f"= {self.response(kernel)[4, 5]:.3g}." in explorer.alt
        explorer.controls["weights"].cells[0][2].value = 1
        assert explorer.controls["kernel"].value == "vertical edges"

    def test_choosing_own_keeps_the_weights(self, explorer, set_):
        set_("kernel", "own")
        assert explorer.controls["weights"].value == explore.FILTERS["vertical edges"]

    @pytest.mark.parametrize("stride", [1, 2, 3])
    @pytest.mark.parametrize("padding", ["valid", "same"])
    def test_the_place_stays_on_the_response(self, explorer, set_, stride, padding):
        set_("row", 17)
        set_("column", 21)
        set_("padding", padding)
        set_("stride", stride)
        response = self.response(EDGES, stride, padding)
        last = tuple(explorer.controls[name].max for name in ("row", "column"))
        assert last == tuple(size - 1 for size in response.shape)
        row, column = (explorer.controls[name].value for name in ("row", "column"))
        assert f"stride {stride}, padding {padding}. At row {row}, column {column} " in explorer.alt
        assert f"= {response[row, column]:.3g}." in explorer.alt

    def test_weights_that_are_all_zero_are_drawn(self, explorer):
        explorer.controls["weights"].value = ((0, 0, 0),) * 3
        assert explorer.alt.endswith("sum of products = 0.")

    def test_presets_ignore_or_keep_brightness(self):
        sums = {name: np.sum(kernel) for name, kernel in explore.FILTERS.items()}
        kept = {"identity", "smoothing", "sharpening"}
        assert all(total == (name in kept) for name, total in sums.items())


class TestSweeps:
    @pytest.fixture
    def table(self):
        """Two settings of each of two factors, two runs each; one run has failed."""
        rows = [
            (rate, name, seed, 0.9 + rate - seed / 50, units * 10, 5.0 + seed)
            for rate in (0.01, 0.1)
            for name, units in (("wide", 64), ("slim", 8))
            for seed in (0, 1)
        ]
        columns = ["rate", "shape", "seed", "accuracy", "parameters", "seconds"]
        table = pd.DataFrame(rows, columns=columns)
        failed = table.index == 7
        measured = ["accuracy", "parameters", "seconds"]
        return table.assign(**{name: table[name].mask(failed) for name in measured})

    @staticmethod
    def bars(container):
        """Return the ends of a container's vertical error bars."""
        segments = [np.array(part) for part in container.lines[2][-1].get_segments()]
        return [tuple(part[:, 1].round(6)) for part in segments]

    def test_one_factor_shows_mean_and_spread_of_each_curve(self, table):
        ax = plots.one_factor(table, "rate", by="shape")
        slim, wide = ax.containers
        assert [c.get_label() for c in (slim, wide)] == ["shape slim", "shape wide"]
        assert list(wide.lines[0].get_ydata()) == pytest.approx([0.9, 0.99])
        assert list(slim.lines[0].get_ydata()) == pytest.approx([0.9, 1.0])  # one run is left
        spread = np.std([0.91, 0.89], ddof=1)
        assert self.bars(wide)[0] == pytest.approx((0.9 - spread, 0.9 + spread))
        assert ax.get_xscale() == "log"
        assert [t.get_text() for t in ax.get_xticklabels()] == ["0.01", "0.1"]
        assert wide.lines[0].get_marker() != slim.lines[0].get_marker()

    @pytest.mark.parametrize(
        "draw",
        [
            lambda table: plots.one_factor(table, "rate", by="shape"),
            lambda table: plots.parallel_coordinates(table, ["rate", "shape"]),
            lambda table: plots.tradeoff(table, "shape"),
        ],
    )
    def test_a_sweep_of_failures_is_told_in_one_line(self, draw):
        failed = {"rate": [0.1], "shape": ["wide"], "seed": [0], "error": ["NameError: x"]}
        with pytest.raises(ValueError, match=r"no column 'accuracy', .* first error is NameError"):
            draw(pd.DataFrame(failed))
        assert plt.get_fignums() == []

    def test_a_factor_along_an_axis_is_numbers(self, table):
        with pytest.raises(ValueError, match="shape has values that are no numbers"):
            plots.one_factor(table, "shape", by="rate")
        with pytest.raises(ValueError, match="no column 'pace', only rate, shape"):
            plots.one_factor(table, "rate", by="pace")

    def test_a_factor_within_a_decade_has_a_plain_axis(self, table):
        table["rate"] *= 10
        assert (
            plots.one_factor(table.replace({"rate": {1.0: 0.3}}), "rate", "shape").get_xscale()
            == "linear"
        )

    def test_parallel_coordinates_order_settings_by_their_mean(self, table):
        figure = plots.parallel_coordinates(table, ["rate", "shape"], best=2)
        [ax] = figure.axes
        lines = [line for line in ax.lines if len(line.get_xdata()) == 3]
        assert [line.get_ydata()[-1] for line in lines] == pytest.approx([1, 0.9, 0, 0])
        assert list(lines[0].get_ydata()[:2]) == [1, 0]  # the higher rate; slim before wide
        entries = [text.get_text() for text in figure.legends[0].get_texts()]
        assert entries == ["1.000: rate 0.1, shape slim", "0.990: rate 0.1, shape wide"]
        assert {"0.01", "0.1", "slim", "wide", "0.900", "1.000"} <= set(texts(ax))

    def test_tradeoff_sets_accuracy_against_both_costs(self, table):
        left, right = plots.tradeoff(table, "shape").axes
        assert (left.get_xlabel(), right.get_xlabel()) == ("parameters", "seconds")
        points = {c.get_label(): c.lines[0].get_xydata()[0] for c in left.containers}
        assert list(points["wide"]) == pytest.approx([640, 0.945])
        wide = next(c for c in right.containers if c.get_label() == "wide")
        assert list(wide.lines[0].get_xydata()[0]) == pytest.approx([5.5, 0.945])
        spread = np.std([0.91, 0.89, 1.0, 0.98], ddof=1)
        assert self.bars(wide)[0] == pytest.approx((0.945 - spread, 0.945 + spread))

    def test_tradeoff_refuses_more_settings_than_it_has_markers(self, table):
        table["shape"] = [str(n) for n in range(8)]
        with pytest.raises(ValueError, match="shape has 7 values; at most 6"):
            plots.tradeoff(table, "shape")

    def test_repeats_show_every_run_and_the_published_one(self):
        ax = plots.repeats({"a": [0.1, 0.3], "b": [0.2]}, marks={"b": 0.5})
        assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
        points = {tuple(line.get_xdata()) for line in ax.lines}
        assert {(0.1, 0.3), (0.2,), (0.5,)} <= points
        [mean, *_] = ax.containers[0].lines
        assert mean.get_xdata() == pytest.approx([0.2])

    def test_repeats_leave_out_runs_that_failed(self):
        ax = plots.repeats({"a": [0.1, np.nan, 0.3], "b": [np.nan]})
        [mean, *_] = ax.containers[0].lines
        assert mean.get_xdata() == pytest.approx([0.2])
        assert [list(line.get_xdata()) for line in ax.lines[:1]] == [[0.1, 0.3]]

    def test_search_shows_the_best_so_far_and_the_stop(self):
        states = ["COMPLETE", "PRUNED", "FAIL", "COMPLETE", "COMPLETE", "FAIL"]
        values = [0.5, 0.2, np.nan, 0.4, 0.8, np.nan]
        trials = pd.DataFrame({"number": range(6), "value": values, "state": states})
        left, right = plots.search(trials, {"rate": 0.9, "units": 0.1}).axes
        lines = {line.get_label(): line for line in left.lines}
        assert list(lines["best"].get_ydata()) == [0.5, 0.5, 0.8]
        assert list(lines["pruned"].get_xdata()) == [1]
        assert list(lines["stopped"].get_xdata()) == [2, 2]
        entries = [text.get_text() for text in left.get_legend().texts]
        assert entries == ["complete", "pruned", "best", "stopped"]
        assert [t.get_text() for t in right.get_yticklabels()] == ["units", "rate"]
        assert texts(right) == ["0.10", "0.90"]


def test_colours_differ_in_brightness_not_only_in_hue():
    """Readers who see no colour still tell the first two, the ones drawn together, apart."""
    grey = [np.dot(mpl.colors.to_rgb(c), [0.299, 0.587, 0.114]) for c in plots.COLOURS[:2]]
    assert abs(grey[0] - grey[1]) > 0.05
    assert len(set(plots.MARKERS)) == len(plots.COLOURS)
