"""An S3 server on loopback (moto, in a virtual environment of its own) and a proxy before it that makes faults."""

from __future__ import annotations

import http.client
import http.server
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVER = Path(sys.prefix) / "s3-server" / "bin" / "moto_server"
BUCKET = "bucket"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "hush-on-loopback",
    "AWS_EC2_METADATA_DISABLED": "true",
}
SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
_HOP = ("transfer-encoding", "expect", "content-length", "connection")  # between client and proxy alone


@contextmanager
def serve_s3(folder: Path) -> Iterator[int]:
    """The port of a server that holds one empty bucket."""
    assert SERVER.is_file(), f"{SERVER} is missing: run `make .venv/s3-server/installed`"
    port = free_port()
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen([SERVER, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                assert request(port, "PUT", f"/{BUCKET}")[0] == 200
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the S3 server does not start"
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


def uri(port: int, prefix: str, bucket: str = BUCKET) -> str:
    return f"s3://{bucket}/{prefix}?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"


class Proxy:
    """Passes requests on, but for those whose turn it is to fail.

    `faults` are (method, what) pairs; each is used up by the first request of its method. What: "503", "403", "reset"
    (before the server sees the request), "lost" (after it has answered), or seconds to wait.
    """

    def __init__(self, server: int) -> None:
        self.faults: list[tuple[str, str | float]] = []
        self.seen: list[str] = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                body = self._body()
                proxy.seen.append(self.command)
                fault = proxy.take(self.command)
                if fault == "503" or fault == "403":
                    return self._answer(int(fault), [], SLOW_DOWN if fault == "503" else DENIED)
                if fault == "reset":
                    return self._reset()
                if isinstance(fault, float):
                    time.sleep(fault)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                answer = request(server, self.command, self.path, body, headers)
                if fault == "lost":
                    return self._reset()
                self._answer(*answer)

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                chunks = []
                while size := int(self.rfile.readline(), 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(chunks)

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response_only(status)
                kept = [
                    (name, value) for name, value in headers if name.lower() not in ("connection", "content-length")
                ]
                length = dict(headers).get("Content-Length", len(body)) if self.command == "HEAD" else len(body)
                for name, value in [*kept, ("Content-Length", str(length))]:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def _reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on

            def log_message(self, *message: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *where: Any) -> None:
                """A client that was killed, or reset, leaves no trace on the screen."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, method: str) -> str | float | None:
        """The fault for a request of this method, used up."""
        for place, (wanted, what) in enumerate(self.faults):
            if wanted == method:
                del self.faults[place]
                return what
        return None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
