"""The instructors' and graders' wing; coursekit and the notebooks never import it."""
