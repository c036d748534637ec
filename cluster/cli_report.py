"""`labelmill report`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Form(StrEnum):
    """How a report is written."""

    html = "html"
    md = "md"
    json = "json"


def report(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its URI")],
    form: Annotated[Form, typer.Option("--format", help="a page, Markdown or JSON")] = Form.html,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="where, - prints; default RUN/report.html, .md, .json"),
    ] = None,
) -> None:
    """Write RUN/report.html anew, or the same numbers as Markdown or JSON, and print its path."""
    from cluster.report_page import report_text, write_report
    from cluster.run import Run

    store = Run.open(folder).store
    if out == "-":
        typer.echo(report_text(store, form.value), nl=False)
    else:
        typer.echo(write_report(store, form.value, out))
