"""The review as a web application: routes, forms, cookies."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cluster.review.answers import Form, one, read_answer
from cluster.review.desk import Desk, TakenError
from cluster.review.gate import App, Gate
from cluster.review.pages import Pages, assets
from cluster.review.people import Person, Present, pseudonym
from cluster.review.views import Views
from generation.errors import UserError

_FIELDS = 2000  # most that a form may have
_YEAR = 365 * 24 * 3600


async def _read_form(request: Request) -> Form:
    """The fields of an urlencoded form, which must be from one of this browser's own pages."""
    try:
        text = (await request.body()).decode()
        form = parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
    except ValueError:
        raise HTTPException(400, "not a form") from None
    if not _person(request).sent(one(form, "csrf")):
        raise HTTPException(403, "this form is not from a page of yours; load the page again")
    return form


def _person(request: Request) -> Person:
    return Person.from_cookie(request.cookies.get(request.app.state.cookie))


Sent = Annotated[Form, Depends(_read_form)]
Who = Annotated[Person, Depends(_person)]


def make_app(
    desk: Desk, views: Views, token: str | None = None, hosts: Collection[str] = (), cookie: str = "labelmill"
) -> App:
    """The application behind its gate. `cookie` begins the names of its cookies, which do not know ports."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.cookie = cookie
    pages, present = Pages(desk, views), Present()

    def page(person: Person, html: str, status: int = 200) -> Response:
        answer = HTMLResponse(html, status)
        answer.set_cookie(cookie, person.cookie, max_age=_YEAR, httponly=True, samesite="lax")
        return answer

    @app.get("/")
    def row(person: Who) -> Response:
        if not person.name:
            return RedirectResponse("/hello", 303)
        present.note(person)
        return page(person, pages.row(person))

    @app.get("/hello")
    def hello(person: Who) -> Response:
        return page(person, pages.hello(person))

    @app.post("/hello")
    def begin(person: Who, form: Sent) -> Response:
        try:
            name = pseudonym(one(form, "name"))
        except UserError as error:
            return page(person, pages.hello(person, str(error)), 422)
        if not present.is_free(name, person.secret):
            return page(person, pages.hello(person, f"{name} is at work in another browser; take another name."), 409)
        named = Person(person.secret, name)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(cookie, named.cookie, max_age=_YEAR, httponly=True, samesite="lax")
        return answer

    @app.get("/summary")
    def summary(person: Who) -> Response:
        if not person.name:
            return RedirectResponse("/hello", 303)
        return page(person, pages.summary(person))

    @app.post("/verdict")
    def verdict(person: Who, form: Sent) -> Response:
        who, at = _named(person), one(form, "row")
        try:
            if at not in desk.cases:
                raise TakenError("This row is not in the sample.")
            desk.answer(who, at, read_answer(views.kind, desk.cases[at], form))
        except (TakenError, UserError) as error:
            return page(person, pages.row(person, str(error)), 409 if isinstance(error, TakenError) else 422)
        return RedirectResponse("/", 303)

    @app.post("/skip")
    def skip(person: Who, form: Sent) -> Response:
        desk.skip(_named(person), one(form, "row"))
        return RedirectResponse("/", 303)

    @app.post("/skipped")
    def skipped(person: Who, form: Sent) -> Response:
        desk.take_up_skipped(_named(person))
        return RedirectResponse("/", 303)

    @app.post("/beyond")
    def beyond(person: Who, form: Sent) -> Response:
        desk.go_beyond(_named(person))
        return RedirectResponse("/", 303)

    @app.post("/undo")
    def undo(person: Who, form: Sent) -> Response:
        try:
            if not desk.undo(_named(person)):
                raise TakenError("There is nothing of yours to undo.")
        except TakenError as error:
            return page(person, pages.row(person, str(error)), 409)
        return RedirectResponse("/", 303)

    @app.post("/renew")
    def renew(person: Who, form: Sent) -> Response:
        present.note(person)
        return Response(status_code=204 if desk.renew(_named(person), one(form, "row")) else 409)

    @app.get("/assets/{digest}/{name}")
    def asset(digest: str, name: str) -> Response:
        found = assets().get(f"/assets/{digest}/{name}")
        if found is None:
            raise HTTPException(404)
        return Response(found.content, media_type=found.type, headers={"Cache-Control": "max-age=31536000, immutable"})

    gated: Any = Gate(app, token, hosts, cookie)
    return gated


def _named(person: Person) -> str:
    if not person.name:
        raise HTTPException(403, "say who you are first")
    return person.name
