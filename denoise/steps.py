"""The steps of a wave between its heavy parts: each gives verdicts to the rows that fall and passes the rest on.

A *pool* is a table (_CARRIED, `position`) in the total order; rows kept earlier come first, as ids alone. *Standing*
are ascending positions in it, int64.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denoise.dedup.order import total_order
from denoise.dedup.survivors import STANDS
from denoise.filters.parse import REASONS as PARSE_REASONS
from denoise.ledger import Ledger
from denoise.noise.agreement import Agreement
from denoise.noise.margin import SCORE as MARGIN
from denoise.quota import Candidate, over_quota
from generation.records import KEPT

# columns of a row that the pool has: what filters look at, and ids
_CARRIED = ["id", "text", "finish_reason", "attributes", "intended_label", "mean_logprob"]


def build_pool(rows: pa.Table, kept: pa.Table) -> pa.Table:
    """The pool of new `rows` (ROW_SCHEMA) and `kept` ones (`id`, ascending). Raises ValueError on a repeated id."""
    new = total_order(rows).select(_CARRIED)
    old = pa.concat_tables([new.schema.empty_table(), kept.select(["id"])], promote_options="default")
    pool = pa.concat_tables([old, new]).combine_chunks()
    if repeated := sorted(id for id, count in Counter(pool["id"].to_pylist()).items() if count > 1):
        raise ValueError(f"ids must be distinct over rows and kept rows; repeated: {repeated[:3]}")
    return pool.append_column("position", pa.array(np.arange(len(pool))))


def drop_filtered(reasons: Sequence[str | None], pool: pa.Table, ledger: Ledger) -> np.ndarray:
    """What stands when each row with a filter's reason has fallen; `reasons` are those of the last rows of the pool."""
    kept = pool.num_rows - len(reasons)
    for id, reason in zip(pool["id"].slice(kept).to_pylist(), reasons, strict=True):
        if reason is not None:
            ledger.judge(id, "parse" if reason in PARSE_REASONS else "filter", "rejected", reason)
    return np.flatnonzero([True] * kept + [reason is None for reason in reasons])


def drop_duplicates(twins: np.ndarray, standing: np.ndarray, pool: pa.Table, ledger: Ledger, stage: str) -> np.ndarray:
    """What stands when each row with a twin has fallen: `twins` holds for each of `standing` a place in it or STANDS.

    The verdict `{stage}_duplicate` names the survivor.
    """
    ids = pool["id"].take(pa.array(standing)).to_pylist()
    for place in np.flatnonzero(twins != STANDS):
        if ids[place] in ledger.intended:  # two kept rows may be equal; their verdicts were given long ago
            ledger.judge(ids[place], stage, "rejected", f"{stage}_duplicate", survivor_id=ids[twins[place]])
    return standing[twins == STANDS]


def told(ids: pa.ChunkedArray, rows: pa.Table, kept: pa.Table) -> pa.Table:
    """`text` and `label` of ids among new `rows` (ROW_SCHEMA: the label intended) and `kept` ones; else null."""
    new = rows.select(["id", "text", "intended_label"]).rename_columns(["id", "text", "label"])
    known = pa.concat_tables([kept.select(["id", "text", "label"]).cast(new.schema), new])
    return known.select(["text", "label"]).take(pc.index_in(ids, known["id"].combine_chunks()))


def settle(
    opinions: Mapping[str, Agreement], remaining: Mapping[str, int], ledger: Ledger, rerank: str = "judge"
) -> None:
    """Verdicts of the agreement step on rows that it does not keep, and of the quota step on others (opinions by id).

    `rerank` says whose sureness decides which go first: the "judge"'s, or the label "margin".
    """
    candidates = []
    for id, opinion in opinions.items():
        if opinion.status not in KEPT or opinion.label is None:
            ledger.judge(id, "agreement", opinion.status, opinion.reason, **_told_of(opinion))
        else:
            sureness = opinion.certainty if rerank == "judge" else opinion.scores.get(MARGIN, 0.0)
            candidates.append(Candidate(id, opinion.label, opinion.status, sureness))
    surplus = over_quota(candidates, remaining)
    for candidate in candidates:
        opinion = opinions[candidate.id]
        over = candidate.id in surplus
        status, reason = ("surplus", "over_quota") if over else (opinion.status, opinion.reason)
        weight = 0.0 if over else opinion.weight
        ledger.judge(candidate.id, "quota", status, reason, label=opinion.label, weight=weight, **_told_of(opinion))


def _told_of(opinion: Agreement) -> dict[str, Any]:
    return {"scores": opinion.scores, "shares": opinion.shares or None}
