"""An OpenAI-compatible server on loopback that does as its script says; it runs in a thread of the test."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

MODEL = "scribe"
USAGE = {"prompt_tokens": 20, "prompt_tokens_details": {"cached_tokens": 8}}


@dataclass(frozen=True)
class Reply:
    """A refusal: status, body (JSON or text) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


BUSY = Reply(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}})
BROKEN = Reply(500, {"error": {"message": "out of luck"}})
RESET, HANG, NONSENSE, ONE, NO_USAGE, SURROGATE = "reset", "hang", "nonsense", "one", "no usage", "surrogate"


@dataclass
class Server:
    """What questions came, and what is to come of the next ones: `script` first, then `always`, else an answer.

    A probe (a question for one token) is answered unless `deaf` says how it is not.
    """

    url: str = ""
    script: deque[Any] = field(default_factory=deque)
    always: Any = None
    deaf: Any = None
    delay: float = 0.0
    write: Callable[[dict[str, Any], int], str] = lambda body, index: f" text {body.get('seed')} {index}"
    probes: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    charged: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.keys.append(request.headers.get("Authorization"))
        if body.get("max_tokens", body.get("max_completion_tokens")) == 1:
            self.probes += 1
            does = self.deaf
        else:
            self.asked.append(body)
            self.times.append(time.monotonic())
            self.paths.append(request.path)
            does = self.script.popleft() if self.script else self.always
            does = does(body) if callable(does) else does
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.delay)
            return await self._do(does, request, body)
        finally:
            self.in_flight -= 1

    async def _do(self, does: Any, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if isinstance(does, Reply):
            if isinstance(does.body, str):
                return web.Response(status=does.status, text=does.body, headers=does.headers)
            return web.json_response(does.body, status=does.status, headers=does.headers)
        if does == HANG:
            await asyncio.sleep(60)
        if does in (RESET, HANG):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return self._answer(does, request, body)

    def _answer(self, does: Any, request: web.Request, body: dict[str, Any]) -> web.Response:
        count = 1 if does == ONE else body["n"]
        self.charged += 20 + 3 * count
        if does == NONSENSE:
            return web.Response(text='{"choices": [', content_type="application/json")
        choices = []
        for index in reversed(range(count)):
            text = "\ud83d half" if does == SURROGATE else self.write(body, index)
            content = {"message": {"content": text}} if "chat" in request.path else {"text": text}
            choices.append({"index": index, "finish_reason": "stop"} | content)
        usage = None if does == NO_USAGE else USAGE | {"completion_tokens": 3 * count}
        return web.json_response({"choices": choices, "usage": usage})


@contextmanager
def serving(path: str = "/v1") -> Iterator[Server]:
    """A server while the block lasts."""
    server, loop, ready = Server(), asyncio.new_event_loop(), threading.Event()

    async def begin() -> web.AppRunner:
        app = web.Application()
        for name in ("completions", "chat/completions"):
            app.router.add_post(f"{path}/{name}", server.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        ready.set()
        return runner

    def work() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    ready.wait(200)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
