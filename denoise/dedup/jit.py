"""Where numba keeps what it compiled, and the mixing function that all kernels share. Import late: numba is heavy."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from generation.models import cache_dir

os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_dir() / "numba"))  # an installed package may be read-only
from numba import njit

compiled: Callable[[Callable[..., Any]], Callable[..., Any]] = njit(cache=True, nogil=True)

_FIRST, _SECOND = np.uint64(0xD6E8FEB86659FD93), np.uint64(0xBF58476D1CE4E5B9)


@compiled
def mix(value: np.uint64) -> np.uint64:
    """A bijection of 64 bits in which every bit of the result depends on all."""
    value = (value ^ (value >> np.uint64(32))) * _FIRST
    value = (value ^ (value >> np.uint64(29))) * _SECOND
    return value ^ (value >> np.uint64(32))
