"""Where a lot stands, for the eye and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from cluster.audit.findings import powered_estimate, read_findings
from cluster.audit.lots import Lot, current_lot, decision_of, lot_numbers, read_lot, released_version
from cluster.audit.planning import points, shown_rates
from cluster.dataset import round_of_version
from cluster.store import Store
from denoise.audit.estimates import Estimate
from denoise.audit.intervals import wilson


def standing(store: Store, lot: Lot) -> dict[str, Any]:
    """What people have done and found, JSON-ready; `decision` is the recorded one once there is one."""
    findings = read_findings(store, lot)
    same, twice = findings.agreeing
    return {
        "lot": lot.number,
        "version": lot.version,
        "released": released_version(store),
        "size": lot.size,
        "plan": lot.plan.kind,
        "tightened": lot.tightened,
        "accept": lot.assurance.accept,
        "reject": lot.assurance.reject,
        "cap": lot.plan.cap,
        "decision": decision_of(store, lot.number) or asdict(findings.decision),
        "verdicts": len(findings.rows),
        "agreement": {"alpha": findings.alpha, "same": same, "rows": twice, "undecided": findings.disputed},
        "seconds_per_row": findings.seconds_per_row,
        "estimate": _estimate(findings.estimate),
        "with_predictions": _estimate(powered_estimate(store, findings)),
        "strata": {name: asdict(each) for name, each in findings.strata.items()},
    }


def audit_of(store: Store) -> dict[str, Any] | None:
    """What the report shows of the newest lot, JSON-ready: where it stands and its plan's curve; None before one."""
    lot = current_lot(store)
    if lot is None:
        return None
    rates, wide = shown_rates(lot.assurance), 1.5 * lot.assurance.reject
    line = points(lot.plan, np.linspace(0, min(1.0, wide), 61).tolist())
    curve = points(lot.plan, rates)
    return standing(store, lot) | {"curve": [asdict(point) for point in curve], "line": [asdict(each) for each in line]}


def audited_noise(store: Store, ended: bool = False) -> list[dict[str, float]]:
    """What people found in the newest lot of each round's dataset: the share of wrong labels, and its 95% interval.

    By round. `ended`: lots that are still open do not count.
    """
    found = {}
    for number in lot_numbers(store):
        if ended and decision_of(store, number) is None:
            continue
        lot = read_lot(store, number)
        if estimate := read_findings(store, lot).estimate:
            told = {"share": estimate.share, "low": estimate.low, "high": estimate.high}
            found[round_of_version(lot.version)] = {"round": round_of_version(lot.version), "lot": number, **told}
    return [found[number] for number in sorted(found)]


def render_standing(found: dict[str, Any]) -> str:
    """Plain lines for a terminal."""
    decision = found["decision"]
    tight = f", tightened after {found['tightened']} failed" if found["tightened"] else ""
    about = f"{found['size']:,} rows, {found['plan']}{tight}"
    lines = [
        f"lot {found['lot']} of {found['version']}: {decision['state']} ({about})",
        f"checked    {decision['checked']} of at most {found['cap']}, {decision['defects']} defects"
        + (f", about {decision['expected_left']:.0f} left" if decision["state"] == "open" else ""),
        f"rate       between {_share(decision['low'])} and {_share(decision['high'])} with 95 %"
        + ("" if decision["estimate"] is None else f", {_share(decision['estimate'])} of those checked"),
    ]
    for name, label in (("estimate", "by strata"), ("with_predictions", "with judge")):
        if each := found[name]:
            shares = f"{_share(each['share'])} ({_share(each['low'])} to {_share(each['high'])})"
            lines.append(f"{label:<11}{shares}, for information")
    agreement = found["agreement"]
    if agreement["rows"]:
        alpha = "" if agreement["alpha"] is None else f", Krippendorff's alpha {agreement['alpha']:.2f}"
        left = f", {agreement['undecided']} undecided" if agreement["undecided"] else ""
        lines.append(f"agreement  {agreement['same']} of {agreement['rows']} rows that two people saw{alpha}{left}")
    if found["seconds_per_row"] is not None:
        lines.append(f"time       {found['seconds_per_row']:.1f} s per row (median)")
    lines.append(f"released   {found['released'] or 'nothing yet'}")
    return "\n".join([*lines, "", *_table(found["strata"])])


def _table(strata: dict[str, dict[str, int]]) -> list[str]:
    width = max([len("stratum"), *map(len, strata)])
    lines = [f"{'stratum':<{width}}  {'rows':>8}  {'checked':>7}  {'defects':>7}  rate (Wilson)"]
    for name, each in strata.items():
        rate = ""
        if each["checked"]:
            share = each["defects"] / each["checked"]
            low, high = wilson(share, each["checked"])
            rate = f"{_share(share)} ({_share(low)} to {_share(high)})"
        lines.append(
            f"{name:<{width}}  {each['size']:>8,}  {each['checked']:>7}  {each['defects']:>7}  {rate}".rstrip()
        )
    return lines


def _estimate(estimate: Estimate | None) -> dict[str, float] | None:
    if estimate is None:
        return None
    return {"share": estimate.share, "error": estimate.error, "low": estimate.low, "high": estimate.high}


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"
