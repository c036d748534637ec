"""The server of a review, on one port, until it is interrupted."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection

import uvicorn

from cluster.review.gate import App
from cluster.review.site import Site
from cluster.review.token import is_loopback
from generation.errors import UserError, os_reason


def serve(
    site: Site, host: str, port: int, token: str | None, hosts: Collection[str], say: Callable[[str], None]
) -> None:
    """Serve until interrupted; `say` gets the address once it is open. Raises UserError when the port is not free."""
    with listening(host, port) as opened:
        server = make_server(site.gated(token, hosts))
        for line in addresses(host, opened.getsockname()[1], token):
            say(line)
        server.run([opened])


def make_server(app: App) -> uvicorn.Server:
    """A server that has not been started."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


def addresses(host: str, port: int, token: str | None) -> list[str]:
    """What to open, in lines for the terminal."""
    everywhere = host in ("0.0.0.0", "::")
    name = socket.gethostname() if everywhere else f"[{host}]" if ":" in host else host
    link = f"http://{name}:{port}/" + (f"?token={token}" if token else "")
    lines = [f"review  {link}"]
    if not is_loopback(host):
        lines.append(
            "warning: what is sent is not encrypted; across other people's networks use a tunnel (docs/review.md)"
        )
    return lines


def listening(host: str, port: int) -> socket.socket:
    """A socket that waits at an address; port 0: any that is free. Raises UserError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UserError(f"--host {host} --port {port}: cannot be opened: {os_reason(error)}") from None
