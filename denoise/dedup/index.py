"""The index: what later rows are compared with, so that no old text is read again.

A folder with `_index.json` (settings, and the parts that count) and parts of kept rows: id, hashes, cluster, shingles.
It grows by parts of a new generation; the JSON is written last.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from denoise.dedup.parts import make_folder
from denoise.dedup.settings import DedupSettings
from denoise.dedup.sketches import sketch_schema
from denoise.dedup.texts import Shingles
from generation.errors import UserError
from generation.location import Location, filesystem_of, locate, path_of
from generation.parts import write_bytes

_FORMAT = 1


@dataclass(frozen=True)
class Index:
    """An index as its JSON says: the settings of its rows, their number, and its parts by name."""

    settings: dict[str, Any]
    labelled: bool
    id_type: str
    rows: int
    parts: tuple[str, ...]

    @property
    def generation(self) -> int:
        """Number of the next generation of parts."""
        return 1 + max((int(name.split("-")[1]) for name in self.parts), default=-1)


def open_index(place: Location, settings: DedupSettings, labelled: bool, id_type: pa.DataType) -> Index:
    """Raises UserError: no index, or one of other settings."""
    try:
        found = json.loads((place / "_index.json").read_text())
        index = Index(found["settings"], found["labelled"], found["id_type"], found["rows"], tuple(found["parts"]))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"--against: {place} is no index (it has no _index.json)") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"--against: {place}/_index.json: is no index of this program") from None
    wanted = {**settings.identity(), "labelled": labelled, "id_type": id_kind(id_type)}
    for name, value in {**index.settings, "labelled": index.labelled, "id_type": index.id_type}.items():
        if wanted.get(name) != value:
            raise UserError(
                f"--against: {place}: an index of other settings: its {name} is {value}, now {wanted.get(name)}"
            )
    return index


def id_kind(kind: pa.DataType) -> str:
    """Ids of all widths of one kind compare."""
    return "integer" if pa.types.is_integer(kind) else "string"


def commit_index(place: Location, index: Index) -> None:
    """Commit an index whose parts lie there."""
    value = {
        "format": _FORMAT,
        "settings": index.settings,
        "labelled": index.labelled,
        "id_type": index.id_type,
        "rows": index.rows,
        "parts": list(index.parts),
    }
    write_bytes(filesystem_of(place), path_of(place / "_index.json"), json.dumps(value, indent=2).encode())


def copy_parts(source: Location, names: Sequence[str], target: Location) -> None:
    """Copy parts as they are."""
    for name in names:
        make_folder(target / name)
        with filesystem_of(source).open_input_file(path_of(source / name)) as stream:
            write_bytes(filesystem_of(target), path_of(target / name), stream.read_buffer())


def index_table(light: pa.Table, shingles: Shingles) -> pa.Table:
    """A part: id, key, text_hash, text_more, label_hash, cluster_id; shingles as bytes (uint32, little-endian)."""
    data = np.ascontiguousarray(shingles.values, "<u4")
    offsets = pa.py_buffer(np.ascontiguousarray(shingles.starts * 4))
    packed = pa.Array.from_buffers(pa.large_binary(), len(shingles), [None, offsets, pa.py_buffer(data)])
    return light.append_column("shingles", packed)


def read_index_part(file: str) -> pa.Table:
    """Raises UserError for a part that is corrupt or gone."""
    place = locate(file)
    try:
        with filesystem_of(place).open_input_file(path_of(place)) as stream:
            return pq.read_table(stream, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{file}: a part of the index cannot be read: {' '.join(str(error).split())}") from None


def index_sketches(part: pa.Table, id_type: pa.DataType) -> pa.Table:
    """The sketches (`sketch_schema`) of a part, and each row's cluster as `cluster_id`."""
    packed = part["shingles"].cast(pa.large_binary()).combine_chunks()
    _, offsets, data = packed.buffers()
    starts = np.frombuffer(offsets, np.int64)[packed.offset : packed.offset + len(packed) + 1] // 4
    values = np.frombuffer(data, np.uint32) if data is not None else np.zeros(0, np.uint32)
    count = part.num_rows
    columns = {
        **{name: part[name] for name in ("id", "key", "text_hash", "text_more", "label_hash")},
        "key_more": pa.array(np.zeros(count, np.uint64)),
        "prefer": pa.array(np.zeros(count)),
        "length": pa.array(np.zeros(count, np.int32)),
        "shingles": pa.LargeListArray.from_arrays(pa.array(starts), pa.array(values)),
    }
    schema = sketch_schema(id_type)
    table = pa.table({name: columns[name] for name in schema.names}).cast(schema)
    return table.append_column("cluster_id", part["cluster_id"].cast(id_type))
