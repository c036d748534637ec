"""A child outlives its killed parent only if it is not ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from cluster.tie import TIED, tie_to_parent

# as vLLM does it: a spawned process, which calls every plugin, some of them twice
_PARENT = """
import multiprocessing, os, sys, time

def work(report):
    from cluster.tie import tie_to_parent
    tie_to_parent()
    tie_to_parent()
    report.send(os.getpid())
    time.sleep(600)

if __name__ == "__main__":
    receive, send = multiprocessing.Pipe(False)
    multiprocessing.get_context("spawn").Process(target=work, args=(send,)).start()
    print(receive.recv(), flush=True)
    time.sleep(600)
"""


def start(folder: Path, tied: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A parent, and the child that it has spawned."""
    script = folder / "parent.py"
    script.write_text(_PARENT)
    environment = {**os.environ, TIED: tied}
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    return parent, psutil.Process(int(parent.stdout.readline()))


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(("tied", "survives"), [("1", False), ("0", True)])
def test_the_parent_is_killed(tmp_path: Path, tied: str, survives: bool) -> None:
    parent, child = start(tmp_path, tied)
    try:
        assert is_alive(child)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + (1 if survives else 200)
        while is_alive(child) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert is_alive(child) == survives
    finally:
        parent.kill()
        if is_alive(child):
            child.kill()
        parent.communicate()


def test_a_process_that_nobody_spawned_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIED, "1")
    tie_to_parent()
    assert "labelmill-tie" not in [thread.name for thread in threading.enumerate()]
