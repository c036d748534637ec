"""What the rows of a pool are looked at with: all that is known of the task when a feed begins, in arrays.

It is committed before anything is scored, so that a feed that is taken up again sees the pool as it began to.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from denoise.dedup.texts import read_texts
from denoise.sketch import READ
from training.out_of_scope import Fence

_BLOCK = 4096  # texts compared with all known rows at once
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


class Views(NamedTuple):
    """What a lens shows of n vectors: the plain opinion [n, labels], the label number of the nearest known row and the
    distance to it, and how far outside of all labels each lies (over 0: out of scope)."""

    plain: np.ndarray
    nearest: np.ndarray
    distance: np.ndarray
    scope: np.ndarray


@dataclass(frozen=True)
class Lens:
    """`fence`, and of the rows that are known `vectors` [m, d] and label numbers `targets` [m].

    `weight` and `bias` are the plain opinion's head: of real rows alone, by an encoder that was not tuned on them.
    `left_out` are its probabilities of the real rows, which come first, had it not seen them (nan where it cannot be
    asked), and `true` their label numbers.
    `known` and `test` are hashes of texts that a pool may not bring again.
    """

    fence: Fence
    vectors: np.ndarray
    targets: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    left_out: np.ndarray
    true: np.ndarray
    known: np.ndarray
    test: np.ndarray

    def views(self, vectors: np.ndarray) -> Views:
        """Of unit vectors [n, d]."""
        from scipy.special import softmax

        plain = softmax(vectors.astype(np.float64) @ self.weight.T + self.bias, axis=1)
        nearest, distance = np.empty(len(vectors), np.int64), np.empty(len(vectors))
        for start in range(0, len(vectors), _BLOCK):
            similar = vectors[start : start + _BLOCK] @ self.vectors.T
            places = similar.argmax(axis=1)
            nearest[start : start + _BLOCK] = self.targets[places]
            distance[start : start + _BLOCK] = 1 - similar[np.arange(len(similar)), places]
        return Views(plain, nearest, distance, self.fence.scores(vectors))

    def to_bytes(self) -> bytes:
        """As a .npz file."""
        arrays = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "fence"}
        arrays |= {f"fence_{each.name}": getattr(self.fence, each.name) for each in fields(self.fence)}
        whole = io.BytesIO()
        np.savez_compressed(whole, **arrays)
        return whole.getvalue()

    @classmethod
    def of_bytes(cls, data: bytes) -> Lens:
        """What `to_bytes` wrote."""
        arrays: dict[str, Any] = dict(np.load(io.BytesIO(data)))
        fence = {each.name: arrays.pop(f"fence_{each.name}") for each in fields(Fence)}
        return cls(Fence(**fence | {"bar": float(fence["bar"])}), **arrays)


def hashes_of(texts: Sequence[str]) -> np.ndarray:
    """64 bits of the normal form of each text, uint64 [n]."""
    return read_texts(pa.array(list(texts), pa.string()), READ).hashes[:, 0].copy()


def keys_of(hashes: np.ndarray, seed: int) -> np.ndarray:
    """A random number for each text, uint64 [n], the same for the same text: rows are drawn by the least."""
    mixed = (hashes ^ np.uint64(seed)) * _MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[1]
    return mixed ^ (mixed >> np.uint64(31))


def disagreement(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Total variation distance of distributions [n, labels], 0..1 [n]."""
    return np.abs(one - other).sum(axis=1) / 2


def margins_of(probabilities: np.ndarray) -> np.ndarray:
    """The likeliest label's probability less the second's, float64 [n]."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities))
    ordered = np.sort(probabilities, axis=1)
    return ordered[:, -1] - ordered[:, -2]
