"""All that a run knows of one row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.frame import STAGE
from cluster.audit.lots import lot_numbers, read_lot
from cluster.checked import POOL
from cluster.dataset import read_dataset
from cluster.evidence.lineage import children_of, find_row, labels_of, names_of, read_row, texts_of, versions_of
from cluster.feed.picks import PICKS
from cluster.feed.record import read_table
from cluster.promotion import standing_round
from cluster.store import Store
from generation.location import Location
from generation.records import OF_KINDS

CONTENT = ("text", *(name for name in OF_KINDS))
MADE = (
    *("method", "adapter", "engine", "model", "model_hash", "attributes", "sampling"),
    *("finish_reason", "prompt_tokens", "output_tokens", "mean_logprob"),
)
_NOT_TOLD = ("id", "text", "hash")
View = Callable[[Location, Mapping[str, Any]], Mapping[str, Any]]  # what the student in a folder says of a row


def trace(store: Store, prefix: str, view: View | None = None) -> dict[str, Any]:
    """JSON-able; `pick` is why a feed took it, `student` what `view` says, None without one or a student.

    The prompt is the one that was committed with the plan. A verdict's `before` is what held until then. Raises
    UserError.
    """
    place = find_row(store, prefix)
    row = read_row(store, place)
    verdicts = _verdicts(store, place.round, place.id)
    request = _request(store, place.round, row["request_id"])
    names = names_of(row, labels_of(store, place.round)[place.id])
    held = verdicts[-1] if verdicts else None
    return {
        "id": place.id,
        "round": place.round,
        "wave": row["wave"],
        "source": row["source"],
        **{name: row[name] for name in CONTENT if row[name] is not None},
        "intended_label": row["intended_label"],
        "label": held["label"] if held else row["label"],
        "status": held["status"] if held else None,
        "made": {name: row[name] for name in MADE if row[name] not in (None, "", {})},
        "pick": _pick(store, row),
        "request": request,
        "parents": _parents(store, row["seed_ids"] or ()),
        "children": [each["id"] for each in children_of(store, names)],
        "verdicts": verdicts,
        "student": _view(store, row, view),
        "versions": [name for name in versions_of(store) if _holds(store, name, place.id)],
        "lots": [number for number in lot_numbers(store) if _drew(store, number, place.id)],
    }


def student_view(folder: Location, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the student in a folder says of a row: the columns of its kind, and `confidence`. Loads torch."""
    from training.folders import local_folder
    from training.predict import Student

    student = Student.load(local_folder(folder))
    columns = student.columns([row["tokens"] or row["text"] or ""])
    return {name: values[0] for name, values in columns.items() if name != "tokens"}


def _request(store: Store, round_: int, request_id: str | None) -> dict[str, Any] | None:
    """What was asked; None for rows of people's."""
    plan = store.requests(round_)
    found = plan.filter(pc.equal(plan["request_id"], pa.scalar(request_id, pa.string()))).slice(0, 1).to_pylist()
    return {name: found[0][name] for name in ("request_id", "form", "prompt", "text", "padding")} if found else None


def _parents(store: Store, seed_ids: Iterable[str]) -> list[dict[str, Any]]:
    """The seeds and rows in the prompt, in its order; of one that is nowhere any more the id alone."""
    ids = list(seed_ids)
    known = texts_of(store, ids)
    return [known.get(id, {"id": id, "kind": "unknown", "label": None, "text": None}) for id in ids]


def _verdicts(store: Store, round_: int, id: str) -> list[dict[str, Any]]:
    """All revisions, the first first; of those of equal rank the last committed one is the last."""
    revisions = store.revisions(round_)
    found = revisions.filter(pc.equal(revisions["id"], id)).to_pylist()
    found.sort(key=lambda verdict: verdict["revision"])
    survivors = texts_of(store, {each["survivor_id"] for each in found} - {None})
    told, before = [], None
    for each in found:
        told.append(
            {
                **{name: each[name] for name in ("revision", "stage", "status", "label", "reason", "weight")},
                "scores": dict(each["scores"] or ()),
                "shares": dict(each["shares"] or ()),
                "survivor": survivors.get(each["survivor_id"], _named(each["survivor_id"])),
                "person": each["auditor"] if each["stage"] == STAGE else None,
                "at": each["at"].isoformat(timespec="seconds") if each["at"] else None,
                "before": before,
            }
        )
        before = {"status": each["status"], "label": each["label"]}
    return told


def _named(id: str | None) -> dict[str, Any] | None:
    return {"id": id} if id else None


def _view(store: Store, row: Mapping[str, Any], view: View | None) -> dict[str, Any] | None:
    """What the promoted student says."""
    number = standing_round(store) if view else None
    if number is None or view is None:
        return None
    return {"round": number, **view(store.folder(number, "student"), row)}


def _pick(store: Store, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Why a feed took a row of a pool, and where it stood there; None of other rows, and in a fork."""
    folder = (row["engine"] or "").rstrip("/")
    table = read_table(store, f"{folder}/picks.parquet", PICKS) if row["source"] == POOL and folder else None
    found = [] if table is None else table.filter(pc.equal(table["id"], row["id"])).to_pylist()
    told = {name: value for name, value in found[0].items() if name not in _NOT_TOLD} if found else None
    return told and {"feed": folder, **told}


def _holds(store: Store, version: str, id: str) -> bool:
    return bool(pc.any(pc.equal(read_dataset(store, version)["id"], id)).as_py())


def _drew(store: Store, number: int, id: str) -> bool:
    return any(each.id == id for each in read_lot(store, number).sample)
