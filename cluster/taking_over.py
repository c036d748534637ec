"""Rows of another run as a new one begins with them: under its labels, in one round, with where each comes from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.frame import STAGE, UNDONE
from cluster.rounds import TAKEN_OVER
from cluster.store import Store
from generation.kinds import KINDS
from generation.kinds.multi_label import split
from generation.records import KEPT, requests_table, rows_table, verdicts_table
from generation.relabelling import Fate, fate_of_set

ORIGIN_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("run_id", pa.string()),
        ("round", pa.int32()),
        ("label", pa.string()),
        ("how", pa.string()),
    ]
)
JUDGED_WAVE = 0  # whose rows wait for a judge


@dataclass(frozen=True)
class Taken:
    """Tables to commit: `rows` and those that `people` wrote, `requests` behind them, `verdicts` on what is not judged
    again, and each row's `origins` (ORIGIN_SCHEMA: its run, round and label there). `counts`: old label -> kept rows.
    """

    rows: pa.Table
    people: pa.Table
    requests: pa.Table
    verdicts: pa.Table
    origins: pa.Table
    counts: Counter[str]
    fates: Mapping[str, Fate]

    @property
    def judged(self) -> int:
        """Rows that a judge has to look at again."""
        return self.origins.num_rows - self.verdicts.num_rows

    @property
    def kept(self) -> Counter[str]:
        """New label -> rows that stay as they are."""
        return Counter(self.verdicts["label"].to_pylist())


def take_over(store: Store, fates: Mapping[str, Fate], targets: Collection[str], judge_all: bool = False) -> Taken:
    """The rows that a run has kept, by the `fates` of its labels; `targets` are what the new task asks rows of.

    Rejected and surplus rows stay behind, and so do rows of labels that are left out. `judge_all`: nothing but what
    people said is kept without being judged again.
    """
    kind = KINDS[store.run().get("kind", "label")]
    moves = _Moves(fates, kind.has_several, frozenset(targets), judge_all)
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    counts, run_id = Counter[str](), store.run()["run_id"]
    for number in store.rounds():
        verdicts = store.verdicts(number)
        kept = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT))).to_pylist()
        counts.update(verdict["label"] for verdict in kept)
        holding = {verdict["id"]: verdict for verdict in kept if moves.fate(verdict["label"]).how != "left out"}
        waves: dict[str, int] = {}
        for name, table in (("rows", store.generated(number)), ("people", store.people(number))):
            for row in table.filter(pc.is_in(table["id"], pa.array(list(holding), pa.string()))).to_pylist():
                verdict = holding[row["id"]]
                fate = moves.fate(verdict["label"], _is_of_a_person(verdict))
                moved = moves.row(row, fate)
                found["rows" if fate.is_judged else name].append(moved)
                origin = {"run_id": run_id, "round": number, "label": verdict["label"], "how": fate.how}
                found["origins"].append({"id": row["id"], **origin})
                waves[row["request_id"]] = max(waves.get(row["request_id"], TAKEN_OVER), moved["wave"])
                if not fate.is_judged:
                    found["verdicts"].append(moves.verdict(verdict))
        plan = store.requests(number)
        asked = plan.filter(pc.is_in(plan["request_id"], pa.array(list(waves), pa.string()))).to_pylist()
        found["requests"] += [moves.request(each, waves[each["request_id"]]) for each in asked]
    return Taken(
        rows_table(found["rows"]),
        rows_table(found["people"]),
        requests_table(found["requests"]),
        verdicts_table(found["verdicts"]),
        pa.Table.from_pylist(found["origins"], ORIGIN_SCHEMA),
        counts,
        {label: moves.fate(label) for label in counts},
    )


@dataclass(frozen=True)
class _Moves:
    """How each part of a row is carried over."""

    fates: Mapping[str, Fate]
    several: bool
    targets: frozenset[str]
    judge_all: bool

    def fate(self, label: str, by_person: bool = False) -> Fate:
        """Of rows of a label or a set of labels; a set that nobody asks for any more is left out.

        What is so `by_person` is judged again only where the label itself means something else.
        """
        names = split(label) if self.several else (label,)
        found = fate_of_set(names, self.fates) if all(name in self.fates for name in names) else Fate("left out")
        if found.to is not None and found.to not in self.targets:
            return Fate("left out")
        is_judged = self.judge_all and not by_person and found.how in _UNJUDGED
        return Fate("defined anew", found.to) if is_judged else found

    def row(self, row: dict[str, Any], fate: Fate) -> dict[str, Any]:
        """In round 0; what it was made for is what it is of now, or nothing where a judge has to find that out."""
        to, made_for = fate.to, row["intended_label"]
        meant = self.fate(made_for).to if made_for is not None and to is not None else None
        changes: dict[str, Any] = {"round": 0, "label": to, "intended_label": meant or to}
        changes["wave"] = JUDGED_WAVE if fate.is_judged else TAKEN_OVER
        if fate.is_judged:  # also what a person wrote, which cost none
            changes |= {name: row[name] or 0 for name in ("prompt_tokens", "output_tokens")}
        if row["labels"] is not None and to is not None:
            changes["labels"] = list(split(to))
        return _plain(row) | changes

    def verdict(self, verdict: dict[str, Any]) -> dict[str, Any]:
        """Under the new label; shares of labels that no longer mean one are dropped."""
        fate = self.fate(verdict["label"])
        shares = dict(verdict["shares"] or ())
        moved: Counter[str] = Counter()
        for name, share in shares.items():
            moved[str(self.fate(name).to)] += share
        whole = all(self.fate(name).to is not None for name in shares)
        return _plain(verdict) | {"label": fate.to, "shares": dict(moved) if shares and whole else None}

    def request(self, request: dict[str, Any], wave: int) -> dict[str, Any]:
        return _plain(request) | {"round": 0, "wave": wave, "label": self.fate(request["label"]).to or request["label"]}


_UNJUDGED = ("taken over", "renamed", "merged")


def _is_of_a_person(verdict: Mapping[str, Any]) -> bool:
    return verdict["stage"] == STAGE and verdict["reason"] != UNDONE


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Maps as dicts: Arrow yields lists of pairs."""
    return {
        name: dict(value) if name in ("attributes", "sampling", "scores") and value is not None else value
        for name, value in row.items()
    }
