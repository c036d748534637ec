"""RUN/index: what was read off the kept rows of all rounds, so that no wave reads an earlier one's texts again.

It can be lost: what it lacks is read off the rows anew.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from cluster.store import Store
from denoise.sketch import KNOWN_SCHEMA, READ, know
from generation.location import Location, path_of
from generation.parts import list_parts, read_parts, write_part
from generation.records import KEPT, digest


def known_rows(store: Store, run_id: str) -> pa.Table:
    """KNOWN_SCHEMA of the rows kept in all rounds, in no certain order.

    Rows that the index lacks are added, round by round. Parts of other settings than today's lie in another folder.
    """
    folder = store.root / "index" / digest(READ.identity())
    known = read_parts(store.filesystem, list_parts(store.filesystem, path_of(folder)), KNOWN_SCHEMA)
    tables = []
    for number in store.rounds():
        verdicts = store.verdicts(number)
        kept = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT)))["id"].combine_chunks()
        if new := kept.filter(pc.invert(pc.is_in(kept, known["id"].combine_chunks()))):
            rows = store.rows(number, ["id", "text"])
            added = know(rows.filter(pc.is_in(rows["id"], new)).sort_by("id"))
            _commit(store, folder, number, added, run_id)
            tables.append(added)
        tables.append(known.filter(pc.is_in(known["id"], kept)))
    return pa.concat_tables([KNOWN_SCHEMA.empty_table(), *tables])


def _commit(store: Store, folder: Location, number: int, rows: pa.Table, run_id: str) -> None:
    store.fence()
    if isinstance(folder, Path):
        folder.mkdir(parents=True, exist_ok=True)
    name = f"part-{number:03d}-{digest(rows['id'].to_pylist())}.parquet"
    write_part(store.filesystem, path_of(folder / name), rows, run_id)
