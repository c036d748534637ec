"""All of deduplication on a handful of rows in this process, so that every kernel is compiled beforehand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from denoise.dedup.columns import Columns
from denoise.dedup.compare import compare_band
from denoise.dedup.deciding import decide_apart
from denoise.dedup.edges import join_edges
from denoise.dedup.places import Here
from denoise.dedup.roster import call_roll
from denoise.dedup.settings import BANDS, DedupSettings
from denoise.dedup.sketches import shingles_in, sketch_rows
from denoise.dedup.verdict import Decisions, decide

_ROWS = pa.table(
    {"id": ["a", "b", "c"], "text": ["One two thrée", "one two three four", "ﬁve ॐ"], "label": ["x", "y", "x"]}
)


def rehearse(rows: pa.Table = _ROWS, settings: DedupSettings | None = None) -> Decisions:
    """Deduplicate rows (`id`, `text`, `label`) here."""
    from denoise.dedup.kernel import copy_sets

    settings = settings or DedupSettings()
    sketches = sketch_rows(rows, Columns("text", "label", "id"), settings)
    roster = call_roll([], [sketches], False, "id")
    shingles = shingles_in(sketches).take(roster.row[roster.text_rank])
    nothing = np.zeros(0, np.int64)
    copy_sets(shingles.values, shingles.starts, nothing, nothing, shingles.values.copy(), shingles.starts)
    firsts = np.array([0, roster.texts])
    found = [compare_band(band, [lambda: shingles], firsts, roster.settled, settings) for band in range(BANDS)]
    decide_apart(Here(), roster, found, 2)
    return decide(roster, join_edges([(each.pairs, each.similar) for each in found], roster.texts))
