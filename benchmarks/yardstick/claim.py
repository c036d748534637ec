"""What labelmill claims of a tier, in one table: its gains over the best free arm of each set, and what is left."""

from __future__ import annotations

from collections.abc import Sequence

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

    def gain(name: str, arm: str, k: int, free_k: int) -> float | None:
        ours, theirs = found.get((name, k, arm)), free.get((name, free_k))
        return None if ours is None or theirs is None else ours - theirs

    def closed(name: str, k: int) -> float | None:
        ours, real = gain(name, OURS, k, k), gain(name, REAL, k, k)
        return None if ours is None or real is None or real <= 0 else 100 * ours / real

    values = {
        f"{OURS} over the best free arm, k = {LOW}": [gain(name, OURS, LOW, LOW) for name in sets],
        f"{OURS} over the best free arm, k = {HIGH}": [gain(name, OURS, HIGH, HIGH) for name in sets],
        f"{OURS} at k = {LOW} over the best free arm at k = {HIGH}": [gain(name, OURS, LOW, HIGH) for name in sets],
        f"{FED} over the best free arm, k = {LOW}": [gain(name, FED, LOW, LOW) for name in sets],
        f"{FED} over the best free arm, k = {HIGH}": [gain(name, FED, HIGH, HIGH) for name in sets],
        f"percent of the way from the best free arm to {REAL}, k = {LOW}": [closed(name, LOW) for name in sets],
        f"percent of the way from the best free arm to {REAL}, k = {HIGH}": [closed(name, HIGH) for name in sets],
    }
    rows = ["| claim | sets | mean | worst set |", "| --- | ---: | ---: | ---: |"]
    for title, of_sets in values.items():
        if known := [value for value in of_sets if value is not None]:
            rows.append(f"| {title} | {len(known)} | {np.mean(known):+.1f} | {min(known):+.1f} |")
    return "\n".join(rows) + "\n"
