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
    result = np.full(texts, STANDS, np.int64)
    for later, earlier in sorted((b, a) for a, b in edges.tolist()):
        if later >= fixed and result[later] == STANDS and result[earlier] == STANDS:
            result[later] = earlier
    return result
