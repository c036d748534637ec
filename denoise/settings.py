"""Settings of denoising."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from denoise.filters.settings import FilterSettings
from generation.settings import Settings, Share


class DenoiseSettings(Settings):
    """What is kept."""

    min_words: int = Field(1, ge=1)
    max_words: int = Field(400, ge=1)
    max_repetition: Share = Field(0.4, description="largest share of repeated word trigrams")
    seed_copy: Share = Field(0.7, description="Jaccard similarity to a seed from which a row is a copy")
    near_duplicate: float = Field(0.6, gt=0, le=1, description="Jaccard similarity from which two rows are duplicates")
    semantic_duplicate: Share | None = Field(
        None,
        description="cosine similarity of embeddings from which two rows are duplicates, or more for a label whose own "
        "seeds are more alike; none: meanings are not compared",
    )
    target_noise: Share | None = Field(
        None, description="share of wrong labels to aim at; instead of the bars `accept` and `relabel`"
    )
    accept: Share = Field(0.2, description="least confidence of a judge that agrees, from chance (0) to certain (1)")
    lm_keeps: Literal["estimated", "usual"] = Field(
        "estimated",
        description="how often the LM keeps the label asked for, on which the judge leans: as a wave's rows tell, or "
        "as often as the embedded LM",
    )
    least_margin: float | None = Field(
        None, description="least label margin of a kept row, nats per token; none: any. See docs/denoise.md: it is slow"
    )
    rerank: Literal["judge", "margin"] = Field(
        "judge", description="whose sureness decides which rows go first where a quota is filled"
    )
    relabel: Share = Field(
        0.45, description="confidence, likewise, from which its other label replaces the intended one"
    )
    least_span: Share = Field(
        0.0, description="rows of tags whose most doubtful span is less sure are held; 0: doubts are written down alone"
    )
    filters: FilterSettings = FilterSettings()
    redact: bool = Field(
        False,
        description="put <email>, … in place of personal data in seeds and pool, before anything reads them",
    )
    bias: Literal["off", "warn", "pause"] = Field(
        "warn", description="what to do when labels hang on who is spoken of; pause: before the next wave"
    )

    @property
    def takes_margins(self) -> bool:
        """Whether label margins are computed."""
        return self.least_margin is not None or self.rerank == "margin"
