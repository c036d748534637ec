"""What every engine does in its Ray actor: takes request numbers, commits rows, reports.

Text never passes through the driver: an engine reads the committed plan itself and commits its own parts.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from cluster.lease import read_lease
from cluster.messages import Committed, EngineName, Report
from cluster.server_spec import ServerSpec
from cluster.spec import EngineSpec
from cluster.store import Store
from generation.errors import Fault, UserError, os_reason
from generation.forms.base import MALFORMED, MalformedError
from generation.methods import make_method
from generation.methods.base import Method, Written
from generation.parts import read_parts
from generation.records import REQUEST_SCHEMA, map_column, row_id, rows_table

# columns that a row has from its request
FROM_REQUEST = (
    *("request_id", "round", "wave", "label", "method", "adapter", "seed_ids", "attributes"),
    *("prompt_hash", "sampling"),
)


def read_answer(
    method: Method, request: Mapping[str, Any], answer: str, finish_reason: str | None
) -> tuple[Written, str | None]:
    """What an answer came to, and its finish reason.

    A malformed answer has no text and says so in its finish reason, which filters read anyway; one that was cut off is
    malformed for that reason, and keeps it with what there is of the answer.
    """
    try:
        return method.read(request, answer), finish_reason
    except MalformedError:
        if finish_reason == "length":
            return Written(" ".join(answer.split()), request["label"]), finish_reason
        return Written("", request["label"]), MALFORMED


class SupersededError(UserError):
    """The run has a later driver: this engine's work is no longer wanted."""


@dataclass
class _Buffer:
    """Rows of finished requests that are not committed yet."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    estimated: int = 0
    since: float = 0.0


class EngineActor(ABC):
    """Call a kind's `start` once, then `submit` and `report` until done."""

    def __init__(
        self, spec: EngineSpec | ServerSpec, name: EngineName, root: str, run_id: str, template: str | None
    ) -> None:
        self._spec, self._name, self._store, self._run_id = spec, name, Store(root), run_id
        self._template = template
        self._buffer = _Buffer()
        self._committed: list[Committed] = []
        self._sequence = 0
        self._unfinished = 0
        self._produced = 0
        self._refused: dict[str, str] = {}
        self._loaded = 0
        self._error: str | None = None
        self._fatal: UserError | Fault | None = None
        self._news = asyncio.Event()
        self._due = asyncio.Event()
        self._commit_lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

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
        loaded, self._loaded = self._loaded, 0
        return Report(committed, len(self._buffer.rows), self._produced, refused, error, fatal, loaded=loaded)

    async def _serve(self, request: dict[str, Any]) -> None:
        try:
            method = self._method(request["method"], request["form"])
            try:
                if method.is_literal:
                    self._keep_literal(request, method)
                else:
                    await self._answer(request, method)
            except ValueError as error:  # this request cannot be answered: the others go on
                self._refused[request["request_id"]] = " ".join(str(error).split())
                self._news.set()
        except Exception as error:  # whatever else ends a request ends this engine: the pool decides what follows
            self._fail(error)
        finally:
            self._unfinished -= 1
            self._due.set()

    @abstractmethod
    async def _answer(self, request: dict[str, Any], method: Method) -> None:
        """Have a request's texts written and `_keep` its rows. ValueError: this one cannot be answered."""

    def _keep_literal(self, request: dict[str, Any], method: Method) -> None:
        """A request whose prompt is its text needs no LM, and no token."""
        told = {"finish_reason": "stop", "prompt_tokens": 0, "output_tokens": 0, "mean_logprob": None}
        row = self._row(request, method, 0, request["prompt"], told)
        self._keep(request["request_id"], [row | {"model": None, "model_hash": None}], 0, 0)

    def _row(
        self, request: dict[str, Any], method: Method, sample: int, answer: str, told: dict[str, Any]
    ) -> dict[str, Any]:
        """The row (ROW_SCHEMA) of a request's sample-th answer; `told` are the columns that were measured."""
        written, finish_reason = read_answer(method, request, answer, told["finish_reason"])
        return {
            "id": row_id(request["request_id"], sample),
            "source": written.source,
            "intended_label": written.label,
            "model": self._spec.model,
            "model_hash": self._spec.model_hash,
            "engine": str(self._name),
            **{name: request[name] for name in FROM_REQUEST},
            "label": written.label,
            **told,
            **self._spec.kind.content(written.text, written.label, finish_reason),
        }

    def _fail(self, error: Exception) -> None:
        self._error = self._error or f"{type(error).__name__}: {error}"
        if isinstance(error, UserError | Fault):  # no other engine would fare better
            self._fatal = error
        self._news.set()

    def _keep(
        self,
        request_id: str,
        rows: list[dict[str, Any]],
        prompt_tokens: int,
        cached_tokens: int,
        estimated: int = 0,
    ) -> None:
        buffer = self._buffer
        buffer.since = buffer.since or time.monotonic()
        buffer.request_ids.append(request_id)
        buffer.prompt_tokens += prompt_tokens
        buffer.cached_tokens += cached_tokens
        buffer.estimated += estimated
        buffer.rows += rows

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
                buffer.estimated,
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
    def _method(self, name: str, form: str) -> Method:
        template = Path(self._template) if self._template else None
        return make_method(name, form, Path(self._spec.folder) if self._spec.folder else None, template)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@functools.lru_cache(maxsize=8)  # a driver looks ahead over a few parts
def _read_plan(root: str, part: str) -> pa.Table:
    return read_parts(Store(root).filesystem, [part], REQUEST_SCHEMA)
