"""What a run is said to cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.estimate import CPU_TOKENS_PER_SECOND, estimate
from generation.plan import Yield, requests_for
from tests.cluster.cases import make_job


@pytest.fixture(autouse=True)
def no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def test_figures(tmp_path: Path) -> None:
    generation = {"samples": 2, "exemplars": 0}
    figures = estimate(make_job(tmp_path, quota=10, rounds=3, token_budget=5000, generation=generation))
    requests = requests_for(10, Yield(), 2) * 2 * 3
    # prompts of 6 tokens ("Short remarks. pos: is glad 1."), seeds of 4, 3, 2 and 5
    seconds = 45 + requests * 7 / CPU_TOKENS_PER_SECOND + 3 * 110
    assert figures == {
        "labels": 2,
        "quota": 10,
        "rounds": 3,
        "requests": requests,
        "rows": requests * 2,
        "prompt_tokens": requests * 6,
        "output_tokens": requests * 7,
        "token_budget": 5000,
        "assumed_acceptance_rate": 0.6,
        "assumed_tokens_per_second": CPU_TOKENS_PER_SECOND,
        "minutes": round(seconds / 60, 1),
    }


def test_a_literal_method_costs_no_tokens(tmp_path: Path) -> None:
    figures = estimate(make_job(tmp_path, quota=10, generation={"method": "mix"}))
    assert (figures["requests"], figures["rows"]) == (2 * requests_for(10, Yield(), 1),) * 2
    assert (figures["prompt_tokens"], figures["output_tokens"]) == (0, 0)


def test_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = make_job(tmp_path, runtime={"engines": 2})
    assert estimate(two)["assumed_tokens_per_second"] == 2 * CPU_TOKENS_PER_SECOND
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert estimate(two)["assumed_tokens_per_second"] == 4000.0


def test_cost(tmp_path: Path) -> None:
    prices = {"prompt": 1.0, "output": 4.0, "per_engine_hour": 3.6}
    figures = estimate(make_job(tmp_path, quota=10, prices=prices, cost_budget=2.5, runtime={"engines": 2}))
    hours = figures["minutes"] / 60
    cost = figures["prompt_tokens"] / 1e6 + 4 * figures["output_tokens"] / 1e6 + 2 * 3.6 * hours
    assert figures["cost"] == pytest.approx(cost, rel=0.03)
    assert figures["cost_per_accepted_row"] == pytest.approx(figures["cost"] / 20, rel=0.01)
    assert figures["cost_budget"] == 2.5


def test_a_server(tmp_path: Path) -> None:
    server = {"url": "http://127.0.0.1:1/v1", "model": "m", "tokens_per_minute": 1200}
    figures = estimate(make_job(tmp_path, server=server, generation={"samples": 2, "exemplars": 0}))
    assert figures["assumed_tokens_per_second"] == 20
    # "Short remarks.\npos: is glad\n\n1." has 31 bytes, the other 30: eight tokens each, at four bytes a token
    assert figures["prompt_tokens"] == 8 * figures["requests"]
    assert estimate(make_job(tmp_path, server=server | {"tokens_per_minute": None}))["assumed_tokens_per_second"] == 500
