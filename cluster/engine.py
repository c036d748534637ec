"""One vLLM engine in a Ray actor: takes request numbers, commits rows.

Text never passes through the driver: an engine reads the committed plan itself and commits its own parts.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from cluster.lease import read_lease
from cluster.messages import Committed, EngineName, Ready, Report
from cluster.spec import EngineSpec
from cluster.store import Store
from generation.errors import Fault, UserError, os_reason
from generation.methods import make_method
from generation.methods.base import Method
from generation.models import model_hash
from generation.parts import read_parts
from generation.records import REQUEST_SCHEMA, map_column, row_id, rows_table


class SupersededError(UserError):
    """The run has a later driver: this engine's work is no longer wanted."""


@dataclass
class _Buffer:
    """Rows of finished requests that are not committed yet."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    since: float = 0.0


class Engine:
    """The actor. Call `start` once, then `submit` and `report` until done."""

    def __init__(self, spec: EngineSpec, name: EngineName, root: str, run_id: str, template: str | None) -> None:
        self._spec, self._name, self._store, self._run_id = spec, name, Store(root), run_id
        self._template = template
        self._buffer = _Buffer()
        self._committed: list[Committed] = []
        self._sequence = 0
        self._unfinished = 0
        self._produced = 0
        self._refused: dict[str, str] = {}
        self._error: str | None = None
        self._fatal: UserError | Fault | None = None
        self._news = asyncio.Event()
        self._due = asyncio.Event()
        self._commit_lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Ready:
        """Load the model, answer one warm-up request (the first step is slow), and be ready."""
        began = time.monotonic()
        os.environ.update(self._spec.environment())
        from vllm import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        counted = functools.partial(_token_counter(), self._count_tokens)
        self._llm = AsyncLLM.from_engine_args(AsyncEngineArgs(**self._spec.engine_args()), stat_loggers=[counted])
        self._hash = await asyncio.to_thread(model_hash, Path(self._spec.folder))
        self._tokenizer = self._llm.get_tokenizer()
        self._line_break = self._tokenizer.encode("\n", add_special_tokens=False)[-1]
        await self._generate(
            "warm-up", self._tokenizer.encode("1. One\n2."), {"max_tokens": 4, "temperature": 1.0}, 1, ()
        )
        self._produced = 0
        self._spawn(self._commit_when_due())
        return Ready(self._name, _descendants(), self._hash, time.monotonic() - began)

    async def submit(self, part: str, indices: Sequence[int]) -> None:
        """Take the requests at `indices` of a committed plan part."""
        try:
            table = _read_plan(self._store.address, part).take(pa.array(indices, pa.int64()))
            sampling, attributes = map_column(table, "sampling"), map_column(table, "attributes")
            for index, request in enumerate(table.to_pylist()):
                self._unfinished += 1
                self._spawn(self._serve(request | {"sampling": sampling[index], "attributes": attributes[index]}))
        except Exception as error:  # nobody waits for this call: the next report tells
            self._fail(error)

    async def report(self, timeout: float) -> Report:
        """News as soon as there is some, or after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), timeout)
        if self._error is not None:
            await self._commit()  # what has finished is good
        self._news.clear()
        committed, self._committed = tuple(self._committed), []
        error, self._error, fatal, self._fatal = self._error, None, self._fatal, None
        refused, self._refused = tuple(self._refused.items()), {}
        return Report(committed, len(self._buffer.rows), self._produced, refused, error, fatal)

    async def _serve(self, request: dict[str, Any]) -> None:
        try:
            method = self._method(request["method"])
            try:
                await self._answer(request, method)
            except ValueError as error:  # vLLM's word for a request that it cannot take: the others go on
                self._refused[request["request_id"]] = " ".join(str(error).split())
                self._news.set()
        except Exception as error:  # whatever else ends a request ends this engine: the pool decides what follows
            self._fail(error)
        finally:
            self._unfinished -= 1
            self._due.set()

    async def _answer(self, request: dict[str, Any], method: Method) -> None:
        tokens = self._tokens(request["prompt"], method.adds_special_tokens, request["padding"], request["sampling"])
        output = await self._generate(
            request["request_id"], tokens, request["sampling"], request["samples"], method.stop
        )
        self._keep(request, output, method)

    def _fail(self, error: Exception) -> None:
        self._error = self._error or f"{type(error).__name__}: {error}"
        if isinstance(error, UserError | Fault):  # no other engine would fare better
            self._fatal = error
        self._news.set()

    async def _generate(
        self,
        request_id: str,
        tokens: list[int],
        sampling: dict[str, float],
        samples: int,
        stop: Sequence[str],
    ) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            n=samples,
            temperature=sampling["temperature"],
            min_p=sampling.get("min_p", 0.0),
            max_tokens=int(sampling["max_tokens"]),
            seed=int(sampling["seed"]) if "seed" in sampling else None,
            stop=list(stop),
            logprobs=0,  # the drawn token's own, for mean_logprob
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        final = None
        async for output in self._llm.generate({"prompt_token_ids": tokens}, params, request_id):
            final = output
        return final

    def _tokens(self, prompt: str, specials: bool, padding: int, sampling: dict[str, float]) -> list[int]:
        """The prompt with as many line breaks before it as its plan says and the context has room for."""
        tokens = self._tokenizer.encode(prompt, add_special_tokens=specials)
        padding = min(padding, self._spec.max_model_len - len(tokens) - int(sampling["max_tokens"]))
        begin = int(bool(tokens) and tokens[0] == self._tokenizer.bos_token_id)
        return tokens[:begin] + [self._line_break] * padding + tokens[begin:]

    def _keep(self, request: dict[str, Any], output: Any, method: Method) -> None:
        buffer = self._buffer
        buffer.since = buffer.since or time.monotonic()
        buffer.request_ids.append(request["request_id"])
        buffer.prompt_tokens += len(output.prompt_token_ids)
        buffer.cached_tokens += output.num_cached_tokens or 0
        for sample in sorted(output.outputs, key=lambda each: each.index):
            buffer.rows.append(self._row(request, output, sample, method))

    def _row(self, request: dict[str, Any], output: Any, sample: Any, method: Method) -> dict[str, Any]:
        length = len(sample.token_ids)
        return {
            "id": row_id(request["request_id"], sample.index),
            "source": "generated",
            "text": method.parse(sample.text),
            "intended_label": request["label"],
            "model": self._spec.model,
            "model_hash": self._hash,
            "engine": str(self._name),
            "finish_reason": sample.finish_reason,
            "prompt_tokens": len(output.prompt_token_ids),
            "output_tokens": length,
            "mean_logprob": sample.cumulative_logprob / length if length else None,
        } | {name: request[name] for name in _FROM_REQUEST}

    async def _commit_when_due(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            if self._buffer.rows and self._is_due():
                await self._commit()
            elif self._buffer.rows:
                await asyncio.sleep(0.1)
                self._due.set()

    def _is_due(self) -> bool:
        waited = time.monotonic() - self._buffer.since
        full = len(self._buffer.rows) >= self._spec.commit_rows
        return full or waited >= self._spec.commit_seconds or self._unfinished == 0

    async def _commit(self) -> None:
        async with self._commit_lock:
            buffer, self._buffer = self._buffer, _Buffer()
            if not buffer.rows:
                return
            try:
                part = await asyncio.to_thread(self._write, rows_table(buffer.rows), buffer.rows[0]["round"])
            except Exception as error:  # the actor must live to tell it
                self._error = f"{type(error).__name__}: {error}"
                if isinstance(error, OSError):
                    self._fatal = UserError(f"{self._store.root}: cannot be written to: {os_reason(error)}")
                elif isinstance(error, UserError | Fault):
                    self._fatal = error
                self._news.set()
                return
            tokens = sum(row["output_tokens"] for row in buffer.rows)
            news = Committed(
                part,
                tuple(buffer.request_ids),
                len(buffer.rows),
                buffer.prompt_tokens,
                buffer.cached_tokens,
                tokens,
            )
            self._committed.append(news)
            self._news.set()

    def _write(self, table: pa.Table, round_: int) -> str:
        if read_lease(self._store.root).get("epoch") != self._name.epoch:
            raise SupersededError(f"{self._store.root}: a later driver holds this run; nothing more is committed")
        name = f"{self._name}-{self._sequence:06d}"
        self._sequence += 1
        return self._store.commit(round_, "generated", name, table, self._run_id)

    @functools.lru_cache(maxsize=8)  # noqa: B019 - the actor lives as long as its process
    def _method(self, name: str) -> Method:
        template = Path(self._template) if self._template else None
        return make_method(name, Path(self._spec.folder), template)

    def _count_tokens(self, tokens: int) -> None:
        self._produced += tokens

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_FROM_REQUEST = (
    *("request_id", "round", "wave", "label", "method", "adapter", "seed_ids", "attributes"),
    *("prompt_hash", "sampling"),
)


@functools.lru_cache(maxsize=4)
def _read_plan(root: str, part: str) -> pa.Table:
    return read_parts(Store(root).filesystem, [part], REQUEST_SCHEMA)


def _descendants() -> list[int]:
    import psutil

    return [process.pid for process in psutil.Process().children(recursive=True)]


def _token_counter() -> type:
    from vllm.v1.metrics.loggers import StatLoggerBase

    class TokenCounter(StatLoggerBase):
        """Tells the actor of output tokens as they come, so that those of a killed engine can be counted as lost."""

        def __init__(self, count: Any, vllm_config: Any, engine_index: int = 0) -> None:
            self._count = count

        def record(self, scheduler_stats: Any, iteration_stats: Any, *rest: Any, **options: Any) -> None:
            if iteration_stats is not None:
                self._count(iteration_stats.num_generation_tokens)

        def log_engine_initialized(self) -> None:
            pass

    return TokenCounter
