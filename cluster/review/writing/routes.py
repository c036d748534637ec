"""Writing rows, as a web application: its routes, and its pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import Query, Response
from fastapi.responses import JSONResponse, RedirectResponse

from cluster.review.answers import Form, edited, one, seconds_of
from cluster.review.cases import Case
from cluster.review.desk import TakenError
from cluster.review.people import Person
from cluster.review.site import Sent, Site, Who, name_of
from cluster.review.writing.desk import Choice, WritingDesk
from cluster.review.writing.opinion import ADVERSARIAL, LIKELIHOOD, RANKINGS, UNCERTAINTY, Said
from cluster.review.writing.written import lines_of
from generation.errors import UserError, clip
from generation.kinds.fields import known_label

KEYS = (
    ("A", "take the text as it is, as Enter does"),
    ("E", "change the text; Ctrl Enter takes it"),
    ("D", "refuse the suggestion"),
    ("S", "another suggestion"),
    ("U", "undo your last row or refusal"),
    ("L", "another label; 1 to 9 take one at once"),
    ("V", "show a blurred text"),
    ("Esc", "leave the text"),
)
GREETING = "You write texts of a label that you choose, helped by suggestions that you take, change or refuse."
NOBODY = Case({"text": "", "text_a": "", "text_b": ""})  # a row that is yet to be written


class WritingPages:
    """Renders pages of one desk."""

    def __init__(self, desk: WritingDesk, site: Site) -> None:
        self._desk, self._frame, self._views = desk, site.frame, site.frame.views

    @property
    def rankings(self) -> dict[str, str]:
        """Those that can be had: without a student there is nothing to rank by but the LM."""
        needs = () if self._desk.opinion else (UNCERTAINTY, ADVERSARIAL)
        return {name: told for name, told in RANKINGS.items() if name not in needs}

    def choice(self, label: str, ranking: str) -> Choice:
        """What a person asks for; the first of each where they do not say. Raises UserError."""
        label = known_label("label", label, self._desk.kind.labels) if label else self._desk.kind.labels[0]
        if ranking and ranking not in self.rankings:
            raise UserError(f"ranking: must be one of {', '.join(self.rankings)}; got {clip(ranking)}")
        return Choice(label, ranking or LIKELIHOOD)

    def write(self, person: Person, choice: Choice, notice: str = "") -> str:
        """A suggestion, or an empty page."""
        suggestion = self._desk.next_for(person.name, choice)
        row = self._views.row(suggestion.case) if suggestion else None
        return self._frame.render(
            "review_write.html.j2",
            person,
            notice,
            KEYS,
            choice=choice,
            choices={label.name: self.address(choice.ranking, label.name) for label in self._views.labels},
            label=next(each for each in self._views.labels if each.name == choice.label),
            rankings={name: (told, self.address(name, choice.label)) for name, told in self.rankings.items()},
            row=row,
            raw=row.raw if row else self._views.raw(NOBODY),
            left=self._desk.left(choice.label),
            skipped=len(self._desk.turns.skipped(person.name)),
            mine=self._desk.mine(person.name),
            listens=self._desk.opinion is not None,
            total=lines_of(self._desk.checks.cases.values())[-1],
        )

    def written(self, person: Person) -> str:
        """What came of it."""
        lines = lines_of(self._desk.checks.cases.values())
        return self._frame.render("review_written.html.j2", person, "", lines=lines, names=RANKINGS)

    @staticmethod
    def address(ranking: str, label: str) -> str:
        """Where to write rows of a label."""
        return f"/write?{urlencode({'label': label, 'ranking': ranking})}"


def add_writing(site: Site, desk: WritingDesk) -> None:
    """Writing at "/write", what came of it at "/written"."""
    app, pages = site.app, WritingPages(desk, site)

    def chosen(form: Form) -> Choice:
        return pages.choice(one(form, "label"), one(form, "ranking"))

    def back(form: Form) -> Response:
        return RedirectResponse(pages.address(one(form, "ranking"), one(form, "label")), 303)

    site.add_turns(desk, "/write", back)

    def told(person: Person, form: Form, error: Exception) -> Response:
        try:
            html = pages.write(person, chosen(form), str(error))
        except UserError:
            html = pages.write(person, pages.choice("", ""), str(error))
        return site.page(person, html, 409 if isinstance(error, TakenError) else 422)

    @app.get("/write")
    def write(person: Who, label: str = Query(""), ranking: str = Query("")) -> Response:
        if not person.name:
            return RedirectResponse("/hello", 303)
        site.present.note(person)
        try:
            return site.page(person, pages.write(person, pages.choice(label, ranking)))
        except UserError as error:
            return told(person, {}, error)

    @app.get("/written")
    def written(person: Who) -> Response:
        if not person.name:
            return RedirectResponse("/hello", 303)
        return site.page(person, pages.written(person))

    @app.post("/write")
    def take(person: Who, form: Sent) -> Response:
        who, id = name_of(person), one(form, "row")
        try:
            if one(form, "action") == "refuse":
                desk.refuse(who, id)
            else:
                before = desk.suggested(id) or NOBODY
                content = edited(desk.kind, before, form)
                desk.write(who, chosen(form), id, content, seconds_of(form))
        except (TakenError, UserError) as error:
            return told(person, form, error)
        return back(form)

    @app.post("/write/undo")
    def undo(person: Who, form: Sent) -> Response:
        try:
            if not desk.undo(name_of(person)):
                raise TakenError("There is nothing of yours to undo.")
        except TakenError as error:
            return told(person, form, error)
        return back(form)

    @app.post("/write/opinion")
    def opinion(person: Who, form: Sent) -> Response:
        name_of(person)
        if desk.opinion is None:
            return JSONResponse({"said": "", "fools": False})
        try:
            label = chosen(form).label
            content = edited(desk.kind, NOBODY, form)
        except UserError as error:
            return JSONResponse({"said": str(error), "fools": False})
        return JSONResponse(_in_words(desk.opinion.of(content["text"]), label))


def _in_words(said: Said, label: str) -> dict[str, Any]:
    sure = f"{100 * said.confidence:.0f} %"
    if said.label == label:
        return {"said": f"The student sees {said.label} too, with {sure}.", "fools": False}
    return {"said": f"If it is {label}, it fools the student, which sees {said.label} with {sure}.", "fools": True}
