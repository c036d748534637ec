"""What a `forget` that has begun has decided on, so that one that was killed is finished by the next."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cluster.store import FORGOTTEN, Store
from generation.errors import UserError

PENDING = "forgetting.json"
ELSEWHERE = -1  # round of a row that another run had


@dataclass(frozen=True)
class Gone:
    """What is left of a row: no text. `reason` is why it went: it was asked for, or goes with one that was.

    `mark` is a hash of a text from the pool, which the pool's file may still hold; "" of other rows.
    """

    id: str
    request_id: str | None
    round: int
    prompt_tokens: int
    output_tokens: int
    reason: str
    mark: str = ""


@dataclass(frozen=True)
class Forgetting:
    """One call: who asked for it and why, what goes, and what had learnt from it (folders below the run).

    `names` are what rows are called in prompts, `versions` the dataset versions that are written anew; `report`: there
    was one, which is written anew; `retrain`: the student that is taken away so that a run trains another, or "".
    """

    at: str
    who: str
    why: str
    rows: tuple[Gone, ...]
    names: tuple[str, ...]
    versions: tuple[str, ...]
    students: tuple[str, ...]
    adapters: tuple[str, ...]
    report: bool
    retrain: str

    @property
    def ids(self) -> set[str]:
        return {row.id for row in self.rows}


def begin(store: Store, told: Forgetting) -> None:
    """From here on it is to be finished."""
    store.write_json(PENDING, asdict(told))


def pending(store: Store) -> Forgetting | None:
    """The one that was begun and not finished."""
    told: dict[str, Any] | None = store.read_json(PENDING)
    if told is None:
        return None
    rows = tuple(Gone(**row) for row in told.pop("rows"))
    lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    return Forgetting(**(told | lists), rows=rows)


def end(store: Store) -> None:
    """It is finished."""
    store.remove(PENDING)


def refuse_unfinished(store: Store) -> None:
    """Raises UserError where rows are half erased."""
    if pending(store):
        raise UserError(
            f"{store.root}: rows are being forgotten, or were when it was killed; finish: labelmill forget RUN"
        )


def bury(store: Store, told: Forgetting, rows: tuple[Gone, ...]) -> None:
    """Write the tombstones into the store that had the rows, each once."""
    known = store.read_json(FORGOTTEN) or {"rows": [], "calls": []}
    there = {row["id"] for row in known["rows"]}
    stone = {"at": told.at, "who": told.who, "why": told.why}
    known["rows"] += [asdict(row) | stone for row in rows if row.id not in there]
    if all({**call, **stone} != call for call in known["calls"]):
        learnt = {"students": list(told.students), "adapters": list(told.adapters)}
        known["calls"].append(stone | {"rows": len(rows), **learnt})
    store.write_json(FORGOTTEN, known)


def hand_down(store: Store, heir: Store) -> None:
    """Tombstones for a run that begins with another's rows: what was forgotten there comes back in neither.

    Its tokens and the students that learnt from it stay the other's.
    """
    own = {"run_id": store.run()["run_id"]}  # marks are made with it
    if rows := [own | row | {"round": ELSEWHERE} for row in store.forgotten()]:
        heir.write_json(FORGOTTEN, {"rows": rows, "calls": []})


def named_students(store: Store) -> dict[str, int]:
    """Students that may have learnt from rows that were erased since, and how many rows that are."""
    named: dict[str, int] = {}
    for call in (store.read_json(FORGOTTEN) or {}).get("calls", []):
        for student in call["students"]:
            named[student] = named.get(student, 0) + call["rows"]
    return named


def clear(store: Store, student: str) -> None:
    """A student is no more: name it no longer."""
    known = store.read_json(FORGOTTEN)
    if known is not None and any(student in call["students"] for call in known["calls"]):
        for call in known["calls"]:
            call["students"] = [name for name in call["students"] if name != student]
        store.write_json(FORGOTTEN, known)
