"""`labelmill feed`: real texts come back into a run. Heavy imports come after the arguments parse."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer


def feed(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="a run with a student")],
    files: Annotated[
        list[str], typer.Argument(metavar="POOL...", help="real texts: .parquet, folders of it, .json, .jsonl, .csv")
    ],
    take: Annotated[int | None, typer.Option("--take", min=1, help="rows to pick; default feed.take, 200")] = None,
    people: Annotated[
        int | None, typer.Option("--people", min=0, help="looks that people have; feed.people, 50")
    ] = None,
    text: Annotated[str, typer.Option("--text", metavar="COLUMN", help="column of the texts")] = "text",
    source: Annotated[
        str, typer.Option("--source", metavar="COLUMN", help="of where each is from, if there")
    ] = "source",
    again: Annotated[bool, typer.Option("--again", help="take more of a pool that was fed already")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="drop an unfinished feed of another pool first")] = False,
    task: Annotated[Path | None, typer.Option("--task", help="the run's task file; default as it was")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="change a setting")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="that score; default one a core")] = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="where the run had it")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Pick rows of real texts that are worth a label, have them labelled, and let the sure ones join the run."""
    from cluster.feed.opening import feed_run
    from cluster.feed.pool import Wish
    from cluster.feed.telling import render

    changes = [*(set_ or []), *([f"feed.take={take}"] if take else [])]
    changes += [f"feed.people={people}"] if people is not None else []
    wish = Wish(tuple(files), text, source, again, workers or os.cpu_count() or 1, drop)
    summary = feed_run(folder, wish, task, changes, allow_code, _say)
    typer.echo(json.dumps(summary, indent=2) if as_json else render(summary, folder))


def _say(line: Any) -> None:
    print(f"labelmill: {line}", file=sys.stderr, flush=True)
