"""What people have said of the rows of a lot, read from the verdicts that they committed."""

from __future__ import annotations

import functools
import itertools
import statistics
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.frame import DECIDED, STAGE, UNDONE, judged_by_people, read_frame
from cluster.audit.lots import Lot
from cluster.store import Store
from denoise.audit.agreement import agreeing, krippendorff, masi, nominal
from denoise.audit.estimates import Estimate, Stratum, prediction_powered, stratified
from denoise.audit.plans import Decision
from generation.kinds.multi_label import split
from generation.records import KEPT

DISCARDED = "(discarded)"
THIRD = "third"

Row = TypeVar("Row")


class Finding(NamedTuple):
    """A row that was checked: `defect` by the verdict that holds, `first` when it was first judged.

    `values`: what each person said of it who did not see what others say, in words that can be compared. `disputed`:
    they differ, and nobody has decided it since.
    """

    id: str
    stratum: str
    decides: bool
    defect: bool
    first: datetime
    values: Mapping[str, Hashable]
    disputed: bool = False


@dataclass(frozen=True)
class Findings:
    """All that people found in a lot so far; `seconds` are those of each verdict."""

    lot: Lot
    kind: str
    rows: tuple[Finding, ...]
    seconds: tuple[float, ...]

    @property
    def outcomes(self) -> list[bool]:
        """Whether each row that decides was defective, in the order in which they were first judged.

        Where a third person has to decide, a row on which two differ holds up those after it.
        """
        rows = (row for row in self.rows if row.decides)
        return [row.defect for row in until_disputed(rows, self.lot.assurance.merge, lambda row: row.disputed)]

    @property
    def disputed(self) -> int:
        """Rows on which people differ, and that nobody has decided."""
        return sum(row.disputed for row in self.rows)

    @functools.cached_property
    def decision(self) -> Decision:
        """Where the lot stands by them."""
        return self.lot.decide(self.outcomes)

    @property
    def alpha(self) -> float | None:
        """Krippendorff's alpha on rows that two people or more saw; sets of labels are compared by MASI's distance."""
        values = {row.id: row.values for row in self.rows}
        return krippendorff(values, masi if self.kind == "multi_label" else nominal)  # type: ignore[arg-type]

    @property
    def agreeing(self) -> tuple[int, int]:
        """Rows of which people say the same, of so many that two or more saw."""
        return agreeing(row.values for row in self.rows)

    @property
    def seconds_per_row(self) -> float | None:
        """The median: a pause says nothing of the work."""
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def strata(self) -> dict[str, Stratum]:
        """Label by confidence."""
        return {
            name: Stratum(size, len(seen), sum(seen))
            for name, size in sorted(self.lot.strata.items())
            for seen in [[row.defect for row in self.rows if row.stratum == name]]
        }

    @property
    def estimate(self) -> Estimate | None:
        """The defect rate of the whole lot, each stratum counted as large as it is."""
        return stratified(self.strata)


def read_findings(store: Store, lot: Lot) -> Findings:
    """From the verdicts committed so far."""
    sample = {row.id: row for row in lot.sample}
    kind = store.run().get("kind", "label")
    told: dict[str, list[dict[str, Any]]] = {}
    for verdict in _verdicts_of_people(store, sample):
        told.setdefault(verdict["id"], []).append(verdict)
    found, seconds = [], []
    for key, verdicts in told.items():
        if not (standing := _standing(verdicts)):
            continue  # all was undone
        defect = bool(standing[-1]["scores"].get("defect"))
        values = independent(standing, kind)
        first, differ = min(each["at"] for each in standing), is_disputed(standing, kind)
        found.append(Finding(key, sample[key].stratum, sample[key].decides, defect, first, values, differ))
        seconds += [each["scores"]["seconds"] for each in standing if "seconds" in each["scores"]]
    found.sort(key=lambda row: (row.first, sample[row.id].order))
    return Findings(lot, kind, tuple(found), tuple(seconds))


def independent(standing: Iterable[Mapping[str, Any]], kind: str) -> dict[str, Hashable]:
    """What people say of a row who did not see what others say, by their verdicts that stand."""
    return {each["auditor"]: said(each, kind) for each in standing if DECIDED not in each["scores"]}


def is_disputed(standing: Collection[Mapping[str, Any]], kind: str) -> bool:
    """Whether people differ on a row, and nobody has decided it since."""
    decided = any(DECIDED in each["scores"] for each in standing)
    return not decided and len({*independent(standing, kind).values()}) > 1


def until_disputed(rows: Iterable[Row], rule: str, disputed: Callable[[Row], bool]) -> Iterator[Row]:
    """The rows that count: all, but where a third person decides those before the first that waits for one."""
    return iter(rows) if rule != THIRD else itertools.takewhile(lambda row: not disputed(row), rows)


def powered_estimate(store: Store, findings: Findings) -> Estimate | None:
    """The defect rate of the lot, helped by the judge's doubts of the rows that nobody checked.

    None where nothing judged the rows, or fewer than two were checked. Rows that people judged outside the lot or wrote
    are left out: no judge doubts them.
    """
    lot, checked = findings.lot, {row.id: row.defect for row in findings.rows if row.decides}
    frame = read_frame(store, lot.version, judged_by_people(store) - {row.id for row in lot.sample})
    if frame.doubts is None:
        return None
    doubts = dict(zip(frame.ids, frame.doubts.tolist(), strict=True))
    others = [doubt for key, doubt in doubts.items() if key not in checked]
    return prediction_powered(list(checked.values()), [doubts[key] for key in checked], others)


def _verdicts_of_people(store: Store, ids: Iterable[str]) -> list[dict[str, Any]]:
    """All their verdicts on some rows, by revision."""
    wanted, found = pa.array(sorted(ids), pa.string()), []
    for number in store.rounds():
        revisions = store.revisions(number)
        mine = pc.and_(pc.equal(revisions["stage"], STAGE), pc.is_in(revisions["id"], wanted))
        found += revisions.filter(pc.fill_null(mine, False)).to_pylist()
    for verdict in found:
        verdict["scores"] = dict(verdict["scores"] or ())
    return sorted(found, key=lambda verdict: (verdict["revision"], verdict["at"]))


def _standing(verdicts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last verdict of each person that was not undone, in the order in which they were given."""
    standing: dict[str, dict[str, Any]] = {}
    for verdict in verdicts:
        standing.pop(verdict["auditor"], None)
        if verdict["reason"] != UNDONE:
            standing[verdict["auditor"]] = verdict
    return list(standing.values())


def said(verdict: Mapping[str, Any], kind: str) -> Hashable:
    """A label, or that there is none. Of tags only whether they were right: people write spans in their own ways."""
    if kind == "tags":
        return bool(verdict["scores"].get("defect"))
    gone = verdict["status"] not in KEPT
    if gone and (verdict["reason"] != "edited" or verdict["scores"].get("defect")):
        return frozenset({DISCARDED}) if kind == "multi_label" else DISCARDED
    label = verdict["label"] or ""
    return frozenset(split(label)) if kind == "multi_label" else label
