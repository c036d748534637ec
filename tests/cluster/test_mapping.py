"""The map of a round: which rows are on it, and that they are learnt as they should be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cluster.mapping import MAP_SCHEMA, map_name, map_of, read_map, write_map
from cluster.report_maps import data_map, row_map
from cluster.store import Store
from generation.records import row_id
from generation.task import Example
from tests.cluster.cases import add_rows, add_verdicts, begin_round, verdict

SEEDS = (Example("what a good day", "pos", line=1), Example("so bad", "neg", line=2))


def embed(texts: Sequence[str]) -> np.ndarray:
    """Glad ones and others."""
    glad = np.array(["pos" in text or "good" in text for text in texts], float)
    return np.column_stack([glad, 1 - glad]).astype(np.float32)


def test_kept_rows_those_that_the_judge_dropped_and_seeds(any_store: Store) -> None:
    store = any_store
    for number in (0, 1):
        begin_round(store, {"pos": 2, "neg": 1}, number)
        add_rows(store, [f"pos-{number}{each}" for each in range(4)], round_=number)
        said = [
            verdict(f"pos-{number}0"),
            verdict(f"pos-{number}1", "relabelled", label="neg"),
            verdict(f"pos-{number}2", "rejected", reason="label_disagrees"),
            verdict(f"pos-{number}3", "rejected", reason="too_short"),
        ]
        add_verdicts(store, said, round_=number)
    write_map(store, 1, SEEDS, embed, has_one_label=True)
    found = read_map(store)
    assert found is not None and found.schema.equals(MAP_SCHEMA)
    rows = {row["id"]: row for row in found.to_pylist()}
    shown = {key: (row["label"], row["outcome"], row["round"]) for key, row in rows.items()}
    assert shown == {
        **{seed.id: (seed.label, "seed", None) for seed in SEEDS},
        **{row_id(f"pos-{number}0", 0): ("pos", "kept", number) for number in (0, 1)},
        **{row_id(f"pos-{number}1", 0): ("neg", "moved", number) for number in (0, 1)},
        **{row_id(f"pos-{number}2", 0): ("pos", "lost", number) for number in (0, 1)},
    }
    assert rows[SEEDS[0].id]["x"] == -rows[SEEDS[1].id]["x"] != 0
    easy, wrong = rows[row_id("pos-00", 0)], rows[row_id("pos-01", 0)]
    assert wrong["confidence"] < 0.5 < easy["confidence"]
    write_map(store, 1, (), embed, has_one_label=True)  # one that is there stays
    assert read_map(store) == found
    assert not (store.root / map_name(0)).is_file()


def test_without_single_labels_nothing_is_said_of_learning() -> None:
    rows = [{"id": "a", "text": "pos " * 100, "label": "x", "outcome": "kept", "round": 0}]
    for table in (map_of(rows, embed, False), map_of(rows, embed, True), map_of([], embed, True)):
        assert table["confidence"].null_count == table.num_rows
        assert data_map(table) is None
    assert len(map_of(rows, embed, True)["text"][0].as_py()) == 240


def test_the_map_on_paper() -> None:
    names = ("id", "text", "label", "outcome", "round")
    story = [
        ("a", "pos 1", "pos", "kept", 0), ("b", "pos 2", "pos", "moved", 1), ("c", "pos 3", "pos", "lost", 0),
        ("d", "fog 4", "fog", "kept", 1), ("s", "pos 5", "pos", "seed", None),
    ]  # fmt: skip
    table = map_of([dict(zip(names, each, strict=True)) for each in story], embed, True)
    found = row_map(table, ["neg", "pos"])
    assert found is not None and found.rounds == (0, 1) and found.newest == 1
    assert [(name.label, name.number, name.shape, name.rows) for name in found.names] == [
        ("pos", 1, 1, 3), ("fog", 2, 2, 1),
    ]  # fmt: skip
    assert [(each.number, each.outcome, each.round, len(each.points)) for each in found.groups] == [
        (1, "kept", 0, 1), (1, "kept", 1, 1), (2, "kept", 1, 1), (1, "seed", None, 1),
    ]  # fmt: skip
    assert found.groups[1].points[0].said == "pos 2\npos (round 1, kept under another label)"
    learnt = data_map(table)
    assert learnt is not None
    assert [(group.outcome, len(group.points)) for group in learnt.groups] == [
        ("kept", 2), ("moved", 1), ("lost", 1), ("seed", 1),
    ]  # fmt: skip
    assert {row.text for row in learnt.hard} == {"pos 1", "pos 2", "fog 4"}
    assert learnt.hard[0].confidence <= learnt.hard[-1].confidence
    assert learnt.ticks[-1] == pytest.approx(learnt.widest)
    assert all(52 <= point.x <= 704.01 and 14 <= point.y <= 440 for group in learnt.groups for point in group.points)


def test_many_labels_have_marks_of_their_own() -> None:
    rows = [{"id": str(n), "text": "t", "label": f"l{n:02}", "outcome": "kept", "round": 0} for n in range(64)]
    found = row_map(map_of(rows, embed, False), [])
    assert found is not None
    assert len({(name.shape, name.colour) for name in found.names}) == 64
