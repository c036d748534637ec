"""How lots end, and what goes back to be made anew."""

from __future__ import annotations

import pytest

from cluster.audit.findings import read_findings
from cluster.audit.lots import Lot, decision_of, open_lot, released_version
from cluster.audit.release import release, settle, strata_to_hold
from cluster.dataset import newest_version, read_dataset, training_rows
from cluster.rounds import Round, current_round
from cluster.store import Store
from denoise.audit.estimates import Stratum
from generation.errors import UserError
from tests.cluster.audit.cases import edit, judge, make_run, say
from tests.cluster.cases import config


@pytest.fixture
def lot(store: Store) -> Lot:
    make_run(store)
    return open_lot(store)


def doubtful_negatives(lot: Lot) -> list[str]:
    return [row.id for row in lot.sample if row.stratum == "neg/doubtful"]


def test_an_open_lot_releases_nothing(store: Store, lot: Lot) -> None:
    judge(store, lot, most=10)
    with pytest.raises(UserError, match=r"lot 0 is open: 10 rows checked, about \d\d are left"):
        release(store)
    assert settle(store, lot, read_findings(store, lot).decision) is None
    assert (decision_of(store, 0), released_version(store), newest_version(store)) == (None, None, "v000")


def test_a_lot_that_passes_is_released_with_what_people_found(store: Store, lot: Lot) -> None:
    wrong, moved = lot.sample[3].id, lot.sample[5]
    label = "neg" if moved.stratum.startswith("pos") else "pos"
    judge(store, lot, bad=[wrong])
    say(store, moved.id, "corrected", label=label, at=99, scores={"defect": 0.0, "seconds": 1.0})
    folder, decision = release(store)
    assert (folder.name, decision["state"], decision["held"]) == ("v000-lot000", "passed", {})
    assert released_version(store) == newest_version(store) == "v000-lot000"
    rows = {row["id"]: row for row in read_dataset(store).to_pylist()}
    assert len(rows) == 599
    assert wrong not in rows
    assert (rows[moved.id]["label"], rows[moved.id]["status"], rows[moved.id]["weight"]) == (label, "relabelled", 1.0)
    assert read_dataset(store, "v000").num_rows == 600
    assert release(store) == (folder, decision)


def test_rows_that_people_made_belong_to_the_dataset(store: Store, lot: Lot) -> None:
    judge(store, lot)
    old = lot.sample[0]
    new = edit(store, old.id, "written by a person", old.stratum.split("/")[0])
    release(store)
    rows = {row["id"]: row for row in read_dataset(store).to_pylist()}
    assert (rows[new]["text"], rows[new]["source"], rows[new]["weight"]) == ("written by a person", "human", 1.0)
    assert old.id not in rows
    assert new in store.kept([0])["id"].to_pylist()
    assert new in training_rows(store, [0])["id"].to_pylist()
    assert store.generated(0).num_rows == 600


def test_a_failed_lot_goes_back(store: Store, lot: Lot) -> None:
    bad = doubtful_negatives(lot)
    judge(store, lot, bad=bad)
    folder, decision = release(store)
    assert (decision["state"], folder.name) == ("failed", "v000-lot000")
    assert released_version(store) is None
    seen = decision["labels"]["neg"]
    assert seen["defects"] == len(bad) and decision["labels"]["pos"]["defects"] == 0
    held = [row for row in store.verdicts(0).to_pylist() if row["reason"] == "lot_failed"]
    assert list(decision["held"]) == ["neg/doubtful"]
    assert len(held) == sum(decision["held"].values())
    assert {row["status"] for row in held} == {"held"}
    judged = {row.id for row in lot.sample}
    assert judged.isdisjoint(row["id"] for row in held)  # what people judged stays as they said
    assert read_dataset(store).num_rows == 600 - len(held) - len(bad)
    assert release(store) == (folder, decision)
    assert len([row for row in store.verdicts(0).to_pylist() if row["reason"] == "lot_failed"]) == len(held)


def test_quotas_open_again_after_a_failed_lot_and_only_then(store: Store, lot: Lot) -> None:
    settings = config(quota=300)
    assert current_round(store, settings) is None
    bad = doubtful_negatives(lot)
    judge(store, lot, bad=bad)
    assert current_round(store, settings) is None
    _, decision = release(store)
    missing = {"pos": 0, "neg": len(bad)}
    for name, count in decision["held"].items():
        missing[name.split("/")[0]] += count
    assert current_round(store, settings) == Round(1, missing, 300, None)


def test_the_next_lot_is_tightened_and_a_pass_ends_that(store: Store, lot: Lot) -> None:
    judge(store, lot, bad=doubtful_negatives(lot))
    release(store)
    second = open_lot(store)
    assert (second.number, second.version, second.tightened, second.assurance.consumer) == (1, "v000-lot000", 1, 0.025)
    assert second.plan.accepts(0.08) <= 0.025
    assert {row.id for row in lot.sample}.isdisjoint(row.id for row in second.sample)
    judge(store, second)
    folder, _ = release(store)
    assert released_version(store) == folder.name == "v000-lot001"
    make_run(store, 40, round_=1)
    third = open_lot(store)
    assert (third.number, third.version, third.tightened) == (2, "v001", 0)


def test_a_lot_that_ends_late_leaves_the_newest_version(store: Store, lot: Lot) -> None:
    make_run(store, 40, round_=1)
    judge(store, lot)
    release(store)
    assert (released_version(store), newest_version(store)) == ("v000-lot000", "v001")


def test_what_is_held_is_what_cannot_be_chance() -> None:
    strata = {
        "a/sure": Stratum(100, 20, 0),
        "a/doubtful": Stratum(100, 20, 6),
        "b/sure": Stratum(100, 20, 0),
        "b/doubtful": Stratum(100, 20, 0),
    }
    assert strata_to_hold(strata, 0.08) == ["a/doubtful"]
    assert strata_to_hold(strata, 0.02) == ["a/doubtful"]  # without it neither its label nor its confidence fails
    thin = {**strata, "a/sure": Stratum(100, 9, 1), "a/doubtful": Stratum(100, 9, 1)}
    assert strata_to_hold(thin, 0.02) == ["a/doubtful", "a/sure"]  # a label as a whole
    spread = {name: Stratum(100, 10, 1) for name in strata} | {"b/doubtful": Stratum(100, 10, 2)}
    assert strata_to_hold(spread, 0.2) == ["a/doubtful", "b/doubtful"]  # none alone: the worse confidence
    assert strata_to_hold({"a/b": Stratum(9, 9, 1), "c": Stratum(9, 9, 0)}, 0.2) == ["a/b"]  # a label with a slash
