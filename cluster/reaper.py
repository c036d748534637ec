"""Ends what a killed driver's own Ray would leave behind for a minute.

Ray's node agents first try to tell their control server that the node is gone; when the driver was killed that server
is dead as well, and they wait 60 s for its answer. This small process outlives the driver just long enough.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType

import psutil

FAREWELL = "bye"


class Reaper:
    """Watches this process; if it dies inside the block, the processes it has started by then are ended."""

    def __enter__(self) -> Reaper:
        watched = [(child.pid, child.create_time()) for child in psutil.Process().children(recursive=True)]
        command = [sys.executable, "-m", "cluster.reaper"]
        # a session of its own: whoever kills the driver's process group must not take the reaper along
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(watched) + "\n")
        self._process.stdin.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(FAREWELL)


def reap(watched: list[tuple[int, float]]) -> None:
    """Give the processes 5 s to end by themselves, then SIGKILL; a number that was given anew is left alone."""
    processes = []
    for pid, created in watched:
        try:
            process = psutil.Process(pid)
            if process.create_time() == created:
                processes.append(process)
        except psutil.NoSuchProcess:
            continue
    for process in psutil.wait_procs(processes, timeout=5)[1]:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def main() -> None:
    """Read what to watch, then wait for a farewell or for the end of the pipe."""
    watched = json.loads(sys.stdin.readline() or "[]")
    if sys.stdin.read() != FAREWELL:
        reap([(pid, created) for pid, created in watched])


if __name__ == "__main__":
    main()
