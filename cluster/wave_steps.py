"""What is done to the waves of a round: planned, and judged. The order is that of waves.py."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.budget import Budget
from cluster.job import Job
from cluster.journal import Journal
from cluster.metrics import cost_of, spent_tokens
from cluster.monitor import Monitor
from cluster.rounds import Round, accepted_per_label, is_met, next_counts
from cluster.sparse import sparse_rows
from cluster.store import RequestRef, Store
from denoise.pipeline import denoise_wave
from generation.location import Location
from generation.material import Material
from generation.plan import plan_wave
from training.folders import local_folder


class WaveSteps:
    """The steps of one round's waves, by the driver of an epoch; `judge_folder` tunes the judge when first wanted."""

    def __init__(
        self,
        job: Job,
        store: Store,
        journal: Journal,
        monitor: Monitor,
        now: Round,
        epoch: int,
        judge_folder: Callable[[], Location],
    ) -> None:
        self._job, self._store, self._journal, self._monitor = job, store, journal, monitor
        self._now, self._epoch, self._judge_folder = now, epoch, judge_folder

    def is_planned(self, wave: int) -> bool:
        """Whether a wave's requests are committed."""
        parts = self._store.parts(self._now.number, "requests")
        return any(part.endswith(f"part-w{wave:03d}.parquet") for part in parts)

    def open_requests(self, wave: int) -> Iterator[RequestRef]:
        """What is left to generate of a wave, which is the one to show from now on."""
        self._monitor.begin_wave(wave)
        return self._store.open_requests(self._now.number, wave)

    def plan(self, wave: int, judged: int) -> bool:
        """Commit a wave's requests from the verdicts on the waves before `judged`; False when none are wanted."""
        job, now = self._job, self._now
        counts = next_counts(self._store, now, job.generation.samples, judged)
        if not counts or self.budget().is_spent:
            return False
        plan = plan_wave(self._material, job.method, wave, counts)
        self._store.commit(now.number, "requests", f"w{wave:03d}", plan, job.run_id)
        return True

    def judge(self, wave: int) -> None:
        """Commit verdicts on the rows of a wave that have none."""
        rows = self._unjudged(wave)
        if rows.num_rows == 0:
            return
        judge, now = self._judge_folder(), self._now
        accepted = accepted_per_label(self._store, [now.number])
        remaining = {label: max(0, target - accepted[label]) for label, target in now.targets.items()}
        with self._journal.timed("denoise", now.number):
            verdicts = denoise_wave(
                rows,
                self._job.task,
                self._job.config.denoise,
                functools.partial(_load_judge, judge),
                self._store.kept(self._store.rounds()),
                remaining,
            )
            name = f"w{wave:03d}-d{self._epoch:04d}-{len(self._store.parts(now.number, 'verdicts')):03d}"
            self._store.commit(now.number, "verdicts", name, verdicts, self._job.run_id)

    def begin_judging(self, wave: int) -> None:
        """Show it where nothing else goes on."""
        self._monitor.judging()

    def end_judging(self, wave: int) -> None:
        """Show how many rows are kept."""
        self._monitor.judged()

    def stop_reason(self) -> str:
        """Why no more waves come."""
        if is_met(self._store, self._now):
            return "quota_met"
        budget = self.budget()
        if budget.is_spent or any(True for _ in self._store.open_requests(self._now.number)):
            return self._scarcest(budget)
        return "rows_exhausted"

    def budget(self) -> Budget:
        """What is left of the budgets."""
        config = self._job.config
        tokens, money = config.token_budget, config.cost_budget
        if tokens is not None:
            tokens = max(0, tokens - spent_tokens(self._store, self._journal))
        if money is not None:
            rounds = self._store.rounds()
            money = max(0.0, money - sum(cost_of(self._store, self._journal, each) for each in rounds))
        return Budget(tokens, money, config.prices, config.generation.max_tokens)

    @functools.cached_property
    def _material(self) -> Material:
        """The same for all waves of the round."""
        job, round_ = self._job, self._now.number
        sparse = sparse_rows(self._store, round_, job.generation, job.encoder_folder)
        return replace(job.material(round_), sparse=sparse)

    def _scarcest(self, budget: Budget) -> str:
        """The budget of which the smallest share is left."""
        config = self._job.config
        tokens = budget.tokens / config.token_budget if config.token_budget and budget.tokens is not None else 1.0
        money = budget.money / config.cost_budget if config.cost_budget and budget.money is not None else 1.0
        return "cost_budget" if money < tokens else "token_budget"

    def _unjudged(self, wave: int) -> pa.Table:
        rows = self._store.generated(self._now.number)
        rows = rows.filter(pc.equal(rows["wave"], wave))
        judged = self._store.verdicts(self._now.number)["id"].combine_chunks()
        return rows.filter(pc.invert(pc.is_in(rows["id"], judged)))


def _load_judge(folder: Location) -> Any:
    from training.contrastive import Judge

    return Judge.load(local_folder(folder))
