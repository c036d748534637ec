"""How many engines can one driver feed? The pool and dispatcher as they are, before *simulated* engines.

    python benchmarks/dispatch.py --json dispatch.json

A simulated engine answers requests after a drawn time instead of with a model, 32 of them in a process; it reads the
plan and tells of its parts as a real one does, but writes none. `capacity` is what the engines could complete if they
were never short of work: what is missing to it is the driver's doing (or that of the machine, which carries the
simulation too).
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import psutil
import ray
import typer

from cluster.messages import Committed, EngineName, Ready, Report
from cluster.pool import EnginePool
from cluster.spec import EngineSpec
from cluster.store import Store
from generation.parts import read_parts
from generation.records import REQUEST_SCHEMA, digest, requests_table

PER_PROCESS = 32
SLOTS, SAMPLES = 256, 4
ROW_TOKENS = 16
COMMIT_ROWS, COMMIT_SECONDS = 512, 5.0
TICK = 0.02  # seconds between looks at what is finished
PART_REQUESTS = 25_000
PROMPTS = 600
RUN_ID = "dispatch"
SPEC = EngineSpec("simulated", "", "simulated", "cpu", SLOTS, 1024, 1, 0.9, 0, COMMIT_ROWS, COMMIT_SECONDS, 60.0)


@dataclass
class Figures:
    """One measurement: rows a second, its share of the engines' capacity, the driver's memory in MiB and CPU share."""

    engines: int
    capacity: float
    rows: int
    seconds: float
    rows_per_second: float
    of_capacity: float
    memory_after_a_tenth: float
    memory_at_end: float
    driver_cpu: float


def main(
    engines: Annotated[list[int] | None, typer.Option(min=1)] = None,
    rate: Annotated[float, typer.Option(min=1, help="rows a second that an engine can complete")] = 400.0,
    seconds: Annotated[float, typer.Option(min=2, help="how long each number of engines is measured")] = 20.0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Measure, print a Markdown table."""
    results = []
    with tempfile.TemporaryDirectory(prefix="labelmill-dispatch-") as folder:
        counts = engines or [1, 8, 32, 128, 256]
        store = Store(folder)
        write_plan(store, int(rate * max(counts) * seconds / SAMPLES) + PART_REQUESTS)
        ray.init(num_cpus=max(counts) // PER_PROCESS + 2, include_dashboard=False, log_to_driver=False)
        for number, count in enumerate(counts):
            results.append(measure(store, number, count, rate, seconds))
        ray.shutdown()
    print("| simulated engines | rows/s | of capacity | driver's memory, MiB: early, at end | driver's CPU |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for each in results:
        memory = f"{each.memory_after_a_tenth:.0f}, {each.memory_at_end:.0f}"
        share = f"{100 * each.of_capacity:.0f} % | {memory} | {100 * each.driver_cpu:.0f} %"
        print(f"| {each.engines} | {each.rows_per_second:,.0f} | {share} |")
    if json_file:
        json_file.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n")


def write_plan(store: Store, requests: int) -> None:
    """A committed plan of that many requests of a few hundred prompts."""
    store.write_json("rounds/000/round.json", {})
    for number, first in enumerate(range(0, requests, PART_REQUESTS)):
        rows = (_request(place) for place in range(first, min(first + PART_REQUESTS, requests)))
        store.commit(0, "requests", f"w000-{number:04d}", requests_table(rows), RUN_ID)


def measure(store: Store, epoch: int, count: int, rate: float, seconds: float) -> Figures:
    """Feed `count` engines for some time after a second of warm-up."""
    hosts = [
        ray.remote(SimulatedEngines).options(max_concurrency=1000, num_cpus=1).remote(rate)
        for _ in range(-(-count // PER_PROCESS))
    ]
    pool = EnginePool(
        SPEC, count, store, RUN_ID, epoch, launch=lambda name: SimulatedEngine(hosts[name.engine // PER_PROCESS], name)
    )
    pool.start()
    process = psutil.Process()
    rows, memory = 0, list[float]()
    began, cpu = time.monotonic(), 0.0
    for part in pool.generate(store.request_refs(0)):
        now = time.monotonic()
        if not memory:
            if now - began < 2.0:
                continue
            began, cpu = now, sum(process.cpu_times()[:2])
        memory.append(process.memory_info().rss / 2**20)
        rows += part.rows
        if now - began >= seconds:
            break
    took = time.monotonic() - began
    used = sum(process.cpu_times()[:2]) - cpu
    for host in hosts:
        ray.kill(host)
    tenth = memory[: max(1, len(memory) // 10)]
    return Figures(
        count,
        rate * count,
        rows,
        took,
        rows / took,
        rows / took / (rate * count),
        statistics.median(tenth),
        statistics.median(memory[-len(tenth) :]),
        used / took,
    )


class SimulatedEngine:
    """A RemoteEngine: one of the simulated engines of a process."""

    def __init__(self, host: Any, name: EngineName) -> None:
        self._host, self._name = host, name

    def start(self) -> Any:
        return self._host.start.remote(self._name)

    def submit(self, part: str, places: Sequence[int]) -> None:
        self._host.submit.remote(self._name.engine, part, places)

    def report(self, seconds: float) -> Any:
        return self._host.report.remote(self._name.engine, seconds)

    def kill(self) -> None:
        """The process goes with its host."""


@dataclass
class _State:
    """One simulated engine: requests at work by the time they end, those waiting, and what is to be told."""

    name: EngineName
    working: list[tuple[float, str]] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    since: float = 0.0
    committed: list[Committed] = field(default_factory=list)
    sequence: int = 0
    produced: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)


class SimulatedEngines:
    """The actor: up to 32 engines, each of SLOTS slots, that complete `rate` rows a second when they are full."""

    def __init__(self, rate: float) -> None:
        self._mean = SLOTS / rate
        self._engines: dict[int, _State] = {}
        self._ids: dict[str, list[str]] = {}
        self._draw = random.Random(0)
        self._clock: asyncio.Task[None] | None = None

    async def start(self, name: EngineName) -> Ready:
        self._engines[name.engine] = _State(name)
        if self._clock is None:
            self._clock = asyncio.get_running_loop().create_task(self._run())
        return Ready(name, [], SPEC.model_hash, 0.0)

    async def submit(self, engine: int, part: str, places: Sequence[int]) -> None:
        if part not in self._ids:
            table = read_parts(Store(".").filesystem, [part], REQUEST_SCHEMA, ["request_id"])
            self._ids = {part: table["request_id"].to_pylist()} | dict(list(self._ids.items())[:7])
        ids = self._ids[part]
        self._engines[engine].waiting.extend([ids[place] for place in places])

    async def report(self, engine: int, seconds: float) -> Report:
        state = self._engines[engine]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(state.news.wait(), seconds)
        state.news.clear()
        committed, state.committed = tuple(state.committed), []
        return Report(committed, SAMPLES * len(state.finished), state.produced)

    async def _run(self) -> None:
        while True:
            now = time.monotonic()
            for state in self._engines.values():
                self._advance(state, now)
            await asyncio.sleep(TICK)

    def _advance(self, state: _State, now: float) -> None:
        while state.working and state.working[0][0] <= now:
            ended, request_id = heapq.heappop(state.working)
            state.since = state.since or now
            state.finished.append(request_id)
            state.produced += SAMPLES * ROW_TOKENS
            if state.waiting:  # its slots are free from the moment it ended
                heapq.heappush(state.working, (ended + self._latency(), state.waiting.pop()))
        while state.waiting and len(state.working) < SLOTS // SAMPLES:
            heapq.heappush(state.working, (now + self._latency(), state.waiting.pop()))
        full = SAMPLES * len(state.finished) >= COMMIT_ROWS
        if state.finished and (full or now - state.since >= COMMIT_SECONDS):
            self._commit(state)

    def _latency(self) -> float:
        return self._mean * self._draw.uniform(0.5, 1.5)

    def _commit(self, state: _State) -> None:
        done, state.finished, state.since = tuple(state.finished), [], 0.0
        rows = SAMPLES * len(done)
        part = f"part-{state.name}-{state.sequence:06d}.parquet"
        state.sequence += 1
        state.committed.append(Committed(part, done, rows, 100 * len(done), 0, ROW_TOKENS * rows))
        state.news.set()


def _request(place: int) -> dict[str, Any]:
    prompt = f"prompt {place % PROMPTS}"
    return {
        "request_id": digest(RUN_ID, place),
        "round": 0,
        "wave": 0,
        "ordinal": place,
        "label": f"label {place % PROMPTS // 4}",
        "method": "completion",
        "adapter": "",
        "seed_ids": [],
        "attributes": {},
        "repetition": place // PROMPTS,
        "samples": SAMPLES,
        "prompt": prompt,
        "prompt_hash": digest(prompt),
        "padding": 0,
        "most_tokens": 100 + SAMPLES * ROW_TOKENS,
        "sampling": {},
    }


if __name__ == "__main__":
    typer.run(main)
