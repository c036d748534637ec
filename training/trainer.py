"""Training one student, step by step, on one worker or several; knows nothing of Ray.

trainer = StudentTrainer(job)
while not trainer.finished:
    trainer.step()
trainer.save()
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training.contrastive import is_judge
from training.device import CPU, mixed_precision
from training.evaluate import evaluate
from training.folders import atomic_folder, local_folder
from training.job import StudentJob, StudentResult, TrainingRow
from training.losses import weighted_cross_entropy
from training.optimiser import make_optimiser, rate_factor, set_rate
from training.order import global_batch
from training.probe import probe_head
from training.progress import Look, Progress
from training.resumable import Resumable
from training.students.sequence_classification import SequenceClassifier

Wrap = Callable[[nn.Module], nn.Module]


class StudentTrainer(Resumable):
    """A job's model, optimiser and progress. `parallelise` wraps the model for several workers (DDP)."""

    def __init__(self, job: StudentJob, device: torch.device = CPU, parallelise: Wrap = lambda model: model) -> None:
        super().__init__(device)
        self.job, self.settings = job, job.settings
        start = SequenceClassifier.start
        init_folder = local_folder(job.init_folder)
        self.student = start(init_folder, job.labels, self.settings.max_length, self.settings.seed).to(self.device)
        self.rows = job.examples()
        self.warm = is_judge(init_folder) and self._probe()
        self.parallel = parallelise(self.student)
        self.optimiser = make_optimiser(self.student)
        self.progress = Progress(job.key)
        self.kept: dict[str, Tensor] = {}  # the trainable weights at the best look
        self.ids = self.student.tokenizer.ids([row.text for row in self.rows])

    @property
    def finished(self) -> bool:
        return self.progress.step >= self.settings.steps or self.progress.stalled(self.settings.patience)

    def step(self) -> None:
        """Train on one global batch, and look at the dev rows when it is time."""
        if self.warm and self.progress.step == 0 and self.job.dev:
            self._look()  # where it starts may be as good as it gets
        began = time.perf_counter()
        places = global_batch(self.progress.step, self.settings.batch_size, len(self.rows), self.settings.seed)
        rate = self.settings.warm_learning_rate if self.warm else self.settings.learning_rate
        set_rate(self.optimiser, rate * rate_factor(self.progress.step, self.settings.steps))
        loss = self._loss(places)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.progress.step += 1
        self.progress.loss = loss.item()
        self.progress.seconds += time.perf_counter() - began
        if self.job.dev and (self.progress.step % self.settings.evaluate_every == 0 or self.finished):
            self._look()

    def run(self) -> StudentResult:
        """Train to the end in this process and write the output folder."""
        while not self.finished:
            self.step()
        return self.save()

    def save(self) -> StudentResult:
        """Write the best weights (without dev rows, the last) as a Hugging Face folder with training.json."""
        self._load(self.kept)
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
        )
        with atomic_folder(self.job.output) as scratch:
            self.student.save(scratch)
            result.write(scratch)
        return result

    def _probe(self) -> bool:
        targets = self._targets(self.rows).tolist()
        texts, weights = [row.text for row in self.rows], [row.weight for row in self.rows]
        return probe_head(self.student, texts, targets, weights, self.settings.judge_c)

    def _loss(self, places: Sequence[int]) -> Tensor:
        """This rank's share of the batch's loss; DDP averages gradients over ranks, hence the factor."""
        mine = places[self.rank :: self.world]
        weights = torch.tensor([self.rows[place].weight for place in mine], device=self.device)
        total = sum(self.rows[place].weight for place in places)
        with mixed_precision(self.device):
            batch = self.student.tokenizer.batch([self.ids[place] for place in mine])
            logits = self.parallel(batch.to(self.device))
        targets = self._targets([self.rows[place] for place in mine])
        return self.world * weighted_cross_entropy(logits, targets, weights, self.settings.label_smoothing, total)

    def _targets(self, rows: Sequence[TrainingRow]) -> Tensor:
        return torch.tensor([self.job.labels.index(row.label) for row in rows], device=self.device)

    def _look(self) -> None:
        """Measure the dev rows, and keep the weights if they are the best so far."""
        labels, dev = list(self.job.labels), self.job.dev
        logits = self.student.logits([row.text for row in dev])
        predicted = [labels[place] for place in logits.argmax(axis=1)]
        macro_f1 = evaluate([row.label for row in dev], predicted, labels)["macro_f1"]
        losses = cross_entropy(torch.from_numpy(logits), self._targets(dev).cpu(), reduction="none").numpy()
        error = losses.std(ddof=1) / np.sqrt(len(losses)) if len(losses) > 1 else 0.0
        look = [Look(self.progress.step, macro_f1, float(losses.mean()), float(error))]
        if self.world > 1:  # ranks on unlike hardware could differ in a bit and part ways
            dist.broadcast_object_list(look, device=self.device)
        self.progress.curve += look
        if self.progress.best == look[0]:
            self.kept = {name: value.detach().clone() for name, value in self._trainable().items()}

    def _trainable(self) -> dict[str, Tensor]:
        return {name: value for name, value in self.student.named_parameters() if value.requires_grad}

    def _load(self, weights: dict[str, Tensor]) -> None:
        self.student.load_state_dict(weights, strict=False)
