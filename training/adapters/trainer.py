"""Training the adapters of a job, step by step, on one worker or several; knows nothing of Ray.

trainer = AdapterTrainer(job)
while not trainer.finished:
    trainer.step()
trainer.save()
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.optim import AdamW

from generation.adapters.seal import seal_adapters
from generation.errors import Fault
from training.adapters.adaptation import logprobs
from training.adapters.build import build_adaptation
from training.adapters.contrast import contrast_loss, label_contrast
from training.adapters.curriculum import Curriculum
from training.adapters.job import AdapterJob, AdapterResult
from training.adapters.ranks import add_up, shares, wants_shards
from training.adapters.weights import token_weights
from training.branching import Document, Layout
from training.causal_lm import CausalLM
from training.device import CPU
from training.folders import atomic_folder
from training.optimiser import rate_factor
from training.progress import Look, Progress
from training.resumable import Resumable


class AdapterTrainer(Resumable):
    """A job's frozen LM, its adaptation, optimiser and progress; of several workers, each adds up all gradients."""

    def __init__(self, job: AdapterJob, device: torch.device = CPU, dtype: torch.dtype | None = None) -> None:
        """`dtype` is what the LM is kept and computed in, by default what is fast."""
        super().__init__(device)
        self.job, self.settings = job, job.settings
        torch.manual_seed(self.settings.seed)
        sharded = self.world > 1 and self.agree(wants_shards(self.settings, job.model_folder, device))
        self.lm = CausalLM.load(job.model_folder, device, self.settings.four_bit, sharded, dtype)
        self.curriculum = Curriculum(job)
        strength = self.settings.discriminative
        self.token_weights = token_weights(self.lm, self.curriculum, strength) if strength else None
        self.adaptation = build_adaptation(job, self.lm)
        groups = [(list(parameters), rate) for parameters, rate in self.adaptation.rates()]
        self.optimiser = AdamW(
            [{"params": parameters, "peak": rate, "weight_decay": 0.0} for parameters, rate in groups if parameters]
        )
        self.progress = Progress(job.key)
        self.kept: dict[str, Tensor] = {}  # the trained parameters at the best look

    @property
    def finished(self) -> bool:
        return self.progress.step >= self.curriculum.steps or self.progress.stalled(self.settings.patience)

    def step(self) -> None:
        """Train on the documents of one step, and look at the held-out seeds when it is time."""
        began = time.perf_counter()
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * rate_factor(self.progress.step, self.curriculum.steps)
        self.optimiser.zero_grad()
        self.progress.loss = self._backward(self.curriculum.documents(self.progress.step))
        self._refuse_divergence(self.progress.loss)
        self.optimiser.step()
        self.progress.step += 1
        self.progress.seconds += time.perf_counter() - began
        if self.curriculum.held and (self.progress.step % self.settings.evaluate_every == 0 or self.finished):
            self._look()

    def save(self) -> AdapterResult:
        """Write the best adapters (without held-out seeds, the last), each sealed on a prompt of its own label."""
        self._load(self.kept)
        best, progress = self.progress.lowest, self.progress
        with atomic_folder(self.job.output) as scratch:
            folders = self.adaptation.save(scratch)
            labels = {folder: label for label, folder in folders.items()}
            sealed = seal_adapters(
                {each: self._probe(labels[each]) for each in labels}, self.job.model_folder, lenient=True
            )
            result = AdapterResult(
                folder=self.job.output,
                adapters={label: folder.name for label, folder in folders.items() if folder in sealed},
                without_effect=tuple(label for label, folder in folders.items() if folder not in sealed),
                steps=progress.step,
                best_step=best.step if best else progress.step,
                curve=tuple(progress.curve),
                seconds=round(progress.seconds, 3),
                resumes=progress.resumes,
            )
            result.write(scratch)
        return result

    def _backward(self, documents: Sequence[Document]) -> float:
        """Gradients of the mean loss over all targets of the step, each rank with its share of the documents."""
        total = sum(each.targets for each in documents)
        loss = 0.0
        for mine, share in shares(self.adaptation, documents, self.rank, self.world, self.lm.is_sharded):
            for layout, found in logprobs(self.lm, self.adaptation, mine):
                part = -share * (found * self._weights(layout)).sum() / total
                part.backward()
                loss += part.item()
        if self.settings.contrast:  # the same on every rank
            draw = random.Random(f"{self.settings.seed} {self.progress.step}")
            weight = self.settings.contrast / self.world
            loss += contrast_loss(self.lm, self.adaptation, self.curriculum, draw, weight)
        return add_up(self.adaptation.parameters(), loss, self.device) if self.world > 1 else loss

    def _weights(self, layout: Layout) -> Tensor | float:
        if self.token_weights is None:
            return 1.0
        texts = torch.unique_consecutive(layout.texts).tolist()
        return torch.cat([self.token_weights[text] for text in texts])

    def _look(self) -> None:
        """Measure the held-out seeds, and keep the parameters if the label contrast is the best so far."""
        accuracy, loss, error = label_contrast(self.lm, self.adaptation, self.curriculum)
        self._refuse_divergence(loss)
        look = [Look(self.progress.step, accuracy, loss, error)]
        if self.world > 1:
            dist.broadcast_object_list(look, device=self.device)
        self.progress.curve += look
        if self.progress.lowest == look[0]:
            self.kept = {name: value.detach().clone() for name, value in self._trainable().items()}

    def _refuse_divergence(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise Fault(f"adapters diverged at step {self.progress.step}: lower adapt.lora_rate or adapt.prompt_rate")

    def _probe(self, label: str) -> tuple[str, str]:
        """A prompt of the label with two exemplars, and the label."""
        seeds = self.job.task.seeds_of(label)[:2]
        return self.job.method.prompt(self.job.task, self.job.task.label(label), seeds), label

    def _trainable(self) -> dict[str, Any]:
        return dict(self.adaptation.named_parameters())

    @torch.no_grad()
    def _load(self, weights: dict[str, Tensor]) -> None:
        for name, value in self.adaptation.named_parameters():
            if name in weights:
                value.copy_(weights[name])
