"""Doubtful rows of pools, as the review page hands them out: the least sure first, until each has been looked at."""

from __future__ import annotations

import pyarrow.compute as pc

from cluster.audit.frame import STAGE as BY_PEOPLE
from cluster.audit.lots import Sampled
from cluster.feed.record import FOR_PEOPLE, STAGE
from cluster.review.work import Picked
from cluster.store import Store
from denoise.noise.agreement import WRONG
from generation.errors import UserError
from generation.records import map_column

FOLDER = "feeds/people"  # where the page keeps who is at which row


def open_queue(store: Store) -> Picked:
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
    return Picked("doubtful rows of pools", FOLDER, tuple(rows))
