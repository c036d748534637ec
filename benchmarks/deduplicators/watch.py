"""A command's time, processor time and memory, with all that it starts."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LEAST_PAUSE = 0.05
SHARE = 0.05  # of the time, at most, goes into looking
SHARED = "/dev/shm/"


@dataclass
class Watched:
    """Wall seconds from start to end, CPU seconds, and the largest memory seen at once, bytes; `code` None: ended.

    `others` is the share of the machine's time that went into other work. Memory is the proportional set size of all
    processes, with shared memory counted whole, once, and also where none of them has it mapped.
    """

    code: int | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    others: float = 0.0
    _times: dict[tuple[int, float], float] = field(default_factory=dict, repr=False)

    def look(self, root: psutil.Process) -> None:
        """Note what the processes have used so far, and have at present."""
        private = mapped = 0
        shared: dict[int, int] = {}
        for process in [root, *root.children(recursive=True)]:
            try:
                times = process.cpu_times()
                self._times[process.pid, process.create_time()] = times.user + times.system
                whole, in_shared = _proportional(process.pid)
                shared |= _shared_files(process.pid)
            except (psutil.Error, OSError):
                continue  # it has just ended
            private, mapped = private + whole - in_shared, mapped + in_shared
        self.peak_bytes = max(self.peak_bytes, private + max(mapped, sum(shared.values())))

    def end(self, seconds: float, waited_for: float, busy: float) -> None:
        """`waited_for`: CPU time of what was waited for, which has the last moments, but not of all processes; `busy`:
        that of the whole machine.
        """
        self.seconds = seconds
        self.cpu_seconds = max(waited_for, sum(self._times.values()))
        self.others = max(0.0, busy - self.cpu_seconds) / (seconds * (os.cpu_count() or 1))


@dataclass(frozen=True)
class Limits:
    """What a command may take before it is ended."""

    seconds: float
    bytes: float

    def broken_by(self, seen: Watched) -> str:
        over = f"{self.bytes / 1e9:g} GB" if seen.peak_bytes > self.bytes else f"{self.seconds:g} s"
        return f"more than {over}"


def watch(command: list[str], words: Path, limits: Limits, environment: Mapping[str, str], folder: Path) -> Watched:
    """Run a command in `folder` until it ends or breaks a limit; what it says goes to the file `words`."""
    found, used, busy = Watched(), _children_seconds(), _busy_seconds()
    began = time.monotonic()
    with words.open("wb") as sink:
        child = psutil.Popen(command, stdout=sink, stderr=sink, env={**os.environ, **environment}, cwd=folder)
    pause, started = 0.0, set[psutil.Process]()
    while time.monotonic() - began < limits.seconds and found.peak_bytes <= limits.bytes:
        try:
            found.code = child.wait(pause)
            break
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            looked = time.monotonic()
            started.update(child.children(recursive=True))
            found.look(child)
            pause = max(LEAST_PAUSE, (time.monotonic() - looked) / SHARE)
    seconds = time.monotonic() - began
    if child.is_running():
        started.update(child.children(recursive=True))
    _kill([*started, child])
    child.wait()
    found.end(seconds, _children_seconds() - used, _busy_seconds() - busy)
    return found


def _proportional(pid: int) -> tuple[int, int]:
    """A process's proportional set size, and the part of it that is shared memory; bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}
    return sizes["Pss"], sizes["Pss_Shmem"]


def _shared_files(pid: int) -> dict[int, int]:
    """Files in shared memory that a process holds open, deleted ones too: inode -> bytes that they take."""
    found = {}
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(handle).startswith(SHARED):
                status = handle.stat()
                found[status.st_ino] = status.st_blocks * 512
        except OSError:
            continue
    return found


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _busy_seconds() -> float:
    """CPU time of all processes since the machine started."""
    times = psutil.cpu_times()
    return sum(times[:8]) - times.idle - times.iowait  # what follows, guests, is counted among these


def _kill(processes: list[psutil.Process]) -> None:
    """End what is left."""
    for process in processes:
        try:
            if process.is_running():
                process.kill()
        except psutil.Error:
            continue
