"""Twenty kills, drawn by a seed: at which place of a run of three rounds, and of whom.

A place is a round and a stage of it. A stage goes on until what ends it is committed, so that it can be told from the
run directory alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cluster.rounds import is_finished
from cluster.store import Store

ROUNDS, KILLS, MOST_AT_ONCE = 3, 20, 3
STAGES = ("tuning", "generating", "denoising", "training", "finishing", "between")
LONG = ("generating", "denoising", "training")  # stages that are struck more than once
ENGINE, TUNER, DENOISING, JUDGING = "engine", "judge's tuning", "denoising worker", "judge"
TRAINER, WORKER, DRIVER, RAYLET = "student's trainer", "any worker", "driver", "raylet"
# who dies at a stage, but for the few that cost a start of Ray
OWN = dict(zip(STAGES, (TUNER, ENGINE, DENOISING, TRAINER, WORKER, ENGINE), strict=True))

Place = tuple[int, str]


@dataclass(frozen=True)
class Strike:
    """A kill of `victim` at a place; `progress` from 0 to 1 says how early, and of several which (siege.py)."""

    round: int
    stage: str
    victim: str
    progress: float

    @property
    def place(self) -> Place:
        return self.round, self.stage


def order(place: Place) -> tuple[int, int]:
    """Places compare in the order of a run."""
    return place[0], STAGES.index(place[1])


def draw(seed: int) -> list[Strike]:
    """In the order of the run: each place once, long stages more often; each stage costs a driver, one a raylet.

    No place is struck more often than a stage may lose workers in a row.
    """
    chance = random.Random(seed)
    places = [(number, stage) for number in range(ROUNDS) for stage in STAGES if _is_in(number, stage)]
    again = [place for place in places if place[1] in LONG] * (MOST_AT_ONCE - 1)
    places += chance.sample(again, KILLS - len(places))
    strikes = [Strike(*place, OWN[place[1]], chance.random()) for place in places]
    for stage in STAGES[1:]:
        _give(strikes, chance, [stage], DRIVER)
    _give(strikes, chance, LONG, RAYLET)
    _give(strikes, chance, ["denoising"], JUDGING)
    return sorted(strikes, key=lambda strike: (order(strike.place), strike.progress))


def _is_in(number: int, stage: str) -> bool:
    return number == 0 if stage == "tuning" else stage != "between" or number < ROUNDS - 1


def _give(strikes: list[Strike], chance: random.Random, stages: Sequence[str], victim: str) -> None:
    """Have one strike of these stages, by chance, hit another victim."""
    free = [place for place, each in enumerate(strikes) if each.stage in stages and each.victim == OWN[each.stage]]
    chosen = chance.choice(free)
    strikes[chosen] = replace(strikes[chosen], victim=victim)


def place_of(store: Store) -> Place:
    """Where a run is, by what it has committed; before its first answer a later round has not begun."""
    rounds = store.rounds()
    if not rounds:
        return 0, "tuning"
    number = rounds[-1]
    if is_finished(store, number):
        return number, "between"
    if (store.root / "dataset" / f"v{number:03d}").is_dir():
        return number, "finishing"
    if store.read_json(f"rounds/{number:03d}/stop.json"):
        return number, "training"
    if number and not store.parts(number, "generated"):
        return number - 1, "between"
    if not store.folder(0, "judge").is_dir():
        return 0, "tuning"
    return number, "denoising" if share_generated(store) == 1 else "generating"


def share_generated(store: Store) -> float:
    """How much of the newest round's plan has its rows."""
    number = store.rounds()[-1]
    planned = store.requests(number, ["request_id"]).num_rows
    return 1 - sum(1 for _ in store.open_requests(number)) / planned if planned else 0.0
