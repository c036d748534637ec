from __future__ import annotations

import pyarrow as pa

from denoise.filters.perplexity import Perplexity
from tests.denoise.filters.cases import reasons

VALUES = [-2.0, -2.5, -3.0, -3.5, -4.0] * 4


def test_a_band_around_the_median() -> None:
    rule = Perplexity.of(pa.chunked_array([[*VALUES, None, float("nan")]]), 3)
    assert rule is not None
    assert (round(rule.low, 4), round(rule.high, 4)) == (-3 - 3 * 1.4826 * 0.5, -3 + 3 * 1.4826 * 0.5)
    likely = pa.array([-5.3, -5.2, -0.7, -0.8, None], pa.float64())
    assert reasons(rule, *"abcde", mean_logprob=likely) == ["improbable", None, "too_probable", None, None]


def test_no_band_of_few_or_equal_values() -> None:
    assert Perplexity.of(pa.array(VALUES[:19]), 3) is None
    assert Perplexity.of(pa.array([-1.0] * 40), 3) is None
    assert Perplexity.of(pa.nulls(40, pa.float64()), 3) is None
