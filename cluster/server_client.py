"""One question to an OpenAI-compatible server: its answer, or why there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from cluster.server_answer import Answer, UnansweredError, read_answer
from cluster.server_settings import ServerSettings
from generation.errors import clip

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 2.0  # servers close idle connections, after five seconds or more: ours are gone before
_LONGEST_MESSAGE = 200


class RefusedError(ValueError):
    """The server does not take this question; others it may."""


class UnusableError(Exception):
    """The server takes no question as things are: a key, a name or a payment is missing. For the user to mend."""


class AgainError(Exception):
    """Not now, at no cost: the server is busy, unwell or not there. `after` are the seconds that it asks for."""

    def __init__(self, reason: str, after: float | None = None, busy: bool = False) -> None:
        super().__init__(reason)
        self.after, self.busy = after, busy


class Client:
    """Asks; never retries. To be made inside a running event loop. The key is in no error's text."""

    def __init__(self, server: ServerSettings, key: str | None) -> None:
        import aiohttp

        self._server, self._key = server, key
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(
                total=server.timeout_seconds, sock_connect=min(CONNECT_SECONDS, server.timeout_seconds)
            ),
            headers={"Authorization": f"Bearer {key}"} if key else None,
        )

    async def ask(self, path: str, body: Mapping[str, Any]) -> Answer:
        """POST `body` to `path` below the server's url. Raises one of the errors above, or UnansweredError."""
        import aiohttp

        try:
            # a redirect is never followed: the key is for this server alone
            async with self._session.post(f"{self._server.url}{path}", json=body, allow_redirects=False) as reply:
                content = await reply.read()
                status, headers = reply.status, reply.headers
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise AgainError(self._clean(f"cannot connect: {error}")) from None
        except TimeoutError:
            raise UnansweredError(f"no answer within {self._server.timeout_seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise UnansweredError(self._clean(f"the connection broke: {error or type(error).__name__}")) from None
        if status != 200:
            raise self._refusal(status, headers, content)
        return read_answer(content, body)

    def _refusal(self, status: int, headers: Mapping[str, str], content: bytes) -> Exception:
        message, code = self._message(content)
        told = f"HTTP {status}: {message}" if message else f"HTTP {status}"
        server = self._server
        match status:
            case 401 | 403 if server.key_env:
                return UnusableError(f"server.key_env: {server.url} refuses the key in {server.key_env}; {told}")
            case 401 | 403:
                return UnusableError(f"server.key_env: {server.url} wants a key, none is named; {told}")
            case 404 if "model" in f"{message} {code}".lower():
                return UnusableError(f"server.model: {server.url} has no model {clip(server.model)}; {told}")
            case 402:
                return UnusableError(f"server.url: {server.url} wants to be paid; {told}")
            case 429 if code == "insufficient_quota":
                return UnusableError(f"server.key_env: no credit is left for the key in {server.key_env}; {told}")
            case 429:
                return AgainError(told, seconds_to_wait(headers.get("Retry-After")), busy=True)
            case _ if 300 <= status < 400:
                return UnusableError(f"server.url: {server.url} redirects, which is not followed; {told}")
            case _ if status >= 500 or status in (408, 425):
                return AgainError(told, seconds_to_wait(headers.get("Retry-After")))
        return RefusedError(told)

    def _message(self, content: bytes) -> tuple[str, str]:
        """A refusal's message and code, in one line each; a body that is no JSON is its own message."""
        try:
            told = json.loads(content)
        except (ValueError, RecursionError):
            return self._clean(content[: 4 * _LONGEST_MESSAGE].decode(errors="replace")), ""
        error = told.get("error", told) if isinstance(told, dict) else told
        if not isinstance(error, dict):
            return self._clean(str(error or "")), ""
        message = error.get("message") or error.get("detail") or ""
        return self._clean(str(message)), self._clean(str(error.get("code") or error.get("type") or ""))

    def _clean(self, text: str) -> str:
        """One printable line without the key, which some servers echo."""
        text = text.replace(self._key, "***") if self._key else text
        line = "".join(char if char.isprintable() else " " for char in text)
        return " ".join(line.split())[:_LONGEST_MESSAGE]


def seconds_to_wait(header: str | None) -> float | None:
    """What a Retry-After header asks for, in seconds or as a date; None when it says nothing that can be read."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if seconds == seconds else None
