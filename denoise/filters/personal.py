"""Rows that hold personal data."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from denoise.personal_data import CANDIDATES, find_personal


@dataclass(frozen=True)
class Personal:
    """`personal_email`, `personal_phone`, …: the first of `kinds` (denoise.personal_data) that the text holds."""

    kinds: frozenset[str]

    def reasons(self, batch: pa.Table) -> pa.Array:
        texts = batch["text"].combine_chunks()
        found: list[str | None] = [None] * len(texts)
        for place in pc.indices_nonzero(pc.match_substring_regex(texts, CANDIDATES)).to_pylist():
            spans = [span for span in find_personal(texts[place].as_py()) if span.kind in self.kinds]
            found[place] = f"personal_{spans[0].kind}" if spans else None
        return pa.array(found, pa.string())
