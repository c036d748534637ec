"""Which round's student the run stands for: `RUN/student` names it. A worse one does not take the place of a better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cluster.audit.lots import failed_lots
from cluster.held_out import DEV, HeldOut, read_held_out
from cluster.store import Store
from denoise.drift import Drop
from generation.location import Location
from training.folders import is_whole

POINTER = "student"
_NO_ROWS = "no held-out rows tell it from the one before (student.dev_per_label)"


@dataclass(frozen=True)
class Promotion:
    """Whether a round's student is promoted, over which round's, and `why`."""

    promoted: bool
    over: int | None
    why: str


def weigh(store: Store, number: int, held: HeldOut | None, alarms: Sequence[Drop], hold: bool) -> Promotion:
    """Round `number`'s student against the one that was promoted before it, on held-out rows: never on the test rows.

    It is held back if it is surely worse (95 %), or if diversity fell (`alarms`) and these `hold` it. Without dev rows
    heads that learn from its rows, and from those of the one before, answer for both on the seeds. What else speaks
    against it is a lot that fails, see `step_back`.
    """
    over = promoted_before(store, number)
    if over is None:
        return Promotion(True, None, "it is the first")
    if hold and alarms:
        return Promotion(False, over, f"texts have lost variety since the first round: {alarms[0]}")
    gain = held.gain_over(read_held_out(store, over)) if held is not None else None
    if held is None or gain is None or not gain.rows:
        return Promotion(True, over, _NO_ROWS)
    who = "it is" if held.basis == DEV else "heads on its rows are"
    verdict = "worse" if gain.is_loss else "not surely better" if gain.may_be_none else "better"
    return Promotion(not gain.is_loss, over, f"{who} {verdict} than round {over}'s: {gain}")


def promote(store: Store, number: int) -> None:
    """Have the run stand for a round's student."""
    store.write_text(POINTER, f"rounds/{number:03d}/student\n")


def promoted_before(store: Store, number: int) -> int | None:
    """The round whose student was promoted last among those before round `number`; None before there was one."""
    for each in range(number - 1, -1, -1):
        metrics = store.read_json(f"rounds/{each:03d}/metrics.json") or {}
        if metrics.get("promotion", {"promoted": True})["promoted"] and is_whole(store.folder(each, "student")):
            return each
    return None


def sound_before(store: Store, number: int) -> int | None:
    """The same, but for rounds of whose version a lot failed."""
    before = promoted_before(store, number)
    while before is not None and failed_lots(store, before):
        before = promoted_before(store, before)
    return before


def promoted_round(store: Store) -> int | None:
    """The round that `RUN/student` names; None before there is one."""
    try:
        return int((store.root / POINTER).read_text().split("/")[1])
    except FileNotFoundError:
        return None


def standing_round(store: Store) -> int | None:
    """The same, or of a run that names none, the newest round with a finished student; None without a student."""
    named = promoted_round(store)
    numbers = [named] if named is not None else [*reversed(store.rounds())]
    return next((number for number in numbers if is_whole(store.folder(number, "student"))), None)


def promoted_student(store: Store) -> Location | None:
    """The folder of the student that the run stands for; None without a student."""
    number = standing_round(store)
    return None if number is None else store.folder(number, "student")


def step_back(store: Store, failed: int) -> int | None:
    """After a lot of the version of round `failed` failed: the run stands for the newest student before it again.

    Only if it stands for that round's, no dev rows speak for it, and there is an earlier one of whose version no lot
    failed. Returns whose it stands for now, None where nothing changes.
    """
    held = read_held_out(store, failed)
    if promoted_round(store) != failed or (held is not None and held.basis == DEV):
        return None
    before = sound_before(store, failed)
    if before is not None:
        promote(store, before)
    return before
