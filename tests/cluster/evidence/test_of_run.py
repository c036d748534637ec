"""What a run directory is asked from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.evidence.of_run import Evidence
from cluster.run import Run
from cluster.store import Store
from generation.errors import UserError
from generation.records import row_id
from tests.cluster.audit.cases import make_run
from tests.cluster.cases import add_rows, add_verdicts, verdict


def opened(store: Store) -> Evidence:
    return Run.open(store.root)


def test_the_waterfall_sums_to_what_was_generated(store: Store) -> None:
    make_run(store, rows=6)
    add_rows(store, ["pos-0.6", "pos-0.8", "pos-0.10", "neg-0.7"], "e1")
    told = [
        verdict("pos-0.6", status="rejected", reason="too_short"),
        verdict("pos-0.8", status="relabelled", label="neg"),
        verdict("pos-0.10", status="surplus"),
    ]
    add_verdicts(store, told, "w001")
    table = opened(store).waterfall()
    found: dict[str, dict[str, int]] = {"pos": {}, "neg": {}}
    for row in table.to_pylist():
        found[row["label"]][row["step"]] = row["rows"]
    assert table.column_names == ["label", "step", "rows"]
    assert found == {
        "pos": {
            **{"generated": 6, "too short": 1, "over quota": 1, "no verdict yet": 0},
            **{"kept under another label": 1, "kept": 3},
        },
        "neg": {
            **{"generated": 4, "too short": 0, "over quota": 0, "no verdict yet": 1},
            **{"kept under another label": 0, "kept": 3},
        },
    }


def test_a_row_is_traced_by_the_beginning_of_its_id(store: Store) -> None:
    make_run(store, rows=6)
    told = opened(store).trace(row_id("pos-0.0", 0)[:6], student=False)
    assert (told["id"], told["label"], told["versions"]) == (row_id("pos-0.0", 0), "pos", ["v000"])
    assert told["student"] is opened(store).trace(told["id"])["student"] is None


def test_the_plan_is_the_runs_but_for_what_is_said(store: Store) -> None:
    make_run(store)
    run = opened(store)
    assert run.audit_plan().assurance.model_dump(include={"accept", "reject"}) == {"accept": 0.02, "reject": 0.08}
    changed = run.audit_plan(reject="12%", risk=0.1)
    assert (changed.size, changed.assurance.reject, changed.assurance.consumer_risk) == (600, 0.12, 0.1)
    assert changed.plan.cap < run.audit_plan().plan.cap
    assert run.audit_plan(risk="10%", consumer_risk="2%").assurance.consumer_risk == 0.02


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"consumer_risk": "70%"}, "assurance.consumer_risk: must be less than 0.5; got '70%'"),
        ({"accept": 0.2}, "assurance: accept must be below reject, 0.08; got 0.2"),
        ({"rejct": 0.2}, "assurance.rejct: unknown setting; did you mean 'reject'?"),
    ],
)
def test_a_wrong_plan_is_refused(store: Store, changes: dict[str, Any], message: str) -> None:
    make_run(store, rows=6)
    with pytest.raises(UserError) as caught:
        opened(store).audit_plan(**changes)
    assert str(caught.value) == message


def test_a_form_that_is_not_there_writes_nothing(store: Store, tmp_path: Path) -> None:
    make_run(store, rows=6)
    with pytest.raises(UserError) as caught:
        opened(store).export(tmp_path / "out", "xml")
    assert str(caught.value) == "--format: must be one of hf, jsonl, csv; got 'xml'"
    assert not (tmp_path / "out").exists()
