"""From labelled texts to the documents that an LM is trained on: prompts exactly as an engine is asked them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from generation.combinations import phrases
from generation.methods.base import Method
from generation.task import Example, Task
from generation.tokens import encode_spans
from training.branching import Branch, Document, Target


class Lesson(NamedTuple):
    """A text that the LM learns to write under a label; `number` is its place among all of them.

    `attributes` are (dimension, value) pairs that it is asked for with.
    """

    text: str
    label: str
    number: int
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Lessons:
    """Documents of a task as a method asks for texts, with up to `exemplars` of the label in a prompt."""

    task: Task
    method: Method
    model_folder: Path
    exemplars: int

    def chains(self, lessons: Sequence[Lesson]) -> list[Document]:
        """Documents of one label in which each lesson has those before it as exemplars, so that all are learnt at once.

        Where a prompt with more exemplars does not begin with the one with fewer and its answer (a chat, a user's
        template, attributes), in text or in tokens, each lesson is a document of its own.
        """
        documents = []
        for start in range(0, len(lessons), self.exemplars + 1):
            part = lessons[start : start + self.exemplars + 1]
            prompts = [self._prompt(each.label, part[:place], each.attributes) for place, each in enumerate(part)]
            wholes = [prompt + self.method.form.answer(each.text) for prompt, each in zip(prompts, part, strict=True)]
            chain = None
            if all(after.startswith(before) for before, after in zip(wholes, prompts[1:], strict=False)):
                chain = self._chain(part, prompts, wholes)
            if chain is not None:
                documents.append(chain)
            else:
                for place, each in enumerate(part):
                    documents += self.answers(each.label, part[:place], [each])
        return documents

    def forks(self, lessons: Sequence[Lesson], shown: int) -> list[Document]:
        """The first `shown` lessons of one label as exemplars, and each of the others as an answer.

        For a mixture: its soft tokens are made from the whole prompt, which in a chain is another for every lesson.
        """
        documents = self.answers(lessons[0].label, lessons[:shown], lessons[shown:])
        return [part for document in documents for part in document.split()]

    def answers(self, label: str, exemplars: Sequence[Lesson], lessons: Sequence[Lesson]) -> list[Document]:
        """Lessons as answers to the prompts of a label: a document for those of the same attributes."""
        return [
            self.scored(
                label,
                exemplars,
                [each.text for each in lessons if each.attributes == attributes],
                [each.number for each in lessons if each.attributes == attributes],
                attributes,
            )
            for attributes in dict.fromkeys(each.attributes for each in lessons)
        ]

    def scored(
        self,
        label: str,
        exemplars: Sequence[Lesson],
        texts: Sequence[str],
        numbers: Sequence[int],
        attributes: Sequence[tuple[str, str]] = (),
    ) -> Document:
        """The prompt of a label with attributes, and each text as an answer to it."""
        prompt = self._prompt(label, exemplars, attributes)
        answers = [self.method.form.answer(text) for text in texts]
        specials = self.method.form.adds_special_tokens
        encoded = encode_spans(self.model_folder, [prompt + answer for answer in answers], specials)
        (stem, _), *_ = encode_spans(self.model_folder, [prompt], specials)
        branches = []
        for number, answer, (ids, ends) in zip(numbers, answers, encoded, strict=True):
            # as an engine would, from the prompt's own tokens on: those of the answer begin where the prompt ends
            if len(prompt) in ends:
                tokens = ids[sum(end <= len(prompt) for end in ends) :]
            else:  # the first word would swallow a space that ends the prompt
                tokens = encode_spans(self.model_folder, [answer], False)[0][0]
            branches.append(Branch(tokens, [Target(0, len(tokens), number)]))
        return Document(label, stem, branches, dict(attributes))

    def _chain(self, part: Sequence[Lesson], prompts: Sequence[str], wholes: Sequence[str]) -> Document | None:
        """None where a token reaches over the end of a prompt: an engine is asked other tokens."""
        (ids, ends), *_ = encode_spans(self.model_folder, [wholes[-1]], self.method.form.adds_special_tokens)
        if not {len(each) for each in (*prompts, *wholes)} <= set(ends):
            return None
        stem = sum(end <= len(prompts[0]) for end in ends)
        targets = []
        for each, prompt, whole in zip(part, prompts, wholes, strict=True):
            inside = [place for place, end in enumerate(ends) if len(prompt) < end <= len(whole)]
            targets.append(Target(inside[0] - stem, inside[-1] + 1 - stem, each.number))
        return Document(part[0].label, ids[:stem], [Branch(ids[stem:], targets)], dict(part[0].attributes))

    def _prompt(self, label: str, exemplars: Sequence[Lesson], attributes: Sequence[tuple[str, str]]) -> str:
        chosen = [Example(each.text, each.label) for each in exemplars]
        asked = phrases(self.task, dict(attributes))
        return self.method.prompt(self.task, self.task.label(label), chosen, attributes=asked)
