"""What a run directory holds is what was committed first, and resuming is reading it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyarrow import fs

from cluster.store import RequestRef, Store
from generation.errors import Fault, UserError
from generation.location import path_of
from generation.records import ROW_SCHEMA, row_id
from tests.cluster.cases import RUN_ID, add_requests, add_rows, add_verdicts, begin_round, verdict

HASH = "pr0mpt"


def test_an_empty_run(any_store: Store) -> None:
    assert (any_store.exists, any_store.rounds(), any_store.parts(0, "generated")) == (False, [], [])
    assert (any_store.generated(0).schema, any_store.generated(0).num_rows) == (ROW_SCHEMA, 0)
    assert (any_store.requests(0).num_rows, any_store.verdicts(0).num_rows, list(any_store.open_requests(0))) == (
        0,
        0,
        [],
    )
    assert any_store.kept([0, 1]).to_pydict() == {"id": [], "text": [], "label": [], "status": [], "weight": []}


@pytest.mark.parametrize(("content", "reason"), [(None, "it has no run.json"), ("{", "its run.json is no JSON")])
def test_no_run_directory(any_store: Store, content: str | None, reason: str) -> None:
    if content:
        any_store.write_text("run.json", content)
    with pytest.raises(UserError) as caught:
        any_store.run()
    assert str(caught.value) == f"{any_store.root}: not a run directory ({reason})"


def test_json(any_store: Store) -> None:
    any_store.write_json("run.json", {"name": "ä"})
    any_store.write_json("rounds/000/round.json", [1])
    any_store.write_json("rounds/000/round.json", [2])
    assert (any_store.exists, any_store.run(), any_store.rounds()) == (True, {"name": "ä"}, [0])
    assert any_store.read_json("rounds/000/round.json") == [2]
    assert any_store.read_json("rounds/001/round.json") is None
    selector = fs.FileSelector(path_of(any_store.folder(0)))
    assert [info.base_name for info in any_store.filesystem.get_file_info(selector)] == ["round.json"]


def test_rounds_beyond_a_thousand_stay_in_order(any_store: Store) -> None:
    for number in (1000, 2, 999):
        begin_round(any_store, {"pos": 1}, number)
    any_store.write_text("rounds/007/notes", "without round.json it has not begun")
    assert any_store.rounds() == [2, 999, 1000]


def test_open_requests_are_planned_ones_without_rows(any_store: Store) -> None:
    add_requests(any_store, ["pos-0", "neg-0", "pos-1"], samples=2)
    add_requests(any_store, ["neg-1"], wave=1, samples=3)
    first, second = any_store.parts(0, "requests")
    refs = [
        RequestRef("pos-0", first, 0, 2, 10, HASH),
        RequestRef("neg-0", first, 1, 2, 10, HASH),
        RequestRef("pos-1", first, 2, 2, 10, HASH),
        RequestRef("neg-1", second, 0, 3, 10, HASH),
    ]
    assert [Path(path).name for path in (first, second)] == ["part-w000.parquet", "part-w001.parquet"]
    assert list(any_store.request_refs(0)) == list(any_store.open_requests(0)) == refs
    add_rows(any_store, ["neg-0", "neg-1"], samples=2)
    assert list(any_store.open_requests(0)) == [refs[0], refs[2]]
    add_rows(any_store, ["pos-0", "pos-1"], "e1", samples=2)
    assert list(any_store.open_requests(0)) == []
    assert list(any_store.open_requests(1)) == []


def test_a_request_committed_twice_counts_from_the_first_part(any_store: Store) -> None:
    add_rows(any_store, ["pos-0", "pos-1"], "d0002-e0", samples=2)
    add_rows(any_store, ["pos-1", "pos-2"], "d0001-e0", samples=2)
    taken = any_store.generated(0, ["text"])["text"].to_pylist()
    assert taken == [
        "d0001-e0 pos-1 0",
        "d0001-e0 pos-1 1",
        "d0001-e0 pos-2 0",
        "d0001-e0 pos-2 1",
        "d0002-e0 pos-0 0",
        "d0002-e0 pos-0 1",
    ]
    ids = any_store.generated(0)["id"].to_pylist()
    assert len(ids) == len(set(ids)) == 6
    assert any_store.generated(0, ["id", "text"]).column_names == ["id", "text"]
    assert any_store.generated(0, ["request_id"])["request_id"].to_pylist() == [name.split()[1] for name in taken]


def test_the_newest_verdict_holds(any_store: Store) -> None:
    add_verdicts(any_store, [verdict("pos-0"), verdict("pos-1")], "b")
    add_verdicts(any_store, [verdict("pos-0", "rejected", revision=2), verdict("pos-2")], "a")
    held = {row["id"]: row["status"] for row in any_store.verdicts(0).to_pylist()}
    names = {"pos-0": "rejected", "pos-1": "accepted", "pos-2": "accepted"}
    assert held == {row_id(name, 0): status for name, status in names.items()}


def test_kept_rows_have_their_final_label(any_store: Store) -> None:
    for round_ in (0, 1):
        add_rows(any_store, [f"pos-{round_}{index}" for index in range(5)], round_=round_)
        statuses = ("accepted", "rejected", "relabelled", "held", "surplus")
        verdicts = [verdict(f"pos-{round_}{index}", status) for index, status in enumerate(statuses)]
        verdicts[2]["label"] = "neg"
        add_verdicts(any_store, verdicts, round_=round_)
    kept = any_store.kept([0, 1])
    found = {(row["text"], row["label"], row["status"]) for row in kept.to_pylist()}
    assert found == {
        ("e0 pos-00 0", "pos", "accepted"),
        ("e0 pos-02 0", "neg", "relabelled"),
        ("e0 pos-10 0", "pos", "accepted"),
        ("e0 pos-12 0", "neg", "relabelled"),
    }
    assert kept.column_names == ["id", "text", "label", "status", "weight"]
    first = any_store.kept([0])["id"].to_pylist()
    assert first == sorted(first)
    assert any_store.kept([0, 1]).equals(kept)


def test_a_part_is_never_replaced(any_store: Store) -> None:
    add_rows(any_store, ["pos-0"])
    with pytest.raises(FileExistsError):
        any_store.commit(0, "generated", "e0", any_store.generated(0), RUN_ID)


def test_a_fence_is_asked_before_each_write(any_store: Store) -> None:
    def fence() -> None:
        raise Fault("no longer ours")

    any_store.write_json("run.json", {})
    any_store.fence = fence
    with pytest.raises(Fault, match="no longer ours"):
        any_store.write_json("run.json", {"changed": True})
    with pytest.raises(Fault, match="no longer ours"):
        add_rows(any_store, ["pos-0"])
    assert (any_store.run(), any_store.parts(0, "generated")) == ({}, [])


def test_it_opens_elsewhere_by_its_address(any_store: Store) -> None:
    add_rows(any_store, ["pos-0"])
    assert Store(any_store.address).parts(0, "generated") == any_store.parts(0, "generated")
