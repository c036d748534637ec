"""After a finished round: whether another comes, and if not, why not.

Decided anew whenever a driver asks, by the settings that it has: so raising the one that stopped a run lets it go on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.audit.lots import failed_lots
from cluster.audit.standing import audited_noise
from cluster.config import TaskConfig
from cluster.feed.record import generating
from cluster.hours import spent_hours
from cluster.journal import Journal
from cluster.store import Store
from denoise.gain import Gain
from denoise.round_settings import StopSettings
from denoise.stopping import Figures, stop_after

_SPENT = {
    "token_budget": "the token budget is spent",
    "cost_budget": "the cost budget is spent",
    "hours": "the hours are spent",
}


@dataclass(frozen=True)
class Decision:
    """`wanted` of the next round (see Round), None: there is none; then `stop` names what ended the run, and `why`.

    `stop` is a setting at `stop:`, a budget, or "rounds": all are made.
    """

    wanted: int | None
    stop: str | None = None
    why: str = ""

    @property
    def setting(self) -> str:
        """What to raise so that it goes on."""
        if self.stop == "rounds":
            return "quota or rounds"
        return f"stop.{self.stop}" if self.stop in StopSettings.model_fields else self.stop or ""


def decide(store: Store, number: int, config: TaskConfig, metrics: Mapping[str, Any] | None = None) -> Decision:
    """After round `number`, finished with `metrics` (by default its metrics.json)."""
    metrics = metrics or store.read_json(f"rounds/{number:03d}/metrics.json") or {}
    record = store.read_json(f"rounds/{number:03d}/round.json")
    if record.get("fed"):  # it generated nothing: what was decided before it holds
        before = decide(store, number - 1, config)
        return Decision(record["wanted"]) if before.wanted is None and failed_lots(store, number) else before
    wanted, failed = record["wanted"], failed_lots(store, number)
    limits = {"token_budget": config.token_budget, "cost_budget": config.cost_budget, "hours": config.stop.hours}
    hours = config.stop.hours
    if hours is not None and (spent := spent_hours(Journal(store.root, lambda line: None))) >= hours:
        return Decision(None, "hours", f"{spent:.2f} of {hours:g} hours are spent")
    if (cause := metrics["stop_reason"]) in _SPENT:
        before, now = record.get(cause), limits[cause]
        grown = before is not None and (now is None or now > before)
        return Decision(wanted) if grown else Decision(None, cause, _SPENT[cause])  # first what it cut off
    total = config.quota * config.rounds
    if not failed and total > wanted and (stop := stop_after(_figures(store, number, metrics), config.stop)):
        return Decision(None, stop.setting, stop.why)
    if total > wanted:
        return Decision(min(total, wanted + config.quota))
    if failed:
        return Decision(wanted)  # what a failed lot held is made anew
    return Decision(None, "rounds", "all rounds are made")


def _figures(store: Store, number: int, metrics: Mapping[str, Any]) -> list[Figures]:
    """Of all rounds up to this one that generated rows, in order."""
    found = []
    for each in generating(store):
        if each <= number:
            told = metrics if each == number else store.read_json(f"rounds/{each:03d}/metrics.json")
            found.append(_figures_of(store, each, told or {}))
    return found


def _figures_of(store: Store, number: int, metrics: Mapping[str, Any]) -> Figures:
    gain, noise = metrics.get("gain"), metrics.get("noise") or {}
    values = {name: gain[name] for name in Gain.__dataclass_fields__} if gain else None
    audited = _found_by_people(store, number)
    return Figures(
        gain=Gain(**values) if values else None,
        noise=noise.get("share") if audited is None else audited,
        noise_by="the judge" if audited is None else "people's audit",
        new_clusters=metrics.get("new_clusters"),
    )


def _found_by_people(store: Store, number: int) -> float | None:
    """The share of wrong labels in the newest ended lot of a round's version, or of those that feeds made since."""
    next_ = next((each for each in generating(store) if each > number), math.inf)
    shares = [each["share"] for each in audited_noise(store, ended=True) if number <= each["round"] < next_]
    return shares[-1] if shares else None
