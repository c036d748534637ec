"""Asks a server until it answers, at a pace that it can keep up with."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from cluster.server_answer import Answer, UnansweredError
from cluster.server_client import AgainError, Client, RefusedError
from cluster.server_settings import ServerSettings
from cluster.throttle import Pace, Throttle, backoff

LONGEST_PAUSE = 600.0  # a server that asks for a longer one is not waited for


class DownError(Exception):
    """The server answers nothing at all, or not in reasonable time."""


class Caller:
    """`ask`, under a name by which failures are counted until `forget`. To be made inside a running event loop.

    `path` is that of every question, `probe` one that the server must be able to answer if it is up. `lost` counts
    tokens, at their most, of questions that may have been charged and brought nothing.
    """

    def __init__(self, server: ServerSettings, key: str | None, path: str, probe: Mapping[str, Any]) -> None:
        self._server, self._path, self._probe = server, path, probe
        self._client = Client(server, key)
        self._throttle = Throttle(server.concurrency)
        self._requests, self._tokens = Pace(server.requests_per_minute), Pace(server.tokens_per_minute)
        self._failures: Counter[str] = Counter()
        self._answered_at = -1.0
        self._probing = asyncio.Lock()
        self.lost = 0

    async def greet(self) -> None:
        """Ask the probe. Raises UnusableError, RefusedError or DownError."""
        while True:
            try:
                self.lost += (await self.ask("probe", self._probe, 0)).tokens
                return
            except UnansweredError:  # it counts as a try
                continue

    async def ask(self, name: str, body: Mapping[str, Any], most_tokens: int) -> Answer:
        """The answer, which costs at most so many tokens.

        Raises UnansweredError when it may have been charged without an answer: the caller decides whether there are
        tokens for another try. Raises RefusedError when this question cannot be answered, or not within all tries
        while others are; DownError when nothing is answered; UnusableError.
        """
        while True:
            await asyncio.sleep(backoff(self._failures[name]))
            began = time.monotonic()
            try:
                return await self._ask_once(body, most_tokens)
            except AgainError as error:
                if not (error.busy and self._answered_at > began):  # busy with others' questions: it has time
                    await self._failed(name, error, began)
            except UnansweredError as error:
                self.lost += most_tokens
                await self._failed(name, error, began)
                raise

    def forget(self, name: str) -> None:
        """A question is settled."""
        self._failures.pop(name, None)

    async def _ask_once(self, body: Mapping[str, Any], most_tokens: int) -> Answer:
        await self._throttle.enter()
        unused = most_tokens
        try:
            now = time.monotonic()
            turn = max(self._requests.reserve(1, now), self._tokens.reserve(most_tokens, now))
            await asyncio.sleep(turn)
            sent = time.monotonic()
            try:
                answer = await self._client.ask(self._path, body)
            except AgainError as error:
                self._slow_down(error, sent)
                raise
            except UnansweredError:
                unused = 0
                raise
            unused = most_tokens - answer.tokens
            self._answered_at = time.monotonic()
            self._throttle.answered()
            return answer
        finally:
            self._tokens.give_back(unused)
            self._throttle.leave()

    def _slow_down(self, error: AgainError, sent: float) -> None:
        if error.after is not None and error.after > LONGEST_PAUSE:
            raise DownError(f"{self._server.url} asks for a pause of {error.after:.0f} s; {error}")
        if error.busy:
            self._throttle.busy(sent, error.after)
        elif error.after is not None:
            self._throttle.pause(error.after)

    async def _failed(self, name: str, error: Exception, began: float) -> None:
        self._failures[name] += 1
        if self._failures[name] < self._server.tries:
            return
        await self._check_alive(error, began)
        self.forget(name)
        if not (isinstance(error, AgainError) and error.busy):
            raise RefusedError(f"{self._server.tries} tries; last: {error}") from None

    async def _check_alive(self, error: Exception, since: float) -> None:
        """Return if the server has answered anything since, or answers the probe. Raises DownError."""
        async with self._probing:
            if self._answered_at > since:
                return
            try:
                self.lost += (await self._ask_once(self._probe, 0)).tokens
            except RefusedError:
                return  # that is an answer
            except (AgainError, UnansweredError) as last:
                raise DownError(f"{self._server.url} does not answer; last: {last}") from None
