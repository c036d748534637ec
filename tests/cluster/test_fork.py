"""A run that goes on under other labels: which rows it begins with, and that it makes only what is missing."""

from __future__ import annotations

import io
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cluster.checked import may_be_shown
from cluster.cli import app
from cluster.dataset import materialise, read_dataset
from cluster.forgetting.pending import Forgetting, Gone, bury, hand_down, named_students
from cluster.fork import Fork, plan_fork, render, write_fork
from cluster.job import Job, check_identity, prepare
from cluster.journal import Journal
from cluster.known import known_rows
from cluster.licences import chain_of
from cluster.live import PlainView
from cluster.material import material_of, pool_mark
from cluster.metrics import spent_tokens, tokens_of
from cluster.monitor import Monitor
from cluster.rounds import Round, accepted_per_label, current_round
from cluster.status import read_status
from cluster.store import Store
from cluster.wave_steps import WaveSteps
from generation.errors import UserError
from generation.records import row_id, rows_table, verdicts_table
from generation.relabelling import Changes
from tests.cluster.audit.cases import edit
from tests.cluster.cases import (
    RUN_ID,
    SEEDS,
    add_requests,
    add_rows,
    add_verdicts,
    begin_round,
    finish_round,
    verdict,
    write_task,
)

CALM = {"name": "calm", "description": "is at rest"}
POS, NEG = ({"name": name, "description": about} for name, about in (("pos", "is glad"), ("neg", "is not")))
NO_CHANGES = Changes.parse()


@pytest.fixture
def source(tmp_path: Path) -> Store:
    """A finished run of two rounds with a quota of 2: four kept rows of "pos", three of "neg", and one that was not."""
    (tmp_path / "old").mkdir()
    job, store = prepare(write_task(tmp_path / "old", quota=2, rounds=2)), Store(tmp_path / "runs" / "old")
    store.write_json("run.json", job.run_json())
    for round_, names in enumerate((["pos-0", "neg-0"], ["pos-1", "neg-1"])):
        begin_round(store, {"pos": 2, "neg": 2}, round_, wanted=2 * (round_ + 1))
        add_requests(store, names, round_, samples=2)
        add_rows(store, names, round_=round_, samples=2)
        verdicts = [verdict(name, sample=sample) for name in names for sample in (0, 1)]
        if round_:
            verdicts[3] = verdict("neg-1", "rejected", 1)
        add_verdicts(store, verdicts, round_=round_)
        finish_round(store, round_)
    return store


def seeds_of(*labels: str) -> list[dict[str, str]]:
    return [{"text": f"{label} seed {place}", "label": label} for label in labels for place in range(2)]


def task(folder: Path, labels: list[dict[str, Any]], **changes: Any) -> Job:
    folder.mkdir(exist_ok=True)
    seeds = seeds_of(*(label["name"] for label in labels))
    return prepare(write_task(folder, seeds, labels=labels, **{"quota": 2, "rounds": 2, **changes}))


def forked(
    source: Store, folder: Path, labels: list[dict[str, Any]], told: Changes = NO_CHANGES, **more: Any
) -> tuple[Fork, Store]:
    fork = plan_fork(source, task(folder / "new", labels, **more), told)
    return fork, Store(write_fork(fork, str(folder / "runs" / "new")))


def steps_of(job: Job, store: Store, now: Round) -> WaveSteps:
    view = PlainView(io.StringIO())
    return WaveSteps(job, store, Journal(store.root, view.log), Monitor(store, view), now, 1, None)


def labels_of(store: Store) -> Counter[str]:
    return Counter(store.verdicts(0)["label"].to_pylist())


def test_a_label_more(source: Store, tmp_path: Path) -> None:
    fork, store = forked(source, tmp_path, [POS, NEG, CALM])
    assert render(fork).splitlines()[1:] == [
        "  neg        3  taken over",
        "  pos        4  taken over",
        "  calm       0  new",
        "7 rows taken over, 0 to judge again, at most 5 to make",
    ]
    # it stands for both rounds of the other
    now = current_round(store, fork.job.config)
    assert now == Round(0, {"pos": 4, "neg": 4, "calm": 4}, 4, None)
    before = [row for number in (0, 1) for row in source.kept([number]).to_pylist()]
    after = store.kept([0]).to_pylist()
    assert sorted(before, key=lambda row: row["id"]) == sorted(after, key=lambda row: row["id"])
    assert labels_of(store) == {"pos": 4, "neg": 3}
    assert set(store.generated(0)["round"].to_pylist()) == {0}
    # prompts go with the rows, and nothing of it is asked again
    asked = store.requests(0)
    assert sorted(asked["request_id"].to_pylist()) == ["neg-0", "neg-1", "pos-0", "pos-1"]
    assert list(store.open_requests(0)) == []
    origins = pq.read_table(store.root / "fork_rows.parquet").to_pylist()
    assert {(each["id"], each["round"], each["label"]) for each in origins} >= {(row_id("pos-1", 0), 1, "pos")}
    assert {each["how"] for each in origins} == {"taken over"}
    record = json.loads((store.root / "fork.json").read_text())
    assert record["forked_from"] == {"run": source.address, "run_id": source.run()["run_id"], "rounds": 2}
    check_identity(fork.job, store.run(), store.root)


def test_rows_that_a_feed_brought_are_taken_over_and_stay_those_of_a_pool(source: Store, tmp_path: Path) -> None:
    begin_round(source, {"pos": 0, "neg": 0}, 2, wanted=4, fed=True)
    fed = [{"id": name, "request_id": name, "source": "pool", "text": name} for name in ("p0", "p1")]
    made = {"engine": "feeds/000/", "method": "feed", "prompt_tokens": 0, "output_tokens": 0, "seed_ids": []}
    source.commit(2, "generated", "feeds-000", rows_table([row | made for row in fed]), RUN_ID)
    said = {"revision": 0, "stage": "feed", "label": "neg", "weight": 1.0}
    add_verdicts(source, [{"id": "p0", "status": "accepted"} | said, {"id": "p1", "status": "held"} | said], round_=2)
    finish_round(source, 2, "fed")
    fork, store = forked(source, tmp_path, [POS, NEG, CALM])
    assert labels_of(store) == {"pos": 4, "neg": 4}  # what waited stays behind
    (row,) = store.generated(0).filter(pc.equal(store.generated(0)["source"], "pool")).to_pylist()
    assert (row["id"], row["wave"], row["engine"]) == ("p0", -2, "feeds/000/")
    assert fork.missing == {"pos": 0, "neg": 0, "calm": 4}  # in a fork it counts for its label as any row
    assert "p0" not in may_be_shown(store, store.kept([0]))["id"].to_pylist()
    assert "pool" in [link.part for link in chain_of(store)]
    (tmp_path / "again").mkdir()
    _, judged = forked(source, tmp_path / "again", [POS, {**NEG, "description": "is sad"}])
    assert "p0" in judged.generated(0)["id"].to_pylist() and "p0" not in judged.verdicts(0)["id"].to_pylist()


def test_what_was_forgotten_comes_back_in_no_fork(source: Store, tmp_path: Path) -> None:
    pool = [{"text": "secret words"}, {"text": "other words"}]
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pool))
    told = Forgetting("2026-11-29", "ann", "asked for", (), (), (), ("rounds/001/student",), (), False, "")
    mark = pool_mark(source.run()["run_id"], "secret words")
    bury(source, told, (Gone("gone-0", "gone", 1, 5, 7, "asked", mark),))
    more = {"pool": "pool.jsonl", "generation": {"method": "pseudo_label"}}
    fork, store = forked(source, tmp_path, [POS, NEG, CALM], **more)
    (stone,) = store.forgotten()
    assert (stone["id"], stone["request_id"], stone["who"], stone["mark"]) == ("gone-0", "gone", "ann", mark)
    assert [row.text for row in material_of(fork.job, store, 0).pool] == ["other words"]
    # its tokens and its students are those of the other run, also in a fork of the fork
    assert tokens_of(store, Journal(store.root, print), 0) == {"prompt": 0, "output": 0, "lost": 0}
    assert named_students(store) == {}
    hand_down(store, heir := Store(tmp_path / "third"))
    assert heir.forgotten() == [stone]


def test_only_what_is_missing_is_made(source: Store, tmp_path: Path) -> None:
    fork, store = forked(source, tmp_path, [POS, NEG, CALM])
    now = current_round(store, fork.job.config)
    assert now is not None
    assert steps_of(fork.job, store, now).plan(0, -1)
    plan = store.requests(0).to_pylist()
    new = Counter(each["label"] for each in plan if each["wave"] == 0)
    assert set(new) == {"neg", "calm"}
    assert new["neg"] < new["calm"]
    # what the other run made costs this one nothing
    journal = Journal(store.root, print)
    assert tokens_of(store, journal, 0) == {"prompt": 0, "output": 0, "lost": 0}
    add_rows(store, ["calm-9"], "e1")
    assert spent_tokens(store, journal) == 5
    # duplicates are looked for among rows that were taken over, and they are in the dataset
    assert set(known_rows(store, RUN_ID)["id"].to_pylist()) == set(store.kept([0])["id"].to_pylist())
    materialise(store, 0, RUN_ID)
    assert Counter(read_dataset(store)["label"].to_pylist()) == {"pos": 4, "neg": 3}
    assert read_status(store).accepted == {"pos": 4, "neg": 3, "calm": 0}


def test_merged_and_renamed_labels_keep_their_rows_under_the_new_name(source: Store, tmp_path: Path) -> None:
    mood, other = {"name": "mood", "description": "any of both"}, {"name": "other", "description": "none"}
    fork, store = forked(source, tmp_path, [mood, other], Changes.parse(merge=["pos,neg=mood"]))
    assert render(fork).splitlines()[1:3] == ["  neg         3  merged into mood", "  pos         4  merged into mood"]
    assert labels_of(store) == {"mood": 7}
    rows = store.generated(0)
    assert set(rows["label"].to_pylist()) == set(rows["intended_label"].to_pylist()) == {"mood"}
    assert set(store.requests(0)["label"].to_pylist()) == {"mood"}
    assert fork.missing == {"mood": 0, "other": 4}
    glad = {"name": "glad", "description": "is glad"}
    (tmp_path / "2").mkdir()
    renamed, store = forked(source, tmp_path / "2", [glad, NEG])
    assert render(renamed).splitlines()[2] == "  pos       4  renamed to glad (by its name)"
    assert labels_of(store) == {"glad": 4, "neg": 3}


def test_labels_that_mean_something_else_are_judged_again(source: Store, tmp_path: Path) -> None:
    one, two = ({"name": f"neg_{name}", "description": f"is {name}"} for name in ("sad", "angry"))
    fork, store = forked(source, tmp_path, [POS | {"rules": ["of people"]}, one, two])
    assert render(fork).splitlines()[1:] == [
        "  neg             3  split into neg_sad and neg_angry: judged again (by its name)",
        "  pos             4  defined anew: judged again",
        "  neg_sad         0  new",
        "  neg_angry       0  new",
        "0 rows taken over, 7 to judge again, at most 12 to make",
    ]
    assert store.verdicts(0).num_rows == 0
    now = current_round(store, fork.job.config)
    assert now is not None
    steps = steps_of(fork.job, store, now)
    assert steps.is_planned(0) and not steps.is_planned(1)
    assert list(steps.open_requests(0)) == []
    waiting = steps._unjudged(0)
    assert Counter(waiting["intended_label"].to_pylist()) == {"pos": 4, None: 3}
    assert Counter(store.requests(0)["wave"].to_pylist()) == {0: 4}


def test_changed_filters_have_all_judged_again(source: Store, tmp_path: Path) -> None:
    fork, _ = forked(source, tmp_path, [POS, NEG, CALM], denoise={"min_words": 2})
    assert (fork.taken.judged, fork.taken.verdicts.num_rows) == (7, 0)


def test_what_people_said_stands_where_filters_change_but_not_its_label(source: Store, tmp_path: Path) -> None:
    written = edit(source, row_id("pos-0", 0), "a person's own words", "pos")
    told = {"revision": 2, "stage": "audit", "auditor": "ann"}
    said = [
        verdict("neg-0", "relabelled", label="pos", reason="corrected", **told),
        verdict("neg-0", sample=1, reason="confirmed", **told),
        verdict("pos-0", sample=1, reason="undone", **told),
    ]
    source.commit(0, "verdicts", "p-1", verdicts_table(said), RUN_ID)
    fork, store = forked(source, tmp_path, [POS, NEG | {"rules": ["of people"]}], denoise={"min_words": 2})
    found = {each["id"]: (each["label"], each["reason"]) for each in store.verdicts(0).to_pylist()}
    assert found == {row_id("neg-0", 0): ("pos", "corrected"), written: ("pos", None)}
    assert fork.taken.judged == 5
    waves = dict(zip(*store.generated(0, ["id", "wave"]).to_pydict().values(), strict=True))
    assert (waves[row_id("neg-0", 0)], waves[row_id("neg-0", 1)], waves[row_id("pos-0", 1)]) == (-2, 0, 0)
    assert store.people(0)["id"].to_pylist() == [written]


def test_a_filter_that_only_a_later_version_knows_has_nothing_judged_again(source: Store, tmp_path: Path) -> None:
    run = source.run()
    del run["identity"]["denoise.min_words"]
    source.write_json("run.json", run)
    fork, _ = forked(source, tmp_path, [POS, NEG, CALM])
    assert (fork.taken.judged, fork.taken.verdicts.num_rows) == (0, 7)


def test_a_label_that_goes_takes_its_rows_along(source: Store, tmp_path: Path) -> None:
    fork, store = forked(source, tmp_path, [POS, CALM])
    assert render(fork).splitlines()[1] == "  neg        3  left out"
    assert labels_of(store) == {"pos": 4}
    assert store.requests(0)["request_id"].to_pylist() == ["pos-0", "pos-1"]


def test_what_people_said_goes_with_the_rows(source: Store, tmp_path: Path) -> None:
    written = edit(source, row_id("pos-0", 0), "a person's own words", "pos")
    told = verdict(
        "neg-0", "relabelled", label="pos", revision=2, stage="audit", auditor="ann", shares={"neg": 0.4, "pos": 0.6}
    )
    source.commit(0, "verdicts", "p-1", verdicts_table([told]), RUN_ID)
    _, store = forked(source, tmp_path, [{"name": "glad", "description": "is glad"}, NEG, CALM])
    assert store.people(0)["id"].to_pylist() == [written]
    verdicts = {each["id"]: each for each in store.verdicts(0).to_pylist()}
    moved = verdicts[row_id("neg-0", 0)]
    assert (moved["label"], moved["stage"], moved["auditor"]) == ("glad", "audit", "ann")
    assert dict(moved["shares"]) == {"neg": 0.4, "glad": 0.6}
    assert row_id("pos-0", 0) not in verdicts  # it was edited
    assert accepted_per_label(store, [0]) == {"glad": 5, "neg": 2}


def test_sets_of_labels(tmp_path: Path) -> None:
    labels = [POS, NEG, CALM]
    seeds = [
        {"text": f"{'+'.join(names)} {place}", "labels": names}
        for names in (["pos", "calm"], ["neg"])
        for place in range(2)
    ]
    (tmp_path / "old").mkdir()
    job = prepare(write_task(tmp_path / "old", seeds, labels=labels, kind="multi_label", quota=2))
    source = Store(tmp_path / "runs" / "old")
    source.write_json("run.json", job.run_json())
    begin_round(source, {"calm+pos": 2, "neg": 2})
    add_rows(source, ["calm+pos-0", "neg-0"], samples=2)
    add_verdicts(source, [verdict(name, sample=sample) for name in ("calm+pos-0", "neg-0") for sample in (0, 1)])
    glad = {"name": "glad", "description": "is glad"}
    sets = (["glad", "calm"], ["neg"])
    seeds = [{"text": f"{place} {names[0]}", "labels": names} for names in sets for place in range(2)]
    (tmp_path / "new").mkdir()
    new = prepare(write_task(tmp_path / "new", seeds, labels=[glad, NEG, CALM], kind="multi_label", quota=2))
    fork = plan_fork(source, new, NO_CHANGES)
    assert [str(fate) for fate in fork.taken.fates.values()] == ["renamed to calm+glad", "taken over"]
    assert fork.taken.kept == {"calm+glad": 2, "neg": 2}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "pair"}, "kind: must be that of "),
        ({}, "is the task of "),
    ],
)
def test_tasks_that_are_refused(source: Store, tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    rows = [{"text_a": f"{label} {n}", "text_b": "b", "label": label} for label in ("pos", "neg") for n in range(2)]
    path = write_task(tmp_path / "old", rows if changes else SEEDS, quota=2, rounds=2, **changes)
    with pytest.raises(UserError, match=expected):
        plan_fork(source, prepare(path), NO_CHANGES)


def test_the_command(source: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task(tmp_path / "new", [POS, NEG, CALM])
    config, target = tmp_path / "new" / "task.yaml", tmp_path / "runs" / "new"
    command = ["fork", str(source.root), str(target), "--config", str(config), "--set", "quota=3"]
    dry = CliRunner().invoke(app, [*command, "--dry-run"])
    assert dry.exit_code == 0 and not target.exists()
    assert dry.output.endswith("7 rows taken over, 0 to judge again, at most 5 to make\n")
    done = CliRunner().invoke(app, command)
    assert done.output == dry.output + f"next     labelmill run {config} --run {target} --set quota=3\n"
    assert sorted(os.listdir(target)) == ["fork.json", "fork_rows.parquet", "rounds", "run.json", "seeds.json"]
    again = CliRunner().invoke(app, command)
    assert isinstance(again.exception, UserError)
    assert str(again.exception) == f"{target}: must be a new or an empty folder; it holds 'fork.json'"
    wrong = CliRunner().invoke(app, [*command[:2], "elsewhere", *command[3:], "--rename", "pos=glad"])
    assert str(wrong.exception) == "label 'glad' is not of the new task; its labels are pos, neg, calm"
