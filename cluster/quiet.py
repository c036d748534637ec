"""Keeps libraries' chatter off the screen while a run is shown, without losing it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TextIO


@contextmanager
def chatter_to(path: Path) -> Iterator[TextIO]:
    """Send file descriptor 2 to `path` for the block, and yield a stream on the real standard error.

    Ray's C++ side, torch and transformers write warnings and bars straight to the descriptor; over a live view they
    tear it. They are kept in the file for whoever has to find a fault. So is what Python writes to `sys.stderr`, also
    where that is not the descriptor, as in a notebook.
    """
    real = os.dup(2)
    with path.open("ab") as log, os.fdopen(real, "w", encoding="utf-8", errors="replace") as shown:
        os.dup2(log.fileno(), 2)
        try:
            # loggers that are made meanwhile keep this stream: it is never closed, and follows the descriptor
            with redirect_stderr(open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)):
                yield shown
        finally:
            os.dup2(real, 2)
