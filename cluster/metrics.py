"""The figures of a round, counted from what is committed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.bias import found_bias
from cluster.feed.record import generating
from cluster.job import Job
from cluster.journal import Journal
from cluster.prices import HOUR, PriceSettings
from cluster.rounds import FORK, Round, accepted_per_label, yields_per_label
from cluster.store import Store
from denoise.diversity import Embed, diversity_by_label
from denoise.drift import diversity_drops

_USAGE = ("engine_seconds", "busy_seconds", "prompt_tokens", "cached_tokens")


def round_metrics(
    store: Store, journal: Journal, job: Job, now: Round, stop_reason: str, embed: Embed | None = None
) -> dict[str, Any]:
    """Contents of metrics.json but for the evaluation; `embed` gives what of diversity needs embeddings."""
    accepted = accepted_per_label(store, [now.number])
    kept = store.kept([now.number])
    seeds = [seed.text for seed in job.seeds]
    copied = job.config.denoise.seed_copy
    diversity = diversity_by_label(kept, seeds, copied, embed)
    earlier = [] if now.fed else [each for each in generating(store) if each < now.number]
    drops = diversity_drops(store.kept(earlier[-1:]), kept, seeds, copied, embed) if earlier else []
    return {
        "round": now.number,
        "quota": now.targets,
        "wanted": now.wanted,
        "moved": now.moved,
        "aim": asdict(now.aim) if now.aim else None,
        "accepted": {label: accepted[label] for label in now.targets},
        "generated": store.generated(now.number, ["id"]).num_rows,
        "set_aside": store.aside(now.number).num_rows,
        "given_up": _given_up(store, now) if stop_reason == "rows_exhausted" else {},
        "waves": _waves(store, now.number),
        "tokens": tokens_of(store, journal, now.number),
        "cost": _cost(store, journal, now.number, sum(accepted.values())),
        "seconds": journal.seconds(now.number),
        "engines": engine_usage(journal, now.number),
        "stop_reason": stop_reason,
        "diversity": {label or "all": asdict(figures) for label, figures in diversity.items()},
        "bias": found_bias(store, now.number),
        "diversity_drops": [asdict(drop) for drop in drops],
        "dev": None,
        "test": None,
    }


def _given_up(store: Store, now: Round) -> dict[str, dict[str, int]]:
    """What labels that are short, of which no more was asked, have brought."""
    yields = yields_per_label(store, now)
    return {label: asdict(yields[label]) for label, target in now.targets.items() if yields[label].accepted < target}


def tokens_of(store: Store, journal: Journal, round_: int) -> dict[str, int]:
    """Tokens of a round: a prompt counts once per request, `lost` are those of dead engines.

    Those of rows that were taken over from another run are that run's; those of rows that were forgotten since have
    been spent all the same.
    """
    taken = (store.read_json(FORK) or {}).get("tokens", {}) if round_ == 0 else {}
    rows = store.generated(round_, ["request_id", "prompt_tokens", "output_tokens"]).to_pydict()
    gone = [each for each in store.forgotten() if each["round"] == round_]
    prompts = {each["request_id"]: each["prompt_tokens"] for each in gone}
    prompts |= dict(zip(rows["request_id"], rows["prompt_tokens"], strict=True))
    lost = sum(event["tokens"] for event in journal.events("lost") if event["round"] == round_)
    prompt = sum(prompts.values()) - taken.get("prompt", 0)
    output = sum(rows["output_tokens"]) + sum(each["output_tokens"] for each in gone) - taken.get("output", 0)
    return {"prompt": prompt, "output": output, "lost": lost}


def engine_usage(journal: Journal, round_: int) -> dict[str, float | None]:
    """Shares from 0 to 1: of the engines' time that they had work, of the prompts' tokens that were cached.

    None where there is nothing to divide. What a killed driver's engines did is not in it.
    """
    total: Counter[str] = Counter()
    for event in journal.events("pool"):
        if event["round"] == round_:
            total.update({name: event[name] for name in _USAGE})
    seconds, busy, prompt, cached = (total[name] for name in _USAGE)
    return {"busy": busy / seconds if seconds else None, "cached": cached / prompt if prompt else None}


def spent_tokens(store: Store, journal: Journal) -> int:
    """Tokens of all rounds so far, lost ones included."""
    return sum(sum(tokens_of(store, journal, round_).values()) for round_ in store.rounds())


def cost_of(store: Store, journal: Journal, round_: int) -> float:
    """Cost of a round's tokens and engines at the newest prices that a driver has noted; 0 without any."""
    prices = noted_prices(journal)
    if not prices:
        return 0.0
    tokens = tokens_of(store, journal, round_)
    cached = min(tokens["prompt"], _noted(journal, "usage", "cached", round_))
    bought = prices.of_tokens(tokens["prompt"], tokens["output"], int(cached)) + prices.of_lost(tokens["lost"])
    return bought + prices.of_engines(_noted(journal, "engines", "seconds", round_))


def noted_prices(journal: Journal) -> PriceSettings:
    """The newest prices that a driver has noted."""
    names = PriceSettings.model_fields
    noted = [{name: event[name] for name in names} for event in journal.events("prices")]
    return PriceSettings(**noted[-1]) if noted else PriceSettings()


def _cost(store: Store, journal: Journal, round_: int, accepted: int) -> dict[str, float | None] | None:
    if not noted_prices(journal):
        return None
    cost = cost_of(store, journal, round_)
    return {
        "total": round(cost, 6),
        "per_accepted_row": round(cost / accepted, 6) if accepted else None,
        "engine_hours": round(_noted(journal, "engines", "seconds", round_) / HOUR, 4),
        "estimated_tokens": int(_noted(journal, "usage", "estimated", round_)),
    }


def _noted(journal: Journal, kind: str, name: str, round_: int) -> float:
    return sum(event[name] for event in journal.events(kind) if event["round"] == round_)


def _waves(store: Store, round_: int) -> list[dict[str, int]]:
    requests = Counter(store.requests(round_, ["wave"])["wave"].to_pylist())
    rows = store.generated(round_, ["id", "wave"])
    verdicts = store.verdicts(round_)
    kept = verdicts.filter(pc.is_in(verdicts["status"], pa.array(["accepted", "relabelled"])))["id"]
    accepted = Counter(rows.filter(pc.is_in(rows["id"], kept.combine_chunks()))["wave"].to_pylist())
    generated = Counter(rows["wave"].to_pylist())
    return [
        {"wave": wave, "requests": requests[wave], "rows": generated[wave], "accepted": accepted[wave]}
        for wave in sorted(requests)
        if wave >= 0
    ]
