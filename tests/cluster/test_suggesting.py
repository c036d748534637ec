"""Rows generated ahead, by a fake that answers the plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from cluster.job import Job
from cluster.review.writing.bank import ahead_of, read_bank
from cluster.store import Store
from cluster.suggesting import suggest
from generation.errors import UserError
from generation.records import expected_row_ids, rows_table
from tests.cluster.cases import SEEDS, add_rows, add_verdicts, begin_round, make_job, verdict


@pytest.fixture
def run(store: Store) -> Store:
    store.write_json("run.json", {"run_id": "run"})
    store.write_json("seeds.json", SEEDS)
    begin_round(store, {"pos": 1})
    add_rows(store, ["pos-kept"])
    add_verdicts(store, [verdict("pos-kept")])
    return store


def answering(texts: list[str]) -> Callable[..., tuple[pa.Table, pa.Table]]:
    """Gives each row of a plan the next text."""

    def ask(job: Job, make_plan: Callable[[Job, Store], pa.Table]) -> tuple[pa.Table, pa.Table]:
        plan = make_plan(job, Store("/nowhere"))
        asked = [each for each in plan.to_pylist() for _ in range(each["samples"])]
        shared = {"source": "generated", "round": 0, "wave": 0, "finish_reason": "stop", "mean_logprob": -1.0}
        rows = [
            shared
            | {"id": id, "request_id": each["request_id"], "text": text}
            | {"label": each["label"], "intended_label": each["label"]}
            for id, each, text in zip(expected_row_ids(plan), asked, texts, strict=False)
        ]
        return plan, rows_table(rows)

    return ask


def test_rows_that_no_filter_drops_are_held_and_suggested(run: Store, tmp_path: Path) -> None:
    job = make_job(tmp_path, generation={"samples": 2}, denoise={"min_words": 2})
    texts = ["a very fine day at last", "x", "What a good day!", "it is not nice at all"]
    assert suggest(job, run, 2, answering(texts)) == {"neg": 1, "pos": 1}
    held = {each["id"]: (each["status"], each["reason"]) for each in ahead_of(run).verdicts(0).to_pylist()}
    assert sorted(held.values()) == [
        ("held", "generated_ahead"),
        ("held", "generated_ahead"),
        ("rejected", "copies_seed"),
        ("rejected", "too_short"),
    ]
    assert {(each.case.row["text"], each.is_ahead) for each in read_bank(run, ["pos", "neg"]).values()} == {
        (texts[0], True),
        (texts[3], True),
    }
    assert suggest(job, run, 2, answering([texts[0], "something else is said here"])) == {"pos": 1}
    assert ahead_of(run).rounds() == [0, 1]
    assert ahead_of(run).verdicts(1)["reason"].to_pylist().count("exact_duplicate") == 1
    assert run.generated(0).num_rows == 1  # the run itself has none of it


def test_methods_that_work_on_rounds_make_nothing_ahead(run: Store, tmp_path: Path) -> None:
    job = make_job(tmp_path, generation={"method": "paraphrase"})
    with pytest.raises(UserError, match=r"generation.method: paraphrase works on what rounds have \(kept\)"):
        suggest(job, run, 2)
    assert not (run.root / "suggestions").exists()
