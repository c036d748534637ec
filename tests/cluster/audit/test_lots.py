"""Drawing lots."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from cluster.audit.lots import current_lot, lot_numbers, open_lot, read_lot
from cluster.audit.noted import noted_assurance
from cluster.audit.release import release
from cluster.journal import Journal
from cluster.store import Store
from denoise.audit.assurance import Assurance
from generation.errors import UserError
from generation.records import row_id
from tests.cluster.audit.cases import judge, make_run, say


def test_a_lot_is_drawn_once_and_read_again(any_store: Store) -> None:
    make_run(any_store)
    lot = open_lot(any_store)
    assert (lot.number, lot.version, lot.size, lot.tightened) == (0, "v000", 600, 0)
    assert (lot.assurance, lot.plan.cap, len(lot.sample)) == (Assurance(), 130, 130)
    assert [row.order for row in lot.sample] == list(range(130))
    assert all(row.decides for row in lot.sample)
    assert 0 < sum(row.second for row in lot.sample) < 40
    assert lot.strata == {"pos/sure": 200, "pos/doubtful": 100, "neg/sure": 200, "neg/doubtful": 100}
    drawn = Counter(row.stratum for row in lot.sample)
    assert all(row.inclusion == drawn[row.stratum] / lot.strata[row.stratum] for row in lot.sample)
    assert open_lot(any_store, Assurance(accept=0.01)) == lot == current_lot(any_store) == read_lot(any_store, 0)


def test_the_same_run_draws_the_same_rows(store: Store, tmp_path: Path) -> None:
    make_run(store)
    shutil.copytree(store.root, tmp_path / "other")
    assert open_lot(store) == open_lot(Store(tmp_path / "other"))


def test_rows_that_people_judged_are_not_in_the_lot(store: Store) -> None:
    make_run(store, 50)
    say(store, row_id("pos-0.0", 0), "confirmed")
    say(store, row_id("neg-0.1", 0), "discarded")
    say(store, row_id("pos-0.2", 0), "confirmed")
    say(store, row_id("pos-0.2", 0), "undone")
    lot = open_lot(store, Assurance(accept=0.001, reject=0.02))
    assert lot.size == 48
    ids = {row.id for row in lot.sample}
    assert ids.isdisjoint({row_id("pos-0.0", 0), row_id("neg-0.1", 0)})


def test_strata_are_filled_behind_the_rows_that_decide(store: Store) -> None:
    make_run(store)
    lot = open_lot(store, Assurance(floor=60))
    counts = Counter(row.stratum for row in lot.sample)
    assert min(counts.values()) == 60
    assert [row.decides for row in lot.sample] == [True] * 130 + [False] * (len(lot.sample) - 130)


def test_extra_rows_are_sought_where_most_is_doubted(store: Store) -> None:
    make_run(store)
    lot = open_lot(store, Assurance(extra=40))
    more = [row for row in lot.sample if not row.decides]
    assert (len(lot.sample), len(more)) == (170, 40)
    assert sum("doubtful" in row.stratum for row in more) == 39  # 200 rows at .45, 400 at .05
    drawn = Counter(row.stratum for row in lot.sample)
    assert all(row.inclusion == drawn[row.stratum] / lot.strata[row.stratum] for row in lot.sample)


def test_without_a_judge_strata_are_labels(store: Store) -> None:
    make_run(store, 3)  # all three have their own doubt, but the third that is most doubtful is one row
    assert open_lot(store).strata == {"pos/doubtful": 1, "pos/sure": 1, "neg/sure": 1}


def test_a_run_remembers_the_assurance_last_asked_for(store: Store) -> None:
    make_run(store, 20)
    assert noted_assurance(store) == Assurance()
    wanted = Assurance(accept=0.01, reject=0.1, plan="fixed")
    Journal(store.root, lambda line: None).note("assurance", **wanted.model_dump())
    assert noted_assurance(store) == wanted
    assert open_lot(store).assurance == wanted


def test_there_is_nothing_to_draw_from_without_a_dataset_or_after_a_release(store: Store) -> None:
    store.write_json("run.json", {"run_id": "run", "config": {}})
    with pytest.raises(UserError, match="has no dataset yet"):
        open_lot(store)
    assert lot_numbers(store) == []
    make_run(store)
    judge(store, open_lot(store))
    release(store)
    with pytest.raises(UserError, match="v000-lot000 is released: there is nothing to check"):
        open_lot(store)


def test_a_cap_that_no_plan_can_keep_is_refused_before_anything_is_drawn(store: Store) -> None:
    make_run(store)
    with pytest.raises(UserError, match=r"assurance.cap: must be at least 130"):
        open_lot(store, Assurance(cap=20))
    assert lot_numbers(store) == []
