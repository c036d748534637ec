"""What a filter sees of a row, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

# columns of a batch as filters see it; `normal` is the text's normal form (denoise.normal), `label` the intended one
SEEN = {
    "text": pa.string(),
    "normal": pa.string(),
    "label": pa.string(),
    "finish_reason": pa.string(),
    "mean_logprob": pa.float64(),
}


@dataclass(frozen=True)
class Draft:
    """A generated text as filters on single rows see it.

    `normal` is its normal form (denoise.normal), `words` are its words, `attributes` what it was asked for.
    """

    text: str
    normal: str
    finish_reason: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.normal.split()))


class RowFilter(Protocol):
    """A rule on single rows."""

    def reason(self, draft: Draft) -> str | None:
        """Why the row goes, or None: it stays."""


@runtime_checkable
class BatchFilter(Protocol):
    """A rule on a batch of rows at once, each row by itself."""

    def reasons(self, batch: pa.Table) -> pa.Array:
        """Why each row of a batch (columns of SEEN) goes: string [n], null: it stays."""


Filter = RowFilter | BatchFilter


def first_reasons(found: Iterable[tuple[str, pa.Array | pa.ChunkedArray]]) -> pa.Array:
    """Names with masks [n] of the rows that they hold for, as the first name of each row; a null mask holds not."""
    reasons = [pc.if_else(pc.fill_null(mask, False), name, pa.scalar(None, pa.string())) for name, mask in found]
    first = pc.coalesce(*reasons)
    return first.combine_chunks() if isinstance(first, pa.ChunkedArray) else first


def ngrams(words: tuple[str, ...], n: int) -> list[str]:
    """Runs of n words, in order; [] for a shorter text."""
    return [" ".join(words[start : start + n]) for start in range(len(words) - n + 1)]
