"""The filters over any folder of Parquet parts, through Ray Data.

Each chunk of the input becomes a part of `kept/` (all columns) and one of `decisions/` (`id`, `status`, `reason`),
named by its place in the input: what is written does not depend on how many workers there were or which ran twice.
"""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from denoise.datasets import quiet
from denoise.filters.base import Filter
from denoise.filters.table import filter_reasons
from denoise.redact import redact
from generation.chunks import CHUNK_ROWS, Chunk, cut
from generation.errors import UserError
from generation.location import Location, filesystem_of, locate, path_of
from generation.parts import write_bytes
from generation.pieces import LEAVES_OUT, Pieces

EXAMPLES = 5  # of each reason
_SHOWN = 200  # characters of an example
_ATTRIBUTES = pa.map_(pa.string(), pa.string())


@dataclass
class Tally:
    """Rows by label and reason (None: kept), and the first examples of each reason as (id, text).

    Of examples, personal data is taken out: a summary is passed around.
    """

    counts: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    examples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """What comes after it in the input."""
        self.counts.update(other.counts)
        for reason, found in other.examples.items():
            mine = self.examples.setdefault(reason, [])
            mine += found[: EXAMPLES - len(mine)]


def short_names(chunks: Sequence[Chunk]) -> dict[str, str]:
    """What tells each file of chunks (one or more) from the others: its path from the folder that they share."""
    paths = {file: path_of(locate(file)) for file in dict.fromkeys(chunk.file for chunk in chunks)}
    root = posixpath.commonpath(map(posixpath.dirname, paths.values()))
    return {file: posixpath.relpath(path, root) for file, path in paths.items()}


def filter_pieces(
    found: Pieces,
    filters: Sequence[Filter],
    text: str,
    label: str | None,
    out: Location,
    workers: int,
    skip_corrupt: bool = False,
    chunk_rows: int = CHUNK_ROWS,
) -> tuple[Tally, list[str]]:
    """Write `kept/` and `decisions/` under `out`; what was counted, and the chunks that could not be read.

    Needs an initialised Ray. Raises UserError for a corrupt part unless `skip_corrupt`, where all parts are, and for
    what a filter of the user's does wrong.
    """
    import ray

    chunks = cut(found.pieces, chunk_rows)
    shared = ray.put((chunks, short_names(chunks), tuple(filters), text, label, out))
    numbers = quiet(ray.data.range(len(chunks), override_num_blocks=len(chunks)))
    pool = ray.data.TaskPoolStrategy(size=min(workers, len(chunks)))
    options: dict[str, Any] = {"batch_format": "pyarrow", "batch_size": None, "compute": pool}
    done = numbers.map_batches(partial(_filter_chunks, shared=shared), **options)
    tallies, corrupt = dict[int, Tally](), dict[int, str]()
    for row in done.iter_rows():
        if row["error"] and not (row["corrupt"] and skip_corrupt):
            raise UserError(row["error"] + (LEAVES_OUT if row["corrupt"] else ""))
        if row["error"]:
            corrupt[row["number"]] = row["error"]
        else:
            tallies[row["number"]] = _read_tally(row["tally"])
    if not tallies:
        raise UserError(f"{corrupt[0]}; and no other part can be read either: there is nothing to filter")
    total = Tally()
    for number in sorted(tallies):
        total.add(tallies[number])
    return total, [corrupt[number] for number in sorted(corrupt)]


def filter_rows(
    rows: pa.Table, filters: Sequence[Filter], ids: pa.Array, text: str, label: str | None
) -> tuple[pa.Table, pa.Table, Tally]:
    """The rows that stay, the decisions on all of them, and what was counted; `ids` are strings."""
    batch = {"text": rows[text].cast(pa.string())}
    if label is not None:
        batch["label"] = rows[label].cast(pa.string())
    if "mean_logprob" in rows.column_names:
        batch["mean_logprob"] = rows["mean_logprob"].cast(pa.float64())
    if "finish_reason" in rows.column_names:
        batch["finish_reason"] = rows["finish_reason"].cast(pa.string())
    if "attributes" in rows.column_names and rows.schema.field("attributes").type == _ATTRIBUTES:
        batch["attributes"] = rows["attributes"]
    seen = pa.table(batch)
    reasons = filter_reasons(seen, filters)
    stays = pc.is_null(reasons)
    decisions = pa.table({"id": ids, "status": pc.if_else(stays, "accepted", "rejected"), "reason": reasons})
    return rows.filter(stays), decisions, _tally(seen, ids, reasons)


def _filter_chunks(batch: pa.Table, shared: Any) -> pa.Table:
    import ray

    chunks, names, filters, text, label, out = ray.get(shared)
    done = [
        {"number": number, **_filter_chunk(number, chunks[number], names, filters, text, label, out)}
        for number in batch["id"].to_pylist()
    ]
    columns = {"number": pa.int64(), "error": pa.string(), "corrupt": pa.bool_(), "tally": pa.string()}
    return pa.Table.from_pylist(done, schema=pa.schema(columns.items()))


def _filter_chunk(
    number: int,
    chunk: Chunk,
    names: Mapping[str, str],
    filters: Sequence[Filter],
    text: str,
    label: str | None,
    out: Location,
) -> dict[str, Any]:
    try:
        rows = chunk.read(strings=[text])
    except UserError as error:
        return {"error": str(error), "corrupt": True}
    try:
        kept, decisions, tally = filter_rows(rows, filters, _ids(rows, names[chunk.file], chunk.first), text, label)
    except UserError as error:
        return {"error": str(error), "corrupt": False}
    for name, table in (("kept", kept), ("decisions", decisions)):
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        place = out / name / f"part-{number:06d}.parquet"
        write_bytes(filesystem_of(place), path_of(place), sink.getvalue())
    return {"corrupt": False, "tally": json.dumps([list(tally.counts.items()), tally.examples])}


def _ids(rows: pa.Table, file: str, first: int) -> pa.Array:
    """The column `id` where there is one, else where a row stands, as in part-0.parquet:17."""
    if "id" in rows.column_names:
        return rows["id"].cast(pa.string()).combine_chunks()
    return pa.array([f"{file}:{first + row}" for row in range(rows.num_rows)], pa.string())


def _tally(seen: pa.Table, ids: pa.Array, reasons: pa.Array) -> Tally:
    labels = seen["label"] if "label" in seen.column_names else pa.nulls(seen.num_rows, pa.string())
    grouped = (
        pa.table({"label": labels, "reason": reasons}).group_by(["label", "reason"]).aggregate([([], "count_all")])
    )
    counts = {(row["label"], row["reason"]): row["count_all"] for row in grouped.to_pylist()}
    examples = {}
    for reason in sorted({reason for _, reason in counts if reason is not None}):
        places = pc.indices_nonzero(pc.fill_null(pc.equal(reasons, reason), False))[:EXAMPLES]
        found = zip(ids.take(places).to_pylist(), seen["text"].take(places).to_pylist(), strict=True)
        examples[reason] = [(id, redact(text or "")[0][:_SHOWN]) for id, text in found]
    return Tally(Counter(counts), examples)


def _read_tally(written: str) -> Tally:
    counts, examples = json.loads(written)
    pairs: Iterator[tuple[Any, int]] = (((label, reason), count) for (label, reason), count in counts)
    return Tally(
        Counter(dict(pairs)), {reason: [(id, text) for id, text in found] for reason, found in examples.items()}
    )
