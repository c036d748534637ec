"""A folder of Parquet parts that somebody hands in, checked before anything is done with it.

Read in *slices*: whole row groups of one part, so that any of them can be read alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from generation.errors import UserError, clip
from generation.location import Location, filesystem_of, locate, path_of

SLICE_ROWS = 2**16  # a row group may be larger; then a slice is one


@dataclass(frozen=True)
class Slice:
    """Row groups `groups` of a part, which hold `rows` rows, the first of them the part's `first` row."""

    place: Location
    groups: tuple[int, ...]
    first: int
    rows: int


@dataclass(frozen=True)
class ParquetFolder:
    """Parts that agree in their columns, in the order of their places; `corrupt` are those that were left out."""

    schema: pa.Schema
    slices: tuple[Slice, ...]
    corrupt: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.slices)


class CorruptPartError(Exception):
    """A part that cannot be read, with its place and what is wrong in one line."""


def open_folder(
    places: Sequence[str], wanted: Mapping[str, str], skip_corrupt: bool = False, slice_rows: int = SLICE_ROWS
) -> ParquetFolder:
    """Files and folders (searched through, but for names that begin with . or _) as one; footers alone are read.

    `wanted` maps columns that must be there to what they must hold: "text", "label" (text or whole numbers) or
    "number". Raises UserError for a place that is not there, mixed columns, a column missing or of another type, a
    corrupt part unless `skip_corrupt`, and where there are no rows.
    """
    schema: pa.Schema | None = None
    named, slices, corrupt = "", list[Slice](), list[str]()
    for part in _parts(places):
        try:
            metadata = _footer(part)
            found = metadata.schema.to_arrow_schema().remove_metadata()
        except CorruptPartError as error:
            if not skip_corrupt:
                raise UserError(f"{error}; --skip-corrupt leaves it out") from None
            corrupt.append(str(part))
            continue
        if schema is None:
            schema, named = found, str(part)
            _check_columns(schema, wanted, named)
        elif problem := _difference(schema, found):
            raise UserError(f"{part}: must have the columns of {named}: {problem}")
        slices += _slices(part, metadata, slice_rows)
    if schema is None or not any(each.rows for each in slices):
        raise UserError(f"{places[0]}: no rows{' in parts that can be read' if corrupt else ''}")
    return ParquetFolder(schema, tuple(slices), tuple(corrupt))


def read_slice(part: Slice, columns: Sequence[str] | None = None) -> pa.Table:
    """Columns of a slice, strings checked to be UTF-8. Raises CorruptPartError."""
    try:
        with filesystem_of(part.place).open_input_file(path_of(part.place)) as file:
            table = pq.ParquetFile(file).read_row_groups(list(part.groups), columns=columns)
        table.validate(full=True)
        return table.replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as error:
        raise CorruptPartError(f"{part.place}: not readable as Parquet: {' '.join(str(error).split())}") from None


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds strings."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def fits(kind: pa.DataType, wanted: str) -> bool:
    """Whether a column of this type holds what is wanted: "text", "label" or "number"."""
    whole = pa.types.is_integer(kind)
    answers = {"text": is_text(kind), "label": is_text(kind) or whole, "number": pa.types.is_floating(kind) or whole}
    return bool(answers[wanted])


def _parts(places: Sequence[str]) -> list[Location]:
    """Each once, in the order of their places."""
    found: dict[str, Location] = {}
    for given in places:
        place = locate(given)
        filesystem, path = filesystem_of(place), path_of(place)
        match filesystem.get_file_info(path).type:
            case fs.FileType.File:
                found[str(place)] = place
            case fs.FileType.Directory:
                found |= {str(part): part for part in _inside(place, filesystem, path)}
            case _:
                raise UserError(f"{given}: no such file or folder")
    if not found:
        raise UserError(f"{places[0]}: holds no .parquet files")
    return [found[name] for name in sorted(found)]


def _inside(place: Location, filesystem: fs.FileSystem, path: str) -> list[Location]:
    inside = filesystem.get_file_info(fs.FileSelector(path, recursive=True))
    names = [info.path[len(path) :].strip("/") for info in inside if info.type == fs.FileType.File]
    plain = [name for name in names if not any(step[:1] in "._" for step in name.split("/"))]
    return [place / name for name in plain if name.endswith(".parquet")]


def _footer(part: Location) -> pq.FileMetaData:
    try:
        with filesystem_of(part).open_input_file(path_of(part)) as file:
            return pq.ParquetFile(file).metadata
    except (pa.ArrowException, OSError) as error:
        raise CorruptPartError(f"{part}: not readable as Parquet: {' '.join(str(error).split())}") from None


def _check_columns(schema: pa.Schema, wanted: Mapping[str, str], where: str) -> None:
    for name, kind in wanted.items():
        if name not in schema.names:
            raise UserError(f"{where}: has no column {name!r}; got {clip(', '.join(schema.names))}")
        if not fits(schema.field(name).type, kind):
            raise UserError(f"{where}: column {name!r} must hold {kind}; got {schema.field(name).type}")


def _difference(one: pa.Schema, other: pa.Schema) -> str | None:
    for name in [*one.names, *other.names]:
        if name not in one.names:
            return f"column {name!r} is not there"
        if name not in other.names:
            return f"column {name!r} is missing"
        if one.field(name).type != other.field(name).type:
            return f"column {name!r} must be {one.field(name).type}; got {other.field(name).type}"
    return None


def _slices(part: Location, metadata: pq.FileMetaData, most: int) -> list[Slice]:
    """Row groups in their order, as many together as have `most` rows or fewer."""
    slices, groups, first, rows = list[Slice](), list[int](), 0, 0
    for group in range(metadata.num_row_groups):
        more = metadata.row_group(group).num_rows
        if groups and rows + more > most:
            slices.append(Slice(part, tuple(groups), first, rows))
            groups, first, rows = [], first + rows, 0
        groups.append(group)
        rows += more
    return [*slices, Slice(part, tuple(groups), first, rows)] if groups else slices
