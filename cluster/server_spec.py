"""What an engine that asks a server is started with: plain values that travel to its actor, but not the key."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import ClassVar

from cluster.job import Job
from cluster.server_settings import ServerSettings
from generation.errors import UserError
from generation.kinds.base import Kind
from generation.kinds.label import LABEL


@dataclass(frozen=True)
class ServerSpec:
    """The counterpart of EngineSpec for a server. `max_num_seqs` are rows, `settings.concurrency` requests."""

    model: str
    model_hash: str
    form: str
    settings: ServerSettings
    max_num_seqs: int
    commit_rows: int
    commit_seconds: float
    kind: Kind = LABEL
    # what an EngineSpec may have, and a server never has
    folder: ClassVar[None] = None
    max_loras: ClassVar[int] = 0
    weights_hash: ClassVar[str] = ""
    platform: ClassVar[str] = "server"
    gpus: ClassVar[float] = 0
    nodes: ClassVar[int] = 1
    world: ClassVar[int] = 1
    sleep: ClassVar[bool] = False
    node_seconds: ClassVar[float] = 0
    # one that waits for its turn is not hung: requests have a time limit of their own
    hang_seconds: ClassVar[float] = math.inf

    def resources(self) -> dict[str, float]:
        """It waits for the network: no core is set apart for it."""
        return {"CPU": 0}


def plan_server(job: Job) -> ServerSpec:
    """The spec of a job with a server. Raises UserError when its key is not in the environment."""
    server, runtime = job.config.server, job.config.runtime
    read_key(server)
    return ServerSpec(
        model=str(server.model),
        model_hash=job.model_hash,
        form=job.form_name,
        settings=server,
        max_num_seqs=server.concurrency * job.generation.samples,
        commit_rows=runtime.commit_rows,
        commit_seconds=runtime.commit_seconds,
        kind=job.kind,
    )


def read_key(server: ServerSettings) -> str | None:
    """The key, from the environment alone; None when the server needs none. Raises UserError naming the variable."""
    if server.key_env is None:
        return None
    key = os.environ.get(server.key_env, "").strip()
    if not key:
        raise UserError(f"server.key_env: the environment variable {server.key_env} must hold the key; it is empty")
    if not key.isprintable() or not key.isascii() or " " in key:
        raise UserError(f"server.key_env: the key in {server.key_env} must be one word of ASCII characters; it is not")
    return key
