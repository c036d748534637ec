"""CTRL's penalised sampling (Keskar et al. 2019) on generated tokens: arithmetic and bookkeeping, without vLLM."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch


@dataclass
class Row:
    """A row of a batch: its penalty and its generated tokens.

    `output` is the engine's own list, which grows. At its end, -1 stands for a token that is not known yet: an engine
    may schedule a step before the one before has been read.
    """

    theta: float
    output: list[int]
    tokens: array[int] = field(default_factory=lambda: array("q"))

    def catch_up(self) -> None:
        """Take over what has become known since, or drop what the engine took back."""
        del self.tokens[len(self.output) :]
        self.tokens.extend(token for token in self.output[len(self.tokens) :] if token >= 0)


def seen(rows: Mapping[int, Row]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What `penalise` takes for one or more rows, by their places in the batch; a token may come more than once."""
    lengths = [len(row.tokens) for row in rows.values()]
    tokens = np.concatenate([np.asarray(row.tokens) for row in rows.values()])
    places = np.repeat(np.fromiter(rows, np.int64, len(rows)), lengths)
    thetas = np.repeat(np.array([row.theta for row in rows.values()], np.float32), lengths)
    return torch.from_numpy(places), torch.from_numpy(tokens), torch.from_numpy(thetas)


def penalise(logits: torch.Tensor, places: torch.Tensor, tokens: torch.Tensor, thetas: torch.Tensor) -> torch.Tensor:
    """Logits float [rows, vocabulary], changed in place: those of seen tokens are divided by theta, 1 or more.

    `places` and `tokens` int64 [m] name the seen tokens, `thetas` float [m] their penalties. The paper divides all
    logits alike, which would make a token with a negative one likelier; so negative ones are multiplied instead. Tokens
    that are ruled out (-inf) stay so. Temperature may be applied before or after: both are factors.
    """
    values = logits[places, tokens]
    logits[places, tokens] = torch.where(values > 0, values / thetas, values * thetas)
    return logits
