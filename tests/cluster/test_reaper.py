"""Real processes: a driver is killed, and the reaper ends what it had started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

DRIVER = """
import subprocess, sys, time
from cluster.reaper import Reaper
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(900)"], start_new_session=True)
with Reaper():
    print(child.pid, flush=True)
    {body}
"""


def start(body: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A driver and the child that it has started."""
    command = [sys.executable, "-c", DRIVER.format(body=body)]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert driver.stdout is not None
    return driver, psutil.Process(int(driver.stdout.readline()))


def test_a_killed_driver_takes_its_processes_along() -> None:
    driver, child = start("time.sleep(900)")
    others = psutil.Process(driver.pid).children()
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    assert psutil.wait_procs([child, *others], timeout=200)[1] == []


def test_a_driver_that_ends_well_leaves_them_alone() -> None:
    driver, child = start("pass")
    assert driver.wait(200) == 0
    with pytest.raises(psutil.TimeoutExpired):
        child.wait(1)
    child.kill()
