"""The review page: people look at a lot's sample row by row, and each of their verdicts is committed at once."""
