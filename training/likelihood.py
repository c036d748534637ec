"""How likely an LM finds texts under labels: teacher-forced, as answers to the prompts that ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from generation.adapters.folder import Adapter
from generation.methods.base import Method
from generation.task import Task
from training.adapters.adaptation import logprobs
from training.adapters.lessons import Lesson, Lessons
from training.adapters.served import Served
from training.branching import Document
from training.causal_lm import CausalLM, per_text
from training.device import CPU, best_device, prepare_process


@dataclass(frozen=True)
class LikelihoodSpec:
    """What is asked: the task's prompts in a method's form, of a model with the adapters of labels.

    `exemplars` is the number of seeds in each prompt.
    """

    task: Task
    method: Method
    model_folder: Path
    adapters: Mapping[str, Adapter]
    exemplars: int


class LabelLikelihood:
    """The LM of a spec, loaded."""

    def __init__(self, spec: LikelihoodSpec, on_gpu: bool = False) -> None:
        prepare_process()
        self.labels = spec.task.label_names
        self._lm = CausalLM.load(spec.model_folder, best_device() if on_gpu else CPU)
        self._adaptation = Served(self._lm, spec.adapters)
        self._lessons = Lessons(spec.task, spec.method, spec.model_folder, spec.exemplars)
        self._shown = {
            label: [Lesson(seed.text, label, 0) for seed in spec.task.seeds_of(label)[: spec.exemplars]]
            for label in self.labels
        }

    def mean_logprobs(self, texts: Sequence[str], among: Sequence[Sequence[str]]) -> np.ndarray:
        """Mean logprob of a text's tokens under each label that it is to be compared for, float64 [texts, labels].

        `among` names those labels for each text; the others are nan.
        """
        found = np.full((len(texts), len(self.labels)), np.nan)
        for column, label in enumerate(self.labels):
            chosen = [place for place, labels in enumerate(among) if label in labels]
            if chosen:
                found[chosen, column] = self._under(label, [texts[place] for place in chosen])
        return found

    @torch.inference_mode()
    def _under(self, label: str, texts: Sequence[str]) -> np.ndarray:
        document = self._lessons.scored(label, self._shown[label], texts, range(len(texts)))
        sums, counts = torch.zeros(len(texts)), torch.zeros(len(texts))
        for part in self._batches(document):
            for layout, values in logprobs(self._lm, self._adaptation, part):
                more, number = per_text(values, layout, len(texts))
                sums += more.cpu()
                counts += number.cpu()
        return (sums / counts.clamp_min(1)).double().numpy()

    def _batches(self, document: Document) -> list[list[Document]]:
        """About a row each, four at a time."""
        parts = document.split()
        return [parts[start : start + 4] for start in range(0, len(parts), 4)]
