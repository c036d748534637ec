"""`labelmill export` and `export-student`: what is taken away. Heavy imports come after the arguments parse."""

from __future__ import annotations

from typing import Annotated

import typer

RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its URI")]
NewFolder = Annotated[str, typer.Argument(metavar="OUT", help="a new folder")]
AcceptOption = Annotated[
    str | None,
    typer.Option("--accept-licence", metavar='"WHO: WHY"', help="pass it on though a licence is unknown or forbids it"),
]


def export(
    folder: RunFolder,
    out: NewFolder,
    format: Annotated[str, typer.Option("--format", metavar="NAME", help="hf, jsonl or csv")] = "hf",
    split: Annotated[
        str, typer.Option("--split", metavar="SHARES", help="such as 0.8/0.1/0.1: train, validation, test")
    ] = "1",
    seed: Annotated[int, typer.Option("--seed", min=0, help="of the split")] = 0,
    near: Annotated[
        float, typer.Option("--near", help="Jaccard similarity from which two texts stay on one side")
    ] = 0.5,
    version: Annotated[str | None, typer.Option("--version", metavar="NAME", help="such as v001")] = None,
    unreleased: Annotated[bool, typer.Option("--unreleased", help="also what people have not released")] = False,
    accept_licence: AcceptOption = None,
) -> None:
    """Write the dataset to take away: rows, splits that share no near duplicates, a card with where it comes from."""
    from cluster.run import Run

    exported = Run.open(folder).export(out, format, split, seed, near, version, unreleased, accept_licence)
    for name, rows in exported.rows.items():
        typer.echo(f"{name:<10} {rows:,} rows")
    typer.echo(f"families   {exported.families:,}, the largest of {exported.largest:,} rows, none of them divided")
    typer.echo(f"dataset    {out}  ({exported.version})")


def export_student(
    folder: RunFolder,
    out: NewFolder,
    int8: Annotated[bool, typer.Option("--int8/--no-int8", help="with weights of eight bits, too")] = True,
    accept_licence: AcceptOption = None,
) -> None:
    """Write the run's student to take away: weights, tokenizer, ONNX, model card."""
    from cluster.exporting import export_of_run

    for name, parity in export_of_run(folder, out, int8, accept_licence).items():
        same = f"{100 * parity.agreement:.1f} % of {parity.rows} texts get torch's answer"
        typer.echo(f"{name:<5} {same}, probabilities within {parity.largest:.2g}")
    typer.echo(f"student  {out}")
