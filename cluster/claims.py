"""One driver at a time on an object store, which has no locks: claims, and looking before believing them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import psutil
from pyarrow import fs

from generation.errors import Fault, UserError
from generation.location import ObjectPath
from generation.parts import write_bytes

HEARTBEAT_SECONDS = 10.0
EXPIRY_SECONDS = 60.0  # without a heartbeat, after which a driver on another machine counts as dead
_READS = 4  # of a claim that is being written anew, before it counts as broken
_LENGTH = 1024  # bytes of every claim, so that one which is written anew keeps the length that a reader was told


class Claim(NamedTuple):
    """`lease/EPOCH-TOKEN.json`, its time by the store's clock, and what it says."""

    name: str
    at: float
    state: dict[str, Any]

    @property
    def epoch(self) -> int:
        return int(self.name.partition("-")[0])


class ClaimLease:
    """What `Lease` is for a local folder.

    A driver puts its claim first and looks at the others' then: of two that begin together, the one whose claim came
    later sees the other and withdraws (both may). A claim counts once its holder has looked and confirmed it. A holder
    without a heartbeat for `expiry` seconds by the store's own clock is passed over; should it live, it finds a claim
    of a higher *epoch* before its next write (`check`), and its engines do before theirs. A write that is already
    under way at that moment still lands: what each kind of file does then is told in docs/runs.md.
    """

    def __init__(self, root: ObjectPath, expiry: float = EXPIRY_SECONDS, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._root, self._expiry, self._heartbeat = root, expiry, heartbeat
        self._name, self.epoch = "", 0
        self._stop = threading.Event()
        self._beating = threading.Thread(target=self._keep_beating, name="labelmill-lease", daemon=True)

    def __enter__(self) -> ClaimLease:
        while not self._claim():
            self._withdraw()
        self._put(confirmed=True)
        for claim in read_claims(self._root):
            if claim.epoch < self.epoch:
                self._delete(claim.name)
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._beating.join(self._heartbeat)
        with contextlib.suppress(OSError, Fault, UserError):  # the error that ended the run is the one to show
            self._put(confirmed=True, released=True)

    def check(self) -> None:
        """Raises UserError when the run has a later driver."""
        if newest_epoch(self._root) > self.epoch:
            raise UserError(f"{self._root}: a later driver holds this run; nothing more is committed")

    def _claim(self) -> bool:
        """Put a claim and look; False when another has taken the epoch meanwhile. Raises UserError for a live rival."""
        self.epoch = max((claim.epoch for claim in read_claims(self._root)), default=0) + 1
        self._name = f"{self.epoch:06d}-{secrets.token_hex(4)}.json"
        self._put(confirmed=False)
        claims = read_claims(self._root)
        now = next((claim.at for claim in claims if claim.name == self._name), time.time())
        others = [claim for claim in claims if claim.name != self._name]
        for claim in others:
            if is_alive(claim, now, self._expiry):
                self._withdraw()
                raise UserError(
                    f"{self._root}: another driver holds this run (pid {claim.state.get('pid')} on "
                    f"{claim.state.get('host')}); wait for it or stop it; one that died on another machine is given "
                    f"up {self._expiry:g} s after its last heartbeat"
                )
        return all(claim.epoch < self.epoch for claim in others)

    def _withdraw(self) -> None:
        self._delete(self._name)

    def _keep_beating(self) -> None:
        while not self._stop.wait(self._heartbeat):
            with contextlib.suppress(OSError, Fault, UserError):  # a store that is away ends the run by its writes
                self._put(confirmed=True)

    def _put(self, confirmed: bool, released: bool = False) -> None:
        state = {"epoch": self.epoch, "pid": os.getpid(), "host": socket.gethostname(), "at": time.time()}
        state |= {"confirmed": confirmed, "released": released, "machine": _machine(), "began": _began(os.getpid())}
        write_bytes(self._root.filesystem, (self._root / "lease" / self._name).path, claim_bytes(state))

    def _delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._root.filesystem.delete_file((self._root / "lease" / name).path)


def claim_bytes(state: dict[str, Any]) -> bytes:
    """A claim as it is written, padded: of an object that grew since it was asked for its length, a part is read."""
    return json.dumps(state).ljust(_LENGTH).encode()


def read_claims(root: ObjectPath) -> list[Claim]:
    """All claims, oldest epoch first."""
    return list(_read(root, sorted(_list(root), key=lambda info: info.base_name)))


def newest_claim(root: ObjectPath) -> Claim | None:
    """The confirmed claim of the highest epoch: who drives the run, or drove it last."""
    newest_first = sorted(_list(root), key=lambda info: info.base_name, reverse=True)
    return next((claim for claim in _read(root, newest_first) if claim.state.get("confirmed")), None)


def newest_epoch(root: ObjectPath) -> int:
    """Its epoch; 0 when there is none."""
    newest = newest_claim(root)
    return newest.epoch if newest else 0


def is_alive(claim: Claim, now: float, expiry: float = EXPIRY_SECONDS) -> bool:
    """Whether its driver may still live, `now` being a time of the store's clock."""
    if claim.state.get("released") or now - claim.at > expiry:
        return False
    here = claim.state.get("machine") == _machine()
    return not here or _began(claim.state["pid"]) == claim.state["began"]


def _list(root: ObjectPath) -> list[fs.FileInfo]:
    return root.filesystem.get_file_info(fs.FileSelector((root / "lease").path, allow_not_found=True))


def _read(root: ObjectPath, infos: list[fs.FileInfo]) -> Iterator[Claim]:
    for info in infos:
        with contextlib.suppress(FileNotFoundError):  # withdrawn since it was listed
            yield Claim(info.base_name, info.mtime_ns / 1e9, _state(root / "lease" / info.base_name))


def _state(place: ObjectPath) -> dict[str, Any]:
    """What a claim says. One longer than any should be may be written anew while it is read: then again."""
    for _ in range(_READS):
        with contextlib.suppress(ValueError):
            return json.loads(place.read_bytes())
        time.sleep(0.01)
    return json.loads(place.read_bytes())


def _machine() -> str:
    """Equal for processes that see each other's pids, and for no others."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{socket.gethostname()} {boot} {os.readlink('/proc/self/ns/pid')}"


def _began(pid: int) -> float | None:
    """When a process began; None when there is none of this pid."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None
