"""What a round is judged by beside its student: how noisy the dataset is, and how much of the round was new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.frame import STAGE
from cluster.store import Store
from denoise.diversity import Embed, choose
from denoise.noise.agreement import WRONG
from denoise.noise.decision import noise_of
from denoise.novelty import new_share
from generation.records import KEPT, map_column

# texts that are compared, of a round and of those before it: fewer earlier ones make more look new, never fewer
MOST, MOST_EARLIER = 1000, 5000


def judged_noise(store: Store, rounds: Iterable[int]) -> dict[str, float] | None:
    """The share of wrong labels among kept rows by the judge's calibrated probabilities; None where there are none.

    `share`, `low`, `high` (95 %, see denoise.noise.decision.noise_of) and `rows`. A row that a person has judged is
    right.
    """
    doubts = [doubt for number in rounds for doubt in _doubts(store, number)]
    return {**asdict(noise_of(doubts)), "rows": len(doubts)} if doubts else None


def labels_kept(store: Store, number: int) -> float | None:
    """About how often the LM kept the label asked for, by the judge's calibrated probabilities; None where it has none.

    Of a round's rows that came before the judge. See denoise.noise.keeping.
    """
    verdicts = store.verdicts(number).select(["id", "shares"])
    shares = dict(zip(verdicts["id"].to_pylist(), map_column(verdicts, "shares"), strict=True))
    rows = store.generated(number, ["id", "intended_label"])
    asked = zip(rows["id"].to_pylist(), rows["intended_label"].to_pylist(), strict=True)
    found = [shares[id].get(label, 0.0) for id, label in asked if label is not None and shares.get(id)]
    return sum(found) / len(found) if found else None


def new_clusters(store: Store, number: int, seeds: Sequence[str], embed: Embed) -> float | None:
    """The share of a round's kept rows that are unlike all earlier ones and `seeds`; None of the first round."""
    if not number:
        return None
    earlier = [*seeds, *choose(store.kept(range(number))["text"].to_pylist(), MOST_EARLIER)]
    now = choose(store.kept([number])["text"].to_pylist(), MOST)
    return new_share(embed(earlier), embed(now)) if earlier and now else None


def _doubts(store: Store, number: int) -> list[float]:
    """The probability of a wrong label of each kept row of which somebody says it."""
    verdicts = store.verdicts(number)
    verdicts = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT)))
    labels, stages = verdicts["label"].to_pylist(), verdicts["stage"].to_pylist()
    columns = labels, stages, map_column(verdicts, "scores"), map_column(verdicts, "shares")
    found = (_doubt(*each) for each in zip(*columns, strict=True))
    return [doubt for doubt in found if doubt is not None]


def _doubt(label: str, stage: str | None, scores: dict[str, float], shares: dict[str, float]) -> float | None:
    if stage == STAGE:
        return 0.0
    return scores[WRONG] if WRONG in scores else 1 - shares.get(label, 0.0) if shares else None
