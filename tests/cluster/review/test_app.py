"""The page over HTTP, without a browser: who is let in, what forms may say, and that rows stay text."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cluster.review.app import rows_site
from cluster.review.desk import Desk
from cluster.review.gate import MOST_BYTES
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.nearest import NearestSeeds
from cluster.review.views import Views
from cluster.store import Store
from tests.cluster.review.cases import lot_of, make_run, messages, row
from tests.cluster.review.test_leases import Clock

HOME = "http://127.0.0.1:8420"
TOKEN = "a-token-of-some-length"


class Visitor:
    """A browser without scripts: keeps cookies, sends forms with the page's hidden fields."""

    def __init__(self, app: Any, name: str | None = None) -> None:
        self.client = TestClient(app, base_url=HOME)
        self.html = self.client.get("/hello").text
        if name:
            self.send("/hello", name=name)

    def send(self, to: str, *, origin: str | None = HOME, **fields: Any) -> Any:
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.html))
        headers = {} if origin is None else {"origin": origin}
        answer = self.client.post(to, data={**hidden, **fields}, headers=headers)
        if "<main" in answer.text:
            self.html = answer.text
        return answer

    @property
    def row(self) -> str:
        found = re.search(r'<main [^>]*data-row="([^"]*)"', self.html)
        return found[1] if found else ""

    @property
    def notice(self) -> str:
        return re.search(r'id="notice"[^>]*>([^<]*)<', self.html)[1]  # type: ignore[index]


def app_of(store: Store, clock: Clock | None = None, second: str = "", **more: Any) -> Any:
    rows = sorted(store.generated(0, ["id"]).to_pylist(), key=lambda each: each["id"])
    desk = Desk(
        Ledger(store), lot_of(rows, second.split(), wanted=more.pop("wanted", 1000)), Leases(60, clock or Clock())
    )
    return rows_site(desk, Views(store.run(), NearestSeeds([]))).gated(**more)


@pytest.fixture
def run(tmp_path: Path) -> Store:
    return make_run(tmp_path / "run", messages(4))


def test_a_person_judges_row_after_row(run: Store) -> None:
    anna = Visitor(app_of(run), "anna")
    assert anna.row == "r00"
    for action in (
        {"action": "accept"},
        {"label": "broken"},
        {"action": "edit", "text": "new\r\nwords", "label": "late"},
    ):
        anna.send("/verdict", **action)
    assert anna.row == "r03"
    holding = {verdict["id"]: (verdict["reason"], verdict["label"]) for verdict in run.verdicts(0).to_pylist()}
    assert [holding[f"r0{n}"] for n in range(3)] == [("confirmed", "late"), ("corrected", "broken"), ("edited", "late")]
    anna.send("/skip")
    assert "Nothing is left for you" in anna.html
    anna.send("/skipped")
    assert anna.row == "r03"
    anna.send("/undo")
    assert anna.row == "r02"


def test_the_decision_ends_it(run: Store) -> None:
    anna = Visitor(app_of(run, wanted=1), "anna")
    anna.send("/verdict", action="accept")
    assert ("The lot passes" in anna.html, anna.row) == (True, "")
    anna.send("/undo")
    assert anna.row == "r00"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": "nothing"}, "label: unknown label"),
        ({"action": "edit", "text": "  "}, "text: must not be blank"),
        ({"action": "shred"}, "action: must be accept"),
        ({"action": "label"}, "label: choose one"),
        ({"label": ["late", "broken"]}, "label: must be one"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(run: Store, fields: dict[str, Any], message: str) -> None:
    anna = Visitor(app_of(run), "anna")
    assert anna.send("/verdict", **fields).status_code == 422
    assert message in anna.notice
    assert (anna.row, len(run.parts(0, "verdicts"))) == ("r00", 1)


def test_forms_need_the_secret_of_their_browser(run: Store) -> None:
    app = app_of(run)
    anna, ben = Visitor(app, "anna"), Visitor(app, "ben")
    theirs = re.search(r'name="csrf" value="(\w+)"', ben.html)[1]  # type: ignore[index]
    for forged in ("", "0" * 64, theirs, "é"):
        assert anna.send("/verdict", action="accept", csrf=forged).status_code == 403
    assert len(run.parts(0, "verdicts")) == 1


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://evil.example:8420", "null", None, "http://127.0.0.1:9"]
)
def test_posts_of_other_pages_are_refused(run: Store, origin: str | None) -> None:
    anna = Visitor(app_of(run), "anna")
    assert anna.send("/verdict", origin=origin, action="accept").status_code == 403
    assert len(run.parts(0, "verdicts")) == 1


def test_reads_by_other_pages_are_refused(run: Store) -> None:
    anna = Visitor(app_of(run), "anna")
    assert anna.client.get("/", headers={"origin": "http://evil.example"}).status_code == 403
    assert anna.client.put("/").status_code == 405


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example:8420", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("[::1", 421),
        ("localhost:8420", 200),
        ("LOCALHOST", 200),
        ("192.168.0.7:8420", 200),
        ("[::1]:8420", 200),
        ("proxy.example", 200),
    ],
)
def test_names_that_are_not_ours_are_refused(run: Store, host: str, status: int) -> None:
    anna = Visitor(app_of(run, hosts=["Proxy.example"]), "anna")
    assert anna.client.get("/hello", headers={"host": host}).status_code == status


def test_without_the_token_nothing_is_shown(run: Store) -> None:
    client = TestClient(app_of(run, token=TOKEN), base_url=HOME)
    for path in ("/", "/hello", "/summary", "/?token=", f"/?token={TOKEN}x", "/?token=%C3%A9"):
        assert client.get(path).status_code == 401
    assert client.post(f"/verdict?token={TOKEN}", headers={"origin": HOME}).status_code == 401
    assert "Who is looking?" in client.get(f"/?token={TOKEN}").text
    assert client.get("/hello").status_code == 200
    assert TOKEN not in str(client.cookies)


def test_bodies_have_an_end(run: Store) -> None:
    anna = Visitor(app_of(run), "anna")
    assert anna.send("/verdict", action="edit", text="x" * MOST_BYTES).status_code == 413
    headers = {"origin": HOME, "content-type": "application/x-www-form-urlencoded"}
    assert anna.client.post("/verdict", content=b"\xff%", headers=headers).status_code == 400
    assert anna.client.post("/verdict", content="a&" * 3000, headers=headers).status_code == 400


def test_headers_forbid_what_the_page_does_not_need(run: Store) -> None:
    answer = Visitor(app_of(run), "anna").client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert (answer.headers["x-frame-options"], answer.headers["cache-control"]) == ("DENY", "no-store")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie


def test_assets_are_ours_alone(run: Store) -> None:
    anna = Visitor(app_of(run), "anna")
    found = re.findall(r'(?:href|src)="(/assets/[^"]+)"', anna.html)
    assert sorted(path.rpartition(".")[2] for path in found) == ["css", "js", "svg"]
    assert all(anna.client.get(path).headers["cache-control"].endswith("immutable") for path in found)
    assert re.findall(r'(?:href|src)="(?:https?:)?//', anna.html) == []
    assert anna.client.get("/assets/x/review.css").status_code == 404
    assert anna.client.get("/assets/..%2f..%2fapp.py/review.css").status_code == 404


def test_a_name_in_use_is_not_given_away(run: Store) -> None:
    app = app_of(run)
    Visitor(app, "anna")
    other = Visitor(app)
    assert other.send("/hello", name=" anna ").status_code == 409
    assert "at work in another browser" in other.notice
    assert other.send("/hello", name="<b>").status_code == 422
    assert other.send("/verdict", action="accept").status_code == 403
    other.send("/hello", name="Änne B.")
    assert "Änne B." in other.html


def test_leases_run_out_and_are_renewed(run: Store) -> None:
    clock = Clock()
    app = app_of(run, clock)
    anna, ben = Visitor(app, "anna"), Visitor(app, "ben")
    assert (anna.row, ben.row) == ("r00", "r01")
    clock.now = 50
    assert anna.send("/renew").status_code == 204
    clock.now = 100
    cleo = Visitor(app, "cleo")
    assert cleo.row == "r01"
    assert ben.send("/renew").status_code == 409
    assert ben.send("/verdict", action="accept").status_code == 409
    assert ("somebody else has it" in ben.notice, ben.row) == (True, "r02")
    assert len(run.parts(0, "verdicts")) == 1


def test_the_second_person_does_not_see_the_first_verdict(run: Store) -> None:
    app = app_of(run, second="r00")
    anna, ben = Visitor(app, "anna"), Visitor(app, "ben")
    before = re.sub(r"<section class=.progress.*?</section>|ben|value=\"\w{64}\"", "", ben.html, flags=re.DOTALL)
    anna.send("/verdict", label="broken")
    ben.html = ben.client.get("/").text
    after = re.sub(r"<section class=.progress.*?</section>|ben|value=\"\w{64}\"", "", ben.html, flags=re.DOTALL)
    assert after == before
    ben.send("/verdict", action="accept")
    summary = ben.client.get("/summary").text
    assert "1 rows were judged by two people" in summary
    assert re.findall(r"<div><bdi>(\w+)</bdi>: <bdi>(\w+)</bdi></div>", summary) == [
        ("anna", "broken"),
        ("ben", "late"),
    ]


HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea></form></main><h1 id=injected>",
    "\u202egnp.exe\x00\x1b[31m\u2066",
    "W" * 60_000,
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(5))
def test_hostile_rows_stay_text(tmp_path: Path, text: str) -> None:
    labels = [{"name": text[:300], "description": text}, {"name": "b", "description": "b"}]
    hostile = row("r0", text, text[:300], method=text, seed_ids=[text], attributes={text: text})
    anna = Visitor(app_of(make_run(tmp_path / "run", [hostile], labels=labels)), "anna")
    assert anna.row == "r0"
    for raw in ("<script>d", "<img", "<h1 id=", "\u202e", "\x1b"):
        shown = re.sub(r"<textarea.*?</textarea>|value=\"[^\"]*\"", "", anna.html, flags=re.DOTALL)
        assert raw not in shown
    assert len(re.findall("<script", anna.html)) == 1
    anna.send("/verdict", action="accept")
    assert "Nothing is left" in anna.html


def test_the_edit_form_sends_back_what_the_row_has(tmp_path: Path) -> None:
    text = "\n  <b>\"x\" & 'y'</b>\r\nzwei\x07 "
    run = make_run(tmp_path / "run", [row("r0", text), row("r1", text)])
    anna = Visitor(app_of(run), "anna")
    inside = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", anna.html, re.DOTALL)[1]  # type: ignore[index]
    assert html.unescape(inside) == text
    anna.send(
        "/verdict", action="edit", text=html.unescape(inside).replace("\r\n", "\n").replace("\n", "\r\n"), label="late"
    )
    assert run.parts(0, "people") == []
    assert "confirmed" in run.verdicts(0)["reason"].to_pylist()


def tags_run(folder: Path) -> Store:
    tokens = ["to", "New", "York", "on", "Monday"]
    tagged = row("t0", " ".join(tokens), "city", tokens=tokens, tags=["O", "B-city", "I-city", "O", "O"])
    labels = [{"name": "city", "description": "where"}, {"name": "day", "description": "when"}]
    return make_run(folder, [tagged], kind="tags", labels=labels)


def test_spans(tmp_path: Path) -> None:
    run = tags_run(tmp_path / "run")
    anna = Visitor(app_of(run), "anna")
    assert "to [city: New York] on Monday</textarea>" in anna.html
    assert anna.send("/verdict", action="tags", tags='["O","I-city","O","O","O"]').status_code == 422
    assert anna.send("/verdict", action="tags", tags="[1").status_code == 422
    anna.send("/verdict", action="tags", tags='["O","B-city","I-city","O","B-day"]')
    kept = [verdict["auditor"] for verdict in run.verdicts(0).to_pylist() if verdict["status"] == "accepted"]
    assert kept == ["anna"]
    anna.send("/undo")
    anna.send("/verdict", action="tags", tags='["O","B-city","I-city","O","O"]')
    (held,) = (verdict for verdict in run.verdicts(0).to_pylist() if verdict["id"] == "t0")
    assert held["reason"] == "confirmed"


def test_spans_are_edited_in_writing_too(tmp_path: Path) -> None:
    run = tags_run(tmp_path / "run")
    anna = Visitor(app_of(run), "anna")
    assert anna.send("/verdict", action="edit", text="to [town: Rome]").status_code == 422
    anna.send("/verdict", action="edit", text="to [city: Rome] on [day: Friday]")
    desk = Ledger(run).cases(lot_of([{"id": "t0"}]).sample)["t0"]
    assert desk.is_defective is True
    assert [history.is_kept for history in desk.made.values()] == [True]


def test_pairs_and_sets(tmp_path: Path) -> None:
    pair = row("p0", "a ||| b", text_a="a", text_b="b")
    run = make_run(tmp_path / "pair", [pair], kind="pair")
    anna = Visitor(app_of(run), "anna")
    assert anna.send("/verdict", action="edit", text_a="a ||| c", text_b="b").status_code == 422
    anna.send("/verdict", action="edit", text_a="a", text_b="c", label="late")
    assert run.verdicts(0)["reason"].to_pylist()[0] == "edited"
    sets = make_run(tmp_path / "sets", [row("m0", "x", "late+refund", labels=["late", "refund"])], kind="multi_label")
    ben = Visitor(app_of(sets), "ben")
    assert ben.send("/verdict", action="label").status_code == 422
    ben.send("/verdict", action="label", label=["refund", "broken"])
    assert sets.verdicts(0).to_pylist()[0]["label"] == "broken+refund"
