"""Which columns of a user's files are read."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from generation.errors import UserError
from generation.pieces import is_string


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

    @property
    def strings(self) -> list[str]:
        """Those that must be UTF-8, if they hold strings."""
        return [self.text] if self.id is None else [self.text, self.id]


def choose_columns(schema: pa.Schema, text: str, label: str | None, id: str | None, prefer: str | None) -> Columns:
    """The columns by name, of which `text` has been checked. Raises UserError.

    Where `label` or `id` is None, a column called so is taken if there is one.
    """
    found = {}
    for option, given, usual in (("--label", label, "label"), ("--id", id, "id")):
        if given is not None:
            _field(schema, option, given)
        found[option] = given or (usual if usual in schema.names else None)
    if found["--id"] is not None:
        kind = schema.field(found["--id"]).type
        if not (is_string(kind) or pa.types.is_integer(kind)):
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
