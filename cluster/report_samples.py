"""The rows that the report shows with their lineage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Verdict = Mapping[str, Any]
Outcome = tuple[str, str, str | None]  # intended label, final label, loss

OVER_QUOTA = "over quota"
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


def pick_samples(
    rows: pa.Table,
    verdicts: Mapping[str, Verdict],
    outcomes: Sequence[Outcome],
    labels: Sequence[str],
    seeds: Mapping[str, str],
) -> tuple[Sample, ...]:
    """Per label up to 8 kept rows and 4 others of as many reasons as there are; fewer where labels are many.

    Ids are hashes, so the smallest ids are a random choice that repeats. Rows that wait for a verdict are not shown.
    """
    ids = rows["id"].to_pylist()
    share = min(1.0, MOST / max(1, len(labels) * (KEPT_PER_LABEL + OTHER_PER_LABEL)))
    kept, other = max(1, round(KEPT_PER_LABEL * share)), max(1, round(OTHER_PER_LABEL * share))
    groups: dict[str, list[int]] = {label: [] for label in labels}
    for index, (intended, _, _) in enumerate(outcomes):
        if ids[index] in verdicts:
            groups[intended].append(index)
    picked: list[int] = []
    for members in groups.values():
        members.sort(key=lambda index: ids[index])
        picked += [index for index in members if _outcome(outcomes[index]) == "kept"][:kept]
        picked += _varied([index for index in members if _outcome(outcomes[index]) != "kept"], outcomes)[:other]
    chosen = rows.take(pa.array(picked, pa.int64())).to_pylist()
    texts = {**_survivors(rows, [verdicts[row["id"]] for row in chosen]), **seeds}
    return tuple(
        _sample(row, verdicts[row["id"]], outcomes[index], texts) for index, row in zip(picked, chosen, strict=True)
    )


def examples_of(
    rows: pa.Table, losses: Sequence[str | None], reasons: Sequence[str], most: int = EXAMPLES
) -> dict[str, tuple[str, ...]]:
    """Texts of each reason, those with the smallest ids."""
    groups: dict[str, list[int]] = {reason: [] for reason in reasons}
    ids = rows["id"].to_pylist()
    for index in sorted(range(len(ids)), key=ids.__getitem__):
        if (loss := losses[index]) in groups and len(groups[loss]) < most:
            groups[loss].append(index)
    texts = {reason: rows["text"].take(pa.array(group, pa.int64())).to_pylist() for reason, group in groups.items()}
    return {reason: tuple(text or "" for text in found) for reason, found in texts.items()}


def _outcome(outcome: Outcome) -> str:
    intended, final, loss = outcome
    return "lost" if loss else "kept" if intended == final else "moved"


def _varied(indices: Sequence[int], outcomes: Sequence[Outcome]) -> list[int]:
    """One of each reason first, then a second of each, …; rows over quota teach least and come after the others."""
    seen: Counter[str | None] = Counter()
    keyed: list[tuple[bool, int, int, int]] = []
    for index in indices:
        loss = outcomes[index][2]
        keyed.append((loss == OVER_QUOTA, seen[loss], len(keyed), index))
        seen[loss] += 1
    return [index for *_, index in sorted(keyed)]


def _survivors(rows: pa.Table, verdicts: Sequence[Verdict]) -> dict[str, str]:
    wanted = pa.array(sorted({verdict["survivor_id"] for verdict in verdicts if verdict["survivor_id"]}), pa.string())
    found = rows.select(["id", "text"]).filter(pc.is_in(rows["id"], value_set=wanted))
    return dict(zip(found["id"].to_pylist(), found["text"].to_pylist(), strict=True))


def _sample(row: Mapping[str, Any], verdict: Verdict, outcome: Outcome, texts: Mapping[str, str]) -> Sample:
    scores = dict(verdict["scores"] or ())
    survivor = verdict["survivor_id"]
    return Sample(
        id=row["id"],
        text=row["text"] or "",
        outcome=_outcome(outcome),
        intended=outcome[0],
        final=outcome[1],
        loss=outcome[2],
        confidence=scores.get("judge_confidence"),
        scores=scores,
        exemplars=tuple(texts.get(seed) or f"seed {seed}" for seed in row["seed_ids"] or ()),
        survivor=(texts.get(survivor) or f"row {survivor}") if survivor else None,
        lineage={name: value for name, value in _lineage(row, verdict).items() if value},
    )


def _lineage(row: Mapping[str, Any], verdict: Verdict) -> dict[str, str]:
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
