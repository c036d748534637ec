"""Lots of a run: which rows people check, what they found, and what is released."""
