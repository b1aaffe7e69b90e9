"""Submissions become a gradebook, through nbval in a sandbox; docs/grading.md says how.

Nothing that a submission's code says is trusted. Its kernel is given inputs and hands out
values as plain JSON; the right values stay on this side, where they are compared.
"""

import sys

# jsonschema, which nbformat uses, would build grammars for internet addresses for a second,
# to check formats that no notebook has. It goes on without this package.
sys.modules.setdefault("rfc3987_syntax", None)


class GradeError(Exception):
    """What keeps the grader from working, and the way out, in one line."""
