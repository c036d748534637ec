"""What plans are made from is read from the run, and learnt once a round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cluster.checked import audited_rows
from cluster.config import RuntimeSettings
from cluster.material import material_of
from cluster.session import ray_session
from cluster.store import Store
from generation.models import EMBEDDED_ENCODER
from generation.plan import plan_wave
from generation.records import row_id, rows_table
from generation.task import Example
from tests.cluster.cases import RUN_ID, SEEDS, add_rows, add_verdicts, begin_round, finish_round, make_job, verdict

IDS = [Example(**seed).id for seed in SEEDS]


def add_round(store: Store, number: int) -> None:
    """A finished round with a row of either label kept and one rejected."""
    begin_round(store, {"pos": 1, "neg": 1}, number)
    names = [f"pos-{number}", f"neg-{number}", f"pos-{number}x"]
    add_rows(store, names, round_=number)
    add_verdicts(store, [verdict(names[0]), verdict(names[1]), verdict(names[2], "rejected")], round_=number)
    finish_round(store, number)


def test_a_method_that_needs_nothing_gets_what_is_known_before(tmp_path: Path, store: Store) -> None:
    add_round(store, 0)
    job = make_job(tmp_path)
    assert material_of(job, store, 1) == job.material(1)


def test_kept_rows_are_those_of_earlier_rounds(tmp_path: Path, store: Store) -> None:
    for number in range(3):
        add_round(store, number)
    job = make_job(tmp_path, generation={"augment": "paraphrase"})
    assert material_of(job, store, 0).kept == ()
    kept = material_of(job, store, 2).kept
    assert sorted((row.text, row.label) for row in kept[:2]) == [("e0 neg-0 0", "neg"), ("e0 pos-0 0", "pos")]
    assert sorted((row.text, row.label) for row in kept[2:]) == [("e0 neg-1 0", "neg"), ("e0 pos-1 0", "pos")]
    assert material_of(job, store, 2).kept == kept
    assert not (store.root / "rounds" / "002" / "material.json").exists()


def checked(name: str, revision: int = 2, **changes: Any) -> dict[str, Any]:
    """What a person said of a row."""
    return verdict(name, stage="audit", auditor="ada", **{"reason": "confirmed", **changes}) | {"revision": revision}


def test_what_people_have_checked_stands_among_the_seeds_of_later_rounds(tmp_path: Path, store: Store) -> None:
    add_round(store, 0)
    job = make_job(tmp_path)
    add_verdicts(store, [checked("pos-0"), checked("neg-0", status="rejected", reason="discarded")], "a0")
    corrected = checked("pos-0x", status="relabelled", reason="corrected") | {"label": "neg"}
    add_verdicts(store, [corrected], "a1")
    added = material_of(job, store, 1).task.seeds[len(SEEDS) :]
    ids = {name: row_id(name, 0) for name in ("pos-0", "pos-0x")}
    assert {(seed.id, seed.text, seed.label) for seed in added} == {
        (ids["pos-0"], "e0 pos-0 0", "pos"),
        (ids["pos-0x"], "e0 pos-0x 0", "neg"),
    }
    assert material_of(job, store, 0) == job.material(0)
    shown = plan_wave(material_of(job, store, 1), job.method, 0, {"pos": 1, "neg": 1})
    assert {id for row in shown["seed_ids"].to_pylist() for id in row} >= {*ids.values()}


def test_rows_that_tell_whether_the_machine_was_right(store: Store) -> None:
    add_round(store, 0)
    add_verdicts(store, [checked("pos-0"), checked("neg-0", status="rejected", reason="discarded")], "a0")
    add_verdicts(store, [checked("pos-0x", status="relabelled", reason="corrected") | {"label": "neg"}], "a1")
    told = {(row["text"], row["intended"], row["label"]) for row in audited_rows(store).to_pylist()}
    assert told == {("e0 pos-0 0", "pos", "pos"), ("e0 pos-0x 0", "pos", "neg")}
    add_verdicts(store, [checked("pos-0", 3, reason="undone")], "a2")
    assert audited_rows(store)["text"].to_pylist() == ["e0 pos-0x 0"]


def test_a_round_keeps_the_checked_rows_that_it_began_with(tmp_path: Path, store: Store) -> None:
    add_round(store, 0)
    job = make_job(tmp_path)
    add_verdicts(store, [checked("pos-0")], "a0")
    before = material_of(job, store, 1)
    add_verdicts(store, [checked("neg-0")], "a1")
    assert material_of(job, store, 1) == before
    assert len(material_of(job, store, 2).task.seeds) == len(SEEDS) + 2
    add_verdicts(store, [checked("pos-0", 3, reason="undone")], "a2")
    assert material_of(job, store, 1) == job.material(1)


def test_no_text_of_the_pool_is_asked_about_twice(tmp_path: Path, store: Store) -> None:
    texts = [f"text {number}" for number in range(7)]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    job = make_job(tmp_path, generation={"method": "pseudo_label"}, pool="pool.jsonl")
    asked: list[str] = []
    for number, wave in ((0, 0), (0, 1), (1, 0)):
        begin_round(store, {"pos": 1, "neg": 1}, number)
        made = material_of(job, store, number)
        assert sorted(row.text for row in made.pool) == sorted(set(texts) - set(asked))
        plan = plan_wave(made, job.method, wave, {"pos": 1, "neg": 2})
        assert plan_wave(material_of(job, store, number), job.method, wave, {"pos": 1, "neg": 2}).equals(plan)
        store.commit(number, "requests", f"w{wave:03d}", plan, job.run_id)
        asked += plan["text"].to_pylist()
    assert len(asked) == len(set(asked)) == 7 and sorted(asked) == texts
    assert plan_wave(material_of(job, store, 1), job.method, 1, {"pos": 1, "neg": 2}).num_rows == 0


def test_what_is_committed_is_not_learnt_again(tmp_path: Path, store: Store) -> None:
    """No Ray runs here, and the encoder is none."""
    told: dict[str, Any] = {
        "variability": {IDS[0]: 0.1, IDS[1]: 0.3, IDS[2]: 0.2, IDS[3]: 0.1},
        "neighbours": {IDS[1]: [IDS[2], IDS[0]], IDS[2]: [IDS[0], IDS[3]]},
        "synonyms": {"day": ["week"]},
    }
    store.write_json("rounds/000/material.json", told)
    job = make_job(tmp_path, generation={"method": "wanli", "samples": 1})
    made = material_of(job, store, 0)
    assert made.variability == told["variability"]
    assert made.neighbours == {IDS[1]: (IDS[2], IDS[0]), IDS[2]: (IDS[0], IDS[3])}
    assert made.synonyms == {"day": ("week",)}
    plan = plan_wave(made, job.method, 0, {"pos": 2, "neg": 1})
    assert plan["seed_ids"].to_pylist() == [[IDS[0], IDS[1]], [IDS[3], IDS[2]], [IDS[0], IDS[1]]]
    assert plan_wave(material_of(job, store, 0), job.method, 0, {"pos": 2, "neg": 1}).equals(plan)


def test_what_is_learnt_is_committed(tmp_path: Path, store: Store) -> None:
    generation = {"method": "wanli", "augment": "eda"}
    job = make_job(tmp_path, generation=generation, student={"model": EMBEDDED_ENCODER})
    add_round(store, 0)
    with ray_session(RuntimeSettings()):
        made = material_of(job, store, 1)
    told = json.loads((store.root / "rounds" / "001" / "material.json").read_text())
    assert sorted(told["variability"]) == sorted(told["neighbours"]) == sorted(IDS)
    assert "day" in told["synonyms"] and "what" not in told["synonyms"]
    assert material_of(job, store, 1) == made  # no Ray any more


def test_a_round_that_began_with_none_gets_none_later(tmp_path: Path, store: Store) -> None:
    add_round(store, 0)
    job = make_job(tmp_path)
    assert material_of(job, store, 1) == job.material(1)
    add_verdicts(store, [checked("pos-0")], "a0")
    assert material_of(job, store, 1) == job.material(1)
    assert len(material_of(job, store, 2).task.seeds) == len(SEEDS) + 1


def test_checked_rows_that_would_overflow_the_context_are_not_shown(tmp_path: Path, store: Store) -> None:
    begin_round(store, {"pos": 1, "neg": 1}, 0)
    texts = {"pos-short": "a fine day", "pos-long": "so " * 120, "pos-longer": "very " * 900}
    common = {"round": 0, "wave": 0, "source": "generated", "label": "pos", "intended_label": "pos"}
    rows = [{"id": row_id(name, 0), "request_id": name, "text": text} | common for name, text in texts.items()]
    store.commit(0, "generated", "e0", rows_table(rows), RUN_ID)
    finish_round(store, 0)
    add_verdicts(store, [checked(name) for name in texts], "a0")
    job = make_job(tmp_path)
    shown = {seed.id for seed in material_of(job, store, 1).task.seeds[len(SEEDS) :]}
    assert shown == {row_id(name, 0) for name in ("pos-short", "pos-long")}
