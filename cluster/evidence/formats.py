"""The forms in which evidence is written."""

from __future__ import annotations

from generation.errors import UserError, clip


def check_format(format: str, known: tuple[str, ...]) -> None:
    """Raises UserError for a format that a command does not have."""
    if format not in known:
        raise UserError(f"--format: must be one of {', '.join(known)}; got {clip(format)}")
