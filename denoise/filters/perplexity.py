"""How likely the LM found its own text, against the others of its wave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denoise.filters.base import first_reasons

_LEAST_ROWS = 20  # of fewer no band is made
_NORMAL = 1.4826  # times the median deviation: the standard deviation of normally distributed values


@dataclass(frozen=True)
class Perplexity:
    """`improbable` below the band of mean log-probabilities (nats per token), `too_probable` above it."""

    low: float
    high: float

    @classmethod
    def of(cls, logprobs: pa.Array | pa.ChunkedArray, deviations: float) -> Perplexity | None:
        """The band of so many robust standard deviations around the median; None where there are too few values."""
        values = np.asarray(pc.drop_null(logprobs).to_numpy(zero_copy_only=False), np.float64)
        values = values[np.isfinite(values)]
        if len(values) < _LEAST_ROWS:
            return None
        middle = float(np.median(values))
        width = deviations * _NORMAL * float(np.median(np.abs(values - middle)))
        return cls(middle - width, middle + width) if width else None

    def reasons(self, batch: pa.Table) -> pa.Array:
        likely = batch["mean_logprob"].combine_chunks()
        return first_reasons(
            [("improbable", pc.less(likely, self.low)), ("too_probable", pc.greater(likely, self.high))]
        )
