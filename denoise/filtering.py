"""The filters over any folder of Parquet parts, through Ray Data.

Each slice of the input becomes a part of `kept/` (all columns) and one of `decisions/` (`id`, `status`, `reason`),
named by its place in the input: what is written does not depend on how many workers there were or which ran twice.
"""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from denoise.datasets import quiet
from denoise.filters.base import Filter
from denoise.filters.table import filter_reasons
from denoise.redact import redact
from generation.errors import UserError
from generation.location import Location, filesystem_of, locate, path_of
from generation.parts import write_bytes
from generation.pieces import Piece, Pieces, read_piece

SLICE_ROWS = 2**16  # a row group may be larger; then a slice is one
EXAMPLES = 5  # of each reason
_SHOWN = 200  # characters of an example
_ATTRIBUTES = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True)
class Slice:
    """Row groups of one file, one after the other; `first` is the row of the file that they begin with.

    `name` tells the file from the others of the input, wherever these lie.
    """

    pieces: tuple[Piece, ...]
    first: int
    name: str


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


def slices_of(pieces: Sequence[Piece], most: int = SLICE_ROWS) -> list[Slice]:
    """Pieces (one or more) in their order, as many of a file together as have `most` rows or fewer."""
    slices: list[Slice] = []
    paths = {file: path_of(locate(file)) for file in dict.fromkeys(piece.file for piece in pieces)}
    root = posixpath.commonpath(map(posixpath.dirname, paths.values()))
    for file, group in groupby(pieces, key=lambda piece: piece.file):
        name = posixpath.relpath(paths[file], root)
        held, first, rows = list[Piece](), 0, 0
        for piece in group:
            if held and rows + piece.rows > most:
                slices.append(Slice(tuple(held), first, name))
                held, first, rows = [], first + rows, 0
            held.append(piece)
            rows += piece.rows
        slices.append(Slice(tuple(held), first, name))
    return slices


def filter_pieces(
    found: Pieces,
    filters: Sequence[Filter],
    text: str,
    label: str | None,
    out: Location,
    workers: int,
    skip_corrupt: bool = False,
    slice_rows: int = SLICE_ROWS,
) -> tuple[Tally, list[str]]:
    """Write `kept/` and `decisions/` under `out`; what was counted, and the slices that could not be read.

    Needs an initialised Ray. Raises UserError for a corrupt part unless `skip_corrupt`, and for what a filter of the
    user's does wrong.
    """
    import ray

    slices = slices_of(found.pieces, slice_rows)
    shared = ray.put((slices, tuple(filters), text, label, out))
    numbers = quiet(ray.data.range(len(slices), override_num_blocks=len(slices)))
    pool = ray.data.TaskPoolStrategy(size=workers)
    options: dict[str, Any] = {"batch_format": "pyarrow", "batch_size": None, "compute": pool}
    done = numbers.map_batches(partial(_filter_slices, shared=shared), **options)
    tallies, corrupt = dict[int, Tally](), dict[int, str]()
    for row in done.iter_rows():
        if row["error"] and not (row["corrupt"] and skip_corrupt):
            raise UserError(row["error"] + ("; --skip-corrupt leaves it out" if row["corrupt"] else ""))
        if row["error"]:
            corrupt[row["number"]] = row["error"]
        else:
            tallies[row["number"]] = _read_tally(row["tally"])
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


def _filter_slices(batch: pa.Table, shared: Any) -> pa.Table:
    import ray

    slices, filters, text, label, out = ray.get(shared)
    done = [
        {"number": number, **_filter_slice(number, slices[number], filters, text, label, out)}
        for number in batch["id"].to_pylist()
    ]
    columns = {"number": pa.int64(), "error": pa.string(), "corrupt": pa.bool_(), "tally": pa.string()}
    return pa.Table.from_pylist(done, schema=pa.schema(columns.items()))


def _filter_slice(
    number: int, part: Slice, filters: Sequence[Filter], text: str, label: str | None, out: Location
) -> dict[str, Any]:
    try:
        rows = read_slice(part, [text])
    except UserError as error:
        return {"error": str(error), "corrupt": True}
    try:
        kept, decisions, tally = filter_rows(rows, filters, _ids(rows, part), text, label)
    except UserError as error:
        return {"error": str(error), "corrupt": False}
    for name, table in (("kept", kept), ("decisions", decisions)):
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        place = out / name / f"part-{number:06d}.parquet"
        write_bytes(filesystem_of(place), path_of(place), sink.getvalue())
    return {"corrupt": False, "tally": json.dumps([list(tally.counts.items()), tally.examples])}


def read_slice(part: Slice, strings: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of a slice; columns in `strings` are checked to be UTF-8. Raises UserError where the file is corrupt."""
    table = pa.concat_tables([read_piece(piece, columns) for piece in part.pieces])
    for name in strings:
        try:
            table[name].validate(full=True)
        except pa.ArrowInvalid as error:
            raise UserError(f"{part.pieces[0].file}: column {name!r} must hold UTF-8 strings: {error}") from None
    return table


def _ids(rows: pa.Table, part: Slice) -> pa.Array:
    """The column `id` where there is one, else where a row stands, as in part-0.parquet:17."""
    if "id" in rows.column_names:
        return rows["id"].cast(pa.string()).combine_chunks()
    return pa.array([f"{part.name}:{part.first + row}" for row in range(rows.num_rows)], pa.string())


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
