"""Where a run stands, by its directory alone."""

from __future__ import annotations

import os
import socket

import pytest

from cluster.journal import Journal
from cluster.lease import Lease
from cluster.prices import PriceSettings
from cluster.status import Status, read_status, render_status
from cluster.store import Store
from generation.errors import UserError
from tests.cluster.cases import LABELS, add_requests, add_rows, add_verdicts, begin_round, finish_round, verdict


@pytest.fixture
def begun(store: Store) -> Store:
    """Two rounds: one finished, and one with an open request and a row that waits for its verdict."""
    store.write_json("run.json", {"name": "mood", "labels": LABELS})
    begin_round(store, {"pos": 2, "neg": 1})
    add_requests(store, ["pos-0", "neg-0"], samples=2)
    add_rows(store, ["pos-0", "neg-0"], samples=2)
    add_verdicts(
        store, [verdict("pos-0"), verdict("pos-0", sample=1), verdict("neg-0"), verdict("neg-0", "surplus", 1)]
    )
    finish_round(store)
    begin_round(store, {"pos": 3, "neg": 3}, 1)
    add_requests(store, ["pos-1", "neg-1", "neg-2"], 1)
    add_rows(store, ["pos-1", "neg-1"], round_=1)
    add_verdicts(store, [verdict("pos-1", "relabelled") | {"label": "neg"}], round_=1)
    return store


STOPPED = Status(
    name="mood",
    state="stopped",
    driver=None,
    rounds=2,
    requests=5,
    open_requests=1,
    set_aside=0,
    rows=6,
    judged=5,
    accepted={"pos": 2, "neg": 2},
    wanted={"pos": 5, "neg": 4},
)


def test_rows_of_pools_meet_no_quota(begun: Store) -> None:
    begin_round(begun, {"pos": 0, "neg": 0}, 2, wanted=3, fed=True)
    add_rows(begun, ["pos-9"], round_=2)
    add_verdicts(begun, [verdict("pos-9")], round_=2)
    assert (read_status(begun).accepted, read_status(begun).rows) == ({"pos": 2, "neg": 2}, 7)


def test_a_stopped_run(begun: Store) -> None:
    assert read_status(begun) == STOPPED
    assert render_status(STOPPED).splitlines() == [
        "mood: stopped",
        "rounds 2, requests 5 (1 open), rows 6 (5 judged)",
        "  pos       2 / 5",
        "  neg       2 / 4",
    ]


def test_cost(begun: Store) -> None:
    Journal(begun.root, print).note("prices", **PriceSettings(prompt=1000, output=2000).model_dump())
    status = read_status(begun)
    assert status.cost == pytest.approx(0.012 + 0.024)  # 12 prompt and 12 output tokens
    assert status.cost_per_accepted_row == pytest.approx(0.009)
    assert render_status(status).splitlines()[2] == "cost 0.036, 0.009 per accepted row"


def test_a_request_set_aside_is_not_open(begun: Store) -> None:
    (left,) = begun.open_requests(1)
    begun.set_aside(1, [left], "too long", "run")
    status = read_status(begun)
    assert (status.open_requests, status.set_aside) == (0, 1)
    assert render_status(status).splitlines()[1] == "rounds 2, requests 5 (0 open, 1 set aside), rows 6 (5 judged)"


def test_a_running_one(begun: Store) -> None:
    with Lease(begun.root):
        status = read_status(begun)
    assert status.state == "running"
    assert status.driver is not None
    assert (status.driver["pid"], status.driver["epoch"]) == (os.getpid(), 1)
    first = render_status(status).splitlines()[0]
    assert first == f"mood: running (driver pid {os.getpid()} on {socket.gethostname()})"


def test_a_finished_one(begun: Store) -> None:
    finish_round(begun, 1)
    assert read_status(begun).state == "finished"


def test_what_rounds_lean_to_and_why_they_end(begun: Store) -> None:
    aim = {"basis": "dev", "rows": 9, "errors": {"pos": 0.25, "neg": 0.1}, "pairs": [["neg", "pos", 2]], "decks": {}}
    begin_round(begun, {"pos": 4, "neg": 2}, 1, aim=aim | {"even": {"pos": 3, "neg": 3}})
    why = {"wanted": None, "stop": "rounds", "why": "all rounds are made"}
    begun.write_json("rounds/001/metrics.json", {"stop_reason": "quota_met", "decision": why})
    begun.write_text("student", "rounds/000/student\n")
    status = read_status(begun)
    leans = "pos (25% wrong, 4 rows, not 3), by the student on 9 held-out seeds; confused: neg and pos (2)"
    assert (status.student, status.aim, status.decision) == (0, leans, "all rounds are made")
    assert render_status(status).splitlines()[2:5] == [
        f"round 1 aims at {leans}",
        "no further round: all rounds are made",
        "student of round 0",
    ]


def test_one_that_has_just_begun(store: Store) -> None:
    store.write_json("run.json", {"name": "mood", "labels": LABELS})
    none = {"pos": 0, "neg": 0}
    assert read_status(store) == Status("mood", "stopped", None, 0, 0, 0, 0, 0, 0, none, none)


def test_no_run(store: Store) -> None:
    with pytest.raises(UserError, match="not a run directory"):
        read_status(store)
