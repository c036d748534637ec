"""One row's story, told exactly, of a run made by hand; its student is a function."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from cluster.audit.lots import open_lot
from cluster.dataset import materialise
from cluster.evidence.formats import check_format
from cluster.evidence.lineage import children_of, find_row
from cluster.evidence.trace_text import render_trace
from cluster.evidence.tracing import trace
from cluster.feed.picks import PICKS
from cluster.feed.record import write_table
from cluster.promotion import promote
from cluster.store import Store
from generation.errors import UserError
from generation.records import requests_table, row_id, rows_table
from generation.task import Example
from tests.cluster.audit.cases import edit, make_run, say
from tests.cluster.cases import RUN_ID, add_requests, add_verdicts, begin_round, verdict
from tests.cluster.test_cli_errors import labelmill

SEEDS = [{"id": "s1", "text": "what a day", "label": "pos", "line": 1}]
FIRST = row_id("pos-0.0", 0)


@pytest.fixture
def made(store: Store) -> Store:
    make_run(store, rows=6)
    store.write_json("seeds.json", SEEDS)
    add_requests(store, ["pos-0.0", "neg-0.1"])
    return store


def two_rows(store: Store, *ids: str) -> None:
    begin_round(store, {"pos": 1})
    store.commit(0, "generated", "e0", rows_table([{"id": id, "request_id": id} for id in ids]), RUN_ID)


def test_a_generated_row(made: Store) -> None:
    told = trace(made, FIRST[:6])
    assert {name: told[name] for name in ("id", "round", "wave", "source", "text", "label", "status")} == {
        **{"id": FIRST, "round": 0, "wave": 0, "source": "generated"},
        **{"text": "e0 pos-0.0 0", "label": "pos", "status": "accepted"},
    }
    assert told["made"] == {
        **{"sampling": {"min_p": 0.05, "seed": 7.0}, "finish_reason": "stop"},
        **{"prompt_tokens": 3, "output_tokens": 2, "mean_logprob": -0.5},
    }
    assert told["request"]["request_id"] == "pos-0.0"
    assert told["parents"] == [
        {"id": "s1", "kind": "seed", "label": "pos", "text": "what a day"},
        {"id": "s2", "kind": "unknown", "label": None, "text": None},
    ]
    assert told["versions"] == ["v000"] and told["lots"] == [] and told["student"] is None
    assert [(each["revision"], each["scores"]) for each in told["verdicts"]] == [(1, {"judge_confidence": 0.55})]


def test_why_a_row_of_a_pool_was_picked(made: Store) -> None:
    row = {
        "id": "p0",
        "request_id": "p0",
        "source": "pool",
        "text": "so glad",
        "engine": "feeds/000/",
        "method": "feed",
    }
    made.commit(0, "generated", "feeds-000", rows_table([row]), RUN_ID)
    assert trace(made, "p0")["pick"] is None  # as in a fork, which has no feeds
    pick = {"id": "p0", "text": "so glad", "why": "uncertain", "file": "pool.parquet", "row": 12, "margin": 0.03125}
    write_table(made, "feeds/000/picks.parquet", pa.Table.from_pylist([pick], PICKS))
    told = trace(made, "p0")
    assert told["pick"] is not None and told["pick"] == {
        **{"feed": "feeds/000"},
        **{name: pick.get(name) for name in PICKS.names if name not in ("id", "text", "hash")},
    }
    lines = render_trace(told).split("\n")
    assert {"picked by feeds/000", "  why                uncertain", "  margin             0.03125"} <= set(lines)
    assert trace(made, FIRST)["pick"] is None


def test_what_people_said_and_what_held_before(made: Store) -> None:
    say(made, FIRST, "corrected", label="neg")
    told = trace(made, FIRST)
    last = told["verdicts"][-1]
    assert (told["label"], told["status"], last["person"]) == ("neg", "relabelled", "ann")
    assert (last["at"], last["before"]) == ("2026-01-02T00:00:00+00:00", {"status": "accepted", "label": "pos"})
    lines = render_trace(told)
    assert "label      neg (relabelled, asked for as pos)" in lines
    assert "     by ann, before: accepted as pos" in lines


def test_a_row_that_people_wrote_and_the_one_it_replaces(made: Store) -> None:
    new = edit(made, FIRST, "what a fine day", "pos")
    told = trace(made, new)
    assert (told["source"], told["request"]) == ("human", None)
    assert told["parents"] == [{"id": FIRST, "kind": "row", "label": "pos", "text": "e0 pos-0.0 0"}]
    old = trace(made, FIRST)
    assert old["children"] == [new] and old["verdicts"][-1]["survivor"]["text"] == "what a fine day"


def test_a_row_that_stood_for_a_seed_is_found_by_its_text(made: Store) -> None:
    begin_round(made, {"pos": 1}, 1)
    shown = Example("e0 pos-0.0 0", "pos").id
    child = {"id": "c1", "request_id": "r", "round": 1, "source": "generated", "text": "x", "label": "pos"}
    made.commit(1, "generated", "e0", rows_table([child | {"seed_ids": [shown, FIRST]}]), RUN_ID)
    told = trace(made, "c1")
    assert [(each["id"], each["kind"]) for each in told["parents"]] == [(FIRST, "row"), (FIRST, "row")]
    assert [each["id"] for each in children_of(made, {shown})] == ["c1"]
    assert trace(made, FIRST)["children"] == ["c1"]


def test_the_prompt_is_shown_line_by_line_and_what_hides_in_it_by_name(made: Store) -> None:
    request = {"request_id": "odd", "round": 0, "wave": 1, "label": "pos", "form": "completion", "padding": 3}
    made.commit(0, "requests", "w001", requests_table([request | {"prompt": "1. a\u202eb\n2."}]), RUN_ID)
    row = {"id": "odd", "request_id": "odd", "round": 0, "wave": 1, "source": "generated", "text": "\x1b[2J"}
    made.commit(0, "generated", "e1", rows_table([row]), RUN_ID)
    lines = render_trace(trace(made, "odd")).split("\n")
    start = lines.index("prompt of request odd (completion, after 3 line breaks)")
    assert lines[start + 1 : start + 3] == ["  | 1. a⟨U+202E⟩b", "  | 2."]
    assert "text       ⟨U+001B⟩[2J" in lines and "no verdict yet" in lines


def test_the_student_that_the_run_stands_for_is_asked(made: Store) -> None:
    for number in (0, 1):
        begin_round(made, {"pos": 1}, number)
    (made.root / "rounds/000/student").mkdir(parents=True)
    (made.root / "rounds/001/student").mkdir(parents=True)
    told = trace(made, FIRST, lambda folder, row: {"label": row["text"][:2], "confidence": 0.5})
    assert told["student"] == {"round": 1, "label": "e0", "confidence": 0.5}
    assert "student    of round 1: e0 (0.500)" in render_trace(told)
    promote(made, 0)
    assert trace(made, FIRST, lambda folder, row: {"confidence": 0.5})["student"]["round"] == 0


def test_the_versions_and_lots_that_hold_it(made: Store) -> None:
    lot = open_lot(made)
    materialise(made, 0, RUN_ID, lot=3)
    told = trace(made, lot.sample[0].id)
    assert (told["versions"], told["lots"]) == (["v000", "v000-lot003"], [0])


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [("", "ID: must not be empty"), ("zz", "no row has an id that begins with 'zz'"), ("a", "2 rows have ids that")],
)
def test_unknown_and_ambiguous_ids(store: Store, prefix: str, problem: str) -> None:
    two_rows(store, "ab", "ac")
    with pytest.raises(UserError, match=problem):
        find_row(store, prefix)


def test_a_whole_id_is_found_though_another_begins_with_it(store: Store) -> None:
    two_rows(store, "ab", "abc")
    assert find_row(store, "ab").id == "ab"


def test_the_command(made: Store, tmp_path: Path) -> None:
    add_verdicts(made, [verdict("pos-0.0", "rejected", revision=2, reason="seed_copy")], "w001")
    done = labelmill(tmp_path, ["trace", "run", FIRST[:8], "--format", "json"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdicts"][-1]["reason"] == "seed_copy"
    with pytest.raises(UserError, match="--format: must be one of text, json; got 'xml'"):
        check_format("xml", ("text", "json"))
