"""Deciding who stands among duplicates, in the driver or in parts: seconds and memory on graphs of a known shape.

    python benchmarks/components.py --texts 5000000 --edges 20000000 --repeat 2

The graphs: `groups` of ten texts each, `giant` (edges between any two texts), `path` (a chain through all texts in
random order, the worst case for stars: texts - 1 edges). 25 bands find them as Ray objects, a quarter of the edges
twice. Both forms take turns, each in a process and a Ray of its own with `--workers` processes; seconds are those of
deciding alone, CPU seconds those of the driver, its workers and Ray. Memory is private memory at its largest, sampled:
the driver's beyond what it held before, decisions included, and that of the largest worker. Shared memory is bounded by
`--store`; beyond, Ray moves objects to disk. Where the decisions of the two forms are not equal, the benchmark fails.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import pyarrow as pa
import typer

from denoise.dedup.compare import Found
from denoise.dedup.deciding import array_bytes, decide_rows
from denoise.dedup.places import OnRay
from denoise.dedup.roster import Roster
from denoise.dedup.settings import BANDS

SHAPES = ("groups", "giant", "path")
FORMS = {"driver": 1 << 60, "parts": 0}  # and the memory that deciding may take
GROUP = 10
HEAD = "| graph | form | edges | parts' passes | seconds | CPU seconds | driver MB | largest worker MB |"
LINE = "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"


@dataclass(frozen=True)
class Turn:
    """One form on one graph."""

    shape: str
    form: str
    edges: int
    passes: int | None
    seconds: float
    cpu_seconds: float
    driver_megabytes: float
    worker_megabytes: float
    digest: str


@dataclass
class Memory:
    """Private bytes of this process and of the largest below it, at their largest, sampled until `stop`."""

    stop: threading.Event = field(default_factory=threading.Event)
    own: int = 0
    largest: int = 0

    def watch(self) -> None:
        me = psutil.Process()
        while not self.stop.wait(0.05):
            self.own = max(self.own, private(me.pid))
            below = [private(each.pid) for each in me.children(recursive=True) if "ray::" in " ".join(_words(each))]
            self.largest = max([self.largest, *below])


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def private(pid: int) -> int:
    """Bytes of a process's memory that no file and no other process shares; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def cpu_seconds() -> float:
    """What this process and all below it have used so far."""
    me = psutil.Process()
    return sum(sum(each.cpu_times()[:4]) for each in [me, *me.children(recursive=True)] if each.is_running())


def main(
    texts: Annotated[int, typer.Option(min=2)] = 5_000_000,
    edges: Annotated[int, typer.Option(min=1)] = 20_000_000,
    shape: Annotated[list[str] | None, typer.Option(help="may be repeated; default all")] = None,
    workers: Annotated[int, typer.Option(min=1)] = 2,
    store: Annotated[float, typer.Option(help="GB of shared memory")] = 2.0,
    repeat: Annotated[int, typer.Option(min=1)] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="every turn")] = None,
    turn: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Let the forms take turns, print a Markdown table."""
    if turn is not None:
        form, only = turn.split()
        print(json.dumps(asdict(take_turn(only, form, texts, edges, workers, store))))
        return
    turns = []
    for _ in range(repeat):
        for each in shape or SHAPES:
            for form in FORMS:
                options = ["--texts", texts, "--edges", edges, "--workers", workers, "--store", store]
                command = [sys.executable, __file__, *map(str, options), "--turn", f"{form} {each}"]
                said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
                turns.append(Turn(**json.loads(said.splitlines()[-1])))
                if json_file:
                    json_file.write_text(json.dumps([asdict(made) for made in turns]) + "\n")
    print("\n".join([HEAD, LINE, *table(turns)]))


def table(turns: list[Turn]) -> list[str]:
    """A line for each graph and form; fails where forms differ."""
    lines = []
    for shape in dict.fromkeys(each.shape for each in turns):
        if len({each.digest for each in turns if each.shape == shape}) > 1:
            raise SystemExit(f"{shape}: the forms decide differently")
        for form in FORMS:
            mine = [each for each in turns if (each.shape, each.form) == (shape, form)]
            seconds = statistics.median(each.seconds for each in mine)
            cpu = statistics.median(each.cpu_seconds for each in mine)
            sizes = (max(each.driver_megabytes for each in mine), max(each.worker_megabytes for each in mine))
            passes = "" if mine[0].passes is None else mine[0].passes
            shown = " | ".join(f"{size:,.0f}" for size in sizes)
            lines.append(f"| {shape} | {form} | {mine[0].edges:,} | {passes} | {seconds:.1f} | {cpu:.1f} | {shown} |")
    return lines


def take_turn(shape: str, form: str, texts: int, edges: int, workers: int, store: float) -> Turn:
    """Find the graph's edges, and measure how they are decided on."""
    import ray

    ray.init(
        "local", num_cpus=workers, object_store_memory=int(store * 1e9), include_dashboard=False, log_to_driver=False
    )
    place = OnRay()
    small = [place.call(find, 1, "groups", 1000, 4000, band)[0] for band in range(BANDS)]
    decide_rows(place, roster_of(1000), small, 5000, FORMS[form])  # loads all kernels
    bands = [place.call(find, 1, shape, texts, edges, band)[0] for band in range(BANDS)]
    found = sum(ray.get([ray.remote(count).remote(band) for band in bands]))
    roster = roster_of(texts)
    before, memory = private(psutil.Process().pid), Memory()
    watching = threading.Thread(target=memory.watch)
    watching.start()
    began, used = time.monotonic(), cpu_seconds()
    decided = decide_rows(place, roster, bands, found, FORMS[form])
    seconds, cpu = time.monotonic() - began, cpu_seconds() - used
    memory.stop.set()
    watching.join()
    digest = hashlib.sha256()
    for each in vars(decided.decisions).values():
        digest.update(np.asarray(each).tobytes())
    sizes = (memory.own - before) / 1e6, memory.largest / 1e6
    print(f"{shape} {form}: {seconds:.1f} s, by estimate {array_bytes(found, texts) / 1e6:.0f} MB", file=sys.stderr)
    return Turn(shape, form, decided.edges, decided.passes, seconds, cpu, *sizes, digest.hexdigest())


def roster_of(texts: int) -> Roster:
    """A row for each text, no two of one label."""
    ranks = np.arange(texts)
    hashes = np.zeros((texts, 2), np.uint64)
    keys = ranks.astype(np.uint64)
    return Roster(pa.array(ranks), keys, ranks, hashes, keys, ranks, ranks, 0)


def count(found: Found) -> int:
    """Pairs that a band found."""
    return len(found.pairs)


def find(shape: str, texts: int, edges: int, band: int) -> list[Found]:
    """A band's share of a graph, and a quarter of the next band's."""
    own, next_one = (pairs_of(shape, texts, edges, number % BANDS) for number in (band, band + 1))
    pairs = np.concatenate([own, next_one[: len(next_one) // 4]])
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    similar = ((pairs.sum(axis=1) % 35 + 65) / 100).astype(np.float32)
    return [Found(pairs, similar, len(pairs), 0)]


def pairs_of(shape: str, texts: int, edges: int, band: int) -> np.ndarray:
    """Edges of a graph, int64 [m, 2], the same whenever it is asked."""
    rng = np.random.default_rng(band)
    if shape == "path":
        order = np.random.default_rng(BANDS).permutation(texts)
        place = np.arange(band, texts - 1, BANDS)
        return np.column_stack([order[place], order[place + 1]])
    pairs = rng.integers(0, texts, (edges // BANDS, 2))
    if shape == "groups":  # of texts that lie far apart
        groups = -(-texts // GROUP)
        pairs[:, 1] = np.minimum(pairs[:, 0] % groups + pairs[:, 1] % GROUP * groups, texts - 1)
    return pairs


if __name__ == "__main__":
    typer.run(main)
