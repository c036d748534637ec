"""Rows that nobody should have to read unprepared."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from importlib.util import find_spec

import pyarrow as pa

from cluster.review.cases import Case
from denoise.filters.toxicity import Toxicity

THRESHOLD = 0.5  # lower than filters have it: a row too many costs one key


def toxic_rows(cases: Iterable[Case], labels: Collection[str]) -> frozenset[str]:
    """Ids of rows to be blurred: those with a label of `labels`, and what the toxicity filter finds if it is there.

    Where its package is not installed, what was stored counts: the reason or score `toxic`.
    """
    listed = list(cases)
    found = {case.id for case in listed if case.label in labels or _is_told(case)}
    if find_spec("profanity_check"):
        texts = pa.table(
            {"text": [case.row["text"] or "" for case in listed], "label": [case.label for case in listed]}
        )
        reasons = Toxicity(THRESHOLD).reasons(texts).to_pylist()
        found |= {case.id for case, reason in zip(listed, reasons, strict=True) if reason}
    return frozenset(found)


def _is_told(case: Case) -> bool:
    machine = case.history.machine or {}
    return machine.get("reason") == "toxic" or dict(machine.get("scores") or {}).get("toxic", 0.0) >= THRESHOLD
