"""`labelmill audit`: how many rows people check, where that stands, and what is released."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

audit = typer.Typer(no_args_is_help=True, help="How many rows people check, where that stands, what is released.")

RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its URI")]
AcceptOption = Annotated[str | None, typer.Option("--accept", metavar="RATE", help="defects of a good lot, such as 2%")]
RejectOption = Annotated[str | None, typer.Option("--reject", metavar="RATE", help="defects of a bad lot, such as 8%")]
RiskOption = Annotated[
    str | None, typer.Option("--risk", metavar="RATE", help="most risk that a good lot fails or a bad one passes")
]
ConsumerOption = Annotated[str | None, typer.Option("--consumer-risk", metavar="RATE", help="the second of them alone")]
PlanOption = Annotated[str | None, typer.Option("--plan", metavar="NAME", help="sequential, fixed or zero_failure")]
OverlapOption = Annotated[
    str | None, typer.Option("--overlap", metavar="SHARE", help="share of the rows that two people see, such as 10%")
]
MergeOption = Annotated[
    str | None, typer.Option("--merge", metavar="RULE", help="where they differ: last, wanli or third (docs/audit.md)")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


@audit.command()
def plan(
    folder: RunFolder,
    accept: AcceptOption = None,
    reject: RejectOption = None,
    risk: RiskOption = None,
    consumer_risk: ConsumerOption = None,
    kind: PlanOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many rows a plan takes, and what it is worth; nothing is written."""
    from cluster.audit.planning import preview_plan, render_preview
    from cluster.run import Run

    store = Run.open(folder).store
    preview = preview_plan(store, _assurance(store, accept, reject, risk, consumer_risk, kind))
    typer.echo(json.dumps(preview.as_json(), indent=2) if as_json else render_preview(preview))


@audit.command("open")
def open_(
    folder: RunFolder,
    accept: AcceptOption = None,
    reject: RejectOption = None,
    risk: RiskOption = None,
    consumer_risk: ConsumerOption = None,
    kind: PlanOption = None,
    overlap: OverlapOption = None,
    merge: MergeOption = None,
) -> None:
    """Draw the rows that people check, unless a lot is open."""
    from cluster.audit.lots import open_lot
    from cluster.run import Run

    store = Run.open(folder).store
    lot = open_lot(store, _assurance(store, accept, reject, risk, consumer_risk, kind, overlap, merge))
    typer.echo(f"lot {lot.number} of {lot.version}: {len(lot.sample)} of {lot.size:,} rows drawn, {lot.plan.kind}")


@audit.command()
def status(folder: RunFolder, as_json: JsonOption = False) -> None:
    """The newest lot: what was checked and found, and how far it is from a decision."""
    from cluster.audit.lots import current_lot
    from cluster.audit.standing import render_standing, standing
    from cluster.run import Run
    from generation.errors import UserError

    store = Run.open(folder).store
    lot = current_lot(store)
    if lot is None:
        raise UserError(f"{folder}: has no lot yet; `labelmill audit open` draws one")
    found = standing(store, lot)
    typer.echo(json.dumps(found, indent=2) if as_json else render_standing(found))


@audit.command()
def release(folder: RunFolder) -> None:
    """Write a dataset version with what people found, and release it if its lot has passed."""
    from cluster.audit.release import release as end_lot
    from cluster.run import Run
    from generation.errors import UserError

    store = Run.open(folder).store
    version, decision = end_lot(store)
    if decision["state"] == "failed":
        held = sum(decision["held"].values())
        raise UserError(
            f"{folder}: the lot failed, with {decision['defects']} defects in {decision['checked']} rows, and is not "
            f"released; {held} rows are held, {version.name} is without them; `labelmill run` makes new ones, and the "
            "next lot is tightened"
        )
    typer.echo(f"released  {version}")


def _assurance(
    store: Any,
    accept: str | None,
    reject: str | None,
    risk: str | None,
    consumer_risk: str | None,
    kind: str | None,
    overlap: str | None = None,
    merge: str | None = None,
) -> Any:
    """What the run asks for, with what the command line says instead. Raises UserError naming the option."""
    from cluster.audit.noted import changed_assurance

    told = {"accept": accept, "reject": reject, "risk": risk, "consumer_risk": consumer_risk, "plan": kind}
    told |= {"overlap": overlap, "merge": merge}
    changes = {name: value for name, value in told.items() if value is not None}
    return changed_assurance(store, changes, lambda field: "--" + field.replace("_", "-"))
