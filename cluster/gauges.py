"""A run's figures as Ray metrics, for Prometheus and the dashboard in `cluster/dashboard.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.messages import Committed, PoolStatus
from cluster.progress import Progress

# Ray puts `ray_` before a name, and `_total` behind a counter's
COUNTERS = {
    "labelmill_output_tokens": "tokens that engines have generated, lost ones too",
    "labelmill_prompt_tokens": "prompt tokens of committed requests",
    "labelmill_prefix_cache_hit_tokens": "prompt tokens that were not computed anew",
    "labelmill_lost_tokens": "tokens that died with an engine",
    "labelmill_requests_set_aside": "requests that no engine can answer",
    "labelmill_adapter_loads": "adapters that engines have loaded",
}
GAUGES = {
    "labelmill_rows_generated": "rows of the round",
    "labelmill_rows_accepted": "rows of the round that count towards its quotas",
    "labelmill_rows_wanted": "sum of the round's quotas",
    "labelmill_acceptance_rate": "share of the judged rows that were kept",
    "labelmill_rows_in_flight": "rows that engines have been asked for",
    "labelmill_engines": "engines that are up",
}


@dataclass
class Figures:
    """What the driver knows; counts grow from the start of the driver."""

    status: PoolStatus = field(default_factory=lambda: PoolStatus(0, 0, 0, 0))
    prompt_tokens: int = 0
    cached_tokens: int = 0

    def committed(self, part: Committed) -> None:
        """An engine has committed a part."""
        self.prompt_tokens += part.prompt_tokens
        self.cached_tokens += part.cached_tokens

    def of(self, progress: Progress) -> dict[str, float]:
        """A value for every metric."""
        accepted, wanted = progress.filled
        return {
            "labelmill_output_tokens": self.status.produced,
            "labelmill_prompt_tokens": self.prompt_tokens,
            "labelmill_prefix_cache_hit_tokens": self.cached_tokens,
            "labelmill_lost_tokens": self.status.lost,
            "labelmill_requests_set_aside": self.status.aside,
            "labelmill_adapter_loads": self.status.adapter_loads,
            "labelmill_rows_generated": progress.generated,
            "labelmill_rows_accepted": accepted,
            "labelmill_rows_wanted": wanted,
            "labelmill_acceptance_rate": progress.acceptance_rate or 0.0,
            "labelmill_rows_in_flight": progress.in_flight,
            "labelmill_engines": self.status.engines,
        }


class Gauges:
    """`record` values; they are exported while Ray is up, with the run's name as a tag, and dropped otherwise."""

    def __init__(self, run: str) -> None:
        self._tags = {"run": run}
        self._metrics: dict[str, Any] = {}
        self._counted: dict[str, float] = {}

    def record(self, values: Mapping[str, float]) -> None:
        """Values of now; those of counters never fall."""
        import ray

        if not ray.is_initialized():
            return
        self._metrics = self._metrics or _make()
        for name, value in values.items():
            if name in GAUGES:
                self._metrics[name].set(value, self._tags)
            elif (more := value - self._counted.get(name, 0)) > 0:
                self._metrics[name].inc(more, self._tags)
                self._counted[name] = value


def exported() -> set[str]:
    """Names as Prometheus sees them."""
    return {f"ray_{name}_total" for name in COUNTERS} | {f"ray_{name}" for name in GAUGES}


def _make() -> dict[str, Any]:
    from ray.util.metrics import Counter, Gauge

    counters = {name: Counter(name, about, ("run",)) for name, about in COUNTERS.items()}
    return {**counters, **{name: Gauge(name, about, ("run",)) for name, about in GAUGES.items()}}
