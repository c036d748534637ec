"""How varied texts are: lexical measures, and two on embeddings, to be compared at equal numbers of texts only.

Shaib et al., "Standardizing the Measurement of Text Diversity" (2024): compression ratio, self-repetition of long
n-grams and Self-BLEU together say nearly all that the slower measures do.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from denoise.filters.base import ngrams
from denoise.filters.seed_copy import SeedCopy
from denoise.filters.table import drafts_of
from denoise.normal import normalise_all
from denoise.self_bleu import self_bleu
from generation.records import digest

LEAST, MOST = 10, 500  # texts of a label that are measured
_IN_ALL = 4000  # over all labels
Embed = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class Diversity:
    """Measures of `texts` texts; see the functions of the same names. Without embeddings the last two are None."""

    texts: int
    distinct_1: float
    distinct_2: float
    compression_ratio: float
    self_repetition: float
    self_bleu: float
    copy_rate: float
    similarity: float | None = None
    vendi: float | None = None


def diversity(
    texts: Sequence[str], seeds: Sequence[str], seed_copy: float, vectors: np.ndarray | None = None
) -> Diversity:
    """All measures; `seed_copy` is the similarity from which a text counts as a copy of a seed.

    `vectors` are the texts' embeddings of length 1, [n, d].
    """
    return Diversity(
        len(texts),
        distinct(texts, 1),
        distinct(texts, 2),
        compression_ratio(texts),
        self_repetition(texts),
        self_bleu(texts),
        copy_rate(texts, seeds, seed_copy),
        None if vectors is None else similarity(vectors),
        None if vectors is None else vendi(vectors),
    )


def diversity_by_label(
    rows: pa.Table, seeds: Sequence[str], seed_copy: float, embed: Embed | None = None, size: int | None = None
) -> dict[str | None, Diversity]:
    """Measures of rows (`text`, `label`) for each label in sorted order, and for all of them under None.

    Measured at matched size: as many texts of each label, and of all, as the smallest label has (at least LEAST, at
    most MOST, or `size`), chosen by their hash.
    """
    groups = texts_by_label(rows)
    size = size or matched_size([len(group) for name, group in groups.items() if name is not None])
    chosen = {name: choose(group, size) for name, group in groups.items()}
    vectors = {name: None if embed is None else embed(texts) for name, texts in chosen.items()}
    return {name: diversity(texts, seeds, seed_copy, vectors[name]) for name, texts in chosen.items()}


def texts_by_label(rows: pa.Table) -> dict[str | None, list[str]]:
    """Texts of each label in sorted order, and all of them under None."""
    texts, labels = rows["text"].to_pylist(), rows["label"].to_pylist()
    groups: dict[str | None, list[str]] = {label: [] for label in sorted(set(labels))}
    for text, label in zip(texts, labels, strict=True):
        groups[label].append(text)
    return {**groups, None: texts}


def matched_size(counts: Sequence[int]) -> int:
    """How many texts to measure of groups of these sizes."""
    most = max(LEAST, min(MOST, _IN_ALL // max(1, len(counts))))
    return max(LEAST, min([most, *counts]))


def choose(texts: Sequence[str], size: int) -> list[str]:
    """So many of the texts, or all there are; which ones and their order, their hashes decide."""
    return sorted(texts, key=digest)[:size]


def distinct(texts: Sequence[str], n: int) -> float:
    """Distinct word n-grams over all of them (Li et al. 2016), 0-1; 0 without any. Falls as texts are added."""
    grams = [gram for words in _words(texts) for gram in ngrams(words, n)]
    return len(set(grams)) / len(grams) if grams else 0.0


def compression_ratio(texts: Sequence[str]) -> float:
    """Bytes of all texts over their zlib-compressed bytes: higher is more alike; 0 without text."""
    raw = "\n".join(texts).encode()
    return len(raw) / len(zlib.compress(raw, 9)) if raw else 0.0


def self_repetition(texts: Sequence[str], n: int = 4) -> float:
    """Mean over texts of ln(1 + its n-grams that occur in another text too) (Salkar et al. 2022); 0 without text."""
    sets = [set(ngrams(words, n)) for words in _words(texts)]
    holders = Counter(gram for grams in sets for gram in grams)
    shared = [sum(holders[gram] > 1 for gram in grams) for grams in sets]
    return sum(map(math.log1p, shared)) / len(texts) if texts else 0.0


def copy_rate(texts: Sequence[str], seeds: Sequence[str], threshold: float) -> float:
    """Share of texts that the seed-copy filter calls copies, 0-1; 0 without text."""
    rule = SeedCopy.of(seeds, threshold)
    copies = sum(rule.reason(draft) is not None for draft in drafts_of(texts))
    return copies / len(texts) if texts else 0.0


def similarity(vectors: np.ndarray) -> float:
    """Mean cosine similarity of two texts, from the mean of their vectors of length 1 [n, d]; 0 for one or none.

    O(n d): the squared length of the vectors' sum is the sum over all pairs and n pairs of a text with itself.
    """
    count = len(vectors)
    if count < 2:
        return 0.0
    total = vectors.sum(axis=0, dtype=np.float64)
    return float((total @ total - count) / (count * (count - 1)))


def vendi(vectors: np.ndarray) -> float:
    """Effective number of different texts (Friedman and Dieng 2023), 1 to n; 0 without text.

    The exponential of the entropy of the eigenvalues of the similarities over n, which those of the d×d covariance
    (uncentred) of vectors of length 1 [n, d] share.
    """
    if not len(vectors):
        return 0.0
    values = vectors.astype(np.float64)
    shares = np.linalg.eigvalsh(values.T @ values / len(values))
    shares = shares[shares > 1e-12]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _words(texts: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(text.split()) for text in normalise_all(texts)]
