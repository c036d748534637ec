"""What a lot is drawn from: the rows of a dataset version that no person has judged, and how doubtful each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cluster.store import Store
from denoise.noise.agreement import WRONG
from generation.location import path_of
from generation.parts import list_parts, read_parts
from generation.records import DATASET_SCHEMA, map_column

STAGE = "audit"  # of verdicts of people
UNDONE = "undone"
DECIDED = "decided"  # the score of a verdict by a person who saw that two others differ
MERGED = "merged"  # the score of a verdict that holds by a rule, though another came after it
WRITTEN = "written"  # the reason of a row that a person wrote: not a judgement of it
SURE, DOUBTFUL = "sure", "doubtful"
_DOUBTFUL_SHARE = 1 / 3


@dataclass(frozen=True)
class Frame:
    """Rows [n]: `ids`, the round each is of, its `labels`, and its `doubts`: probability that its label is wrong.

    `doubts` is None where nothing judged the rows.
    """

    ids: tuple[str, ...]
    rounds: tuple[int, ...]
    labels: tuple[str, ...]
    doubts: np.ndarray | None

    def threshold(self) -> float | None:
        """The doubt from which a row is among the most doubtful third; None where there is no doubt."""
        if self.doubts is None or not len(self.doubts) or self.doubts.min() == self.doubts.max():
            return None
        return float(np.quantile(self.doubts, 1 - _DOUBTFUL_SHARE))

    def strata(self, threshold: float | None) -> list[str]:
        """Label and confidence of each row, as "label/sure" or "label/doubtful"; the label where nothing was judged."""
        if threshold is None or self.doubts is None:
            return list(self.labels)
        kinds = np.where(self.doubts >= threshold, DOUBTFUL, SURE)
        return [f"{label}/{kind}" for label, kind in zip(self.labels, kinds, strict=True)]

    def rates(self, strata: Sequence[str]) -> dict[str, float] | None:
        """The mean doubt of each stratum; None where nothing was judged."""
        if self.doubts is None:
            return None
        names = np.asarray(strata, str)
        return {name: float(self.doubts[names == name].mean()) for name in np.unique(names).tolist()}


def read_frame(store: Store, version: str, judged: set[str]) -> Frame:
    """The rows of a version but for those with ids in `judged`."""
    parts = list_parts(store.filesystem, path_of(store.root / "dataset" / version))
    rows = read_parts(store.filesystem, parts, DATASET_SCHEMA, ["id", "round", "label", "scores"])
    if judged:
        rows = rows.filter(pc.invert(pc.is_in(rows["id"], pa.array(sorted(judged)))))
    rows = rows.sort_by("id")
    doubts = [_doubt(scores) for scores in map_column(rows, "scores")]
    known = None if any(doubt is None for doubt in doubts) else np.array(doubts, float)
    labels = (label or "" for label in rows["label"].to_pylist())
    return Frame(tuple(rows["id"].to_pylist()), tuple(rows["round"].to_pylist()), tuple(labels), known)


def judged_by_people(store: Store) -> set[str]:
    """Ids of rows of which a person's verdict holds."""
    found: set[str] = set()
    for number in store.rounds():
        verdicts = store.verdicts(number)
        undone = pc.fill_null(pc.equal(verdicts["reason"], UNDONE), False)
        mine = verdicts.filter(pc.and_(pc.equal(verdicts["stage"], STAGE), pc.invert(undone)))
        found.update(mine["id"].to_pylist())
    return found


def _doubt(scores: dict[str, float]) -> float | None:
    """The probability of a wrong label: the decision's own, else what the judge leaves to other labels."""
    if WRONG in scores:
        return scores[WRONG]
    return 1 - scores["judge_confidence"] if "judge_confidence" in scores else None
