"""The group `licences` of task.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from generation.settings import Settings

Licence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class LicenceSettings(Settings):
    """Licences, for the cards of what is exported: SPDX names such as MIT, hubs' names, or own."""

    generator: Licence | None = Field(
        None, description="of `model`, or the terms of the server; demanded at export, but for the embedded LM"
    )
    adapters: Licence | None = Field(None, description="of adapters that were brought; demanded at export")
    seeds: Licence | None = Field(None, description="none: not told")
    pool: Licence | None = Field(None, description="none: not told")
    encoder: Licence | None = Field(None, description="of `student.model`; the embedded one's is known")
