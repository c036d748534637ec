"""What two runs, or two versions of a dataset, differ in. In pairs `one` comes first; differences are other - one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from cluster.evidence.fates import losses_of
from cluster.evidence.sides import Side
from denoise.audit.intervals import difference, paired_difference
from denoise.settings import DenoiseSettings

SHOWN = 20  # texts whose label changed
_MISSING = "not there"


def compare(one: Side, other: Side) -> dict[str, Any]:
    """JSON-able: `sides`, `settings`, `labels`, `fates`, `student`, `texts`, `diversity`."""
    rows = [side.rows() for side in (one, other)]
    kept = [dict(zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True)) for table in rows]
    counts = [Counter(table["label"].to_pylist()) for table in rows]
    return {
        "sides": [
            {"name": side.name, "version": side.version, "rows": table.num_rows}
            for side, table in zip((one, other), rows, strict=True)
        ],
        "settings": settings_between(one.settings(), other.settings()),
        "labels": {label: [each[label] for each in counts] for label in sorted({*counts[0], *counts[1]}, key=str)},
        "fates": _fates(one, other),
        "student": students_between(one.test(), other.test()),
        "texts": texts_between(*kept),
        "diversity": _diversity(one, other, [table["text"].to_pylist() for table in rows]),
    }


def settings_between(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Settings that differ: [one's, other's]; of one that a side does not have it says so."""
    names = [*one, *(name for name in other if name not in one)]
    pairs = {name: [one.get(name, _MISSING), other.get(name, _MISSING)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def students_between(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Accuracy and macro F1 of both students, and their difference with a 95 % interval.

    `paired`: both were asked the same rows, and which of them each got right is known; then the accuracy's interval is
    that of pairs. That of macro F1 comes from both bootstrap intervals, as if the rows were others.
    """
    if one is None or other is None:
        return None
    same = one.get("digest") is not None and one.get("digest") == other.get("digest")
    right = [test["student"].get("right") for test in (one, other)]
    paired = bool(same and all(right) and len(right[0]) == len(right[1]))
    accuracy = [test["student"]["accuracy"] for test in (one, other)]
    if paired:
        first, second = (np.array([each == "1" for each in said]) for said in right)
        low, high = paired_difference(second, first)
    else:
        low, high = difference(accuracy[1], other["rows"], accuracy[0], one["rows"])
    return {
        "same_test": same,
        "paired": paired,
        "rows": [one["rows"], other["rows"]],
        "accuracy": {"values": accuracy, "difference": accuracy[1] - accuracy[0], "low": low, "high": high},
        "macro_f1": _macro(one["student"], other["student"]),
    }


def texts_between(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, Any]:
    """Texts that both keep, word for word, and those of them with another label; the first SHOWN are named."""
    common = sorted(one.keys() & other.keys())
    moved = [{"text": text, "labels": [one[text], other[text]]} for text in common if one[text] != other[text]]
    return {
        "common": len(common),
        "only": [len(one) - len(common), len(other) - len(common)],
        "moved": len(moved),
        "examples": moved[:SHOWN],
    }


def _macro(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    bounds = [student.get("intervals", {}).get("macro_f1") for student in (one, other)]
    if not all(bounds):
        return None
    values = [student["macro_f1"] for student in (one, other)]
    down = math.hypot(values[1] - bounds[1][0], bounds[0][1] - values[0])
    up = math.hypot(bounds[1][1] - values[1], values[0] - bounds[0][0])
    between = values[1] - values[0]
    return {"values": values, "difference": between, "low": between - down, "high": between + up}


def _fates(one: Side, other: Side) -> dict[str, Any]:
    """Rows made, kept, and lost by reason, by the verdicts that hold now."""
    both = [losses_of(side.store, side.rounds) for side in (one, other)]
    reasons = dict.fromkeys(name for each in both for name in each.reasons)
    return {
        "made": [each.made for each in both],
        "kept": [each.kept for each in both],
        "reasons": {name: [each.reasons.get(name, 0) for each in both] for name in reasons},
    }


def _diversity(one: Side, other: Side, texts: list[list[str]]) -> dict[str, Any] | None:
    """Lexical measures of as many texts of each, chosen by their hashes; without embeddings."""
    from denoise.diversity import MOST, choose, diversity

    size = min(MOST, *map(len, texts))
    if size == 0:
        return None
    found = []
    for side, each in zip((one, other), texts, strict=True):
        copied = side.store.run().get("config", {}).get("denoise", {}).get("seed_copy", DenoiseSettings().seed_copy)
        found.append(asdict(diversity(choose(each, size), side.seeds(), copied)))
    measures = {name: [each[name] for each in found] for name in found[0] if name != "texts"}
    return {"texts": size, **{name: pair for name, pair in measures.items() if None not in pair}}
