"""Adapters of a run: which tasks may train them, from which rows, and that they are read where training left them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cluster.adapters import best_rows, taught_rows, train_adapters
from cluster.job import Job, prepare
from cluster.spec import plan_engine
from generation.adapters.folder import Adapter, read_adapter
from generation.adapters.mixture import base_embeddings
from generation.adapters.seal import seal_adapter
from generation.errors import UserError
from generation.records import DATASET_SCHEMA
from generation.task import Example
from tests.cluster.cases import SEEDS, write_task
from tests.generation.adapters.cases import Sealed, copy_of, make_mixture
from tests.training.adapters.cases import SETTINGS, make_scribe
from training.adapters.job import AdapterJob
from training.adapters.trainer import AdapterTrainer

METHODS = ("control_codes", "lora", "soft_prompts", "mixture")


def message(path: Path) -> str:
    """The one line with which a task is refused, from its file on."""
    with pytest.raises(UserError) as caught:
        prepare(path)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A task folder with a model that can be trained."""
    make_scribe(tmp_path / "model")
    return tmp_path


@pytest.mark.parametrize("method", METHODS)
def test_a_server_cannot_load_what_is_trained(tmp_path: Path, method: str) -> None:
    server = {"url": "http://127.0.0.1:1/v1", "model": "scribe"}
    path = write_task(tmp_path, generation={"method": method}, server=server)
    assert message(path) == f"generation.method: {method!r} trains adapters, which a server cannot load"


def test_adapters_of_the_users_beside_trained_ones(tmp_path: Path, sealed: Sealed) -> None:
    copy_of(sealed.model, tmp_path / "model")
    path = write_task(tmp_path, generation={"method": "lora", "adapters": {"pos": str(sealed.lora)}})
    assert message(path) == "generation.adapters: must be empty with method 'lora', which trains its own"


def test_a_label_without_seeds_under_a_method_that_trains(tmp_path: Path) -> None:
    labels = [{"name": name, "description": "is felt"} for name in ("pos", "neg", "calm")]
    path = write_task(tmp_path, labels=labels, generation={"method": "mixture"})
    assert message(path) == "generation.method: 'mixture' trains on seeds, label 'calm' has none"
    assert prepare(write_task(tmp_path, labels=labels)).adapters == {}


def test_a_mixture_learns_every_value_of_attributes_from_seeds(folder: Path) -> None:
    attributes = [{"name": "tone", "values": ["dry", "warm"]}, {"name": "slot.what", "values": ["the sea", "it"]}]
    told = [{**seed, "tone": tone} for seed, tone in zip(SEEDS, ("dry", "dry", "", "dry"), strict=True)]

    def task(rows: list[dict[str, str]]) -> Path:
        return write_task(folder, rows, attributes=attributes, generation={"method": "mixture"})

    assert message(task(told)) == (
        "attributes: 'mixture' learns a prompt of each value from seeds; 'tone=warm' has none: give seeds a column "
        "'tone'"
    )
    told[2]["tone"] = "warm"
    assert "'slot.what' has none: give seeds a column 'slot.what'" in message(task(told))
    told[1]["slot.what"] = "it"
    job = prepare(task(told))
    assert [seed.attributes for seed in job.task.seeds] == [
        (("tone", "dry"),),
        (("slot.what", "it"), ("tone", "dry")),
        (("tone", "warm"),),
        (("tone", "dry"),),
    ]
    told[3]["tone"] = "warm"
    assert prepare(task(told)).run_id != job.run_id
    asked = job.method.asks(job.material(), job.task.labels[0], 4)
    assert {each.attributes["tone"] for each in asked} == {"dry", "warm"}


def test_a_mixture_without_a_prompt_for_a_label(tmp_path: Path, sealed: Sealed) -> None:
    copy_of(sealed.model, tmp_path / "model")
    words = {"task": [7], "label=pos": [9]}
    mixture = make_mixture(tmp_path / "mixture", base_embeddings(sealed.model), [5, 6], words)
    adapter = seal_adapter(mixture, sealed.model)
    job = prepare(write_task(tmp_path, generation={"adapters": {"pos": "mixture"}}))
    assert job.adapters == {"pos": Adapter(adapter.id, str(mixture), "mixture", tokens=4)}
    found = message(write_task(tmp_path, generation={"adapters": {"*": "mixture"}}))
    assert found == f"{mixture}/mixture.json: values: has no prompt for 'label=neg'; known are 'task, label=pos'"


@pytest.mark.parametrize(
    ("method", "tokens"), [("soft_prompts", 70), ("mixture", 90 + 70), ("lora", 0), ("control_codes", 0)]
)
def test_soft_tokens_that_are_yet_to_be_trained_take_room(tmp_path: Path, method: str, tokens: int) -> None:
    """The longest prompt of the task has 15 tokens; a mixture's come in one of 70 after an instruction of 90."""
    adapt = {"tokens": 70, "instruction_tokens": 90}
    room = 15 + tokens

    def task(context: int) -> Path:
        runtime = {"max_model_len": context + 96}
        return write_task(tmp_path, generation={"method": method}, adapt=adapt, runtime=runtime)

    prepare(task(room))
    assert message(task(room - 1)).startswith(f"generation.exemplars: a prompt for 'pos' has {room} tokens; ")


def test_how_adapters_are_trained_is_part_of_a_run_that_trains(folder: Path) -> None:
    def run_id(method: str, rank: int) -> str:
        return prepare(write_task(folder, generation={"method": method}, adapt={"rank": rank})).run_id

    assert run_id("lora", 4) != run_id("lora", 8)
    assert run_id("prompted", 4) == run_id("prompted", 8)


@pytest.mark.parametrize("kind", ["soft_prompt", "mixture", "lora"])
def test_an_engine_takes_embeddings_where_an_adapter_has_soft_tokens(tmp_path: Path, kind: Any) -> None:
    job = prepare(write_task(tmp_path))
    adapters = {"pos": Adapter("an-id", "a", kind, rank=8 if kind == "lora" else 0)}
    spec = plan_engine(job.config, tmp_path / "model", job.model_hash, 0, adapters)
    assert spec.engine_args().get("enable_prompt_embeds", False) == (kind != "lora")


def trained(job: Job, output: Path, rows: tuple[Example, ...] = ()) -> None:
    """Train in this process what `train_adapters` would have Ray train."""
    assert job.model_folder is not None
    wanted = AdapterJob(
        job.task, job.method, job.model_folder, job.model_hash, job.generation.exemplars, job.config.adapt, output, rows
    )
    trainer = AdapterTrainer(wanted)
    while not trainer.finished:
        trainer.step()
    trainer.save()


@pytest.mark.parametrize("method", METHODS)
def test_trained_adapters_are_read_and_not_trained_again(folder: Path, method: str) -> None:
    """Ray is not even there."""
    job = prepare(write_task(folder, generation={"method": method}, adapt=SETTINGS | {"epochs": 4}))
    output = folder / "adapters"
    trained(job, output)
    found = train_adapters(job, output, folder / "storage")
    names = {"pos": "all", "neg": "all"} if job.method.shared_adapter else {"pos": "000", "neg": "001"}
    assert found == {label: read_adapter(output / name) for label, name in names.items()}
    assert {each.kind for each in found.values()} == {job.method.adapting}


def test_a_label_that_training_left_without_effect_has_no_adapter(folder: Path) -> None:
    job = prepare(write_task(folder, generation={"method": "lora"}, adapt=SETTINGS | {"epochs": 4}))
    output = folder / "adapters"
    trained(job, output)
    names = json.loads((output / "adapters.json").read_text())
    (output / "adapters.json").write_text(json.dumps({"neg": names["neg"]}))
    assert train_adapters(job, output, folder / "storage") == {"neg": read_adapter(output / "001")}


def kept_rows(*rows: tuple[str, str, str, float]) -> pa.Table:
    columns = ("id", "text", "label", "weight")
    return pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows], schema=DATASET_SCHEMA)


@pytest.mark.parametrize(("share", "glad"), [(0.5, 2), (0.4, 1), (0.6, 3), (0.0, 0)])
def test_adapters_learn_from_a_bounded_share_of_generated_rows(share: float, glad: int) -> None:
    """Of two trusted rows of a label: the heaviest, of equal ones the lower id; other labels are left out."""
    kept = kept_rows(
        ("e", "fine", "pos", 0.9),
        ("d", "good", "pos", 1.0),
        ("c", "best", "pos", 1.0),
        ("b", "glad", "pos", 1.0),
        ("a", "sad", "neg", 0.1),
        ("f", "still", "calm", 1.0),
    )
    best = [Example(text, "pos") for text in ("glad", "best", "good")][:glad]
    expected = best + ([Example("sad", "neg")] if share else [])
    assert best_rows(kept, {"pos": 2, "neg": 2}, share) == expected
    assert best_rows(kept.slice(0, 0), {"pos": 2, "neg": 2}, share) == []


def test_what_people_have_checked_is_learnt_whole_and_makes_room(folder: Path) -> None:
    """A quarter of four seeds is held out, three make room for three rows, and each checked row for one more."""
    seeds = [{"text": f"{label} {place}", "label": label} for label in ("pos", "neg") for place in range(4)]
    job = prepare(write_task(folder, seeds, generation={"method": "lora"}))
    kept = kept_rows(
        *((f"{label}{place}", f"{label} kept {place}", label, 1.0) for label in ("pos", "neg") for place in range(9))
    )
    checked = (Example("pos kept 0", "pos", known_as="pos0"), Example("as people say", "pos", known_as="neg5"))
    found = taught_rows(job, kept, checked)
    assert found[:2] == list(checked)
    assert [row.text for row in found[2:]] == [
        *(f"pos kept {place}" for place in range(1, 6)),
        *(f"neg kept {place}" for place in range(3)),
    ]
