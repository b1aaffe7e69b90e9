"""Every misconception gets its own message, every right variant passes, nothing else does."""

import numpy as np
import pytest

from coursekit import checks
from coursekit.checks import lesson_01, lesson_03
from coursekit.checks.core import MUTATED, CheckError, RuleCheck, ValueCheck

CHECKS = [check for module in checks.LESSONS.values() for check in module.CHECKS]
WRONG = [
    pytest.param(check, m, id=f"{check.number}-{i}")
    for check in CHECKS
    for i, m in enumerate(check.misconceptions)
]


@pytest.fixture(autouse=True)
def not_strict(monkeypatch):
    monkeypatch.delenv("COURSEKIT_STRICT", raising=False)


def flat(text):
    return " ".join(text.split())


def ask(check, answer):
    """Give a check the answers of the function `answer`, typed or as a function."""
    if not isinstance(check, ValueCheck):
        return check(answer)
    values = []
    for probe in check.probes:
        try:
            values.append(answer(*probe))
        except KeyError:  # a wrong answer to one question only: the others are right
            values.append(check.oracle(*probe))
    return check(*values)


@pytest.mark.parametrize(("check", "misconception"), WRONG)
def test_misconception_gets_its_own_message(check, misconception):
    result = ask(check, misconception.answer)
    assert result.status == "fail"
    assert flat(misconception.message) in flat(result.message)
    if not isinstance(check, RuleCheck):
        assert "wanted" in result.message
        assert "got" in result.message


def _float32(answer):
    """Return floats as float32; integers, which may be indices, stay."""
    answer = np.asarray(answer)
    return answer.astype(np.float32) if answer.dtype.kind == "f" else answer


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.number)
def test_oracle_passes_in_every_form(check, capsys):
    for form in (
        check.oracle,
        lambda *a: _float32(check.oracle(*a)),
        lambda *a: np.asarray(check.oracle(*a)).tolist(),
    ):
        assert ask(check, form).status == "pass"
    assert f"[pass] {check.number} {check.name}" in capsys.readouterr().out


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.number)
def test_unattempted_is_todo(check):
    def stub(*_):
        raise NotImplementedError("Exercise")

    answer = (lambda *_: ...) if isinstance(check, ValueCheck) else stub
    assert ask(check, answer).status == "todo"


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.number)
@pytest.mark.parametrize("nonsense", [None, "text", [[1], [2, 3]], float("nan"), {}, object()])
def test_nonsense_fails_in_words(check, nonsense):
    result = ask(check, lambda *_: nonsense)
    assert result.status == "fail"


class TestConvolve1d:
    def test_loops_pass(self):
        def convolve1d(x, w):
            y = [0] * (len(x) + len(w) - 1)
            for n, value in enumerate(x):
                for k, weight in enumerate(w):
                    y[n + k] += value * weight
            return y

        assert checks.convolve1d(convolve1d).status == "pass"

    def test_matrix_product_passes(self):
        def convolve1d(x, w):
            padded = np.pad(np.asarray(x, float), len(w) - 1)
            return np.lib.stride_tricks.sliding_window_view(padded, len(w)) @ w[::-1]

        assert checks.convolve1d(convolve1d).status == "pass"

    def test_right_result_with_a_changed_input_fails(self):
        def convolve1d(x, w):
            y = np.convolve(x, w)
            w[:] = w[::-1].copy()
            return y

        result = checks.convolve1d(convolve1d)
        assert result.status == "fail"
        assert flat(MUTATED) in flat(result.message)

    def test_integer_array_as_store_is_truncation(self):
        def convolve1d(x, w):
            y = np.zeros(len(x) + len(w) - 1, dtype=int)
            for n in range(len(x)):
                for k in range(len(w)):
                    y[n + k] += x[n] * w[k]
            return y

        message = flat(checks.convolve1d(convolve1d).message)
        assert "UFuncTypeError" in message or flat(lesson_01.TRUNCATED) in message

    def test_rounded_result_is_named(self):
        result = checks.convolve1d(lambda x, w: np.round(np.convolve(x, w), 2) + 0.001)
        assert "rounded" in result.message

    def test_two_misconceptions_at_once_name_the_first(self):
        result = checks.convolve1d(lambda x, w: np.trunc(np.convolve(x, w[::-1])))
        assert flat(lesson_01.TRUNCATED) in flat(result.message)

    def test_an_exception_is_told_with_the_line(self):
        def convolve1d(x, w):
            return x[len(x)]

        result = checks.convolve1d(convolve1d)
        assert result.status == "fail"
        assert "IndexError" in result.message
        assert "return x[len(x)]" in result.message

    def test_a_forgotten_return_is_named(self):
        assert "return" in checks.convolve1d(lambda x, w: None).message

    def test_the_result_instead_of_the_function(self):
        result = checks.convolve1d(np.zeros(3))
        assert result.status == "fail"
        assert "give the function itself" in result.message

    def test_a_sum_is_not_enough(self):
        result = checks.convolve1d(lambda x, w: np.sort(np.convolve(x, w)))
        assert result.status == "fail"

    def test_smallest_differing_probe_is_shown(self):
        def only_long(x, w):
            return np.convolve(x, w) + (len(x) > 5)

        assert (
            "convolve1d([1, 2, 3, 4, 6, 7, 7, 6], [2, -1])" in checks.convolve1d(only_long).message
        )


class TestValues:
    def test_one_wrong_value_is_named(self):
        right = [np.convolve(*probe) for probe in checks.by_hand.probes]
        result = checks.by_hand(right[0], right[1], [-1, -2, -2, 2, 3])
        assert result.status == "fail"
        assert "asked   asymmetric" in result.message
        assert flat(lesson_01.NOT_FLIPPED) in flat(result.message)

    def test_some_open_is_todo_and_says_which(self):
        right = [np.convolve(*probe) for probe in checks.by_hand.probes]
        result = checks.by_hand(right[0], ..., ...)
        assert result.status == "todo"
        assert "bump, asymmetric" in result.message

    def test_wrong_before_open_is_told(self):
        assert checks.by_hand(..., [1, 2], ...).status == "fail"

    def test_too_few_values(self):
        with pytest.raises(TypeError, match="ramp, bump, asymmetric"):
            checks.by_hand([1])

    @pytest.mark.parametrize("average", [[0.5, 0.5], [0.25] * 4, [1 / 3] * 3, np.full(7, 1 / 7)])
    @pytest.mark.parametrize("step", [[-1, 1], [0, -1, 1], (-1.0, 1.0, 0.0)])
    def test_every_right_kernel_passes(self, step, average):
        assert checks.design(step, average).status == "pass"

    def test_moving_sum_of_any_length_is_named(self):
        assert "moving sum" in checks.design([-1, 1], [1, 1, 1, 1, 1]).message


class TestLearning:
    """Right answers of lesson 03, however written, and slips that are close to right ones."""

    def test_one_hot_passes_in_loops_and_by_places(self):
        def loops(labels, n_classes):
            return [[int(label == c) for c in range(n_classes)] for label in labels]

        def places(labels, n_classes):
            vectors = np.zeros((len(labels), n_classes), dtype="float32")
            vectors[np.arange(len(labels)), labels] = 1
            return vectors

        def comparison(labels, n_classes):
            return labels[:, np.newaxis] == np.arange(n_classes)

        for answer in (loops, places, comparison):
            assert checks.one_hot(answer).status == "pass"

    def test_softmax_passes_row_by_row_and_by_logarithms(self):
        def rows(logits):
            result = []
            for row in logits:
                powers = [np.exp(value - max(row)) for value in row]
                result.append([power / sum(powers) for power in powers])
            return result

        def logarithms(logits):
            return np.exp(logits - np.logaddexp.reduce(logits, axis=1)[:, np.newaxis])

        def single(logits):
            z = logits.astype("float32")
            powers = np.exp(z - z.max(axis=1, keepdims=True))
            return powers / powers.sum(axis=1, keepdims=True)

        for answer in (rows, logarithms, single):
            assert checks.softmax(answer).status == "pass"

    def test_softmax_that_changes_its_logits_is_named(self):
        def softmax(logits):
            logits -= logits.max(axis=1, keepdims=True)
            powers = np.exp(logits)
            return powers / powers.sum(axis=1, keepdims=True)

        assert flat(MUTATED) in flat(checks.softmax(softmax).message)

    def test_cross_entropy_passes_in_loops_one_hot_and_clipped_on_both_sides(self):
        def loops(probabilities, labels):
            losses = [-np.log(max(p[y], 1e-7)) for p, y in zip(probabilities, labels, strict=True)]
            return sum(losses) / len(losses)

        def vectors(probabilities, labels):
            p = np.clip(probabilities, 1e-7, 1 - 1e-7)
            targets = np.eye(p.shape[1])[labels]
            return -(targets * np.log(p)).sum() / len(p)

        def added(probabilities, labels):
            return -np.mean(np.log(probabilities[range(len(labels)), labels] + 1e-7))

        for answer in (loops, vectors, added):
            assert checks.cross_entropy(answer).status == "pass"

    def test_cross_entropy_is_that_of_keras(self):
        import keras

        for probabilities, labels in checks.cross_entropy.probes:
            losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
            wanted = checks.cross_entropy.oracle(probabilities, labels)
            assert np.isclose(np.mean(losses), wanted, rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize(
        "answer",
        [
            lambda model, image: model.predict(image.reshape(1, 28, 28), verbose=0)[0],
            lambda model, image: model.predict(np.array([image]), batch_size=1).ravel(),
            lambda model, image: np.squeeze(model(np.expand_dims(image, 0), training=False)),
            lambda model, image: model.predict(np.stack([image, image]))[1],
            lambda model, image: model.predict([image[np.newaxis]])[0],
        ],
    )
    def test_predict_one_passes_however_the_axis_comes_and_goes(self, answer):
        assert checks.predict_one(answer).status == "pass"

    def test_predict_one_refuses_row_after_row_in_words(self):
        result = checks.predict_one(lambda model, image: [model.predict(row) for row in image])
        assert result.status == "fail"
        assert "wanted (N, 28, 28), got (28,)" in result.message

    def test_predict_one_shows_the_model_by_its_name(self):
        result = checks.predict_one(lambda model, image: model.predict(image[np.newaxis]))
        assert "asked   predict_one(model, [[" in result.message

    def test_merged_layers_pass_in_loops_and_by_einsum(self):
        def weights(W1, W2):
            return [[sum(a * b for a, b in zip(row, c, strict=True)) for c in W2.T] for row in W1]

        assert checks.merged_weights(weights).status == "pass"
        by_einsum = checks.merged_bias(lambda b1, W2, b2: np.einsum("h,hm->m", b1, W2) + b2)
        assert by_einsum.status == "pass"
        transposed = checks.merged_bias(lambda b1, W2, b2: W2.T @ b1 + b2)
        assert transposed.status == "pass"

    @pytest.mark.parametrize("wrong", [101_769, 101_771, 101_770.5])
    def test_a_count_that_is_off_by_one_fails(self, wrong):
        assert checks.parameters_by_hand(0, 100_480, 1_290, wrong).status == "fail"
        assert checks.parameters_by_hand(0, 100_480.0, 1_290, 101_770).status == "pass"

    def test_parameters_of_one_bias_for_all_are_not_taken_for_forgotten_biases(self):
        result = checks.parameters_by_hand(0, 784 * 128 + 1, ..., ...)
        one_bias = next(
            m for m in lesson_03.parameters_by_hand.misconceptions if "whole" in m.message
        )
        assert one_bias.message in result.message


class TestStrict:
    @pytest.fixture(autouse=True)
    def strict(self, monkeypatch):
        monkeypatch.setenv("COURSEKIT_STRICT", "1")

    def test_fail_raises_one_message_without_frames(self):
        with pytest.raises(CheckError) as caught:
            checks.convolve1d(lambda x, w: np.correlate(x, w, "full"))
        text = "\n".join(caught.value._render_traceback_())
        assert text.startswith("[fail] 1.2 convolve1d")
        assert "Traceback" not in text

    def test_todo_raises(self):
        with pytest.raises(CheckError, match="todo"):
            checks.by_hand(..., ..., ...)

    def test_pass_does_not(self):
        assert checks.convolve1d(np.convolve).status == "pass"
