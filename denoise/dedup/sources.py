"""The Parquet files to deduplicate: what they hold, how they are cut into chunks, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from generation.errors import UserError
from generation.location import Location, address_of, filesystem_of, locate, path_of

CHUNK_ROWS = 1 << 16


@dataclass(frozen=True)
class Chunk:
    """Some row groups of a file, given by its address; `rows` are in them, and `size` bytes when unpacked."""

    file: str
    groups: tuple[int, ...]
    rows: int
    size: int


@dataclass(frozen=True)
class Columns:
    """The columns that are read; None: there is no such column."""

    text: str
    label: str | None
    id: str | None
    prefer: str | None = None

    @property
    def read(self) -> list[str] | None:
        """Those to read for a sketch; None for all, which rows without an id are told apart by."""
        if self.id is None:
            return None
        return [name for name in dict.fromkeys((self.text, self.label, self.id, self.prefer)) if name is not None]


@dataclass(frozen=True)
class Source:
    """All that is to be read: one schema, its chunks, and the files that were skipped as corrupt."""

    schema: pa.Schema
    chunks: tuple[Chunk, ...]
    corrupt: tuple[str, ...]


def open_source(inputs: Sequence[str], skip_corrupt: bool) -> Source:
    """The files' footers. Raises UserError: no file, no rows, a corrupt part, mixed schemas."""
    files = [file for each in inputs for file in list_files(each)]
    schema: tuple[str, pa.Schema] | None = None
    chunks: list[Chunk] = []
    corrupt: list[str] = []
    for file in dict.fromkeys(map(address_of, files)):
        try:
            footer = read_footer(file)
        except (pa.ArrowException, ValueError) as error:
            if not skip_corrupt:
                raise corrupt_part(file, error) from None
            corrupt.append(file)
            continue
        found = footer.schema.to_arrow_schema()
        schema = schema or (file, found)
        _check_same(*schema, file, found)
        chunks += cut(file, footer)
    if schema is None or not chunks:
        raise UserError(f"{', '.join(inputs)}: there are no rows to deduplicate")
    return Source(schema[1].remove_metadata(), tuple(chunks), tuple(corrupt))


def corrupt_part(file: str, error: object) -> UserError:
    """What to raise for a file that cannot be read."""
    reason = " ".join(str(error).split())[:120]
    return UserError(f"{file}: a corrupt part ({reason}); mend or remove it, or skip such parts with --skip-corrupt")


def list_files(given: str) -> list[Location]:
    """A file, or the .parquet files below a folder by path, hidden ones (`_` or `.` first) not. Raises UserError."""
    place = locate(given)
    filesystem, path = filesystem_of(place), path_of(place)
    kind = filesystem.get_file_info(path).type
    if kind == fs.FileType.File:
        return [place]
    selector = fs.FileSelector(path, recursive=True, allow_not_found=True)
    inside = [info.path[len(path) :].strip("/") for info in filesystem.get_file_info(selector) if info.is_file]
    names = [name for name in inside if name.endswith(".parquet") and not _hidden(name)]
    if not names:
        found = "does not exist" if kind == fs.FileType.NotFound and not inside else "holds no .parquet files"
        raise UserError(f"{given}: {found}")
    return [place / name for name in sorted(names)]


def _hidden(name: str) -> bool:
    return any(part[0] in "_." for part in name.split("/"))


def read_footer(file: str) -> pq.FileMetaData:
    place = locate(file)
    with filesystem_of(place).open_input_file(path_of(place)) as stream:
        return pq.read_metadata(stream)


def read_chunk(chunk: Chunk, columns: Sequence[str] | None) -> pa.Table:
    """Some columns of a chunk, in file order."""
    place = locate(chunk.file)
    with filesystem_of(place).open_input_file(path_of(place)) as stream:
        names = None if columns is None else list(columns)
        return pq.ParquetFile(stream).read_row_groups(list(chunk.groups), columns=names, use_threads=False)


def cut(file: str, footer: pq.FileMetaData) -> Iterator[Chunk]:
    """The row groups of a file as chunks of about CHUNK_ROWS; a row group is never parted."""
    groups: list[int] = []
    rows = size = 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        if groups and rows + group.num_rows > CHUNK_ROWS:
            yield Chunk(file, tuple(groups), rows, size)
            groups, rows, size = [], 0, 0
        if group.num_rows:
            groups.append(number)
            rows, size = rows + group.num_rows, size + group.total_byte_size
    if groups:
        yield Chunk(file, tuple(groups), rows, size)


def _check_same(first: str, wanted: pa.Schema, file: str, found: pa.Schema) -> None:
    if wanted.equals(found):
        return
    names = dict.fromkeys([*wanted.names, *found.names])
    shown = [(name, _type(wanted, name), _type(found, name)) for name in names]
    name, there, here = next((each for each in shown if each[1] != each[2]), ("(order)", wanted.names, found.names))
    raise UserError(f"{file}: mixed schemas: column {name!r} is {here}, in {first} it is {there}")


def _type(schema: pa.Schema, name: str) -> str:
    return str(schema.field(name).type) if name in schema.names else "missing"


def choose_columns(schema: pa.Schema, text: str, label: str | None, id: str | None, prefer: str | None) -> Columns:
    """The columns by name; `label` and `id` None: "label" and "id", if there are such. Raises UserError."""
    kind = _field(schema, "--text", text)
    if not _is_text(kind):
        raise UserError(f"--text: must be a column of strings; got {text!r}, which is {kind}")
    found = {}
    for option, given, usual in (("--label", label, "label"), ("--id", id, "id")):
        if given is not None:
            _field(schema, option, given)
        found[option] = given or (usual if usual in schema.names else None)
    if found["--id"] is not None:
        kind = schema.field(found["--id"]).type
        if not (_is_text(kind) or pa.types.is_integer(kind)):
            raise UserError(f"--id: must be a column of strings or integers; got {found['--id']!r}, which is {kind}")
    if prefer is not None:
        kind = _field(schema, "--prefer", prefer)
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise UserError(f"--prefer: must be a column of numbers; got {prefer!r}, which is {kind}")
    return Columns(text, found["--label"], found["--id"], prefer)


def _field(schema: pa.Schema, option: str, name: str) -> pa.DataType:
    if name not in schema.names:
        raise UserError(f"{option}: there is no column {name!r}; the files have {', '.join(schema.names)}")
    return schema.field(name).type


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain)
