from __future__ import annotations

import pyarrow as pa
import pytest

from denoise.waterfall import Step, waterfall
from generation.records import verdicts_table
from tests.denoise.cases import rows


def verdicts(*given: tuple[str, int, str, str | None]) -> pa.Table:
    return verdicts_table(
        {"id": i, "revision": n, "status": status, "reason": reason} for i, n, status, reason in given
    )


ROWS = rows(
    {"id": "r1", "intended_label": "b"},
    {"id": "r2", "intended_label": "a"},
    {"id": "r3", "intended_label": "a"},
    {"id": "r4", "intended_label": None},
)
FIRST = [
    ("r1", 0, "rejected", "too_short"),
    ("r2", 0, "accepted", None),
    ("r3", 0, "rejected", "too_short"),
    ("r4", 0, "rejected", "judge_unsure"),
]


def test_counts_by_label_status_and_reason() -> None:
    steps = waterfall(ROWS, verdicts(*FIRST))
    assert steps == [
        Step(None, "rejected", "judge_unsure", 1),
        Step("a", "accepted", None, 1),
        Step("a", "rejected", "too_short", 1),
        Step("b", "rejected", "too_short", 1),
    ]
    assert sum(step.count for step in steps) == ROWS.num_rows


def test_the_latest_revision_counts() -> None:
    steps = waterfall(ROWS, verdicts(("r3", 1, "accepted", None), *FIRST))
    assert Step("a", "accepted", None, 2) in steps
    assert sum(step.count for step in steps) == ROWS.num_rows


def test_no_rows() -> None:
    assert waterfall(rows(), verdicts()) == []


def test_what_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValueError, match="no verdict on 1 ids, first r1"):
        waterfall(ROWS, verdicts(*FIRST[1:]))
    with pytest.raises(ValueError, match="several verdicts of one revision on 1 ids, first r1"):
        waterfall(ROWS, verdicts(*FIRST, FIRST[0]))
    with pytest.raises(ValueError, match="no row for the verdict on 1 ids, first r9"):
        waterfall(ROWS, verdicts(*FIRST, ("r9", 0, "accepted", None)))
    with pytest.raises(ValueError, match="rows repeat 4 ids, first r1"):
        waterfall(pa.concat_tables([ROWS, ROWS]), verdicts(*FIRST))
