"""Parquet parts that are either whole or absent, on any pyarrow filesystem."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from generation.objectstore import object_store
from generation.records import SCHEMA_VERSION

_DICTIONARY = ["label", "intended_label", "method", "adapter", "model", "model_hash", "engine", "source"]
_DICTIONARY += ["finish_reason", "status", "stage", "reason", "prompt_hash", "prompt"]
_BATCH_ROWS = 8192
_ONE_DICTIONARY = 2**30  # bytes; above it a writer falls back to plain pages, see `dictionary_columns`


def write_part(filesystem: fs.FileSystem, path: str, table: pa.Table, run_id: str) -> int:
    """Write `table` to `path` and return its bytes: serialised in memory, then as `write_bytes` does.

    zstd; repeated strings dictionary-encoded; the footer names the run and the schema version. A part that
    exists is never replaced: FileExistsError. A failed write (disk full) leaves nothing behind.
    """
    metadata = {**(table.schema.metadata or {}), b"labelmill.run": run_id.encode()}
    metadata[b"labelmill.schema"] = str(SCHEMA_VERSION).encode()
    content = _serialised(table.replace_schema_metadata(metadata))
    if filesystem.get_file_info(path).type != fs.FileType.NotFound:
        raise FileExistsError(f"part exists already: {path}")
    return write_bytes(filesystem, path, content)


def replace_part(filesystem: fs.FileSystem, path: str, table: pa.Table) -> int:
    """Put `table`, with the metadata that its schema has, in place of the part at `path`: for rows that are erased."""
    return write_bytes(filesystem, path, _serialised(table))


def _serialised(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=dictionary_columns(table.schema),
        dictionary_pagesize_limit=_ONE_DICTIONARY,
    )
    return sink.getvalue()


def dictionary_columns(schema: pa.Schema) -> list[str]:
    """Parquet paths to dictionary-encode: the repeated strings, and what lies in lists and maps.

    fastparquet reads a list or map whose pages are plain as nothing, silently; dictionary pages it reads right.
    """
    paths = [name for name in _DICTIONARY if name in schema.names]
    for field in schema:
        if pa.types.is_map(field.type):
            paths += [f"{field.name}.key_value.key", f"{field.name}.key_value.value"]
        elif pa.types.is_list(field.type):
            paths.append(f"{field.name}.list.element")
    return paths


def write_bytes(filesystem: fs.FileSystem, path: str, data: bytes | pa.Buffer) -> int:
    """Atomically put bytes at `path` (replacing what is there) and return their number.

    Under another name, then renamed; an object store gets them as one object.
    """
    if store := object_store(filesystem):
        store.put(path, data)
        return _size(data)
    scratch = f"{path}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        with filesystem.open_output_stream(scratch) as stream:
            stream.write(data)
        filesystem.move(scratch, path)
    except BaseException:
        if filesystem.get_file_info(scratch).type != fs.FileType.NotFound:
            filesystem.delete_file(scratch)
        raise
    return _size(data)


def _size(data: bytes | pa.Buffer) -> int:
    return len(data) if isinstance(data, bytes) else data.size


def list_parts(filesystem: fs.FileSystem, folder: str) -> list[str]:
    """Paths of the committed parts of a folder in lexicographic order; [] when it does not exist."""
    selector = fs.FileSelector(folder, allow_not_found=True)
    return sorted(info.path for info in filesystem.get_file_info(selector) if info.path.endswith(".parquet"))


def read_parts(
    filesystem: fs.FileSystem, paths: Sequence[str], schema: pa.Schema, columns: Sequence[str] | None = None
) -> pa.Table:
    """The parts as one table of `schema` (or some of its columns), in the order of `paths`."""
    tables = list(read_each(filesystem, paths, schema, columns))
    wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    return pa.concat_tables(tables) if tables else wanted.empty_table()


def read_each(
    filesystem: fs.FileSystem, paths: Sequence[str], schema: pa.Schema, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The same, a table a part."""
    wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    for table in _tables(filesystem, paths, wanted.names):
        yield table.cast(wanted).replace_schema_metadata(None)


def _tables(filesystem: fs.FileSystem, paths: Sequence[str], columns: list[str]) -> Iterator[pa.Table]:
    if store := object_store(filesystem):  # parts are small: a whole one takes one request, its columns several
        for data in store.get_each(paths):
            yield pq.read_table(pa.BufferReader(data), columns=columns)
    else:
        for path in paths:
            with filesystem.open_input_file(path) as file, pq.ParquetFile(file) as part:
                yield part.read(columns)


def count_rows(filesystem: fs.FileSystem, paths: Sequence[str]) -> int:
    """Rows of the parts, as their footers say."""
    return sum(pq.read_metadata(path, filesystem=filesystem).num_rows for path in paths)


def read_batches(
    filesystem: fs.FileSystem, path: str, schema: pa.Schema, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Some columns of one part, some thousand rows at a time."""
    wanted = pa.schema([schema.field(name) for name in columns])
    with filesystem.open_input_file(path) as file:
        for batch in pq.ParquetFile(file).iter_batches(_BATCH_ROWS, columns=wanted.names):
            yield batch.cast(wanted)
