"""Turns what the flywheel and the pool report into `Progress` for the view, and into metrics."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from cluster.gauges import Figures
from cluster.live import Clock, View
from cluster.messages import Committed, PoolStatus
from cluster.progress import Progress
from cluster.rounds import Round, accepted_per_label, rows_left, yields_per_label
from cluster.store import Store

RATE_SECONDS = 20.0


class Monitor:
    """Holds the newest Progress; counts start anew with each round. `measure` is given a value for every metric.

    `stubborn` is that of the settings, for the time left.
    """

    def __init__(
        self,
        store: Store,
        view: View,
        clock: Clock = time.monotonic,
        measure: Callable[[Mapping[str, float]], None] = lambda values: None,
        stubborn: float | None = None,
    ) -> None:
        self._store, self._view, self._clock, self._measure = store, view, clock, measure
        self._figures = Figures()
        self._progress = Progress(0, 0, "starting")
        self._stubborn = stubborn
        self._judged, self._left = 0, 0.0
        self._points: deque[tuple[float, int, int]] = deque()

    def begin_round(self, now: Round) -> None:
        """Read what the round already has."""
        generated = self._store.generated(now.number, ["id"]).num_rows
        self._progress = Progress(now.number, 0, "starting", quota=now.targets, generated=generated)
        self._round = now
        self.judged()

    def begin_wave(self, wave: int) -> None:
        """The wave to show."""
        self._points.clear()
        self._progress = replace(self._progress, wave=wave)

    def stage(self, name: str) -> None:
        """The stage to show, at once."""
        self._show(stage=name)

    def committed(self, part: Committed) -> None:
        """An engine has committed a part."""
        self._figures.committed(part)
        self._show(generated=self._progress.generated + part.rows)

    def observe(self, status: PoolStatus) -> None:
        """About once a second while engines work, or wait for the verdicts that the next wave depends on."""
        self._figures.status = status
        self._points.append((self._clock(), status.produced, self._progress.generated))
        while len(self._points) > 2 and self._points[-1][0] - self._points[0][0] > RATE_SECONDS:
            self._points.popleft()
        (began, tokens, _), (ended, tokens_now, _) = self._points[0], self._points[-1]
        rate = (tokens_now - tokens) / (ended - began) if ended > began else 0.0
        self._show(
            stage="generating" if status.in_flight else "denoising" if status.awaits else self._progress.stage,
            in_flight=status.in_flight,
            output_tokens=status.produced,
            tokens_per_second=rate,
            lost_tokens=status.lost,
            eta_seconds=self._eta(),
        )

    def judging(self) -> None:
        """A wave is being judged; that is the stage where no engine is at work beside it."""
        if not self._progress.in_flight:
            self.stage("denoising")

    def judged(self) -> None:
        """A wave has its verdicts: read how many rows are kept."""
        accepted = accepted_per_label(self._store, [self._round.number])
        self._judged = self._store.verdicts(self._round.number).num_rows
        self._left = rows_left(yields_per_label(self._store, self._round), self._round, self._stubborn)
        rate = sum(accepted.values()) / self._judged if self._judged else None
        self._show(accepted=dict(accepted), acceptance_rate=rate)

    def _eta(self) -> float | None:
        """Seconds until the missing rows are generated at the present pace, and at the rates at which they are kept."""
        (began, _, rows), (ended, _, rows_now) = self._points[0], self._points[-1]
        if rows_now <= rows or not self._progress.acceptance_rate:
            return None
        waiting = self._progress.generated - self._judged
        return max(0.0, self._left - waiting) * (ended - began) / (rows_now - rows)

    def _show(self, **changes: object) -> None:
        self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]
        self._view.update(self._progress)
        self._measure(self._figures.of(self._progress))
