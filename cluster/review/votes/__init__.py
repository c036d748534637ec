"""Votes on explanations: which of them people accept."""
