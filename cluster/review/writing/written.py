"""What came of writing: time per row, how many rows fool the student, and of how many another person says so too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.frame import WRITTEN
from cluster.review.cases import Case, Verdict
from cluster.review.ledger import Ledger
from cluster.review.writing.opinion import ALONE, RANKINGS
from cluster.review.writing.rows import ASSISTED, UNAIDED, to_check
from cluster.store import Store

ALL = "all"


@dataclass(frozen=True)
class Line:
    """Rows that were written with suggestions of one ranking (ALONE: without any).

    `seconds` is the median time on a row, with that on suggestions refused before it. Of `told` rows the student's
    answer is known, `fools` of them it gets wrong; `checked` of these another person has seen, and `validated` said
    that the label is right.
    """

    ranking: str
    rows: int
    approved: int
    edited: int
    seconds: float | None
    told: int
    fools: int
    checked: int
    validated: int

    @property
    def share(self) -> float | None:
        """Of rows with the student's answer, those that fool it."""
        return self.fools / self.told if self.told else None

    @property
    def vmer(self) -> float | None:
        """Validated model error rate: rows that fool the student and were validated, of all with its answer.

        None before anybody has validated: it is not known. While some that fool it are unchecked it is a lower bound.
        """
        return self.validated / self.told if self.told and (self.checked or not self.fools) else None


def read_written(store: Store) -> list[Case]:
    """The rows that people wrote and that stand, whatever others said of them since, as they were written."""
    ids = []
    for number in store.rounds():
        people = store.people(number, ["id", "method"])
        ids += people.filter(pc.is_in(people["method"], pa.array([ASSISTED, UNAIDED])))["id"].to_pylist()
    cases = Ledger(store).cases([to_check(id, place) for place, id in enumerate(ids)]).values()
    return sorted((case for case in cases if writing_of(case)), key=lambda case: str(_verdict(case)["at"]))


def writing_of(case: Case) -> Verdict | None:
    """Its writer's verdict; None: they took it back, or were killed before it was there."""
    return next((each for each in case.history.given.values() if each["reason"] == WRITTEN), None)


def lines_of(cases: Iterable[Case]) -> list[Line]:
    """A line per ranking that was used, and one of all rows."""
    listed = list(cases)
    by_ranking = {name: [case for case in listed if ranking_of(case) == name] for name in RANKINGS}
    return [_line(name, some) for name, some in by_ranking.items() if some] + [_line(ALL, listed)]


def ranking_of(case: Case) -> str:
    """By what the suggestion was chosen from which the row was made; ALONE: there was none."""
    return dict(case.row["attributes"] or ()).get("ranking", ALONE)


def render(lines: Sequence[Line]) -> str:
    """The lines as a table for a terminal."""
    shown = [("suggestions", "rows", "approved", "edited", "s a row", "fool the student", "validated error rate")]
    for line in lines:
        seconds = "" if line.seconds is None else f"{line.seconds:.1f}"
        shown.append(
            (line.ranking, str(line.rows), str(line.approved), str(line.edited), seconds, _fooling(line), _vmer(line))
        )
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown
    )


def _fooling(line: Line) -> str:
    return f"{line.fools} of {line.told} ({line.share:.0%})" if line.share is not None else "no student"


def _vmer(line: Line) -> str:
    if line.share is None:
        return ""
    if line.vmer is None:
        return "not validated"
    left = line.fools - line.checked
    return f"{line.vmer:.1%}" + (f", {left} unchecked" if left else "")


def _line(ranking: str, cases: Sequence[Case]) -> Line:
    told = [case for case in cases if "fools" in _verdict(case)["scores"]]
    fools = [case for case in told if _verdict(case)["scores"]["fools"]]
    checked = [case for case in fools if case.judged]
    times = [_verdict(case)["scores"].get("seconds", 0.0) for case in cases]
    help = [dict(case.row["attributes"] or ()).get("assistance") for case in cases]
    return Line(
        ranking=ranking,
        rows=len(cases),
        approved=help.count("approved"),
        edited=help.count("edited"),
        seconds=median(times) if times else None,
        told=len(told),
        fools=len(fools),
        checked=len(checked),
        validated=sum(case.is_defective is False for case in checked),
    )


def _verdict(case: Case) -> dict[str, Any]:
    return dict(writing_of(case) or {})
