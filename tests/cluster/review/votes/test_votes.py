"""Votes on explanations: who is asked, what is on disk, and the page over HTTP."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from cluster.explanations import agreement, read_explanations, store_of, take_votes, votes_of
from cluster.review.desk import TakenError
from cluster.review.leases import Leases
from cluster.review.votes.desk import VotingDesk
from cluster.review.votes.routes import votes_site
from cluster.store import Store
from generation.errors import UserError
from generation.records import requests_table, row_id, rows_table
from tests.cluster.review.cases import make_run, messages
from tests.cluster.review.test_app import HOSTILE, Visitor
from tests.cluster.review.test_leases import Clock


def run_of(folder: Path, why: str = "it asks for a parcel") -> Store:
    """Two rows with two explanations each."""
    run = make_run(folder, messages(2))
    there = store_of(run)
    there.write_json("rounds/000/round.json", {})
    requests, rows = [], []
    for number in range(2):
        asked = {"request_id": f"q{number}", "label": "late", "seed_ids": [f"r{number:02}"]}
        requests.append(asked | {"samples": 2, "text": f"message {number}", "prompt_hash": "p", "adapter": ""})
        rows += [
            asked | {"id": row_id(f"q{number}", sample), "finish_reason": "stop", "text": f"{why} {sample}"}
            for sample in range(2)
        ]
    there.commit(0, "requests", "w000", requests_table(requests), "run")
    there.commit(0, "generated", "e0", rows_table(rows), "run")
    return run


@pytest.fixture
def run(tmp_path: Path) -> Store:
    return run_of(tmp_path / "run")


def desk_of(run: Store, places: int = 2, clock: Clock | None = None) -> VotingDesk:
    return VotingDesk(run, Leases(60, clock or Clock()), places)


def vote_all(desk: VotingDesk, who: str, accepts: dict[str, bool] | None = None) -> int:
    count = 0
    while (told := desk.next_for(who)) is not None:
        desk.vote(who, told["id"], (accepts or {}).get(told["id"], True), 2)
        count += 1
    return count


def test_as_many_people_vote_on_each_as_are_wanted(run: Store) -> None:
    desk = desk_of(run)
    ids = read_explanations(run)["id"].to_pylist()
    assert list(desk.told) == ids
    assert [vote_all(desk, who) for who in ("anna", "ben", "cleo")] == [4, 4, 0]
    assert desk.done == (8, 8)
    assert [vote_all(desk_of(run, 3), who) for who in ("cleo", "dan")] == [4, 0]
    assert votes_of(store_of(run)) == dict.fromkeys(ids, 1.0)
    assert [vote_all(desk_of(run, 1), "eve")] == [0]


def test_leases_keep_people_apart(run: Store) -> None:
    clock = Clock()
    desk = desk_of(run, 1, clock)
    first, second = (desk.next_for(who) for who in ("anna", "ben"))
    assert first and second and first["id"] != second["id"]
    clock.now = 61
    assert desk.next_for("cleo") == first
    assert not desk.renew("anna", first["id"])
    with pytest.raises(TakenError, match="somebody else has it"):
        desk.vote("anna", first["id"], True, 1)
    assert store_of(run).parts(0, "verdicts") == []


def test_votes_agree_or_do_not_and_are_taken_back(run: Store, tmp_path: Path) -> None:
    desk = desk_of(run)
    ids = list(desk.told)
    vote_all(desk, "anna", {ids[0]: False})
    vote_all(desk, "ben", {ids[0]: False, ids[1]: False})
    assert desk.agreement[:2] == (3, 4)
    assert desk.agreement == agreement(store_of(run)) == desk_of(run).agreement
    assert votes_of(store_of(run)) == {ids[0]: 0.0, ids[1]: 0.5, ids[2]: 1.0, ids[3]: 1.0}
    assert [(line.name, line.votes, line.yes, line.seconds) for line in desk.voters()] == [
        ("anna", 4, 3, 2.0),
        ("ben", 4, 2, 2.0),
    ]
    again = desk_of(run)
    assert again.undo("ben") and again.undo("ben")
    assert again.next_for("ben") == again.told[ids[2]]
    assert votes_of(store_of(run))[ids[3]] == 1.0 and again.done == (6, 8)
    assert not again.undo("cleo")
    (tmp_path / "votes.csv").write_text(f"id,acceptable,person\n{ids[3]},no,ben\n")
    take_votes(run, tmp_path / "votes.csv")  # later than all on the page
    assert votes_of(store_of(run))[ids[3]] == 0.5


def test_the_page(run: Store) -> None:
    app = votes_site(run, 10, 2).gated()
    anna, ben = Visitor(app, "anna"), Visitor(app, "ben")
    assert "it asks for a parcel" in anna.html and "message 0" in anna.html
    first = anna.row
    anna.send("/vote", vote="yes", seconds="3")
    assert anna.row not in (first, "")
    anna.send("/skip")
    assert anna.send("/vote", vote="perhaps").status_code == 400
    assert anna.send("/vote", vote="yes", csrf="0" * 64).status_code == 403
    assert anna.send("/vote", vote="yes", row="nothing").status_code == 409
    assert ben.row == first
    ben.send("/vote", vote="no")
    told = html.unescape(anna.client.get("/summary").text)
    assert "2 of 8 votes" in told and "Of 1 explanations that two people or more voted on they agree on 0" in told
    anna.send("/undo")
    assert (anna.row, votes_of(store_of(run))) == (first, {first: 0.0})
    for _ in range(3):
        anna.send("/vote", vote="yes")
    assert "You skipped 1" in anna.html
    anna.send("/skipped")
    assert anna.row


@pytest.mark.parametrize("text", HOSTILE[:4], ids=range(4))
def test_hostile_explanations_stay_text(tmp_path: Path, text: str) -> None:
    anna = Visitor(votes_site(run_of(tmp_path / "run", text), 10, 2).gated(), "anna")
    assert anna.row
    assert all(raw not in anna.html for raw in ("<script>d", "<img", "<h1 id=", "\u202e", "\x1b"))


def test_a_run_without_explanations_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no explanations yet"):
        votes_site(make_run(tmp_path / "run", messages(1)), 10, 2)
