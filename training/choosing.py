"""Which label an LM gives a text: the logprob of each label's name as the answer, asked in several ways.

The answer is one of the names and nothing else: no other token is ever looked at, so that a text can ask for whatever
it likes. Teacher-forced, as engines tell the logprobs of what they wrote only, and here all labels are to be compared.
What prompts begin with is computed once for many texts, and a text once for all labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from generation.choices import Way, choice_prompt, examples_among, ways_of
from generation.methods.pseudo_label import PseudoLabel
from generation.prefix import common_begin
from generation.task import Example, Task
from generation.tokens import encode_spans
from training.branching import Branch, Document, Target
from training.causal_lm import CausalLM, per_text
from training.device import CPU, best_device, prepare_process

MOST_TOKENS = 1024  # of a document: attention grows with its square


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

    def shown(self, labels: Sequence[str]) -> list[Example]:
        """The seeds that prompts about these labels show."""
        return examples_among(self.task.seeds, labels, self.exemplars)


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
        alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for row, labels in enumerate(among):
            alike[tuple(name for name in self.labels if name in labels)].append(row)
        for labels, rows in alike.items():
            columns = [self.labels.index(label) for label in labels]
            for way, table in zip(self.ways, found, strict=True):
                table[np.ix_(rows, columns)] = self._in(way, [texts[row] for row in rows], labels)
        return found

    @torch.inference_mode()
    def _in(self, way: Way, texts: Sequence[str], labels: Sequence[str]) -> np.ndarray:
        """Of texts that are asked about the same labels, float64 [texts, labels]."""
        sums = torch.zeros(len(texts) * len(labels))
        for _, layout in self._lm.batches(list(self._documents(way, texts, labels))):
            sums += per_text(self._lm.logprobs(layout), layout, len(sums))[0].cpu()
        return sums.double().numpy().reshape(len(texts), len(labels))

    def _documents(self, way: Way, texts: Sequence[str], labels: Sequence[str]) -> Iterator[Document]:
        spec = self.spec
        asked = replace(spec.task, labels=tuple(spec.task.label(name) for name in labels))
        seeds, folder = spec.shown(labels), spec.model_folder
        prompts = [choice_prompt(way, spec.method, asked, seeds, text) for text in [*texts, "a", "b"]]
        begin = common_begin(prompts)
        (stem, _), *_ = encode_spans(folder, [begin], spec.method.form.adds_special_tokens)
        ends = [tokens for tokens, _ in encode_spans(folder, [each[len(begin) :] for each in prompts], False)]
        answers = [tokens for tokens, _ in encode_spans(folder, [way.answer(label) for label in labels], False)]
        each, branches, length = sum(map(len, answers)), list[Branch](), len(stem)
        for row, end in enumerate(ends[: len(texts)]):
            if branches and length + len(end) + each > MOST_TOKENS:
                yield Document("", stem, branches)
                branches, length = [], len(stem)
            length += len(end) + each
            first = len(branches)
            branches.append(Branch(end, []))
            for place, tokens in enumerate(answers):
                branches.append(Branch(tokens, [Target(0, len(tokens), row * len(labels) + place)], first))
        if branches:
            yield Document("", stem, branches)
