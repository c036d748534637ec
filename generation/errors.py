"""The two ways in which a run ends early: by the user's doing, or by a fault."""

from __future__ import annotations

import os


class UserError(Exception):
    """One line naming the file, the field, the rule and the value; the command line exits 2 on it."""


class Fault(Exception):
    """Something outside broke and could not be mended by trying again; what is committed stays. Exit code 1."""


def os_reason(error: OSError) -> str:
    """The system's short words for an OSError, such as "No space left on device"."""
    return os.strerror(error.errno) if error.errno else str(error)


def clip(value: object, width: int = 60) -> str:
    """`repr` of a value, short enough for a one-line message."""
    shown = repr(value)
    return shown if len(shown) <= width else shown[: width - 1] + "…"
