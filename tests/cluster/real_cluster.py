"""A Ray cluster of two nodes on this machine, as `ray start` makes it, with token authentication."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
CPUS = 3  # of each node; logical ones
START_SECONDS = 180


@dataclass
class RealCluster:
    """`address` is the dashboard's, `token` the one that both nodes were started with.

    Where the system allows it, the second node sees an empty folder of its own at `hidden`.
    """

    address: str
    gcs: str
    token: str
    home: Path
    metrics_port: int
    hidden: Path
    second_node_is_blind: bool

    def environment(self, token: str | None = None) -> dict[str, str]:
        """Of a process that may talk to the cluster, or that has another token."""
        return _clean() | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": token or self.token,
            "HOME": str(self.home),
            "LABELMILL_CACHE": str(_cache()),
        }


def _clean() -> dict[str, str]:
    """This process's environment without what Ray's own clients left there; programs of this interpreter first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    path = f"{Path(sys.executable).parent}:{kept.get('PATH', '')}"
    return kept | {"PATH": path, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0"}


def _cache() -> Path:
    from generation.models import cache_dir

    return cache_dir()


@contextlib.contextmanager
def real_cluster() -> Iterator[RealCluster]:
    """A head and a second node; the processes started here are ended afterwards, each by its number."""
    # Ray's socket paths must be short, so not below pytest's folders
    folder = Path(tempfile.mkdtemp(prefix="lm-", dir="/tmp"))
    home, hidden = folder / "home", folder / "hidden"
    home.mkdir()
    hidden.mkdir()
    blind = subprocess.run([*_hiding(hidden), "true"], capture_output=True).returncode == 0
    port, dashboard, metrics = (free_port() for _ in range(3))
    gcs = f"127.0.0.1:{port}"
    cluster = RealCluster(f"http://127.0.0.1:{dashboard}", gcs, secrets.token_hex(16), home, metrics, hidden, blind)
    head = ["--head", f"--port={port}", "--include-dashboard=true", "--dashboard-host=127.0.0.1"]
    head += [f"--dashboard-port={dashboard}", f"--temp-dir={folder / 'a'}", f"--metrics-export-port={metrics}"]
    started: list[psutil.Process] = []
    try:
        started.append(_ray_start(cluster, folder / "head.log", *head))
        _wait(lambda: _nodes(cluster) == 1, started[0], folder / "head.log")
        # a folder of its own: in a common one, each node removes files of jobs that the other still runs
        second = [f"--address={gcs}", f"--temp-dir={folder / 'b'}"]
        started.append(_ray_start(cluster, folder / "node.log", *second, prefix=_hiding(hidden) if blind else []))
        _wait(lambda: _nodes(cluster) == 2, started[1], folder / "node.log")
        yield cluster
    finally:
        _end(started)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _hiding(folder: Path) -> list[str]:
    """Runs a command that finds an empty folder in place of this one."""
    return ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {folder} && exec "$@"', "sh"]


def _ray_start(cluster: RealCluster, log: Path, *options: str, prefix: Sequence[str] = ()) -> psutil.Process:
    command = [*prefix, sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--node-ip-address=127.0.0.1"]
    command += [f"--num-cpus={CPUS}", "--object-store-memory=200000000", "--disable-usage-stats"]
    command += [f"--dashboard-agent-listen-port={free_port()}", *options]
    with log.open("w") as stream:
        started = subprocess.Popen(
            command, stdout=stream, stderr=stream, env=cluster.environment(), start_new_session=True
        )
    return psutil.Process(started.pid)


def _nodes(cluster: RealCluster) -> int:
    import requests

    headers = {"Authorization": f"Bearer {cluster.token}"}
    with contextlib.suppress(requests.RequestException, ValueError, KeyError):
        answer = requests.get(f"{cluster.address}/nodes?view=summary", headers=headers, timeout=5).json()
        states = [node["raylet"].get("state") for node in answer["data"]["summary"]]
        return states.count("ALIVE")
    return 0


def _wait(condition: Callable[[], bool], process: psutil.Process, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert process.is_running() and process.status() != psutil.STATUS_ZOMBIE, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


def _end(started: list[psutil.Process]) -> None:
    family = [member for process in started if process.is_running() for member in process.children(recursive=True)]
    for process in reversed(started):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs([*started, *family], timeout=200)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
