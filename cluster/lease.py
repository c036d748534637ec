"""One driver at a time: the lease of a run directory."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from cluster.claims import ClaimLease, is_alive, newest_claim
from generation.errors import UserError
from generation.location import Location, ObjectPath

HEARTBEAT_SECONDS = 5.0


class Lease:
    """Held by the driver of a run; a second driver gets a UserError that names the first.

    The kernel frees the lock when its holder dies, however it dies. `lease.json` carries the heartbeat for
    `labelmill status` and the *epoch*, which rises with every holder: an engine left over from an earlier driver
    finds its own epoch outdated and cannot commit.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock: IO[str] | None = None
        self._stop = threading.Event()
        self._beating = threading.Thread(target=self._keep_beating, name="labelmill-lease", daemon=True)
        self.epoch = 0

    def __enter__(self) -> Lease:
        lock = (self._root / "lease.lock").open("a+")
        if not _take(lock):
            lock.close()
            holder = read_lease(self._root)
            raise UserError(
                f"{self._root}: another driver holds this run (pid {holder.get('pid')} on {holder.get('host')}); "
                "wait for it or stop it"
            )
        self._lock = lock
        self.epoch = int(read_lease(self._root).get("epoch", 0)) + 1
        self._beat()
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._beating.join()  # two beats at once would take each other's scratch file
        with contextlib.suppress(OSError):  # on a full disk the error that ended the run is the one to show
            self._beat(released=True)
        if self._lock:
            self._lock.close()

    def check(self) -> None:
        """Raises nothing: the kernel's lock is not lost while its holder lives."""

    def _keep_beating(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                self._beat()
            except OSError:  # a full disk must not end the run by way of its heartbeat
                continue

    def _beat(self, released: bool = False) -> None:
        state = {"epoch": self.epoch, "pid": os.getpid(), "host": socket.gethostname(), "at": time.time()}
        scratch = self._root / "lease.json.tmp"
        scratch.write_text(json.dumps(state | {"released": released}))
        scratch.replace(self._root / "lease.json")


def _take(lock: IO[str]) -> bool:
    """Lock it for this process alone; tried for half a second, as `is_held` holds it for a moment."""
    for _ in range(5):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.1)
    return False


def lease_of(root: Location) -> Lease | ClaimLease:
    """The lease of a run directory, not taken yet."""
    return ClaimLease(root) if isinstance(root, ObjectPath) else Lease(root)


def read_lease(root: Location) -> dict[str, Any]:
    """What the driver of a run, or its last one, says of itself; {} when there is none."""
    if isinstance(root, ObjectPath):
        claim = newest_claim(root)
        return claim.state if claim else {}
    try:
        return json.loads((root / "lease.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def is_held(root: Location) -> bool:
    """Whether a live driver holds the run now."""
    if isinstance(root, ObjectPath):
        claim = newest_claim(root)
        return claim is not None and is_alive(claim, time.time())
    try:
        with (root / "lease.lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
