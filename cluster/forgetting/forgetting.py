"""Rows are erased from a run: in the order in which a killed `forget` can be finished by the next.

First what is to go is written down, and tombstones, so that no request is open again. Then all that quotes the rows is
erased; their verdicts and the rows themselves, from which their texts are known, come last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.lots import lot_numbers, read_lot
from cluster.dataset import discard_scratch, read_dataset, refresh_version
from cluster.evidence.lineage import versions_of
from cluster.forgetting.files import Eraser, files_of
from cluster.forgetting.learners import learners_of, retrainable, take_away
from cluster.forgetting.lots import leave_lots
from cluster.forgetting.nested import bury_nested, nested_stores
from cluster.forgetting.pending import Forgetting, Gone, begin, bury, end, pending
from cluster.forgetting.targets import Found, Row, find_targets, still_there
from cluster.journal import Journal
from cluster.material import pool_mark
from cluster.report_cache import NAME as COUNTS
from cluster.report_page import write_report
from cluster.store import Store
from generation.errors import UserError

REPORT, SCRATCH = "report.html", "training"
DERIVED = ("report.md", "report.json", COUNTS)  # made anew when they are asked for
_QUOTED = "its prompt quoted a row that was forgotten"


def plan(
    store: Store,
    ids: Sequence[str],
    who: str,
    why: str,
    with_children: bool = False,
    retrain: bool = False,
) -> tuple[Forgetting, Found]:
    """What would be erased; nothing is written. Raises UserError."""
    found = find_targets(store, ids, with_children)
    if found.quotes.stand_in(why) or found.quotes.stand_in(who):
        raise UserError("--why: must not quote what is to be forgotten: it is kept")
    rows = tuple(
        Gone(row.id, row.request_id, row.round, *row.tokens, reason, _mark(store, row))
        for row, reason in found.going.values()
    )
    students, adapters = learners_of(store, found.going)
    told = Forgetting(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        who=who,
        why=why,
        rows=rows,
        names=tuple(sorted(found.names)),
        versions=tuple(version for version in versions_of(store) if _holds(store, version, found.going)),
        students=tuple(students),
        adapters=tuple(adapters),
        report=(store.root / REPORT).is_file(),
        retrain=retrainable(store, students) if retrain else "",
    )
    return told, found


def lots_with(store: Store, ids: Iterable[str]) -> list[int]:
    """Lots that drew one of these rows."""
    wanted = set(ids)
    return [number for number in lot_numbers(store) if any(row.id in wanted for row in read_lot(store, number).sample)]


def forget(store: Store, told: Forgetting) -> None:
    """Erase it all. The caller holds the run's lease and its review."""
    begin(store, told)
    finish(store)


def finish(store: Store) -> Forgetting | None:
    """Go on with what was begun, from the beginning: each step leaves alone what is erased already."""
    told = pending(store)
    if told is None:
        return None
    discard_scratch(store)
    bury(store, told, told.rows)
    quotes = still_there(store, told.ids)
    ids, requests = bury_nested(store, told, quotes)
    requests |= {row.request_id for row in told.rows if row.request_id}
    eraser = Eraser(store, frozenset(told.ids | ids), frozenset(told.names), frozenset(requests), quotes)
    for each in (store, *nested_stores(store)):
        _set_aside(each, eraser)
    for name in (REPORT, *DERIVED, SCRATCH):
        store.remove(name)
    leave_lots(store, told.ids)
    for version in told.versions:  # readers do without, and it holds the least and the greatest text of each part
        for name in ("_metadata", "_common_metadata"):
            store.remove(f"dataset/{version}/{name}")
    for name in files_of(store):
        eraser.erase(name)
    for version in told.versions:
        refresh_version(store, version)
    _end(store, told)
    return told


def _mark(store: Store, row: Row) -> str:
    return pool_mark(str(store.run()["run_id"]), row.texts[0]) if row.source == "pool" else ""


def _end(store: Store, told: Forgetting) -> None:
    if told.retrain:
        take_away(store, told.retrain)
    journal = Journal(store.root, lambda line: None)
    journal.note("forgot", ids=sorted(told.ids), who=told.who, why=told.why)
    end(store)
    if told.report:
        write_report(store)


def _set_aside(store: Store, eraser: Eraser) -> None:
    """Requests that are still open and quote the rows cannot be asked any more."""
    for number in store.rounds():
        open_ = list(store.open_requests(number))
        if not open_:
            continue
        requests = store.requests(number)
        quoting = set(requests.filter(eraser.prompts(requests))["request_id"].to_pylist())
        if left := [each for each in open_ if each.request_id in quoting]:
            store.set_aside(number, left, _QUOTED, str(eraser.store.run()["run_id"]))


def _holds(store: Store, version: str, ids: Iterable[str]) -> bool:
    held = pc.is_in(read_dataset(store, version)["id"], pa.array(sorted(ids), pa.string()))
    return bool(pc.any(held).as_py())
