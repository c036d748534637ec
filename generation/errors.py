"""The one error that a user causes and can mend."""

from __future__ import annotations


class UserError(Exception):
    """One line naming the file, the field, the rule and the value; the command line exits 2 on it."""


def clip(value: object, width: int = 60) -> str:
    """`repr` of a value, short enough for a one-line message."""
    shown = repr(value)
    return shown if len(shown) <= width else shown[: width - 1] + "…"
