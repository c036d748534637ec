"""What came when: the record of one contender's work, and the figures drawn from it."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

STEADY = (0.2, 0.8)  # the share of tokens between which an engine is neither filling nor draining


@dataclass
class Trace:
    """`points` are (seconds since the first request was given, tokens so far, rows so far), in time.

    `ready_seconds` is what loading took before that, `latencies` the seconds from giving to having of rows where the
    contender tells them row by row, `busy` the share of the engines' time that they had work, where it is known.
    """

    ready_seconds: float = 0.0
    points: list[tuple[float, int, int]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    busy: float | None = None
    error: str | None = None

    def dump(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Trace:
        return cls(**json.loads(path.read_text()))

    @property
    def end_to_end(self) -> tuple[float, float]:
        """Tokens and rows a second, loading included."""
        seconds, tokens, rows = self.points[-1]
        return tokens / (self.ready_seconds + seconds), rows / (self.ready_seconds + seconds)

    @property
    def throughout(self) -> float:
        """Tokens a second from the first request to the last row, filling and draining included."""
        seconds, tokens, _ = self.points[-1]
        return tokens / seconds

    @property
    def steady(self) -> tuple[float, float]:
        """Tokens and rows a second between the STEADY shares of all tokens."""
        first, last = (self._reached(share * self.points[-1][1]) for share in STEADY)
        seconds = last[0] - first[0]
        return (last[1] - first[1]) / seconds, (last[2] - first[2]) / seconds

    def latency(self, share: float) -> float | None:
        """The latency that this share of rows stays under, seconds."""
        if len(self.latencies) < 2:
            return None
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[round(share * 100) - 1]

    def _reached(self, tokens: float) -> tuple[float, float, float]:
        """When so many tokens were there, and how many rows then, between the two points around it."""
        before = (0.0, 0, 0)
        for point in self.points:
            if point[1] >= tokens:
                share = (tokens - before[1]) / (point[1] - before[1]) if point[1] > before[1] else 1.0
                return before[0] + share * (point[0] - before[0]), tokens, before[2] + share * (point[2] - before[2])
            before = point
        return before
