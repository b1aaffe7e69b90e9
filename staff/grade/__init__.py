"""Submissions become a gradebook, through nbval in a sandbox; docs/grading.md says how.

Nothing that a submission's code says is trusted. Its kernel is given inputs and hands out
values as plain JSON; the right values stay on this side, where they are compared.
"""


class GradeError(Exception):
    """What keeps the grader from working, and the way out, in one line."""
