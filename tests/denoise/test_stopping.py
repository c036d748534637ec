"""Which figures end a run."""

from __future__ import annotations

import pytest

from denoise.gain import Gain
from denoise.round_settings import StopSettings
from denoise.stopping import Figures, Stop, stop_after

SOME, NONE = Gain(0.06, 0.02, 0.1, 200, 14, 2), Gain(0.01, -0.02, 0.04, 200, 6, 4)


def setting(rounds: list[Figures], **settings: float | str) -> str | None:
    stop = stop_after(rounds, StopSettings.model_validate(settings))
    return stop and stop.setting


@pytest.mark.parametrize(
    ("gains", "patience", "stops"),
    [
        ([None, NONE], 1, True),
        ([None, SOME], 1, False),
        ([None, NONE], 2, False),
        ([None, NONE, NONE], 2, True),
        ([None, NONE, SOME, NONE], 2, False),
        ([None, NONE, None, NONE], 2, False),  # of one round nothing is known
        ([None], 1, False),
        ([], 1, False),
    ],
)
def test_patience(gains: list[Gain | None], patience: int, stops: bool) -> None:
    assert setting([Figures(gain) for gain in gains], patience=patience) == ("patience" if stops else None)


@pytest.mark.parametrize(("noise", "stops"), [(0.02, True), (0.021, False), (None, False)])
def test_noise(noise: float | None, stops: bool) -> None:
    assert setting([Figures(noise=noise)], noise="2%") == ("noise" if stops else None)


@pytest.mark.parametrize(("share", "stops"), [(0.049, True), (0.05, False), (None, False)])
def test_new_clusters(share: float | None, stops: bool) -> None:
    assert setting([Figures(new_clusters=share)], new_clusters="5%") == ("new_clusters" if stops else None)


def test_without_settings_nothing_stops() -> None:
    assert setting([Figures(), Figures(NONE, 0.0, "judge", 0.0)]) is None


def test_in_words() -> None:
    rounds = [Figures(), Figures(NONE, 0.013, "audit", 0.031), Figures(NONE, 0.013, "audit", 0.031)]
    gain = "+1.0 points [-2.0, +4.0] on 200 rows"
    assert stop_after(rounds, StopSettings(patience=2)) == Stop(
        "patience", f"in each of the last 2 rounds the student's gain may be zero, last {gain}"
    )
    assert stop_after(rounds, StopSettings(patience=1)) == Stop(
        "patience", f"in the last round the student's gain may be zero, last {gain}"
    )
    assert stop_after(rounds, StopSettings(noise=0.02)) == Stop(
        "noise", "1.3% wrong labels are estimated (audit), 2.0% are enough"
    )
    assert stop_after(rounds, StopSettings(new_clusters=0.05)) == Stop(
        "new_clusters", "3.1% of its rows are unlike all earlier ones, less than 5.0%"
    )
