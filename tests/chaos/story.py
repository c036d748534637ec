"""A run that is killed again and again, and what was seen on the way.

The engine core is killed, then the driver while generating; resumed to the end. Kills at other times are those of
test_twenty_kills.py and test_students.py, with no engine to start.
"""

from __future__ import annotations

import hashlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from cluster.store import Store
from tests.chaos.driver import Driver, engine_processes, survivors


@dataclass
class Story:
    """What was seen on the way."""

    run: Path
    task: Path
    left_alive: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    second_driver: tuple[int, str] = (0, "")

    def note_parts(self, moment: str) -> None:
        """Digests of all committed parts at a moment."""
        found = self.run.glob("rounds/*/*/part-*.parquet")
        self.parts[moment] = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def kill(self, moment: str, driver: Driver) -> None:
        """SIGKILL the driver, and see what lives on."""
        family = driver.kill()
        self.left_alive[moment] = [f"{process.pid} {process.name()}" for process in survivors(family)]
        self.outputs[moment] = driver.output
        self.note_parts(moment)


def live_through(run: Path, task: Path) -> Story:
    """Let it all happen to a run of `task` in the folder `run`."""
    story, store = Story(run, task), Store(run)

    driver = Driver(run, task=task)
    driver.wait_for(lambda: driver.says("starting engine"))
    second = Driver(run, task=task)
    story.second_driver = (second.process.wait(300), second.output)
    driver.wait_for(lambda: store.parts(0, "generated"))
    os.kill(engine_processes(driver.family())[0].pid, signal.SIGKILL)
    driver.wait_for(lambda: any("-i001-" in part for part in store.parts(0, "generated")))
    story.kill("generating", driver)

    driver = Driver(run, task=task)
    story.outputs["last"] = driver.finish()
    story.note_parts("last")
    return story
