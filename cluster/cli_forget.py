"""`labelmill forget`: rows are erased from a run. Heavy imports come after the arguments parse."""

from __future__ import annotations

from typing import Annotated

import typer

from generation.errors import UserError


def forget(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its URI")],
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="rows; none: finish what was begun")
    ] = None,
    who: Annotated[str | None, typer.Option("--by", metavar="NAME", help="who asks for it; default: the user")] = None,
    why: Annotated[str, typer.Option("--why", metavar="REASON", help="is kept; must not quote the row")] = "not told",
    with_children: Annotated[
        bool,
        typer.Option("--with-children", help="also rows in whose prompts they stood, and what people made of them"),
    ] = False,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="take the newest student away if it learnt from such rows")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, erase nothing")] = False,
) -> None:
    """Erase rows and all that quotes them; a tombstone stays, and models that learnt from them are named."""
    import getpass

    from cluster.forgetting.calls import call, preview
    from cluster.run import Run

    if dry_run and not ids:
        raise UserError("forget: --dry-run needs an ID")
    store, name = Run.open(folder).store, who or getpass.getuser()
    if dry_run:
        typer.echo(preview(store, ids or [], name, why, with_children, retrain))
    else:
        typer.echo(call(store, ids or [], name, why, with_children, retrain))
