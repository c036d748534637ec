"""A pool is held against a sample of what is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cluster.feed.drift import MOST, drift_of
from cluster.store import Store
from denoise.shift import Batch


def test_known_rows_that_stand_by_label_are_sampled_from_all_labels(store: Store) -> None:
    seen: list[list[str]] = []

    def look(texts: Sequence[str]) -> Batch:
        seen.append(list(texts))
        return Batch([text[0] for text in texts], np.zeros((len(texts), 1)), np.zeros(len(texts), bool))

    known = [f"{label} {number}" for label in "abcdef" for number in range(120)]
    found = drift_of(store, 0, ["a 1", "f 2"], known, look)
    assert list(found) == ["seeds and real rows"] and found["seeds and real rows"]["before"] == MOST
    assert {text[0] for text in seen[1]} == set("abcdef") and len(set(seen[1])) == MOST
    assert drift_of(store, 0, ["a 1", "f 2"], known, look) == found
