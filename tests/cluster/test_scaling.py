"""When another engine is worth its start, and when one can go."""

from __future__ import annotations

import pytest

from cluster.scaling import is_spare, wants_more


@pytest.mark.parametrize(
    ("engines", "starting", "most", "waiting", "wanted"),
    [
        (1, 0, 4, 255, False),
        (1, 0, 4, 256, True),
        (2, 0, 4, 511, False),
        (2, 0, 4, 512, True),
        (4, 0, 4, 10_000, False),
        (1, 1, 4, 10_000, False),
        (0, 0, 4, 256, True),
    ],
)
def test_more_engines(engines: int, starting: int, most: int, waiting: int, wanted: bool) -> None:
    assert wants_more(engines, starting, most, waiting, slots=64) is wanted


@pytest.mark.parametrize(
    ("engines", "waiting", "idle", "spare"),
    [(2, 0, 60.0, True), (2, 0, 59.0, False), (2, 1, 99.0, False), (1, 0, 99.0, False)],
)
def test_spare_engines(engines: int, waiting: int, idle: float, spare: bool) -> None:
    assert is_spare(engines, 1, waiting, idle) is spare
