"""Adapters trained and rows generated, each once."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from yardstick.adapted import Adapted
from yardstick.corpus import learnt_of
from yardstick.encoders import Encoders
from yardstick.sets import Split

from cluster.adapters import place_adapter_of_run
from cluster.config import TaskConfig, check_config
from cluster.lease import Lease
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engine
from cluster.store import Store
from controls.figures import Figures, measure
from denoise.settings import DenoiseSettings
from generation.adapters.folder import Adapter
from generation.material import Material
from generation.methods import make_method
from generation.models import EMBEDDED_LM, model_hash, resolve_model
from generation.plan import plan_wave
from generation.records import digest
from generation.settings import GenerationSettings
from training.adapters.settings import AdapterSettings
from training.settings import StudentSettings

VERSION = 2  # raise it when the same settings bring other rows
Asked = tuple[Split, str, float]  # a split, a method and a temperature


@dataclass
class Bench:
    """Everything is kept under `out`; `rows` are generated per label."""

    out: Path
    generation: GenerationSettings
    adapt: AdapterSettings
    rows: int

    def __post_init__(self) -> None:
        (self.out / "rows").mkdir(parents=True, exist_ok=True)
        self.store = Store(self.out / "rows")
        self.model = resolve_model(EMBEDDED_LM)
        self.model_hash = model_hash(self.model)
        self.encoders = Encoders(self.out / "judges", StudentSettings())

    def generate(self, wanted: Sequence[Asked]) -> None:
        """Train and generate what is not there yet."""
        missing = [asked for asked in wanted if not self._file(asked).is_file()]
        by_kind: dict[bool, list[Asked]] = {False: [], True: []}
        for asked in missing:
            adapters = self.adapters(asked[0], asked[1])
            by_kind[any(each.kind == "lora" for each in adapters.values())].append(asked)
        for part in by_kind.values():
            if part:
                self._generate(part)

    def adapters(self, split: Split, method: str) -> dict[str, Adapter]:
        """The adapters of a method, trained on a split's seeds if they are not there."""
        return self._adapted.adapters(split, method)

    def figures(self, split: Split, method: str, temperature: float) -> Figures:
        """The measures of what `generate` made."""
        asked = (split, method, temperature)
        return measure(self.rows_of(asked), split, self.encoders, DenoiseSettings(), self.seconds(asked))

    def seconds(self, asked: Asked) -> float:
        """What a way took, training included."""
        split, method, _ = asked
        return self._rows(asked)[1] + self._adapted.seconds(split, method)

    def oracle_accuracy(self, split: Split) -> float:
        return self.encoders.oracle_accuracy(split.real)

    def _generate(self, part: Sequence[Asked]) -> None:
        adapters = {each.id: each for split, method, _ in part for each in self.adapters(split, method).values()}
        with Lease(self.out / "rows") as lease, ray_session(self._config.runtime):
            for each in adapters.values():
                place_adapter_of_run(each, self.store.root)
            by_name = {str(place): each for place, each in enumerate(adapters.values())}
            spec = plan_engine(self._config, self.model, self.model_hash, 0, by_name)
            pool = EnginePool(spec, 1, self.store, "control", lease.epoch)
            pool.start()
            try:
                for asked in part:
                    self._ask(pool, asked)
            finally:
                pool.stop()

    def _ask(self, pool: EnginePool, asked: Asked) -> None:
        """A way's rows are a round of their own."""
        split, name, temperature = asked
        method = make_method(name, "completion", self.model)
        settings = self.generation.model_copy(update={"method": name, "temperature": temperature})
        number = max(self.store.rounds(), default=-1) + 1
        adapters = self.adapters(split, name)
        material = Material(split.task, settings, self._key(asked), number, adapters, **learnt_of(split, method))
        counts = {label: max(1, round(self.rows / method.samples(settings))) for label in split.labels}
        plan = plan_wave(material, method, 0, counts)
        self.store.write_json(f"rounds/{number:03d}/round.json", {})
        self.store.commit(number, "requests", "w000", plan, "control")
        began = time.monotonic()
        for _ in pool.generate(self.store.request_refs(number)):
            pass
        took = time.monotonic() - began
        self._file(asked).write_text(json.dumps({"round": number, "seconds": took}))
        print(f"{split.real.name} {split.number} {name} {temperature:g}: {took:.0f} s", flush=True)

    def rows_of(self, asked: Asked) -> pa.Table:
        """The rows of a way, by id."""
        return self._rows(asked)[0]

    def _rows(self, asked: Asked) -> tuple[pa.Table, float]:
        record = json.loads(self._file(asked).read_text())
        rows = self.store.generated(record["round"]).sort_by("id")
        assert pc.all(pc.equal(rows["method"], asked[1])).as_py()
        return rows, record["seconds"]

    def _file(self, asked: Asked) -> Path:
        return self.out / f"{self._key(asked)}.json"

    def _key(self, asked: Asked) -> str:
        split, name, temperature = asked
        method = make_method(name, "completion", self.model)
        settings = self.generation.model_dump(mode="json") | {"method": name, "temperature": temperature}
        adapt = self.adapt.model_dump(mode="json") if method.adapting else None
        seeds = sorted(seed.id for seed in split.seeds)
        return digest(VERSION, split.real.name, seeds, settings, adapt, self.rows, method.source, self.model_hash)

    @cached_property
    def _adapted(self) -> Adapted:
        return Adapted(self.out / "adapters", self.model, self.adapt, self.generation.exemplars)

    @cached_property
    def _config(self) -> TaskConfig:
        labels = [{"name": name, "description": name} for name in ("a", "b")]
        runtime = {"max_num_seqs": 128, "commit_rows": 512, "kv_cache_gb": 2, "merge_lora": False}
        task = {"name": "control", "description": "real sets", "seeds": "none", "labels": labels, "runtime": runtime}
        return check_config(task, "control", [])
