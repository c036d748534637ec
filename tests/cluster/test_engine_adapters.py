"""Adapters of all kinds and the base model mixed in one real engine, and planted ones that its proof must find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest
from safetensors.torch import load_file
from tokenizers import Tokenizer

from cluster.adapters import place_adapter_of_run, place_adapters
from cluster.job import Job, prepare
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engine
from cluster.store import Store, adapter_folder
from generation.adapters.folder import Adapter, read_adapter, read_probe
from generation.adapters.mixture import base_embeddings
from generation.adapters.seal import seal_adapter
from generation.adapters.soft_prompt import load_soft_prompt
from generation.errors import UserError
from generation.material import Material
from generation.plan import plan_wave
from generation.tokens import BLOCK, encode_texts
from tests.chaos.driver import TINY
from tests.generation.adapters.cases import copy_of, make_lora, make_mixture, make_soft_prompt, reseal, scale_matrices

EPOCH, PROMPT = 1, "ha"
LORA, SOFT, BASE = "lost_pet", "bake_sale", "band_practice"  # labels, by what answers for them


@dataclass
class Bench:
    """A pool on one engine that knows all `adapters`, good and bad."""

    job: Job
    store: Store
    pool: EnginePool
    adapters: dict[str, Adapter]
    waves: int = 0

    def generate(self, counts: dict[str, int], padded: bool = False, **adapters: str) -> int:
        """Plan and generate a wave with some of the adapters, by label; returns its number.

        Prompts are not padded unless asked for: transformers were not asked with line breaks before them.
        """
        wave, self.waves = self.waves, self.waves + 1
        chosen = {label: self.adapters[name] for label, name in adapters.items()}
        material = Material(self.job.task, self.job.config.generation, "run", 0, chosen)
        plan = plan_wave(material, self.job.method, wave, counts)
        if not padded:
            place = plan.schema.get_field_index("padding")
            plan = plan.set_column(place, plan.schema.field("padding"), pa.array([0] * len(plan), pa.int32()))
        self.store.commit(0, "requests", f"w{wave:03d}", plan, "run")
        for _ in self.pool.generate(self.store.request_refs(0, wave)):
            pass
        return wave

    def likeliest(self, top: Mapping[int, float]) -> str:
        """The text of the likeliest token."""
        tokenizer = Tokenizer.from_file(str(self.job.model_folder / "tokenizer.json"))
        return tokenizer.decode([max(top, key=lambda token: top[token])]).strip()

    def refusal(self, name: str) -> str:
        """Why the run stops when it asks for an adapter."""
        with pytest.raises(UserError) as caught:
            self.generate({LORA: 1}, **{LORA: name})
        return str(caught.value)


def make_adapters(folder: Path, model: Path) -> dict[str, Adapter]:
    """Two good adapters, and some whose manifests claim what they do not do."""
    lora = make_lora(folder / "lora", model, scale=0.2)
    words = encode_texts(model, [10 * " ha"])[0]
    table = load_file(model / "model.safetensors")["model.embed_tokens.weight"]
    soft = make_soft_prompt(folder / "soft", table[words])
    for each in (lora, soft):
        seal_adapter(each, model, PROMPT)
    for name, factor in (("zero", 0.0), ("turned", -1.0)):
        scale_matrices(copy_of(lora, folder / name), factor)
        reseal(folder / name)
    make_lora(copy_of(lora, folder / "wide"), model, rank=16)
    reseal(folder / "wide")
    make_soft_prompt(folder / "negated", -load_soft_prompt(soft))
    (folder / "negated" / "adapter.json").write_bytes((soft / "adapter.json").read_bytes())
    reseal(folder / "negated")
    names = ("lora", "soft", "zero", "turned", "wide", "negated")
    return {name: read_adapter(folder / name) for name in names}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = tmp_path_factory.mktemp("made")
    (made / "template").write_text(PROMPT)
    greedy = ["min_p=1.0", "max_tokens=8", "samples=2", f"template={made / 'template'}"]
    job, store = prepare(TINY, [f"generation.{each}" for each in greedy]), Store(tmp_path_factory.mktemp("run"))
    adapters = make_adapters(made, job.model_folder)
    store.write_json("rounds/000/round.json", {})
    store.write_json("lease.json", {"epoch": EPOCH})
    spec = plan_engine(job.config, job.model_folder, job.model_hash, 0, adapters)
    spec = place_adapters(replace(spec, max_lora_rank=8), store.root)
    with ray_session(job.config.runtime):
        pool = EnginePool(spec, 1, store, "run", EPOCH, template=job.template)
        pool.start()
        yield Bench(job, store, pool, adapters)
        pool.stop()


def test_rows_of_all_kinds_in_one_batch(bench: Bench) -> None:
    """All have the same prompt; greedy answers begin with the tokens that transformers found likeliest for each."""
    lora, soft = bench.adapters["lora"], bench.adapters["soft"]
    wave = bench.generate({LORA: 4, SOFT: 4, BASE: 4}, **{LORA: "lora", SOFT: "soft"})
    rows = [row for row in bench.store.generated(0).to_pylist() if row["wave"] == wave]
    assert len(rows) == 24
    assert {row["label"]: row["adapter"] for row in rows} == {LORA: lora.id, SOFT: soft.id, BASE: ""}
    assert {row["label"]: row["prompt_tokens"] for row in rows} == {LORA: 1, SOFT: 1 + soft.tokens, BASE: 1}
    assert {row["model_hash"] for row in rows} == {bench.job.model_hash}
    assert bench.pool.status().adapter_loads >= 2
    probes = {name: read_probe(Path(bench.adapters[name].name)) for name in ("lora", "soft")}
    begins = {LORA: bench.likeliest(probes["lora"].adapter[0]), SOFT: bench.likeliest(probes["soft"].adapter[0])}
    begins[BASE] = bench.likeliest(probes["lora"].base[0])
    assert len(set(begins.values())) == 3
    assert [row["text"] for row in rows if not row["text"].startswith(begins[row["label"]])] == []


def test_line_breaks_and_soft_tokens_fill_a_block_of_the_cache(bench: Bench) -> None:
    wave = bench.generate({LORA: 2, SOFT: 4}, padded=True, **{LORA: "lora", SOFT: "soft"})
    rows = [row for row in bench.store.generated(0).to_pylist() if row["wave"] == wave]
    assert {row["label"]: row["prompt_tokens"] for row in rows} == {LORA: 1, SOFT: BLOCK + 1}


def test_a_mixture_that_the_engine_was_not_started_for(bench: Bench, tmp_path: Path) -> None:
    """As one that a later round has trained. Both values say the same, so that its share of each does not matter."""
    model = bench.job.model_folder
    words = encode_texts(model, [8 * " woof"])[0]
    prompts = {"task": words, f"label={BASE}": words}
    folder = make_mixture(tmp_path / "mixture", base_embeddings(model), words[:2], prompts, "attention")
    mixture = bench.adapters["mixture"] = seal_adapter(folder, model, PROMPT, BASE)
    place_adapter_of_run(mixture, bench.store.root)
    wave = bench.generate({BASE: 4, SOFT: 2}, **{BASE: "mixture", SOFT: "soft"})
    rows = [row for row in bench.store.generated(0).to_pylist() if row["wave"] == wave]
    assert {row["label"]: row["adapter"] for row in rows} == {BASE: mixture.id, SOFT: bench.adapters["soft"].id}
    assert {row["prompt_tokens"] for row in rows if row["label"] == BASE} == {2 + len(words) + 1}
    begins = bench.likeliest(read_probe(folder).adapter[0])
    assert begins != bench.likeliest(read_probe(folder).base[0])
    assert [row["text"] for row in rows if row["label"] == BASE and not row["text"].startswith(begins)] == []


def test_an_adapter_without_effect_stops_the_run(bench: Bench) -> None:
    adapter = bench.adapters["zero"]
    begin, _, rest = bench.refusal("zero").partition(" differ by ")
    effect, _, end = rest.partition(" ")
    assert begin == f"adapter {adapter.name} ({adapter.id}) has no effect: with it, logprobs on its probe prompt"
    assert float(effect) < 0.05  # what another batch makes of the same sums
    assert end == "from the base model's; 0.1 is the least"


@pytest.mark.parametrize("name", ["turned", "negated"])
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
