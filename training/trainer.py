"""Training one student, step by step, on one worker or several; knows nothing of Ray.

trainer = StudentTrainer(job)
while not trainer.finished:
    trainer.step()
trainer.save()
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from training.averaging import Averaged
from training.balance import balanced_each
from training.dev import DevRows
from training.device import CPU, memory_of, mixed_precision
from training.folders import atomic_folder, local_folder
from training.job import StudentJob, StudentResult
from training.losses import LOSSES, Loss, weighted_mean
from training.optimiser import make_optimiser, rate_factor, set_rate
from training.order import global_batch
from training.probe import by_loss, can_probe, logistic, probe_head
from training.progress import Progress
from training.resumable import Resumable
from training.search import choose_loss, usual_loss
from training.sharding import TRAINED, average_gradients, is_too_large, whole
from training.shares import soft_targets
from training.spec import StudentSpec
from training.students import NETWORKS
from training.teacher import holds_judge, teach

# cross-entropy, or cross-entropy and a term that has nothing to say before the first step
REGRESSED = ("cross_entropy", "label_smoothing", "early_learning")
Wrap = Callable[[nn.Module], nn.Module]


class StudentTrainer(Resumable):
    """A job's model, optimiser and progress. `parallelise` wraps a model that is whole for several workers (DDP)."""

    def __init__(
        self,
        job: StudentJob,
        device: torch.device = CPU,
        parallelise: Wrap = lambda model: model,
        dtype: torch.dtype | None = None,
    ) -> None:
        """`dtype` is what is computed in, by default what is fast."""
        super().__init__(device)
        self.job, self.settings, self.dtype = job, job.settings, dtype
        init_folder = local_folder(job.init_folder)
        start = NETWORKS[job.kind].start
        self.student = start(init_folder, job.labels, self.settings.max_length, self.settings.seed)
        sharded = self.world > 1 and self.agree(self._wants_shards())
        self.student.shard(self.device) if sharded else self.student.to(self.device)
        self.rows = job.examples()
        self.encoded = self.student.encode([self.student.input_of(row) for row in self.rows])
        self.targets = [self.student.targets(row, each) for row, each in zip(self.rows, self.encoded, strict=True)]
        self.soft = self._soft_targets()
        self.first = np.cumsum([0, *(len(each) for each in self.targets)])  # the place of each row's first choice
        self.warm = holds_judge(init_folder) and can_probe(self.student)
        self.counts = self._counts()
        self.loss: Loss | None = None  # made with the first step, or as a checkpoint has it
        self.parallel = self.student if sharded else parallelise(self.student)
        self.optimiser = make_optimiser(self.student, sharded)
        self.progress = Progress(job.key)
        self.kept: dict[str, Tensor] = {}  # the trainable weights at the best look
        self.averaged = Averaged(self.settings.ema)
        self.dev = DevRows(job, self.student)
        self.settled: tuple[StudentSpec, dict[str, Tensor] | None] | None = None  # how it is read, and its weights

    @property
    def finished(self) -> bool:
        return self.progress.step >= self.settings.steps or self.progress.stalled(self.settings.patience)

    def step(self) -> None:
        """Train on one global batch, and look at the dev rows when it is time."""
        if self.loss is None:
            self._begin()
        if self.warm and self.progress.step == 0 and self.job.dev:
            self._look()  # where it starts may be as good as it gets
        began = time.perf_counter()
        places = global_batch(self.progress.step, self.settings.batch_size, len(self.rows), self.settings.seed)
        rate = self.settings.warm_learning_rate if self.warm else self.settings.learning_rate
        set_rate(self.optimiser, rate * rate_factor(self.progress.step, self.settings.steps))
        loss = self._loss(places)
        self.optimiser.zero_grad()
        loss.backward()
        if self.student.is_sharded:
            average_gradients(self._trainable().values())
        self.optimiser.step()
        self.averaged.update(self._trainable(), self.progress.step)
        self.progress.step += 1
        self.progress.loss = self._of_all_ranks(loss.detach())
        self.progress.seconds += time.perf_counter() - began
        if self.job.dev and (self.progress.step % self.settings.evaluate_every == 0 or self.finished):
            self._look()

    def run(self) -> StudentResult:
        """Train to the end in this process and write the output folder."""
        while not self.finished:
            self.step()
        self.settle()
        return self.save()

    def settle(self) -> None:
        """Take the best weights (without dev rows, the last)."""
        self._load(self.kept or self.averaged.weights)
        spec, model = self.dev.spec(), self.student.model
        self.settled = spec, whole(model.state_dict(), self.rank == 0) if self.student.is_sharded else None

    def save(self) -> StudentResult:
        """Write what is settled as a Hugging Face folder with student.json."""
        assert self.settled is not None
        spec, weights = self.settled
        best, progress = self.progress.best, self.progress
        result = StudentResult(
            folder=self.job.output,
            steps=progress.step,
            best_step=best.step if best else progress.step,
            curve=tuple(progress.curve),
            loss=progress.loss,
            seconds=round(progress.seconds, 3),
            seconds_per_step=round(progress.seconds / max(1, progress.step), 4),
            seed=self.settings.seed,
            resumes=progress.resumes,
            loss_name=progress.loss_name,
            truncated=self.student.cut_share([self.student.input_of(row) for row in self.rows]),
        )
        with atomic_folder(self.job.output) as scratch:
            self.student.save(scratch, weights)
            spec.write(scratch)
            result.write(scratch)
        return result

    def _begin(self) -> None:
        """Before the first step: the loss, and a head that fits the encoder where that was tuned."""
        self.loss = self._make_loss()
        if self.warm:
            # regression has chosen the defaults of the whole system, and bears wrong labels (docs/students.md)
            plain = self.progress.loss_name in REGRESSED
            fit = logistic(self.student, self.settings.judge_c) if plain else by_loss(self.student, self._make_loss())
            targets = np.asarray(self.targets) if self.soft is None else self.soft.cpu().numpy()
            probe_head(self.student, [row.text for row in self.rows], targets, [row.weight for row in self.rows], fit)
        if self.world > 1:  # ranks on unlike hardware could differ in a bit
            for value in self._trainable().values():
                if not isinstance(value, DTensor):
                    dist.broadcast(value.detach(), 0)

    def _make_loss(self) -> Loss:
        """The settings' loss, or the one that is found for these rows."""
        usual, progress = usual_loss(self.warm), self.progress
        wanted = self.settings.loss or usual
        teacher = self._teacher() if wanted in ("auto", "soft_labels") else self._no_teacher()
        if not progress.loss_name:
            auto = wanted == "auto"
            name = [choose_loss(self.job, self.student, self.rows, teacher, usual) if auto else wanted]
            if self.world > 1:
                dist.broadcast_object_list(name, device=self.device)
            progress.loss_name = name[0]
        return LOSSES[progress.loss_name](self.settings, teacher)

    def _no_teacher(self) -> Tensor:
        return torch.full((int(self.first[-1]), self.student.ways), torch.nan, device=self.device)

    def _teacher(self) -> Tensor:
        """What the judge says of each choice of rows; the seeds, which are last, have labels of their own."""
        judged = [row for row in self.job.rows if row.weight > 0]
        taught, teacher = teach(self.job, [row.text for row in judged]), self._no_teacher()
        if taught is not None:
            told = self.student.choices_of(torch.from_numpy(taught)).float()
            teacher[: len(told)] = told.to(self.device)
        return teacher

    def share_of(self, places: Sequence[int]) -> Sequence[int]:
        """Which rows of a batch are this rank's."""
        return places[self.rank :: self.world]

    def _loss(self, places: Sequence[int]) -> Tensor:
        """This rank's share of the batch's loss; DDP averages gradients over ranks, hence the factor."""
        mine = self.share_of(places)
        with mixed_precision(self.device, self.dtype):
            logits = self.parallel(*self.student.collate([self.encoded[place] for place in mine]))
        choices = self._choices(mine)
        assert self.loss is not None
        losses = self.loss(
            self.student.choices(logits),
            self._targets(mine) if self.soft is None else self.soft[mine],
            torch.from_numpy(choices).to(self.device),
        )
        weights = torch.from_numpy(self.counts[choices]).float().to(self.device)
        return self.world * weighted_mean(losses, weights, float(self.counts[self._choices(places)].sum()))

    def _choices(self, places: Sequence[int]) -> np.ndarray:
        """The places of some rows' choices among all."""
        return np.concatenate([np.arange(self.first[place], self.first[place + 1]) for place in places])

    def _counts(self) -> np.ndarray:
        """What each choice counts, float64 [choices]: its row's weight.

        A fresh head of several labels would say for long that there is none, so that rare ones count as the others. A
        fitted one is balanced already, and learns here how often a label is.
        """
        weights = np.array([row.weight for row in self.rows])
        if self.student.link == "sigmoid" and not self.warm:
            return balanced_each(np.array(self.targets), weights).flatten()
        return np.repeat(weights, np.diff(self.first))

    def _of_all_ranks(self, loss: Tensor) -> float:
        """The batch's loss, of the ranks' shares of it."""
        if self.world > 1:
            dist.all_reduce(loss)
        return float(loss) / self.world

    def _wants_shards(self) -> bool:
        """Whether this rank would have the student shared out among all."""
        if self.settings.shard != "auto":
            return self.settings.shard == "always"
        parameters = sum(value.numel() for value in self.student.parameters())
        return is_too_large(TRAINED * parameters, torch.float32, memory_of(self.device))

    def _targets(self, places: Sequence[int]) -> Tensor:
        """The right one of each choice of some rows."""
        return torch.tensor([target for place in places for target in self.targets[place]], device=self.device)

    def _soft_targets(self) -> Tensor | None:
        """What may be right of the choice of each row; None where each has one right one."""
        soft = soft_targets(self.rows, self.student.columns, self.settings.share_power)
        return None if soft is None else torch.from_numpy(soft).float().to(self.device)

    def _look(self) -> None:
        """Measure the dev rows, and keep the weights if they are the best so far."""
        with self._with_averaged():
            look = [self.dev.look(self.progress.step)]
            if self.world > 1:  # ranks on unlike hardware could differ in a bit and part ways
                dist.broadcast_object_list(look, device=self.device)
            self.progress.curve += look
            if self.progress.best == look[0]:
                self.kept = {name: value.detach().clone() for name, value in self._trainable().items()}

    @contextlib.contextmanager
    def _with_averaged(self) -> Iterator[None]:
        """The averaged weights in the model's place, if there are any."""
        if not self.averaged.weights:
            yield
            return
        own = {name: value.detach().clone() for name, value in self._trainable().items()}
        self._load(self.averaged.weights)
        yield
        self._load(own)

    def _trainable(self) -> dict[str, Tensor]:
        return {name: value for name, value in self.student.named_parameters() if value.requires_grad}

    def _load(self, weights: dict[str, Tensor]) -> None:
        self.student.load_state_dict(self._as_trained(weights), strict=False)

    def _others(self) -> dict[str, Tensor]:
        averaged = {f"averaged/{name}": value for name, value in self.averaged.weights.items()}
        return averaged | {f"loss/{name}": value for name, value in (self.loss.state if self.loss else {}).items()}

    def _load_others(self, others: dict[str, Tensor]) -> None:
        if not self.progress.loss_name:
            return  # it had not begun
        self.loss = self._make_loss()
        parts: dict[str, dict[str, Tensor]] = {"averaged": {}, "loss": {}}
        for name, value in others.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = value.to(self.device)
        self.averaged.weights = self._as_trained(parts["averaged"])
        self.loss.state |= parts["loss"]
