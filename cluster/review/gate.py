"""What is let in at the page's door, before any of it is looked at."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
MOST_BYTES = 4 * 1024**2  # of what is sent in
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send forms with the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Gate:
    """Refuses foreign hosts and origins, oversized bodies and, where a token is set, whoever does not have it.

    A page elsewhere that points its own name at this address (DNS rebinding) sends that name as host: only addresses,
    localhost, this machine's name and `hosts` are let in. The token comes once, as `?token=`, and a cookie that is
    made of it stands for it from then on.
    """

    def __init__(self, app: App, token: str | None = None, hosts: Collection[str] = (), cookie: str = "token") -> None:
        self._app, self._token, self._cookie = app, token, f"{cookie}_token"
        self._hosts = {"localhost", socket.gethostname().lower(), *(name.lower() for name in hosts)}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope) if scope["type"] == "http" else PlainTextResponse("no sockets here", 403)
        if answer is None:
            await self._app(scope, _limited(receive), _with_headers(send))
        else:
            await answer(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._knows(host):
            return PlainTextResponse("This page does not go by that name; see labelmill review --allow-host.", 421)
        origin = headers.get("origin")
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("method not allowed", 405)
        if (origin is None and scope["method"] == "POST") or (origin is not None and urlsplit(origin).netloc != host):
            return PlainTextResponse("Requests from other pages are refused.", 403)
        if not headers.get("content-length", "0").isdigit() or int(headers.get("content-length", "0")) > MOST_BYTES:
            return PlainTextResponse(f"more than {MOST_BYTES} bytes", 413)
        return self._unless_allowed(scope, headers) if self._token else None

    def _knows(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._hosts
        return True

    def _unless_allowed(self, scope: Scope, headers: Headers) -> Response | None:
        stands_for = hashlib.sha256(f"labelmill review {self._token}".encode()).hexdigest()
        if _same(cookie_parser(headers.get("cookie", "")).get(self._cookie, ""), stands_for):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] == "GET" and self._token and _same(given, self._token):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie, stands_for, httponly=True, samesite="lax")
            return answer
        return PlainTextResponse("This page needs its token: open the link that labelmill review printed.", 401)


def _same(one: str, other: str) -> bool:
    """Compared in the same time whatever they have in common."""
    return hmac.compare_digest(one.encode(), other.encode())


def _with_headers(send: Any) -> Any:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending


def _limited(receive: Any) -> Any:
    """A body whose length was not told is cut off like one that was."""
    left = MOST_BYTES

    async def receiving() -> Any:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return receiving
