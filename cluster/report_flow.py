"""From generated to kept: the waste of each label, summing exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.report_fates import OVER_QUOTA, WAITING, Counts

ASIDE = (OVER_QUOTA, WAITING)  # no fault of the row's


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


def flows_of(
    counts: Counts, labels: Sequence[str], reasons: Sequence[str], metrics: Sequence[Mapping[str, Any]]
) -> tuple[Flow, ...]:
    """One flow per label; quotas add up over the rounds."""
    lost, kept = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    generated, away, into = Counter[str](), Counter[str](), Counter[str]()
    for (intended, final, loss), rows in counts.items():
        generated[intended] += rows
        if loss is not None:
            lost[intended, loss] += rows
            continue
        kept[intended, final] += rows
        if intended != final:
            away[intended] += rows
            into[final] += rows
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
        return max(0, int(metrics[-1]["wanted"]) + (metrics[-1].get("moved") or {}).get(label, 0))
    quotas = [metric.get("quota") for metric in metrics]
    wanted = [quota.get(label) if isinstance(quota, Mapping) else quota for quota in quotas]
    return sum(count for count in wanted if count) or None
