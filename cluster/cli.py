"""The command line. Heavy imports happen after the arguments are parsed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cluster.cli_attributes import SetOption, TaskFile, attributes, warn
from cluster.cli_audit import audit
from cluster.cli_diff import diff
from cluster.cli_export import export, export_student
from cluster.cli_feed import feed
from cluster.cli_forget import forget
from cluster.cli_fork import fork
from cluster.cli_parquet import AllowCodeOption, dedup, filter_, predict, print_pairs
from cluster.cli_people import budget, explain, suggest
from cluster.cli_report import report
from cluster.cli_review import review
from cluster.cli_trace import trace
from generation.errors import Fault, UserError, os_reason
from generation.location import near
from generation.threads import PATIENT_THREADS

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A few labelled seeds in, a labelled Parquet dataset and a trained student out.",
)

RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="a run directory, or its URI")]
RunOption = Annotated[
    str | None, typer.Option("--run", metavar="RUN", help="run directory, or a URI such as s3://; default runs/NAME")
]
AddressOption = Annotated[
    str, typer.Option("--address", metavar="URL", help="the cluster's dashboard, http://HEAD:8265")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command()
def run(
    task: TaskFile,
    folder: RunOption = None,
    set_: SetOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="estimate tokens and time, start nothing")] = False,
    allow_code: AllowCodeOption = False,
) -> None:
    """Start a run, or go on with it: the same command, always safe."""
    from cluster.run import Run

    job = Run(task, folder, set_, allow_code)
    if dry_run:
        _print_warnings(job)
        print_pairs(job.estimate())
        return
    job.run(quiet=True)
    typer.echo(_summary(job))


@app.command()
def submit(
    task: TaskFile,
    address: AddressOption,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="absolute path or URI; default ~/runs/NAME there")
    ] = None,
    set_: SetOption = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="follow the job until it ends")] = True,
    ship_code: Annotated[bool, typer.Option("--ship-code", help="run this machine's labelmill there")] = False,
) -> None:
    """Run a task as a job of a Ray cluster, or follow the job that runs it already."""
    from cluster import jobs
    from cluster.job import prepare
    from cluster.submit import plan_submission

    plan = plan_submission(prepare(task, set_), run, set_ or [], ship_code)
    client = jobs.connect(address)
    name, new = jobs.start(client, plan)
    try:
        typer.echo(f"labelmill: job {name} {'submitted' if new else 'is there already'}", err=True)
        if not wait:
            return
        code = jobs.follow(client, name, lambda lines: typer.echo(lines, nl=False))
    except KeyboardInterrupt:
        _leave(f"detached; the same command follows job {name}, `ray job stop {name}` ends it", 130)
    raise typer.Exit(code)


@app.command()
def status(
    folder: Annotated[str | None, typer.Argument(metavar="RUN", help="a run directory")] = None,
    address: Annotated[str | None, typer.Option("--address", metavar="URL", help="look on this cluster")] = None,
    as_json: JsonOption = False,
) -> None:
    """Where a run stands; with --address, one on a cluster, or all jobs there."""
    if address is not None:
        from cluster.jobs import connect, describe

        typer.echo(describe(connect(address), folder, as_json))
        return
    if folder is None:
        raise UserError("status: needs a RUN, or --address for the jobs of a cluster")
    from cluster.run import Run
    from cluster.status import render_status

    state = Run.open(folder).status()
    typer.echo(json.dumps(vars(state), indent=2) if as_json else render_status(state))


@app.command()
def preview(
    task: TaskFile,
    count: Annotated[int, typer.Option("-n", min=1, help="rows per label")] = 5,
    set_: SetOption = None,
) -> None:
    """Show rendered prompts, and rows from a live engine; nothing is kept."""
    from cluster.run import Run
    from generation.forms.base import MALFORMED

    job = Run(task, None, set_)
    _print_warnings(job)
    prompts, rows = job.preview(count)
    listed = rows.to_pylist()
    for label, prompt in prompts.items():
        typer.echo(f"== {label}: prompt ==\n{prompt}\n-- {label}: rows --")
        for row in listed:
            if row["label"] == label:
                asked = ", ".join(value for _, value in row["attributes"])
                cause = {"stop": "", MALFORMED: f"  [{MALFORMED}]"}.get(row["finish_reason"], "  [truncated]")
                typer.echo(f"  {row['text']}" + (f"  [{asked}]" if asked else "") + cause)
        typer.echo("")


app.command()(attributes)
app.command()(report)
app.command()(trace)
app.command()(diff)
app.command()(predict)
app.command()(feed)
app.command()(fork)
app.command()(forget)
app.command()(export)
app.command("export-student")(export_student)
app.command()(budget)
app.command()(suggest)
app.command()(explain)
app.command("filter")(filter_)
app.command()(dedup)
app.add_typer(audit, name="audit")
app.add_typer(review, name="review")


@app.command()
def doctor() -> None:
    """Say what was found on this machine, and what to do about what is missing."""
    from cluster.doctor import examine, exit_code, render

    findings = examine()
    typer.echo(render(findings))
    raise typer.Exit(exit_code(findings))


@app.command()
def init(name: Annotated[Path, typer.Argument(metavar="NAME", help="folder to make")]) -> None:
    """Scaffold a task: a commented task.yaml and a few seeds."""
    from cluster.scaffold import init_task

    for path in init_task(name):
        typer.echo(path)


@app.command()
def methods() -> None:
    """The ways to make texts, for `generation.method`."""
    from generation.methods import METHODS

    for name, method in METHODS.items():
        typer.echo(f"{name:<14} {method.summary}\n{'':<14} {method.paper}; cost: {method.cost}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of task.yaml, for editors."""
    from cluster.scaffold import schema_json

    typer.echo(schema_json())


def main() -> None:
    """Entry point: exit code 2 for what the user can mend, 1 for other faults, 130 when interrupted."""
    for name, value in ({"HF_HUB_OFFLINE": "1"} | PATIENT_THREADS).items():  # models are folders; nothing is fetched
        os.environ.setdefault(name, value)
    try:
        app(standalone_mode=True)
    except UserError as error:
        _leave(str(error), 2)
    except OSError as error:  # a full disk or a file that went away: name it, with no trace
        cause = getattr(error, "cause", None) or error  # one from a Ray task carries the task's trace
        _leave(f"{cause.filename or 'file system'}: {os_reason(cause)}", 2)
    except Fault as error:
        _leave(str(error), 1)
    except _Left:
        raise
    except SystemExit as end:
        if end.code == 130:  # typer makes this of an interrupt, and says nothing
            _leave("interrupted; run the same command to go on", 130)
        raise


class _Left(SystemExit):
    """An exit whose reason has been printed."""


def _leave(message: str, code: int) -> NoReturn:
    print(f"labelmill: {' '.join(message.split())}", file=sys.stderr)
    raise _Left(code)


def _print_warnings(job: Any) -> None:
    for warning in job.warnings:
        warn(warning)


def _program() -> str:
    """How this command was called, so that the next one can be copied."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{sys.executable} -m cluster"
    return called.name if shutil.which(called.name) else near(called)


def _summary(job: Any) -> str:
    """What a finished run leaves the user with."""
    from cluster.promotion import promoted_round
    from training.job import ONE_LABEL

    root, metrics = job.store.root, job.metrics(promoted_round(job.store))
    version = (root / "dataset" / "latest").read_text().strip()
    lines = [
        f"dataset  {root / 'dataset' / version}  ({job.dataset().num_rows} rows)",
        f"student  {job.student}",
        f"report   {root / 'report.html'}",
    ]
    if test := (metrics or {}).get("test"):
        # a text with several labels or spans is seldom all right
        measure = "accuracy" if job.job.kind.name in ONE_LABEL else "micro_f1"
        name, best = max(test["baselines"].items(), key=lambda item: item[1][measure])
        lines.append(
            f"{measure.replace('_f1', '-F1')} on {test['rows']} held-out rows: student {test['student'][measure]:.3f}, "
            f"best seeds-only baseline {best[measure]:.3f} ({name})"
        )
    pool = job.job.config.pool
    texts = near(job.job.path.parent / pool) if pool else "FILE"
    lines.append(f"next     {_program()} predict {shlex.quote(near(root))} {texts}")
    return "\n".join(lines)
