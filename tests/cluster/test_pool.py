"""The pool before engines that die, hang and refuse: small actors that answer at once, in processes of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import ray

from cluster.config import RuntimeSettings
from cluster.messages import Committed, EngineName, Ready, Report
from cluster.pool import EnginePool
from cluster.remote import ActorEngine
from cluster.session import ray_session
from cluster.spec import EngineSpec
from cluster.store import Store
from generation.errors import Fault
from generation.parts import read_parts
from generation.records import REQUEST_SCHEMA, rows_table
from tests.cluster.cases import RUN_ID, add_requests, begin_round

SPEC = EngineSpec("fake", "", "hash", "cpu", 8, 1024, 1, 0.9, 0, 4, 1.0, 3.0)


class FakeEngine:
    """Commits a row per request at once. The label of a request says what else happens."""

    def __init__(self, name: EngineName, root: str) -> None:
        self._name, self._store, self._sequence = name, Store(root), 0
        self._committed: list[Committed] = []
        self._refused: list[tuple[str, str]] = []
        self._tokens = 0
        self._fatal: Fault | None = None

    def start(self) -> Ready:
        return Ready(self._name, [os.getpid()], SPEC.model_hash, 0.0)

    def submit(self, part: str, places: Sequence[int]) -> None:
        table = read_parts(self._store.filesystem, [part], REQUEST_SCHEMA).take(list(places))
        requests = table.select(["request_id", "label"]).to_pylist()
        labels = {request["label"] for request in requests}
        if "poison" in labels:
            os._exit(1)
        if "away" in labels:
            self._fatal = Fault("s3://bucket: cannot be written to")
            return
        if "hang" in labels and self._name.incarnation == 0:
            return
        self._refused += [(each["request_id"], "too long") for each in requests if each["label"] == "long"]
        self._commit([each["request_id"] for each in requests if each["label"] != "long"])

    def report(self, seconds: float) -> Report:
        told = Report(tuple(self._committed), 0, self._tokens, tuple(self._refused), fatal=self._fatal)
        self._committed, self._refused = [], []
        return told

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


def fake_actor(name: EngineName, root: str) -> ActorEngine:
    return ActorEngine(ray.remote(FakeEngine).options(num_cpus=0).remote(name, root))


@pytest.fixture(scope="module")
def session() -> Iterator[None]:
    with ray_session(RuntimeSettings()):
        yield


def run(store: Store, names: list[str], engines: int, spec: EngineSpec = SPEC) -> tuple[list[Committed], list[str]]:
    """Have the requests generated; returns what was committed and the log."""
    begin_round(store, {"pos": 1})
    add_requests(store, names)
    lines: list[str] = []
    up = {(name := EngineName(1, engine, 0)): fake_actor(name, store.address) for engine in range(engines)}
    ray.get([engine.start() for engine in up.values()])  # so that all are there from the beginning
    pool = EnginePool(
        spec,
        engines,
        store,
        RUN_ID,
        1,
        log=lines.append,
        launch=lambda name: up.pop(name, None) or fake_actor(name, store.address),
    )
    pool.start()
    try:
        return list(pool.generate(store.open_requests(0))), lines
    finally:
        pool.stop()


def committed(store: Store) -> list[str]:
    return sorted(store.generated(0, ["request_id"])["request_id"].to_pylist())


def test_several_engines_share_the_work(session: None, any_store: Store) -> None:
    store = any_store
    names = [f"pos-{number}" for number in range(200)]
    parts, log = run(store, names, engines=3)
    assert committed(store) == sorted(names)
    assert sum(part.rows for part in parts) == 200
    assert {Path(part.part).name.split("-")[2] for part in parts} == {"e000", "e001", "e002"}
    assert log == []


def test_a_request_that_kills_engines_is_set_aside_and_the_others_are_not(session: None, store: Store) -> None:
    names = [f"pos-{number}" for number in range(40)]
    names[13] = "poison-0"
    _, log = run(store, names, engines=2)
    assert committed(store) == sorted(set(names) - {"poison-0"})
    (aside,) = store.aside(0).to_pylist()
    assert (aside["request_id"], aside["samples"]) == ("poison-0", 1)
    assert aside["error"].startswith("engines died of it 3 times; last: ")
    assert sum(line.startswith("1 request(s) set aside, first poison-0: ") for line in log) == 1
    assert list(store.open_requests(0)) == []


def test_a_refused_request_is_set_aside_at_once(session: None, store: Store) -> None:
    names = ["pos-0", "long-0", "pos-1"]
    _, log = run(store, names, engines=1)
    assert committed(store) == ["pos-0", "pos-1"]
    assert store.aside(0).to_pylist() == [{"request_id": "long-0", "samples": 1, "error": "too long"}]
    assert log == ["1 request(s) set aside, first long-0: too long"]


def test_when_most_are_refused_the_run_ends(session: None, store: Store) -> None:
    with pytest.raises(Fault, match="requests cannot be answered, 0 were; last: too long"):
        run(store, [f"long-{number}" for number in range(30)], engines=1)


def test_a_store_that_is_away_ends_the_run_and_kills_no_engine(session: None, store: Store) -> None:
    with pytest.raises(Fault) as caught:
        run(store, ["away-0"], engines=1)
    assert str(caught.value) == "s3://bucket: cannot be written to"


def test_a_hung_engine_is_replaced(session: None, store: Store) -> None:
    _, log = run(store, ["hang-0", "hang-1"], engines=1, spec=replace(SPEC, hang_seconds=1.0))
    assert committed(store) == ["hang-0", "hang-1"]
    assert log == ["engine d0001-e000-i000 died (no token for 1 s); 0 tokens lost, 2 requests issued again"]


def test_engines_that_always_die_end_the_run(session: None, store: Store) -> None:
    with pytest.raises(Fault, match="engines died 12 times in a row without committing a row"):
        run(store, [f"poison-{number}" for number in range(64)], engines=1)
