"""What a benchmark's A=VALUE options are read as."""

from __future__ import annotations

import pytest
import typer
from yardstick.options import changed

from training.settings import StudentSettings


def test_what_is_given_goes_before_what_is_usual() -> None:
    found = changed(StudentSettings, "--with", ["steps=7", "loss=generalised"], steps=9, seed=3)
    assert (found.steps, found.loss, found.seed) == (7, "generalised", 3)
    assert changed(StudentSettings, "--with", None) == StudentSettings()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("steps", "must be A=VALUE; got 'steps'"),
        ("steps=none", "steps: Input should be a valid integer"),
        ("speed=3", "speed: Extra inputs are not permitted; got '3'"),
    ],
)
def test_what_cannot_be_changed_is_refused(given: str, told: str) -> None:
    with pytest.raises(typer.BadParameter, match=told):
        changed(StudentSettings, "--with", [given])
