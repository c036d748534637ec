"""The commands about people's part of a run. Heavy imports come after the arguments parse."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cluster.cli_attributes import SetOption

Named = Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its task file")]
RunOption = Annotated[str | None, typer.Option("--run", metavar="RUN", help="of a task file; default runs/NAME")]


def budget(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its URI")],
    money: Annotated[float, typer.Option("--money", help="what there is to spend, in any one currency")],
    human: Annotated[float, typer.Option("--human", help="price of a person's look at a row")],
    lm: Annotated[float | None, typer.Option("--lm", help="price of a row by the LM; default as measured")] = None,
    noise: Annotated[float, typer.Option("--noise", help="share of wrong labels to aim at")] = 0.02,
    human_error: Annotated[float, typer.Option("--human-error", help="share of people's labels that is wrong")] = 0.0,
    most: Annotated[int | None, typer.Option("--rows", min=1, help="the most rows that there can be")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="write the rows for people to a .jsonl, .csv or .parquet")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Divide a sum of money between the LM and people (Wang et al. 2021), and say which rows people should see."""
    import json

    from cluster.budgeting import Wanted, advise, check, render
    from cluster.store import Store
    from cluster.tables import check_suffix, write_table

    wanted = Wanted(money, human, lm, noise, human_error, most)
    check(wanted)
    if out is not None:
        check_suffix(out)
    store = Store(folder)
    store.run()
    advice = advise(store, wanted)
    if out is not None:
        write_table(advice.least_sure, out)
    if as_json:
        told = {name: value for name, value in vars(advice).items() if name != "least_sure"}
        told |= {"in_hand": asdict(advice.in_hand), "splits": [asdict(each) for each in advice.splits]}
        typer.echo(json.dumps(told | {"best": advice.best and asdict(advice.best)}, indent=2))
    else:
        typer.echo(render(advice, wanted))


def explain(
    name: Named,
    folder: RunOption = None,
    set_: SetOption = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="rows of the dataset to explain; more may follow")] = 100,
    examples: Annotated[
        Path | None, typer.Option("--examples", metavar="FILE", help="people's own: text, label, explanation")
    ] = None,
    votes: Annotated[
        Path | None, typer.Option("--votes", metavar="FILE", help="take people's votes: id, acceptable, person")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="write all explanations to a .jsonl, .csv or .parquet")
    ] = None,
) -> None:
    """Have the LM say why rows have their labels, and choose what people would accept (Wiegreffe et al. 2022)."""
    import sys

    from cluster.explaining import generate
    from cluster.explanations import agreement, choose, read_explanations, render, store_of, take_votes
    from cluster.review.opening import alone
    from cluster.run import Run
    from cluster.tables import check_suffix, write_table
    from generation.explaining import read_told

    run = Run.named(name, folder, set_ or ())
    job = run.job
    assert job is not None
    if out is not None:
        check_suffix(out)
    told = read_told(examples, job.shown.label_names) if examples else ()
    run.dataset()  # a run without one is told before anything starts
    explained = generate(job, run.store, rows, told, lambda line: print(f"labelmill: {line}", file=sys.stderr))
    if votes is not None:
        with alone(run.store):
            typer.echo(f"{take_votes(run.store, votes)} votes taken")
    from training.encoder import Encoder

    chosen = choose(read_explanations(run.store), Encoder.load(job.encoder_folder).embed)
    if out is not None:
        write_table(chosen.table, out)
    typer.echo(render(chosen, explained, agreement(store_of(run.store))))


def suggest(
    name: Named,
    folder: RunOption = None,
    set_: SetOption = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="rows of each label, before filters")] = 20,
) -> None:
    """Generate rows ahead, as suggestions for people who write (`review RUN --write`)."""
    from cluster.run import Run
    from cluster.suggesting import suggest as generate

    run = Run.named(name, folder, set_ or ())
    run.store.run()  # one that is not there is told before anything starts
    assert run.job is not None
    found = generate(run.job, run.store, rows)
    for label in run.job.shown.label_names:
        typer.echo(f"{label}  {found[label]}")
