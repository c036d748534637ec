"""Settings of rounds: what ends a run, and what is held against a student. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from denoise.audit.assurance import Rate
from generation.settings import Settings


class StopSettings(Settings):
    """What ends a run before all its rounds are made, or a round for one label.

    Rates are shares, or strings such as "2%".
    """

    patience: int | None = Field(
        None, ge=1, description="rounds in a row whose student may be no better than the one before; none: any number"
    )
    noise: Rate | None = Field(None, description="estimated share of wrong labels that is low enough; none: go on")
    new_clusters: Rate | None = Field(
        None, description="least share of a round's kept rows that are unlike all earlier ones; none: any"
    )
    stubborn: float | None = Field(
        5.0,
        gt=1,
        allow_inf_nan=False,
        description="a round asks for no more of a label whose kept row takes so many times the rows of the median "
        "label's; none: it goes on",
    )
    hours: float | None = Field(None, gt=0, allow_inf_nan=False, description="most hours of work over the whole run")


class GuardSettings(Settings):
    """What is watched so that a model that learns from its own texts does not lose their variety."""

    drop: Rate = Field(0.25, description="fall of a measure of diversity since the first round that raises an alarm")
    alarm: Literal["warn", "hold"] = Field("warn", description="hold: the student of such a round is not promoted")
