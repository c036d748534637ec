"""The run directory: what is committed, and nothing else.

A request is done when its rows are committed; a row is judged when its verdict is. So the state of a run is its
parts, and resuming is reading them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs

from generation.errors import UserError
from generation.location import Location, address_of, filesystem_of, locate, path_of
from generation.parts import list_parts, read_batches, read_each, read_parts, write_bytes, write_part
from generation.records import ASIDE_SCHEMA, KEPT, REQUEST_SCHEMA, ROW_SCHEMA, VERDICT_SCHEMA, digest, latest_verdicts

FORGOTTEN = "forgotten.json"
_KEPT_SCHEMA = pa.schema(
    [*((name, pa.string()) for name in ("id", "text", "label", "status")), ("weight", pa.float64())]
)


class RequestRef(NamedTuple):
    """Where a committed request lies: its part and its row in it. This is all a driver carries of it."""

    request_id: str
    part: str
    place: int
    samples: int
    most_tokens: int
    prompt_hash: str
    adapter: str = ""


def round_of(part: str) -> int:
    """The round that a part lies in."""
    return int(Path(part).parent.parent.name)


def adapter_folder(root: Location, adapter: str) -> Location:
    """Where a run keeps its copy of an adapter."""
    return root / "adapters" / adapter


class Store:
    """A run directory: a local folder, or a prefix on an object store given by its URI.

    A driver sets `fence`, which is called before each write and raises when the run has a later driver.
    """

    def __init__(self, root: Location | str) -> None:
        self.root = locate(root)
        self.filesystem = filesystem_of(self.root)
        self.fence: Callable[[], None] = lambda: None

    @property
    def address(self) -> str:
        """What `Store` takes on another host to open the same run."""
        return address_of(self.root)

    # run.json

    @property
    def exists(self) -> bool:
        return (self.root / "run.json").is_file()

    def run(self) -> dict[str, Any]:
        """Contents of run.json. Raises UserError when this is not a run directory."""
        try:
            return json.loads((self.root / "run.json").read_text())
        except FileNotFoundError:
            raise UserError(f"{self.root}: not a run directory (it has no run.json)") from None
        except ValueError:
            raise UserError(f"{self.root}: not a run directory (its run.json is no JSON)") from None

    def write_json(self, name: str, value: Any) -> None:
        """Atomically put JSON at `name`, a path below the run directory."""
        self.write_text(name, json.dumps(value, indent=2, sort_keys=False) + "\n")

    def write_text(self, name: str, text: str) -> Location:
        """Atomically put text at `name`; returns where."""
        return self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, data: bytes) -> Location:
        """Atomically put bytes at `name`; returns where."""
        self.fence()
        target = self.root / name
        if isinstance(target, Path):
            target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(self.filesystem, path_of(target), data)
        return target

    def read_json(self, name: str) -> Any:
        """JSON at `name`, or None when it does not exist."""
        try:
            return json.loads((self.root / name).read_text())
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Remove a file or folder at `name`, if there is one."""
        self.fence()
        path = path_of(self.root / name)
        kind = self.filesystem.get_file_info(path).type
        if kind == fs.FileType.File:
            self.filesystem.delete_file(path)
        elif kind == fs.FileType.Directory:
            self.filesystem.delete_dir(path)

    def forgotten(self) -> list[dict[str, Any]]:
        """Rows that were erased (cluster/forgetting): id, request_id, round, tokens, when, who, why; no text."""
        return (self.read_json(FORGOTTEN) or {}).get("rows", [])

    # parts

    def folder(self, round_: int, kind: str = "") -> Location:
        """`rounds/NNN/kind`."""
        return self.root / "rounds" / f"{round_:03d}" / kind

    def rounds(self) -> list[int]:
        """Rounds begun, in order."""
        selector = fs.FileSelector(path_of(self.root / "rounds"), allow_not_found=True)
        folders = [info.base_name for info in self.filesystem.get_file_info(selector)]
        return sorted(int(name) for name in folders if name.isdigit() and self._has_begun(name))

    def _has_begun(self, folder: str) -> bool:
        return (self.root / "rounds" / folder / "round.json").is_file()

    def commit(self, round_: int, kind: str, name: str, table: pa.Table, run_id: str) -> str:
        """Write one part of `requests`, `generated`, `aside`, `verdicts` or `people`; returns its path."""
        self.fence()
        folder = self.folder(round_, kind)
        if isinstance(folder, Path):
            folder.mkdir(parents=True, exist_ok=True)
        path = path_of(folder / f"part-{name}.parquet")
        write_part(self.filesystem, path, table, run_id)
        return path

    def parts(self, round_: int, kind: str) -> list[str]:
        """Committed parts in lexicographic order."""
        return list_parts(self.filesystem, path_of(self.folder(round_, kind)))

    def requests(self, round_: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The committed plan of a round."""
        return read_parts(self.filesystem, self.parts(round_, "requests"), REQUEST_SCHEMA, columns)

    def generated(self, round_: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Committed rows of a round, each request taken from the lexicographically first part that has it."""
        wanted = None if columns is None else list(dict.fromkeys(["request_id", *columns]))
        tables = list(read_each(self.filesystem, self.parts(round_, "generated"), ROW_SCHEMA, wanted))
        if _has_late(tables):
            tables = _first_of_each(tables)
        empty = ROW_SCHEMA if columns is None else pa.schema([ROW_SCHEMA.field(name) for name in columns])
        return pa.concat_tables([empty.empty_table(), *(table.select(empty.names) for table in tables)])

    def people(self, round_: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows that people made of rows of a round (ROW_SCHEMA). One without a verdict was never finished."""
        return read_parts(self.filesystem, self.parts(round_, "people"), ROW_SCHEMA, columns)

    def rows(self, round_: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Generated rows and those that people made."""
        return pa.concat_tables([self.generated(round_, columns), self.people(round_, columns)])

    def revisions(self, round_: int) -> pa.Table:
        """All verdicts on rows of a round, those that no longer hold too."""
        return read_parts(self.filesystem, self.parts(round_, "verdicts"), VERDICT_SCHEMA)

    def verdicts(self, round_: int) -> pa.Table:
        """The verdict that holds for each judged row of a round."""
        return latest_verdicts(self.revisions(round_))

    def request_refs(self, round_: int, wave: int | None = None) -> Iterator[RequestRef]:
        """The planned requests of a round, or of a wave of it, in plan order, read as they are wanted."""
        columns = ["request_id", "samples", "most_tokens", "prompt_hash", "adapter"]
        for part in self.parts(round_, "requests"):
            if wave is not None and not Path(part).name.startswith(f"part-w{wave:03d}"):
                continue
            index = 0
            for batch in read_batches(self.filesystem, part, REQUEST_SCHEMA, columns):
                for name, *rest in zip(*batch.to_pydict().values(), strict=True):
                    yield RequestRef(name, part, index, *rest)
                    index += 1

    def open_requests(self, round_: int, wave: int | None = None) -> Iterator[RequestRef]:
        """Planned requests without committed rows, nor set aside, nor forgotten: what is left to generate."""
        done = {*self.aside(round_)["request_id"].to_pylist(), *(each["request_id"] for each in self.forgotten())}
        for table in read_each(self.filesystem, self.parts(round_, "generated"), ROW_SCHEMA, ["request_id"]):
            done.update(table["request_id"].unique().to_pylist())
        return (request for request in self.request_refs(round_, wave) if request.request_id not in done)

    def set_aside(self, round_: int, requests: Sequence[RequestRef], error: str, run_id: str) -> None:
        """Record requests that no engine can answer."""
        table = pa.table(
            [[each.request_id for each in requests], [each.samples for each in requests], [error] * len(requests)],
            schema=ASIDE_SCHEMA,
        )
        self.commit(round_, "aside", digest([each.request_id for each in requests]), table, run_id)

    def aside(self, round_: int) -> pa.Table:
        """Requests set aside in a round (ASIDE_SCHEMA)."""
        return read_parts(self.filesystem, self.parts(round_, "aside"), ASIDE_SCHEMA)

    def kept(self, rounds: Iterable[int]) -> pa.Table:
        """Accepted and relabelled rows of the rounds: id, text, label (final), status, weight."""
        tables = [self._kept_of(round_) for round_ in rounds]
        return pa.concat_tables([_KEPT_SCHEMA.empty_table(), *tables])

    def _kept_of(self, round_: int) -> pa.Table:
        verdicts = self.verdicts(round_)
        verdicts = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT)))
        rows = self.rows(round_, ["id", "text"])
        joined = rows.join(verdicts.select(["id", "label", "status", "weight"]), "id", join_type="inner").sort_by("id")
        return joined.select(_KEPT_SCHEMA.names)


def _has_late(tables: Sequence[pa.Table]) -> bool:
    """Whether a request has rows in two parts: a driver that was only asleep committed after the next one's engines."""
    ids = [table["request_id"].unique() for table in tables]
    return len(pa.chunked_array(ids, pa.string()).unique()) < sum(map(len, ids))


def _first_of_each(tables: Sequence[pa.Table]) -> list[pa.Table]:
    taken: set[str] = set()
    found = []
    for table in tables:
        ids = set(table["request_id"].to_pylist())
        if late := ids & taken:
            table = table.filter(pc.invert(pc.is_in(table["request_id"], pa.array(sorted(late)))))
        taken |= ids
        found.append(table)
    return found
