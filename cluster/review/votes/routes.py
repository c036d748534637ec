"""Votes on explanations, as a web application: its routes, and its pages."""

from __future__ import annotations

from fastapi import HTTPException, Response
from fastapi.responses import RedirectResponse

from cluster.review.answers import one, seconds_of
from cluster.review.cases import Case
from cluster.review.desk import TakenError
from cluster.review.frame import Frame
from cluster.review.leases import Leases
from cluster.review.opening import open_views
from cluster.review.people import Person
from cluster.review.site import Sent, Site, Who, cookie_of, name_of
from cluster.review.votes.desk import VotingDesk
from cluster.store import Store

KEYS = (
    ("Y", "yes, it is acceptable, as A and Enter say"),
    ("N", "no, as D says"),
    ("S", "skip"),
    ("U", "undo your last vote"),
    ("V", "show a blurred text"),
)
GREETING = (
    "You see a text, its label, and an explanation of it, and say whether the explanation is one that you accept."
)
ANSWERS = {"yes": True, "no": False}


def votes_site(store: Store, lease_minutes: float, places: int) -> Site:
    """The application in which people vote on the explanations of a run. Raises UserError."""
    desk = VotingDesk(store, Leases(60 * lease_minutes), places)
    cases = [
        Case({"id": each["id"], "text": f"{each['text']} {each['explanation']}", "label": each["label"]})
        for each in desk.told.values()
    ]
    frame = Frame(open_views(store, cases), f"{len(desk.told):,} explanations", [("/summary", "Summary")], GREETING)
    site = Site(frame, cookie_of(str(store.run()["run_id"])))
    add_votes(site, desk)
    return site


def add_votes(site: Site, desk: VotingDesk) -> None:
    """Explanations at "/", how people agree at "/summary"."""
    app, frame = site.app, site.frame
    site.add_turns(desk)

    def explanation(person: Person, notice: str = "") -> str:
        told = desk.next_for(person.name)
        given, wanted = desk.done
        values = {"given": given, "wanted": wanted, "told": told, "skipped": desk.skipped(person.name)}
        label = next((each for each in frame.views.labels if told and each.name == told["label"]), None)
        blurred = told is not None and frame.views.blurs(told["id"])
        return frame.render("review_vote.html.j2", person, notice, KEYS, label=label, blurred=blurred, **values)

    @app.get("/")
    def show(person: Who) -> Response:
        if not person.name:
            return RedirectResponse("/hello", 303)
        site.present.note(person)
        return site.page(person, explanation(person))

    @app.get("/summary")
    def summary(person: Who) -> Response:
        if not person.name:
            return RedirectResponse("/hello", 303)
        same, several, alpha = desk.agreement
        given, wanted = desk.done
        html = frame.render(
            "review_votes.html.j2",
            person,
            "",
            given=given,
            wanted=wanted,
            same=same,
            several=several,
            alpha=alpha,
            voters=desk.voters(),
        )
        return site.page(person, html)

    @app.post("/vote")
    def vote(person: Who, form: Sent) -> Response:
        if one(form, "vote") not in ANSWERS:
            raise HTTPException(400, "vote: must be yes or no")
        try:
            desk.vote(name_of(person), one(form, "row"), ANSWERS[one(form, "vote")], seconds_of(form))
        except TakenError as error:
            return site.page(person, explanation(person, str(error)), 409)
        return RedirectResponse("/", 303)

    @app.post("/undo")
    def undo(person: Who, form: Sent) -> Response:
        if not desk.undo(name_of(person)):
            return site.page(person, explanation(person, "There is nothing of yours to undo."), 409)
        return RedirectResponse("/", 303)
