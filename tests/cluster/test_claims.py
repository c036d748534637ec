"""One driver at a time on an object store, in real processes and against a real server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cluster.claims import ClaimLease, claim_bytes, newest_epoch, read_claims
from cluster.lease import is_held, lease_of, read_lease
from generation.errors import UserError
from generation.location import ObjectPath
from generation.parts import write_bytes
from tests.s3 import Proxy

_HOLD = """
import sys, time
from cluster.lease import lease_of
from generation.location import locate
with lease_of(locate(sys.argv[1])) as lease:
    print(lease.epoch, flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(root: ObjectPath) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lease."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, root.uri], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        yield process
    finally:
        process.kill()
        process.communicate()


def put_claim(root: ObjectPath, epoch: int, **state: Any) -> None:
    """The claim of a driver on another machine."""
    state = {"epoch": epoch, "pid": 7, "host": "elsewhere", "machine": "another", "began": 1.0} | state
    place = root / "lease" / f"{epoch:06d}-0a0a0a0a.json"
    write_bytes(root.filesystem, place.path, claim_bytes({"confirmed": True, "released": False} | state))


def names(root: ObjectPath) -> list[str]:
    return [claim.name for claim in read_claims(root)]


def test_a_claim_is_read_while_it_is_written_anew(prefix: ObjectPath) -> None:
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            for host in ("elsewhere", "elsewhere.and.far.away"):
                put_claim(prefix, 3, host=host)
                time.sleep(0.005)

    writer = threading.Thread(target=write)
    put_claim(prefix, 3)
    writer.start()
    try:
        assert {claim.state["pid"] for _ in range(100) for claim in read_claims(prefix)} == {7}
    finally:
        done.set()
        writer.join()


def test_claims_are_of_one_length() -> None:
    one, other = (
        {"host": host, "at": at} for host, at in (("elsewhere", 1.5), ("elsewhere.and.far.away", 1796025767.25))
    )
    assert len(claim_bytes(one)) == len(claim_bytes(other)) == 1024
    assert json.loads(claim_bytes(other)) == other


def test_a_second_driver_is_told_of_the_first_and_leaves_it_alone(prefix: ObjectPath) -> None:
    with holder(prefix) as first:
        before = names(prefix)
        with pytest.raises(UserError) as caught, lease_of(prefix):
            pass
        assert str(caught.value) == (
            f"{prefix}: another driver holds this run (pid {first.pid} on {socket.gethostname()}); wait for it or stop "
            "it; one that died on another machine is given up 60 s after its last heartbeat"
        )
        assert names(prefix) == before
        assert is_held(prefix)
        assert (read_lease(prefix)["pid"], read_lease(prefix)["epoch"]) == (first.pid, 1)


def test_one_killed_on_this_machine_frees_the_run_at_once(prefix: ObjectPath) -> None:
    with holder(prefix) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert not is_held(prefix)
        with lease_of(prefix) as second:
            assert second.epoch == 2
            assert read_lease(prefix)["pid"] == os.getpid()


def test_one_on_another_machine_is_given_up_after_a_time(prefix: ObjectPath) -> None:
    put_claim(prefix, 4)
    with pytest.raises(UserError, match=r"pid 7 on elsewhere"), ClaimLease(prefix, expiry=2.0):
        pass
    time.sleep(3.1)  # the store's clock has whole seconds
    with ClaimLease(prefix, expiry=2.0) as lease:
        assert lease.epoch == 5


def test_a_holder_that_was_given_up_finds_out(prefix: ObjectPath) -> None:
    with ClaimLease(prefix) as asleep:
        asleep.check()
        put_claim(prefix, asleep.epoch + 1, confirmed=False)
        asleep.check()  # who has only asked has not got it
        put_claim(prefix, asleep.epoch + 1)
        with pytest.raises(UserError) as caught:
            asleep.check()
        assert str(caught.value) == f"{prefix}: a later driver holds this run; nothing more is committed"
    assert newest_epoch(prefix) == 2  # and its own release does not hide the later one
    assert read_lease(prefix)["host"] == "elsewhere"


def test_the_epoch_rises_with_every_holder(prefix: ObjectPath) -> None:
    epochs = []
    for _ in range(3):
        with lease_of(prefix) as lease:
            epochs.append(lease.epoch)
            assert (is_held(prefix), read_lease(prefix)["released"]) == (True, False)
    assert epochs == [1, 2, 3]
    assert (is_held(prefix), read_lease(prefix)["released"], len(names(prefix))) == (False, True, 1)


def test_of_many_at_once_at_most_one_enters(prefix: ObjectPath) -> None:
    begin, lock = threading.Barrier(6), threading.Lock()
    inside, most, entered, refused = 0, 0, 0, 0

    def drive() -> None:
        nonlocal inside, most, entered, refused
        begin.wait()
        try:
            with lease_of(prefix):
                with lock:
                    inside, entered = inside + 1, entered + 1
                    most = max(most, inside)
                time.sleep(0.5)
                with lock:
                    inside -= 1
        except UserError:
            refused += 1

    threads = [threading.Thread(target=drive) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 1
    assert entered + refused == 6
    with lease_of(prefix):  # whoever was refused stands in nobody's way
        pass


def test_a_heartbeat_keeps_it(prefix: ObjectPath) -> None:
    with ClaimLease(prefix, heartbeat=0.2):
        first = read_lease(prefix)["at"]
        time.sleep(1.0)
        assert read_lease(prefix)["at"] > first


def test_faults_of_the_store_pass(proxy: Proxy, prefix: ObjectPath) -> None:
    through = ObjectPath(prefix.bucket, prefix.key, prefix.query.replace(proxy_port(prefix), str(proxy.port)))
    proxy.faults = [("PUT", "503"), ("PUT", "lost"), ("GET", "reset"), ("GET", "503")]
    with lease_of(through) as lease:
        assert lease.epoch == 1
    assert proxy.faults == []


def proxy_port(place: ObjectPath) -> str:
    """The port in the query of a place."""
    return place.query.partition("127.0.0.1:")[2].partition("&")[0]


def test_no_lease_yet(prefix: ObjectPath) -> None:
    assert read_lease(prefix) == {}
    assert not is_held(prefix)
