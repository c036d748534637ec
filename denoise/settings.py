"""Settings of denoising."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from generation.settings import Settings, Share


class DenoiseSettings(Settings):
    """What is kept."""

    min_words: int = Field(2, ge=1)
    max_words: int = Field(120, ge=1)
    max_repetition: Share = Field(0.3, description="largest share of repeated word trigrams")
    seed_copy: Share = Field(0.7, description="Jaccard similarity to a seed from which a row is a copy")
    near_duplicate: float = Field(0.6, gt=0, le=1, description="Jaccard similarity from which two rows are duplicates")
    accept: Share = Field(0.2, description="least confidence of a judge that agrees, from chance (0) to certain (1)")
    least_margin: float | None = Field(
        None, description="least label margin of a kept row, nats per token; none: any. See docs/denoise.md: it is slow"
    )
    rerank: Literal["judge", "margin"] = Field(
        "judge", description="whose sureness decides which rows go first where a quota is filled"
    )
    relabel: Share = Field(
        0.45, description="confidence, likewise, from which its other label replaces the intended one"
    )

    @property
    def takes_margins(self) -> bool:
        """Whether label margins are computed."""
        return self.least_margin is not None or self.rerank == "margin"
