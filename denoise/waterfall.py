"""Where the generated rows went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from generation.records import latest_verdicts


@dataclass(frozen=True)
class Step:
    """`count` rows intended for `label` ended with `status` for `reason` (None: no objection)."""

    label: str | None
    status: str
    reason: str | None
    count: int


def waterfall(rows: pa.Table, verdicts: pa.Table) -> list[Step]:
    """Rows (`id`, `intended_label`) counted by label, status and reason of their latest verdict, sorted by these.

    The counts sum to `rows.num_rows`. Raises ValueError when ids repeat, a row lacks a verdict, an id has two
    verdicts of one revision, or a verdict is on no row.
    """
    ids = rows["id"].to_pylist()
    _refuse("rows repeat", [key for key, count in Counter(ids).items() if count > 1])
    revisions = Counter(zip(verdicts["id"].to_pylist(), verdicts["revision"].to_pylist(), strict=True))
    _refuse("several verdicts of one revision on", [key for (key, _), count in revisions.items() if count > 1])
    latest = latest_verdicts(verdicts).select(["id", "status", "reason"])
    found = {verdict["id"]: (verdict["status"], verdict["reason"]) for verdict in latest.to_pylist()}
    _refuse("no verdict on", set(ids) - found.keys())
    _refuse("no row for the verdict on", found.keys() - set(ids))
    counts = Counter((label, *found[key]) for key, label in zip(ids, rows["intended_label"].to_pylist(), strict=True))
    ordered = sorted(counts.items(), key=lambda item: [part or "" for part in item[0]])
    return [Step(label, status, reason, count) for (label, status, reason), count in ordered]


def _refuse(problem: str, ids: list[str] | set[str]) -> None:
    if ids:
        raise ValueError(f"{problem} {len(ids)} ids, first {min(ids)}")
