"""What a filter answers."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from denoise.filters.base import Filter
from denoise.filters.table import filter_reasons


def reasons(rule: Filter, *texts: str | None, **columns: Sequence[object]) -> list[str | None]:
    """What a filter answers for texts, with further columns of a batch."""
    batch = pa.table({"text": pa.array(texts, pa.string()), **columns})
    return filter_reasons(batch, [rule]).to_pylist()
