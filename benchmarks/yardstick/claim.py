"""What labelmill claims of a tier, in one table: its gains over the best free arm of each set, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from yardstick.summary import Line

OURS, FED, REAL = "labelmill", "labelmill + 500 unlabelled", "real rows"
LOW, HIGH = 5, 10  # seeds a label


def claim(lines: Sequence[Line]) -> str:
    """A Markdown table of one tier's lines: means over the sets that have what is compared, and the worst of them.

    The best free arm of each set is its best with hindsight.
    """
    found = {(line.set, line.k, line.arm): line.accuracy for line in lines}
    free = {(line.set, line.k): found[line.set, line.k, line.best_free] for line in lines if line.best_free}
    sets = list(dict.fromkeys(line.set for line in lines))

    def over_free(arm: str, k: int, free_k: int) -> Callable[[str], float | None]:
        def gain(name: str) -> float | None:
            ours, theirs = found.get((name, k, arm)), free.get((name, free_k))
            return None if ours is None or theirs is None else ours - theirs

        return gain

    def closed(k: int) -> Callable[[str], float | None]:
        def share(name: str) -> float | None:
            ours, real = (over_free(arm, k, k)(name) for arm in (OURS, REAL))
            return None if ours is None or real is None or real <= 0 else 100 * ours / real

        return share

    asked = [
        *((f"{OURS} over the best free arm, k = {k}", over_free(OURS, k, k)) for k in (LOW, HIGH)),
        (f"{OURS} at k = {LOW} over the best free arm at k = {HIGH}", over_free(OURS, LOW, HIGH)),
        *((f"{FED} over the best free arm, k = {k}", over_free(FED, k, k)) for k in (LOW, HIGH)),
        *((f"percent of the way from the best free arm to {REAL}, k = {k}", closed(k)) for k in (LOW, HIGH)),
    ]
    rows = ["| claim | sets | mean | worst set |", "| --- | ---: | ---: | ---: |"]
    for title, of in asked:
        values = [value for name in sets if (value := of(name)) is not None]
        if values:
            rows.append(f"| {title} | {len(values)} | {np.mean(values):+.1f} | {min(values):+.1f} |")
    return "\n".join(rows) + "\n"
