"""Settings of `labelmill feed`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from generation.settings import Settings, Share


class FeedSettings(Settings):
    """What is picked of a pool, and what becomes of it. No part of a run's identity: each feed records its own."""

    take: int = Field(200, ge=1, description="rows that are picked of a pool")
    uncertain: Share = Field(0.4, description="share of them with the least margins of the student")
    disagrees: Share = Field(0.2, description="share on which student and seeds' own opinion disagree most")
    novel: Share = Field(0.2, description="share that lies furthest from all known rows and from one another")
    random: Share = Field(0.2, description="share drawn at random, which tells of the pool as a whole")
    per_source: float = Field(
        0.25, gt=0, le=1, description="most rows of one source, where the pool has a column of it"
    )
    noise: Share = Field(0.05, description="share of wrong labels among rows that join")
    scope_loss: float = Field(0.05, gt=0, lt=1, description="share of rows in scope that may be taken for out of scope")
    people: int = Field(50, ge=0, description="looks that people have for doubtful rows of a pool")
    lm: bool = Field(True, description="whether the LM is asked for labels, too")
    ways: int = Field(4, ge=1, le=16, description="ways in which it is asked: wordings and orders of labels")
    exemplars: int = Field(10, ge=0, description="seeds in each of its prompts")
    choices: int = Field(10, ge=2, description="labels that it chooses from: all, or those the student finds likeliest")

    @property
    def mix(self) -> dict[str, float]:
        """Share of each reason (denoise.picking)."""
        return {name: getattr(self, name) for name in ("random", "uncertain", "disagrees", "novel")}

    @model_validator(mode="after")
    def _shares_are_whole(self) -> Self:
        if abs(sum(self.mix.values()) - 1) > 1e-6:
            raise ValueError(f"random + uncertain + disagrees + novel must be 1; got {sum(self.mix.values()):g}")
        return self
