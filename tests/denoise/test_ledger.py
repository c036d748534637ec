from __future__ import annotations

from datetime import UTC, datetime

import pytest

from denoise.ledger import Ledger
from generation.records import VERDICT_SCHEMA, map_column


def test_verdicts_come_in_the_order_asked_for() -> None:
    ledger = Ledger({"r1": "a", "r2": "b"})
    ledger.judge("r1", "near", "rejected", "near_duplicate", survivor_id="r2")
    ledger.judge("r2", "quota", "relabelled", "label_disagrees", label="a", scores={"judge_margin": 0.5})
    before = datetime.now(UTC)
    table = ledger.table(["r2", "r1"])
    assert table.schema == VERDICT_SCHEMA
    shown = table.select(["id", "revision", "stage", "label", "status", "reason", "survivor_id", "weight"])
    assert [tuple(row.values()) for row in shown.to_pylist()] == [
        ("r2", 0, "quota", "a", "relabelled", "label_disagrees", None, 1.0),
        ("r1", 0, "near", "a", "rejected", "near_duplicate", "r2", 0.0),
    ]
    assert map_column(table, "scores") == [{"judge_margin": 0.5}, {}]
    assert all(abs((at - before).total_seconds()) < 60 for at in table["at"].to_pylist())


def test_a_second_verdict_is_refused() -> None:
    ledger = Ledger({"r1": "a"})
    ledger.judge("r1", "filter", "rejected", "too_short")
    with pytest.raises(ValueError, match="row r1 was judged at filter, now again at near"):
        ledger.judge("r1", "near", "rejected", "near_duplicate")


def test_a_missing_verdict_and_a_foreign_row_are_refused() -> None:
    with pytest.raises(KeyError, match="r1"):
        Ledger({"r1": "a"}).table(["r1"])
    with pytest.raises(KeyError, match="r9"):
        Ledger({"r1": "a"}).judge("r9", "filter", "rejected", "too_short")
