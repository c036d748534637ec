"""Writes the report of a run, finished or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pyarrow.fs import LocalFileSystem

from cluster.audit.standing import audit_of, audited_noise
from cluster.mapping import read_map
from cluster.promotion import promoted_round
from cluster.report import render_report
from cluster.report_cache import kept_or_made
from cluster.report_data import ReportData, report_data, task_labels
from cluster.report_markdown import render_markdown
from cluster.report_numbers import numbers_of
from cluster.report_parts import rows_of, verdicts_of
from cluster.report_summary import as_json, of_json, summarise
from cluster.store import Store
from generation.errors import UserError, os_reason
from generation.location import Location
from generation.parts import count_rows, write_bytes


def write_report(store: Store, form: str = "html", out: str | None = None) -> Location:
    """Put the report together from what is committed, at `RUN/report.FORM` or `out`; returns its place.

    Raises UserError when `out` cannot be written to.
    """
    text = report_text(store, form)
    if out is None:
        return store.write_text(f"report.{form}", text)
    try:
        write_bytes(LocalFileSystem(), out, text.encode())
    except OSError as error:
        raise UserError(f"{out}: cannot be written to: {os_reason(error)}") from None
    return Path(out)


def report_text(store: Store, form: str = "html") -> str:
    """The report as "html", "md" or "json"."""
    view = read_report(store)
    if form == "json":
        return json.dumps(numbers_of(view), indent=2, ensure_ascii=False) + "\n"
    return render_markdown(view) if form == "md" else render_report(view)


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
        counted["noise"],
        read_map(store),
        promoted_round(store),
    )
