"""Generated rows, made once and kept by content: arms that ask for the same rows share them.

The cache is a run store. Each call that finds something missing makes a round of it, so that many small corpora keep
the engine full; a corpus is one part of the round's requests, named by its key.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.adapters import place_adapter_of_run
from cluster.config import TaskConfig
from cluster.job import gpu_count
from cluster.lease import Lease
from cluster.material import LEARNT
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engine
from cluster.store import RequestRef, Store
from generation.material import Material
from generation.methods import METHODS, make_method
from generation.methods.base import Method
from generation.models import EMBEDDED_ENCODER, model_hash, resolve_model
from generation.plan import plan_wave
from generation.records import digest
from generation.settings import GenerationSettings
from training.learnt import learn
from training.settings import StudentSettings
from yardstick.adapted import Adapted
from yardstick.sets import Split

PROMPT_VERSION = 2  # raise it when the same settings ask in another way


@dataclass(frozen=True)
class CorpusSpec:
    """`rows` generated rows per label for one split's seeds."""

    split: Split
    settings: GenerationSettings
    rows: int

    def requests(self, samples: int) -> dict[str, int]:
        """Requests per label, of so many texts each."""
        return {label: max(1, round(self.rows / samples)) for label in self.split.labels}


def learnt_of(split: Split, method: Method) -> dict[str, Any]:
    """What a method needs to know of a split's seeds and their words, as fields of Material."""
    if not method.needs & LEARNT:
        return {}
    words = sorted({word for seed in split.seeds for word in seed.text.split()})
    return learn(split.seeds, words, resolve_model(EMBEDDED_ENCODER), StudentSettings())


@dataclass(frozen=True)
class Corpus:
    """Rows (ROW_SCHEMA) as they were generated, and their cost: `seconds` is a share of a full engine's time."""

    rows: pa.Table
    prompt_tokens: int
    output_tokens: int
    seconds: float


@dataclass
class Corpora:
    """The cache in `folder`; `config` says which LM and how the engine runs."""

    folder: Path
    config: TaskConfig
    _tables: dict[int, pa.Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = Store(self.folder)
        self._model_folder = resolve_model(self.config.model)
        self._model_hash = model_hash(self._model_folder)
        adapt, exemplars = self.config.adapt, self.config.generation.exemplars
        self.adapted = Adapted(self.folder / "trained", self._model_folder, adapt, exemplars)

    def ensure(self, specs: Sequence[CorpusSpec]) -> None:
        """Generate what is missing of `specs`; what an interrupted call left of others is not touched."""
        if not self._open(specs) and not self._unplanned(specs):
            return
        with Lease(self.folder) as lease:
            # LoRAs slow every request of their engine down on a CPU
            for part in ([spec for spec in specs if _has_lora(spec) == lora] for lora in (False, True)):
                self.plan(part)
                if left := self._open(part):
                    self._generate(left, part, lease.epoch)

    def plan(self, specs: Sequence[CorpusSpec]) -> None:
        """Commit the requests of those of `specs` that are not planned yet, as one round."""
        missing = self._unplanned(specs)
        if not missing:
            return
        number = max(self.store.rounds(), default=-1) + 1
        shutil.rmtree(self.store.folder(number), ignore_errors=True)  # a plan that was cut short
        for key, spec in missing.items():
            method = make_method(spec.settings.method, spec.settings.form_name(), self._model_folder)
            counts = spec.requests(method.samples(spec.settings))
            adapters = self.adapted.adapters(spec.split, spec.settings.method)
            for each in adapters.values():
                place_adapter_of_run(each, self.store.root)
            learnt = learnt_of(spec.split, method)
            material = Material(spec.split.task, spec.settings, key, adapters=adapters, **learnt)
            plan = plan_wave(material, method, 0, counts)
            place = plan.schema.get_field_index("round")
            plan = plan.set_column(place, plan.schema.field("round"), pa.array([number] * len(plan), pa.int32()))
            self.store.commit(number, "requests", key, plan, key)
        names = {key: f"{spec.split.real.name} k={spec.split.k} {spec.split.number}" for key, spec in missing.items()}
        self.store.write_json(f"rounds/{number:03d}/round.json", {"corpora": names})  # from here on it counts

    def get(self, spec: CorpusSpec) -> Corpus:
        """The rows of a corpus that `ensure` has made; raises KeyError for another."""
        key = self.key(spec)
        number = self._places()[key]
        if number not in self._tables:
            self._tables[number] = self.store.generated(number)
        everything = self._tables[number]
        part = next(path for path in self.store.parts(number, "requests") if key in path)
        wanted = pa.array([ref.request_id for ref in self.store.request_refs(number) if ref.part == part])
        rows = everything.filter(pc.is_in(everything["request_id"], wanted)).sort_by("id")
        output = pc.sum(rows["output_tokens"]).as_py()
        first = rows.group_by("request_id").aggregate([("prompt_tokens", "min")])
        took = self.store.read_json(self._timing(number)) or {"seconds": 0.0}
        share = output / max(1, pc.sum(everything["output_tokens"]).as_py())
        trained = self.adapted.seconds(spec.split, spec.settings.method)
        return Corpus(rows, pc.sum(first["prompt_tokens_min"]).as_py(), output, took["seconds"] * share + trained)

    def key(self, spec: CorpusSpec) -> str:
        """Hash of all that decides the rows."""
        task = spec.split.task
        seeds = sorted(seed.id for seed in task.seeds)
        labels = [label.model_dump(mode="json") for label in task.labels]
        settings = spec.settings.model_dump(mode="json")
        if METHODS[spec.settings.method].adapting:
            settings["adapt"] = self.config.adapt.model_dump(mode="json")
        source = make_method(spec.settings.method, spec.settings.form_name(), self._model_folder).source
        return digest(PROMPT_VERSION, task.description, labels, seeds, settings, spec.rows, source, self._model_hash)

    def _open(self, specs: Sequence[CorpusSpec]) -> dict[int, list[RequestRef]]:
        """Requests of `specs` that are planned and not answered, by round."""
        places, keys = self._places(), {self.key(spec) for spec in specs}
        rounds = sorted({places[key] for key in keys if key in places})
        found = {number: [ref for ref in self.store.open_requests(number) if _key_of(ref) in keys] for number in rounds}
        return {number: left for number, left in found.items() if left}

    def _unplanned(self, specs: Sequence[CorpusSpec]) -> dict[str, CorpusSpec]:
        places = self._places()
        return {key: spec for spec in specs if (key := self.key(spec)) not in places}

    def _generate(self, rounds: Mapping[int, Sequence[RequestRef]], specs: Sequence[CorpusSpec], epoch: int) -> None:
        """One engine has the adapters of all splits: none of them is merged."""
        adapters = [each for spec in specs for each in self.adapted.adapters(spec.split, spec.settings.method).values()]
        named = {str(place): each for place, each in enumerate(adapters)}
        with ray_session(self.config.runtime):
            spec = plan_engine(self.config, self._model_folder, self._model_hash, gpu_count(), named)
            pool = EnginePool(spec, 1, self.store, "lift", epoch, log=print)
            pool.start()
            try:
                for number, left in rounds.items():
                    self._finish(pool, number, left)
            finally:
                pool.stop()

    def _finish(self, pool: EnginePool, number: int, left: Sequence[RequestRef]) -> None:
        done, rows, last = 0, sum(ref.samples for ref in left), time.monotonic()
        for part in pool.generate(left):
            done, now = done + part.rows, time.monotonic()
            took = (self.store.read_json(self._timing(number)) or {"seconds": 0.0})["seconds"] + now - last
            self.store.write_json(self._timing(number), {"seconds": took})
            print(f"generating: {done:,}/{rows:,} rows; {part.output_tokens / (now - last):.0f} tokens/s", flush=True)
            last = now
        self._tables.pop(number, None)

    def _places(self) -> dict[str, int]:
        """The round of each corpus that is planned."""
        records = {number: self.store.read_json(f"rounds/{number:03d}/round.json") for number in self.store.rounds()}
        return {key: number for number, record in records.items() for key in record["corpora"]}

    def _timing(self, number: int) -> str:
        return f"rounds/{number:03d}/timing.json"


def _has_lora(spec: CorpusSpec) -> bool:
    return METHODS[spec.settings.method].adapting == "lora"


def _key_of(ref: RequestRef) -> str:
    return Path(ref.part).stem.removeprefix("part-")
