"""Compare what a graded cell displayed with what was wanted: plain JSON in, a verdict out.

Runs on the grader's side. Whatever the submission's kernel has displayed is data here:
it is taken apart field by field, and becomes NumPy arrays, texts and lists or is refused.
"""

import contextlib
import io
import threading
from dataclasses import dataclass
from typing import Literal

import numpy as np

from coursekit import checks
from coursekit.checks import core

RTOL = 1e-4  # sums of hundreds of products in float32 are off by more than 1e-5
GOT = "\n       got "  # where a check's message begins to show values
MAX_NUMBERS = 1_000_000
MAX_DEPTH = 8
_print_lock = threading.Lock()


class MalformedError(Exception):
    """A payload that no graded cell of ours displays."""


@dataclass(frozen=True)
class Foreign:
    """Stands for what is no answer: numbers that are not finite, or an object of another kind."""

    kind: Literal["not finite", "other"]


@dataclass(frozen=True)
class Verdict:
    """What became of a graded cell.

    Only `right` earns its points; `words` say why not, and `explained` whether they tell a
    student enough to go on.
    """

    right: bool
    words: str = ""
    explained: bool = True


def decode(payload: object, depth: int = 0) -> object:
    """Return the value that a payload describes: arrays, texts, lists of them, None or `...`.

    Raises
    ------
    MalformedError
        Where the payload is anything but the JSON that `encode.py` makes.
    """
    if not isinstance(payload, dict) or depth > MAX_DEPTH:
        raise MalformedError
    kind = payload.get("kind")
    if kind in ("none", "open"):
        return None if kind == "none" else ...
    if kind in ("not finite", "other"):
        return Foreign(kind)
    if kind == "text" and isinstance(payload.get("text"), str):
        return payload["text"]
    if kind == "list" and isinstance(payload.get("items"), list):
        return [decode(item, depth + 1) for item in payload["items"]]
    if kind == "array":
        return _array(payload.get("shape"), payload.get("data"))
    raise MalformedError


def _array(shape: object, data: object) -> np.ndarray:
    if not isinstance(shape, list) or not isinstance(data, list):
        raise MalformedError
    if len(shape) > MAX_DEPTH or len(data) > MAX_NUMBERS:
        raise MalformedError
    sizes = all(type(n) is int and 0 <= n <= MAX_NUMBERS for n in shape)
    if not sizes or not all(type(x) in (int, float, bool) for x in data):
        raise MalformedError
    try:
        array = np.array(data, dtype=None if data else float).reshape(shape)
    except (ValueError, OverflowError):
        raise MalformedError from None
    if array.dtype.kind not in "buif" or not np.isfinite(array).all():
        raise MalformedError
    return array


def same(got: object, wanted: object) -> bool:
    """Return whether two decoded values agree: in structure, and in their numbers nearly.

    A list of numbers is an array, and float32 is as good as float64; whole numbers must be
    exact, as in the public checks.
    """
    if isinstance(wanted, np.ndarray) and isinstance(got, np.ndarray):
        rtol = RTOL if wanted.dtype.kind == "f" else 0
        return got.shape == wanted.shape and np.allclose(got, wanted, rtol=rtol, atol=core.ATOL)
    a, b = items(got), items(wanted)
    if a is not None and b is not None:
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return type(got) is type(wanted) and not isinstance(got, Foreign) and got == wanted


def items(value: object) -> list | None:
    """Return the members of a list, or of an array along its first axis; None of others."""
    if isinstance(value, np.ndarray) and value.ndim:
        return [value[i, ...] for i in range(len(value))]
    return value if isinstance(value, list) else None


def judge_equal(got: object, wanted: object) -> Verdict:
    """Judge an answer by the value that the right one gives on the same inputs."""
    if same(got, wanted):
        return Verdict(True)
    words = "the results differ from the right ones on the grader's inputs"
    return Verdict(False, words, explained=False)


def judge_check(check_name: str, got: object, wanted: object) -> Verdict:
    """Judge typed values by the public check of their exercise, called on this side.

    Where the graded cell leaves values open (`...`), only the others are judged. The words
    never hold the values: they come from a kernel that has met secret inputs, and a student
    could have put those into them.
    """
    check = getattr(checks, check_name)
    given, asked = items(got), items(wanted)
    if given is None or len(given) != len(asked):
        return Verdict(False, "the values are missing")
    if any((x is ...) != (y is ...) for x, y in zip(given, asked, strict=True)):
        return Verdict(False, "still open")
    with _print_lock, contextlib.redirect_stdout(io.StringIO()):
        try:
            result = check(*given)
        except core.CheckError as error:  # the grader was started in strict mode
            result = core.Result("todo" if str(error).startswith("[todo]") else "fail", str(error))
        except Exception:  # values of a kind that the check cannot even look at
            return Verdict(False, "no values that the check could read")
    partly = any(value is ... for value in given)
    if result.status == ("todo" if partly else "pass"):
        return Verdict(True)
    head = result.message.split(GOT)[0]
    if result.status == "todo" or any(m.message in head for m in check.misconceptions):
        return Verdict(False, head)
    return Verdict(False, "the public check does not accept these values", explained=False)
