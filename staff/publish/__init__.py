"""What a reader opens without Jupyter: the course's site and its lecture decks."""
