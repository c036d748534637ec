"""Rows by their ids, and which rows stood in the prompts of which.

A row that stood for a seed is named in `seed_ids` by its own id where people had checked it, else by the hash of its
text and the label that it had then (generation/task.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs

from cluster.store import Store
from generation.errors import UserError, clip
from generation.location import path_of
from generation.task import Example
from training.folders import is_whole

_SHOWN = 3  # ids in a message


class Place(NamedTuple):
    """Where a row lies."""

    round: int
    id: str


def find_row(store: Store, prefix: str) -> Place:
    """The row, generated or by people, whose id is `prefix` or alone begins with it. Raises UserError."""
    if not prefix:
        raise UserError("ID: must not be empty")
    found: dict[str, int] = {}
    for number in store.rounds():
        for id in store.rows(number, ["id"])["id"].to_pylist():
            if id.startswith(prefix):
                found[id] = number
    if prefix in found or len(found) == 1:
        id = prefix if prefix in found else next(iter(found))
        return Place(found[id], id)
    if found:
        told = ", ".join(sorted(found)[:_SHOWN])
        raise UserError(f"{store.root}: {len(found)} rows have ids that begin with {clip(prefix)}, such as {told}")
    for each in store.forgotten():
        if each["id"].startswith(prefix):
            raise UserError(f"{store.root}: {each['id']} was forgotten by {each['who']} on {each['at']}")
    raise UserError(f"{store.root}: no row has an id that begins with {clip(prefix)}")


def read_row(store: Store, place: Place) -> dict[str, Any]:
    """All columns of a row (ROW_SCHEMA), maps as dicts."""
    rows = store.rows(place.round)
    row = rows.filter(pc.equal(rows["id"], place.id)).slice(0, 1).to_pylist()[0]
    return row | {name: dict(row[name] or ()) for name in ("attributes", "sampling")}


def texts_of(store: Store, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`text`, `label` and `kind` ("seed" or "row") of seeds and rows by id; one that is nowhere is left out.

    Of a row named by its text and label it is that row's, with its `id`.
    """
    wanted = set(ids)
    found = {
        seed["id"]: {"id": seed["id"], "kind": "seed", "label": seed["label"], "text": seed["text"]}
        for seed in store.read_json("seeds.json") or []
        if seed["id"] in wanted
    }
    for number in store.rounds() if wanted - found.keys() else ():
        labels = labels_of(store, number)
        for row in store.rows(number, ["id", "text", "label"]).to_pylist():
            for name in names_of(row, labels[row["id"]]) & wanted - found.keys():
                found[name] = {"id": row["id"], "kind": "row", "label": row["label"], "text": row["text"]}
    return found


def labels_of(store: Store, round_: int) -> Mapping[str, set[str]]:
    """All labels that verdicts ever gave the rows of a round, by id."""
    found: dict[str, set[str]] = defaultdict(set)
    revisions = store.revisions(round_)
    for id, label in zip(revisions["id"].to_pylist(), revisions["label"].to_pylist(), strict=True):
        found[id].add(label)
    return found


def names_of(row: Mapping[str, Any], labels: Iterable[str | None]) -> set[str]:
    """The ids under which a row may stand in `seed_ids`, given the labels that it has had."""
    text = row["text"] or ""
    return {row["id"], *(Example(text, label).id for label in {row["label"], *labels})}


def children_of(store: Store, names: Iterable[str]) -> list[dict[str, Any]]:
    """Rows (`id`, `round`, `request_id`, `source`, `text`) with one of `names` among their `seed_ids`."""
    wanted, columns = set(names), ["id", "round", "request_id", "source", "text", "seed_ids"]
    found = []
    for number in store.rounds():
        rows = store.rows(number, columns)
        some = _with_one_of(rows["seed_ids"], wanted)
        found += rows.filter(some).drop_columns(["seed_ids"]).to_pylist()
    return found


def _with_one_of(lists: pa.ChunkedArray, wanted: set[str]) -> pa.Array:
    """Whether each list holds one of the values."""
    return pa.array([not wanted.isdisjoint(each or ()) for each in lists.to_pylist()], pa.bool_())


def versions_of(store: Store) -> list[str]:
    """Names of all dataset versions, in order."""
    selector = fs.FileSelector(path_of(store.root / "dataset"), allow_not_found=True)
    names = [info.base_name for info in store.filesystem.get_file_info(selector)]
    return sorted(name for name in names if name.startswith("v") and is_whole(store.root / "dataset" / name))
