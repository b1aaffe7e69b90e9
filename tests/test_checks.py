"""Every misconception gets its own message, every right variant passes, nothing else does."""

import numpy as np
import pytest

from coursekit import checks, explore, models, sweep
from coursekit.checks import (
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
)
from coursekit.checks.core import MUTATED, CheckError, FunctionCheck, RuleCheck, ValueCheck

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
    rules = [rule.message for rule in getattr(check, "beyond", ())]
    without = isinstance(check, RuleCheck) or misconception.message in rules
    assert without or "asked" in result.message
    if isinstance(check, ValueCheck):  # unlike a function's, it would be the whole answer
        assert "wanted  " not in result.message


def _float32(answer):
    """Return floats as float32; integers, which may be indices, stay."""
    answer = np.asarray(answer)
    return answer.astype(np.float32) if answer.dtype.kind == "f" else answer


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.number)
def test_oracle_passes_in_every_form(check, capsys):
    assert ask(check, check.oracle).status == "pass"
    if check.number in (
        "5.3",
        "6.3",
        "7.2",
        "8.3a",
        "8.3b",
    ):  # networks, tables, tensors in a graph
        return
    assert ask(check, lambda *a: _float32(check.oracle(*a))).status == "pass"
    if check.number != "4.1":  # it asks for a dtype, and a list has none
        assert ask(check, lambda *a: np.asarray(check.oracle(*a)).tolist()).status == "pass"
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


def loops_elsewhere(image, kernel):
    return four_loops(image, kernel)


def four_loops(image, kernel):
    response = np.zeros(np.array(image.shape) - kernel.shape + 1)
    for i, j in np.ndindex(response.shape):
        response[i, j] = np.vdot(image[i:, j:][: len(kernel), : len(kernel[0])], kernel)
    return response


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

    @pytest.mark.parametrize("guard", [True, False])
    def test_a_negative_index_of_the_kernel_is_named(self, guard):
        def convolve1d(x, w):
            y = np.zeros(len(x) + len(w) - 1)
            for i in range(len(y)):
                for n in range(len(x)):
                    if i - n < len(w) and (i - n >= -len(w) or not guard):
                        y[i] += x[n] * w[i - n]
            return y

        assert "w[-1] is the last weight" in flat(checks.convolve1d(convolve1d).message)

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

    def test_a_small_wrong_answer_comes_before_a_later_exception(self):
        def convolve1d(x, w):
            return np.convolve(x, w[::-1]) if len(x) < 5 else 1 / 0

        assert flat(lesson_01.NOT_FLIPPED) in flat(checks.convolve1d(convolve1d).message)

    def test_the_check_gives_no_answer_away_when_printed(self):
        assert repr(checks.convolve1d) == "<check of exercise 1.2, convolve1d>"

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


@pytest.mark.parametrize("name", ["convolve1d", "cross_correlate1d", "strided1d"])
@pytest.mark.parametrize("at_once", [True, False])
def test_responses_in_an_array_of_the_signals_type_are_truncation(name, at_once):
    check = getattr(checks, name)

    def answer(x, *rest):
        right = check.oracle(x, *rest)
        return right.astype(x.dtype) if at_once else np.trunc(right)

    assert flat(lesson_01.TRUNCATED) in flat(check(answer).message)


class TestImages:
    """Lesson 02: right answers however they are written, and wrong ones as people write them."""

    def test_loops_over_windows_pass(self):
        def cross_correlate2d(image, kernel):
            kh, kw = kernel.shape
            return [
                [
                    (image[i : i + kh, j : j + kw] * kernel).sum()
                    for j in range(image.shape[1] - kw + 1)
                ]
                for i in range(image.shape[0] - kh + 1)
            ]

        assert checks.cross_correlate2d(cross_correlate2d).status == "pass"
        assert checks.cross_correlate2d(lesson_02.four_loops).status == "pass"

    def test_vectorised_ways_pass(self):
        def shifted(image, kernel):
            rows, columns = np.array(image.shape) - kernel.shape + 1
            parts = (
                weight * image[m : m + rows, n : n + columns]
                for (m, n), weight in np.ndenumerate(kernel)
            )
            return np.float32(sum(parts))

        def tensordot(image, kernel):
            view = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
            return np.tensordot(view, kernel)

        for function in (shifted, tensordot, lesson_02.all_windows):
            assert checks.cross_correlate2d(function).status == "pass"
            assert checks.convolve2d(lambda i, k, f=function: f(i, np.rot90(k, 2))).status == "pass"
        for function in (tensordot, lesson_02.all_windows, lambda x, w: tensordot(x, w)):
            assert checks.cross_correlate2d_fast(function).status == "pass"
        assert "loop" in checks.cross_correlate2d_fast(shifted).message

    def test_a_loop_is_no_fast_way_not_even_in_a_function_that_is_called(self):
        message = flat(checks.cross_correlate2d_fast(lesson_02.four_loops).message)
        assert flat(lesson_02.LOOP) in message
        assert "loop" in checks.cross_correlate2d_fast(loops_elsewhere).message

    def test_a_fast_way_without_a_source_passes(self):
        names = {"oracle": lesson_02.cross_correlate2d.oracle}
        exec("def fast(x, w):\n    return [oracle(x, w) for _ in '1'][0]", names)
        assert checks.cross_correlate2d_fast(names["fast"]).status == "pass"

    def test_padding_by_hand_passes(self):
        def pad2d(image, kernel):
            (height, width), (kh, kw) = image.shape, kernel.shape
            padded = np.zeros((height + kh - 1, width + kw - 1), dtype=np.float32)
            top, left = (kh - 1) // 2, (kw - 1) // 2
            padded[top : top + height, left : left + width] = image
            return padded

        assert checks.pad2d(pad2d).status == "pass"

    def test_stride_in_the_loops_passes(self):
        def strided2d(image, kernel, stride):
            kh, kw = kernel.shape
            rows = range(0, image.shape[0] - kh + 1, stride)
            columns = range(0, image.shape[1] - kw + 1, stride)
            return [[np.vdot(image[i : i + kh, j : j + kw], kernel) for j in columns] for i in rows]

        assert checks.strided2d(strided2d).status == "pass"

    def test_layers_pass_as_loops_and_as_one_sum(self):
        def loops(x, kernels, bias):
            maps = []
            for o in range(kernels.shape[3]):
                y = bias[o]
                for c in range(x.shape[2]):
                    y = y + lesson_02.four_loops(x[:, :, c], kernels[:, :, c, o])
                maps.append(y)
            return np.stack(maps, axis=-1)

        def windows(x, kernels, bias):
            view = np.lib.stride_tricks.sliding_window_view(x, kernels.shape[:2], axis=(0, 1))
            return np.float32(np.einsum("ijcmn,mnco->ijo", view, kernels) + bias)

        assert checks.conv_layer(loops).status == "pass"
        assert checks.conv_layer(windows).status == "pass"

    def test_channels_taken_for_kernels_are_named_although_later_probes_raise(self):
        def conv_layer(x, kernels, bias):
            view = np.lib.stride_tricks.sliding_window_view(x, kernels.shape[:2], axis=(0, 1))
            return np.einsum("ijcmn,mnoc->ijo", view, kernels) + bias

        message = checks.conv_layer(conv_layer).message
        assert "kernels and channels are swapped" in message
        assert "ValueError" not in message

    def test_a_bias_added_in_place_changes_the_input(self):
        def conv_layer(x, kernels, bias):
            x += 0.0
            kernels *= 2
            return lesson_02.conv_layer.oracle(x, kernels / 2, bias)

        assert "UFuncTypeError" in checks.conv_layer(conv_layer).message  # the probe is of integers

        def pad2d(image, kernel):
            padded = lesson_02.pad2d.oracle(image, kernel)
            image[:] = 0
            return padded

        assert flat(MUTATED) in flat(checks.pad2d(pad2d).message)

    @pytest.mark.parametrize("name", ["cross_correlate2d", "convolve2d", "strided2d", "conv_layer"])
    def test_an_image_scaled_in_place_is_noticed(self, name):
        check = getattr(checks, name)

        def answer(image, *rest):
            right = check.oracle(image, *rest)
            image *= 2
            return right

        assert flat(MUTATED) in flat(check(answer).message)

    def test_a_response_in_an_array_of_integers_is_truncation(self):
        def cross_correlate2d(image, kernel):
            kh, kw = kernel.shape
            y = np.zeros_like(image[kh - 1 :, kw - 1 :])
            for i, j in np.ndindex(y.shape):
                y[i, j] = (image[i : i + kh, j : j + kw] * kernel).sum()
            return y

        message = flat(checks.cross_correlate2d(cross_correlate2d).message)
        assert flat(lesson_02.TRUNCATED) in message

    def test_rows_for_columns_is_told_with_the_line(self):
        def cross_correlate2d(image, kernel):
            width, height = image.shape
            kh, kw = kernel.shape
            y = np.zeros((height - kh + 1, width - kw + 1))
            for i, j in np.ndindex(y.shape):
                y[i, j] = np.vdot(image[i : i + kh, j : j + kw], kernel)
            return y

        message = checks.cross_correlate2d(cross_correlate2d).message
        assert "np.vdot(image[i" in message

    def test_counts_may_be_a_tuple_of_python_numbers(self):
        def count_parameters(input_shape, kernel_shape, n_kernels):
            dense, conv = lesson_02.count_parameters.oracle(input_shape, kernel_shape, n_kernels)
            return int(dense), float(conv)

        assert checks.count_parameters(count_parameters).status == "pass"

    @pytest.mark.parametrize(
        ("label", "kernel"),
        [
            ("smooth", np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 8),
            ("smooth", [[0, 0, 0], [0.25, 0.5, 0.25], [0, 0, 0]]),
            ("vertical", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
            ("vertical", [[0, 0, 0], [0, -1, 1], [0, 0, 0]]),
            ("vertical", np.float32([[-1, 1, 0]] * 3)),
        ],
    )
    def test_every_right_filter_passes(self, label, kernel):
        values = lesson_02.DESIGNS | {label: kernel}
        assert checks.design2d(*values.values()).status == "pass"

    def test_the_filter_of_the_figure_is_the_one_in_the_figure(self):
        assert np.array_equal(lesson_02.BINOMIAL, explore.FILTERS["smoothing"])

    def test_a_wrong_filter_is_told_by_its_rule_and_no_solution_is_shown(self):
        values = lesson_02.DESIGNS | {"vertical": [[1, 0, -1]] * 3}
        message = checks.design2d(*values.values()).message
        assert "asked   vertical" in message
        assert flat(lesson_02.DARK_RIGHT) in flat(message)
        assert "wanted" not in message


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
        assert "bump_full, asymmetric" in result.message

    def test_wrong_before_open_is_told(self):
        assert checks.by_hand(..., [1, 2], ...).status == "fail"

    def test_too_few_values(self):
        with pytest.raises(TypeError, match="ramp, bump_full, asymmetric"):
            checks.by_hand([1])

    @pytest.mark.parametrize(
        "average", [[0.5, 0.5], [0.25] * 4, [0.25, 0.5, 0.25], np.full(7, 1 / 7)]
    )
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
        assert "predict_one(model, <float32 array of shape (28, 28)>)" in result.message

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


class TestNormalise:
    def test_float32_passes_however_it_is_made(self):
        for answer in (
            lambda images: images / np.float32(255),
            lambda images: (images / 255).astype("float32"),
            lambda images: np.divide(images, 255, dtype="float32"),
        ):
            assert checks.normalise(answer).status == "pass"

    def test_another_dtype_is_named_only_once_the_numbers_are_right(self):
        message = checks.normalise(lambda images: images / 256).message
        assert "divided by 256" in message
        assert flat(lesson_04.NOT_FLOAT32) not in flat(message)


class TestMessages:
    """What is said where no misconception is recognised."""

    @staticmethod
    def asked(wanted, got, kind=FunctionCheck):
        options = {"labels": ("it",)} if kind is ValueCheck else {}
        check = kind("0.1", "it", lambda: wanted, ((),), (), **options)
        return (check(got) if kind is ValueCheck else check(lambda: got)).message

    def test_a_count_that_is_nearly_right_is_not_called_rounded(self):
        assert "close" not in checks.parameters_by_hand(0, 100_480, 1_290, 101_765).message
        assert "index 0" in self.asked([1000, 0.25], [1001, 0.25])
        oracle = lesson_02.count_parameters.oracle
        nearly = checks.count_parameters(lambda *a: oracle(*a) + np.array([1, 0]))
        assert "first at index 0" in nearly.message

    def test_fractions_that_are_nearly_right_are(self):
        assert "off by up to 0.0017: is a result rounded?" in self.asked([1 / 3, 2], [0.335, 2])
        assert "close" not in self.asked([1 / 3, 1000.5], [0.35, 1000.5])

    def test_typed_values_are_not_told_by_how_much_they_are_off(self):
        message = self.asked(1 / 3, 0.333, ValueCheck)
        assert "close" in message
        assert "off by" not in message

    def test_typed_values_return_nothing(self):
        assert "return" not in checks.by_hand(None, ..., ...).message

    def test_truths_are_compared_as_numbers(self):
        assert "first at index 1" in self.asked(np.array([True, False]), np.array([True, True]))

    def test_complex_numbers_are_named(self):
        def by_spectrum(x, w):
            n = len(x) + len(w) - 1
            return np.fft.ifft(np.fft.fft(x, n) * np.fft.fft(w, n))

        assert "take `.real`" in checks.convolve1d(by_spectrum).message
        assert checks.convolve1d(lambda x, w: by_spectrum(x, w).real).status == "pass"

    def test_the_stub_of_another_exercise_is_named(self):
        def convolve2d(image, kernel):
            raise NotImplementedError("Exercise 2.1a")

        result = checks.convolve2d(convolve2d)
        assert result.status == "todo"
        assert "Exercise 2.1a, which is not written yet" in result.message

    @pytest.mark.parametrize("check", [checks.normalise, checks.by_hand])
    def test_large_arrays_are_told_by_their_shape(self, check):
        images = np.broadcast_to(np.float32(0), (60_000, 28, 28))  # whole it would take seconds
        result = check(images) if check is checks.normalise else check(images, ..., ...)
        assert "<float32 array of shape (60000, 28, 28)>" in result.message

    def test_an_object_that_cannot_be_shown_is_no_error(self):
        class Shy:
            def __repr__(self):
                raise RuntimeError

        assert "Shy" in checks.convolve1d(lambda x, w: Shy()).message

    def test_no_check_shows_its_answer(self):
        for check in CHECKS:
            assert repr(check) == f"<check of exercise {check.number}, {check.name}>"


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


class TestBuildCnn:
    def test_a_network_built_another_way_passes(self):
        import keras

        def build_cnn(name):
            if name != "cnn-93k":
                return lesson_05.build_cnn.oracle(name)
            x = inputs = keras.layers.Input((28, 28, 1))
            for filters in (32, 64, 64):
                x = keras.layers.ReLU()(keras.layers.Conv2D(filters, (3, 3))(x))
                x = keras.layers.MaxPool2D()(x) if x.shape[1] > 3 else x
            x = keras.layers.Dense(64, "relu")(keras.layers.Reshape((576,))(x))
            x = keras.layers.Activation("softmax")(keras.layers.Dense(10)(x))
            return keras.Model(inputs, x)

        assert checks.build_cnn(build_cnn).status == "pass"

    def test_the_message_shows_the_layers(self):
        message = checks.build_cnn(lambda name: lesson_05.build_cnn.oracle("cnn-66k")).message
        assert "build_cnn('cnn-93k')" in message
        assert "18496" in message


@pytest.mark.parametrize("check", [checks.max_pool2d, checks.average_pool2d])
def test_pooling_oracles_agree_with_keras(check):
    import keras

    pool = keras.ops.max_pool if check is checks.max_pool2d else keras.ops.average_pool
    for x, size, *rest in check.probes:
        batch = x[None, :, :, None].astype("float32")
        wanted = np.asarray(pool(batch, size, *rest, padding="valid"))[0, :, :, 0]
        np.testing.assert_allclose(check.oracle(x, size, *rest), wanted)


class TestConvBlock:
    def test_loops_pass(self):
        def conv_block(x, kernel, bias):
            (n, height, width, _), (kh, kw, _, c_out) = x.shape, kernel.shape
            sides = (kh // 2, kh // 2), (kw // 2, kw // 2)
            padded = np.pad(x, ((0, 0), *sides, (0, 0)))
            y = np.zeros((n, height, width, c_out))
            for i in range(height):
                for j in range(width):
                    window = padded[:, i : i + kh, j : j + kw]
                    y[:, i, j] = np.tensordot(window, kernel, 3) + bias
            rows, columns = height // 2, width // 2
            y = y[:, : 2 * rows, : 2 * columns].reshape(n, rows, 2, columns, 2, c_out)
            return np.maximum(y.max(axis=(2, 4)), 0)  # pooled first: relu may follow

        assert checks.conv_block(conv_block).status == "pass"

    def test_keras_layers_pass(self):
        import keras

        def conv_block(x, kernel, bias):
            layer = keras.layers.Conv2D(len(bias), kernel.shape[:2], padding="same")
            layer.build(x.shape)
            layer.set_weights([kernel, bias])
            return keras.layers.MaxPooling2D(2)(keras.ops.relu(layer(x)))

        assert checks.conv_block(conv_block).status == "pass"


class TestCrossEntropyFromLogits:
    def test_operations_of_tensorflow_pass(self):
        import tensorflow as tf

        def cross_entropy_from_logits(logits, labels):
            own = tf.gather(logits, labels, axis=1, batch_dims=1)
            return tf.reduce_mean(tf.reduce_logsumexp(logits, axis=1) - own)

        assert checks.cross_entropy_from_logits(cross_entropy_from_logits).status == "pass"

    def test_losses_of_tensorflow_and_keras_pass(self):
        import keras
        import tensorflow as tf

        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        sparse = tf.nn.sparse_softmax_cross_entropy_with_logits
        for answer in (lambda z, y: loss(y, z), lambda z, y: tf.reduce_mean(sparse(y, z))):
            assert checks.cross_entropy_from_logits(answer).status == "pass"

    def test_a_loop_passes(self):
        def cross_entropy_from_logits(logits, labels):
            total = 0.0
            for z, y in zip(logits.astype(float), labels, strict=True):
                total += z.max() + np.log(sum(np.exp(z - z.max()))) - z[y]
            return total / len(labels)

        assert checks.cross_entropy_from_logits(cross_entropy_from_logits).status == "pass"


class TestTrainStep:
    @staticmethod
    def loss(network, images, labels):
        import keras

        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return loss(labels, network(images))

    def test_other_ways_to_write_it_pass(self):
        import tensorflow as tf

        @tf.function
        def train_step(network, variables, optimizer, images, labels):
            with tf.GradientTape(persistent=True) as tape:
                loss = self.loss(network, images, labels)
            gradients = [tape.gradient(loss, v) for v in variables]
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return loss

        assert checks.train_step(train_step).status == "pass"

    def test_a_loss_outside_the_tape_is_named(self):
        import tensorflow as tf

        def train_step(network, variables, optimizer, images, labels):
            loss = self.loss(network, images, labels)
            with tf.GradientTape() as tape:
                pass
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        assert "the tape saw nothing" in flat(checks.train_step(train_step).message)

    @pytest.mark.parametrize("number", [lambda loss: loss.numpy(), float, np.mean])
    def test_what_works_only_outside_a_graph_is_told(self, number):
        def train_step(*arguments):
            return number(lesson_06.train_step.oracle(*arguments))

        result = checks.train_step(train_step)
        assert result.status == "fail"
        assert "inside tf.function a tensor has no numbers yet" in result.message
        assert "in line" in result.message

    def test_a_stub_with_a_decorator_is_todo(self):
        import tensorflow as tf

        @tf.function
        def train_step(*_):
            raise NotImplementedError("Exercise 6.3")

        assert checks.train_step(train_step).status == "todo"

    def test_an_error_below_a_decorator_is_told_with_its_line(self):
        import tensorflow as tf

        @tf.function
        def train_step(network, variables, optimizer, images, labels):
            return missing  # noqa: F821 (the mistake)

        message = checks.train_step(train_step).message
        assert "NameError: name 'missing' is not defined" in message
        assert "return missing" in message

    def test_the_message_speaks_of_the_network(self):
        message = checks.train_step(lambda *_: 1.0).message
        assert "train_step(x @ W + b, [W, b], SGD(0.5), [[1.0, 2.0]" in message

    def test_the_oracle_agrees_with_keras(self):
        import keras

        for start, images, labels in checks.train_step.probes:
            model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(3)])
            model.set_weights([start.W, start.b])
            optimizer = getattr(keras.optimizers, start.optimizer)(start.rate)
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(optimizer, loss)
            told = float(model.train_on_batch(images, labels))
            W, b = model.get_weights()
            got = checks.train_step.use(checks.train_step.oracle, start, images, labels)
            np.testing.assert_allclose(got, [told, *W.ravel(), *b], rtol=1e-5, atol=1e-6)


class TestBatches:
    def test_other_ways_to_shuffle_pass(self):
        def permuted(n, batch_size, iterations, rng):
            whole = n // batch_size
            decks = np.tile(np.arange(n), (1 + iterations // whole, 1))
            decks = rng.permuted(decks, axis=1)[:, : whole * batch_size]
            return decks.reshape(-1, batch_size)[:iterations]

        def popped(n, batch_size, iterations, rng):
            rows, deck = [], []
            for _ in range(iterations):
                if len(deck) < batch_size:
                    deck = list(range(n))
                    rng.shuffle(deck)
                rows.append([int(deck.pop()) for _ in range(batch_size)])
            return rows

        for answer in (permuted, popped):
            assert checks.batches(answer).status == "pass"

    def test_leftover_cards_may_not_be_dealt_on(self):
        def batches(n, batch_size, iterations, rng):
            cards = np.concatenate([rng.permutation(n) for _ in range(iterations)])
            return cards[: iterations * batch_size].reshape(iterations, batch_size)

        assert flat(lesson_06._AGAIN) in flat(checks.batches(batches).message)

    @pytest.mark.parametrize("form", [range, list])
    def test_reports_in_any_form_pass(self, form):
        def report_at(iterations, every):
            done = range(0, iterations + 1, every)
            return done if form is range else [i for i in range(iterations + 1) if i % every == 0]

        assert checks.report_at(report_at).status == "pass"


class TestMend:
    def test_shapes_by_rule_pass(self):
        def last(words):
            side = 28
            for word in words:
                side = side // int(word[1:]) if word[0] == "P" else side - 2 * (word == "C")
                if side < 1:
                    return 0
            return side

        def mend(architecture):
            words = fewer = architecture.split()
            while not last(fewer):
                fewer = fewer[:-1]
            smaller = [w if w in "CS" else "P2" for w in words]
            return [
                " ".join(fewer),
                " ".join(smaller),
                "".join("S" if c == "C" else c for c in architecture),
            ]

        assert checks.mend(mend).status == "pass"

    def test_each_remedy_mends_every_architecture_of_the_exercise(self):
        sides = [lesson_07._last_side(a) for a in lesson_07.ARCHITECTURES.values()]
        assert sides == checks.sides_by_hand.oracle("sides")
        for architecture in lesson_07.ARCHITECTURES.values():
            assert all(map(lesson_07._last_side, checks.mend.oracle(architecture)))

    def test_a_layer_in_place_of_a_name_is_told(self):
        result = checks.mend(lambda a: (a.split(), a, a))
        assert "return three architectures" in result.message


class TestSweepRates:
    def test_configurations_by_hand_in_any_order_pass(self):
        def sweep_rates(trial):
            settings = [{"batch": b, "rate": r} for b in (128, 32) for r in (0.01, 0.003, 0.001)]
            return sweep.run(trial, settings, 4).sample(frac=1, random_state=0)

        assert checks.sweep_rates(sweep_rates).status == "pass"

    def test_another_rate_fails(self):
        def sweep_rates(trial):
            return sweep.run(trial, sweep.grid(rate=[0.001, 0.003, 0.03], batch=[32, 128]), 4)

        assert "wanted" in checks.sweep_rates(sweep_rates).message


def test_statistics_by_plain_python_pass():
    import statistics

    def welch_t(a, b):
        variance = statistics.variance(a) / len(a) + statistics.variance(b) / len(b)
        return (statistics.mean(a) - statistics.mean(b)) / variance**0.5

    spread = checks.mean_and_spread(lambda a: [statistics.fmean(a), statistics.stdev(a)])
    assert spread.status == checks.welch_t(welch_t).status == "pass"


# Lessons 05 to 08: more right answers, and wrong ones as people write them ----------------


class TestBuildCnnSlips:
    @staticmethod
    def layers(name, *first):
        import keras

        made = [layer.make() for layer in models.LECTURES[name].layers]
        return keras.Sequential([*first, *made])

    def test_a_network_without_input_is_told_so_and_shows_no_object(self):
        message = checks.build_cnn(self.layers).message
        assert "put keras.layers.Input((28, 28, 1)) first" in flat(message)
        assert "<Sequential" not in message

    def test_a_network_built_by_hand_passes(self):
        def build_cnn(name):
            model = self.layers(name)
            model.build((None, 28, 28, 1))
            return model

        assert checks.build_cnn(build_cnn).status == "pass"

    def test_dropout_anywhere_fails(self):
        import keras

        def build_cnn(name):
            first = keras.layers.Input((28, 28, 1)), keras.layers.Dropout(0.1)
            return self.layers(name, *first)

        assert checks.build_cnn(build_cnn).status == "fail"


class TestFineTune:
    def test_a_network_around_the_given_one_passes(self):
        import keras

        def fine_tune(model):
            whole = keras.Model(model.inputs[0], model.outputs[0])
            for layer in whole.layers:
                layer.trainable = True
            loss = keras.losses.SparseCategoricalCrossentropy()
            whole.compile(optimizer=keras.optimizers.Adam(1e-4), loss=loss)
            return whole

        assert checks.fine_tune(fine_tune).status == "pass"

    def test_the_old_optimiser_at_a_new_rate_is_not_compiled_anew(self):
        def fine_tune(model):
            lesson_08._freed(model)
            model.optimizer.learning_rate = 1e-4
            return model

        assert "not compiled anew" in flat(checks.fine_tune(fine_tune).message)

    def test_setting_the_model_free_does_not_reach_layers_frozen_one_by_one(self):
        def fine_tune(model):
            model.trainable = True
            return lesson_08._compiled(model)

        assert "set trainable = True for each" in flat(checks.fine_tune(fine_tune).message)

    def test_a_rate_far_below_fails(self):
        result = checks.fine_tune(
            lambda model: lesson_08._compiled(lesson_08._freed(model), rate=1.2e-5)
        )
        assert result.status == "fail"

    def test_weights_changed_on_the_way_fail_and_do_not_stay(self):
        def fine_tune(model):
            model.layers[0].set_weights([0 * w for w in model.layers[0].get_weights()])
            return lesson_08.fine_tune.oracle(model)

        assert checks.fine_tune(fine_tune).status == "fail"
        assert checks.fine_tune(lesson_08.fine_tune.oracle).status == "pass"


def test_only_the_first_kernels_shipped_is_no_transfer():
    def transfer_network():
        model = lesson_08._transfer.__wrapped__(lesson_08._fresh)
        model.layers[0].set_weights(lesson_08._base().layers[0].get_weights())
        return model

    assert "not the shipped ones" in flat(checks.transfer_network(transfer_network).message)
