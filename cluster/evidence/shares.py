"""How large the sides of a split are, as a user writes it."""

from __future__ import annotations

import math

from generation.errors import UserError, clip

NAMES = {1: ("train",), 2: ("train", "test"), 3: ("train", "validation", "test")}


def read_shares(said: str) -> dict[str, float]:
    """Shares by name from "0.8/0.1/0.1", "0.9/0.1" or "1". Raises UserError."""
    parts = said.split("/")
    try:
        shares = [float(part) for part in parts]
    except ValueError:
        shares = []
    is_whole = all(0 < share <= 1 for share in shares) and math.isclose(math.fsum(shares), 1, abs_tol=1e-6)
    if len(shares) not in NAMES or not is_whole:
        raise UserError(f"--split: must be one to three shares that sum to 1, such as 0.8/0.1/0.1; got {clip(said)}")
    return dict(zip(NAMES[len(shares)], shares, strict=True))
