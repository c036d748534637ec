"""The pages of rows, as HTML."""

from __future__ import annotations

from typing import Any, NamedTuple

from cluster.review.desk import Desk, Progress
from cluster.review.frame import Frame
from cluster.review.people import Person
from cluster.review.summary import OUTCOMES, differences, label_lines, opinions, opinions_on, people_lines
from denoise.audit.agreement import krippendorff, masi, nominal
from denoise.audit.assurance import Assurance
from denoise.audit.plans import Decision

_CLIPPED = 300  # characters of a text in a table
KEYS = (
    ("A", "accept, as Enter does"),
    ("L", "find another label; 1 to 9 take one at once"),
    ("E", "edit; Ctrl Enter saves"),
    ("D", "discard"),
    ("S", "skip"),
    ("U", "undo your last answer"),
    ("V", "show a blurred text"),
    ("Esc", "close what is open"),
    ("← →", "move over tokens, with Shift select"),
)


class Gauge(NamedTuple):
    """Places on the gauge's axis, in percent of it."""

    low: float
    width: float
    estimate: float
    accept: float
    reject: float
    accept_share: float
    reject_share: float


class Pages:
    """Renders pages of one desk."""

    def __init__(self, desk: Desk, frame: Frame) -> None:
        self._desk, self._frame, self._views = desk, frame, frame.views

    def row(self, person: Person, notice: str = "") -> str:
        """The row that the person is at, or that there is none."""
        progress = self._desk.progress(person.name)
        case = self._desk.next_for(person.name)
        if case is None:
            disputes = self._desk.disputes_for(person.name)
            return self._render("review_done.html.j2", person, notice, disputes=disputes, **self._standing(progress))
        differ = opinions_on(case, self._desk.kind) if case.is_disputed(self._desk.kind) else []
        row = self._views.row(case)
        return self._render("review_row.html.j2", person, notice, row=row, differ=differ, **self._standing(progress))

    def summary(self, person: Person) -> str:
        """What people found, and how they agree."""
        cases = self._desk.cases
        distance = masi if self._views.kind.has_several else nominal
        said = opinions(cases.values(), self._views.kind.name)
        return self._render(
            "review_summary.html.j2",
            person,
            "",
            people=people_lines(cases.values()),
            labels=label_lines(cases.values()),
            outcomes=OUTCOMES,
            shared=len(said),
            alpha=krippendorff(said, distance),  # type: ignore[arg-type]
            differences=differences(cases.values(), self._desk.kind, self._desk.rule),
            disputes=self._desk.disputes_for(person.name),
            clipped=_CLIPPED,
            **self._standing(self._desk.progress(person.name)),
        )

    def _standing(self, progress: Progress) -> dict[str, Any]:
        assurance = self._desk.work.assurance
        return {"progress": progress, "gauge": gauge_of(progress.decision, assurance) if assurance else None}

    def _render(self, name: str, person: Person, notice: str, **values: Any) -> str:
        return self._frame.render(name, person, notice, KEYS, **values)


def gauge_of(decision: Decision, assurance: Assurance) -> Gauge:
    """The interval and the plan's two shares, on an axis that has room for both."""
    good, bad = assurance.accept, assurance.reject
    top = min(1.0, max(2 * bad, decision.high if decision.checked else 0.0))

    def at(share: float) -> float:
        return round(100 * min(1.0, max(0.0, share) / top), 2)

    low, estimate = at(decision.low), at(decision.estimate or 0.0)
    return Gauge(low, max(round(at(decision.high) - low, 2), 0.5), estimate, at(good), at(bad), good, bad)
