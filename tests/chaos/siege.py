"""A run of three rounds that is struck again and again (strikes.py), and what was seen on the way."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cluster.store import Store
from tests.chaos.driver import Driver, is_alive, survivors
from tests.chaos.strikes import (
    DENOISING,
    DRIVER,
    ENGINE,
    JUDGING,
    OWN,
    RAYLET,
    TRAINER,
    TUNER,
    WORKER,
    Place,
    Strike,
    order,
    place_of,
    share_generated,
)
from tests.cluster.misbehaving import MODEL, Server

# how Ray names a process by what it does
TITLES = {
    ENGINE: r"ray::ServerEngine",
    TUNER: r"ray::_judge_worker",
    DENOISING: r"ray::(MapBatches|ReadRange|MapWorker)",
    JUDGING: r"ray::MapWorker",
    TRAINER: r"ray::RayTrainWorker",
    WORKER: r"ray::(?!\w+Agent)",  # agents are parts of a raylet
    RAYLET: r"\S*/raylet/raylet ",
}
SETTINGS = (
    *("quota=6", "rounds=3", "denoise.accept=0", "student.steps=5", "student.judge_steps=5", f"server.model={MODEL}"),
    *("server.concurrency=2", "runtime.workers=1", "runtime.commit_rows=8", "runtime.commit_seconds=0.2"),
)
SLOW, QUICK = 0.4, 0.02  # seconds for an answer, where a strike is to come amid them, and else
LATEST = 0.6  # share of a round's requests before which the last strike at its generating comes
PATIENCE = 900.0  # seconds, on a machine with much else to do


@dataclass(frozen=True)
class Landed:
    """A strike, the process that died of it, and where the run was."""

    strike: Strike
    place: Place
    process: str


@dataclass
class Siege:
    """What was seen on the way. `ended` are the exit codes of drivers whose raylet died."""

    run: Path
    server: Server
    landed: list[Landed] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    left_alive: list[str] = field(default_factory=list)

    def live_through(self, strikes: Sequence[Strike]) -> None:
        """Let it all happen."""
        self.store, self._family, self._parts = Store(self.run), set[psutil.Process](), dict[int, int]()
        self._begin()
        try:
            for strike in strikes:
                self._strike(strike)
            self._family.update(self.driver.family())
            self.server.delay = QUICK
            self.outputs.append(self.driver.finish(PATIENCE))
        finally:
            if self.driver.process.poll() is None:
                self.driver.kill()
        self.left_alive = [f"{each.pid} {each.name()}" for each in survivors(list(self._family), 120)]

    def _begin(self) -> None:
        """The command, for the first time or again."""
        settings = (*SETTINGS, f"server.url={self.server.url}")
        self.driver = Driver(self.run, *(word for setting in settings for word in ("--set", setting)))

    def _strike(self, strike: Strike) -> None:
        """Wait for the place and for the victim, and kill it; after a driver's death the command is repeated."""
        self.server.delay = SLOW if strike.stage in ("generating", "between") else QUICK
        victims = list[psutil.Process]()

        def are_there() -> bool:
            victims[:] = self._victims(strike)
            return bool(victims)

        self.driver.wait_for(are_there, PATIENCE)
        self._kill(strike, victims[int(strike.progress * len(victims))])
        if strike.victim in (DRIVER, RAYLET):
            code = self.driver.process.wait(PATIENCE)
            self.ended += [code] if strike.victim == RAYLET else []
            self.outputs.append(self.driver.output)
            self._begin()

    def _victims(self, strike: Strike) -> list[psutil.Process]:
        """Who may die of it now: nobody while it is too early, and any worker where it is too late."""
        place = order(place_of(self.store))
        if place < order(strike.place) or (place == order(strike.place) and not self._is_time(strike)):
            return []
        return self._find(strike.victim) or (self._find(WORKER) if place > order(strike.place) else [])

    def _is_time(self, strike: Strike) -> bool:
        """Within its stage."""
        if strike.stage == "generating":  # three deaths in a row without a part would end the run
            news = len(self.store.parts(strike.round, "generated")) > self._parts.get(strike.round, 0)
            return news and share_generated(self.store) >= LATEST * strike.progress
        if strike.stage == "finishing":
            return strike.progress < 0.5 or (self.store.folder(strike.round) / "held_out.json").is_file()
        return strike.progress < 0.5 or bool(self._find(OWN[strike.stage]))

    def _kill(self, strike: Strike, victim: psutil.Process) -> None:
        family = self.driver.family()
        if strike.victim == DRIVER:
            victim.send_signal(signal.SIGSTOP)  # so that it stays where it is seen
        place, process = place_of(self.store), f"{victim.pid} {_title(victim)[:60]}"
        assert is_alive(victim), f"{process} has ended by itself"
        victim.kill()
        if strike.victim == DRIVER:
            assert self.driver.process.wait(200) == -signal.SIGKILL
        assert survivors([victim], 60) == []
        self._family.update(family)
        self._parts[place[0]] = len(self.store.parts(place[0], "generated"))
        self.landed.append(Landed(strike, place, process))

    def _find(self, kind: str) -> list[psutil.Process]:
        """Processes of a kind among the driver and those that it has started."""
        driver, *children = self.driver.family()
        return [driver] if kind == DRIVER else [each for each in children if re.match(TITLES[kind], _title(each))]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()).strip()
    except psutil.Error:
        return ""  # it has just ended
