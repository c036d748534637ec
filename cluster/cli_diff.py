"""`labelmill diff`: what two runs or two dataset versions differ in. Heavy imports come after the arguments parse."""

from __future__ import annotations

from typing import Annotated

import typer


def diff(
    one: Annotated[str, typer.Argument(metavar="A", help="a run directory, its URI, or RUN@v000: a dataset version")],
    other: Annotated[str, typer.Argument(metavar="B", help="the other one")],
    format: Annotated[str, typer.Option("--format", metavar="NAME", help="text or json")] = "text",
) -> None:
    """Settings, rows by label, what was dropped, students with an interval, texts and diversity of two runs."""
    import json

    from cluster.evidence.compare_text import render_comparison
    from cluster.evidence.comparing import compare
    from cluster.evidence.formats import check_format
    from cluster.evidence.sides import read_side

    check_format(format, ("text", "json"))
    told = compare(read_side(one), read_side(other))
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False) if format == "json" else render_comparison(told))
