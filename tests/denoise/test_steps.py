from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from denoise.ledger import Ledger
from denoise.noise.agreement import Agreement
from denoise.steps import build_pool, drop_duplicates, drop_filtered, settle, told
from tests.denoise.cases import rows

ROWS = rows({"id": "r2", "text": "b", "mean_logprob": -1.0}, {"id": "r1", "text": "a"})
KEPT = pa.table({"id": ["k1", "k2"]})


def ledger() -> Ledger:
    return Ledger({"r1": "x", "r2": "x"})


def verdicts(of: Ledger, *ids: str) -> list[tuple[str | None, ...]]:
    shown = of.table(ids).select(["id", "stage", "status", "reason", "survivor_id"]).to_pylist()
    return [tuple(row.values()) for row in shown]


def test_kept_rows_come_first_in_the_pool() -> None:
    shown = ["id", "text", "finish_reason", "attributes", "position"]
    assert build_pool(ROWS, KEPT).select(shown).to_pylist() == [
        {"id": "k1", "text": None, "finish_reason": None, "attributes": None, "position": 0},
        {"id": "k2", "text": None, "finish_reason": None, "attributes": None, "position": 1},
        {"id": "r2", "text": "b", "finish_reason": "stop", "attributes": None, "position": 2},
        {"id": "r1", "text": "a", "finish_reason": "stop", "attributes": None, "position": 3},
    ]


def test_what_ids_say_and_were_made_for() -> None:
    rows_ = rows({"id": "r1", "text": "a", "intended_label": "x"}, {"id": "r2", "text": "b", "intended_label": None})
    kept = pa.table({"id": ["k1", "k2"], "text": ["c", "d"], "label": ["x", "x"]})
    assert told(pa.chunked_array([["k2", "r2"], ["r1", "z"]]), rows_, kept).to_pylist() == [
        {"text": "d", "label": "x"},
        {"text": "b", "label": None},
        {"text": "a", "label": "x"},
        {"text": None, "label": None},
    ]


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(ValueError, match=r"repeated: \['r1', 'r2'\]"):
        build_pool(ROWS, ROWS)


def test_a_reason_names_its_stage() -> None:
    book = ledger()
    standing = drop_filtered(["empty", "too_long"], build_pool(ROWS, KEPT), book)
    assert standing.tolist() == [0, 1]
    assert verdicts(book, "r1", "r2") == [
        ("r1", "filter", "rejected", "too_long", None),
        ("r2", "parse", "rejected", "empty", None),
    ]


def test_a_kept_twin_falls_without_a_verdict() -> None:
    book = ledger()
    standing = drop_duplicates(np.array([-1, 0, 0]), np.array([0, 1, 3]), build_pool(ROWS, KEPT), book, "exact")
    assert standing.tolist() == [0]
    assert verdicts(book, "r1") == [("r1", "exact", "rejected", "exact_duplicate", "k1")]


def test_the_quota_cuts_what_the_judge_left() -> None:
    book = ledger()
    opinions = {
        "r1": Agreement("relabelled", "y", "label_disagrees", {"judge_confidence": 0.9}),
        "r2": Agreement("accepted", "y", None, {"judge_confidence": 0.4}),
    }
    settle(opinions, {"y": 1}, book)
    assert verdicts(book, "r1", "r2") == [
        ("r1", "quota", "surplus", "over_quota", None),
        ("r2", "quota", "accepted", None, None),
    ]
    assert book.table(["r1"])["label"].to_pylist() == ["y"]
