"""How many requests, which ones, and that the same arguments plan the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from generation.adapters.folder import Adapter
from generation.decoding.serving import Decoding
from generation.material import Material
from generation.methods import make_method
from generation.methods.prompted import exemplar_sets
from generation.plan import Yield, plan_wave, requests_for
from generation.records import REQUEST_SCHEMA, digest, map_column
from generation.settings import GenerationSettings
from generation.task import Example, Label, Task
from generation.tokens import BLOCK, block_padding
from tests.generation.cases import HOURS, LOST, TASK

SETTINGS = GenerationSettings(exemplars=2, exemplar_sets=2, samples=3, max_tokens=10, seed=5, borrow_below=0)


def plan(
    model: Path,
    task: Task = TASK,
    settings: GenerationSettings = SETTINGS,
    identity: str = "run",
    round_: int = 0,
    wave: int = 1,
    adapters: dict[str, Adapter] | None = None,
    **counts: int,
) -> pa.Table:
    wanted = counts or {"lost_card": 5, "opening_hours": 2}
    material = Material(task, settings, identity, round_, adapters or {})
    return plan_wave(material, make_method(settings.method, settings.form, model), wave, wanted)


def ids(table: pa.Table) -> set[str]:
    return set(table["request_id"].to_pylist())


def test_rate_is_the_mean_of_a_beta_posterior() -> None:
    assert Yield().rate == 0.6
    assert Yield(generated=10, accepted=10).rate == 0.8
    assert Yield(generated=90, accepted=0).rate == 0.06
    # rows relabelled into a label count as accepted without having been asked for
    assert Yield(generated=10, accepted=40).rate == 0.8


def test_requests_for_what_is_missing() -> None:
    assert [requests_for(missing, Yield(), 4) for missing in (-3, 0)] == [0, 0]
    assert requests_for(1, Yield(), 64) == 1
    fewer = [requests_for(40, Yield(100, kept), 4) for kept in (20, 50, 80, 100)]
    assert fewer == sorted(fewer, reverse=True)
    # never below the expectation
    assert all(4 * count >= 40 / Yield(100, kept).rate for count, kept in zip(fewer, (20, 50, 80, 100), strict=True))
    assert requests_for(40, Yield(), 1) >= 4 * (requests_for(40, Yield(), 4) - 1)


def test_labels_take_turns_and_then_sets(model: Path) -> None:
    table = plan(model)
    assert table.schema == REQUEST_SCHEMA
    names = ["lost_card", "opening_hours"] * 2 + ["lost_card"] * 3
    assert table["label"].to_pylist() == names
    assert table["ordinal"].to_pylist() == list(range(7))
    lost = [row for row in table.to_pylist() if row["label"] == "lost_card"]
    assert [row["repetition"] for row in lost] == [0, 0, 1, 1, 2]
    first, second = (tuple(row["seed_ids"]) for row in lost[:2])
    assert first != second
    assert [tuple(row["seed_ids"]) for row in lost] == [first, second, first, second, first]
    assert len(ids(table)) == 7


def test_what_a_request_says(model: Path) -> None:
    table = plan(model, opening_hours=1)
    (row,) = table.to_pylist()
    prompt = "Messages to a library.\nopening hours: asks for times\n\n1. When do you close?\n2."
    seeds = [TASK.seeds[3].id]
    request_id = digest("run", 0, 1, "opening_hours", "prompted", "", seeds, {}, 0)
    assert {key: row[key] for key in row if key not in ("sampling", "attributes")} == {
        "request_id": request_id,
        "round": 0,
        "wave": 1,
        "ordinal": 0,
        "label": "opening_hours",
        "method": "prompted",
        "form": "completion",
        "adapter": "",
        "seed_ids": seeds,
        "repetition": 0,
        "samples": 3,
        "prompt": prompt,
        "prompt_hash": digest(prompt),
        "text": "",
        "choices": [],
        "padding": 1 - len(prompt.split()) + BLOCK,
        "most_tokens": 1 + BLOCK + 3 * 10,
    }
    seed = (5 + int(request_id[:12], 16)) % 2**31
    sampling = {"temperature": 1.0, "min_p": 0.05, "max_tokens": 10.0, "seed": float(seed)}
    assert map_column(table, "sampling") == [sampling]
    assert map_column(table, "attributes") == [{}]


def test_adapters_go_into_requests_and_their_ids(model: Path) -> None:
    lora, soft = Adapter("hash-1", "a", "lora", rank=8), Adapter("hash-2", "b", "soft_prompt", tokens=7)
    plain, mixed = plan(model), plan(model, adapters={"lost_card": lora, "opening_hours": soft})
    for before, after in zip(plain.to_pylist(), mixed.to_pylist(), strict=True):
        assert before["request_id"] != after["request_id"]
        assert (before["prompt"], before["prompt_hash"]) == (after["prompt"], after["prompt_hash"])
        if after["label"] == "lost_card":
            assert (after["adapter"], after["padding"]) == ("hash-1", before["padding"])
            assert after["most_tokens"] == before["most_tokens"]
        else:  # soft tokens count: they and the prompt fill blocks together
            padding = block_padding(7 + len(after["prompt"].split()), 2 * 3)
            assert (after["adapter"], after["padding"]) == ("hash-2", padding)
            assert after["most_tokens"] == before["most_tokens"] - before["padding"] + padding + 7


def test_padding_counts_the_answers_to_a_prompt(model: Path) -> None:
    once = SETTINGS.model_copy(update={"samples": 1, "exemplar_sets": 1})
    (row,) = plan(model, settings=once, opening_hours=1).to_pylist()
    assert row["padding"] == 0
    assert {row["padding"] for row in plan(model, settings=once, opening_hours=9).to_pylist()} == {
        block_padding(len(row["prompt"].split()), 9)
    }
    assert not make_method("prompted", "chat", model).form.may_be_padded


def test_a_literal_request_is_its_text_and_costs_nothing(model: Path) -> None:
    settings, lora = SETTINGS.model_copy(update={"method": "mix"}), Adapter("hash-1", "a", "lora", rank=8)
    table = plan(model, settings=settings, adapters={"lost_card": lora}, lost_card=4)
    for row in table.to_pylist():
        assert (row["method"], row["adapter"], row["samples"]) == ("mix", "", 1)
        assert (row["padding"], row["most_tokens"], row["sampling"]) == (0, 0, [])
    assert len(set(table["prompt"].to_pylist())) == len(ids(table)) == 4
    texts = [set(plan(model, settings=settings, wave=wave, lost_card=4)["prompt"].to_pylist()) for wave in (1, 2)]
    assert texts[0] == set(table["prompt"].to_pylist()) != texts[1]


def test_a_penalty_travels_with_a_request(model: Path) -> None:
    plain, penalised = (
        plan(model, settings=SETTINGS.model_copy(update={"penalty": theta}), opening_hours=1) for theta in (1.0, 1.2)
    )
    assert map_column(penalised, "sampling") == [map_column(plain, "sampling")[0] | {"penalty": 1.2}]
    assert Decoding(penalised=True).params({"penalty": 1.2}) == {"extra_args": {"penalty": 1.2}}
    assert Decoding(penalised=True).params({"temperature": 1.0}) == {}


def test_a_label_may_have_a_temperature_of_its_own(model: Path) -> None:
    material, method = Material(TASK, SETTINGS, "run"), make_method("prompted", "completion", model)
    counts = {"lost_card": 1, "opening_hours": 1}
    steered = plan_wave(material, method, 1, counts, {"lost_card": 0.7})
    assert [sampling["temperature"] for sampling in map_column(steered, "sampling")] == [0.7, 1.0]
    assert ids(steered) == ids(plan_wave(material, method, 1, counts))


def test_the_same_arguments_give_the_same_plan(model: Path) -> None:
    assert plan(model).equals(plan(model))
    backwards = replace(TASK, seeds=TASK.seeds[::-1])
    assert plan(model, backwards).equals(plan(model))


@pytest.mark.parametrize("change", [{"identity": "other"}, {"round_": 1}, {"wave": 2}])
def test_ids_differ_between_runs_rounds_and_waves(model: Path, change: dict[str, Any]) -> None:
    assert not ids(plan(model)) & ids(plan(model, **change))


def test_asking_for_more_keeps_the_ids(model: Path) -> None:
    fewer, more = plan(model, lost_card=3, opening_hours=1), plan(model, lost_card=9, opening_hours=4)
    assert ids(fewer) < ids(more)


def test_labels_without_a_count_are_not_asked_for(model: Path) -> None:
    assert Counter(plan(model, opening_hours=2)["label"].to_pylist()) == {"opening_hours": 2}
    nothing = plan_wave(Material(TASK, SETTINGS, "run"), make_method("prompted", "completion", model), 0, {})
    assert nothing.num_rows == 0
    assert nothing.schema == REQUEST_SCHEMA


def test_a_label_without_seeds_is_asked_for_by_its_description(model: Path) -> None:
    (row,) = plan(model, replace(TASK, seeds=TASK.seeds[:3]), opening_hours=1).to_pylist()
    assert row["seed_ids"] == []
    assert row["prompt"] == "Messages to a library.\nopening hours: asks for times\n\n1."


def sets_of(label: Label, task: Task = TASK, settings: GenerationSettings = SETTINGS) -> list[list[Example]]:
    return exemplar_sets(Material(task, settings, "run"), label)


def texts(sets: list[list[Example]]) -> list[list[str]]:
    return [[example.text for example in chosen] for chosen in sets]


def test_exemplar_sets_differ_and_repeat() -> None:
    sets = sets_of(LOST)
    assert [len(chosen) for chosen in sets] == [2, 2]
    assert len({tuple(chosen) for chosen in texts(sets)}) == 2
    assert all(len(set(chosen)) == 2 and example.label == "lost_card" for chosen in sets for example in chosen)
    assert sets_of(LOST, replace(TASK, seeds=TASK.seeds[::-1])) == sets
    many = SETTINGS.model_copy(update={"exemplar_sets": 3})
    assert sets_of(LOST, settings=many)[:2] == sets


def test_waves_of_a_round_share_their_prompts(model: Path) -> None:
    first, second, next_round = (
        set(plan(model, wave=wave, round_=round_)["prompt_hash"].to_pylist())
        for wave, round_ in ((0, 0), (1, 0), (0, 1))
    )
    assert first == second
    assert first != next_round


def test_exemplar_sets_of_few_seeds() -> None:
    assert texts(sets_of(HOURS)) == [["When do you close?"]]
    none = SETTINGS.model_copy(update={"exemplars": 0})
    assert sets_of(LOST, settings=none) == [[]]
    assert sets_of(LOST, replace(TASK, seeds=())) == [[]]
