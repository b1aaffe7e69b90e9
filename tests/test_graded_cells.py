"""Every graded cell: the solution earns it, an open answer does not, nor any misconception.

All answers are executed in this process, without the sandbox: a lesson's imports, then each
exercise's answer and its graded cells. What the cells display is made and judged by the
grader's own code.
"""

import ast
import contextlib
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from coursekit import checks
from coursekit.checks.core import ValueCheck
from staff.grade.judge import decode, judge_check, judge_equal, same
from staff.grade.key import MIN_BITS, bits
from staff.grade.submission import graded_source
from staff.source import cut_solution, keep_solution, read_lesson

LESSONS = sorted((Path(__file__).parent.parent / "staff" / "lessons").glob("[0-9]*.py"))
NEEDED = {"08": "shipped = ck.models.pretrained()"}
"""What the answers of a lesson need beyond its imports."""

NETWORKS = {"3.4", "5.3", "6.3", "7.2", "8.3a", "8.3b"}
"""Exercises whose answers are no plain numbers, or are called with a network or a trial."""


OTHER_WAYS = (
    (
        "3.2",
        "import tensorflow as tf\n"
        "def softmax(logits):\n"
        "    return tf.nn.softmax(tf.cast(logits, 'float32'))",
    ),
    ("3.4", "def predict_one(model, image):\n    return model(image[None])[0]"),
    (
        "4.2",
        "def balanced_subset(y, n, rng):\n"
        "    deck = rng.permutation(len(y))\n"
        "    return sum((deck[y[deck] == c][:n].tolist() for c in set(y)), [])",
    ),
    (
        "6.3",
        "@tf.function\n"
        "def train_step(network, variables, optimizer, images, labels):\n"
        "    measure = keras.losses.SparseCategoricalCrossentropy(from_logits=True)\n"
        "    with tf.GradientTape() as tape:\n"
        "        loss = measure(labels, network(images))\n"
        "    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))\n"
        "    return loss",
    ),
    (
        "6.4a",
        "def batches(n, size, iterations, rng):\n"
        "    dealt = []\n"
        "    while len(dealt) < iterations:\n"
        "        deck = list(range(n))\n"
        "        rng.shuffle(deck)\n"
        "        dealt += [deck[i : i + size] for i in range(0, n - size + 1, size)]\n"
        "    return dealt[:iterations]",
    ),
    (
        "8.3a",
        "def transfer_network():\n"
        "    base = ck.models.pretrained()\n"
        "    inside = keras.Model(base.inputs, base.layers[5].output)\n"
        "    inside.trainable = False\n"
        "    head = [keras.layers.Dropout(0.2), keras.layers.Dense(10), keras.layers.Softmax()]\n"
        "    return keras.Sequential([keras.layers.Input((28, 28, 1)), inside, *head])",
    ),
)
"""Right answers that are not the solution: other libraries, lists, graphs, more layers."""


@dataclass(frozen=True)
class Exercise:
    """An exercise with its cells; `answers` are the names that its check asks for."""

    lesson: str
    number: str
    source: str
    points: int
    answers: tuple[str, ...]
    check: str
    graded: tuple

    def namespace(self, source):
        """Names of the lesson with the answer `source` executed in them."""
        names = dict(BASES[self.lesson])
        exec(source, names)
        return names


def read_exercises(path):
    """Return the exercises of a lesson in order."""
    cells = {}
    for cell in read_lesson(path):
        kit = cell.metadata.get("coursekit")
        if kit:
            cells.setdefault(kit["exercise"], []).append((kit, cell.source))
    for number, found in cells.items():
        (answer, source), (_, check), *graded = found
        call = ast.parse(check).body[0].value
        yield Exercise(
            lesson=path.stem[:2],
            number=number,
            source=source,
            points=answer["points"],
            answers=tuple(name.id for name in call.args),
            check=call.func.attr,
            graded=tuple(graded),
        )


EXERCISES = [exercise for path in LESSONS for exercise in read_exercises(path)]
GRADED = [exercise for exercise in EXERCISES if exercise.graded]
BASES = {}


def imports(path):
    """Return all import statements of a lesson."""
    code = [cell.source for cell in read_lesson(path) if cell.cell_type == "code"]
    body = ast.parse(keep_solution("\n".join(code))).body
    lines = [ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(lines)


@pytest.fixture(scope="module", autouse=True)
def bases():
    """Names that a lesson has before its first exercise, with the solutions of all of them.

    An answer may use an earlier one: fine-tuning builds on transfer.
    """
    for path in LESSONS:
        names = BASES[path.stem[:2]] = {}
        exec(imports(path), names)
        exec(NEEDED.get(path.stem[:2], ""), names)
        for exercise in EXERCISES:
            if exercise.lesson == path.stem[:2]:
                exec(keep_solution(exercise.source), names)
    yield
    BASES.clear()
    key.cache_clear()


def grade(source, names, seed=2026):
    """Execute a graded cell on a copy of the names; return its payload, None where it raises."""
    shown = []
    publisher = SimpleNamespace(publish=lambda data: shown.extend(data.values()))
    kernel = mock.patch("IPython.get_ipython", lambda: SimpleNamespace(display_pub=publisher))
    try:
        with kernel, warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            exec(graded_source(source, seed), dict(names))
    except Exception as error:  # a wrong answer may raise, but never for being called wrongly
        assert "positional argument" not in str(error)
        return None
    (payload,) = shown
    return payload


@cache
def key(lesson, source):
    """Return the payload that a graded cell has for the solution."""
    return grade(source, BASES[lesson])


def earns(exercise, cell, names):
    """Return whether a graded cell gives its points to the answers among the names."""
    kit, source = cell
    got = grade(source, names)
    if got is None:
        return False
    got, wanted = decode(got), decode(key(exercise.lesson, source))
    if kit.get("judge", "equal") == "equal":
        return judge_equal(got, wanted).right
    return judge_check(exercise.check, got, wanted).right


def wrong(exercise, misconception):
    """Return the lesson's names with a misconception in the place of the answer."""
    names = dict(BASES[exercise.lesson])
    check = getattr(checks, exercise.check)
    if isinstance(check, ValueCheck):
        for name, probe in zip(exercise.answers, check.probes, strict=True):
            with contextlib.suppress(KeyError):  # a wrong answer to another of the questions
                names[name] = misconception.answer(*probe)
    else:
        names[exercise.answers[0]] = misconception.answer
    return names


@pytest.fixture(autouse=True)
def not_strict(monkeypatch):
    monkeypatch.delenv("COURSEKIT_STRICT", raising=False)


def test_a_lesson_is_graded_whole_or_not_at_all():
    for path in LESSONS:
        graded = {bool(e.graded) for e in EXERCISES if e.lesson == path.stem[:2]}
        assert len(graded) == 1, path.name
    for exercise in GRADED:
        assert sum(kit["points"] for kit, _ in exercise.graded) == exercise.points


@pytest.mark.parametrize(("number", "answer"), OTHER_WAYS)
def test_another_right_way_earns_everything(number, answer):
    (exercise,) = (e for e in GRADED if e.number == number)
    names = exercise.namespace(answer)
    assert getattr(checks, exercise.check)(names[exercise.answers[0]]).status == "pass"
    assert all(earns(exercise, cell, names) for cell in exercise.graded)


@pytest.mark.parametrize("exercise", GRADED, ids=lambda e: e.number)
class TestEveryGradedExercise:
    def test_the_solution_earns_everything_in_any_form(self, exercise):
        names = exercise.namespace(keep_solution(exercise.source))
        assert all(earns(exercise, cell, names) for cell in exercise.graded)
        if exercise.number in NETWORKS or isinstance(getattr(checks, exercise.check), ValueCheck):
            return
        (name,) = exercise.answers
        solution = names[name]
        forms = [_float32] if exercise.number == "4.1" else [_float32, _listed]  # 4.1: a dtype
        for form in forms:
            names[name] = lambda *a, form=form: form(solution(*a))
            assert all(earns(exercise, cell, names) for cell in exercise.graded)

    def test_the_stub_earns_nothing(self, exercise):
        names = exercise.namespace(cut_solution(exercise.source, exercise.number))
        assert not any(earns(exercise, cell, names) for cell in exercise.graded)

    def test_every_misconception_loses_a_cell(self, exercise):
        check = getattr(checks, exercise.check)
        kept = [
            misconception.message
            for misconception in check.misconceptions
            if all(earns(exercise, c, wrong(exercise, misconception)) for c in exercise.graded)
        ]
        assert kept == []

    def test_the_payload_follows_the_seed_and_is_too_rich_to_guess(self, exercise):
        for kit, source in exercise.graded:
            if kit.get("judge", "equal") != "equal":
                continue
            one, other = (grade(source, BASES[exercise.lesson], seed) for seed in (1, 2))
            assert not same(decode(one), decode(other))
            assert bits(one) >= MIN_BITS


def _listed(answer):
    return np.asarray(answer).tolist()


def _float32(answer):
    answer = np.asarray(answer)
    return answer.astype(np.float32) if answer.dtype.kind == "f" else answer
