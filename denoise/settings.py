"""Settings of denoising."""

from __future__ import annotations

from pydantic import Field

from generation.settings import Settings, Share


class DenoiseSettings(Settings):
    """What is kept."""

    min_words: int = Field(2, ge=1)
    max_words: int = Field(120, ge=1)
    max_repetition: Share = Field(0.3, description="largest share of repeated word trigrams")
    seed_copy: Share = Field(0.7, description="Jaccard similarity to a seed from which a row is a copy")
    near_duplicate: Share = Field(0.6, description="Jaccard similarity from which two rows are duplicates")
    accept: Share = Field(0.3, description="least judge probability of the intended label when the judge agrees")
    relabel: Share = Field(0.5, description="judge probability from which another label replaces the intended one")
