"""Rows that repeat a hand-written example."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from denoise.filters.base import Draft, ngrams
from denoise.normal import normalise_all

_SHORTEST_CONTAINED = 4  # a shorter seed ("card declined") lies inside many texts that are no copies


@dataclass(frozen=True)
class SeedCopy:
    """`copies_seed`: Jaccard similarity of word bigrams with an example of at least `threshold`, or holds all of one.

    Texts under three words are compared by words. `postings` maps a shingle to the examples that hold it, so a row
    is compared only with examples that share one.
    """

    examples: tuple[str, ...]
    sizes: tuple[int, ...]
    postings: Mapping[str, Sequence[int]]
    threshold: float

    @classmethod
    def of(cls, texts: Sequence[str], threshold: float) -> SeedCopy:
        examples = tuple(sorted(set(normalise_all(texts))))
        postings: defaultdict[str, list[int]] = defaultdict(list)
        sets = [_shingles(tuple(example.split())) for example in examples]
        for index, shingles in enumerate(sets):
            for shingle in sorted(shingles):
                postings[shingle].append(index)
        return cls(examples, tuple(map(len, sets)), dict(postings), threshold)

    def reason(self, draft: Draft) -> str | None:
        shingles = _shingles(draft.words)
        shared = Counter(index for shingle in shingles for index in self.postings.get(shingle, ()))
        for index, common in shared.items():
            if common / (len(shingles) + self.sizes[index] - common) >= self.threshold:
                return "copies_seed"
            if common == self.sizes[index] and self._contained(index, draft.normal):
                return "copies_seed"
        return None

    def _contained(self, index: int, normal: str) -> bool:
        example = self.examples[index]
        return example.count(" ") >= _SHORTEST_CONTAINED - 1 and f" {example} " in f" {normal} "


def _shingles(words: tuple[str, ...]) -> set[str]:
    return set(ngrams(words, 2)) if len(words) > 2 else set(words)
