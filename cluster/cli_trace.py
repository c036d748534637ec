"""`labelmill trace`: where a row came from and what was said of it. Heavy imports come after the arguments parse."""

from __future__ import annotations

from typing import Annotated

import typer

from cluster.evidence.formats import check_format


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
    from cluster.run import Run

    told = Run.open(folder).trace(id, student)
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False) if format == "json" else render_trace(told))
