"""The pool before engines that die, hang and refuse: small actors that answer at once, in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ray

from cluster.budget import Budget
from cluster.config import RuntimeSettings
from cluster.messages import Committed, EngineName, Ready
from cluster.pool import EnginePool
from cluster.prices import PriceSettings
from cluster.remote import ActorEngine
from cluster.session import ray_session
from cluster.spec import EngineSpec
from cluster.startup import StartError
from cluster.store import Store
from generation.errors import Fault, UserError
from tests.cluster.cases import RUN_ID, add_requests, begin_round
from tests.cluster.fakes import SPEC, FakeEngine, fake_actor


@pytest.fixture(scope="module")
def session() -> Iterator[None]:
    with ray_session(RuntimeSettings()):
        yield


def run(
    store: Store, names: list[str], engines: int, spec: EngineSpec = SPEC, budget: Budget | None = None
) -> tuple[list[Committed], list[str]]:
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
        return list(pool.generate(store.open_requests(0), budget)), lines
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


def test_money_goes_by_time_too(session: None, store: Store) -> None:
    budget = Budget(money=1e-6, prices=PriceSettings(per_engine_hour=3600.0))  # engines may be up for a microsecond
    assert run(store, ["pos-0"], engines=1, budget=budget) == ([], [])
    assert budget.money is not None
    assert budget.money < 0


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
    _, log = run(store, ["hang-0", "hang-1"], engines=1, spec=replace(SPEC, hang_seconds=10.0))
    assert committed(store) == ["hang-0", "hang-1"]
    assert log == ["engine d0001-e000-i000 died (no token for 10 s); 0 tokens lost, 2 requests issued again"]


def test_engines_that_always_die_end_the_run(session: None, store: Store) -> None:
    with pytest.raises(Fault, match="engines died 12 times in a row without committing a row"):
        run(store, [f"poison-{number}" for number in range(64)], engines=1)


class Unreachable(ActorEngine):
    """An engine beyond a network that has failed: presumed dead, it lives on."""

    def kill(self) -> None:
        pass


def test_a_late_commit_of_a_presumed_dead_engine_doubles_nothing(session: None, store: Store) -> None:
    begin_round(store, {"pos": 1})
    names = ["hang-0", "hang-1", "pos-0"]
    add_requests(store, names)
    engines: list[ActorEngine] = []

    def launch(name: EngineName) -> ActorEngine:
        engines.append(Unreachable(fake_actor(name, store.root)._actor))
        return engines[-1]

    pool = EnginePool(replace(SPEC, hang_seconds=10.0), 1, store, RUN_ID, 1, launch=launch)
    pool.start()
    parts = list(pool.generate(store.open_requests(0)))
    ray.get(engines[0]._actor._commit.remote(names))  # it wakes up, and commits what it had been given
    assert sum(part.rows for part in parts) == 3
    assert len(store.parts(0, "generated")) == 2
    assert committed(store) == sorted(names)
    assert sorted(store.generated(0)["id"].to_pylist()) == sorted(f"{name}/0" for name in names)
    for engine in engines:
        ray.kill(engine._actor)


class BrokenEngine(FakeEngine):
    """One that cannot start."""

    def start(self) -> Ready:
        raise StartError("torch.OutOfMemoryError: CUDA out of memory.")


def scaled(store: Store, broken: bool) -> tuple[set[str], list[str]]:
    """Much slow work for one engine of at most two, the second broken or not: the engines that did it, and the log."""
    begin_round(store, {"pos": 1})
    add_requests(store, [f"slow-{number}" for number in range(300)])
    lines: list[str] = []

    def launch(name: EngineName) -> ActorEngine:
        kind = BrokenEngine if broken and name.engine else FakeEngine
        return fake_actor(name, store.root, kind)

    pool = EnginePool(SPEC, 1, store, RUN_ID, 1, log=lines.append, launch=launch, most=2)
    pool.start()
    try:
        parts = list(pool.generate(store.open_requests(0)))
    finally:
        pool.stop()
    assert sum(part.rows for part in parts) == 300
    return {Path(part.part).name.split("-")[2] for part in parts}, lines


def test_another_engine_joins_while_much_work_waits(session: None, store: Store) -> None:
    assert scaled(store, broken=False) == ({"e000", "e001"}, [])


def test_one_more_that_cannot_start_does_not_end_the_run(session: None, store: Store) -> None:
    assert scaled(store, broken=True) == (
        {"e000"},
        [
            "model: out of memory while loading; lower runtime.kv_cache_gb or runtime.engines, or take a smaller "
            "model; going on with 1 engine(s)"
        ],
    )


def test_the_only_engine_that_cannot_start_does(session: None, store: Store) -> None:
    pool = EnginePool(SPEC, 1, store, RUN_ID, 1, launch=lambda name: fake_actor(name, store.root, BrokenEngine))
    with pytest.raises(UserError, match=r"^model: out of memory while loading; lower runtime"):
        pool.start()
