"""A run of made-up rows, written as engines and driver would write it, to time what reads runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.store import Store
from generation.records import digest, rows_table, verdicts_table

LABELS, SEEDS, WORDS, PART_ROWS = 77, 800, 4000, 5000
RUN_ID = "made"
NAMES = [f"label_{number:02}" for number in range(LABELS)]
# of a hundred rows: what becomes of them in `mixed`
_FATES = ("accepted",) * 50 + ("relabelled",) * 5 + ("near",) * 15 + ("exact",) * 5 + ("judge_unsure",) * 10
_FATES += ("label_disagrees",) * 8 + ("too_short",) * 4 + ("over_quota",) * 3
Fate = Callable[[random.Random, int, str], dict[str, Any]]


def make_run(folder: Path, count: int, fate: Fate | None = None, part_rows: int = PART_ROWS) -> Store:
    """A finished run of one round: `count` rows of LABELS labels, and what `fate` says of each (by default: kept).

    Its dataset is not written.
    """
    folder.mkdir(parents=True)
    store, rng, fate = Store(folder), random.Random(1), fate or kept
    labels = [{"name": name, "description": f"is about matter {number}"} for number, name in enumerate(NAMES)]
    run = {"run_id": RUN_ID, "name": "large", "description": "Made-up texts.", "kind": "label", "labels": labels}
    store.write_json("run.json", run | {"config": {"labels": labels}})
    store.write_json(
        "seeds.json", [{"id": str(n), "text": _text(rng), "label": NAMES[n % LABELS]} for n in range(SEEDS)]
    )
    store.write_json("rounds/000/round.json", {"round": 0, "targets": dict.fromkeys(NAMES, count // LABELS)})
    for start in range(0, count, part_rows):
        numbers = range(start, min(start + part_rows, count))
        rows = [_row(rng, number) for number in numbers]
        store.commit(0, "generated", f"e{start:07}", rows_table(rows), RUN_ID)
        verdicts = [{"id": digest(number), "revision": 1} | fate(rng, number) for number in numbers]
        store.commit(0, "verdicts", f"w{start:07}", verdicts_table(verdicts), RUN_ID)
    store.write_json("rounds/000/metrics.json", {"round": 0, "stop_reason": "quota_met"})
    return store


def kept(rng: random.Random, number: int) -> dict[str, Any]:
    """Every row is accepted."""
    scores = {"judge_confidence": rng.uniform(0.4, 1), "judge_margin": rng.random()}
    return {"stage": "agreement", "label": label_of(number), "status": "accepted", "weight": 1.0, "scores": scores}


def mixed(rng: random.Random, number: int) -> dict[str, Any]:
    """Rows meet fates as they do in a run. Duplicates are of earlier rows, a tenth of them of another label's."""
    fate, found = rng.choice(_FATES), kept(rng, number)
    if fate in ("near", "exact"):
        earlier = int(rng.paretovariate(0.5)) * LABELS + number % LABELS + (rng.random() < 0.1)  # a few have many
        survivor = digest(earlier if earlier < number else number % LABELS)
        return found | {"status": "rejected", "reason": f"{fate}_duplicate", "survivor_id": survivor, "scores": None}
    if fate == "relabelled":
        return found | {"status": fate, "reason": "label_disagrees", "label": rng.choice(NAMES)}
    if fate in ("accepted", "over_quota"):
        return found if fate == "accepted" else found | {"status": "surplus", "reason": fate}
    return found | {"status": "rejected", "reason": fate}


def label_of(number: int) -> str:
    """The label that the row of a number is made for."""
    return NAMES[number % LABELS]


def _row(rng: random.Random, number: int) -> dict[str, Any]:
    label = label_of(number)
    row = {"id": digest(number), "request_id": digest("request", number), "round": 0, "wave": 0, "source": "generated"}
    row |= {"text": _text(rng), "label": label, "intended_label": label, "seed_ids": ["0", "1"], "attributes": {}}
    row |= {"prompt_tokens": 120, "output_tokens": 24}
    return row | {"method": "prompted", "sampling": {"temperature": 1.0}, "finish_reason": "stop"}


def _text(rng: random.Random) -> str:
    return " ".join(f"word{rng.randrange(WORDS)}" for _ in range(rng.randint(6, 40)))
