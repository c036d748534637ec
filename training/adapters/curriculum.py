"""What each step of training holds, as a function of the step alone."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cached_property

from generation.task import Example
from training.adapters.job import AdapterJob
from training.adapters.lessons import Lesson, Lessons
from training.branching import Document

STEP_TOKENS = 2048  # of a step's documents, so that a step of many labels is not longer than one of ten


class Curriculum:
    """The documents of a job: of every epoch's steps, and those that the held-out seeds are scored with."""

    def __init__(self, job: AdapterJob) -> None:
        self.job = job
        self._lessons = Lessons(job.task, job.method, job.model_folder, job.exemplars)
        held = job.held_out()
        self.held = _numbered([seed for label in job.labels for seed in held[label]])
        kept_back = {seed.id for label in job.labels for seed in held[label]}
        rows = [*(seed for label in job.labels for seed in job.task.seeds_of(label)), *job.rows]
        taught = {row.id: row for row in rows if row.id not in kept_back}
        self.taught = _numbered(list(taught.values()))
        self._epochs: dict[int, list[Document]] = {}

    def of(self, label: str) -> list[Lesson]:
        """The lessons of a label."""
        return [lesson for lesson in self.taught if lesson.label == label]

    @cached_property
    def steps(self) -> int:
        """Steps in all epochs: each has as many as the first."""
        return self.job.settings.epochs * self._per_epoch

    @cached_property
    def _per_epoch(self) -> int:
        documents = self._documents(0)
        return min(len(documents), math.ceil(sum(map(len, documents)) / STEP_TOKENS))

    def documents(self, step: int) -> list[Document]:
        """The documents of a step: every lesson once an epoch, in chains of its label in an order drawn anew.

        For a mixture an epoch shows some of a label's lessons as exemplars, and teaches the others.
        """
        epoch, place = divmod(step, self._per_epoch)
        if epoch not in self._epochs:
            self._epochs = {epoch: self._documents(epoch)}
        return self._epochs[epoch][place :: self._per_epoch]

    def held_documents(self) -> list[Document]:
        """Each held-out text as an answer to the prompt of each label, with the label's lessons as exemplars."""
        return self.under_each_label(self.held, self.job.labels)

    def plain_documents(self, label: str) -> list[Document]:
        """Each lesson as an answer to a label's prompt without exemplars."""
        return self._lessons.answers(label, [], self.taught)

    def under_each_label(self, lessons: Sequence[Lesson], labels: Sequence[str]) -> list[Document]:
        """Lessons as answers to the prompts of labels, with as many exemplars as a request has, none of their texts."""
        texts = {each.text for each in lessons}
        documents = []
        for label in labels:
            exemplars = [each for each in self.of(label) if each.text not in texts][: self.job.exemplars]
            documents += self._lessons.answers(label, exemplars, lessons)
        return documents

    def _documents(self, epoch: int) -> list[Document]:
        draw = random.Random(f"{self.job.settings.seed} {epoch}")
        documents = []
        for label in self.job.labels:
            lessons = self.of(label)
            order = draw.sample(lessons, len(lessons))
            if self.job.method.adapting == "mixture":
                documents += self._lessons.forks(order, draw.randrange(min(len(order), self.job.exemplars + 1)))
            else:
                documents += self._lessons.chains(order)
        draw.shuffle(documents)
        return documents


def _numbered(rows: Sequence[Example]) -> list[Lesson]:
    return [Lesson(row.text, str(row.label), number, row.attributes) for number, row in enumerate(rows)]
