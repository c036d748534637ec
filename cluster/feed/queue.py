"""Doubtful rows of pools, as the review page hands them out: the least sure first, until each has been looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow.compute as pc

from cluster.audit.frame import STAGE as BY_PEOPLE
from cluster.audit.lots import Sampled
from cluster.feed.joining import FOR_PEOPLE, STAGE
from cluster.store import Store
from denoise.audit.assurance import Assurance
from denoise.audit.intervals import clopper_pearson
from denoise.audit.plans import Decision
from denoise.noise.agreement import WRONG
from generation.errors import UserError
from generation.records import map_column

FOLDER = "feeds/people"  # where the page keeps who is at which row


@dataclass(frozen=True)
class Queue:
    """Takes a lot's place (cluster.audit.lots) on the page: its rows decide on nothing but themselves."""

    sample: tuple[Sampled, ...]
    number: int = 0
    folder: str = FOLDER
    title: str = "rows of pools"
    assurance: Assurance = field(default_factory=Assurance)

    @property
    def size(self) -> int:
        return len(self.sample)

    def decide(self, outcomes: Sequence[bool]) -> Decision:
        """Open as long as rows are left; `estimate` is the share of labels that people found wrong."""
        checked, wrong = len(outcomes), sum(outcomes)
        low, high = clopper_pearson(wrong, checked) if checked else (0.0, 1.0)
        return Decision("open", checked, wrong, wrong / checked if checked else None, low, high, self.size - checked)


def open_queue(store: Store) -> Queue:
    """The rows that wait for people; those already judged come last. Raises UserError where there are none."""
    found = []
    for number in store.rounds():
        verdicts = store.revisions(number)
        mine = verdicts.filter(pc.fill_null(pc.equal(verdicts["stage"], STAGE), False)).sort_by("revision")
        last = dict(zip(mine["id"].to_pylist(), mine["reason"].to_pylist(), strict=True))
        wrong = dict(zip(mine["id"].to_pylist(), map_column(mine, "scores"), strict=True))
        judged = set(verdicts.filter(pc.fill_null(pc.equal(verdicts["stage"], BY_PEOPLE), False))["id"].to_pylist())
        found += [(id in judged, -wrong[id].get(WRONG, 0.0), id) for id, reason in last.items() if reason == FOR_PEOPLE]
    if not found:
        raise UserError(f"{store.root}: no row of a pool waits for people; `labelmill feed` brings some")
    rows = [Sampled(id, order, "", 1.0, False, True) for order, (_, _, id) in enumerate(sorted(found))]
    return Queue(tuple(rows))
