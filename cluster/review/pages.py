"""The review's pages as HTML, and the files that they load."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment

from cluster.audit.lots import Lot
from cluster.feed.queue import Queue
from cluster.report import page_environment
from cluster.review.desk import Desk, Progress
from cluster.review.people import Person
from cluster.review.summary import OUTCOMES, in_words, label_lines, opinions, people_lines
from cluster.review.views import Views
from denoise.audit.agreement import krippendorff, masi, nominal
from denoise.audit.plans import Decision

_TYPES = {"review.css": "text/css", "review.js": "text/javascript", "review.svg": "image/svg+xml"}
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


class Asset(NamedTuple):
    """A file that pages load, under a name that changes with its content."""

    type: str
    content: bytes


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

    def __init__(self, desk: Desk, views: Views) -> None:
        self._desk, self._views = desk, views

    def row(self, person: Person, notice: str = "") -> str:
        """The row that the person is at, or that there is none."""
        progress = self._desk.progress(person.name)
        case = self._desk.next_for(person.name)
        if case is None:
            return self._render("review_done.html.j2", person, notice, **self._standing(progress))
        return self._render("review_row.html.j2", person, notice, row=self._views.row(case), **self._standing(progress))

    def hello(self, person: Person, notice: str = "") -> str:
        """Asks for a name."""
        return self._render("review_hello.html.j2", person, notice)

    def summary(self, person: Person) -> str:
        """What people found, and how they agree."""
        cases = self._desk.cases
        distance = masi if self._views.kind.has_several else nominal
        said = opinions(cases.values(), self._views.kind.name)
        disputed = [
            ((cases[id].row["text"] or "")[:_CLIPPED], {who: in_words(value) for who, value in each.items()})
            for id, each in said.items()
            if len(set(each.values())) > 1
        ]
        return self._render(
            "review_summary.html.j2",
            person,
            "",
            people=people_lines(cases.values()),
            labels=label_lines(cases.values()),
            outcomes=OUTCOMES,
            shared=len(said),
            alpha=krippendorff(said, distance),  # type: ignore[arg-type]
            disputed=disputed,
            **self._standing(self._desk.progress(person.name)),
        )

    def _standing(self, progress: Progress) -> dict[str, Any]:
        return {"progress": progress, "gauge": gauge_of(progress.decision, self._desk.lot)}

    def _render(self, name: str, person: Person, notice: str, **values: Any) -> str:
        template = _environment().get_template(name)
        return template.render(
            views=self._views,
            lot=self._desk.lot,
            person=person,
            notice=notice,
            keys=KEYS,
            assets=_addresses(),
            **values,
        )


def gauge_of(decision: Decision, lot: Lot | Queue) -> Gauge:
    """The interval and the plan's two shares, on an axis that has room for both."""
    good, bad = lot.assurance.accept, lot.assurance.reject
    top = min(1.0, max(2 * bad, decision.high if decision.checked else 0.0))

    def at(share: float) -> float:
        return round(100 * min(1.0, max(0.0, share) / top), 2)

    low, estimate = at(decision.low), at(decision.estimate or 0.0)
    return Gauge(low, max(round(at(decision.high) - low, 2), 0.5), estimate, at(good), at(bad), good, bad)


@cache
def assets() -> Mapping[str, Asset]:
    """What pages load, by address."""
    folder = files("cluster.review") / "assets"
    content = {name: (folder / name).read_bytes() for name in _TYPES}
    return {_address(name, data): Asset(_TYPES[name], data) for name, data in content.items()}


@cache
def _addresses() -> Mapping[str, str]:
    return {address.rpartition("/")[2]: address for address in assets()}


def _address(name: str, data: bytes) -> str:
    return f"/assets/{hashlib.sha256(data).hexdigest()[:12]}/{name}"


@cache
def _environment() -> Environment:
    return page_environment()
