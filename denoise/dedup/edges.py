"""Verified edges between texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Edges:
    """Verified pairs of text numbers, int64 [m, 2], earlier first, each once, and their similarity, float32 [m]."""

    pairs: np.ndarray
    similar: np.ndarray


def join_edges(pieces: list[tuple[np.ndarray, np.ndarray]], texts: int) -> Edges:
    """Edges found in several bands, each once, by the later text and then the earlier."""
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *(pairs for pairs, _ in pieces)])
    similar = np.concatenate([np.zeros(0, np.float32), *(similar for _, similar in pieces)])
    _, once = np.unique(pairs[:, 1] * max(texts, 1) + pairs[:, 0], return_index=True)
    return Edges(pairs[once], similar[once])
