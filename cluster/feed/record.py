"""`RUN/feeds/NNN/`: what a feed was begun with, and what it came to. Each file is written once."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from cluster.store import Store
from generation.errors import UserError
from generation.location import path_of

STAGE = "feed"  # of verdicts
FOR_PEOPLE, WAITS, OUT_OF_SCOPE = "for_people", "waits", "out_of_scope"  # their reasons


def folder_of(number: int) -> str:
    """Where a feed lies below the run."""
    return f"feeds/{number:03d}"


def feed_numbers(store: Store) -> list[int]:
    """Feeds that were begun, in order."""
    selector = fs.FileSelector(path_of(store.root / "feeds"), allow_not_found=True)
    names = sorted(info.base_name for info in store.filesystem.get_file_info(selector))
    numbers = [int(name) for name in names if name.isdigit()]
    return [number for number in numbers if (store.root / folder_of(number) / "plan.json").is_file()]


def generating(store: Store) -> list[int]:
    """Rounds begun, in order, but for those that took rows of pools and generate none."""
    return [each for each in store.rounds() if not store.read_json(f"rounds/{each:03d}/round.json").get("fed")]


def plan_of(store: Store, number: int) -> dict[str, Any]:
    """What a feed was begun with."""
    return store.read_json(f"{folder_of(number)}/plan.json")


def summary_of(store: Store, number: int) -> dict[str, Any] | None:
    """What a feed came to; None: it is not finished."""
    return store.read_json(f"{folder_of(number)}/summary.json")


def feed_to_do(store: Store, digest: str, again: bool = False, drop: bool = False) -> tuple[int, bool]:
    """The number of the feed of a pool, and whether it is finished.

    A pool that was fed is not fed `again` unless that is said. Raises UserError where another feed is unfinished, but
    for one that may be dropped where `drop` says so.
    """
    numbers = feed_numbers(store)
    for number in numbers:
        if summary_of(store, number) is None and plan_of(store, number)["pool"] != digest:
            if drop:
                drop_feed(store, number)
                continue
            files = " ".join(plan_of(store, number)["files"])
            first = f"run first `labelmill feed` with {files}, or add --drop"
            raise UserError(f"{store.root}: {folder_of(number)} is unfinished; {first}")
    numbers = feed_numbers(store)
    same = [number for number in numbers if plan_of(store, number)["pool"] == digest]
    if same and not (again and summary_of(store, same[-1])):
        return same[-1], summary_of(store, same[-1]) is not None
    return len(numbers), False


def drop_feed(store: Store, number: int) -> None:
    """Leave an unfinished feed, as if it had not begun. Raises UserError where its rows have joined."""
    rows, verdicts = (_parts(store, number, kind) for kind in ("generated", "verdicts"))
    if verdicts:
        raise UserError(f"{store.root}: --drop: rows of {folder_of(number)} have joined; finish it with its own pool")
    for part in rows:
        store.filesystem.delete_file(part)
    for info in store.filesystem.get_file_info(fs.FileSelector(path_of(store.root / folder_of(number)))):
        if info.base_name != "plan.json":
            store.remove(f"{folder_of(number)}/{info.base_name}")
    store.remove(folder_of(number))  # with the plan, last: without it nothing else of the feed would be known


def _parts(store: Store, number: int, kind: str) -> list[str]:
    """The parts that a feed has committed to rounds."""
    name = f"part-{part_of(number)}.parquet"
    return [part for round_ in store.rounds() for part in store.parts(round_, kind) if part.endswith(name)]


def part_of(number: int) -> str:
    """Name of the parts of a round that hold a feed's rows and verdicts."""
    return folder_of(number).replace("/", "-")


def refuse_half_joined(store: Store) -> None:
    """Raises UserError where a feed was killed between its rows and their verdicts."""
    for number in feed_numbers(store):
        if _parts(store, number, "generated") and not _parts(store, number, "verdicts"):
            files = " ".join(plan_of(store, number)["files"])
            raise UserError(
                f"{store.root}: {folder_of(number)} was cut short while its rows joined; finish it: "
                f"labelmill feed RUN {files}"
            )


def write_table(store: Store, name: str, table: pa.Table) -> None:
    """One immutable Parquet file below the run."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    store.write_bytes(name, sink.getvalue().to_pybytes())


def read_table(store: Store, name: str, schema: pa.Schema) -> pa.Table | None:
    """What `write_table` put there; None: nothing."""
    if not (store.root / name).is_file():
        return None
    return pq.read_table(path_of(store.root / name), filesystem=store.filesystem, partitioning=None).cast(schema)


def fed_rows(store: Store, schema: pa.Schema, name: str) -> pa.Table:
    """A file of all feeds that have it, in their order."""
    found = [read_table(store, f"{folder_of(number)}/{name}", schema) for number in feed_numbers(store)]
    return pa.concat_tables([schema.empty_table(), *(table for table in found if table is not None)])
