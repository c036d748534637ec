"""What becomes of picks."""

from __future__ import annotations

import numpy as np
import pytest

from cluster.feed.joining import decide_picks, looks_for_all
from cluster.feed.opinions import PAIR
from cluster.feed.settings import FeedSettings
from denoise.noise.calibration import Calibration

LABELS = ["a", "b", "c"]
SURE, FAIR, NONE = [0.96, 0.02, 0.02], [0.6, 0.3, 0.1], [0.34, 0.33, 0.33]


def decided(rows: list[list[float]], outside: tuple[int, ...] = (), looks: int = 0, noise: float = 0.05) -> list[str]:
    opinion = np.array(rows)
    out = np.isin(np.arange(len(rows)), outside)
    ids = [f"r{place}" for place in range(len(rows))]
    found = decide_picks(ids, (opinion, opinion), PAIR, out, LABELS, FeedSettings(noise=noise), looks)
    assert [each.id for each in found] == ids
    assert all(0 <= each.wrong <= 1 and each.scores["label_wrong"] == pytest.approx(each.wrong) for each in found)
    assert all((each.weight > 0) == (each.status == "accepted") for each in found)
    return [f"{each.label} {each.status} {each.reason or ''}".strip() for each in found]


def test_sure_rows_join_and_the_others_wait() -> None:
    assert decided([SURE, NONE, FAIR]) == ["a accepted", "a held waits", "a held waits"]
    assert decided([SURE, FAIR], noise=0.4) == ["a accepted", "a accepted"]


def test_people_get_the_least_sure_as_far_as_their_looks_go() -> None:
    assert decided([SURE, FAIR, NONE, FAIR], looks=1) == [
        "a accepted",
        "a held waits",
        "a held for_people",
        "a held waits",
    ]
    assert decided([FAIR, NONE], looks=9) == ["a held for_people", "a held for_people"]


def test_who_is_queued_already_costs_no_look() -> None:
    opinion = np.array([NONE, FAIR, FAIR])
    out, ids = np.zeros(3, bool), ["a", "b", "c"]
    found = decide_picks(ids, (opinion, opinion), PAIR, out, LABELS, FeedSettings(), 1, queued=[0])
    assert [each.reason for each in found] == ["for_people", "for_people", "waits"]


def test_out_of_scope_rows_neither_join_nor_cost_a_look() -> None:
    assert decided([SURE, NONE], outside=(0, 1), looks=5) == ["a rejected out_of_scope"] * 2
    assert decided([SURE, SURE], outside=(1,)) == ["a accepted", "a rejected out_of_scope"]


def test_what_joins_is_expected_to_be_as_right_as_was_asked() -> None:
    draw = np.random.default_rng(0).dirichlet([0.5, 0.5, 0.5], 200)
    ids = [f"{place:03}" for place in range(200)]
    found = decide_picks(ids, (draw, draw), PAIR, np.zeros(200, bool), LABELS, FeedSettings(noise=0.1), 0)
    wrong = [each.wrong for each in found if each.status == "accepted"]
    assert 20 < len(wrong) < 200 and np.mean(wrong) <= 0.1


def test_an_lm_that_was_talked_into_a_label_joins_no_row_under_it() -> None:
    own, lm = np.array([[0.5, 0.4, 0.1]] * 2), np.array([[0.02, 0.96, 0.02], [0.96, 0.02, 0.02]])
    trusting = Calibration((*PAIR.trust, 2.0), 0.0)
    found = decide_picks(["0", "1"], (own, own, lm), trusting, np.zeros(2, bool), LABELS, FeedSettings(noise=0.3), 0)
    assert [(each.label, each.status, each.reason) for each in found] == [
        ("a", "held", "waits"),
        ("a", "accepted", None),
    ]
    sure = np.array([SURE, SURE])
    found = decide_picks(["0", "1"], (sure, sure, lm), trusting, np.zeros(2, bool), LABELS, FeedSettings(noise=0.3), 2)
    assert [(each.label, each.status) for each in found] == [("a", "held"), ("a", "accepted")]


def test_how_many_looks_would_let_all_join() -> None:
    assert looks_for_all([0.0, 0.0, 0.4, 0.4], 0.1) == 1
    assert looks_for_all([0.01] * 10, 0.05) == 0
    assert looks_for_all([], 0.05) == 0
    assert looks_for_all([0.5, 0.5], 0.0) == 2
