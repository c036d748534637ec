"""When an engine is believed to serve an adapter."""

from __future__ import annotations

import pytest

from generation.adapters.manifest import Probe
from generation.adapters.proof import distance, find_fault

BASE = {1: -1.0, 2: -2.0, 3: -3.0}


def moved(by: float) -> dict[int, float]:
    return {token: logprob - by for token, logprob in BASE.items()}


def probe(by: float) -> Probe:
    return Probe(prompt=(5,), continuation=(1,), adapter=(moved(by), moved(by)), base=(BASE, BASE))


def fault(reference: float, adapted: float) -> str | None:
    return find_fault(probe(reference), [moved(adapted)] * 2, [BASE] * 2)


def test_distance_is_the_mean_over_tokens_and_positions() -> None:
    assert distance([BASE], [BASE]) == 0
    assert distance([BASE, BASE], [moved(0.5), moved(-1.5)]) == pytest.approx(1.0)


def test_a_token_that_one_side_does_not_tell_of_counts_as_its_least_likely() -> None:
    one, other = {1: -1.0, 2: -2.0}, {1: -1.5, 3: -4.0}
    assert distance([one], [other]) == pytest.approx((0.5 + abs(-2 - -4) + abs(-2 - -4)) / 3)
    assert distance([one], [other]) == distance([other], [one])


def test_a_good_adapter() -> None:
    assert fault(reference=1.0, adapted=1.15) is None


def test_the_base_model_in_the_adapters_place() -> None:
    assert fault(reference=1.0, adapted=0.01) == (
        "has no effect: with it, logprobs on its probe prompt differ by 0.010 from the base model's; 0.1 is the least"
    )


def test_another_adapter_in_its_place() -> None:
    assert fault(reference=1.0, adapted=0.7) == (
        "does not work as it was made: logprobs on its probe prompt differ by 0.300 from those in its adapter.json; "
        "0.2 is the most"
    )


def test_a_weak_adapter_must_come_closer_to_itself_than_to_the_base_model() -> None:
    assert fault(reference=0.2, adapted=0.12) is None
    found = fault(reference=-0.05, adapted=0.12)
    assert found is not None and found.endswith("differ by 0.170 from those in its adapter.json; 0.12 is the most")
