"""Who stays among duplicates."""

from __future__ import annotations

import numpy as np

STANDS = -1


def survivors(texts: int, edges: np.ndarray, fixed: int = 0) -> np.ndarray:
    """For each text (in the total order) the earliest kept text that it duplicates, or STANDS; int64 [texts].

    `edges` int64 [m, 2], in any order, earlier text first. The first `fixed` texts always stand. A later one is
    removed only if it directly matches one that is kept, so a chain a~b~c without a~c keeps a and c: unrelated
    texts never vanish through intermediates.
    """
    from denoise.dedup.groups import neighbours, walk

    labels = np.zeros(texts, np.uint64)  # whatever their labels
    similar = np.ones(len(edges), np.float32)
    return walk(np.arange(texts), labels, texts, edges, similar, *neighbours(texts, edges), fixed)[0]
