"""Rows that a file names, such as those that `labelmill budget --out` gives to people, as work for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.audit.lots import Sampled, current_lot
from cluster.review.sheet import plain
from cluster.review.work import Picked
from cluster.store import Store
from generation.errors import UserError, clip
from generation.items import read_items
from generation.records import digest


def picked_rows(store: Store, file: Path) -> tuple[Picked, int]:
    """The rows whose `id` stands in a .jsonl, .json, .csv or .parquet, in its order; how many are left out.

    Those of an open lot's sample are: seen out of their order they would spoil its plan, and it shows them anyway.
    Raises UserError naming the place.
    """
    known = {id for number in store.rounds() for id in store.generated(number, ["id"])["id"].to_pylist()}
    ids = dict.fromkeys(_id(where, item, known) for where, item in _items(file))
    lot = current_lot(store)
    asked = {each.id for each in lot.sample} if lot is not None and not lot.is_closed(store) else set()
    free = [id for id in ids if id not in asked]
    if not free:
        why = "all of them are in the sample of the open lot" if ids else "no rows"
        raise UserError(f"{file}: {why}")
    sample = tuple(Sampled(id, place, "", 1.0, False, True) for place, id in enumerate(free))
    return Picked(f"rows of {file.name}", f"audit/picked-{digest(sorted(free))[:8]}", sample), len(ids) - len(free)


def _id(where: str, item: Any, known: set[str]) -> str:
    told = item.get("id") if isinstance(item, Mapping) else None
    if not isinstance(told, str) or plain(told) not in known:
        raise UserError(f"{where}: id: must be that of a row of the run; got {clip(told)}")
    return plain(told)


def _items(file: Path) -> Iterator[tuple[str, Any]]:
    if file.suffix.lower() != ".parquet":
        unit, items = read_items(file)
        yield from ((f"{file} {unit} {place}", item) for place, item in items)
        return
    try:
        rows = pq.read_table(file, columns=["id"], partitioning=None).to_pylist()
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{file}: cannot be read as Parquet: {' '.join(str(error).split())}") from None
    yield from ((f"{file} row {place}", row) for place, row in enumerate(rows, 1))
