"""Writing by Ray tasks: kept rows, decisions and the index, in a fixed number of parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from denoise.dedup.comparing import Spans
from denoise.dedup.index import Index, copy_parts, id_kind, index_table
from denoise.dedup.parts import PARTS, join_rows, part_name, part_of, split_rows, write_table
from denoise.dedup.places import RETRIES
from denoise.dedup.roster import Roster
from denoise.dedup.verdict import Decisions, decisions_table
from generation.chunks import Chunk
from generation.errors import Fault
from generation.location import Location, address_of, locate

if TYPE_CHECKING:
    from ray import ObjectRef

    from denoise.dedup.job import Task


@dataclass(frozen=True)
class Outcome:
    """What was decided on the rows of a roster; `old_clusters` are the clusters that its old rows lie in."""

    roster: Roster
    decisions: Decisions
    old_clusters: pa.Array

    @cached_property
    def clusters(self) -> pa.Array:
        """The id that a cluster goes by, by the rank of its first row: an old row's own cluster lives on."""
        return pa.concat_arrays([self.old_clusters, self.roster.ids[self.roster.old :]])

    @cached_property
    def keep(self) -> np.ndarray:
        """Which new rows are kept, bool by rank."""
        keep = self.decisions.survivor == np.arange(len(self.roster))
        keep[: self.roster.old] = False
        return keep

    @cached_property
    def parts(self) -> list[np.ndarray]:
        """The ranks of the new rows of each part, by the hash of their ids."""
        ranks = np.arange(self.roster.old, len(self.roster))
        ranks = ranks[np.argsort(self.roster.keys[ranks], kind="stable")]
        ends = np.searchsorted(part_of(self.roster.keys[ranks]), np.arange(PARTS + 1))
        return [ranks[begin:end] for begin, end in itertools.pairwise(ends)]


def write_rows(task: Task, chunks: Sequence[Chunk], outcome: Outcome) -> None:
    """Write `kept` and `decisions`."""
    _drain([*_write_decisions(task, outcome), *_write_kept(task, chunks, outcome)])


def _write_decisions(task: Task, outcome: Outcome) -> Iterator[ObjectRef]:
    for part, ranks in enumerate(outcome.parts):
        table = decisions_table(outcome.roster, outcome.decisions, outcome.clusters, ranks)
        yield _remote(_write).remote(_part(task.out / "decisions", part), _with_ids(table, task.id_type), ["reason"])


def _write_kept(task: Task, chunks: Sequence[Chunk], outcome: Outcome) -> Iterator[ObjectRef]:
    """Each chunk is read once more and split, each part joined from the pieces of all chunks."""
    roster, made = outcome.roster, task.columns.id is None
    order = np.argsort(roster.row[roster.old :]) + roster.old  # ranks of the new rows as they were read
    ends = np.append(0, np.cumsum([chunk.rows for chunk in chunks]))
    pieces = []
    for chunk, begin, end in zip(chunks, ends[:-1], ends[1:], strict=True):
        ranks = order[begin:end]
        ids = roster.ids.take(pa.array(ranks)).cast(pa.string()) if made else None
        split = _remote(_split, num_returns=PARTS)
        pieces.append(split.remote(chunk, outcome.keep[ranks], roster.keys[ranks], ids))
    for part in range(PARTS):
        yield _remote(_join).remote(_part(task.out / "kept", part), *(each[part] for each in pieces))


def write_index_parts(task: Task, index: Index | None, outcome: Outcome, spans: Spans) -> Index:
    """Write the parts of the grown index, which is then to be committed: old ones as they are, and a new generation."""
    generation = index.generation if index else 0
    if index and task.against and task.against != task.index_out:
        copy_parts(task.against, index.parts, task.index_out)
    jobs = []
    roster = outcome.roster
    for part, ranks in enumerate(outcome.parts):
        ranks = ranks[outcome.keep[ranks]]
        light = pa.table(
            {
                "id": roster.ids.take(pa.array(ranks)),
                "key": roster.keys[ranks],
                "text_hash": roster.hashes[ranks, 0],
                "text_more": roster.hashes[ranks, 1],
                "label_hash": roster.labels[ranks],
                "cluster_id": outcome.clusters.take(pa.array(outcome.decisions.cluster[ranks])),
            }
        )
        light = _with_ids(light, task.id_type)
        place = _part(task.index_out, part, generation)
        jobs.append(_remote(_write_part).remote(place, light, roster.text[ranks], [spans]))
    _drain(jobs)
    new = tuple(part_name(part, generation) for part in range(PARTS))
    rows = (index.rows if index else 0) + int(outcome.keep.sum())
    labelled = task.columns.label is not None
    parts = (*(index.parts if index else ()), *new)
    return Index(task.settings.identity(), labelled, id_kind(task.id_type), rows, parts)


def _part(folder: Location, part: int, generation: int = 0) -> str:
    return address_of(folder / part_name(part, generation))


def _with_ids(table: pa.Table, kind: pa.DataType) -> pa.Table:
    """The columns of ids in the type that the user's have."""
    for place, name in enumerate(table.column_names):
        if name == "id" or name.endswith("_id"):
            table = table.set_column(place, name, table[name].cast(kind))
    return table


def _split(chunk: Chunk, keep: np.ndarray, keys: np.ndarray, ids: pa.Array | None) -> list[pa.Table]:
    rows = chunk.read(None)
    if rows.num_rows != len(keep):
        raise Fault(f"{chunk.file}: changed while it was read")
    if ids is not None:
        rows = rows.add_column(0, "id", ids)
    return split_rows(rows, keep, keys)


def _join(place: str, *pieces: pa.Table) -> int:
    return write_table(locate(place), join_rows(pieces))


def _write(place: str, table: pa.Table, dictionary: Sequence[str]) -> int:
    return write_table(locate(place), table, dictionary)


def _write_part(place: str, light: pa.Table, texts: np.ndarray, spans: list[Spans]) -> int:
    return write_table(locate(place), index_table(light, spans[0].take(texts)), ())


def _remote(function: Any, **options: Any) -> Any:
    import ray

    return ray.remote(function).options(num_cpus=1, max_retries=RETRIES, **options)


def _drain(jobs: Sequence[ObjectRef]) -> None:
    import ray

    ray.get(list(jobs))
