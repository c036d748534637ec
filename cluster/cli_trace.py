"""`labelmill trace`: where a row came from and what was said of it. Heavy imports come after the arguments parse."""

from __future__ import annotations

from typing import Annotated

import typer

from generation.errors import UserError, clip


def trace(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its URI")],
    id: Annotated[str, typer.Argument(metavar="ID", help="a row's id, or as much of it as no other begins with")],
    format: Annotated[str, typer.Option("--format", metavar="NAME", help="text or json")] = "text",
    student: Annotated[bool, typer.Option("--student/--no-student", help="ask the student, too")] = True,
) -> None:
    """Everything about one row: its prompt, parents, verdicts by the machine and by people, where it ended."""
    import json

    check_format(format, ("text", "json"))
    from cluster.evidence.trace_text import render_trace
    from cluster.evidence.tracing import student_view
    from cluster.evidence.tracing import trace as traced
    from cluster.run import Run

    told = traced(Run.open(folder).store, id, student_view if student else None)
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False) if format == "json" else render_trace(told))


def check_format(format: str, known: tuple[str, ...]) -> None:
    """Raises UserError for a format that a command does not have."""
    if format not in known:
        raise UserError(f"--format: must be one of {', '.join(known)}; got {clip(format)}")
