"""An engine as a member of its pool."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from cluster.messages import EngineName
from cluster.remote import RemoteEngine


@dataclass
class Member:
    """An engine, the report it owes, its tokens so far, and the number of the last part it told of.

    `moved_at` is when it last brought a token, or had nothing to do; `busy_at` when it last had something to do.
    `retiring`: it goes when it has nothing left.
    """

    name: EngineName
    engine: RemoteEngine
    pending: Any = None
    produced: int = 0
    committed: int = 0
    last_part: int = -1
    moved_at: float = field(default_factory=time.monotonic)
    busy_at: float = field(default_factory=time.monotonic)
    pids: list[int] = field(default_factory=list)
    node: str = ""
    retiring: bool = False
