"""What a further round aims at, from what its predecessors left: recorded in round.json when the round begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.checked import POOL
from cluster.config import TaskConfig
from cluster.held_out import DEV, read_held_out
from cluster.store import Store
from generation.aim import decks
from generation.kinds import KINDS
from generation.kinds.multi_label import split
from generation.records import KEPT, map_column

_SHOWN = 5


@dataclass(frozen=True)
class Aim:
    """`errors` of what rows are wanted of, as the last student makes them, found on `rows` rows (`basis`: held_out.py).

    `pairs` are labels that it takes for one another, and how often; `decks` has the attribute values that requests ask
    for more or less often than others. `even` are the targets that the round would have without it.
    """

    basis: str
    rows: int
    errors: dict[str, float]
    pairs: tuple[tuple[str, str, int], ...]
    decks: dict[str, dict[str, int]]
    even: dict[str, int]


def aim_after(store: Store, round_: int, config: TaskConfig, even: Mapping[str, int]) -> Aim | None:
    """For the round after a finished one with `even` targets. None: there is nothing to aim at."""
    if not config.aim.share:
        return None
    held = read_held_out(store, round_)
    known = held.errors if held else {}
    # labels that were given up would be again: others shall not go short for them
    given_up = (store.read_json(f"rounds/{round_:03d}/metrics.json") or {}).get("given_up", {})
    names = [name for name in even if name not in given_up]
    errors = {name: error for name in names if (error := _error(name, known, config.kind)) is not None}
    found = decks(config.dimensions, value_counts(store, range(round_ + 1)), config.aim)
    if not errors and not found:
        return None
    pairs = held.pairs if held else ()
    return Aim(held.basis if held else "", len(held.right) if held else 0, errors, pairs, found, dict(even))


def read_aim(told: Mapping[str, Any] | None) -> Aim | None:
    """From round.json."""
    return Aim(**{**told, "pairs": tuple(map(tuple, told["pairs"]))}) if told else None


def value_counts(store: Store, rounds: Sequence[int]) -> dict[str, Counter[str]]:
    """Dimension -> value -> kept rows that were asked for it; nothing was asked of rows of pools."""
    counts: dict[str, Counter[str]] = {}
    for number in rounds:
        verdicts = store.verdicts(number)
        kept = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT)))["id"].combine_chunks()
        rows = store.generated(number, ["id", "attributes", "source"])
        asked = pc.and_(pc.is_in(rows["id"], kept), pc.fill_null(pc.not_equal(rows["source"], POOL), True))
        for attributes in map_column(rows.filter(asked), "attributes"):
            for name, value in attributes.items():
                counts.setdefault(name, Counter())[value] += 1
    return counts


def describe(aim: Aim, targets: Mapping[str, int]) -> str:
    """In words: the labels that get more rows, the pairs, and the values that come up more often."""
    even, parts = aim.even, list[str]()
    more = sorted(
        (label for label in aim.errors if targets.get(label, 0) > even[label]), key=lambda label: -aim.errors[label]
    )
    if more:
        shown = [f"{label} ({aim.errors[label]:.0%} wrong, {targets[label]} rows, not {even[label]})" for label in more]
        by = (
            f"the student on {aim.rows} held-out seeds" if aim.basis == DEV else "heads on folds of kept rows and seeds"
        )
        parts.append(f"{listed(shown)}, by {by}")
    if aim.pairs:
        parts.append("confused: " + listed([f"{one} and {other} ({count})" for one, other, count in aim.pairs]))
    rare = [
        f"{name} {value}"
        for name, cards in aim.decks.items()
        for value, count in cards.items()
        if count == max(cards.values())
    ]
    if rare:
        parts.append("asked for more often: " + listed(rare))
    return "; ".join(parts)


def _error(name: str, errors: Mapping[str, float], kind: str) -> float | None:
    """Of a label, or the mean of a set of labels."""
    parts = split(name) if KINDS[kind].has_several else (name,)
    found = [errors[part] for part in parts if part in errors]
    return sum(found) / len(found) if found else None


def listed(names: Sequence[str]) -> str:
    """The first few in words, and how many more there are."""
    left = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {left} more" if left > 0 else "")
