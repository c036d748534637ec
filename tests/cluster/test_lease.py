"""One driver at a time, in real processes."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.lease import Lease, is_held, read_lease
from generation.errors import UserError

_HOLD = """
import sys, time
from pathlib import Path
from cluster.lease import Lease
with Lease(Path(sys.argv[1])) as lease:
    print(lease.epoch, flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lease; its epoch has been read from it."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(root)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_driver_is_told_of_the_first(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        with pytest.raises(UserError) as caught, Lease(tmp_path):
            pass
        assert str(caught.value) == (
            f"{tmp_path}: another driver holds this run (pid {first.pid} on {socket.gethostname()}); "
            "wait for it or stop it"
        )
        assert is_held(tmp_path)
        assert read_lease(tmp_path)["pid"] == first.pid


def test_a_killed_holder_frees_the_lease(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert not is_held(tmp_path)
        assert read_lease(tmp_path)["released"] is False
        with Lease(tmp_path) as second:
            assert second.epoch == 2
            assert read_lease(tmp_path)["pid"] == os.getpid()


def test_the_epoch_rises_with_every_holder(tmp_path: Path) -> None:
    epochs = []
    for _ in range(3):
        with Lease(tmp_path) as lease:
            epochs.append(lease.epoch)
            assert (is_held(tmp_path), read_lease(tmp_path)["released"]) == (True, False)
    assert epochs == [1, 2, 3]
    assert (is_held(tmp_path), read_lease(tmp_path)["released"]) == (False, True)
    assert read_lease(tmp_path)["at"] == pytest.approx(time.time(), abs=60)


def test_a_refused_driver_leaves_the_lease_as_it_was(tmp_path: Path) -> None:
    with Lease(tmp_path) as first:
        before = read_lease(tmp_path)
        with pytest.raises(UserError), Lease(tmp_path):
            pass
        assert read_lease(tmp_path) == before
        assert first.epoch == 1


def test_an_error_within_releases(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Lease(tmp_path):
        raise KeyError
    assert not is_held(tmp_path)


def test_no_lease_yet(tmp_path: Path) -> None:
    assert read_lease(tmp_path) == {}
    assert not is_held(tmp_path)
    (tmp_path / "lease.json").write_text('{"epoch": ')
    assert read_lease(tmp_path) == {}


def test_files_left_behind(tmp_path: Path) -> None:
    with Lease(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lease.json", "lease.lock"]


def test_a_look_at_the_state_does_not_keep_a_driver_out(tmp_path: Path) -> None:
    (tmp_path / "lease.lock").touch()
    looking = (tmp_path / "lease.lock").open("r")
    fcntl.flock(looking, fcntl.LOCK_SH)  # as `is_held` does
    threading.Timer(0.15, looking.close).start()
    with Lease(tmp_path) as lease:
        assert lease.epoch == 1
