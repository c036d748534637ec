"""How varied texts are: cheap lexical measures, to be compared at equal numbers of texts only.

Shaib et al., "Standardizing the Measurement of Text Diversity" (2024): compression ratio and self-repetition of
long n-grams say nearly all that the slower measures do.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from denoise.filters.base import ngrams
from denoise.filters.seed_copy import SeedCopy
from denoise.filters.table import drafts_of
from denoise.normal import normalise_all


@dataclass(frozen=True)
class Diversity:
    """Measures of `texts` texts; see the functions of the same names."""

    texts: int
    distinct_1: float
    distinct_2: float
    compression_ratio: float
    self_repetition: float
    copy_rate: float


def diversity(texts: Sequence[str], seeds: Sequence[str], seed_copy: float) -> Diversity:
    """All measures; `seed_copy` is the similarity from which a text counts as a copy of a seed."""
    return Diversity(
        len(texts),
        distinct(texts, 1),
        distinct(texts, 2),
        compression_ratio(texts),
        self_repetition(texts),
        copy_rate(texts, seeds, seed_copy),
    )


def diversity_by_label(rows: pa.Table, seeds: Sequence[str], seed_copy: float) -> dict[str | None, Diversity]:
    """Measures of rows (`text`, `label`) for each label in sorted order, and for all of them under None."""
    texts, labels = rows["text"].to_pylist(), rows["label"].to_pylist()
    groups: dict[str | None, list[str]] = {label: [] for label in sorted(set(labels))}
    for text, label in zip(texts, labels, strict=True):
        groups[label].append(text)
    return {name: diversity(group, seeds, seed_copy) for name, group in {**groups, None: texts}.items()}


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


def _words(texts: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(text.split()) for text in normalise_all(texts)]
