"""Offensive language, by the linear model that comes with alt-profanity-check."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from denoise.filters.base import first_reasons


@dataclass(frozen=True)
class Toxicity:
    """`toxic`: offensive with a probability of `threshold` or more, in a row of a label that is not `spared`.

    A moderation task needs such rows under some of its labels. English only.
    """

    threshold: float
    spared: frozenset[str] = frozenset()

    def reasons(self, batch: pa.Table) -> pa.Array:
        from profanity_check import predict_prob

        if batch.num_rows == 0:
            return pa.array([], pa.string())
        toxic = pa.array(predict_prob(batch["text"].to_pylist()) >= self.threshold)
        spared = pc.is_in(batch["label"].combine_chunks(), pa.array(sorted(self.spared), pa.string()))
        return first_reasons([("toxic", pc.and_(toxic, pc.invert(spared)))])
