"""What follows from doubts about a row's spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from denoise.noise.agreement import Agreement
from denoise.noise.span_doubt import RowDoubts
from denoise.noise.tagging import Tagged
from generation.kinds.spans import OUTSIDE

ENOUGH_ROWS = 100  # with a slot that no seed has, from which on the tagger is better than chance; see docs/denoise.md
_DIGITS = 4


def span_agreements(
    intended: Sequence[str | None],
    doubts: Sequence[RowDoubts],
    slots: Sequence[Collection[str]],
    known: Collection[str],
    least: float,
) -> list[Agreement]:
    """One Agreement a row, with `span_slot`, `span_boundary` and `span_missing` among its scores.

    Held where the worst of them is below `least`, for the reason that it has, and all `slots` of the row are `known`;
    else accepted. Doubts are not reason enough to reject: most rows that are doubted are right.
    """
    rows = zip(intended, doubts, slots, strict=True)
    return [_agreement(label, found, least if set(own) <= set(known) else 0.0) for label, found, own in rows]


def slots_of(tags: Sequence[str]) -> frozenset[str]:
    """The slots that a row's tags name."""
    return frozenset(tag[2:] for tag in tags if tag != OUTSIDE)


def known_slots(seeds: Tagged, others: Sequence[Tagged]) -> frozenset[str]:
    """The slots of which enough is known to act on doubts: those of a seed, or of ENOUGH_ROWS rows."""
    counts = Counter(slot for rows in others for tags in rows.tags for slot in slots_of(tags))
    enough = {slot for slot, count in counts.items() if count >= ENOUGH_ROWS}
    return frozenset(enough).union(*map(slots_of, seeds.tags))


def _agreement(label: str | None, found: RowDoubts, least: float) -> Agreement:
    parts = {"span_slot": found.slot, "span_boundary": found.boundary, "span_missing": found.missing}
    scores = {name: round(value, _DIGITS) for name, value in parts.items()}
    if found.sureness < least:
        return Agreement("held", label, found.reason, scores)
    return Agreement("accepted", label, None, scores)
