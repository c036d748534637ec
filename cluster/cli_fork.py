"""`labelmill fork`. Heavy imports come after the arguments parse."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cluster.cli_parquet import AllowCodeOption

Labels = list[str] | None


def fork(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its URI")],
    target: Annotated[str, typer.Argument(metavar="NEW_RUN", help="a new run directory, or a URI")],
    config: Annotated[Path, typer.Option("--config", metavar="TASK", help="the task file with the new labels")],
    merge: Annotated[Labels, typer.Option("--merge", metavar="A,B=C", help="rows of A and B are of C now")] = None,
    split: Annotated[Labels, typer.Option("--split", metavar="A=B,C", help="rows of A are judged again")] = None,
    rename: Annotated[Labels, typer.Option("--rename", metavar="A=B", help="rows of A are of B now")] = None,
    drop: Annotated[Labels, typer.Option("--drop", metavar="A", help="rows of A are left out")] = None,
    set_: Annotated[Labels, typer.Option("--set", metavar="A.B=VALUE", help="change a setting of TASK")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would become of rows; write nothing")] = False,
    allow_code: AllowCodeOption = False,
) -> None:
    """Go on under changed labels: a new run that begins with the rows that still hold."""
    from cluster.fork import plan_fork, render, write_fork
    from cluster.job import prepare
    from cluster.store import Store
    from generation.relabelling import Changes

    changes = Changes.parse(merge or [], split or [], rename or [], drop or [])
    planned = plan_fork(Store(folder), prepare(config, set_, allow_code), changes)
    typer.echo(render(planned))
    if dry_run:
        return
    write_fork(planned, target)
    options = "".join(f" --set {shlex.quote(each)}" for each in set_ or [])
    typer.echo(f"next     labelmill run {shlex.quote(str(config))} --run {shlex.quote(target)}{options}")
