"""The core of all checks: ask, compare with an oracle, recognise the misconception.

A check knows an oracle (a function of a well-kept library), a few probes (inputs, the
smallest first) and misconceptions: wrong answers that people give, as code, each with
what to say to it. Nothing is accepted by a sum or a single number.
"""

import contextlib
import copy
import inspect
import os
import reprlib
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

RTOL = ATOL = 1e-5
"""Two numbers are equal when they differ by at most ATOL + RTOL * |wanted|; where whole numbers
are wanted, by at most ATOL: a count of 100,480 is not 100,479."""

MAX_SHOWN = 64
"""Numbers of an array that a message shows; of a larger one it tells the shape."""


@dataclass(frozen=True)
class Result:
    """What a check found: `status` is "pass", "todo" or "fail"; `message` says why."""

    status: Literal["pass", "todo", "fail"]
    message: str

    def _ipython_display_(self) -> None:
        """Show nothing: the check has printed its message, and a cell would repeat it."""


class CheckError(AssertionError):
    """Raised instead of printing where COURSEKIT_STRICT=1 and a check does not pass."""

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the message alone: the frames are coursekit's, not the student's."""
        return str(self).splitlines()


@dataclass(frozen=True)
class Misconception:
    """A wrong answer as code (`answer`, called like the right one) and what to say to it."""

    message: str
    answer: Callable[..., Any]


@dataclass(frozen=True, repr=False)
class Check:
    """What all checks share: the question, its right answer and the wrong ones.

    Parameters
    ----------
    number : str
        Number of the exercise, "lesson.step".
    name : str
        Name of the function or of the values asked for.
    oracle : callable
        Gives the right answer to a probe, or one of them.
    probes : tuple of tuples
        Arguments to ask with, the smallest first.
    misconceptions : tuple of Misconception
        Wrong answers to recognise, the likeliest first.
    canonical : callable
        Turns an answer that is no array of numbers, such as a model, into one.
    use : callable
        Gives a function's answer to a probe, as `use(function, *probe)`. Where a function works
        by changing what it is given, such as variables, it makes them, calls, and reads them.
    """

    number: str
    name: str
    oracle: Callable[..., Any]
    probes: tuple[tuple, ...]
    misconceptions: tuple[Misconception, ...]
    canonical: Callable[[Any], Any] = lambda answer: answer
    use: Callable[..., Any] = lambda function, *probe: function(*probe)

    def __repr__(self) -> str:
        return f"<check of exercise {self.number}, {self.name}>"

    def _right(self, answer: object, index: int) -> bool:
        return self._agrees(answer, self.use(self.oracle, *self.probes[index]))

    def _agrees(self, answer: object, other: object) -> bool:
        try:
            return equal(self.canonical(answer), self.canonical(other))
        except Exception:  # an answer of a kind that has no canonical form
            return False

    def _wrong(self, got: list[Any], index: int, asked: str) -> str:
        """Return the message for answers `got`, of which the one to probe `index` is wrong."""
        wanted = self._shown(self.use(self.oracle, *self.probes[index]))
        answer = self._shown(got[index])
        message = self._recognise(got, index) or _returned(answer) or _difference(answer, wanted)
        return "\n".join([message, *_table(asked=asked, wanted=wanted, got=answer)])

    def _shown(self, answer: object) -> object:
        """Return what the message shows of an answer: of a model, its canonical form."""
        if _numbers(answer) is None:
            with contextlib.suppress(Exception):  # no such form: show the answer itself
                return self.canonical(answer)
        return answer

    def _recognise(self, got: list[Any], index: int) -> str | None:
        """Return the message of the misconception that `got` shows, if there is one.

        One that explains every answer is preferred to one that explains only the
        first wrong answer: a student can hold two misconceptions at once.
        """

        def agrees(misconception: Misconception, index: int) -> bool:
            try:
                wrong = self.use(misconception.answer, *copy.deepcopy(self.probes[index]))
            except Exception:
                return False  # this wrong answer cannot be given to this probe
            return self._agrees(got[index], wrong)

        known = None
        for misconception in self.misconceptions:
            if agrees(misconception, index):
                if all(agrees(misconception, i) for i in range(len(got))):
                    return misconception.message
                known = known or misconception.message
        return known

    def _ask(
        self, function: Callable[..., Any], probe: tuple
    ) -> tuple[tuple[Literal["todo", "fail"], str] | None, Any]:
        """Call `function`; return what keeps it from being judged, or None, and its answer."""
        if function is ...:
            return ("todo", "not written yet"), None
        if not callable(function):
            return ("fail", f"give the function itself, not {_show(function)}"), None
        given = copy.deepcopy(probe)
        try:
            answer = self.use(function, *given)
        except NotImplementedError as error:
            return ("todo", self._unwritten(str(error))), None
        except Exception as error:
            asked = f"asked   {self._call(probe)}"
            return ("fail", f"{_raised(error, function)}\n{asked}"), None
        if any(_changed(a, b) for a, b in zip(given, probe, strict=True)):
            return ("fail", f"{MUTATED}\nasked   {self._call(probe)}"), None
        return None, answer

    def _unwritten(self, stub: str) -> str:
        """Say what is still open: this exercise, or another one whose stub the answer calls."""
        if stub.startswith("Exercise ") and stub != f"Exercise {self.number}":
            return f"it calls the answer to {stub}, which is not written yet"
        return "not written yet"

    def _call(self, probe: tuple) -> str:
        return f"{self.name}({', '.join(_show(argument) for argument in probe)})"

    def _say(self, status: Literal["pass", "todo", "fail"], message: str = "") -> Result:
        """Print the verdict and return it; in strict mode raise one that is no pass."""
        text = f"[{status}] {self.number} {self.name}" + (f": {message}" if message else "")
        text = text.replace("\n", "\n       ")
        if status != "pass" and os.environ.get("COURSEKIT_STRICT", "0") not in ("", "0"):
            raise CheckError(text) from None
        print(text)
        return Result(status, text)


@dataclass(frozen=True)
class Rule:
    """What must hold of an answer, and what is said where it does not."""

    message: str
    holds: Callable[..., bool]


@dataclass(frozen=True, repr=False)
class FunctionCheck(Check):
    """Check a function of the student's: call it with the name of the function.

    `beyond` are rules for what its right numbers do not show, such as their dtype or how they
    were computed. They are asked last, as `holds(function, answers)`.
    """

    beyond: tuple[Rule, ...] = ()

    def __call__(self, function: Callable[..., Any]) -> Result:
        """Check `function` and print [pass], [todo] or [fail] with what went wrong.

        Raises
        ------
        CheckError
            In strict mode (COURSEKIT_STRICT=1), where the verdict is not [pass].
        """
        got, trouble = [], None
        for probe in self.probes:
            trouble, answer = self._ask(function, probe)
            if trouble is not None:
                break
            got.append(answer)
        # A wrong answer to a small probe says more than an exception at a larger one.
        for index, probe in enumerate(self.probes[: len(got)]):
            if not self._right(got[index], index):
                return self._say("fail", self._wrong(got, index, self._call(probe)))
        if trouble is None:
            for rule in self.beyond:
                if not _holds(rule, function, got):
                    return self._say("fail", rule.message)
        return self._say(*(trouble or ("pass",)))


@dataclass(frozen=True, repr=False)
class RuleCheck(Check):
    """Check a function that has more than one right answer, such as a random one, by rules.

    The oracle is one right answer among many. `rules` are asked of each answer, as
    `holds(answer, *probe)`, and `across` of the list of all, as `holds(answers)`; both stand
    in the order in which a student should hear of them.
    """

    rules: tuple[Rule, ...] = ()
    across: tuple[Rule, ...] = ()

    def __call__(self, function: Callable[..., Any]) -> Result:
        """Check `function` and print [pass], [todo] or [fail] with what went wrong.

        Raises
        ------
        CheckError
            In strict mode (COURSEKIT_STRICT=1), where the verdict is not [pass].
        """
        answers = []
        for probe in self.probes:
            trouble, answer = self._ask(function, probe)
            if trouble is not None:
                return self._say(*trouble)
            for rule in self.rules:
                if not _holds(rule, answer, *copy.deepcopy(probe)):
                    table = f"asked   {self._call(probe)}\ngot     {_show(answer)}"
                    return self._say("fail", f"{rule.message}\n{table}")
            answers.append(answer)
        for rule in self.across:
            if not _holds(rule, answers):
                return self._say("fail", rule.message)
        return self._say("pass")


def _holds(rule: Rule, *arguments: object) -> bool:
    try:
        return bool(rule.holds(*arguments))
    except Exception:  # an answer of a kind that the rule cannot even look at
        return False


@dataclass(frozen=True, repr=False)
class ValueCheck(Check):
    """Check values that the student has typed, one for each probe; `labels` names them.

    Unlike that of a function, the wanted value would be the whole answer: it is not shown.
    """

    labels: tuple[str, ...] = ()

    def _wrong(self, got: list[Any], index: int, asked: str) -> str:
        wanted = self.oracle(*self.probes[index])
        message = self._recognise(got, index) or _difference(got[index], wanted, told=False)
        return f"{message}\nasked   {asked}\ngot     {_show(got[index])}"

    def __call__(self, *values: object) -> Result:
        """Check the values, `...` standing for one not yet found, and print the verdict.

        Raises
        ------
        CheckError
            In strict mode (COURSEKIT_STRICT=1), where the verdict is not [pass].
        TypeError
            Where the number of values is not the number of questions.
        """
        if len(values) != len(self.labels):
            raise TypeError(f"exercise {self.number} asks for {', '.join(self.labels)}")
        for index, (label, value) in enumerate(zip(self.labels, values, strict=True)):
            right = value is ... or self._right(value, index)
            if not right:
                return self._say("fail", self._wrong(list(values), index, label))
        todo = [label for label, v in zip(self.labels, values, strict=True) if v is ...]
        return self._say("todo", f"still open: {', '.join(todo)}") if todo else self._say("pass")


@dataclass(frozen=True, repr=False)
class DesignCheck(ValueCheck):
    """Check values that may be right in more ways than one, by rules.

    `rules` holds, for each label, the rules that its value must keep, asked as
    `holds(value)` in this order. What the student sees is the first rule that is broken.
    """

    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def _broken(self, answer: object, index: int) -> Rule | None:
        rules = self.rules[self.labels[index]]
        return next((r for r in rules if not _holds(r, _numbers(answer))), None)

    def _right(self, answer: object, index: int) -> bool:
        return self._broken(answer, index) is None

    def _wrong(self, got: list[Any], index: int, asked: str) -> str:
        rule, numbers = self._broken(got[index], index), _numbers(got[index])
        shown = _show(got[index] if numbers is None else numbers)
        return f"{rule.message}\nasked   {asked}\ngot     {shown}"


MUTATED = (
    "the function changes the array it was given: whoever called it loses their data. "
    "Work on a copy, e.g. x.copy()."
)


def _changed(given: object, before: object) -> bool:
    """Return whether an array changed; a random generator may, that is its nature."""
    return isinstance(before, np.ndarray) and not np.array_equal(given, before)


def equal(got: object, wanted: object) -> bool:
    """Return whether both have the same shape and, within the tolerance, the same numbers."""
    a, b = _numbers(got), _numbers(wanted)
    if a is None or b is None or a.shape != b.shape:
        return False
    return bool(_close(a, b).all())


def _close(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return where `a` has, within the tolerance, the numbers of `b`."""
    return np.isclose(a, b, rtol=RTOL if b.dtype.kind == "f" else 0, atol=ATOL, equal_nan=True)


def _numbers(value: object) -> np.ndarray | None:
    """Return `value` as an array of real numbers, or None where it is no such thing."""
    array = _array(value)
    return array if array is not None and array.dtype.kind in "buif" else None


def _array(value: object) -> np.ndarray | None:
    try:
        return np.asarray(value)
    except Exception:  # ragged lists, foreign objects with an odd __array__
        return None


def _returned(got: object) -> str | None:
    """Say what is wrong with a function that returns nothing."""
    if got is None:
        return "the function returns None: is there a `return` in its last line?"
    return "the function returns `...`" if got is ... else None


def _difference(got: object, wanted: object, told: bool = True) -> str:
    """Say in which way `got` is not `wanted`, the general before the particular.

    Where `told` is False, by how much it differs is not said: that would be the answer.
    """
    a, b = _numbers(got), np.asarray(wanted)
    if a is None:
        if getattr(_array(got), "dtype", b.dtype).kind == "c":
            return "these are complex numbers; wanted are real ones: take `.real`"
        return f"this is no array of numbers but {type(got).__name__}"
    if a.shape != b.shape:
        return f"the result has shape {a.shape}, wanted {b.shape}"
    if not np.isfinite(a).all():
        return "the result holds nan or inf"
    right, whole = _close(a, b), b % 1 == 0
    off = np.abs(a.astype(float) - b.astype(float))  # truths do not subtract
    # A count that is wrong by a little is wrong: only fractions can be close.
    if (right | ~whole & (off <= 0.01 * np.abs(b))).all():
        by = f"off by up to {off.max():.2g}" if told else "not equal"
        return f"close, but {by}: is a result rounded?"
    if a.ndim == 0:
        return "the number is wrong"
    first = tuple(int(i) for i in np.argwhere(~right)[0])
    return f"the values differ, first at index {first[0] if len(first) == 1 else first}"


def _raised(error: Exception, function: Callable[..., Any]) -> str:
    """Describe an exception by its type, its text and the student's line."""
    text = f"{type(error).__name__}: {error}"
    code = getattr(inspect.unwrap(function), "__code__", None)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if code is not None and frame.filename == code.co_filename
    ]
    where = f"\nin line {frames[-1].lineno} of its cell: {frames[-1].line}" if frames else ""
    return f"the function raises {text}{where}"


_SHORT = reprlib.Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = MAX_SHOWN
_SHORT.maxstring = _SHORT.maxother = 10 * MAX_SHOWN


def _show(value: object) -> str:
    """Return a short text for an argument or an answer, however large or odd it is."""
    if isinstance(value, np.ndarray) and value.size > MAX_SHOWN:
        return f"<{value.dtype} array of shape {value.shape}>"
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, np.random.Generator):
        return "rng"
    text = " ".join(_SHORT.repr(value).split())
    return text if len(text) <= 72 else text[:69] + "..."


def _table(asked: str, wanted: object, got: object) -> Iterable[str]:
    """Yield the lines that put wanted and got side by side."""
    yield f"asked   {asked}"
    for label, value in (("wanted", wanted), ("got", got)):
        array = _numbers(value)
        if array is None:
            text = _show(value)
        else:
            text = np.array2string(
                array, precision=4, suppress_small=True, threshold=MAX_SHOWN, separator=", "
            )
        yield f"{label:8}" + text.replace("\n", "\n" + " " * 8)
