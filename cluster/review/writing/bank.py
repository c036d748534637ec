"""What people who write are suggested: rows that were generated and that nothing but a quota or a doubt kept out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.frame import STAGE
from cluster.checked import POOL
from cluster.dataset import DOUBTS
from cluster.review.cases import Case, History, Verdict
from cluster.store import Store
from generation.records import latest_verdicts

AHEAD = "suggestions"  # RUN/suggestions: a store of rows that were generated to be suggested
MOST = 400  # of a label, so that the student can rank them while somebody waits; ids are hashes: the lowest are any
_LEFT_OVER = ("surplus", "held")


@dataclass(frozen=True)
class Suggestion:
    """A row that might be one of `label`; what people made of it stands in its case. `is_ahead`: of the store AHEAD."""

    case: Case
    label: str
    is_ahead: bool = False

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def is_free(self) -> bool:
        """Whether nobody has taken or refused it."""
        return not self.case.history.given

    def plus(self, verdict: Verdict) -> Suggestion:
        """With one more revision."""
        return replace(self, case=self.case.plus(verdict))


def ahead_of(store: Store) -> Store:
    """Where rows that were generated for people who write are kept."""
    return Store(store.root / AHEAD)


def read_bank(store: Store, labels: Collection[str]) -> dict[str, Suggestion]:
    """By id, up to MOST free ones of each label, and all that people have taken or refused.

    Rows over the quota, held ones, and those that the judge does not take for what they were meant to be; also what was
    generated ahead. Rows of pools are none: somebody else wrote them, and people judge them as they are.
    """
    ahead = ahead_of(store)
    found = [*_of(store, labels, False), *_of(ahead, labels, True)]
    counts = Counter[str]()
    bank = {}
    for each in sorted(found, key=lambda each: each.id):
        counts[each.label] += each.is_free
        if not each.is_free or counts[each.label] <= MOST:
            bank[each.id] = each
    return bank


def _of(store: Store, labels: Collection[str], is_ahead: bool) -> Iterator[Suggestion]:
    for number in store.rounds():
        revisions = store.revisions(number)
        by_people = pc.fill_null(pc.equal(revisions["stage"], STAGE), False)
        fit = _fit(latest_verdicts(revisions.filter(pc.invert(by_people))))
        said: dict[str, list[dict[str, Any]]] = defaultdict(list)
        theirs = pc.and_(by_people, pc.is_in(revisions["id"], value_set=fit["id"].combine_chunks()))
        for verdict in (*fit.to_pylist(), *revisions.filter(theirs).to_pylist()):
            said[verdict["id"]].append({**verdict, "scores": dict(verdict["scores"] or ())})
        rows = store.generated(number)
        rows = rows.filter(pc.invert(pc.fill_null(pc.equal(rows["source"], POOL), False)))
        for row in rows.filter(pc.is_in(rows["id"], value_set=pa.array(said, pa.string()))).to_pylist():
            case = Case(row, History.of(said[row["id"]]))
            label = _label_of(case)
            if label in labels and row["text"]:
                yield Suggestion(case, label, is_ahead)


def _fit(verdicts: pa.Table) -> pa.Table:
    """Of the machine's verdicts, those on rows that may be suggested."""
    left = pc.is_in(verdicts["status"], pa.array(_LEFT_OVER))
    doubted = pc.and_(pc.equal(verdicts["stage"], "agreement"), pc.is_in(verdicts["reason"], pa.array(DOUBTS)))
    dropped = pc.and_(pc.equal(verdicts["status"], "rejected"), doubted)
    return verdicts.filter(pc.or_(left, pc.fill_null(dropped, False)))


def _label_of(case: Case) -> str:
    """Of what was doubted the label it was written for, else the one it has."""
    machine = case.history.machine or {}
    if machine["status"] == "rejected":
        return case.row["intended_label"] or ""
    return machine["label"] or case.row["intended_label"] or ""
