"""A real engine in a real actor, started once for this module."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow.compute as pc
import pytest

from cluster.budget import Budget
from cluster.engine import Engine
from cluster.job import Job, prepare
from cluster.messages import EngineName, PoolStatus
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engine
from cluster.store import Store
from generation.decoding.serving import Decoding
from generation.errors import Fault, UserError
from generation.examples import read_examples
from generation.methods import make_method
from generation.plan import plan_wave
from generation.records import expected_row_ids, map_column
from generation.tokens import BLOCK, count_tokens, encode_texts
from tests.chaos.driver import TINY
from tests.s3 import free_port, uri

EPOCH = 3
BANNED = ("cake", "cakes")  # which the prompts for a bake sale are full of


@dataclass
class Bench:
    """A pool on a store of its own, with statuses observed."""

    job: Job
    store: Store
    pool: EnginePool
    seen: list[PoolStatus]

    def plan(self, wave: int, counts: dict[str, int], **settings: object) -> None:
        """Commit the requests of a wave; `settings` of generation differ from the job's."""
        changed = self.job.generation.model_copy(update=settings)
        method = make_method(changed.method, changed.form_name(), self.job.model_folder)
        plan = plan_wave(replace(self.job.material(), settings=changed), method, wave, counts)
        self.store.commit(0, "requests", f"w{wave:03d}", plan, "run")

    def answer(self, wave: int) -> list[dict[str, Any]]:
        """Have all open requests answered; the rows of a wave."""
        list(self.pool.generate(self.store.open_requests(0)))
        rows = self.store.generated(0)
        return rows.filter(pc.equal(rows["wave"], wave)).to_pylist()

    def hold(self, epoch: int) -> None:
        """Write the lease as the driver of this epoch would."""
        self.store.write_json("lease.json", {"epoch": epoch})


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    job, store, seen = prepare(TINY), Store(tmp_path_factory.mktemp("engine")), list[PoolStatus]()
    store.write_json("rounds/000/round.json", {})
    spec = plan_engine(job.config, job.model_folder, job.model_hash, 0)
    spec = replace(spec, decoding=Decoding(penalised=True, banned=BANNED, structured=True))
    with ray_session(job.config.runtime):
        pool = EnginePool(spec, 1, store, "run", EPOCH, observe=seen.append)
        bench = Bench(job, store, pool, seen)
        bench.hold(EPOCH)
        pool.start()
        yield bench
        pids = pool.pids()
        pool.stop()
        left = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=200)[1]
        assert left == []


@pytest.fixture
def full_disk() -> Iterator[Callable[[Path], None]]:
    """Puts a small file system, filled to the brim, over a folder; taken away after the test."""
    mounted: list[Path] = []

    def mount(folder: Path) -> None:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True)
        if made.returncode:
            pytest.skip(f"a small file system cannot be mounted here: {made.stderr.decode().strip()}")
        mounted.append(folder)
        with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"0" * 4096)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def test_rows_are_committed_with_their_lineage(bench: Bench) -> None:
    bench.plan(0, {"lost_pet": 3, "bake_sale": 2, "band_practice": 1})
    committed = list(bench.pool.generate(bench.store.request_refs(0)))

    requests, rows = bench.store.requests(0), bench.store.generated(0)
    assert sorted(rows["id"].to_pylist()) == sorted(expected_row_ids(requests))
    assert sum(part.rows for part in committed) == rows.num_rows == 24
    assert sum(part.output_tokens for part in committed) == sum(rows["output_tokens"].to_pylist())
    assert bench.pool.status().in_flight == 0

    planned = {request["request_id"]: request for request in requests.to_pylist()}
    sampling = map_column(rows, "sampling")
    for index, row in enumerate(rows.to_pylist()):
        request = planned[row["request_id"]]
        assert row["label"] == row["intended_label"] == request["label"]
        assert row["seed_ids"] == request["seed_ids"]
        assert row["prompt_hash"] == request["prompt_hash"]
        length = count_tokens(bench.job.model_folder, [request["prompt"]])[0]
        assert row["prompt_tokens"] == request["padding"] + length
        assert sampling[index] == dict(request["sampling"])
        assert row["model_hash"] == bench.job.model_hash
        assert row["engine"] == f"d{EPOCH:04d}-e000-i000"
        assert row["source"] == "generated"
        assert row["finish_reason"] in ("stop", "length")
        assert 0 < row["output_tokens"] <= 40
        assert row["mean_logprob"] < 0
        assert "\n" not in row["text"]
    assert len(set(rows["text"].to_pylist())) > 12


def test_requests_of_one_prompt_share_its_cache(bench: Bench) -> None:
    bench.plan(1, {"lost_pet": 8})
    refs = [ref for ref in bench.store.request_refs(0) if "w001" in ref.part]
    prompts = [each for each in bench.store.requests(0).to_pylist() if each["wave"] == 1]
    committed = list(bench.pool.generate(refs))
    assert len({each["prompt"] for each in prompts}) <= 4
    assert {
        (each["padding"] + count_tokens(bench.job.model_folder, [each["prompt"]])[0]) % BLOCK for each in prompts
    } == {1}
    cached, tokens = (sum(getattr(part, name) for part in committed) for name in ("cached_tokens", "prompt_tokens"))
    assert cached / tokens > 0.4


def test_the_token_budget_is_never_exceeded(bench: Bench) -> None:
    bench.plan(2, {"lost_pet": 6, "band_practice": 6})
    refs = [ref for ref in bench.store.request_refs(0) if "w002" in ref.part]
    budget = 3 * refs[0].most_tokens
    committed = list(bench.pool.generate(refs, Budget(budget)))
    spent = sum(part.prompt_tokens + part.output_tokens for part in committed)
    assert 0 < spent <= budget
    done = {request_id for part in committed for request_id in part.request_ids}
    assert len(done) < 12
    assert {ref.request_id for ref in bench.store.open_requests(0)} == {ref.request_id for ref in refs} - done
    list(bench.pool.generate(bench.store.open_requests(0)))
    assert list(bench.store.open_requests(0)) == []


def test_texts_that_no_lm_writes_and_answers_that_are_labels(bench: Bench) -> None:
    pool = f"pool={TINY.parent / 'test.jsonl'}"
    labelling, mixing = (
        prepare(TINY, ["generation.method=pseudo_label", pool]),
        prepare(TINY, ["generation.method=mix"]),
    )
    for wave, job in ((9, labelling), (10, mixing)):
        counts = dict.fromkeys(job.task.label_names, 3)
        plan = plan_wave(job.material(), job.method, wave, counts)
        bench.store.commit(0, "requests", f"w{wave:03d}", plan, "run")
    list(bench.pool.generate(bench.store.open_requests(0)))
    rows = [row for row in bench.store.generated(0).to_pylist() if row["wave"] in (9, 10)]
    planned = {request["request_id"]: request for request in bench.store.requests(0).to_pylist()}
    assert len(rows) == 18
    gold = {row.text: row.label for row in read_examples(TINY.parent / "test.jsonl", job.task.label_names)}
    for row in rows:
        request = planned[row["request_id"]]
        if row["method"] == "mix":
            assert (row["text"], row["source"], row["label"]) == (request["prompt"], "generated", request["label"])
            assert (row["finish_reason"], row["prompt_tokens"], row["output_tokens"]) == ("stop", 0, 0)
        else:
            assert (row["text"], row["source"], row["label"]) == (request["text"], "pool", row["intended_label"])
            assert row["label"] in gold.values()
            assert (row["finish_reason"], row["output_tokens"] > 0, row["mean_logprob"] <= 0) == ("stop", True, True)
            # a probability among the labels: the likeliest of three has at least its share at the first step
            assert math.exp(row["mean_logprob"] * row["output_tokens"]) > 0.3
    assert {row["text"] for row in rows if row["source"] == "pool"} == set(gold)


def test_an_engine_of_an_earlier_driver_cannot_commit(bench: Bench) -> None:
    bench.plan(3, {"bake_sale": 1})
    before = bench.store.parts(0, "generated")
    bench.hold(EPOCH + 1)
    with pytest.raises(UserError, match="a later driver holds this run; nothing more is committed"):
        list(bench.pool.generate(bench.store.open_requests(0)))
    assert bench.store.parts(0, "generated") == before
    assert json.loads((bench.store.root / "lease.json").read_text()) == {"epoch": EPOCH + 1}
    assert [path for path in Path(bench.store.root).rglob("*.tmp")] == []


def test_a_full_disk_ends_the_run_and_leaves_no_torn_part(bench: Bench, full_disk: Callable[[Path], None]) -> None:
    bench.hold(EPOCH)
    bench.plan(4, {"lost_pet": 1})
    refs = [ref for ref in bench.store.request_refs(0) if "w004" in ref.part]
    folder = bench.store.folder(0, "generated")
    full_disk(folder)
    with pytest.raises(UserError, match=f"{bench.store.root}: cannot be written to: No space left on device"):
        list(bench.pool.generate(refs))
    assert [path.name for path in folder.iterdir()] == ["filler"]


def test_after_either_the_engine_goes_on(bench: Bench) -> None:
    bench.hold(EPOCH)
    list(bench.pool.generate(bench.store.open_requests(0)))
    assert list(bench.store.open_requests(0)) == []
    ids = bench.store.generated(0, ["id"])["id"].to_pylist()
    assert sorted(ids) == sorted(expected_row_ids(bench.store.requests(0)))


def test_a_penalty_keeps_tokens_from_coming_again(bench: Bench) -> None:
    repeated = []
    for wave, penalty in ((5, 1.0), (6, 2.0)):
        bench.plan(wave, {"lost_pet": 4, "bake_sale": 4}, penalty=penalty)
        tokens = encode_texts(bench.job.model_folder, [row["text"] for row in bench.answer(wave)])
        repeated.append(1 - sum(len(set(each)) for each in tokens) / sum(map(len, tokens)))
    without, penalised = repeated
    assert without > 0.05
    assert penalised < without / 4


def test_banned_strings_are_not_written(bench: Bench) -> None:
    rows = bench.store.generated(0)
    # what no LM writes an engine does not look at: the filter drops it
    texts = rows.filter(pc.equal(rows["method"], "prompted"))["text"].to_pylist()
    assert any("bake" in text.lower() for text in texts)
    assert [text for text in texts if re.search(r"\bcakes?\b", text, re.IGNORECASE)] == []


@pytest.mark.parametrize(("wave", "form"), [(7, "completion"), (8, "chat")])
def test_answers_keep_to_the_schema(bench: Bench, wave: int, form: str) -> None:
    bench.plan(wave, {"lost_pet": 2, "bake_sale": 2}, output="json", form=form)
    rows = bench.answer(wave)
    assert len(rows) == 16
    for row in rows:
        assert row["finish_reason"] in ("stop", "length")
        cut = row["text"].startswith('{"text":"')
        assert row["finish_reason"] == "length" or not cut  # an answer may also be whole just where its limit cuts it


@pytest.mark.parametrize("what", ["a plan that is not there", "a method that is not there"])
def test_what_goes_wrong_in_the_actor_is_told(what: str, tmp_path: Path) -> None:
    """Nobody waits for `submit`: an error that was not told would leave the pool waiting for ever."""
    job, store = prepare(TINY), Store(tmp_path)
    plan = plan_wave(job.material(), job.method, 0, {"lost_pet": 1})
    plan = plan.set_column(plan.schema.get_field_index("method"), "method", [["riddles"]])
    part = store.commit(0, "requests", "w000", plan, "run") if "method" in what else str(tmp_path / "none.parquet")
    spec = plan_engine(job.config, job.model_folder, job.model_hash, 0)

    async def told() -> str | None:
        engine = Engine(spec, EngineName(EPOCH, 0, 0), str(tmp_path), "run", None)
        await engine.submit(part, [0])
        return (await engine.report(5.0)).error

    error = asyncio.run(told())
    assert error is not None
    assert error.startswith("KeyError: 'riddles'" if "method" in what else "FileNotFoundError: ")


def test_a_store_that_stays_away_ends_the_run_not_the_engine(tmp_path: Path) -> None:
    """Another engine would fare no better: three of them need not die of it."""
    job, address = prepare(TINY), uri(free_port(), "run")
    spec = plan_engine(job.config, job.model_folder, job.model_hash, 0)
    os.environ["LABELMILL_STORE_PATIENCE"] = "0.1"

    async def told() -> Exception | None:
        engine = Engine(spec, EngineName(EPOCH, 0, 0), address, "run", None)
        await engine.submit("bucket/run/rounds/000/requests/part-w000.parquet", [0])
        return (await engine.report(5.0)).fatal

    try:
        fatal = asyncio.run(told())
    finally:
        del os.environ["LABELMILL_STORE_PATIENCE"]
    assert isinstance(fatal, Fault)
    assert str(fatal).startswith("s3://bucket: bucket/run/rounds/000/requests/part-w000.parquet cannot be read: ")
