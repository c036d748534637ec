"""Whether a round's texts are less varied than those of the round before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from denoise.diversity import Embed, choose, diversity, matched_size, texts_by_label

# texts from which two rounds are compared, and the change, relative and absolute, from which it is told
LEAST_TEXTS, RELATIVE, ABSOLUTE = 30, 0.1, 0.02
# measures that are far from 0, so that a share of them means something
SHARES = frozenset({"distinct_1", "distinct_2", "compression_ratio", "vendi"})
MORE_IS_VARIED = frozenset({"distinct_1", "distinct_2", "vendi"})


@dataclass(frozen=True)
class Drop:
    """`measure` of a label (None: of all) fell short: `before` and `now`, of `texts` texts each."""

    label: str | None
    measure: str
    before: float
    now: float
    texts: int

    @property
    def share(self) -> float:
        """How much worse it is now, as a share of what it was."""
        return abs(self.now - self.before) / abs(self.before) if self.before else 0.0

    def __str__(self) -> str:
        return f"{self.label or 'all labels'}: {self.measure} {self.before:.3f} -> {self.now:.3f} ({self.texts} texts)"


def diversity_drops(
    before: pa.Table, now: pa.Table, seeds: Sequence[str], seed_copy: float, embed: Embed | None = None
) -> list[Drop]:
    """Measures by which rows (`text`, `label`) are less varied `now`, each label compared at equal size.

    A label that has under LEAST_TEXTS texts in either is left out.
    """
    earlier, later = texts_by_label(before), texts_by_label(now)
    drops: list[Drop] = []
    for label in later:
        size = min(len(earlier.get(label, ())), len(later[label]), matched_size([10**9] * max(1, len(later) - 1)))
        if size < LEAST_TEXTS:
            continue
        chosen = [choose(texts[label], size) for texts in (earlier, later)]
        measured = [diversity(texts, seeds, seed_copy, embed(texts) if embed else None) for texts in chosen]
        one, other = map(asdict, measured)
        drops += [
            Drop(label, name, one[name], other[name], size)
            for name in one
            if name != "texts" and _is_worse(name, one[name], other[name])
        ]
    return drops


def alarming(drops: Sequence[Drop], share: float) -> list[Drop]:
    """Those of more than a share of what there was, by the measures for which that says something."""
    return [drop for drop in drops if drop.measure in SHARES and drop.share > share]


def _is_worse(name: str, before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return False
    loss = before - now if name in MORE_IS_VARIED else now - before
    return loss > ABSOLUTE and loss > RELATIVE * abs(before)
