"""How a wave is planned from what is committed."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cluster.aiming import Aim
from cluster.journal import Journal
from cluster.live import PlainView
from cluster.monitor import Monitor
from cluster.rounds import Round
from cluster.store import Store
from cluster.wave_steps import WaveSteps
from generation.adapters.folder import Adapter
from generation.records import row_id, rows_table
from tests.cluster.cases import RUN_ID, SEEDS, add_verdicts, begin_round, make_job, verdict

NOW = Round(0, {"pos": 20, "neg": 20}, 20, None)


def steps_of(folder: Path, store: Store, **generation: Any) -> WaveSteps:
    """Nothing is judged here."""
    job = make_job(folder, generation=generation)
    begin_round(store, NOW.targets)
    view = PlainView(io.StringIO())
    return WaveSteps(job, store, Journal(store.root, view.log), Monitor(store, view), NOW, 1, lambda: folder)


def add_kept(store: Store, texts: dict[str, str], wave: int = 0) -> None:
    """Accepted rows of a wave: name -> text."""
    rows = [
        {"id": row_id(name, 0), "request_id": name, "round": 0, "wave": wave, "text": text}
        | {"label": name.split("-")[0], "intended_label": name.split("-")[0], "seed_ids": [], "attributes": {}}
        | {"sampling": {}, "prompt_tokens": 0, "output_tokens": 0}
        for name, text in texts.items()
    ]
    store.commit(0, "generated", f"e{wave}", rows_table(rows), RUN_ID)
    add_verdicts(store, [verdict(name) for name in texts], f"w{wave:03d}")


def methods_of(store: Store, wave: int) -> list[tuple[str, str]]:
    plan = store.requests(0)
    return [(row["label"], row["method"]) for row in plan.to_pylist() if row["wave"] == wave]


# all bigrams of "pos" differ, as in its seeds; "neg" says the same again
KEPT = {
    "pos-0": "the sun shines on us",
    "pos-1": "my friends came along",
    "neg-0": "it rains again today",
    "neg-1": "it rains again tomorrow",
}


def test_where_rows_are_not_varied_another_method_helps_from_the_second_wave_on(tmp_path: Path, store: Store) -> None:
    steps = steps_of(tmp_path, store, augment="mix", augment_share=0.5)
    assert steps.plan(0, -1)
    assert {method for _, method in methods_of(store, 0)} == {"prompted"}
    add_kept(store, KEPT)
    assert steps.plan(1, 1)
    asked = methods_of(store, 1)
    assert set(asked) == {("pos", "prompted"), ("neg", "prompted"), ("neg", "mix")}
    samples = 4
    all_of_pos = asked.count(("pos", "prompted"))
    half = (all_of_pos + 1) // 2
    assert asked.count(("neg", "prompted")) == all_of_pos - half
    assert asked.count(("neg", "mix")) == half * samples
    plan = store.requests(0).filter(pa.compute.equal(store.requests(0)["wave"], 1))
    assert plan["ordinal"].to_pylist() == list(range(plan.num_rows))


def test_a_wave_that_is_planned_again_is_the_same(tmp_path: Path, store: Store) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        other = Store(tmp_path / name)
        steps = steps_of(tmp_path, other, augment="mix")
        add_kept(other, KEPT)
        if name == "two":  # verdicts on a later wave have come meanwhile
            add_kept(other, {"pos-2": "I like it a lot", "pos-3": "I like it a lot"}, wave=1)
        assert steps.plan(2, 1)
    assert Store(tmp_path / "one").requests(0).equals(Store(tmp_path / "two").requests(0))


def test_a_helper_asks_with_loras_and_without_soft_prompts(tmp_path: Path, store: Store) -> None:
    lora, soft = Adapter("hash-1", "a", "lora", rank=8), Adapter("hash-2", "b", "soft_prompt", tokens=7)
    job = replace(make_job(tmp_path, generation={"augment": "paraphrase"}), adapters={"pos": soft, "neg": lora})
    begin_round(store, NOW.targets)
    view = PlainView(io.StringIO())
    steps = WaveSteps(job, store, Journal(store.root, view.log), Monitor(store, view), NOW, 1, lambda: tmp_path)
    add_kept(store, {name: "it rains again today" for name in ("pos-0", "pos-1", "neg-0", "neg-1")})
    assert steps.plan(1, 1)
    assert {(row["label"], row["method"], row["adapter"]) for row in store.requests(0).to_pylist()} == {
        ("pos", "prompted", "hash-2"),
        ("neg", "prompted", "hash-1"),
        ("pos", "paraphrase", ""),
        ("neg", "paraphrase", "hash-1"),
    }


@pytest.mark.parametrize("generation", [{}, {"augment": "mix", "augment_share": 0.0}])
def test_without_it_nothing_changes(tmp_path: Path, store: Store, generation: dict[str, Any]) -> None:
    steps = steps_of(tmp_path, store, **generation)
    add_kept(store, KEPT)
    assert steps.plan(1, 1)
    assert {method for _, method in methods_of(store, 1)} == {"prompted"}


def test_a_round_ends_where_there_is_nothing_to_make_texts_from(tmp_path: Path, store: Store) -> None:
    job = make_job(tmp_path, rows=[SEEDS[0], SEEDS[2]], generation={"method": "mix"})
    begin_round(store, NOW.targets)
    view = PlainView(io.StringIO())
    steps = WaveSteps(job, store, Journal(store.root, view.log), Monitor(store, view), NOW, 1, lambda: tmp_path)
    assert not steps.plan(0, -1)
    assert store.parts(0, "requests") == []
    assert steps.stop_reason() == "rows_exhausted"


def test_when_the_hours_are_over_no_wave_is_planned(tmp_path: Path, store: Store) -> None:
    begun = {"at": time.time() - 3600, "kind": "driver"}
    (store.root / "log.jsonl").write_text(json.dumps(begun) + "\n")
    view = PlainView(io.StringIO())
    for hours, is_over in ((0.9, True), (1.1, False)):
        job, journal = make_job(tmp_path, stop={"hours": hours}), Journal(store.root, view.log)
        begin_round(store, NOW.targets)
        steps = WaveSteps(job, store, journal, Monitor(store, view), NOW, 1, None)
        assert steps.budget().is_spent == is_over
        assert steps.plan(0, -1) is not is_over
        if is_over:
            assert steps.stop_reason() == "hours"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"token_budget": 1}, "token_budget"),
        ({"cost_budget": 0.001, "prices": {"prompt": 1000, "output": 1000}}, "cost_budget"),
    ],
)
def test_a_budget_that_is_too_small_for_a_request_is_the_one_that_is_told(
    tmp_path: Path, store: Store, settings: dict[str, Any], reason: str
) -> None:
    view = PlainView(io.StringIO())
    job, journal = make_job(tmp_path, **settings), Journal(store.root, view.log)
    begin_round(store, NOW.targets)
    steps = WaveSteps(job, store, journal, Monitor(store, view), NOW, 1, lambda: tmp_path)
    steps.plan(0, -1)
    assert steps.stop_reason() == reason


def test_requests_ask_more_often_for_the_values_that_a_round_aims_at(tmp_path: Path, store: Store) -> None:
    tones = [{"name": "tone", "values": ["dry", "warm"]}]
    aim = Aim("", 0, {}, (), {"tone": {"dry": 1, "warm": 4}}, NOW.targets)
    begin_round(store, NOW.targets)
    view = PlainView(io.StringIO())
    job, now = make_job(tmp_path, attributes=tones), replace(NOW, aim=aim)
    assert WaveSteps(job, store, Journal(store.root, view.log), Monitor(store, view), now, 1, None).plan(0, -1)
    plan = [row for row in store.requests(0).to_pylist() if row["label"] == "pos"]
    values = [dict(row["attributes"])["tone"] for row in plan[:10]]
    assert (values[:5].count("warm"), values[5:].count("warm")) == (4, 4)
