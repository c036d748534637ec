"""A scored pool, boiled down."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from cluster.feed.lens import disagreement, hashes_of, keys_of, margins_of
from cluster.feed.scoring import SCORED
from cluster.feed.shortlist import shortlist


def scored(hashes: list[int], **columns: Any) -> pa.Table:
    """A part of open rows with these hashes, all of one sort."""
    made: dict[str, Any] = {"state": "open", "key": 0, "source": "mail", "label": "a", "confidence": 0.5, "margin": 0.5}
    made |= {"plain_label": "a", "disagreement": 0.0, "nearest_label": "a", "distance": 0.1, "scope": -1.0} | columns
    rows = [
        {"hash": each} | {name: _of(value, place) for name, value in made.items()} for place, each in enumerate(hashes)
    ]
    return pa.Table.from_pylist(rows, SCORED)


def _of(value: Any, place: int) -> Any:
    return value[place] if isinstance(value, list) else value


def test_the_best_for_each_reason_stay_whatever_part_they_are_of() -> None:
    parts = [
        scored([1, 2, 3], key=[9, 8, 7], margin=[0.9, 0.1, 0.5]),
        scored([4, 5, 6], key=[1, 9, 9], margin=[0.9, 0.9, 0.05], distance=[0.1, 0.9, 0.1]),
    ]
    found = shortlist(parts, 1)
    rows = {row["hash"]: (row["part"], row["row"]) for row in found.rows.to_pylist()}
    assert rows[4] == (1, 0) and rows[6] == (1, 2) and rows[5] == (1, 1) and rows[2] == (0, 1)
    assert found.eligible == 6 and found.labels == {"a": 6}


def test_the_same_text_counts_once() -> None:
    found = shortlist([scored([1, 2]), scored([2, 3]), scored([3])], 5)
    assert sorted(found.rows["hash"].to_pylist()) == [1, 2, 3]
    assert found.rows["part"].to_pylist() == [0, 0, 1]
    assert dict(found.counts()) == {"open": 3, "repeated": 2}


def test_rows_that_are_not_open_are_counted_alone() -> None:
    found = shortlist(
        [scored([1, 2, 3], state=["open", "known", "blank"], source=["x", "y", "z"], scope=[2.0, 0.0, 0.0])], 5
    )
    assert len(found.rows) == 1 and found.outside == 1 and found.sources == {"x"}
    assert dict(found.counts()) == {"open": 1, "known": 1, "blank": 1, "repeated": 0}


def test_out_of_scope_rows_stay_for_the_draw_only() -> None:
    hashes = list(range(20))
    found = shortlist([scored(hashes, key=hashes, scope=[1.0] * 10 + [-1.0] * 10)], 1)
    outside = [row["hash"] for row in found.rows.to_pylist() if row["scope"] > 0]
    assert outside == [0]


def test_keys_are_spread_and_repeat() -> None:
    hashes = hashes_of([f"text {number}" for number in range(500)])
    one, other = keys_of(hashes, 1), keys_of(hashes, 2)
    assert (keys_of(hashes, 1) == one).all() and not (one == other).any()
    shares = np.array([one, other]).astype(float) / 2.0**64
    assert abs(shares.mean() - 0.5) < 0.05 and abs(np.corrcoef(shares)[0, 1]) < 0.15


def test_hashes_are_of_normal_forms() -> None:
    one, other, third = hashes_of(["Where is it?", "where  is it", "where is she"])
    assert one == other != third


def test_margins_and_disagreement() -> None:
    rows = np.array([[0.7, 0.2, 0.1], [0.4, 0.4, 0.2]])
    assert np.allclose(margins_of(rows), [0.5, 0.0])
    assert np.allclose(disagreement(rows, rows[::-1]), [0.3, 0.3])
    assert margins_of(np.ones((2, 1))).tolist() == [1, 1]
