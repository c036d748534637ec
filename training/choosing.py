"""Which label an LM gives a text: the logprob of each label's name as the answer, asked in several ways.

The answer is one of the names and nothing else: no other token is ever looked at, so that a text can ask for whatever
it likes. Teacher-forced, as engines tell the logprobs of what they wrote only, and here all labels are to be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from generation.choices import Way, choice_prompt, examples_among, ways_of
from generation.methods.pseudo_label import PseudoLabel
from generation.task import Task
from generation.tokens import encode_spans
from training.branching import Branch, Document, Target
from training.causal_lm import CausalLM, per_text
from training.device import CPU, best_device, prepare_process


@dataclass(frozen=True)
class ChoiceSpec:
    """What is asked: about a task's labels, in a form's prompts, of an LM.

    `exemplars` is the number of seeds in each prompt, `ways` in how many ways it is asked.
    """

    task: Task
    method: PseudoLabel
    model_folder: Path
    exemplars: int = 10
    ways: int = 4


class LabelChooser:
    """The LM of a spec, loaded."""

    def __init__(self, spec: ChoiceSpec, on_gpu: bool = False) -> None:
        prepare_process()
        self.spec, self.labels = spec, spec.task.label_names
        self.ways = ways_of(spec.method.form.layout, spec.ways)
        self._lm = CausalLM.load(spec.model_folder, best_device() if on_gpu else CPU)

    def logprobs(self, texts: Sequence[str], among: Sequence[Sequence[str]]) -> np.ndarray:
        """Logprob of each label's name as the answer, float64 [ways, texts, labels].

        `among` names the labels that each text is asked about; the others are nan.
        """
        found = np.full((len(self.ways), len(texts), len(self.labels)), np.nan)
        for way, table in zip(self.ways, found, strict=True):
            table[:] = self._in(way, texts, among)
        return found

    @torch.inference_mode()
    def _in(self, way: Way, texts: Sequence[str], among: Sequence[Sequence[str]]) -> np.ndarray:
        cells = [(row, self.labels.index(label)) for row, labels in enumerate(among) for label in labels]
        numbers = {cell: number for number, cell in enumerate(cells)}
        documents = [self._document(way, row, texts[row], labels, numbers) for row, labels in enumerate(among)]
        sums = torch.zeros(len(cells))
        for _, layout in self._lm.batches(documents):
            sums += per_text(self._lm.logprobs(layout), layout, len(cells))[0].cpu()
        found = np.full((len(texts), len(self.labels)), np.nan)
        found[tuple(np.array(cells, np.int64).reshape(-1, 2).T)] = sums.double().numpy()
        return found

    def _document(
        self, way: Way, row: int, text: str, labels: Sequence[str], numbers: dict[tuple[int, int], int]
    ) -> Document:
        spec = self.spec
        asked = replace(spec.task, labels=tuple(label for label in spec.task.labels if label.name in labels))
        shown = examples_among(spec.task.seeds, asked.label_names, text, spec.exemplars)
        prompt = choice_prompt(way, spec.method, asked, shown, text)
        (stem, _), *_ = encode_spans(spec.model_folder, [prompt], spec.method.form.adds_special_tokens)
        answers = encode_spans(spec.model_folder, [way.answer(label) for label in asked.label_names], False)
        branches = [
            Branch(tokens, [Target(0, len(tokens), numbers[row, self.labels.index(label)])])
            for label, (tokens, _) in zip(asked.label_names, answers, strict=True)
        ]
        return Document("", stem, branches)
