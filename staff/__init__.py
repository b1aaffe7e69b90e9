"""The instructors' and graders' wing; coursekit and the notebooks never import it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder of the course."""
