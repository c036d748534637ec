"""Rows one by one, as a web application: its routes."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse

from cluster.review.answers import one, read_answer
from cluster.review.desk import Desk, TakenError
from cluster.review.frame import Frame
from cluster.review.pages import Pages
from cluster.review.site import Sent, Site, Who, cookie_of, name_of
from cluster.review.views import Views
from generation.errors import UserError

GREETING = "One row after the other, you say whether its label holds."


def rows_site(desk: Desk, views: Views) -> Site:
    """The application in which people look at the rows of a desk."""
    site = Site(Frame(views, desk.work.title, [("/summary", "Summary")], GREETING), cookie_of(desk.ledger.run_id))
    add_rows(site, desk)
    return site


def add_rows(site: Site, desk: Desk) -> None:
    """Rows at "/", what people found in them at "/summary"."""
    app, pages, kind = site.app, Pages(desk, site.frame), site.frame.views.kind
    site.add_turns(desk)

    @app.get("/")
    def row(person: Who) -> Response:
        if not person.name:
            return RedirectResponse("/hello", 303)
        site.present.note(person)
        return site.page(person, pages.row(person))

    @app.get("/summary")
    def summary(person: Who) -> Response:
        if not person.name:
            return RedirectResponse("/hello", 303)
        return site.page(person, pages.summary(person))

    @app.post("/verdict")
    def verdict(person: Who, form: Sent) -> Response:
        who, at = name_of(person), one(form, "row")
        try:
            if at not in desk.cases:
                raise TakenError("This row is not in the sample.")
            desk.answer(who, at, read_answer(kind, desk.cases[at], form))
        except (TakenError, UserError) as error:
            return site.page(person, pages.row(person, str(error)), 409 if isinstance(error, TakenError) else 422)
        return RedirectResponse("/", 303)

    @app.post("/beyond")
    def beyond(person: Who, form: Sent) -> Response:
        desk.go_beyond(name_of(person))
        return RedirectResponse("/", 303)

    @app.post("/disputes")
    def disputes(person: Who, form: Sent) -> Response:
        desk.decide_disputes(name_of(person))
        return RedirectResponse("/", 303)

    @app.post("/undo")
    def undo(person: Who, form: Sent) -> Response:
        try:
            if not desk.undo(name_of(person)):
                raise TakenError("There is nothing of yours to undo.")
        except TakenError as error:
            return site.page(person, pages.row(person, str(error)), 409)
        return RedirectResponse("/", 303)
