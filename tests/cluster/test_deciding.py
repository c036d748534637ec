"""Whether another round comes, and that raising what stopped a run lets it go on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.audit.findings import read_findings
from cluster.audit.lots import open_lot
from cluster.audit.release import settle
from cluster.audit.standing import audited_noise
from cluster.dataset import materialise
from cluster.deciding import Decision, decide
from cluster.rounds import current_round
from cluster.store import Store
from denoise.audit.assurance import Assurance
from tests.cluster.audit.cases import judge, make_run
from tests.cluster.cases import RUN_ID, begin_round, config, finish_round

FLAT = {"share": 0.0, "low": 0.0, "high": 0.0, "rows": 9, "better": 0, "worse": 0, "over": 0}


def finished(store: Store, number: int, **figures: Any) -> None:
    """A round that met its quota of 3, with what else is said of it."""
    begin_round(store, {"pos": 3, "neg": 3}, number, wanted=3 * (number + 1))
    metrics = {"round": number, "stop_reason": "quota_met", **figures}
    store.write_json(f"rounds/{number:03d}/metrics.json", metrics)


def test_rounds_that_bring_nothing_end_the_run_until_its_patience_grows(store: Store) -> None:
    finished(store, 0)
    finished(store, 1, gain=FLAT)
    once = config(quota=3, rounds=4, stop={"patience": 1})
    why = "in the last round the student's gain may be zero, last +0.0 points [+0.0, +0.0] on 9 rows"
    assert decide(store, 1, once) == Decision(None, "patience", why)
    assert decide(store, 1, once).setting == "stop.patience"
    assert current_round(store, once) is None
    assert decide(store, 1, config(quota=3, rounds=4, stop={"patience": 2})) == Decision(9)
    assert decide(store, 1, config(quota=3, rounds=4)) == Decision(9)


def test_a_clean_dataset_and_one_without_news_end_it(store: Store) -> None:
    finished(store, 0, noise={"share": 0.015, "low": 0.0, "high": 0.1}, new_clusters=0.04)
    assert decide(store, 0, config(quota=3, rounds=2, stop={"noise": "2%"})) == Decision(
        None, "noise", "1.5% wrong labels are estimated (the judge), 2.0% are enough"
    )
    assert decide(store, 0, config(quota=3, rounds=2, stop={"noise": "1%"})) == Decision(6)
    assert decide(store, 0, config(quota=3, rounds=2, stop={"new_clusters": "5%"})).stop == "new_clusters"
    assert decide(store, 0, config(quota=3, rounds=2, stop={"new_clusters": "3%"})) == Decision(6)


def test_all_rounds_are_made(store: Store) -> None:
    finished(store, 0, gain=FLAT)
    told = decide(store, 0, config(quota=3, stop={"patience": 1}))
    assert told == Decision(None, "rounds", "all rounds are made")
    assert told.setting == "quota or rounds"


def test_hours_end_it_until_there_are_more(store: Store) -> None:
    finished(store, 0)
    events = [{"at": 0, "kind": "driver"}, {"at": 5400, "kind": "line"}]
    (store.root / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    assert decide(store, 0, config(quota=3, rounds=2, stop={"hours": 1.5})) == Decision(
        None, "hours", "1.50 of 1.5 hours are spent"
    )
    assert decide(store, 0, config(quota=3, rounds=2, stop={"hours": 1.6})) == Decision(6)


def test_what_the_hours_cut_off_comes_first(store: Store) -> None:
    begin_round(store, {"pos": 3, "neg": 3}, hours=0.5)
    finish_round(store, stop_reason="hours")
    assert decide(store, 0, config(quota=3, rounds=2, stop={"hours": 0.5})) == Decision(
        None, "hours", "the hours are spent"
    )
    assert decide(store, 0, config(quota=3, rounds=2, stop={"hours": 2})) == Decision(3)
    assert decide(store, 0, config(quota=3, rounds=2)) == Decision(3)


@pytest.mark.parametrize(("bad", "state"), [(0, "passed"), (40, "failed")])
def test_people_s_word_counts_before_the_judge_s(store: Store, bad: int, state: str) -> None:
    make_run(store)
    store.write_json("rounds/000/metrics.json", {"stop_reason": "quota_met", "noise": {"share": 0.3}})
    stop = config(quota=300, rounds=2, stop={"noise": "2%"})
    assert decide(store, 0, stop) == Decision(600)
    lot = open_lot(store, Assurance())
    judge(store, lot, bad=[row.id for row in lot.sample[:bad]])
    assert audited_noise(store) and not audited_noise(store, ended=True)
    assert decide(store, 0, stop) == Decision(600)  # it has not ended
    decision = settle(store, lot, read_findings(store, lot).decision)
    assert decision is not None and decision["state"] == state
    (found,) = audited_noise(store, ended=True)
    assert (found["share"] == 0.0) is (bad == 0)
    expected = Decision(None, "noise", "0.0% wrong labels are estimated (people's audit), 2.0% are enough")
    assert decide(store, 0, stop) == (Decision(600) if bad else expected)


def test_a_lot_of_a_version_with_rows_of_pools_counts_for_the_round_before(store: Store) -> None:
    make_run(store)
    store.write_json("rounds/000/metrics.json", {"stop_reason": "quota_met", "noise": {"share": 0.3}})
    begin_round(store, {"pos": 0, "neg": 0}, 1, wanted=300, fed=True)
    finish_round(store, 1, "fed")
    materialise(store, 1, RUN_ID)
    stop = config(quota=300, rounds=2, stop={"noise": "2%"})
    assert decide(store, 1, stop) == Decision(600)
    lot = open_lot(store, Assurance())
    judge(store, lot)
    settle(store, lot, read_findings(store, lot).decision)
    assert lot.version == "v001" and decide(store, 1, stop).stop == "noise"
