"""Where a run stands, as the flywheel reports it, and the same in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster.visible import visible

PLAIN_LABELS = 4


@dataclass(frozen=True)
class Progress:
    """Where a run stands. Rates are per second, `acceptance_rate` is a share from 0 to 1."""

    round: int
    wave: int
    stage: str
    accepted: Mapping[str, int] = field(default_factory=dict)
    quota: Mapping[str, int] = field(default_factory=dict)
    generated: int = 0
    in_flight: int = 0
    output_tokens: int = 0
    tokens_per_second: float = 0.0
    acceptance_rate: float | None = None
    eta_seconds: float | None = None
    lost_tokens: int = 0
    message: str | None = None

    def labels(self) -> list[tuple[str, int, int]]:
        """(label, accepted, quota) of every label, in the order of the quota; a missing count is 0."""
        names = dict.fromkeys((*self.quota, *self.accepted))
        return [(name, self.accepted.get(name, 0), self.quota.get(name, 0)) for name in names]

    def shown(self, most: int) -> list[tuple[str, int, int]]:
        """All labels if at most `most`, else the least filled, in the same order."""
        labels = self.labels()
        emptiest = sorted(range(len(labels)), key=lambda place: _share(*labels[place][1:]))[:most]
        return [labels[place] for place in sorted(emptiest)]

    @property
    def filled(self) -> tuple[int, int]:
        """Accepted rows that count towards the quotas, and the sum of the quotas."""
        return sum(min(has, wants) for _, has, wants in self.labels()), sum(wants for _, _, wants in self.labels())


def _share(has: int, wants: int) -> float:
    """How full a label is; one that wants nothing is."""
    return has / wants if wants else math.inf


def plain_line(progress: Progress, elapsed: float) -> str:
    """The state as one line without control characters."""
    has, wants = progress.filled
    shown = progress.shown(PLAIN_LABELS)
    counts = " ".join(f"{name}={count}/{quota}" for name, count, quota in shown)
    more = len(progress.labels()) - len(shown)
    parts = [
        f"[{clock_time(elapsed)}] round {progress.round} wave {progress.wave} {progress.stage}",
        f"{has:,}/{wants:,} rows",
        *facts(progress),
        *([counts + (f" (least filled; {more} more)" if more else "")] if shown else []),
        *([progress.message] if progress.message else []),
    ]
    return visible("; ".join(parts), keep="")


def facts(progress: Progress) -> list[str]:
    """Counts and rates in words; what is unknown is left out."""
    return [
        f"{progress.generated:,} generated",
        f"{progress.in_flight:,} in flight",
        f"{progress.output_tokens:,} tokens",
        f"{progress.tokens_per_second:,.0f} tokens/s",
        *([f"{progress.acceptance_rate:.0%} accepted"] if progress.acceptance_rate is not None else []),
        *([f"{clock_time(progress.eta_seconds)} left"] if progress.eta_seconds is not None else []),
        *([f"{progress.lost_tokens:,} tokens lost"] if progress.lost_tokens else []),
    ]


def clock_time(seconds: float) -> str:
    """Seconds as 02:41 or 1:02:41."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
