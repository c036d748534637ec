"""Adapters in a task file: how they are found, what they make of a run's identity, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.job import Job, prepare
from generation.adapters.folder import read_adapter
from generation.errors import UserError
from tests.cluster.cases import write_task
from tests.generation.adapters.cases import Sealed, copy_of, make_lm, reseal, scale_matrices


@pytest.fixture
def task(tmp_path: Path, sealed: Sealed) -> Path:
    """A task folder whose `model` is the base of `sealed`, with `lora` and `soft` beside it."""
    for name in ("model", "lora", "soft"):
        copy_of(getattr(sealed, name), tmp_path / name)
    return tmp_path


def job(folder: Path, adapters: dict[str, str | None], **changes: Any) -> Job:
    return prepare(write_task(folder, generation={"adapters": adapters, "borrow_below": 0}, **changes))


def message(folder: Path, adapters: dict[str, str | None], **changes: Any) -> str:
    with pytest.raises(UserError) as caught:
        job(folder, adapters, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{folder}/")


def test_labels_find_their_adapters(task: Path) -> None:
    lora, soft = read_adapter(task / "lora"), read_adapter(task / "soft")
    assert job(task, {}).adapters == {}
    assert job(task, {"pos": "lora"}).adapters == {"pos": lora}
    assert job(task, {"pos": "lora", "*": "soft"}).adapters == {"pos": lora, "neg": soft}
    assert job(task, {"pos": None, "*": "soft"}).adapters == {"neg": soft}
    assert job(task, {"*": str(task / "lora")}).adapters == {"pos": lora, "neg": lora}


def test_a_run_is_known_by_what_its_adapters_hold(task: Path) -> None:
    plain, adapted = job(task, {}), job(task, {"pos": "lora"})
    assert not any("adapters" in name for name in plain.identity)
    differ = {name: value for name, value in adapted.identity.items() if plain.identity.get(name) != value}
    assert differ == {"generation.adapters.pos": read_adapter(task / "lora").id}
    copy_of(task / "lora", task / "elsewhere")
    assert job(task, {"pos": "elsewhere", "neg": None}).run_id == adapted.run_id
    scale_matrices(task / "lora", 2.0)
    reseal(task / "lora")
    assert job(task, {"pos": "lora"}).run_id != adapted.run_id


def test_room_for_loras_does_not_change_a_run(task: Path) -> None:
    assert job(task, {"pos": "lora"}, runtime={"max_lora_rank": 64}).run_id == job(task, {"pos": "lora"}).run_id


def test_labelling_asks_the_base_model(task: Path) -> None:
    """An adapter may be merged into the engines' weights, which would answer then."""
    (task / "pool.jsonl").write_text('{"text": "well"}\n')
    path = write_task(task, pool="pool.jsonl", generation={"adapters": {"*": "lora"}, "method": "pseudo_label"})
    with pytest.raises(UserError, match="must be empty with method 'pseudo_label', which asks the base model"):
        prepare(path)


SETS = [{"text": "so glad", "labels": ["pos"]}, {"text": "glad and sad", "labels": ["pos", "neg"]}]


def test_a_set_of_labels_finds_its_adapter(task: Path) -> None:
    path = write_task(task, SETS, kind="multi_label", generation={"adapters": {"neg+pos": "lora"}})
    assert prepare(path).adapters == {"neg+pos": read_adapter(task / "lora")}


def test_margins_are_of_single_labels(task: Path) -> None:
    with pytest.raises(UserError, match="label margins need a judge of single labels; kind 'multi_label' has none"):
        prepare(write_task(task, SETS, kind="multi_label", denoise={"rerank": "margin"}))


def test_a_rank_above_the_engines(task: Path) -> None:
    assert message(task, {"*": "lora"}, runtime={"max_lora_rank": 1}) == (
        f"task.yaml: runtime.max_lora_rank: must be at least 8, the rank of {task}/lora; got 1"
    )


def test_an_adapter_that_is_not_there(task: Path) -> None:
    assert message(task, {"pos": "lost"}).startswith("lost/adapter.json: no such file; seal the adapter first: ")


def test_an_adapter_of_another_model(task: Path) -> None:
    make_lm(task / "other", seed=3)
    assert message(task, {"pos": "soft"}, model="other").startswith(
        "soft/adapter.json: model_hash: the adapter was made for another base model: "
    )


def test_soft_tokens_take_room_in_the_context(task: Path) -> None:
    room = {"max_model_len": 96 + 18}
    job(task, {}, runtime=room)
    assert message(task, {"neg": "soft"}, runtime=room).startswith(
        "task.yaml: generation.exemplars: a prompt for 'neg' has 20 tokens; the context has room for 18 "
    )
