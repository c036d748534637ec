"""Writes report.html for a run, finished or not."""

from __future__ import annotations

import pyarrow as pa

from cluster.audit.standing import audit_of
from cluster.report import render_report
from cluster.report_data import report_data
from cluster.store import Store
from generation.location import Location
from generation.records import ROW_SCHEMA, VERDICT_SCHEMA


def write_report(store: Store) -> Location:
    """Put `RUN/report.html` together from what is committed; returns its place."""
    rounds = store.rounds()
    view = report_data(
        store.run(),
        sum(store.requests(number, ["request_id"]).num_rows for number in rounds),
        pa.concat_tables([ROW_SCHEMA.empty_table(), *(store.rows(number) for number in rounds)]),
        pa.concat_tables([VERDICT_SCHEMA.empty_table(), *(store.verdicts(number) for number in rounds)]),
        [metrics for number in rounds if (metrics := store.read_json(f"rounds/{number:03d}/metrics.json"))],
        {seed["id"]: seed["text"] for seed in store.read_json("seeds.json") or []},
        audit_of(store),
    )
    return store.write_text("report.html", render_report(view))
