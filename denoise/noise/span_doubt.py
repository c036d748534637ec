"""Which spans of a tagged text are doubtful: of another slot or of none, cut wrongly, or missing.

From what an out-of-fold tagger says of each word, and from how the same words are tagged elsewhere. All numbers go
from 0 (surely wrong) to 1; they rank, and are no probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from denoise.noise.gazetteer import Gazetteer
from generation.kinds.spans import OUTSIDE, word_spans

SLOT, BOUNDARY, MISSING = "span_slot_doubted", "span_boundary", "span_missing"
LIKELY_MISSED = 0.5  # an untagged word is pointed at where it is outside with less


@dataclass(frozen=True)
class SpanDoubt:
    """One thing about words `start` up to `end`: that they are a `slot`, are no more and no less, or are not one."""

    reason: str
    slot: str
    start: int
    end: int
    sureness: float


@dataclass(frozen=True)
class RowDoubts:
    """The worst of a row: `slot`, `boundary` and `missing`, 1 where there is nothing to doubt, and what they are of.

    `doubts` has two for each span, and one for each run of untagged words that look like a slot.
    """

    slot: float = 1.0
    boundary: float = 1.0
    missing: float = 1.0
    doubts: tuple[SpanDoubt, ...] = field(default=(), repr=False)

    @property
    def sureness(self) -> float:
        """The worst of the three."""
        return min(self.slot, self.boundary, self.missing)

    @property
    def reason(self) -> str:
        """Which it is."""
        named = {SLOT: self.slot, BOUNDARY: self.boundary, MISSING: self.missing}
        return min(named, key=lambda name: named[name])


def row_doubts(
    words: Sequence[str],
    tags: Sequence[str],
    probabilities: np.ndarray,
    columns: Sequence[str],
    gazetteer: Gazetteer,
) -> RowDoubts:
    """Of one row. `probabilities` float [words, columns] are of the tags `columns`: O, then B- and I- of each slot.

    - a span's slot: the geometric mean of how likely its words are of it, and of how far `gazetteer` agrees
    - its boundary: the root of the probability that its first word begins a span, if it is of the slot, and that the
      word behind it does not go on with it
    - missing: of the untagged word of which it is least, the root of its probability to be outside of all spans, times
      how far `gazetteer` agrees
    """
    places = {name: place for place, name in enumerate(columns)}
    doubts = list[SpanDoubt]()
    for slot, start, end in word_spans(tags):
        begins, goes_on = (probabilities[:, places[f"{mark}-{slot}"]].astype(np.float64) for mark in "BI")
        of_slot = np.maximum(begins + goes_on, 1e-9)
        likely = float(np.exp(np.log(of_slot[start:end]).mean()))
        agreed = gazetteer.agreement(words[start:end], slot, likely)
        doubts.append(SpanDoubt(SLOT, slot, start, end, float(np.sqrt(likely * max(agreed, 0.0)))))
        ends = 1 - (goes_on[end] if end < len(tags) else 0.0)
        cut = float(np.sqrt(begins[start] / of_slot[start] * ends))
        doubts.append(SpanDoubt(BOUNDARY, slot, start, end, cut))
    none = probabilities[:, places[OUTSIDE]].astype(np.float64)
    sure = np.sqrt(none * gazetteer.outside(words, tags, none))
    outside = np.where([tag == OUTSIDE for tag in tags], sure, 1.0)
    doubts += _missed(outside, probabilities, columns)
    worst = {
        name: min((each.sureness for each in doubts if each.reason == name), default=1.0) for name in (SLOT, BOUNDARY)
    }
    return RowDoubts(worst[SLOT], worst[BOUNDARY], float(outside.min(initial=1.0)), tuple(doubts))


def _missed(outside: np.ndarray, probabilities: np.ndarray, columns: Sequence[str]) -> list[SpanDoubt]:
    """Runs of untagged words that look like one slot."""
    looks = [columns[place][2:] for place in probabilities[:, 1:].argmax(axis=1) + 1]
    kinds = [slot if sure**2 < LIKELY_MISSED else "" for slot, sure in zip(looks, outside, strict=True)]
    found, start = list[SpanDoubt](), 0
    for slot, run in groupby(kinds):
        end = start + len(list(run))
        if slot:
            found.append(SpanDoubt(MISSING, slot, start, end, float(outside[start:end].min())))
        start = end
    return found
