"""Writing rows over HTTP, without a browser."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from cluster.review.nearest import NearestSeeds
from cluster.review.views import Views
from cluster.review.writing.opening import site_of, writing_site
from cluster.store import Store
from generation.errors import UserError
from tests.cluster.review.cases import make_run, row
from tests.cluster.review.test_app import HOSTILE, Visitor, tags_run
from tests.cluster.review.writing.cases import desk_of, leftovers


@pytest.fixture
def run(tmp_path: Path) -> Store:
    return leftovers(tmp_path / "run")


def app_of(run: Store, **more: Any) -> Any:
    return site_of(desk_of(run, **more), Views(run.run(), NearestSeeds([]))).gated()


def text_of(visitor: Visitor) -> str:
    return html.unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", visitor.html, re.DOTALL)[1])  # type: ignore[index]


def test_a_person_takes_changes_refuses_and_writes(run: Store) -> None:
    anna = Visitor(app_of(run), "anna")
    assert (anna.row, text_of(anna)) == ("h0", "so late")
    anna.send("/write", action="write", text="so late", seconds="3")
    assert text_of(anna) == "late late late"
    anna.send("/write/skip")
    assert anna.row == "s0"
    anna.send("/write", action="write", text="my parcel is late", seconds="5")
    anna.send("/write", action="refuse")  # nothing is there to refuse
    assert "is not in the run" in anna.notice
    anna.send("/write/skipped")
    assert anna.row == "s1"
    anna.send("/write", action="refuse", text="late late late")
    anna.html = anna.client.get("/write?label=broken&ranking=alone").text
    assert (anna.row, text_of(anna)) == ("", "")
    anna.send("/write", action="write", text="It fell\r\napart.")
    assert {(each["text"], each["label"], each["method"]) for each in run.people(0).to_pylist()} == {
        ("so late", "late", "assisted"),
        ("my parcel is late", "late", "assisted"),
        ("It fell\napart.", "broken", "unaided"),
    }
    assert "<strong>3</strong> written, <strong>1</strong> fool" in anna.html
    anna.send("/write/undo")
    assert "<strong>2</strong> written" in anna.html
    assert "not validated" not in anna.client.get("/written").text  # of what is left, nothing fools the student


def test_what_others_wrote_is_checked_on_the_page_of_rows(run: Store) -> None:
    app = app_of(run)
    anna, ben = Visitor(app, "anna"), Visitor(app, "ben")
    anna.send("/write", action="write", text="a broken promise")
    assert "Nothing is left for you" in anna.client.get("/").text
    assert "not validated" in anna.client.get("/written").text
    ben.html = ben.client.get("/").text
    assert "a broken promise" in ben.html and "Written by a person." in ben.html
    ben.send("/verdict", action="accept")
    assert re.search(r"1 of 1 seen</td><td>100.0%</td>", ben.client.get("/written").text)
    assert run.verdicts(0)["reason"].to_pylist().count("confirmed") == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": " "}, "text: must not be blank"),
        ({"text": "where is my parcel"}, "text: the dataset, the seeds or somebody here have the same words"),
        ({"text": "new", "label": "nothing"}, "label: unknown label"),
        ({"text": "new", "ranking": "beauty"}, "ranking: must be one of likelihood, uncertainty, adversarial, alone"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(run: Store, fields: dict[str, str], message: str) -> None:
    anna = Visitor(app_of(run), "anna")
    assert anna.send("/write", action="write", **fields).status_code == 422
    assert message in anna.notice
    assert run.parts(0, "people") == []
    assert anna.client.get("/write?label=nothing").status_code == 422


def test_the_student_says_what_it_sees_while_one_writes(run: Store) -> None:
    anna = Visitor(app_of(run), "anna")
    told = anna.send("/write/opinion", text="it is broken, at last").json()
    assert told == {"said": "If it is late, it fools the student, which sees broken with 76 %.", "fools": True}
    assert anna.send("/write/opinion", text="at last").json()["fools"] is False
    assert "must not be blank" in anna.send("/write/opinion", text=" ").json()["said"]
    assert anna.send("/write/opinion", text="x", csrf="0" * 64).status_code == 403
    assert anna.send("/write/opinion", text="x", origin="http://evil.example").status_code == 403
    assert run.parts(0, "people") == []


def test_without_a_student_there_is_only_the_lm_to_rank_by(run: Store) -> None:
    anna = Visitor(writing_site(run, 10).gated(), "anna")
    assert "likeliest first" in anna.html and "least sure" not in anna.html and "data-live" not in anna.html
    assert anna.client.get("/write?ranking=adversarial").status_code == 422
    assert anna.send("/write/opinion", text="x").json() == {"said": "", "fools": False}


@pytest.mark.parametrize("text", HOSTILE[:4], ids=range(4))
def test_hostile_suggestions_stay_text(tmp_path: Path, text: str) -> None:
    over = {"id": "s0", "revision": 1, "stage": "quota", "label": "late", "status": "surplus", "reason": text}
    run = make_run(tmp_path / "run", [row("s0", text)], [over | {"scores": {}, "weight": 0.0}])
    anna = Visitor(app_of(run), "anna")
    assert anna.row == "s0"
    shown = re.sub(r"<textarea.*?</textarea>|value=\"[^\"]*\"", "", anna.html, flags=re.DOTALL)
    assert all(raw not in shown for raw in ("<script>d", "<img", "<h1 id=", "\u202e", "\x1b"))
    assert len(re.findall("<script", anna.html)) == 1


def test_pairs_are_written_too_and_spans_are_not(tmp_path: Path) -> None:
    pair = row("p0", "a ||| b", text_a="a", text_b="b")
    over = {"id": "p0", "revision": 1, "stage": "quota", "label": "late", "status": "surplus", "weight": 0.0}
    run = make_run(tmp_path / "pair", [pair], [over], kind="pair")
    anna = Visitor(writing_site(run, 10).gated(), "anna")
    anna.send("/write", action="write", text_a="a", text_b="c")
    (made,) = run.people(0).to_pylist()
    assert (made["text"], made["text_a"], made["text_b"]) == ("a ||| c", "a", "c")
    with pytest.raises(UserError, match="rows are written in tasks of the kinds label, pair; got tags"):
        writing_site(tags_run(tmp_path / "tags"), 10)
