"""What is done to the waves of a round: planned, and judged. The order is that of waves.py."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.budget import Budget
from cluster.checked import audited_rows
from cluster.hours import spent_hours
from cluster.job import Job
from cluster.journal import Journal
from cluster.known import known_rows
from cluster.material import material_of
from cluster.metrics import cost_of, spent_tokens
from cluster.monitor import Monitor
from cluster.prices import HOUR
from cluster.rounds import Round, accepted_per_label, is_met, kept_texts, next_counts
from cluster.sparse import sparse_rows
from cluster.steering import temperatures
from cluster.store import RequestRef, Store, adapter_folder
from cluster.tagged import spans_of
from denoise.diversity import distinct
from denoise.meanings import Meanings
from denoise.noise.calibration import seed_calibration
from denoise.noise.judging import SecondOpinion
from denoise.pipeline import denoise_wave
from generation.augment import flat_labels, join_plans, share_counts
from generation.location import Location
from generation.methods.base import Method
from generation.plan import plan_wave
from generation.task import Example, Task
from training.folders import local_folder

MARGIN_EXEMPLARS = 8  # seeds in each prompt that texts are scored with


class WaveSteps:
    """The steps of one round's waves, by the driver of an epoch; `judge_folder` tunes the judge when first wanted,
    None: there is none.
    """

    def __init__(
        self,
        job: Job,
        store: Store,
        journal: Journal,
        monitor: Monitor,
        now: Round,
        epoch: int,
        judge_folder: Callable[[], Location] | None,
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
        samples, stubborn = job.method.samples(job.generation), job.config.stop.stubborn
        counts = next_counts(self._store, now, samples, judged, stubborn)
        if not counts or self.budget().is_spent:
            return False
        decks = now.aim.decks if now.aim else {}
        material = replace(material_of(job, self._store, now.number), sparse=self._sparse, decks=decks)
        own, helped = self._shared(wave, judged, counts)
        steered = (
            temperatures(self._store, now, judged, job.shown, job.generation.temperature)
            if job.generation.steer
            else {}
        )
        plan = plan_wave(material, job.method, wave, own, steered)
        if job.augmenter and helped:
            # soft tokens were trained for prompts of the method's own
            loras = {label: each for label, each in material.adapters.items() if each.kind == "lora"}
            plan = join_plans(plan, plan_wave(replace(material, adapters=loras), job.augmenter, wave, helped, steered))
        if not plan.num_rows:
            return False  # there is nothing left to make texts from
        self._store.commit(now.number, "requests", f"w{wave:03d}", plan, job.run_id)
        return True

    def _shared(self, wave: int, judged: int, counts: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
        """A wave's requests per label, of the method and of the one that helps where rows are not varied."""
        job, helper = self._job, self._job.augmenter
        if helper is None or wave == 0:
            return dict(counts), {}
        seeds = {label: [seed.text for seed in job.shown.seeds_of(label)] for label in counts}
        kept = kept_texts(self._store, self._now, judged)
        flat = flat_labels({label: kept[label] for label in counts}, seeds, functools.partial(distinct, n=2))
        settings = job.generation
        samples = job.method.samples(settings), helper.samples(settings)
        return share_counts(counts, flat, settings.augment_share, *samples)

    def judge(self, wave: int) -> None:
        """Commit verdicts on the rows of a wave that have none."""
        rows = self._unjudged(wave)
        if rows.num_rows == 0:
            return
        now = self._now
        several = self._job.kind.has_several
        judge = self._judge_folder and functools.partial(_load_judge, self._judge_folder(), several)
        accepted = accepted_per_label(self._store, [now.number])
        remaining = {label: max(0, target - accepted[label]) for label, target in now.targets.items()}
        with self._journal.timed("denoise", now.number):
            verdicts = denoise_wave(
                rows,
                self._job.task,
                self._job.config.denoise,
                judge,
                self._store.kept([]),
                remaining,
                known=known_rows(self._store, self._job.run_id),
                load_likelihood=self._likelihood(),
                meanings=self._meanings(),
                second=self._second_opinion(),
                audited=None if several else audited_rows(self._store),
                banned=self._job.generation.banned,
                sets=self._job.shown.label_names if several else None,
                spans=spans_of(self._job, self._store),
            )
            name = f"w{wave:03d}-d{self._epoch:04d}-{len(self._store.parts(now.number, 'verdicts')):03d}"
            self._store.commit(now.number, "verdicts", name, verdicts, self._job.run_id)

    def _second_opinion(self) -> SecondOpinion | None:
        """The plain opinion, trusted as the seeds say; None where neither the noise nor the student asks for it."""
        job = self._job
        asked = job.config.denoise.target_noise is not None or job.learns_shares
        if not asked or self._judge_folder is None or job.kind.has_several:
            return None
        from training.plain import Plain

        folder = self._judge_folder()
        plain = Plain.read(folder)
        load = functools.partial(_load_plain, folder, job.encoder_folder, job.config.student.max_length)
        return SecondOpinion(load, seed_calibration(plain.probabilities, plain.targets))

    def _likelihood(self) -> Callable[[], Any] | None:
        """What loads the LM that label margins are taken with; None where nothing asks for them."""
        job = self._job
        if not job.config.denoise.takes_margins or job.model_folder is None:
            return None
        root, adapters = self._store.root, job.adapters
        return functools.partial(_load_likelihood, job.shown, job.method, job.model_folder, adapters, root)

    def _meanings(self) -> Meanings | None:
        """What semantic duplicates are found with; None where nothing asks for them."""
        if self._job.config.denoise.semantic_duplicate is None:
            return None
        load = functools.partial(_load_encoder, self._job.encoder_folder)
        return Meanings(load, self._store.kept(self._store.rounds()))

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
        return Budget(tokens, money, config.prices, config.generation.max_tokens, self._until())

    def _until(self) -> float | None:
        """When the hours are over, as time.monotonic tells it."""
        hours = self._job.config.stop.hours
        left = None if hours is None else hours - spent_hours(self._journal, time.time())
        return None if left is None else time.monotonic() + left * HOUR

    @functools.cached_property
    def _sparse(self) -> Mapping[str, tuple[Example, ...]]:
        """The same for all waves of the round; none where a row's text is not how prompts show it."""
        if not self._job.kind.is_written_as_text:
            return {}
        pairs = self._now.aim.pairs if self._now.aim else ()
        return sparse_rows(self._store, self._now.number, self._job.generation, self._job.encoder_folder, pairs)

    def _scarcest(self, budget: Budget) -> str:
        """The budget of which the smallest share is left; hours first, where they are over."""
        if budget.is_late:
            return "hours"
        config = self._job.config
        tokens = budget.tokens / config.token_budget if config.token_budget and budget.tokens is not None else math.inf
        money = budget.money / config.cost_budget if config.cost_budget and budget.money is not None else math.inf
        return "cost_budget" if money < tokens else "token_budget"

    def _unjudged(self, wave: int) -> pa.Table:
        rows = self._store.generated(self._now.number)
        rows = rows.filter(pc.equal(rows["wave"], wave))
        judged = self._store.verdicts(self._now.number)["id"].combine_chunks()
        return rows.filter(pc.invert(pc.is_in(rows["id"], judged)))


def _load_likelihood(task: Task, method: Method, model_folder: Path, adapters: Any, root: Location) -> Any:
    """With the run's own copies of the adapters, which every node sees."""
    from training.likelihood import LabelLikelihood, LikelihoodSpec

    placed = {
        label: replace(each, name=str(local_folder(adapter_folder(root, each.id)))) for label, each in adapters.items()
    }
    return LabelLikelihood(LikelihoodSpec(task, method, model_folder, placed, MARGIN_EXEMPLARS))


def _load_encoder(folder: Path) -> Any:
    from training.encoder import Encoder

    return Encoder.load(folder)


def _load_judge(folder: Location, several: bool) -> Any:
    from training.contrastive import Judge
    from training.one_vs_rest import SetJudge

    return (SetJudge if several else Judge).load(local_folder(folder))


def _load_plain(folder: Location, encoder_folder: Path, max_length: int) -> Any:
    from training.contrastive import Judge

    return Judge.load_plain(local_folder(folder), encoder_folder, max_length)
