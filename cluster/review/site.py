"""The ground that all pages stand on: who is there, forms, names, files; and the gate before it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any, Protocol
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cluster.review.answers import Form, one
from cluster.review.frame import Frame, assets
from cluster.review.gate import App, Gate
from cluster.review.people import Person, Present, pseudonym
from generation.errors import UserError
from generation.records import digest

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


class Taking(Protocol):
    """What hands things out to people, one at a time."""

    def skip(self, who: str, id: str) -> Any: ...
    def take_up_skipped(self, who: str) -> Any: ...
    def renew(self, who: str, id: str) -> bool: ...


class Site:
    """An application to which pages are added. `cookie` begins the names of its cookies, which do not know ports.

    `home` is where people begin.
    """

    def __init__(self, frame: Frame, cookie: str, home: str = "/") -> None:
        self.frame, self._cookie, self._home, self.present = frame, cookie, home, Present()
        self.app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        self.app.state.cookie = cookie
        self._add_names()
        self._add_assets()

    def page(self, person: Person, html: str, status: int = 200) -> Response:
        """A page as it is sent: the browser keeps who it is."""
        answer = HTMLResponse(html, status)
        self._remember(answer, person)
        return answer

    def add_turns(self, desk: Taking, at: str = "", back: Callable[[Form], Response] | None = None) -> None:
        """Skipping, taking up what was skipped, and staying at a thing, below `at`; then people go `back`, or there."""

        def go_on(form: Form) -> Response:
            return back(form) if back else RedirectResponse(at or "/", 303)

        @self.app.post(f"{at}/skip")
        def skip(person: Who, form: Sent) -> Response:
            desk.skip(name_of(person), one(form, "row"))
            return go_on(form)

        @self.app.post(f"{at}/skipped")
        def skipped(person: Who, form: Sent) -> Response:
            desk.take_up_skipped(name_of(person))
            return go_on(form)

        @self.app.post(f"{at}/renew")
        def renew(person: Who, form: Sent) -> Response:
            self.present.note(person)
            return Response(status_code=204 if desk.renew(name_of(person), one(form, "row")) else 409)

    def gated(self, token: str | None = None, hosts: Collection[str] = ()) -> App:
        """The application behind its gate."""
        gated: Any = Gate(self.app, token, hosts, self._cookie)
        return gated

    def _remember(self, answer: Response, person: Person) -> None:
        answer.set_cookie(self._cookie, person.cookie, max_age=_YEAR, httponly=True, samesite="lax")

    def _add_names(self) -> None:
        @self.app.get("/hello")
        def hello(person: Who) -> Response:
            return self.page(person, self.frame.hello(person))

        @self.app.post("/hello")
        def begin(person: Who, form: Sent) -> Response:
            try:
                name = pseudonym(one(form, "name"))
            except UserError as error:
                return self.page(person, self.frame.hello(person, str(error)), 422)
            if not self.present.is_free(name, person.secret):
                told = f"{name} is at work in another browser; take another name."
                return self.page(person, self.frame.hello(person, told), 409)
            answer = RedirectResponse(self._home, 303)
            self._remember(answer, Person(person.secret, name))
            return answer

    def _add_assets(self) -> None:
        @self.app.get("/assets/{digest}/{name}")
        def asset(digest: str, name: str) -> Response:
            found = assets().get(f"/assets/{digest}/{name}")
            if found is None:
                raise HTTPException(404)
            headers = {"Cache-Control": "max-age=31536000, immutable"}
            return Response(found.content, media_type=found.type, headers=headers)


def name_of(person: Person) -> str:
    """The name of somebody who has given one."""
    if not person.name:
        raise HTTPException(403, "say who you are first")
    return person.name


def cookie_of(run_id: str) -> str:
    """What the cookies of a run's pages begin with."""
    return f"labelmill_{digest(run_id)[:8]}"
