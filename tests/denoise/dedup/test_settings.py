from __future__ import annotations

from typing import Any

import pytest

from denoise.dedup.settings import DedupSettings
from generation.errors import UserError


@pytest.mark.parametrize(
    ("threshold", "rows"), [(0.1, 1), (0.5, 3), (0.6, 5), (0.65, 6), (0.8, 11), (0.95, 16), (1, 16)]
)
def test_bands_are_as_selective_as_the_threshold_allows(threshold: float, rows: int) -> None:
    settings = DedupSettings(threshold=threshold)
    assert settings.rows == rows
    assert settings.caught(threshold) >= (0.85 if threshold > 0.1 else 0.9)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"shingle": "bytes"}, "--shingle: must be words or characters; got 'bytes'"),
        ({"ngram": 0}, "--ngram: must lie between 1 and 16; got 0"),
        ({"threshold": 0}, "--threshold: must be above 0 and at most 1; got 0"),
        ({"threshold": 1.5}, "--threshold: must be above 0 and at most 1; got 1.5"),
    ],
)
def test_refusals(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        DedupSettings(**wrong)
