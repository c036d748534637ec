"""`labelmill review`: people look at rows and write some, on a page or in other tools. Heavy imports come later."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

_PAGE = "page"


class _PageByDefault(TyperGroup):
    """What is not the name of a command is the RUN of the page."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [_PAGE, *args]
        return super().parse_args(ctx, args)


review = typer.Typer(
    cls=_PageByDefault,
    no_args_is_help=True,
    help="Check a lot's rows: `review RUN` opens the page; export and import for other tools.",
)

RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its URI")]


@review.command(_PAGE)
def page(
    folder: RunFolder,
    host: Annotated[
        str, typer.Option(help="address to listen on; beyond this machine a token is needed")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 8420,
    token_file: Annotated[Path | None, typer.Option("--token-file", help="holds the token; default: a new one")] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="a name that the page goes by, as of a proxy"),
    ] = None,
    lease: Annotated[float, typer.Option(min=0.1, help="minutes that a row stays with who has it")] = 10,
    write: Annotated[bool, typer.Option("--write", help="write rows, helped by what was generated")] = False,
    votes: Annotated[bool, typer.Option("--explanations", help="vote on what `labelmill explain` made")] = False,
    people: Annotated[int, typer.Option(min=1, help="how many vote on each explanation")] = 2,
    rows: Annotated[
        Path | None, typer.Option("--rows", metavar="FILE", help="look at the rows that it names, as of budget --out")
    ] = None,
    pool: Annotated[bool, typer.Option("--pool", help="look at what `labelmill feed` is not sure of")] = False,
) -> None:
    """The page (what `review RUN` does): rows one by one, by keyboard; stop it with Ctrl C."""
    from cluster.review.token import token_for
    from cluster.run import Run
    from generation.errors import UserError

    asked = {"--write": write, "--explanations": votes, "--rows": rows is not None, "--pool": pool}
    if sum(asked.values()) > 1:
        raise UserError(f"{' and '.join(name for name, given in asked.items() if given)}: one page at a time")
    token, store = token_for(host, token_file), Run.open(folder).store
    from cluster.forgetting.pending import refuse_unfinished
    from cluster.review.opening import alone  # what takes seconds to load, once nothing is amiss
    from cluster.review.server import serve

    with alone(store):
        refuse_unfinished(store)
        site = (
            _votes(store, lease, people)
            if votes
            else _writing(store, lease)
            if write
            else _rows(store, lease, rows, pool)
        )
        serve(site, host, port, token, allow_host or (), typer.echo)


def _writing(store: Any, lease: float) -> Any:
    from cluster.review.writing.opening import writing_site

    return writing_site(store, lease)


def _votes(store: Any, lease: float, people: int) -> Any:
    from cluster.review.votes.routes import votes_site

    return votes_site(store, lease, people)


def _rows(store: Any, lease: float, file: Path | None, pool: bool) -> Any:
    """Those of the open lot, those of a file, or doubtful ones of pools."""
    from cluster.audit.lots import open_lot
    from cluster.feed.queue import open_queue
    from cluster.review.app import rows_site
    from cluster.review.opening import open_desk
    from cluster.review.picking import picked_rows

    if pool:
        return rows_site(*open_desk(store, open_queue(store), lease))
    if file is None:
        return rows_site(*open_desk(store, open_lot(store), lease))
    picked, left_out = picked_rows(store, file)
    if left_out:
        typer.echo(f"{left_out} rows of {file} are in the sample of the open lot and are left to it")
    return rows_site(*open_desk(store, picked, lease))


@review.command()
def written(folder: RunFolder, as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """What came of `review --write`: time per row, how many rows fool the student, how many of them are validated."""
    import json

    from cluster.review.writing.written import lines_of, read_written, render
    from cluster.run import Run

    lines = lines_of(read_written(Run.open(folder).store))
    typer.echo(json.dumps([vars(line) | {"vmer": line.vmer} for line in lines], indent=2) if as_json else render(lines))


@review.command()
def export(
    folder: RunFolder,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="a new file: .json or .csv")],
    format: Annotated[str, typer.Option("--format", metavar="NAME", help="label-studio or csv")] = "label-studio",
) -> None:
    """Write the lot's sample for Label Studio or a spreadsheet."""
    from cluster.review.transfer import export_lot
    from cluster.run import Run

    for path in export_lot(Run.open(folder).store, format, out):
        typer.echo(path)


@review.command("import")
def import_(
    folder: RunFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Label Studio's .json, or a .csv of `review export`")],
    who: Annotated[
        str, typer.Option("--by", metavar="NAME", help="whose answers, where the file does not say")
    ] = "import",
) -> None:
    """Commit the answers in a file, as the page does."""
    from cluster.review.transfer import import_file
    from cluster.run import Run

    for name, count in sorted(import_file(Run.open(folder).store, file, who).items()):
        typer.echo(f"{name:<14} {count}")
