import matplotlib as mpl
import numpy as np
import pytest

from coursekit import evaluation

mpl.use("Agg")

# Worked by hand. Class 0: three images, one taken for 2. Class 1: two, both right.
# Class 2: four images, two taken for 1.
Y_TRUE = [0, 0, 0, 1, 1, 2, 2, 2, 2]
Y_PRED = [0, 0, 2, 1, 1, 1, 1, 2, 2]
MATRIX = np.array([[2, 0, 1], [0, 2, 0], [0, 2, 2]])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def one_line(caught):
    return "\n" not in str(caught.value)


def test_confusion_matrix_has_true_rows_and_predicted_columns():
    matrix = evaluation.confusion_matrix(Y_TRUE, Y_PRED, n_classes=3)
    np.testing.assert_array_equal(matrix, MATRIX)
    assert matrix.dtype.kind == "i"


def test_confusion_matrix_keeps_classes_that_do_not_occur():
    matrix = evaluation.confusion_matrix(np.array([7], np.uint8), np.array([3]))
    assert matrix.shape == (10, 10)
    assert matrix.sum() == matrix[7, 3] == 1


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        (
            [0, 1],
            np.zeros((2, 10)),
            r"y_pred has shape \(2, 10\): .*probabilities.argmax\(axis=1\)",
        ),
        (np.eye(10), [0] * 10, r"y_true has shape \(10, 10\): .*one_hot.argmax\(axis=1\)"),
        ([0, 1], [0, 1, 2], "y_true is for 2 images and y_pred for 3"),
        ([0, 10], [0, 1], "y_true goes from 0 to 10: pass labels from 0 to 9"),
        ([0, 1], [0, -1], "y_pred goes from -1 to 0: pass labels from 0 to 9"),
        ([0, 1], [0.0, 1.0], r"y_pred holds float64: .*y_pred.astype\(int\)"),
        ([0, 1], [0.2, 0.9], r"y_pred holds float64: .*, e.g. probabilities.argmax\(axis=1\)$"),
        ([0, 1], [0.0, np.nan], r"y_pred holds float64: .*probabilities.argmax"),
        ([0, 1], ["a", "b"], r"y_pred holds <U1: pass whole numbers"),
        ([], [], "y_true and y_pred are empty"),
        (3, [3], r"y_true has shape \(\): pass one label for each image"),
    ],
)
def test_confusion_matrix_names_what_is_wrong(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message) as caught:
        evaluation.confusion_matrix(y_true, y_pred)
    assert one_line(caught)


def texts(ax):
    """Return {(row, column): text} of the cells."""
    return {
        (int(text.get_position()[1]), int(text.get_position()[0])): text.get_text()
        for text in ax.texts
        if text.get_text()
    }


def test_heat_map_shows_every_count_in_its_cell():
    ax = evaluation.plot_confusion_matrix(MATRIX)
    assert texts(ax) == {
        (0, 0): "2", (0, 2): "1", (1, 1): "2", (2, 1): "2", (2, 2): "2",
    }  # fmt: skip
    assert ax.get_xlabel() == "predicted class"
    assert ax.get_ylabel() == "true class"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2"]
    assert ax.yaxis_inverted()


def test_heat_map_colours_mistakes_by_their_share_of_the_true_class():
    colours = evaluation.plot_confusion_matrix(MATRIX).collections[0]
    values = colours.get_array().reshape(3, 3)
    np.testing.assert_array_equal(np.ma.getmaskarray(values), np.eye(3, dtype=bool))
    np.testing.assert_allclose(values[0, 2], 100 / 3)
    np.testing.assert_allclose(values[2, 1], 50)
    assert colours.get_clim() == (0, 50)


def test_heat_map_takes_names_and_axes():
    import matplotlib.pyplot as plt

    _, (left, right) = plt.subplots(1, 2)
    ax = evaluation.plot_confusion_matrix(MATRIX, ["Coat", "Bag", "Sandal"], ax=right)
    assert ax is right and not left.texts
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Coat", "Bag", "Sandal"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("matrix", [np.diag([3, 4]), np.zeros((2, 2), int), np.array([[5]])])
def test_heat_map_without_mistakes(matrix):
    ax = evaluation.plot_confusion_matrix(matrix)
    ax.figure.canvas.draw()
    assert texts(ax)[0, 0] == str(matrix[0, 0])


@pytest.mark.parametrize(
    ("matrix", "names", "message"),
    [
        (np.zeros((2, 3), int), None, r"matrix has shape \(2, 3\)"),
        (np.zeros((2, 2)), None, "dtype float64: pass the square of counts"),
        (MATRIX, ["a", "b"], "class_names has 2 names for 3 classes"),
    ],
)
def test_heat_map_names_what_is_wrong(matrix, names, message):
    with pytest.raises(ValueError, match=message) as caught:
        evaluation.plot_confusion_matrix(matrix, names)
    assert one_line(caught)


def test_report_by_hand():
    table = evaluation.report(Y_TRUE, Y_PRED)
    assert table.index.name == "class"
    assert list(table.index) == ["0", "1", "2", "macro mean"]
    assert list(table.columns) == ["precision", "recall", "f1", "support"]
    np.testing.assert_allclose(table["precision"], [1, 1 / 2, 2 / 3, 13 / 18])
    np.testing.assert_allclose(table["recall"], [2 / 3, 1, 1 / 2, 13 / 18])
    np.testing.assert_allclose(table["f1"], [4 / 5, 2 / 3, 4 / 7, (4 / 5 + 2 / 3 + 4 / 7) / 3])
    assert list(table["support"]) == [3, 2, 4, 9]
    assert table["support"].dtype.kind == "i"


@pytest.mark.filterwarnings("error")
def test_report_keeps_named_classes_that_do_not_occur():
    table = evaluation.report([0, 1], [0, 1], ["Coat", "Bag", "Sandal"])
    assert list(table.index) == ["Coat", "Bag", "Sandal", "macro mean"]
    assert list(table.loc["Sandal"]) == [0, 0, 0, 0]
    assert table.loc["macro mean", "recall"] == pytest.approx(2 / 3)


def test_report_names_what_is_wrong():
    with pytest.raises(ValueError, match=r"y_true goes from 0 to 2: .*name more classes"):
        evaluation.report(Y_TRUE, Y_PRED, ["Coat", "Bag"])
    with pytest.raises(ValueError, match="y_pred goes from -1 to 0: pass labels from 0 upwards"):
        evaluation.report([0, 0], [0, -1])
    with pytest.raises(ValueError, match=r"y_pred has shape \(2, 3\)"):
        evaluation.report([0, 1], np.zeros((2, 3)))


PROBABILITIES = np.array(
    [
        [0.9, 0.1, 0.0],  # right
        [0.6, 0.3, 0.1],  # wrong, 0.6
        [0.1, 0.8, 0.1],  # wrong, 0.8
        [0.3, 0.3, 0.4],  # right
        [0.2, 0.0, 0.8],  # wrong, 0.8 again
        [0.0, 0.3, 0.7],  # wrong, 0.7
    ]
)
TRUE = [0, 1, 0, 2, 1, 1]


def test_worst_mistakes_come_most_certain_first():
    np.testing.assert_array_equal(evaluation.worst_mistakes(PROBABILITIES, TRUE), [2, 4, 5, 1])
    np.testing.assert_array_equal(evaluation.worst_mistakes(PROBABILITIES, TRUE, n=2), [2, 4])
    assert evaluation.worst_mistakes(PROBABILITIES, TRUE, n=0).size == 0


def test_worst_mistakes_of_a_faultless_network_are_none():
    worst = evaluation.worst_mistakes(PROBABILITIES, PROBABILITIES.argmax(axis=1))
    assert worst.shape == (0,) and worst.dtype.kind == "i"
    assert evaluation.worst_mistakes(np.zeros((0, 3)), []).shape == (0,)


@pytest.mark.parametrize(
    ("probabilities", "y_true", "n", "message"),
    [
        ([0.1, 0.9], [1], 1, r"probabilities has shape \(2,\): pass one row"),
        ([[-3.0, 4.0]], [1], 1, r"outside 0 to 1: .*keras.ops.softmax\(logits\)"),
        ([[np.nan, 0.0]], [1], 1, "outside 0 to 1"),
        ([[0.1, 0.9]], [1, 0], 1, "probabilities is for 1 images and y_true for 2"),
        ([[0.1, 0.9]], [2], 1, "y_true goes from 2 to 2: pass labels from 0 to 1"),
        ([[0.1, 0.9]], [[0, 1]], 1, r"y_true has shape \(1, 2\): .*one_hot.argmax"),
        ([[0.1, 0.9]], [1], -1, "n is -1"),
    ],
)
def test_worst_mistakes_name_what_is_wrong(probabilities, y_true, n, message):
    with pytest.raises(ValueError, match=message) as caught:
        evaluation.worst_mistakes(probabilities, y_true, n)
    assert one_line(caught)
