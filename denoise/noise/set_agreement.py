"""Whether the judge of texts with several labels agrees with the set that a text was generated for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from denoise.noise.agreement import SURE, Agreement, above_chance
from denoise.settings import DenoiseSettings
from generation.kinds.multi_label import join, split

PRESENT = 0.5  # the judge sees a label from this probability on


def set_agreements(
    intended: Sequence[str | None],
    probabilities: np.ndarray,
    labels: Sequence[str],
    targets: Collection[str],
    settings: DenoiseSettings,
) -> list[Agreement]:
    """One Agreement a row; `probabilities` float [n, labels], of each label by itself. Sets are joined by "+".

    A set is as sure as the least likely of its labels, and chance is one half. The judge sees the intended set and
    reaches `settings.accept`: accepted; with less: rejected, `judge_unsure`. It sees another set: `labels_missing`,
    `labels_added` or, where there are both, `label_disagrees`. Where it is sure of every difference, and of every label
    that it sees, by `settings.relabel`, and the set is one of `targets`, the row is relabelled to it, else rejected. A
    row without an intended set takes the judge's on the same terms. A label that is 0 in all rows had no seeds: a row
    with one is kept unless a label that was not intended has SURE or more. Raises ValueError on probabilities that are
    not finite or of another shape, and on an unknown label.
    """
    if probabilities.shape != (len(intended), len(labels)) or not np.isfinite(probabilities).all():
        shape = (len(intended), len(labels))
        raise ValueError(f"judge probabilities must be finite and of shape {shape}; got {probabilities.shape}")
    sets = [frozenset(split(each)) if each else frozenset[str]() for each in intended]
    if unknown := frozenset[str]().union(*sets) - set(labels):
        raise ValueError(f"intended labels must be among {list(labels)}; got {sorted(unknown)}")
    known = {label for label, column in zip(labels, probabilities.T, strict=True) if column.any()}
    opinions = []
    for wanted, row in zip(sets, probabilities, strict=True):
        chances = dict(zip(labels, map(float, row), strict=True))
        if wanted - known:
            opinions.append(_of_unknown(wanted, chances))
        else:
            opinions.append(_of_known(wanted, chances, targets, settings))
    return opinions


def _of_known(
    wanted: frozenset[str], chances: dict[str, float], targets: Collection[str], settings: DenoiseSettings
) -> Agreement:
    seen = frozenset(label for label, chance in chances.items() if chance >= PRESENT)
    confidence = min((chances[label] for label in seen), default=0.0)
    doubts = sorted(max(chance, 1 - chance) for chance in chances.values())
    scores = {"judge_confidence": confidence, "judge_margin": 2 * doubts[0] - 1}
    label = join(wanted) if wanted else None
    if label:
        scores["judge_intended"] = min(chances[each] for each in wanted)
    if wanted == seen and wanted:
        sure = confidence >= above_chance(settings.accept, 2)
        return Agreement("accepted", label, None, scores) if sure else _rejected(label, "judge_unsure", scores)
    relabel = above_chance(settings.relabel, 2)
    differences = (max(chances[each], 1 - chances[each]) for each in wanted ^ seen)
    sure = min([confidence, *differences]) >= relabel and join(seen) in targets
    if label is None:
        return Agreement("accepted", join(seen), None, scores) if sure else _rejected(None, "judge_unsure", scores)
    reason = _reason(wanted, seen)
    return Agreement("relabelled", join(seen), reason, scores) if sure else _rejected(label, reason, scores)


def _of_unknown(wanted: frozenset[str], chances: dict[str, float]) -> Agreement:
    """The judge can say only that another label is there."""
    others = [chance for label, chance in chances.items() if label not in wanted]
    most = max(others, default=0.0)
    scores = {"judge_confidence": most, "judge_margin": most, "judge_intended": 0.0}
    return (
        _rejected(join(wanted), "labels_added", scores)
        if most >= SURE
        else Agreement("accepted", join(wanted), None, scores)
    )


def _reason(wanted: frozenset[str], seen: frozenset[str]) -> str:
    if wanted - seen and seen - wanted:
        return "label_disagrees"
    return "labels_missing" if wanted - seen else "labels_added"


def _rejected(label: str | None, reason: str, scores: dict[str, float]) -> Agreement:
    return Agreement("rejected", label, reason, scores)
