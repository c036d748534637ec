from __future__ import annotations

import shutil

import pyarrow as pa
import pytest

from cluster.known import known_rows
from cluster.store import Store
from denoise.sketch import know
from generation.errors import Fault
from generation.location import path_of
from generation.parts import list_parts
from generation.records import row_id
from tests.cluster.cases import RUN_ID, add_rows, add_verdicts, begin_round, verdict


def keep(store: Store, round_: int, *names: str) -> None:
    begin_round(store, {"pos": 9}, round_)
    add_rows(store, names, round_=round_)
    add_verdicts(store, [verdict(name) for name in names], round_=round_)


def known(store: Store) -> list[dict]:
    return known_rows(store, RUN_ID).sort_by("id").to_pylist()


def as_read(*names: str) -> list[dict]:
    """What is read off rows of `add_rows`."""
    ids, texts = [row_id(name, 0) for name in names], [f"e0 {name} 0" for name in names]
    return know(pa.table({"id": ids, "text": texts})).sort_by("id").to_pylist()


def parts(store: Store) -> list[str]:
    (folder,) = (store.root / "index").iterdir()
    return [path.rsplit("/", 1)[1][:8] for path in list_parts(store.filesystem, path_of(folder))]


def test_what_is_known_of_kept_rows(store: Store) -> None:
    assert known(store) == []
    keep(store, 0, "pos-0", "pos-1")
    assert known(store) == as_read("pos-0", "pos-1")
    keep(store, 1, "pos-2")
    assert known(store) == as_read("pos-0", "pos-1", "pos-2")
    assert parts(store) == ["part-000", "part-001"]


def test_texts_of_earlier_rounds_are_not_read_again(store: Store) -> None:
    keep(store, 0, "pos-0")
    before = known(store)
    shutil.rmtree(store.root / "rounds" / "000" / "generated")
    assert known(store) == before


def test_the_index_can_be_lost(store: Store) -> None:
    keep(store, 0, "pos-0")
    before = known(store)
    shutil.rmtree(store.root / "index")
    assert known(store) == before


def test_a_row_that_fell_later_does_not_count(store: Store) -> None:
    keep(store, 0, "pos-0", "pos-1")
    known(store)
    add_verdicts(store, [verdict("pos-0", "rejected", revision=2)], "w001")
    assert known(store) == as_read("pos-1")


def test_a_stale_driver_adds_nothing(store: Store) -> None:
    def overtaken() -> None:
        raise Fault("another driver has taken over")

    keep(store, 0, "pos-0")
    store.fence = overtaken
    with pytest.raises(Fault):
        known(store)
    assert not (store.root / "index").exists()
