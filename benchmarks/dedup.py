"""How fast is `labelmill dedup`, and how much does it find, beside what else there is?

    python benchmarks/dedup.py --rows 200000 --repeat 3
    python benchmarks/dedup.py --corpus c200k --corpus c1m --peer labelmill --peer rensa --json dedup.json

Every tool gets the same Parquet folder and writes the rows that it keeps, in a process of its own and in an environment
that is made for it beneath `--venvs`; one that does not install is shown with the reason. Tools take turns. Seconds are
those of the whole command, its start and Parquet in and out included; memory is the sum of the processes' proportional
sets, with shared memory. How much else the machine did meanwhile is told at the end: beside other work seconds mean
little. Recall and precision are those of pairs of planted copies, by the clusters that a tool forms.

A corpus is a folder of Parquet parts (`id`, `text`, `label`) with FOLDER_truth.parquet (`id`, `group`) beside it;
`--rows` makes one of so many rows (deduplicators/corpus.py).
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import typer
from deduplicators.corpus import make_corpus, truth_of
from deduplicators.peer import Setting
from deduplicators.score import Score, score, score_kept
from deduplicators.venvs import NotInstalled, python_of, reason_of
from deduplicators.watch import Limits, watch

ROOT = Path(__file__).parents[1]
WORK = ROOT / "runs" / "dedup"
PEERS = (
    "labelmill",
    "polars",
    "duckdb",
    "datatrove",
    "text_dedup",
    "data_juicer",
    "datasketch",
    "rensa",
    "gaoya",
)
HEAD = "| | rows | rows/s | seconds | CPU-s | peak MB | pair recall | precision | removed |"
LINE = "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"


@dataclass(frozen=True)
class Turn:
    """One tool's turn on one corpus; `error` instead of all but the first two."""

    contender: str
    rows: int
    error: str | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_megabytes: float = 0.0
    start_seconds: float = 0.0
    others: float = 0.0
    found: Score | None = None


@dataclass(frozen=True)
class Contender:
    """A tool under one of its settings."""

    name: str
    module: str
    setting: Setting | None


def main(
    rows: Annotated[list[int] | None, typer.Option(min=100, help="size of a corpus to make")] = None,
    corpus: Annotated[list[Path] | None, typer.Option(exists=True, file_okay=False, help="one that is there")] = None,
    peer: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(PEERS)}; or a line of the table")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="turns of each; the table has medians")] = 1,
    limit: Annotated[float, typer.Option(min=1, help="seconds that a turn may take")] = 900,
    memory: Annotated[float, typer.Option(min=0.1, help="GB that a turn may take")] = 8,
    venvs: Annotated[Path, typer.Option(help="where environments are made")] = WORK / "venvs",
    json_file: Annotated[Path | None, typer.Option("--json", help="every turn")] = None,
) -> None:
    """Let them take turns, print a Markdown table."""
    contenders = [each for name in peer or PEERS for each in contenders_of(name)]
    turns: list[Turn] = []
    for folder in corpora(rows or ([] if corpus else [200_000]), corpus or []):
        out_of_it: set[str] = set()
        for number in range(repeat):
            for contender in contenders:
                if contender.name in out_of_it:
                    continue
                turns.append(take_turn(contender, folder, venvs, Limits(limit, memory * 1e9)))
                told = turns[-1].error or f"{turns[-1].seconds:.1f} s"
                print(f"{folder.name}, turn {number}, {contender.name}: {told}", file=sys.stderr, flush=True)
                if turns[-1].error:
                    out_of_it.add(contender.name)
    print("\n".join([HEAD, LINE, *lines(turns)]))
    if others := [turn.others for turn in turns if turn.error is None]:
        shares = f"{100 * statistics.median(others):.0f} % (median) to {100 * max(others):.0f} %"
        print(f"\nOther work took {shares} of the machine's time meanwhile.")
    if json_file:
        json_file.write_text(json.dumps([asdict(each) for each in turns], default=float) + "\n")


def contenders_of(wanted: str) -> list[Contender]:
    """A tool, once for each of its settings, or the line of the table that is called so."""
    tool = wanted.split(";")[0]
    if tool in PEERS:
        lines = importlib.import_module(f"deduplicators.{tool}").PEER.contenders(tool)
        if found := [Contender(title, tool, setting) for title, setting in lines if wanted in (tool, title)]:
            return found
    raise typer.BadParameter(f"must be one of {', '.join(PEERS)}, or a line of the table; got {wanted}")


def corpora(rows: Iterable[int], given: Iterable[Path]) -> Iterator[Path]:
    """Folders, the given ones first."""
    for folder in given:
        if not truth_of(folder).is_file():
            raise typer.BadParameter(f"{truth_of(folder)} must be beside it", param_hint="--corpus")
        yield folder.resolve()
    for count in rows:
        folder = WORK / f"corpus-{count}"
        make_corpus(folder, count)
        yield folder.resolve()


def take_turn(contender: Contender, corpus: Path, venvs: Path, limits: Limits) -> Turn:
    """Run one, and see what it found."""
    module = importlib.import_module(f"deduplicators.{contender.module}")
    truth = pq.read_table(truth_of(corpus), columns=["id", "group"])
    try:
        python = python_of(module.PEER, contender.module, venvs.resolve())
    except NotInstalled as problem:
        return Turn(contender.name, truth.num_rows, f"not installed: {problem}")
    with tempfile.TemporaryDirectory(prefix="labelmill-dedup-") as folder:
        out, words = Path(folder), Path(folder) / "words.txt"
        command = command_of(contender, module, python, corpus, out)
        environment = {"PYTHONPATH": str(ROOT if module.PEER.is_ours else ROOT / "benchmarks")}
        seen = watch(command, words, limits, environment | getattr(module, "ENVIRONMENT", {}), out)
        if seen.code is None:
            return Turn(contender.name, truth.num_rows, limits.broken_by(seen))
        if seen.code:
            return Turn(contender.name, truth.num_rows, reason_of(words.read_text(errors="replace")))
        start = module.start_seconds(out) if module.PEER.is_ours else 0.0
        found = found_in(out, module, truth)
    used = seen.seconds, seen.cpu_seconds, seen.peak_bytes / 1e6, start, seen.others
    return Turn(contender.name, truth.num_rows, None, *used, found)


def command_of(contender: Contender, module: Any, python: Path, corpus: Path, out: Path) -> list[str]:
    """Tools are called through deduplicators/run.py, this project by its command."""
    if module.PEER.is_ours:
        return list(module.command(corpus, out))
    setting = json.dumps(contender.setting.as_dict() if contender.setting else None)
    return [str(python), "-m", "deduplicators.run", contender.module, str(corpus), str(out), setting]


def found_in(out: Path, module: Any, truth: Any) -> Score:
    """From the clusters, or where there are none from the rows that stayed."""
    if hasattr(module, "clusters"):
        return score(truth, module.clusters(out))
    if (out / "clusters.parquet").is_file():
        return score(truth, pq.read_table(out / "clusters.parquet"))
    return score_kept(truth, pq.read_metadata(out / "kept.parquet").num_rows)


def lines(turns: Iterable[Turn]) -> Iterator[str]:
    """A line for each contender and size."""
    grouped: dict[tuple[int, str], list[Turn]] = {}
    for turn in turns:
        grouped.setdefault((turn.rows, turn.contender), []).append(turn)
    for (rows, name), mine in grouped.items():
        good = [turn for turn in mine if turn.error is None]
        if not good:
            yield f"| {name} | {rows:,} | {mine[0].error} | | | | | | |"
            continue
        yield f"| {name} | {rows:,} | {cells_of(rows, good)} |"
        if any(turn.start_seconds for turn in good):
            started = [replace(turn, seconds=turn.seconds - turn.start_seconds) for turn in good]
            yield f"| {name}, Ray started | {rows:,} | {cells_of(rows, started)} |"


def cells_of(rows: int, turns: list[Turn]) -> str:
    """Medians; what was found is the same in all turns of a tool that repeats itself, and else that of the last."""
    seconds = statistics.median(turn.seconds for turn in turns)
    cells = [f"{rows / seconds:,.0f}", f"{seconds:.1f}", f"{statistics.median(each.cpu_seconds for each in turns):.1f}"]
    cells += [f"{statistics.median(turn.peak_megabytes for turn in turns):,.0f}", *shown(turns[-1].found)]
    return " | ".join(cells)


def shown(found: Score | None) -> list[str]:
    assert found is not None
    quality = [f"{each:.3f}" if each is not None else "" for each in (found.recall, found.precision)]
    return [*quality, f"{found.removed:,} of {found.removable:,}"]


if __name__ == "__main__":
    typer.run(main)
