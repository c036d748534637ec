"""What may still be spent, in tokens, money and time, with all that is in flight counted at its most."""

from __future__ import annotations

import time

from cluster.prices import PriceSettings
from cluster.store import RequestRef


class Budget:
    """Tokens and money left; None is no limit. `hold` what goes out, `release` what comes back, `spend` what it cost.

    `max_tokens` is the length of the longest answer, by which a request's most tokens are told apart into prompt and
    output. From `until` on (time.monotonic) nothing goes out any more; what is in flight comes back.
    """

    def __init__(
        self,
        tokens: int | None = None,
        money: float | None = None,
        prices: PriceSettings | None = None,
        max_tokens: int = 0,
        until: float | None = None,
    ) -> None:
        self.tokens, self.money, self.until = tokens, money, until
        self.prices, self._max_tokens = prices or PriceSettings(), max_tokens
        self._tokens_held = 0
        self._money_held = 0.0

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.tokens == 0 or self.money == 0 or self.is_late

    @property
    def is_late(self) -> bool:
        """Whether its time is up."""
        return self.until is not None and time.monotonic() >= self.until

    def affords(self, request: RequestRef) -> bool:
        """Whether a request, at its most, fits in beside all that is in flight."""
        if self.is_late:
            return False
        if self.tokens is not None and self._tokens_held + request.most_tokens > self.tokens:
            return False
        return self.money is None or self._money_held + self.most_cost(request) <= self.money

    def hold(self, request: RequestRef) -> None:
        """A request goes out."""
        self._tokens_held += request.most_tokens
        self._money_held += self.most_cost(request)

    def release(self, request: RequestRef) -> None:
        """A request is in flight no longer."""
        self._tokens_held -= request.most_tokens
        self._money_held -= self.most_cost(request)
        if not self._tokens_held:
            self._money_held = 0.0  # nothing is in flight: no rounding error either

    def spend(self, tokens: int, cost: float = 0.0) -> None:
        """So much is gone."""
        if self.tokens is not None:
            self.tokens -= tokens
        if self.money is not None:
            self.money -= cost

    def most_cost(self, request: RequestRef) -> float:
        """Cost of a request whose answers are all of full length."""
        output = min(request.most_tokens, request.samples * self._max_tokens)
        return self.prices.of_tokens(request.most_tokens - output, output)
