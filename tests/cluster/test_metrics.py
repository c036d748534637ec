"""A round's figures, counted from its parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.journal import Journal
from cluster.metrics import cost_of, engine_usage, noted_prices, round_metrics, spent_tokens, tokens_of
from cluster.prices import PriceSettings
from cluster.rounds import Round
from cluster.store import Store
from generation.records import rows_table
from tests.cluster.cases import RUN_ID, add_requests, add_rows, add_verdicts, begin_round, make_job, verdict
from tests.denoise.test_drift import ALIKE, VARIED


def journal_of(store: Store) -> Journal:
    journal = Journal(store.root, print)
    journal.note("lost", round=0, tokens=7)
    journal.note("lost", round=1, tokens=1)
    journal.note("stage", stage="generate", round=0, seconds=2.5)
    for busy in (4.0, 2.0):
        usage = {"engine_seconds": 4.0, "busy_seconds": busy, "prompt_tokens": 10, "cached_tokens": 5}
        journal.note("pool", round=0, **usage)
    return journal


def test_a_round(store: Store, tmp_path: Path) -> None:
    now = Round(0, {"pos": 3, "neg": 1}, 3, None)
    begin_round(store, now.targets)
    add_requests(store, ["pos-0", "neg-0"], samples=2)
    add_requests(store, ["pos-1"], wave=1, samples=2)
    add_rows(store, ["pos-0", "neg-0"], samples=2)
    add_rows(store, ["pos-1"], "e1", wave=1, samples=2)
    moved = verdict("neg-0", "relabelled") | {"label": "pos"}
    add_verdicts(store, [verdict("pos-0"), verdict("pos-0", "rejected", 1), moved, verdict("neg-0", sample=1)])
    add_verdicts(store, [verdict("pos-1"), verdict("pos-1", "surplus", 1)], "w001")
    metrics = round_metrics(store, journal_of(store), make_job(tmp_path), now, "quota_met")
    diversity = metrics.pop("diversity")
    assert metrics == {
        "round": 0,
        "quota": {"pos": 3, "neg": 1},
        "wanted": 3,
        "moved": {},
        "aim": None,
        "accepted": {"pos": 3, "neg": 1},
        "generated": 6,
        "set_aside": 0,
        "given_up": {},
        "waves": [
            {"wave": 0, "requests": 2, "rows": 4, "accepted": 3},
            {"wave": 1, "requests": 1, "rows": 2, "accepted": 1},
        ],
        # a prompt costs its 3 tokens once per request
        "tokens": {"prompt": 9, "output": 12, "lost": 7},
        "cost": None,
        "seconds": {"generate": 2.5},
        "engines": {"busy": 0.75, "cached": 0.5},
        "stop_reason": "quota_met",
        "bias": None,
        "diversity_drops": [],
        "dev": None,
        "test": None,
    }
    assert set(diversity) == {"all", "pos", "neg"}


def test_variety_is_held_against_the_last_round_that_generated(store: Store, tmp_path: Path) -> None:
    job, journal = make_job(tmp_path), Journal(store.root, print)
    texts = {0: VARIED[:40], 1: ALIKE[:40], 2: VARIED[:40]}

    def drops(*fed: int) -> dict[int, int]:
        told = {}
        for number in texts:
            begin_round(store, {"pos": 1}, number, fed=number in fed)
            now = Round(number, {"pos": 1}, 1, None, fed=number in fed)
            told[number] = len(round_metrics(store, journal, job, now, "quota_met")["diversity_drops"])
        return told

    for number, some in texts.items():
        names = [f"{number}.{place}" for place in range(40)]
        made = {"prompt_tokens": 0, "output_tokens": 0}
        rows = [{"id": name, "request_id": name, "text": text} | made for name, text in zip(names, some, strict=True)]
        store.commit(number, "generated", "e0", rows_table(rows), RUN_ID)
        kept = [{"id": row["id"], "revision": 0, "label": "pos", "status": "accepted", "weight": 1.0} for row in rows]
        add_verdicts(store, kept, round_=number)
    assert drops(1) == {0: 0, 1: 0, 2: 0}
    assert drops() == {0: 0, 1: 8, 2: 2}
    assert drops(0)[1] == 0  # nothing was generated before it


def test_tokens_of_all_rounds(store: Store) -> None:
    journal = journal_of(store)
    assert spent_tokens(store, journal) == 0  # no round has begun
    for round_ in (0, 1):
        begin_round(store, {"pos": 1}, round_)
        add_rows(store, [f"pos-{round_}"], round_=round_, samples=4)
    assert tokens_of(store, journal, 1) == {"prompt": 3, "output": 8, "lost": 1}
    assert spent_tokens(store, journal) == 11 + 7 + 11 + 1
    assert tokens_of(store, journal, 2) == {"prompt": 0, "output": 0, "lost": 0}


def test_usage_of_engines_that_did_nothing(store: Store) -> None:
    assert engine_usage(Journal(store.root, print), 0) == {"busy": None, "cached": None}


def test_a_request_committed_twice_costs_once(store: Store) -> None:
    for part in ("e0", "e1"):
        add_rows(store, ["pos-0"], part)
    assert tokens_of(store, Journal(store.root, print), 0) == {"prompt": 3, "output": 2, "lost": 0}


def test_cost(store: Store, tmp_path: Path) -> None:
    journal = journal_of(store)
    journal.note("prices", **PriceSettings(prompt=1).model_dump())
    prices = PriceSettings(prompt=1000, output=5000, cached=100, per_engine_hour=3.6)
    journal.note("prices", **prices.model_dump())
    journal.note("usage", round=0, cached=2, estimated=0)
    journal.note("usage", round=0, cached=3, estimated=9)
    journal.note("engines", round=0, seconds=10.0)
    journal.note("engines", round=1, seconds=99.0)
    assert noted_prices(journal) == prices
    begin_round(store, {"pos": 2})
    add_requests(store, ["pos-0", "pos-1"], samples=2)
    add_rows(store, ["pos-0", "pos-1"], samples=2)
    add_verdicts(store, [verdict("pos-0"), verdict("pos-1"), verdict("pos-1", "rejected", 1)])
    # 6 prompt tokens, 5 of them cached; 8 output tokens and 7 lost ones; 10 seconds of engines
    cost = 0.001 + 0.0005 + 15 * 0.005 + 0.01
    assert cost_of(store, journal, 0) == pytest.approx(cost)
    metrics = round_metrics(store, journal, make_job(tmp_path), Round(0, {"pos": 2}, 2, None), "quota_met")
    assert metrics["cost"] == {
        "total": 0.0865,
        "per_accepted_row": 0.04325,
        "engine_hours": 0.0028,
        "estimated_tokens": 9,
    }
