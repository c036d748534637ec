"""Folds that rows fall into by their ids alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

FOLDS = 5


def fold_of(ids: Sequence[str], count: int = FOLDS) -> np.ndarray:
    """The fold of each row, int64 [n], from a hash of its id: no other row and no order has a say in it.

    Folds are of about equal size; with few rows one may be empty.
    """
    hashes = (hashlib.blake2b(id.encode(), digest_size=8).digest() for id in ids)
    return np.array([int.from_bytes(each, "big") % count for each in hashes], np.int64)
