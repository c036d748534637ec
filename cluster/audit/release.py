"""The end of a lot: a version with what people found, released if the lot passed; else what is bad goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.findings import THIRD, read_findings
from cluster.audit.frame import DOUBTFUL, SURE, judged_by_people, read_frame
from cluster.audit.lots import Lot, current_lot, decision_of
from cluster.dataset import materialise, round_of_version
from cluster.promotion import step_back
from cluster.store import Store
from denoise.audit.estimates import Stratum, bad_strata
from denoise.audit.plans import Decision
from generation.errors import UserError
from generation.kinds import KINDS
from generation.location import Location
from generation.records import KEPT, verdicts_table

LOT_FAILED = "lot_failed"


def release(store: Store) -> tuple[Location, dict[str, Any]]:
    """End the newest lot; returns the version that it makes, and decision.json. Raises UserError while it is open.

    The version has people's verdicts. `dataset/released` names it if the lot passed.
    """
    lot = current_lot(store)
    if lot is None:
        raise UserError(f"{store.root}: has no lot yet; `labelmill audit open` draws one")
    findings = read_findings(store, lot)
    decision = decision_of(store, lot.number) or settle(store, lot, findings.decision)
    if decision is None:
        left, rows = findings.decision.expected_left, len(findings.rows)
        waits = findings.disputed if lot.assurance.merge == THIRD else 0
        third = f"{waits} of them wait for a third person, as two differ; " if waits else ""
        raise UserError(
            f"{store.root}: lot {lot.number} is open: {rows} rows checked, about {left:.0f} are left to check; "
            f"{third}nothing is released"
        )
    run = store.run()
    columns = KINDS[run.get("kind", "label")].columns
    folder = materialise(store, decision["round"], run["run_id"], columns=columns, lot=lot.number)
    if decision["state"] == "passed":
        store.write_text("dataset/released", folder.name + "\n")
    return folder, decision


def settle(store: Store, lot: Lot, decision: Decision) -> dict[str, Any] | None:
    """Write decision.json once a lot has ended, and return it; None while it is open. Doing it again changes nothing.

    Of a lot that failed, rows of bad strata that no person judged are held first, so that their quotas open again, and
    the student that learnt from them may lose its place (cluster/promotion.py). decision.json is written last.
    """
    if (ended := decision_of(store, lot.number)) or decision.state == "open":
        return ended
    findings = read_findings(store, lot)
    held = (
        _hold(store, lot, strata_to_hold(findings.strata, lot.assurance.accept)) if decision.state == "failed" else {}
    )
    record = {
        **asdict(decision),
        "round": round_of_version(lot.version),
        "at": _now().isoformat(timespec="seconds"),
        "labels": {name: asdict(each) for name, each in _merged(findings.strata, 0).items()},
        "held": held,
    }
    if decision.state == "failed":
        step_back(store, record["round"])
    store.write_json(f"{lot.folder}/decision.json", record)
    return record


def strata_to_hold(strata: Mapping[str, Stratum], accept: float) -> list[str]:
    """Strata that a failed lot failed by: those that surely have more defects than `accept`.

    Of the rest, then, those of a label that surely has, and then of a confidence. Where no group is that bad by itself,
    those of the confidence, or of the label where there is one confidence only, with the most defects.
    """
    bad = set(bad_strata(strata, accept))
    for place in (0, 1):
        rest = {name: each for name, each in strata.items() if name not in bad}
        found = bad_strata(_merged(rest, place), accept)
        bad |= {name for name in rest if _parts(name)[place] in found}
    if not bad:
        place = 1 if len(_merged(strata, 1)) > 1 else 0
        groups = _merged(strata, place)
        worst = max(sorted(groups), key=lambda name: (groups[name].defects + 0.5) / (groups[name].checked + 1))
        bad = {name for name in strata if _parts(name)[place] == worst}
    return sorted(bad)


def _hold(store: Store, lot: Lot, strata: list[str]) -> dict[str, int]:
    """Commit `held` verdicts on the rows of these strata that no person judged; how many of each."""
    if not strata:
        return {}
    frame = read_frame(store, lot.version, judged_by_people(store))
    of_row = dict(zip(frame.ids, frame.strata(lot.threshold), strict=True))
    wanted = {key for key, stratum in of_row.items() if stratum in strata}
    for number in sorted(set(frame.rounds)):
        verdicts = store.verdicts(number)
        mine = pc.and_(
            pc.is_in(verdicts["id"], pa.array(sorted(wanted), pa.string())),
            pc.is_in(verdicts["status"], pa.array(KEPT)),
        )
        held = [_held(verdict) for verdict in verdicts.filter(mine).to_pylist()]
        if held:
            table = verdicts_table(held)
            store.commit(
                number, "verdicts", f"lot{lot.number:03d}-{_now():%Y%m%dT%H%M%S%f}", table, store.run()["run_id"]
            )
    return {name: sum(of_row[key] == name for key in wanted) for name in strata}


def _held(verdict: dict[str, Any]) -> dict[str, Any]:
    changes = {"revision": verdict["revision"] + 1, "stage": "lot", "status": "held", "reason": LOT_FAILED}
    return verdict | changes | {"scores": dict(verdict["scores"] or ()), "weight": 0.0, "auditor": None, "at": _now()}


def _parts(stratum: str) -> tuple[str, str]:
    """Label and confidence of a stratum; no confidence where nothing was judged."""
    label, _, confidence = stratum.rpartition("/")
    return (label, confidence) if confidence in (SURE, DOUBTFUL) else (stratum, "")


def _merged(strata: Mapping[str, Stratum], place: int) -> dict[str, Stratum]:
    """Strata of one label (0), or of one confidence (1), together."""
    merged: dict[str, Stratum] = {}
    for name, each in strata.items():
        key = _parts(name)[place]
        so_far = merged.get(key, Stratum(0, 0, 0))
        merged[key] = Stratum(so_far.size + each.size, so_far.checked + each.checked, so_far.defects + each.defects)
    return merged


def _now() -> datetime:
    return datetime.now(UTC)
