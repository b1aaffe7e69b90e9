import contextlib
import dataclasses
import hashlib
import pickle
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from coursekit import data, models
from coursekit.data import load_digits
from coursekit.models import LECTURES, Validation, conv, dense, flatten, pool

# The lectures' table once more, by hand: id, lecture, parameters, data, optimiser, learning rate,
# one-hot, batch size, epochs, iterations, published.
TABLE = """
dense-128             | Dillon 2019   | 101770 | MNIST   | Adam    | .001  | y | 32  | 5   | test .9782
dense-128-val         | Dillon 2019   | 101770 | MNIST   | Adam    | .001  | y | 32  | 20  | val .9803
dense-128-sparse      | Butler 2023   | 101770 | MNIST   | Adam    | .001  | n | 32  | 5   | test .9737
dense-256             | Bridge CS4619 | 203530 | MNIST   | RMSprop | .003  | n | 128 | 5   | test .9769
fashion-dense-128     | Dillon 2018   | 101770 | Fashion | Adam    | .001  | n | 32  | 5   | test .8803
fashion-dense-128-val | Dillon 2018   | 101770 | Fashion | Adam    | .001  | n | 32  | 20  | val .8418
cnn-515k              | Dillon 2019   | 515146 | MNIST   | Adam    | .001  | y | 32  | 20  | test .9906 val .9900
cnn-66k               | Dillon 2018   | 65994  | MNIST   | RMSprop | .001  | y | 64  | 5   | test .9915
cnn-93k               | Bridge CS4619 | 93322  | MNIST   | RMSprop | .003  | n | 64  | 5   | test .9870
cnn-93k-adam          | Butler 2023   | 93322  | MNIST   | Adam    | .001  | n | 64  | 5   | test .9891
sweep-fewer-layers    | Butler 2023   | 347146 | MNIST   | Adam    | .001  | n | 64  | 5   | test .9861
sweep-no-hidden-dense | Butler 2023   | 61514  | MNIST   | Adam    | .001  | n | 64  | 5   | test .9919
sweep-more-filters    | Butler 2023   | 296522 | MNIST   | Adam    | .001  | n | 64  | 5   | test .9913
sweep-extra-pooling   | Butler 2023   | 60554  | MNIST   | Adam    | .001  | n | 64  | 5   | test .9759
sweep-fewer-pools     | Butler 2023   | 158922 | MNIST   | Adam    | .001  | n | 64  | 5   |
low-level             | iSystems      | 333526 | MNIST   | Adam    | .0001 | y | 50  | -   |
low-level-layers      | iSystems      | 333526 | MNIST   | Adam    | .0001 | y | 50  | -   |
"""  # noqa: E501
ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]
IDS = [row[0] for row in ROWS]
LAST_TENTH = Validation("train", 0.10)
VALIDATION = {
    "dense-128-val": Validation("test", 0.33),
    "cnn-515k": Validation("test", 0.33),
    "fashion-dense-128-val": Validation("test", 0.33, train_on="test"),
} | {id: LAST_TENTH for id in IDS if id.startswith("sweep") or id == "cnn-93k-adam"}


@pytest.fixture(scope="module")
def compiled():
    return {id: recipe.compile(recipe.build()) for id, recipe in LECTURES.items()}


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (8, 28, 28), dtype=np.uint8)


def test_lectures_keep_the_order_of_the_table():
    assert list(LECTURES) == IDS
    assert [recipe.id for recipe in LECTURES.values()] == IDS


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_recipe_matches_the_table(row):
    id, lecture, parameters, data, optimizer, rate, one_hot, batch, epochs, published = row
    recipe = LECTURES[id]
    assert recipe.lecture == lecture
    assert recipe.parameters == int(parameters)
    assert recipe.dataset == {"MNIST": "MNIST", "Fashion": "Fashion-MNIST"}[data]
    assert (recipe.optimizer, recipe.learning_rate) == (optimizer, float(rate))
    assert recipe.one_hot == (one_hot == "y")
    assert recipe.batch_size == int(batch)
    counted = (None, 2500) if epochs == "-" else (int(epochs), None)
    assert (recipe.epochs, recipe.iterations) == counted
    words = published.split()
    expected = {
        f"{part}_accuracy": float(value)
        for part, value in zip(words[::2], words[1::2], strict=True)
    }
    assert recipe.published == expected
    assert recipe.validation == VALIDATION.get(id)


@pytest.mark.parametrize("id", IDS)
def test_network_has_the_exact_size_and_shapes(id, compiled):
    model, recipe = compiled[id], LECTURES[id]
    assert model.name == id
    assert model.count_params() == recipe.parameters
    assert model.input_shape == (None, *recipe.input_shape)
    assert model.output_shape == (None, 10)
    assert recipe.input_shape == ((28, 28) if id.startswith(("dense", "fashion")) else (28, 28, 1))


@pytest.mark.parametrize("id", IDS)
def test_compile_uses_the_recipe(id, compiled):
    model, recipe = compiled[id], LECTURES[id]
    kind = "CategoricalCrossentropy" if recipe.one_hot else "SparseCategoricalCrossentropy"
    assert type(model.loss).__name__ == kind
    assert model.loss.get_config()["from_logits"] == id.startswith("low-level")
    assert type(model.optimizer).__name__ == recipe.optimizer
    assert float(model.optimizer.learning_rate) == pytest.approx(recipe.learning_rate)


def test_networks_that_share_a_parameter_count_differ_where_they_should():
    assert LECTURES["cnn-93k"].layers == LECTURES["cnn-93k-adam"].layers
    expected = (conv(32), pool(2), conv(64), pool(2), conv(64), flatten(), dense(64))
    assert LECTURES["cnn-93k"].layers == (*expected, dense(10, "softmax"))


# One id for each pair of network and loss.
@pytest.mark.parametrize(
    "id", [id for id in IDS if id not in ("dense-128-val", "cnn-93k-adam", "low-level-layers")
           and not id.startswith("fashion")]
)  # fmt: skip
def test_one_training_step(id, compiled, images):
    model, recipe = compiled[id], LECTURES[id]
    before = [weights.numpy().copy() for weights in model.trainable_weights]
    x, y = recipe.inputs(images), recipe.targets(np.arange(8))
    loss, accuracy = model.train_on_batch(x, y)
    assert np.isfinite(loss) and 0 <= accuracy <= 1
    assert any(
        not np.array_equal(old, new.numpy())
        for old, new in zip(before, model.trainable_weights, strict=True)
    )


def test_outputs_are_probabilities_but_for_the_low_level_networks(compiled, images):
    for id in ("dense-256", "cnn-66k"):
        outputs = np.asarray(compiled[id](LECTURES[id].inputs(images)))
        assert outputs.min() >= 0
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
    logits = np.asarray(compiled["low-level"](LECTURES["low-level"].inputs(images)))
    assert logits.min() < 0


def test_low_level_weights_and_biases_are_independent_normal_numbers():
    model = LECTURES["low-level"].build()
    arrays = [weights.numpy().ravel() for weights in model.weights]
    assert len(arrays) == 8
    assert {round(float(a.std()), 2) for a in arrays if a.size > 10_000} == {0.1}
    assert all(0.02 < a.std() < 0.2 and abs(a.mean()) < 0.15 for a in arrays)
    assert len({float(a[0]) for a in arrays}) == 8


def test_build_gives_fresh_weights(compiled):
    other = LECTURES["dense-128"].build()
    assert other is not compiled["dense-128"]
    assert not np.array_equal(other.get_weights()[0], compiled["dense-128"].get_weights()[0])


def test_inputs_scale_and_add_the_channel(images):
    flat = LECTURES["dense-128"].inputs(images)
    assert flat.shape == (8, 28, 28) and flat.dtype == np.float32
    np.testing.assert_allclose(flat, images / 255, rtol=1e-6)
    deep = LECTURES["cnn-93k"].inputs(images)
    assert deep.shape == (8, 28, 28, 1) and deep.dtype == np.float32
    np.testing.assert_array_equal(deep[..., 0], flat)
    assert LECTURES["cnn-93k"].inputs(images[:0]).shape == (0, 28, 28, 1)


def test_inputs_leave_the_images_alone(images):
    before = images.copy()
    LECTURES["cnn-93k"].inputs(images)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((28, 28), np.uint8), r"images has shape \(28, 28\): pass a batch"),
        (np.zeros((2, 28, 28, 1), np.uint8), r"images has shape \(2, 28, 28, 1\)"),
        (np.zeros((2, 28, 28)), "images holds float64: pass the uint8 images"),
    ],
)
def test_inputs_name_what_is_wrong(wrong, message):
    with pytest.raises(ValueError, match=message) as caught:
        LECTURES["cnn-93k"].inputs(wrong)
    assert "\n" not in str(caught.value)


def test_targets_are_labels_or_one_hot():
    labels = np.array([2, 0, 9], dtype=np.uint8)
    np.testing.assert_array_equal(LECTURES["cnn-93k"].targets(labels), labels)
    vectors = LECTURES["dense-128"].targets(labels)
    assert vectors.shape == (3, 10) and vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors.nonzero(), [[0, 1, 2], [2, 0, 9]])
    np.testing.assert_array_equal(vectors.sum(axis=1), 1)


@pytest.mark.parametrize("wrong", [[10], [-1], [0.5], [[0, 1]], 3])
@pytest.mark.parametrize("id", ["dense-128", "cnn-93k"])
def test_targets_refuse_what_are_no_labels(id, wrong):
    with pytest.raises(ValueError, match=r"labels has shape .* pass one integer from 0 to 9"):
        LECTURES[id].targets(wrong)


def test_unknown_id_gets_one_line_with_the_known_ones():
    with pytest.raises(KeyError, match=r"no recipe 'cnn-94k'; choose one of dense-128, .*cnn-93k"):
        LECTURES["cnn-94k"]
    assert LECTURES.get("cnn-94k") is None


def test_recipes_are_frozen_and_can_travel_to_other_processes():
    recipe = LECTURES["cnn-515k"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.epochs = 1
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert dataclasses.replace(recipe, epochs=1).epochs == 1


def fit_slowly(model, images):
    """Three epochs, each longer than tqdm's shortest pause between two updates."""
    import keras

    slow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: time.sleep(0.12))
    x = LECTURES["dense-128-sparse"].inputs(images)
    model.fit(x, np.arange(8), epochs=3, verbose=0, callbacks=[slow, models.progress_bar()])


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing():
    schedule = models.one_cycle(100, peak=0.5)
    rates = np.array([float(schedule(step)) for step in range(101)])
    assert rates[0] == pytest.approx(0.5 / 25)
    assert rates.argmax() == 30
    assert rates.max() == pytest.approx(0.5)
    assert (np.diff(rates[:31]) > 0).all()
    assert (np.diff(rates[30:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-6)


def test_one_cycle_needs_two_steps():
    with pytest.raises(ValueError, match="steps is 1"):
        models.one_cycle(1)


def test_fit_one_cycle_uses_up_its_schedule_and_learns(images):
    model = LECTURES["dense-128"].build()
    x, y = images.astype("float32") / 255, np.arange(8)
    history = models.fit_one_cycle(model, x, y, epochs=30, batch_size=3, peak=0.01)
    assert len(history.history["loss"]) == 30
    assert int(model.optimizer.iterations) == 90
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-6)
    assert model.evaluate(x, y, verbose=0)[1] == 1


def test_fit_one_cycle_names_what_makes_too_few_steps(images):
    model, x = LECTURES["dense-128"].build(), images / np.float32(255)
    with pytest.raises(ValueError, match="8 images, epochs=1 and batch_size=128 make too few"):
        models.fit_one_cycle(model, x, np.arange(8), epochs=1)
    with pytest.raises(ValueError, match="pass validation_data"):
        models.fit_one_cycle(model, x, np.arange(8), validation_split=0.5)


@pytest.mark.parametrize(
    ("last", "from_logits"), [((None,), True), (("softmax",), False), ((None, "softmax"), False)]
)
def test_fit_one_cycle_knows_logits_from_probabilities(images, last, from_logits):
    x = images / np.float32(255)
    head = [keras.layers.Dense(10, activation=last[0])]
    head += [keras.layers.Softmax() for _ in last[1:]]
    model = keras.Sequential([keras.layers.Input((28, 28)), keras.layers.Flatten(), *head])
    models.fit_one_cycle(model, x, np.arange(8), batch_size=8)
    assert model.loss.get_config()["from_logits"] == from_logits


def test_recipes_whose_last_layer_has_no_activation_give_logits():
    plan = dataclasses.replace(LECTURES["low-level"], layers=(flatten(), dense(7, None)))
    assert plan.compile(plan.build()).loss.get_config()["from_logits"]


def test_recipes_can_be_members_of_a_set():
    assert len({*LECTURES.values(), *LECTURES.values()}) == len(LECTURES)


class TestPretrained:
    def test_it_reads_digits_that_it_has_never_seen(self):
        digits = load_digits()
        model = models.pretrained()
        assert model.count_params() == 93_322
        x = LECTURES["cnn-93k"].inputs(digits.x_test)
        assert np.mean(model.predict(x, verbose=0).argmax(axis=1) == digits.y_test) > 0.8

    def test_each_call_gives_a_network_of_its_own(self):
        one, other = models.pretrained(), models.pretrained()
        one.layers[0].trainable = False
        one.set_weights([0 * w for w in one.get_weights()])
        assert other.layers[0].trainable
        assert np.abs(other.get_weights()[0]).max() > 0

    def test_the_card_is_of_these_weights(self):
        card = models.pretrained_card()
        folder = Path(models.__file__).parent / "weights"
        file = folder / f"{card['network']}.weights.h5"
        assert hashlib.sha256(file.read_bytes()).hexdigest() == card["sha256"]
        assert file.stat().st_size < 500_000
        assert card["parameters"] == LECTURES[card["network"]].parameters
        assert card["data_digest"] == data._MNIST.digest
        assert card["test_accuracy"] > 0.99
        for key in ("data", "recipe", "seed", "versions", "date", "command"):
            assert card[key] not in ("", None, {})


KERNELS = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224"


def raise_(error):
    def call(*_, **__):
        raise error

    return call


class TestImagenet:
    """No test fetches the weights: a stand-in takes the place of Keras' network."""

    @pytest.fixture(autouse=True)
    def nothing_kept(self, monkeypatch, tmp_path):
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        monkeypatch.delenv("COURSEKIT_OFFLINE", raising=False)
        monkeypatch.setattr(keras.applications, "MobileNetV2", lambda weights: f"with {weights}")

    def test_it_is_there_where_the_network_is(self, monkeypatch, capsys):
        monkeypatch.setattr(models, "_answers", lambda host: True)
        assert models.imagenet() == "with imagenet"
        assert capsys.readouterr().out == ""

    @pytest.fixture
    def kept(self, tmp_path):
        (tmp_path / "models").mkdir()
        file = tmp_path / "models" / f"{KERNELS}.h5"
        file.touch()
        return file

    def test_weights_that_are_kept_need_no_network(self, monkeypatch, kept):
        monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
        assert models.imagenet() == "with imagenet"

    def test_weights_without_their_head_are_not_these(self, monkeypatch, kept, capsys):
        kept.rename(kept.with_name(f"{KERNELS}_no_top.h5"))
        monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
        assert models.imagenet() is None
        assert "(COURSEKIT_OFFLINE is set)" in capsys.readouterr().out

    def test_a_machine_without_a_home_is_no_traceback(self, monkeypatch, capsys):
        monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
        monkeypatch.setattr(Path, "home", raise_(RuntimeError("no home")))
        monkeypatch.delenv("KERAS_HOME")
        monkeypatch.setattr(Path, "glob", lambda *_: [])
        assert models.imagenet() is None
        assert "(COURSEKIT_OFFLINE is set)" in capsys.readouterr().out

    def test_half_a_file_is_set_aside(self, monkeypatch, kept, capsys):
        network = keras.Sequential([keras.layers.Input((9,)), keras.layers.Dense(9)])
        whole = kept.parent.parent / "whole.weights.h5"
        network.save_weights(whole)
        kept.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        monkeypatch.setattr(
            keras.applications, "MobileNetV2", lambda weights: network.load_weights(kept)
        )
        assert models.imagenet() is None
        assert "damaged and set aside; run the cell again" in capsys.readouterr().out
        assert [path.name for path in kept.parent.iterdir()] == [f"{KERNELS}.damaged"]

    @pytest.mark.parametrize("error", [OSError(24, "Too many open files"), MemoryError()])
    def test_a_good_file_survives_trouble_of_the_machine(self, error, monkeypatch, kept):
        monkeypatch.setattr(keras.applications, "MobileNetV2", raise_(error))
        assert models.imagenet() is None
        assert kept.exists()

    @pytest.mark.parametrize(
        ("proxy", "address"),
        [
            ("http://proxy.example:3128", ("proxy.example", 3128)),
            ("", ("host.example", 443)),
        ],
    )
    def test_a_proxy_is_asked_in_place_of_the_host(self, proxy, address, monkeypatch):
        asked = []
        monkeypatch.setenv("https_proxy", proxy)
        for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(
            "socket.create_connection",
            lambda address, timeout: asked.append(address) or contextlib.nullcontext(),
        )
        assert models._answers("host.example")
        assert asked == [address]

    @pytest.mark.parametrize("offline", ["1", ""])
    def test_without_a_network_one_line_says_so(self, offline, monkeypatch, capsys):
        monkeypatch.setenv("COURSEKIT_OFFLINE", offline)
        monkeypatch.setattr(models, "_answers", lambda host: False)
        assert models.imagenet() is None
        [line] = capsys.readouterr().out.splitlines()
        assert "the lesson goes on without them" in line

    def test_a_download_that_breaks_off_is_no_traceback(self, monkeypatch, capsys):
        def broken(weights):
            raise OSError("connection reset at some.host")

        monkeypatch.setattr(models, "_answers", lambda host: True)
        monkeypatch.setattr(keras.applications, "MobileNetV2", broken)
        assert models.imagenet() is None
        out = capsys.readouterr().out
        assert "(OSError)" in out
        assert "some.host" not in out

    def test_a_refused_connection_and_an_unknown_host_do_not_answer(self, monkeypatch):
        def refuse(address, timeout):
            raise ConnectionRefusedError

        monkeypatch.setattr("socket.create_connection", refuse)
        assert not models._answers("localhost")


def test_progress_bar_counts_epochs_and_leaves_nothing(capsys, compiled, images):
    fit_slowly(compiled["dense-128-sparse"], images)
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/3" in err and "3/3" in err and "accuracy=" in err
    assert err.endswith("\r") and err.split("\r")[-2].strip() == ""


def test_progress_bar_replaces_one_cell_output_in_a_notebook(monkeypatch, compiled, images):
    shown = []

    class Handle:
        def update(self, bundle, raw):
            assert raw
            shown.append(bundle["text/plain"])

    class Shell:
        kernel = object()

    monkeypatch.setattr("IPython.get_ipython", Shell)
    monkeypatch.setattr("IPython.display.display", lambda bundle, **_: Handle())
    fit_slowly(compiled["dense-128-sparse"], images)
    assert any("3/3" in line for line in shown)
    assert shown[-1] == ""


def test_importing_imports_nothing_heavy():
    code = (
        "import sys, coursekit.models, coursekit.evaluation\n"
        "heavy = {'keras', 'tensorflow', 'sklearn', 'matplotlib', 'seaborn', 'pandas', 'tqdm'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
