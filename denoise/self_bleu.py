"""Self-BLEU: how well the other texts foretell each one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from denoise.filters.base import ngrams
from denoise.normal import normalise_all
from generation.records import digest

SAMPLE = 200  # texts that are compared with each other
_ORDERS = 4


def self_bleu(texts: Sequence[str], sample: int = SAMPLE) -> float:
    """Mean BLEU of each text against all others (Zhu et al. 2018), 0-1, higher is more alike; 0 for one or none.

    Of more than `sample` texts, those with the lowest hashes. n-grams up to 4, or as long as the text; a precision of
    none is half a hit (Chen and Cherry 2014, method 1). Time is linear in the texts: of each n-gram, the two texts
    that hold it most often suffice to know how often any other text has it.
    """
    chosen = sorted(texts, key=digest)[:sample]
    words = [tuple(text.split()) for text in normalise_all(chosen)]
    words = [each for each in words if each]
    if len(words) < 2:
        return 0.0
    counts = [[Counter(ngrams(each, n)) for each in words] for n in range(1, _ORDERS + 1)]
    most = [_two_most(order) for order in counts]
    lengths = Counter(map(len, words))
    return sum(_bleu(place, words, counts, most, lengths) for place in range(len(words))) / len(words)


def _two_most(counts: Sequence[Counter[str]]) -> dict[str, tuple[int, int, int]]:
    """n-gram -> (most occurrences in a text, which text that is, most in any other)."""
    found: dict[str, tuple[int, int, int]] = {}
    for place, grams in enumerate(counts):
        for gram, count in grams.items():
            first, holder, second = found.get(gram, (0, -1, 0))
            found[gram] = (count, place, first) if count > first else (first, holder, max(second, count))
    return found


def _bleu(
    place: int,
    words: Sequence[tuple[str, ...]],
    counts: Sequence[Sequence[Counter[str]]],
    most: Sequence[dict[str, tuple[int, int, int]]],
    lengths: Counter[int],
) -> float:
    length = len(words[place])
    logs = []
    for order in range(min(_ORDERS, length)):
        hits = 0
        for gram, count in counts[order][place].items():
            first, holder, second = most[order][gram]
            hits += min(count, second if holder == place else first)
        logs.append(math.log((hits or 0.5) / (length - order)))
    others = (other for other, held in lengths.items() if held > (other == length))
    nearest = min(others, key=lambda other: (abs(other - length), other))
    return math.exp(sum(logs) / len(logs) + min(0.0, 1 - nearest / length))
