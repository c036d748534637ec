"""The rows that the report shows with their lineage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cluster.report_fates import NONE, OVER_QUOTA, Fates

KEPT_PER_LABEL, OTHER_PER_LABEL, MOST = 8, 4, 480
EXAMPLES = 3  # of each reason


@dataclass(frozen=True)
class Sample:
    """One row of the report; `outcome` is `kept`, `moved` (to another label) or `lost`."""

    id: str
    text: str
    outcome: str
    intended: str
    final: str
    loss: str | None
    confidence: float | None
    scores: Mapping[str, float]
    exemplars: tuple[str, ...]
    survivor: str | None
    lineage: Mapping[str, str]


def outcome_of(intended: str, final: str, loss: str | None) -> str:
    """`lost`, `kept`, or `moved` to another label."""
    return "lost" if loss else "kept" if intended == final else "moved"


def pick_samples(fates: Fates, places: np.ndarray, labels: Sequence[str]) -> list[int]:
    """Of rows at `places`, ordered by id: per label up to 8 kept rows and 4 others of as many reasons as there are.

    Fewer where labels are many. Ids are hashes, so the first are a random choice that repeats. Rows that wait for a
    verdict are not shown.
    """
    share = min(1.0, MOST / max(1, len(labels) * (KEPT_PER_LABEL + OTHER_PER_LABEL)))
    kept, other = max(1, round(KEPT_PER_LABEL * share)), max(1, round(OTHER_PER_LABEL * share))
    judged = places[fates.verdict[places] != NONE]
    picked: list[int] = []
    for label in labels:
        number = fates.labels.index(label) if label in fates.labels else NONE
        mine = judged[fates.intended[judged] == number]
        stays = (fates.loss[mine] == NONE) & (fates.final[mine] == fates.intended[mine])
        picked += mine[stays][:kept].tolist()
        picked += _varied(mine[~stays].tolist(), fates)[:other]
    return picked


def pick_examples(
    fates: Fates, places: np.ndarray, reasons: Iterable[str], most: int = EXAMPLES
) -> dict[str, list[int]]:
    """Of rows at `places`, the first of each reason."""
    return {name: places[fates.lost_as(name)[places]][:most].tolist() for name in reasons}


def _varied(places: Sequence[int], fates: Fates) -> list[int]:
    """One of each reason first, then a second of each, …; rows over quota teach least and come after the others."""
    seen: Counter[int] = Counter()
    keyed: list[tuple[bool, int, int, int]] = []
    for place in places:
        loss = int(fates.loss[place])
        keyed.append((loss != NONE and fates.losses[loss] == OVER_QUOTA, seen[loss], len(keyed), place))
        seen[loss] += 1
    return [place for *_, place in sorted(keyed)]


def sample_of(
    row: Mapping[str, Any], verdict: Mapping[str, Any], outcome: tuple[str, str, str | None], texts: Mapping[str, str]
) -> Sample:
    """A row (ROW_SCHEMA) and its verdict (VERDICT_SCHEMA) as they are shown; `texts` of seeds and other rows by id."""
    scores = dict(verdict["scores"] or ())
    survivor = verdict["survivor_id"]
    return Sample(
        id=row["id"],
        text=row["text"] or "",
        outcome=outcome_of(*outcome),
        intended=outcome[0],
        final=outcome[1],
        loss=outcome[2],
        confidence=scores.get("judge_confidence"),
        scores=scores,
        exemplars=tuple(texts.get(seed) or f"seed {seed}" for seed in row["seed_ids"] or ()),
        survivor=(texts.get(survivor) or f"row {survivor}") if survivor else None,
        lineage={name: value for name, value in _lineage(row, verdict).items() if value},
    )


def _lineage(row: Mapping[str, Any], verdict: Mapping[str, Any]) -> dict[str, str]:
    tokens = f"{row['prompt_tokens'] or 0:,} prompt, {row['output_tokens'] or 0:,} output"
    return {
        "row": row["id"],
        "request": row["request_id"] or "",
        "made in": f"round {row['round'] or 0}, wave {row['wave'] or 0}",
        "source": row["source"] or "",
        "method": row["method"] or "",
        "adapter": row["adapter"] or "",
        "attributes": _pairs(row["attributes"]),
        "model": (row["model"] or "").rsplit("/", 1)[-1],
        "model hash": row["model_hash"] or "",
        "engine": row["engine"] or "",
        "sampling": _pairs(row["sampling"]),
        "prompt hash": row["prompt_hash"] or "",
        "tokens": tokens,
        "finish reason": row["finish_reason"] or "",
        "mean log-probability": "" if row["mean_logprob"] is None else f"{row['mean_logprob']:.3f}",
        "audited by": verdict["auditor"] or "",
    }


def _pairs(pairs: Sequence[tuple[str, Any]] | None) -> str:
    return ", ".join(
        f"{name} {value:.10g}" if isinstance(value, float) else f"{name} {value}" for name, value in pairs or ()
    )
