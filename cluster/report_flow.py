"""From generated to kept: what became of each row, and the waste of each label, summing exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from cluster.report_samples import OVER_QUOTA, Verdict
from generation.records import KEPT

WAITING = "no verdict yet"
ASIDE = (OVER_QUOTA, WAITING)  # no fault of the row's


class Fate(NamedTuple):
    """What became of one row; `loss` is None for a kept one."""

    id: str
    intended: str
    final: str
    loss: str | None


@dataclass(frozen=True)
class Flow:
    """One label's rows from generated to kept. `losses` follows `ReportData.reasons`.

    Rows count under the label they were intended for; `moved_in` came from other labels. Raises ValueError if the
    parts do not sum to `generated`.
    """

    label: str
    generated: int
    losses: tuple[int, ...]
    moved_away: int
    confirmed: int
    moved_in: int
    quota: int | None

    def __post_init__(self) -> None:
        if (parts := sum(self.losses) + self.moved_away + self.confirmed) != self.generated:
            raise ValueError(f"the waste of {self.label!r} must sum to {self.generated} generated rows; got {parts}")

    @property
    def kept(self) -> int:
        """Rows in the dataset under this label."""
        return self.confirmed + self.moved_in


def fates_of(rows: pa.Table, holding: Mapping[str, Verdict]) -> list[Fate]:
    """What became of each row, in the order of `rows`; `holding` is the verdict that holds for each id."""
    columns = (rows[name].to_pylist() for name in ("id", "intended_label", "label"))
    return [_fate(key, intended or label, holding.get(key)) for key, intended, label in zip(*columns, strict=True)]


def _fate(key: str, intended: str | None, verdict: Verdict | None) -> Fate:
    final = (verdict["label"] if verdict else None) or intended or "(no label)"
    kept = verdict is not None and verdict["status"] in KEPT
    return Fate(key, intended or final, final, None if kept else _loss(verdict))


def _loss(verdict: Verdict | None) -> str:
    if verdict is None:
        return WAITING
    if verdict["status"] == "surplus":
        return OVER_QUOTA
    reason = (verdict["reason"] or "no reason given").replace("_", " ")
    return reason if verdict["status"] == "rejected" else f"held: {reason}"


def reasons_of(fates: Iterable[Fate]) -> tuple[str, ...]:
    """Names of losses, the greatest first; what is not waste but kept aside comes last."""
    counts = Counter(fate.loss for fate in fates if fate.loss)
    aside = {OVER_QUOTA: 2, WAITING: 3}
    return tuple(sorted(counts, key=lambda name: (aside.get(name, name.startswith("held: ")), -counts[name], name)))


def flows_of(
    fates: Sequence[Fate], labels: Sequence[str], reasons: Sequence[str], metrics: Sequence[Mapping[str, Any]]
) -> tuple[Flow, ...]:
    """One flow per label; quotas add up over the rounds."""
    lost = Counter((fate.intended, fate.loss) for fate in fates if fate.loss)
    kept = Counter((fate.intended, fate.final) for fate in fates if not fate.loss)
    generated = Counter(fate.intended for fate in fates)
    away, into = Counter[str](), Counter[str]()
    for (intended, final), count in kept.items():
        if intended != final:
            away[intended] += count
            into[final] += count
    return tuple(
        Flow(
            label=label,
            generated=generated[label],
            losses=tuple(lost[label, reason] for reason in reasons),
            moved_away=away[label],
            confirmed=kept[label, label],
            moved_in=into[label],
            quota=_quota(label, metrics),
        )
        for label in labels
    )


def _quota(label: str, metrics: Sequence[Mapping[str, Any]]) -> int | None:
    """Rows wanted over all rounds: the newest `wanted`, with what rounds aimed elsewhere or here, else their quotas."""
    if metrics and metrics[-1].get("wanted"):
        return int(metrics[-1]["wanted"]) + (metrics[-1].get("moved") or {}).get(label, 0)
    quotas = [metric.get("quota") for metric in metrics]
    wanted = [quota.get(label) if isinstance(quota, Mapping) else quota for quota in quotas]
    return sum(count for count in wanted if count) or None
