"""What a plan costs people and what it is worth, for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cluster.audit.frame import judged_by_people, read_frame
from cluster.dataset import newest_version
from cluster.store import Store
from denoise.audit.assurance import Assurance
from denoise.audit.finding import find_plan, levels
from denoise.audit.plans import Plan

BAR = 30  # signs of a probability of 1


@dataclass(frozen=True)
class Point:
    """A lot of this defect rate passes with a probability, after so many rows on average."""

    rate: float
    passes: float
    rows: float


@dataclass(frozen=True)
class Preview:
    """A plan for a lot of `size` rows (None: there is no dataset yet, so one without end)."""

    assurance: Assurance
    size: int | None
    plan: Plan
    good: Point
    bad: Point
    worst: Point
    curve: tuple[Point, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "plan": self.plan.kind,
            "lot": self.size,
            **self.assurance.model_dump(include={"accept", "reject", "risk"}),
            "consumer_risk": self.assurance.consumer,
            "cap": self.plan.cap,
            "acceptance": self.plan.acceptance,
            "good": asdict(self.good),
            "bad": asdict(self.bad),
            "worst": asdict(self.worst),
            "curve": [asdict(point) for point in self.curve],
        }


def preview_plan(store: Store, assurance: Assurance) -> Preview:
    """For the rows of the newest dataset version that nobody has judged. Raises UserError."""
    version = newest_version(store)
    size = len(read_frame(store, version, judged_by_people(store)).ids) if version else None
    plan = find_plan(assurance, size)
    good, bad = points(plan, levels(assurance, size))
    rates = np.linspace(0, min(1.0, 2 * assurance.reject), 65)
    worst = max(points(plan, rates.tolist()), key=lambda point: point.rows)
    return Preview(assurance, size, plan, good, bad, worst, points(plan, shown_rates(assurance)))


def points(plan: Plan, rates: Sequence[float]) -> tuple[Point, ...]:
    """The operating characteristic and the expected rows at these defect rates."""
    return tuple(Point(rate, plan.accepts(rate), plan.expected(rate)) for rate in rates)


def render_preview(preview: Preview) -> str:
    """Plain lines for a terminal."""
    assurance, plan = preview.assurance, preview.plan
    lot = "a lot of any size" if preview.size is None else f"a lot of {preview.size:,} rows"
    lines = [
        f"{plan.kind} plan for {lot}",
        f"rows to check    {preview.good.rows:.0f} expected at {_share(assurance.accept)} defects, "
        f"{preview.bad.rows:.0f} at {_share(assurance.reject)}, {preview.worst.rows:.0f} at the worst "
        f"({_share(preview.worst.rate)}), never more than {plan.cap}",
        f"risks            {_share(1 - preview.good.passes)} that a lot with at most {_share(assurance.accept)} fails, "
        f"{_share(preview.bad.passes)} that one with at least {_share(assurance.reject)} passes",
        f"passes           {_passes(plan)}",
        f"fails            {_fails(plan)}",
        "",
        f"{'defects':>8}  {'passes':>7}  {'rows':>5}",
    ]
    for point in preview.curve:
        bar = "#" * round(BAR * point.passes)
        lines.append(f"{_share(point.rate):>8}  {_share(point.passes):>7}  {point.rows:>5.0f}  {bar}".rstrip())
    return "\n".join(lines)


def shown_rates(assurance: Assurance) -> list[float]:
    """Defect rates of a table: from none to beyond a bad lot's."""
    steps = np.arange(0, 1.5 * assurance.reject + 1e-9, assurance.reject / 8)
    return sorted({float(round(rate, 6)) for rate in (*steps, assurance.accept) if rate < 1})


def _passes(plan: Plan) -> str:
    """From how many rows on a lot passes, by the defects found."""
    first = {d: n for n, d in reversed(list(enumerate(plan.accept_at))) if d >= 0}
    shown = [f"{d} in {n}" for d, n in sorted(first.items())]
    return "with at most " + ", ".join(shown) + " rows" if shown else "at once: there is nothing to check"


def _fails(plan: Plan) -> str:
    """Up to how many rows a lot fails, by the defects found."""
    if not plan.cap:
        return "never"
    last = {d: n for n, d in enumerate(plan.reject_at) if n and d <= n}
    return "with at least " + ", ".join(f"{d} in {n}" for d, n in sorted(last.items())) + " rows"


def _share(value: float) -> str:
    return f"{100 * value:.3g}%" if value < 0.9995 else "100%"
