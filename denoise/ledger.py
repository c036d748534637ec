"""One verdict for every row, and never a second one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from generation.records import KEPT, verdicts_table


class Ledger:
    """Collects the first verdicts (revision 0) of rows given by id and intended label."""

    def __init__(self, intended: Mapping[str, str | None]) -> None:
        self.intended = dict(intended)
        self._verdicts: dict[str, dict[str, Any]] = {}

    def judge(self, id: str, stage: str, status: str, reason: str | None = None, **more: Any) -> None:
        """Record the verdict on `id`; `more` are further columns, the label is the intended one unless given.

        Raises KeyError for a row that is not of this ledger, ValueError for one that has a verdict.
        """
        if id in self._verdicts:
            raise ValueError(f"row {id} was judged at {self._verdicts[id]['stage']}, now again at {stage}")
        columns = {"id": id, "stage": stage, "status": status, "reason": reason, "label": self.intended[id]}
        self._verdicts[id] = {**columns, "revision": 0, "weight": float(status in KEPT), **more}

    def table(self, ids: Iterable[str]) -> pa.Table:
        """The verdicts on `ids` (VERDICT_SCHEMA, in that order), dated now. Raises KeyError where one is missing."""
        now = datetime.now(UTC)
        return verdicts_table({**self._verdicts[id], "at": now} for id in ids)
