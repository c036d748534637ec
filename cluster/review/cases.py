"""A row that people judge, with all that was said of it so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cluster.audit.findings import is_disputed
from cluster.audit.frame import STAGE, UNDONE, WRITTEN
from cluster.audit.lots import Sampled
from generation.records import KEPT

Verdict = Mapping[str, Any]  # a row of VERDICT_SCHEMA


@dataclass(frozen=True)
class History:
    """What was said of one id. `given` are people's verdicts that stand, in the order in which they were given.

    `machine` is the newest verdict of the machine, `last` the newest of all.
    """

    machine: Verdict | None = None
    given: Mapping[str, Verdict] = field(default_factory=dict)
    last: Verdict | None = None

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> History:
        """The history that revisions of one id tell, in any order."""
        history = cls()
        for verdict in sorted(verdicts, key=lambda each: each["revision"]):
            history = history.plus(verdict)
        return history

    def plus(self, verdict: Verdict) -> History:
        """One revision later."""
        if verdict["stage"] != STAGE:
            return History(verdict, self.given, verdict)
        given = {who: each for who, each in self.given.items() if who != verdict["auditor"]}
        if verdict["reason"] != UNDONE:
            given[verdict["auditor"]] = verdict
        return History(self.machine, given, verdict)

    @property
    def revision(self) -> int:
        """The highest that there is; 0: none."""
        return self.last["revision"] if self.last else 0

    @property
    def is_kept(self) -> bool:
        """Whether the row is in the dataset now."""
        return self.last is not None and self.last["status"] in KEPT

    @property
    def holding(self) -> Verdict | None:
        """The last verdict of a person, else the machine's."""
        return [*self.given.values()][-1] if self.given else self.machine


@dataclass(frozen=True)
class Case:
    """A sampled row (of ROW_SCHEMA), and the histories and texts of rows that people made of it, by id."""

    row: Mapping[str, Any]
    history: History = field(default_factory=History)
    made: Mapping[str, History] = field(default_factory=dict)
    sampled: Sampled | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.row["id"]

    @property
    def label(self) -> str:
        """The label under which the dataset has it, whatever people have said since."""
        machine = self.history.machine or {}
        return machine.get("label") or self.row["label"] or self.row["intended_label"] or ""

    @property
    def places(self) -> int:
        """How many people are to see it."""
        return 2 if self.sampled and self.sampled.second else 1

    @property
    def decides(self) -> bool:
        """Whether it counts for the plan; others only tell of their stratum."""
        return self.sampled is None or self.sampled.decides

    @property
    def judged(self) -> Mapping[str, Verdict]:
        """What people who looked at it say; who wrote it is none of them."""
        return {who: verdict for who, verdict in self.history.given.items() if verdict["reason"] != WRITTEN}

    @property
    def is_defective(self) -> bool | None:
        """Whether people found wrong what the dataset says; None: nobody has looked."""
        if not self.judged:
            return None
        return bool(dict(self.history.holding["scores"] or ()).get("defect"))  # type: ignore[index]

    def plus(self, verdict: Verdict) -> Case:
        """With one more revision of the row, or of one made of it."""
        if verdict["id"] == self.id:
            return replace(self, history=self.history.plus(verdict))
        made = {**self.made, verdict["id"]: self.made.get(verdict["id"], History()).plus(verdict)}
        return replace(self, made=made)

    def with_texts(self, rows: Iterable[Mapping[str, Any]]) -> Case:
        """With rows that people made of it."""
        return replace(self, texts={**self.texts, **{row["id"]: row["text"] for row in rows}})

    def is_disputed(self, kind: str) -> bool:
        """Whether people who looked at it differ, and nobody has decided it since."""
        return is_disputed(self.judged.values(), kind)
