"""What the report counts of rows and verdicts: fates, duplicates, samples of few parts, and counts that are kept."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from cluster.report_cache import NAME, kept_or_made
from cluster.report_duplicates import clusters_of, conflicts_of
from cluster.report_fates import fates_of, labels_of, reasons_of
from cluster.report_parts import Parts, rows_of, verdicts_of
from cluster.report_summary import as_json, of_json, summarise
from cluster.store import Store
from generation.records import rows_table, verdicts_table
from tests.cluster.cases import RUN_ID, add_rows, add_verdicts, begin_round, verdict

# id, intended label, status, reason, final label, the row that stands for it
STORY = [
    ("a", "rain", "accepted", None, "rain", None),
    ("b", "rain", "rejected", "exact_duplicate", "rain", "a"),
    ("c", "rain", "rejected", "near_duplicate", "rain", "b"),  # of a copy of a
    ("d", "sun", "rejected", "near_duplicate", "sun", "a"),
    ("e", "sun", "relabelled", "label_disagrees", "fog", None),
    ("f", "fog", "rejected", "exact_duplicate", "fog", "e"),  # is now of its label
    ("g", "sun", "rejected", "exact_duplicate", "sun", "e"),
    ("h", "sun", "held", None, "sun", None),
    ("i", "sun", "rejected", "label_conflict", "sun", "h"),
]


def tables(story: list[tuple[Any, ...]] = STORY) -> tuple[pa.Table, pa.Table]:
    rows = [{"id": each[0], "intended_label": each[1], "text": f"text {each[0]}", "output_tokens": 2} for each in story]
    names = ("id", "status", "reason", "label", "survivor_id")
    said = [dict(zip(names, (each[0], *each[2:]), strict=True)) | {"revision": 0} for each in story]
    return rows_table(rows), verdicts_table(said)


def test_fates_and_their_names() -> None:
    fates = fates_of(*tables())
    assert [fates.outcome(place) for place in (0, 1, 4, 7)] == [
        ("rain", "rain", None),
        ("rain", "rain", "exact duplicate"),
        ("sun", "fog", None),
        ("sun", "sun", "held: no reason given"),
    ]
    assert fates.survivor.tolist() == [-1, 0, 1, 0, -1, 4, 4, -1, 7]
    assert fates.counted()["sun", "sun", "near duplicate"] == 1
    assert reasons_of(fates.counted()) == (
        "exact duplicate", "near duplicate", "label conflict", "held: no reason given",
    )  # fmt: skip
    assert labels_of(["sun", "snow"], fates.counted()) == ("sun", "snow", "fog", "rain")


def test_the_newest_verdict_holds_and_the_first_of_two_rows_counts() -> None:
    rows, verdicts = tables(STORY[:2])
    later, unknown = verdict_of("b", "accepted", 2), verdict_of("z", "accepted", 5)
    before = verdict_of("b", "rejected", 1)
    said = pa.concat_tables([verdicts, verdicts_table([later, unknown, before])])
    fates = fates_of(pa.concat_tables([rows, rows]), said)
    assert fates.counted() == {("rain", "rain", None): 2}
    assert fates.verdict.tolist() == [0, 2, 0, 2]
    assert fates.counts.tolist() == [True, True, False, False]
    nothing = fates_of(rows_table([]), verdicts_table([]))
    assert (len(nothing), nothing.counted(), nothing.lost_as("x").tolist()) == (0, {}, [])
    assert fates_of(rows, verdicts_table([])).counted() == {("rain", "rain", "no verdict yet"): 2}


def verdict_of(key: str, status: str, revision: int) -> dict[str, Any]:
    return {"id": key, "status": status, "label": "rain", "revision": revision}


def test_clusters_follow_copies_of_copies() -> None:
    first, second, third = clusters_of(fates_of(*tables()))
    assert (first.rows, first.exact, first.labels) == (4, 1, {"rain": 3, "sun": 1})
    told = first.told({0: "text a", 2: "text c"})
    assert [(each.place, each.rows, each.label, each.outcome, each.text) for each in told.texts] == [
        (0, 2, "rain", "kept", "text a"),
        (2, 1, "rain", "near duplicate", "text c"),
        (3, 1, "sun", "near duplicate", None),
    ]
    assert (second.rows, second.exact, second.labels) == (3, 2, {"sun": 2, "fog": 1})
    assert [(each.place, each.rows) for each in second.texts] == [(4, 3)]
    assert (third.rows, third.exact) == (2, 0)


def test_conflicts_are_between_the_label_made_for_and_the_label_that_stands() -> None:
    count, pairs = conflicts_of(fates_of(*tables()))
    assert count == 3
    assert [(each.stands, each.copy, each.rows, each.places) for each in pairs] == [
        ("rain", "sun", 1, (0, 3)), ("sun", "sun", 1, (7, 8)), ("fog", "sun", 1, (4, 6)),
    ]  # fmt: skip
    assert pairs[0].told({0: "text a", 3: "text d"}).other == "text d"


def test_parts_are_chosen_by_name_and_only_those_are_read() -> None:
    read: list[tuple[int, Any]] = []
    table = rows_table([{"id": str(number), "text": f"t{number}"} for number in range(6)])

    def load(part: int, columns: Any) -> pa.Table:
        read.append((part, columns))
        return table.slice(2 * part, 2).select(columns or table.column_names)

    parts = Parts(table.select(["id"]), ("x", "y", "z"), np.array([2, 4, 6]), load)
    assert parts.chosen(6).tolist() == [0, 1, 2, 3, 4, 5]
    assert (some := parts.chosen(2).tolist()) in ([0, 1], [2, 3], [4, 5])
    assert parts.chosen(2).tolist() == some and len(parts.chosen(3)) == 4
    assert parts.take(np.array([5, 0, 4]), ["text"])["text"].to_pylist() == ["t5", "t0", "t4"]
    assert [part for part, _ in read[1:]] == [0, 2]
    assert parts.take(np.array([], np.int64)).num_rows == 0
    assert parts.near(np.array([5, 0, 4, 2]), 4).tolist() == [True, True, True, False]


def test_texts_are_of_sampled_rows_and_counts_of_all() -> None:
    rows, verdicts = tables([(f"{n:05}", "rain", "accepted", None, "rain", None) for n in range(30_000)])
    ends = np.arange(5000, 30_001, 5000)

    def load(part: int, columns: Any) -> pa.Table:
        return rows.slice(5000 * part, 5000).select(columns or rows.column_names)

    found = summarise(Parts(rows, tuple("abcdef"), ends, load), Parts.of(verdicts), ["rain"], {})
    assert (found.rows, found.sampled, found.counts) == (30_000, 20_000, {("rain", "rain", None): 30_000})
    assert found.tokens == {"prompt": 0, "output": 60_000}
    assert len(found.samples) == 8


def test_a_summary_is_the_same_from_json() -> None:
    rows, verdicts = tables()
    found = summarise(Parts.of(rows), Parts.of(verdicts), ["rain"], {})
    assert of_json(json.loads(json.dumps(as_json(found)))) == found
    assert found.clusters[0].texts[0].text == "text a"
    assert found.conflict_pairs[2].text == "text e"


def test_counts_are_kept_until_a_part_comes(any_store: Store) -> None:
    store = any_store
    begin_round(store, {"pos": 2})
    add_rows(store, ["pos-0"])
    asked = []

    def make() -> dict[str, Any]:
        asked.append(1)
        return {"rows": rows_of(store).slim.num_rows, "verdicts": verdicts_of(store).slim.num_rows}

    assert kept_or_made(store, make) == kept_or_made(store, make) == {"rows": 1, "verdicts": 0}
    add_verdicts(store, [verdict("pos-0")])
    assert kept_or_made(store, make) == {"rows": 1, "verdicts": 1}
    assert len(asked) == 2
    store.write_text(NAME, "{}")
    assert kept_or_made(store, make)["rows"] == 1 and len(asked) == 3
    people = rows_table([{"id": "p", "text": "t", "intended_label": "pos"}])
    store.commit(0, "people", "p", people, RUN_ID)
    assert kept_or_made(store, make)["rows"] == 2
