"""The one typed row that crosses every stage, and the verdicts and requests around it.

Column types are scalars, `list<scalar>` and `map<string, scalar>` only: fastparquet reads anything deeper as
nothing, silently. Bump SCHEMA_VERSION with every change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

SCHEMA_VERSION = 6  # 6: shares of labels in verdicts and datasets

# columns that belong to kinds of tasks (generation/kinds), null in others
OF_KINDS = ("text_a", "text_b", "labels", "tokens", "tags")

SOURCES = ("generated", "pool", "seed", "human")
STATUSES = ("accepted", "rejected", "relabelled", "held", "surplus")
KEPT = ("accepted", "relabelled")

_STRINGS = pa.map_(pa.string(), pa.string())
_NUMBERS = pa.map_(pa.string(), pa.float64())

ROW_SCHEMA = pa.schema(
    [
        # identity
        ("id", pa.string()),
        ("request_id", pa.string()),
        ("round", pa.int32()),
        ("wave", pa.int32()),
        ("source", pa.string()),
        # content
        ("text", pa.string()),
        ("label", pa.string()),
        ("intended_label", pa.string()),
        # content of one kind of task (OF_KINDS): pairs, several labels, tags (BIO)
        ("text_a", pa.string()),
        ("text_b", pa.string()),
        ("labels", pa.list_(pa.string())),
        ("tokens", pa.list_(pa.string())),
        ("tags", pa.list_(pa.string())),
        # lineage
        ("method", pa.string()),
        ("adapter", pa.string()),
        ("seed_ids", pa.list_(pa.string())),
        ("attributes", _STRINGS),
        ("prompt_hash", pa.string()),
        ("model", pa.string()),
        ("model_hash", pa.string()),
        ("engine", pa.string()),
        ("sampling", _NUMBERS),
        # measurement
        ("finish_reason", pa.string()),
        ("prompt_tokens", pa.int32()),
        ("output_tokens", pa.int32()),
        ("mean_logprob", pa.float64()),
    ]
)

REQUEST_SCHEMA = pa.schema(
    [
        ("request_id", pa.string()),
        ("round", pa.int32()),
        ("wave", pa.int32()),
        ("ordinal", pa.int32()),
        ("label", pa.string()),
        ("method", pa.string()),
        ("form", pa.string()),
        ("adapter", pa.string()),
        ("seed_ids", pa.list_(pa.string())),
        ("attributes", _STRINGS),
        ("repetition", pa.int32()),
        ("samples", pa.int32()),
        ("prompt", pa.string()),
        ("prompt_hash", pa.string()),
        # a text that is asked about, and the only answers that the LM may give; "" and none where it writes freely
        ("text", pa.string()),
        ("choices", pa.list_(pa.string())),
        # line breaks before the prompt, see generation/tokens.py
        ("padding", pa.int32()),
        # the most tokens that the request can cost: its prompt (as often as it may be sent) and `samples` full answers
        ("most_tokens", pa.int32()),
        ("sampling", _NUMBERS),
    ]
)

# requests that no engine could answer: they have no rows
ASIDE_SCHEMA = pa.schema([("request_id", pa.string()), ("samples", pa.int32()), ("error", pa.string())])

VERDICT_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("revision", pa.int32()),
        ("stage", pa.string()),
        ("label", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("scores", _NUMBERS),
        # how likely the likeliest labels are to be right, where a row has one label and a judge; else null
        ("shares", _NUMBERS),
        ("survivor_id", pa.string()),
        ("weight", pa.float64()),
        ("auditor", pa.string()),
        ("at", pa.timestamp("ms", tz="UTC")),
    ]
)

DATASET_SCHEMA = pa.schema(
    [
        *ROW_SCHEMA,
        pa.field("status", pa.string()),
        pa.field("scores", _NUMBERS),
        pa.field("shares", _NUMBERS),
        pa.field("weight", pa.float64()),
    ]
)


def dataset_schema(columns: Iterable[str] = ()) -> pa.Schema:
    """DATASET_SCHEMA with `columns` alone of those that belong to kinds of tasks.

    Who takes a dataset has one kind of task: columns that are null in all its rows would only have to be explained.
    """
    others = set(OF_KINDS) - set(columns)
    return pa.schema([field for field in DATASET_SCHEMA if field.name not in others])


def digest(*parts: object) -> str:
    """20 hex digits of sha256 over the parts' canonical JSON; equal parts give equal digests everywhere."""
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


def row_id(request_id: str, sample: int) -> str:
    """Id of the sample-th row of a request."""
    return digest(request_id, sample)


def expected_row_ids(requests: pa.Table) -> list[str]:
    """Ids of all rows that a table of requests (REQUEST_SCHEMA) must yield, in plan order."""
    pairs = zip(requests["request_id"].to_pylist(), requests["samples"].to_pylist(), strict=True)
    return [row_id(request, sample) for request, samples in pairs for sample in range(samples)]


def rows_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Row dicts as a table; a missing column is null, an unknown one is an error."""
    return _table(list(rows), ROW_SCHEMA)


def requests_table(requests: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Request dicts as a table."""
    return _table(list(requests), REQUEST_SCHEMA)


def verdicts_table(verdicts: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Verdict dicts as a table; statuses are checked."""
    listed = list(verdicts)
    for verdict in listed:
        if verdict["status"] not in STATUSES:
            raise ValueError(f"verdict status must be one of {STATUSES}; got {verdict['status']!r}")
    return _table(listed, VERDICT_SCHEMA)


def latest_verdicts(verdicts: pa.Table) -> pa.Table:
    """The verdict that holds for each id: the one with the highest revision, of equal ones the last.

    Parts of verdicts are named by wave and driver, so that of two drivers the later one's holds.
    """
    places = latest_places(verdicts)
    return verdicts if len(places) == verdicts.num_rows else verdicts.take(pa.array(places))


def latest_places(verdicts: pa.Table) -> np.ndarray:
    """Where the verdicts that hold stand among `verdicts` (`id`, `revision`), int64 ascending."""
    encoded = verdicts["id"].combine_chunks().dictionary_encode()
    held = np.zeros(len(encoded.dictionary), np.int64)
    order = np.argsort(verdicts["revision"].to_numpy(), kind="stable")
    held[np.asarray(encoded.indices)[order]] = order  # of those of one id, the last stays
    return np.sort(held)


def map_column(table: pa.Table, name: str) -> list[dict[str, Any]]:
    """A map column as plain dicts (Arrow yields lists of pairs); null becomes {}."""
    return [dict(pairs or ()) for pairs in table[name].to_pylist()]


def _table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    for row in rows:
        if unknown := row.keys() - set(schema.names):
            raise ValueError(f"columns not in the schema: {sorted(unknown)}")
    columns = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        if pa.types.is_map(field.type):
            values = [sorted(value.items()) if isinstance(value, Mapping) else value for value in values]
        columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=schema)
