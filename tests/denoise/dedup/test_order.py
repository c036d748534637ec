from __future__ import annotations

import random

import pytest

from denoise.dedup.order import total_order
from tests.denoise.cases import rows

IN_ORDER = [
    {"id": "z", "source": "human", "round": 3, "text": "t"},
    {"id": "y", "source": "seed", "round": 4, "text": "t", "mean_logprob": -0.1},
    {"id": "x", "round": 0, "wave": 1, "text": "t", "mean_logprob": -9.0},
    {"id": "w", "round": 1, "wave": 0, "text": "t", "mean_logprob": -1.0},
    {"id": "v", "round": 1, "wave": 0, "text": "longer", "mean_logprob": -2.0},
    {"id": "b", "round": 1, "wave": 0, "text": "short", "mean_logprob": -2.0},
    {"id": "c", "round": 1, "wave": 0, "text": "shore", "mean_logprob": -2.0},
    {"id": "a", "round": 1, "wave": 0, "text": "longest of all"},
    {"id": "0", "round": 1, "wave": 1, "text": "t", "mean_logprob": 0.0},
]


@pytest.mark.parametrize("seed", range(3))
def test_order(seed: int) -> None:
    shuffled = random.Random(seed).sample(IN_ORDER, len(IN_ORDER))
    assert total_order(rows(*shuffled))["id"].to_pylist() == [row["id"] for row in IN_ORDER]
