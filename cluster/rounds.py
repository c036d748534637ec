"""How far a round goes: its targets, and what its next wave asks for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.config import TaskConfig
from cluster.store import Store
from generation.plan import Yield, requests_for
from generation.records import KEPT

# a label that after this many waves is still short will not be filled by more of the same
MOST_WAVES = 8


@dataclass(frozen=True)
class Round:
    """A round as recorded when it began: `targets` are accepted rows wanted per label.

    `wanted` is the sum of the quotas of all rounds up to and with this one.
    """

    number: int
    targets: dict[str, int]
    wanted: int
    token_budget: int | None
    cost_budget: float | None = None


def current_round(store: Store, config: TaskConfig) -> Round | None:
    """The round to work on: the unfinished one, else the next one that quota, rounds and budget allow, else None."""
    numbers = store.rounds()
    if numbers and not is_finished(store, numbers[-1]):
        return _recorded(store, numbers[-1])
    wanted = _next_wanted(store, _recorded(store, numbers[-1]), config) if numbers else config.quota
    if wanted is None:
        return None
    accepted = accepted_per_label(store, numbers)
    names = [label.name for label in config.labels]
    targets = {name: max(0, min(config.quota, wanted - accepted[name])) for name in names}
    if not any(targets.values()):
        return None
    number = len(numbers)
    now = Round(number, targets, wanted, config.token_budget, config.cost_budget)
    store.write_json(f"rounds/{number:03d}/round.json", {"round": number} | _record(now))
    return now


def last_round(store: Store) -> Round:
    """The newest round, as recorded when it began."""
    return _recorded(store, store.rounds()[-1])


def is_finished(store: Store, number: int) -> bool:
    """A round is finished once its metrics are written."""
    return store.read_json(f"rounds/{number:03d}/metrics.json") is not None


def next_counts(store: Store, now: Round, samples: int) -> dict[str, int]:
    """Requests per label for the next wave, from the verdicts so far; empty when all targets are met."""
    yields = yields_per_label(store, now)
    missing = {label: target - yields[label].accepted for label, target in now.targets.items()}
    return {label: requests_for(short, yields[label], samples) for label, short in missing.items() if short > 0}


def yields_per_label(store: Store, now: Round) -> dict[str, Yield]:
    """Rows generated for each label, and rows kept under it, in this round."""
    generated = Counter(store.generated(now.number, ["intended_label"])["intended_label"].to_pylist())
    accepted = accepted_per_label(store, [now.number])
    return {label: Yield(generated[label], accepted[label]) for label in now.targets}


def accepted_per_label(store: Store, rounds: list[int]) -> Counter[str]:
    """Kept rows of the rounds by final label."""
    counts: Counter[str] = Counter()
    for number in rounds:
        verdicts = store.verdicts(number)
        kept = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT)))
        counts.update(kept["label"].to_pylist())
    return counts


def _record(now: Round) -> dict[str, Any]:
    return {name: value for name, value in vars(now).items() if name != "number"}


def _recorded(store: Store, number: int) -> Round:
    record = store.read_json(f"rounds/{number:03d}/round.json")
    return Round(number, record["targets"], record["wanted"], record["token_budget"], record.get("cost_budget"))


def _next_wanted(store: Store, last: Round, config: TaskConfig) -> int | None:
    """`wanted` of the round after a finished one, None when there is none to come."""
    stop_reason = store.read_json(f"rounds/{last.number:03d}/metrics.json")["stop_reason"]
    if stop_reason in ("token_budget", "cost_budget"):
        budget, before = getattr(config, stop_reason), getattr(last, stop_reason)
        grown = before is not None and (budget is None or budget > before)
        return last.wanted if grown else None  # first what the budget cut off
    total = config.quota * config.rounds
    return min(total, last.wanted + config.quota) if total > last.wanted else None
