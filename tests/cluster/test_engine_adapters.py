"""LoRA, soft prompts and the base model mixed in one real engine, and planted adapters that its proof must find."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from cluster.adapters import place_adapters
from cluster.job import Job, prepare
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engine
from cluster.store import Store, adapter_folder
from generation.adapters.folder import Adapter, read_adapter
from generation.adapters.seal import seal_adapter
from generation.adapters.soft_prompt import load_soft_prompt
from generation.errors import UserError
from generation.plan import plan_wave
from generation.tokens import encode_texts
from tests.chaos.driver import TINY
from tests.generation.adapters.cases import copy_of, make_lora, make_soft_prompt, reseal, scale_matrices

EPOCH = 1
LORA, SOFT, BASE = "lost_pet", "bake_sale", "band_practice"  # labels, by what answers for them


@dataclass
class Bench:
    """A pool on one engine that knows all `adapters`, good and bad."""

    job: Job
    store: Store
    pool: EnginePool
    adapters: dict[str, Adapter]
    waves: int = 0

    def generate(self, counts: dict[str, int], **adapters: str) -> int:
        """Plan and generate a wave with some of the adapters, by label; returns its number."""
        wave, self.waves = self.waves, self.waves + 1
        chosen = {label: self.adapters[name] for label, name in adapters.items()}
        plan = plan_wave(self.job.task, self.job.config.generation, self.job.method, "run", 0, wave, counts, chosen)
        self.store.commit(0, "requests", f"w{wave:03d}", plan, "run")
        for _ in self.pool.generate(self.store.request_refs(0, wave)):
            pass
        return wave

    def refusal(self, name: str) -> str:
        """Why the run stops when it asks for an adapter."""
        with pytest.raises(UserError) as caught:
            self.generate({LORA: 1}, **{LORA: name})
        return str(caught.value)


def make_adapters(folder: Path, model: Path) -> dict[str, Adapter]:
    """Two good adapters, and some whose manifests claim what they do not do."""
    lora = make_lora(folder / "lora", model, scale=0.05)
    words = encode_texts(model, ["Voici une liste de phrases en français."])[0]
    embeddings = AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16).get_input_embeddings()
    soft = make_soft_prompt(folder / "soft", embeddings(torch.tensor(words)))
    for each in (lora, soft):
        seal_adapter(each, model)
    for name, factor in (("zero", 0.0), ("turned", -1.0)):
        scale_matrices(copy_of(lora, folder / name), factor)
        reseal(folder / name)
    make_lora(copy_of(lora, folder / "wide"), model, rank=16)
    reseal(folder / "wide")
    make_soft_prompt(folder / "backwards", load_soft_prompt(soft).flip(0))
    (folder / "backwards" / "adapter.json").write_bytes((soft / "adapter.json").read_bytes())
    reseal(folder / "backwards")
    names = ("lora", "soft", "zero", "turned", "wide", "backwards")
    return {name: read_adapter(folder / name) for name in names}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    greedy = ["generation.min_p=1.0", "generation.max_tokens=24", "generation.samples=2"]
    job, store = prepare(TINY, greedy), Store(tmp_path_factory.mktemp("run"))
    adapters = make_adapters(tmp_path_factory.mktemp("made"), job.model_folder)
    store.write_json("rounds/000/round.json", {})
    store.write_json("lease.json", {"epoch": EPOCH})
    spec = plan_engine(job.config, job.model_folder, job.model_hash, 0, adapters)
    spec = place_adapters(replace(spec, max_lora_rank=8), store.root)
    with ray_session(job.config.runtime):
        pool = EnginePool(spec, 1, store, "run", EPOCH)
        pool.start()
        yield Bench(job, store, pool, adapters)
        pool.stop()


class Judge:
    """The base model in transformers, with an adapter or without."""

    def __init__(self, bench: Bench) -> None:
        self._model = bench.job.model_folder
        base = AutoModelForCausalLM.from_pretrained(self._model, dtype=torch.float32)
        self._soft = load_soft_prompt(Path(bench.adapters["soft"].name)).float()
        self._lora = PeftModel.from_pretrained(base, bench.adapters["lora"].name).eval()

    @torch.inference_mode()
    def score(self, kind: str, prompt: str, text: str) -> float:
        """Logprob of a text after a prompt under one of the three."""
        tokens, answer = encode_texts(self._model, [prompt, f" {text}"])
        ids = torch.tensor([tokens + answer])
        embeds = self._lora.get_input_embeddings()(ids)
        if kind == SOFT:
            embeds = torch.cat([self._soft[None], embeds], 1)
        if kind == LORA:
            logits = self._lora(inputs_embeds=embeds).logits
        else:
            with self._lora.disable_adapter():
                logits = self._lora(inputs_embeds=embeds).logits
        logprobs = logits[0, -len(answer) - 1 : -1].log_softmax(-1)
        return float(logprobs.gather(1, torch.tensor(answer)[:, None]).sum())


def test_rows_of_all_kinds_in_one_batch(bench: Bench) -> None:
    """Greedy answers: each is likelier under the adapter that its row names than under the two others."""
    wave = bench.generate({LORA: 4, SOFT: 4, BASE: 4}, **{LORA: "lora", SOFT: "soft"})
    rows = [row for row in bench.store.generated(0).to_pylist() if row["wave"] == wave]
    planned = {request["request_id"]: request for request in bench.store.requests(0).to_pylist()}
    wanted = {LORA: bench.adapters["lora"].id, SOFT: bench.adapters["soft"].id, BASE: ""}
    assert len(rows) == 24
    assert {row["label"]: row["adapter"] for row in rows} == wanted
    assert {row["model_hash"] for row in rows} == {bench.job.model_hash}
    judge = Judge(bench)
    score = functools.cache(judge.score)
    for row in rows:
        request = planned[row["request_id"]]
        length = len(encode_texts(bench.job.model_folder, [request["prompt"]])[0])
        soft = bench.adapters["soft"].tokens if row["label"] == SOFT else 0
        assert row["prompt_tokens"] == length + request["padding"] + soft
        assert request["padding"] == 0 or row["label"] != SOFT
        assert request["most_tokens"] == row["prompt_tokens"] + 2 * 24
        scores = {kind: score(kind, request["prompt"], row["text"]) for kind in (LORA, SOFT, BASE)}
        assert max(scores, key=lambda kind: scores[kind]) == row["label"], (row["text"], scores)


def test_an_adapter_without_effect_stops_the_run(bench: Bench) -> None:
    adapter = bench.adapters["zero"]
    assert bench.refusal("zero") == (
        f"adapter {adapter.name} ({adapter.id}) has no effect: with it, logprobs on its probe prompt differ by 0.000 "
        "from the base model's; 0.1 is the least"
    )


@pytest.mark.parametrize("name", ["turned", "backwards"])
def test_an_adapter_that_does_something_else_stops_the_run(bench: Bench, name: str) -> None:
    adapter = bench.adapters[name]
    assert bench.refusal(name).startswith(f"adapter {adapter.name} ({adapter.id}) does not work as it was made: ")


def test_a_rank_above_the_engines_stops_the_run(bench: Bench) -> None:
    found = bench.refusal("wide")
    assert found.startswith(f"adapter {bench.adapters['wide'].name} ({bench.adapters['wide'].id}) cannot be loaded: ")
    assert "LoRA rank 16 is greater than max_lora_rank 8" in found


def test_after_all_this_the_engine_goes_on_and_nothing_is_lost(bench: Bench) -> None:
    wave = bench.generate({BASE: 1, LORA: 1}, **{LORA: "lora"})
    rows = [row for row in bench.store.generated(0).to_pylist() if row["wave"] == wave]
    assert len(rows) == 4
    assert {row["engine"] for row in rows} == {f"d{EPOCH:04d}-e000-i000"}


def test_the_runs_own_copy_is_what_is_served(bench: Bench) -> None:
    for adapter in bench.adapters.values():
        assert read_adapter(adapter_folder(bench.store.root, adapter.id)).id == adapter.id
