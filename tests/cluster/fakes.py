"""Engines without a model: small actors that commit a row per request, in processes of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import ray

from cluster.messages import Committed, EngineName, Ready, Report
from cluster.remote import ActorEngine
from cluster.spec import EngineSpec
from cluster.store import Store
from generation.errors import Fault
from generation.parts import read_parts
from generation.records import REQUEST_SCHEMA, rows_table
from tests.cluster.cases import RUN_ID

SPEC = EngineSpec("fake", "", "hash", "cpu", 8, 1024, 1, 0.9, 0, 4, 1.0, 60.0)


class FakeEngine:
    """Commits a row per request at once. The label of a request says what else happens."""

    def __init__(self, name: EngineName, root: str) -> None:
        self._name, self._store, self._sequence = name, Store(root), 0
        self._committed: list[Committed] = []
        self._refused: list[tuple[str, str]] = []
        self._tokens = 0
        self._fatal: Fault | None = None

    def start(self) -> Ready:
        return Ready(self._name, [os.getpid()], SPEC.model_hash, 0.0, ray.get_runtime_context().get_node_id())

    def submit(self, part: str, places: Sequence[int]) -> None:
        table = read_parts(self._store.filesystem, [part], REQUEST_SCHEMA).take(list(places))
        requests = table.select(["request_id", "label"]).to_pylist()
        labels = {request["label"] for request in requests}
        if "poison" in labels:
            os._exit(1)
        if "away" in labels:
            self._fatal = Fault("s3://bucket: cannot be written to")
            return
        if "slow" in labels:
            time.sleep(0.3)
        if "hang" in labels and self._name.incarnation == 0:
            return
        self._refused += [(each["request_id"], "too long") for each in requests if each["label"] == "long"]
        self._take([each["request_id"] for each in requests if each["label"] != "long"])

    def report(self, seconds: float) -> Report:
        told = Report(tuple(self._committed), 0, self._tokens, tuple(self._refused), fatal=self._fatal)
        self._committed, self._refused = [], []
        return told

    def _take(self, names: list[str]) -> None:
        self._commit(names)

    def _commit(self, names: list[str]) -> None:
        if not names:
            return
        rows = [
            {"id": f"{name}/0", "request_id": name, "round": 0, "wave": 0, "prompt_tokens": 2, "output_tokens": 3}
            for name in names
        ]
        part = self._store.commit(0, "generated", f"{self._name}-{self._sequence:06d}", rows_table(rows), RUN_ID)
        self._sequence += 1
        self._tokens += 3 * len(names)
        self._committed.append(Committed(part, tuple(names), len(names), 2 * len(names), 0, 3 * len(names)))


class PacedEngine(FakeEngine):
    """Takes its time: four rows with each report, twenty reports a second."""

    def __init__(self, name: EngineName, root: str) -> None:
        super().__init__(name, root)
        self._queue: list[str] = []

    def report(self, seconds: float) -> Report:
        time.sleep(0.05)
        self._commit(self._queue[:4])
        del self._queue[:4]
        return super().report(seconds)

    def _take(self, names: list[str]) -> None:
        self._queue += names


def fake_actor(
    name: EngineName, root: Path | str, kind: type[FakeEngine] = FakeEngine, **options: object
) -> ActorEngine:
    """An engine of that kind in an actor, made with Ray's `options`."""
    return ActorEngine(ray.remote(kind).options(**{"num_cpus": 0, **options}).remote(name, str(root)))
