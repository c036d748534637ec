"""What tokens and engines cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from generation.settings import Settings

MILLION, HOUR = 1_000_000, 3600.0
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PriceSettings(Settings):
    """Prices, in any one currency; without any, no cost is shown."""

    prompt: Price = Field(0.0, description="a million prompt tokens")
    output: Price = Field(0.0, description="a million output tokens")
    cached: Price | None = Field(None, description="a million prompt tokens found in a cache; none: as prompt tokens")
    per_engine_hour: Price = Field(0.0, description="an hour of one engine, busy or not")

    def __bool__(self) -> bool:
        """Whether anything costs."""
        return bool(self.prompt or self.output or self.per_engine_hour)

    def of_tokens(self, prompt: int, output: int, cached: int = 0) -> float:
        """Cost of tokens; `cached` of the prompt tokens were in a cache."""
        cached_price = self.prompt if self.cached is None else self.cached
        return ((prompt - cached) * self.prompt + cached * cached_price + output * self.output) / MILLION

    def of_lost(self, tokens: int) -> float:
        """Cost of tokens of either kind, at its most."""
        return tokens * max(self.prompt, self.output) / MILLION

    def of_engines(self, seconds: float) -> float:
        """Cost of so many seconds of one engine."""
        return seconds / HOUR * self.per_engine_hour
