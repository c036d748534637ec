"""The commands that take a user's own Parquet: predict, filter, dedup. Heavy imports come after the arguments parse."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from generation.errors import UserError

AllowCodeOption = Annotated[bool, typer.Option("--allow-code", help="run the filters in denoise.filters.code")]


def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="a run, or a student that was exported")],
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="texts: .json, .jsonl, .csv or .parquet; folders of the last")
    ],
    out: Annotated[
        str | None, typer.Option("--out", help="write .jsonl, .csv or .parquet, or a folder of Parquet, any size")
    ] = None,
    text: Annotated[str, typer.Option(help="column of the texts; into a folder")] = "text",
    prefix: Annotated[str, typer.Option(help="before the names of added columns; into a folder")] = "",
    runtime: Annotated[str, typer.Option(help="torch, onnx, int8 or auto; into a folder")] = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="by default as many as cores; into a folder")] = None,
    skip_corrupt: Annotated[bool, typer.Option("--skip-corrupt", help="count corrupt parts and go on")] = False,
) -> None:
    """Label texts with a student: prints JSONL, or writes a file, or a folder of Parquet through Ray Data."""
    from cluster.predicting import predict_file, predict_folder
    from cluster.tables import check_suffix, print_jsonl, write_table

    if out is None or Path(out).suffix:
        if out is not None:
            check_suffix(Path(out))
        if len(files) > 1 or Path(files[0]).is_dir():
            raise UserError(f"predict: several files, or a folder of them, need --out FOLDER; got {' '.join(files)}")
        for option, given in {
            "--text": text != "text",
            "--prefix": prefix,
            "--runtime": runtime != "auto",
            "--workers": workers,
            "--skip-corrupt": skip_corrupt,
        }.items():
            if given:
                raise UserError(f"{option}: needs --out FOLDER; got {out or 'none'}")
        table = predict_file(model, Path(files[0]))
        if out is None:
            print_jsonl(table)
        else:
            write_table(table, Path(out))
        return
    summary = predict_folder(
        model,
        files,
        out,
        text=text,
        prefix=prefix,
        runtime=runtime,
        workers=workers,
        skip_corrupt=skip_corrupt,
        told=_parts_told,
    )
    print_pairs({name: _cell(value) for name, value in vars(summary).items()})


def filter_(
    places: Annotated[list[str], typer.Argument(metavar="IN...", help="Parquet files, folders of them, or URIs")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="folder to make: kept/, decisions/ and summary.json")],
    text: Annotated[str, typer.Option("--text", metavar="COLUMN", help="column of texts")] = "text",
    label: Annotated[
        str | None, typer.Option("--label", metavar="COLUMN", help="column of labels; default label, if there")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="a task, or the settings of its denoise: alone")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="this filter; may be repeated")
    ] = None,
    allow_code: AllowCodeOption = False,
    skip_corrupt: Annotated[bool, typer.Option("--skip-corrupt", help="leave parts out that cannot be read")] = False,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="slices at once; default one a core")] = None,
) -> None:
    """Drop rows of any Parquet by the filters of denoising, and say why each went."""
    from cluster.filter import FilterCommand, filter_parquet
    from cluster.filter_summary import render_summary

    asked = FilterCommand(tuple(places), out, text, label, config, tuple(only or ()), allow_code, skip_corrupt, workers)
    typer.echo(render_summary(filter_parquet(asked)))


def dedup(
    inputs: Annotated[list[str], typer.Argument(metavar="IN...", help="Parquet files, folders of them, or their URIs")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="a new or empty folder, or a URI")],
    text: Annotated[str, typer.Option("--text", metavar="COLUMN")] = "text",
    label: Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="default: label, if it exists")] = None,
    id: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="default: id, else ids are made")] = None,
    prefer: Annotated[
        str | None, typer.Option("--prefer", metavar="COLUMN", help="a number: of duplicates the highest stays")
    ] = None,
    against: Annotated[str | None, typer.Option("--against", metavar="INDEX", help="an earlier OUT/index")] = None,
    index_out: Annotated[str | None, typer.Option("--index-out", metavar="INDEX", help="default: OUT/index")] = None,
    threshold: Annotated[float, typer.Option("--threshold", help="Jaccard similarity of duplicates")] = 0.65,
    shingle: Annotated[str, typer.Option("--shingle", help="words, or characters")] = "words",
    ngram: Annotated[int, typer.Option("--ngram", help="runs of 1 to N words, or of N characters")] = 1,
    explain: Annotated[bool, typer.Option("--explain", help="measure how many duplicates are found")] = False,
    skip_corrupt: Annotated[bool, typer.Option("--skip-corrupt", help="count parts that cannot be read")] = False,
    pair_memory: Annotated[
        float, typer.Option("--pair-memory", metavar="GB", min=0, help="deciding needs more: workers share it out")
    ] = 4,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="processes; default: one a CPU")] = None,
    address: Annotated[str | None, typer.Option("--address", metavar="URL", help="join this Ray cluster")] = None,
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the summary there too")] = None,
) -> None:
    """Remove exact and near duplicates from Parquet files; OUT gets kept/, decisions/, index/ and summary.json."""
    from cluster.dedup import Wishes, plan, render, run
    from cluster.tables import check_folder_of
    from denoise.dedup.settings import DedupSettings

    if json_ is not None:
        check_folder_of(json_)
    settings = DedupSettings(shingle, ngram, threshold)  # type: ignore[arg-type]
    most = int(pair_memory * 1e9)
    wishes = Wishes(inputs, out, text, label, id, prefer, against, index_out, settings, skip_corrupt, explain, most)
    summary = run(plan(wishes), workers, address, lambda stage: typer.echo(f"labelmill: {stage}", err=True))
    if json_ is not None:
        json_.write_text(json.dumps(summary, indent=2) + "\n")
    typer.echo(render(summary))


def print_pairs(values: dict[str, Any]) -> None:
    """One line each, in columns."""
    width = max(map(len, values))
    for key, value in values.items():
        typer.echo(f"{key.replace('_', ' '):<{width}}  {'none' if value is None else value}")


def _cell(value: Any) -> Any:
    """Counts by name on one line, most first."""
    if not isinstance(value, dict):
        return f"{value:.3f}" if isinstance(value, float) else value
    pairs = sorted(value.items(), key=lambda pair: -pair[1] if isinstance(pair[1], int) else 0)
    return ", ".join(f"{name} {count}" for name, count in pairs[:20]) + (" ..." if len(pairs) > 20 else "") or None


def _parts_told(done: int, of: int, rows: int) -> None:
    """A line that replaces itself, on a terminal; elsewhere the last one."""
    if sys.stderr.isatty() or done == of:
        end = "\n" if done == of else "\r"
        print(f"labelmill: {done} of {of} parts, {rows} rows", end=end, file=sys.stderr, flush=True)
