"""Starts the real command and watches it from outside, as a person at a terminal would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

TINY = Path(__file__).parents[1] / "tiny" / "task.yaml"


class Driver:
    """One `labelmill run` process; its output goes to a file."""

    def __init__(self, run: Path, *options: str, task: Path = TINY, address: str | None = None) -> None:
        """A run in the folder `run`; with `address`, a run there, and only the output beside the folder."""
        self.run = run
        self.log = run.with_name(f"{run.name}.{time.monotonic_ns()}.log")
        command = [sys.executable, "-m", "cluster", "run", str(task), "--run", address or str(run), *options]
        self.process = subprocess.Popen(
            command,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        """All that it has printed so far."""
        return self.log.read_text()

    def wait_for(self, condition: Callable[[], object], seconds: float = 900) -> None:
        """Poll until the condition holds; fails when the driver ends first or time runs out."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                if condition():
                    return
                raise AssertionError(f"the driver ended with {self.process.returncode}:\n{self.output}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain:\n{self.output}")
            time.sleep(0.05)

    def says(self, pattern: str) -> bool:
        """Whether a printed line matches."""
        return re.search(pattern, self.output, re.MULTILINE) is not None

    def family(self) -> list[psutil.Process]:
        """The driver and all processes that it has started, theirs included."""
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def kill(self) -> list[psutil.Process]:
        """SIGKILL the driver alone; returns the family as it was."""
        family = self.family()
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return family

    def finish(self, seconds: float = 1200) -> str:
        """Wait for success and return the output."""
        code = self.process.wait(seconds)
        assert code == 0, self.output
        return self.output


def engine_processes(family: list[psutil.Process]) -> list[psutil.Process]:
    """vLLM's own processes: engine cores and their workers."""
    found = []
    for process in family:
        try:
            if process.name().startswith("VLLM") or "VLLM::" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def survivors(family: list[psutil.Process], seconds: float = 30) -> list[psutil.Process]:
    """Processes of the family that still live after so many seconds: half of what Ray alone would take to end."""
    _, alive = psutil.wait_procs(family, timeout=seconds)
    return [process for process in alive if is_alive(process)]


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
