"""Writes report.html for a run, finished or not."""

from __future__ import annotations

from typing import Any

from cluster.audit.standing import audit_of, audited_noise
from cluster.report import render_report
from cluster.report_cache import kept_or_made
from cluster.report_data import ReportData, report_data, task_labels
from cluster.report_parts import rows_of, verdicts_of
from cluster.report_summary import as_json, of_json, summarise
from cluster.store import Store
from generation.location import Location
from generation.parts import count_rows


def write_report(store: Store) -> Location:
    """Put `RUN/report.html` together from what is committed; returns its place."""
    return store.write_text("report.html", render_report(read_report(store)))


def read_report(store: Store) -> ReportData:
    """What the report says of a run."""
    run, rounds = store.run(), store.rounds()
    seeds = {seed["id"]: seed["text"] for seed in store.read_json("seeds.json") or []}

    def count() -> dict[str, Any]:
        return {
            "requests": sum(count_rows(store.filesystem, store.parts(number, "requests")) for number in rounds),
            "rows": as_json(summarise(rows_of(store), verdicts_of(store), task_labels(run), seeds)),
            "audit": audit_of(store),
            "noise": audited_noise(store),
        }

    counted = kept_or_made(store, count)
    metrics = [store.read_json(f"rounds/{number:03d}/metrics.json") for number in rounds]
    return report_data(
        run,
        counted["requests"],
        of_json(counted["rows"]),
        [each for each in metrics if each],
        len(seeds),
        counted["audit"],
    )
