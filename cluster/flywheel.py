"""The whole run in one place: seeds -> adapt -> generate -> denoise -> distil -> dataset, until the quotas are met.

Every step first looks at what is committed and does only the rest, so that running again is resuming.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Mapping
from dataclasses import asdict, replace

from cluster.adapters import place_adapters, taught_rows, train_adapters
from cluster.aiming import describe
from cluster.audit.noted import noted_assurance
from cluster.checked import checked_examples, may_be_shown
from cluster.dataset import discard_scratch
from cluster.deciding import decide
from cluster.distilling import Distilling
from cluster.feed.record import refuse_half_joined
from cluster.finishing import Finishing
from cluster.forgetting.pending import refuse_unfinished
from cluster.gauges import Gauges
from cluster.hours import BEGAN
from cluster.job import Job, check_identity
from cluster.journal import Journal
from cluster.lease import lease_of
from cluster.licences import noted_licences, unstated
from cluster.live import View
from cluster.messages import Committed
from cluster.metrics import noted_prices
from cluster.monitor import Monitor
from cluster.placement import gpus_in_reach
from cluster.pool import EnginePool
from cluster.report_page import write_report
from cluster.rounds import Round, current_round, last_round
from cluster.server_spec import ServerSpec
from cluster.session import ray_session
from cluster.shared import prove_seen
from cluster.spec import EngineSpec, most_engines, plan_engines, trainer_gpu
from cluster.store import Store
from cluster.top_up import counted_seeds
from cluster.watched_steps import WatchedSteps
from cluster.wave_steps import WaveSteps
from cluster.waves import Waves
from generation.adapters.folder import Adapter


class Flywheel:
    """One driver's work on one run directory."""

    def __init__(self, job: Job, store: Store, view: View) -> None:
        self.job, self.store = job, store
        self.journal = Journal(store.root, view.log)
        self.monitor = Monitor(store, view, measure=Gauges(job.config.name).record, stubborn=job.config.stop.stubborn)
        self.pool: EnginePool | None = None
        self.spec: EngineSpec | ServerSpec | None = None
        self.trainer_gpu = 0.0
        self.epoch = 0
        self.distilling = Distilling(job, store, self.journal, self.monitor)
        self.finishing = Finishing(job, store, self.journal, self.monitor, self.distilling.folders)

    def run(self) -> None:
        """Start or resume, and go on until nothing is left to do."""
        with lease_of(self.store.root) as lease:
            self.store.fence, self.epoch = lease.check, lease.epoch
            self._begin()
            now = self._next_round()
            if now is None:
                self.monitor.begin_round(last_round(self.store))
                self._say_why_not()
            else:
                with ray_session(self.job.config.runtime, self.job.run_id):
                    if self.job.config.runtime.address:
                        prove_seen(self.store.root)
                    self._turn(now)
            self.finishing.evaluate_again()
            write_report(self.store)
            self.monitor.stage("done")

    def _begin(self) -> None:
        discard_scratch(self.store)
        if self.store.exists:
            refuse_unfinished(self.store)
            refuse_half_joined(self.store)
            check_identity(self.job, self.store.run(), self.store.root)
        else:
            self.store.write_json("seeds.json", self.job.seeds_json())
            self.store.write_json("run.json", self.job.run_json())
        if self.job.config.prices != noted_prices(self.journal):
            self.journal.note("prices", **self.job.config.prices.model_dump())  # they may differ from run.json's
        if self.job.config.assurance != noted_assurance(self.store, self.journal):
            self.journal.note("assurance", **self.job.config.assurance.model_dump())
        if self.job.config.licences != noted_licences(self.store, self.journal):
            self.journal.note("licences", **self.job.config.licences.model_dump())
        self.journal.note(BEGAN, epoch=self.epoch)
        for warning in (*self.job.warnings, *unstated(self.job.config)):
            self.journal.say(f"warning: {warning}")

    def _planned_engines(self) -> EngineSpec | ServerSpec:
        """What engines are started with. Raises UserError when there is no room for them."""
        gpus, runtime = gpus_in_reach(), self.job.config.runtime
        spec = plan_engines(self.job, gpus)
        self.trainer_gpu = trainer_gpu(spec, most_engines(self.job.config, spec), gpus, runtime.least_workers)
        return spec

    def _next_round(self) -> Round | None:
        config, shown = self.job.config, self.job.shown
        return current_round(self.store, config, shown.label_names, counted_seeds(config, shown))

    def _turn(self, now: Round | None) -> None:
        """Rounds of the flywheel; the engines live through all of them."""
        try:
            while now is not None:
                self.monitor.begin_round(now)
                self._say_where_it_leans(now)
                self._adapt(now)
                stop_reason = self._generate_and_denoise(now)
                if stop_reason == "cost_budget":
                    self._stop_engines(now)
                self._distil(now)
                self.finishing.finish(now, stop_reason)
                now = self._next_round()
        finally:
            if self.pool is not None:
                self._stop_engines(last_round(self.store))

    # adapt

    def _adapt(self, now: Round) -> None:
        """Give labels their adapters of this round, and have engines for them."""
        if self.job.method.adapting is not None and not now.fed:
            self._planned_engines()  # no room for engines is told before anything is trained
            self.job = replace(self.job, adapters=self._trained_adapters(now))
        spec = place_adapters(self._planned_engines(), self.store.root)
        if self.pool is not None and _are_alike(spec, self.spec):
            return  # an engine reads an adapter that it does not know from the run
        if self.pool is not None:
            self._stop_engines(now)  # what lies in their weights is another round's
        self.spec = spec
        self.pool = self._new_pool(spec)

    def _trained_adapters(self, now: Round) -> dict[str, Adapter]:
        output = self.store.folder(now.number, "adapters")
        self.monitor.stage("training adapters")
        is_text = self.job.kind.is_written_as_text
        checked = checked_examples(self.store, now.number) if is_text else ()
        kept = may_be_shown(self.store, self.store.kept(range(now.number) if is_text else []))
        rows = taught_rows(self.job, kept, checked)
        asleep = self.pool.asleep() if self.pool is not None else contextlib.nullcontext()
        with self.journal.timed("adapt", now.number), asleep:
            trained = train_adapters(self.job, output, self.store.root / "training", self.trainer_gpu, rows)
        left = [label for label in self.job.shown.label_names if label not in trained]
        if left:
            self.journal.say(f"round {now.number}: adapters without effect are left out: {', '.join(left)}")
        return trained

    def _new_pool(self, spec: EngineSpec | ServerSpec) -> EnginePool:
        return EnginePool(
            spec,
            self.job.config.engines,
            self.store,
            self.job.run_id,
            self.epoch,
            template=self.job.template,
            observe=self.monitor.observe,
            log=self.journal.say,
            lost=lambda tokens: self.journal.note("lost", round=self.store.rounds()[-1], tokens=tokens),
            most=most_engines(self.job.config, spec),
            ready=lambda up: self.journal.note("engine", name=str(up.name), pids=up.pids, seconds=up.seconds),
        )

    # generate and denoise, wave by wave

    def _generate_and_denoise(self, now: Round) -> str:
        """Waves until the targets are met, each judged while engines work on the next; returns why they stopped.

        The reason is committed: the student and the dataset of a round are made once, from the rows it had then, even
        if a budget has grown when a killed driver's round is taken up again.
        """
        record = f"rounds/{now.number:03d}/stop.json"
        self._say_what_is_reused(now)
        if stopped := self.store.read_json(record):
            return stopped["reason"]
        judge = functools.partial(self.distilling.judge, now, self.trainer_gpu) if self.job.kind.has_judge else None
        steps = WatchedSteps(self.job, self.store, self.journal, self.monitor, now, self.epoch, judge)
        waves = Waves(steps, self._answered)
        try:
            self._generate(now, waves, steps)
            waves.judge_the_rest()
        finally:
            waves.close()
        reason = steps.stop_reason()
        self.store.write_json(record, {"reason": reason})
        return reason

    def _generate(self, now: Round, waves: Waves, steps: WaveSteps) -> None:
        if (first := waves.first()) is None:
            return
        pool = self._started_pool(now)
        self.monitor.stage("generating")
        with self.journal.timed("generate", now.number):
            try:
                for part in pool.generate(itertools.chain([first], waves), steps.budget()):
                    self.monitor.committed(part)
                    self._note_usage(now, part)
                    waves.advance()
            finally:
                self.monitor.observe(pool.status())
                self.journal.note("pool", round=now.number, **asdict(pool.usage))
                self._note_engine_time(now)

    def _note_usage(self, now: Round, part: Committed) -> None:
        """What a part's cost depends on and its rows do not tell."""
        if part.estimated or (part.cached_tokens and self.job.config.prices.cached is not None):
            told = {"cached": part.cached_tokens, "estimated": part.estimated}
            self.journal.note("usage", round=now.number, **told)

    def _answered(self) -> Mapping[str, int]:
        return {} if self.pool is None else self.pool.answered

    # distil

    def _distil(self, now: Round) -> None:
        assert self.pool is not None
        self.distilling.distil(now, self.trainer_gpu, self.pool.asleep())
        self._note_engine_time(now)

    # what is left

    def _started_pool(self, now: Round) -> EnginePool:
        """The engines, started when first needed; the judge is tuned while they load."""
        assert self.pool is not None
        if not self.pool.is_started:
            self.monitor.stage("starting engine")
            self.pool.begin_start()
            if self.job.kind.has_judge:
                self.distilling.judge(now, self.trainer_gpu)
                self.monitor.stage("starting engine")
            with self.journal.timed("start", now.number):
                self.pool.start()
        return self.pool

    def _note_engine_time(self, now: Round) -> None:
        """For the cost of a round: the time since the last note that engines have been up."""
        assert self.pool is not None
        seconds = self.pool.take_engine_seconds()
        if self.job.config.prices and seconds:
            self.journal.note("engines", round=now.number, seconds=round(seconds, 3))

    def _stop_engines(self, now: Round) -> None:
        """No more is asked of them, and their hours cost."""
        assert self.pool is not None
        self.pool.stop()
        self._note_engine_time(now)

    def _say_where_it_leans(self, now: Round) -> None:
        if now.aim and (told := describe(now.aim, now.targets)):
            self.journal.say(f"round {now.number} aims at {told}")

    def _say_why_not(self) -> None:
        """A finished run has nothing to do: by what it ended, and what to raise."""
        found = decide(self.store, self.store.rounds()[-1], self.job.config)
        why = "the run is finished" if found.stop in (None, "rounds") else found.why
        self.journal.say(f"nothing left to do: {why}; raise {found.setting or 'quota or rounds'} for more")

    def _say_what_is_reused(self, now: Round) -> None:
        rows, parts = self.store.generated(now.number, ["id"]).num_rows, self.store.parts(now.number, "generated")
        if rows:
            left = sum(1 for _ in self.store.open_requests(now.number))
            judged = self.store.verdicts(now.number).num_rows
            self.journal.say(
                f"resumed round {now.number}: {rows} rows in {len(parts)} parts reused, {judged} of them judged, "
                f"{left} requests left"
            )


def _are_alike(one: EngineSpec | ServerSpec, other: EngineSpec | ServerSpec | None) -> bool:
    """Whether engines of the one do for the other: the same weights, and room for the same kinds of adapters."""
    if not isinstance(one, EngineSpec) or not isinstance(other, EngineSpec):
        return True
    return one.engine_args() == other.engine_args()
