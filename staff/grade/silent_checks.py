"""Stands for coursekit.checks, and for each lesson's module in it, where graded cells run.

Every name is there, so that cells run as they do elsewhere. No answer is: a call accepts
anything and finds nothing, and an oracle that somebody borrows raises. Only the copy of
coursekit in the sandbox has it; the grader never imports it.
"""

from collections.abc import Iterator

from coursekit.checks.core import CheckError, Result

__all__ = ["CheckError", "Result"]


class BorrowedError(Exception):
    """A student's code calls the course's own answer."""


class Silent:
    """Stands for a check, a module of checks, or anything in one."""

    def __call__(self, *values: object, **named: object) -> Result:
        """Accept anything, and say nothing."""
        return Result("todo", "nothing is checked while a submission is graded")

    def oracle(self, *values: object) -> None:
        """Refuse to be anybody's answer."""
        raise BorrowedError

    def __iter__(self) -> Iterator[None]:
        return iter(())

    def __getattr__(self, name: str) -> "Silent":
        return _silent(name)


def _silent(name: str) -> Silent:
    # Python and NumPy ask for names such as `__array__` to learn what a thing can do.
    if name.startswith("__"):
        raise AttributeError(name)
    return Silent()


__getattr__ = _silent
