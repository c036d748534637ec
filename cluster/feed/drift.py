"""`feeds/NNN/drift.json`: how a pool differs from what the run was made of, and from the pools before it.

Each feed keeps a random sample of its pool (`sample.parquet`). Samples are compared by what today's student calls their
texts, by today's scope and by the plain encoder's vectors, so that nothing but the texts can differ.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from cluster.feed.record import feed_numbers, folder_of, read_table
from cluster.store import Store
from denoise.shift import Batch, Shift, shift

SAMPLE = pa.schema([("text", pa.string())])
MOST = 500  # texts of a sample
KNOWN, EARLIER = "seeds and real rows", "earlier pools"

Look = Callable[[Sequence[str]], Batch]


def drift_of(store: Store, number: int, sample: Sequence[str], known: Sequence[str], look: Look) -> dict[str, Any]:
    """The shift of a feed's sample against known rows and against earlier feeds' samples; JSON-able."""
    if not sample:
        return {}
    now, found = look(sample), {}
    earlier = _earlier(store, number)
    for name, texts in ((KNOWN, _drawn(known)), (EARLIER, earlier)):
        if texts:
            found[name] = asdict(shift(look(texts), now))
    return found


def told(drift: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each comparison."""
    lines = []
    for name, values in drift.items():
        each = Shift(**values)
        great = "differs from" if each.is_great else "is like"
        lines.append(
            f"pool {great} {name}: labels PSI {each.psi:.2f}, JS {each.js:.2f}; meanings moved {each.mean:.3f} "
            f"(p {each.p_value:.3f}); out of scope {each.outside_before:.1%} -> {each.outside:.1%}"
        )
    return lines


def _drawn(texts: Sequence[str]) -> list[str]:
    """MOST of them at random, always the same: seeds often stand by label."""
    return random.Random(0).sample(list(texts), min(MOST, len(texts)))


def _earlier(store: Store, number: int) -> list[str]:
    """Texts of all earlier samples; of each as many of the first ones."""
    samples = [read_table(store, f"{folder_of(each)}/sample.parquet", SAMPLE) for each in feed_numbers(store)]
    tables = [table for table in samples[:number] if table is not None]
    each = int(np.ceil(MOST / max(1, len(tables))))
    return [text for table in tables for text in table["text"].to_pylist()[:each]]
