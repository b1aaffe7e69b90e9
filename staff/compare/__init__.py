"""Our grader beside others: the same exercises, the same submissions, in one run."""
