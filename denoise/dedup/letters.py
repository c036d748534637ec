"""What the normal form makes of one code point, as a table for the kernel: read off `normalise` itself."""

from __future__ import annotations

import functools
import unicodedata

import numpy as np
import pyarrow as pa

from denoise.normal import normalise

SEPARATES, VANISHES, HARD = 0, 1, 2  # smaller than any code point that is kept
COVERED = 0x2500  # Latin to Cyrillic, and punctuation; signs and scripts above are left to `normalise`
_JAMO = range(0x1100, 0x1200)  # compose with their neighbours


@functools.cache
def letter_table() -> np.ndarray:
    """uint32 [COVERED]: the code point that one is mapped to, or SEPARATES, VANISHES, HARD.

    HARD ones need their neighbours (marks that compose) or become several; a text with one goes through `normalise`.
    """
    found = normalise(pa.array([f"x{chr(point)}x" for point in range(COVERED)])).to_pylist()
    return np.array([_action(point, text) for point, text in enumerate(found)], np.uint32)


def _action(point: int, text: str) -> int:
    if text in ("x x", "xx"):
        return SEPARATES if text == "x x" else VANISHES
    if len(text) != 3 or text[1] == " " or unicodedata.category(chr(point)).startswith("M") or point in _JAMO:
        return HARD
    # a text must not grow, so that its normal form fits where it lay
    return ord(text[1]) if len(text[1].encode()) <= len(chr(point).encode()) else HARD
