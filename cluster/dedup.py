"""The `dedup` command: checks what is asked for, starts Ray, deduplicates, writes the summary."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from pyarrow import fs

from cluster.config import RuntimeSettings
from cluster.session import ray_session
from cluster.shared import prove_seen
from denoise.dedup.columns import choose_columns
from denoise.dedup.job import Task, deduplicate
from denoise.dedup.settings import PAIR_MEMORY, DedupSettings
from generation.chunks import cut
from generation.errors import UserError
from generation.folders import in_the_way
from generation.location import Location, filesystem_of, locate, path_of
from generation.parts import write_bytes
from generation.pieces import find_pieces

_MEGABYTE = 1 << 20
_UNPACKED, _ROW = 4, 200  # bytes in shared memory for each byte of a file, and for each row
_STORE = 256 * _MEGABYTE, 1536 * _MEGABYTE  # least and most shared memory; beyond, Ray spills to disk


@dataclass(frozen=True)
class Wishes:
    """The command line."""

    inputs: Sequence[str]
    out: str
    text: str = "text"
    label: str | None = None
    id: str | None = None
    prefer: str | None = None
    against: str | None = None
    index_out: str | None = None
    settings: DedupSettings = field(default_factory=DedupSettings)
    skip_corrupt: bool = False
    explain: bool = False
    pair_memory: int = PAIR_MEMORY


def plan(wishes: Wishes) -> Task:
    """The task, checked: nothing has been written. Raises UserError."""
    out = locate(wishes.out)
    if held := in_the_way(out):
        raise UserError(f"{wishes.out}: must be a new or an empty folder; {held}")
    source = find_pieces(wishes.inputs, [wishes.text], wishes.skip_corrupt)
    columns = choose_columns(source.schema, wishes.text, wishes.label, wishes.id, wishes.prefer)
    against = locate(wishes.against) if wishes.against is not None else None
    index_out = locate(wishes.index_out) if wishes.index_out is not None else out / "index"
    if index_out != against and (held := in_the_way(index_out)):
        raise UserError(f"--index-out: {index_out} must be new, empty, or the index of --against; {held}")
    return Task(
        tuple(cut(source.pieces)),
        source.schema,
        columns,
        wishes.settings,
        out,
        index_out,
        against,
        tuple(source.skipped),
        wishes.skip_corrupt,
        wishes.explain,
        wishes.pair_memory,
    )


def run(task: Task, workers: int | None, address: str | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Deduplicate with `workers` processes of this machine (None: one a CPU), or on the cluster at `address`.

    Returns what summary.json holds, which is written last. What was written before a failure is taken away again.
    """
    local: dict[str, Any] = {"object_store_memory": store_bytes(task), "num_cpus": workers or os.cpu_count() or 1}
    began = time.monotonic()
    compiling = threading.Thread(target=_compile, daemon=True)  # while Ray starts, for all workers to come
    compiling.start()
    # Ray ends first: a task that is still at work would write a part after all were taken away
    with _nothing_half_written(task), ray_session(RuntimeSettings(address=address), **local):
        if address:
            prove_seen(task.out)
        compiling.join()
        started = time.monotonic() - began
        summary = deduplicate(task, say)
        summary.seconds = {"start": round(started, 2), **summary.seconds}
        shown = asdict(summary)
        write_bytes(filesystem_of(task.out), path_of(task.out / "summary.json"), json.dumps(shown, indent=2).encode())
    return shown


def store_bytes(task: Task) -> int:
    """Shared memory to ask for: sketches and shingles, then the rows on their way to their parts."""
    rows = sum(chunk.rows for chunk in task.chunks)
    places = map(locate, sorted({chunk.file for chunk in task.chunks}))
    size = sum(filesystem_of(place).get_file_info(path_of(place)).size for place in places)
    return min(max(_STORE[0], _UNPACKED * size + _ROW * rows), _STORE[1])


def _compile() -> None:
    """Compile all kernels, or load them: numba keeps them in the user's cache."""
    from denoise.dedup.rehearsal import rehearse

    rehearse()


@contextmanager
def _nothing_half_written(task: Task) -> Any:
    try:
        yield
    except BaseException:
        for name in ("kept", "decisions", "index"):
            _remove(task.out / name)
        if task.index_out != task.against:  # it was empty; that of --against holds the old index
            _remove_index(task.index_out)
        raise


def _remove_index(place: Location) -> None:
    """The files of an index, and nothing else that lies there; first `_index.json`, by which the parts count."""
    filesystem = filesystem_of(place)
    held = filesystem.get_file_info(fs.FileSelector(path_of(place), allow_not_found=True))
    for info in sorted(held, key=lambda each: each.base_name):
        if info.base_name.startswith(("_index.json", "part-")):
            filesystem.delete_file(info.path)


def _remove(place: Location) -> None:
    filesystem = filesystem_of(place)
    if filesystem.get_file_info(path_of(place)).type == fs.FileType.Directory:
        filesystem.delete_dir(path_of(place))


def render(summary: dict[str, Any]) -> str:
    """A summary for the screen."""
    rows, old, at_odds = summary["rows"], summary["old_rows"], summary["label_conflicts"]
    lines = [
        f"rows              {rows:,}" + (f" against {old:,} in the index" if old else ""),
        f"kept              {summary['kept']:,}, of these {at_odds:,} at odds with another row's label",
        f"exact duplicates  {summary['exact_duplicates']:,}",
        f"near duplicates   {summary['near_duplicates']:,}",
        f"largest           cluster {summary['largest_cluster']:,}, component {summary['largest_component']:,} rows",
    ]
    if summary["truncated_buckets"]:
        lines.append(f"truncated         {summary['truncated_buckets']:,} crowded buckets")
    lines += [f"corrupt, skipped  {part}" for part in summary["corrupt_parts"]]
    seconds = summary["seconds"]
    shown = ", ".join(f"{stage} {took:.1f}" for stage, took in seconds.items())
    lines.append(f"seconds           {sum(seconds.values()):.1f} ({shown})")
    return "\n".join([*lines, *_render_explanation(summary["explain"])])


def _render_explanation(explained: dict[str, Any] | None) -> list[str]:
    if explained is None:
        return []
    lines = ["", "similarity  compared"]
    lines += [f"      {step}    {share:.3f}" for step, share in explained["curve"].items()]
    lines += ["", "words edited  copies  similar enough  found"]
    for each in explained["planted"]:
        shares = "  ".join("-" if each[name] is None else f"{each[name]:.3f}" for name in ("similar", "compared"))
        lines.append(f"{each['edits']:>12}  {each['copies']:>6}  {shares.replace('  ', '           ')}")
    return lines
