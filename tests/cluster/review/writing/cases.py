"""A run that left rows over, and a student whose opinions are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cluster.review.desk import Desk
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.transfer import kind_of
from cluster.review.work import Picked
from cluster.review.writing.bank import read_bank
from cluster.review.writing.desk import WritingDesk
from cluster.review.writing.opinion import Opinion
from cluster.review.writing.rows import to_check
from cluster.review.writing.written import read_written
from cluster.store import Store
from tests.cluster.review.cases import machine, make_run, row
from tests.cluster.review.test_leases import Clock


class FakeStudent:
    """Takes a text with "broken" in it for broken, any other for late; the longer the surer."""

    def __init__(self) -> None:
        self.labels = ["late", "broken", "refund"]

    def probabilities(self, inputs: Sequence[str]) -> np.ndarray:
        found = np.full((len(inputs), 3), 0.0)
        for place, text in enumerate(inputs):
            best = int("broken" in text)
            found[place] = 0.05
            found[place, best] += 0.5 + min(len(text), 35) / 100
            found[place, 2] = 1 - found[place, :2].sum()
        return found


def leftovers(folder: Path) -> Store:
    """Kept is k0; over the quota s0 and s1; doubted d0; held h0; filtered out f0. All but d0 are of late."""
    told = {"s0": "my parcel is broken and late", "s1": "late late late", "d0": "it does not work", "h0": "so late"}
    rows = [
        row("k0", "where is my parcel"),
        *(row(id, text, "broken" if id == "d0" else "late", mean_logprob=-len(text) / 10) for id, text in told.items()),
        row("f0", "x"),
    ]
    over = {"stage": "quota", "status": "surplus", "reason": "over_quota"}
    verdicts = [
        machine("k0"),
        *(machine(id, **over) for id in ("s0", "s1")),
        machine("d0", "broken", "rejected", reason="label_disagrees"),
        machine("h0", status="held", stage="lot", reason="lot_failed"),
        machine("f0", status="rejected", stage="filter", reason="too_short"),
    ]
    return make_run(folder, rows, verdicts)


def desk_of(store: Store, opinion: bool = True, clock: Clock | None = None) -> WritingDesk:
    kind, clock = kind_of(store), clock or Clock()
    work = Picked("written", "audit/written", tuple(to_check(case.id, 0) for case in read_written(store)))
    checks = Desk(Ledger(store), work, Leases(60, clock))
    known = store.kept(store.rounds())["text"].to_pylist()
    asked = Opinion(FakeStudent) if opinion else None
    return WritingDesk(checks, read_bank(store, kind.labels), asked, kind, Leases(60, clock), known)
