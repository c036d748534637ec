"""A pool on its way into a run."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.checked import may_be_read, may_be_shown
from cluster.dataset import materialise, read_dataset, training_rows
from cluster.feed.opening import feed
from cluster.feed.picks import PICKS, pick_id
from cluster.feed.pool import Wish
from cluster.feed.queue import open_queue
from cluster.feed.record import feed_to_do, read_table, refuse_half_joined, summary_of
from cluster.feed.telling import render
from cluster.job import Job
from cluster.rounds import current_round, fed_round
from cluster.status import read_status, render_status
from cluster.store import Store
from generation.errors import UserError
from generation.kinds.pair import join
from tests.cluster.cases import finish_round
from tests.cluster.feed.cases import ABROAD, ANSWER, POOL, TRUE, as_item, feed_here, make_run, make_student
from tests.training.cases import SEEDS

FEED = {"take": 8, "uncertain": 0.5, "disagrees": 0.0, "novel": 0.25, "random": 0.25, "people": 1, "noise": 0.2}


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feeding") / "student"
    make_student(folder)
    return folder


@pytest.fixture
def run(student: Path, tmp_path: Path) -> tuple[Job, Store]:
    return make_run(tmp_path, student, feed=FEED)


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """The unseen texts and three of no label, a seed in other words' clothes, a test row and a blank one."""
    texts = [*POOL, *ABROAD, SEEDS[0][0].upper() + "!", "Does it snow on Monday?", " ", POOL[0]]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps({"text": text, "source": "mail"}) + "\n" for text in texts))
    return tmp_path / "pool.jsonl"


def labels_of(store: Store, round_: int) -> dict[str, Any]:
    """Text -> final label of the rows of a pool that are kept."""
    kept = store.kept([round_])
    return dict(zip(kept["text"].to_pylist(), kept["label"].to_pylist(), strict=True))


def dies(spec: object) -> Any:
    """As if killed when the LM is to be asked."""
    raise KeyboardInterrupt


def test_a_feed_brings_rows_that_the_next_student_learns(run: tuple[Job, Store], pool: Path) -> None:
    job, store = run
    summary = feed_here(job, store, pool)
    assert summary["states"] == {"open": 9, "known": 1, "test": 1, "blank": 1, "repeated": 1}
    assert (summary["round"], summary["rows"], sum(summary["picked"].values())) == (1, 13, 8)
    parts = ("joined", "for_people", "waiting", "out_of_scope")
    assert sum(summary[name] for name in parts) == 8
    kept = labels_of(store, 1)
    assert len(kept) == summary["joined"] >= 4
    assert all(TRUE[text] == label for text, label in kept.items())
    now = current_round(store, job.config, job.shown.label_names)
    assert now is not None and (now.number, now.fed, sum(now.targets.values())) == (1, True, 0)
    assert {row["source"] for row in store.generated(1).to_pylist()} == {"pool"}
    assert set(kept) < set(training_rows(store, [0, 1])["text"].to_pylist())
    materialise(store, 1, job.run_id)
    assert Counter(read_dataset(store)["source"].to_pylist()) == {"generated": 3, "pool": len(kept)}
    status = read_status(store)
    assert f"pools: {summary['joined']} rows joined of 13 in 1 feed; 1 for people" in render_status(status)
    assert f"joined    {summary['joined']}, " in render(summary, "run")


def test_pairs_are_fed_as_two_columns(tmp_path: Path) -> None:
    make_student(tmp_path / "student", "pair")
    job, store = make_run(tmp_path, tmp_path / "student", feed=FEED, kind="pair")
    items = [as_item(text, "pair") for text in [*POOL, SEEDS[0][0]]]
    items += [{"text_a": "no second text", "text_b": " "}, {"text_a": "cut ||| twice", "text_b": ANSWER}]
    pq.write_table(pa.Table.from_pylist(items), tmp_path / "pool.parquet")
    summary = feed_here(job, store, tmp_path / "pool.parquet", {join(text, ANSWER): TRUE[text] for text in POOL})
    assert summary["states"] == {"open": 6, "known": 1, "blank": 2, "repeated": 0}
    found = store.generated(1).to_pylist()
    assert {(row["text_a"], row["text_b"], row["text"]) for row in found} == {
        (text, ANSWER, join(text, ANSWER)) for text in POOL
    }
    materialise(store, 1, job.run_id, columns=job.kind.columns)
    assert set(read_dataset(store)["text_b"].to_pylist()) == {None, ANSWER}  # made rows of the cases have one text
    with pytest.raises(UserError, match=r"--text: the texts of pairs are in text_a and text_b; got 'body'"):
        feed(job, store, Wish((str(tmp_path / "pool.parquet"),), text="body"), print)


def test_why_each_row_was_picked_is_told(run: tuple[Job, Store], pool: Path) -> None:
    job, store = run
    feed_here(job, store, pool)
    picks = read_table(store, "feeds/000/picks.parquet", PICKS).to_pylist()
    assert Counter(row["why"] for row in picks)["random"] == 2
    assert {row["inclusion"] for row in picks if row["why"] == "random"} == {2 / 9}
    assert {row["inclusion"] for row in picks if row["why"] != "random"} == {None}
    assert all(row["id"] == pick_id(row["text"]) and row["source"] == "mail" for row in picks)
    assert all(row["scope"] <= 0 for row in picks if row["why"] != "random")
    drift = json.loads((store.root / "feeds/000/drift.json").read_text())
    assert list(drift) == ["seeds and real rows"] and drift["seeds and real rows"]["rows"] == 9


def test_the_same_pool_again_does_nothing_and_more_of_it_takes_other_rows(run: tuple[Job, Store], pool: Path) -> None:
    job, store = run
    first = feed_here(job, store, pool)
    number, is_done = feed_to_do(store, json.loads((store.root / "feeds/000/plan.json").read_text())["pool"])
    assert (number, is_done) == (0, True) and summary_of(store, 0) == first
    second = feed_here(job, store, pool, again=True)
    assert (second["feed"], second["round"]) == (1, 1)
    assert second["states"] == {"known": 1 + 8 + 1, "open": 1, "test": 1, "blank": 1, "repeated": 0}
    texts = store.generated(1)["text"].to_pylist()
    assert len(texts) == len(set(texts)) == 9
    assert list(second["drift"]) == ["seeds and real rows", "earlier pools"]


def test_a_killed_feed_goes_on_where_it_was(run: tuple[Job, Store], pool: Path) -> None:
    job, store = run
    with pytest.raises(KeyboardInterrupt):
        feed_here(job, store, pool, ask=dies)
    folder = Path(str(store.root)) / "feeds" / "000"
    before = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert {"plan.json", "lens.npz", "picks.parquet", "part-000000.parquet"} <= set(before)
    assert store.rounds() == [0]
    pool.with_name("other.csv").write_text("text\nhello there\n")
    with pytest.raises(UserError, match=r"feeds/000 is unfinished; run first `labelmill feed` with .*pool\.jsonl"):
        feed_here(job, store, pool.with_name("other.csv"))
    summary = feed_here(job, store, pool)
    after = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert {name: after[name] for name in before if name != "part-000.parquet"}.items() <= before.items()
    assert "part-000.parquet" in before and not (folder / "input").exists()
    assert summary_of(store, 0) == summary and store.rounds() == [0, 1]
    rows, verdicts = store.generated(1), store.verdicts(1)
    again = feed_here(job, store, pool)
    assert again == summary
    assert store.generated(1).equals(rows) and store.verdicts(1).equals(verdicts)


def test_an_unfinished_feed_is_dropped_while_nothing_has_joined(run: tuple[Job, Store], pool: Path) -> None:
    job, store = run
    with pytest.raises(KeyboardInterrupt):
        feed_here(job, store, pool, ask=dies)
    assert feed_to_do(store, "another", drop=True) == (0, False)
    assert not (Path(str(store.root)) / "feeds/000").exists() and store.rounds() == [0]
    feed_here(job, store, pool)
    (Path(str(store.root)) / "feeds/000/summary.json").unlink()
    with pytest.raises(UserError, match=r"--drop: rows of feeds/000 have joined; finish it with its own pool"):
        feed_to_do(store, "another", drop=True)
    (verdicts,) = store.parts(1, "verdicts")
    Path(verdicts).unlink()  # as if killed between rows and verdicts
    assert feed_to_do(store, "another", drop=True) == (0, False)
    assert store.parts(1, "generated") == []
    assert feed_here(job, store, pool)["feed"] == 0 and len(store.generated(1)) == 8


def test_people_get_rows_that_have_waited(run: tuple[Job, Store], pool: Path) -> None:
    from dataclasses import replace

    job, store = run

    def fed(file: Path, people: int) -> dict[str, Any]:
        settings = job.config.feed.model_copy(update={"noise": 0.0, "people": people})
        return feed_here(replace(job, config=job.config.model_copy(update={"feed": settings})), store, file)

    first = fed(pool, people=2)
    assert (first["for_people"], first["for_people_from_earlier"]) == (2, 0) and first["waiting"] > 4
    pool.with_name("later.csv").write_text("text\nis it windy at the beach today\n")
    second = fed(pool.with_name("later.csv"), people=4)
    assert second["for_people"] + second["for_people_from_earlier"] == 4 and second["for_people_from_earlier"] >= 3
    assert len(open_queue(store).sample) == 6
    (Path(str(store.root)) / "feeds/001/summary.json").unlink()
    for part in store.parts(1, "verdicts"):
        if part.endswith("part-feeds-001.parquet"):
            Path(part).unlink()  # as if killed between the verdicts on old rows and those on new ones
    again = fed(pool.with_name("later.csv"), people=4)
    assert again == second and len(open_queue(store).sample) == 6


def test_a_feed_that_was_killed_while_its_rows_joined_is_finished_first(run: tuple[Job, Store], pool: Path) -> None:
    job, store = run
    summary = feed_here(job, store, pool)
    rows = store.generated(1).sort_by("id")
    refuse_half_joined(store)
    (part,) = store.parts(1, "verdicts")
    Path(part).unlink()
    (Path(str(store.root)) / "feeds/000/summary.json").unlink()
    with pytest.raises(UserError, match=r"feeds/000 was cut short while its rows joined; finish it: labelmill feed"):
        refuse_half_joined(store)
    assert feed_here(job, store, pool) == summary
    assert store.generated(1).sort_by("id").equals(rows) and store.rounds() == [0, 1]
    refuse_half_joined(store)


def test_what_waited_joins_once_more_is_known(run: tuple[Job, Store], pool: Path) -> None:
    job, store = run
    strict = job.config.model_copy(update={"feed": job.config.feed.model_copy(update={"noise": 0.0, "people": 0})})
    from dataclasses import replace

    first = feed_here(replace(job, config=strict), store, pool)
    assert first["joined"] == 0 and first["waiting"] > 4
    pool.with_name("later.csv").write_text("text\nis it windy at the beach today\n")
    second = feed_here(job, store, pool.with_name("later.csv"))
    assert second["joined_from_earlier"] > 3
    rows = store.kept([1]).sort_by("id")
    for part in store.parts(1, "verdicts"):
        if part.endswith("part-feeds-001.parquet"):
            Path(part).unlink()  # as if killed between the verdicts on old rows and those on new ones
    (Path(str(store.root)) / "feeds/001/summary.json").unlink()
    assert feed_here(job, store, pool.with_name("later.csv"))["joined_from_earlier"] == second["joined_from_earlier"]
    assert store.kept([1]).sort_by("id").equals(rows)
    assert all(TRUE[text] == label for text, label in labels_of(store, 1).items() if text in TRUE)


def test_unchecked_rows_of_a_pool_are_shown_to_no_lm(run: tuple[Job, Store], pool: Path) -> None:
    job, store = run
    feed_here(job, store, pool)
    finish_round(store, 1, "fed")
    kept = store.kept([0, 1])
    assert may_be_shown(store, kept)["text"].to_pylist() == store.kept([0])["text"].to_pylist()
    assert [may_be_read(store, store.rows(number)).num_rows for number in (0, 1)] == [store.rows(0).num_rows, 0]


def test_rounds_after_a_feed_ask_for_what_they_would_have_asked_for(run: tuple[Job, Store], pool: Path) -> None:
    job, store = run
    feed_here(job, store, pool)
    finish_round(store, 1, "fed")
    more = job.config.model_copy(update={"quota": 1, "rounds": 2})
    now = current_round(store, more, job.shown.label_names)
    assert now is not None and not now.fed
    assert (now.number, now.targets, now.wanted) == (2, {"weather": 1, "music": 1, "food": 1}, 2)
    with pytest.raises(UserError, match=r"round 2 is not finished; `labelmill run` finishes it"):
        fed_round(store, job.shown.label_names)


def test_parquet_of_several_parts_and_a_cap_on_sources(run: tuple[Job, Store], tmp_path: Path) -> None:
    job, store = run
    table = pa.table({"text": [*POOL, *ABROAD], "source": ["loud"] * 6 + ["quiet"] * 3})
    pq.write_table(table, tmp_path / "pool.parquet", row_group_size=4)
    summary = feed_here(job, store, tmp_path / "pool.parquet")
    picks = read_table(store, "feeds/000/picks.parquet", PICKS).to_pylist()
    assert len(list((tmp_path / "run/feeds/000/scored").glob("*.parquet"))) == 3
    chosen = Counter(row["source"] for row in picks)
    assert chosen["loud"] == 4 and summary["rows"] == 9  # half of eight, as there are two sources
