"""`labelmill attributes`, and what commands on a task file share. Heavy imports come after the arguments parse."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from generation.errors import UserError

TaskFile = Annotated[Path, typer.Argument(metavar="TASK", help="the task file, such as task.yaml")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="change a setting")]


def attributes(
    task: TaskFile,
    count: Annotated[int, typer.Option("-n", min=1, help="answers to draw from the LM")] = 72,
    set_: SetOption = None,
    write: Annotated[bool, typer.Option("--write", help="put them into TASK, once you have agreed")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="agree beforehand")] = False,
) -> None:
    """Have the LM propose ways in which the texts of a task may differ, for `attributes:` in its file."""
    from cluster.attributes import block_of, check_room, propose, write_block
    from cluster.job import prepare
    from generation.models import EMBEDDED_LM

    job = prepare(task, set_)
    if write:
        check_room(task)
        if not (yes or sys.stdin.isatty()):
            raise UserError(f"{task}: --write asks before it writes, and there is no terminal to ask on; add --yes")
    small = job.model_folder is not None and job.config.model == EMBEDDED_LM
    for warning in job.warnings + (("the embedded LM is small and proposes poorly: look closely",) if small else ()):
        warn(warning)
    proposals, answered = propose(job, count)
    block = block_of(proposals)
    typer.echo(f"# from {answered} answers; take out what does not fit every label\n{block}", nl=False)
    if write and (yes or typer.confirm(f"Put this into {task}?", err=True)):
        write_block(task, block)
        typer.echo(f"labelmill: written to {task}", err=True)


def warn(warning: str) -> None:
    typer.echo(f"labelmill: warning: {warning}", err=True)
