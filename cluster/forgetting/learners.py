"""Which models learnt from rows: they cannot forget, so they are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from cluster.forgetting.pending import clear
from cluster.promotion import POINTER, promote, promoted_before, promoted_round, sound_before
from cluster.store import Store
from generation.methods import METHODS
from generation.records import KEPT
from training.folders import is_whole


def learners_of(store: Store, ids: Iterable[str]) -> tuple[list[str], list[str]]:
    """Folders of students, and of adapters, that may have learnt from rows with these ids.

    A student learns from what is kept when it is trained, in all rounds so far; where its settings say so, from what
    the judge doubts too. An adapter of a round may learn from what earlier rounds kept.
    """
    config = store.run().get("config", {})
    first = _first_round(store, set(ids), config.get("student", {}).get("targets") == "soft_all")
    if first is None:
        return [], []
    numbers = [number for number in store.rounds() if number >= first]
    students = [name for number in numbers if is_whole(store.root / (name := f"rounds/{number:03d}/student"))]
    return students, _adapters(store, numbers[1:], config)


def retrainable(store: Store, students: Iterable[str]) -> str:
    """The one of these students that a run would train again were it not there: that of the newest round; else ""."""
    newest = [f"rounds/{number:03d}/student" for number in store.rounds()[-1:]]
    return next((name for name in newest if name in students), "")


def take_away(store: Store, student: str) -> None:
    """Remove a student, so that the next run trains another on what is kept now.

    Until then the run stands for the newest before it of whose version no lot failed; where all did, for the newest.
    """
    number = int(student.split("/")[1])
    store.remove(f"rounds/{number:03d}/metrics.json")  # first: with it the round would be finished
    if promoted_round(store) == number:
        before = sound_before(store, number)
        before = promoted_before(store, number) if before is None else before
        if before is None:
            store.remove(POINTER)
        else:
            promote(store, before)
    store.remove(f"rounds/{number:03d}/held_out.json")  # what it said of rows that it had not seen
    store.remove(student)
    clear(store, student)


def _first_round(store: Store, ids: set[str], doubted: bool) -> int | None:
    """The first round in which one of them was ever kept, or doubted where that counts."""
    for number in store.rounds():
        revisions = store.revisions(number)
        learnt = pc.is_in(revisions["status"], pa.array(KEPT))
        if doubted:
            learnt = pc.or_(learnt, pc.is_valid(revisions["shares"]))
        mine = pc.is_in(revisions["id"], pa.array(sorted(ids), pa.string()))
        if pc.any(pc.and_(pc.fill_null(learnt, False), mine)).as_py():
            return number
    return None


def _adapters(store: Store, rounds: Iterable[int], config: Mapping) -> list[str]:
    """Of methods that train: each round's folder, and the copies that its requests name."""
    method = METHODS.get(config.get("generation", {}).get("method", ""))
    if method is None or method.adapting is None:
        return []
    found: dict[str, None] = {}
    for number in rounds:
        if is_whole(store.root / (name := f"rounds/{number:03d}/adapters")):
            found[name] = None
        used = store.requests(number, ["adapter"])["adapter"].unique().to_pylist()
        found |= dict.fromkeys(f"adapters/{each}" for each in sorted(filter(None, used)))
    return list(found)
